//! The stored form of a credential.

use bytes::Bytes;

use crate::{
    Credential, DecodeError, DecodeErrorKind, Expiry, JsonType, LooksLike, Secret,
    credential::{Field, Slot, non_empty},
    json::{self, Json, Member},
};

impl Credential {
    /// Reads a stored document.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the position: of damage if [`is_corrupt`](DecodeError::is_corrupt), else of good JSON
    /// that is no credential. Neither shows anything of the document but the name of a key.
    pub fn from_json(document: &[u8]) -> Result<Self, DecodeError> {
        let json = Json::parse(document)?;
        let members = json.members(json.root())?;
        Self::from_members(&json, members)
    }

    /// The document to store: indented by two spaces, with no newline at the end, as Python's `json.dump(indent=2)`.
    ///
    /// The memory is overwritten when the last handle to it is dropped.
    pub fn to_json(&self) -> Bytes {
        let members: Vec<_> = (self.layout.iter())
            .map(|slot| match slot {
                Slot::Field(field) => (field.name(), self.field_to_json(*field)),
                Slot::Extra { name, value } => (name.as_str(), value.clone()),
            })
            .collect();
        json::document(&members)
    }

    /// Makes a credential of the members that `json` holds.
    pub(crate) fn from_members(json: &Json<'_>, members: Vec<Member<'_>>) -> Result<Self, DecodeError> {
        let looks_like = looks_like(&members);
        let mut credential = Self::without_layout();
        for Member { name, value } in members {
            match Field::ALL.into_iter().find(|field| field.name() == name) {
                Some(field) => {
                    credential.read_field(field, value).map_err(|expected| {
                        let found = JsonType::of(value);
                        json.error(value, DecodeErrorKind::WrongType { field: field.name(), expected, found })
                    })?;
                    credential.layout.push(Slot::Field(field));
                }
                None => credential.layout.push(Slot::Extra { name, value: Secret::new(value) }),
            }
        }
        let missing = Field::ALL.map(Slot::Field).into_iter().filter(|slot| !credential.layout.contains(slot));
        credential.layout.extend(missing.collect::<Vec<_>>());
        if credential.access_token.is_none() && credential.refresh_token.is_none() {
            return Err(json.error(json.root(), DecodeErrorKind::NotACredential { looks_like }));
        }
        Ok(credential)
    }

    /// Reads the JSON value `raw`, or says what was expected.
    fn read_field(&mut self, field: Field, raw: &str) -> Result<(), &'static str> {
        let text = || serde_json::from_str::<Option<String>>(raw).map_err(|_| "a string or null");
        let secret = || text().map(|text| text.map(Secret::new));
        let token = || secret().map(|token| token.and_then(non_empty));
        match field {
            Field::Token => self.access_token = token()?,
            Field::RefreshToken => self.refresh_token = token()?,
            Field::TokenUri => self.token_uri = text()?,
            Field::ClientId => self.client_id = text()?,
            Field::ClientSecret => self.client_secret = secret()?,
            Field::Scopes => {
                self.scopes = match JsonType::of(raw) {
                    JsonType::String => text()?.map(|text| text.split_whitespace().map(str::to_owned).collect()),
                    _ => serde_json::from_str(raw).map_err(|_| "a list of strings, a string or null")?,
                }
            }
            Field::Expiry => self.expiry = Expiry::from_json(raw),
        }
        Ok(())
    }

    /// The JSON value of a field.
    pub(crate) fn field_to_json(&self, field: Field) -> Secret {
        let text = |text: Option<&str>| Secret::new(text.map_or_else(|| "null".into(), json::quote));
        match field {
            Field::Token => text(self.access_token.as_ref().map(Secret::expose)),
            Field::RefreshToken => text(self.refresh_token.as_ref().map(Secret::expose)),
            Field::TokenUri => text(self.token_uri()),
            Field::ClientId => text(self.client_id()),
            Field::ClientSecret => text(self.client_secret.as_ref().map(Secret::expose)),
            Field::Scopes => Secret::new(serde_json::to_string(&self.scopes).expect("any texts are a JSON array")),
            Field::Expiry => self.expiry.to_json(),
        }
    }
}

