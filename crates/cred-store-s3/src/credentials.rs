//! The keys that requests are signed with.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use cred_model::{StoreError, Tried};
use cred_path::Environment;
use object_store::aws::AwsCredential;

/// An AWS access key, with a session token if it is a temporary one.
///
/// `Debug` shows none of it; clones share it.
#[derive(Clone)]
pub struct AwsKeys(Arc<AwsCredential>);

impl AwsKeys {
    /// A permanent access key; blanks around its parts, such as the last line break of a mounted secret, do not count.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] for a part that is empty or has characters which no key has.
    pub fn new(access_key_id: &str, secret_access_key: &str) -> Result<Self, StoreError> {
        let key_id = checked("AWS_ACCESS_KEY_ID", access_key_id, "an access key ID, such as AKIAIOSFODNN7EXAMPLE")?;
        let secret_key = checked("AWS_SECRET_ACCESS_KEY", secret_access_key, "the secret access key of that ID")?;
        Ok(Self(Arc::new(AwsCredential { key_id, secret_key, token: None })))
    }

    /// The same key as a temporary one, which is valid only with `token`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] for a token that is empty or has characters which no token has.
    pub fn with_session_token(self, token: &str) -> Result<Self, StoreError> {
        let token = checked("AWS_SESSION_TOKEN", token, "the session token that came with the temporary key")?;
        let AwsCredential { key_id, secret_key, .. } = &*self.0;
        Ok(Self(Arc::new(AwsCredential { key_id: key_id.clone(), secret_key: secret_key.clone(), token: Some(token) })))
    }

    pub(crate) fn credential(&self) -> &AwsCredential {
        &self.0
    }
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKeys").finish_non_exhaustive()
    }
}

/// Where a store gets its keys from, if they are not the same for ever.
///
/// It is asked before every request, so it should answer from memory and renew temporary keys before they expire.
#[async_trait]
pub trait AwsKeyProvider: fmt::Debug + Send + Sync + 'static {
    /// The keys to sign with now.
    ///
    /// # Errors
    ///
    /// The places that were tried, each with what was found wrong there; nothing secret.
    async fn keys(&self) -> Result<AwsKeys, Tried>;

    /// What kind of keys these are, in a word or two for logs, such as "web identity".
    fn kind(&self) -> &'static str;
}

/// The keys of one store.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    Fixed { keys: AwsKeys, kind: &'static str },
    Missing(Tried),
    Provided(Arc<dyn AwsKeyProvider>),
}

impl Keys {
    /// The keys that the variables hold, if they hold any.
    pub(crate) fn from_environment(env: &Environment) -> Result<Self, StoreError> {
        const ID: &str = "AWS_ACCESS_KEY_ID";
        const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
        let missing = |what: String| Self::Missing(Tried(vec![format!("environment ({what})")]));
        Ok(match (env.get(ID), env.get(SECRET)) {
            (Some(id), Some(secret)) => {
                let keys = AwsKeys::new(id, secret)?;
                let keys = match env.get("AWS_SESSION_TOKEN") {
                    Some(token) => keys.with_session_token(token)?,
                    None => keys,
                };
                Self::Fixed { keys, kind: "environment" }
            }
            (Some(_), None) => missing(format!("{SECRET} is not set, {ID} is")),
            (None, Some(_)) => missing(format!("{ID} is not set, {SECRET} is")),
            (None, None) => missing(format!("{ID} and {SECRET} are not set")),
        })
    }

    pub(crate) async fn now(&self) -> Result<AwsKeys, Tried> {
        match self {
            Self::Fixed { keys, .. } => Ok(keys.clone()),
            Self::Missing(tried) => Err(tried.clone()),
            Self::Provided(provider) => provider.keys().await,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Fixed { kind, .. } => kind,
            Self::Missing(_) => "none",
            Self::Provided(provider) => provider.kind(),
        }
    }
}

/// `value` without blanks around it, if it can be sent in a header.
fn checked(setting: &str, value: &str, expected: &str) -> Result<String, StoreError> {
    let value = value.trim();
    let problem = if value.is_empty() {
        "is empty"
    } else if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        "has a blank, a line break or a character outside of ASCII"
    } else {
        return Ok(value.to_owned());
    };
    Err(StoreError::Misconfigured { setting: setting.into(), problem: problem.into(), expected: expected.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_key_in_the_environment_is_named() {
        let tried = |variables: &[(&str, &str)]| match Keys::from_environment(&Environment::from_iter(
            variables.iter().copied(),
        )) {
            Ok(Keys::Missing(tried)) => tried.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            tried(&[("AWS_ACCESS_KEY_ID", "AKIA")]),
            "tried environment (AWS_SECRET_ACCESS_KEY is not set, AWS_ACCESS_KEY_ID is)"
        );
        assert_eq!(
            tried(&[("AWS_SECRET_ACCESS_KEY", "wJal"), ("AWS_ACCESS_KEY_ID", " ")]),
            "tried environment (AWS_ACCESS_KEY_ID is not set, AWS_SECRET_ACCESS_KEY is)"
        );
    }

    #[test]
    fn a_last_line_break_does_not_count_and_one_inside_is_refused() {
        let keys = AwsKeys::new("AKIA\n", " wJal\n").unwrap().with_session_token("tok\n").unwrap();
        let AwsCredential { key_id, secret_key, token } = keys.credential();
        assert_eq!((key_id.as_str(), secret_key.as_str(), token.as_deref()), ("AKIA", "wJal", Some("tok")));

        for bad in ["wJ\nal", "wJ al", "wJäl", "", " \n"] {
            let error = AwsKeys::new("AKIA", bad).unwrap_err();
            assert!(error.to_string().starts_with("AWS_SECRET_ACCESS_KEY "), "{error}");
            assert!(bad.trim().is_empty() || !format!("{error:?}").contains(bad.trim()), "{error:?}");
        }
    }
}
