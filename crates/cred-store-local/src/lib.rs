//! A directory as a document store: atomic, durable, private.
//!
//! [`LocalStore`] keeps one file per document, in one directory, and keeps every promise of
//! [`DocumentStore`]:
//!
//! ```
//! use cred_model::{DocumentStore, DocumentStoreExt, Precondition};
//! use cred_store_local::LocalStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let directory = home.path().join("credentials");
//! let store = LocalStore::new(directory);
//! let name = "settings.json".parse()?;
//! assert!(store.get(&name).await?.is_none()); // and nothing was created
//!
//! let first = store.put(&name, "{}".into(), Precondition::IfAbsent).await?;
//! store.put(&name, r#"{"theme": "dark"}"#.into(), Precondition::IfVersion(first.clone())).await?;
//! let late = store.put(&name, r#"{"theme": "light"}"#.into(), Precondition::IfVersion(first)).await;
//! assert!(late.is_err_and(|error| error.is_conflict()));
//!
//! let visits = "visits.json".parse()?;
//! store.update_json(&visits, |count: Option<u64>| Ok::<_, std::convert::Infallible>(count.unwrap_or(0) + 1)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How a document is saved
//!
//! 1. The bytes go to a new file `.tmp-<random>` beside the document (mode 0600), which is flushed to the disk.
//! 2. Under the kernel lock `.locks/store.lock` the document is compared with the precondition and replaced by a rename.
//! 3. The directory is flushed to the disk.
//!
//! Whenever the process dies or the power fails, the document is the old or the new one. A failure before the rename
//! leaves the old one in place ([`Effect::None`](cred_model::Effect::None)) and removes the new file; a failure after
//! it says so ([`Effect::NotDurable`](cred_model::Effect::NotDurable)). Only a process that is killed leaves a
//! `.tmp-…` behind. It is as private as the document and no program lists it.
//!
//! # Versions
//!
//! The version of a document is a hash of its content, so a change by another program, an editor for example, is seen
//! like any other. Equal bytes have equal versions: who writes what is there already keeps the version, and a
//! document that was changed and changed back is at its old version again.
//!
//! # Who else may write
//!
//! Every writer of this crate takes the same lock, so among them nothing is lost. A program that takes none can lose a
//! race by microseconds, and one that writes in place can be seen half-way; [`DocumentStoreExt`](cred_model::DocumentStoreExt)
//! reads again for a short while before it calls such a document corrupt.
//!
//! # Links and odd files
//!
//! The directory itself may be a symbolic link. Below it a link is read if it stays inside the directory, as those of
//! a mounted Kubernetes secret do. One that leads out, or is absolute, is refused; none is written through, replaced or
//! deleted. Directories, pipes, sockets and devices are refused as documents.
//!
//! # Systems
//!
//! Linux is what is tested. The crate is written for other Unix systems too, not tested there: they lack `openat2`, so
//! that no link below the directory is read (as on Linux before 5.6). Where a file system ignores case (macOS), names
//! that differ only in case are one document. A network file system must honour `flock` between its hosts.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

#[cfg(not(unix))]
compile_error!("cred-store-local needs the file modes, kernel locks and atomic renames of a Unix-like system");

mod call;
mod directory;
mod level;
mod list;
mod lock;
mod read;
mod replace;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cred_model::{
    Action, ConditionalDelete, Document, DocumentStore, EntryStream, Precondition, ProbeCache, StoreError, TryLock,
    Version,
};
use cred_path::{DocumentName, Location};

use crate::call::Call;
use crate::level::Level;

/// Keeps each document in a file of its own, in one directory.
///
/// It is a cheap handle; clones and scopes share what is known about the directory. Each call does its I/O in one hop to
/// Tokio's threads for blocking work, so it needs a Tokio runtime with its timer enabled.
///
/// Directories are created by the first save, with mode 0700; documents have mode 0600, also those that had another
/// before. Reading creates nothing, so it works on a read-only file system.
///
/// A scope is a subdirectory. It shares the lock of writers with the directory itself, while
/// [`try_lock`](DocumentStore::try_lock) has its own names in each scope.
#[derive(Clone)]
pub struct LocalStore {
    level: Arc<Level>,
    deadline: Duration,
    probe: ProbeCache,
}

impl LocalStore {
    /// How long a call may take unless [`with_deadline`](DocumentStore::with_deadline) says otherwise.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);

    /// The store in `directory`, which need not exist yet. Nothing is looked at before the first call.
    ///
    /// A relative path is taken from the directory that the process is in now.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            level: Arc::new(Level::new(directory.into())),
            deadline: Self::DEFAULT_DEADLINE,
            probe: ProbeCache::default(),
        }
    }

    /// Runs `work` where it may block.
    async fn run<T: Send + 'static>(
        &self,
        action: Action,
        name: Option<&DocumentName>,
        work: impl FnOnce(&Call) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        Call::new(Arc::clone(&self.level), action, name.cloned(), self.deadline).run(work).await
    }
}

#[async_trait]
impl DocumentStore for LocalStore {
    fn location(&self) -> &Location {
        self.level.location()
    }

    async fn get(&self, name: &DocumentName) -> Result<Option<Document>, StoreError> {
        self.run(Action::Read, Some(name), Call::get).await
    }

    async fn put(&self, name: &DocumentName, body: Bytes, precondition: Precondition) -> Result<Version, StoreError> {
        self.run(Action::Write, Some(name), move |call| call.put(&body, &precondition)).await
    }

    async fn delete(&self, name: &DocumentName, version: Option<&Version>) -> Result<bool, StoreError> {
        let version = version.cloned();
        self.run(Action::Delete, Some(name), move |call| call.delete(version.as_ref())).await
    }

    fn list(&self) -> EntryStream {
        list::entries(self.clone())
    }

    fn scoped(&self, level: &DocumentName) -> Arc<dyn DocumentStore> {
        Arc::new(Self { level: Arc::new(self.level.below(level)), ..self.clone() })
    }

    fn with_deadline(&self, deadline: Duration) -> Arc<dyn DocumentStore> {
        Arc::new(Self { deadline, ..self.clone() })
    }

    async fn try_lock(&self, name: &DocumentName) -> Result<TryLock, StoreError> {
        self.run(Action::Lock, Some(name), Call::try_lock).await
    }

    async fn conditional_delete(&self) -> Result<ConditionalDelete, StoreError> {
        Ok(ConditionalDelete::Atomic)
    }

    fn probe_cache(&self) -> &ProbeCache {
        &self.probe
    }

    fn may_be_torn(&self) -> bool {
        true
    }
}

impl fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStore")
            .field("location", self.location())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
