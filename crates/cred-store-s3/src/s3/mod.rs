//! S3 itself: four signed requests.

mod client;
mod failure;
mod list;
mod xml;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use cred_model::{Action, Document, Fetched, MAX_DOCUMENT_BYTES, Place, Precondition, StoreError, Version};
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED};
use http::{Method, StatusCode};

use self::client::{Answer, Client, Repeat, Request};
use self::failure::Failure;
use crate::credentials::Keys;
use crate::encryption::Encryption;
use crate::wire::{Delete, Level, Mark, Object, Page, Put, Target, Wire};

const ENCRYPTION: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
const KMS_KEY: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-aws-kms-key-id");
const WRITE_ID: HeaderName = HeaderName::from_static("x-amz-meta-write-id");
const WRITE_REPLACES: HeaderName = HeaderName::from_static("x-amz-meta-write-replaces");

/// A page has at most 1,000 keys of at most 1,024 bytes, each of which takes up to three when encoded, and what else it
/// says of them.
const PAGE_BYTES: u64 = 8 << 20;

/// A bucket.
#[derive(Debug)]
pub(crate) struct S3 {
    client: Client,
    encryption: Encryption,
    site: Site,
}

/// What errors say about a bucket.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// Scheme, host and port.
    pub(crate) endpoint: String,
    /// Whether the endpoint is other than AWS's own for the region.
    pub(crate) is_custom: bool,
    pub(crate) read_timeout: Duration,
}

/// How a bucket is reached.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) site: Site,
    pub(crate) bucket_url: String,
    pub(crate) keys: Keys,
    pub(crate) encryption: Encryption,
    pub(crate) connect_timeout: Duration,
    pub(crate) attempts: u32,
}

impl S3 {
    /// A bucket with a client of its own; sends nothing.
    pub(crate) fn new(settings: Settings) -> Result<Self, StoreError> {
        let Settings { site, bucket_url, keys, encryption, connect_timeout, attempts } = settings;
        let allow_http = bucket_url.starts_with("http://");
        let http =
            client::pool(connect_timeout, site.read_timeout, allow_http).map_err(|_| StoreError::Misconfigured {
                setting: "TLS".into(),
                problem: "could not be set up".into(),
                expected: "work: install the certificates of the system, usually the package ca-certificates".into(),
            })?;
        let client = Client { http, bucket_url, region: site.region.clone(), keys, attempts };
        Ok(Self { client, encryption, site })
    }

