//! `cred find`: the first valid credential.

use cred_path::DocumentName;
use cred_store::{CredentialStore, Error, UserId, WhySkipped};

use crate::answer::Answer;
use crate::args::{Find, Global};
use crate::message::{Code, Failure, Task, Verb};
use crate::output::Output;

pub(super) async fn run(
    arguments: &Find,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    let filter = arguments.which.filter();
    let found = if arguments.all { store.find_all(&filter).await } else { store.find(&filter).await };
    let finding = found
        .map_err(|error| Failure::of(Task { verb: Verb::List, store: store.location(), user: None, global }, &error))?;

    let mut answer = Answer::new(output, store.location(), global);
    for skipped in &finding.skipped {
        match &skipped.why {
            WhySkipped::Unreadable(error) => {
                output.note(&format!("skipped: {error}"));
                if !matches!(error, Error::NotACredential { .. }) {
                    answer.add_error(&skipped.key, user(&skipped.key).as_ref(), error)?;
                }
            }
            why => output.note(&format!("skipped {}: {why}", skipped.key)),
        }
    }
    if finding.found.is_empty() {
        let (location, cred) = (store.location().to_string(), global.cred());
        return Err(Failure::new(Code::NotFound, format!("no valid credential in {location}"))
            .with_fix(format!("see who is there: {cred} list; or store one: {cred} import ID FILE"))
            .with_location(location));
    }
    for stored in &finding.found {
        answer.add(stored)?;
    }
    answer.finish()?;
    Ok(Code::Ok)
}

/// Whose the document called `key` is, by its name.
fn user(key: &str) -> Option<UserId> {
    UserId::from_document_name(&DocumentName::new(key).ok()?)
}