/// What an object without tokens may have been meant for.
fn looks_like(members: &[Member<'_>]) -> LooksLike {
    let is_object = |value: &str| JsonType::of(value) == JsonType::Object;
    let has = |name: &str, test: &dyn Fn(&str) -> bool| members.iter().any(|m| m.name == name && test(m.value));
    // A state is the key; what is known of it is an object with at least the time it ends at.
    let is_state = |m: &Member<'_>| is_object(m.value) && json::tokens(m.value).any(|token| token == r#""expires_at""#);
    if has("installed", &is_object) || has("web", &is_object) {
        LooksLike::ClientFile
    } else if has("type", &|value| value == r#""service_account""#) {
        LooksLike::ServiceAccountKey
    } else if has("access_token", &|value| JsonType::of(value) == JsonType::String) {
        LooksLike::TokenResponse
    } else if !members.is_empty() && members.iter().all(is_state) {
        LooksLike::OAuthStates
    } else {
        LooksLike::Unknown
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;
    use crate::MAX_DEPTH;

    fn text(credential: &Credential) -> String {
        String::from_utf8(credential.to_json().into()).unwrap()
    }

    fn read(document: &str) -> Credential {
        Credential::from_json(document.as_bytes()).unwrap()
    }

    #[test]
    fn a_fresh_credential_is_written_as_python_writes_it() {
        let credential = Credential::new()
            .with_access_token("ya29.é\n\"")
            .with_scopes(["openid", "email"])
            .with_expiry(SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_858_096));
        let expected = r#"{
  "token": "ya29.é\n\"",
  "refresh_token": null,
  "token_uri": null,
  "client_id": null,
  "client_secret": null,
  "scopes": [
    "openid",
    "email"
  ],
  "expiry": "2026-10-01T12:34:56"
}"#;
        assert_eq!(text(&credential), expected);
        assert_eq!(read(expected), credential);
    }

    #[test]
    fn members_of_others_keep_their_place_and_every_token() {
        let stored = r#"{"b":{"n":[1.0,1e400,-0.0E+5,12345678901234567890],"e":{},"f":[ ]},"token":"old","\u0061":"\/\ud800",
            "expiry":"2026-10-01T12:34:56Z", "null":null}"#;
        let expected = r#"{
  "b": {
    "n": [
      1.0,
      1e400,
      -0.0E+5,
      12345678901234567890
    ],
    "e": {},
    "f": []
  },
  "token": "new",
  "a": "\/\ud800",
  "expiry": "2026-10-01T12:34:56",
  "null": null,
  "refresh_token": null,
  "token_uri": null,
  "client_id": null,
  "client_secret": null,
  "scopes": null
}"#;
        assert_eq!(text(&read(stored).with_access_token("new")), expected);
    }

    #[test]
    fn scopes_are_a_list_a_text_or_null() {
        for (scopes, expected) in
            [(r#"["a","b"]"#, &["a", "b"][..]), (r#"" a  b ""#, &["a", "b"]), ("null", &[]), ("[]", &[])]
        {
            assert_eq!(read(&format!(r#"{{"token":"t","scopes":{scopes}}}"#)).scopes(), expected);
        }
    }

    #[test]
    fn what_is_no_credential_is_refused_with_its_place_and_without_its_values() {
        use DecodeErrorKind::*;
        let wrong = |field, expected, found| WrongType { field, expected, found };
        let other = |looks_like| NotACredential { looks_like };
        let duplicate = DuplicateKey { name: "token".into() };
        let million = "[".repeat(1 << 20);
        let deep = format!("{{\"SENTINEL\":\n{}", "[".repeat(MAX_DEPTH));
        let huge = "[".repeat(64 << 20);
        let utf16: Vec<u8> = "{\"token\":\"SENTINEL\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cases: &[(&[u8], DecodeErrorKind, usize, usize)] = &[
            (b"", UnexpectedEnd, 1, 1),
            (b" \n", UnexpectedEnd, 2, 1),
            (b"{", UnexpectedEnd, 1, 2),
            (b"{\n \"token\": \"SENTINEL", UnexpectedEnd, 2, 20),
            (b"{\"token\": SENTINEL}", Syntax, 1, 11),
            (b"{\"token\": \"SENTINEL\"} SENTINEL", Syntax, 1, 23),
            (b"{\"token\": \"\\ud800SENTINEL\"}", wrong("token", "a string or null", JsonType::String), 1, 11),
            (b"{\"\\ud800\": \"SENTINEL\"}", Syntax, 1, 2),
            (b"\n[\"SENTINEL\"]", NotAnObject { found: JsonType::Array }, 2, 1),
            (b"\"SENTINEL\"", NotAnObject { found: JsonType::String }, 1, 1),
            (b"null", NotAnObject { found: JsonType::Null }, 1, 1),
            (b"1e400", NotAnObject { found: JsonType::Number }, 1, 1),
            (b"{\"token\": \"SENTINEL\xFF\"}", NotUtf8, 1, 20),
            (b"\xEF\xBB\xBF{\"token\": \"SENTINEL\"}", ByteOrderMark, 1, 1),
            (&utf16, Utf16, 1, 1),
            (b"\xFF\xFE{\0", Utf16, 1, 1),
            (deep.as_bytes(), TooDeep, 2, MAX_DEPTH),
            (million.as_bytes(), TooDeep, 1, MAX_DEPTH + 1),
            (huge.as_bytes(), TooLarge, 1, (1 << 20) + 1),
            (b"{\"token\": \"SENTINEL\",\n \"token\": \"SENTINEL\"}", duplicate.clone(), 2, 2),
            (b"{\"token\": 1, \"\\u0074oken\": \"SENTINEL\"}", duplicate, 1, 14),
            (b"{\"token\": {\"SENTINEL\": 1}}", wrong("token", "a string or null", JsonType::Object), 1, 11),
            (b"{\"client_secret\": 77777}", wrong("client_secret", "a string or null", JsonType::Number), 1, 19),
            (
                b"{\"scopes\": [\"SENTINEL\", 1]}",
                wrong("scopes", "a list of strings, a string or null", JsonType::Array),
                1,
                12,
            ),
            (b"{}", other(LooksLike::Unknown), 1, 1),
            (b" {\"token\": null, \"refresh_token\": \"\"}", other(LooksLike::Unknown), 1, 2),
            (b"{\"SENTINEL\": {\"session_id\": null, \"expires_at\": \"2026\"}}", other(LooksLike::OAuthStates), 1, 1),
            (b"{\"installed\": {\"client_secret\": \"SENTINEL\"}}", other(LooksLike::ClientFile), 1, 1),
            (b"{\"web\": {\"client_secret\": \"SENTINEL\"}}", other(LooksLike::ClientFile), 1, 1),
            (
                b"{\"type\": \"service_account\", \"private_key\": \"SENTINEL\"}",
                other(LooksLike::ServiceAccountKey),
                1,
                1,
            ),
            (b"{\"access_token\": \"SENTINEL\"}", other(LooksLike::TokenResponse), 1, 1),
        ];
        for (document, kind, line, column) in cases {
            let error = Credential::from_json(document).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert_eq!((error.kind(), error.line(), error.column()), (kind, *line, *column), "{shown}");
            assert!(!shown.contains("SENTINEL") && !shown.contains("77777"), "{shown}");
            assert!(std::error::Error::source(&error).is_none());
            assert_eq!(error.is_corrupt(), !shown.starts_with("not a credential"), "{shown}");
        }
    }

    /// JSON text of any shape, with spellings that a number type would lose.
    fn json_text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
            any::<String>().prop_map(|text| json::quote(&text)),
            "\"(\\\\u[0-9a-f]{4}|\\\\/|[ -!#-\\[]){0,8}\"",
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let space = "[ \n\t]{0,2}";
            let entry =
                (any::<String>(), inner.clone()).prop_map(|(name, value)| format!("{} :{value}", json::quote(&name)));
            prop_oneof![
                (prop::collection::vec(inner, 0..4), space)
                    .prop_map(|(items, space)| format!("[{}]", items.join(&format!(",{space}")))),
                prop::collection::vec(entry, 0..4).prop_map(|entries| format!("{{{}}}", entries.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_changed_token_changes_no_token_of_the_text_but_its_own(
            members in prop::collection::btree_map("\\PC{0,6}", json_text(), 0..6),
            place in any::<prop::sample::Index>(),
        ) {
            let mut members: Vec<_> = members.into_iter()
                .filter(|(name, _)| Field::ALL.into_iter().all(|field| field.name() != name))
                .map(|(name, value)| format!("{}: {value}", json::quote(&name)))
                .collect();
            let mut seven: Vec<_> = Field::ALL.into_iter().map(|field| format!("\"{}\": null", field.name())).collect();
            seven[0] = r#""token": "old""#.into();
            let place = place.index(members.len() + 1);
            members.splice(place..place, seven);
            let stored = format!("{{{}}}", members.join(","));

            let saved = text(&read(&stored).with_access_token("new"));
            let expected: Vec<_> = json::tokens(&stored).map(|token| if token == r#""old""# { r#""new""# } else { token }).collect();
            prop_assert_eq!(json::tokens(&saved).collect::<Vec<_>>(), expected);
            prop_assert_eq!(text(&read(&saved)), saved);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Credential::from_json(&bytes);
        }
    }
}
