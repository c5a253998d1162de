//! `cred import`: the credential that another program has written.

use std::error::Error as _;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::time::SystemTime;

use cred_model::{DecodeErrorKind, ImportError, ImportNote, Imported, LooksLike, MAX_DOCUMENT_BYTES};
use cred_store::{Credential, CredentialStore, Error, Version};
use serde::Serialize;

use super::task;
use crate::args::{Global, Import};
use crate::message::{Code, Failure, Verb};
use crate::output::Output;

/// The answer in JSON.
#[derive(Serialize)]
struct Answer {
    id: String,
    version: Option<String>,
    created: bool,
    location: String,
}

/// What an import does to the store.
struct Change {
    /// The version written; `None` in a dry run.
    version: Option<Version>,
    created: bool,
    /// What is stored then.
    credential: Credential,
}

pub(super) async fn run(
    arguments: &Import,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    let Import { user, dry_run, .. } = arguments;
    let Imported { credential, notes, .. } = read(arguments, global, output)?;
    let change = save(arguments, &credential, store).await;
    let Change { version, created, credential } =
        change.map_err(|error| Failure::of(task(Verb::Save, global, store, user), &error))?;

    for note in notes.iter().filter(|note| !is_moot(note, &credential)) {
        match note {
            ImportNote::MissingClient => {
                output.note("no client id and secret: cannot be refreshed; import it again with --client-file FILE");
            }
            note => output.note(&note.to_string()),
        }
    }
    let location = store.location().document(&user.document_name());
    let (done, over) = (if *dry_run { "would import" } else { "imported" }, if created { "new" } else { "updated" });
    output.say(&format!("{done} {user} to {location} ({over})"));
    if output.is_json() {
        let version = version.map(|version| version.to_string());
        output.json(&Answer { id: user.to_string(), version, created, location })?;
    }
    Ok(Code::Ok)
}

/// Saves `credential` as the arguments say, or finds out what that would do.
async fn save(arguments: &Import, credential: &Credential, store: &CredentialStore) -> Result<Change, Error> {
    let Import { user, replace, if_absent, if_version, force, dry_run, .. } = arguments;
    let mut save = if *replace { store.replace(user, credential) } else { store.save(user, credential) };
    if *if_absent {
        save = save.if_absent();
    }
    if let Some(version) = if_version {
        save = save.if_version(version.clone());
    }
    if *force {
        save = save.force();
    }
    if *dry_run {
        let planned = save.dry_run().await?;
        return Ok(Change { version: None, created: planned.created, credential: planned.credential });
    }
    let saved = save.await?;
    Ok(Change { version: Some(saved.stored.version), created: saved.created, credential: saved.stored.credential })
}

/// Whether what was missing in the file is stored all the same.
fn is_moot(note: &ImportNote, stored: &Credential) -> bool {
    match note {
        ImportNote::MissingClient => stored.client_id().is_some() && stored.client_secret().is_some(),
        ImportNote::MissingRefreshToken => stored.refresh_token().is_some(),
        _ => false,
    }
}

/// Reads the credential in the file, and gives it the e-mail address of the arguments if it names nobody.
fn read(arguments: &Import, global: &Global, output: Output) -> Result<Imported, Failure> {
    let Import { user, file, from, client_file, email, force, .. } = arguments;
    if is_stdin(file) && io::stdin().is_terminal() {
        if global.no_input {
            let message = "no file is named, and --no-input forbids to ask for its content";
            return Err(Failure::new(Code::Usage, message).with_fix("name the file that holds the credential"));
        }
        output.note("reading the credential from this terminal, up to the end of the input (Ctrl-D)");
    }
    let input = read_file(file)?;
    let client = client_file.as_deref().map(read_file).transpose()?;

    let mut import = cred_model::Import::new(SystemTime::now());
    if let Some(form) = from {
        import = import.with_form(*form);
    }
    if let Some(client) = &client {
        import = import.with_client_file(client);
    }
    let name = if is_stdin(file) { "standard input".into() } else { file.display().to_string() };
    let mut imported = import.read(&input).map_err(|error| {
        let message = format!("cannot import {:?} from {name}: {error}", user.as_str());
        let failure = unwritten(Failure::new(Code::Corrupt, message).with_fix(fix(&error)));
        match error.source() {
            Some(cause) => failure.with_cause(cause.to_string()),
            None => failure,
        }
    })?;

    if let Some(email) = email {
        match imported.credential.identity() {
            None => imported.credential = imported.credential.with_user_email(email),
            Some(named) if imported.credential.names_another_user(email) && !force => {
                let message = format!("{name} names {named:?}, and not {email:?} as --email does");
                let failure = Failure::new(Code::Permission, message).with_fix("leave out --email, or add --force");
                return Err(unwritten(failure));
            }
            Some(_) => {}
        }
    }
    Ok(imported)
}

fn unwritten(failure: Failure) -> Failure {
    failure.with_note("nothing was written")
}

fn fix(error: &ImportError) -> &'static str {
    match error {
        ImportError::Input(error) => match error.kind() {
            DecodeErrorKind::NotACredential { looks_like: LooksLike::ClientFile } => {
                "name the file with the user's tokens; that of the client goes with --client-file"
            }
            DecodeErrorKind::NotACredential { looks_like: LooksLike::ServiceAccountKey } => {
                "let a user sign in: a service account has no refresh token"
            }
            _ => "name a file with an access or refresh token, as JSON in UTF-8",
        },
        ImportError::WrongForm { .. } => "leave out --from, so that the form is recognised",
        _ => "name the client file that the Google console gave with this client: \"installed\" or \"web\" with its id",
    }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The content of `file`, up to a little more than what can be a credential.
fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = |source: &mut dyn Read| {
        let mut content = Vec::new();
        source.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut content).map(|_| content)
    };
    let failed = |name: String| move |error: io::Error| unwritten(Failure::io(format!("cannot read {name}"), &error));
    if is_stdin(file) {
        return read(&mut io::stdin().lock()).map_err(failed("standard input".into()));
    }
    File::open(file).and_then(|mut file| read(&mut file)).map_err(failed(file.display().to_string()))
}
