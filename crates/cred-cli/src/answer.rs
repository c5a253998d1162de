//! Credentials as answers show them, without their secrets.

use std::time::SystemTime;

use cred_path::DocumentName;
use cred_store::{Error, Expiry, Location, Stored, UserId};
use serde::Serialize;

use crate::args::Global;
use crate::message::{Failure, Task, Verb};
use crate::output::{Format, Output, Style, printable};

/// A credential, as `list`, `find` and `show` print it in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    pub(crate) expiry: Option<String>,
    pub(crate) status: String,
    pub(crate) has_refresh_token: bool,
    pub(crate) scopes: Vec<String>,
    pub(crate) version: String,
    pub(crate) modified: String,
    pub(crate) location: String,
}

impl Row {
    pub(crate) fn new(stored: &Stored, store: &Location) -> Self {
        let credential = &stored.credential;
        Self {
            id: stored.user.to_string(),
            email: stored.email(),
            expiry: credential.expiry().instant().map(rfc3339),
            status: credential.status(SystemTime::now()).to_string(),
            has_refresh_token: credential.refresh_token().is_some(),
            scopes: credential.scopes().to_vec(),
            version: stored.version.to_string(),
            modified: rfc3339(stored.modified),
            location: store.document(&stored.name),
        }
    }
}

/// A document that could not be read, as `list` and `find` print it in JSON.
#[derive(Debug, Serialize)]
struct Unreadable {
    #[serde(flatten)]
    name: Name,
    error: Failure,
}

/// Whose document it would be, or else what it is called.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Id(String),
    Key(String),
}

/// The answer of `list` and `find`, as it comes together.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    output: Output,
    store: &'a Location,
    global: &'a Global,
    rows: Rows,
}

#[derive(Debug, Default, Serialize)]
struct Rows {
    credentials: Vec<Row>,
    errors: Vec<Unreadable>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(output: Output, store: &'a Location, global: &'a Global) -> Self {
        Self { output, store, global, rows: Rows::default() }
    }

    pub(crate) fn add(&mut self, stored: &Stored) -> Result<(), Failure> {
        let row = Row::new(stored, self.store);
        if self.output.format == Format::JsonLines {
            return self.output.json(&row);
        }
        self.rows.credentials.push(row);
        Ok(())
    }

    /// Adds the document called `key`, which may be that of `user`, to those that could not be read.
    pub(crate) fn add_error(&mut self, key: &str, user: Option<&UserId>, error: &Error) -> Result<Failure, Failure> {
        let place = DocumentName::new(key).map_or_else(|_| self.store.to_string(), |name| self.store.document(&name));
        let task = Task { verb: Verb::Read, store: self.store, user, global: self.global };
        let failure = Failure::of(task, error).with_location(place);
        let name = user.map_or_else(|| Name::Key(key.to_owned()), |user| Name::Id(user.to_string()));
        let unreadable = Unreadable { name, error: failure.clone() };
        if self.output.format == Format::JsonLines {
            self.output.json(&unreadable)?;
        } else {
            self.rows.errors.push(unreadable);
        }
        Ok(failure)
    }

    /// Prints what has not been printed yet.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.output.format {
            Format::Json => self.output.json(&self.rows),
            Format::JsonLines => Ok(()),
            Format::Text if self.rows.credentials.is_empty() => Ok(()),
            Format::Text => self.output.bytes(table(self.output, &self.rows.credentials).as_bytes()),
        }
    }
}

/// A line for each credential, below a head.
fn table(output: Output, rows: &[Row]) -> String {
    let head = ["ID", "E-MAIL", "EXPIRY", "STATUS", "REFRESH", "SCOPES"].map(str::to_owned);
    let lines = rows.iter().map(|row| {
        let email = row.email.as_deref().unwrap_or("-");
        let expiry = row.expiry.as_deref().unwrap_or("-");
        let refresh = if row.has_refresh_token { "yes" } else { "no" };
        let scopes = row.scopes.len().to_string();
        [printable(&row.id), printable(email), expiry.into(), row.status.clone(), refresh.into(), scopes]
    });
    let lines: Vec<[String; 6]> = [head].into_iter().chain(lines).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 6] = std::array::from_fn(width);

    let mut table = String::new();
    for (index, line) in lines.iter().enumerate() {
        let style = |column: usize, text: &str| match (index, column) {
            (0, _) => output.styled(Style::Head, text),
            (_, 3) => output.styled(status_style(&rows[index - 1]), text),
            _ => text.to_owned(),
        };
        for (column, cell) in line.iter().enumerate() {
            // Padding goes outside of the colour, and none after the last cell.
            let space = if column + 1 < line.len() { widths[column] + 2 - cell.chars().count() } else { 0 };
            table += &format!("{}{:space$}", style(column, cell), "");
        }
        table.push('\n');
    }
    table
}

/// How bad the status of a credential is: an expired one that can be refreshed is in order.
pub(crate) fn status_style(row: &Row) -> Style {
    match row.status.as_str() {
        "valid" => Style::Good,
        _ if row.has_refresh_token => Style::Warning,
        _ => Style::Bad,
    }
}

/// RFC 3339 in UTC, which is how an expiry is shown.
fn rfc3339(time: SystemTime) -> String {
    Expiry::at(time).to_string()
}
