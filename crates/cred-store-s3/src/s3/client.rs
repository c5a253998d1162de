//! Signed requests: one client, its retries, and answers that are read whole.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Method, StatusCode};
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpRequestBody, HttpResponse, HttpResponseBody, HttpService};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::failure::{Failure, Refused};
use crate::backoff;
use crate::credentials::Keys;

/// The characters that keep their place in the path of a request; Signature Version 4 wants all others encoded.
///
/// Source: AWS, "Create a signed AWS API request", `UriEncode`.
const IN_PATH: &AsciiSet = &IN_QUERY.remove(b'/');
/// The same for the query.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What is read of an answer that has nothing to tell but how it went, in bytes.
const SMALL_ANSWER: u64 = 64 << 10;

/// A connection pool that signs what it sends.
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    /// What the keys follow, with the slash before them.
    pub(super) bucket_url: String,
    pub(super) region: String,
    pub(super) keys: Keys,
    /// How often a request is sent at most.
    pub(super) attempts: u32,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("bucket_url", &self.bucket_url)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// A request for one object, or for the bucket if `key` is empty.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) key: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) repeat: Repeat,
    /// The largest answer to read, in bytes.
    pub(super) limit: u64,
}

impl<'a> Request<'a> {
    /// A bare request that may be repeated and whose answer has no body to speak of.
    pub(super) fn new(method: Method, key: &'a str) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method, key, query: &[], headers, body, repeat: Repeat::Freely, limit: SMALL_ANSWER }
    }
}

/// When a request that failed is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whenever that may help.
    Freely,
    /// Only if the one before cannot have been applied, because it would refuse the next.
    UnlessApplied,
}

/// An answer that reports no error.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    /// Sends `request`, again if it failed in passing.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let url = self.url(request);
        // The first failure after which the request may have been applied: no later refusal undoes that.
        let mut unclear = None;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(request, &url).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let again = failure.may_pass && (request.repeat == Repeat::Freely || !failure.maybe_applied);
            if !again || attempt >= self.attempts {
                return Err(unclear.unwrap_or(failure));
            }
            tracing::debug!(method = %request.method, attempt, cause = %failure.cause, "asking S3 again");
            if failure.maybe_applied && !request.method.is_safe() {
                unclear.get_or_insert(failure);
            }
            backoff::pause(attempt - 1).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, request: &Request<'_>, url: &str) -> Result<Answer, Failure> {
        let keys = self.keys.now().await.map_err(Failure::keys)?;
        let mut signed = http::Request::builder()
            .method(&request.method)
            .uri(url)
            .body(HttpRequestBody::from(request.body.clone()))
            .map_err(|_| Failure::unusable("an address that is too long"))?;
        signed.headers_mut().clone_from(&request.headers);
        AwsAuthorizer::new(keys.credential(), "s3", &self.region)
            .try_authorize(&mut signed, None)
            .expect("object_store is built with a crypto provider");
        let response = HttpService::call(&self.http, signed).await.map_err(|error| Failure::transport(&error))?;
        read(response, request.limit).await
    }

    fn url(&self, request: &Request<'_>) -> String {
        let mut url = self.bucket_url.clone();
        url.extend(utf8_percent_encode(request.key, IN_PATH));
        for (index, (name, value)) in request.query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, IN_QUERY));
        }
        url
    }
}

/// The whole answer, or what it says went wrong.
async fn read(response: HttpResponse, limit: u64) -> Result<Answer, Failure> {
    let (parts, body) = response.into_parts();
    if !(parts.status.is_success() || parts.status == StatusCode::NOT_MODIFIED) {
        let body = collect(body, SMALL_ANSWER).await.unwrap_or_default();
        return Err(Failure::refused(Refused::read(parts.status, &parts.headers, &body)));
    }
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(size) = announced.filter(|size| *size > limit) {
        return Err(Failure::too_large(size));
    }
    let body = collect(body, limit).await?;
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

/// A body of at most `limit` bytes.
async fn collect(body: HttpResponseBody, limit: u64) -> Result<Bytes, Failure> {
    let mut chunks = body.bytes_stream();
    let Some(first) = chunks.next().await else { return Ok(Bytes::new()) };
    let mut whole = first.map_err(|error| Failure::transport(&error))?;
    // Most documents come in one piece, which is passed on as it is.
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Failure::transport(&error))?;
        let mut longer = whole.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
        longer.extend_from_slice(&chunk);
        whole = longer.freeze();
        if whole.len() as u64 > limit {
            break;
        }
    }
    if whole.len() as u64 > limit { Err(Failure::too_large(whole.len() as u64)) } else { Ok(whole) }
}

/// The connection pool of a store.
///
/// Redirects are not followed: they would carry documents and session tokens to another host.
pub(super) fn pool(connect: Duration, read: Duration, allow_http: bool) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!("cred-store-s3/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect)
        .read_timeout(read)
        .https_only(!allow_http)
        .build()
}
