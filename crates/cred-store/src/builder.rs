//! From a location and settings to a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cred_model::{DocumentStore, StoreError};
#[cfg(feature = "s3")]
use cred_path::S3Location;
use cred_path::{Environment, Location};
#[cfg(feature = "s3")]
use cred_store_s3::{Encryption, S3Store, S3StoreBuilder, Server};
use tracing::info;

use crate::{CredentialStore, Error};

/// Settings of a [`CredentialStore`]; what is not set comes from the environment, or has a default.
#[derive(Clone)]
pub struct Builder {
    location: Option<String>,
    environment: Environment,
    deadline: Option<Duration>,
    #[cfg(feature = "s3")]
    s3: S3Settings,
}

/// What only a store in S3 knows of.
#[cfg(feature = "s3")]
#[derive(Clone, Default, PartialEq)]
struct S3Settings {
    region: Option<String>,
    endpoint: Option<String>,
    encryption: Option<Encryption>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            location: None,
            environment: Environment::from_process(),
            deadline: None,
            #[cfg(feature = "s3")]
            s3: S3Settings::default(),
        }
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

    /// The region of the bucket; otherwise `AWS_REGION`, `AWS_DEFAULT_REGION`, or `us-east-1`.
    #[cfg(feature = "s3")]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.s3.region = Some(region.into());
        self
    }

    /// The URL of the server; otherwise `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or AWS's own.
    #[cfg(feature = "s3")]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.s3.endpoint = Some(endpoint.into());
        self
    }

    /// How documents are encrypted in the bucket; `aes256` by default.
    #[cfg(feature = "s3")]
    pub fn with_encryption(mut self, encryption: Encryption) -> Self {
        self.s3.encryption = Some(encryption);
        self
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
            Location::Local(path) => {
                #[cfg(feature = "s3")]
                self.s3.refuse_for_a_directory()?;
                Ok(Arc::new(cred_store_local::LocalStore::new(path)))
            }
            #[cfg(feature = "s3")]
            Location::S3(location) => Ok(Arc::new(self.s3.store(&location, &self.environment)?)),
            other => Err(StoreError::Misconfigured {
                setting: format!("the location {other}"),
                problem: "is of a kind that this program was built without".into(),
                expected: "another kind of place, or build with the feature for it".into(),
            }),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was not checked yet may be an address with a password in it.
        f.debug_struct("Builder")
            .field("environment", &self.environment)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "s3")]
impl S3Settings {
    fn store(&self, location: &S3Location, environment: &Environment) -> Result<S3Store, StoreError> {
        let mut builder =
            S3StoreBuilder::new(location.bucket()).with_prefix(location.prefix()).with_environment(environment);
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(encryption) = &self.encryption {
            builder = builder.with_encryption(encryption.clone());
        }
        let store = builder.build()?;
        if let Some(server) = store.server() {
            let Server { region, endpoint, credentials, .. } = server;
            info!(%location, region, endpoint, credentials, "S3 client initialised");
        }
        Ok(store)
    }

    #[cfg(feature = "local")]
    fn refuse_for_a_directory(&self) -> Result<(), StoreError> {
        if *self == Self::default() {
            return Ok(());
        }
        Err(StoreError::Misconfigured {
            setting: "region, endpoint or encryption".into(),
            problem: "means nothing for a directory".into(),
            expected: "nothing, or the location to s3://bucket/prefix/".into(),
        })
    }
}

#[cfg(all(test, feature = "s3"))]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_that_was_not_checked() {
        let builder = Builder::new().with_location("s3://AKIA:sentinel@b/").with_endpoint("https://u:sentinel@host");
        assert!(!format!("{builder:?}").contains("sentinel"));
        assert!(!format!("{:?}", builder.build().unwrap_err()).contains("sentinel"));
    }
}
