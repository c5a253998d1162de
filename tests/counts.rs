//! What a credential costs in a bucket, counted by the server: requests, connections, clients

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::fs;
use std::sync::Arc;

use cred_conformance::S3Server;
use cred_model::Fetched;
use cred_path::{Environment, UserId};
use cred_store::{Credential, CredentialStore, Filter};
use futures_util::TryStreamExt;

fn server() -> S3Server {
    let server = S3Server::start();
    server.objects().create_bucket("acme");
    server
}

fn store(server: &S3Server) -> CredentialStore {
    CredentialStore::builder()
        .with_location("s3://acme/prod/")
        .with_environment(Environment::from_iter(server.variables()))
        .build()
        .unwrap()
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn access(token: &str) -> Credential {
    Credential::new().with_access_token(token)
}

/// What the server was asked for since the last look, and with which answer.
fn asked(server: &S3Server) -> Vec<(&'static str, u16)> {
    server.take_requests().iter().map(|request| (request.operation, request.status.unwrap())).collect()
}

#[tokio::test]
async fn a_load_is_one_get_and_one_more_for_each_older_name_if_there_is_no_document() {
    let server = server();
    let store = store(&server);
    server.objects().put("acme", "prod/a%2Bb@x.com.json", r#"{"token":"t"}"#);
    assert!(store.load(&user("a+b@x.com")).await.unwrap().is_some());
    assert_eq!(asked(&server), [("GetObject", 200)]);

    // An id that is safe as it is, one that could not be a name at all, and one that was once written in two ways.
    for (id, names) in [("ada@example.com", 1), ("c/d@x.com", 2), ("c+d@x.com", 3)] {
        assert!(store.load(&user(id)).await.unwrap().is_none());
        assert_eq!(asked(&server), vec![("GetObject", 404); names], "{id}");
    }
}

#[tokio::test]
async fn a_save_is_one_put_over_what_is_in_hand_and_otherwise_one_get_more() {
    let server = server();
    let (store, ada) = (store(&server), user("ada@example.com"));
    let first = store.save(&ada, &access("t0")).await.unwrap();
    assert_eq!(asked(&server), [("GetObject", 404), ("PutObject", 200)]);
    store.save(&ada, &access("t1")).over(&first.stored).await.unwrap();
    assert_eq!(asked(&server), [("PutObject", 200)]);
    store.save(&ada, &access("t2")).await.unwrap();
    assert_eq!(asked(&server), [("GetObject", 200), ("PutObject", 200)]);

    // A version that is no longer the stored one costs as much, and changes nothing.
    assert!(store.save(&ada, &access("t3")).over(&first.stored).await.is_err());
    assert_eq!(asked(&server), [("PutObject", 412)]);
}

#[tokio::test]
async fn the_users_of_2500_documents_are_three_lists_and_no_get() {
    let server = server();
    for n in 0..2_500 {
        server.objects().put("acme", &format!("prod/user-{n:04}.json"), "{}");
    }
    let users: Vec<_> = store(&server).users().try_collect().await.unwrap();
    assert_eq!(users.len(), 2_500);
    assert_eq!(asked(&server), [("ListObjectsV2", 200); 3]);
}

#[tokio::test]
async fn a_hundred_loads_share_one_client_and_one_connection() {
    let log = tempfile::NamedTempFile::new().unwrap();
    // For all tests of this program: a line that one of them is not listening for would be lost to the others.
    tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(log.reopen().unwrap())).init();

    let server = server();
    let (store, ada) = (store(&server), user("ada@example.com"));
    server.objects().put("acme", "prod/ada@example.com.json", r#"{"token":"t"}"#);
    for _ in 0..100 {
        // Clones share the client too.
        store.clone().load(&ada).await.unwrap().unwrap();
    }
    let requests = server.take_requests();
    assert_eq!(requests.len(), 100);
    assert!(requests.iter().all(|request| request.connection == requests[0].connection));
    let log = fs::read_to_string(&log).unwrap();
    let clients =
        log.lines().filter(|line| line.contains("S3 client initialised") && line.contains(&server.endpoint()));
    assert_eq!(clients.count(), 1, "{log}");
}

#[tokio::test]
async fn a_document_that_has_not_changed_is_one_get_without_a_body() {
    let server = server();
    let store = store(&server);
    let stored = store.save(&user("ada@example.com"), &access("t")).await.unwrap().stored;
    server.take_requests();
    let fetched = store.documents().get_if_changed(&stored.name, &stored.version).await.unwrap();
    assert!(matches!(fetched, Fetched::Unchanged), "{fetched:?}");
    assert_eq!(asked(&server), [("GetObject", 304)]);
}

#[tokio::test]
async fn a_search_is_one_list_and_at_most_one_get_for_each_document() {
    let server = server();
    let store = store(&server);
    for n in 0..12 {
        server.objects().put(
            "acme",
            &format!("prod/user-{n:02}.json"),
            r#"{"token":"t","expiry":"2001-01-01T00:00:00"}"#,
        );
    }
    assert!(store.find(&Filter::new()).await.unwrap().found.is_empty());
    let requests = asked(&server);
    assert_eq!(requests[0], ("ListObjectsV2", 200));
    assert_eq!(requests[1..], [("GetObject", 200); 12]);

    server.objects().put("acme", "prod/user-00.json", r#"{"token":"t","expiry":"2999-01-01T00:00:00"}"#);
    assert_eq!(store.find(&Filter::new()).await.unwrap().found.len(), 1);
    let requests = server.take_requests();
    assert_eq!(requests[0].operation, "ListObjectsV2");
    assert!((2..=13).contains(&requests.len()) && requests[1..].iter().all(|request| request.operation == "GetObject"));
}
