//! A prefix in an S3 bucket.

use std::fmt;
use std::net::Ipv4Addr;

use crate::error::quotable;
use crate::{DocumentName, LocationError};

/// A bucket and the prefix below which documents are kept.
///
/// ```
/// use cred_path::{DocumentName, S3Location};
///
/// let place = S3Location::new("acme-creds", "/prod//eu")?;
/// assert_eq!(place.to_string(), "s3://acme-creds/prod/eu/");
/// assert_eq!(place.key(&DocumentName::new("ada.json")?), "prod/eu/ada.json");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S3Location {
    bucket: String,
    prefix: String,
}

impl S3Location {
    /// The place below `prefix` in `bucket`; a blank prefix is the bucket itself.
    ///
    /// Repeated slashes in the prefix become one, a leading one is dropped, a missing last one is added. Nothing is trimmed
    /// or decoded.
    ///
    /// # Errors
    ///
    /// - [`LocationError::Bucket`] for a name that cannot be a general purpose bucket's.
    /// - [`LocationError::Prefix`] for a segment `.` or `..`, or a prefix too long to keep documents under.
    /// - [`LocationError::ControlCharacter`] for one in the prefix.
    pub fn new(bucket: &str, prefix: &str) -> Result<Self, LocationError> {
        Self::checked(bucket, prefix, &format!("s3://{bucket}/{prefix}"))
    }

