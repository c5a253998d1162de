//! A store that keeps every promise and lacks nothing, until it is given one fault.
#![expect(clippy::unwrap_used, reason = "all of it is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use cred_conformance::Subject;
use cred_model::{
    Action, ConditionalDelete, Document, DocumentStore, Effect, Entry, EntryStream, Fetched, Listed, Lock,
    MAX_DOCUMENT_BYTES, MemoryStore, Oddity, Place, Precondition, ProbeCache, StoreError, TryLock, Version,
};
use cred_path::{DocumentName, Location};
use futures_util::{StreamExt, TryStreamExt, stream};

use self::Fault::*;

/// One thing done wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    BelievesEqualBytes,
    ChecksThenDeletes,
    ChecksThenWrites,
    DeadlineOpensAnotherPlace,
    DeletesAnyVersion,
    DeletesNothing,
    FailsOnAnEmptyPlace,
    FindsEverything,
    FlattensLines,
    FoldsCase,
    ForgetsDeadlines,
    IgnoresIfAbsent,
    IgnoresIfVersion,
    IfVersionCreates,
    KeepsOldTails,
    KnowsVersionsByAddress,
    LeavesTombstones,
    ListsByLetter,
    ListsDeeply,
    ListsNoSizes,
    ListsOnePage,
    LocksLeaveDocuments,
    LocksNothing,
    ReadsAnySize,
    ReadsBump,
    ReadsOnlyAscii,
    ReturnsTheOldVersion,
    ScopesForgetDeadlines,
    ScopesKeepTheLocation,
    ScopesNothing,
    SeesAlwaysAChange,
    SmallLimit,
    StopsAtOddEntries,
    SucceedsAtDeletingNothing,
    TrimsBodies,
    TruncatesLargeBodies,
    VagueConflicts,
    VersionsByLength,
    WritesInHalves,
}

/// A fresh store with what no other in memory has: locks, deadlines, other writers; and perhaps a fault.
pub(crate) fn subject(fault: Option<Fault>) -> Subject {
    let memory = MemoryStore::new();
    let store = Faulty {
        location: memory.location().clone(),
        inner: Arc::new(memory),
        shared: Arc::default(),
        deadline: None,
        fault,
    };
    let shared = store.shared.clone();
    Subject::new(store).with_planter(move |key, body| {
        shared.planted.lock().unwrap().insert(key, body);
        async {}
    })
}

#[derive(Clone)]
struct Faulty {
    location: Location,
    inner: Arc<dyn DocumentStore>,
    shared: Arc<Shared>,
    deadline: Option<Duration>,
    fault: Option<Fault>,
}

#[derive(Default)]
struct Shared {
    planted: Mutex<BTreeMap<String, Bytes>>,
    locks: Mutex<BTreeSet<String>>,
    deleted: Mutex<BTreeSet<String>>,
}

impl Faulty {
    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Lets others run, as a real store does while it waits; that may take too long.
    async fn wait(&self, action: Action) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        match self.deadline {
            Some(after) if after < Duration::from_millis(1) && !self.is(ForgetsDeadlines) => {
                Err(StoreError::Timeout { action, place: Place::store(&self.location), after, effect: Effect::None })
            }
            _ => Ok(()),
        }
    }

    fn stored_name(&self, name: &DocumentName) -> DocumentName {
        match self.fault {
            Some(FoldsCase) => DocumentName::new(name.as_str().to_lowercase()).unwrap(),
            _ => name.clone(),
        }
    }

    async fn current(&self, name: &DocumentName) -> Result<Option<Document>, StoreError> {
        self.inner.get(&self.stored_name(name)).await
    }

    fn shown(&self, mut document: Document) -> Document {
        let map = |body: &Bytes, change: fn(u8) -> u8| body.iter().copied().map(change).collect();
        document.body = match self.fault {
            Some(TrimsBodies) => Bytes::copy_from_slice(document.body.trim_ascii()),
            Some(FlattensLines) => map(&document.body, |byte| if byte == b'\n' { b' ' } else { byte }),
            Some(ReadsOnlyAscii) => map(&document.body, |byte| if byte.is_ascii() { byte } else { b'?' }),
            _ => document.body,
        };
        if self.is(VersionsByLength) {
            document.version = Version::new(document.body.len().to_string()).unwrap();
        }
        document
    }

    fn conflict(&self, name: &DocumentName) -> StoreError {
        StoreError::Conflict { place: Place::document(&self.location, name), expected: None, found: None }
    }

    /// Whether the precondition holds just now.
    async fn holds(&self, name: &DocumentName, precondition: &Precondition) -> Result<bool, StoreError> {
        let found = self.current(name).await?.map(|document| document.version);
        Ok(match precondition {
            Precondition::Always => true,
            Precondition::IfAbsent => found.is_none(),
            Precondition::IfVersion(version) => found.as_ref() == Some(version),
        })
    }
}

