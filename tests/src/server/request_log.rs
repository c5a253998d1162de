//! What clients asked for, so that tests can count it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use http::{Request, StatusCode};
use percent_encoding::percent_decode_str;

/// A request as it came over the wire, without what authenticates it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// `GET`, `PUT`, …
    pub method: String,
    /// AWS's name for what was asked, such as `GetObject`; empty for what the server does not offer.
    pub operation: &'static str,
    /// The bucket; empty if none was named.
    pub bucket: String,
    /// The key, decoded; empty for requests about the bucket.
    pub key: String,
    /// Query parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// Conditions, content type, user metadata and encryption: the headers a store chooses. Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The answer's status; `None` while it is being made, and for ever if the client left before.
    pub status: Option<u16>,
    /// Which connection it came on, counted from 0.
    pub connection: u64,
}

impl LoggedRequest {
    pub(super) fn new<B>(connection: u64, request: &Request<B>) -> Self {
        let path = request.uri().path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query: BTreeMap<_, _> = request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        let headers = request
            .headers()
            .iter()
            .filter(|(name, _)| is_logged(name.as_str()))
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Self {
            method: request.method().to_string(),
            operation: operation(request.method().as_str(), key, &query),
            bucket: decoded(bucket),
            key: decoded(key),
            query,
            headers,
            status: None,
            connection,
        }
    }
}

/// Requests in order of arrival, each under its number.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    requests: Mutex<(u64, BTreeMap<u64, LoggedRequest>)>,
}

impl RequestLog {
    pub(super) fn arrived(&self, request: LoggedRequest) -> u64 {
        let (next, requests) = &mut *self.lock();
        let number = *next;
        *next += 1;
        requests.insert(number, request);
        number
    }

    pub(super) fn answered(&self, number: u64, status: StatusCode) {
        if let Some(request) = self.lock().1.get_mut(&number) {
            request.status = Some(status.as_u16());
        }
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        self.lock().1.values().cloned().collect()
    }

    pub(super) fn take(&self) -> Vec<LoggedRequest> {
        std::mem::take(&mut self.lock().1).into_values().collect()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, LoggedRequest>)> {
        self.requests.lock().expect("nothing panics while the log is locked")
    }
}

fn operation(method: &str, key: &str, query: &BTreeMap<String, String>) -> &'static str {
    match (method, key.is_empty()) {
        ("DELETE", false) => "DeleteObject",
        ("GET", false) => "GetObject",
        ("GET", true) if query.contains_key("list-type") => "ListObjectsV2",
        ("HEAD", false) => "HeadObject",
        ("HEAD", true) => "HeadBucket",
        ("PUT", false) => "PutObject",
        ("PUT", true) => "CreateBucket",
        _ => "",
    }
}

fn is_logged(header: &str) -> bool {
    matches!(header, "content-type" | "if-match" | "if-none-match")
        || header.starts_with("x-amz-meta-")
        || header.starts_with("x-amz-server-side-encryption")
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
