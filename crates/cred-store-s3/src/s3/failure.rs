//! What goes wrong with a request, and what that means to the caller.

use std::time::Duration;
use std::{error, fmt};

use bytes::Bytes;
use cred_model::{Action, Effect, MAX_DOCUMENT_BYTES, Phase, Place, Refusal, StoreError, Tried};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use object_store::client::HttpError;

use super::Site;
use super::xml;

/// Why a request was not answered as it should.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// Whether the same request may well succeed a little later.
    pub(super) may_pass: bool,
    /// Whether a request that changes something may have done so.
    pub(super) maybe_applied: bool,
}

#[derive(Debug)]
pub(super) enum Cause {
    Keys(Tried),
    Network(Phase),
    ReadTimeout,
    Refused(Refused),
    TooLarge(u64),
    Unusable(&'static str),
}

/// The server's answer to a request that it refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    /// The error code, as in `NoSuchKey`.
    pub(super) code: String,
    request_id: Option<String>,
    /// The region that the bucket is in, if the answer tells.
    region: Option<String>,
    retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn keys(tried: Tried) -> Self {
        Self { cause: Cause::Keys(tried), may_pass: false, maybe_applied: false }
    }

    pub(super) fn too_large(size: u64) -> Self {
        Self { cause: Cause::TooLarge(size), may_pass: false, maybe_applied: true }
    }

    /// An answer that lacks something, or a request that cannot be made.
    pub(super) fn unusable(what: &'static str) -> Self {
        Self { cause: Cause::Unusable(what), may_pass: false, maybe_applied: true }
    }

    pub(super) fn transport(error: &HttpError) -> Self {
        let source = error::Error::source(error).and_then(|source| source.downcast_ref::<reqwest::Error>());
        let cause = match source {
            Some(error) if error.is_connect() => Cause::Network(connecting(error)),
            Some(error) if error.is_timeout() => Cause::ReadTimeout,
            _ => Cause::Network(Phase::Answer),
        };
        Self {
            may_pass: !matches!(cause, Cause::Network(Phase::Certificate)),
            maybe_applied: matches!(cause, Cause::Network(Phase::Answer) | Cause::ReadTimeout),
            cause,
        }
    }

    pub(super) fn refused(refused: Refused) -> Self {
        let code = refused.code.as_str();
        let asks_to_wait = matches!(code, "SlowDown" | "RequestTimeout") || refused.status == 429;
        // 501 is "not implemented": it stays so.
        let failed = refused.status.is_server_error() && refused.status != 501;
        Self {
            may_pass: asks_to_wait || failed || matches!(refused.status.as_u16(), 408 | 409),
            maybe_applied: failed && !asks_to_wait,
            cause: Cause::Refused(refused),
        }
    }

    /// The server's error code, if the server refused.
    pub(super) fn code(&self) -> Option<&str> {
        match &self.cause {
            Cause::Refused(refused) => Some(&refused.code),
            _ => None,
        }
    }

    /// Whether the server refused with `status`.
    pub(super) fn is(&self, status: u16) -> bool {
        matches!(&self.cause, Cause::Refused(refused) if refused.status == status)
    }

    /// What to tell the caller who tried `action` on `place`.
    pub(super) fn into_error(self, action: Action, place: Place, site: &Site) -> StoreError {
        let changes = matches!(action, Action::Write | Action::Delete);
        let effect = if changes && self.maybe_applied { Effect::Unknown } else { Effect::None };
        let endpoint = site.endpoint.clone();
        match self.cause {
            Cause::Keys(tried) => StoreError::MissingCredentials { place, tried },
            Cause::Network(phase) => StoreError::Network { action, place, endpoint, phase, effect },
            Cause::ReadTimeout => StoreError::Timeout { action, place, after: site.read_timeout, effect },
            Cause::Refused(refused) => refused.into_error(action, place, site, effect),
            Cause::TooLarge(size) if action == Action::Read => {
                StoreError::TooLarge { place, size, limit: MAX_DOCUMENT_BYTES }
            }
            cause @ (Cause::TooLarge(_) | Cause::Unusable(_)) => {
                let refusal = Refusal { status: None, code: Some(cause.to_string()), request_id: None };
                StoreError::Server { action, place, endpoint, effect, refusal }
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(tried) => tried.fmt(f),
            Self::Network(phase) => phase.fmt(f),
            Self::ReadTimeout => f.write_str("no answer in time"),
            Self::Refused(refused) => write!(f, "{} {}", refused.status.as_u16(), refused.code),
            Self::TooLarge(size) => write!(f, "an answer of {size} bytes"),
            Self::Unusable(what) => f.write_str(what),
        }
    }
}

impl Refused {
    /// What an answer says, without its body, which may repeat signed headers.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let word = |name: &str| header(name).filter(|text| is_word(text));
        let (mut code, mut region) = (None, word("x-amz-bucket-region"));
        // A body that is no XML tells nothing.
        let _ = xml::elements(body, |parent, name, text| match (parent, name) {
            ("Error", "Code") if is_word(&text) => code = Some(text),
            ("Error", "Region") if is_word(&text) => region = Some(text),
            _ => {}
        });
        Self {
            status,
            // MinIO names the code in a header where there is no body.
            code: code.or_else(|| word("x-minio-error-code")).unwrap_or_default(),
            request_id: word("x-amz-request-id"),
            region,
            retry_after: header(RETRY_AFTER.as_str())
                .and_then(|seconds| Some(Duration::from_secs(seconds.parse().ok()?))),
        }
    }

