//! Answers go to standard output, all else to standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use cred_path::Environment;
use serde::Serialize;

use crate::args::{Cli, Color};
use crate::message::{Code, Failure};

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON value.
    Json,
    /// One JSON value a line.
    JsonLines,
}

/// Where answers, notes and failures go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    is_quiet: bool,
    stdout_style: bool,
    stderr_style: bool,
}

/// What a piece of text is, for those who see colours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Bad,
    Good,
    Head,
    Warning,
}

impl Output {
    pub(crate) fn new(cli: &Cli, environment: &Environment) -> Self {
        let auto = environment.get("NO_COLOR").is_none() && environment.get("TERM") != Some("dumb");
        let style = |is_terminal: bool| match cli.global.color {
            Color::Always => true,
            Color::Auto => auto && is_terminal,
            Color::Never => false,
        };
        Self {
            format: cli.format(),
            is_quiet: cli.global.quiet,
            stdout_style: style(io::stdout().is_terminal()),
            stderr_style: style(io::stderr().is_terminal()),
        }
    }

    pub(crate) fn has_stderr_style(&self) -> bool {
        self.stderr_style
    }

    /// Whether answers are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format != Format::Text
    }

    /// Writes `bytes`, which are the answer as they stand.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::closed_pipe()),
            Err(error) => Err(Failure::io("cannot write to standard output", &error)),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a line for people.
    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        self.bytes(format!("{line}\n").as_bytes())
    }

    /// Writes `value` as a line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value).expect("answers are texts, numbers, lists and objects with text keys");
        self.line(&json)
    }

    /// `text` in the colours of standard output.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        styled(self.stdout_style, style, text)
    }

    /// Tells what has happened, unless nobody wants to know.
    pub(crate) fn say(&self, text: &str) {
        if !self.is_quiet {
            tell(&printable(text));
        }
    }

    /// Tells what is worth knowing, unless nobody wants to.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_quiet {
            self.labelled(Style::Head, "note:", text);
        }
    }

    /// Tells why something failed, in words.
    pub(crate) fn explain(&self, failure: &Failure) {
        if failure.is_silent {
            return;
        }
        self.labelled(Style::Bad, "error:", &failure.message);
        for (label, text) in [("cause:", &failure.cause), ("fix:", &failure.fix), ("note:", &failure.note)] {
            if let Some(text) = text {
                self.labelled(Style::Head, label, text);
            }
        }
    }

    /// Tells why the command failed, in words and where asked for in JSON; the exit code says it too.
    pub(crate) fn fail(&self, failure: &Failure) -> Code {
        self.explain(failure);
        // Nothing may wait for standard output if the user wants to leave.
        if self.is_json() && !failure.is_silent && failure.code != Code::Interrupted {
            let _ = self.line(&failure.to_json());
        }
        failure.code
    }

    fn labelled(&self, style: Style, label: &str, text: &str) {
        let space = " ".repeat("error: ".len() - label.len());
        tell(&format!("{}{space}{}", styled(self.stderr_style, style, label), printable(text)));
    }
}

/// A terminal obeys control characters, and an id or a path may hold any.
pub(crate) fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn tell(line: &str) {
    // Whoever closed standard error does not want to be told.
    let _ = writeln!(io::stderr(), "{line}");
}

fn styled(is_on: bool, style: Style, text: &str) -> String {
    let code = match style {
        Style::Bad => "31;1",
        Style::Good => "32",
        Style::Head => "1",
        Style::Warning => "33",
    };
    if is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_given_orders_by_an_id() {
        assert_eq!(printable("a\u{1b}[2J\nü"), "a\\u{1b}[2J\\nü");
    }
}
