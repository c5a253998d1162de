//! What a deletion does, and what it spares.

use cred_model::{ConditionalDelete, Precondition};

use super::{ada, get, name, put};
use crate::{Lack, Subject};

pub(super) async fn delete_of_an_absent_document_is_false(store: &Subject) {
    assert!(!store.delete(&ada(), None).await.unwrap());
    let version = put(store, &name("other.json"), "{}", Precondition::Always).await;
    assert!(!store.delete(&ada(), Some(&version)).await.unwrap());
    assert_eq!(get(store, &name("other.json")).await.body, "{}");
}

pub(super) async fn delete_removes_the_document(store: &Subject) {
    put(store, &ada(), "{}", Precondition::Always).await;
    put(store, &name("other.json"), "{}", Precondition::Always).await;
    assert!(store.delete(&ada(), None).await.unwrap());
    assert!(store.get(&ada()).await.unwrap().is_none());
    assert!(!store.delete(&ada(), None).await.unwrap());
    assert_eq!(super::listing::names(store).await, ["other.json"]);
}

pub(super) async fn delete_at_a_version_spares_any_other(store: &Subject) {
    let first = put(store, &ada(), "1", Precondition::Always).await;
    let second = put(store, &ada(), "2", Precondition::Always).await;
    let error = store.delete(&ada(), Some(&first)).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(get(store, &ada()).await.body, "2");
    assert!(store.delete(&ada(), Some(&second)).await.unwrap());
    assert!(store.get(&ada()).await.unwrap().is_none());
}

pub(super) async fn a_deleted_document_can_be_created_again(store: &Subject) {
    put(store, &ada(), "1", Precondition::IfAbsent).await;
    assert!(store.delete(&ada(), None).await.unwrap());
    put(store, &ada(), "2", Precondition::IfAbsent).await;
    assert_eq!(get(store, &ada()).await.body, "2");
}

pub(super) async fn deletions_are_as_atomic_as_the_store_says(store: &Subject) {
    let says = store.conditional_delete().await.unwrap();
    if !store.has(Lack::ConditionalDelete) {
        assert_eq!(says, ConditionalDelete::ReadFirst, "Lack::ConditionalDelete is declared, but it is there");
        return;
    }
    assert_eq!(says, ConditionalDelete::Atomic, "declare Lack::ConditionalDelete");
    for round in 0..20 {
        let version = put(store, &ada(), &format!("{round}"), Precondition::IfAbsent).await;
        let (deleter, at) = (store.handle(), version.clone());
        let deletion = tokio::spawn(async move { deleter.delete(&ada(), Some(&at)).await });
        let update = store.put(&ada(), "updated".into(), Precondition::IfVersion(version)).await;
        match (deletion.await.unwrap(), update) {
            (Ok(true), Err(lost)) => assert!(lost.is_conflict(), "{lost}"),
            (Err(lost), Ok(_)) => {
                assert!(lost.is_conflict(), "{lost}");
                assert!(store.delete(&ada(), None).await.unwrap(), "an update was deleted unseen");
            }
            (deleted, updated) => panic!("round {round}: delete {deleted:?}, update {updated:?}"),
        }
    }
}
