//! One call: what is asked of which directory, until when, and what became of it.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cred_model::{Action, Document, Effect, MAX_DOCUMENT_BYTES, Oddity, Place, Refusal, StoreError, Version};
use cred_path::DocumentName;
use rustix::fs::{FileType, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::directory::{Directory, Links, is};
use crate::level::Level;

/// One call on a store.
///
/// The thread that does the work and the task that waits for it may disagree when the time is up. So both ask
/// [`decide`](Self::decide), and whoever asks first has his way: the thread changes the document, or the task gives up
/// and the document stays as it is.
pub(crate) struct Call {
    pub(crate) level: Arc<Level>,
    action: Action,
    name: Option<DocumentName>,
    deadline: Duration,
    begun: Instant,
    decided: AtomicBool,
}

impl Call {
    /// A call that begins now; without a name it is about the directory.
    pub(crate) fn new(level: Arc<Level>, action: Action, name: Option<DocumentName>, deadline: Duration) -> Self {
        Self { level, action, name, deadline, begun: Instant::now(), decided: AtomicBool::new(false) }
    }

    /// Does `work` on a thread that may block, and waits for it until the deadline.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let waiting = Waiting(Arc::new(self));
        let call = Arc::clone(&waiting.0);
        let thread = tokio::task::spawn_blocking(move || work(&call));
        match tokio::time::timeout(waiting.0.deadline, thread).await {
            Ok(Ok(result)) => result,
            Ok(Err(stopped)) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // It had not begun.
                Err(_) => Err(waiting.0.failed(io::Error::other("the runtime is shutting down"))),
            },
            Err(_) => Err(waiting.0.timeout(if waiting.0.decide() { Effect::None } else { Effect::Unknown })),
        }
    }

    /// Reads the document.
    pub(crate) fn get(&self) -> Result<Option<Document>, StoreError> {
        match self.level.open(Links::Follow).map_err(|error| self.failed(error))? {
            Some(open) => self.read(open.documents()),
            None => Ok(None),
        }
    }

    /// Reads the document in `directory`.
    pub(crate) fn read(&self, directory: &Directory) -> Result<Option<Document>, StoreError> {
        let Some(file) = directory.read(self.file_name()).map_err(|error| self.failed(error))? else {
            return match self.stat(directory)? {
                Some(stat) if is(&stat, FileType::Symlink) => Err(self.odd(Oddity::SymlinkLeadsOut)),
                _ => Ok(None),
            };
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| self.failed(error.into()))?;
        if !is(&stat, FileType::RegularFile) {
            return Err(self.odd(Oddity::NotAFile));
        }
        let body = self.read_whole(file, size(&stat))?;
        Ok(Some(Document { version: version_of(&body), modified: modified(&stat), body: body.into() }))
    }

    /// Whether the document is in `directory`, as a file that may be replaced and removed.
    pub(crate) fn exists(&self, directory: &Directory) -> Result<bool, StoreError> {
        match self.stat(directory)? {
            None => Ok(false),
            Some(stat) if is(&stat, FileType::RegularFile) => Ok(true),
            Some(stat) if is(&stat, FileType::Symlink) => Err(self.odd(Oddity::Symlink)),
            Some(_) => Err(self.odd(Oddity::NotAFile)),
        }
    }

    /// Changes the document, unless the time is up.
    pub(crate) fn commit(&self, change: impl FnOnce() -> io::Result<()>) -> Result<(), StoreError> {
        if self.is_over() || !self.decide() {
            return Err(self.timeout(Effect::None));
        }
        change().map_err(|error| self.failed_with(error, Effect::Unknown))
    }

    /// Makes a change survive a loss of power.
    pub(crate) fn sync(&self, directory: &Directory) -> Result<(), StoreError> {
        directory.sync().map_err(|error| self.io(error, Effect::NotDurable))
    }

    /// Whether nobody waits for the outcome any more.
    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.deadline || self.decided.load(Ordering::Acquire)
    }

    /// The name of the file; empty for a call about the directory.
    pub(crate) fn file_name(&self) -> &str {
        self.name.as_ref().map_or("", DocumentName::as_str)
    }

    pub(crate) fn conflict(&self, expected: Option<&Version>, found: Option<Version>) -> StoreError {
        StoreError::Conflict { place: self.place(), expected: expected.cloned(), found }
    }

    pub(crate) fn too_large(&self, size: u64) -> StoreError {
        StoreError::TooLarge { place: self.place(), size, limit: MAX_DOCUMENT_BYTES }
    }

    pub(crate) fn timeout(&self, effect: Effect) -> StoreError {
        StoreError::Timeout { action: self.action, place: self.place(), after: self.deadline, effect }
    }

    /// The error of a step before any change.
    pub(crate) fn failed(&self, error: io::Error) -> StoreError {
        self.failed_with(error, Effect::None)
    }

    fn failed_with(&self, error: io::Error, effect: Effect) -> StoreError {
        match (Errno::from_io_error(&error), error.kind(), &self.name) {
            (Some(Errno::XDEV), ..) => self.odd(Oddity::SymlinkLeadsOut),
            (Some(Errno::LOOP), ..) if self.action == Action::Read => self.odd(Oddity::SymlinkLeadsOut),
            (Some(Errno::LOOP), ..) => self.odd(Oddity::Symlink),
            // Opening a socket, or a device that is not there.
            (Some(Errno::NXIO), ..) => self.odd(Oddity::NotAFile),
            (_, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem, _) => StoreError::AccessDenied {
                action: self.action,
                place: self.place(),
                refusal: Refusal { status: None, code: Some(error.to_string()), request_id: None },
            },
            (_, io::ErrorKind::InvalidFilename, Some(name)) => StoreError::InvalidName {
                name: name.to_string(),
                place: Place::store(self.level.location()),
                problem: "this file system does not take it, or not below so long a path".into(),
            },
            _ => self.io(error, effect),
        }
    }

    fn io(&self, source: io::Error, effect: Effect) -> StoreError {
        let directory = self.level.path();
        let path = match source.kind() {
            io::ErrorKind::NotADirectory => directory,
            _ => directory.join(self.file_name()),
        };
        StoreError::Io { action: self.action, path, effect, source }
    }

    fn odd(&self, why: Oddity) -> StoreError {
        StoreError::NotADocument { action: self.action, place: self.place(), why }
    }

    fn place(&self) -> Place {
        match &self.name {
            Some(name) => Place::document(self.level.location(), name),
            None => Place::store(self.level.location()),
        }
    }

    fn stat(&self, directory: &Directory) -> Result<Option<Stat>, StoreError> {
        directory.stat(self.file_name()).map_err(|error| self.failed(error))
    }

    fn read_whole(&self, file: File, size: u64) -> Result<Vec<u8>, StoreError> {
        if size > MAX_DOCUMENT_BYTES {
            return Err(self.too_large(size));
        }
        // One byte more, so that the end is seen without growing.
        let mut body = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        // A program that writes in place may be adding to it.
        file.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut body).map_err(|error| self.failed(error))?;
        match body.len() as u64 {
            read if read > MAX_DOCUMENT_BYTES => Err(self.too_large(read)),
            _ => Ok(body),
        }
    }

    /// Whether the asker is the first.
    fn decide(&self) -> bool {
        !self.decided.swap(true, Ordering::AcqRel)
    }
}

