//! The promises of a document store as a test suite that any backend can run.
//!
//! [`check_all`] runs every promise of [`DocumentStore`](cred_model::DocumentStore) on a store of yours, each on a
//! fresh one:
//!
//! ```
//! use cred_conformance::{Lack, Subject, check_all};
//! use cred_model::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! check_all(async || {
//!     Subject::new(MemoryStore::new()).without(Lack::Deadlines).without(Lack::Locks).without(Lack::OtherWriters)
//! })
//! .await;
//! # }
//! ```
//!
//! What a store cannot do at all is declared as a [`Lack`]: the suite then asserts that it really lacks it, and says
//! so. A single promise is found by its name in [`CHECKS`].
//!
//! Behind the feature `servers` are servers for tests of backends that talk to one.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod checks;
#[cfg(feature = "servers")]
mod server;
mod subject;

pub use checks::{CHECKS, Check, check_all};
#[cfg(feature = "servers")]
pub use server::{FaultServer, LoggedRequest, Object, Objects, Quirk, S3Server, S3ServerBuilder, Step};
pub use subject::{Lack, Subject};
