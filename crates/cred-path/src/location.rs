//! Where a store is: a directory, an S3 prefix, or a place that only its own backend opens.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::quotable;
use crate::{DocumentName, Environment, LocationError, S3Location};

/// Where a store is.
///
/// `Display` prints what [`parse`](Self::parse) reads back as the same location, unless it is an [`Other`](Self::Other) or a
/// path with control characters or without UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// A directory on this machine.
    Local(PathBuf),
    /// A prefix in an S3 bucket.
    S3(S3Location),
    /// A place that only its own backend can open, in that backend's words: for messages, never parsed.
    Other(String),
}

impl Location {
    /// Reads a location as people type it; blanks around it do not count.
    ///
    /// | input | location |
    /// | --- | --- |
    /// | `s3://bucket`, `S3://bucket/path` | a prefix in a bucket |
    /// | `/dir`, `./dir`, `dir` | a directory |
    /// | `~`, `~/dir` | a directory below `HOME`, as `env` has it |
    /// | `file:///dir`, `file://dir` | the directory that follows, taken literally: nothing is expanded or decoded |
    ///
    /// ```
    /// use cred_path::{Environment, Location, S3Location};
    ///
    /// let env = Environment::from_iter([("HOME", "/srv/ada")]);
    /// assert_eq!(Location::parse(" s3://acme/prod ", &env)?, Location::S3(S3Location::new("acme", "prod")?));
    /// assert_eq!(Location::parse("~/credentials", &env)?, Location::Local("/srv/ada/credentials".into()));
    /// assert!(Location::parse("gs://acme/prod", &env).is_err());
    /// # Ok::<(), cred_path::LocationError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`LocationError::Empty`] for nothing but blanks.
    /// - [`LocationError::Scheme`] for any other `scheme://`.
    /// - [`LocationError::Home`] for `~` without `HOME`, and for the home of another account (`~bob`).
    /// - [`LocationError::NotUtf8`] for `~` where `HOME` is not UTF-8.
    /// - [`LocationError::ControlCharacter`] for one inside the location.
    /// - [`LocationError::Bucket`], [`LocationError::Prefix`] as in [`S3Location::new`].
    /// - [`LocationError::NotS3`] for `s3:` without its two slashes, which would be a directory called `s3:`.
    pub fn parse(input: &str, env: &Environment) -> Result<Self, LocationError> {
        let text = input.trim();
        let scheme = text.split_once("://").map(|(scheme, _)| scheme).filter(|scheme| !scheme.contains('/'));
        let path = match scheme {
            _ if text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("s3:")) => {
                return S3Location::parse(text).map(Self::S3);
            }
            Some(scheme) if scheme.eq_ignore_ascii_case("file") => PathBuf::from(&text["file://".len()..]),
            Some(scheme) => {
                return Err(LocationError::Scheme { input: quotable(text), scheme: scheme.to_owned() });
            }
            None if text.starts_with('~') => in_home(text, env)?,
            None => PathBuf::from(text),
        };
        if path.as_os_str().is_empty() {
            return Err(LocationError::Empty { input: text.to_owned() });
        }
        match path.to_string_lossy().chars().find(|c| c.is_control()) {
            Some(character) => Err(LocationError::ControlCharacter { input: quotable(text), character }),
            None => Ok(Self::Local(path)),
        }
    }

    /// The place one level further down, as scoped stores have it.
    pub fn level(&self, level: &DocumentName) -> Self {
        match self {
            Self::Local(directory) => Self::Local(directory.join(level.as_str())),
            Self::S3(place) => Self::S3(place.level(level)),
            Self::Other(place) => Self::Other(below(place, level)),
        }
    }

    /// The document called `name` here, for messages: `s3://bucket/path/name.json`, `/dir/name.json`.
    pub fn document(&self, name: &DocumentName) -> String {
        match self {
            Self::Local(directory) => directory.join(name.as_str()).display().to_string(),
            Self::S3(place) => format!("{place}{name}"),
            Self::Other(place) => below(place, name),
        }
    }
}

impl From<S3Location> for Location {
    fn from(place: S3Location) -> Self {
        Self::S3(place)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(directory) => display_directory(directory, f),
            Self::S3(place) => place.fmt(f),
            Self::Other(place) => f.write_str(place),
        }
    }
}

