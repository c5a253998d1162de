//! Which directory a store is: its root, and the scopes below it.

use std::io;
use std::path::{self, PathBuf};

use cred_path::{DocumentName, Location};

use crate::directory::{Directory, Links};

/// A directory of documents: the root of a store or a scope below it.
pub(crate) struct Level {
    location: Location,
    root: PathBuf,
    below: Vec<DocumentName>,
}

/// The directories of a call, open.
pub(crate) struct Open {
    /// Where the lock of all writers is.
    pub(crate) root: Directory,
    scope: Option<Directory>,
}

impl Level {
    /// The root of a store. Messages name it as it was given.
    pub(crate) fn new(directory: PathBuf) -> Self {
        // Fails for an empty path and where the working directory is gone; opening it then fails as well.
        let root = path::absolute(&directory).unwrap_or_else(|_| directory.clone());
        Self { location: Location::Local(directory), root, below: Vec::new() }
    }

    /// The scope called `name`.
    pub(crate) fn below(&self, name: &DocumentName) -> Self {
        let below = self.below.iter().chain([name]).cloned().collect();
        Self { location: self.location.level(name), root: self.root.clone(), below }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// The path of this directory, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.below.iter().fold(self.root.clone(), |path, name| path.join(name.as_str()))
    }

    /// Opens the directory; `None` if it does not exist.
    pub(crate) fn open(&self, links: Links) -> io::Result<Option<Open>> {
        let Some(root) = Directory::open(&self.root)? else { return Ok(None) };
        let mut scope = None;
        for name in &self.below {
            scope = scope.as_ref().unwrap_or(&root).subdirectory(name.as_str(), links)?;
            if scope.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(Open { root, scope }))
    }

    /// Opens the directory, after making it if need be.
    pub(crate) fn create(&self) -> io::Result<Open> {
        let root = Directory::create(&self.root)?;
        let mut scope = None;
        for name in &self.below {
            scope = Some(scope.as_ref().unwrap_or(&root).create_subdirectory(name.as_str())?);
        }
        Ok(Open { root, scope })
    }
}

impl Open {
    /// Where the documents are.
    pub(crate) fn documents(&self) -> &Directory {
        self.scope.as_ref().unwrap_or(&self.root)
    }

    /// Where the documents are, when no lock is needed.
    pub(crate) fn into_documents(self) -> Directory {
        self.scope.unwrap_or(self.root)
    }
}
