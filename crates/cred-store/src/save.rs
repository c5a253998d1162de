//! Saving a credential: merge, compare and swap.

use std::future::IntoFuture;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;
use cred_model::{Backoff, Credential, Document, DocumentStore, Place, Precondition, StoreError, Version};
use cred_path::{DocumentName, UserId};
use tracing::{error, info, warn};

use crate::error::Report;
use crate::read::check_user;
use crate::{CredentialStore, Error, Stored};

/// A credential about to be saved; `.await` does it.
///
/// What is stored is read first, unless the caller has it, and merged: incoming members win, an access token travels
/// with its expiry, a refresh token is never replaced by nothing, members that the incoming credential does not have
/// stay. The write happens only if nobody wrote in between; if somebody did, it is all done again, except where the
/// caller named a version.
///
/// Who has loaded what he changes passes it to [`over`](Self::over): otherwise the save wins over whatever was written
/// since he loaded it, a newer refresh token too.
///
/// # Errors
///
/// - [`Error::OtherUser`] if the credential, or the one that is stored, names another user.
/// - [`Error::NoToken`] if there would be neither an access token nor a refresh token.
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

/// What a save would do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Planned {
    /// The credential as it would be stored.
    pub credential: Credential,
    /// Whether the user has none now.
    pub created: bool,
}

/// What is to be written, and over what.
struct Plan {
    credential: Credential,
    precondition: Precondition,
    /// The document in whose place the credential comes.
    old: Option<Old>,
    /// Why the user's document could not be read: AWS hides a missing one from who may not list.
    hidden: Option<Error>,
}

/// A document that a save replaces, under the user's own name or an older one.
struct Old {
    name: DocumentName,
    version: Version,
    /// The credential to merge into, or the bytes to keep aside.
    content: Result<Credential, Bytes>,
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

    /// Finds out what awaiting it would do now, by reading alone.
    ///
    /// # Errors
    ///
    /// As for [`Save`], as far as reading tells.
    pub async fn dry_run(self) -> Result<Planned, Error> {
        let Plan { credential, old, .. } = self.plan().await?;
        Ok(Planned { credential, created: old.is_none() })
    }

    async fn run(&self) -> Result<Saved, Error> {
        let mut backoff = Backoff::new();
        loop {
            let mut plan = self.plan().await?;
            let hidden = plan.hidden.take();
            match self.write(plan).await {
                Err(Error::Store(error)) if error.is_conflict() => match hidden {
                    // It is there: then it is the right to read it that was missing.
                    Some(refusal) => return Err(refusal),
                    None if self.may_retry() && backoff.pause().await => {}
                    None => return Err(error.into()),
                },
                result => return result,
            }
        }
    }

    /// Whether a lost race is ours to run again.
    fn may_retry(&self) -> bool {
        self.over.is_none() && self.precondition == Precondition::Always
    }

    async fn plan(&self) -> Result<Plan, Error> {
        let name = self.user.document_name();
        let place = Place::document(self.store.location(), &name);
        if !self.force {
            check_user(self.user, self.credential, place.clone())?;
        }
        let (mut old, hidden) = self.current(&place).await?;
        if hidden.is_none() {
            self.check_precondition(old.as_ref(), &place)?;
        }
        if let Some(old) = &mut old {
            self.check_identity(old, &place)?;
        }
        let credential = match &old {
            Some(Old { content: Ok(stored), .. }) if self.merge => stored.clone().merge(self.credential.clone()),
            _ => self.credential.clone(),
        };
        if credential.access_token().is_none() && credential.refresh_token().is_none() {
            return Err(Error::NoToken { place });
        }
        let precondition = match &old {
            Some(old) if old.name == name => Precondition::IfVersion(old.version.clone()),
            _ => Precondition::IfAbsent,
        };
        Ok(Plan { credential, precondition, old, hidden })
    }

