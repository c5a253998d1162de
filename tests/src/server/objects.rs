//! Buckets and objects in memory, and the order in which a listing shows them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;
use s3s::crypto::{Checksum, Md5};

/// What a server stores: any bytes under any key, also keys that no client can write.
#[derive(Debug, Default)]
pub struct Objects {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    writes: AtomicU64,
}

/// Objects by key, in byte order.
pub(super) type Bucket = BTreeMap<String, Object>;

/// An object as clients see it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Object {
    /// The content.
    pub body: Bytes,
    /// Without the quotes it has on the wire.
    pub etag: String,
    /// When it was written.
    pub last_modified: SystemTime,
    /// As the writer gave it.
    pub content_type: Option<String>,
    /// User metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// `AES256`, `aws:kms` or none.
    pub encryption: Option<String>,
    /// The key for `aws:kms`, if the writer named one.
    pub kms_key_id: Option<String>,
}

impl Objects {
    /// Makes an empty bucket; one that exists keeps its objects.
    pub fn create_bucket(&self, bucket: &str) {
        self.lock().entry(bucket.to_owned()).or_default();
    }

    /// Writes an object as a client without any wishes would.
    ///
    /// # Panics
    ///
    /// When there is no such bucket.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) {
        let object = self.new_object(body.into(), Some("AES256".to_owned()), None);
        let mut buckets = self.lock();
        let Some(objects) = buckets.get_mut(bucket) else {
            drop(buckets);
            panic!("no bucket {bucket:?} on this server: create it first");
        };
        objects.insert(key.to_owned(), object);
    }

    /// The object under `key`, if it and its bucket exist.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Object> {
        self.lock().get(bucket)?.get(key).cloned()
    }

    /// Removes the object under `key`; whether it was there.
    pub fn remove(&self, bucket: &str, key: &str) -> bool {
        self.lock().get_mut(bucket).is_some_and(|objects| objects.remove(key).is_some())
    }

    /// All keys of a bucket in byte order; none if there is no such bucket.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.lock().get(bucket).map(|objects| objects.keys().cloned().collect()).unwrap_or_default()
    }

    /// Runs one step on a bucket while no other is possible; `None` if there is no such bucket.
    pub(super) fn with_bucket<T>(&self, bucket: &str, step: impl FnOnce(&mut Bucket) -> T) -> Option<T> {
        self.lock().get_mut(bucket).map(step)
    }

    /// An object written now. Its ETag is what AWS documents: the MD5 of the body unless it is encrypted by KMS.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>
    pub(super) fn new_object(&self, body: Bytes, encryption: Option<String>, kms_key_id: Option<String>) -> Object {
        let mut md5 = Md5::new();
        md5.update(&body);
        if encryption.as_deref().is_some_and(|encryption| encryption.starts_with("aws:kms")) {
            md5.update(&self.writes.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        }
        Object {
            etag: md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            body,
            last_modified: SystemTime::now(),
            content_type: None,
            metadata: BTreeMap::new(),
            encryption,
            kms_key_id,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.lock().expect("nothing panics while the objects are locked")
    }
}

/// What a ListObjectsV2 request asks for.
#[derive(Debug, Default)]
pub(super) struct PageQuery<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    /// Keys up to this one are left out.
    pub(super) start_after: &'a str,
    /// The last entry of the page before.
    pub(super) continue_after: &'a str,
    pub(super) max_keys: usize,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page<'a> {
    pub(super) objects: Vec<(&'a str, &'a Object)>,
    pub(super) common_prefixes: Vec<&'a str>,
    /// The last entry, if there are more behind it.
    pub(super) next: Option<&'a str>,
}

impl<'a> Page<'a> {
    pub(super) fn of(bucket: &'a Bucket, query: &PageQuery<'_>) -> Self {
        let mut page = Self::default();
        let mut last = None;
        let from_prefix = bucket.range::<str, _>((Bound::Included(query.prefix), Bound::Unbounded));
        for (key, object) in from_prefix.take_while(|(key, _)| key.starts_with(query.prefix)) {
            let common_prefix = query.delimiter.and_then(|delimiter| {
                let below = &key[query.prefix.len()..];
                below.find(delimiter).map(|at| &key[..query.prefix.len() + at + delimiter.len()])
            });
            let entry = common_prefix.unwrap_or(key);
            if key.as_str() <= query.start_after || entry <= query.continue_after || last == Some(entry) {
                continue;
            }
            if page.len() == query.max_keys {
                page.next = last;
                break;
            }
            last = Some(entry);
            match common_prefix {
                Some(common_prefix) => page.common_prefixes.push(common_prefix),
                None => page.objects.push((key, object)),
            }
        }
        page
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len() + self.common_prefixes.len()
    }
}
