//! Reading what is stored for a user: under the name of today, or an older one.

use std::time::SystemTime;

use cred_model::{Credential, Document, Expiry, Place, StoreError, Version, decode_settled};
use cred_path::{DocumentName, UserId};
use tracing::warn;

use crate::{CredentialStore, Error, Stored};

impl CredentialStore {
    pub(crate) async fn read(&self, user: &UserId) -> Result<Option<Stored>, Error> {
        if let Some(stored) = self.read_named(user, user.document_name()).await? {
            return Ok(Some(stored));
        }
        for name in user.legacy_names() {
            if let Some(stored) = self.read_older(user, name).await? {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    /// Reads the document called `name` as one of `user`.
    pub(crate) async fn read_named(&self, user: &UserId, name: DocumentName) -> Result<Option<Stored>, Error> {
        let decode = |document: &Document| self.decode(user, &name, document);
        let read = decode_settled(&**self.documents(), &name, decode).await?;
        Ok(read.map(|(credential, Document { version, modified, .. })| {
            self.stored(user.clone(), name, credential, version, modified)
        }))
    }

    /// Reads what an older program kept for `user` under `name`.
    ///
    /// Where this is also the name of another user's document, it counts only if the document names this one.
    pub(crate) async fn read_older(&self, user: &UserId, name: DocumentName) -> Result<Option<Stored>, Error> {
        let may_be_anothers = UserId::from_document_name(&name).is_some();
        match self.read_named(user, name).await {
            Ok(Some(stored)) if may_be_anothers && !stored.credential.names_user(user.as_str()) => Ok(None),
            Err(Error::OtherUser { .. }) => Ok(None),
            Err(Error::Store(StoreError::NotADocument { .. } | StoreError::TooLarge { .. })) if may_be_anothers => {
                Ok(None)
            }
            Err(error) if may_be_anothers && error.is_bad_document() => Ok(None),
            read => read,
        }
    }

    /// The first credential under an older name that can be read, whatever is wrong with the others.
    pub(crate) async fn readable_older(&self, user: &UserId) -> Option<Stored> {
        for name in user.legacy_names() {
            if let Ok(Some(stored)) = self.read_older(user, name).await {
                return Some(stored);
            }
        }
        None
    }

    /// What `document` says, if it is a credential that does not name another than `user`.
    pub(crate) fn decode(&self, user: &UserId, name: &DocumentName, document: &Document) -> Result<Credential, Error> {
        let place = Place::document(self.location(), name);
        let credential =
            Credential::from_json(&document.body).map_err(|why| Error::undecodable(place.clone(), document, why))?;
        check_user(user, &credential, place)?;
        Ok(credential)
    }

    /// The credential as it was read, with a warning if that cannot be right.
    pub(crate) fn stored(
        &self,
        user: UserId,
        name: DocumentName,
        credential: Credential,
        version: Version,
        modified: SystemTime,
    ) -> Stored {
        if let Expiry::Unreadable(_) = credential.expiry() {
            warn!(%user, location = %self.location(), "expiry is unreadable: treated as expired");
        }
        Stored { user, credential, version, modified, name }
    }
}

/// Refuses a credential that names another user than the one it is kept for.
pub(crate) fn check_user(user: &UserId, credential: &Credential, place: Place) -> Result<(), Error> {
    if !credential.names_another_user(user.as_str()) {
        return Ok(());
    }
    let email = credential.email().filter(|_| user.as_str().contains('@'));
    let named = email.or_else(|| credential.identity()).unwrap_or_default();
    Err(Error::OtherUser { user: user.clone(), named, place })
}