    async fn read(&self, target: &Target<'_>, headers: HeaderMap) -> Result<Option<Answer>, Failure> {
        let request = Request { headers, limit: MAX_DOCUMENT_BYTES, ..Request::new(Method::GET, &target.key) };
        match self.client.send(&request).await {
            Ok(answer) => Ok(Some(answer)),
            // Any other 404 may come from somewhere else: a missing bucket, a proxy.
            Err(failure) if failure.code() == Some("NoSuchKey") => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn write(
        &self,
        target: &Target<'_>,
        body: Bytes,
        precondition: &Precondition,
        mark: Option<&Mark>,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match &self.encryption {
            Encryption::Aes256 => {
                headers.insert(ENCRYPTION, HeaderValue::from_static("AES256"));
            }
            Encryption::Kms { key } => {
                headers.insert(ENCRYPTION, HeaderValue::from_static("aws:kms"));
                if let Some(key) = key {
                    headers.insert(KMS_KEY, header(key));
                }
            }
            Encryption::BucketDefault | Encryption::None => {}
        }
        match precondition {
            Precondition::Always => {}
            Precondition::IfAbsent => {
                headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
            }
            Precondition::IfVersion(version) => {
                headers.insert(IF_MATCH, etag(version));
            }
        }
        if let Some(Mark { id, replaces }) = mark {
            headers.insert(WRITE_ID, header(id));
            headers.insert(WRITE_REPLACES, header(replaces));
        }
        let repeat = match precondition {
            Precondition::Always => Repeat::Freely,
            Precondition::IfAbsent | Precondition::IfVersion(_) => Repeat::UnlessApplied,
        };
        let request = Request { headers, body, repeat, ..Request::new(Method::PUT, &target.key) };
        self.client.send(&request).await
    }

    /// The server cannot do as it was asked to, or `None` if that was not the trouble.
    fn incapable(&self, failure: &Failure, target: &Target<'_>, precondition: &Precondition) -> Option<StoreError> {
        use Encryption::{Aes256, BucketDefault, Kms, None as Nothing};
        let is_conditional = *precondition != Precondition::Always;
        let problem = match (&self.encryption, failure.code()?) {
            // The answer does not tell which of the headers it is about.
            (Aes256 | Kms { .. }, "NotImplemented") if is_conditional => {
                "or the condition of the write (If-Match, If-None-Match) is more than this server can do"
            }
            (Aes256 | Kms { .. }, "NotImplemented") => "is more than this server can do",
            (BucketDefault | Nothing, "NotImplemented") if is_conditional => {
                let place = Place::store(target.location);
                return Some(StoreError::Unsupported {
                    place,
                    feature: "conditional writes (If-Match, If-None-Match)",
                });
            }
            (Kms { .. }, "KMS.NotFoundException" | "kms:KeyNotFound") => "names a key that does not exist",
            _ => return None,
        };
        Some(StoreError::Misconfigured {
            setting: "encryption".into(),
            problem: format!("{} {problem}", self.encryption),
            expected: "bucket-default, none, or kms:KEY with a key of this region".into(),
        })
    }
}

#[async_trait]
impl Wire for S3 {
    async fn get(&self, target: &Target<'_>) -> Result<Option<Object>, StoreError> {
        let answer = self.read(target, HeaderMap::new()).await;
        let object = answer.and_then(|answer| answer.map(object).transpose());
        object.map_err(|failure| failure.into_error(Action::Read, target.place(), &self.site))
    }

    async fn get_if_changed(&self, target: &Target<'_>, version: &Version) -> Result<Fetched, StoreError> {
        let unless = HeaderMap::from_iter([(IF_NONE_MATCH, etag(version))]);
        let fetched = match self.read(target, unless).await {
            Ok(None) => Ok(Fetched::Absent),
            Ok(Some(answer)) if answer.status == StatusCode::NOT_MODIFIED => Ok(Fetched::Unchanged),
            Ok(Some(answer)) => object(answer).map(|object| match object.document {
                // A server that ignores the condition.
                document if document.version == *version => Fetched::Unchanged,
                document => Fetched::Changed(document),
            }),
            Err(failure) => Err(failure),
        };
        fetched.map_err(|failure| failure.into_error(Action::Read, target.place(), &self.site))
    }

    async fn put(
        &self,
        target: &Target<'_>,
        body: Bytes,
        precondition: &Precondition,
        mark: Option<&Mark>,
    ) -> Result<Put, StoreError> {
        if let Precondition::IfVersion(version) = precondition {
            comparable(version, target)?;
        }
        let written = match self.write(target, body, precondition, mark).await {
            Ok(answer) => done(&answer).and_then(|()| version(&answer.headers)).map(Put::Written),
            Err(failure) => match precondition {
                // 409 tells that another write was going on each time.
                Precondition::IfAbsent | Precondition::IfVersion(_) if failure.is(412) || failure.is(409) => {
                    Ok(Put::Refused)
                }
                Precondition::IfVersion(_) if failure.code() == Some("NoSuchKey") => Ok(Put::Refused),
                _ => Err(failure),
            },
        };
        written.map_err(|failure| {
            let incapable = self.incapable(&failure, target, precondition);
            incapable.unwrap_or_else(|| failure.into_error(Action::Write, target.place(), &self.site))
        })
    }

    async fn delete(&self, target: &Target<'_>) -> Result<(), StoreError> {
        let answer = self.client.send(&Request::new(Method::DELETE, &target.key)).await;
        match answer.and_then(|answer| done(&answer)) {
            Ok(()) => Ok(()),
            Err(failure) if failure.code() == Some("NoSuchKey") => Ok(()),
            Err(failure) => Err(failure.into_error(Action::Delete, target.place(), &self.site)),
        }
    }

    async fn delete_at(&self, target: &Target<'_>, version: &Version) -> Result<Delete, StoreError> {
        comparable(version, target)?;
        let headers = HeaderMap::from_iter([(IF_MATCH, etag(version))]);
        let repeat = Repeat::UnlessApplied;
        let request = Request { headers, repeat, ..Request::new(Method::DELETE, &target.key) };
        match self.client.send(&request).await.and_then(|answer| done(&answer)) {
            Ok(()) => Ok(Delete::Done),
            Err(failure) if failure.code() == Some("NoSuchKey") => Ok(Delete::Absent),
            Err(failure) if failure.is(412) || failure.is(409) => Ok(Delete::Refused),
            Err(failure) => Err(failure.into_error(Action::Delete, target.place(), &self.site)),
        }
    }

    async fn list(&self, level: &Level<'_>, page: Option<&str>) -> Result<Page, StoreError> {
        let mut query =
            vec![("delimiter", "/"), ("encoding-type", "url"), ("list-type", "2"), ("prefix", level.prefix)];
        query.extend(page.map(|token| ("continuation-token", token)));
        let answer =
            self.client.send(&Request { query: &query, limit: PAGE_BYTES, ..Request::new(Method::GET, "") }).await;
        let page = answer.and_then(|answer| list::page(&answer.body, level.prefix).map_err(Failure::unusable));
        page.map_err(|failure| failure.into_error(Action::List, level.place(), &self.site))
    }
}

/// Whether an answer says that something was changed: then it has no body, as a web page of some proxy has.
fn done(answer: &Answer) -> Result<(), Failure> {
    if answer.body.is_empty() { Ok(()) } else { Err(Failure::unusable("an answer with a body where S3 has none")) }
}

/// The object that an answer brings.
fn object(answer: Answer) -> Result<Object, Failure> {
    let Answer { status, headers, body } = answer;
    if status != StatusCode::OK {
        return Err(Failure::unusable("an answer that is no object"));
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let modified = text(LAST_MODIFIED).and_then(|time| DateTime::parse_from_rfc2822(time).ok());
    let modified = SystemTime::from(modified.ok_or_else(|| Failure::unusable("an answer without Last-Modified"))?);
    let mark = text(WRITE_ID).zip(text(WRITE_REPLACES));
    let mark = mark.map(|(id, replaces)| Mark { id: id.into(), replaces: replaces.into() });
    Ok(Object { document: Document { version: version(&headers)?, body, modified }, mark })
}

fn version(headers: &HeaderMap) -> Result<Version, Failure> {
    let etag = headers.get(ETAG).and_then(|etag| Version::new(etag.to_str().ok()?).ok());
    etag.ok_or_else(|| Failure::unusable("an answer without an ETag"))
}

/// `version` as a condition. What is no single entity tag (`*`, a list, a version of another kind of store) becomes one
/// that nothing has.
fn etag(version: &Version) -> HeaderValue {
    match version.as_str().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) if !inside.is_empty() && !inside.contains('"') => header(version.as_str()),
        _ => HeaderValue::from_static("\"no-such-version\""),
    }
}

/// An error for a weak entity tag, which a proxy may make of any: it never fulfils `If-Match`, so that every write would
/// be told as a conflict.
///
/// Source: RFC 9110, "HTTP Semantics", section 13.1.1.
fn comparable(version: &Version, target: &Target<'_>) -> Result<(), StoreError> {
    match version.as_str().starts_with("W/") {
        true => Err(StoreError::Unsupported {
            place: Place::store(target.location),
            feature: "compare and swap: its entity tags are weak (W/\"…\"), perhaps weakened by a proxy",
        }),
        false => Ok(()),
    }
}

/// The callers pass what was checked to be printable ASCII.
fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("printable ASCII")
}

