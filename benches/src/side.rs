//! The work that is compared, and our way of doing it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use async_trait::async_trait;
use bytes::Bytes;
use cred_model::{Credential, DocumentStore, Precondition};
use cred_path::UserId;
use cred_store::{CredentialStore, Stored};
use serde::{Deserialize, Serialize};

/// A credential as Google's tokens make it, 747 bytes.
pub(crate) const PAYLOAD: &[u8] = include_bytes!("credential.json");

/// One way of doing the work. Each worker has a document of its own.
#[async_trait]
pub(crate) trait Side: Send + Sync {
    /// Reads the bytes of the document.
    async fn get(&self, worker: usize) -> Result<()>;
    /// Replaces the bytes of the document, whatever they are.
    async fn put(&self, worker: usize) -> Result<()>;
    /// Reads and decodes the credential.
    async fn load(&self, worker: usize) -> Result<()>;
    /// Encodes the credential and replaces the one that this worker wrote last.
    async fn save(&self, worker: usize) -> Result<()>;
}

#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Get,
    Put,
    Load,
    Save,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [Self::Get, Self::Put, Self::Load, Self::Save];

    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Put | Self::Save)
    }

    pub(crate) async fn run(self, side: &dyn Side, worker: usize) -> Result<()> {
        match self {
            Self::Get => side.get(worker).await,
            Self::Put => side.put(worker).await,
            Self::Load => side.load(worker).await,
            Self::Save => side.save(worker).await,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Load => "load",
            Self::Save => "save",
        })
    }
}

/// Our stores and our facade.
pub(crate) struct Ours {
    documents: Arc<dyn DocumentStore>,
    credentials: CredentialStore,
    credential: Credential,
    users: Vec<UserId>,
    saved: Vec<Mutex<Stored>>,
}

impl Ours {
    /// Saves the first credential of each worker.
    pub(crate) async fn new(documents: Arc<dyn DocumentStore>, workers: usize) -> Result<Self> {
        let credentials = CredentialStore::over(Arc::clone(&documents));
        let credential = Credential::from_json(PAYLOAD)?;
        let users: Vec<_> = (0..workers).map(user).collect();
        let mut saved = Vec::new();
        for user in &users {
            saved.push(Mutex::new(credentials.save(user, &credential).await?.stored));
        }
        Ok(Self { documents, credentials, credential, users, saved })
    }
}

#[async_trait]
impl Side for Ours {
    async fn get(&self, worker: usize) -> Result<()> {
        self.documents.get(&self.users[worker].document_name()).await?.map(drop).context("it was put")
    }

    async fn put(&self, worker: usize) -> Result<()> {
        let name = self.users[worker].document_name();
        let version = self.documents.put(&name, Bytes::from_static(PAYLOAD), Precondition::Always).await?;
        current(&self.saved[worker]).version = version;
        Ok(())
    }

    async fn load(&self, worker: usize) -> Result<()> {
        self.credentials.load(&self.users[worker]).await?.map(drop).context("it was saved")
    }

    async fn save(&self, worker: usize) -> Result<()> {
        let last = current(&self.saved[worker]).clone();
        let saved = self.credentials.save(&self.users[worker], &self.credential).over(&last).await?;
        *current(&self.saved[worker]) = saved.stored;
        Ok(())
    }
}

/// A credential as one would declare it without us.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Plain {
    token: Option<String>,
    refresh_token: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scopes: Option<Vec<String>>,
    expiry: Option<String>,
}

pub(crate) fn plain(body: &[u8]) -> Result<Plain> {
    Ok(serde_json::from_slice(body)?)
}

pub(crate) fn user(worker: usize) -> UserId {
    UserId::new(format!("user-{worker}@example.com")).expect("an address is an id")
}

/// What a worker has last written; nobody else asks for it at the same time.
pub(crate) fn current<T>(last: &Mutex<T>) -> MutexGuard<'_, T> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}
