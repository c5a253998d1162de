//! The forgiving functions that services used before: no errors, only answers; what went wrong is in the log.

use cred_model::Credential;
use cred_path::UserId;
use tracing::{error, info};

use crate::error::Report;
use crate::{CredentialStore, Filter};

/// The credential of `user`, or `None` if there is none or anything went wrong.
pub async fn load_or_none(store: &CredentialStore, user: &UserId) -> Option<Credential> {
    match store.load(user).await {
        Ok(stored) => Some(stored?.credential),
        Err(error) => {
            error!(%user, location = %store.location(), error = %Report(&error), "loading credentials failed");
            None
        }
    }
}

/// The first valid credential of any user, for servers with a single user.
///
/// Valid means alive, or with a refresh token.
pub async fn find_any(store: &CredentialStore) -> Option<Credential> {
    let location = store.location();
    match store.find(&Filter::new()).await {
        Ok(finding) => {
            let stored = finding.found.into_iter().next();
            match &stored {
                Some(stored) => info!(user = %stored.user, %location, "[single-user] credentials found"),
                None => info!(%location, "[single-user] no valid credentials found"),
            }
            Some(stored?.credential)
        }
        Err(error) => {
            error!(%location, error = %Report(&error), "[single-user] looking for credentials failed");
            None
        }
    }
}

/// Deletes the credential of `user`; `false` if there was none or anything went wrong.
pub async fn delete_or_false(store: &CredentialStore, user: &UserId) -> bool {
    store.delete(user).await.unwrap_or_else(|error| {
        error!(%user, location = %store.location(), error = %Report(&error), "deleting credentials failed");
        false
    })
}
