//! Why a store could not do as asked, and what to do then.

use std::path::PathBuf;
use std::time::Duration;

use cred_path::Location;

use crate::{Action, Oddity, Phase, Place, Refusal, Tried, Version};

/// Why a store could not do as asked.
///
/// `Display` says in one line what failed and where; [`hint`](Self::hint) says what to do about it; the cause, if
/// there is one, is in `source()` and nowhere else, so a report that walks the chain prints each line once. Neither
/// holds a secret, the content of a document, or what a server wrote in the body of its answer.
///
/// That a document is absent is never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The backend refused the caller.
    #[error("{} {place}", denied(.place, *.action))]
    #[expect(missing_docs, reason = "fields are named after their types")]
    AccessDenied {
        action: Action,
        place: Place,
        #[source]
        refusal: Refusal,
    },

    /// The bucket itself does not exist.
    #[error("bucket {bucket:?} does not exist (region {region})")]
    BucketNotFound {
        /// The bucket that was asked for.
        bucket: String,
        /// The region that was asked.
        region: String,
        /// The endpoint, where it is not AWS's own.
        endpoint: Option<String>,
    },

    /// The clocks of this host and of the server differ too much for a signature to be accepted.
    #[error("the clock of this host is too far from that of the server: cannot {action} {place}")]
    #[expect(missing_docs, reason = "fields are named after their types")]
    ClockSkew {
        action: Action,
        place: Place,
        #[source]
        refusal: Refusal,
    },

    /// The document is not as the precondition of the write wants it. Nothing was changed.
    #[error("{place} changed meanwhile ({})", conflict(.expected.as_ref(), .found.as_ref()))]
    Conflict {
        /// The document.
        place: Place,
        /// The version that the caller had; `None` if it was to be created.
        expected: Option<Version>,
        /// The version that is there, where the backend tells.
        found: Option<Version>,
    },

    /// The document is there, but it is not what it should be.
    #[error("{place} is corrupt: {problem} at line {line} column {column}")]
    Corrupt {
        /// The document.
        place: Place,
        /// The version that was read.
        version: Option<Version>,
        /// What is wrong, without the value that is wrong.
        problem: String,
        /// The line of the first fault, from 1.
        line: usize,
        /// The column of the first fault in bytes, from 1; 0 if the line is empty.
        column: usize,
    },

    /// The server does not accept the caller's credentials.
    #[error("the AWS credentials are not accepted: cannot {action} {place}")]
    #[expect(missing_docs, reason = "fields are named after their types")]
    InvalidCredentials {
        action: Action,
        place: Place,
        #[source]
        refusal: Refusal,
    },

    /// The name is not one that this backend can keep.
    #[error("cannot keep a document called {name:?} in {place}: {problem}")]
    InvalidName {
        /// The name as it was given.
        name: String,
        /// The store.
        place: Place,
        /// What is wrong with it.
        problem: String,
    },

    /// The operating system failed.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: Action,
        /// The file or directory.
        path: PathBuf,
        /// What is known about a write that ended so.
        effect: Effect,
        /// The operating system's own words.
        source: std::io::Error,
    },

    /// A setting is wrong or contradicts another.
    #[error("{setting} {problem}")]
    Misconfigured {
        /// The variable, option or argument.
        setting: String,
        /// What is wrong with it, without its value where that is a secret.
        problem: String,
        /// What it should be.
        expected: String,
    },

    /// No AWS credentials were found.
    #[error("cannot reach store {place}: no AWS credentials found")]
    MissingCredentials {
        /// The store.
        place: Place,
        /// Where they were looked for.
        #[source]
        tried: Tried,
    },

    /// The server refused to tell whether the document is there.
    ///
    /// S3 answers 403 for a missing object to callers without `s3:ListBucket`.
    #[error("S3 denied {} of {place}: the object is missing or forbidden; S3 hides which without s3:ListBucket", .action.s3())]
    #[expect(missing_docs, reason = "fields are named after their types")]
    MissingOrForbidden {
        action: Action,
        place: Place,
        #[source]
        refusal: Refusal,
    },

    /// The server could not be reached, or the connection broke.
    #[error("{endpoint} could not be asked to {action} {place}: {phase}")]
    Network {
        /// What was tried.
        action: Action,
        /// The store or document.
        place: Place,
        /// The server, without a path.
        endpoint: String,
        /// How far the call came.
        phase: Phase,
        /// What is known about a write that ended so.
        effect: Effect,
    },

    /// What has this name is not a document, so it is neither read nor replaced.
    #[error("cannot {action} {place}")]
    #[expect(missing_docs, reason = "fields are named after their types")]
    NotADocument {
        action: Action,
        place: Place,
        #[source]
        why: Oddity,
    },

    /// The store does not encrypt as required.
    #[error("{place} is not encrypted as required ({required}): the server reported {found}")]
    NotEncrypted {
        /// The store or document.
        place: Place,
        /// What was asked for.
        required: String,
        /// What the server says it did.
        found: String,
    },

    /// The server failed, or answered what no other variant names.
    #[error("{endpoint} failed to {action} {place}")]
    Server {
        /// What was tried.
        action: Action,
        /// The store or document.
        place: Place,
        /// The server, without a path.
        endpoint: String,
        /// What is known about a write that ended so.
        effect: Effect,
        /// The answer.
        #[source]
        refusal: Refusal,
    },

    /// The server asks for fewer requests.
    #[error("{place} is asked too often: cannot {action} it now")]
    Throttled {
        /// What was tried.
        action: Action,
        /// The store or document.
        place: Place,
        /// When the server wants to be asked again, if it says.
        retry_after: Option<Duration>,
        /// The answer.
        #[source]
        refusal: Refusal,
    },

    /// The call took longer than its deadline.
    #[error("could not {action} {place} within {}", seconds(.after))]
    Timeout {
        /// What was tried.
        action: Action,
        /// The store or document.
        place: Place,
        /// The deadline.
        after: Duration,
        /// What is known about a write that ended so.
        effect: Effect,
    },

    /// The document is larger than a document may be.
    #[error("{place} is too large: {size} bytes, and a document has at most {limit}")]
    TooLarge {
        /// The document.
        place: Place,
        /// Its size in bytes, as far as it was looked at.
        size: u64,
        /// The largest size allowed, in bytes.
        limit: u64,
    },

    /// This kind of store cannot do that.
    #[error("{place} does not support {feature}")]
    Unsupported {
        /// The store.
        place: Place,
        /// What it lacks.
        feature: &'static str,
    },

    /// The bucket is in another region.
    #[error("bucket {bucket:?} is in {}, but {used} was used", .actual.as_deref().unwrap_or("another region"))]
    WrongRegion {
        /// The bucket.
        bucket: String,
        /// The region that the request was made for.
        used: String,
        /// The region that the bucket is in, if the answer says so.
        actual: Option<String>,
    },
}

