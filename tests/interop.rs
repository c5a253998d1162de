//! Credentials cross between us and the programs that share a store with us, and come back unharmed

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod fixtures;
mod minio;
mod python;

use std::{collections::BTreeMap, fs, path::Path};

use cred_model::Credential;
use cred_path::{Environment, UserId};
use cred_store::{CredentialStore, Encryption};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use fixtures::{GOOD, RICH};
use python::Python;

/// Users whose names every program encodes; all are addresses, for workspace-mcp lists no others.
const USERS: [&str; 6] =
    ["a+b@x.com", "a/b@x.com", "ada@example.com", "jürgen@例え.jp", "o'brien@x.com", "~a b%2B@x.com"];

#[test]
#[ignore = "needs Python"]
fn fixtures_are_what_the_programs_write() {
    let mut committed = json_files(&fixtures::directory());
    committed.retain(|name, _| !name.starts_with("yup-oauth2/"));
    for python in Python::both() {
        let written = tempfile::tempdir().unwrap();
        python.run("fixtures/regenerate.py", &[path(&written)]);
        for (name, text) in &json_files(written.path()) {
            assert_eq!(committed.get(name), Some(text), "{name} by {python:?}");
        }
        assert!(json_files(written.path()).keys().eq(committed.keys()), "{python:?} writes fewer files");
    }
}

#[tokio::test]
#[ignore = "needs Python"]
async fn what_was_imported_into_a_directory_says_the_same_to_google_auth_and_workspace_mcp() {
    let directory = tempfile::tempdir().unwrap();
    import_all(&in_directory(&directory)).await;
    for python in Python::both() {
        assert_understood(&python, &directory);
    }
}

#[tokio::test]
#[ignore = "needs MinIO and Python"]
async fn what_was_imported_into_minio_says_the_same_to_google_auth_and_workspace_mcp() {
    let (prefix, store) = in_minio(Encryption::Aes256);
    import_all(&store).await;
    for python in beside_minio() {
        let downloaded = tempfile::tempdir().unwrap();
        python.peer(&["s3-download", minio::BUCKET, &prefix, path(&downloaded)]);
        assert_understood(&python, &downloaded);
    }
}

#[tokio::test]
#[ignore = "needs Python"]
async fn workspace_mcp_lists_and_reads_our_users_and_sees_nothing_that_is_ours_beside_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = in_directory(&directory);
    fs::write(directory.path().join("ada@example.com.json"), "{").unwrap();
    for id in USERS {
        store.save(&user(id), &RICH.imported()).force().await.unwrap();
    }
    // What a writer that was killed leaves behind.
    fs::write(directory.path().join(".tmp-0123456789abcdef"), RICH.imported().to_json()).unwrap();
    for beside in [".aside", ".locks", ".tmp-0123456789abcdef"] {
        assert!(directory.path().join(beside).exists(), "{beside}");
    }

    for python in Python::both() {
        assert_eq!(python.peer(&["list-upstream", path(&directory)]), [json!(USERS)], "{python:?}");
        let read = python.peer(&[&["read-upstream", path(&directory)], &USERS[..]].concat());
        assert_eq!(read, [(); USERS.len()].map(|()| RICH.described()), "{python:?}");
    }
    assert_eq!(users(&store).await, USERS);
}

#[tokio::test]
#[ignore = "needs Python"]
async fn what_workspace_mcp_writes_loads_by_user() {
    let file = fixtures::directory().join("upstream/ada@example.com.json");
    let written = Credential::from_json(&fs::read(&file).unwrap()).unwrap();
    for python in Python::both() {
        let directory = tempfile::tempdir().unwrap();
        let arguments = ["write-upstream", path(&directory), file.to_str().unwrap()];
        assert_eq!(python.peer(&[&arguments, &USERS[..]].concat()), [true; USERS.len()]);

        let store = in_directory(&directory);
        assert_eq!(users(&store).await, USERS);
        for id in USERS {
            let stored = store.require(&user(id)).await.unwrap();
            assert_eq!((stored.credential, stored.name), (written.clone(), user(id).document_name()), "{id}");
        }
    }
}

#[tokio::test]
async fn workspace_mcps_older_name_belongs_to_the_user_whom_it_encodes_today() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a_b@x.com.json");
    // Written for a+b@x.com, but it names nobody, and a_b@x.com has a document of just this name.
    let content = fixtures::read("upstream-legacy/a_b@x.com.json");
    fs::write(&file, &content).unwrap();
    let store = in_directory(&directory);

    assert!(store.load(&user("a+b@x.com")).await.unwrap().is_none());
    assert_eq!(users(&store).await, ["a_b@x.com"]);
    let stored = store.require(&user("a_b@x.com")).await.unwrap();
    assert_eq!(stored.credential, Credential::from_json(&content).unwrap());

    store.save(&user("a+b@x.com"), &Credential::new().with_access_token("ya29.other")).await.unwrap();
    assert!(store.delete(&user("a+b@x.com")).await.unwrap());
    assert_eq!(fs::read(&file).unwrap(), content);
}

