//! The same for callers without async.

use std::io;

use cred_model::Credential;
use cred_path::UserId;
use futures_util::{StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};

use crate::{Error, Filter, Finding, Item, Saved, Stored};

/// A [`CredentialStore`](crate::CredentialStore) whose calls block the calling thread, on a runtime of its own.
///
/// It may be used from many threads at once, but not from inside an async runtime.
///
#[cfg_attr(feature = "local", doc = "```")]
#[cfg_attr(not(feature = "local"), doc = "```no_run")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// use cred_store::{Credential, CredentialStore, UserId, blocking};
///
/// # let path = directory.path().to_str().ok_or("not UTF-8")?;
/// let store = blocking::CredentialStore::new(CredentialStore::open(path)?)?;
/// let ada = UserId::new("ada@example.com")?;
/// store.save(&ada, &Credential::new().with_access_token("ya29.a"))?;
/// assert!(store.load(&ada)?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CredentialStore {
    store: crate::CredentialStore,
    runtime: Runtime,
}

impl CredentialStore {
    /// Blocks on the calls of `store`.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread for the runtime.
    pub fn new(store: crate::CredentialStore) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().thread_name("cred-store").build()?;
        Ok(Self { store, runtime })
    }

    /// The store below, whose calls [`wait`](Self::wait) can drive.
    pub fn as_async(&self) -> &crate::CredentialStore {
        &self.store
    }

    /// Blocks until `call` is done; for what has no function of its own here, such as
    /// `store.wait(store.as_async().save(&user, &credential).if_absent())`.
    ///
    /// # Panics
    ///
    /// Inside an async runtime.
    pub fn wait<F: IntoFuture>(&self, call: F) -> F::Output {
        self.runtime.block_on(call.into_future())
    }

    /// Blocks on [`load`](crate::CredentialStore::load).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn load(&self, user: &UserId) -> Result<Option<Stored>, Error> {
        self.wait(self.store.load(user))
    }

    /// Blocks on [`require`](crate::CredentialStore::require).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn require(&self, user: &UserId) -> Result<Stored, Error> {
        self.wait(self.store.require(user))
    }

    /// Blocks on [`exists`](crate::CredentialStore::exists).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn exists(&self, user: &UserId) -> Result<bool, Error> {
        self.wait(self.store.exists(user))
    }

    /// Blocks on [`save`](crate::CredentialStore::save).
    ///
    /// # Errors
    ///
    /// As for [`Save`](crate::Save).
    pub fn save(&self, user: &UserId, credential: &Credential) -> Result<Saved, Error> {
        self.wait(self.store.save(user, credential))
    }

    /// Blocks on [`replace`](crate::CredentialStore::replace).
    ///
    /// # Errors
    ///
    /// As for [`Save`](crate::Save).
    pub fn replace(&self, user: &UserId, credential: &Credential) -> Result<Saved, Error> {
        self.wait(self.store.replace(user, credential))
    }

    /// Blocks on [`delete`](crate::CredentialStore::delete).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn delete(&self, user: &UserId) -> Result<bool, Error> {
        self.wait(self.store.delete(user))
    }

    /// Blocks on each item of [`list`](crate::CredentialStore::list).
    pub fn list(&self) -> impl Iterator<Item = Result<Item, Error>> + '_ {
        let mut items = self.store.list().boxed();
        std::iter::from_fn(move || self.wait(items.try_next()).transpose())
    }

    /// Blocks on [`find`](crate::CredentialStore::find).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn find(&self, filter: &Filter) -> Result<Finding, Error> {
        self.wait(self.store.find(filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{access, ada};

    #[test]
    fn every_call_blocks_until_it_is_done() {
        let store = CredentialStore::new(crate::testing::store()).unwrap();
        let saved = store.save(&ada(), &access("t0").with_refresh_token("r")).unwrap().stored;
        store.wait(store.as_async().save(&ada(), &access("t1")).over(&saved)).unwrap();
        assert!(store.exists(&ada()).unwrap() && store.load(&ada()).unwrap().is_some());
        assert_eq!(store.list().count(), 1);
        assert_eq!(store.find(&Filter::new()).unwrap().found.len(), 1);
        let replaced = store.replace(&ada(), &access("t2")).unwrap().stored;
        assert_eq!(store.require(&ada()).unwrap().version, replaced.version);
        assert!(store.delete(&ada()).unwrap() && !store.exists(&ada()).unwrap());
    }
}
