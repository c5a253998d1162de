//! Any Serde type as a document.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use cred_path::DocumentName;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Backoff, Document, DocumentStore, Place, Precondition, StoreError, Version};

/// A value and the version of the document that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// What the document says.
    pub value: T,
    /// The version to pass back when it is replaced.
    pub version: Version,
}

/// JSON documents of any Serde type, on any [`DocumentStore`].
///
/// ```
/// # #[cfg(feature = "memory")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::convert::Infallible;
///
/// use cred_model::{DocumentStoreExt, MemoryStore};
///
/// let store = MemoryStore::new();
/// let visits = "visits".parse()?;
/// for _ in 0..2 {
///     store.update_json(&visits, |count: Option<u64>| Ok::<_, Infallible>(count.unwrap_or(0) + 1)).await?;
/// }
/// assert_eq!(store.get_json::<u64>(&visits).await?.map(|read| read.value), Some(2));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "memory"))]
/// # fn main() {}
/// ```
pub trait DocumentStoreExt: DocumentStore {
    /// Reads the document called `name`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Corrupt`] if it is not JSON of this type; where another program may be half-way through
    ///   writing it, what is no JSON at all only if it stays so for half a second.
    /// - As for [`DocumentStore::get`].
    fn get_json<T>(&self, name: &DocumentName) -> impl Future<Output = Result<Option<Versioned<T>>, StoreError>> + Send
    where
        T: DeserializeOwned + Send,
    {
        async move {
            let read = decode_settled(self, name, |document| {
                serde_json::from_slice(&document.body).map_err(|error| corrupt(self, name, document, &error))
            });
            Ok(read.await?.map(|(value, document)| Versioned { value, version: document.version }))
        }
    }

    /// Writes `value` under `name` as JSON with two-space indent, if `precondition` holds.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Misconfigured`] if the type cannot be written as JSON; nothing was sent.
    /// - As for [`DocumentStore::put`].
    fn put_json<T>(
        &self,
        name: &DocumentName,
        value: &T,
        precondition: Precondition,
    ) -> impl Future<Output = Result<Version, StoreError>> + Send
    where
        T: Serialize + Sync,
    {
        async move { self.put(name, encode(value)?, precondition).await }
    }

    /// Replaces the value called `name` by what `change` makes of it: read, change, compare and swap.
    ///
    /// `change` gets `None` if there is no document yet. When somebody else writes in between it is called again with
    /// the newer value, after a short random wait, as [`Backoff`] says.
    ///
    /// # Errors
    ///
    /// - [`UpdateError::Refused`] with the error of `change`; nothing was written.
    /// - [`UpdateError::Store`] as for [`get_json`](Self::get_json) and [`put_json`](Self::put_json);
    ///   [`StoreError::Conflict`] only after all tries.
    fn update_json<T, E>(
        &self,
        name: &DocumentName,
        mut change: impl FnMut(Option<T>) -> Result<T, E> + Send,
    ) -> impl Future<Output = Result<Versioned<T>, UpdateError<E>>> + Send
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        E: Send,
    {
        async move {
            let mut backoff = Backoff::new();
            loop {
                let (value, precondition) = match self.get_json(name).await? {
                    Some(Versioned { value, version }) => (Some(value), Precondition::IfVersion(version)),
                    None => (None, Precondition::IfAbsent),
                };
                let value = change(value).map_err(UpdateError::Refused)?;
                match self.put_json(name, &value, precondition).await {
                    Ok(version) => return Ok(Versioned { value, version }),
                    Err(error) if error.is_conflict() && backoff.pause().await => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}

impl<S: DocumentStore + ?Sized> DocumentStoreExt for S {}

/// Why [`DocumentStoreExt::update_json`] changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError<E> {
    /// The caller's own function refused.
    #[error(transparent)]
    Refused(E),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How long a document that cannot be decoded may be one that is being written, and how often it is looked at.
const TORN_FOR: Duration = Duration::from_millis(500);
const TORN_POLL: Duration = Duration::from_millis(25);

/// Reads the document called `name` and decodes it; where another program may be half-way through writing it, one that
/// is no JSON is read again for half a second.
///
/// # Errors
///
/// The last error of `decode`, or whatever kept the store from reading.
pub async fn decode_settled<S, T, E>(
    store: &S,
    name: &DocumentName,
    decode: impl Fn(&Document) -> Result<T, E> + Send,
) -> Result<Option<(T, Document)>, E>
where
    S: DocumentStore + ?Sized,
    E: From<StoreError>,
{
    let mut waited = Duration::ZERO;
    loop {
        let Some(document) = store.get(name).await? else { return Ok(None) };
        match decode(&document) {
            Ok(value) => return Ok(Some((value, document))),
            Err(_) if store.may_be_torn() && waited < TORN_FOR && is_damaged(&document.body) => {
                tokio::time::sleep(TORN_POLL).await;
                waited += TORN_POLL;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether `body` is no JSON, as one is that another program has begun to write.
fn is_damaged(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
}

fn encode<T: Serialize>(value: &T) -> Result<Bytes, StoreError> {
    match serde_json::to_vec_pretty(value) {
        Ok(body) => Ok(body.into()),
        // What Serde says may quote the value.
        Err(_) => Err(StoreError::Misconfigured {
            setting: format!("the type {}", std::any::type_name::<T>()),
            problem: "cannot be written as JSON".into(),
            expected: "one whose maps have string keys and whose Serialize does not fail".into(),
        }),
    }
}

/// The error of serde_json without its text, which quotes the rejected value.
fn corrupt<S: DocumentStore + ?Sized>(
    store: &S,
    name: &DocumentName,
    document: &Document,
    error: &serde_json::Error,
) -> StoreError {
    use serde_json::error::Category;
    let problem = match error.classify() {
        Category::Eof => "unexpected end of JSON",
        Category::Syntax => "invalid JSON",
        Category::Data | Category::Io => "JSON of another shape than expected",
    };
    StoreError::Corrupt {
        place: Place::document(store.location(), name),
        version: Some(document.version.clone()),
        problem: problem.into(),
        line: error.line(),
        column: error.column(),
    }
}
