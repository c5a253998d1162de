//! What the S3 backend asks a server for: how often, over how many connections, and with which headers.
#![expect(clippy::unwrap_used, reason = "all of it is a test")]

use cred_conformance::{Quirk, S3Server, S3ServerBuilder};
use cred_model::{ConditionalDelete, DocumentStore, DocumentStoreExt, Entry, Fetched, Precondition, StoreError};
use cred_path::DocumentName;
use cred_store_s3::{AwsKeys, Encryption, S3Store, S3StoreBuilder};
use futures_util::TryStreamExt;

fn server(builder: S3ServerBuilder) -> (S3Server, S3StoreBuilder) {
    let server = builder.start();
    server.objects().create_bucket("acme");
    let keys = AwsKeys::new(server.access_key_id(), server.secret_access_key()).unwrap();
    let store = S3StoreBuilder::new("acme").with_prefix("p").with_endpoint(server.endpoint()).with_credentials(keys);
    (server, store)
}

fn name(name: &str) -> DocumentName {
    DocumentName::new(name).unwrap()
}

async fn names(store: &S3Store) -> Vec<String> {
    let entries: Vec<_> = store.list().try_collect().await.unwrap();
    let text = |entry| match entry {
        Entry::Document(listed) => listed.name.to_string(),
        other => panic!("{other:?}"),
    };
    entries.into_iter().map(text).collect()
}

/// The operations since the last look, in order.
fn operations(server: &S3Server) -> Vec<&'static str> {
    server.take_requests().iter().map(|request| request.operation).collect()
}

#[tokio::test]
async fn a_load_is_one_get_and_a_hundred_share_one_connection() {
    let (server, store) = server(S3Server::builder());
    let store = store.build().unwrap();
    let written = store.put(&name("a.json"), "{}".into(), Precondition::Always).await.unwrap();
    for _ in 0..100 {
        assert_eq!(store.get(&name("a.json")).await.unwrap().unwrap().version, written);
    }
    assert!(store.get(&name("b.json")).await.unwrap().is_none());
    let fetched = store.get_if_changed(&name("a.json"), &written).await.unwrap();
    assert!(matches!(fetched, Fetched::Unchanged), "{fetched:?}");

    let requests = server.take_requests();
    assert_eq!(requests[0].operation, "PutObject");
    assert!(requests[1..].iter().all(|request| request.operation == "GetObject"));
    assert_eq!(requests.len(), 1 + 100 + 1 + 1);
    assert_eq!(requests.last().unwrap().status, Some(304));
    assert!(requests.iter().all(|request| request.connection == requests[0].connection));
}

#[tokio::test]
async fn a_write_carries_type_encryption_condition_and_mark() {
    for (encryption, header, key) in [
        (Encryption::Aes256, Some("AES256"), None),
        (Encryption::Kms { key: None }, Some("aws:kms"), None),
        (Encryption::Kms { key: Some("alias/creds".into()) }, Some("aws:kms"), Some("alias/creds")),
        (Encryption::BucketDefault, None, None),
        (Encryption::None, None, None),
    ] {
        let (server, store) = server(S3Server::builder());
        let store = store.with_encryption(encryption).build().unwrap();
        let version = store.put(&name("a%2Bb@x.com.json"), "1".into(), Precondition::IfAbsent).await.unwrap();
        store.put(&name("a%2Bb@x.com.json"), "2".into(), Precondition::IfVersion(version.clone())).await.unwrap();
        store.put(&name("a%2Bb@x.com.json"), "3".into(), Precondition::Always).await.unwrap();

        let requests = server.take_requests();
        let header_of = |index: usize, name: &str| requests[index].headers.get(name).map(String::as_str);
        for (index, request) in requests.iter().enumerate() {
            assert_eq!((request.key.as_str(), request.status), ("p/a%2Bb@x.com.json", Some(200)));
            assert_eq!(header_of(index, "content-type"), Some("application/json"));
            assert_eq!(header_of(index, "x-amz-server-side-encryption"), header);
            assert_eq!(header_of(index, "x-amz-server-side-encryption-aws-kms-key-id"), key);
        }
        let conditions = |index| (header_of(index, "if-none-match"), header_of(index, "if-match"));
        assert_eq!(conditions(0), (Some("*"), None));
        assert_eq!(conditions(1), (None, Some(version.as_str())));
        assert_eq!(conditions(2), (None, None));
        let marks = [0, 1, 2].map(|index| header_of(index, "x-amz-meta-write-id"));
        assert!(marks[0].is_some_and(|id| id.len() == 32) && marks[0] != marks[1] && marks[2].is_none(), "{marks:?}");
        assert_eq!(header_of(1, "x-amz-meta-write-replaces"), Some(version.as_str()));
    }
}

#[tokio::test]
async fn listing_2500_documents_is_three_lists_and_no_get() {
    let (server, store) = server(S3Server::builder());
    let store = store.build().unwrap();
    let mut stored: Vec<_> = (0..2_497).map(|n| format!("{n:04}.json")).collect();
    stored.extend(["a%2Bb@x.json", "a b+c.json", "ü.json"].map(String::from));
    for name in &stored {
        server.objects().put("acme", &format!("p/{name}"), "{}");
    }
    server.objects().put("acme", "p/", "");
    server.objects().put("acme", "p/below/c.json", "{}");
    server.objects().put("acme", "q/d.json", "{}");
    stored.sort();
    assert_eq!(names(&store).await, stored);
    assert_eq!(operations(&server), ["ListObjectsV2"; 3]);
}

