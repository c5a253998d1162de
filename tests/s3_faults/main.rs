//! Every call in every situation that S3 is known to get into: each has to end as the table says, and the page for
//! users is made of what was seen.
#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod page;
mod table;
mod untrusted;

use std::error::Error as _;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use cred_conformance::{FaultServer, LoggedRequest, S3Server, Step};
use cred_model::{
    Action, ConditionalDelete, ConditionalPut, DocumentStore, Fetched, Place, Precondition, Refusal, StoreError,
    Version, probe,
};
use cred_path::DocumentName;
use cred_store_s3::{AwsKeys, S3StoreBuilder};
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use self::page::Line;
use self::table::{ALL, Call, Fault, Row, SHORT, Situation, situations};

/// The longest part of a name in the DNS has 63 letters: this one is not found without anybody being asked.
const NOWHERE: &str = "http://not-a-name-of-any-server-because-it-is-longer-than-63-characters.invalid";

#[tokio::test]
async fn every_call_ends_as_the_table_says() {
    let situations = situations();
    // Clients take long to make, and time-outs are short: all of them come first.
    let benches: Vec<_> = stream::iter(&situations).then(Bench::new).collect().await;
    // A case that panics has said why; the others run all the same.
    let lines = join_all(benches.into_iter().map(Bench::run)).await;
    let right: Vec<Line> = lines.into_iter().flatten().flatten().collect();
    assert_eq!(right.len(), situations.len() * ALL.len(), "calls that ended as the table says, and all");
    page::compare(&right);
}

/// A store whose server is at fault as soon as a call makes the request it is about.
struct Bench<'a> {
    situation: &'a Situation,
    s3: S3Server,
    server: FaultServer,
    strike: Arc<Mutex<Strike>>,
    store: Arc<dyn DocumentStore>,
    _backlog: Backlog,
    _closed: Closed,
}

/// Whether the fault happens.
#[derive(Clone, Copy, PartialEq)]
enum Strike {
    No,
    /// From the next request with this method on.
    From(&'static str),
    Now,
}

impl<'a> Bench<'a> {
    async fn new(situation: &'a Situation) -> Self {
        let fault = &situation.fault;
        let s3 = S3Server::builder().with_session_token("SENTINEL").start();
        s3.objects().create_bucket("acme");
        let strike = Arc::new(Mutex::new(Strike::No));
        let server = FaultServer::before(&s3, script(fault, strike.clone()));
        let (backlog, closed) = (Backlog::full().await, Closed::new());
        let endpoint = match fault {
            Fault::Backlog => backlog.endpoint(),
            Fault::Unresolved => NOWHERE.to_owned(),
            Fault::Untrusted => untrusted::start().await,
            Fault::Refused => closed.endpoint(),
            Fault::Absent | Fault::Always(_) | Fault::Once(_) => server.endpoint(),
        };
        let keys = AwsKeys::new(s3.access_key_id(), s3.secret_access_key()).unwrap();
        let builder = S3StoreBuilder::new("acme")
            .with_prefix("p")
            .with_endpoint(endpoint)
            .with_credentials(keys.with_session_token("SENTINEL").unwrap())
            .with_attempts(2);
        let builder = match fault {
            Fault::Backlog => builder.with_connect_timeout(SHORT),
            Fault::Always(steps) if matches!(steps.last(), Some(Step::Stall)) => {
                builder.with_read_timeout(SHORT).with_attempts(1)
            }
            _ => builder,
        };
        let mut store: Arc<dyn DocumentStore> = Arc::new(builder.build().unwrap());
        if matches!(fault, Fault::Absent | Fault::Always(_) | Fault::Once(_)) {
            assert_eq!(store.conditional_delete().await.unwrap(), ConditionalDelete::Atomic);
        }
        if matches!(fault, Fault::Always(steps) if matches!(steps.last(), Some(Step::Drip(..)))) {
            store = store.with_deadline(SHORT);
        }
        Self { situation, s3, server, strike, store, _backlog: backlog, _closed: closed }
    }

