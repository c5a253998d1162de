//! Nothing that a task started outlives it, however the task ends.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal};

/// A MinIO that never gets ready. It says where its data is, and the end of that file is the end of the process.
const NEVER_READY: &str = "#!/bin/sh
for last; do :; done
exec 3>\"$SAY\"
echo \"$last\" >&3
exec sleep 3600
";

#[test]
fn a_server_and_its_data_are_gone_when_the_task_is_interrupted_terminated_or_killed() {
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::TERM, Some(143)), (Signal::KILL, None)] {
        let dir = tempfile::tempdir().unwrap();
        let (program, fifo) = (dir.path().join("minio"), dir.path().join("fifo"));
        fs::write(&program, NEVER_READY).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());

        let mut task = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("minio")
            .env("PATH", format!("{}:{}", dir.path().display(), env::var("PATH").unwrap()))
            .env("SAY", &fifo)
            .env("XDG_CACHE_HOME", dir.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = BufReader::new(File::open(&fifo).unwrap()).lines();
        let data = server.next().unwrap().unwrap();
        assert!(Path::new(&data).exists());

        rustix::process::kill_process(Pid::from_child(&task), signal).unwrap();
        assert_eq!(task.wait().unwrap().code(), code);
        assert!(server.next().is_none(), "the server has ended");
        // Ends with the last of those who could still write to it.
        let complaints = io::read_to_string(task.stderr.take().unwrap()).unwrap();
        assert_eq!(complaints, "");
        assert!(!Path::new(&data).exists());
    }
}
