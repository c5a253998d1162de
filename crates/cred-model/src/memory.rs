//! Documents in memory: the reference for the contract.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use cred_path::{DocumentName, Location};
use futures_util::stream;

use crate::{
    ConditionalDelete, Document, DocumentStore, Entry, EntryStream, Listed, MAX_DOCUMENT_BYTES, Place, Precondition,
    ProbeCache, StoreError, Version,
};

/// Keeps documents in memory, for tests and as the shortest true implementation of [`DocumentStore`].
///
/// Clones and scopes share the documents; they are gone with the last of them.
#[derive(Clone)]
pub struct MemoryStore {
    location: Location,
    level: String,
    documents: Arc<Mutex<Documents>>,
    probe: ProbeCache,
}

#[derive(Default)]
struct Documents {
    by_key: BTreeMap<String, Document>,
    writes: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            location: Location::Other("memory".into()),
            level: String::new(),
            documents: Arc::default(),
            probe: ProbeCache::default(),
        }
    }

    fn documents(&self) -> MutexGuard<'_, Documents> {
        // Nothing below can panic half-way through a change.
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, name: &DocumentName) -> String {
        format!("{}{name}", self.level)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DocumentStore for MemoryStore {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn get(&self, name: &DocumentName) -> Result<Option<Document>, StoreError> {
        Ok(self.documents().by_key.get(&self.key(name)).cloned())
    }

    async fn put(&self, name: &DocumentName, body: Bytes, precondition: Precondition) -> Result<Version, StoreError> {
        let place = Place::document(&self.location, name);
        let size = body.len() as u64;
        if size > MAX_DOCUMENT_BYTES {
            return Err(StoreError::TooLarge { place, size, limit: MAX_DOCUMENT_BYTES });
        }
        let mut documents = self.documents();
        let found = documents.by_key.get(&self.key(name)).map(|document| document.version.clone());
        let expected = match precondition {
            Precondition::Always => found.clone(),
            Precondition::IfAbsent => None,
            Precondition::IfVersion(version) => Some(version),
        };
        if found != expected {
            return Err(StoreError::Conflict { place, expected, found });
        }
        documents.writes += 1;
        let version = Version::new(documents.writes.to_string()).expect("digits are printable");
        let document = Document { body, version: version.clone(), modified: SystemTime::now() };
        documents.by_key.insert(self.key(name), document);
        Ok(version)
    }

    async fn delete(&self, name: &DocumentName, version: Option<&Version>) -> Result<bool, StoreError> {
        let mut documents = self.documents();
        let key = self.key(name);
        let Some(document) = documents.by_key.get(&key) else { return Ok(false) };
        if let Some(expected) = version
            && document.version != *expected
        {
            return Err(StoreError::Conflict {
                place: Place::document(&self.location, name),
                expected: Some(expected.clone()),
                found: Some(document.version.clone()),
            });
        }
        documents.by_key.remove(&key);
        Ok(true)
    }

    fn list(&self) -> EntryStream {
        let documents = self.documents();
        let below = documents.by_key.range(self.level.clone()..);
        let here = below.map_while(|(key, document)| Some((key.strip_prefix(&self.level)?, document)));
        let entries: Vec<_> = here
            .filter_map(|(key, document)| Some((DocumentName::new(key).ok()?, document)))
            .map(|(name, document)| {
                Ok(Entry::Document(Listed {
                    name,
                    modified: document.modified,
                    size: document.body.len() as u64,
                    version: Some(document.version.clone()),
                }))
            })
            .collect();
        Box::pin(stream::iter(entries))
    }

    fn scoped(&self, level: &DocumentName) -> Arc<dyn DocumentStore> {
        Arc::new(Self {
            location: self.location.level(level),
            level: format!("{}{level}/", self.level),
            ..self.clone()
        })
    }

    fn with_deadline(&self, _deadline: Duration) -> Arc<dyn DocumentStore> {
        // No call ever waits.
        Arc::new(self.clone())
    }

    async fn conditional_delete(&self) -> Result<ConditionalDelete, StoreError> {
        Ok(ConditionalDelete::Atomic)
    }

    fn probe_cache(&self) -> &ProbeCache {
        &self.probe
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("location", &self.location).finish_non_exhaustive()
    }
}
