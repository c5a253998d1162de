//! What takes minutes to make is made once per machine: MinIO's program, and Python environments.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::{env, io};

use anyhow::{Context, Result};

/// A directory outside the repository, so that it survives `git clean` and `cargo clean` and serves every checkout:
/// `$XDG_CACHE_HOME/cred-store-xtask`, or else `~/.cache/cred-store-xtask`.
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens the cache of this user.
    pub(crate) fn open() -> Result<Self> {
        let base = env::var_os("XDG_CACHE_HOME")
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))
            .context("no place for a cache: set HOME or XDG_CACHE_HOME")?;
        Self::at(base.join("cred-store-xtask"))
    }

    fn at(dir: PathBuf) -> Result<Self> {
        fs::create_dir_all(&dir).with_context(|| format!("cannot make the cache {}", dir.display()))?;
        Ok(Self { dir })
    }

    /// The directory `name`, filled by `make` unless it is there.
    ///
    /// `make` works on another directory, which becomes this one when it is done: what is half made never counts.
    /// Two tasks do not make the same thing at once; the second waits.
    pub(crate) fn ensure(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let made = self.dir.join(name);
        if made.exists() {
            return Ok(made);
        }
        let lock = File::create(self.dir.join("lock"))?;
        lock.lock()?;
        if !made.exists() {
            let partial = self.dir.join(format!("{name}.partial"));
            match fs::remove_dir_all(&partial) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => fs::create_dir(&partial)?,
            }
            make(&partial)?;
            fs::rename(&partial, &made)?;
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn what_is_half_made_is_made_again_from_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache")).unwrap();
        let half = cache.ensure("thing", |dir| {
            fs::write(dir.join("half"), "")?;
            bail!("interrupted")
        });
        assert!(half.is_err());

        let thing = cache.ensure("thing", |dir| Ok(fs::write(dir.join("whole"), "")?)).unwrap();
        let names: Vec<_> = fs::read_dir(&thing).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["whole"]);
        assert_eq!(cache.ensure("thing", |_| bail!("made twice")).unwrap(), thing);
    }
}
