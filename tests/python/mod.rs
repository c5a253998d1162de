//! The Python programs beside us: google-auth, workspace-mcp and boto3, asked through `peer.py`

use std::{env, ffi::OsStr, path::Path, process::Command};

use serde_json::Value;

/// One interpreter with the packages of `requirements.txt`.
#[derive(Debug)]
pub(crate) struct Python {
    interpreter: String,
}

impl Python {
    /// Those that `cargo xtask test` prepares: 3.10, the last with a narrow date parser, and a newer one.
    pub(crate) fn both() -> [Self; 2] {
        ["CRED_TEST_PYTHON_310", "CRED_TEST_PYTHON"].map(|variable| {
            let interpreter = env::var(variable)
                .unwrap_or_else(|_| panic!("{variable} names no Python interpreter; run `cargo xtask test`"));
            Self { interpreter }
        })
    }

    /// Runs a command of `peer.py`, which prints `N` JSON values.
    pub(crate) fn peer<const N: usize>(&self, arguments: &[&OsStr]) -> [Value; N] {
        let printed = self.run("python/peer.py", arguments);
        let values: Vec<_> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        values.try_into().unwrap()
    }

    /// Runs `script` of this package in an empty environment; what it prints.
    ///
    /// # Panics
    ///
    /// When the script fails, with what it printed.
    pub(crate) fn run(&self, script: &str, arguments: &[&OsStr]) -> String {
        let output = Command::new(&self.interpreter)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .args(arguments)
            .env_clear()
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let complaints = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{script} {arguments:?} by {self:?}: {printed}{complaints}");
        printed
    }
}