impl StoreError {
    /// What the reader can do about it: one imperative clause, no full stop.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::AccessDenied { action, place, .. } => Some(allow(*action, place)),
            Self::BucketNotFound { bucket, region, endpoint } => {
                let endpoint = endpoint.as_deref().map(|url| format!(" --endpoint-url {url}")).unwrap_or_default();
                Some(format!("check the name, or create it: aws s3 mb s3://{bucket} --region {region}{endpoint}"))
            }
            Self::ClockSkew { .. } => Some("set the clock of this host, for example by NTP".into()),
            Self::Conflict { .. } => Some("load it again and reapply".into()),
            Self::Corrupt { .. } => {
                Some("restore an older version or a backup, or write a good document over it by force".into())
            }
            Self::InvalidCredentials { .. } => {
                Some("renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary keys, AWS_SESSION_TOKEN".into())
            }
            Self::InvalidName { .. } => {
                Some("choose a name of 1 to 255 bytes without slashes and control characters".into())
            }
            Self::Io { path, source, .. } => io_hint(path, source.kind()),
            Self::Misconfigured { setting, expected, .. } => Some(format!("set {setting} to {expected}")),
            Self::MissingCredentials { .. } => Some("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into()),
            Self::MissingOrForbidden { action, place, .. } => match place.s3() {
                Some(s3) => Some(format!("{} and s3:ListBucket on {}", allow(*action, place), s3.bucket_arn())),
                None => Some(allow(*action, place)),
            },
            Self::Timeout { place, .. } if matches!(place.location(), Location::Local(_)) => {
                Some("see who holds the locks below .locks/ (lslocks shows them), or allow more time".into())
            }
            Self::Network { phase: Phase::Certificate, .. } => Some(
                "check the endpoint, or install the certificate of the authority that signed it on this host".into(),
            ),
            Self::Network { .. } | Self::Timeout { .. } => {
                Some("check network, proxy, endpoint and clock, or allow more time, then try again".into())
            }
            Self::NotADocument { why, .. } => Some(why.hint().into()),
            Self::NotEncrypted { .. } => {
                Some("choose an encryption that the bucket grants, or set the bucket's default encryption".into())
            }
            Self::Server { refusal: Refusal { request_id: Some(_), .. }, .. } => {
                Some("try again; if it stays, show the request id to whoever runs the server".into())
            }
            Self::Server { .. } => {
                Some("check endpoint and proxy: S3 gives its answers a request id, and this one has none".into())
            }
            Self::Throttled { retry_after, .. } => Some(match retry_after {
                Some(wait) => format!("try again in {}", seconds(wait)),
                None => "try again in a while, with fewer requests at once".into(),
            }),
            Self::TooLarge { .. } => {
                Some("check that it is a credential; move it out of the store if it is not".into())
            }
            Self::Unsupported { .. } => None,
            Self::WrongRegion { actual, .. } => Some(match actual {
                Some(region) => format!("set AWS_REGION={region}"),
                None => "set AWS_REGION to the region of the bucket".into(),
            }),
        }
    }

    /// Whether the same call may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Network { phase, .. } => *phase != Phase::Certificate,
            Self::Server { refusal, .. } => refusal.status.is_none_or(|status| status >= 500 || status == 408),
            Self::Throttled { .. } | Self::Timeout { .. } => true,
            Self::AccessDenied { .. }
            | Self::BucketNotFound { .. }
            | Self::ClockSkew { .. }
            | Self::Conflict { .. }
            | Self::Corrupt { .. }
            | Self::InvalidCredentials { .. }
            | Self::InvalidName { .. }
            | Self::Io { .. }
            | Self::Misconfigured { .. }
            | Self::MissingCredentials { .. }
            | Self::MissingOrForbidden { .. }
            | Self::NotADocument { .. }
            | Self::NotEncrypted { .. }
            | Self::TooLarge { .. }
            | Self::Unsupported { .. }
            | Self::WrongRegion { .. } => false,
        }
    }

    /// Whether the precondition of a write did not hold.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// What is known about a write or a deletion that ended in this error.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Io { effect, .. }
            | Self::Network { effect, .. }
            | Self::Server { effect, .. }
            | Self::Timeout { effect, .. } => *effect,
            // The server encrypted the document in its own way, and kept it.
            Self::NotEncrypted { .. } => Effect::Unknown,
            Self::AccessDenied { .. }
            | Self::BucketNotFound { .. }
            | Self::ClockSkew { .. }
            | Self::Conflict { .. }
            | Self::Corrupt { .. }
            | Self::InvalidCredentials { .. }
            | Self::InvalidName { .. }
            | Self::Misconfigured { .. }
            | Self::MissingCredentials { .. }
            | Self::MissingOrForbidden { .. }
            | Self::NotADocument { .. }
            | Self::Throttled { .. }
            | Self::TooLarge { .. }
            | Self::Unsupported { .. }
            | Self::WrongRegion { .. } => Effect::None,
        }
    }
}

