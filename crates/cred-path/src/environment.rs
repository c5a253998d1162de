//! Environment variables as a value, so that nothing depends on process-wide state.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::{env, fmt};

use crate::LocationError;

/// The environment variables that a store is opened with.
///
/// Every function of this project that honours a variable takes one of these. A program passes
/// [`from_process`](Self::from_process) once; a test passes what it wants to be true.
///
/// ```
/// use cred_path::Environment;
///
/// let env = Environment::from_iter([("HOME", "/srv/ada"), ("AWS_REGION", " ")]);
/// assert_eq!(env.get("HOME"), Some("/srv/ada"));
/// assert_eq!(env.get("AWS_REGION"), None); // blank is unset
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    /// `None` for a value that is not UTF-8.
    variables: BTreeMap<String, Option<String>>,
}

impl Environment {
    /// The variables of this process, as they are now.
    ///
    /// This is the one place that looks at them. Of a variable whose value is not UTF-8 only the name is kept, so that
    /// [`Location::resolve`](crate::Location::resolve) can name it.
    pub fn from_process() -> Self {
        Self::from_os(env::vars_os())
    }

    pub(crate) fn from_os(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables = variables.into_iter();
        // No variable that this project honours has a name beyond ASCII.
        Self {
            variables: variables
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok())))
                .collect(),
        }
    }

    /// The value of `name`, as it was set; `None` if it is unset, blank or not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.as_deref().filter(|value| !value.trim().is_empty())
    }

    /// The same as [`get`](Self::get), but for an error where the value is not UTF-8: to pass that over would choose a
    /// place that nobody asked for.
    pub(crate) fn readable(&self, name: &'static str) -> Result<Option<&str>, LocationError> {
        match self.variables.get(name) {
            Some(None) => Err(LocationError::NotUtf8 { variable: name }),
            _ => Ok(self.get(name)),
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name.into(), Some(value.into()))).collect() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secret keys, so only names are printed.
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_names_and_no_value() {
        let env = Environment::from_iter([("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")]);
        assert_eq!(format!("{env:?}"), r#"{"AWS_SECRET_ACCESS_KEY"}"#);
    }

    #[test]
    fn the_process_environment_is_seen() {
        assert_eq!(Environment::from_process().get("CARGO_PKG_NAME"), option_env!("CARGO_PKG_NAME"));
    }
}