#[async_trait]
impl DocumentStore for Faulty {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn get(&self, name: &DocumentName) -> Result<Option<Document>, StoreError> {
        self.wait(Action::Read).await?;
        let planted = self.shared.planted.lock().unwrap().get(name.as_str()).cloned();
        if let Some(body) = planted {
            let size = body.len() as u64;
            let version = Version::new("planted").unwrap();
            return match self.fault {
                Some(ReadsAnySize) => Ok(Some(Document { body, version, modified: SystemTime::now() })),
                _ => Err(StoreError::TooLarge {
                    place: Place::document(&self.location, name),
                    size,
                    limit: MAX_DOCUMENT_BYTES,
                }),
            };
        }
        if self.is(FindsEverything) {
            put(&*self.inner, name, Precondition::IfAbsent).await;
        }
        let document = self.current(name).await?;
        if self.is(ReadsBump)
            && let Some(document) = &document
        {
            self.inner.put(name, document.body.clone(), Precondition::Always).await?;
        }
        Ok(document.map(|document| self.shown(document)))
    }

    async fn get_if_changed(&self, name: &DocumentName, version: &Version) -> Result<Fetched, StoreError> {
        let same = |document: &Document| match self.fault {
            Some(SeesAlwaysAChange) => false,
            Some(KnowsVersionsByAddress) => std::ptr::eq(document.version.as_str(), version.as_str()),
            _ => document.version == *version,
        };
        Ok(match self.get(name).await? {
            None => Fetched::Absent,
            Some(document) if same(&document) => Fetched::Unchanged,
            Some(document) => Fetched::Changed(document),
        })
    }

    async fn put(
        &self,
        name: &DocumentName,
        mut body: Bytes,
        mut precondition: Precondition,
    ) -> Result<Version, StoreError> {
        self.wait(Action::Write).await?;
        let before = self.current(name).await?;
        let limit = usize::try_from(MAX_DOCUMENT_BYTES).unwrap();
        match (self.fault, &precondition, &before) {
            (Some(BelievesEqualBytes), _, Some(before)) if before.body == body => return Ok(before.version.clone()),
            (Some(IgnoresIfAbsent), Precondition::IfAbsent, _)
            | (Some(IgnoresIfVersion), Precondition::IfVersion(_), _)
            | (Some(IfVersionCreates), Precondition::IfVersion(_), None) => precondition = Precondition::Always,
            (Some(KeepsOldTails), _, Some(before)) if before.body.len() > body.len() => {
                body = [&body[..], &before.body[body.len()..]].concat().into();
            }
            (Some(LeavesTombstones), Precondition::IfAbsent, _)
                if self.shared.deleted.lock().unwrap().contains(name.as_str()) =>
            {
                return Err(self.conflict(name));
            }
            (Some(SmallLimit), ..) if body.len() == limit => body = body.slice(1..),
            (Some(TruncatesLargeBodies), ..) => body.truncate(limit),
            (Some(VagueConflicts), Precondition::IfAbsent, Some(_)) => {
                return Err(StoreError::Conflict { place: Place::store(&self.location), expected: None, found: None });
            }
            _ => {}
        }
        match self.fault {
            Some(ChecksThenWrites) => {
                if !self.holds(name, &precondition).await? {
                    return Err(self.conflict(name));
                }
                tokio::task::yield_now().await;
                precondition = Precondition::Always;
            }
            Some(WritesInHalves) => {
                self.inner.put(name, body.slice(..body.len() / 2), precondition).await?;
                tokio::task::yield_now().await;
                precondition = Precondition::Always;
            }
            _ => {}
        }
        let version = self.inner.put(&self.stored_name(name), body.clone(), precondition).await?;
        Ok(match (self.fault, before) {
            (Some(ReturnsTheOldVersion), Some(before)) => before.version,
            (Some(VersionsByLength), _) => Version::new(body.len().to_string()).unwrap(),
            _ => version,
        })
    }

