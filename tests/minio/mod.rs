//! The MinIO that `cargo xtask test` runs beside the tests

use std::{env, process, time::SystemTime};

/// The bucket in it that is the tests'.
pub(crate) const BUCKET: &str = "cred-test";

/// What a client has to know, by the names of the variables that AWS's own clients read.
pub(crate) fn variables() -> [(&'static str, String); 4] {
    let told = |name| env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run `cargo xtask test`"));
    [
        ("AWS_ENDPOINT_URL_S3", told("CRED_TEST_S3_ENDPOINT")),
        ("AWS_ACCESS_KEY_ID", told("CRED_TEST_S3_ACCESS_KEY_ID")),
        ("AWS_SECRET_ACCESS_KEY", told("CRED_TEST_S3_SECRET_ACCESS_KEY")),
        ("AWS_REGION", "us-east-1".to_owned()),
    ]
}

/// A prefix in the bucket that nobody used before, for the tests of `target`.
pub(crate) fn fresh_prefix(target: &str) -> String {
    let nanos = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("{target}-{}-{nanos}/", process::id())
}
