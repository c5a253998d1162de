//! An object-store prefix as a store of documents.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cred_model::{
    Action, ConditionalDelete, Document, DocumentStore, Effect, EntryStream, Fetched, MAX_DOCUMENT_BYTES, Place,
    Precondition, ProbeCache, StoreError, Version,
};
use cred_path::{DocumentName, Location};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use tokio::sync::OnceCell;

use crate::any::Any;
use crate::settle;
use crate::wire::{Level, Page, Target, Wire};

/// The longest key, in bytes.
///
/// Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
const MAX_KEY_BYTES: usize = 1_024;
/// The longest time a call may take unless told otherwise.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Keeps documents below a prefix of a bucket, one object each.
///
/// A store is a cheap handle: clones and scopes share one client and what was found out about the server.
#[derive(Clone)]
pub struct S3Store {
    shared: Arc<Shared>,
    location: Location,
    /// What every key begins with.
    prefix: String,
    deadline: Duration,
}

struct Shared {
    wire: Box<dyn Wire>,
    server: Option<Server>,
    conditional_delete: OnceCell<ConditionalDelete>,
    probe: ProbeCache,
}

/// The server that a store talks to, for logs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// Its address without a path, such as `https://acme.s3.eu-west-1.amazonaws.com`.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// What kind of credentials requests are signed with, such as "environment"; "none" if there are none.
    pub credentials: &'static str,
}

impl S3Store {
    /// Keeps documents at the root of `objects`, any object store that can compare and swap; `location` is what
    /// messages call it.
    ///
    /// `objects` has to support [`PutMode::Create`](object_store::PutMode::Create) and
    /// [`PutMode::Update`](object_store::PutMode::Update), report an entity tag or a version for what it reads and
    /// writes, and keep attributes: a write leaves its random id in the metadata `writeid` and `writereplaces`, by
    /// which it is recognised when its answer is lost. [`probe`](cred_model::probe()) finds out whether all that works.
    /// Deletions at a version read first ([`ConditionalDelete::ReadFirst`]), and a listing is one page, however long. For
    /// a prefix, wrap it in a [`PrefixStore`](object_store::prefix::PrefixStore).
    ///
    /// The client below may repeat a write without telling, and have the second one refused because the first was
    /// applied. So after any refusal the document is read: it is ours by its id, or else a
    /// [`Conflict`](StoreError::Conflict). That is told in error of a write that was applied and replaced by another's
    /// before it was read.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    ///
    /// use cred_store_s3::{DocumentStoreExt, Location, S3Store};
    /// use object_store::memory::InMemory;
    ///
    /// let store = S3Store::over(Arc::new(InMemory::new()), Location::Other("memory".into()));
    /// let count = |count: Option<u64>| Ok::<_, std::convert::Infallible>(count.unwrap_or(0) + 1);
    /// assert_eq!(store.update_json(&"visits.json".parse()?, count).await?.value, 1);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
    /// ```
    pub fn over(objects: Arc<dyn ObjectStore>, location: Location) -> Self {
        Self::new(Any::new(objects), None, location, String::new(), DEADLINE)
    }

    pub(crate) fn new(
        wire: impl Wire,
        server: Option<Server>,
        location: Location,
        prefix: String,
        deadline: Duration,
    ) -> Self {
        let shared =
            Shared { wire: Box::new(wire), server, conditional_delete: OnceCell::new(), probe: ProbeCache::default() };
        Self { shared: Arc::new(shared), location, prefix, deadline }
    }

    /// The server that this store talks to; `None` for a store [`over`](Self::over) another client.
    pub fn server(&self) -> Option<&Server> {
        self.shared.server.as_ref()
    }

    fn wire(&self) -> &dyn Wire {
        &*self.shared.wire
    }

    fn target<'a>(&'a self, name: &'a DocumentName) -> Result<Target<'a>, StoreError> {
        let key = format!("{}{name}", self.prefix);
        if key.len() > MAX_KEY_BYTES {
            return Err(StoreError::InvalidName {
                name: name.to_string(),
                place: Place::store(&self.location),
                problem: format!("the key would have {} bytes, and {MAX_KEY_BYTES} are allowed", key.len()),
            });
        }
        Ok(Target { location: &self.location, name, key })
    }

