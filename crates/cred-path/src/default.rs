//! Which location a store is opened at, and who said so.

use std::fmt;

use crate::{Environment, Location, LocationError};

/// A location, and who chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// Where the store is.
    pub location: Location,
    /// Who said so, for the log.
    pub source: LocationSource,
}

/// Who chose a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LocationSource {
    /// The caller.
    Argument,
    /// The environment variable of this name.
    Variable(&'static str),
    /// Nobody: it is `~/.google_workspace_mcp/credentials`.
    Home,
    /// Nobody, and no home directory is known: it is `./.credentials`.
    WorkingDirectory,
}

impl Location {
    /// The first location that is set: `argument`, `WORKSPACE_MCP_CREDENTIALS_DIR`, `GOOGLE_MCP_CREDENTIALS_DIR`,
    /// `~/.google_workspace_mcp/credentials`, or `./.credentials` where `HOME` is unset.
    ///
    /// google_workspace_mcp looks in the same order. A variable that is blank is not set, and one may hold an `s3://` URI.
    ///
    /// ```
    /// use cred_path::{Environment, Location, LocationSource};
    ///
    /// let env = Environment::from_iter([("GOOGLE_MCP_CREDENTIALS_DIR", "s3://acme-creds/prod/")]);
    /// let resolved = Location::resolve(None, &env)?;
    /// assert_eq!(resolved.location.to_string(), "s3://acme-creds/prod/");
    /// assert_eq!(resolved.source, LocationSource::Variable("GOOGLE_MCP_CREDENTIALS_DIR"));
    /// # Ok::<(), cred_path::LocationError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Location::parse`]; if a variable is to blame, as the cause of a [`LocationError::Variable`], or
    /// [`LocationError::NotUtf8`]. A location that is set but cannot be read is never passed over.
    pub fn resolve(argument: Option<&str>, env: &Environment) -> Result<Resolved, LocationError> {
        if let Some(argument) = argument {
            return Ok(Resolved { location: Self::parse(argument, env)?, source: LocationSource::Argument });
        }
        for variable in ["WORKSPACE_MCP_CREDENTIALS_DIR", "GOOGLE_MCP_CREDENTIALS_DIR"] {
            if let Some(value) = env.readable(variable)? {
                let location = Self::parse(value, env)
                    .map_err(|source| LocationError::Variable { variable, source: Box::new(source) })?;
                return Ok(Resolved { location, source: LocationSource::Variable(variable) });
            }
        }
        let (source, place) = match env.readable("HOME")? {
            Some(_) => (LocationSource::Home, "~/.google_workspace_mcp/credentials"),
            None => (LocationSource::WorkingDirectory, "./.credentials"),
        };
        Ok(Resolved { location: Self::parse(place, env)?, source })
    }
}

impl fmt::Display for LocationSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argument => "argument",
            Self::Variable(name) => name,
            Self::Home => "default below HOME",
            Self::WorkingDirectory => "default without HOME",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: (&str, &str) = ("WORKSPACE_MCP_CREDENTIALS_DIR", "~/workspace");
    const GOOGLE: (&str, &str) = ("GOOGLE_MCP_CREDENTIALS_DIR", "s3://acme/google");
    const HOME: (&str, &str) = ("HOME", "/srv/ada");

    fn resolved(argument: Option<&str>, variables: &[(&str, &str)]) -> (String, String) {
        let resolved = Location::resolve(argument, &variables.iter().copied().collect()).unwrap();
        (resolved.location.to_string(), resolved.source.to_string())
    }

    #[test]
    fn the_first_that_is_set_wins() {
        for (argument, variables, location, source) in [
            (Some("./x"), &[WORKSPACE, GOOGLE, HOME][..], "./x", "argument"),
            (None, &[WORKSPACE, GOOGLE, HOME], "/srv/ada/workspace", "WORKSPACE_MCP_CREDENTIALS_DIR"),
            (None, &[GOOGLE, HOME], "s3://acme/google/", "GOOGLE_MCP_CREDENTIALS_DIR"),
            (
                None,
                &[("WORKSPACE_MCP_CREDENTIALS_DIR", " "), GOOGLE],
                "s3://acme/google/",
                "GOOGLE_MCP_CREDENTIALS_DIR",
            ),
            (None, &[HOME], "/srv/ada/.google_workspace_mcp/credentials", "default below HOME"),
            (None, &[("HOME", "")], "./.credentials", "default without HOME"),
        ] {
            assert_eq!(resolved(argument, variables), (location.into(), source.into()));
        }
    }

    #[test]
    fn a_bad_value_is_an_error_and_never_passed_over() {
        let env = Environment::from_iter([("WORKSPACE_MCP_CREDENTIALS_DIR", "gs://b"), GOOGLE]);
        let error = Location::resolve(None, &env).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap();
        assert!(
            error.to_string().contains("WORKSPACE_MCP_CREDENTIALS_DIR") && cause.to_string().contains("\"gs://b\"")
        );
        assert!(error.hint().unwrap().contains("WORKSPACE_MCP_CREDENTIALS_DIR"));
        assert!(matches!(Location::resolve(Some(""), &env), Err(LocationError::Empty { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn a_value_that_is_not_utf8_is_an_error_and_never_passed_over() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;

        for (name, argument) in [
            ("WORKSPACE_MCP_CREDENTIALS_DIR", None),
            ("GOOGLE_MCP_CREDENTIALS_DIR", None),
            ("HOME", None),
            ("HOME", Some("~/creds")),
        ] {
            let env = Environment::from_os([(name.into(), OsString::from_vec(b"/srv/\xff".to_vec()))]);
            let error = Location::resolve(argument, &env).unwrap_err();
            assert!(matches!(error, LocationError::NotUtf8 { variable } if variable == name), "{name}: {error:?}");
            assert!(error.to_string().contains(name) && error.hint().unwrap().contains(name));
            assert!(Location::resolve(Some("./creds"), &env).is_ok());
        }
    }
}