/// What is known about a write or a deletion that ended in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The document is as it was.
    None,
    /// It may have happened: read the document to know.
    Unknown,
    /// It happened and others see it, but a loss of power may undo it.
    NotDurable,
}

fn denied(place: &Place, action: Action) -> String {
    match place.s3() {
        Some(_) => format!("S3 denied {} on", action.s3()),
        None => format!("may not {action}"),
    }
}

fn allow(action: Action, place: &Place) -> String {
    let Some(s3) = place.s3() else {
        return format!("give this account the right to {action} in {}", place.location());
    };
    match action {
        // Listing is a right on the bucket, the rest are rights on objects.
        Action::List if s3.prefix().is_empty() => format!("allow s3:ListBucket on {}", s3.bucket_arn()),
        Action::List => {
            format!("allow s3:ListBucket on {} with the condition s3:prefix {}*", s3.bucket_arn(), s3.prefix())
        }
        Action::Delete => format!("allow s3:DeleteObject on {}", s3.objects_arn()),
        Action::Read => format!("allow s3:GetObject on {} (SSE-KMS: also kms:Decrypt on the key)", s3.objects_arn()),
        Action::Lock | Action::Write => {
            format!("allow s3:PutObject on {} (SSE-KMS: also kms:GenerateDataKey on the key)", s3.objects_arn())
        }
    }
}

