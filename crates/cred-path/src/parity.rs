//! Two functions that programs ported from Python know under these names; new code parses a [`Location`](crate::Location).

use crate::{LocationError, s3};

/// Whether `path` is an `s3://` URI, in any case and with blanks around it.
///
/// ```
/// use cred_path::parity::is_s3_path;
///
/// assert!(is_s3_path(Some(" S3://bucket/path ")));
/// assert!(!is_s3_path(Some("/local/path")));
/// assert!(!is_s3_path(None));
/// ```
pub fn is_s3_path(path: Option<&str>) -> bool {
    path.is_some_and(|path| s3::has_scheme(path.trim()))
}

/// The bucket and key of an `s3://` URI.
///
/// Repeated slashes in the key become one, a leading one is dropped, and a last one is kept. The key is empty where the URI
/// names only a bucket.
///
/// ```
/// use cred_path::parity::parse_s3_path;
///
/// assert_eq!(parse_s3_path("s3://bucket//a//b/")?, ("bucket".to_owned(), "a/b/".to_owned()));
/// assert_eq!(parse_s3_path("s3://bucket")?, ("bucket".to_owned(), String::new()));
/// # Ok::<(), cred_path::LocationError>(())
/// ```
///
/// # Errors
///
/// - [`LocationError::NotS3`] if it does not begin with `s3://`.
/// - Those of [`S3Location::new`](crate::S3Location::new), but for the length.
pub fn parse_s3_path(path: &str) -> Result<(String, String), LocationError> {
    let path = path.trim();
    let (bucket, key) = s3::split(path)?;
    let key = s3::checked_key(bucket, key, path)?;
    Ok((bucket.to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scheme_makes_a_path_s3() {
        for path in ["s3://b", "S3://b/p", "\t s3://", "s3:///k"] {
            assert!(is_s3_path(Some(path)), "{path:?}");
        }
        for path in
            [None, Some(""), Some(" "), Some("/s3://b"), Some("s3:/b"), Some("./s3"), Some("s3"), Some("ß3://b")]
        {
            assert!(!is_s3_path(path), "{path:?}");
        }
    }

    #[test]
    fn bucket_and_key_are_told_apart() {
        for (path, bucket, key) in [
            ("s3://bucket/path/to/key", "bucket", "path/to/key"),
            ("S3://bucket", "bucket", ""),
            ("s3://bucket/", "bucket", ""),
            ("s3://bucket//", "bucket", ""),
            (" s3://bucket ", "bucket", ""),
            ("s3://bucket///a///b.JSON", "bucket", "a/b.JSON"),
            ("s3://bucket/a/", "bucket", "a/"),
        ] {
            assert_eq!(parse_s3_path(path), Ok((bucket.into(), key.into())));
        }
    }

    #[test]
    fn what_is_not_s3_is_quoted_beside_the_right_form() {
        for path in ["", "/local", "https://x"] {
            let message = parse_s3_path(path).unwrap_err().to_string();
            assert!(
                message.contains(&format!("{path:?}")) && message.contains("s3://bucket-name/path/to/key"),
                "{message}"
            );
        }
        for path in ["s3://", "s3:///k", "s3://b b/k"] {
            assert!(matches!(parse_s3_path(path), Err(LocationError::Bucket { .. })), "{path}");
        }
    }
}
