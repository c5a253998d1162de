//! What a credential store keeps, and what keeping it promises.
//!
//! Two halves that do not need each other:
//!
//! - **Documents.** [`DocumentStore`] is what a backend promises: small documents by name, atomic writes with a
//!   [`Precondition`], a [`Version`] per state, one typed [`StoreError`]. [`DocumentStoreExt`] adds JSON of any Serde
//!   type. Who wants "typed JSON documents with compare-and-swap" needs nothing else.

mod backoff;
mod document;
mod error;
#[cfg(feature = "memory")]
mod memory;
mod place;
mod probe;
mod typed;
mod version;

pub use document::{
    ConditionalDelete, Document, DocumentStore, Entry, EntryStream, Fetched, Listed, Lock, MAX_DOCUMENT_BYTES, Oddity,
    Precondition, TryLock,
};
pub use error::{Action, Effect, Phase, Refusal, StoreError, Tried};
#[cfg(feature = "memory")]
pub use memory::MemoryStore;
pub use place::Place;
pub use probe::{ConditionalPut, Probe, ProbeCache, probe};
pub use typed::{DocumentStoreExt, UpdateError, Versioned, decode_settled};
pub use version::{InvalidVersion, Version};
