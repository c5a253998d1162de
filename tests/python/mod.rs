//! The Python programs beside us: google-auth, workspace-mcp and boto3, asked through `peer.py`

use std::{env, fmt, path::Path, process::Command};

use serde_json::Value;

/// One interpreter with the packages of `requirements.txt`.
pub(crate) struct Python {
    interpreter: String,
    environment: Vec<(&'static str, String)>,
}

impl Python {
    /// Those that `cargo xtask test` prepares: 3.10, the last with a narrow date parser, and a newer one.
    pub(crate) fn both() -> [Self; 2] {
        ["CRED_TEST_PYTHON_310", "CRED_TEST_PYTHON"].map(|variable| {
            let interpreter = env::var(variable)
                .unwrap_or_else(|_| panic!("{variable} names no Python interpreter; run `cargo xtask test`"));
            Self { interpreter, environment: Vec::new() }
        })
    }

    /// Lets it see `variables`, and otherwise none.
    pub(crate) fn with_environment(mut self, variables: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.environment = variables.into_iter().collect();
        self
    }

    /// Runs a command of `peer.py`; the JSON values it prints.
    pub(crate) fn peer(&self, arguments: &[&str]) -> Vec<Value> {
        let printed = self.run("python/peer.py", arguments);
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs `script` of this package; what it prints.
    ///
    /// # Panics
    ///
    /// When the script fails, with what it printed.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> String {
        let output = Command::new(&self.interpreter)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let complaints = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{script} {arguments:?} by {self:?}: {printed}{complaints}");
        printed
    }
}

impl fmt::Debug for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There are keys in the environment.
        f.write_str(&self.interpreter)
    }
}
