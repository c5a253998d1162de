//! One file per command.

mod delete;
mod export;
mod find;
mod import;
mod list;
mod show;

use cred_path::Environment;
use cred_store::{CredentialStore, UserId};

use crate::args::{Cli, Command, Global};
use crate::message::{Code, Failure, Task, Verb};
use crate::output::Output;

/// Runs the command of `cli`.
pub(crate) async fn run(cli: Cli, environment: Environment, output: Output) -> Result<Code, Failure> {
    let Cli { global, command } = cli;
    let store = open(&global, environment)?;
    match command {
        Command::Import(arguments) => import::run(&arguments, &global, &store, output).await,
        Command::Export(arguments) => export::run(&arguments, &global, &store, output).await,
        Command::Show(arguments) => show::run(&arguments, &global, &store, output).await,
        Command::List(arguments) => list::run(&arguments, &global, &store, output).await,
        Command::Find(arguments) => find::run(&arguments, &global, &store, output).await,
        Command::Delete(arguments) => delete::run(&arguments, &global, &store, output).await,
    }
}

fn open(global: &Global, environment: Environment) -> Result<CredentialStore, Failure> {
    let mut builder = CredentialStore::builder().with_environment(environment).with_deadline(global.timeout);
    if let Some(store) = &global.store {
        builder = builder.with_location(store);
    }
    if let Some(region) = &global.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &global.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(encryption) = &global.sse {
        builder = builder.with_encryption(encryption.clone());
    }
    builder.build().map_err(|error| Failure::opening(&error))
}

/// What is done to the credential of `user`, for messages.
fn task<'a>(verb: Verb, global: &'a Global, store: &'a CredentialStore, user: &'a UserId) -> Task<'a> {
    Task { verb, store: store.location(), user: Some(user), global }
}
