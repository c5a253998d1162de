//! Changing a document: all of it or nothing, and only at the version that was asked for.

use std::io::{self, Write};

use cred_model::{MAX_DOCUMENT_BYTES, Precondition, StoreError, Version};

use crate::call::Call;
use crate::directory::{Directory, Links};
use crate::read::version_of;

impl Call {
    /// Replaces the document by `body`.
    pub(crate) fn put(&self, body: &[u8], precondition: &Precondition) -> Result<Version, StoreError> {
        let size = body.len() as u64;
        if size > MAX_DOCUMENT_BYTES {
            return Err(self.too_large(size));
        }
        let open = self.level.create().map_err(|error| self.failed(error))?;
        let directory = open.documents();
        let file = Temporary::new(directory, body).map_err(|error| self.failed(error))?;
        let lock = self.lock(&open.root)?;
        let exists = self.exists(directory)?;
        match precondition {
            Precondition::IfAbsent if exists => return Err(self.conflict(None, None)),
            Precondition::IfVersion(version) => self.require(version, directory)?,
            Precondition::Always | Precondition::IfAbsent => {}
        }
        self.commit(|| file.rename(self.file_name()))?;
        drop(lock);
        self.sync(directory)?;
        Ok(version_of(body))
    }

    /// Removes the document, if `version` is given only at that version.
    pub(crate) fn delete(&self, version: Option<&Version>) -> Result<bool, StoreError> {
        let Some(open) = self.level.open(Links::Refuse).map_err(|error| self.failed(error))? else { return Ok(false) };
        let directory = open.documents();
        // Where there is nothing to delete, no lock file is made either.
        if !self.exists(directory)? {
            return Ok(false);
        }
        let lock = self.lock(&open.root)?;
        if !self.exists(directory)? {
            return Ok(false);
        }
        if let Some(version) = version {
            self.require(version, directory)?;
        }
        self.commit(|| directory.unlink(self.file_name()))?;
        drop(lock);
        self.sync(directory)?;
        Ok(true)
    }

    /// An error unless the document is at `version`.
    fn require(&self, version: &Version, directory: &Directory) -> Result<(), StoreError> {
        match self.read(directory)?.map(|document| document.version) {
            Some(found) if found == *version => Ok(()),
            found => Err(self.conflict(Some(version), found)),
        }
    }
}

/// A document in the making: a file that no listing shows, removed unless it is renamed.
struct Temporary<'a> {
    directory: &'a Directory,
    name: String,
    renamed: bool,
}

impl<'a> Temporary<'a> {
    /// Writes `body` to the disk.
    fn new(directory: &'a Directory, body: &[u8]) -> io::Result<Self> {
        let name = format!(".tmp-{:016x}", getrandom::u64()?);
        let mut file = directory.create_file(&name)?;
        let temporary = Self { directory, name, renamed: false };
        file.write_all(body)?;
        // After a failure the kernel may take the lost pages for clean: a second try would prove nothing.
        // (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020)
        file.sync_all()?;
        Ok(temporary)
    }

