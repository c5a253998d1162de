//! The promises of a document store as a test suite that any backend can run

#[cfg(feature = "servers")]
mod server;

#[cfg(feature = "servers")]
pub use server::{LoggedRequest, Object, Objects, Oddity, S3Server, S3ServerBuilder};
