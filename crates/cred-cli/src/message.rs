//! What is said when something fails: error, cause, fix and note, and the exit code.

use std::error::Error as _;
use std::io::ErrorKind;
use std::iter;
use std::process::ExitCode;

use cred_model::Effect;
use cred_path::LocationError;
use cred_store::{Error, Location, StoreError, UserId};
use serde::Serialize;

use crate::args::Global;
use crate::fix::{self, option, shell_id};

/// How a command ended, as an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub(crate) enum Code {
    Ok = 0,
    Other = 1,
    Usage = 2,
    NotFound = 3,
    Permission = 4,
    Conflict = 5,
    Corrupt = 6,
    Unavailable = 7,
    Partial = 9,
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command failed, as the user is told.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: Box<str>,
    pub(crate) cause: Option<Box<str>>,
    pub(crate) fix: Option<Box<str>>,
    pub(crate) location: Option<Box<str>>,
    #[serde(skip)]
    pub(crate) note: Option<Box<str>>,
    /// Nobody reads the output any more, so nobody is told.
    #[serde(skip)]
    pub(crate) is_silent: bool,
}

/// What a command was about to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'a> {
    pub(crate) verb: Verb,
    pub(crate) store: &'a Location,
    /// Whose credential; `None` for the store as a whole.
    pub(crate) user: Option<&'a UserId>,
    /// How the store was called for.
    pub(crate) global: &'a Global,
}

/// What is done to a credential or a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Delete,
    List,
    Read,
    Save,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::List => "list",
            Self::Read => "read",
            Self::Save => "save",
        }
    }
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<Box<str>>) -> Self {
        let message = message.into();
        Self { code, message, cause: None, fix: None, location: None, note: None, is_silent: false }
    }

    /// Nobody reads what is written to standard output.
    pub(crate) fn closed_pipe() -> Self {
        Self { is_silent: true, ..Self::new(Code::Other, "standard output is closed") }
    }

    /// The operating system failed to do something.
    pub(crate) fn io(doing: impl Into<Box<str>>, error: &std::io::Error) -> Self {
        Self::new(io_code(error.kind()), doing).with_cause(error.to_string())
    }

    /// Why `task` failed.
    pub(crate) fn of(task: Task<'_>, error: &Error) -> Self {
        let place = match task.user {
            Some(user) => task.store.document(&user.document_name()),
            None => task.store.to_string(),
        };
        Self {
            cause: cause(error).map(Into::into),
            fix: fix::fix(task, error).map(Into::into),
            note: note(task, error).map(Into::into),
            ..Self::new(code(error), headline(task, error)).with_location(place)
        }
    }

    /// The store could not be opened.
    pub(crate) fn opening(error: &Error) -> Self {
        let (cause, fix) = (cause(error).map(Into::into), fix::general(error).map(Into::into));
        Self { cause, fix, ..Self::new(code(error), text(error)) }
    }

    pub(crate) fn with_cause(self, cause: impl Into<Box<str>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    pub(crate) fn with_fix(self, fix: impl Into<Box<str>>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    pub(crate) fn with_location(self, location: impl Into<Box<str>>) -> Self {
        Self { location: Some(location.into()), ..self }
    }

    pub(crate) fn with_note(self, note: impl Into<Box<str>>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// `{"error":{…}}`.
    pub(crate) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Answer<'a> {
            error: &'a Failure,
        }
        serde_json::to_string(&Answer { error: self }).expect("texts under text keys are JSON")
    }
}

/// `error:` what failed, for whom.
fn headline(task: Task<'_>, error: &Error) -> String {
    let Task { verb, store, user, .. } = task;
    let what = match user {
        Some(user) => format!("{} {:?}", verb.word(), user.as_str()),
        None => format!("{} {store}", verb.word()),
    };
    match (error, user) {
        (Error::Store(StoreError::AccessDenied { .. } | StoreError::MissingOrForbidden { .. }), _)
            if matches!(store, Location::S3(_)) =>
        {
            format!("may not {what}: {error}")
        }
        (Error::Store(StoreError::Corrupt { place, version, problem, line, column }), Some(user)) => {
            let version = version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
            let user = user.as_str();
            format!("document of {user:?} is corrupt: {problem} at line {line} column {column} ({place}{version})")
        }
        (Error::Store(StoreError::Conflict { place, expected: None, .. }), Some(_)) => {
            format!("cannot {what}: {place} is there already")
        }
        // Absent, or changed by somebody a moment ago: not every store tells.
        (Error::Store(StoreError::Conflict { place, expected: Some(version), found: None }), Some(_)) => {
            format!("cannot {what}: {place} is not there in version {version}")
        }
        (
            Error::NotACredential { .. }
            | Error::Store(StoreError::Conflict { .. } | StoreError::NotEncrypted { .. } | StoreError::TooLarge { .. }),
            Some(_),
        ) => format!("cannot {what}: {error}"),
        // The others say themselves what could not be done, or are about the store as a whole.
        _ => text(error),
    }
}

