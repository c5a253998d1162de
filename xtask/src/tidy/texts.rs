//! What stands in the files that git tracks.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::process;

/// How long the example may be that shows how little a service needs.
const EXAMPLE_LINES: usize = 40;
const EXAMPLES: &str = "crates/cred-store-s3/examples/";

// In two parts, so that this file is not found itself.
const MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const HOMES: [&str; 3] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
/// The user of our examples.
const MADE_UP_USER: &str = "ada";

/// Names and texts of all tracked files that are there.
pub(super) fn tracked() -> Result<Vec<(String, String)>> {
    let root = process::root();
    let names = process::output(Command::new("git").args(["ls-files", "-z"]).current_dir(&root))?;
    let read = |name: &str| Some((name.to_owned(), fs::read(root.join(name)).ok()?));
    let files = names.split_terminator('\0').filter_map(read);
    Ok(files.map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned())).collect())
}

/// Paths into somebody's home, but for the made-up user's.
pub(super) fn machine_paths(name: &str, text: &str) -> Vec<String> {
    let in_a_home = |line: &str| {
        HOMES.iter().flat_map(|home| line.match_indices(home)).any(|(at, home)| {
            // Otherwise it is part of a longer path, or of an address.
            let begins = !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-".contains(before));
            let user = &line[at + home.len()..];
            begins
                && user.starts_with(|first: char| first.is_alphanumeric() || first == '.')
                && !user.starts_with(MADE_UP_USER)
        })
    };
    lines(name, text, in_a_home, "a path of somebody's machine")
}

/// Marks of unfinished work.
pub(super) fn unfinished(name: &str, text: &str) -> Vec<String> {
    let is_mark = |word: &str| MARKS.contains(&word);
    lines(name, text, |line| line.split(|c: char| !c.is_alphanumeric()).any(is_mark), "an unfinished mark")
}

/// Examples that are too long, or missing.
pub(super) fn examples(files: &[(String, String)]) -> Vec<String> {
    let mut examples = files.iter().filter(|(name, _)| name.starts_with(EXAMPLES)).peekable();
    if examples.peek().is_none() {
        return vec![format!("{EXAMPLES}: there is no example")];
    }
    let lengths = examples.map(|(name, text)| (name, text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > EXAMPLE_LINES);
    long.map(|(name, lines)| format!("{name}: has {lines} lines, more than {EXAMPLE_LINES}")).collect()
}

fn lines(name: &str, text: &str, is_bad: impl Fn(&str) -> bool, what: &str) -> Vec<String> {
    let numbered = text.lines().zip(1..).filter(|(line, _)| is_bad(line));
    numbered.map(|(_, number)| format!("{name}:{number}: {what}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_into_a_home_is_found() {
        for (line, found) in [
            (concat!("cd /ho", "me/grace/cred-store"), true),
            (concat!("\"/ro", "ot/.cache\""), true),
            (concat!("/Us", "ers/grace"), true),
            (concat!("/ho", "me/ada/.google_workspace_mcp"), false),
            (concat!("https://example.com/ho", "me/page"), false),
            (concat!("s3://b/ro", "ot/x"), false),
        ] {
            let expected = if found { vec!["x.md:2: a path of somebody's machine"] } else { Vec::new() };
            assert_eq!(machine_paths("x.md", &format!("first\n{line}")), expected, "{line}");
        }
    }

    #[test]
    fn an_unfinished_mark_is_found() {
        let mark = concat!("TO", "DO");
        assert_eq!(unfinished("x.rs", &format!("// {mark}: later")), ["x.rs:1: an unfinished mark"]);
        assert_eq!(unfinished("x.rs", &format!("{mark}S todo!")), [""; 0]);
    }

    #[test]
    fn a_long_example_and_a_missing_one_are_found() {
        let example = |lines: usize| [(format!("{EXAMPLES}service.rs"), "x\n".repeat(lines))];
        assert_eq!(examples(&example(40)), [""; 0]);
        assert_eq!(examples(&example(41)), [format!("{EXAMPLES}service.rs: has 41 lines, more than 40")]);
        assert_eq!(examples(&[]), [format!("{EXAMPLES}: there is no example")]);
    }
}
