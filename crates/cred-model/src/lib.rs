//! What a credential store keeps, and what keeping it promises.
//!
//! Two halves that do not need each other:
//!
//! - **Documents.** [`DocumentStore`] is what a backend promises: small documents by name, atomic writes with a
//!   [`Precondition`], a [`Version`] per state, one typed [`StoreError`]. [`DocumentStoreExt`] adds JSON of any Serde
//!   type. Who wants "typed JSON documents with compare-and-swap" needs nothing else.
//! - **Credentials.** [`Credential`] is what one user has granted, in a JSON form that other programs read too and
//!   whose unknown members survive; [`Expiry`] reads every way of writing a time; [`Secret`] is not printed by accident.
//!   A [`DecodeError`] says where a document is wrong and shows nothing of it.

#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod action;
mod backoff;
mod cause;
mod document;
mod error;
#[cfg(feature = "memory")]
mod memory;
mod place;
mod probe;
mod typed;
mod version;

pub use action::Action;
pub use backoff::Backoff;
pub use cause::{Phase, Refusal, Tried};
pub use document::{
    ConditionalDelete, Document, DocumentStore, Entry, EntryStream, Fetched, Listed, Lock, MAX_DOCUMENT_BYTES, Oddity,
    Precondition, TryLock,
};
pub use error::{Effect, StoreError};
#[cfg(feature = "memory")]
pub use memory::MemoryStore;
pub use place::Place;
pub use probe::{ConditionalPut, Probe, ProbeCache, probe};
pub use typed::{DocumentStoreExt, UpdateError, Versioned, decode_settled};
pub use version::{InvalidVersion, Version};

mod credential;
mod decode_error;
mod expiry;
mod export;
mod form;
mod identity;
mod import;
mod json;
mod merge;
mod secret;
mod stored;
mod yup;

pub use credential::{Credential, Status};
pub use decode_error::{DecodeError, DecodeErrorKind, JsonType, LooksLike};
pub use expiry::Expiry;
pub use export::ExportError;
pub use form::{ExportForm, ImportForm, UnknownForm};
pub use import::{Import, ImportError, ImportNote, Imported};
pub use json::MAX_DEPTH;
pub use secret::Secret;
