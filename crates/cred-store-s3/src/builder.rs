//! Everything that a store needs to know, checked once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cred_model::StoreError;
use cred_path::{Environment, Location, LocationError, S3Location};
use reqwest::Url;

use crate::credentials::{AwsKeyProvider, AwsKeys, Keys};
use crate::encryption::{Encryption, is_key};
use crate::s3::{S3, Settings, Site};
use crate::store::{DEADLINE, S3Store, Server};

/// Makes an [`S3Store`].
///
/// Where a value is given here and in the environment, the one given here holds.
///
/// ```
/// use cred_store_s3::{Encryption, Environment, S3StoreBuilder};
///
/// let env = Environment::from_iter([("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")]);
/// let store = S3StoreBuilder::new("acme-settings")
///     .with_prefix("prod/")
///     .with_environment(&env)
///     .with_encryption(Encryption::BucketDefault)
///     .build()?;
/// assert_eq!(store.server().unwrap().endpoint, "https://acme-settings.s3.eu-west-1.amazonaws.com");
/// # Ok::<(), cred_store_s3::StoreError>(())
/// ```
#[derive(Clone)]
pub struct S3StoreBuilder {
    bucket: String,
    prefix: String,
    region: Option<String>,
    endpoint: Option<String>,
    keys: Option<Keys>,
    environment: Environment,
    encryption: Encryption,
    connect_timeout: Duration,
    read_timeout: Duration,
    attempts: u32,
    deadline: Duration,
}

impl S3StoreBuilder {
    /// A store in `bucket`, with the defaults of each setting.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            region: None,
            endpoint: None,
            keys: None,
            environment: Environment::default(),
            encryption: Encryption::default(),
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(60),
            attempts: 3,
            deadline: DEADLINE,
        }
    }

    /// Keeps documents below `prefix`; in the root of the bucket by default.
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Signs requests for `region`; by default `AWS_REGION`, else `AWS_DEFAULT_REGION`, else `us-east-1`.
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Talks to a server other than AWS's own for the region, such as `https://minio.example.com:9000`; by default
    /// `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`.
    ///
    /// The bucket becomes the first part of the path. Requests go unencrypted only if this says `http://`.
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Signs requests with `keys`; by default with those in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for
    /// temporary ones, `AWS_SESSION_TOKEN`.
    pub fn with_credentials(mut self, keys: AwsKeys) -> Self {
        self.keys = Some(Keys::Fixed { keys, kind: "given keys" });
        self
    }

    /// Signs each request with the keys that `provider` has at that time.
    pub fn with_key_provider(mut self, provider: impl AwsKeyProvider) -> Self {
        self.keys = Some(Keys::Provided(Arc::new(provider)));
        self
    }

    /// Takes from `environment` what is not given here: region, endpoint and keys. Nothing is taken by default.
    pub fn with_environment(mut self, environment: &Environment) -> Self {
        self.environment = environment.clone();
        self
    }

    /// Asks the server to encrypt documents like this; [`Encryption::Aes256`] by default.
    pub fn with_encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Waits this long for a connection; 5 seconds by default.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Waits this long for an answer, or for more of one; 60 seconds by default.
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Sends a request that fails in passing up to this many times; 3 by default.
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Lets a call of the store take this long with all that belongs to it; 60 seconds by default.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The store. Nothing is sent, and missing credentials show with the first request.
    ///
    /// # Errors
    ///
    /// [`StoreError::Misconfigured`] with the name of the first setting that cannot be used.
    pub fn build(self) -> Result<S3Store, StoreError> {
        let place = S3Location::new(&self.bucket, &self.prefix).map_err(|error| unusable_place(&error))?;
        let region = self.checked_region()?;
        let (bucket_url, is_custom) = match self.checked_endpoint()? {
            Some(endpoint) => (format!("{endpoint}/{}/", place.bucket()), true),
            // The certificate of AWS covers one label before the service.
            None if place.bucket().contains('.') => {
                (format!("https://s3.{region}.amazonaws.com/{}/", place.bucket()), false)
            }
            None => (format!("https://{}.s3.{region}.amazonaws.com/", place.bucket()), false),
        };
        if let Encryption::Kms { key: Some(key) } = &self.encryption
            && !is_key(key)
        {
            return Err(misconfigured(
                "encryption",
                "has a KMS key with a blank or a character outside of ASCII",
                KMS_KEY,
            ));
        }
        let keys = match self.keys {
            Some(keys) => keys,
            None => Keys::from_environment(&self.environment)?,
        };
        let server = Server { endpoint: origin(&bucket_url), region, credentials: keys.kind() };
        tracing::debug!(
            endpoint = %server.endpoint, region = %server.region, credentials = server.credentials, "S3 client made"
        );
        let site = Site {
            bucket: place.bucket().to_owned(),
            region: server.region.clone(),
            endpoint: server.endpoint.clone(),
            is_custom,
            read_timeout: self.read_timeout,
        };
        let s3 = S3::new(Settings {
            site,
            bucket_url,
            keys,
            encryption: self.encryption,
            connect_timeout: self.connect_timeout,
            attempts: self.attempts,
        })?;
        let prefix = place.prefix().to_owned();
        Ok(S3Store::new(s3, Some(server), Location::S3(place), prefix, self.deadline))
    }

    /// `argument`, or the first of `variables` that is set, with its name.
    fn setting<'a>(
        &'a self,
        name: &'static str,
        argument: Option<&'a str>,
        variables: [&'static str; 2],
    ) -> Option<(&'static str, &'a str)> {
        let argument = argument.map(|value| (name, value));
        let from_environment = || variables.iter().find_map(|name| Some((*name, self.environment.get(name)?)));
        argument.or_else(from_environment).map(|(name, value)| (name, value.trim()))
    }

    fn checked_region(&self) -> Result<String, StoreError> {
        let setting = self.setting("region", self.region.as_deref(), ["AWS_REGION", "AWS_DEFAULT_REGION"]);
        let (name, region) = setting.unwrap_or(("region", "us-east-1"));
        let is_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if region.is_empty() || !region.bytes().all(is_label) {
            return Err(misconfigured(name, "is no region", "a region such as eu-west-1"));
        }
        Ok(region.to_owned())
    }

    /// The endpoint without a slash at its end.
    fn checked_endpoint(&self) -> Result<Option<String>, StoreError> {
        let variables = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
        let Some((name, endpoint)) = self.setting("endpoint", self.endpoint.as_deref(), variables) else {
            return Ok(None);
        };
        let refused = |problem: &str| misconfigured(name, problem, "an address such as https://minio.example.com:9000");
        if endpoint.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(refused("has a blank or a control character in it"));
        }
        let host = ["http://", "https://"].iter().find_map(|scheme| {
            let (start, host) = endpoint.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(host)
        });
        match host {
            None => return Err(refused("does not begin with https:// or http://")),
            // An address parser would take the first part of the path for the host.
            Some(host) if host.starts_with(['/', '\\']) => return Err(refused("has no host")),
            Some(_) => {}
        }
        let url = Url::parse(endpoint).map_err(|_| refused("is no address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("has a user or a password in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("has a query or a fragment"));
        }
        // As requests and signatures will have it.
        Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Debug for S3StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3StoreBuilder")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