/// What `error` says, the settings in it called as the options are.
fn text(error: &Error) -> String {
    match error {
        Error::Store(StoreError::Misconfigured { setting, problem, .. }) => {
            format!("{} {problem}", option(setting).unwrap_or(setting))
        }
        _ => error.to_string(),
    }
}

/// `cause:` the chain of causes in one line.
fn cause(error: &Error) -> Option<String> {
    let chain = iter::successors(error.source(), |&error| error.source());
    let causes = chain.map(ToString::to_string).collect::<Vec<_>>();
    (!causes.is_empty()).then(|| causes.join(": "))
}

/// `note:` the state of the data.
fn note(task: Task<'_>, error: &Error) -> Option<String> {
    let user = match task.verb {
        Verb::Delete | Verb::Save => task.user.filter(|_| !matches!(error, Error::NotFound { .. }))?,
        Verb::List | Verb::Read => return None,
    };
    Some(match error.effect() {
        Effect::None => "the stored document is unchanged".into(),
        Effect::Unknown => {
            format!("it may have happened all the same: {} show {} tells", task.global.cred(), shell_id(user))
        }
        Effect::NotDurable => "it has happened, but a loss of power may undo it".into(),
    })
}

fn code(error: &Error) -> Code {
    match error {
        Error::Location(LocationError::Variable { .. }) | Error::OtherUser { .. } => Code::Permission,
        Error::Location(_) => Code::Usage,
        Error::Store(StoreError::Misconfigured { setting, .. }) if option(setting).is_some() => Code::Usage,
        Error::NoToken { .. } | Error::NotACredential { .. } => Code::Corrupt,
        Error::NotFound { .. } => Code::NotFound,
        Error::Store(error) => store_code(error),
        _ => Code::Other,
    }
}

fn store_code(error: &StoreError) -> Code {
    match error {
        StoreError::AccessDenied { .. }
        | StoreError::BucketNotFound { .. }
        | StoreError::ClockSkew { .. }
        | StoreError::InvalidCredentials { .. }
        | StoreError::Misconfigured { .. }
        | StoreError::MissingCredentials { .. }
        | StoreError::MissingOrForbidden { .. }
        | StoreError::NotEncrypted { .. }
        | StoreError::WrongRegion { .. } => Code::Permission,
        StoreError::Conflict { .. } => Code::Conflict,
        StoreError::Corrupt { .. }
        | StoreError::InvalidName { .. }
        | StoreError::NotADocument { .. }
        | StoreError::TooLarge { .. } => Code::Corrupt,
        StoreError::Io { source, .. } => io_code(source.kind()),
        StoreError::Network { .. } | StoreError::Throttled { .. } | StoreError::Timeout { .. } => Code::Unavailable,
        StoreError::Server { .. } if error.is_transient() => Code::Unavailable,
        _ => Code::Other,
    }
}

