//! `cred export`: a credential for another program.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use cred_model::ExportForm;
use cred_store::CredentialStore;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::task;
use crate::args::{Export, Global};
use crate::consent;
use crate::message::{Code, Failure, Verb};
use crate::output::Output;

/// The answer in JSON, if the credential went to a file.
#[derive(Serialize)]
struct Exported {
    id: String,
    file: String,
    format: String,
    location: String,
}

pub(super) async fn run(
    arguments: &Export,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    let Export { user, file, format, yes } = arguments;
    let to_stdout = file.as_os_str() == "-";
    if to_stdout && output.is_json() && *format == ExportForm::Env {
        let error = Failure::new(Code::Usage, "the form env is no JSON value, which --json asks for");
        return Err(error.with_fix("leave out --json, or name a file"));
    }
    let stored =
        store.require(user).await.map_err(|error| Failure::of(task(Verb::Read, global, store, user), &error))?;
    let location = store.location().document(&stored.name);
    let bytes = stored.credential.export(*format).map_err(|error| {
        Failure::new(Code::Other, format!("cannot export {:?}: {error}", user.as_str()))
            .with_fix("choose another form: --format google-auth")
            .with_location(location.as_str())
    })?;

    if to_stdout {
        if io::stdout().is_terminal() {
            consent::require(&format!("print the secrets of {:?}", user.as_str()), *yes, global)?;
        }
        output.bytes(&bytes)?;
        if !bytes.ends_with(b"\n") {
            output.bytes(b"\n")?;
        }
        return Ok(Code::Ok);
    }

    let exists = is_file(file)?;
    if exists {
        consent::require(&format!("overwrite {}", file.display()), *yes, global)?;
    }
    write(file, &bytes, exists).map_err(|error| {
        Failure::io(format!("cannot write {}", file.display()), &error).with_note("no part of it was written")
    })?;
    output.say(&format!("exported {user} to {} as {format}", file.display()));
    if output.is_json() {
        let (id, file, format) = (user.to_string(), file.display().to_string(), format.to_string());
        output.json(&Exported { id, file, format, location })?;
    }
    Ok(Code::Ok)
}

/// Whether `path` is a file already; anything else is not to be replaced.
fn is_file(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(true),
        Ok(_) => Err(Failure::new(Code::Usage, format!("{} is there and no regular file", path.display()))
            .with_fix("name another file, or - for standard output")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io(format!("cannot look at {}", path.display()), &error)),
    }
}

/// Writes the whole file or nothing, for its owner alone.
fn write(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if replace {
        file.persist(path)?
    } else {
        file.persist_noclobber(path)?
    };
    Ok(())
}
