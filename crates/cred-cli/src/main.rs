//! The operator's command for stores of Google OAuth credentials.

mod answer;
mod args;
mod commands;
mod consent;
mod fix;
mod log;
mod message;
mod output;

use std::panic;
use std::process::ExitCode;

use cred_path::Environment;
use tokio::runtime;

use crate::args::Cli;
use crate::message::{Code, Failure};
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let environment = Environment::from_process();
    let output = Output::new(&cli, &environment);
    let outcome = log::start(&cli.global, &environment, &output).and_then(|()| run(cli, environment, output));
    outcome.unwrap_or_else(|failure| output.fail(&failure)).into()
}

/// Runs the command on a thread of its own, so that an interrupt is heard here whatever the command waits for.
fn run(cli: Cli, environment: Environment, output: Output) -> Result<Code, Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot wait for events", &error))?;
    let handle = runtime.handle().clone();
    let command = move || handle.block_on(commands::run(cli, environment, output));
    let outcome = runtime.block_on(async {
        let _file_too_large = hear_file_too_large();
        tokio::select! {
            biased;
            Ok(()) = tokio::signal::ctrl_c() => {
                Err(Failure::new(Code::Interrupted, "interrupted").with_note("what was under way may have happened"))
            }
            ended = async { tokio::task::spawn_blocking(command).await } => match ended {
                Ok(outcome) => outcome,
                Err(error) => panic::resume_unwind(error.into_panic()),
            },
        }
    });
    // A thread that still waits for standard input must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// A write beyond the limit for files is an error then, and not the end of the process.
#[cfg(unix)]
fn hear_file_too_large() -> Option<tokio::signal::unix::Signal> {
    /// The same number on every Unix that Rust's standard library knows, but for MIPS.
    const SIGXFSZ: i32 = 25;
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)).ok()
}

#[cfg(not(unix))]
fn hear_file_too_large() {}