    /// Gives it its name, in place of what had it before.
    fn rename(mut self, to: &str) -> io::Result<()> {
        self.directory.rename(&self.name, to)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            // A failure is nobody's news: the file is private, and no listing shows it.
            let _ = self.directory.unlink(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::time::Duration;

    use cred_model::{
        ConditionalDelete, ConditionalPut, DocumentStore, Effect, Oddity, Precondition, Probe, StoreError,
    };
    use cred_path::DocumentName;
    use tokio::runtime::Runtime;
    use tokio::task::JoinSet;

    use crate::LocalStore;

    fn ada() -> DocumentName {
        "ada.json".parse().unwrap()
    }

    fn mode(path: impl AsRef<Path>) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn what_a_save_creates_is_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("a/b");
        let store = LocalStore::new(&directory);
        store.put(&ada(), "{}".into(), Precondition::Always).await.unwrap();
        store.scoped(&".aside".parse().unwrap()).put(&ada(), "{".into(), Precondition::Always).await.unwrap();
        for made in ["a", "a/b", "a/b/.locks", "a/b/.aside"] {
            assert_eq!(mode(home.path().join(made)), 0o700, "{made}");
        }
        for made in ["ada.json", ".locks/store.lock", ".aside/ada.json"] {
            assert_eq!(mode(directory.join(made)), 0o600, "{made}");
        }
        assert_eq!(names(&directory), [".aside", ".locks", "ada.json"]);
    }

    #[tokio::test]
    async fn a_document_that_others_could_read_becomes_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ada.json");
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        LocalStore::new(directory.path()).put(&ada(), "{}".into(), Precondition::Always).await.unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_sixteen_writers_with_one_precondition_one_wins() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path());
        let mut version = None;
        for round in 0..8 {
            let precondition = version.take().map_or(Precondition::IfAbsent, Precondition::IfVersion);
            let mut writers = JoinSet::new();
            for writer in 0..16 {
                let (store, precondition) = (store.clone(), precondition.clone());
                // The creators of the first round write equal bytes.
                let body = if round == 0 { "0".into() } else { format!("{round} {writer}") };
                writers.spawn(async move { store.put(&ada(), body.into(), precondition).await });
            }
            for result in writers.join_all().await {
                match result {
                    Ok(won) => assert_eq!(version.replace(won), None),
                    Err(error) => assert!(error.is_conflict(), "{error}"),
                }
            }
            assert_eq!(store.get(&ada()).await.unwrap().map(|document| document.version), version);
        }
        assert_eq!(names(directory.path()), [".locks", "ada.json"]);
    }

    #[tokio::test]
    async fn a_link_is_neither_written_through_nor_replaced_nor_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("ada.json"), directory.path().join("target.json"));
        fs::write(&target, "{}").unwrap();
        symlink("target.json", &link).unwrap();
        let store = LocalStore::new(directory.path());
        let version = store.get(&ada()).await.unwrap().unwrap().version;
        for precondition in [Precondition::Always, Precondition::IfAbsent, Precondition::IfVersion(version)] {
            let error = store.put(&ada(), "[]".into(), precondition).await.unwrap_err();
            assert!(matches!(error, StoreError::NotADocument { why: Oddity::Symlink, .. }), "{error:?}");
            assert!(error.hint().is_some());
        }
        let error = store.delete(&ada(), None).await.unwrap_err();
        assert!(matches!(error, StoreError::NotADocument { why: Oddity::Symlink, .. }), "{error:?}");
        assert_eq!(
            (fs::read_link(&link).unwrap().to_str(), fs::read_to_string(&target).unwrap().as_str()),
            (Some("target.json"), "{}")
        );
        assert_eq!(names(directory.path()), [".locks", "ada.json", "target.json"]);
    }

    #[tokio::test]
    async fn a_scope_that_is_a_link_is_not_written_through() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("real")).unwrap();
        symlink("real", directory.path().join("link")).unwrap();
        let scope = LocalStore::new(directory.path()).scoped(&"link".parse().unwrap());
        let error = scope.put(&ada(), "{}".into(), Precondition::Always).await.unwrap_err();
        assert!(matches!(error, StoreError::NotADocument { why: Oddity::Symlink, .. }), "{error:?}");
        assert!(names(&directory.path().join("real")).is_empty());
    }

    #[tokio::test]
    async fn a_directory_or_a_pipe_is_neither_replaced_nor_deleted() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("directory")).unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let store = LocalStore::new(directory.path());
        for name in ["directory", "pipe"] {
            let name = name.parse().unwrap();
            let put = store.put(&name, "{}".into(), Precondition::Always).await.unwrap_err();
            let delete = store.delete(&name, None).await.unwrap_err();
            for error in [put, delete] {
                assert!(matches!(error, StoreError::NotADocument { why: Oddity::NotAFile, .. }), "{error:?}");
            }
        }
        assert_eq!(names(directory.path()), [".locks", "directory", "pipe"]);
    }

    #[tokio::test]
    async fn a_deletion_where_nothing_is_creates_nothing() {
        let home = tempfile::tempdir().unwrap();
        assert!(!LocalStore::new(home.path()).delete(&ada(), None).await.unwrap());
        assert!(!LocalStore::new(home.path().join("missing")).delete(&ada(), None).await.unwrap());
        assert!(names(home.path()).is_empty());
    }

    #[tokio::test]
    async fn the_probe_finds_conditions_honoured_and_leaves_no_document() {
        let directory = tempfile::tempdir().unwrap();
        let found = cred_model::probe(&LocalStore::new(directory.path())).await.unwrap();
        let (conditional_put, conditional_delete) = (ConditionalPut::Honoured, ConditionalDelete::Atomic);
        assert_eq!(found, Probe { conditional_put, conditional_delete });
        assert_eq!(names(&directory.path().join(".locks")), ["store.lock"]);
    }

    /// Holds the lock of all writers, as a process does that was stopped at the wrong moment.
    fn stopped_writer(directory: &Path) -> File {
        let lock = File::options().read(true).write(true).open(directory.join(".locks/store.lock")).unwrap();
        lock.lock().unwrap();
        lock
    }

    #[test]
    fn a_save_that_waits_too_long_for_the_lock_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path());
        let runtime = Runtime::new().unwrap();
        runtime.block_on(store.put(&ada(), "old".into(), Precondition::Always)).unwrap();
        let _stopped = stopped_writer(directory.path());
        let hasty = store.with_deadline(Duration::from_millis(20));
        let saved = runtime.block_on(hasty.put(&ada(), "new".into(), Precondition::Always));
        assert!(matches!(saved, Err(StoreError::Timeout { effect: Effect::None, .. })), "{saved:?}");
        let deleted = runtime.block_on(hasty.delete(&ada(), None));
        assert!(matches!(deleted, Err(StoreError::Timeout { effect: Effect::None, .. })), "{deleted:?}");
        // Waits for the threads, none of which waits for the lock any more.
        drop(runtime);
        assert_eq!(fs::read_to_string(directory.path().join("ada.json")).unwrap(), "old");
        assert_eq!(names(directory.path()), [".locks", "ada.json"]);
    }

    #[test]
    fn a_save_that_nobody_waits_for_any_more_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path());
        let runtime = Runtime::new().unwrap();
        runtime.block_on(store.put(&ada(), "old".into(), Precondition::Always)).unwrap();
        let stopped = stopped_writer(directory.path());
        let name = ada();
        let save = store.put(&name, "new".into(), Precondition::Always);
        runtime.block_on(async { tokio::time::timeout(Duration::from_millis(1), save).await }).unwrap_err();
        drop(stopped);
        // Waits for the threads.
        drop(runtime);
        assert_eq!(fs::read_to_string(directory.path().join("ada.json")).unwrap(), "old");
        assert_eq!(names(directory.path()), [".locks", "ada.json"]);
    }
}
