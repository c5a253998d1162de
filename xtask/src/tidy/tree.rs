//! The packages that cargo really builds for something, with their licences.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::process;

/// A set of packages.
pub(super) struct Tree(BTreeSet<Node>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) version: String,
    /// As its manifest says, which may be nothing.
    pub(super) licence: String,
}

impl Tree {
    /// What `cargo tree` with `options` shows. (`cargo metadata` also counts optional packages that nothing enables.)
    pub(super) fn of(options: &[&str]) -> Result<Self> {
        let format = ["tree", "--locked", "--prefix=none", "--format={p}|{l}"];
        Self::parse(&process::output(process::cargo(format).args(options))?)
    }

    /// Reads lines like `name v1.2.3 (proc-macro)|MIT (*)`.
    pub(super) fn parse(lines: &str) -> Result<Self> {
        let node = |line: &str| {
            let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
            let mut words = package.split(' ');
            let (name, version) = (words.next()?.into(), words.next()?.into());
            Some(Node { name, version, licence: licence.trim().into() })
        };
        let lines = lines.lines().filter(|line| !line.is_empty());
        let nodes = lines.map(|line| node(line).with_context(|| format!("cannot read {line:?} of `cargo tree`")));
        nodes.collect::<Result<_>>().map(Self)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.0.iter()
    }

    /// Every package that `owner` should do without; a pattern may end in `*`.
    pub(super) fn without(&self, owner: &str, patterns: &[&str]) -> Vec<String> {
        let is = |name: &str, pattern: &str| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern,
        };
        let unwanted = self.nodes().filter(|node| patterns.iter().any(|pattern| is(&node.name, pattern)));
        unwanted.map(|node| format!("{owner}: must do without {} {}", node.name, node.version)).collect()
    }

    /// The versions of the package called `name`, unless there is just one.
    pub(super) fn once(&self, name: &str) -> Option<String> {
        let versions: Vec<_> = self.nodes().filter(|node| node.name == name).map(|node| &*node.version).collect();
        (versions.len() != 1)
            .then(|| format!("{name}: must be in the tree once, is there as [{}]", versions.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
cred-path v0.1.0 (/somewhere/cred-path)|MIT OR Apache-2.0
serde_core v1.0.0|MIT

serde_core v1.0.0|MIT (*)
ring v0.17.0|Apache-2.0 AND ISC
rustls v0.22.0|MIT
rustls v0.23.0|MIT
thiserror-impl v2.0.0 (proc-macro)|
";

    #[test]
    fn a_package_that_is_shown_again_counts_once() {
        assert_eq!(Tree::parse(TREE).unwrap().len(), 6);
        assert!(Tree::parse("no licence column").is_err());
    }

    #[test]
    fn an_unwanted_package_is_found_by_name_or_prefix() {
        let tree = Tree::parse(TREE).unwrap();
        assert_eq!(tree.without("x", &["serde", "serde_*"]), ["x: must do without serde_core v1.0.0"]);
        assert_eq!(tree.without("x", &["ring"]), ["x: must do without ring v0.17.0"]);
        assert_eq!(tree.without("x", &["rin", "serde_"]), [""; 0]);
    }

    #[test]
    fn a_package_that_is_there_twice_or_not_at_all_is_found() {
        let tree = Tree::parse(TREE).unwrap();
        assert_eq!(tree.once("ring"), None);
        assert!(tree.once("rustls").unwrap().ends_with("[v0.22.0, v0.23.0]"));
        assert!(tree.once("object_store").unwrap().ends_with("[]"));
    }
}
