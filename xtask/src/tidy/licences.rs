//! The licences that we may build on.

use crate::tidy::tree::Tree;

/// Licences, and one exception, that ask for no more than a notice.
const ALLOWED: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Every package whose licence is not allowed.
pub(super) fn unknown(tree: &Tree) -> Vec<String> {
    let others = tree.nodes().filter(|node| !is_allowed(&node.licence));
    others.map(|node| format!("{} {}: licence {:?} is not allowed", node.name, node.version, node.licence)).collect()
}

/// Whether an SPDX expression, or one of the older form with `/`, can be met by allowed licences alone.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    is_met(&spaced.split_whitespace().collect::<Vec<_>>())
}

fn is_met(expression: &[&str]) -> bool {
    // `AND` binds closer than `OR`.
    if let Some((left, right)) = split(expression, "OR") {
        return is_met(left) || is_met(right);
    }
    if let Some((left, right)) = split(expression, "AND") {
        return is_met(left) && is_met(right);
    }
    match expression {
        ["(", inner @ .., ")"] => is_met(inner),
        licence => ALLOWED.contains(&licence.join(" ").as_str()),
    }
}

/// What stands before and after the first `operator` outside parentheses.
fn split<'a>(expression: &'a [&'a str], operator: &str) -> Option<(&'a [&'a str], &'a [&'a str])> {
    let mut depth = 0;
    let at = expression.iter().position(|word| {
        match *word {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        depth == 0 && *word == operator
    })?;
    Some((&expression[..at], &expression[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_allowed_if_allowed_licences_meet_it() {
        for expression in [
            "MIT",
            "MIT/Apache-2.0",
            "MIT OR GPL-3.0-only",
            "(MIT OR GPL-3.0-only) AND Unicode-3.0",
            "GPL-3.0-only AND ISC OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(is_allowed(expression), "{expression}");
        }
        for expression in [
            "",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "MIT AND (GPL-3.0-only OR LGPL-2.1-or-later)",
            "MIT WITH LLVM-exception",
        ] {
            assert!(!is_allowed(expression), "{expression}");
        }
    }

    #[test]
    fn a_package_under_another_licence_or_none_is_found() {
        let tree = Tree::parse("a v1.0.0|MIT\nb v2.0.0|AGPL-3.0-only\nc v3.0.0|").unwrap();
        let findings =
            [r#"b v2.0.0: licence "AGPL-3.0-only" is not allowed"#, r#"c v3.0.0: licence "" is not allowed"#];
        assert_eq!(unknown(&tree), findings);
    }
}