    /// The document to replace, and why there may be one that cannot be seen.
    async fn current(&self, place: &Place) -> Result<(Option<Old>, Option<Error>), Error> {
        if let Some(stored) = self.over {
            if stored.user != *self.user {
                let named = stored.user.to_string();
                return Err(Error::OtherUser { user: self.user.clone(), named, place: place.clone() });
            }
            return Ok((Some(stored.clone().into()), None));
        }
        match self.store.read(self.user).await {
            Ok(stored) => Ok((stored.map(Old::from), None)),
            Err(error) if error.is_bad_document() && self.force => Ok((self.bad_document().await?, None)),
            // A right to create without a right to read is enough for a first document.
            Err(error) if error.is_refusal() && self.merge && !self.names_a_version() => {
                Ok((self.store.readable_older(self.user).await.map(Old::from), Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    fn names_a_version(&self) -> bool {
        matches!(self.precondition, Precondition::IfVersion(_))
    }

    /// The first document of the user that is not a credential of his, or what it has become meanwhile.
    async fn bad_document(&self) -> Result<Option<Old>, Error> {
        let own = self.user.document_name();
        let mut names = vec![own.clone()];
        names.extend(self.user.legacy_names().into_iter().filter(|name| UserId::from_document_name(name).is_none()));
        for name in names {
            let Some(document) = self.store.documents().get(&name).await? else { continue };
            let Document { body, version, .. } = &document;
            let content = match self.store.decode(self.user, &name, &document) {
                Err(Error::OtherUser { .. }) if name != own => continue,
                Err(_) => Err(body.clone()),
                Ok(credential) => Ok(credential),
            };
            return Ok(Some(Old { version: version.clone(), name, content }));
        }
        Ok(None)
    }

    fn check_precondition(&self, old: Option<&Old>, place: &Place) -> Result<(), Error> {
        let found = old.map(|old| &old.version);
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

    /// Refuses to mix the tokens of two users; by force, the stored ones go aside.
    fn check_identity(&self, old: &mut Old, place: &Place) -> Result<(), Error> {
        let Ok(stored) = &old.content else { return Ok(()) };
        let ids = [stored.email(), stored.identity()];
        if !ids.into_iter().flatten().any(|id| self.credential.names_another_user(&id)) {
            return Ok(());
        }
        if self.force {
            old.content = Err(stored.to_json());
            return Ok(());
        }
        let named = self.credential.identity().unwrap_or_default();
        Err(Error::OtherUser { user: self.user.clone(), named, place: place.clone() })
    }

    async fn write(&self, plan: Plan) -> Result<Saved, Error> {
        let Plan { credential, precondition, old, .. } = plan;
        let (user, documents) = (self.user, self.store.documents());
        let name = user.document_name();
        if let Some(Old { name, content: Err(bytes), .. }) = &old {
            let aside = documents.scoped(&aside_level());
            put_aside(&*aside, name, bytes.clone()).await?;
            warn!(%user, location = %self.store.location(), aside = %aside.location(), "a bad document was set aside");
        }
        let version = documents.put(&name, credential.to_json(), precondition).await?;
        info!(%user, location = %self.store.location(), "credentials saved");
        let created = old.is_none();
        if let Some(old) = old
            && old.name != name
        {
            self.delete_older(&old).await;
        }
        let modified = SystemTime::now();
        Ok(Saved { stored: Stored { user: user.clone(), credential, version, modified, name }, created })
    }

    /// The credential has moved to the user's own name, which is read first: what stays behind does no harm.
    async fn delete_older(&self, old: &Old) {
        if let Err(error) = self.store.documents().delete(&old.name, Some(&old.version)).await {
            let (user, location) = (self.user, self.store.location());
            warn!(%user, %location, name = %old.name, %error, "the document under an older name was not deleted");
        }
    }
}

impl From<Stored> for Old {
    fn from(stored: Stored) -> Self {
        Self { name: stored.name, version: stored.version, content: Ok(stored.credential) }
    }
}

impl<'a> IntoFuture for Save<'a> {
    type Output = Result<Saved, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let saved = self.run().await;
            if let Err(error) = &saved {
                let (user, location) = (self.user, self.store.location());
                error!(%user, %location, error = %Report(error), "saving credentials failed");
            }
            saved
        })
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
    use std::sync::Arc;
    use std::time::Duration;

    use async_trait::async_trait;
    use cred_model::{Action, ConditionalDelete, EntryStream, MemoryStore, ProbeCache, Refusal, Secret};
    use cred_path::Location;

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
    async fn what_was_read_for_one_user_is_not_saved_for_another() {
        let store = store();
        let eve = user("eve@example.com");
        let eves = store.save(&eve, &access("t").with_refresh_token("r")).await.unwrap().stored;
        for save in [store.save(&ada(), &access("t")).over(&eves), store.save(&ada(), &access("t")).over(&eves).force()]
        {
            assert!(matches!(save.await, Err(Error::OtherUser { .. })));
        }
        assert!(!store.exists(&ada()).await.unwrap());
        assert_eq!(refresh_token(&store.require(&eve).await.unwrap()), Some("r"));
    }

    #[tokio::test]
    async fn tokens_of_two_accounts_are_never_mixed_under_an_id_that_names_neither() {
        let store = store();
        let opaque = user("u-1042");
        put(&store, "u-1042.json", r#"{"refresh_token":"r-eve","user_email":"eve@example.com"}"#).await;
        let adas = access("t-ada").with_user_email("ada@example.com");
        let error = store.save(&opaque, &adas).await.unwrap_err();
        assert!(matches!(error, Error::OtherUser { named, .. } if named == "ada@example.com"));

        let saved = store.save(&opaque, &adas).force().await.unwrap();
        assert_eq!(refresh_token(&saved.stored), None);
        let aside = store.documents().scoped(&aside_level());
        let kept = aside.get(&"u-1042.json.0.bad".parse().unwrap()).await.unwrap().unwrap();
        assert!(kept.body.windows(5).any(|bytes| bytes == b"r-eve"));
    }

    #[tokio::test]
    async fn a_credential_without_a_token_is_not_stored() {
        let store = store();
        put(&store, "ada@example.com.json", r#"{"token":"t","refresh_token":"r"}"#).await;
        let empty = Credential::new();
        assert!(matches!(store.replace(&ada(), &empty).await, Err(Error::NoToken { .. })));
        assert!(matches!(store.save(&user("bob@example.com"), &empty).await, Err(Error::NoToken { .. })));
        assert_eq!(refresh_token(&store.require(&ada()).await.unwrap()), Some("r"));
    }

    #[tokio::test]
    async fn a_bad_document_under_an_older_name_is_kept_aside_too() {
        let store = store();
        put(&store, "a+b@x.com.json", "{").await;
        let saved = store.save(&user("a+b@x.com"), &access("t")).force().await.unwrap();
        assert!(!saved.created);
        let aside = store.documents().scoped(&aside_level());
        assert!(aside.get(&"a+b@x.com.json.0.bad".parse().unwrap()).await.unwrap().is_some());
        assert!(store.documents().get(&"a+b@x.com.json".parse().unwrap()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_dry_run_says_what_would_be_stored_and_stores_nothing() {
        let store = store();
        put(&store, "ada@example.com.json", r#"{"token":"t0","refresh_token":"r"}"#).await;
        let before = store.require(&ada()).await.unwrap().version;
        let planned = store.save(&ada(), &access("t1")).dry_run().await.unwrap();
        assert!(!planned.created);
        assert_eq!(planned.credential.refresh_token().map(Secret::expose), Some("r"));
        assert_eq!(store.require(&ada()).await.unwrap().version, before);

        put(&store, "bob@example.com.json", "{").await;
        let bob = user("bob@example.com");
        assert!(store.save(&bob, &access("t")).dry_run().await.unwrap_err().is_bad_document());
        assert!(store.save(&bob, &access("t")).force().dry_run().await.is_ok());
        assert!(store.load(&bob).await.unwrap_err().is_bad_document());
    }

    /// A store that may be written and not read, as AWS grants it.
    #[derive(Debug)]
    struct WriteOnly(MemoryStore);

    #[async_trait]
    impl DocumentStore for WriteOnly {
        fn location(&self) -> &Location {
            self.0.location()
        }

        async fn get(&self, name: &DocumentName) -> Result<Option<Document>, StoreError> {
            let refusal = Refusal { status: Some(403), code: None, request_id: None };
            let place = Place::document(self.location(), name);
            Err(StoreError::MissingOrForbidden { action: Action::Read, place, refusal })
        }

        async fn put(&self, name: &DocumentName, body: Bytes, condition: Precondition) -> Result<Version, StoreError> {
            self.0.put(name, body, condition).await
        }

        async fn delete(&self, name: &DocumentName, version: Option<&Version>) -> Result<bool, StoreError> {
            self.0.delete(name, version).await
        }

        fn list(&self) -> EntryStream {
            self.0.list()
        }

        fn scoped(&self, level: &DocumentName) -> Arc<dyn DocumentStore> {
            self.0.scoped(level)
        }

        fn with_deadline(&self, deadline: Duration) -> Arc<dyn DocumentStore> {
            self.0.with_deadline(deadline)
        }

        async fn conditional_delete(&self) -> Result<ConditionalDelete, StoreError> {
            self.0.conditional_delete().await
        }

        fn probe_cache(&self) -> &ProbeCache {
            self.0.probe_cache()
        }
    }

    #[tokio::test]
    async fn who_may_only_write_can_create_and_never_replaces() {
        let store = CredentialStore::over(Arc::new(WriteOnly(MemoryStore::new())));
        assert!(store.save(&ada(), &access("t0")).await.unwrap().created);
        let error = store.save(&ada(), &access("t1")).await.unwrap_err();
        assert!(matches!(error, Error::Store(StoreError::MissingOrForbidden { .. })), "{error}");
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
