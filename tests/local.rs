//! The promises on a directory.

use cred_conformance::{Subject, check_all};
use cred_store_local::LocalStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directory() {
    let home = tempfile::tempdir().unwrap();
    let mut stores = 0;
    check_all(async || {
        stores += 1;
        // Absent at first: a store makes its directory when it first writes.
        let directory = home.path().join(stores.to_string());
        Subject::new(LocalStore::new(&directory)).with_planter(move |name, body| {
            let directory = directory.clone();
            async move {
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(directory.join(name), body).unwrap();
            }
        })
    })
    .await;
}
