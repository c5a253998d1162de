//! The table as a page for users.

use std::fmt::Write as _;
use std::path::Path;

use cred_model::Effect;

use super::table::{ALL, Call, Row};

/// What came of a call in a situation.
pub(crate) struct Line {
    pub(crate) situation: &'static str,
    pub(crate) call: Call,
    pub(crate) row: Row,
}

impl Line {
    /// What the line says beside its situation and its call.
    fn outcome(&self) -> [&'static str; 4] {
        let Row { result, is_transient, effect, hint, .. } = self.row;
        let effect = match effect {
            Effect::None => "",
            Effect::NotDurable => "happened",
            Effect::Unknown => "may have happened",
        };
        let again = match (hint, is_transient) {
            (None, _) => "",
            (Some(_), false) => "no",
            (Some(_), true) => "yes",
        };
        [result, again, effect, hint.unwrap_or_default()]
    }
}

const HEAD: &str = "\
# What S3 answers, and what comes of it

Every call of a store in S3 was made in every situation below, against a server that was made to fail so. A call returns
what the table says, or ends in that variant of `StoreError`. \"Again\" is `is_transient()`: the same call may well
succeed a little later, and the store has tried already. \"Effect\" is `effect()`, what is known about a change that
ended so: where nothing is said, nothing was changed. The last column is `hint()`, for the bucket `acme` and the prefix
`p/`.

This page is written by a test, which fails where it differs:
`UPDATE=1 cargo test -p cred-conformance --features servers --test s3_faults`.

| situation | call | result | again | effect | what to do |
| --- | --- | --- | --- | --- | --- |
";

/// Fails if the page in the repository is not made of `lines`; with `UPDATE` in the environment, writes it.
pub(crate) fn compare(lines: &[Line]) {
    let mut page = HEAD.to_owned();
    for situation in lines.chunk_by(|line, next| line.situation == next.situation) {
        let mut rows: Vec<(_, Vec<_>)> = Vec::new();
        for line in situation {
            match rows.iter_mut().find(|(outcome, _)| *outcome == line.outcome()) {
                Some((_, calls)) => calls.push(line.call.name()),
                None => rows.push((line.outcome(), vec![line.call.name()])),
            }
        }
        let mut name = situation[0].situation;
        for ([result, again, effect, hint], calls) in rows {
            let calls = if calls.len() == ALL.len() { "every call".into() } else { calls.join(", ") };
            writeln!(page, "| {name} | {calls} | {result} | {again} | {effect} | {hint} |").unwrap();
            name = "";
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/s3-errors.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(committed, page, "docs/s3-errors.md is out of date: run this test with UPDATE=1");
}