    async fn delete(&self, name: &DocumentName, version: Option<&Version>) -> Result<bool, StoreError> {
        self.wait(Action::Delete).await?;
        self.shared.deleted.lock().unwrap().insert(name.to_string());
        match (self.fault, version) {
            (Some(ChecksThenDeletes), Some(version)) => {
                if !self.holds(name, &Precondition::IfVersion(version.clone())).await? {
                    return Err(self.conflict(name));
                }
                tokio::task::yield_now().await;
                self.inner.delete(name, None).await
            }
            (Some(DeletesAnyVersion), _) => self.inner.delete(name, None).await,
            (Some(DeletesNothing), _) => Ok(self.current(name).await?.is_some()),
            (Some(SucceedsAtDeletingNothing), _) => Ok(self.inner.delete(name, version).await? || version.is_none()),
            _ => self.inner.delete(&self.stored_name(name), version).await,
        }
    }

    fn list(&self) -> EntryStream {
        let planted = self.shared.planted.lock().unwrap().clone();
        let deeper = self.inner.scoped(&DocumentName::new("level").unwrap());
        let (inner, store) = (self.inner.clone(), self.clone());
        let entries = async move {
            let mut entries: Vec<Entry> = inner.list().try_collect().await?;
            if store.is(ListsDeeply) {
                entries.extend(deeper.list().try_collect::<Vec<_>>().await?);
            }
            entries.extend(planted.into_iter().map(|(key, body)| match DocumentName::new(&key) {
                Ok(name) => {
                    let (size, modified) = (body.len() as u64, SystemTime::now());
                    Entry::Document(Listed { name, modified, size, version: None })
                }
                Err(_) => Entry::Odd { key, why: Oddity::InvalidName },
            }));
            match store.fault {
                Some(ListsByLetter) => entries.sort_by_key(|entry| key(entry).to_lowercase()),
                _ => entries.sort_by_key(key),
            }
            match store.fault {
                Some(FailsOnAnEmptyPlace) if entries.is_empty() => {
                    return Err(store.conflict(&DocumentName::new("x").unwrap()));
                }
                Some(ListsOnePage) => entries.truncate(1000),
                Some(ListsNoSizes) => entries.iter_mut().for_each(|entry| {
                    if let Entry::Document(listed) = entry {
                        listed.size = 0;
                    }
                }),
                Some(StopsAtOddEntries) => {
                    let odd = entries.iter().position(|entry| matches!(entry, Entry::Odd { .. }));
                    entries.truncate(odd.unwrap_or(entries.len()));
                }
                _ => {}
            }
            Ok::<_, StoreError>(stream::iter(entries.into_iter().map(Ok)))
        };
        stream::once(entries).try_flatten().boxed()
    }

    fn scoped(&self, level: &DocumentName) -> Arc<dyn DocumentStore> {
        let mut scope = Self { inner: self.inner.scoped(level), location: self.location.level(level), ..self.clone() };
        // Others plant at the top only.
        scope.shared = Arc::default();
        match self.fault {
            Some(ScopesForgetDeadlines) => scope.deadline = None,
            Some(ScopesKeepTheLocation) => scope.location = self.location.clone(),
            Some(ScopesNothing) => scope.inner = self.inner.clone(),
            _ => {}
        }
        Arc::new(scope)
    }

    fn with_deadline(&self, deadline: Duration) -> Arc<dyn DocumentStore> {
        let mut store = Self { deadline: Some(deadline), ..self.clone() };
        if self.is(DeadlineOpensAnotherPlace) {
            store.inner = Arc::new(MemoryStore::new());
        }
        Arc::new(store)
    }

    async fn try_lock(&self, name: &DocumentName) -> Result<TryLock, StoreError> {
        if self.is(LocksLeaveDocuments) {
            put(&*self.inner, name, Precondition::Always).await;
        }
        if !self.shared.locks.lock().unwrap().insert(name.to_string()) && !self.is(LocksNothing) {
            return Ok(TryLock::Busy);
        }
        Ok(TryLock::Held(Lock::new(Unlock { shared: self.shared.clone(), name: name.to_string() })))
    }

    async fn conditional_delete(&self) -> Result<ConditionalDelete, StoreError> {
        Ok(ConditionalDelete::Atomic)
    }

    fn probe_cache(&self) -> &ProbeCache {
        self.inner.probe_cache()
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("fault", &self.fault).finish_non_exhaustive()
    }
}

struct Unlock {
    shared: Arc<Shared>,
    name: String,
}

impl Drop for Unlock {
    fn drop(&mut self) {
        self.shared.locks.lock().unwrap().remove(&self.name);
    }
}

fn key(entry: &Entry) -> String {
    match entry {
        Entry::Document(listed) => listed.name.to_string(),
        Entry::Odd { key, .. } => key.clone(),
        other => panic!("{other:?}"),
    }
}

/// Puts an empty document, if it may.
async fn put(store: &dyn DocumentStore, name: &DocumentName, precondition: Precondition) {
    let _ = store.put(name, Bytes::new(), precondition).await;
}
