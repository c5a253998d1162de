//! An S3 server inside the test process: signatures checked, conditions atomic, odd behaviours switchable.
//!
//! The protocol (routing, XML, Signature Version 4) is the `s3s` crate's; what is ours is the store below it, which
//! answers as AWS documents it, and the log of requests above it.

mod fault;
mod front;
mod objects;
mod port;
mod request_log;
mod service;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

pub use self::fault::{FaultServer, Step};
use self::front::Front;
pub use self::objects::{Object, Objects};
use self::port::Port;
pub use self::request_log::LoggedRequest;

/// A way in which a server departs from AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Quirk {
    /// Listing is 403 `AccessDenied`, and so is reading an object that is missing, as for a user without
    /// `s3:ListBucket`.
    ForbidsLists,
    /// PUT and DELETE are 403 `AccessDenied`, as for a user with the right to read alone.
    ForbidsWrites,
    /// `If-Match` on DELETE is ignored: the answer is 204 and the object is gone, as on MinIO.
    IgnoresDeleteCondition,
    /// Encryption headers are accepted and forgotten, and nothing is encrypted by default.
    IgnoresEncryption,
    /// `If-Match` and `If-None-Match` on PUT are ignored: every write succeeds.
    IgnoresPutConditions,
    /// A PUT that asks for encryption is 501 `NotImplemented`, as on MinIO without a key, and there is no default.
    WithoutKms,
}

/// A running server; dropping it closes the port and every connection.
///
/// It runs on a thread of its own, so blocking callers and child processes can talk to it as well as async ones.
///
/// ```no_run
/// use cred_conformance::S3Server;
///
/// let server = S3Server::start();
/// server.objects().create_bucket("credentials");
/// println!("{} {} {}", server.endpoint(), server.access_key_id(), server.secret_access_key());
/// // … talk to it …
/// assert_eq!(server.take_requests().len(), 0);
/// ```
pub struct S3Server {
    port: Port,
    front: Arc<Front>,
}

impl S3Server {
    /// Starts a server that behaves as AWS does, without buckets.
    ///
    /// # Panics
    ///
    /// When there is no free port on loopback: no test can go on then.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server that differs from AWS.
    pub fn builder() -> S3ServerBuilder {
        S3ServerBuilder::default()
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The one access key it knows.
    pub fn access_key_id(&self) -> &'static str {
        service::ACCESS_KEY_ID
    }

    /// The secret of that key.
    pub fn secret_access_key(&self) -> &'static str {
        service::SECRET_ACCESS_KEY
    }

    /// The region to sign for.
    pub fn region(&self) -> &'static str {
        "us-east-1"
    }

    /// What a client has to know, by the names of the variables that AWS's own clients read.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL_S3", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key().to_owned()),
            ("AWS_REGION", self.region().to_owned()),
        ]
    }

    /// What is stored, to be read and changed behind the clients' backs.
    pub fn objects(&self) -> &Objects {
        &self.front.objects
    }

    /// Runs `action` once, just before the next `method` (upper case) request for that key is applied.
    ///
    /// That is how a test puts another writer between two requests of one client. The action runs on the server's
    /// thread and must not wait for the test.
    pub fn before_next(
        &self,
        method: &'static str,
        bucket: &str,
        key: &str,
        action: impl FnOnce(&Objects) + Send + 'static,
    ) {
        self.front.before_next(method, bucket, key, Box::new(action));
    }

    /// The requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.front.log.requests()
    }

    /// The requests since the last call, in order of arrival.
    pub fn take_requests(&self) -> Vec<LoggedRequest> {
        self.front.log.take()
    }
}

impl fmt::Debug for S3Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Server").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// What is unusual about a server, before it starts.
#[derive(Debug, Default)]
pub struct S3ServerBuilder {
    quirks: BTreeSet<Quirk>,
    session_token: Option<String>,
}

impl S3ServerBuilder {
    /// Departs from AWS in one more way.
    pub fn with_quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.insert(quirk);
        self
    }

    /// Requires this session token beside the key; without it, a request that carries any token is refused.
    pub fn with_session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// As [`S3Server::start`].
    pub fn start(self) -> S3Server {
        let front = Arc::new(Front::new(self.quirks, self.session_token));
        let serving = front.clone();
        S3Server { port: Port::open(|listener| serving.serve(listener)), front }
    }
}

#[cfg(test)]
mod tests;
