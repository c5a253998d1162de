//! The S3 operations a document store needs, answered from the objects in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{
    CommonPrefix, CreateBucketInput, CreateBucketOutput, DeleteObjectInput, DeleteObjectOutput, ETag, ETagCondition,
    EncodingType, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, PutObjectInput, PutObjectOutput, ServerSideEncryption,
    StreamingBlob,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use super::Quirk;
use super::objects::{Bucket, Object, Objects, Page, PageQuery};

pub(super) const ACCESS_KEY_ID: &str = "AKIAEMBEDDEDSERVER00";
pub(super) const SECRET_ACCESS_KEY: &str = "a-secret-that-only-tests-know";

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>: a page holds up to 1,000 keys.
const MAX_KEYS: usize = 1000;

/// What stays as it is in a listing with `encoding-type=url`; a space becomes `+`.
const LISTED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/').remove(b' ');

pub(super) fn build(objects: Arc<Objects>, quirks: BTreeSet<Quirk>, session_token: Option<String>) -> S3Service {
    let access = Access { session_token, quirks: quirks.clone() };
    let mut builder = S3ServiceBuilder::new(Service { objects, quirks });
    builder.set_auth(OneKey);
    builder.set_access(access);
    builder.build()
}

struct OneKey;

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key_id: &str) -> S3Result<SecretKey> {
        match access_key_id {
            ACCESS_KEY_ID => Ok(SECRET_ACCESS_KEY.into()),
            _ => {
                Err(s3_error!(InvalidAccessKeyId, "The AWS access key ID you provided does not exist in our records."))
            }
        }
    }
}

/// Runs after the signature was found right.
struct Access {
    session_token: Option<String>,
    quirks: BTreeSet<Quirk>,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let token = request.headers().get("x-amz-security-token").map(http::HeaderValue::as_bytes);
        let forbidding = match request.s3_op().name() {
            "ListObjectsV2" => Some(Quirk::ForbidsLists),
            "PutObject" | "DeleteObject" => Some(Quirk::ForbidsWrites),
            _ => None,
        };
        if request.credentials().is_none() || forbidding.is_some_and(|quirk| self.quirks.contains(&quirk)) {
            return Err(access_denied());
        }
        if token != self.session_token.as_deref().map(str::as_bytes) {
            return Err(s3_error!(InvalidToken, "The provided token is malformed or otherwise not valid."));
        }
        Ok(())
    }
}

struct Service {
    objects: Arc<Objects>,
    quirks: BTreeSet<Quirk>,
}

