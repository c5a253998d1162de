//! The facade: credentials by user, in any document store.

use std::fmt;
use std::sync::Arc;

use cred_model::{Credential, DocumentStore, Place, StoreError};
use cred_path::{Location, UserId};
use tracing::{debug, info};

use crate::{Builder, Error, Save, Stored};

/// Users' credentials in one place. Cheap to clone; clones share the client.
#[derive(Clone)]
pub struct CredentialStore {
    documents: Arc<dyn DocumentStore>,
}

impl CredentialStore {
    /// The store at `location`: a directory, or `s3://bucket/prefix/`. This makes no request and creates nothing.
    ///
    /// # Errors
    ///
    /// As for [`Builder::build`].
    pub fn open(location: &str) -> Result<Self, Error> {
        Self::builder().with_location(location).build()
    }

    /// The store that the environment names; see [`Builder::build`] for the order.
    ///
    /// # Errors
    ///
    /// As for [`Builder::build`].
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A store with settings of its own.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Credentials in any document store, for backends that are not ours.
    pub fn over(documents: Arc<dyn DocumentStore>) -> Self {
        Self { documents }
    }

    /// The documents below, for what is not a credential.
    pub fn documents(&self) -> &Arc<dyn DocumentStore> {
        &self.documents
    }

    /// The place of the store.
    pub fn location(&self) -> &Location {
        self.documents.location()
    }

    /// The credential of `user`; `None` if there is none.
    ///
    /// One request if it is under the user's own name; one more for each older name if it is not.
    ///
    /// # Errors
    ///
    /// - [`Error::OtherUser`] if the document names another user.
    /// - [`Error::NotACredential`], or [`StoreError::Corrupt`](cred_model::StoreError::Corrupt).
    /// - [`Error::Store`] with whatever kept the store from knowing.
    pub async fn load(&self, user: &UserId) -> Result<Option<Stored>, Error> {
        let stored = self.read(user).await?;
        match &stored {
            Some(_) => debug!(%user, location = %self.location(), "credentials loaded"),
            None => info!(%user, location = %self.location(), "no credentials found"),
        }
        Ok(stored)
    }

    /// The credential of `user`, which has to be there.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none; otherwise as for [`load`](Self::load).
    pub async fn require(&self, user: &UserId) -> Result<Stored, Error> {
        let absent = || Error::NotFound { user: user.clone(), place: Place::store(self.location()) };
        self.load(user).await?.ok_or_else(absent)
    }

    /// Whether a document is stored for `user`, be it readable as a credential or not.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub async fn exists(&self, user: &UserId) -> Result<bool, Error> {
        match self.read(user).await {
            Ok(stored) => Ok(stored.is_some()),
            Err(Error::Store(StoreError::TooLarge { .. })) => Ok(true),
            Err(error) if error.is_bad_document() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Saves `credential` for `user`, merged into what is stored; say more on the [`Save`] before awaiting it.
    ///
    #[cfg_attr(feature = "local", doc = "```")]
    #[cfg_attr(not(feature = "local"), doc = "```no_run")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let store = cred_store::CredentialStore::open(directory.path().to_str().ok_or("not UTF-8")?)?;
    /// use cred_store::{Credential, UserId};
    ///
    /// let ada = UserId::new("ada@example.com")?;
    /// let credential = Credential::new().with_access_token("ya29.a").with_refresh_token("1//r");
    /// let saved = store.save(&ada, &credential).if_absent().await?;
    /// assert!(saved.created);
    /// # Ok(())
    /// # }
    /// ```
    pub fn save<'a>(&'a self, user: &'a UserId, credential: &'a Credential) -> Save<'a> {
        Save::new(self, user, credential)
    }

    /// Saves `credential` for `user` as it is: what is stored and not in `credential` is lost, its refresh token too.
    pub fn replace<'a>(&'a self, user: &'a UserId, credential: &'a Credential) -> Save<'a> {
        Save::new(self, user, credential).without_merge()
    }

    /// Deletes the credential of `user`, under its older names too. `true`: there was one, and now there is none.
    ///
    /// A document of his that is corrupt, or not a credential, is deleted as well.
    ///
    /// # Errors
    ///
    /// - [`Error::OtherUser`] if the document under his name names another user: it may be that one's only credential.
    /// - [`Error::Store`] with whatever kept the store from deleting it.
    pub async fn delete(&self, user: &UserId) -> Result<bool, Error> {
        match self.read_named(user, user.document_name()).await {
            Err(error @ Error::OtherUser { .. }) => Err(error),
            _ => self.delete_by_force(user).await,
        }
    }

    /// Deletes the credential of `user` as [`delete`](Self::delete) does, and the document under his name whomever it
    /// names.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] with whatever kept the store from deleting it.
    pub async fn delete_by_force(&self, user: &UserId) -> Result<bool, Error> {
        let mut deleted = false;
        // The older names first: a crash in between must not bring an older credential back.
        for name in user.legacy_names() {
            deleted |= match self.read_older(user, name.clone()).await {
                Ok(Some(stored)) => self.documents.delete(&name, Some(&stored.version)).await?,
                Ok(None) => false,
                Err(error) if error.is_bad_document() => self.documents.delete(&name, None).await?,
                // So AWS answers for a missing document, if the caller may not list.
                Err(Error::Store(StoreError::MissingOrForbidden { .. })) => false,
                Err(error) => return Err(error),
            };
        }
        deleted |= self.documents.delete(&user.document_name(), None).await?;
        if deleted {
            info!(%user, location = %self.location(), "credentials deleted");
        } else {
            info!(%user, location = %self.location(), "no credentials to delete");
        }
        Ok(deleted)
    }
}

