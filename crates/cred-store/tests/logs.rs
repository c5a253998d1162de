//! What the facade logs, line by line, and that no secret is in it.
#![expect(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::io;
use std::sync::{Arc, Mutex};

use cred_model::{DocumentStore, MemoryStore, Precondition};
use cred_store::{Credential, CredentialStore, UserId, parity};
use tracing::Level;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

#[tokio::test]
async fn each_outcome_is_a_line_with_user_and_location_and_without_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let documents = Arc::new(MemoryStore::new());
    let store = CredentialStore::over(documents.clone());
    let ada = UserId::new("ada@example.com").unwrap();
    let credential = Credential::new().with_access_token("ya29.sentinel").with_refresh_token("1//sentinel");
    let put = async |name: &str, body: &'static str| {
        documents.put(&name.parse().unwrap(), body.into(), Precondition::Always).await.unwrap();
    };

    store.save(&ada, &credential).await.unwrap();
    assert_eq!(log.take(), " INFO credentials saved user=ada@example.com location=memory\n");
    store.load(&ada).await.unwrap().unwrap();
    assert_eq!(log.take(), "DEBUG credentials loaded user=ada@example.com location=memory\n");
    assert!(store.delete(&ada).await.unwrap());
    assert_eq!(log.take(), " INFO credentials deleted user=ada@example.com location=memory\n");
    assert!(!store.delete(&ada).await.unwrap());
    assert_eq!(log.take(), " INFO no credentials to delete user=ada@example.com location=memory\n");
    assert!(store.load(&ada).await.unwrap().is_none());
    assert_eq!(log.take(), " INFO no credentials found user=ada@example.com location=memory\n");

    assert!(parity::find_any(&store).await.is_none());
    let lines = log.take();
    assert!(lines.ends_with(" INFO [single-user] no valid credentials found location=memory\n"), "{lines}");

    put("ada@example.com.json", r#"{"token":"ya29.sentinel","expiry":"sentinel"}"#).await;
    assert!(parity::load_or_none(&store, &ada).await.is_some());
    let lines = log.take();
    assert!(lines.starts_with(" WARN expiry is unreadable: treated as expired user=ada@example.com"), "{lines}");

    put("ada@example.com.json", r#"{"token":"ya29.sentinel","#).await;
    store.save(&ada, &credential).await.unwrap_err();
    let lines = log.take();
    let expected = "ERROR saving credentials failed user=ada@example.com location=memory error=";
    assert!(lines.starts_with(expected) && !lines.contains("sentinel"), "{lines}");
    assert!(parity::load_or_none(&store, &ada).await.is_none());
    let lines = log.take();
    assert!(
        lines.starts_with("ERROR loading credentials failed user=ada@example.com location=memory error="),
        "{lines}"
    );
    assert!(!lines.contains("sentinel"), "{lines}");

    put("eve@example.com.json", r#"{"refresh_token":"1//sentinel"}"#).await;
    assert!(parity::find_any(&store).await.is_some());
    let lines = log.take();
    for expected in [
        " WARN document skipped location=memory key=\"ada@example.com.json\" why=",
        " INFO credentials found user=eve@example.com location=memory",
        " INFO [single-user] credentials found user=eve@example.com location=memory",
    ] {
        assert!(lines.contains(expected), "{expected} is not in {lines}");
    }
    assert!(!lines.contains("sentinel"), "{lines}");
}
