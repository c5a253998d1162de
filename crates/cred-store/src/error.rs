//! Why a credential could not be loaded or saved.

use std::error::Error as _;
use std::fmt;

use cred_model::{DecodeError, Document, Effect, Place, StoreError};
use cred_path::{LocationError, UserId};

/// Why a credential could not be loaded or saved.
///
/// `Display` says in one line what failed and where, [`hint`](Self::hint) what to do about it; the cause is in
/// `source()`. None of them holds a secret or the content of a document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text does not name a place that a store can be in.
    #[error(transparent)]
    Location(#[from] LocationError),

    /// The document is good JSON, but not a credential.
    #[error("{place} is {why}")]
    NotACredential {
        /// The document.
        place: Place,
        /// What it is instead.
        why: DecodeError,
    },

    /// The credential has neither an access token nor a refresh token, so it is not stored.
    #[error("a credential without a token is not stored in {place}")]
    NoToken {
        /// The document.
        place: Place,
    },

    /// Nothing is stored for this user.
    #[error("no credential of {user:?} in {place}", user = .user.as_str())]
    NotFound {
        /// Whose credential it should be.
        user: UserId,
        /// The store.
        place: Place,
    },

    /// The credential says that it belongs to somebody else.
    #[error("{place} is kept for {user:?}, but the credential names {named:?}", user = .user.as_str())]
    OtherUser {
        /// Whose credential it should be.
        user: UserId,
        /// Whose it says it is.
        named: String,
        /// The document.
        place: Place,
    },

    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// What the reader can do about it: one imperative clause, no full stop.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Location(error) => error.hint(),
            Self::NotACredential { place, .. } => Some(format!("move it out of {}", place.location())),
            Self::NoToken { .. } => Some("pass an access or a refresh token, or delete the credential".into()),
            Self::NotFound { user, .. } => Some(format!("let {user} sign in, or import a credential")),
            Self::OtherUser { named, .. } => {
                Some(format!("keep it under {named:?}, or overwrite it by force if the account was renamed"))
            }
            Self::Store(error) => error.hint(),
        }
    }

    /// Whether the same call may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    /// Whether the stored document is what is wrong, and not the way to it.
    ///
    /// Such a document is replaced only by [force](crate::Save::force), which keeps its bytes.
    pub fn is_bad_document(&self) -> bool {
        matches!(self, Self::NotACredential { .. } | Self::OtherUser { .. } | Self::Store(StoreError::Corrupt { .. }))
    }

    /// What is known about a write or a deletion that ended in this error.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Store(error) => error.effect(),
            Self::Location(_)
            | Self::NoToken { .. }
            | Self::NotACredential { .. }
            | Self::NotFound { .. }
            | Self::OtherUser { .. } => Effect::None,
        }
    }

    /// Whether the caller has no right to read, or is not told whether there is something to read.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Store(StoreError::AccessDenied { .. } | StoreError::MissingOrForbidden { .. }))
    }

    /// Why `document` could not be decoded.
    pub(crate) fn undecodable(place: Place, document: &Document, why: DecodeError) -> Self {
        if why.is_corrupt() {
            Self::Store(StoreError::Corrupt {
                place,
                version: Some(document.version.clone()),
                problem: why.kind().to_string(),
                line: why.line(),
                column: why.column(),
            })
        } else {
            Self::NotACredential { place, why }
        }
    }
}

/// An error and its causes in one line, for the log.
pub(crate) struct Report<'a>(pub(crate) &'a Error);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
