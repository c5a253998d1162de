//! One call: what is asked of which directory, until when, and what became of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cred_model::{Action, Effect, MAX_DOCUMENT_BYTES, Oddity, Place, Refusal, StoreError, Version};
use cred_path::DocumentName;
use rustix::io::Errno;

use crate::directory::Directory;
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

    pub(crate) fn odd(&self, why: Oddity) -> StoreError {
        StoreError::NotADocument { action: self.action, place: self.place(), why }
    }

    fn place(&self) -> Place {
        match &self.name {
            Some(name) => Place::document(self.level.location(), name),
            None => Place::store(self.level.location()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: Action) -> Call {
        let name = "ada.json".parse().unwrap();
        Call::new(Arc::new(Level::new("/store".into())), action, Some(name), Duration::from_secs(60))
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
}