fn io_hint(path: &std::path::Path, kind: std::io::ErrorKind) -> Option<String> {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(format!("free space below {}", path.display())),
        ErrorKind::NotADirectory => Some(format!("choose a directory: {} is a file", path.display())),
        _ => None,
    }
}

fn conflict(expected: Option<&Version>, found: Option<&Version>) -> String {
    match (expected, found) {
        (None, _) => "it was to be created, but is there".into(),
        (Some(expected), Some(found)) => format!("you had version {expected}, the store has {found}"),
        (Some(expected), None) => format!("you had version {expected}"),
    }
}

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use cred_path::{DocumentName, Location, S3Location};

    use super::*;

    fn alice() -> Place {
        let location = Location::S3(S3Location::new("acme", "prod").unwrap());
        Place::document(&location, &DocumentName::new("alice@acme.io.json").unwrap())
    }

    fn refusal() -> Refusal {
        Refusal { status: Some(403), code: Some("AccessDenied".into()), request_id: Some("7F".into()) }
    }

    #[test]
    fn a_refused_write_names_the_object_the_right_and_the_request() {
        let error = StoreError::AccessDenied { action: Action::Write, place: alice(), refusal: refusal() };
        assert_eq!(error.to_string(), "S3 denied PutObject on s3://acme/prod/alice@acme.io.json");
        assert_eq!(error.source().unwrap().to_string(), "AccessDenied (HTTP 403, request 7F)");
        assert!(error.hint().unwrap().starts_with("allow s3:PutObject on arn:aws:s3:::acme/prod/* "));
    }

    #[test]
    fn a_refused_listing_needs_a_right_on_the_bucket() {
        let place = Place::store(alice().location());
        let error = StoreError::AccessDenied { action: Action::List, place, refusal: refusal() };
        assert_eq!(error.to_string(), "S3 denied ListBucket on s3://acme/prod/");
        assert_eq!(
            error.hint().unwrap(),
            "allow s3:ListBucket on arn:aws:s3:::acme with the condition s3:prefix prod/*"
        );
    }

    #[test]
    fn a_missing_bucket_is_created_where_it_was_looked_for() {
        let missing = |endpoint: Option<&str>| StoreError::BucketNotFound {
            bucket: "acme".into(),
            region: "eu-west-1".into(),
            endpoint: endpoint.map(Into::into),
        };
        let hint = "check the name, or create it: aws s3 mb s3://acme --region eu-west-1";
        assert_eq!(missing(None).hint().unwrap(), hint);
        let hint = format!("{hint} --endpoint-url http://127.0.0.1:9000");
        assert_eq!(missing(Some("http://127.0.0.1:9000")).hint().unwrap(), hint);
    }

    #[test]
    fn only_what_time_may_heal_is_transient() {
        let network = |phase| StoreError::Network {
            action: Action::Read,
            place: alice(),
            endpoint: "s3.example".into(),
            phase,
            effect: Effect::None,
        };
        assert!(network(Phase::Connect).is_transient() && !network(Phase::Certificate).is_transient());
        let server = |status| StoreError::Server {
            action: Action::Read,
            place: alice(),
            endpoint: "s3.example".into(),
            effect: Effect::None,
            refusal: Refusal { status: Some(status), code: None, request_id: None },
        };
        assert!(server(500).is_transient() && !server(400).is_transient());
        assert!(!StoreError::Conflict { place: alice(), expected: None, found: None }.is_transient());
    }
}
