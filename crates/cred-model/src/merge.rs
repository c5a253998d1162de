//! What a save keeps of the document that is there already.

use std::collections::HashMap;

use crate::{Credential, credential::Slot};

impl Credential {
    /// This credential with what `incoming` knows better: what a save writes over a stored document.
    ///
    /// - What `incoming` says wins; a null or an absent member says nothing and replaces nothing. The answer to a refresh
    ///   has no refresh token and often no `id_token`: the stored ones are kept.
    /// - An access token brings its expiry along: if `incoming` has one without, the expiry becomes unknown. Without an
    ///   access token, both stay.
    /// - A refresh token is of use only with its client: if `incoming` names another client and brings no refresh token,
    ///   the stored client stays with the stored refresh token.
    /// - Others' members are replaced one by one and whole; each keeps its place, and new ones follow.
    pub fn merge(mut self, incoming: Self) -> Self {
        if incoming.access_token.is_some() {
            self.access_token = incoming.access_token;
            self.expiry = incoming.expiry;
        }
        let is_other_client = self.client_id.as_ref().zip(incoming.client_id.as_ref()).is_some_and(|(a, b)| a != b);
        if incoming.refresh_token.is_some() || self.refresh_token.is_none() || !is_other_client {
            self.refresh_token = incoming.refresh_token.or(self.refresh_token);
            self.token_uri = incoming.token_uri.or(self.token_uri);
            self.client_id = incoming.client_id.or(self.client_id);
            self.client_secret = incoming.client_secret.or(self.client_secret);
        }
        self.scopes = incoming.scopes.or(self.scopes);

        let places: HashMap<String, usize> = (self.layout.iter().enumerate())
            .filter_map(|(index, slot)| match slot {
                Slot::Field(_) => None,
                Slot::Extra { name, .. } => Some((name.clone(), index)),
            })
            .collect();
        for slot in incoming.layout {
            let Slot::Extra { name, value } = &slot else { continue };
            match places.get(name) {
                None => self.layout.push(slot),
                Some(_) if value.expose() == "null" => {}
                Some(index) => self.layout[*index] = slot,
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Secret;

    fn read(document: &str) -> Credential {
        Credential::from_json(document.as_bytes()).unwrap()
    }

    #[test]
    fn a_refresh_token_keeps_its_client() {
        let stored =
            read(r#"{"refresh_token": "r", "client_id": "a", "client_secret": "sa", "token_uri": "https://a"}"#);
        let of_b = r#""token": "t", "client_id": "b", "client_secret": "sb", "token_uri": "https://b""#;
        let kept = stored.clone().merge(read(&format!("{{{of_b}}}")));
        assert_eq!((kept.client_id(), kept.token_uri()), (Some("a"), Some("https://a")));
        assert_eq!(kept.client_secret().map(Secret::expose), Some("sa"));
        assert_eq!(kept.access_token().map(Secret::expose), Some("t"));
        let moved = stored.merge(read(&format!(r#"{{{of_b}, "refresh_token": "rb"}}"#)));
        assert_eq!((moved.client_id(), moved.refresh_token().map(Secret::expose)), (Some("b"), Some("rb")));
    }

    #[test]
    fn what_is_incoming_wins_and_null_says_nothing() {
        let stored = read(
            r#"{"x": 1, "token": "old", "refresh_token": "keep", "client_id": "c", "scopes": ["s"], "expiry": "2026-10-01T12:34:56",
                "id_token": "keep", "nested": {"a": 1}}"#,
        );
        for (incoming, expected) in [
            // The answer to a refresh.
            (
                r#"{"token": "new", "expiry": "2027-01-01T00:00:00"}"#,
                r#"{"x": 1, "token": "new", "refresh_token": "keep", "client_id": "c", "scopes": ["s"], "expiry": "2027-01-01T00:00:00",
                    "id_token": "keep", "nested": {"a": 1}}"#,
            ),
            // A token of unknown life, and members that are null, empty, replaced and new.
            (
                r#"{"token": "new", "refresh_token": "", "id_token": null, "nested": {"b": 2}, "y": 1.0, "x": null}"#,
                r#"{"x": 1, "token": "new", "refresh_token": "keep", "client_id": "c", "scopes": ["s"], "expiry": null,
                    "id_token": "keep", "nested": {"b": 2}, "y": 1.0}"#,
            ),
            // A new grant whose access token nobody has asked for yet.
            (
                r#"{"refresh_token": "new", "scopes": [], "client_secret": "", "expiry": "2027-01-01T00:00:00"}"#,
                r#"{"x": 1, "token": "old", "refresh_token": "new", "client_id": "c", "client_secret": "", "scopes": [],
                    "expiry": "2026-10-01T12:34:56", "id_token": "keep", "nested": {"a": 1}}"#,
            ),
        ] {
            let merged = stored.clone().merge(read(incoming)).to_json();
            let [merged, expected] = [&merged[..], expected.as_bytes()].map(sorted);
            assert_eq!(merged, expected, "{incoming}");
        }
    }

    /// The members by name, with null for those of the seven that are not there.
    fn sorted(document: &[u8]) -> serde_json::Value {
        let document = Credential::from_json(document).unwrap().to_json();
        serde_json::from_slice(&document).unwrap()
    }

    fn credential() -> impl Strategy<Value = Credential> {
        let text = || prop::option::of("[a-c]");
        let extras = prop::collection::btree_map("[p-s]", prop_oneof!["null", "[1-3]", r#"\{"n":[1-3]\}"#], 0..4);
        let expiry = prop::option::of(prop_oneof!["2026-10-01T12:34:5[0-9]", "soon"]);
        (text(), text(), text(), prop::option::of(prop::collection::vec("[a-c]", 0..3)), expiry, extras).prop_map(
            |(token, refresh, client, scopes, expiry, extras)| {
                let json = serde_json::json!({
                    "token": token, "refresh_token": refresh, "client_id": client, "scopes": scopes, "expiry": expiry,
                });
                let json = json.to_string();
                let extras: String = extras.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect();
                let tokenless = token.is_none() && refresh.is_none();
                if tokenless { Credential::new() } else { read(&format!("{{{extras}{}", &json[1..])) }
            },
        )
    }

    proptest! {
        #[test]
        fn a_merge_loses_nothing_and_twice_is_once(stored in credential(), incoming in credential()) {
            let merged = stored.clone().merge(incoming.clone());
            prop_assert_eq!(&merged.clone().merge(incoming.clone()), &merged);
            prop_assert_eq!(&stored.clone().merge(stored.clone()), &stored);

            let refresh_token = incoming.refresh_token().or(stored.refresh_token());
            prop_assert_eq!(merged.refresh_token(), refresh_token);
            let source = if incoming.access_token().is_some() { &incoming } else { &stored };
            prop_assert_eq!((merged.access_token(), merged.expiry()), (source.access_token(), source.expiry()));

            for (name, value) in stored.extras().chain(incoming.extras()) {
                prop_assert!(merged.extra(name).is_some(), "{} is gone", name);
                prop_assert!(value.expose() == "null" || merged.extra(name).unwrap().expose() != "null", "{} became null", name);
            }
            let kept: Vec<_> = merged.extra_names().take(stored.extras().count()).collect();
            prop_assert_eq!(kept, stored.extra_names().collect::<Vec<_>>());
        }
    }
}