    /// Reads `s3://bucket/prefix`, the scheme in any case.
    pub(crate) fn parse(input: &str) -> Result<Self, LocationError> {
        let (bucket, prefix) = split(input)?;
        Self::checked(bucket, prefix, input)
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What every key begins with: empty, or ending in `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of the object that holds the document called `name`.
    pub fn key(&self, name: &DocumentName) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The same bucket, one level further down.
    ///
    /// There is always room for `.locks/`; below a prefix near the limit, a longer level may make keys that S3 refuses.
    pub fn level(&self, level: &DocumentName) -> Self {
        Self { bucket: self.bucket.clone(), prefix: format!("{}{level}/", self.prefix) }
    }

    /// The bucket as IAM policies name it (partition `aws`), for `s3:ListBucket`.
    pub fn bucket_arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.bucket)
    }

    /// The documents as IAM policies name them (partition `aws`), for `s3:GetObject` and its like.
    pub fn objects_arn(&self) -> String {
        format!("arn:aws:s3:::{}/{}*", self.bucket, self.prefix)
    }

    fn checked(bucket: &str, prefix: &str, input: &str) -> Result<Self, LocationError> {
        let mut prefix = checked_key(bucket, prefix, input)?;
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        if prefix.len() > MAX_PREFIX_BYTES {
            let rule = "it leaves no room for names below it in the 1,024 bytes of a key";
            return Err(LocationError::Prefix { input: quotable(input), rule });
        }
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for S3Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// Leaves room for the longest key below a prefix, that of a lock, in the 1,024 bytes which the page "Naming Amazon S3
/// objects" of the Amazon S3 User Guide allows.
const MAX_PREFIX_BYTES: usize = 1_024 - ".locks/".len() - DocumentName::MAX_BYTES;

/// Whether `input` begins with `s3://`, in any case.
pub(crate) fn has_scheme(input: &str) -> bool {
    input.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://"))
}

/// The bucket and the rest of an S3 URI, unchecked.
pub(crate) fn split(input: &str) -> Result<(&str, &str), LocationError> {
    if !has_scheme(input) {
        return Err(LocationError::NotS3 { input: quotable(input) });
    }
    Ok(input[5..].split_once('/').unwrap_or((&input[5..], "")))
}

/// `key` with single slashes and no leading one, once it and `bucket` are known to be usable.
pub(crate) fn checked_key(bucket: &str, key: &str, input: &str) -> Result<String, LocationError> {
    if let Some(character) = key.chars().find(|c| c.is_control()) {
        return Err(LocationError::ControlCharacter { input: quotable(input), character });
    }
    if let Some(rule) = broken_bucket_rule(bucket) {
        return Err(LocationError::Bucket { input: quotable(input), rule });
    }
    let segments: Vec<_> = key.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
        let rule = "\".\" and \"..\" have no meaning in a key";
        return Err(LocationError::Prefix { input: quotable(input), rule });
    }
    let last_slash = if key.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    Ok(segments.join("/") + last_slash)
}

/// The first rule that `bucket` breaks of those on the page "General purpose bucket naming rules" of the Amazon S3 User
/// Guide.
///
/// Reserved names are refused too: what they stand for (access points, directory and table buckets) has other rights and
/// other promises than a bucket.
fn broken_bucket_rule(bucket: &str) -> Option<&'static str> {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| bucket.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| bucket.ends_with(suffix));
    if bucket.is_empty() {
        Some("the name of the bucket is missing")
    } else if !bucket.chars().all(|c| alphanumeric(c) || matches!(c, '.' | '-')) {
        Some("a bucket's name has only lower-case letters, digits, dots and hyphens")
    } else if !(3..=63).contains(&bucket.len()) {
        Some("a bucket's name has 3 to 63 characters")
    } else if !bucket.starts_with(alphanumeric) || !bucket.ends_with(alphanumeric) {
        Some("a bucket's name begins and ends with a letter or a digit")
    } else if bucket.contains("..") {
        Some("a bucket's name has no two dots in a row")
    } else if bucket.parse::<Ipv4Addr>().is_ok() {
        Some("a bucket's name is not an IP address")
    } else if reserved {
        Some("a bucket's name has no beginning or end that Amazon reserves")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_prefix_are_one_place() {
        let place = S3Location::new("acme", "p/q/").unwrap();
        for uri in ["s3://acme/p/q", "S3://acme/p/q/", "s3://acme//p///q//"] {
            assert_eq!(S3Location::parse(uri).unwrap(), place);
        }
        for uri in ["s3://acme", "s3://acme/", "s3://acme//"] {
            assert_eq!(S3Location::parse(uri).unwrap().prefix(), "");
        }
    }

    #[test]
    fn keys_levels_and_arns_lie_below_the_prefix() {
        let name = DocumentName::new("a%2Bb@x.com.json").unwrap();
        let locks = DocumentName::new(".locks").unwrap();
        let place = S3Location::new("acme", "p").unwrap();
        assert_eq!(place.key(&name), "p/a%2Bb@x.com.json");
        assert_eq!(place.level(&locks).key(&name), "p/.locks/a%2Bb@x.com.json");
        assert_eq!(place.bucket_arn(), "arn:aws:s3:::acme");
        assert_eq!(place.objects_arn(), "arn:aws:s3:::acme/p/*");
        assert_eq!(S3Location::new("acme", "").unwrap().objects_arn(), "arn:aws:s3:::acme/*");
    }

    #[test]
    fn bucket_names_follow_the_rules_of_s3() {
        let longest = "b".repeat(63);
        for bucket in ["abc", "1.2.3", "my.bucket-1", "1234", &longest] {
            assert!(S3Location::new(bucket, "").is_ok(), "{bucket}");
        }
        let too_long = "b".repeat(64);
        for bucket in [
            "",
            "ab",
            &too_long,
            "Acme",
            "a_b",
            "a b",
            " acme",
            "-acme",
            "acme-",
            ".acme",
            "acme.",
            "a..b",
            "10.0.0.1",
            "münchen",
            "a/b",
            "xn--abc",
            "sthree-abc",
            "amzn-s3-demo-abc",
            "a-s3alias",
            "a--ol-s3",
            "abc.mrap",
            "a--x-s3",
            "a--table-s3",
        ] {
            let error = S3Location::new(bucket, "p").unwrap_err();
            assert!(matches!(error, LocationError::Bucket { .. }), "{bucket}: {error}");
            assert!(
                error.to_string().contains("s3://bucket-name/path/") && error.to_string().contains(bucket),
                "{error}"
            );
        }
    }

    #[test]
    fn a_prefix_that_hides_where_it_leads_is_refused() {
        for prefix in ["..", "a/../b", "./a", "a/."] {
            assert!(matches!(S3Location::new("acme", prefix), Err(LocationError::Prefix { .. })), "{prefix}");
        }
        assert!(matches!(
            S3Location::new("acme", "a\nb"),
            Err(LocationError::ControlCharacter { character: '\n', .. })
        ));
        assert!(S3Location::new("acme", "..a/b..").is_ok());
    }

    #[test]
    fn the_longest_prefix_leaves_room_for_the_longest_lock() {
        let place = S3Location::new("acme", &"p".repeat(MAX_PREFIX_BYTES - 1)).unwrap();
        let longest = DocumentName::new("n".repeat(255)).unwrap();
        assert_eq!(place.level(&DocumentName::new(".locks").unwrap()).key(&longest).len(), 1_024);
        assert!(matches!(S3Location::new("acme", &"p".repeat(MAX_PREFIX_BYTES)), Err(LocationError::Prefix { .. })));
    }
}
