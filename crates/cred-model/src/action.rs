//! What is asked of a store.

use std::fmt;

/// What was tried on a store or a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Deleting a document.
    Delete,
    /// Listing the documents.
    List,
    /// Taking a lock.
    Lock,
    /// Reading a document.
    Read,
    /// Writing a document.
    Write,
}

impl Action {
    /// The S3 operation that does it, without the service: `GetObject`.
    ///
    /// Source: AWS, "Actions, resources, and condition keys for Amazon S3".
    pub fn s3(self) -> &'static str {
        match self {
            Self::Delete => "DeleteObject",
            Self::List => "ListBucket",
            Self::Read => "GetObject",
            Self::Lock | Self::Write => "PutObject",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delete => "delete",
            Self::List => "list",
            Self::Lock => "lock",
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}
