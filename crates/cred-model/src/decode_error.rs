//! Why bytes are not a credential, without a word of what they say.

use std::fmt;

/// Why bytes could not be read as a credential, and where.
///
/// The rejected value is never part of it: it may be a token. Only the name of a key is, cut to a readable length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line} column {column}")]
pub struct DecodeError {
    kind: DecodeErrorKind,
    line: usize,
    column: usize,
}

impl DecodeError {
    /// What is wrong at byte `offset` of `input`.
    pub(crate) fn new(kind: DecodeErrorKind, input: &[u8], offset: usize) -> Self {
        let before = &input[..offset];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        Self { kind, line, column: 1 + before.len() - line_start }
    }

    /// What is wrong.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.kind
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in bytes, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Whether the document is damaged: `true` is an error to report, `false` is good JSON that something else
    /// than a credential is kept in, and that a listing passes over with a note.
    pub fn is_corrupt(&self) -> bool {
        match self.kind {
            DecodeErrorKind::NotACredential { .. } | DecodeErrorKind::NotAnObject { .. } => false,
            DecodeErrorKind::ByteOrderMark
            | DecodeErrorKind::DuplicateKey { .. }
            | DecodeErrorKind::NotUtf8
            | DecodeErrorKind::Syntax
            | DecodeErrorKind::TooDeep
            | DecodeErrorKind::TooLarge
            | DecodeErrorKind::UnexpectedEnd
            | DecodeErrorKind::Utf16
            | DecodeErrorKind::WrongType { .. } => true,
        }
    }
}

/// What is wrong with bytes that should be a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named after their types")]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// UTF-8 that begins with a byte order mark, which no other reader of these files accepts.
    #[error("byte order mark before the JSON")]
    ByteOrderMark,
    /// A key of the object stands there twice: readers disagree on which one counts.
    #[error("duplicate key {name:?}")]
    DuplicateKey { name: String },
    /// A JSON object with neither an access token nor a refresh token.
    #[error("not a credential but {looks_like}")]
    NotACredential { looks_like: LooksLike },
    /// JSON, but no object.
    #[error("not a credential but {found}")]
    NotAnObject { found: JsonType },
    /// Bytes that are no UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("invalid JSON")]
    Syntax,
    /// More levels of arrays and objects than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("JSON nested deeper than {} levels", crate::MAX_DEPTH)]
    TooDeep,
    /// More bytes than [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    #[error("document longer than {} bytes", crate::MAX_DOCUMENT_BYTES)]
    TooLarge,
    /// The text ends before the JSON does: empty, or cut off.
    #[error("unexpected end of JSON")]
    UnexpectedEnd,
    /// UTF-16 instead of UTF-8.
    #[error("UTF-16 instead of UTF-8")]
    Utf16,
    /// A key that means something here holds the wrong type.
    #[error("{field:?} must be {expected}, not {found}")]
    WrongType { field: &'static str, expected: &'static str, found: JsonType },
}

/// What a JSON object that is no credential seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LooksLike {
    /// The client file of the Google console, with `installed` or `web`.
    ClientFile,
    /// Logins in progress, as google_workspace_mcp keeps them in `oauth_states.json`.
    OAuthStates,
    /// A key of a service account.
    ServiceAccountKey,
    /// The answer of a token endpoint, which can be imported.
    TokenResponse,
    /// Nothing known.
    Unknown,
}

impl fmt::Display for LooksLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientFile => "a client-secrets file",
            Self::OAuthStates => "the states of logins in progress",
            Self::ServiceAccountKey => "a service account key",
            Self::TokenResponse => "the answer of a token endpoint",
            Self::Unknown => "an object without an access or refresh token",
        })
    }
}

/// A type of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after JSON's types")]
pub enum JsonType {
    Array,
    Boolean,
    Null,
    Number,
    Object,
    String,
}

impl JsonType {
    /// The type of the JSON value `raw`.
    pub(crate) fn of(raw: &str) -> Self {
        match raw.as_bytes().first() {
            Some(b'[') => Self::Array,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            Some(b'{') => Self::Object,
            Some(b'"') => Self::String,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "an array",
            Self::Boolean => "a boolean",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::String => "a string",
        })
    }
}