/// Prints a path so that it is read back as itself, though it may look like something else.
fn display_directory(directory: &Path, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let path = directory.to_string_lossy();
    let looks_like_something_else = path.starts_with('~')
        || path.starts_with(char::is_whitespace)
        || (path.contains(':') && !path.starts_with('/'));
    // A last slash changes no path, but keeps a last blank.
    let guard = if path.ends_with(char::is_whitespace) { "/" } else { "" };
    write!(f, "{}{path}{guard}", if looks_like_something_else { "file://" } else { "" })
}

/// Expands `~` and `~/…`.
fn in_home(text: &str, env: &Environment) -> Result<PathBuf, LocationError> {
    match (env.readable("HOME")?, text.strip_prefix('~')) {
        (Some(home), Some("")) => Ok(PathBuf::from(home)),
        (Some(home), Some(rest)) if rest.starts_with('/') => Ok(Path::new(home).join(rest.trim_start_matches('/'))),
        _ => Err(LocationError::Home { input: quotable(text) }),
    }
}

fn below(place: &str, name: &DocumentName) -> String {
    format!("{}/{name}", place.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn env() -> Environment {
        Environment::from_iter([("HOME", "/srv/ada")])
    }

    fn parse(input: &str) -> Result<Location, LocationError> {
        Location::parse(input, &env())
    }

    #[test]
    fn a_path_without_a_scheme_is_a_directory() {
        for (input, path) in [
            ("/var/lib/creds", "/var/lib/creds"),
            ("  ./creds\n", "./creds"),
            ("s3/bucket", "s3/bucket"),
            ("./a://b", "./a://b"),
            ("file:///var/creds", "/var/creds"),
            ("FILE://creds", "creds"),
            ("file://~/creds", "~/creds"),
            ("~", "/srv/ada"),
            ("~//creds", "/srv/ada/creds"),
            ("a~/b", "a~/b"),
        ] {
            assert_eq!(parse(input).unwrap(), Location::Local(path.into()), "{input}");
        }
    }

    #[test]
    fn what_is_no_location_is_quoted_with_a_valid_form() {
        for input in
            ["gs://b/p", "https://x/y", "://x", "s3:/b", "s3:b", "s3://", "s3:///k", "a\nb", "s3://acme/a\0b", "~bob"]
        {
            let error = parse(input).unwrap_err();
            let report = format!("{error}; {}", error.hint().unwrap());
            assert!(error.to_string().contains(&format!("{input:?}")), "{report}");
        }
        for (input, form) in
            [("gs://b", "s3://bucket-name/path/"), ("s3://", "s3://bucket-name/path/"), ("", "directory")]
        {
            assert!(parse(input).unwrap_err().to_string().contains(form), "{input}");
        }
        for blank in ["", " \t\n", "file://", " file:// "] {
            assert!(matches!(parse(blank), Err(LocationError::Empty { .. })), "{blank:?}");
        }
        assert!(matches!(Location::parse("~/x", &Environment::default()), Err(LocationError::Home { .. })));
    }

    #[test]
    fn levels_and_documents_lie_inside() {
        let name = DocumentName::new("u.json").unwrap();
        let level = DocumentName::new(".locks").unwrap();
        for (location, document) in [
            (parse("s3://acme/p").unwrap(), "s3://acme/p/.locks/u.json"),
            (parse("/dir").unwrap(), "/dir/.locks/u.json"),
            (Location::Other("memory:1/".into()), "memory:1/.locks/u.json"),
        ] {
            assert_eq!(location.level(&level).document(&name), document);
        }
    }

    proptest! {
        #[test]
        fn display_is_read_back_as_the_same_location(input in "(s3://acme/|file://|~/)?[^\\p{Cc}]{0,12}") {
            if let Ok(location) = parse(&input) {
                prop_assert_eq!(parse(&location.to_string()), Ok(location));
            }
        }

        #[test]
        fn a_directory_that_looks_like_something_else_is_read_back(path in "(~|s3:|gs:|file:)?[ ~.:/a]{0,6}") {
            prop_assume!(!path.is_empty());
            let location = Location::Local(path.into());
            prop_assert_eq!(parse(&location.to_string()), Ok(location));
        }
    }
}
