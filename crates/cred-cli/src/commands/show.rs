//! `cred show`: one credential, its secrets masked.

use cred_store::{Credential, CredentialStore, Expiry, Secret};
use serde::Serialize;

use super::task;
use crate::answer::{Row, status_style};
use crate::args::{Global, Show};
use crate::message::{Code, Failure, Verb};
use crate::output::{Output, Style, printable};

/// The answer in JSON.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    row: &'a Row,
    credential: Fields<'a>,
}

/// The fields of the document that the row does not have.
#[derive(Serialize)]
struct Fields<'a> {
    token: Option<&'a str>,
    refresh_token: Option<&'a str>,
    token_uri: Option<&'a str>,
    client_id: Option<&'a str>,
    client_secret: Option<&'a str>,
    /// The names of the fields that other programs keep here.
    others: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    fn new(credential: &'a Credential, reveal: bool) -> Self {
        let mask = |secret: &'a Secret| if reveal { secret.expose() } else { "********" };
        Self {
            token: credential.access_token().map(mask),
            refresh_token: credential.refresh_token().map(mask),
            token_uri: credential.token_uri(),
            client_id: credential.client_id(),
            client_secret: credential.client_secret().map(mask),
            others: credential.extra_names().collect(),
        }
    }
}

pub(super) async fn run(
    arguments: &Show,
    global: &Global,
    store: &CredentialStore,
    output: Output,
) -> Result<Code, Failure> {
    let Show { user, reveal } = arguments;
    let stored =
        store.require(user).await.map_err(|error| Failure::of(task(Verb::Read, global, store, user), &error))?;
    let row = Row::new(&stored, store.location());
    let credential = Fields::new(&stored.credential, *reveal);
    if output.is_json() {
        output.json(&Shown { row: &row, credential })?;
    } else {
        let expiry = match stored.credential.expiry() {
            Expiry::Unreadable(_) => Some("unreadable"),
            Expiry::At(_) | Expiry::Unknown => row.expiry.as_deref(),
        };
        output.bytes(text(&row, expiry, &credential, output).as_bytes())?;
    }
    Ok(Code::Ok)
}

fn text(row: &Row, expiry: Option<&str>, credential: &Fields<'_>, output: Output) -> String {
    let status = output.styled(status_style(row), &row.status);
    let others = credential.others.join(", ");
    let mut lines = vec![
        ("id", Some(&*row.id)),
        ("e-mail", row.email.as_deref()),
        ("expiry", expiry),
        ("access token", credential.token),
        ("refresh token", credential.refresh_token),
        ("token URI", credential.token_uri),
        ("client id", credential.client_id),
        ("client secret", credential.client_secret),
    ];
    let labels = ["scopes"].into_iter().chain(std::iter::repeat(""));
    lines.extend(labels.zip(row.scopes.iter().map(|scope| Some(&**scope))));
    lines.extend([
        ("other fields", Some(&*others).filter(|names| !names.is_empty())),
        ("version", Some(&row.version)),
        ("modified", Some(&row.modified)),
        ("location", Some(&row.location)),
    ]);

    let line = |label: &str, value: &str| format!("{}{value}\n", output.styled(Style::Head, &format!("{label:<15}")));
    let mut text = line("status", &status);
    for (label, value) in lines {
        text += &line(label, &value.map_or_else(|| "-".into(), printable));
    }
    text
}