    /// Source of the codes: Amazon S3 API Reference, "Error responses".
    fn into_error(self, action: Action, place: Place, site: &Site, effect: Effect) -> StoreError {
        let Self { status, code, request_id, region, retry_after } = self;
        let refusal = Refusal {
            status: Some(status.as_u16()),
            code: Some(code.clone()).filter(|code| !code.is_empty()),
            request_id,
        };
        match (code.as_str(), status.as_u16()) {
            ("NoSuchBucket", _) => StoreError::BucketNotFound {
                bucket: site.bucket.clone(),
                region: site.region.clone(),
                endpoint: site.is_custom.then(|| site.endpoint.clone()),
            },
            ("RequestTimeTooSkewed" | "RequestExpired", _) => StoreError::ClockSkew { action, place, refusal },
            ("PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException", _) | ("", 301 | 307) => {
                StoreError::WrongRegion { bucket: site.bucket.clone(), used: site.region.clone(), actual: region }
            }
            ("AuthorizationHeaderMalformed", _) if region.is_some() => {
                StoreError::WrongRegion { bucket: site.bucket.clone(), used: site.region.clone(), actual: region }
            }
            (
                "AuthorizationHeaderMalformed"
                | "ExpiredToken"
                | "InvalidAccessKeyId"
                | "InvalidToken"
                | "InvalidTokenId"
                | "SignatureDoesNotMatch"
                | "TokenRefreshRequired",
                _,
            )
            | (_, 401) => StoreError::InvalidCredentials { action, place, refusal },
            ("SlowDown" | "RequestLimitExceeded", _) | (_, 429 | 503) if effect == Effect::None => {
                StoreError::Throttled { action, place, retry_after, refusal }
            }
            // S3 hides behind this code whether the object is there.
            ("AccessDenied" | "", 403) if action == Action::Read => {
                StoreError::MissingOrForbidden { action, place, refusal }
            }
            (_, 403) => StoreError::AccessDenied { action, place, refusal },
            ("KeyTooLongError" | "XMinioInvalidObjectName" | "XMinioInvalidResourceName", _) => {
                StoreError::InvalidName {
                    name: place.name().map(ToString::to_string).unwrap_or_default(),
                    place: Place::store(place.location()),
                    problem: format!("the server does not take it ({code})"),
                }
            }
            _ => StoreError::Server { action, place, endpoint: site.endpoint.clone(), effect, refusal },
        }
    }
}

/// Whether `text` is short and plain enough to be repeated: whatever stands between us and S3 may have written it.
fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/+=-".contains(&byte))
}

/// What kept a connection from coming about.
fn connecting(error: &reqwest::Error) -> Phase {
    if error.is_dns() {
        return Phase::Resolve;
    }
    let mut cause = error::Error::source(error);
    while let Some(error) = cause {
        // rustls's own error type is not worth a dependency.
        if error.to_string().starts_with("invalid peer certificate") {
            return Phase::Certificate;
        }
        cause = error.source();
    }
    Phase::Connect
}

#[cfg(test)]
mod tests {
    use cred_path::{DocumentName, Location, S3Location};
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn error(action: Action, status: u16, code: &str, extra: &str) -> StoreError {
        let site = Site {
            bucket: "acme".into(),
            region: "us-east-1".into(),
            endpoint: "https://s3.example".into(),
            is_custom: true,
            read_timeout: Duration::from_secs(60),
        };
        let location = Location::from(S3Location::new("acme", "p/").unwrap());
        let place = Place::document(&location, &DocumentName::new("a.json").unwrap());
        let headers = HeaderMap::from_iter([("x-amz-request-id".parse().unwrap(), "R1".parse().unwrap())]);
        let body = Bytes::from(format!("<Error><Code>{code}</Code><Message>SENTINEL</Message>{extra}</Error>"));
        let refused = Refused::read(StatusCode::from_u16(status).unwrap(), &headers, &body);
        Failure::refused(refused).into_error(action, place, &site)
    }