impl fmt::Debug for CredentialStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialStore").field("documents", &self.documents).finish()
    }
}

#[cfg(test)]
mod tests {
    use cred_model::MemoryStore;

    use super::*;
    use crate::testing::{ada, put, store, user};

    #[tokio::test]
    async fn a_user_without_a_document_has_no_credential() {
        let store = store();
        assert!(store.load(&ada()).await.unwrap().is_none());
        assert!(!store.exists(&ada()).await.unwrap());
        assert!(matches!(store.require(&ada()).await, Err(Error::NotFound { user, .. }) if user == ada()));
    }

    #[tokio::test]
    async fn a_raw_id_as_name_is_an_older_name_that_still_counts() {
        let store = store();
        put(&store, "a+b@x.com.json", r#"{"token":"t"}"#).await;
        let stored = store.require(&user("a+b@x.com")).await.unwrap();
        assert_eq!(stored.name.as_str(), "a+b@x.com.json");
    }

    #[tokio::test]
    async fn an_older_name_that_is_also_anothers_counts_only_if_the_document_names_this_user() {
        // "a_b@x.com.json" is how workspace-mcp once named the document of a+b@x.com, and how a_b@x.com is named today.
        let (plus, underscore) = (user("a+b@x.com"), user("a_b@x.com"));
        let store = store();
        put(&store, "a_b@x.com.json", r#"{"token":"t"}"#).await;
        assert!(store.load(&plus).await.unwrap().is_none(), "it names nobody");
        assert!(store.load(&underscore).await.unwrap().is_some());

        put(&store, "a_b@x.com.json", r#"{"token":"t","user_email":"A+B@x.com"}"#).await;
        assert!(store.load(&plus).await.unwrap().is_some());
        assert!(matches!(store.load(&underscore).await, Err(Error::OtherUser { named, .. }) if named == "A+B@x.com"));

        put(&store, "a_b@x.com.json", "{").await;
        assert!(store.load(&plus).await.unwrap().is_none(), "a corrupt document under another's name is the other's");
    }

    #[tokio::test]
    async fn a_corrupt_document_is_an_error_and_there() {
        let store = store();
        put(&store, "ada@example.com.json", "{\"token\": \"ya29.sentinel\"").await;
        let error = store.load(&ada()).await.unwrap_err();
        assert!(error.is_bad_document() && !format!("{error:?} {error}").contains("sentinel"));
        assert!(store.exists(&ada()).await.unwrap());
    }

    #[tokio::test]
    async fn deleting_takes_the_older_names_too_and_tells_whether_there_was_one() {
        let store = store();
        let plus = user("a+b@x.com");
        put(&store, "a+b@x.com.json", r#"{"token":"old"}"#).await;
        put(&store, "a%2Bb@x.com.json", r#"{"token":"new"}"#).await;
        assert!(store.delete(&plus).await.unwrap());
        assert!(store.load(&plus).await.unwrap().is_none());
        assert!(!store.delete(&plus).await.unwrap());
    }

    #[tokio::test]
    async fn a_document_that_names_another_is_deleted_only_by_force() {
        let store = store();
        // By its name that of a_b@x.com, by what it says the only credential of a+b@x.com.
        put(&store, "a_b@x.com.json", r#"{"refresh_token":"r","user_email":"a+b@x.com"}"#).await;
        assert!(matches!(store.delete(&user("a_b@x.com")).await, Err(Error::OtherUser { .. })));
        assert!(store.exists(&user("a+b@x.com")).await.unwrap());
        assert!(store.delete_by_force(&user("a_b@x.com")).await.unwrap());
        assert!(!store.exists(&user("a+b@x.com")).await.unwrap());
    }

    #[tokio::test]
    async fn a_corrupt_document_under_an_older_name_is_deleted_too() {
        let store = store();
        put(&store, "a+b@x.com.json", "{").await;
        put(&store, "a%2Bb@x.com.json", "[]").await;
        assert!(store.delete(&user("a+b@x.com")).await.unwrap());
        assert!(!store.exists(&user("a+b@x.com")).await.unwrap());
    }

    #[test]
    fn debug_shows_the_place() {
        let store = CredentialStore::over(Arc::new(MemoryStore::new()));
        assert!(format!("{store:?}").contains("memory"));
    }
}
