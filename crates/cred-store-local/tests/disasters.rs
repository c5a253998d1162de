//! What is left when a save is killed, the disk is full or broken, or nothing may be written.
//!
//! Each disaster happens to a child: the test runs itself again, below whatever makes it happen.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cred_model::{DocumentStore, Effect, Precondition, StoreError};
use cred_path::DocumentName;
use cred_store_local::LocalStore;

/// Names the directory to a child.
const DIRECTORY: &str = "CRED_TEST_DIRECTORY";

#[tokio::test]
async fn a_killed_save_leaves_the_old_document_or_the_new() {
    if let Some(directory) = directory_of_a_child() {
        let store = LocalStore::new(directory);
        for number in 0_u64.. {
            store.put(&ada(), document(number), Precondition::Always).await.unwrap();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ada.json");
    let store = LocalStore::new(directory.path());
    for round in 0_u64..40 {
        store.put(&ada(), document(0), Precondition::Always).await.unwrap();
        let mut child = Killed(spawn("a_killed_save_leaves_the_old_document_or_the_new", &[], directory.path()));
        // Once the child saves, it is killed at another moment in each round.
        while fs::read(&path).unwrap() == document(0) {
            assert!(child.0.try_wait().unwrap().is_none(), "the child ended");
            std::thread::yield_now();
        }
        for _ in 0..round {
            whole(&fs::read(&path).unwrap());
        }
        drop(child);
        let left = store.get(&ada()).await.unwrap().unwrap();
        whole(&left.body);
        // No lock is left behind, and the version is the content's.
        store.put(&ada(), document(1), Precondition::IfVersion(left.version)).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs strace"]
async fn a_file_that_cannot_be_flushed_is_not_saved() {
    const TEST: &str = "a_file_that_cannot_be_flushed_is_not_saved";
    let Some(directory) = directory_of_a_child() else {
        return survive(TEST, &["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1"]).await;
    };
    let error = save(&directory).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { effect: Effect::None, .. }), "{error:?}");
    assert_eq!(names(&directory), [".locks", "ada.json"]);
    assert_eq!(fs::read(directory.join("ada.json")).unwrap(), document(0));
}

#[tokio::test]
#[ignore = "needs strace"]
async fn a_directory_that_cannot_be_flushed_is_told_as_not_durable() {
    const TEST: &str = "a_directory_that_cannot_be_flushed_is_told_as_not_durable";
    let Some(directory) = directory_of_a_child() else {
        return survive(TEST, &["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=2"]).await;
    };
    let error = save(&directory).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { effect: Effect::NotDurable, .. }), "{error:?}");
    assert_eq!(names(&directory), [".locks", "ada.json"]);
    assert_eq!(fs::read(directory.join("ada.json")).unwrap(), document(1));
}

#[tokio::test]
#[ignore = "needs strace"]
async fn without_openat2_files_are_read_and_links_are_not() {
    const TEST: &str = "without_openat2_files_are_read_and_links_are_not";
    let Some(directory) = directory_of_a_child() else {
        return survive(TEST, &["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=openat2:error=ENOSYS"]).await;
    };
    std::os::unix::fs::symlink("ada.json", directory.join("link.json")).unwrap();
    let store = LocalStore::new(directory);
    assert_eq!(store.get(&ada()).await.unwrap().unwrap().body, document(0));
    let error = store.get(&"link.json".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotADocument { .. }), "{error:?}");
}

#[tokio::test]
#[ignore = "needs root"]
async fn a_full_disk_leaves_the_old_document() {
    const TEST: &str = "a_full_disk_leaves_the_old_document";
    let Some(directory) = directory_of_a_child() else {
        return survive(TEST, &in_a_namespace("mount -t tmpfs -o size=64k tmpfs .")).await;
    };
    let store = LocalStore::new(&directory);
    store.put(&ada(), document(0), Precondition::Always).await.unwrap();
    let error = store.put(&ada(), vec![b' '; 100_000].into(), Precondition::Always).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Io { effect: Effect::None, source, .. }
        if source.kind() == std::io::ErrorKind::StorageFull),
        "{error:?}"
    );
    assert_eq!(names(&directory), [".locks", "ada.json"]);
    assert_eq!(store.get(&ada()).await.unwrap().unwrap().body, document(0));
    // The space of what failed is free again.
    store.put(&ada(), document(1), Precondition::Always).await.unwrap();
}

#[tokio::test]
#[ignore = "needs root"]
async fn a_read_only_directory_is_read_and_says_why_it_is_not_written() {
    const TEST: &str = "a_read_only_directory_is_read_and_says_why_it_is_not_written";
    let Some(directory) = directory_of_a_child() else {
        return survive(TEST, &in_a_namespace("mount --bind . . && mount -o remount,bind,ro $PWD")).await;
    };
    let store = LocalStore::new(&directory);
    let read = store.get(&ada()).await.unwrap().unwrap();
    assert_eq!(read.body, document(0));
    let missing = "bob.json".parse().unwrap();
    assert!(store.get(&missing).await.unwrap().is_none());
    assert!(!store.delete(&missing, None).await.unwrap());
    let refusals = [
        store.put(&ada(), document(1), Precondition::IfVersion(read.version)).await.map(drop),
        store.delete(&ada(), None).await.map(drop),
        store.try_lock(&ada()).await.map(drop),
    ];
    for refusal in refusals {
        match refusal.unwrap_err() {
            StoreError::AccessDenied { refusal, .. } => {
                assert!(refusal.to_string().contains("Read-only file system"), "{refusal}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A child that is killed when it is dropped, also by a failing test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn ada() -> DocumentName {
    "ada.json".parse().unwrap()
}

/// A document that cannot be mistaken for a part of itself or of another, and is written in more than one page.
fn document(number: u64) -> bytes::Bytes {
    format!("{number}\n").repeat(4_000).into()
}

/// Fails unless `body` is a document, all of it.
fn whole(body: &[u8]) {
    let line = body.split(|byte| *byte == b'\n').next().unwrap();
    let number = std::str::from_utf8(line).unwrap().parse().unwrap();
    assert!(body == document(number), "torn after {} bytes", body.len());
}

async fn save(directory: &Path) -> Result<(), StoreError> {
    LocalStore::new(directory).put(&ada(), document(1), Precondition::Always).await.map(drop)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn directory_of_a_child() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// A mount namespace of its own, in which `prepare` runs in the directory before the test.
fn in_a_namespace(prepare: &str) -> Vec<String> {
    let script = format!("cd ${DIRECTORY} && {prepare} && cd / && exec \"$0\" \"$@\"");
    ["unshare", "--mount", "sh", "-c", &script].map(String::from).into()
}

/// Runs `test` as a child below the command `wrapper`, in a directory with one document; fails if it does.
async fn survive<S: AsRef<OsStr>>(test: &str, wrapper: &[S]) {
    let directory = tempfile::tempdir().unwrap();
    LocalStore::new(directory.path()).put(&ada(), document(0), Precondition::Always).await.unwrap();
    let wrapper: Vec<_> = wrapper.iter().map(AsRef::as_ref).collect();
    let child = spawn(test, &wrapper, directory.path()).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

fn spawn(test: &str, wrapper: &[&OsStr], directory: &Path) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().copied().chain([this.as_os_str()]);
    Command::new(words.next().unwrap())
        .args(words)
        .args(["--exact", test, "--include-ignored"])
        .env(DIRECTORY, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
