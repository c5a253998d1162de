//! Whose credential it is, and under which name that is stored.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::DocumentName;
use crate::error::shortened;

/// The owner of a credential: an e-mail address, a number, whatever a service calls its users.
///
/// It is opaque. Nothing is trimmed, case is kept, and any text that is not blank will do, for its
/// [document name](Self::document_name) is safe in every backend.
///
/// ```
/// use cred_path::UserId;
///
/// let user = UserId::new("../../x")?;
/// assert_eq!(user.document_name().as_str(), "..%2F..%2Fx.json");
/// assert_eq!(UserId::from_document_name(&user.document_name()), Some(user));
/// # Ok::<(), cred_path::UserIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// The longest id, in bytes of its percent-encoding: with `.lease` it is a file name of 255.
    pub const MAX_ENCODED_BYTES: usize = DocumentName::MAX_BYTES - ".lease".len();

    /// Takes `id` as it is.
    ///
    /// # Errors
    ///
    /// - [`UserIdError::Blank`] if there is nothing but white space.
    /// - [`UserIdError::TooLong`] beyond [`MAX_ENCODED_BYTES`](Self::MAX_ENCODED_BYTES).
    pub fn new(id: impl Into<String>) -> Result<Self, UserIdError> {
        let id = id.into();
        if id.trim().is_empty() {
            return Err(UserIdError::Blank { id: shortened(&id) });
        }
        let length = encoded(&id).map(str::len).sum();
        if length > Self::MAX_ENCODED_BYTES {
            return Err(UserIdError::TooLong { id: shortened(&id), length });
        }
        Ok(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of this user's document: the percent-encoded id and `.json`.
    ///
    /// All bytes but `A-Za-z0-9_.-~@` are encoded, in upper-case hex. Python's `quote(id, safe="@._-")` gives the same, and
    /// google_workspace_mcp names its files so.
    pub fn document_name(&self) -> DocumentName {
        let name = encoded(&self.0).chain([".json"]).collect::<String>();
        DocumentName::new(name).expect("an encoded id has no unsafe character, fits, and ends in .json")
    }

    /// Whose document `name` is; `None` if [`document_name`](Self::document_name) never gives this name.
    pub fn from_document_name(name: &DocumentName) -> Option<Self> {
        let id = percent_decode_str(name.as_str().strip_suffix(".json")?).decode_utf8().ok()?;
        Self::new(id).ok().filter(|user| user.document_name() == *name)
    }

    /// The names that earlier programs gave this user's document, where they differ from today's.
    ///
    /// First the id itself, if it can be a name at all; then the id with `_` for every character but `A-Za-z0-9@._-`. Several
    /// users may share such a name, so what is found there is theirs only if the document says so.
    pub fn legacy_names(&self) -> Vec<DocumentName> {
        let mut names = vec![self.document_name()];
        for id in [self.0.clone(), flattened(&self.0)] {
            names.extend(DocumentName::new(id + ".json").ok().filter(|name| !names.contains(name)));
        }
        names.split_off(1)
    }
}

impl AsRef<str> for UserId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(id: &str) -> Result<Self, UserIdError> {
        Self::new(id)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text cannot be a user's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named after what they hold")]
#[non_exhaustive]
pub enum UserIdError {
    /// There is nothing but white space.
    #[error("user id {id:?} is blank")]
    Blank { id: String },
    /// Its document's name would not fit into a file system; `id` is its beginning, `length` that of its encoding.
    #[error("user id {id:?} is too long: {length} bytes when percent-encoded, at most {max}", max = UserId::MAX_ENCODED_BYTES)]
    TooLong { id: String, length: usize },
}

impl UserIdError {
    /// What the caller can do about it: one imperative clause, no full stop.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Blank { .. } => "name the user, such as ada@example.com".into(),
            Self::TooLong { .. } => "use a shorter id, such as the account's e-mail address or number".into(),
        })
    }
}

/// The bytes that `quote(…, safe="@._-")` encodes.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'@');

fn encoded(id: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(id, UNSAFE)
}

