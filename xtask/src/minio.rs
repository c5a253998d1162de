//! MinIO, the independent S3 server of the tests: found or built, started on free loopback ports.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::cache::Cache;
use crate::process;

pub(crate) const HELP: &str = "\
Runs a MinIO in the foreground, on free loopback ports, with a directory of its own, and prints the
environment to use. Ctrl-C stops it; nothing is kept.

Usage: cargo xtask minio
";

const ENDPOINT: &str = "CRED_TEST_S3_ENDPOINT";
const ACCESS_KEY_ID: &str = "CRED_TEST_S3_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "CRED_TEST_S3_SECRET_ACCESS_KEY";

/// The last version: the project is archived.
const VERSION: &str = "v0.0.0-20260212201848-7aac2a2c5b7c";
/// The last published image.
const IMAGE: &str = "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z";
/// A bucket that is there from the start, to try things in.
const BUCKET: &str = "cred-test";
/// From start to readiness takes two seconds on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What MinIO keeps, in the directory of the run.
const DATA: &str = "minio";
/// What MinIO says, in the directory of the run.
const LOG: &str = "minio.log";

/// A server that answers, and its root keys.
pub(crate) struct Server {
    endpoint: String,
    access_key_id: String,
    secret_access_key: String,
}

/// A MinIO of ours. It ends with the process group of the run; a container ends with its standard input.
pub(crate) struct Running {
    child: Child,
    _stdin: Option<ChildStdin>,
}

/// How a MinIO of ours is started.
#[derive(Debug)]
enum Program {
    File(PathBuf),
    /// Not tested: none of the machines that this was written on runs containers.
    Container(PathBuf),
}

/// Runs a MinIO until it is interrupted.
pub(crate) fn run(run: &Path) -> Result<()> {
    let log = run.join(LOG);
    let (server, mut running) = start(&program(&Cache::open()?)?, run)?;
    println!("# MinIO answers; Ctrl-C stops it, and nothing is kept. In another terminal, for the tests:");
    for (name, value) in server.variables() {
        println!("export {name}={value}");
    }
    println!("# and to try `cred --store s3://{BUCKET}/ list`:");
    println!("export AWS_ENDPOINT_URL_S3={} AWS_REGION=us-east-1", server.endpoint);
    println!("export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}", server.access_key_id, server.secret_access_key);
    let status = running.child.wait()?;
    bail!("MinIO ended by itself, {status}: {}", process::last_line(&fs::read_to_string(log)?))
}

impl Server {
    /// What tests learn the server from.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 3] {
        [(ENDPOINT, &self.endpoint), (ACCESS_KEY_ID, &self.access_key_id), (SECRET_ACCESS_KEY, &self.secret_access_key)]
    }
}

/// The server that the environment names, or else one of ours.
pub(crate) fn find(cache: &Cache, run: &Path) -> Result<(Server, Option<Running>)> {
    match given(|name| env::var(name).ok())? {
        Some(server) => Ok((server, None)),
        None => start(&program(cache)?, run).map(|(server, running)| (server, Some(running))),
    }
}

fn start(program: &Program, run: &Path) -> Result<(Server, Running)> {
    // Another process may take a free port before MinIO does.
    attempt(program, run).or_else(|_| attempt(program, run))
}

fn attempt(program: &Program, run: &Path) -> Result<(Server, Running)> {
    let [address, console] = free_addresses()?;
    let server = Server {
        endpoint: format!("http://{address}"),
        access_key_id: hex(&random::<8>()?),
        secret_access_key: hex(&random::<16>()?),
    };
    // To MinIO, a directory below its data is a bucket.
    fs::create_dir_all(run.join(DATA).join(BUCKET))?;
    let log = run.join(LOG);

    let mut command = match program {
        Program::File(file) => on_this_machine(file, address, console, run),
        Program::Container(engine) => in_a_container(engine, address),
    };
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MINIO_")) {
        command.env_remove(name);
    }
    let mut child = command
        .env("MINIO_ROOT_USER", &server.access_key_id)
        .env("MINIO_ROOT_PASSWORD", &server.secret_access_key)
        .env("MINIO_KMS_SECRET_KEY", format!("test-key:{}", BASE64_STANDARD.encode(random::<32>()?)))
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?)
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::shown(&command)))?;

    let start = Instant::now();
    while !is_ready(address) {
        if child.try_wait()?.is_some() || start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("MinIO does not start: {}", process::last_line(&fs::read_to_string(&log)?));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok((server, Running { _stdin: child.stdin.take(), child }))
}

