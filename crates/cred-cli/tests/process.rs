//! What a process owes to those around it: whoever reads its output, and whoever interrupts it.

use std::io::{BufRead, BufReader, pipe};
use std::process::{Command, Stdio};

fn cred(store: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cred"));
    command.env_clear().arg("--store").arg(store.path());
    command
}

#[test]
fn a_reader_that_has_gone_ends_the_command_quietly() {
    let store = tempfile::tempdir().unwrap();
    std::fs::write(store.path().join("ada.json"), r#"{"token": "t"}"#).unwrap();
    for arguments in [&["list"][..], &["list", "--json"], &["list", "--names-only"], &["show", "nobody", "--json"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = cred(&store).args(arguments).stdout(writer).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        if arguments[0] == "list" {
            assert_eq!((output.status.code(), &*stderr), (Some(1), ""), "{arguments:?}");
        } else {
            assert_eq!(output.status.code(), Some(3), "{stderr}");
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_command_that_waits_for_its_input() {
    let store = tempfile::tempdir().unwrap();
    let mut child =
        cred(&store).args(["-v", "import", "ada"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Kept open: the end of its input would end the command too.
    let input = child.stdin.take();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // Once the store is open, an interrupt is heard.
    assert!(lines.next().unwrap().unwrap().contains("credential store opened"));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());

    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(input);
    let told: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(told, ["error: interrupted", "note:  what was under way may have happened"]);
}
