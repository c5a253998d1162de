//! What to type when something fails.

use cred_store::{Error, StoreError, UserId};

use crate::message::{Task, Verb};

/// `fix:` something to type: a command of ours where there is one, else what the library says.
pub(crate) fn fix(task: Task<'_>, error: &Error) -> Option<String> {
    let Some(user) = task.user else { return general(error) };
    let (cred, user) = (task.global.cred(), shell_id(user));
    match (error, task.verb) {
        (Error::NotFound { .. }, Verb::Delete) => Some(format!("see who is there: {cred} list --names-only")),
        (Error::NotFound { .. }, _) => {
            Some(format!("see who is there: {cred} list --names-only; or store one: {cred} import {user} FILE"))
        }
        (Error::OtherUser { named, .. }, Verb::Save) => {
            let named = shell_word(named);
            Some(format!("check the id: {cred} import {named} FILE; or add --force, if the account was renamed"))
        }
        (Error::OtherUser { .. }, Verb::Delete) => {
            Some(format!("delete it all the same: {cred} delete --force {user}"))
        }
        (Error::OtherUser { .. }, _) => Some(format!(
            "store the right one over it: {cred} import --force {user} FILE; or delete it: {cred} delete --force {user}"
        )),
        (Error::Store(StoreError::Corrupt { .. }), _) => Some(format!(
            "restore a backup, or sign in again and: {cred} import --force {user} FILE (keeps the old bytes in .aside/); \
             or delete it: {cred} delete {user}"
        )),
        (Error::Store(StoreError::Conflict { expected: None, .. }), _) => {
            Some(format!("leave out --if-absent, or look at what is stored: {cred} show {user}"))
        }
        (Error::Store(StoreError::Conflict { found: None, .. }), _) => {
            Some(format!("leave out --if-version, or see who is there: {cred} list --names-only"))
        }
        (Error::Store(StoreError::Conflict { .. }), _) => {
            Some(format!("look at what is stored and try again with its version: {cred} show {user}"))
        }
        _ => general(error),
    }
}

/// What to do where no user and no command of ours comes in.
pub(crate) fn general(error: &Error) -> Option<String> {
    match error {
        Error::Store(StoreError::Misconfigured { setting, expected, .. }) => {
            Some(match (&**setting, option(setting)) {
                (DIRECTORY, _) => "leave them out, or name a bucket: --store s3://bucket/prefix/".into(),
                ("TLS", _) => "install the certificates of the system, usually the package ca-certificates".into(),
                (setting, option) => format!("set {} to {expected}", option.unwrap_or(setting)),
            })
        }
        Error::Store(StoreError::WrongRegion { actual: Some(region), .. }) => {
            Some(format!("--region {region}, or AWS_REGION={region}"))
        }
        Error::Store(StoreError::Network { .. } | StoreError::Timeout { .. }) => {
            error.hint().map(|hint| hint.replace("allow more time", "raise --timeout"))
        }
        _ => error.hint(),
    }
}

/// What the library calls the settings that mean nothing for a directory.
const DIRECTORY: &str = "region, endpoint or encryption";

/// The option that the library calls `setting`, if it is one.
pub(crate) fn option(setting: &str) -> Option<&'static str> {
    match setting {
        "endpoint" => Some("--endpoint"),
        "encryption" => Some("--sse"),
        "region" => Some("--region"),
        DIRECTORY => Some("--region, --endpoint or --sse"),
        _ => None,
    }
}

/// `user` as an argument in a POSIX shell, after `--` if it looks like an option.
pub(crate) fn shell_id(user: &UserId) -> String {
    let id = shell_word(user.as_str());
    if user.as_str().starts_with('-') { format!("-- {id}") } else { id }
}

/// `text` as one word of a POSIX shell.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@._-+:/=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_shown_as_a_shell_takes_it() {
        assert_eq!(shell_word("a+b@x.com"), "a+b@x.com");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word("~/x"), "'~/x'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_id(&UserId::new("-x").unwrap()), "-- -x");
    }
}
