//! The embedded S3 server in a process of its own, so that its processor time is not ours.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result};
use cred_conformance::S3Server;

use crate::objects::Site;

/// The argument that makes this program the server.
pub(crate) const SERVE: &str = "serve";

/// Serves until standard input closes; prints endpoint and keys.
pub(crate) fn serve() -> Result<()> {
    let server = Arc::new(S3Server::start());
    server.objects().create_bucket(Site::BUCKET);
    println!("{} {} {}", server.endpoint(), server.access_key_id(), server.secret_access_key());
    // It keeps a log of requests, which nobody reads here.
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            server.take_requests();
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// A running server; it ends when this is dropped, or when this process ends.
pub(crate) struct Embedded {
    process: Child,
    site: Site,
}

impl Embedded {
    pub(crate) fn start() -> Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the embedded server")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("standard output is a pipe")?).read_line(&mut line)?;
        let mut words = line.split_whitespace().map(String::from);
        let mut word = || words.next().context("the embedded server did not start");
        let site = Site { endpoint: word()?, access_key_id: word()?, secret_access_key: word()? };
        Ok(Self { process, site })
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // An error would mean that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
