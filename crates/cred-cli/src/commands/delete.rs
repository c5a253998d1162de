//! `cred delete`: removes documents, and nothing else.

use cred_store::{CredentialStore, Error, UserId};
use serde::Serialize;

use super::task;
use crate::args::{Delete, Global};
use crate::consent;
use crate::message::{Code, Failure, Verb};
use crate::output::Output;

/// The answer for one id.
#[derive(Serialize)]
struct Deleted {
    id: String,
    deleted: bool,
    revoked: bool,
    location: String,
}

/// The answer for several ids.
#[derive(Serialize)]
struct Answer {
    results: Vec<Outcome>,
}

/// What became of one of several ids.
#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Done(Deleted),
    Failed { id: String, error: Failure },
}

pub(super) async fn run(
    arguments: &Delete,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    let Delete { users, yes, dry_run, .. } = arguments;
    if !dry_run {
        let names = users.iter().map(|user| format!("{:?}", user.as_str())).collect::<Vec<_>>().join(", ");
        consent::require(&format!("delete {names} from {}", store.location()), *yes, global)?;
    }
    if let [user] = &users[..] {
        let deleted = delete(user, arguments, global, store, output).await?;
        if output.is_json() {
            output.json(&deleted)?;
        }
        return Ok(Code::Ok);
    }

    let (mut results, mut code) = (Vec::new(), None);
    for user in users {
        let (result, ended) = match delete(user, arguments, global, store, output).await {
            Ok(deleted) => (Outcome::Done(deleted), Code::Ok),
            Err(error) => {
                output.explain(&error);
                let ended = error.code;
                (Outcome::Failed { id: user.to_string(), error }, ended)
            }
        };
        results.push(result);
        // Where all ended in the same way, that is how it ended.
        code = Some(code.filter(|code| *code != ended).map_or(ended, |_| Code::Partial));
    }
    if output.is_json() {
        output.json(&Answer { results })?;
    }
    Ok(code.unwrap_or(Code::Ok))
}

async fn delete(
    user: &UserId,
    arguments: &Delete,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Deleted, Failure> {
    let (Delete { force, dry_run, .. }, location) = (arguments, store.location());
    let failed = |error: Error| Failure::of(task(Verb::Delete, global, store, user), &error);
    let is_there = match (dry_run, force) {
        (true, true) => store.exists(user).await,
        (true, false) => match store.load(user).await {
            Err(error @ Error::OtherUser { .. }) => Err(error),
            _ => store.exists(user).await,
        },
        (false, true) => store.delete_by_force(user).await,
        (false, false) => store.delete(user).await,
    };
    if !is_there.map_err(failed)? {
        let place = cred_model::Place::store(location);
        return Err(failed(Error::NotFound { user: user.clone(), place }));
    }
    output.say(&format!("{} {user} from {location}", if *dry_run { "would delete" } else { "deleted" }));
    let location = location.document(&user.document_name());
    Ok(Deleted { id: user.to_string(), deleted: !dry_run, revoked: false, location })
}
