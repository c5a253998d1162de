//! Runs every test, with the peers that some of them need beside them.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::outcome::{Ignored, Outcome};
use crate::peers::{Missing, Peer, Peers};
use crate::process;

pub(crate) const HELP: &str = "\
Runs every test of the workspace beside its peers: MinIO, two Pythons with google-auth, workspace-mcp and
boto3, strace, root. They are found, or made once and kept in a cache; docs/testing.md says where.
Tests whose peer is missing are ignored, and named at the end with the remedy.

Usage: cargo xtask test [--require-all] [-- ARGS]

Options:
  --require-all   fails if a peer is missing

ARGS go to `cargo test`, and those behind another `--` to the test programs:
  cargo xtask test -- -p cred-path
  cargo xtask test -- round_trip -- --nocapture
";

/// Runs every test; `args` narrow that down as they do for `cargo test`.
pub(crate) fn run(run: &Path, missing: Missing, args: &[String]) -> Result<()> {
    let peers = Peers::find(run, missing)?;
    let split = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (to_cargo, to_tests) = (&args[..split], args.get(split + 1..).unwrap_or_default());
    // Compiled apart, in the developer's own environment: cargo may need that to download.
    process::run(cargo_test(to_cargo).arg("--no-run"))?;

    let pass = |more: &[&str]| {
        let mut command = cargo_test(to_cargo);
        command.arg("--").args(to_tests).args(more);
        seal(&mut command, run)?;
        command.envs(peers.variables());
        watch(command, &mut io::stdout().lock())
    };
    let first = pass(if peers.are_complete() { &["--include-ignored"] } else { &[] })?;
    let (runnable, ignored) = sort(&first.ignored, |wanted| peers.have(wanted))?;
    let second = if runnable.is_empty() {
        Outcome::default()
    } else {
        pass(&[&["--ignored", "--exact"], runnable.as_slice()].concat())?
    };
    if second.passed + second.failed < runnable.len() {
        bail!("{} of the ignored tests have their peers, yet {} ran", runnable.len(), second.passed + second.failed);
    }

    let failed = first.failed + second.failed;
    eprintln!("\nIn all {} passed, {failed} failed, {} not run.", first.passed + second.passed, ignored.len());
    if !ignored.is_empty() {
        eprintln!("\nNOT RUN:");
        for Ignored { target, name, reason } in ignored {
            eprintln!("  {target} {name}: {reason}");
        }
        eprintln!("MISSING:{}", peers.remedies());
    }
    if failed > 0 {
        bail!("{failed} tests failed");
    }
    Ok(())
}

/// All targets and doctests of all crates, unless `args` choose others.
fn cargo_test(args: &[String]) -> Command {
    let chosen = args.iter().any(|arg| arg.starts_with("-p") || arg.starts_with("--package"));
    let mut command = process::cargo(["test", "--locked", "--all-features", "--no-fail-fast"]);
    command.args((!chosen).then_some("--workspace")).args(args);
    command
}

