//! Credentials cross between us and the programs that share a store with us, and come back unharmed

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod python;

use std::{collections::BTreeMap, fs, path::Path};

use python::Python;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

#[test]
#[ignore = "needs Python"]
fn fixtures_are_what_the_programs_write() {
    let mut committed = json_files(Path::new(FIXTURES));
    committed.retain(|name, _| !name.starts_with("yup-oauth2/"));
    for python in Python::both() {
        let written = tempfile::tempdir().unwrap();
        python.run("fixtures/regenerate.py", &[&written.path()]);
        for (name, text) in &json_files(written.path()) {
            assert_eq!(committed.get(name), Some(text), "{name} by {python:?}");
        }
        assert!(json_files(written.path()).keys().eq(committed.keys()), "{python:?} writes fewer files");
    }
}

/// The files that end in `.json` one level below `root`, by name; their bytes as text that shows each.
fn json_files(root: &Path) -> BTreeMap<String, String> {
    let directories = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = directories.flat_map(|directory| fs::read_dir(directory).unwrap()).map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| {
            let name = file.strip_prefix(root).unwrap().to_str().unwrap();
            (name.to_owned(), fs::read(&file).unwrap().escape_ascii().to_string())
        })
        .collect()
}