impl Service {
    fn is(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// What is said of an object that is not there.
    fn missing(&self) -> S3Error {
        if self.is(Quirk::ForbidsLists) { access_denied() } else { no_such_key() }
    }

    /// One atomic step on the objects of a bucket.
    fn in_bucket<T>(&self, bucket: &str, step: impl FnOnce(&mut Bucket) -> S3Result<T>) -> S3Result<T> {
        self.objects
            .with_bucket(bucket, step)
            .unwrap_or_else(|| Err(s3_error!(NoSuchBucket, "The specified bucket does not exist")))
    }

    /// How a body will be encrypted; AWS encrypts with `AES256` unless asked otherwise.
    fn encryption(&self, asked: Option<&ServerSideEncryption>) -> S3Result<Option<String>> {
        if self.is(Quirk::IgnoresEncryption) {
            Ok(None)
        } else if self.is(Quirk::WithoutKms) {
            match asked {
                None => Ok(None),
                Some(_) => Err(s3_error!(NotImplemented, "Server side encryption specified but KMS is not configured")),
            }
        } else {
            Ok(Some(asked.map_or(ServerSideEncryption::AES256, ServerSideEncryption::as_str).to_owned()))
        }
    }
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        self.objects.create_bucket(&request.input.bucket);
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let DeleteObjectInput { bucket, key, if_match, .. } = request.input;
        let if_match = if_match.filter(|_| !self.is(Quirk::IgnoresDeleteCondition));
        self.in_bucket(&bucket, |objects| {
            check_write(objects.get(&key), if_match.as_ref(), None)?;
            objects.remove(&key);
            Ok(S3Response::new(DeleteObjectOutput::default()))
        })
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let GetObjectInput { bucket, key, if_match, if_none_match, .. } = request.input;
        let object = self.in_bucket(&bucket, |objects| objects.get(&key).cloned().ok_or_else(|| self.missing()))?;
        check_read(&object, if_match.as_ref(), if_none_match.as_ref())?;
        Ok(S3Response::new(GetObjectOutput {
            content_length: content_length(&object),
            content_type: object.content_type,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.last_modified.into()),
            metadata: Some(object.metadata.into_iter().collect()),
            server_side_encryption: object.encryption.map(Into::into),
            ssekms_key_id: object.kms_key_id,
            body: Some(StreamingBlob::from(Body::from(object.body))),
            ..Default::default()
        }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.in_bucket(&request.input.bucket, |_| Ok(S3Response::new(HeadBucketOutput::default())))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let HeadObjectInput { bucket, key, if_match, if_none_match, .. } = request.input;
        let object = self.in_bucket(&bucket, |objects| objects.get(&key).cloned().ok_or_else(|| self.missing()))?;
        check_read(&object, if_match.as_ref(), if_none_match.as_ref())?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: content_length(&object),
            content_type: object.content_type,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.last_modified.into()),
            metadata: Some(object.metadata.into_iter().collect()),
            server_side_encryption: object.encryption.map(Into::into),
            ssekms_key_id: object.kms_key_id,
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let encode = |text: &str| match input.encoding_type.as_ref().map(EncodingType::as_str) {
            Some(EncodingType::URL) => utf8_percent_encode(text, LISTED).to_string().replace(' ', "+"),
            _ => text.to_owned(),
        };
        let continue_after = input.continuation_token.as_deref().map(|token| percent_decode_str(token).decode_utf8());
        let Ok(continue_after) = continue_after.transpose() else {
            return Err(s3_error!(InvalidArgument, "The continuation token provided is incorrect"));
        };
        let query = PageQuery {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
            start_after: input.start_after.as_deref().unwrap_or_default(),
            continue_after: continue_after.as_deref().unwrap_or_default(),
            max_keys: input.max_keys.map_or(MAX_KEYS, |asked| usize::try_from(asked).unwrap_or(0).min(MAX_KEYS)),
        };
        self.in_bucket(&input.bucket, |bucket| {
            let page = Page::of(bucket, &query);
            Ok(S3Response::new(ListObjectsV2Output {
                common_prefixes: Some(
                    page.common_prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encode(prefix)) }).collect(),
                ),
                contents: Some(page.objects.iter().map(|(key, object)| listed(encode(key), object)).collect()),
                delimiter: query.delimiter.map(encode),
                encoding_type: input.encoding_type.clone(),
                is_truncated: Some(page.next.is_some()),
                key_count: i32::try_from(page.len()).ok(),
                max_keys: i32::try_from(query.max_keys).ok(),
                name: Some(input.bucket.clone()),
                next_continuation_token: page.next.map(|last| utf8_percent_encode(last, NON_ALPHANUMERIC).to_string()),
                prefix: Some(encode(query.prefix)),
                start_after: input.start_after.as_deref().map(encode),
                continuation_token: input.continuation_token.clone(),
                ..Default::default()
            }))
        })
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let heeds_conditions = !self.is(Quirk::IgnoresPutConditions);
        let if_match = input.if_match.filter(|_| heeds_conditions);
        let if_none_match = input.if_none_match.filter(|_| heeds_conditions);
        let encryption = self.encryption(input.server_side_encryption.as_ref())?;
        let kms_key_id = input.ssekms_key_id.filter(|_| encryption.is_some());

        let body = match input.body {
            // The signature covers the body, so a wrong one shows while it is read.
            Some(body) => body.try_collect::<Vec<Bytes>>().await.map_err(unreadable)?.concat().into(),
            None => Bytes::new(),
        };
        let mut object = self.objects.new_object(body, encryption, kms_key_id);
        object.content_type = input.content_type;
        object.metadata = input.metadata.unwrap_or_default().into_iter().collect();
        let output = PutObjectOutput {
            e_tag: Some(ETag::Strong(object.etag.clone())),
            server_side_encryption: object.encryption.clone().map(Into::into),
            ssekms_key_id: object.kms_key_id.clone(),
            ..Default::default()
        };
        self.in_bucket(&input.bucket, |objects| {
            check_write(objects.get(&input.key), if_match.as_ref(), if_none_match.as_ref())?;
            objects.insert(input.key, object);
            Ok(S3Response::new(output))
        })
    }
}

/// Refuses a change whose condition does not hold: 404 for `If-Match` where there is nothing, else 412.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
fn check_write(
    current: Option<&Object>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    match (current, if_match, if_none_match) {
        (None, Some(_), _) => Err(no_such_key()),
        (Some(object), Some(condition), _) if !matches(condition, object) => Err(precondition_failed()),
        (Some(object), _, Some(condition)) if matches(condition, object) => Err(precondition_failed()),
        _ => Ok(()),
    }
}

/// Refuses a read whose condition does not hold: 412 for `If-Match`, 304 for `If-None-Match`.
fn check_read(
    object: &Object,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    if if_match.is_some_and(|condition| !matches(condition, object)) {
        return Err(precondition_failed());
    }
    if if_none_match.is_some_and(|condition| matches(condition, object)) {
        let mut not_modified = s3_error!(NotModified);
        if let Ok(etag) = ETag::Strong(object.etag.clone()).to_http_header() {
            not_modified.set_headers([(http::header::ETAG, etag)].into_iter().collect());
        }
        return Err(not_modified);
    }
    Ok(())
}

fn matches(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.as_strong() == Some(&object.etag),
    }
}

fn listed(key: String, object: &Object) -> s3s::dto::Object {
    s3s::dto::Object {
        key: Some(key),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(object.last_modified.into()),
        size: content_length(object),
        ..Default::default()
    }
}

fn content_length(object: &Object) -> Option<i64> {
    i64::try_from(object.body.len()).ok()
}

fn access_denied() -> S3Error {
    s3_error!(AccessDenied, "Access Denied")
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

fn unreadable(error: s3s::StdError) -> S3Error {
    S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, error)
}
