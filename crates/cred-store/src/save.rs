//! Saving a credential: merge, compare and swap.

use std::future::IntoFuture;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;
use cred_model::{Backoff, Credential, DocumentStore, Place, Precondition, StoreError, Version};
use cred_path::{DocumentName, UserId};
use tracing::{info, warn};

use crate::store::check_user;
use crate::{CredentialStore, Error, Stored};

/// A credential about to be saved; `.await` does it.
///
/// What is stored is read first, unless the caller has it ([`over`](Self::over)), and merged: incoming members win, an
/// access token travels with its expiry, a refresh token is never replaced by nothing, members that the incoming
/// credential does not have stay. The write happens only if nobody wrote in between; if somebody did, it is all done
/// again, except where the caller named a version.
///
/// # Errors
///
/// - [`Error::OtherUser`] if the credential, or the one that is stored, names another user.
/// - [`Error::NotACredential`] or [`StoreError::Corrupt`] if something else is stored there: it stays.
/// - [`StoreError::Conflict`] if the version that the caller named is not the one that is stored.
/// - [`Error::Store`] with whatever kept the store from reading or writing.
#[derive(Debug)]
#[must_use = "nothing is saved until it is awaited"]
pub struct Save<'a> {
    store: &'a CredentialStore,
    user: &'a UserId,
    credential: &'a Credential,
    over: Option<&'a Stored>,
    precondition: Precondition,
    merge: bool,
    force: bool,
}

/// What a save has done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Saved {
    /// The credential as it is stored now, to be saved [over](Save::over) later.
    pub stored: Stored,
    /// Whether the user had none before.
    pub created: bool,
}

/// What stands in the place of the save.
enum Current {
    Absent,
    /// The caller may not read here: only creating is safe.
    Unknown,
    Credential(Box<Stored>),
    /// Something else, to be replaced by force.
    Bad(Version),
}

impl<'a> Save<'a> {
    pub(crate) fn new(store: &'a CredentialStore, user: &'a UserId, credential: &'a Credential) -> Self {
        Self { store, user, credential, over: None, precondition: Precondition::Always, merge: true, force: false }
    }

    pub(crate) fn without_merge(self) -> Self {
        Self { merge: false, ..self }
    }

    /// Saves over `stored` and nothing newer, in one request.
    pub fn over(self, stored: &'a Stored) -> Self {
        Self { over: Some(stored), ..self }
    }

    /// Saves only if the user has no credential yet.
    pub fn if_absent(self) -> Self {
        Self { precondition: Precondition::IfAbsent, ..self }
    }

    /// Saves only if the stored credential is at `version`.
    pub fn if_version(self, version: Version) -> Self {
        Self { precondition: Precondition::IfVersion(version), ..self }
    }

    /// Saves also over a document that is corrupt, not a credential, or somebody else's, and a credential that names
    /// another user. The bytes that are replaced are kept below `.aside/`.
    pub fn force(self) -> Self {
        Self { force: true, ..self }
    }

    async fn run(self) -> Result<Saved, Error> {
        let name = self.user.document_name();
        let place = Place::document(self.store.location(), &name);
        if !self.force {
            check_user(self.user, self.credential, place.clone())?;
        }
        let mut backoff = Backoff::new();
        loop {
            let current = self.current(&name).await?;
            self.check_precondition(&current, &place)?;
            match self.write(&name, current).await {
                Err(Error::Store(error)) if error.is_conflict() && self.may_retry() && backoff.pause().await => {}
                result => return result,
            }
        }
    }

    /// Whether a lost race is ours to run again.
    fn may_retry(&self) -> bool {
        self.over.is_none() && self.precondition == Precondition::Always
    }

    async fn current(&self, name: &DocumentName) -> Result<Current, Error> {
        if let Some(stored) = self.over {
            return Ok(Current::Credential(Box::new(stored.clone())));
        }
        match self.store.read(self.user).await {
            Ok(Some(stored)) => Ok(Current::Credential(Box::new(stored))),
            Ok(None) => Ok(Current::Absent),
            Err(error) if error.is_bad_document() && self.force => self.set_aside(name).await,
            // A right to create without a right to read is enough for a first document.
            Err(Error::Store(StoreError::AccessDenied { .. } | StoreError::MissingOrForbidden { .. }))
                if self.merge && !matches!(self.precondition, Precondition::IfVersion(_)) =>
            {
                Ok(Current::Unknown)
            }
            Err(error) => Err(error),
        }
    }