#[tokio::test]
#[ignore = "needs MinIO and Python"]
async fn boto3_sees_a_json_object_under_the_encoded_user_and_encrypted_as_asked() {
    let asked = [
        (Encryption::Aes256, json!("AES256")),
        (Encryption::Kms { key: None }, json!("aws:kms")),
        (Encryption::None, Value::Null),
    ];
    let (mut arguments, mut expected) = (vec!["s3-head".to_owned(), minio::BUCKET.to_owned()], Vec::new());
    for (encryption, seen) in asked {
        let (prefix, store) = in_minio(encryption);
        store.save(&user("a+b@x.com"), &RICH.imported()).await.unwrap();
        let length = RICH.imported().to_json().len();
        arguments.push(format!("{prefix}a%2Bb@x.com.json"));
        expected.push(json!({"content_type": "application/json", "encryption": seen, "length": length}));
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    for python in beside_minio() {
        assert_eq!(python.peer(&arguments), expected, "{python:?}");
    }
}

#[tokio::test]
#[ignore = "needs MinIO and Python"]
async fn documents_uploaded_by_boto3_load_by_user() {
    let uploads = [
        ("s3-original/user-42.json", "user-42"),
        ("upstream/a%2Bb@x.com.json", "a+b@x.com"),
        ("upstream/a%2Fb@x.com.json", "a/b@x.com"),
        ("upstream/j%C3%BCrgen@%E4%BE%8B%E3%81%88.jp.json", "jürgen@例え.jp"),
    ];
    for python in beside_minio() {
        let (prefix, store) = in_minio(Encryption::Aes256);
        let files = uploads.map(|(file, _)| fixtures::directory().join(file).to_str().unwrap().to_owned());
        let arguments = [&["s3-upload", minio::BUCKET, &prefix], &files.each_ref().map(String::as_str)[..]].concat();
        assert_eq!(python.peer(&arguments).len(), uploads.len());

        for (file, id) in uploads {
            let stored = store.require(&user(id)).await.unwrap();
            assert_eq!(stored.credential, Credential::from_json(&fixtures::read(file)).unwrap(), "{file}");
        }
    }
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn path(directory: &TempDir) -> &str {
    directory.path().to_str().unwrap()
}

fn in_directory(directory: &TempDir) -> CredentialStore {
    CredentialStore::open(path(directory)).unwrap()
}

/// A store of its own in MinIO, and the prefix of its keys.
fn in_minio(encryption: Encryption) -> (String, CredentialStore) {
    let prefix = minio::fresh_prefix("interop");
    let store = CredentialStore::builder()
        .with_location(format!("s3://{}/{prefix}", minio::BUCKET))
        .with_environment(Environment::from_iter(minio::variables()))
        .with_encryption(encryption)
        .build();
    (prefix, store.unwrap())
}

fn beside_minio() -> [Python; 2] {
    Python::both().map(|python| python.with_environment(minio::variables()))
}

/// Imports every good fixture, each for a user of its own, and finds them all unharmed in the store.
async fn import_all(store: &CredentialStore) {
    for fixture in GOOD {
        assert!(store.save(&fixture.user(), &fixture.imported()).await.unwrap().created, "{fixture:?}");
    }
    for fixture in GOOD {
        let stored = store.require(&fixture.user()).await.unwrap();
        assert_eq!(stored.credential, fixture.imported(), "{fixture:?}");
    }
}

/// Sees google-auth and workspace-mcp find in `directory` what the fixtures say.
fn assert_understood(python: &Python, directory: &TempDir) {
    let users = GOOD.map(|fixture| fixture.user());
    let files = users.each_ref().map(|user| format!("{}/{}", path(directory), user.document_name()));
    let by_google_auth = python.peer(&[&["read-google-auth"], &files.each_ref().map(String::as_str)[..]].concat());
    let by_upstream =
        python.peer(&[&["read-upstream", path(directory)], &users.each_ref().map(UserId::as_str)[..]].concat());
    for ((fixture, read), by_upstream) in GOOD.iter().zip(by_google_auth.chunks(2)).zip(&by_upstream) {
        let [from_user_info, constructed] = read else { panic!("{fixture:?} was not read twice") };
        let said = fixture.described();
        assert_eq!(*constructed, said, "{fixture:?} by {python:?}");
        assert_eq!(*by_upstream, said, "{fixture:?} by {python:?}");
        assert_eq!(*from_user_info, as_user_info(said, from_user_info), "{fixture:?} by {python:?}");
    }
    assert_eq!((by_google_auth.len(), by_upstream.len()), (2 * GOOD.len(), GOOD.len()));
}

/// What `from_authorized_user_info` makes of a credential: it drops fractions, and takes no expiry for one just past.
fn as_user_info(mut said: Value, read: &Value) -> Value {
    if let Some(expiry) = said["expiry"].as_str() {
        let seconds = expiry.split(['.', '+']).next().unwrap();
        said["expiry"] = format!("{seconds}+00:00").into();
    } else {
        said["expiry"] = read["expiry"].clone();
        said["expired"] = true.into();
    }
    said
}

async fn users(store: &CredentialStore) -> Vec<String> {
    store.users().map_ok(|user| user.to_string()).try_collect().await.unwrap()
}

/// The files that end in `.json` one level below `root`, by name; their bytes as text that shows each.
fn json_files(root: &Path) -> BTreeMap<String, String> {
    let directories = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = directories.flat_map(|directory| fs::read_dir(directory).unwrap()).map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| {
            let name = file.strip_prefix(root).unwrap().to_str().unwrap();
            (name.to_owned(), fs::read(&file).unwrap().escape_ascii().to_string())
        })
        .collect()
}
