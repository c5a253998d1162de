//! Whose credential a document says it is.

use crate::Credential;

impl Credential {
    /// Whom the document names: `user_email`, else `account`, else `sub`; blank ones name nobody.
    pub fn identity(&self) -> Option<String> {
        self.identities().next()
    }

    /// The e-mail address among the names of the document.
    pub fn email(&self) -> Option<String> {
        self.identities().find(|name| Kind::of(name) == Kind::Email)
    }

    /// Whether the document itself says that it is that of `user`.
    pub fn names_user(&self, user: &str) -> bool {
        self.identities().any(|name| is_same(&name, user))
    }

    /// Whether the document says that it is that of somebody else.
    ///
    /// Only what can be compared counts: two e-mail addresses, in whatever case, or two of Google's account numbers. A
    /// service's own user ids say nothing about an e-mail address.
    pub fn names_another_user(&self, user: &str) -> bool {
        let kind = Kind::of(user);
        let mut comparable = self.identities().filter(|name| kind != Kind::Other && Kind::of(name) == kind).peekable();
        comparable.peek().is_some() && !comparable.any(|name| is_same(&name, user))
    }

    fn identities(&self) -> impl Iterator<Item = String> {
        ["user_email", "account", "sub"]
            .into_iter()
            .filter_map(|member| serde_json::from_str::<String>(self.extra(member)?.expose()).ok())
            .filter(|name| !name.trim().is_empty())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Email,
    GoogleAccount,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        if name.contains('@') {
            Self::Email
        } else if name.len() >= 20 && name.bytes().all(|b| b.is_ascii_digit()) {
            // Google's have about 21 digits; shorter numbers are some service's own.
            // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
            Self::GoogleAccount
        } else {
            Self::Other
        }
    }
}

fn is_same(name: &str, user: &str) -> bool {
    name == user || Kind::of(name) == Kind::Email && name.to_lowercase() == user.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_another_user_only_where_both_can_be_compared() {
        let sub = "110169484474386276334";
        for (members, user, names_user, names_another) in [
            (r#""user_email": "Ada@X.com""#, "ada@x.com", true, false),
            (r#""user_email": "ada@x.com""#, "bob@x.com", false, true),
            (r#""account": "ada@x.com""#, "bob@x.com", false, true),
            (r#""user_email": "bob@x.com", "account": "ada@x.com""#, "bob@x.com", true, false),
            (r#""account": """#, "bob@x.com", false, false),
            (r#""account": " ", "user_email": null"#, "bob@x.com", false, false),
            (r#""user_email": 5"#, "bob@x.com", false, false),
            (r#""user_email": "ada@x.com""#, "u-1042", false, false),
            (r#""sub": "110169484474386276334""#, sub, true, false),
            (r#""sub": "110169484474386276334""#, "110169484474386276335", false, true),
            (r#""sub": "110169484474386276334""#, "1042", false, false),
            (r#""sub": "110169484474386276334""#, "u-1042", false, false),
            (r#""sub": "110169484474386276334""#, "bob@x.com", false, false),
            (r#""sub": "u-1041""#, "u-1042", false, false),
            (r#""sub": "u-1042""#, "u-1042", true, false),
            (r#""other": 1"#, "bob@x.com", false, false),
        ] {
            let credential = Credential::from_json(format!(r#"{{"token": "t", {members}}}"#).as_bytes()).unwrap();
            let named = (credential.names_user(user), credential.names_another_user(user));
            assert_eq!(named, (names_user, names_another), "{members} for {user}");
        }
    }

    #[test]
    fn the_first_name_that_is_not_blank_is_the_identity() {
        let credential =
            Credential::from_json(br#"{"token":"t","sub":"7","account":"ada@x.com","user_email":""}"#).unwrap();
        assert_eq!(credential.identity().as_deref(), Some("ada@x.com"));
        assert_eq!(credential.email().as_deref(), Some("ada@x.com"));
        assert_eq!(Credential::new().identity(), None);
    }
}
