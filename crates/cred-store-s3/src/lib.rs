//! Typed JSON documents with compare-and-swap in S3 and other object stores.
//!
//! A document is one object, small (up to 1 MiB), and replaced only as a whole. Whoever replaces it says which version it
//! was read at, and is told [`Conflict`](StoreError::Conflict) if somebody else was faster:
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use cred_store_s3::{DocumentStore, DocumentStoreExt, Environment, Precondition, S3StoreBuilder};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Default, Deserialize, Serialize)]
//! struct Settings {
//!     theme: String,
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Region, endpoint and keys come from AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, …
//! let env = Environment::from_process();
//! let store = S3StoreBuilder::new("acme-settings").with_prefix("prod/").with_environment(&env).build()?;
//! let name = "settings.json".parse()?;
//!
//! // Read, change, compare and swap; again if another instance was faster.
//! store
//!     .update_json(&name, |settings: Option<Settings>| {
//!         let mut settings = settings.unwrap_or_default();
//!         settings.theme = "dark".into();
//!         Ok::<_, Infallible>(settings)
//!     })
//!     .await?;
//!
//! // The same by hand, in bytes.
//! if let Some(document) = store.get(&name).await? {
//!     store.put(&name, document.body, Precondition::IfVersion(document.version)).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`S3Store`] keeps the promises of [`DocumentStore`]: read them there. What S3 adds:
//!
//! - **One request each.** A read is one GET, a write one PUT, a listing one LIST per thousand names. Deleting a name
//!   reads first, to tell whether there was anything; deleting at a version does not, where the server honours
//!   conditions on deletions. (MinIO does not: there the version is compared just before.)
//! - **A lost answer is settled.** A conditional write is sent once and carries a random id in the object's metadata.
//!   When nobody knows how it ended, the object is read: the id tells our write from another's with the same bytes. What
//!   cannot be known, such as a write that landed and was replaced before we looked, is an error whose
//!   [`effect`](StoreError::effect) is `Unknown`, never a conflict; [`S3Store::over`] promises less. Plain writes and
//!   reads are repeated after errors that pass, up to three times.
//! - **Errors say what to change.** The server's code is mapped to a [`StoreError`]: a missing bucket is not an absent
//!   document, a refusal names the permission, a wrong region the right one. No error, log line or `Debug` holds a key,
//!   or more of what a server wrote in its answer than code, region and request id, if these are short and plain.
//! - **Nothing is global, but for proxies.** A store has one HTTP client; clones and scopes share it. The environment is
//!   passed in. Redirects are not followed. Only the proxies are those of the process environment (`HTTPS_PROXY`,
//!   `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), as `reqwest` reads them. With an `http://` endpoint, a proxy sees the
//!   documents.
//!
//! Permissions: `s3:GetObject`, `s3:PutObject` and `s3:DeleteObject` on the objects, `s3:ListBucket` on the bucket. Without
//! the last, S3 does not tell a missing document from a forbidden one, and a read of it is
//! [`MissingOrForbidden`](StoreError::MissingOrForbidden).
//!
//! Other object stores (Google Cloud Storage, Azure, one in memory for tests) come in by [`S3Store::over`]. That constructor
//! is the one place where a type of the crate `object_store` shows: its releases break this one and nothing else here.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod any;
mod backoff;
mod builder;
mod credentials;
mod encryption;
mod s3;
mod settle;
mod store;
mod wire;

pub use builder::S3StoreBuilder;
pub use cred_model::{
    Document, DocumentStore, DocumentStoreExt, Effect, Entry, Fetched, Listed, Precondition, StoreError, Tried,
    UpdateError, Version, Versioned,
};
pub use cred_path::{DocumentName, Environment, Location};
pub use credentials::{AwsKeyProvider, AwsKeys};
pub use encryption::{Encryption, InvalidEncryption};
pub use store::{S3Store, Server};
