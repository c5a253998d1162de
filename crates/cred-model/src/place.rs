//! Where something went wrong.

use std::fmt;
use std::sync::Arc;

use cred_path::{DocumentName, Location, S3Location};

/// A store or one document in it, as errors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    location: Arc<Location>,
    name: Option<DocumentName>,
}

impl Place {
    /// The store at `location` as a whole.
    pub fn store(location: &Location) -> Self {
        Self { location: Arc::new(location.clone()), name: None }
    }

    /// The document called `name` in the store at `location`.
    pub fn document(location: &Location, name: &DocumentName) -> Self {
        Self { location: Arc::new(location.clone()), name: Some(name.clone()) }
    }

    /// The store.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The document, if it is about one.
    pub fn name(&self) -> Option<&DocumentName> {
        self.name.as_ref()
    }

    /// The bucket and prefix, if the store is in S3.
    pub(crate) fn s3(&self) -> Option<&S3Location> {
        match self.location() {
            Location::S3(s3) => Some(s3),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&self.location.document(name)),
            None => self.location.fmt(f),
        }
    }
}
