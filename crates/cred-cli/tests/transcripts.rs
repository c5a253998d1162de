//! Plays the transcripts below `tests/cmd/` in a shell, and compares what is printed with what they say.
//!
//! In a block of `console`, a line after `$ ` is a command for `sh`, run in a directory of its own with the fixtures in
//! `fixtures/`. What follows is its standard output, then its standard error after `! `, then its exit code after `? ` if
//! that is not 0. `[..]` stands for any text in a line. `CRED_UPDATE=1` writes what is printed now into the files.
//!
//! Two promises are checked at every command: `--json` prints one JSON value, an error if the exit code says so, and no
//! secret is printed unasked.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use cred_conformance::{Quirk, S3Server, S3ServerBuilder};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn transcripts_with_a_directory() {
    play_all("tests/cmd", &[]);
}

#[test]
fn transcripts_with_s3() {
    play_on_a_server("tests/cmd/s3", S3Server::builder());
}

#[test]
fn transcripts_of_a_user_who_may_only_read_and_list() {
    play_on_a_server("tests/cmd/s3-read-only", S3Server::builder().with_quirk(Quirk::ForbidsWrites));
}

#[test]
fn transcripts_of_a_user_who_may_not_list() {
    play_on_a_server("tests/cmd/s3-no-list", S3Server::builder().with_quirk(Quirk::ForbidsLists));
}

/// Plays every transcript of `directory` on a server with one good and one broken document.
fn play_on_a_server(directory: &str, server: S3ServerBuilder) {
    let server = server.start();
    server.objects().create_bucket("acme-creds");
    let good = fs::read("../../tests/fixtures/google-auth/account.json").unwrap();
    server.objects().put("acme-creds", "kept/ada@example.com.json", good);
    server.objects().put("acme-creds", "kept/cut@example.com.json", r#"{"token": "ya29.fixture-"#);
    let endpoint = server.endpoint();
    play_all(
        directory,
        &[
            ("AWS_ENDPOINT_URL_S3", &endpoint),
            ("AWS_ACCESS_KEY_ID", server.access_key_id()),
            ("AWS_SECRET_ACCESS_KEY", server.secret_access_key()),
        ],
    );
}

/// Plays every transcript of `directory`, with `variables` in the environment.
fn play_all(directory: &str, variables: &[(&str, &str)]) {
    let mut files: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    assert!(!files.is_empty());
    let failures: Vec<String> = thread::scope(|scope| {
        let playing: Vec<_> = files.iter().map(|file| scope.spawn(|| play(file, variables))).collect();
        playing.into_iter().filter_map(|playing| playing.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}\nCRED_UPDATE=1 writes this into the transcripts", failures.join("\n"));
}

/// Plays one transcript; what it should say, if that is something else.
fn play(file: &Path, variables: &[(&str, &str)]) -> Option<String> {
    let transcript = fs::read_to_string(file).unwrap();
    let shell = Shell::new(variables);
    let mut played = String::new();
    let mut lines = transcript.lines().peekable();
    let mut in_block = false;
    while let Some(line) = lines.next() {
        in_block = if in_block { line != "```" } else { line == "```console" };
        played += &format!("{line}\n");
        if let Some(command) = line.strip_prefix("$ ").filter(|_| in_block) {
            let expected: Vec<&str> =
                iter::from_fn(|| lines.next_if(|line| !line.starts_with("$ ") && *line != "```")).collect();
            for (index, line) in shell.run(command).into_iter().enumerate() {
                let said = expected.get(index).filter(|pattern| matches(pattern, &line));
                played += &format!("{}\n", said.map_or(&*line, |said| said));
            }
        }
    }
    if std::env::var_os("CRED_UPDATE").is_some() {
        fs::write(file, played).unwrap();
        return None;
    }
    let differences = iter::zip(transcript.lines(), played.lines()).find(|(said, is)| said != is);
    let (said, is) = differences.or((transcript.len() != played.len()).then_some(("", "more or less lines")))?;
    Some(format!("{}\n  says: {said}\n  is:   {is}", file.display()))
}

/// Whether `line` is what `pattern` says.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once("[..]") else { return pattern == line };
    line.strip_prefix(start).is_some_and(|line| {
        line.char_indices().map(|(at, _)| at).chain([line.len()]).any(|at| matches(rest, &line[at..]))
    })
}

struct Shell<'a> {
    directory: TempDir,
    variables: &'a [(&'a str, &'a str)],
}

impl<'a> Shell<'a> {
    fn new(variables: &'a [(&'a str, &'a str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").canonicalize().unwrap();
        std::os::unix::fs::symlink(fixtures, directory.path().join("fixtures")).unwrap();
        Self { directory, variables }
    }

    /// The lines that `command` prints, as a transcript has them.
    fn run(&self, command: &str) -> Vec<String> {
        let program = Path::new(env!("CARGO_BIN_EXE_cred")).parent().unwrap().display();
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", format!("{program}:/usr/local/bin:/usr/bin:/bin"))
            .env("HOME", self.directory.path())
            .envs(self.variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let code = output.status.code().expect("the shell ends by itself");
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| self.readable(&bytes));
        check_secrets(command, &stdout);
        check_secrets(command, &stderr);
        check_json(command, &stdout, code);

        let mut lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
        lines.extend(stderr.lines().map(|line| format!("! {line}")));
        lines.extend((code != 0).then(|| format!("? {code}")));
        lines
    }

    /// The text with names for what is different in every run.
    fn readable(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let text = text.replace(self.directory.path().to_str().unwrap(), "[DIR]");
        self.variables.iter().fold(text, |text, (name, value)| text.replace(value, &format!("[{name}]")))
    }
}

fn check_secrets(command: &str, printed: &str) {
    let asks_for_them = [" export ", "--reveal"].iter().any(|words| command.contains(words));
    for secret in ["ya29.fixture", "1//fixture", "GOCSPX-fixture", "fixture-header", "[AWS_SECRET_ACCESS_KEY]"] {
        assert!(asks_for_them || !printed.contains(secret), "$ {command}\n{printed}");
    }
}

fn check_json(command: &str, stdout: &str, code: i32) {
    if (command.contains("--json ") || command.ends_with("--json")) && !command.contains('|') {
        let answer: Value =
            serde_json::from_str(stdout).unwrap_or_else(|error| panic!("$ {command}\n{error}: {stdout}"));
        let is_error =
            answer.get("error").is_some_and(|error| error["code"].is_string() && error["message"].is_string());
        // Several ids have their errors among the results.
        assert_eq!(is_error, !matches!(code, 0 | 9) && answer.get("results").is_none(), "$ {command}\n{stdout}");
    }
}
