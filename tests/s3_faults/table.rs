//! What has to come of every call in every situation, written down from what S3 documents.

use std::time::Duration;

use cred_conformance::Step;
use cred_model::{Action, Effect, Refusal};

/// A call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Get,
    GetIfChanged,
    PutAlways,
    PutIfAbsent,
    PutIfVersion,
    Delete,
    DeleteAt,
    List,
    Probe,
}

use Call::{Delete, DeleteAt, Get, GetIfChanged, List, Probe, PutAlways, PutIfAbsent, PutIfVersion};

pub(crate) const ALL: &[Call] =
    &[Get, GetIfChanged, PutAlways, PutIfAbsent, PutIfVersion, Delete, DeleteAt, List, Probe];
const READS: &[Call] = &[Get, GetIfChanged];
const ASKS: &[Call] = &[Get, GetIfChanged, List];
const PUTS: &[Call] = &[PutAlways, PutIfAbsent, PutIfVersion];
const DELETIONS: &[Call] = &[Delete, DeleteAt];
const CHANGES: &[Call] = &[PutAlways, PutIfAbsent, PutIfVersion, Delete, DeleteAt, Probe];
/// Before it deletes whatever is there, a store looks whether there is anything.
const LOOKS_FIRST: &[Call] = &[Delete];
const ALL_BUT_DELETE: &[Call] = &[Get, GetIfChanged, PutAlways, PutIfAbsent, PutIfVersion, DeleteAt, List, Probe];

impl Call {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Get => "get",
            GetIfChanged => "get_if_changed",
            PutAlways => "put (always)",
            PutIfAbsent => "put (if absent)",
            PutIfVersion => "put (if version)",
            Delete => "delete",
            DeleteAt => "delete (at a version)",
            List => "list",
            Probe => "probe",
        }
    }

    /// What it is about, and the method of the request that does it.
    pub(crate) fn action(self) -> (Action, &'static str) {
        match self {
            Get | GetIfChanged => (Action::Read, "GET"),
            PutAlways | PutIfAbsent | PutIfVersion | Probe => (Action::Write, "PUT"),
            Delete | DeleteAt => (Action::Delete, "DELETE"),
            List => (Action::List, "GET"),
        }
    }
}

/// What goes wrong.
pub(crate) enum Fault {
    /// Nothing, but there is no document.
    Absent,
    /// This, from the request on that does what the call is about.
    Always(Vec<Step>),
    /// This, once only.
    Once(Vec<Step>),
    /// The server is not there (any more).
    Refused,
    /// Nobody accepts the connections.
    Backlog,
    /// The name of the server does not exist.
    Unresolved,
    /// The certificate of the server is its own word.
    Untrusted,
}

pub(crate) struct Situation {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    /// What errors have to repeat of the answer.
    pub(crate) refusal: Option<Refusal>,
    pub(crate) rows: Vec<Row>,
}

/// What has to come of some calls.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) calls: &'static [Call],
    /// The variant of the error, or what the call returns.
    pub(crate) result: &'static str,
    pub(crate) is_transient: bool,
    pub(crate) effect: Effect,
    pub(crate) hint: Option<&'static str>,
    /// What the error says was tried, if not what the call is about.
    pub(crate) action: Option<Action>,
}

impl Row {
    fn again(self) -> Self {
        Self { is_transient: true, ..self }
    }

    fn unknown(self) -> Self {
        Self { effect: Effect::Unknown, ..self }
    }

    fn reading(self) -> Self {
        Self { action: Some(Action::Read), ..self }
    }
}

fn ok(calls: &'static [Call], result: &'static str) -> Row {
    Row { calls, result, is_transient: false, effect: Effect::None, hint: None, action: None }
}

fn error(calls: &'static [Call], result: &'static str, hint: &'static str) -> Row {
    Row { calls, result, is_transient: false, effect: Effect::None, hint: Some(hint), action: None }
}

/// The read timeout where an answer stalls, and the deadline where one drips.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

const ALLOW_READ: &str = "allow s3:GetObject on arn:aws:s3:::acme/p/* (SSE-KMS: also kms:Decrypt on the key) \
     and s3:ListBucket on arn:aws:s3:::acme";
const ALLOW_WRITE: &str = "allow s3:PutObject on arn:aws:s3:::acme/p/* (SSE-KMS: also kms:GenerateDataKey on the key)";
const ALLOW_PROBE: &str =
    "allow s3:PutObject on arn:aws:s3:::acme/p/.locks/* (SSE-KMS: also kms:GenerateDataKey on the key)";
const ALLOW_DELETE: &str = "allow s3:DeleteObject on arn:aws:s3:::acme/p/*";
const ALLOW_LIST: &str = "allow s3:ListBucket on arn:aws:s3:::acme with the condition s3:prefix p/*";
const ASK_LESS: &str = "try again in a while, with fewer requests at once";
const CHECK_ENDPOINT: &str = "check endpoint and proxy: S3 gives its answers a request id, and this one has none";
const CHECK_NETWORK: &str = "check network, proxy, endpoint and clock, or allow more time, then try again";
const CREATE_BUCKET: &str = "check the name, or create it: \
     aws s3 mb s3://acme --region us-east-1 --endpoint-url http://127.0.0.1:PORT";
