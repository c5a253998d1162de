//! A process of its own that writes where it is told to, and the place where several do

use std::convert::Infallible;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cred_model::{DocumentStore, DocumentStoreExt, Precondition, StoreError};
use cred_path::{DocumentName, Environment};
use cred_store::CredentialStore;
use tokio::runtime::{Builder, Runtime};

use crate::minio;

/// Tells a process that it is a contender, and where.
const PLACE: &str = "CRED_TEST_PLACE";

/// A location, and the environment that leads to it.
pub(crate) struct Place {
    location: String,
    environment: Vec<(&'static str, String)>,
}

impl Place {
    pub(crate) fn directory(path: &Path) -> Self {
        Self { location: path.to_str().unwrap().into(), environment: Vec::new() }
    }

    pub(crate) fn s3(location: impl Into<String>, variables: impl Into<Vec<(&'static str, String)>>) -> Self {
        Self { location: location.into(), environment: variables.into() }
    }

    /// A place of its own in the MinIO that `cargo xtask test` provides.
    pub(crate) fn minio() -> Self {
        Self::s3(format!("s3://{}/{}", minio::BUCKET, minio::fresh_prefix("processes")), minio::variables())
    }

    pub(crate) fn store(&self) -> Arc<dyn DocumentStore> {
        open(&self.location, self.environment.iter().cloned().collect())
    }
}

/// Where this process has to contend, if it is a contender.
pub(crate) fn store_of_this_process() -> Option<Arc<dyn DocumentStore>> {
    let environment = Environment::from_process();
    let location = environment.get(PLACE)?.to_owned();
    Some(open(&location, environment))
}

fn open(location: &str, environment: Environment) -> Arc<dyn DocumentStore> {
    let store = CredentialStore::builder().with_location(location).with_environment(environment).build().unwrap();
    Arc::clone(store.documents())
}

/// A running process that contends; it is killed when its owner panics.
#[derive(Debug)]
pub(crate) struct Contender {
    process: Child,
    answers: BufReader<UnixStream>,
}

impl Contender {
    /// Starts one and waits until it is ready: this very program, with `test` alone, which has to call [`contend`].
    ///
    /// Its standard input is a socket for both directions, as its standard output belongs to the test harness. When
    /// this process is gone, however it ends, the contender sees its input end and leaves too.
    pub(crate) fn enter(place: &Place, test: &str) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let process = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env_clear()
            .envs(place.environment.iter().cloned())
            .env(PLACE, &place.location)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut contender = Self { process, answers: BufReader::new(ours) };
        assert_eq!(contender.answer(), "ready");
        contender
    }

    /// Gives an order: `write|BODY|VERSION` or `add|TIMES`.
    pub(crate) fn tell(&mut self, order: &str) {
        writeln!(self.answers.get_mut(), "{order}").unwrap();
    }

    /// What has become of the oldest order without an answer.
    pub(crate) fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.strip_suffix('\n').expect("a contender died").to_owned()
    }

    /// Lets it leave.
    ///
    /// # Panics
    ///
    /// If it leaves otherwise than it should.
    pub(crate) fn leave(mut self) {
        self.answers.get_mut().shutdown(Shutdown::Write).unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "a contender left with {status}");
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // Neither does anything to one that has left.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Follows orders until there are no more.
pub(crate) fn contend(store: &dyn DocumentStore) {
    let mut answers = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().unwrap());
    let runtime = runtime();
    writeln!(answers, "ready").unwrap();
    for order in io::stdin().lines() {
        let answer = runtime.block_on(obey(store, &order.unwrap()));
        writeln!(answers, "{answer}").unwrap();
    }
}

async fn obey(store: &dyn DocumentStore, order: &str) -> String {
    match order.split('|').collect::<Vec<_>>()[..] {
        ["write", body, version] => {
            let precondition = Precondition::IfVersion(version.parse().unwrap());
            match store.put(&document(), body.to_owned().into(), precondition).await {
                Ok(version) => format!("won|{version}"),
                Err(StoreError::Conflict { .. }) => "conflict".into(),
                Err(error) => error.to_string(),
            }
        }
        ["add", times] => {
            let mut sums = Vec::new();
            for _ in 0..times.parse().unwrap() {
                let add = |sum: Option<usize>| Ok::<_, Infallible>(sum.unwrap_or(0) + 1);
                match store.update_json(&document(), add).await {
                    Ok(written) => sums.push(written.value.to_string()),
                    Err(error) => return error.to_string(),
                }
            }
            sums.join(" ")
        }
        _ => panic!("no order: {order:?}"),
    }
}

/// The one that all contend for.
pub(crate) fn document() -> DocumentName {
    "contended.json".parse().unwrap()
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
