//! Leaves nothing running: a supervisor, which is all that a terminal sees, around a worker in a process group of its own.
//!
//! The worker and everything that it starts (cargo, test programs, MinIO) share the group. When the worker ends, however
//! it ends, or the supervisor is interrupted, the supervisor kills the group, waits until each of its processes is gone
//! and removes the directory of the run. Should the supervisor itself be killed, the worker sees its standard input
//! end, and sees to the same.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::{env, io, thread};

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The first argument of a worker; the directory of the run follows.
pub(crate) const WORKER: &str = "--worker-in";

/// Runs this program again, as a worker with `args`, until it and everything that it started is gone.
pub(crate) fn run(args: &[&str]) -> Result<ExitCode> {
    let run = tempfile::Builder::new().prefix("cred-store-xtask-").tempdir().context("cannot make a directory")?;
    let mut signals = Signals::new([SIGCHLD, SIGHUP, SIGINT, SIGTERM])?;
    // What loses its parent within the group becomes our child, so that we can wait for it.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut worker = Command::new(this_program()?)
        .arg(WORKER)
        .arg(run.path())
        .args(args)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("cannot start the worker")?;
    let group = Pid::from_child(&worker);

    let mut interrupted = None;
    for signal in signals.forever() {
        if signal != SIGCHLD {
            interrupted = Some(signal);
            break;
        }
        // The worker stays unreaped, so that nobody else can be given the number of its group.
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if rustix::process::waitid(WaitId::Pid(group), ended)?.is_some() {
            break;
        }
    }
    rustix::process::kill_process_group(group, Signal::KILL)?;
    let status = worker.wait()?;
    while rustix::process::waitpgid(group, WaitOptions::empty()).is_ok() {}
    run.close().context("cannot remove the directory of this run")?;

    let code = interrupted.map(|signal| 128 + signal).or(status.code()).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Lets this worker's whole group end, and then `run` vanish, as soon as the supervisor is no more.
pub(crate) fn end_with_supervisor(run: PathBuf) {
    thread::spawn(move || {
        // Nobody writes here, and nobody is left to hear of an error.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        // Outside the group, and begins when its own standard input ends: with this process.
        let remove = ["-c", "cat; exec rm -rf \"$0\""];
        let _remover = Command::new("sh").args(remove).arg(run).stdin(Stdio::piped()).process_group(0).spawn();
        let _ = rustix::process::kill_process_group(rustix::process::getpgrp(), Signal::KILL);
    });
}

/// This very program, even if cargo has since replaced the file.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { env::current_exe() }
}
