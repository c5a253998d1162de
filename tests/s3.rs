//! The promises in S3: on the embedded server, on one that is odd as MinIO is, on MinIO itself, and on any object store.
#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod minio;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use cred_conformance::{Lack, Quirk, S3Server, Subject, check_all};
use cred_path::Location;
use cred_store_s3::{AwsKeys, S3Store, S3StoreBuilder};
use futures_util::future::BoxFuture;
use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_embedded_server() {
    let server = S3Server::start();
    server.objects().create_bucket("conformance");
    let place = Place::embedded(&server);
    check_all(async || place.fresh()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_server_that_ignores_the_condition_of_a_deletion() {
    let server = S3Server::builder().with_quirk(Quirk::IgnoresDeleteCondition).start();
    server.objects().create_bucket("conformance");
    let place = Place::embedded(&server);
    check_all(async || place.fresh().without(Lack::ConditionalDelete)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MinIO"]
async fn over_minio() {
    let place = Place::minio();
    check_all(async || place.fresh().without(Lack::ConditionalDelete)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_an_object_store_in_memory() {
    check_all(async || {
        let objects = Arc::new(InMemory::new());
        let store = S3Store::over(objects.clone(), Location::Other("memory".into()));
        Subject::new(store)
            .with_planter(planter(objects, String::new()))
            .without(Lack::ConditionalDelete)
            .without(Lack::Deadlines)
            .without(Lack::Locks)
    })
    .await;
}

/// A bucket on some server, with room for many stores.
struct Place {
    endpoint: String,
    access_key_id: String,
    secret_access_key: String,
    bucket: String,
    prefix: String,
    stores: AtomicU32,
}

impl Place {
    fn embedded(server: &S3Server) -> Self {
        Self {
            endpoint: server.endpoint(),
            access_key_id: server.access_key_id().into(),
            secret_access_key: server.secret_access_key().into(),
            bucket: "conformance".into(),
            prefix: String::new(),
            stores: AtomicU32::new(0),
        }
    }

    /// The bucket on the server that `cargo xtask test` provides.
    fn minio() -> Self {
        let [(_, endpoint), (_, access_key_id), (_, secret_access_key), _] = minio::variables();
        let (bucket, prefix) = (minio::BUCKET.into(), minio::fresh_prefix("s3"));
        Self { endpoint, access_key_id, secret_access_key, bucket, prefix, stores: AtomicU32::new(0) }
    }

    /// A store below a prefix that nobody used before.
    fn fresh(&self) -> Subject {
        let prefix = format!("{}{}/", self.prefix, self.stores.fetch_add(1, Ordering::Relaxed));
        let store = S3StoreBuilder::new(&self.bucket)
            .with_prefix(&prefix)
            .with_endpoint(&self.endpoint)
            .with_credentials(AwsKeys::new(&self.access_key_id, &self.secret_access_key).unwrap());
        let objects = AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_allow_http(true)
            .with_bucket_name(&self.bucket)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(&self.secret_access_key);
        Subject::new(store.build().unwrap())
            .with_planter(planter(Arc::new(objects.build().unwrap()), prefix))
            .without(Lack::Locks)
    }
}

/// Writes as another program would, with its own client.
fn planter(objects: Arc<dyn ObjectStore>, prefix: String) -> impl Fn(String, Bytes) -> BoxFuture<'static, ()> {
    move |name, body| {
        let (objects, key) = (objects.clone(), Path::parse(format!("{prefix}{name}")).unwrap());
        Box::pin(async move {
            objects.put(&key, body.into()).await.unwrap();
        })
    }
}
