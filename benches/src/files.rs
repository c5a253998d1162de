//! A directory without us: what one writes with `std::fs` to be atomic, durable and private.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Result;
use async_trait::async_trait;

use crate::side::{PAYLOAD, Plain, Side, plain};

/// One file in a directory.
pub(crate) struct Files {
    directory: PathBuf,
    plain: Plain,
}

impl Files {
    pub(crate) fn new(directory: PathBuf) -> Result<Self> {
        fs::DirBuilder::new().mode(0o700).create(&directory)?;
        replace(&directory, PAYLOAD)?;
        Ok(Self { directory, plain: plain(PAYLOAD)? })
    }

    async fn run(&self, work: impl FnOnce(&Path) -> Result<()> + Send + 'static) -> Result<()> {
        let directory = self.directory.clone();
        tokio::task::spawn_blocking(move || work(&directory)).await?
    }
}

#[async_trait]
impl Side for Files {
    async fn get(&self, _worker: usize) -> Result<()> {
        self.run(|directory| read(directory).map(drop)).await
    }

    async fn put(&self, _worker: usize) -> Result<()> {
        self.run(|directory| replace(directory, PAYLOAD)).await
    }

    async fn load(&self, _worker: usize) -> Result<()> {
        self.run(|directory| plain(&read(directory)?).map(drop)).await
    }

    async fn save(&self, _worker: usize) -> Result<()> {
        let plain = self.plain.clone();
        self.run(move |directory| replace(directory, &serde_json::to_vec_pretty(&plain)?)).await
    }
}

const FILE: &str = "user-0@example.com.json";

fn read(directory: &Path) -> Result<Vec<u8>> {
    Ok(fs::read(directory.join(FILE))?)
}

fn replace(directory: &Path, body: &[u8]) -> Result<()> {
    let temporary = directory.join(".tmp");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(body)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(FILE))?;
    Ok(File::open(directory)?.sync_all()?)
}
