//! Text that must not be printed by accident.

use std::fmt;

use zeroize::Zeroizing;

/// A token, a client secret or any other text that nobody should see unasked.
///
/// `Debug` and `Display` print `[redacted]`; the memory is overwritten when the value is dropped.
/// There is no `Serialize`: who wants the text asks for it by name, with [`expose`](Self::expose).
///
/// ```
/// use cred_model::Secret;
///
/// let token = Secret::new("ya29.a0Af");
/// assert_eq!(format!("{token} {token:?}"), "[redacted] [redacted]");
/// assert_eq!(token.expose(), "ya29.a0Af");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
