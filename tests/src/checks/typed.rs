//! Values of Serde types, on top of what the store promises.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;

use cred_model::{DocumentStoreExt, Precondition, StoreError, UpdateError};
use tokio::task::JoinSet;

use super::{ada, get, put};
use crate::Subject;

pub(super) async fn json_comes_back_as_it_was_put(store: &Subject) {
    assert!(store.get_json::<u64>(&ada()).await.unwrap().is_none());
    let value = BTreeMap::from([("scopes".to_owned(), vec!["openid".to_owned(), "\u{fc}\"\\\n".to_owned()])]);
    let version = store.put_json(&ada(), &value, Precondition::IfAbsent).await.unwrap();
    let read = store.get_json::<BTreeMap<String, Vec<String>>>(&ada()).await.unwrap().unwrap();
    assert_eq!((read.value, read.version), (value, version));
}

pub(super) async fn update_json_creates_and_changes(store: &Subject) {
    for expected in 1..=3 {
        let written = store.update_json(&ada(), count).await.unwrap();
        assert_eq!(written.value, expected);
        assert_eq!(get(store, &ada()).await.version, written.version);
    }
}

pub(super) async fn update_json_counts_every_call(store: &Subject) {
    const TASKS: u64 = 8;
    const CALLS: u64 = 5;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.handle();
        tasks.spawn(async move {
            for _ in 0..CALLS {
                store.update_json(&ada(), count).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(store.get_json::<u64>(&ada()).await.unwrap().unwrap().value, TASKS * CALLS);
}

pub(super) async fn a_refused_update_changes_nothing(store: &Subject) {
    let version = store.put_json(&ada(), &1_u64, Precondition::IfAbsent).await.unwrap();
    let refused = store.update_json(&ada(), |_: Option<u64>| Err("no")).await;
    assert!(matches!(refused, Err(UpdateError::Refused("no"))));
    assert_eq!(get(store, &ada()).await.version, version);
}

pub(super) async fn a_corrupt_document_tells_where_but_not_what(store: &Subject) {
    put(store, &ada(), "{\n  \"expires_in\": \"ya29.secret\"\n}", Precondition::Always).await;
    let error = store.get_json::<BTreeMap<String, u64>>(&ada()).await.unwrap_err();
    let StoreError::Corrupt { line, column, ref version, .. } = error else { panic!("{error}") };
    assert_eq!((line, column), (2, 29));
    assert_eq!(version.as_ref(), Some(&get(store, &ada()).await.version));
    let text = format!("{error} {error:?} {:?}", error.source());
    assert!(text.contains(ada().as_str()) && !text.contains("ya29"), "{text}");
}

fn count(value: Option<u64>) -> Result<u64, Infallible> {
    Ok(value.unwrap_or(0) + 1)
}
