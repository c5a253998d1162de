//! Which crates of the workspace may know which.

use crate::members::Member;

/// Every dependency of one member on another that has no place in `layers`.
pub(super) fn edges(members: &[Member], layers: &[(&str, &[&str])]) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, _) in layers {
        if !members.iter().any(|member| member.name == *name) {
            findings.push(format!("{name}: has a layer, but is no crate of the workspace"));
        }
    }
    for member in members {
        let Some((_, may_know)) = layers.iter().find(|(name, _)| member.name == *name) else {
            findings.push(format!("{}: has no layer", member.name));
            continue;
        };
        for dependency in &member.dependencies {
            let known = dependency.name.as_str();
            let ours = members.iter().any(|member| member.name == known);
            let in_tests = dependency.for_tests
                && member.name != "xtask"
                && (known == "cred-conformance" || member.name == "cred-conformance" && known != "xtask");
            if ours && !may_know.contains(&known) && !in_tests {
                findings.push(format!("{}: may not know {known}", member.name));
            }
        }
    }
    findings
}

/// Every member that declares `package` without being one of `knowers`.
pub(super) fn knowers(members: &[Member], package: &str, knowers: &[&str]) -> Vec<String> {
    let declares = |member: &&Member| member.dependencies.iter().any(|dependency| dependency.name == package);
    let others = members.iter().filter(declares).filter(|member| !knowers.contains(&member.name.as_str()));
    others.map(|member| format!("{}: may not know {package}", member.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &[(&str, &[&str])] =
        &[("cred-conformance", &[]), ("cred-model", &["cred-path"]), ("cred-path", &[]), ("xtask", &[])];

    fn workspace(model: &str, path: &str, conformance: &str, xtask: &str) -> Vec<Member> {
        let members = [("cred-model", model), ("cred-path", path), ("cred-conformance", conformance), ("xtask", xtask)];
        members.into_iter().map(|(name, dependencies)| Member::made_up(name, dependencies)).collect()
    }

    #[test]
    fn knowing_whom_one_may_know_is_tidy() {
        let members = workspace("cred-path serde", "cred-conformance:dev", "cred-model:dev cred-path:dev", "serde");
        assert_eq!(edges(&members, LAYERS), [""; 0]);
    }

    #[test]
    fn knowing_anybody_else_is_found() {
        for (members, finding) in [
            (workspace("", "cred-model", "", ""), "cred-path: may not know cred-model"),
            (workspace("", "cred-model:dev", "", ""), "cred-path: may not know cred-model"),
            (workspace("cred-conformance", "", "", ""), "cred-model: may not know cred-conformance"),
            (workspace("", "", "cred-path", ""), "cred-conformance: may not know cred-path"),
            (workspace("", "", "xtask:dev", ""), "cred-conformance: may not know xtask"),
            (workspace("", "", "", "cred-conformance:dev"), "xtask: may not know cred-conformance"),
        ] {
            assert_eq!(edges(&members, LAYERS), [finding]);
        }
    }

    #[test]
    fn a_crate_without_a_layer_and_a_layer_without_a_crate_are_found() {
        let findings = edges(&[Member::made_up("new", "")], &[("old", &[])]);
        assert_eq!(findings, ["old: has a layer, but is no crate of the workspace", "new: has no layer"]);
    }

    #[test]
    fn declaring_a_library_that_is_for_others_is_found() {
        let members = [
            Member::made_up("a", "object_store"),
            Member::made_up("b", "object_store:dev"),
            Member::made_up("c", "serde"),
        ];
        assert_eq!(knowers(&members, "object_store", &["a"]), ["b: may not know object_store"]);
    }
}