/// Keeps the developer's credentials, settings and home away from the tests, but not from cargo.
pub(crate) fn seal(command: &mut Command, run: &Path) -> Result<()> {
    let developers_home = env::home_dir().context("HOME is not set")?;
    for (variable, default) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        command.env(variable, env::var_os(variable).unwrap_or_else(|| developers_home.join(default).into()));
    }
    for (name, _) in env::vars_os().filter(|(name, _)| is_personal(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    for (variable, name) in [("HOME", "home"), ("TMPDIR", "tmp")] {
        let dir = run.join(name);
        fs::create_dir_all(&dir)?;
        command.env(variable, dir);
    }
    command.env("NO_PROXY", "127.0.0.1,localhost").env_remove("no_proxy");
    Ok(())
}

/// Whether a variable tells programs where this developer keeps things, or what they like.
fn is_personal(name: &str) -> bool {
    let begins = ["AWS_", "CLOUDSDK_", "CRED_", "GOOGLE_", "MINIO_", "WORKSPACE_MCP_", "XDG_"];
    let is = ["NO_COLOR", "PYTHONHOME", "PYTHONPATH", "RUST_LOG"];
    // Settings of the build, which a change would make cargo repeat.
    let of_the_build = name.starts_with("AWS_LC_");
    is.contains(&name) || begins.iter().any(|prefix| name.starts_with(prefix)) && !of_the_build
}

/// Runs `cargo test`, passing what it prints on to `output` while reading it.
fn watch(mut command: Command, output: &mut impl Write) -> Result<Outcome> {
    eprintln!("\n$ {}", process::shown(&command));
    // One pipe for both streams keeps their lines in order.
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn().context("cannot start cargo")?;
    // It holds the writing ends, without which the reader sees the end.
    drop(command);

    let mut outcome = Outcome::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        output.write_all(&line)?;
        output.write_all(b"\n")?;
        outcome.read(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    if outcome.ignored.len() != outcome.ignored_by_count {
        bail!("{} tests were ignored, {} of them by name", outcome.ignored_by_count, outcome.ignored.len());
    }
    if !status.success() && outcome.failed == 0 {
        bail!("cargo test: {status}, although no test failed: see above");
    }
    Ok(outcome)
}

/// Parts ignored tests into the names of those whose peers are there, and the others.
fn sort(ignored: &[Ignored], have: impl Fn(&[Peer]) -> bool) -> Result<(Vec<&str>, Vec<&Ignored>)> {
    let (mut runnable, mut others) = (Vec::new(), Vec::new());
    for test in ignored {
        let Some(wanted) = Peer::of_reason(&test.reason) else {
            bail!(
                "{} {} is ignored for no reason that a peer could mend ({:?}); see docs/testing.md",
                test.target,
                test.name,
                test.reason
            );
        };
        if have(&wanted) { runnable.push(test.name.as_str()) } else { others.push(test) }
    }
    Ok((runnable, others))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn ignored(name: &str, reason: &str) -> Ignored {
        Ignored { target: "s3".into(), name: name.into(), reason: reason.into() }
    }

    #[test]
    fn an_ignored_test_runs_if_its_peers_are_there_and_is_named_if_not() {
        let tests = [ignored("over_minio", "needs MinIO"), ignored("interop", "needs MinIO and Python")];
        let (runnable, others) = sort(&tests, |wanted| wanted == [Peer::MinIo]).unwrap();
        assert_eq!((runnable, others), (vec!["over_minio"], vec![&tests[1]]));
    }

    #[test]
    fn a_test_ignored_for_another_reason_fails_the_run() {
        let error = sort(&[ignored("later", "flaky")], |_| true).unwrap_err();
        assert!(error.to_string().contains("s3 later"), "{error}");
    }

    #[test]
    fn tests_see_neither_the_developers_home_nor_credentials() {
        let run = tempfile::tempdir().unwrap();
        let mut command = Command::new("env");
        seal(&mut command, run.path()).unwrap();
        let set: Vec<_> = command.get_envs().collect();
        assert!(set.contains(&(OsStr::new("HOME"), Some(run.path().join("home").as_os_str()))));
        for name in ["AWS_ACCESS_KEY_ID", "GOOGLE_MCP_CREDENTIALS_DIR", "CRED_TEST_PYTHON", "XDG_STATE_HOME"] {
            assert!(is_personal(name), "{name}");
        }
        for name in ["PATH", "AWS_LC_SYS_CMAKE_BUILDER", "CARGO_TARGET_DIR"] {
            assert!(!is_personal(name), "{name}");
        }
    }

    #[test]
    fn a_run_that_fails_without_a_failed_test_is_an_error() {
        let mut crash = Command::new("sh");
        crash.args(["-c", "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; exit 101"]);
        assert!(watch(crash, &mut io::sink()).is_err());

        let mut failure = Command::new("sh");
        failure.args(["-c", "echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'; exit 101"]);
        assert_eq!(watch(failure, &mut io::sink()).unwrap().failed, 2);
    }
}
