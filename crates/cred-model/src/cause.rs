//! Causes of errors, in words that are harmless.

use std::fmt;

/// A refusal in the backend's own terms, as far as they are harmless: never the body of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status, if a server refused.
    pub status: Option<u16>,
    /// The server's error code (`AccessDenied`) or the operating system's words.
    pub code: Option<String>,
    /// What the server calls this request, for those who run it.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_deref().unwrap_or("no reason given"))?;
        match (self.status, &self.request_id) {
            (Some(status), Some(id)) => write!(f, " (HTTP {status}, request {id})"),
            (Some(status), None) => write!(f, " (HTTP {status})"),
            (None, Some(id)) => write!(f, " (request {id})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// The places where credentials were looked for, each with what was found wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried(pub Vec<String>);

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tried {}", self.0.join(", "))
    }
}

impl std::error::Error for Tried {}

/// How far a call came before the network failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The name of the server was not found.
    Resolve,
    /// No connection came about.
    Connect,
    /// The server's certificate is not trusted.
    Certificate,
    /// The connection broke before the answer was complete.
    Answer,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "its name was not found",
            Self::Connect => "no connection",
            Self::Certificate => "its certificate is not trusted",
            Self::Answer => "the connection broke before the answer was complete",
        })
    }
}
