//! `cred import`: the credential that another program has written.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::time::SystemTime;

use cred_model::{DecodeErrorKind, ImportError, LooksLike, MAX_DOCUMENT_BYTES, Place};
use cred_store::{Credential, CredentialStore, Error, StoreError};
use serde::Serialize;

use super::task;
use crate::args::{Global, Import};
use crate::message::{Code, Failure, Verb};
use crate::output::Output;

/// The answer in JSON.
#[derive(Serialize)]
struct Imported {
    id: String,
    /// `None` if nothing was written.
    version: Option<String>,
    created: bool,
    location: String,
}

pub(super) async fn run(
    arguments: &Import,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    let Import { user, replace, if_absent, if_version, force, dry_run, .. } = arguments;
    let credential = read(arguments, global, output)?;
    let failed = |error: Error| Failure::of(task(Verb::Save, store, user), &error);
    let location = store.location().document(&user.document_name());

    let (version, created) = if *dry_run {
        (None, !would_replace(arguments, &credential, store).await.map_err(failed)?)
    } else {
        let mut save = if *replace { store.replace(user, &credential) } else { store.save(user, &credential) };
        if *if_absent {
            save = save.if_absent();
        }
        if let Some(version) = if_version {
            save = save.if_version(version.clone());
        }
        if *force {
            save = save.force();
        }
        let saved = save.await.map_err(failed)?;
        (Some(saved.stored.version.to_string()), saved.created)
    };

    let (done, over) = (if *dry_run { "would import" } else { "imported" }, if created { "new" } else { "updated" });
    output.say(&format!("{done} {user} to {location} ({over})"));
    if output.is_json() {
        output.json(&Imported { id: user.to_string(), version, created, location })?;
    }
    Ok(Code::Ok)
}

/// Whether the save would replace a document; an error if it would fail.
async fn would_replace(arguments: &Import, credential: &Credential, store: &CredentialStore) -> Result<bool, Error> {
    let Import { user, if_absent, if_version, force, .. } = arguments;
    let place = Place::document(store.location(), &user.document_name());
    if !force && credential.names_another_user(user.as_str()) {
        let named = credential.identity().unwrap_or_default();
        return Err(Error::OtherUser { user: user.clone(), named, place });
    }
    let found = match store.load(user).await {
        Ok(stored) => stored.map(|stored| stored.version),
        Err(error) if *force && error.is_bad_document() => return Ok(true),
        Err(error) => return Err(error),
    };
    let is_wanted = match if_version {
        Some(_) => found == *if_version,
        None => !if_absent || found.is_none(),
    };
    if is_wanted {
        Ok(found.is_some())
    } else {
        Err(StoreError::Conflict { place, expected: if_version.clone(), found }.into())
    }
}

/// The credential in the file, as it is to be stored.
fn read(arguments: &Import, global: &Global, output: Output) -> Result<Credential, Failure> {
    let Import { user, file, from, client_file, email, force, .. } = arguments;
    let nothing_written = |failure: Failure| failure.with_note("nothing was written");
    let source = if is_stdin(file) { "standard input".into() } else { file.display().to_string() };
    if is_stdin(file) && io::stdin().is_terminal() {
        if global.no_input {
            return Err(Failure::new(Code::Usage, "no file is named, and --no-input forbids to ask for its content")
                .with_fix("name the file that holds the credential"));
        }
        output.note("reading the credential from this terminal, up to the end of the input (Ctrl-D)");
    }
    let input = read_file(file).map_err(nothing_written)?;
    let client = client_file.as_deref().map(read_file).transpose().map_err(nothing_written)?;

    let mut import = cred_model::Import::new(SystemTime::now());
    if let Some(form) = from {
        import = import.with_form(*form);
    }
    if let Some(client) = &client {
        import = import.with_client_file(client);
    }
    let imported = import.read(&input).map_err(|error| {
        let message = format!("cannot import {:?} from {source}: {error}", user.as_str());
        let failure = Failure::new(Code::Corrupt, message).with_fix(fix(&error)).with_note("nothing was written");
        match std::error::Error::source(&error) {
            Some(cause) => failure.with_cause(cause.to_string()),
            None => failure,
        }
    })?;
    for note in &imported.notes {
        output.note(&note.to_string());
    }
    let credential = imported.credential;
    match email {
        Some(email) if credential.identity().is_none() => Ok(credential.with_user_email(email)),
        Some(email) if credential.names_another_user(email) && !force => {
            let named = credential.identity().unwrap_or_default();
            let message = format!("{source} names {named:?}, and not {email:?} as --email does");
            Err(nothing_written(Failure::new(Code::Permission, message).with_fix("leave out --email, or add --force")))
        }
        _ => Ok(credential),
    }
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
        _ => "name the client file that the Google console gives: \"installed\" or \"web\" with a client id",
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
    if is_stdin(file) {
        return read(&mut io::stdin().lock()).map_err(|error| Failure::io("cannot read standard input", &error));
    }
    File::open(file)
        .and_then(|mut file| read(&mut file))
        .map_err(|error| Failure::io(format!("cannot read {}", file.display()), &error))
}
