//! One user's OAuth credential.

use std::{fmt, time::SystemTime};

use crate::{Expiry, Secret, json};

/// What a user has granted: tokens, when they end, and the client they were issued to.
///
/// In JSON it is an object of seven keys, `token`, `refresh_token`, `token_uri`, `client_id`, `client_secret`,
/// `scopes` and `expiry`, always written, null where nothing is known. Every other member belongs to somebody
/// else: it keeps its place, its text and the spelling of its numbers from [`from_json`](Self::from_json) to
/// [`to_json`](Self::to_json). `Debug` shows no secret and of the others' members the names alone.
///
/// ```
/// use cred_model::Credential;
///
/// let stored = br#"{"refresh_token": "1//0g", "quota": {"left": 1.0}, "token": null}"#;
/// let credential = Credential::from_json(stored)?.with_access_token("ya29.a0Af");
/// assert!(credential.refresh_token().is_some());
/// assert!(std::str::from_utf8(&credential.to_json())?.contains("\"left\": 1.0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub(crate) access_token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) token_uri: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) expiry: Expiry,
    /// Where the members stand; each of the seven has its place.
    pub(crate) layout: Vec<Slot>,
}

/// A place in the stored object.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Slot {
    Field(Field),
    Extra { name: String, value: Secret },
}

/// The members that mean something here, in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Token,
    RefreshToken,
    TokenUri,
    ClientId,
    ClientSecret,
    Scopes,
    Expiry,
}

impl Credential {
    /// A credential of which nothing is known yet.
    pub fn new() -> Self {
        Self { layout: Field::ALL.map(Slot::Field).into(), ..Self::without_layout() }
    }

    /// The token that requests carry; called `token` in JSON.
    pub fn access_token(&self) -> Option<&Secret> {
        self.access_token.as_ref()
    }

    /// The token that a new access token is asked for with.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Where a new access token is asked for.
    pub fn token_uri(&self) -> Option<&str> {
        self.token_uri.as_deref()
    }

    /// The client that the tokens were issued to.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The secret of that client; `""` is one, of a client that has none.
    pub fn client_secret(&self) -> Option<&Secret> {
        self.client_secret.as_ref()
    }

    /// What was granted; empty if that is not known.
    pub fn scopes(&self) -> &[String] {
        self.scopes.as_deref().unwrap_or_default()
    }

    /// When the access token ends.
    pub fn expiry(&self) -> &Expiry {
        &self.expiry
    }

    /// The names of the members that others keep here, in their order.
    pub fn extra_names(&self) -> impl Iterator<Item = &str> {
        self.extras().map(|(name, _)| name)
    }

    /// Sets the access token; say with [`with_expiry`](Self::with_expiry) when it ends.
    pub fn with_access_token(mut self, token: impl Into<Secret>) -> Self {
        self.access_token = non_empty(token.into());
        self
    }

    /// Sets the refresh token.
    pub fn with_refresh_token(mut self, token: impl Into<Secret>) -> Self {
        self.refresh_token = non_empty(token.into());
        self
    }

    /// Sets where a new access token is asked for.
    pub fn with_token_uri(mut self, uri: impl Into<String>) -> Self {
        self.token_uri = Some(uri.into());
        self
    }

    /// Sets the client that the tokens were issued to.
    pub fn with_client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Sets the secret of that client.
    pub fn with_client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Sets what was granted.
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets when the access token ends.
    pub fn with_expiry(mut self, expiry: impl Into<Expiry>) -> Self {
        self.expiry = expiry.into();
        self
    }

    /// Sets the member `user_email`, by which the document names its user.
    pub fn with_user_email(mut self, email: &str) -> Self {
        let email = Secret::new(json::quote(email));
        match self.layout.iter_mut().find(|place| matches!(place, Slot::Extra { name, .. } if name == "user_email")) {
            Some(Slot::Extra { value, .. }) => *value = email,
            _ => self.layout.push(Slot::Extra { name: "user_email".into(), value: email }),
        }
        self
    }

    /// Whether the access token can be used at `now`.
    pub fn status(&self, now: SystemTime) -> Status {
        match self.expiry {
            _ if self.access_token.is_none() => Status::Expired,
            Expiry::Unknown => Status::Unknown,
            Expiry::At(_) | Expiry::Unreadable(_) if self.expiry.is_expired(now) => Status::Expired,
            Expiry::At(_) | Expiry::Unreadable(_) => Status::Valid,
        }
    }

