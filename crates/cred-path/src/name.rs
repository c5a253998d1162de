//! The name of one stored document, safe in every backend.

use std::fmt;
use std::str::FromStr;

use crate::error::shortened;

/// The name of one document in a store, extension included.
///
/// It is one path component that no backend can misread: not empty, at most 255 bytes (the limit of common file
/// systems), not `.` or `..`, and free of `/`, `\`, NUL and other control characters. Names that begin with `.tmp-` are kept for
/// files in the making, unless they end in `.json`. Beyond that it is opaque: backends know nothing of users.
///
/// ```
/// use cred_path::DocumentName;
///
/// assert!(DocumentName::new("settings.json")?.is_json());
/// assert!(DocumentName::new("../settings.json").is_err());
/// # Ok::<(), cred_path::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentName(String);

impl DocumentName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Takes `name` as it is.
    ///
    /// # Errors
    ///
    /// [`NameError`] if some backend could misread it.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong { length: name.len(), name: shortened(&name) });
        }
        if name == "." || name == ".." {
            return Err(NameError::Directory { name });
        }
        if let Some(character) = name.chars().find(|c| matches!(c, '/' | '\\') || c.is_control()) {
            return Err(NameError::Character { name, character });
        }
        if name.starts_with(".tmp-") && !name.ends_with(".json") {
            return Err(NameError::Reserved { name });
        }
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it ends in `.json`, in exactly these letters: what makes it a credential's document.
    pub fn is_json(&self) -> bool {
        self.0.ends_with(".json")
    }
}

impl AsRef<str> for DocumentName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for DocumentName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl fmt::Display for DocumentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text cannot name a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named after what they hold")]
#[non_exhaustive]
pub enum NameError {
    /// It holds a character that separates paths or controls a terminal.
    #[error("document name {name:?} may not contain {character:?}")]
    Character { name: String, character: char },
    /// It is `.` or `..`, which every file system gives to directories.
    #[error("document name {name:?} means a directory")]
    Directory { name: String },
    /// It is the empty text.
    #[error("a document name may not be empty")]
    Empty,
    /// It is kept for files in the making.
    #[error("document name {name:?} is reserved: names in \".tmp-\" are files in the making")]
    Reserved { name: String },
    /// It is longer than a file system takes; `name` is its beginning.
    #[error("document name {name:?} is too long: {length} bytes, at most {max}", max = DocumentName::MAX_BYTES)]
    TooLong { name: String, length: usize },
}

impl NameError {
    /// What the caller can do about it: one imperative clause, no full stop.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Character { .. } | Self::Directory { .. } | Self::Empty => {
                "use a single file name, such as settings.json".into()
            }
            Self::Reserved { .. } => "begin the name with something else, or end it in .json".into(),
            Self::TooLong { .. } => format!("use at most {} bytes, extension included", DocumentName::MAX_BYTES),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_plain_file_name_is_taken_as_it_is() {
        for name in ["a.json", ".locks", ".hidden", "...", "..json", ".tmp-x.json", "a b", "ü", "%2F", "x.lease", "~"]
        {
            assert_eq!(DocumentName::new(name).unwrap().to_string(), name);
        }
        assert!(DocumentName::new("x".repeat(255)).is_ok());
    }

    #[test]
    fn what_a_backend_could_misread_is_refused() {
        for name in ["", ".", "..", "a/b", "/a", "a/", "a\\b", "a\0", "a\n", "\u{85}", ".tmp-x", ".tmp-x.JSON"] {
            let error = DocumentName::new(name).unwrap_err();
            assert!(error.hint().is_some() && (name.is_empty() || error.to_string().contains(&format!("{name:?}"))));
        }
    }

    #[test]
    fn a_name_of_256_bytes_is_too_long() {
        let error = DocumentName::new("é".repeat(128)).unwrap_err();
        assert!(matches!(error, NameError::TooLong { length: 256, .. }));
    }

    #[test]
    fn only_lower_case_json_is_json() {
        let is_json = |name: &str| DocumentName::new(name).unwrap().is_json();
        assert!(is_json("a.json") && is_json(".json"));
        assert!(!is_json("a.JSON") && !is_json("a.json.bak") && !is_json("json"));
    }
}
