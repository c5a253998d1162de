//! What differs between S3 and any other object store.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use cred_model::{Document, Entry, Fetched, Place, Precondition, StoreError, Version};
use cred_path::{DocumentName, Location};

/// Requests to an object store, one method per kind, nothing settled.
///
/// An error whose [`effect`](StoreError::effect) is `Unknown` says that the request may have been applied all the
/// same; [`settle`](crate::settle) finds out.
#[async_trait]
pub(crate) trait Wire: fmt::Debug + Send + Sync + 'static {
    /// Reads an object; `None` only if it is known to be absent.
    async fn get(&self, target: &Target<'_>) -> Result<Option<Object>, StoreError>;

    /// Reads an object unless it is still at `version`.
    async fn get_if_changed(&self, target: &Target<'_>, version: &Version) -> Result<Fetched, StoreError>;

    /// Writes an object if `precondition` holds, with `mark` in its metadata.
    async fn put(
        &self,
        target: &Target<'_>,
        body: Bytes,
        precondition: &Precondition,
        mark: Option<&Mark>,
    ) -> Result<Put, StoreError>;

    /// Deletes an object, which may well be absent.
    async fn delete(&self, target: &Target<'_>) -> Result<(), StoreError>;

    /// Deletes an object if it is at `version`; [`StoreError::Unsupported`] where there is no such request.
    async fn delete_at(&self, target: &Target<'_>, version: &Version) -> Result<Delete, StoreError>;

    /// Reads a page of the level, the first or the one that `page` names.
    async fn list(&self, level: &Level<'_>, page: Option<&str>) -> Result<Page, StoreError>;
}

/// An object to work on.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) location: &'a Location,
    pub(crate) name: &'a DocumentName,
    pub(crate) key: String,
}

impl Target<'_> {
    pub(crate) fn place(&self) -> Place {
        Place::document(self.location, self.name)
    }
}

/// A level to list.
#[derive(Debug)]
pub(crate) struct Level<'a> {
    pub(crate) location: &'a Location,
    pub(crate) prefix: &'a str,
}

impl Level<'_> {
    pub(crate) fn place(&self) -> Place {
        Place::store(self.location)
    }
}

/// An object as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) document: Document,
    pub(crate) mark: Option<Mark>,
}

/// What a conditional write leaves in the metadata of its object, to be recognised by.
///
/// Equal bytes do not prove a write one's own: two writers may well count to the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Drawn for this write: 16 random bytes in hexadecimal.
    pub(crate) id: String,
    /// The version that the write replaces, or [`CREATES`](Self::CREATES).
    pub(crate) replaces: String,
}

impl Mark {
    /// What a write replaces that creates its object; no version looks like it.
    pub(crate) const CREATES: &str = "absent";
}

/// The answer of [`Wire::put`].
#[derive(Clone, Debug)]
pub(crate) enum Put {
    /// This version was written.
    Written(Version),
    /// The precondition does not hold, and the write was sent only once.
    Refused,
    /// The precondition does not hold, perhaps because an earlier try of the same write was applied.
    RefusedOnRetry,
}

/// The answer of [`Wire::delete_at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delete {
    /// There was none.
    Absent,
    /// It was there, and is gone.
    Done,
    /// It is at another version.
    Refused,
}

/// A page of a listing.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// What asks for the next page, unless this is the last one.
    pub(crate) next: Option<String>,
}
