//! The independent programs that some tests need beside them: found, started, or missed by name.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Error, Result, bail};

use crate::cache::Cache;
use crate::minio::{self, Running};
use crate::process;
use crate::python::Python;

/// What a test needs beside it, as its `#[ignore = "needs …"]` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Peer {
    MinIo,
    /// Both of them: a test that reads dates wants to see each.
    Python,
    /// The right to mount, in a namespace of one's own.
    Root,
    Strace,
}

/// What becomes of tests whose peer is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Missing {
    /// They are ignored, and named at the end with the remedy.
    Reported,
    /// The run fails before it begins.
    Fails,
}

/// The peers that are there, and the reasons why others are not. A server runs until this run ends.
pub(crate) struct Peers {
    variables: Vec<(&'static str, OsString)>,
    missing: Vec<(Peer, Error)>,
    _minio: Option<Running>,
}

impl Peer {
    const ALL: [Self; 4] = [Self::MinIo, Self::Python, Self::Root, Self::Strace];

    /// The peers in a reason like `needs MinIO and Python`; `None` if it is not one of that form.
    pub(crate) fn of_reason(reason: &str) -> Option<Vec<Self>> {
        let named = |name: &str| Self::ALL.into_iter().find(|peer| peer.to_string() == name);
        reason.strip_prefix("needs ")?.split(" and ").map(named).collect()
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::MinIo => {
                "install Go 1.24 or newer, put `minio` on PATH, or set CRED_TEST_S3_ENDPOINT and its two keys"
            }
            Self::Python => {
                "have Pythons 3.10 and 3.11 or newer with venv (pyenv install 3.10 3.11), and an index that pip can reach"
            }
            Self::Root => "run it as root, where that may mount (`unshare --mount true`)",
            Self::Strace => "install strace, where processes may be traced (`strace true`)",
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MinIo => "MinIO",
            Self::Python => "Python",
            Self::Root => "root",
            Self::Strace => "strace",
        })
    }
}

impl Peers {
    /// Finds, makes and starts what it can.
    ///
    /// # Errors
    ///
    /// Where `missing` says so, the names, reasons and remedies of all that is not there.
    pub(crate) fn find(run: &Path, missing: Missing) -> Result<Self> {
        let cache = Cache::open()?;
        let (mut variables, mut absent) = (Vec::new(), Vec::new());
        for (variable, python) in [("CRED_TEST_PYTHON_310", Python::Oldest), ("CRED_TEST_PYTHON", Python::Current)] {
            match python.find(&cache) {
                Ok(interpreter) => variables.push((variable, interpreter.into_os_string())),
                Err(error) => absent.push((Peer::Python, error)),
            }
        }
        for (peer, probe) in
            [(Peer::Root, &["unshare", "--mount", "true"][..]), (Peer::Strace, &["strace", "-o", "/dev/null", "true"])]
        {
            if let Err(error) = process::output(Command::new(probe[0]).args(&probe[1..])) {
                absent.push((peer, error));
            }
        }
        let mut minio = None;
        match minio::find(&cache, run) {
            Ok((server, running)) => {
                variables.extend(server.variables().map(|(name, value)| (name, value.into())));
                minio = running;
            }
            Err(error) => absent.push((Peer::MinIo, error)),
        }
        let peers = Self { variables, missing: absent, _minio: minio };
        if missing == Missing::Fails && !peers.are_complete() {
            bail!("tests would not run, because a peer is missing:{}", peers.remedies());
        }
        Ok(peers)
    }

    /// What tests learn their peers from.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &OsString)> {
        self.variables.iter().map(|(name, value)| (*name, value))
    }

    /// Whether every one of `wanted` is there.
    pub(crate) fn have(&self, wanted: &[Peer]) -> bool {
        wanted.iter().all(|peer| self.missing.iter().all(|(missing, _)| missing != peer))
    }

    /// Whether every peer is there.
    pub(crate) fn are_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// For each missing peer, why it is missing and what to do.
    pub(crate) fn remedies(&self) -> String {
        let lines =
            self.missing.iter().map(|(peer, error)| format!("\n  {peer}: {error:#}\n    fix: {}", peer.remedy()));
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_peers_and_nothing_else() {
        assert_eq!(Peer::of_reason("needs MinIO"), Some(vec![Peer::MinIo]));
        assert_eq!(Peer::of_reason("needs MinIO and Python"), Some(vec![Peer::MinIo, Peer::Python]));
        for other in ["", "slow", "needs MinIo", "needs Python 3.10", "needs"] {
            assert_eq!(Peer::of_reason(other), None, "{other}");
        }
    }

    #[test]
    fn what_needs_a_missing_peer_is_not_had() {
        let missing = vec![(Peer::MinIo, Error::msg("no go"))];
        let peers = Peers { variables: Vec::new(), missing, _minio: None };
        assert!(peers.have(&[Peer::Python]));
        assert!(!peers.have(&[Peer::Python, Peer::MinIo]));
        assert!(peers.remedies().contains("MinIO: no go\n    fix: install Go"));
    }
}