    /// A line for each call, or none where it ended otherwise than the table says.
    async fn run(self) -> Vec<Option<Line>> {
        let lines = stream::iter(ALL).then(|call| AssertUnwindSafe(self.check(*call)).catch_unwind().map(Result::ok));
        let lines = lines.collect().await;
        assert!(self.server.requests().iter().all(|request| request.bucket == "acme"), "a redirect was followed");
        lines
    }

    /// Makes `call`, and holds what comes of it against the table.
    async fn check(&self, call: Call) -> Line {
        let case = format!("{}: {}", self.situation.name, call.name());
        let mut rows = self.situation.rows.iter().filter(|row| row.calls.contains(&call));
        let row = *rows.next().unwrap_or_else(|| panic!("{case} is not in the table"));
        assert!(rows.next().is_none(), "{case} is in the table twice");

        let objects = self.s3.objects();
        objects.remove("acme", "p/a.json");
        if !(matches!(self.situation.fault, Fault::Absent) || call == Call::PutIfAbsent) {
            objects.put("acme", "p/a.json", "{}");
        }
        let current = objects.get("acme", "p/a.json").map_or("0".into(), |object| object.etag);
        let current = Version::new(format!("\"{current}\"")).unwrap();
        self.set(Strike::From(call.action().1));
        let result = make(call, &*self.store, &current).await;
        self.set(Strike::No);
        match result {
            Ok(result) => assert_eq!((result, None), (row.result, row.hint), "{case}"),
            Err(error) => judge(&case, call, self.situation, &row, &error),
        }
        Line { situation: self.situation.name, call, row }
    }

    fn set(&self, strike: Strike) {
        *self.strike.lock().unwrap() = strike;
    }
}

fn judge(case: &str, call: Call, situation: &Situation, row: &Row, error: &StoreError) {
    let Seen { variant, action, place, refusal } = Seen::of(error);
    let hint = error.hint().map(|hint| without_port(&hint));
    assert_eq!(
        (variant.as_str(), hint.as_deref(), error.is_transient(), error.effect()),
        (row.result, row.hint, row.is_transient, row.effect),
        "{case}: {error:?}"
    );
    if let Some(action) = action {
        assert_eq!(action, row.action.unwrap_or(call.action().0), "{case}");
    }
    if let Some(place) = place {
        let place = place.to_string();
        let (expected, exact) = match (call, &situation.fault) {
            (Call::List, _) => ("s3://acme/p/", true),
            (Call::Probe, _) => ("s3://acme/p/.locks/probe-", false),
            // The store asks first whether the server honours the condition, by an object of its own.
            (Call::DeleteAt, Fault::Refused | Fault::Backlog | Fault::Unresolved | Fault::Untrusted) => {
                ("s3://acme/p/.locks/probe-", false)
            }
            _ => ("s3://acme/p/a.json", true),
        };
        assert!(if exact { place == expected } else { place.starts_with(expected) }, "{case}: {place}");
    }
    if let (Some(_), Some(_)) = (refusal, &situation.refusal) {
        assert_eq!(refusal, situation.refusal.as_ref(), "{case}");
    }
    let mut texts = format!("{error} {error:?} {hint:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push_str(&error.to_string());
        cause = error.source();
    }
    for secret in ["SENTINEL", "a-secret-that-only-tests-know"] {
        assert!(!texts.contains(secret), "{case}: {texts}");
    }
}

async fn make(call: Call, store: &dyn DocumentStore, current: &Version) -> Result<&'static str, StoreError> {
    let name = DocumentName::new("a.json").unwrap();
    let put = async |precondition| store.put(&name, "[]".into(), precondition).await.map(|_| "written");
    let deleted = |was_there| if was_there { "deleted" } else { "was absent" };
    match call {
        Call::Get => Ok(store.get(&name).await?.map_or("absent", |_| "the document")),
        Call::GetIfChanged => Ok(match store.get_if_changed(&name, current).await? {
            Fetched::Absent => "absent",
            Fetched::Changed(_) => "the document",
            Fetched::Unchanged => "unchanged",
        }),
        Call::PutAlways => put(Precondition::Always).await,
        Call::PutIfAbsent => put(Precondition::IfAbsent).await,
        Call::PutIfVersion => put(Precondition::IfVersion(current.clone())).await,
        Call::Delete => store.delete(&name, None).await.map(deleted),
        Call::DeleteAt => store.delete(&name, Some(current)).await.map(deleted),
        Call::List => Ok(match store.list().try_collect::<Vec<_>>().await?.len() {
            0 => "0 entries",
            1 => "1 entry",
            more => panic!("{more} entries"),
        }),
        Call::Probe => Ok(match probe(store).await?.conditional_put {
            ConditionalPut::Honoured => "conditions honoured",
            ConditionalPut::Ignored(which) => which,
        }),
    }
}

