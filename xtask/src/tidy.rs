//! What reviewers would otherwise have to look for: who knows whom, licences, manifests, tracked files.

mod layers;
mod licences;
mod manifests;
mod texts;
mod tree;

use anyhow::{Result, bail};

use crate::members::members;
use crate::tidy::tree::Tree;

pub(crate) const HELP: &str = "\
Checks that crates know only those below them, that every licence is allowed and no second TLS stack is in
the tree, that manifests are complete, sorted and declare no dependency that nothing uses, and that no
tracked file holds a path of somebody's machine or an unfinished mark.

Usage: cargo xtask tidy
";

/// Whom each crate may know, in its library and its build.
///
/// Beyond that, the tests of any crate may know `cred-conformance`, and its tests every other.
const LAYERS: &[(&str, &[&str])] = &[
    ("cred-cli", &["cred-model", "cred-path", "cred-store"]),
    ("cred-conformance", &["cred-model", "cred-path"]),
    ("cred-model", &["cred-path"]),
    ("cred-path", &[]),
    ("cred-store", &["cred-model", "cred-path", "cred-store-local", "cred-store-s3"]),
    ("cred-store-local", &["cred-model", "cred-path"]),
    ("cred-store-s3", &["cred-model", "cred-path"]),
    ("xtask", &[]),
];

/// The only ones to declare `object_store`: its types change about twice a year.
const KNOW_OBJECT_STORE: &[&str] = &["cred-conformance", "cred-store-s3"];

/// Libraries for input, output, waiting and JSON, which names and places do without.
const BEYOND_NAMES: &[&str] = &["async-trait", "futures-*", "mio", "serde", "serde_*", "tokio", "tokio-*"];

/// What a service would not want with its JSON documents in S3.
const BEYOND_DOCUMENTS: &[&str] = &[
    "aws-config",
    "aws-credential-types",
    "aws-runtime",
    "aws-sdk-*",
    "aws-sigv4",
    "aws-smithy-*",
    "aws-types",
    "clap",
    "clap_*",
    "google-*",
    "oauth*",
    "openidconnect",
    "yup-oauth2",
];

/// TLS stacks other than rustls, and providers of cryptography to it other than aws-lc-rs.
const OTHER_TLS: &[&str] = &[
    "boring",
    "boring-sys",
    "gnutls",
    "mbedtls*",
    "native-tls",
    "openssl",
    "openssl-sys",
    "ring",
    "rustls-graviola",
    "rustls-mbedcrypto-provider",
    "rustls-openssl",
    "rustls-rustcrypto",
    "rustls-symcrypt",
    "s2n-tls*",
    "wolfssl*",
];

/// Checks everything, and lists what is wrong.
pub(crate) fn run() -> Result<()> {
    let members = members()?;
    let all = Tree::of(&["--workspace", "--all-features", "--target=all", "--edges=normal,build,dev"])?;
    let names = Tree::of(&["--package=cred-path", "--all-features", "--target=all", "--edges=normal"])?;
    let documents = Tree::of(&["--package=cred-store-s3", "--target=all", "--edges=normal"])?;
    let files = texts::tracked()?;

    let mut findings = layers::edges(&members, LAYERS);
    findings.extend(layers::knowers(&members, "object_store", KNOW_OBJECT_STORE));
    findings.extend(names.without("cred-path", BEYOND_NAMES));
    findings.extend(documents.without("cred-store-s3", BEYOND_DOCUMENTS));
    findings.extend(all.without("the workspace", OTHER_TLS));
    findings.extend(all.once("rustls"));
    findings.extend(all.once("object_store"));
    findings.extend(licences::unknown(&all));
    for member in &members {
        findings.extend(manifests::incomplete(member));
        findings.extend(manifests::unused(member, &files));
    }
    for (name, text) in &files {
        findings.extend(texts::machine_paths(name, text));
        findings.extend(texts::unfinished(name, text));
        if name.ends_with("Cargo.toml") {
            findings.extend(manifests::untidy(name, text));
        }
    }
    findings.extend(texts::examples(&files));

    for finding in &findings {
        eprintln!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} things are not tidy; a new edge, licence or exception is a row in xtask/src/tidy*", findings.len());
    }
    eprintln!("tidy: {} crates, {} packages, {} files", members.len(), all.len(), files.len());
    Ok(())
}