    /// The answer of `call`, if it comes within the deadline.
    async fn within<T>(
        &self,
        action: Action,
        name: Option<&DocumentName>,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(self.deadline, call).await.unwrap_or_else(|_| {
            Err(StoreError::Timeout {
                action,
                place: match name {
                    Some(name) => Place::document(&self.location, name),
                    None => Place::store(&self.location),
                },
                after: self.deadline,
                effect: if matches!(action, Action::Read | Action::List) { Effect::None } else { Effect::Unknown },
            })
        })
    }

    async fn page(&self, page: Option<&str>) -> Result<Page, StoreError> {
        let level = Level { location: &self.location, prefix: &self.prefix };
        self.within(Action::List, None, self.wire().list(&level, page)).await
    }

    async fn ask_conditional_delete(&self) -> Result<ConditionalDelete, StoreError> {
        let id = settle::random_id(|| Place::store(&self.location))?;
        let name = DocumentName::new(format!("probe-{id}")).expect("letters, digits and a hyphen");
        let level = DocumentName::new(".locks").expect("letters and a dot");
        let location = self.location.level(&level);
        let target = Target { location: &location, name: &name, key: format!("{}{level}/{name}", self.prefix) };
        settle::conditional_delete(self.wire(), &target).await
    }
}

#[async_trait]
impl DocumentStore for S3Store {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn get(&self, name: &DocumentName) -> Result<Option<Document>, StoreError> {
        let target = self.target(name)?;
        let object = self.within(Action::Read, Some(name), self.wire().get(&target)).await?;
        Ok(object.map(|object| object.document))
    }

    async fn get_if_changed(&self, name: &DocumentName, version: &Version) -> Result<Fetched, StoreError> {
        let target = self.target(name)?;
        self.within(Action::Read, Some(name), self.wire().get_if_changed(&target, version)).await
    }

    async fn put(&self, name: &DocumentName, body: Bytes, precondition: Precondition) -> Result<Version, StoreError> {
        let target = self.target(name)?;
        let size = body.len() as u64;
        if size > MAX_DOCUMENT_BYTES {
            return Err(StoreError::TooLarge { place: target.place(), size, limit: MAX_DOCUMENT_BYTES });
        }
        self.within(Action::Write, Some(name), settle::put(self.wire(), &target, body, &precondition)).await
    }

    async fn delete(&self, name: &DocumentName, version: Option<&Version>) -> Result<bool, StoreError> {
        let target = self.target(name)?;
        let Some(version) = version else {
            return self.within(Action::Delete, Some(name), settle::delete(self.wire(), &target)).await;
        };
        let how = self.conditional_delete().await?;
        self.within(Action::Delete, Some(name), settle::delete_at(self.wire(), &target, version, how)).await
    }

    fn list(&self) -> EntryStream {
        let store = self.clone();
        // The token of the next page: `None` within for the first, without when there are no more.
        let pages = stream::try_unfold(Some(None), move |next: Option<Option<String>>| {
            let store = store.clone();
            async move {
                let Some(token) = next else { return Ok(None) };
                let page = store.page(token.as_deref()).await?;
                Ok(Some((stream::iter(page.entries.into_iter().map(Ok)), page.next.map(Some))))
            }
        });
        pages.try_flatten().boxed()
    }

    fn scoped(&self, level: &DocumentName) -> Arc<dyn DocumentStore> {
        Arc::new(Self {
            location: self.location.level(level),
            prefix: format!("{}{level}/", self.prefix),
            ..self.clone()
        })
    }

    fn with_deadline(&self, deadline: Duration) -> Arc<dyn DocumentStore> {
        Arc::new(Self { deadline, ..self.clone() })
    }

    async fn conditional_delete(&self) -> Result<ConditionalDelete, StoreError> {
        let ask = || self.within(Action::Delete, None, self.ask_conditional_delete());
        self.shared.conditional_delete.get_or_try_init(ask).await.copied()
    }

    fn probe_cache(&self) -> &ProbeCache {
        &self.shared.probe
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("location", &self.location)
            .field("server", &self.shared.server)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
