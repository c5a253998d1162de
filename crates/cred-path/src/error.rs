//! Why a text does not say where a store is.

/// Why a text does not say where a store is.
///
/// Every variant quotes what was given, shortened where it is long, and without what may be a secret (`key:secret@`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named after what they hold")]
#[non_exhaustive]
pub enum LocationError {
    /// The name breaks S3's rules for buckets, or there is none.
    #[error("{input:?} names no bucket, as s3://bucket-name/path/ does: {rule}")]
    Bucket { input: String, rule: &'static str },
    /// A control character, such as a newline, is part of it.
    #[error("{input:?} is no location: it contains the control character {character:?}")]
    ControlCharacter { input: String, character: char },
    /// There is nothing but blanks.
    #[error("location {input:?} is empty; a location is a directory or s3://bucket-name/path/")]
    Empty { input: String },
    /// `~` stands for a home directory that is not known.
    #[error("{input:?} begins with a home directory that is not known")]
    Home { input: String },
    /// It does not begin with `s3://`.
    #[error("{input:?} is not in S3: it must begin with s3://, as s3://bucket-name/path/to/key does")]
    NotS3 { input: String },
    /// An environment variable that says where the store is holds what is not UTF-8.
    #[error("environment variable {variable} is not UTF-8")]
    NotUtf8 { variable: &'static str },
    /// Documents cannot be kept under this prefix.
    #[error("{input:?} has a path that cannot be used, as s3://bucket-name/path/ can: {rule}")]
    Prefix { input: String, rule: &'static str },
    /// It begins with a `scheme://` that nothing here opens.
    #[error("{input:?} has the unknown scheme {scheme:?}; known are s3://bucket-name/path/ and file:///directory")]
    Scheme { input: String, scheme: String },
    /// An environment variable holds no location; the cause says why.
    #[error("environment variable {variable} does not say where the store is")]
    Variable { variable: &'static str, source: Box<LocationError> },
}

impl LocationError {
    /// What the reader can do about it: one imperative clause, no full stop.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Bucket { .. } => "check the bucket's name: aws s3 ls prints those you may list".into(),
            Self::ControlCharacter { .. } => "remove the character, often left by copying a line".into(),
            Self::Empty { .. } => "give a directory, such as ./credentials, or s3://bucket-name/path/".into(),
            Self::Home { .. } => "set HOME, or write the directory in full (file://~name for one called ~name)".into(),
            Self::NotS3 { .. } => "write s3://bucket-name/path/to/key".into(),
            Self::NotUtf8 { variable } => format!("set {variable} again as UTF-8, or unset it"),
            Self::Prefix { .. } => "shorten or correct the path: s3://bucket-name/path/".into(),
            Self::Scheme { .. } => "use s3://bucket-name/path/, file:///directory or a plain directory".into(),
            Self::Variable { variable, source } => {
                return source.hint().map(|hint| format!("unset {variable}, or {hint}"));
            }
        })
    }
}

/// The beginning of `text`: enough to recognise it in a message.
pub(crate) fn shortened(text: &str) -> String {
    const LIMIT: usize = 120;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A location as it may appear in a message: shortened, and without `key:secret@`, which some tools accept before a
/// bucket.
pub(crate) fn quotable(input: &str) -> String {
    let place = input.find(':').map_or(0, |colon| match &input[..colon] {
        // Without its slashes, it is a scheme all the same.
        scheme if scheme.eq_ignore_ascii_case("s3") || input[colon..].starts_with("://") => colon + 1,
        _ => 0,
    });
    let place = input.len() - input[place..].trim_start_matches('/').len();
    let (scheme, rest) = input.split_at(place);
    let authority = rest.split('/').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        // A secret may contain slashes, so everything before the last `@` goes.
        Some((_, rest)) if authority.contains([':', '@']) => shortened(&format!("{scheme}[redacted]@{rest}")),
        _ => shortened(input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_never_repeats_a_secret_before_a_bucket() {
        for input in [
            "s3://AKIA:wJal/rXU+t@b/p",
            "https://u:wJal@host/x",
            "s3://wJal@b",
            "s3://AKIA:wJal@b/u@x.com/",
            "s3:AKIA:wJal@b/p",
            "s3:/AKIA:wJal/rXU@b/p",
            "s3:///AKIA:wJal@b",
            "AKIA:wJal@b/p",
            "AKIA:wJal/s3://rXU@b/p",
            "AKIA:wJal/rXU@b/p",
        ] {
            assert!(!quotable(input).contains("wJal"), "{input}");
        }
        assert_eq!(quotable("s3://b/u@x.com/"), "s3://b/u@x.com/");
    }

    #[test]
    fn a_long_input_is_shortened_between_characters() {
        assert_eq!(shortened(&"é".repeat(1_000)), format!("{}…", "é".repeat(120)));
        assert_eq!(shortened("é"), "é");
    }
}
