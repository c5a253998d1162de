//! S3 without us: `object_store` as it comes, with the settings that we use.

use std::env;
use std::sync::Mutex;

use anyhow::{Context, Result};
use async_trait::async_trait;
use bytes::Bytes;
use cred_store_s3::{AwsKeys, Encryption, S3Store, S3StoreBuilder};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};

use crate::side::{PAYLOAD, Plain, Side, current, plain, user};

/// A bucket on a server.
pub(crate) struct Site {
    pub(crate) endpoint: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

impl Site {
    /// The bucket that every server of the tests has.
    pub(crate) const BUCKET: &str = "cred-test";

    /// The MinIO that the environment names, if it does.
    pub(crate) fn minio() -> Result<Option<Self>> {
        let Ok(endpoint) = env::var("CRED_TEST_S3_ENDPOINT") else { return Ok(None) };
        let key = |name| env::var(name).with_context(|| format!("{name} is not set, but CRED_TEST_S3_ENDPOINT is"));
        Ok(Some(Self {
            endpoint,
            access_key_id: key("CRED_TEST_S3_ACCESS_KEY_ID")?,
            secret_access_key: key("CRED_TEST_S3_SECRET_ACCESS_KEY")?,
        }))
    }

    /// Our store there.
    pub(crate) fn store(&self) -> Result<S3Store> {
        let builder = S3StoreBuilder::new(Self::BUCKET)
            .with_prefix("bench/ours")
            .with_endpoint(&self.endpoint)
            .with_credentials(AwsKeys::new(&self.access_key_id, &self.secret_access_key)?)
            .with_encryption(Encryption::None);
        Ok(builder.build()?)
    }
}

/// The client of `object_store`.
pub(crate) struct Objects {
    client: AmazonS3,
    paths: Vec<Path>,
    plain: Plain,
    saved: Vec<Mutex<UpdateVersion>>,
}

impl Objects {
    /// Saves the first credential of each worker.
    pub(crate) async fn new(site: &Site, workers: usize) -> Result<Self> {
        let client = AmazonS3Builder::new()
            .with_bucket_name(Site::BUCKET)
            .with_region("us-east-1")
            .with_endpoint(&site.endpoint)
            .with_access_key_id(&site.access_key_id)
            .with_secret_access_key(&site.secret_access_key)
            .with_allow_http(true)
            .build()?;
        let paths: Vec<_> = (0..workers).map(|worker| Path::from(format!("bench/theirs/{}", user(worker)))).collect();
        let mut saved = Vec::new();
        for path in &paths {
            let written = client.put(path, PutPayload::from_static(PAYLOAD)).await?;
            saved.push(Mutex::new(written.into()));
        }
        Ok(Self { client, paths, plain: plain(PAYLOAD)?, saved })
    }

    async fn read(&self, worker: usize) -> Result<Bytes> {
        Ok(self.client.get(&self.paths[worker]).await?.bytes().await?)
    }

    async fn write(&self, worker: usize, body: PutPayload, mode: PutMode) -> Result<()> {
        let attributes = Attributes::from_iter([(Attribute::ContentType, "application/json")]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let written = self.client.put_opts(&self.paths[worker], body, options).await?;
        *current(&self.saved[worker]) = written.into();
        Ok(())
    }
}

#[async_trait]
impl Side for Objects {
    async fn get(&self, worker: usize) -> Result<()> {
        self.read(worker).await.map(drop)
    }

    async fn put(&self, worker: usize) -> Result<()> {
        self.write(worker, PutPayload::from_static(PAYLOAD), PutMode::Overwrite).await
    }

    async fn load(&self, worker: usize) -> Result<()> {
        plain(&self.read(worker).await?).map(drop)
    }

    async fn save(&self, worker: usize) -> Result<()> {
        let last = current(&self.saved[worker]).clone();
        let body = serde_json::to_vec_pretty(&self.plain)?;
        self.write(worker, body.into(), PutMode::Update(last)).await
    }
}
