//! What the tests of this crate share.

use std::sync::Arc;

use cred_model::{Credential, MemoryStore, Precondition};
use cred_path::UserId;

use crate::CredentialStore;

pub(crate) fn store() -> CredentialStore {
    CredentialStore::over(Arc::new(MemoryStore::new()))
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn ada() -> UserId {
    user("ada@example.com")
}

pub(crate) fn access(token: &str) -> Credential {
    Credential::new().with_access_token(token)
}

/// Stores `body` as another program would.
pub(crate) async fn put(store: &CredentialStore, name: &str, body: &'static str) {
    store.documents().put(&name.parse().unwrap(), body.into(), Precondition::Always).await.unwrap();
}
