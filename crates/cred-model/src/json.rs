//! JSON as text: an object's members with their values untouched, and how they are laid out again.

use std::{collections::HashSet, fmt, iter};

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{DecodeError, DecodeErrorKind, JsonType, MAX_DOCUMENT_BYTES, Secret};

/// The most levels of arrays and objects that a document may have, as in `serde_json`.
pub const MAX_DEPTH: usize = 128;

/// A text that is one JSON value, and the place that errors point into.
pub(crate) struct Json<'a> {
    text: &'a str,
    root: &'a str,
}

/// A name and its JSON value, a part of the text.
pub(crate) struct Member<'a> {
    pub(crate) name: String,
    pub(crate) value: &'a str,
}

impl<'a> Json<'a> {
    /// Checks size, encoding, depth and syntax, in this order.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let max = usize::try_from(MAX_DOCUMENT_BYTES).unwrap_or(usize::MAX);
        let fail = |kind, offset| Err(DecodeError::new(kind, bytes, offset));
        if bytes.len() > max {
            return fail(DecodeErrorKind::TooLarge, max);
        }
        match bytes {
            [0xEF, 0xBB, 0xBF, ..] => return fail(DecodeErrorKind::ByteOrderMark, 0),
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..] => return fail(DecodeErrorKind::Utf16, 0),
            _ => {}
        }
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return fail(DecodeErrorKind::NotUtf8, error.valid_up_to()),
        };
        let json = Self { text, root: text };
        if let Some(bracket) = too_deep(text) {
            return Err(json.error(bracket, DecodeErrorKind::TooDeep));
        }
        match serde_json::from_str::<&RawValue>(text) {
            Ok(root) => Ok(Self { text, root: root.get() }),
            Err(error) if error.is_eof() => fail(DecodeErrorKind::UnexpectedEnd, text.len()),
            Err(error) => fail(DecodeErrorKind::Syntax, offset_of(text, error.line(), error.column())),
        }
    }

    /// The value itself, without the white space around it.
    pub(crate) fn root(&self) -> &'a str {
        self.root
    }

    /// The members of `object`, which is this value or a part of it, each name once.
    pub(crate) fn members(&self, object: &'a str) -> Result<Vec<Member<'a>>, DecodeError> {
        let pairs: Pairs<'a> = serde_json::from_str(object)
            .map_err(|_| self.error(object, DecodeErrorKind::NotAnObject { found: JsonType::of(object) }))?;
        let mut seen = HashSet::with_capacity(pairs.0.len());
        pairs
            .0
            .into_iter()
            .map(|(key, value)| {
                let name: String =
                    serde_json::from_str(key.get()).map_err(|_| self.error(key.get(), DecodeErrorKind::Syntax))?;
                if seen.insert(name.clone()) {
                    Ok(Member { name, value: value.get() })
                } else {
                    let name = name.chars().take(64).collect();
                    Err(self.error(key.get(), DecodeErrorKind::DuplicateKey { name }))
                }
            })
            .collect()
    }

    /// What is wrong with `part`, a part of the text.
    pub(crate) fn error(&self, part: &str, kind: DecodeErrorKind) -> DecodeError {
        let offset = part.as_ptr().addr() - self.text.as_ptr().addr();
        DecodeError::new(kind, self.text.as_bytes(), offset)
    }
}

/// The JSON string of `text`.
pub(crate) fn quote(text: &str) -> String {
    serde_json::to_string(text).expect("any text is a JSON string")
}

/// An object as Python's `json.dump(indent=2)` writes it, except that letters beyond ASCII stay as they are.
///
/// The memory is overwritten when the last handle to it is dropped.
pub(crate) fn document(members: &[(&str, Secret)]) -> Bytes {
    // Longer than most, so that growing leaves no copy of a secret behind.
    let mut out = Zeroizing::new(String::with_capacity(4096));
    out.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        out.push_str(if index == 0 { "\n  " } else { ",\n  " });
        out.push_str(&quote(name));
        out.push_str(": ");
        write_value(&mut out, value.expose());
    }
    out.push_str("\n}");
    Bytes::from_owner(out)
}

/// Appends the member value `raw` with each of its tokens unchanged and new white space between them.
fn write_value(out: &mut String, raw: &str) {
    let mut depth = 1;
    let mut tokens = tokens(raw).peekable();
    while let Some(token) = tokens.next() {
        match token {
            "{" | "[" => {
                out.push_str(token);
                match tokens.next_if(|next| matches!(*next, "}" | "]")) {
                    Some(end) => out.push_str(end),
                    None => {
                        depth += 1;
                        new_line(out, depth);
                    }
                }
            }
            "}" | "]" => {
                depth -= 1;
                new_line(out, depth);
                out.push_str(token);
            }
            "," => {
                out.push(',');
                new_line(out, depth);
            }
            ":" => out.push_str(": "),
            _ => out.push_str(token),
        }
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(iter::repeat_n("  ", depth));
}

/// The tokens of a JSON text; of any other text some pieces, but always to its end.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
    let mut rest = text;
    iter::from_fn(move || {
        rest = rest.trim_start_matches(SPACE);
        let length = match rest.as_bytes().first()? {
            b'"' => string_length(rest),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => rest.find(|c| SPACE.contains(&c) || "{}[],:\"".contains(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token)
    })
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// The first bracket that opens a level too many.
fn too_deep(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    tokens(text).find(|token| {
        match *token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// Where `serde_json` says it is: both numbers count from 1, the column in bytes, 0 standing for the line's end.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (line_start + column.saturating_sub(1)).min(text.len())
}

/// The members of an object, double ones too.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