    fn check_precondition(&self, current: &Current, place: &Place) -> Result<(), Error> {
        let found = match current {
            Current::Absent => None,
            Current::Unknown => return Ok(()),
            Current::Credential(stored) => Some(&stored.version),
            Current::Bad(version) => Some(version),
        };
        let expected = match &self.precondition {
            Precondition::Always => return Ok(()),
            Precondition::IfAbsent => None,
            Precondition::IfVersion(version) => Some(version),
        };
        if found == expected {
            return Ok(());
        }
        let (expected, found) = (expected.cloned(), found.cloned());
        Err(StoreError::Conflict { place: place.clone(), expected, found }.into())
    }

    async fn write(&self, name: &DocumentName, current: Current) -> Result<Saved, Error> {
        let (user, location) = (self.user, self.store.location());
        let (credential, precondition) = match &current {
            Current::Absent | Current::Unknown => (self.credential.clone(), Precondition::IfAbsent),
            Current::Bad(version) => (self.credential.clone(), Precondition::IfVersion(version.clone())),
            Current::Credential(stored) => {
                let merged = if self.merge {
                    stored.credential.clone().merge(self.credential.clone())
                } else {
                    self.credential.clone()
                };
                let own = stored.name == *name;
                let precondition =
                    if own { Precondition::IfVersion(stored.version.clone()) } else { Precondition::IfAbsent };
                (merged, precondition)
            }
        };
        let version = self.store.documents().put(name, credential.to_json(), precondition).await?;
        info!(%user, %location, "credentials saved");
        let created = matches!(current, Current::Absent | Current::Unknown);
        if let Current::Credential(old) = current
            && old.name != *name
        {
            self.delete_legacy(&old).await;
        }
        let (name, modified) = (name.clone(), SystemTime::now());
        Ok(Saved { stored: Stored { user: user.clone(), credential, version, modified, name }, created })
    }

    /// The credential has moved to the user's own name, which is read first: what stays behind does no harm.
    async fn delete_legacy(&self, old: &Stored) {
        if let Err(error) = self.store.documents().delete(&old.name, Some(&old.version)).await {
            let (user, location) = (self.user, self.store.location());
            warn!(%user, %location, name = %old.name, %error, "the document under an older name was not deleted");
        }
    }

    /// Keeps the bytes of the bad document below `.aside/`.
    async fn set_aside(&self, name: &DocumentName) -> Result<Current, Error> {
        let documents = self.store.documents();
        let Some(document) = documents.get(name).await? else { return Ok(Current::Absent) };
        let aside = documents.scoped(&aside_level());
        put_aside(&*aside, name, document.body).await?;
        let (user, location) = (self.user, self.store.location());
        warn!(%user, %location, aside = %aside.location(), "a bad document was set aside");
        Ok(Current::Bad(document.version))
    }
}

