//! What tells one state of a document from another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The version of a stored document: opaque; unequal versions are unequal documents.
///
/// Where a backend makes versions of the content, equal bytes have equal versions: a document that was changed and
/// changed back is at its old version again.
///
/// It prints and parses, so that a script can carry it from a read to a write. What it holds is the backend's
/// business: an S3 `ETag`, a generation, a hash of the content.
///
/// ```
/// use cred_model::Version;
///
/// let version: Version = "\"9a0364b9e99bb480dd25e1f0284c8555\"".parse()?;
/// assert_eq!(version.to_string(), "\"9a0364b9e99bb480dd25e1f0284c8555\"");
/// # Ok::<(), cred_model::InvalidVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// The longest text of a version, in bytes. S3's entity tags have about forty.
    const MAX_BYTES: usize = 1024;

    /// A version from the text that a backend gave it.
    ///
    /// # Errors
    ///
    /// [`InvalidVersion`] unless `text` is 1 to 1,024 printable ASCII characters, of which the outermost are no
    /// spaces: it has to survive as the value of an HTTP header.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidVersion> {
        let text = text.as_ref();
        let fits = (1..=Self::MAX_BYTES).contains(&text.len()) && text.trim().len() == text.len();
        if fits && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidVersion)
        }
    }

    /// The text of the version.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        Self::new(text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be a [`Version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is 1 to 1,024 printable ASCII characters, as this store printed it")]
pub struct InvalidVersion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_would_break_a_header_is_refused() {
        for text in ["", " ", " a", "a\n", "a\r\nx-evil: 1", "\u{e9}", &"a".repeat(1025)] {
            assert_eq!(Version::new(text), Err(InvalidVersion), "{text:?}");
        }
    }
}
