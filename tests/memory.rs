//! The promises on the store in memory, which is their reference.

use cred_conformance::{Lack, Subject, check_all};
use cred_model::MemoryStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory() {
    check_all(async || {
        Subject::new(MemoryStore::new()).without(Lack::Deadlines).without(Lack::Locks).without(Lack::OtherWriters)
    })
    .await;
}
