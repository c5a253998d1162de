//! What the libraries log, on standard error.

use cred_path::Environment;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

use crate::args::Global;
use crate::message::{Code, Failure};
use crate::output::Output;

/// Starts logging: as `-v` and `-q` say, else as `CRED_LOG` says, else warnings alone.
pub(crate) fn start(global: &Global, environment: &Environment, output: &Output) -> Result<(), Failure> {
    // What a search skips is told as a note; the names of our crates begin with `cred`.
    let default = if global.quiet { "off" } else { "warn,cred_store::find=error" };
    let directives = match (global.verbose, environment.get("CRED_LOG")) {
        (0, Some(_)) if global.quiet => default,
        (0, Some(directives)) => directives,
        (0, None) => default,
        (1, _) => "warn,cred=info",
        (2, _) => "warn,cred=debug",
        (_, _) => "trace",
    };
    let filter = EnvFilter::builder().parse(directives).map_err(|error| {
        Failure::new(Code::Permission, format!("CRED_LOG is no log filter: {directives:?}"))
            .with_cause(error.to_string())
            .with_fix("set CRED_LOG to a level, such as info, or to cred=debug,warn")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        // What fails is told by the command itself.
        .with_writer(std::io::stderr.with_filter(|event| *event.level() != LevelFilter::ERROR))
        .with_ansi(output.has_stderr_style())
        .without_time()
        .init();
    Ok(())
}