#[tokio::test]
async fn an_odd_key_is_an_item_and_the_listing_goes_on() {
    let (server, store) = server(S3Server::builder());
    for key in ["p/a.json", "p/b\tc.json", "p/d.json"] {
        server.objects().put("acme", key, "{}");
    }
    let entries: Vec<_> = store.build().unwrap().list().try_collect().await.unwrap();
    assert!(matches!(&entries[1], Entry::Odd { key, .. } if key == "b\\tc.json"), "{entries:?}");
    assert!(matches!((&entries[0], &entries[2]), (Entry::Document(_), Entry::Document(_))));
}

#[tokio::test]
async fn a_deletion_at_a_version_is_one_request_once_the_server_is_known_to_honour_it() {
    let (server, store) = server(S3Server::builder());
    let store = store.build().unwrap();
    let stale = store.put(&name("a.json"), "1".into(), Precondition::Always).await.unwrap();
    let version = store.put(&name("a.json"), "2".into(), Precondition::Always).await.unwrap();
    server.take_requests();

    let error = store.delete(&name("a.json"), Some(&stale)).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    assert_eq!(store.scoped(&name("x")).conditional_delete().await.unwrap(), ConditionalDelete::Atomic);
    assert!(store.delete(&name("a.json"), Some(&version)).await.unwrap());
    assert!(!store.delete(&name("a.json"), Some(&version)).await.unwrap());
    // The first of them asked about what does not exist.
    assert_eq!(operations(&server), ["DeleteObject"; 4]);
}

#[tokio::test]
async fn a_server_that_ignores_the_condition_is_asked_first_what_it_has() {
    let (server, store) = server(S3Server::builder().with_quirk(Quirk::IgnoresDeleteCondition));
    let store = store.build().unwrap();
    let stale = store.put(&name("a.json"), "1".into(), Precondition::Always).await.unwrap();
    let version = store.put(&name("a.json"), "2".into(), Precondition::Always).await.unwrap();
    assert_eq!(store.conditional_delete().await.unwrap(), ConditionalDelete::ReadFirst);
    server.take_requests();

    let error = store.delete(&name("a.json"), Some(&stale)).await.unwrap_err();
    assert!(error.is_conflict() && store.get(&name("a.json")).await.unwrap().is_some(), "{error:?}");
    assert!(store.delete(&name("a.json"), Some(&version)).await.unwrap());
    assert_eq!(operations(&server), ["GetObject", "GetObject", "GetObject", "DeleteObject"]);
}

#[tokio::test]
async fn deleting_what_is_too_large_for_a_document_works_and_reading_it_does_not() {
    let (server, store) = server(S3Server::builder());
    let store = store.build().unwrap();
    server.objects().put("acme", "p/big.json", vec![b'['; (1 << 20) + 1]);
    let error = store.get(&name("big.json")).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { size: 1_048_577, .. }), "{error:?}");
    assert!(store.delete(&name("big.json"), None).await.unwrap());
    assert!(!store.delete(&name("big.json"), None).await.unwrap());
}

#[tokio::test]
async fn refusals_are_typed() {
    let (server, store) = server(S3Server::builder());
    let bucket = S3StoreBuilder::new("nowhere").with_endpoint(server.endpoint());
    let keys = |secret: &str| AwsKeys::new(server.access_key_id(), secret).unwrap();
    let bucket = bucket.with_credentials(keys(server.secret_access_key())).build().unwrap();
    for error in [
        bucket.get(&name("a.json")).await.unwrap_err(),
        bucket.put(&name("a.json"), "1".into(), Precondition::IfAbsent).await.unwrap_err(),
        bucket.delete(&name("a.json"), None).await.unwrap_err(),
        bucket.list().try_collect::<Vec<_>>().await.unwrap_err(),
    ] {
        assert!(matches!(&error, StoreError::BucketNotFound { bucket, .. } if bucket == "nowhere"), "{error:?}");
    }
    let wrong = store.with_credentials(keys("SENTINEL")).build().unwrap();
    for error in [
        wrong.get(&name("a.json")).await.unwrap_err(),
        wrong.put(&name("a.json"), "1".into(), Precondition::Always).await.unwrap_err(),
        wrong.list().try_collect::<Vec<_>>().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::InvalidCredentials { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("SENTINEL"), "{error:?}");
    }
}

#[tokio::test]
async fn a_session_token_is_sent() {
    let (server, store) = server(S3Server::builder().with_session_token("tok/en+1=="));
    let keys = AwsKeys::new(server.access_key_id(), server.secret_access_key()).unwrap();
    let temporary = keys.with_session_token("tok/en+1==\n").unwrap();
    assert!(store.clone().build().unwrap().get(&name("a.json")).await.is_err());
    assert!(store.with_credentials(temporary).build().unwrap().get(&name("a.json")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_without_keys_says_which_setting_to_change() {
    let (_server, store) = server(S3Server::builder().with_quirk(Quirk::WithoutKms));
    let put = async |encryption| {
        let store = store.clone().with_encryption(encryption).build().unwrap();
        store.put(&name("a.json"), "1".into(), Precondition::IfAbsent).await
    };
    let error = put(Encryption::Aes256).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { setting, .. } if setting == "encryption"), "{error:?}");
    put(Encryption::None).await.unwrap();
}

#[tokio::test]
async fn concurrent_updates_all_count() {
    let (_server, store) = server(S3Server::builder());
    let store = store.build().unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let count = |count: Option<u64>| Ok::<_, std::convert::Infallible>(count.unwrap_or(0) + 1);
                store.update_json(&name("count.json"), count).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.get_json::<u64>(&name("count.json")).await.unwrap().unwrap().value, 8);
}
