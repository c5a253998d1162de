//! What a listing shows.

use bytes::Bytes;
use cred_model::{Entry, Listed, Oddity, Precondition};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Handle, ada, get, name, put};
use crate::Subject;

pub(super) async fn an_absent_place_lists_as_empty(store: &Subject) {
    assert!(store.list().next().await.is_none());
    assert!(store.scoped(&name("nowhere")).list().next().await.is_none());
}

pub(super) async fn a_listing_is_in_byte_order(store: &Subject) {
    // Sorted by bytes: punctuation around letters, capitals first, then what is beyond ASCII.
    let sorted = [
        ".hidden.json",
        "0.json",
        "10.json",
        "2.json",
        "A.json",
        "a",
        "a b",
        "a!b",
        "a-b",
        "a.json",
        "a0",
        "aa",
        "z",
        "\u{e9}",
        "\u{fffd}",
        "\u{1f511}",
    ];
    for text in sorted.iter().rev() {
        put(store, &name(text), text, Precondition::Always).await;
    }
    assert_eq!(names(store).await, sorted);
}

pub(super) async fn a_listing_holds_one_level_only(store: &Subject) {
    put(store, &ada(), "{}", Precondition::Always).await;
    let level = store.scoped(&name("level"));
    put(&level, &name("below.json"), "{}", Precondition::Always).await;
    put(&level.scoped(&name("deeper")), &name("deep.json"), "{}", Precondition::Always).await;
    assert_eq!(names(store).await, [ada().as_str()]);
    assert_eq!(names(&level).await, ["below.json"]);
}

pub(super) async fn a_listing_tells_sizes_and_versions(store: &Subject) {
    put(store, &ada(), "12345", Precondition::Always).await;
    put(store, &name("empty.json"), "", Precondition::Always).await;
    let listed = documents(store).await;
    assert_eq!(listed.iter().map(|document| document.size).collect::<Vec<_>>(), [5, 0]);
    for document in listed {
        let read = get(store, &document.name).await;
        assert!(document.version.is_none_or(|version| version == read.version), "{}", document.name);
    }
}

pub(super) async fn a_listing_goes_past_a_thousand_names(store: &Subject) {
    let sorted: Vec<_> = (0..1010).map(|n| format!("{n:04}.json")).collect();
    stream::iter(&sorted)
        .for_each_concurrent(16, async |text| {
            put(store, &name(text), "{}", Precondition::Always).await;
        })
        .await;
    assert_eq!(names(store).await, sorted);
}

pub(super) async fn what_cannot_be_a_document_is_an_odd_entry(store: &Subject) {
    if !store.plant("b\\b.json", Bytes::from_static(b"{}")).await {
        return;
    }
    for text in ["a.json", "c.json"] {
        put(store, &name(text), "{}", Precondition::Always).await;
    }
    let entries: Vec<Entry> = store.list().try_collect().await.unwrap();
    match &entries[..] {
        [Entry::Document(first), Entry::Odd { key, why: Oddity::InvalidName }, Entry::Document(last)] => {
            assert_eq!((first.name.as_str(), last.name.as_str()), ("a.json", "c.json"));
            assert!(key.contains("b.json"), "{key}");
        }
        other => panic!("expected a.json, something odd, c.json, got {other:?}"),
    }
}

/// The documents of a level that holds nothing odd, in the order of the listing.
async fn documents(store: &impl Handle) -> Vec<Listed> {
    let entries: Vec<Entry> = match store.list().try_collect().await {
        Ok(entries) => entries,
        Err(error) => panic!("list: {error}"),
    };
    entries
        .into_iter()
        .map(|entry| match entry {
            Entry::Document(listed) => listed,
            odd => panic!("{odd:?}"),
        })
        .collect()
}

/// Their names.
pub(super) async fn names(store: &impl Handle) -> Vec<String> {
    documents(store).await.into_iter().map(|listed| listed.name.to_string()).collect()
}