    /// Whether a valid access token is here at `now`, or a refresh token to get one with.
    pub fn is_usable(&self, now: SystemTime) -> bool {
        self.refresh_token.is_some() || self.status(now) == Status::Valid
    }

    /// The JSON value of the member `name` that others keep here.
    pub(crate) fn extra(&self, name: &str) -> Option<&Secret> {
        self.extras().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The members that others keep here, with their JSON values.
    pub(crate) fn extras(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.layout.iter().filter_map(|place| match place {
            Slot::Field(_) => None,
            Slot::Extra { name, value } => Some((name.as_str(), value)),
        })
    }

    pub(crate) fn without_layout() -> Self {
        Self {
            access_token: None,
            refresh_token: None,
            token_uri: None,
            client_id: None,
            client_secret: None,
            scopes: None,
            expiry: Expiry::Unknown,
            layout: Vec::new(),
        }
    }
}

impl Field {
    pub(crate) const ALL: [Self; 7] = [
        Self::Token,
        Self::RefreshToken,
        Self::TokenUri,
        Self::ClientId,
        Self::ClientSecret,
        Self::Scopes,
        Self::Expiry,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::RefreshToken => "refresh_token",
            Self::TokenUri => "token_uri",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::Scopes => "scopes",
            Self::Expiry => "expiry",
        }
    }
}

impl Default for Credential {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("access_token", &self.access_token)
            .field("refresh_token", &self.refresh_token)
            .field("token_uri", &self.token_uri)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("scopes", &self.scopes)
            .field("expiry", &self.expiry)
            .field("extras", &self.extra_names().collect::<Vec<_>>())
            .finish()
    }
}

/// What can be done with an access token; whether it can be renewed is another matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is none, or its time is over or unreadable.
    Expired,
    /// There is one, and nobody knows when it ends.
    Unknown,
    /// There is one, and it lives.
    Valid,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Valid => "valid",
        })
    }
}

/// An empty token is how some programs write "none".
pub(crate) fn non_empty(token: Secret) -> Option<Secret> {
    (!token.expose().is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(credential: &Credential) -> String {
        String::from_utf8(credential.to_json().into()).unwrap()
    }

    fn read(document: &str) -> Credential {
        Credential::from_json(document.as_bytes()).unwrap()
    }

    #[test]
    fn the_user_email_is_set_in_its_place() {
        let credential = read(r#"{"user_email":"","token":"t"}"#).with_user_email("ada@x.com");
        assert_eq!(credential.extra_names().collect::<Vec<_>>(), ["user_email"]);
        assert!(text(&credential).starts_with("{\n  \"user_email\": \"ada@x.com\""));
        assert!(text(&Credential::new().with_user_email("a\"b")).ends_with("\"user_email\": \"a\\\"b\"\n}"));
    }

    #[test]
    fn an_empty_token_is_none() {
        let credential = Credential::new().with_access_token("").with_refresh_token("");
        assert_eq!(credential, Credential::new());
    }

    #[test]
    fn status_is_about_the_access_token_and_use_about_both() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_858_096);
        let later = r#""2026-10-01T12:34:57""#;
        for (token, refresh, expiry, status, usable) in [
            (r#""t""#, "null", later, Status::Valid, true),
            (r#""t""#, "null", r#""2026-10-01T12:34:56""#, Status::Expired, false),
            (r#""t""#, r#""r""#, r#""2026-10-01T12:34:56""#, Status::Expired, true),
            (r#""t""#, "null", "17", Status::Expired, false),
            (r#""t""#, "null", "null", Status::Unknown, false),
            (r#""t""#, r#""r""#, "null", Status::Unknown, true),
            ("null", r#""r""#, later, Status::Expired, true),
            (r#""""#, r#""r""#, later, Status::Expired, true),
        ] {
            let credential = read(&format!(r#"{{"token":{token},"refresh_token":{refresh},"expiry":{expiry}}}"#));
            assert_eq!((credential.status(now), credential.is_usable(now)), (status, usable), "{credential:?}");
        }
    }

    #[test]
    fn debug_shows_names_and_no_secret() {
        let credential = read(
            r#"{"token":"SENTINEL","refresh_token":"SENTINEL","client_secret":"SENTINEL","expiry":"SENTINEL","id_token":"SENTINEL"}"#,
        );
        let shown = format!("{credential:?}");
        assert!(!shown.contains("SENTINEL") && shown.contains("id_token"), "{shown}");
    }
}
