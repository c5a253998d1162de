//! `cred find`: the first valid credential.

use cred_store::{CredentialStore, Error, WhySkipped};

use crate::answer::Answer;
use crate::args::Find;
use crate::message::{Code, Failure, Task, Verb};
use crate::output::Output;

pub(super) async fn run(arguments: &Find, store: &CredentialStore, output: Output) -> Result<Code, Failure> {
    let filter = arguments.which.filter();
    let found = if arguments.all { store.find_all(&filter).await } else { store.find(&filter).await };
    let finding =
        found.map_err(|error| Failure::of(Task { verb: Verb::List, store: store.location(), user: None }, &error))?;

    let mut answer = Answer::new(output, store.location());
    for skipped in &finding.skipped {
        match &skipped.why {
            WhySkipped::Unreadable(error) => {
                output.note(&format!("skipped: {error}"));
                if !matches!(error, Error::NotACredential { .. }) {
                    answer.add_error(&skipped.key, None, error)?;
                }
            }
            why => output.note(&format!("skipped {}: {why}", skipped.key)),
        }
    }
    if finding.found.is_empty() {
        let location = store.location().to_string();
        return Err(Failure::new(Code::NotFound, format!("no valid credential in {location}"))
            .with_fix("see who is there: cred list; or store one: cred import ID FILE")
            .with_location(location));
    }
    for stored in &finding.found {
        answer.add(stored)?;
    }
    answer.finish()?;
    Ok(Code::Ok)
}
