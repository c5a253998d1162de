//! Manifests: complete, with the lints of the workspace, sorted, and without what nothing uses.

use crate::members::Member;

/// What the manifest of `member` lacks.
pub(super) fn incomplete(member: &Member) -> Vec<String> {
    let lacking = [
        ("description", member.description.is_none()),
        ("licence", member.licence.is_none()),
        ("README", !member.has_readme),
    ];
    lacking.iter().filter(|(_, lacks)| *lacks).map(|(what, _)| format!("{}: has no {what}", member.name)).collect()
}

/// What `member` declares to depend on without a word of it in its sources, which are among `files`.
pub(super) fn unused(member: &Member, files: &[(String, String)]) -> Vec<String> {
    let is_source = |name: &str| name.starts_with(&member.directory) && name.ends_with(".rs");
    let sources: Vec<_> = files.iter().filter(|(name, _)| is_source(name)).map(|(_, text)| text).collect();
    let is_used = |name: &str| {
        let name = name.replace('-', "_");
        sources.iter().any(|text| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name))
    };
    let unused = member.dependencies.iter().filter(|dependency| !is_used(&dependency.name));
    unused.map(|dependency| format!("{}: does not use {}", member.name, dependency.name)).collect()
}

/// What is out of order in the manifest `name`: each crate takes the lints of the workspace and tells public dependencies,
/// whose breaking release is one of ours, from internal ones; names are sorted.
pub(super) fn untidy(name: &str, manifest: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !manifest.contains("\n[lints]\nworkspace = true\n") && !manifest.contains("[workspace.lints") {
        findings.push(format!("{name}: does not take the lints of the workspace"));
    }
    let (mut section, mut heading, mut last) = ("", "", "");
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, heading, last) = (name, "", "");
        } else if let "# Public" | "# Internal" = line {
            if heading == "# Internal" {
                findings.push(format!("{name}: {line:?} stands below \"# Internal\" in [{section}]"));
            }
            (heading, last) = (line, "");
        } else if line.is_empty() {
            last = "";
        } else if section.ends_with("dependencies") && line.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            let key = line.split(['.', ' ', '=']).next().unwrap_or(line);
            if key < last {
                findings.push(format!("{name}: {key} stands below {last} in [{section}]"));
            }
            if section == "dependencies" && heading.is_empty() {
                findings.push(format!("{name}: {key} is neither \"# Public\" nor \"# Internal\""));
            }
            last = key;
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIDY: &str = r#"[package]
name = "tidy"

[dependencies]
# Public
bytes.workspace = true
serde = "1"
# Internal
anyhow = { version = "1", features = [
    "std",
] }

[dev-dependencies]
proptest = "1"

[lints]
workspace = true
"#;

    #[test]
    fn a_tidy_manifest_is_tidy() {
        assert_eq!(untidy("Cargo.toml", TIDY), [""; 0]);
    }

    #[test]
    fn what_is_out_of_order_is_found() {
        for (tidy, changed, finding) in [
            ("serde =", "aa =", "Cargo.toml: aa stands below bytes in [dependencies]"),
            ("proptest =", "zz = \"1\"\nproptest =", "Cargo.toml: proptest stands below zz in [dev-dependencies]"),
            ("# Public", "", "Cargo.toml: bytes is neither \"# Public\" nor \"# Internal\""),
            ("# Public", "# Internal", "Cargo.toml: \"# Internal\" stands below \"# Internal\" in [dependencies]"),
            ("[lints]\n", "[lints.rust]\n", "Cargo.toml: does not take the lints of the workspace"),
        ] {
            let findings = untidy("Cargo.toml", &TIDY.replacen(tidy, changed, 1));
            assert_eq!(findings.first().map(String::as_str), Some(finding));
        }
    }

    #[test]
    fn a_dependency_that_no_source_names_is_found() {
        let member = Member::made_up("made-up", "serde-json tempfile:dev");
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let files = [
            file("crates/made-up/src/lib.rs", "use serde_json::Value;"),
            file("crates/made-up/tests/all.rs", "my_tempfile"),
            file("crates/made-up/README.md", "tempfile"),
            file("crates/other/src/lib.rs", "use tempfile::tempdir;"),
        ];
        assert_eq!(unused(&member, &files), ["made-up: does not use tempfile"]);
    }

    #[test]
    fn what_a_manifest_lacks_is_found() {
        let whole = Member::made_up("whole", "");
        assert_eq!(incomplete(&whole), [""; 0]);
        let bare = Member { description: None, licence: None, has_readme: false, ..whole };
        assert_eq!(incomplete(&bare), ["whole: has no description", "whole: has no licence", "whole: has no README"]);
    }
}
