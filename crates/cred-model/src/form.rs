//! The forms that credentials come in and go out in, by the words an operator types.

use std::{fmt, str::FromStr};

/// A form to read a credential in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportForm {
    /// `adc`: gcloud's application default credentials of a user (`"type": "authorized_user"`).
    Adc,
    /// `google-auth`: what `Credentials.to_json()` of Python's google-auth writes.
    GoogleAuth,
    /// `token-response`: the answer of a token endpoint, or a token as Go's `oauth2.Token`, Node's and Java's libraries keep it.
    /// They name no client: see [`Import::with_client_file`](crate::Import::with_client_file).
    TokenResponse,
    /// `upstream`: the seven keys of google_workspace_mcp, with or without others.
    Upstream,
    /// `yup`: the token cache of yup-oauth2, an array.
    Yup,
}

/// A form to write a credential in for another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportForm {
    /// `adc`: gcloud's application default credentials (`"type": "authorized_user"`), read by all of Google's libraries.
    Adc,
    /// `env`: lines for a POSIX shell that export `GOOGLE_OAUTH_ACCESS_TOKEN`, `…_REFRESH_TOKEN`, `…_TOKEN_URI`,
    /// `…_CLIENT_ID`, `…_CLIENT_SECRET`, `…_SCOPES` (between spaces) and `…_EXPIRY` (RFC 3339), as far as they are known.
    Env,
    /// `google-auth`: what `Credentials.to_json()` of Python's google-auth writes and `from_authorized_user_info` reads.
    GoogleAuth,
    /// `upstream`: the seven keys of google_workspace_mcp, and nothing else.
    Upstream,
}

/// A word that names no form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown form {word:?} (known: {known})")]
pub struct UnknownForm {
    word: String,
    known: String,
}

impl ImportForm {
    const ALL: [Self; 5] = [Self::Adc, Self::GoogleAuth, Self::TokenResponse, Self::Upstream, Self::Yup];

    fn word(self) -> &'static str {
        match self {
            Self::Adc => "adc",
            Self::GoogleAuth => "google-auth",
            Self::TokenResponse => "token-response",
            Self::Upstream => "upstream",
            Self::Yup => "yup",
        }
    }
}

impl fmt::Display for ImportForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for ImportForm {
    type Err = UnknownForm;

    fn from_str(word: &str) -> Result<Self, UnknownForm> {
        let form = Self::ALL.into_iter().find(|form| form.word() == word);
        form.ok_or_else(|| UnknownForm::new(word, &Self::ALL.map(Self::word)))
    }
}

impl ExportForm {
    const ALL: [Self; 4] = [Self::Adc, Self::Env, Self::GoogleAuth, Self::Upstream];

    fn word(self) -> &'static str {
        match self {
            Self::Adc => "adc",
            Self::Env => "env",
            Self::GoogleAuth => "google-auth",
            Self::Upstream => "upstream",
        }
    }
}

impl fmt::Display for ExportForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for ExportForm {
    type Err = UnknownForm;

    fn from_str(word: &str) -> Result<Self, UnknownForm> {
        let form = Self::ALL.into_iter().find(|form| form.word() == word);
        form.ok_or_else(|| UnknownForm::new(word, &Self::ALL.map(Self::word)))
    }
}

impl UnknownForm {
    fn new(word: &str, known: &[&str]) -> Self {
        Self { word: word.to_owned(), known: known.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_the_words_an_operator_types() {
        for form in ImportForm::ALL {
            assert_eq!(form.to_string().parse(), Ok(form));
        }
        for form in ExportForm::ALL {
            assert_eq!(form.to_string().parse(), Ok(form));
        }
        let error = "yup".parse::<ExportForm>().unwrap_err();
        assert_eq!(error.to_string(), r#"unknown form "yup" (known: adc, env, google-auth, upstream)"#);
    }
}
