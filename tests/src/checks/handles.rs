//! Other handles on a store: scopes, deadlines, locks, and the probe that they share.

use std::time::Duration;

use bytes::Bytes;
use cred_model::{
    ConditionalDelete, ConditionalPut, MAX_DOCUMENT_BYTES, Precondition, Probe, StoreError, TryLock, probe,
};

use super::{Handle, ada, get, name, put};
use crate::{Lack, Subject};

/// Too short for any call that waits for anything.
const TOO_SHORT: Duration = Duration::from_nanos(1);
const LONG: Duration = Duration::from_secs(60);

pub(super) async fn a_scope_is_a_level_of_its_own(store: &Subject) {
    let (left, right) = (store.scoped(&name("left")), store.scoped(&name("right")));
    put(store, &ada(), "top", Precondition::IfAbsent).await;
    put(&left, &ada(), "left", Precondition::IfAbsent).await;
    put(&right, &ada(), "right", Precondition::IfAbsent).await;
    put(&left.scoped(&name("right")), &ada(), "both", Precondition::IfAbsent).await;
    assert!(left.delete(&ada(), None).await.unwrap());
    assert!(left.get(&ada()).await.unwrap().is_none());
    assert_eq!(get(store, &ada()).await.body, "top");
    assert_eq!(get(&right, &ada()).await.body, "right");
    assert_eq!(get(&left.scoped(&name("right")), &ada()).await.body, "both");
}

pub(super) async fn a_scope_says_where_it_is(store: &Subject) {
    let scope = store.scoped(&name("level"));
    assert_eq!(*scope.location(), store.location().level(&name("level")));
    assert!(scope.location().document(&ada()).contains("level/ada@example.com.json"), "{}", scope.location());
}

pub(super) async fn all_handles_on_a_place_see_the_same(store: &Subject) {
    let version = put(store, &ada(), "1", Precondition::IfAbsent).await;
    let patient = store.with_deadline(LONG);
    assert_eq!(get(&patient, &ada()).await.version, version);
    let version = put(&patient, &ada(), "2", Precondition::IfVersion(version)).await;
    assert_eq!(get(store, &ada()).await.version, version);

    put(&store.scoped(&name("level")), &ada(), "below", Precondition::IfAbsent).await;
    assert_eq!(get(&patient.scoped(&name("level")), &ada()).await.body, "below");
}

pub(super) async fn a_missed_deadline_is_a_timeout(store: &Subject) {
    put(store, &ada(), "old", Precondition::Always).await;
    assert_eq!(misses(&store.with_deadline(TOO_SHORT)).await, store.has(Lack::Deadlines), "see Lack::Deadlines");
    // What became of the write is unknown, but not what a reader may see.
    let seen = get(store, &ada()).await.body;
    assert!(seen == "old" || seen == large_body());
}

pub(super) async fn a_scope_keeps_the_deadline(store: &Subject) {
    let scope = store.with_deadline(TOO_SHORT).scoped(&name("level"));
    assert_eq!(misses(&scope).await, store.has(Lack::Deadlines), "see Lack::Deadlines");
}

pub(super) async fn a_lock_excludes_until_it_is_dropped(store: &Subject) {
    let lock = match store.try_lock(&name("one")).await.unwrap() {
        TryLock::Unsupported => return assert!(!store.has(Lack::Locks), "declare Lack::Locks"),
        TryLock::Held(lock) if store.has(Lack::Locks) => lock,
        other => panic!("of a lock that nobody holds: {other:?}"),
    };
    let other_handle = store.with_deadline(LONG);
    assert!(matches!(other_handle.try_lock(&name("one")).await.unwrap(), TryLock::Busy));
    assert!(matches!(other_handle.try_lock(&name("two")).await.unwrap(), TryLock::Held(_)));
    drop(lock);
    assert!(matches!(other_handle.try_lock(&name("one")).await.unwrap(), TryLock::Held(_)));
}

pub(super) async fn a_lock_is_not_a_document(store: &Subject) {
    let held = store.try_lock(&ada()).await.unwrap();
    assert_eq!(super::listing::names(store).await, [""; 0]);
    // Nor does it keep anybody from the document of that name.
    put(store, &ada(), "{}", Precondition::IfAbsent).await;
    drop(held);
    assert_eq!(super::listing::names(store).await, [ada().as_str()]);
}

pub(super) async fn the_probe_finds_what_the_store_honours(store: &Subject) {
    let conditional_delete = match store.has(Lack::ConditionalDelete) {
        true => ConditionalDelete::Atomic,
        false => ConditionalDelete::ReadFirst,
    };
    // A store may keep files of its own beside the probe's documents, and make them when it first writes.
    put(store, &ada(), "{}", Precondition::Always).await;
    let locks = store.scoped(&name(".locks"));
    let before = super::listing::names(&locks).await;
    let expected = Probe { conditional_put: ConditionalPut::Honoured, conditional_delete };
    assert_eq!(probe(&**store).await.unwrap(), expected);
    assert_eq!(super::listing::names(&locks).await, before, "left by the probe");
    assert_eq!(super::listing::names(store).await, [ada().as_str()], "left by the probe");
}

/// Whether some of several large writes ends in a timeout; a single one may be quick by luck.
async fn misses(hasty: &impl Handle) -> bool {
    for _ in 0..20 {
        match hasty.put(&ada(), large_body(), Precondition::Always).await {
            Ok(_) => {}
            Err(StoreError::Timeout { .. }) => return true,
            Err(error) => panic!("{error}"),
        }
    }
    false
}

fn large_body() -> Bytes {
    vec![b'x'; usize::try_from(MAX_DOCUMENT_BYTES).expect("1 MiB")].into()
}
