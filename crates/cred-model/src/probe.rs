//! Whether a store really honours the conditions of conditional writes.

use std::sync::Arc;

use bytes::Bytes;
use cred_path::DocumentName;
use tokio::sync::OnceCell;

use crate::{ConditionalDelete, DocumentStore, Place, Precondition, StoreError, Version};

/// What a store was found to honour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Conditional writes.
    pub conditional_put: ConditionalPut,
    /// Deletions at a version.
    pub conditional_delete: ConditionalDelete,
}

/// Whether [`Precondition`]s are honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionalPut {
    /// Every one that was tried.
    Honoured,
    /// Not all: this is the first that was not. Compare-and-swap on this store loses updates.
    Ignored(&'static str),
}

/// Where a store keeps the answer of its probe; its clones and scopes share it.
#[derive(Clone, Debug, Default)]
pub struct ProbeCache(Arc<OnceCell<Probe>>);

/// Finds out whether `store` honours conditional writes, by writing a few harmless documents below `.locks/`, which
/// it deletes again.
///
/// The answer is kept in [`DocumentStore::probe_cache`], so a store is asked only once. Plain loads and saves need no
/// probe; ask before anything whose loss cannot be repaired depends on compare-and-swap.
///
/// # Errors
///
/// Whatever kept the probe from writing, reading or deleting its documents; nothing is remembered then.
pub async fn probe(store: &dyn DocumentStore) -> Result<Probe, StoreError> {
    store.probe_cache().0.get_or_try_init(|| ask(store)).await.copied()
}

async fn ask(store: &dyn DocumentStore) -> Result<Probe, StoreError> {
    let place = store.scoped(&name(".locks"));
    let document = name(&format!("probe-{:016x}", random(store)?));
    let result = conditional_put(&*place, &document).await;
    let cleaned = place.delete(&document, None).await;
    let conditional_put = result?;
    cleaned?;
    Ok(Probe { conditional_put, conditional_delete: store.conditional_delete().await? })
}

/// The steps of the probe: each refusal that fails to come is a condition that is ignored.
async fn conditional_put(place: &dyn DocumentStore, document: &DocumentName) -> Result<ConditionalPut, StoreError> {
    let put = async |body: &'static str, precondition| {
        place.put(document, Bytes::from_static(body.as_bytes()), precondition).await
    };
    // On a missing document: any version is stale.
    let Ok(foreign) = Version::new("\"00000000000000000000000000000000\"") else {
        return Ok(ConditionalPut::Ignored("versions"));
    };
    if accepted(put("0", Precondition::IfVersion(foreign)).await)?.is_some() {
        return Ok(ConditionalPut::Ignored("an update of a missing document was accepted"));
    }
    let first = put("1", Precondition::IfAbsent).await?;
    if accepted(put("2", Precondition::IfAbsent).await)?.is_some() {
        return Ok(ConditionalPut::Ignored("a second creation was accepted"));
    }
    let second = put("3", Precondition::IfVersion(first.clone())).await?;
    if second == first {
        return Ok(ConditionalPut::Ignored("an update left the version as it was"));
    }
    if accepted(put("4", Precondition::IfVersion(first)).await)?.is_some() {
        return Ok(ConditionalPut::Ignored("an update at a stale version was accepted"));
    }
    Ok(ConditionalPut::Honoured)
}

/// The version written, or `None` if the precondition was enforced.
fn accepted(result: Result<Version, StoreError>) -> Result<Option<Version>, StoreError> {
    match result {
        Ok(version) => Ok(Some(version)),
        Err(error) if error.is_conflict() => Ok(None),
        Err(error) => Err(error),
    }
}

fn name(text: &str) -> DocumentName {
    DocumentName::new(text).expect("made of letters, digits, a dot and a hyphen")
}

fn random(store: &dyn DocumentStore) -> Result<u64, StoreError> {
    getrandom::u64()
        .map_err(|_| StoreError::Unsupported { place: Place::store(store.location()), feature: "random numbers" })
}