const MOVE_IT: &str = "check that it is a credential; move it out of the store if it is not";
const RENEW_KEYS: &str = "renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary keys, AWS_SESSION_TOKEN";
const SET_CLOCK: &str = "set the clock of this host, for example by NTP";
const SET_REGION: &str = "set AWS_REGION=eu-west-1";
const SHOW_REQUEST: &str = "try again; if it stays, show the request id to whoever runs the server";

const TRUST_IT: &str = "check the endpoint, or install the certificate of the authority that signed it on this host";

pub(crate) fn situations() -> Vec<Situation> {
    let nothing_allowed = || {
        vec![
            error(READS, "MissingOrForbidden", ALLOW_READ),
            error(PUTS, "AccessDenied", ALLOW_WRITE),
            error(&[Probe], "AccessDenied", ALLOW_PROBE),
            error(DELETIONS, "AccessDenied", ALLOW_DELETE),
            error(&[List], "AccessDenied", ALLOW_LIST),
        ]
    };
    let healthy = |probe| {
        vec![
            ok(&[Get], "the document"),
            ok(&[GetIfChanged], "unchanged"),
            ok(PUTS, "written"),
            ok(DELETIONS, "deleted"),
            ok(&[List], "1 entry"),
            probe,
        ]
    };
    // The first write of a probe is to be refused, for want of a document. Where that is not seen to happen, the write
    // may as well have been applied, and the document been deleted by another.
    let unclear_probe = error(&[Probe], "Server", SHOW_REQUEST).again().unknown();
    let failing =
        |result, hint| vec![error(ASKS, result, hint).again(), error(CHANGES, result, hint).again().unknown()];
    let unreachable = |result| {
        vec![
            error(ALL_BUT_DELETE, result, CHECK_NETWORK).again(),
            error(LOOKS_FIRST, result, CHECK_NETWORK).again().reading(),
        ]
    };
    let elsewhere = || vec![error(ALL, "WrongRegion", SET_REGION)];
    let bad_keys = || vec![error(ALL, "InvalidCredentials", RENEW_KEYS)];
    let throttled = || vec![error(ALL, "Throttled", ASK_LESS).again()];
    let too_long = || {
        vec![
            error(READS, "TooLarge", MOVE_IT),
            error(&[List], "Server", CHECK_ENDPOINT).again(),
            error(CHANGES, "Server", CHECK_ENDPOINT).again().unknown(),
        ]
    };
    let object = "HTTP/1.1 200 OK\r\netag: \"1\"\r\nlast-modified: Sun, 22 Nov 2026 12:00:00 GMT\r\n";
    let html = "<!DOCTYPE html><html><head><title>SENTINEL</title></head><body><p>Please log in.<br></body></html>";
    let is_html = ("content-type", "text/html");
    let region = ("x-amz-bucket-region", "eu-west-1");

    vec![
        Situation {
            name: "there is no document",
            fault: Fault::Absent,
            refusal: None,
            rows: vec![
                ok(READS, "absent"),
                ok(&[PutAlways, PutIfAbsent], "written"),
                error(&[PutIfVersion], "Conflict", "load it again and reapply"),
                ok(DELETIONS, "was absent"),
                ok(&[List], "0 entries"),
                ok(&[Probe], "conditions honoured"),
            ],
        },
        refused("the bucket does not exist", 404, "NoSuchBucket", vec![error(ALL, "BucketNotFound", CREATE_BUCKET)]),
        refused("access is denied", 403, "AccessDenied", nothing_allowed()),
        answered("access is denied without a word", 403, None, &[], "", nothing_allowed()),
        refused("the access key is unknown", 403, "InvalidAccessKeyId", bad_keys()),
        refused("the secret is wrong", 403, "SignatureDoesNotMatch", bad_keys()),
        refused("the session has expired", 400, "ExpiredToken", bad_keys()),
        refused("the clocks differ", 403, "RequestTimeTooSkewed", vec![error(ALL, "ClockSkew", SET_CLOCK)]),
        answered(
            "the bucket is in another region (301)",
            301,
            Some("PermanentRedirect"),
            &[region],
            &s3_error("PermanentRedirect", "<Endpoint>SENTINEL</Endpoint>"),
            elsewhere(),
        ),
        answered(
            "the bucket is in another region (307)",
            307,
            Some("TemporaryRedirect"),
            &[region, ("location", "/elsewhere/SENTINEL")],
            &s3_error("TemporaryRedirect", "<Endpoint>SENTINEL</Endpoint>"),
            elsewhere(),
        ),
        answered(
            "the bucket is in another region (400)",
            400,
            Some("AuthorizationHeaderMalformed"),
            &[],
            &s3_error("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
            elsewhere(),
        ),
        once("SlowDown, then all is well", 503, "SlowDown", healthy(ok(&[Probe], "conditions honoured"))),
        once("500, then all is well", 500, "InternalError", healthy(unclear_probe)),
        refused("SlowDown every time", 503, "SlowDown", throttled()),
        answered("429 every time", 429, None, &[], "", throttled()),
        refused(
            "503 every time",
            503,
            "ServiceUnavailable",
            vec![error(ASKS, "Throttled", ASK_LESS).again(), error(CHANGES, "Server", SHOW_REQUEST).again().unknown()],
        ),
        refused("500 every time", 500, "InternalError", failing("Server", SHOW_REQUEST)),
        Situation {
            name: "the port is closed",
            fault: Fault::Refused,
            refusal: None,
            rows: unreachable("Network (no connection)"),
        },
        Situation {
            name: "nobody accepts the connection in time",
            fault: Fault::Backlog,
            refusal: None,
            rows: unreachable("Network (no connection)"),
        },
        Situation {
            name: "the name of the server does not exist",
            fault: Fault::Unresolved,
            refusal: None,
            rows: unreachable("Network (its name was not found)"),
        },
        Situation {
            name: "the certificate is not trusted",
            fault: Fault::Untrusted,
            refusal: None,
            rows: vec![
                error(ALL_BUT_DELETE, "Network (its certificate is not trusted)", TRUST_IT),
                error(LOOKS_FIRST, "Network (its certificate is not trusted)", TRUST_IT).reading(),
            ],
        },
        broken("no answer in time", vec![Step::Stall], failing("Timeout", CHECK_NETWORK)),
        broken(
            "the rest of the answer does not come in time",
            vec![send(format!("{object}content-length: 100\r\n\r\n{{")), Step::Stall],
            failing("Timeout", CHECK_NETWORK),
        ),
        broken(
            "the answer drips until the deadline",
            vec![Step::Drip(format!("{object}x-filler: {}", "-".repeat(100)).into(), Duration::from_millis(20))],
            failing("Timeout", CHECK_NETWORK),
        ),
        broken(
            "the answer is cut off",
            vec![send(format!("{object}content-length: 100\r\n\r\n{{")), Step::Close],
            failing("Network (the connection broke before the answer was complete)", CHECK_NETWORK),
        ),
        broken(
            "the connection is reset",
            vec![Step::Reset],
            failing("Network (the connection broke before the answer was complete)", CHECK_NETWORK),
        ),
        broken(
            "a web page with status 200",
            vec![Step::respond(200, &[is_html], html)],
            failing("Server", CHECK_ENDPOINT),
        ),
        Situation {
            refusal: Some(Refusal { status: Some(404), code: None, request_id: None }),
            ..broken(
                "a web page with status 404",
                vec![Step::respond(404, &[is_html], html)],
                vec![error(ALL, "Server", CHECK_ENDPOINT)],
            )
        },
        broken(
            "an answer that is too long, and says so",
            vec![send(format!("{object}content-length: 9437184\r\n\r\n"))],
            too_long(),
        ),
        broken(
            "an answer that is too long",
            vec![send(format!("{object}\r\n{}", "x".repeat(9 << 20))), Step::Close],
            too_long(),
        ),
    ]
}

fn send(bytes: String) -> Step {
    Step::Send(bytes.into())
}

/// An error as S3 words it, with all that may be in there and that nobody may see.
fn s3_error(code: &str, extra: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>SENTINEL</Message>{extra}\
         <Resource>/acme/p/SENTINEL@example.com.json</Resource><AWSAccessKeyId>SENTINEL</AWSAccessKeyId>\
         <CanonicalRequest>PUT x-amz-security-token:SENTINEL</CanonicalRequest><HostId>SENTINEL</HostId></Error>"
    )
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<Step> {
    let headers = [&[("x-amz-request-id", "R1"), ("content-type", "application/xml")], headers].concat();
    vec![Step::respond(status, &headers, body)]
}

fn refused(name: &'static str, status: u16, code: &'static str, rows: Vec<Row>) -> Situation {
    answered(name, status, Some(code), &[], &s3_error(code, ""), rows)
}

fn answered(
    name: &'static str,
    status: u16,
    code: Option<&'static str>,
    headers: &[(&str, &str)],
    body: &str,
    rows: Vec<Row>,
) -> Situation {
    let refusal = Refusal { status: Some(status), code: code.map(Into::into), request_id: Some("R1".into()) };
    Situation { name, fault: Fault::Always(response(status, headers, body)), refusal: Some(refusal), rows }
}

fn once(name: &'static str, status: u16, code: &str, rows: Vec<Row>) -> Situation {
    Situation { name, fault: Fault::Once(response(status, &[], &s3_error(code, ""))), refusal: None, rows }
}

fn broken(name: &'static str, steps: Vec<Step>, rows: Vec<Row>) -> Situation {
    Situation { name, fault: Fault::Always(steps), refusal: None, rows }
}
