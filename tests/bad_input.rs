//! What is no credential is refused, passed over among others, left as it is, and nothing of it is shown

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::SystemTime;
use std::{fs, iter};

use cred_conformance::S3Server;
use cred_model::{Import, MAX_DOCUMENT_BYTES};
use cred_path::{Environment, UserId};
use cred_store::{Credential, CredentialStore, Filter, Item};
use futures_util::{TryStreamExt, future::join_all};

/// What is wrong with each of `fixtures/broken`, and where.
const BROKEN: [(&str, &str); 13] = [
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

/// Too much of a bad thing, under a name that older programs gave to the document of somebody else too.
const BRACKETS: (&str, usize) = ("too_long@x.com", 64 << 20);
const NAMESAKE: &str = "too+long@x.com";

/// Users with a good credential, before, between and behind the bad ones.
const GOOD: [&str; 3] = ["ada@example.com", "mia@example.com", "zoe@example.com"];

/// Every secret in the files has this word in it.
const SENTINEL: &str = "fixture";

#[test]
fn an_import_says_what_is_wrong_and_where_and_shows_nothing_of_it() {
    let bad = bad_documents();
    assert_eq!(bad.len(), BROKEN.len() + 1);
    let too_long =
        format!("document longer than {MAX_DOCUMENT_BYTES} bytes at line 1 column {}", MAX_DOCUMENT_BYTES + 1);
    for (name, message) in BROKEN.into_iter().chain([(BRACKETS.0, too_long.as_str())]) {
        let error = Import::new(SystemTime::UNIX_EPOCH).read(&bad[name]).unwrap_err();
        assert_eq!(error.to_string(), message, "{name}");
        assert!(!told(&error).contains(SENTINEL), "{error:?}");
    }
    let with_secrets = bad.values().filter(|content| content.escape_ascii().to_string().contains(SENTINEL));
    assert_eq!(with_secrets.count(), 7, "the word that is looked for has to be there");
}

#[tokio::test]
async fn bad_files_in_a_directory_are_errors_of_their_own_and_harm_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let store = CredentialStore::open(directory.path().to_str().unwrap()).unwrap();
    let file = |name: &str| directory.path().join(name);
    check(&store, |name, content| fs::write(file(name), content).unwrap(), |name| fs::read(file(name)).unwrap()).await;
}

#[tokio::test]
async fn what_is_no_file_under_a_shared_older_name_hides_nobodys_absence() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("a_b@x.com.json")).unwrap();
    let store = CredentialStore::open(directory.path().to_str().unwrap()).unwrap();
    assert!(store.load(&user("a+b@x.com")).await.unwrap().is_none());
    assert!(store.load(&user("a_b@x.com")).await.is_err());
}

#[tokio::test]
async fn bad_objects_in_a_bucket_are_errors_of_their_own_and_harm_no_others() {
    let server = S3Server::start();
    server.objects().create_bucket("acme");
    let environment = Environment::from_iter(server.variables());
    let store = CredentialStore::builder().with_location("s3://acme/p/").with_environment(environment).build().unwrap();
    let put = |name: &str, content: &[u8]| server.objects().put("acme", &format!("p/{name}"), content.to_vec());
    let get = |name: &str| server.objects().get("acme", &format!("p/{name}")).unwrap().body.to_vec();
    check(&store, put, get).await;
}

/// Puts bad documents beside good ones, and does with them what can be done.
async fn check(store: &CredentialStore, put: impl Fn(&str, &[u8]), get: impl Fn(&str) -> Vec<u8>) {
    let credential = Credential::new().with_access_token("ya29.fixture-good").with_refresh_token("1//fixture-good");
    for id in GOOD {
        store.save(&user(id), &credential).await.unwrap();
    }
    let bad = bad_documents();
    for (name, content) in &bad {
        put(&format!("{name}.json"), content);
    }

    let too_large = format!("is too large: {} bytes, and a document has at most {MAX_DOCUMENT_BYTES}", BRACKETS.1);
    let expected = BROKEN.into_iter().chain([(BRACKETS.0, too_large.as_str())]);
    let mut said = join_all(expected.map(async |(name, message)| {
        let user = user(name);
        let errors = [store.load(&user).await.unwrap_err(), store.save(&user, &credential).await.unwrap_err()];
        assert!(errors.iter().all(|error| error.to_string().ends_with(message)), "{name}: {errors:?}");
        assert!(store.exists(&user).await.unwrap(), "{name}");
        errors.map(|error| told(&error) + &format!("{:?}\n", error.hint())).concat()
    }))
    .await
    .concat();
    assert!(store.load(&user(NAMESAKE)).await.unwrap().is_none());

    let (mut listed, mut unreadable) = (Vec::new(), Vec::new());
    for item in store.list().try_collect::<Vec<_>>().await.unwrap() {
        said += &format!("{item:?}");
        match item {
            Item::Credential(stored) => listed.push(stored.user.to_string()),
            Item::Unreadable { key, error, .. } => {
                said += &told(&error);
                unreadable.push(key);
            }
            other => panic!("{other:?}"),
        }
    }
    let names: Vec<_> = bad.keys().map(|name| format!("{name}.json")).collect();
    assert_eq!((listed.as_slice(), &unreadable), (&GOOD.map(String::from)[..], &names));

    let finding = store.find_all(&Filter::new()).await.unwrap();
    assert!(finding.found.iter().map(|stored| stored.user.as_str()).eq(GOOD));
    assert!(finding.skipped.iter().map(|skipped| &skipped.key).eq(&names));
    said += &format!("{finding:?}");

    assert!(!said.contains(SENTINEL), "{said}");
    for (name, content) in &bad {
        assert!(get(&format!("{name}.json")) == *content, "{name} was changed");
    }
}

/// What is no credential, by name.
fn bad_documents() -> BTreeMap<&'static str, Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/broken");
    let files = BROKEN.map(|(name, _)| (name, fs::read(format!("{directory}/{name}.json")).unwrap()));
    assert_eq!(fs::read_dir(directory).unwrap().count(), files.len());
    files.into_iter().chain([(BRACKETS.0, vec![b'['; BRACKETS.1])]).collect()
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

/// All that `error` and its causes say, in either way of printing them.
fn told(error: &(dyn StdError + 'static)) -> String {
    iter::successors(Some(error), |error| (*error).source()).map(|error| format!("{error}\n{error:?}\n")).collect()
}
