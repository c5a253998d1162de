//! Documents by name: the promises that every backend keeps.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use cred_path::{DocumentName, Location};
use futures_core::Stream;

use crate::{ProbeCache, StoreError, Version};

/// The size of the largest document that a store keeps, in bytes (1 MiB).
///
/// A stored credential has about one kilobyte; whatever is much larger is something else, and is refused with
/// [`StoreError::TooLarge`] before it is read whole.
pub const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Keeps small documents by name, in one level of some place.
///
/// A store is a cheap handle on a shared client. It deals in bytes, versions and preconditions only and never looks
/// into a document; JSON comes with [`DocumentStoreExt`](crate::DocumentStoreExt).
///
/// # Contract
///
/// - A put is atomic: readers see the old document or the new one, never part of one.
/// - Of several writers with the same precondition, one wins; each of the others gets [`StoreError::Conflict`].
/// - Nobody is told `Conflict` for a write of his own that landed.
/// - A future of `put` or `delete` that is dropped has an unknown outcome, like an answer that was lost on the way.
/// - Documents may be as large as [`MAX_DOCUMENT_BYTES`], names are taken byte for byte.
///
/// The suite in the package `cred-conformance` checks all of this on any implementation.
#[async_trait]
pub trait DocumentStore: fmt::Debug + Send + Sync + 'static {
    /// The place whose documents these are, for messages.
    fn location(&self) -> &Location;

    /// Reads the document called `name`; `None` only if it is known to be absent.
    ///
    /// # Errors
    ///
    /// - [`StoreError::TooLarge`] for a document above [`MAX_DOCUMENT_BYTES`].
    /// - [`StoreError::AccessDenied`] or [`StoreError::MissingOrForbidden`] when the backend refuses to read it.
    /// - Whatever else kept the store from knowing, such as [`StoreError::BucketNotFound`] or [`StoreError::Network`].
    async fn get(&self, name: &DocumentName) -> Result<Option<Document>, StoreError>;

    /// Reads the document called `name` unless it is still at `version`; a store that can ask for less does.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    async fn get_if_changed(&self, name: &DocumentName, version: &Version) -> Result<Fetched, StoreError> {
        Ok(match self.get(name).await? {
            None => Fetched::Absent,
            Some(document) if document.version == *version => Fetched::Unchanged,
            Some(document) => Fetched::Changed(document),
        })
    }

    /// Writes `body` under `name` if `precondition` holds, and returns the version written.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Conflict`] when the precondition does not hold; nothing was written.
    /// - [`StoreError::TooLarge`] for a body above [`MAX_DOCUMENT_BYTES`]; nothing was written.
    /// - Otherwise [`StoreError::effect`] tells whether the write may have landed all the same.
    async fn put(&self, name: &DocumentName, body: Bytes, precondition: Precondition) -> Result<Version, StoreError>;

    /// Deletes the document called `name`, if `version` is given only at that version.
    ///
    /// `true` says that the document was seen here and is absent now; `false` that there was none.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Conflict`] when the document is at another version; it is still there.
    /// - Otherwise [`StoreError::effect`] tells whether the document may be gone all the same.
    async fn delete(&self, name: &DocumentName, version: Option<&Version>) -> Result<bool, StoreError>;

    /// Lists the documents of this level in byte order of their names; a place that does not exist yet has none.
    ///
    /// What cannot be a document is an item of its own, [`Entry::Odd`], and does not end the stream; an error does.
    fn list(&self) -> EntryStream;

    /// The same store one level down, sharing client, settings and the answer of the probe.
    fn scoped(&self, level: &DocumentName) -> Arc<dyn DocumentStore>;

    /// The same store with `deadline` as the longest time a call may take, retries included.
    ///
    /// A call that takes longer ends in [`StoreError::Timeout`]. For a listing the deadline holds for each page.
    fn with_deadline(&self, deadline: Duration) -> Arc<dyn DocumentStore>;

    /// Takes the kernel's lock called `name` if nobody holds it.
    ///
    /// The lock excludes other processes of this host and other tasks of this one. It lasts until its holder drops it
    /// or dies.
    ///
    /// # Errors
    ///
    /// Whatever kept the store from asking; that another holds it is [`TryLock::Busy`], not an error.
    async fn try_lock(&self, name: &DocumentName) -> Result<TryLock, StoreError> {
        let _ = name;
        Ok(TryLock::Unsupported)
    }

    /// How well [`delete`](Self::delete) keeps to the version it is given.
    ///
    /// # Errors
    ///
    /// Whatever kept the store from asking the server, which is done at most once per store and destroys nothing.
    async fn conditional_delete(&self) -> Result<ConditionalDelete, StoreError>;

    /// Where [`probe`](crate::probe()) keeps its answer for this store and its scopes.
    fn probe_cache(&self) -> &ProbeCache;

    /// Whether another program may be seen half-way through writing a document, as in a directory.
    ///
    /// The typed layer then reads again for a short while before it calls a document corrupt.
    fn may_be_torn(&self) -> bool {
        false
    }
}

