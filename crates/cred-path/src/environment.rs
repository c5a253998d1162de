//! Environment variables as a value, so that nothing depends on process-wide state.

use std::collections::BTreeMap;
use std::{env, fmt};

/// The environment variables that a store is opened with.
///
/// Every function of this project that honours a variable takes one of these. A program passes
/// [`from_process`](Self::from_process) once; a test passes what it wants to be true.
///
/// ```
/// use cred_path::Environment;
///
/// let env = Environment::from_iter([("HOME", "/home/ada"), ("AWS_REGION", " ")]);
/// assert_eq!(env.get("HOME"), Some("/home/ada"));
/// assert_eq!(env.get("AWS_REGION"), None); // blank is unset
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of this process, as they are now.
    ///
    /// This is the one place that looks at them. A variable whose name or value is not UTF-8 counts as unset: no place,
    /// region or key that this project understands can be written in it.
    pub fn from_process() -> Self {
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }

    /// The value of `name`, as it was set; `None` if it is unset or blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
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
