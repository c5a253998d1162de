//! Typed JSON documents with compare-and-swap in S3 and other object stores.

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
pub use credentials::{AwsKeyProvider, AwsKeys};
pub use encryption::{Encryption, InvalidEncryption};
pub use store::{S3Store, Server};