#[cfg(test)]
mod tests {
    use cred_model::Tried;
    use cred_path::{DocumentName, Location};

    use super::failure::Refused;
    use super::*;

    /// A bucket on a server that nobody asks.
    fn s3(encryption: Encryption) -> S3 {
        let site = Site {
            bucket: "acme".into(),
            region: "us-east-1".into(),
            endpoint: "http://127.0.0.1:9".into(),
            is_custom: true,
            read_timeout: Duration::from_secs(60),
        };
        let (bucket_url, keys) = ("http://127.0.0.1:9/acme/".into(), Keys::Missing(Tried(Vec::new())));
        let connect_timeout = Duration::from_secs(5);
        S3::new(Settings { site, bucket_url, keys, encryption, connect_timeout, attempts: 1 }).unwrap()
    }

    #[test]
    fn what_is_not_implemented_is_encryption_or_condition() {
        let (location, name) = (Location::Other("fake".into()), DocumentName::new("a.json").unwrap());
        let target = Target { location: &location, name: &name, key: name.to_string() };
        let body = Bytes::from("<Error><Code>NotImplemented</Code></Error>");
        let refused = || Refused::read(StatusCode::NOT_IMPLEMENTED, &HeaderMap::new(), &body);
        let told = |encryption, precondition| {
            let error = s3(encryption).incapable(&Failure::refused(refused()), &target, &precondition);
            error.map(|error| error.to_string()).unwrap_or_default()
        };
        let either = told(Encryption::Aes256, Precondition::IfAbsent);
        assert!(either.contains("encryption") && either.contains("If-None-Match"), "{either}");
        let encryption = told(Encryption::Aes256, Precondition::Always);
        assert!(encryption.contains("encryption") && !encryption.contains("If-"), "{encryption}");
        for unasked in [Encryption::None, Encryption::BucketDefault] {
            let condition = told(unasked.clone(), Precondition::IfAbsent);
            assert!(!condition.contains("encryption") && condition.contains("If-None-Match"), "{condition}");
            assert_eq!(told(unasked, Precondition::Always), "");
        }
    }

    #[tokio::test]
    async fn a_weak_entity_tag_is_named_and_not_a_conflict() {
        let (location, name) = (Location::Other("fake".into()), DocumentName::new("a.json").unwrap());
        let target = Target { location: &location, name: &name, key: name.to_string() };
        let s3 = s3(Encryption::None);
        let weak = Version::new("W/\"e\"").unwrap();
        let put = s3.put(&target, Bytes::new(), &Precondition::IfVersion(weak.clone()), None).await.unwrap_err();
        let deleted = s3.delete_at(&target, &weak).await.unwrap_err();
        for error in [put, deleted] {
            assert!(matches!(error, StoreError::Unsupported { .. }) && error.to_string().contains("weak"), "{error:?}");
        }
    }
}
