//! `cred list`: who is in the store.

use std::pin::pin;
use std::time::SystemTime;

use cred_store::{CredentialStore, Error, Item};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::answer::Answer;
use crate::args::{Global, List};
use crate::message::{Code, Failure, Task, Verb};
use crate::output::{Format, Output, printable};

pub(super) async fn run(
    arguments: &List,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    if arguments.names_only {
        names(global, store, output).await
    } else {
        credentials(arguments, global, store, output).await
    }
}

async fn credentials(
    arguments: &List,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    let (filter, now) = (arguments.which.filter(), SystemTime::now());
    let mut answer = Answer::new(output, store.location(), global);
    let mut code = Code::Ok;
    let mut is_empty = true;
    let mut items = pin!(store.list());
    while let Some(item) = items.try_next().await.map_err(|error| failed(global, store, &error))? {
        match item {
            Item::Credential(stored) if filter.matches(&stored, now) => {
                answer.add(&stored)?;
                is_empty = false;
            }
            // Other programs keep files of their own beside credentials.
            Item::Unreadable { error: error @ Error::NotACredential { .. }, .. } => {
                output.note(&format!("skipped: {error}"));
            }
            Item::Unreadable { key, user, error } => {
                let failure = answer.add_error(&key, user.as_ref(), &error)?;
                output.explain(&failure);
                code = Code::Partial;
            }
            // Not asked for.
            _ => {}
        }
    }
    if is_empty && code == Code::Ok {
        output.note(&format!("no such credentials in {}", store.location()));
    }
    answer.finish()?;
    Ok(code)
}

async fn names(global: &Global, store: &CredentialStore, output: Output) -> Result<Code, Failure> {
    let mut ids = Vec::new();
    let mut users = pin!(store.users());
    while let Some(user) = users.try_next().await.map_err(|error| failed(global, store, &error))? {
        match output.format {
            Format::Json => ids.push(user.to_string()),
            Format::JsonLines => output.json(&json!({ "id": user.as_str() }))?,
            Format::Text => output.line(&printable(user.as_str()))?,
        }
    }
    if output.format == Format::Json {
        output.json(&json!({ "ids": ids }))?;
    }
    Ok(Code::Ok)
}

fn failed(global: &Global, store: &CredentialStore, error: &Error) -> Failure {
    Failure::of(Task { verb: Verb::List, store: store.location(), user: None, global }, error)
}