/// The server that the variables name, if they do.
fn given(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Server>> {
    let Some(endpoint) = variable(ENDPOINT) else { return Ok(None) };
    let key = |name| variable(name).with_context(|| format!("{ENDPOINT} is set, {name} is not; set both, or neither"));
    let (access_key_id, secret_access_key) = (key(ACCESS_KEY_ID)?, key(SECRET_ACCESS_KEY)?);
    Ok(Some(Server { endpoint, access_key_id, secret_access_key }))
}

/// A MinIO on `PATH`, in the cache, built into the cache, or in a container; the first that there is.
fn program(cache: &Cache) -> Result<Program> {
    if let Some(file) = process::on_path("minio") {
        return Ok(Program::File(file));
    }
    cache.ensure(&format!("minio-{VERSION}"), build).map(|dir| Program::File(dir.join("minio"))).or_else(|error| {
        let runs = |engine: &PathBuf| process::output(Command::new(engine).arg("info")).is_ok();
        let engine = ["docker", "podman"].into_iter().filter_map(process::on_path).find(runs);
        engine.map(Program::Container).ok_or(error)
    })
}

fn build(dir: &Path) -> Result<()> {
    let go = process::on_path("go").context("neither `minio` nor `go` is on PATH")?;
    eprintln!("Building MinIO, once, in about five minutes");
    process::run(
        Command::new(go)
            .args(["install", "-ldflags", "-s -w", &format!("github.com/minio/minio@{VERSION}")])
            .current_dir(dir)
            .env("GOBIN", dir)
            .env("CGO_ENABLED", "0")
            .stdin(Stdio::null()),
    )
}

fn on_this_machine(file: &Path, address: SocketAddr, console: SocketAddr, run: &Path) -> Command {
    let mut command = Command::new(file);
    command.args(["server", "--quiet", "--address", &address.to_string(), "--console-address", &console.to_string()]);
    // In the developer's home it might find certificates.
    command.arg(run.join(DATA)).env("HOME", run).stdin(Stdio::null());
    command
}

fn in_a_container(engine: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(engine);
    command.args(["run", "--rm", "--interactive", "--publish", &format!("{address}:9000"), "--entrypoint", "sh"]);
    // A variable without a value is taken from our environment, so that no key is ever an argument.
    command.args(["--env", "MINIO_ROOT_USER", "--env", "MINIO_ROOT_PASSWORD", "--env", "MINIO_KMS_SECRET_KEY"]);
    command.args([IMAGE, "-c", &format!("mkdir -p /data/{BUCKET} && minio server --quiet /data & cat && kill $!")]);
    command.stdin(Stdio::piped());
    command
}

fn free_addresses() -> Result<[SocketAddr; 2]> {
    let [one, other] = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    Ok([one.local_addr()?, other.local_addr()?])
}

/// Whether MinIO's own readiness check says so.
fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET /minio/health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status)?;
        Ok(status)
    };
    ask().is_ok_and(|status| status.starts_with("HTTP/1.1 200 "))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_its_keys_is_refused_by_name() {
        let none = given(|_| None).unwrap();
        assert!(none.is_none());
        let error = given(|name| (name != SECRET_ACCESS_KEY).then(|| "x".into())).err().unwrap();
        assert!(error.to_string().contains(SECRET_ACCESS_KEY), "{error}");
    }

    #[test]
    fn only_a_server_that_says_so_is_ready() {
        for (answer, ready) in [("HTTP/1.1 200 OK\r\n\r\n", true), ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false)]
        {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                // Unread bytes would turn the close into a reset, which may overtake the answer.
                let request = BufReader::new(stream.try_clone().unwrap());
                request.lines().find(|line| line.as_ref().unwrap().is_empty()).unwrap().unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(is_ready(address), ready);
            server.join().unwrap();
            assert!(!is_ready(address));
        }
    }
}