fn io_code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory => Code::Permission,
        _ => Code::Other,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use cred_model::{Action, Phase, Place, Refusal, Tried, Version};
    use cred_store::Environment;

    use super::*;
    use crate::args::Cli;

    fn told(verb: Verb, error: StoreError) -> Failure {
        let user = UserId::new("u@x.com").unwrap();
        let store = store();
        let user = (verb != Verb::List).then_some(&user);
        let arguments = ["cred", "list", "--store", "s3://b-1/p/", "--region", "eu-1"];
        let global = &Cli::try_parse_from(arguments).unwrap().global;
        Failure::of(Task { verb, store: &store, user, global }, &error.into())
    }

    fn store() -> Location {
        Location::parse("s3://b-1/p/", &Environment::default()).unwrap()
    }

    fn document() -> Place {
        Place::document(&store(), &UserId::new("u@x.com").unwrap().document_name())
    }

    fn refusal() -> Refusal {
        Refusal { status: Some(403), code: Some("AccessDenied".into()), request_id: Some("7F".into()) }
    }

    #[test]
    fn a_refused_save_names_the_user_the_right_and_the_state_of_the_data() {
        let error = StoreError::AccessDenied { action: Action::Write, place: document(), refusal: refusal() };
        let failure = told(Verb::Save, error);
        assert_eq!(&*failure.message, r#"may not save "u@x.com": S3 denied PutObject on s3://b-1/p/u@x.com.json"#);
        assert_eq!(&*failure.cause.unwrap(), "AccessDenied (HTTP 403, request 7F)");
        assert!(failure.fix.unwrap().starts_with("allow s3:PutObject on arn:aws:s3:::b-1/p/*"));
        assert_eq!(&*failure.note.unwrap(), "the stored document is unchanged");
        assert_eq!(failure.code, Code::Permission);
        assert_eq!(&*failure.location.unwrap(), "s3://b-1/p/u@x.com.json");
    }

    #[test]
    fn a_write_of_which_nobody_knows_is_not_called_undone() {
        let error = StoreError::Network {
            action: Action::Write,
            place: document(),
            endpoint: "b-1.s3.amazonaws.com".into(),
            phase: Phase::Answer,
            effect: Effect::Unknown,
        };
        let failure = told(Verb::Save, error);
        assert_eq!(failure.code, Code::Unavailable);
        assert_eq!(
            &*failure.note.unwrap(),
            "it may have happened all the same: cred --store s3://b-1/p/ --region eu-1 show u@x.com tells"
        );
        assert!(failure.fix.unwrap().contains("raise --timeout"));
    }

    #[test]
    fn a_corrupt_document_is_named_with_its_position_and_version() {
        let error = StoreError::Corrupt {
            place: document(),
            version: Some(Version::new("3H").unwrap()),
            problem: "unexpected end of JSON".into(),
            line: 1,
            column: 812,
        };
        let failure = told(Verb::Read, error);
        assert_eq!(
            &*failure.message,
            r#"document of "u@x.com" is corrupt: unexpected end of JSON at line 1 column 812 (s3://b-1/p/u@x.com.json, version 3H)"#
        );
        assert_eq!((failure.code, failure.note), (Code::Corrupt, None));
    }

    #[test]
    fn what_concerns_the_whole_store_speaks_for_itself() {
        let missing = StoreError::MissingCredentials {
            place: Place::store(&store()),
            tried: Tried(vec!["environment".into(), "instance role".into()]),
        };
        let failure = told(Verb::List, missing);
        assert_eq!(&*failure.message, "cannot reach store s3://b-1/p/: no AWS credentials found");
        assert_eq!(&*failure.cause.unwrap(), "tried environment, instance role");

        let region = StoreError::WrongRegion {
            bucket: "b-1".into(),
            used: "us-east-1".into(),
            actual: Some("eu-west-1".into()),
        };
        let failure = told(Verb::Read, region);
        assert_eq!(&*failure.message, "bucket \"b-1\" is in eu-west-1, but us-east-1 was used");
        assert_eq!(&*failure.fix.unwrap(), "--region eu-west-1, or AWS_REGION=eu-west-1");
    }

    #[test]
    fn tls_that_cannot_be_set_up_is_no_fault_of_the_command_line() {
        let error = StoreError::Misconfigured {
            setting: "TLS".into(),
            problem: "could not be set up".into(),
            expected: "work".into(),
        };
        let failure = Failure::opening(&error.into());
        assert_eq!((&*failure.message, failure.code), ("TLS could not be set up", Code::Permission));
        assert!(failure.fix.unwrap().starts_with("install the certificates"));
    }

    #[test]
    fn an_error_in_json_has_five_members() {
        let json = Failure::new(Code::NotFound, "nobody").to_json();
        assert_eq!(
            json,
            r#"{"error":{"code":"not_found","message":"nobody","cause":null,"fix":null,"location":null}}"#
        );
    }
}