/// Passes requests on where the fault does not strike.
fn script(fault: &Fault, strike: Arc<Mutex<Strike>>) -> impl FnMut(&LoggedRequest) -> Vec<Step> + Send + 'static {
    let (steps, once) = match fault {
        Fault::Always(steps) => (Some(steps.clone()), false),
        Fault::Once(steps) => (Some(steps.clone()), true),
        Fault::Absent | Fault::Backlog | Fault::Refused | Fault::Unresolved | Fault::Untrusted => (None, false),
    };
    move |request| {
        let mut strike = strike.lock().unwrap();
        if matches!(*strike, Strike::From(method) if method == request.method) {
            *strike = Strike::Now;
        }
        match &steps {
            Some(steps) if *strike == Strike::Now => {
                if once {
                    *strike = Strike::No;
                }
                steps.clone()
            }
            _ => vec![Step::Forward, Step::Answer],
        }
    }
}

/// A port whose connections wait to be accepted: there is room for one, and that is taken.
struct Backlog {
    listener: TcpListener,
    _first: TcpStream,
}

impl Backlog {
    async fn full() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let first = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        Self { listener, _first: first }
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }
}

/// A port that nobody listens at, and that nobody else can get meanwhile.
struct Closed(TcpSocket);

impl Closed {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}

/// What an error says beside its hint.
struct Seen<'a> {
    variant: String,
    action: Option<Action>,
    place: Option<&'a Place>,
    refusal: Option<&'a Refusal>,
}

impl<'a> Seen<'a> {
    fn of(error: &'a StoreError) -> Self {
        let debug = format!("{error:?}");
        let name = debug.split([' ', '(']).next().unwrap_or_default().to_owned();
        match error {
            StoreError::AccessDenied { action, place, refusal }
            | StoreError::ClockSkew { action, place, refusal }
            | StoreError::InvalidCredentials { action, place, refusal }
            | StoreError::MissingOrForbidden { action, place, refusal }
            | StoreError::Server { action, place, refusal, .. }
            | StoreError::Throttled { action, place, refusal, .. } => {
                Self { variant: name, action: Some(*action), place: Some(place), refusal: Some(refusal) }
            }
            StoreError::Network { action, place, phase, .. } => {
                Self { variant: format!("{name} ({phase})"), action: Some(*action), place: Some(place), refusal: None }
            }
            StoreError::Timeout { action, place, .. } => {
                Self { variant: name, action: Some(*action), place: Some(place), refusal: None }
            }
            StoreError::Conflict { place, .. } | StoreError::TooLarge { place, .. } => {
                Self { variant: name, action: None, place: Some(place), refusal: None }
            }
            _ => Self { variant: name, action: None, place: None, refusal: None },
        }
    }
}

/// `text` with the port of a test's server made the same in every run.
fn without_port(text: &str) -> String {
    match text.split_once("http://127.0.0.1:") {
        Some((before, after)) => {
            format!("{before}http://127.0.0.1:PORT{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => text.to_owned(),
    }
}
