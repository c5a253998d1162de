//! What a run of `cargo test` tells about itself, line by line.

/// The sums of a run, and the tests that it ignored.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: Vec<Ignored>,
    /// Ignored tests by the closing lines: must be as many as were named.
    pub(crate) ignored_by_count: usize,
    target: String,
}

/// A test that did not run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ignored {
    /// The test program, without the hash in its file name.
    pub(crate) target: String,
    pub(crate) name: String,
    /// What `#[ignore = "…"]` says; empty if it says nothing.
    pub(crate) reason: String,
}

impl Outcome {
    /// Takes note of one line of output.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(target) = line.strip_prefix("Doc-tests ") {
            self.target = target.into();
        } else if let Some((_, file)) = line.strip_prefix("Running ").and_then(|rest| rest.split_once(" (")) {
            let file = file.trim_end_matches(')').rsplit('/').next().unwrap_or_default();
            self.target = file.rsplit_once('-').map_or(file, |(stem, _)| stem).into();
        } else if let Some((_, sums)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) {
            let sum = |what| {
                let count = sums.split("; ").find_map(|sum| sum.strip_suffix(what))?;
                count.trim().parse::<usize>().ok()
            };
            self.passed += sum(" passed").unwrap_or(0);
            self.failed += sum(" failed").unwrap_or(0);
            self.ignored_by_count += sum(" ignored").unwrap_or(0);
        } else if let Some((name, reason)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ignored"))
        {
            let reason = reason.trim_start_matches(", ").into();
            self.ignored.push(Ignored { target: self.target.clone(), name: name.into(), reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "\
     Running unittests src/lib.rs (target/debug/deps/cred_path-3f2a)

running 2 tests
test location::tests::s3_is_s3 ... ok
test location::tests::boom ... FAILED
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running tests/s3.rs (target/debug/deps/s3-77ab)
test over_minio ... ignored, needs MinIO
test by_hand ... ignored
test result: ok. 0 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests cred_path
test crates/cred-path/src/lib.rs - (line 3) ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.25s
";

    #[test]
    fn sums_are_added_and_ignored_tests_are_named() {
        let mut outcome = Outcome::default();
        RUN.lines().for_each(|line| outcome.read(line));
        assert_eq!((outcome.passed, outcome.failed, outcome.ignored_by_count), (2, 1, 2));
        let ignored =
            |name: &str, reason: &str| Ignored { target: "s3".into(), name: name.into(), reason: reason.into() };
        assert_eq!(outcome.ignored, [ignored("over_minio", "needs MinIO"), ignored("by_hand", "")]);
    }
}
