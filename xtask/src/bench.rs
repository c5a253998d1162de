//! Runs the benchmarks, which live outside the workspace with their own lock file.

use std::path::Path;

use anyhow::Result;

use crate::peers::{Missing, Peers};
use crate::process;

pub(crate) const HELP: &str = "\
Measures against peers: builds the package in benches/ in release mode and runs it, beside a MinIO if
one can be had.

Usage: cargo xtask bench [-- ARGS]

ARGS go to the benchmark program; see: cargo xtask bench -- --help
";

/// Runs the benchmarks with `args`.
pub(crate) fn run(run: &Path, args: &[String]) -> Result<()> {
    let peers = Peers::find(run, Missing::Reported)?;
    let manifest = ["run", "--release", "--locked", "--manifest-path", "benches/Cargo.toml", "--"];
    process::run(process::cargo(manifest).args(args).envs(peers.variables()))
}