impl<'a> IntoFuture for Save<'a> {
    type Output = Result<Saved, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Keeps `body` under a name made of `name`, the first that is free.
async fn put_aside(aside: &dyn DocumentStore, name: &DocumentName, body: Bytes) -> Result<(), StoreError> {
    let mut number = 0_u64;
    loop {
        match aside.put(&aside_name(name, number), body.clone(), Precondition::IfAbsent).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_conflict() => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// `alice@example.com.json.0.bad`: never a name in `.json`, which other programs would take for a credential.
fn aside_name(name: &DocumentName, number: u64) -> DocumentName {
    const LONGEST: usize = DocumentName::MAX_BYTES - ".18446744073709551615.bad".len();
    let kept = &name.as_str()[..name.as_str().len().min(LONGEST)];
    DocumentName::new(format!("{kept}.{number}.bad")).expect("a user's document name is ASCII, and it fits")
}

fn aside_level() -> DocumentName {
    DocumentName::new(".aside").expect("a plain name")
}

#[cfg(test)]
mod tests {
    use cred_model::Secret;

    use super::*;
    use crate::testing::{access, ada, put, store, user};

    fn refresh_token(stored: &Stored) -> Option<&str> {
        stored.credential.refresh_token().map(Secret::expose)
    }

    #[tokio::test]
    async fn what_the_incoming_credential_does_not_have_stays() {
        let store = store();
        put(&store, "ada@example.com.json", r#"{"token":"t0","refresh_token":"r","id_token":"i"}"#).await;
        let saved = store.save(&ada(), &access("t1")).await.unwrap();
        assert!(!saved.created);
        let stored = store.require(&ada()).await.unwrap();
        assert_eq!(stored.version, saved.stored.version);
        assert_eq!(stored.credential.to_json(), saved.stored.credential.to_json());
        assert_eq!(refresh_token(&stored), Some("r"));
        assert_eq!(stored.credential.extra_names().collect::<Vec<_>>(), ["id_token"]);
    }

    #[tokio::test]
    async fn replacing_keeps_nothing() {
        let store = store();
        put(&store, "ada@example.com.json", r#"{"token":"t0","refresh_token":"r"}"#).await;
        store.replace(&ada(), &access("t1")).await.unwrap();
        assert_eq!(refresh_token(&store.require(&ada()).await.unwrap()), None);
    }

    #[tokio::test]
    async fn a_save_over_what_was_read_loses_against_anything_newer() {
        let store = store();
        let first = store.save(&ada(), &access("t0")).await.unwrap().stored;
        let second = store.save(&ada(), &access("t1")).over(&first).await.unwrap().stored;
        let late = store.save(&ada(), &access("t2")).over(&first).await.unwrap_err();
        assert!(matches!(late, Error::Store(StoreError::Conflict { .. })));
        let stored = store.require(&ada()).await.unwrap();
        assert_eq!(stored.version, second.version);
        assert_eq!(stored.credential.access_token().unwrap().expose(), "t1");
    }

    #[tokio::test]
    async fn the_version_that_the_caller_names_is_the_one_replaced() {
        let store = store();
        let first = store.save(&ada(), &access("t0")).if_absent().await.unwrap().stored;
        let second = store.save(&ada(), &access("t1")).if_version(first.version.clone()).await.unwrap().stored;
        for save in [
            store.save(&ada(), &access("t2")).if_absent(),
            store.save(&ada(), &access("t2")).if_version(first.version.clone()),
            store.save(&user("eve@example.com"), &access("t2")).if_version(second.version),
        ] {
            let error = save.await.unwrap_err();
            assert!(matches!(error, Error::Store(StoreError::Conflict { .. })), "{error}");
        }
    }

    #[tokio::test]
    async fn sixteen_saves_at_once_all_land_in_one_document() {
        let store = store();
        let saves = (0..16).map(|i| {
            let store = store.clone();
            tokio::spawn(async move {
                let credential = Credential::from_json(format!(r#"{{"token":"t","x{i}":{i}}}"#).as_bytes()).unwrap();
                store.save(&ada(), &credential).await.unwrap();
            })
        });
        futures_util::future::try_join_all(saves).await.unwrap();
        assert_eq!(store.require(&ada()).await.unwrap().credential.extra_names().count(), 16);
    }

    #[tokio::test]
    async fn a_save_moves_an_older_name_to_the_users_own() {
        let store = store();
        put(&store, "a+b@x.com.json", r#"{"token":"t0","refresh_token":"r"}"#).await;
        let saved = store.save(&user("a+b@x.com"), &access("t1")).await.unwrap();
        assert!(!saved.created);
        assert_eq!(saved.stored.name.as_str(), "a%2Bb@x.com.json");
        assert_eq!(refresh_token(&saved.stored), Some("r"));
        assert!(store.documents().get(&"a+b@x.com.json".parse().unwrap()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn somebody_elses_credential_is_refused_both_ways() {
        let store = store();
        let eves = Credential::from_json(br#"{"token":"t","user_email":"eve@example.com"}"#).unwrap();
        assert!(matches!(store.save(&ada(), &eves).await, Err(Error::OtherUser { .. })));
        assert!(!store.exists(&ada()).await.unwrap());

        put(&store, "ada@example.com.json", r#"{"token":"t","user_email":"eve@example.com"}"#).await;
        assert!(matches!(store.save(&ada(), &access("t")).await, Err(Error::OtherUser { .. })));
    }

    #[tokio::test]
    async fn a_bad_document_is_replaced_only_by_force_and_then_kept_aside() {
        let store = store();
        for (number, bad) in ["{", "[]", r#"{"token":"t","user_email":"eve@example.com"}"#].into_iter().enumerate() {
            put(&store, "ada@example.com.json", bad).await;
            assert!(store.save(&ada(), &access("t")).await.unwrap_err().is_bad_document(), "{bad}");
            assert!(store.replace(&ada(), &access("t")).await.unwrap_err().is_bad_document(), "{bad}");
            store.save(&ada(), &access("t")).force().await.unwrap();

            let aside = store.documents().scoped(&aside_level());
            let kept = aside.get(&aside_name(&ada().document_name(), number as u64)).await.unwrap().unwrap();
            assert_eq!(kept.body, bad);
        }
    }

    #[test]
    fn the_longest_name_can_be_set_aside() {
        let longest = user(&"x".repeat(UserId::MAX_ENCODED_BYTES)).document_name();
        assert!(!aside_name(&longest, u64::MAX).is_json());
    }
}