/// The task that waits for a call. When it is gone, the call changes nothing any more.
struct Waiting(Arc<Call>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.decide();
    }
}

/// The version of a document: the first half of the SHA-256 of its content.
pub(crate) fn version_of(body: &[u8]) -> Version {
    let digest = Sha256::digest(body);
    let half = digest.iter().take(16).fold(0, |sum: u128, byte| sum << 8 | u128::from(*byte));
    Version::new(format!("{half:032x}")).expect("hexadecimal digits are printable")
}

/// When a file was last written; 1970 for a time before.
pub(crate) fn modified(stat: &Stat) -> SystemTime {
    let since = u64::try_from(stat.st_mtime).map(|seconds| Duration::new(seconds, stat.st_mtime_nsec as u32));
    since.ok().and_then(|since| UNIX_EPOCH.checked_add(since)).unwrap_or(UNIX_EPOCH)
}

/// The size of a file in bytes.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use cred_model::DocumentStore;

    use super::*;
    use crate::LocalStore;

    fn call(action: Action) -> Call {
        let name = "ada.json".parse().unwrap();
        Call::new(Arc::new(Level::new("/store".into())), action, Some(name), Duration::from_secs(60))
    }

    async fn read(directory: &Path, name: &str) -> Result<Option<String>, StoreError> {
        let document = LocalStore::new(directory).get(&name.parse().unwrap()).await?;
        Ok(document.map(|document| String::from_utf8(document.body.to_vec()).unwrap()))
    }

    #[test]
    fn a_refusal_of_the_system_is_told_in_its_own_words() {
        for (errno, words) in [
            (Errno::ACCESS, "Permission denied"),
            (Errno::PERM, "Operation not permitted"),
            (Errno::ROFS, "Read-only file system"),
        ] {
            match call(Action::Write).failed(errno.into()) {
                StoreError::AccessDenied { refusal, .. } => assert!(refusal.to_string().contains(words), "{refusal}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_full_disk_is_a_failure_of_the_system_and_names_the_file() {
        for errno in [Errno::NOSPC, Errno::DQUOT] {
            let error = call(Action::Write).failed(errno.into());
            assert_eq!((error.to_string().as_str(), error.effect()), ("cannot write /store/ada.json", Effect::None));
            assert_eq!(error.hint().as_deref(), Some("free space below /store/ada.json"));
        }
    }

    #[test]
    fn a_call_that_was_given_up_changes_nothing() {
        let given_up = call(Action::Write);
        given_up.decide();
        let error = given_up.commit(|| panic!("changed")).unwrap_err();
        assert!(matches!(error, StoreError::Timeout { effect: Effect::None, .. }));
    }

    #[tokio::test]
    async fn a_missing_directory_has_no_documents_and_stays_missing() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("missing");
        assert_eq!(read(&directory, "ada.json").await.unwrap(), None);
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn a_file_in_place_of_the_directory_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let hint = format!("choose a directory: {} is a file", file.display());
        assert_eq!(read(&file, "ada.json").await.unwrap_err().hint(), Some(hint));
    }

    #[tokio::test]
    async fn links_of_a_mounted_secret_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("..2026_11_22");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("ada.json"), "{}").unwrap();
        symlink("..2026_11_22", directory.path().join("..data")).unwrap();
        symlink("..data/ada.json", directory.path().join("ada.json")).unwrap();
        assert_eq!(read(directory.path(), "ada.json").await.unwrap().as_deref(), Some("{}"));
        let root = directory.path().join("root");
        symlink("..data", &root).unwrap();
        assert_eq!(read(&root, "ada.json").await.unwrap().as_deref(), Some("{}"));
    }

    #[tokio::test]
    async fn a_link_that_leads_out_or_nowhere_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("store");
        fs::create_dir(&directory).unwrap();
        fs::write(home.path().join("secret"), "secret").unwrap();
        for target in ["../secret", "../store/../secret", "/etc/passwd", "/proc/self/environ", "nowhere", "ada.json"] {
            symlink(target, directory.join("ada.json")).unwrap();
            let error = read(&directory, "ada.json").await.unwrap_err();
            assert!(matches!(error, StoreError::NotADocument { why: Oddity::SymlinkLeadsOut, .. }), "{error:?}");
            fs::remove_file(directory.join("ada.json")).unwrap();
        }
    }

    #[tokio::test]
    async fn nothing_but_a_regular_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ada.json");
        let mut oddities: [&mut dyn FnMut(); 3] = [
            &mut || fs::create_dir(&path).unwrap(),
            &mut || rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, 0o600.into(), 0).unwrap(),
            &mut || drop(UnixListener::bind(&path).unwrap()),
        ];
        for make in &mut oddities {
            make();
            let error = read(directory.path(), "ada.json").await.unwrap_err();
            assert!(matches!(error, StoreError::NotADocument { why: Oddity::NotAFile, .. }), "{error:?}");
            fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        }
    }

    #[tokio::test]
    async fn a_document_that_is_too_large_is_not_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create(directory.path().join("ada.json")).unwrap();
        file.set_len(MAX_DOCUMENT_BYTES).unwrap();
        assert!(read(directory.path(), "ada.json").await.is_ok());
        // More than there is memory.
        file.set_len(1 << 40).unwrap();
        let error = read(directory.path(), "ada.json").await.unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { size: 0x100_0000_0000, .. }), "{error:?}");
    }

    #[test]
    fn a_version_is_half_of_a_well_known_hash() {
        // SHA-256 of "abc", FIPS 180-2, appendix B.1.
        assert_eq!(version_of(b"abc").as_str(), "ba7816bf8f01cfea414140de5dae2223");
    }
}