/// `re.sub(r"[^A-Za-z0-9@._-]", "_", id)`, as google_workspace_mcp once named its files.
fn flattened(id: &str) -> String {
    id.replace(|c: char| !(c.is_ascii_alphanumeric() || "@._-".contains(c)), "_")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// Ids of any characters, and ids of those that paths, encodings and shells give a meaning.
    fn ids() -> impl Strategy<Value = String> {
        let any = prop::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter);
        prop_oneof![any, "\\PC{0,20}", "[-a-zA-Z0-9@._~%+/\\\\ ':\0\n]{0,40}"]
            .prop_filter("blank", |id| UserId::new(id).is_ok())
    }

    #[test]
    fn names_are_those_of_other_programs() {
        for (id, name, legacy) in [
            ("ada@example.com", "ada@example.com.json", &[][..]),
            ("a+b@x.com", "a%2Bb@x.com.json", &["a+b@x.com.json", "a_b@x.com.json"]),
            ("a/b@x.com", "a%2Fb@x.com.json", &["a_b@x.com.json"]),
            ("o'neil~", "o%27neil~.json", &["o'neil~.json", "o_neil_.json"]),
            ("../../x", "..%2F..%2Fx.json", &[".._.._x.json"]),
            (".", "..json", &[]),
            ("..", "...json", &[]),
            (".tmp-x", ".tmp-x.json", &[]),
            ("a\\b", "a%5Cb.json", &["a_b.json"]),
            ("nul\0", "nul%00.json", &["nul_.json"]),
            ("a%2Bb", "a%252Bb.json", &["a%2Bb.json", "a_2Bb.json"]),
            (" Ada ", "%20Ada%20.json", &[" Ada .json", "_Ada_.json"]),
            ("李", "%E6%9D%8E.json", &["李.json", "_.json"]),
            ("🦀", "%F0%9F%A6%80.json", &["🦀.json", "_.json"]),
            ("e\u{301}", "e%CC%81.json", &["e\u{301}.json", "e_.json"]),
            ("\u{e9}", "%C3%A9.json", &["\u{e9}.json", "_.json"]),
        ] {
            let user = UserId::new(id).unwrap();
            let legacy_names = user.legacy_names();
            assert_eq!(user.document_name().as_str(), name);
            assert_eq!(legacy_names.iter().map(DocumentName::as_str).collect::<Vec<_>>(), legacy, "{id:?}");
        }
    }

    #[test]
    fn a_name_that_no_id_has_belongs_to_nobody() {
        for name in ["a+b.json", "a%2bb.json", "a%41.json", "%FF.json", "%.json", ".json", "%20.json", "a.JSON", "a"] {
            assert_eq!(UserId::from_document_name(&DocumentName::new(name).unwrap()), None, "{name}");
        }
    }

    #[test]
    fn a_blank_id_is_refused() {
        for id in ["", " ", "\t\n", "\u{3000}"] {
            assert!(matches!(UserId::new(id), Err(UserIdError::Blank { .. })), "{id:?}");
        }
    }

    #[test]
    fn the_longest_id_leaves_room_for_its_lease() {
        let longest = UserId::new("+".repeat(83)).unwrap().document_name();
        assert_eq!(longest.as_str().replace(".json", ".lease").len(), 255);
        let error = UserId::new("+".repeat(84)).unwrap_err();
        assert!(
            matches!(error, UserIdError::TooLong { length: 252, .. }) && error.to_string().contains("\"++"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn any_id_has_a_safe_name_of_its_own(id in ids(), other in ids()) {
            let user = UserId::new(&*id).unwrap();
            let name = user.document_name();
            prop_assert!(name.is_json());
            prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-~@%".contains(&b)));
            prop_assert_eq!(UserId::from_document_name(&name), Some(user));
            prop_assert_eq!(UserId::new(&*other).unwrap().document_name() == name, other == id);
        }
    }

    #[test]
    #[ignore = "needs Python"]
    fn names_are_those_that_python_gives() {
        const PROGRAM: &str = r#"
import json, re, sys, urllib.parse
names = [[urllib.parse.quote(i, safe="@._-"), re.sub(r"[^a-zA-Z0-9@._-]", "_", i)] for i in json.load(sys.stdin.buffer)]
json.dump(names, sys.stdout)
"#;
        let mut runner = TestRunner::deterministic();
        let ids: Vec<_> = (0..5_000).map(|_| ids().new_tree(&mut runner).unwrap().current()).collect();

        let python = std::env::var("CRED_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let mut python = Command::new(python);
        let mut child = python.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Python reads everything before it writes anything, so neither side waits for the other.
        child.stdin.take().unwrap().write_all(&serde_json::to_vec(&ids).unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let names: Vec<[String; 2]> = serde_json::from_slice(&output.stdout).unwrap();

        assert_eq!(names.len(), ids.len());
        for (id, [quoted, substituted]) in ids.iter().zip(names) {
            assert_eq!(UserId::new(id).unwrap().document_name().as_str(), quoted + ".json", "{id:?}");
            assert_eq!(flattened(id), substituted, "{id:?}");
        }
    }
}
