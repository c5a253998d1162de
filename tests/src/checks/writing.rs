//! What a writer may rely on, and what readers see of him.

use std::sync::Arc;

use bytes::Bytes;
use cred_model::{DocumentStore, Effect, MAX_DOCUMENT_BYTES, Precondition, StoreError, Version};
use futures_util::FutureExt;
use tokio::task::JoinSet;

use super::{ada, get, put, refused};
use crate::Subject;

pub(super) async fn put_replaces_the_whole_document(store: &Subject) {
    put(store, &ada(), "a long document", Precondition::Always).await;
    let version = put(store, &ada(), "short", Precondition::Always).await;
    let document = get(store, &ada()).await;
    assert_eq!((&document.body[..], document.version), (&b"short"[..], version));
}

pub(super) async fn every_change_changes_the_version(store: &Subject) {
    let mut versions = Vec::new();
    for body in ["1", "2", "3", "44"] {
        versions.push(put(store, &ada(), body, Precondition::Always).await);
    }
    versions.sort_unstable_by_key(Version::to_string);
    versions.dedup();
    assert_eq!(versions.len(), 4, "{versions:?}");
}

pub(super) async fn a_version_survives_as_text(store: &Subject) {
    let version = put(store, &ada(), "1", Precondition::Always).await;
    let printed: Version = version.to_string().parse().unwrap();
    assert_eq!(printed, version);
    assert!(matches!(store.get_if_changed(&ada(), &printed).await.unwrap(), cred_model::Fetched::Unchanged));
    put(store, &ada(), "2", Precondition::IfVersion(printed)).await;
}

pub(super) async fn if_absent_creates_once(store: &Subject) {
    let version = put(store, &ada(), "first", Precondition::IfAbsent).await;
    refused(store, &ada(), "second", Precondition::IfAbsent).await;
    // An equal body does not make it the caller's own write.
    refused(store, &ada(), "first", Precondition::IfAbsent).await;
    let document = get(store, &ada()).await;
    assert_eq!((&document.body[..], document.version), (&b"first"[..], version));
}

pub(super) async fn if_version_replaces_that_version_only(store: &Subject) {
    let first = put(store, &ada(), "1", Precondition::Always).await;
    let second = put(store, &ada(), "2", Precondition::IfVersion(first.clone())).await;
    refused(store, &ada(), "3", Precondition::IfVersion(first.clone())).await;
    refused(store, &ada(), "2", Precondition::IfVersion(first)).await;
    let document = get(store, &ada()).await;
    assert_eq!((&document.body[..], document.version), (&b"2"[..], second));
}

pub(super) async fn if_version_does_not_create(store: &Subject) {
    let version = put(store, &ada(), "1", Precondition::Always).await;
    assert!(store.delete(&ada(), None).await.unwrap());
    refused(store, &ada(), "2", Precondition::IfVersion(version)).await;
    assert!(store.get(&ada()).await.unwrap().is_none());
}

pub(super) async fn of_racing_creators_exactly_one_wins(store: &Subject) {
    for round in 0..5 {
        race(store, &format!("{round} of"), |_| Precondition::IfAbsent).await;
        assert!(store.delete(&ada(), None).await.unwrap());
    }
}

pub(super) async fn of_racing_updaters_exactly_one_wins(store: &Subject) {
    let mut version = put(store, &ada(), "start", Precondition::Always).await;
    for round in 0..5 {
        version = race(store, &format!("{round} of"), |_| Precondition::IfVersion(version.clone())).await;
    }
}

pub(super) async fn of_creators_of_equal_bytes_exactly_one_wins(store: &Subject) {
    for round in 0..5 {
        let writers = (0..16).map(|_| ("the same".to_owned(), Precondition::IfAbsent));
        assert_eq!(winners(store, writers).await.len(), 1, "round {round}");
        assert!(store.delete(&ada(), None).await.unwrap());
    }
}

