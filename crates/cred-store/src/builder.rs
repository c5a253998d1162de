//! From a location and settings to a store.

use std::sync::Arc;
use std::time::Duration;

use cred_model::{DocumentStore, StoreError};
use cred_path::{Environment, Location};
use tracing::info;

use crate::{CredentialStore, Error};

/// Settings of a [`CredentialStore`]; what is not set comes from the environment, or has a default.
#[derive(Clone, Debug)]
pub struct Builder {
    location: Option<String>,
    environment: Environment,
    deadline: Option<Duration>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { location: None, environment: Environment::from_process(), deadline: None }
    }

    /// The place of the store: a directory, or `s3://bucket/prefix/`.
    pub fn with_location(self, location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..self }
    }

    /// The environment variables to read; those of the process by default.
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// The longest time that one call to the store may take, retries included; 60 s by default.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Makes the store, without a request and without creating anything.
    ///
    /// Its place is the first that is set: [`with_location`](Self::with_location), the variables
    /// `WORKSPACE_MCP_CREDENTIALS_DIR` and `GOOGLE_MCP_CREDENTIALS_DIR`, `~/.google_workspace_mcp/credentials`, or
    /// without a home `./.credentials`.
    ///
    /// # Errors
    ///
    /// - [`Error::Location`] if the text names no place.
    /// - [`StoreError::Misconfigured`] if a setting is wrong, contradicts another, or means nothing for this place.
    pub fn build(self) -> Result<CredentialStore, Error> {
        let resolved = Location::resolve(self.location.as_deref(), &self.environment)?;
        let mut documents = self.documents(resolved.location)?;
        if let Some(deadline) = self.deadline {
            documents = documents.with_deadline(deadline);
        }
        info!(location = %documents.location(), source = %resolved.source, "credential store opened");
        Ok(CredentialStore::over(documents))
    }

    fn documents(&self, location: Location) -> Result<Arc<dyn DocumentStore>, StoreError> {
        match location {
            #[cfg(feature = "local")]
            Location::Local(path) => Ok(Arc::new(cred_store_local::LocalStore::new(path))),
            other => Err(StoreError::Misconfigured {
                setting: format!("the location {other}"),
                problem: "is of a kind that this program was built without".into(),
                expected: "another kind of place, or build with the feature for it".into(),
            }),
        }
    }
}
