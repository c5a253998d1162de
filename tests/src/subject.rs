//! The store under test, and what it is excused from.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use cred_model::DocumentStore;

type Planter = Box<dyn Fn(String, Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Something a store may do without, if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lack {
    /// It deletes at a version by reading and comparing first.
    ConditionalDelete,
    /// It answers at once, so that no call can miss a deadline.
    Deadlines,
    /// It has no locks.
    Locks,
    /// Nobody else can write to its place, so nothing odd or oversized can be there.
    OtherWriters,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConditionalDelete => "deletions at a version are not atomic",
            Self::Deadlines => "answers at once, deadlines untested",
            Self::Locks => "no locks",
            Self::OtherWriters => "no other writers, odd entries untested",
        })
    }
}

/// A fresh, empty store with what the suite has to know about it.
pub struct Subject {
    store: Arc<dyn DocumentStore>,
    lacks: BTreeSet<Lack>,
    planter: Option<Planter>,
}

impl Subject {
    /// A store that lacks nothing.
    pub fn new(store: impl DocumentStore) -> Self {
        Self { store: Arc::new(store), lacks: BTreeSet::new(), planter: None }
    }

    /// Declares that the store lacks something; the suite fails if it does not.
    pub fn without(mut self, lack: Lack) -> Self {
        self.lacks.insert(lack);
        self
    }

    /// Gives the suite a way to write past the store, under a name that the store itself may refuse.
    pub fn with_planter<F>(mut self, plant: impl Fn(String, Bytes) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.planter = Some(Box::new(move |key, body| Box::pin(plant(key, body))));
        self
    }

    pub(crate) fn lacks(&self) -> impl Iterator<Item = Lack> {
        self.lacks.iter().copied()
    }

    pub(crate) fn has(&self, ability: Lack) -> bool {
        !self.lacks.contains(&ability)
    }

    /// A handle for a task of its own.
    pub(crate) fn handle(&self) -> Arc<dyn DocumentStore> {
        self.store.clone()
    }

    /// Writes past the store; `false` if the store is declared to be alone.
    pub(crate) async fn plant(&self, key: &str, body: Bytes) -> bool {
        match (&self.planter, self.has(Lack::OtherWriters)) {
            (Some(plant), true) => plant(key.to_owned(), body).await,
            (None, false) => {}
            (None, true) => panic!("give the suite a planter, or declare Lack::OtherWriters"),
            (Some(_), false) => panic!("Lack::OtherWriters is declared, but there is a planter"),
        }
        self.planter.is_some()
    }
}

impl<S: DocumentStore> From<S> for Subject {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl Deref for Subject {
    type Target = dyn DocumentStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("store", &self.store).field("lacks", &self.lacks).finish_non_exhaustive()
    }
}