/// A document as it was read.
#[derive(Clone)]
pub struct Document {
    /// The stored bytes, all of them.
    pub body: Bytes,
    /// What to pass back so that a later write replaces exactly this.
    pub version: Version,
    /// When the document was last written, by the clock of the store.
    pub modified: SystemTime,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body of a stored credential is a secret.
        f.debug_struct("Document")
            .field("bytes", &self.body.len())
            .field("version", &self.version)
            .field("modified", &self.modified)
            .finish()
    }
}

/// The answer of [`DocumentStore::get_if_changed`].
#[derive(Clone, Debug)]
pub enum Fetched {
    /// There is no such document.
    Absent,
    /// It is still at the version that the caller has.
    Unchanged,
    /// It is at another version, and this is it.
    Changed(Document),
}

/// What must hold for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: replace whatever is there.
    Always,
    /// There is no such document yet.
    IfAbsent,
    /// The document is at this version.
    IfVersion(Version),
}

/// The items of a listing, in byte order of their names.
pub type EntryStream = Pin<Box<dyn Stream<Item = Result<Entry, StoreError>> + Send>>;

/// An item of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// A document, which was there when its part of the listing was made.
    Document(Listed),
    /// Something that is not a document: it can be neither read nor written here.
    Odd {
        /// Its name as the backend has it, made printable.
        key: String,
        /// What is odd about it.
        why: Oddity,
    },
}

/// What a listing tells of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: DocumentName,
    /// When it was last written, by the clock of the store.
    pub modified: SystemTime,
    /// Its size in bytes.
    pub size: u64,
    /// Its version, where listing tells it (S3 does, a directory does not).
    pub version: Option<Version>,
}

/// Why something that has a name in a store is not a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Oddity {
    /// Its name is not one that a document can have.
    #[error("not a document name")]
    InvalidName,
    /// A directory, a pipe, a socket or a device.
    #[error("not a regular file")]
    NotAFile,
    /// A symbolic link: one that stays in the store is read, but none is written through or replaced.
    #[error("a symbolic link")]
    Symlink,
    /// A symbolic link that leads out of the store, or nowhere.
    #[error("a symbolic link that leads out of the store, or nowhere")]
    SymlinkLeadsOut,
}

impl Oddity {
    /// What the reader can do about it: one imperative clause, no full stop.
    pub fn hint(self) -> &'static str {
        match self {
            Self::InvalidName => "rename it to 1 to 255 bytes without slashes and control characters",
            Self::NotAFile => "move it out of the store",
            Self::Symlink => "put a regular file in the place of the link, or write to where it leads",
            Self::SymlinkLeadsOut => "put a regular file in the place of the link, or open the store it leads to",
        }
    }
}

/// The answer of [`DocumentStore::try_lock`].
#[derive(Debug)]
pub enum TryLock {
    /// The lock is ours.
    Held(Lock),
    /// Somebody else holds it.
    Busy,
    /// This kind of store has no locks.
    Unsupported,
}

/// A lock that is held until it is dropped.
pub struct Lock {
    _guard: Box<dyn Send + Sync>,
}

impl Lock {
    /// A lock that lasts as long as `guard`; for implementations of [`DocumentStore`].
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self { _guard: Box::new(guard) }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

/// How a store deletes a document at a given version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionalDelete {
    /// Comparing and deleting are one step.
    Atomic,
    /// The store ignores the condition, so the version is read and compared just before the deletion: a document
    /// written in between is lost. (MinIO does this.)
    ReadFirst,
}