const KMS_KEY: &str = "kms:KEY with the ID, alias or ARN of a KMS key";

fn misconfigured(setting: &str, problem: &str, expected: &str) -> StoreError {
    StoreError::Misconfigured { setting: setting.into(), problem: problem.into(), expected: expected.into() }
}

fn unusable_place(error: &LocationError) -> StoreError {
    let (setting, expected) = match error {
        LocationError::Bucket { .. } => {
            ("bucket", "the name of a bucket: 3 to 63 lower-case letters, digits, dots, hyphens")
        }
        _ => ("prefix", "a path such as prod/, without \".\", \"..\" and control characters"),
    };
    misconfigured(setting, &format!("cannot be used: {error}"), expected)
}

/// Scheme, host and port of an address that was checked.
fn origin(url: &str) -> String {
    let host = url.find("://").map_or(0, |scheme| scheme + "://".len());
    let path = url[host..].find('/').map_or(url.len(), |path| host + path);
    url[..path].to_owned()
}

#[cfg(test)]
mod tests {
    use cred_model::DocumentStore;

    use super::*;

    fn misconfigured_setting(builder: S3StoreBuilder) -> String {
        match builder.build() {
            Err(StoreError::Misconfigured { setting, .. }) => setting,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_before_anything_is_sent() {
        let builder = || S3StoreBuilder::new("acme");
        for bucket in ["", "a b", "b#c", "b?c", "..", "a/b", "b\n", "Acme", "ab"] {
            assert_eq!(misconfigured_setting(S3StoreBuilder::new(bucket)), "bucket", "{bucket:?}");
        }
        for prefix in ["a/../b", "./a", "a\nb", &"x".repeat(1_024)] {
            assert_eq!(misconfigured_setting(builder().with_prefix(prefix)), "prefix", "{prefix:?}");
        }
        for region in ["", " ", "eu west", "eu\nwest", "eu/west", "eu.evil.com#", "süd"] {
            assert_eq!(misconfigured_setting(builder().with_region(region)), "region", "{region:?}");
        }
        for endpoint in [
            "",
            " ",
            "127.0.0.1:9000",
            "localhost:9000",
            "https://",
            "http:// x",
            "ftp://x",
            "https://a b",
            "https:///x",
            "https://user:secret@x",
            "https://x?q",
            "https://x#f",
            "https://x:port",
            "https://x\n.com",
            "s3://b",
            "file:///x",
        ] {
            let error = builder().with_endpoint(endpoint).build().unwrap_err();
            assert!(matches!(&error, StoreError::Misconfigured { setting, .. } if setting == "endpoint"), "{error:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        for key in ["", "a b", "a\nb", "schlüssel"] {
            let kms = Encryption::Kms { key: Some(key.into()) };
            assert_eq!(misconfigured_setting(builder().with_encryption(kms)), "encryption", "{key:?}");
        }
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named() {
        for (variable, value) in [
            ("AWS_REGION", "eu west"),
            ("AWS_DEFAULT_REGION", "a\nb"),
            ("AWS_ENDPOINT_URL_S3", "localhost:9000"),
            ("AWS_ENDPOINT_URL", "x"),
            ("AWS_ACCESS_KEY_ID", "a\nb"),
            ("AWS_SECRET_ACCESS_KEY", "a\nb"),
            ("AWS_SESSION_TOKEN", "a\nb"),
        ] {
            let keys = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "wJal"), (variable, value)];
            let builder = S3StoreBuilder::new("acme").with_environment(&Environment::from_iter(keys));
            assert_eq!(misconfigured_setting(builder), variable);
        }
    }

    #[test]
    fn arguments_win_over_variables_and_the_more_special_variable_over_the_other() {
        let env = |pairs: &[(&str, &str)]| Environment::from_iter(pairs.iter().copied());
        let server = |builder: S3StoreBuilder| {
            let server = builder.build().unwrap().server().unwrap().clone();
            (server.region, server.endpoint)
        };
        let acme = || S3StoreBuilder::new("acme");
        let all = env(&[
            ("AWS_DEFAULT_REGION", "eu-south-1"),
            ("AWS_REGION", "eu-west-1\n"),
            ("AWS_ENDPOINT_URL", "http://two:9000"),
            ("AWS_ENDPOINT_URL_S3", " http://one:9000/s3/ "),
        ]);
        let given = acme().with_environment(&all).with_region("eu-north-1").with_endpoint("HTTPS://three/");
        assert_eq!(server(given), ("eu-north-1".into(), "https://three".into()));
        assert_eq!(server(acme().with_environment(&all)), ("eu-west-1".into(), "http://one:9000".into()));
        let some =
            env(&[("AWS_DEFAULT_REGION", "eu-south-1"), ("AWS_REGION", " "), ("AWS_ENDPOINT_URL", "http://two")]);
        assert_eq!(server(acme().with_environment(&some)), ("eu-south-1".into(), "http://two".into()));
        assert_eq!(server(acme()), ("us-east-1".into(), "https://acme.s3.us-east-1.amazonaws.com".into()));
        assert_eq!(
            server(S3StoreBuilder::new("ac.me")),
            ("us-east-1".into(), "https://s3.us-east-1.amazonaws.com".into())
        );
    }

    #[tokio::test]
    async fn missing_credentials_show_with_the_first_request_without_asking_anybody() {
        let env = Environment::from_iter([("AWS_ACCESS_KEY_ID", "AKIA")]);
        let store = S3StoreBuilder::new("acme").with_environment(&env).build().unwrap();
        let StoreError::MissingCredentials { tried, .. } = store.get(&"a.json".parse().unwrap()).await.unwrap_err()
        else {
            panic!()
        };
        assert_eq!(tried.0, ["environment (AWS_SECRET_ACCESS_KEY is not set, AWS_ACCESS_KEY_ID is)"]);
    }

    #[test]
    fn debug_prints_no_key() {
        let env = Environment::from_iter([
            ("AWS_ACCESS_KEY_ID", "SENTINEL-1"),
            ("AWS_SECRET_ACCESS_KEY", "SENTINEL-2"),
            ("AWS_SESSION_TOKEN", "SENTINEL-3"),
        ]);
        let keys = AwsKeys::new("SENTINEL-1", "SENTINEL-2").unwrap().with_session_token("SENTINEL-3").unwrap();
        let builder = S3StoreBuilder::new("acme").with_environment(&env);
        let given = builder.clone().with_credentials(keys.clone());
        for printed in [
            format!("{keys:?}"),
            format!("{builder:?}"),
            format!("{given:?}"),
            format!("{:?}", builder.build().unwrap()),
            format!("{:#?}", given.build().unwrap()),
        ] {
            assert!(!printed.contains("SENTINEL"), "{printed}");
        }
    }
}
