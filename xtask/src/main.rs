//! Development tasks: `cargo xtask --help` lists them.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command: what it prints is what it is for")]

mod bench;
mod cache;
mod ci;
mod members;
mod minio;
mod outcome;
mod peers;
mod process;
mod python;
mod supervise;
mod test;
mod tidy;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::peers::Missing;

const HELP: &str = "\
Development tasks of this workspace.

Usage: cargo xtask <TASK>

Tasks:
  test    runs every test, beside the programs that it needs
  minio   runs a MinIO in the foreground, and prints the environment to use
  tidy    checks layers, licences, manifests and tracked files
  ci      checks everything, crate by crate, then runs every test
  bench   measures against peers

`cargo xtask <TASK> --help` says more.
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Request {
    Bench(Vec<String>),
    Ci(Missing),
    Help(&'static str),
    Minio,
    Test(Missing, Vec<String>),
    Tidy,
}

impl Request {
    fn parse(args: &[&str]) -> Result<Self> {
        let owned = |args: &[&str]| args.iter().map(ToString::to_string).collect();
        Ok(match args {
            [] | ["-h" | "--help" | "help"] => Self::Help(HELP),
            ["bench", "-h" | "--help"] => Self::Help(bench::HELP),
            ["bench"] => Self::Bench(Vec::new()),
            ["bench", "--", rest @ ..] => Self::Bench(owned(rest)),
            ["ci", "-h" | "--help"] => Self::Help(ci::HELP),
            ["ci"] => Self::Ci(Missing::Reported),
            ["ci", "--require-all"] => Self::Ci(Missing::Fails),
            ["minio", "-h" | "--help"] => Self::Help(minio::HELP),
            ["minio"] => Self::Minio,
            ["test", "-h" | "--help"] => Self::Help(test::HELP),
            ["test"] => Self::Test(Missing::Reported, Vec::new()),
            ["test", "--", rest @ ..] => Self::Test(Missing::Reported, owned(rest)),
            ["test", "--require-all"] => Self::Test(Missing::Fails, Vec::new()),
            ["test", "--require-all", "--", rest @ ..] => Self::Test(Missing::Fails, owned(rest)),
            ["tidy", "-h" | "--help"] => Self::Help(tidy::HELP),
            ["tidy"] => Self::Tidy,
            [task @ ("bench" | "ci" | "minio" | "test" | "tidy"), ..] => {
                bail!("cannot read `{}`; see: cargo xtask {task} --help", args.join(" "))
            }
            [task, ..] => bail!("there is no task {task:?}; see: cargo xtask --help"),
        })
    }

    /// Does it; `run` is a directory that is removed afterwards.
    fn run(self, run: &Path) -> Result<()> {
        match self {
            Self::Bench(args) => bench::run(run, &args),
            Self::Ci(missing) => ci::run(run, missing),
            Self::Help(text) => {
                print!("{text}");
                Ok(())
            }
            Self::Minio => minio::run(run),
            Self::Test(missing, args) => test::run(run, missing, &args),
            Self::Tidy => tidy::run(),
        }
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        [supervise::WORKER, run, args @ ..] => {
            let run = Path::new(run);
            supervise::end_with_supervisor(run.to_path_buf());
            Request::parse(args).and_then(|request| request.run(run)).map(|()| ExitCode::SUCCESS)
        }
        args => Request::parse(args).and_then(|_| supervise::run(args)),
    };
    done.unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_behind_two_dashes_is_passed_on() {
        let request = Request::parse(&["test", "--require-all", "--", "-p", "cred-path", "--", "--nocapture"]).unwrap();
        let passed_on = ["-p", "cred-path", "--", "--nocapture"].map(String::from).to_vec();
        assert_eq!(request, Request::Test(Missing::Fails, passed_on));
    }

    #[test]
    fn what_is_not_understood_names_the_help_to_read() {
        for (args, help) in [
            (&["tests"][..], "cargo xtask --help"),
            (&["test", "filter"], "cargo xtask test --help"),
            (&["ci", "--", "x"], "cargo xtask ci --help"),
        ] {
            assert!(Request::parse(args).unwrap_err().to_string().ends_with(help), "{args:?}");
        }
    }
}
