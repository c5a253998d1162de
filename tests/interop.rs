//! Credentials cross between us and the programs that share a store with us, and come back unharmed

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod fixtures;
mod python;

use std::{collections::BTreeMap, fs, path::Path};

use cred_model::Credential;
use serde_json::Value;

use fixtures::GOOD;
use python::Python;

#[test]
fn broken_files_are_errors_with_a_position_and_without_a_word_of_theirs() {
    let expected = [
        ("array", "not a credential but an array at line 1 column 1"),
        ("brace", "unexpected end of JSON at line 1 column 2"),
        ("client-secrets", "not a credential but a client-secrets file at line 1 column 1"),
        ("duplicate-keys", "duplicate key \"token\" at line 1 column 31"),
        ("empty", "unexpected end of JSON at line 1 column 1"),
        ("invalid-utf-8", "invalid UTF-8 at line 1 column 25"),
        ("no-token", "not a credential but an object without an access or refresh token at line 1 column 1"),
        ("null", "not a credential but null at line 1 column 1"),
        ("oauth_states", "not a credential but the states of logins in progress at line 1 column 1"),
        ("string", "not a credential but a string at line 1 column 1"),
        ("truncated", "unexpected end of JSON at line 6 column 37"),
        ("utf-16", "UTF-16 instead of UTF-8 at line 1 column 1"),
        ("wrong-types", "\"token\" must be a string or null, not a number at line 1 column 11"),
    ];
    let broken = fixtures::directory().join("broken");
    assert_eq!(fs::read_dir(&broken).unwrap().count(), expected.len());
    for (name, message) in expected {
        let error = Credential::from_json(&fs::read(broken.join(name).with_extension("json")).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), message, "{name}");
        assert!(!format!("{error:?}").contains("fixture"), "{error:?}");
    }
}

#[test]
#[ignore = "needs Python"]
fn fixtures_are_what_the_programs_write() {
    let mut committed = json_files(&fixtures::directory());
    committed.retain(|name, _| !name.starts_with("yup-oauth2/"));
    for python in Python::both() {
        let written = tempfile::tempdir().unwrap();
        python.run("fixtures/regenerate.py", &[written.path().as_ref()]);
        for (name, text) in &json_files(written.path()) {
            assert_eq!(committed.get(name), Some(text), "{name} by {python:?}");
        }
        assert!(json_files(written.path()).keys().eq(committed.keys()), "{python:?} writes fewer files");
    }
}

#[test]
#[ignore = "needs Python"]
fn google_auth_and_workspace_mcp_read_what_we_write() {
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("ada@example.com.json");
    for python in Python::both() {
        for fixture in GOOD {
            fs::write(&file, Credential::from_json(&fixture.bytes()).unwrap().to_json()).unwrap();

            let [from_user_info, constructed] = python.peer(&["read-google-auth".as_ref(), file.as_ref()]);
            let [by_upstream] =
                python.peer(&["read-upstream".as_ref(), store.path().as_ref(), "ada@example.com".as_ref()]);

            let said = fixture.described();
            assert_eq!(constructed, said, "{fixture:?} by {python:?}");
            assert_eq!(by_upstream, said, "{fixture:?} by {python:?}");
            assert_eq!(from_user_info, as_user_info(said, &from_user_info), "{fixture:?} by {python:?}");
        }
    }
}

/// What `from_authorized_user_info` makes of a credential: it drops fractions, and takes no expiry for one just past.
fn as_user_info(mut said: Value, read: &Value) -> Value {
    if let Some(expiry) = said["expiry"].as_str() {
        said["expiry"] = expiry.replace(".123456", "").into();
    } else {
        said["expiry"] = read["expiry"].clone();
        said["expired"] = true.into();
    }
    said
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
