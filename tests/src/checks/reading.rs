//! What a reader may rely on.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cred_model::{Fetched, MAX_DOCUMENT_BYTES, Precondition, StoreError};
use futures_util::TryStreamExt;

use super::{ada, get, name, put};
use crate::Subject;

pub(super) async fn get_returns_what_put_stored(store: &Subject) {
    // Not text, not JSON, and nothing at all: a store does not look into a document.
    for body in [&b"{\"token\": \"t\"}\n"[..], b"\x00\xff\r\n\x1a", b""] {
        let version = store.put(&ada(), Bytes::from_static(body), Precondition::Always).await.unwrap();
        let document = get(store, &ada()).await;
        assert_eq!(document.body, body);
        assert_eq!(document.version, version);
        let year_2000 = SystemTime::UNIX_EPOCH + Duration::from_hours(30 * 365 * 24);
        assert!(document.modified > year_2000, "written at {:?}", document.modified);
    }
}

pub(super) async fn get_of_an_absent_document_is_none(store: &Subject) {
    assert!(store.get(&ada()).await.unwrap().is_none());
    put(store, &name("ada@example.com.jsonx"), "{}", Precondition::Always).await;
    assert!(store.get(&ada()).await.unwrap().is_none());
}

pub(super) async fn get_if_changed_tells_absent_unchanged_and_changed(store: &Subject) {
    let first = put(store, &ada(), "1", Precondition::Always).await;
    assert!(matches!(store.get_if_changed(&ada(), &first).await.unwrap(), Fetched::Unchanged));
    let second = put(store, &ada(), "2", Precondition::Always).await;
    match store.get_if_changed(&ada(), &first).await.unwrap() {
        Fetched::Changed(document) => assert_eq!((&document.body[..], document.version), (&b"2"[..], second)),
        other => panic!("expected the new document, got {other:?}"),
    }
    assert!(matches!(store.get_if_changed(&name("nobody.json"), &first).await.unwrap(), Fetched::Absent));
}

pub(super) async fn names_are_kept_byte_for_byte(store: &Subject) {
    let longest = "x".repeat(255);
    let names = [
        "a+b@x.json",
        "a%2Bb@x.json",
        "a%252Bb@x.json",
        "100%",
        "a b.json",
        " blank ",
        "\u{fc}.json",
        "u\u{308}.json",
        "\u{65e5}\u{672c}.json",
        "\u{1f511}",
        "A.json",
        "a.json",
        "#?&=;:,*'\"<>|{}[]^`!$()~",
        "-rf",
        "...",
        ".json",
        "index.html",
        &longest,
    ];
    for text in names {
        put(store, &name(text), text, Precondition::IfAbsent).await;
    }
    for text in names {
        assert_eq!(get(store, &name(text)).await.body, text);
    }
    let mut sorted = names.map(str::to_owned);
    sorted.sort_unstable();
    let listed: Vec<_> = super::listing::names(store).await;
    assert_eq!(listed, sorted);
    for text in names {
        assert!(store.delete(&name(text), None).await.unwrap(), "{text:?}");
    }
    assert!(store.list().try_next().await.unwrap().is_none());
}

pub(super) async fn a_larger_document_of_another_writer_is_refused(store: &Subject) {
    let size = usize::try_from(MAX_DOCUMENT_BYTES).expect("1 MiB") + 1;
    if !store.plant(ada().as_str(), Bytes::from(vec![b'['; size])).await {
        return;
    }
    assert!(matches!(store.get(&ada()).await, Err(StoreError::TooLarge { .. })));
    let anything = put(store, &name("other.json"), "{}", Precondition::Always).await;
    assert!(matches!(store.get_if_changed(&ada(), &anything).await, Err(StoreError::TooLarge { .. })));
    assert_eq!(super::listing::names(store).await, [ada().as_str(), "other.json"]);
}
