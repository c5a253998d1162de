//! Users' Google OAuth credentials, one JSON document per user, in a directory or in an S3 bucket, chosen by nothing
//! but the path.
//!
#![cfg_attr(feature = "local", doc = "```")]
#![cfg_attr(not(feature = "local"), doc = "```no_run")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let location = directory.path().to_str().ok_or("not UTF-8")?;
//! use cred_store::{Credential, CredentialStore, UserId};
//!
//! let store = CredentialStore::open(location)?; // "./credentials", "s3://acme-credentials/prod/"
//! let ada = UserId::new("ada@example.com")?;
//!
//! let signed_in = Credential::new().with_access_token("ya29.a0").with_refresh_token("1//0g");
//! store.save(&ada, &signed_in).await?;
//!
//! // A later answer of Google has no refresh token: the stored one stays.
//! store.save(&ada, &Credential::new().with_access_token("ya29.a1")).await?;
//! let stored = store.require(&ada).await?;
//! assert_eq!(stored.credential.refresh_token().map(|token| token.expose()), Some("1//0g"));
//! # Ok(())
//! # }
//! ```
//!
//! Many processes on many hosts may share a store: a save replaces what it has read and nothing newer. What goes wrong
//! is an [`Error`] that says what failed, where, and what to do; that a user has no credential is `None`.
//!
//! This is the one library of the workspace that logs above `debug`: `info` when credentials are saved, deleted, found
//! or absent, `warn` for what was skipped, with the fields `user` and `location`, and never a secret.
#![cfg_attr(all(doctest, feature = "local"), doc = include_str!("../README.md"))]
#![cfg_attr(all(doctest, feature = "local"), doc = include_str!("../../../README.md"))]

#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod error;
mod find;
mod listing;
pub mod parity;
mod read;
mod save;
mod store;
mod stored;
#[cfg(test)]
mod testing;

pub use builder::Builder;
pub use cred_model::{Credential, Expiry, Secret, Status, StoreError, Version};
pub use cred_path::{Environment, Location, UserId};
#[cfg(feature = "s3")]
pub use cred_store_s3::Encryption;
pub use error::Error;
pub use find::{Filter, Finding, Skipped, WhySkipped};
pub use listing::Item;
pub use save::{Planned, Save, Saved};
pub use store::CredentialStore;
pub use stored::Stored;