    #[test]
    fn every_refusal_has_its_own_error() {
        use Action::{Delete, Read, Write};
        macro_rules! is {
            ($action:expr, $status:expr, $code:expr, $variant:pat) => {
                let error = error($action, $status, $code, "<Region>eu-west-1</Region>");
                assert!(matches!(error, $variant), "{} {}: {error:?}", $status, $code);
                assert!(!format!("{error:?} {error}").contains("SENTINEL"), "{error:?}");
            };
        }
        is!(Read, 404, "NoSuchBucket", StoreError::BucketNotFound { endpoint: Some(_), .. });
        is!(Read, 403, "AccessDenied", StoreError::MissingOrForbidden { .. });
        is!(Read, 403, "AllAccessDisabled", StoreError::AccessDenied { .. });
        is!(Write, 403, "AccessDenied", StoreError::AccessDenied { action: Write, .. });
        is!(Delete, 403, "AccessDenied", StoreError::AccessDenied { action: Delete, .. });
        for code in ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidTokenId"] {
            is!(Read, 403, code, StoreError::InvalidCredentials { .. });
        }
        for code in ["ExpiredToken", "InvalidToken", "TokenRefreshRequired"] {
            is!(Read, 400, code, StoreError::InvalidCredentials { .. });
        }
        is!(Read, 401, "", StoreError::InvalidCredentials { .. });
        is!(Write, 403, "RequestTimeTooSkewed", StoreError::ClockSkew { .. });
        for (status, code) in
            [(301, "PermanentRedirect"), (307, "TemporaryRedirect"), (400, "AuthorizationHeaderMalformed")]
        {
            let error = error(Read, status, code, "<Region>eu-west-1</Region>");
            assert!(matches!(&error, StoreError::WrongRegion { actual: Some(r), .. } if r == "eu-west-1"), "{error:?}");
        }
        is!(Write, 503, "SlowDown", StoreError::Throttled { .. });
        is!(Read, 429, "", StoreError::Throttled { .. });
        is!(Read, 503, "ServiceUnavailable", StoreError::Throttled { .. });
        // Any other failure may come after the write.
        is!(Write, 503, "ServiceUnavailable", StoreError::Server { effect: Effect::Unknown, .. });
        is!(Write, 500, "InternalError", StoreError::Server { effect: Effect::Unknown, .. });
        is!(Read, 500, "InternalError", StoreError::Server { effect: Effect::None, .. });
        is!(Write, 501, "NotImplemented", StoreError::Server { effect: Effect::None, .. });
        is!(Write, 400, "XMinioInvalidObjectName", StoreError::InvalidName { .. });
        is!(Write, 409, "OperationAborted", StoreError::Server { effect: Effect::None, .. });
    }

    #[test]
    fn a_bad_signature_without_a_region_is_the_keys_fault() {
        let error = error(Action::Read, 400, "AuthorizationHeaderMalformed", "");
        assert!(matches!(error, StoreError::InvalidCredentials { .. }), "{error:?}");
    }

    #[test]
    fn what_is_no_word_is_never_repeated() {
        let long = "x".repeat(129);
        for text in ["SENTINEL word", "SENTINEL\n", "\u{1b}[2JSENTINEL", "SENTINELé", &long] {
            let body = format!("<Error><Code>{text}</Code><Region>{text}</Region></Error>");
            let names = ["x-amz-request-id", "x-amz-bucket-region", "x-minio-error-code"].map(HeaderName::from_static);
            let value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("SENTINEL word"));
            let headers = names.into_iter().map(|name| (name, value.clone())).collect();
            let refused = Refused::read(StatusCode::BAD_REQUEST, &headers, &body.into());
            let Refused { code, request_id, region, .. } = refused;
            assert_eq!((code.as_str(), request_id, region), ("", None, None), "{text:?}");
        }
    }

    #[test]
    fn the_cause_names_code_status_and_request() {
        let error = error(Action::Write, 403, "AccessDenied", "");
        let cause = error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "AccessDenied (HTTP 403, request R1)");
    }

    #[tokio::test]
    async fn a_refused_connection_changed_nothing() {
        // Bound, so that nobody else can get the port, and not listening.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}/", socket.local_addr().unwrap());
        let request = http::Request::put(url).body(Bytes::new().into()).unwrap();
        let client = reqwest::Client::new();
        let error = object_store::client::HttpService::call(&client, request).await.unwrap_err();
        let failure = Failure::transport(&error);
        assert!(matches!(failure.cause, Cause::Network(Phase::Connect)), "{failure:?}");
        assert!(failure.may_pass && !failure.maybe_applied);
    }
}
