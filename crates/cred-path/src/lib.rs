//! Names and places of stored credentials: where a store is, whose document it holds, what the document is called.
//!
//! Everything here reads strings and nothing else: no disk, no network, no process-wide state.
//!
//! ```
//! use cred_path::{Environment, Location, UserId};
//!
//! let env = Environment::from_iter([("HOME", "/srv/ada")]);
//! let store = Location::parse("s3://acme-creds/prod", &env)?;
//! let user = UserId::new("ada+test@example.com")?;
//!
//! assert_eq!(user.document_name().as_str(), "ada%2Btest@example.com.json");
//! assert_eq!(store.document(&user.document_name()), "s3://acme-creds/prod/ada%2Btest@example.com.json");
//! assert_eq!(Location::resolve(None, &env)?.location.to_string(), "/srv/ada/.google_workspace_mcp/credentials");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod default;
mod environment;
mod error;
mod location;
mod name;
pub mod parity;
mod s3;
mod user;

pub use default::{LocationSource, Resolved};
pub use environment::Environment;
pub use error::LocationError;
pub use location::Location;
pub use name::{DocumentName, NameError};
pub use s3::S3Location;
pub use user::{UserId, UserIdError};