pub(super) async fn readers_never_see_part_of_a_write(store: &Subject) {
    put(store, &ada(), &"a".repeat(LARGE), Precondition::Always).await;
    let writer = {
        let store = store.handle();
        tokio::spawn(async move {
            for letter in ["b", "c", "d", "e", "f"].iter().cycle().take(40) {
                put(&store, &ada(), &letter.repeat(LARGE), Precondition::Always).await;
            }
        })
    };
    let mut reads = 0;
    while !writer.is_finished() || reads == 0 {
        assert_one_letter(&get(store, &ada()).await.body);
        reads += 1;
        // The writer's turn, also where there is one thread and the store never waits.
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

pub(super) async fn a_dropped_put_is_all_or_nothing(store: &Subject) {
    for (round, letter) in ["b", "c", "d", "e"].into_iter().enumerate() {
        put(store, &ada(), &"a".repeat(LARGE), Precondition::Always).await;
        {
            let (name, body) = (ada(), Bytes::from(letter.repeat(LARGE)));
            let mut put = store.put(&name, body, Precondition::Always);
            for _ in 0..=round {
                if (&mut put).now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // What was given up may still land, even in a later round, but only whole.
        assert_one_letter(&get(store, &ada()).await.body);
    }
    assert_eq!(super::listing::names(store).await, [ada().as_str()]);
}

pub(super) async fn a_document_of_the_largest_size_is_kept(store: &Subject) {
    let body = "x".repeat(usize::try_from(MAX_DOCUMENT_BYTES).expect("1 MiB"));
    put(store, &ada(), &body, Precondition::Always).await;
    assert!(get(store, &ada()).await.body == body, "other bytes came back");
}

pub(super) async fn a_larger_document_is_refused_and_changes_nothing(store: &Subject) {
    put(store, &ada(), "small", Precondition::Always).await;
    let body = Bytes::from(vec![b'x'; usize::try_from(MAX_DOCUMENT_BYTES).expect("1 MiB") + 1]);
    let error = store.put(&ada(), body, Precondition::Always).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    assert_eq!(error.effect(), Effect::None);
    assert_eq!(get(store, &ada()).await.body, "small");
}

pub(super) async fn a_conflict_says_where_in_one_line(store: &Subject) {
    put(store, &ada(), "{\"token\": \"ya29.secret\"}", Precondition::Always).await;
    let error = store.put(&ada(), Bytes::from_static(b"{}"), Precondition::IfAbsent).await.unwrap_err();
    assert_eq!(error.effect(), Effect::None);
    let text = error.to_string();
    assert!(text.contains(&store.location().document(&ada())), "{text}");
    assert!(!text.contains('\n') && !format!("{error:?}").contains("ya29.secret"), "{error:?}");
    assert!(error.hint().is_some());
}

/// The size of a body that takes many packets and pages, in bytes.
const LARGE: usize = 200_000;

fn assert_one_letter(body: &[u8]) {
    assert_eq!(body.len(), LARGE, "part of a write");
    assert!(body.iter().all(|letter| *letter == body[0]), "parts of two writes");
}

/// Sixteen writers with bodies of their own: one wins, and his document is there. Returns its version.
async fn race(store: &Subject, round: &str, precondition: impl Fn(usize) -> Precondition) -> Version {
    let writers = (0..16).map(|writer| (format!("{round} {writer}"), precondition(writer)));
    let mut winners = winners(store, writers).await;
    assert_eq!(winners.len(), 1, "winners of round {round}: {winners:?}");
    let (body, version) = winners.remove(0);
    let document = get(store, &ada()).await;
    assert_eq!((document.body, &document.version), (Bytes::from(body), &version));
    version
}

/// Lets all write at once, and returns those who were told that they succeeded.
async fn winners(store: &Subject, writers: impl Iterator<Item = (String, Precondition)>) -> Vec<(String, Version)> {
    let mut tasks = JoinSet::new();
    for (body, precondition) in writers {
        let store: Arc<dyn DocumentStore> = store.handle();
        tasks.spawn(async move {
            match store.put(&ada(), Bytes::from(body.clone()), precondition).await {
                Ok(version) => Some((body, version)),
                Err(error) if error.is_conflict() => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}
