//! One run of all that a store can do and suffer, logged by everybody as loudly as possible: no secret is in it

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;
use std::{fs, iter};

use cred_conformance::S3Server;
use cred_model::Import;
use cred_path::{Environment, UserId};
use cred_store::{Credential, CredentialStore, Error, Filter, parity};
use futures_util::TryStreamExt;
use tracing_subscriber::EnvFilter;

/// Every secret has this word in it, but for the one that the server was made with.
const SENTINEL: &str = "SENTINEL";

#[tokio::test]
async fn no_secret_is_in_any_log() {
    let log = tempfile::NamedTempFile::new().unwrap();
    tracing_subscriber::fmt()
        // The server is in this process too, and tells what it is asked.
        .with_env_filter(EnvFilter::new("trace,s3s=off"))
        .with_ansi(false)
        .with_writer(Arc::new(log.reopen().unwrap()))
        .init();

    let directory = tempfile::tempdir().unwrap();
    let store = CredentialStore::open(directory.path().to_str().unwrap()).unwrap();
    use_well(&store, |name, content| fs::write(directory.path().join(name), content).unwrap()).await;

    let server = S3Server::builder().with_session_token("SENTINEL-session-token").start();
    server.objects().create_bucket("acme");
    let open = |location: &str, changes: &[(&'static str, &str)]| {
        let keys = [("AWS_SESSION_TOKEN", "SENTINEL-session-token")];
        let changed = keys.iter().chain(changes).map(|(name, value)| (*name, (*value).to_owned()));
        let environment = Environment::from_iter(server.variables().into_iter().chain(changed));
        let builder = CredentialStore::builder().with_location(location).with_environment(environment);
        let store = builder.clone().build().unwrap();
        tracing::trace!(?builder, ?store);
        store
    };
    let put = |name: &str, content: &str| server.objects().put("acme", &format!("p/{name}"), content.to_owned());
    use_well(&open("s3://acme/p/", &[]), put).await;
    fail(&open("s3://nowhere/p/", &[])).await;
    fail(&open("s3://acme/p/", &[("AWS_SECRET_ACCESS_KEY", "SENTINEL-wrong-secret")])).await;
    fail(&open("s3://acme/p/", &[("AWS_SESSION_TOKEN", "SENTINEL-wrong-token")])).await;
    let unreachable = open("s3://acme/p/", &[]);
    let secret = server.secret_access_key();
    drop(server);
    fail(&unreachable).await;

    let lines = fs::read_to_string(&log).unwrap();
    for (who, target) in
        [("the facade", " cred_store::"), ("the backend", " cred_store_s3::"), ("a dependency", " reqwest::")]
    {
        assert!(lines.contains(target), "{who} logs nothing");
    }
    let as_bytes = format!("{:?}", SENTINEL.as_bytes());
    for secret in [SENTINEL, as_bytes.trim_matches(['[', ']']), secret] {
        let told: Vec<_> = lines.lines().filter(|line| line.contains(secret)).collect();
        assert!(told.is_empty(), "{told:#?}");
    }
    tracing::trace!(SENTINEL);
    assert!(fs::read_to_string(&log).unwrap().contains(SENTINEL), "a secret would be seen");
}

/// What a service does all day, with the accidents that happen to it.
async fn use_well(store: &CredentialStore, put: impl Fn(&str, &str)) {
    let (ada, eve) = (user("ada@example.com"), user("eve@example.com"));
    let credential = imported();
    let first = seen(store.save(&ada, &credential).await).unwrap().stored;
    let newer = Credential::new().with_access_token("ya29.SENTINEL-newer");
    seen(store.save(&ada, &newer).over(&first).await).unwrap();
    seen(store.save(&ada, &newer).over(&first).await).unwrap_err();
    seen(store.replace(&eve, &credential).await).unwrap();
    seen(store.save(&eve, &credential.clone().with_user_email("ada@example.com")).await).unwrap_err();

    put("brace.json", r#"{"token": "ya29.SENTINEL-brace""#);
    put("list.json", r#"["ya29.SENTINEL-list"]"#);
    put("number.json", r#"{"token": "ya29.SENTINEL-number", "refresh_token": 5}"#);
    put("twice.json", r#"{"token": "ya29.SENTINEL-one", "token": "ya29.SENTINEL-two"}"#);
    for id in ["brace", "list", "number", "twice"] {
        seen(store.load(&user(id)).await).unwrap_err();
        assert!(parity::load_or_none(store, &user(id)).await.is_none());
    }
    put("unreadable.json", r#"{"token": "ya29.SENTINEL-unreadable", "expiry": "SENTINEL"}"#);
    seen(store.load(&user("unreadable")).await).unwrap().unwrap();
    seen(store.save(&user("brace"), &credential).force().await).unwrap();

    seen(store.require(&ada).await).unwrap();
    seen(store.exists(&ada).await).unwrap();
    assert_eq!(seen(store.list().try_collect::<Vec<_>>().await).unwrap().len(), 7);
    seen(store.users().try_collect::<Vec<_>>().await).unwrap();
    seen(store.find(&Filter::new().with_email("*@example.com")).await).unwrap();
    seen(store.find_all(&Filter::new()).await).unwrap();
    assert!(parity::find_any(store).await.is_some());
    assert!(seen(store.delete(&ada).await).unwrap());
    assert!(parity::delete_or_false(store, &eve).await);
}

/// The same where nothing works.
async fn fail(store: &CredentialStore) {
    let ada = user("ada@example.com");
    seen(store.load(&ada).await).unwrap_err();
    seen(store.save(&ada, &imported()).await).unwrap_err();
    seen(store.delete(&ada).await).unwrap_err();
    seen(store.list().try_collect::<Vec<_>>().await).unwrap_err();
    seen(store.find(&Filter::new()).await).unwrap_err();
    assert!(parity::load_or_none(store, &ada).await.is_none());
    assert!(parity::find_any(store).await.is_none());
    assert!(!parity::delete_or_false(store, &ada).await);
}

fn imported() -> Credential {
    let client = br#"{"installed": {"client_id": "c", "client_secret": "GOCSPX-SENTINEL"}}"#;
    let answer = br#"{"access_token": "ya29.SENTINEL", "refresh_token": "1//SENTINEL", "id_token": "ey.SENTINEL", "expires_in": 5}"#;
    let imported = Import::new(SystemTime::now()).with_client_file(client).read(answer);
    tracing::trace!(?imported);
    imported.unwrap().credential
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

/// Logs what came back, as careless callers do.
fn seen<T: Debug>(result: Result<T, Error>) -> Result<T, Error> {
    match &result {
        Ok(value) => tracing::trace!(?value),
        Err(error) => {
            let causes =
                iter::successors(error.source(), |cause| (*cause).source()).map(|cause| format!("{cause} {cause:?}"));
            tracing::trace!(%error, ?error, hint = ?error.hint(), causes = ?causes.collect::<Vec<_>>());
        }
    }
    result
}
