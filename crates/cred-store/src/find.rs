//! The first credential that will do.

use std::time::SystemTime;

use cred_model::Status;
use futures_util::{StreamExt, TryStreamExt};
use tracing::{info, warn};
use wildmatch::WildMatch;

use crate::{CredentialStore, Error, Item, Stored};

/// Which credentials are looked for; by default any.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    email: Option<WildMatch>,
    scopes: Vec<String>,
    expired: bool,
}

impl Filter {
    /// Any credential.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only of users whose e-mail address matches `pattern`: `*` is any text, `?` any character, and case does not
    /// matter.
    pub fn with_email(self, pattern: &str) -> Self {
        Self { email: Some(WildMatch::new_case_insensitive(pattern)), ..self }
    }

    /// Only with `scope` among the stored scopes; call it again for more.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Only those whose access token has expired.
    pub fn expired(self) -> Self {
        Self { expired: true, ..self }
    }

    /// Whether `stored` is one of them at the time `now`.
    pub fn matches(&self, stored: &Stored, now: SystemTime) -> bool {
        let email = |pattern: &WildMatch| stored.email().is_some_and(|email| pattern.matches(&email));
        self.email.as_ref().is_none_or(email)
            && self.scopes.iter().all(|scope| stored.credential.scopes().contains(scope))
            && (!self.expired || stored.credential.status(now) == Status::Expired)
    }
}

/// What a search has found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Finding {
    /// The credentials found, in byte order of their documents' names.
    pub found: Vec<Stored>,
    /// What was passed over on the way, and why.
    pub skipped: Vec<Skipped>,
}

/// A document that a search passed over.
#[derive(Debug)]
#[non_exhaustive]
pub struct Skipped {
    /// The name of the document, made printable.
    pub key: String,
    /// Why it would not do.
    pub why: WhySkipped,
}

/// Why a search passed over a document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WhySkipped {
    /// Its access token has expired or may have, and there is no refresh token.
    #[error("expired or of unknown expiry, and without a refresh token")]
    NotUsable,
    /// It could not be read, or is not a credential.
    #[error(transparent)]
    Unreadable(Error),
}

impl CredentialStore {
    /// The first valid credential that `filter` lets through, in byte order of the documents' names.
    ///
    /// Valid means alive, or with a refresh token. No document of whatever kind ends the search.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the store cannot be listed.
    pub async fn find(&self, filter: &Filter) -> Result<Finding, Error> {
        self.search(filter, 1).await
    }

    /// Every valid credential that `filter` lets through; see [`find`](Self::find).
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the store cannot be listed.
    pub async fn find_all(&self, filter: &Filter) -> Result<Finding, Error> {
        self.search(filter, usize::MAX).await
    }

    async fn search(&self, filter: &Filter, limit: usize) -> Result<Finding, Error> {
        let (now, location) = (SystemTime::now(), self.location());
        let mut finding = Finding::default();
        let mut items = self.list().boxed();
        while finding.found.len() < limit
            && let Some(item) = items.try_next().await?
        {
            let (key, why) = match item {
                Item::Credential(stored) if !filter.matches(&stored, now) => continue,
                Item::Credential(stored) if stored.credential.is_usable(now) => {
                    info!(user = %stored.user, %location, "credentials found");
                    finding.found.push(*stored);
                    continue;
                }
                Item::Credential(stored) => (stored.name.to_string(), WhySkipped::NotUsable),
                Item::Unreadable { key, error, .. } => (key, WhySkipped::Unreadable(error)),
            };
            warn!(%location, key, %why, "document skipped");
            finding.skipped.push(Skipped { key, why });
        }
        if finding.found.is_empty() {
            info!(%location, "no valid credentials found");
        }
        Ok(finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{put, store};

    async fn mixed_store() -> CredentialStore {
        let store = store();
        for (name, body) in [
            ("a-corrupt.json", "{"),
            ("b-array.json", "[]"),
            ("c@x.com.json", r#"{"token":"t","expiry":"2001-01-01T00:00:00"}"#),
            ("d@x.com.json", r#"{"token":"t","expiry":"2001-01-01T00:00:00","refresh_token":"r","scopes":["mail"]}"#),
            ("e@x.com.json", r#"{"token":"t","user_email":"ghost@x.com"}"#),
            ("f.txt", "{"),
            (
                "u-1.json",
                r#"{"token":"t","expiry":"2999-01-01T00:00:00","user_email":"F@y.org","scopes":["mail","calendar"]}"#,
            ),
        ] {
            put(&store, name, body).await;
        }
        store
    }

    fn ids(finding: &Finding) -> Vec<&str> {
        finding.found.iter().map(|stored| stored.user.as_str()).collect()
    }

    #[tokio::test]
    async fn the_first_valid_one_is_found_past_every_kind_of_bad_document() {
        let finding = mixed_store().await.find(&Filter::new()).await.unwrap();
        assert_eq!(ids(&finding), ["d@x.com"]);
        let skipped: Vec<_> = finding.skipped.iter().map(|skipped| skipped.key.as_str()).collect();
        assert_eq!(skipped, ["a-corrupt.json", "b-array.json", "c@x.com.json"]);
        assert!(matches!(finding.skipped[2].why, WhySkipped::NotUsable));
    }

    #[tokio::test]
    async fn a_filter_looks_at_address_scopes_and_expiry() {
        let store = mixed_store().await;
        for (filter, expected) in [
            (Filter::new(), &["d@x.com", "u-1"][..]),
            (Filter::new().with_email("*@Y.ORG"), &["u-1"]),
            (Filter::new().with_email("d@x.com"), &["d@x.com"]),
            (Filter::new().with_scope("mail"), &["d@x.com", "u-1"]),
            (Filter::new().with_scope("mail").with_scope("calendar"), &["u-1"]),
            (Filter::new().expired(), &["d@x.com"]),
            (Filter::new().with_email("nobody@*"), &[]),
        ] {
            assert_eq!(ids(&store.find_all(&filter).await.unwrap()), expected, "{filter:?}");
        }
    }
}
