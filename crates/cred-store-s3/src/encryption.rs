//! How the server is to encrypt what it stores.

use std::fmt;
use std::str::FromStr;

/// How the server is to encrypt the documents, as each write asks it to.
///
/// It prints and parses as `aes256`, `kms`, `kms:KEY`, `bucket-default` and `none`.
///
/// Source: Amazon S3 User Guide, "Protecting data with server-side encryption".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// With keys that S3 manages (SSE-S3).
    #[default]
    Aes256,
    /// As the bucket's settings say: nothing is asked.
    BucketDefault,
    /// With a key in AWS KMS (SSE-KMS).
    Kms {
        /// Its ID, alias or ARN; the account's own key for S3 if there is none.
        key: Option<String>,
    },
    /// Not at all, for servers that cannot: nothing is asked. (AWS encrypts all the same.)
    None,
}

impl FromStr for Encryption {
    type Err = InvalidEncryption;

    fn from_str(text: &str) -> Result<Self, InvalidEncryption> {
        match text.trim() {
            "aes256" => Ok(Self::Aes256),
            "bucket-default" => Ok(Self::BucketDefault),
            "kms" => Ok(Self::Kms { key: None }),
            "none" => Ok(Self::None),
            other => match other.strip_prefix("kms:") {
                Some(key) if is_key(key) => Ok(Self::Kms { key: Some(key.to_owned()) }),
                _ => Err(InvalidEncryption(other.to_owned())),
            },
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aes256 => f.write_str("aes256"),
            Self::BucketDefault => f.write_str("bucket-default"),
            Self::Kms { key: None } => f.write_str("kms"),
            Self::Kms { key: Some(key) } => write!(f, "kms:{key}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// A text that names no [`Encryption`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no encryption: choose aes256, kms, kms:KEY, bucket-default or none")]
pub struct InvalidEncryption(String);

/// Whether `key` can be sent as the name of a KMS key.
pub(crate) fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encryption_is_read_back_from_its_text() {
        for text in ["aes256", "bucket-default", "kms", "kms:alias/creds", "kms:arn:aws:kms:eu-west-1:1:key/2", "none"]
        {
            assert_eq!(text.parse::<Encryption>().unwrap().to_string(), text);
        }
        for text in ["", "AES256", "aws:kms", "kms:", "kms:a b", "kms:a\nb"] {
            assert!(text.parse::<Encryption>().unwrap_err().to_string().contains("bucket-default"), "{text}");
        }
    }
}
