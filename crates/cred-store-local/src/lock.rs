//! Locks of the kernel, which frees them when their holder dies.

use std::fs::{File, TryLockError};
use std::io;
use std::thread;
use std::time::Duration;

use cred_model::{Effect, Lock, StoreError, TryLock};

use crate::call::Call;
use crate::directory::Directory;

/// A lock file that is locked. It is never removed: who waits for it would lock a file without a name.
pub(crate) struct Locked(File);

impl Call {
    /// Takes the lock called like the document, if it is free.
    pub(crate) fn try_lock(&self) -> Result<TryLock, StoreError> {
        let open = self.level.create().map_err(|error| self.failed(error))?;
        // Another suffix than that of the lock of all writers: `store` is a name like any other.
        let file = lock_file(open.documents(), &format!("{}.flock", self.file_name()));
        match Locked::try_new(file.map_err(|error| self.failed(error))?) {
            Ok(locked) => Ok(TryLock::Held(Lock::new(locked))),
            Err((_, TryLockError::WouldBlock)) => Ok(TryLock::Busy),
            Err((_, TryLockError::Error(error))) => Err(self.failed(error)),
        }
    }

    /// Waits for the lock of all writers, as long as somebody waits for this call.
    ///
    /// The wait is a poll: a thread that waits in the kernel could not be called back, and would keep the runtime from
    /// shutting down for as long as the holder is stopped.
    pub(crate) fn lock(&self, root: &Directory) -> Result<Locked, StoreError> {
        let mut file = lock_file(root, "store.lock").map_err(|error| self.failed(error))?;
        let mut pause = SHORTEST_PAUSE;
        loop {
            file = match Locked::try_new(file) {
                Ok(locked) => return Ok(locked),
                Err((_, TryLockError::Error(error))) => return Err(self.failed(error)),
                Err((_, TryLockError::WouldBlock)) if self.is_over() => return Err(self.timeout(Effect::None)),
                Err((file, TryLockError::WouldBlock)) => file,
            };
            thread::sleep(pause);
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }
}

impl Locked {
    fn try_new(file: File) -> Result<Self, (File, TryLockError)> {
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(error) => Err((file, error)),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing is not enough while a child that was just forked has the file open too. That it fails is no news: it
        // is closed in any case.
        let _ = self.0.unlock();
    }
}

/// A holder compares and renames, which takes some tens of microseconds.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

fn lock_file(directory: &Directory, name: &str) -> io::Result<File> {
    directory.create_subdirectory(".locks")?.lock_file(name)
}

#[cfg(test)]
mod tests {
    use cred_model::{DocumentStore, Precondition, TryLock};

    use crate::LocalStore;

    #[tokio::test]
    async fn a_lock_is_busy_until_its_holder_drops_it() {
        let directory = tempfile::tempdir().unwrap();
        let (here, elsewhere) = (LocalStore::new(directory.path()), LocalStore::new(directory.path()));
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let held = here.try_lock(&ada).await.unwrap();
        assert!(matches!(held, TryLock::Held(_)));
        assert!(matches!(here.try_lock(&ada).await.unwrap(), TryLock::Busy));
        assert!(matches!(elsewhere.try_lock(&ada).await.unwrap(), TryLock::Busy));
        assert!(matches!(elsewhere.try_lock(&bob).await.unwrap(), TryLock::Held(_)));
        drop(held);
        assert!(matches!(elsewhere.try_lock(&ada).await.unwrap(), TryLock::Held(_)));
    }

    #[tokio::test]
    async fn a_lock_called_store_keeps_nobody_from_saving() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path());
        let _held = store.try_lock(&"store".parse().unwrap()).await.unwrap();
        store.put(&"store.json".parse().unwrap(), "{}".into(), Precondition::Always).await.unwrap();
    }
}
