//! Python environments with the programs that our files must agree with: google-auth, workspace-mcp, boto3.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::cache::Cache;
use crate::process;

/// The pinned programs, the same for every Python.
const REQUIREMENTS: &str = "tests/python/requirements.txt";

/// A range of Pythons that read dates alike: `datetime.fromisoformat` takes a `Z` since 3.11.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Python {
    /// 3.10, the oldest that google-auth and workspace-mcp support.
    Oldest,
    /// 3.11 or newer.
    Current,
}

impl Python {
    /// The interpreter of an environment that holds the pinned programs.
    pub(crate) fn find(self, cache: &Cache) -> Result<PathBuf> {
        let pins =
            fs::read(process::root().join(REQUIREMENTS)).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
        let (interpreter, version) = self.interpreter()?;
        // A changed pin, or another interpreter, is another environment.
        let mut hash = Sha256::new();
        hash.update(&pins);
        hash.update(interpreter.as_os_str().as_encoded_bytes());
        let hash: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let environment = cache.ensure(&format!("python-{version}-{hash}"), |dir| install(&interpreter, dir))?;
        Ok(environment.join("bin/python"))
    }

    /// The first suitable interpreter that can make environments, and its version.
    fn interpreter(self) -> Result<(PathBuf, String)> {
        self.candidates()
            .filter_map(|file| Some((version(&file)?, file)))
            .find(|(version, _)| self.takes(version))
            .map(|(version, file)| (file, version))
            .with_context(|| format!("no {} with `venv` and `ensurepip` is on PATH or under pyenv", self.wanted()))
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Oldest => "Python 3.10",
            Self::Current => "Python 3.11 or newer",
        }
    }

    fn takes(self, version: &str) -> bool {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        match self {
            Self::Oldest => version == (3, 10),
            Self::Current => version >= (3, 11),
        }
    }

    /// Interpreters by their usual names, then pyenv's; each may be absent or of another version.
    fn candidates(self) -> impl Iterator<Item = PathBuf> {
        let minors = match self {
            Self::Oldest => 10..11,
            Self::Current => 11..20,
        };
        let names = minors.map(|minor| format!("python3.{minor}")).chain(["python3".into(), "python".into()]);
        names.filter_map(|name| process::on_path(&name)).chain(of_pyenv())
    }
}

fn of_pyenv() -> impl Iterator<Item = PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".pyenv")));
    let versions = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let mut dirs: Vec<_> = versions.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    dirs.sort();
    dirs.into_iter().map(|dir| dir.join("bin/python")).filter(|file| file.is_file())
}

/// The version of an interpreter that runs and can make environments; a shim of pyenv may do neither.
fn version(interpreter: &Path) -> Option<String> {
    let program = "import ensurepip, platform, venv; print(platform.python_version())";
    let output = process::output(Command::new(interpreter).args(["-I", "-c", program])).ok()?;
    Some(output.trim().to_owned())
}

fn install(interpreter: &Path, dir: &Path) -> Result<()> {
    let python = |program: &Path, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).current_dir(process::root()).stdin(Stdio::null());
        command
    };
    process::run(python(interpreter, &["-m", "venv"]).arg(dir))?;
    // The file lists everything that is needed, also what the listed need.
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"];
    process::run(python(&dir.join("bin/python"), &pip).arg(REQUIREMENTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_takes_its_own_versions() {
        for (version, oldest, current) in [
            ("2.7.18", false, false),
            ("3.9.18", false, false),
            ("3.10.13", true, false),
            ("3.11.7", false, true),
            ("3.14.0rc1", false, true),
        ] {
            assert_eq!((Python::Oldest.takes(version), Python::Current.takes(version)), (oldest, current), "{version}");
        }
    }

    #[test]
    fn a_program_that_is_no_python_is_passed_over() {
        assert_eq!(version(Path::new("/bin/false")), None);
        assert_eq!(version(Path::new("/nonexistent/python")), None);
    }
}
