//! Credentials in the forms that other programs keep them in.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::{
    Credential, DecodeError, Expiry, ImportForm, JsonType, Secret,
    json::{Json, Member},
    yup,
};

/// Google's token endpoint, meant where a form does not name one.
/// <https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code>
const GOOGLE_TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Reads a credential from the file of another program.
///
/// What has no place among the seven keys of a [`Credential`] is kept beside them.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use cred_model::{Import, ImportForm};
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_858_096);
/// let answer = br#"{"access_token": "ya29.a0Af", "expires_in": 3599, "scope": "openid email"}"#;
/// let imported = Import::new(now).read(answer)?;
/// assert_eq!(imported.form, ImportForm::TokenResponse);
/// assert_eq!(imported.credential.scopes(), ["openid", "email"]);
/// assert_eq!(imported.credential.expiry().to_string(), "2026-10-01T13:34:55Z");
/// # Ok::<(), cred_model::ImportError>(())
/// ```
#[derive(Clone)]
pub struct Import<'a> {
    now: SystemTime,
    form: Option<ImportForm>,
    client_file: Option<&'a [u8]>,
}

/// A credential, and what importing it took for granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The credential.
    pub credential: Credential,
    /// The form it was asked for or recognised in.
    pub form: ImportForm,
    /// What was assumed or left out, and what will be missed.
    pub notes: Vec<ImportNote>,
}

/// What an import assumed or left out, and what will be missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named after their types")]
#[non_exhaustive]
pub enum ImportNote {
    /// The form gives a time to live and not where it counts from.
    #[error("took the access token for one issued just now")]
    AssumedIssuedNow,
    /// No `token_uri` was given.
    #[error("took {} for the token endpoint", GOOGLE_TOKEN_URI)]
    AssumedTokenUri,
    /// `quota_project` was left out.
    #[error("left out \"quota_project\": Google's Java library writes the client secret there")]
    DroppedQuotaProject,
    /// A cache held several tokens.
    #[error("took the refreshable token with most scopes and left out {count} more")]
    IgnoredTokens { count: usize },
    /// No client is known to refresh with.
    #[error("no client id and secret: cannot be refreshed; give the client file")]
    MissingClient,
    /// There is no refresh token.
    #[error("no refresh token: the user must sign in again when the access token ends")]
    MissingRefreshToken,
    /// The expiry is no time.
    #[error("unreadable expiry: taken for expired")]
    UnreadableExpiry,
}

/// Why a file could not be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named after their types")]
#[non_exhaustive]
pub enum ImportError {
    /// The client file is no JSON object.
    #[error("cannot read the client file")]
    ClientFile(#[source] DecodeError),
    /// The input holds no credential, or none in the form asked for.
    #[error(transparent)]
    Input(#[from] DecodeError),
    /// The client file is not one of the Google console.
    #[error("the client file has neither \"installed\" nor \"web\" with a client id")]
    NotAClientFile,
    /// The client file is that of another client than the one the tokens were issued to.
    #[error("the client file is that of another client than the credential's")]
    OtherClient,
    /// The input is not in the form that was asked for.
    #[error("the input is {found}, which is not the form {form}")]
    WrongForm { form: ImportForm, found: JsonType },
}

impl<'a> Import<'a> {
    /// An import of any form that is recognised; a time to live counts from `now`.
    pub fn new(now: SystemTime) -> Self {
        Self { now, form: None, client_file: None }
    }

    /// Asks for this form and no other.
    pub fn with_form(mut self, form: ImportForm) -> Self {
        self.form = Some(form);
        self
    }

    /// Takes the client, where the input does not name one, from this file of the Google console.
    pub fn with_client_file(mut self, file: &'a [u8]) -> Self {
        self.client_file = Some(file);
        self
    }

    /// Reads `input`.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if the input or the client file cannot be read; it shows nothing of either.
    pub fn read(&self, input: &[u8]) -> Result<Imported, ImportError> {
        let json = Json::parse(input)?;
        let mut notes = Vec::new();
        let mut members = match (self.form, JsonType::of(json.root())) {
            (None | Some(ImportForm::Yup), JsonType::Array) => {
                let mut tokens = yup::tokens(&json)?;
                if tokens.len() > 1 {
                    notes.push(ImportNote::IgnoredTokens { count: tokens.len() - 1 });
                }
                tokens.swap_remove(0)
            }
            (Some(form), found @ JsonType::Array) | (Some(form @ ImportForm::Yup), found) => {
                return Err(ImportError::WrongForm { form, found });
            }
            (_, _) => json.members(json.root())?,
        };
        let form = self.form.unwrap_or_else(|| recognise(&json, &members));

        if members.iter().any(|member| member.name == "quota_project") {
            members.retain(|member| member.name != "quota_project");
            notes.push(ImportNote::DroppedQuotaProject);
        }
        rename(&mut members, "token_server_uri", "token_uri");
        let expiry = match form {
            ImportForm::TokenResponse | ImportForm::Yup => {
                rename(&mut members, "access_token", "token");
                rename(&mut members, "scope", "scopes");
                self.take_expiry(&mut members, &mut notes)
            }
            ImportForm::Adc | ImportForm::GoogleAuth | ImportForm::Upstream => None,
        };

        let mut credential = Credential::from_members(&json, members)?;
        if let Some(expiry) = expiry {
            credential.expiry = expiry;
        } else if let Expiry::Unreadable(raw) = &credential.expiry {
            credential.expiry = Expiry::from_foreign_json(raw.expose());
        }
        if let Some(file) = self.client_file {
            add_client(&mut credential, file)?;
        }
        if credential.token_uri.is_none() {
            credential.token_uri = Some(GOOGLE_TOKEN_URI.to_owned());
            notes.push(ImportNote::AssumedTokenUri);
        }
        notes.extend(missing(&credential));
        Ok(Imported { credential, form, notes })
    }

    /// Takes all that is said about the time a token ends out of `members`: the first of these counts.
    fn take_expiry(&self, members: &mut Vec<Member<'_>>, notes: &mut Vec<ImportNote>) -> Option<Expiry> {
        let mut take = |name: &str| {
            let index = members.iter().position(|member| member.name == name)?;
            Some(members.remove(index).value).filter(|value| *value != "null")
        };
        // Go and ourselves; yup-oauth2 and Python's requests-oauthlib; Node; Java.
        let [expiry, expires_at, expiry_date, expiration_time] =
            ["expiry", "expires_at", "expiry_date", "expiration_time_millis"].map(&mut take);
        let expires_in = take("expires_in");
        let end = expiry.or(expires_at).or(expiry_date).or(expiration_time);
        end.map(Expiry::from_foreign_json).or_else(|| {
            let expires_in = expires_in?;
            notes.push(ImportNote::AssumedIssuedNow);
            let seconds = serde_json::from_str(expires_in).ok().map(Duration::from_secs);
            let end = seconds.and_then(|left| self.now.checked_add(left));
            Some(end.map_or_else(|| Expiry::Unreadable(Secret::new(expires_in)), Expiry::at))
        })
    }
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("now", &self.now).field("form", &self.form).finish_non_exhaustive()
    }
}

fn recognise(json: &Json<'_>, members: &[Member<'_>]) -> ImportForm {
    let has = |name: &str| members.iter().any(|member| member.name == name);
    if JsonType::of(json.root()) == JsonType::Array {
        ImportForm::Yup
    } else if has("access_token") {
        ImportForm::TokenResponse
    } else if members.iter().any(|member| member.name == "type" && member.value == r#""authorized_user""#) {
        ImportForm::Adc
    } else if has("universe_domain") {
        ImportForm::GoogleAuth
    } else {
        ImportForm::Upstream
    }
}

/// Calls the member `theirs` what we call it, unless ours is there too.
fn rename(members: &mut [Member<'_>], theirs: &str, ours: &str) {
    if members.iter().any(|member| member.name == ours) {
        return;
    }
    if let Some(member) = members.iter_mut().find(|member| member.name == theirs) {
        member.name = ours.to_owned();
    }
}

/// Adds what the client file knows and the credential does not.
fn add_client(credential: &mut Credential, file: &[u8]) -> Result<(), ImportError> {
    let json = Json::parse(file).map_err(ImportError::ClientFile)?;
    let members = json.members(json.root()).map_err(ImportError::ClientFile)?;
    let client = members.iter().find(|member| ["installed", "web"].contains(&member.name.as_str()));
    let client = client.ok_or(ImportError::NotAClientFile)?;
    let client = json.members(client.value).map_err(ImportError::ClientFile)?;
    let text = |name: &str| {
        let member = client.iter().find(|member| member.name == name)?;
        serde_json::from_str::<String>(member.value).ok()
    };
    let id = text("client_id").ok_or(ImportError::NotAClientFile)?;
    if credential.client_id().is_some_and(|known| known != id) {
        return Err(ImportError::OtherClient);
    }
    credential.client_id = Some(id);
    credential.client_secret = credential.client_secret.take().or_else(|| text("client_secret").map(Secret::new));
    credential.token_uri = credential.token_uri.take().or_else(|| text("token_uri"));
    Ok(())
}

/// What whoever uses the credential will miss.
fn missing(credential: &Credential) -> impl Iterator<Item = ImportNote> {
    let refresh = if credential.refresh_token().is_none() {
        Some(ImportNote::MissingRefreshToken)
    } else if credential.client_id().is_none() || credential.client_secret().is_none() {
        Some(ImportNote::MissingClient)
    } else {
        None
    };
    let expiry = matches!(credential.expiry(), Expiry::Unreadable(_)).then_some(ImportNote::UnreadableExpiry);
    refresh.into_iter().chain(expiry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_FILE: &[u8] =
        br#"{"installed": {"client_id": "c", "client_secret": "s", "token_uri": "https://x/token"}}"#;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_858_096)
    }

    fn import(input: &str) -> Imported {
        Import::new(now()).read(input.as_bytes()).unwrap()
    }

    /// The members that are not null, as compact JSON.
    fn members(credential: &Credential) -> String {
        let value: serde_json::Map<_, _> = serde_json::from_slice(&credential.to_json()).unwrap();
        serde_json::Value::from_iter(value.into_iter().filter(|(_, value)| !value.is_null())).to_string()
    }

    #[test]
    fn every_form_is_recognised_and_keeps_what_it_says() {
        use ImportForm::*;
        let google = r#""token_uri":"https://oauth2.googleapis.com/token""#;
        for (input, form, expected) in [
            (
                r#"{"token": "t", "refresh_token": "r", "token_uri": "https://x", "client_id": "c", "client_secret": "s", "scopes": ["a"],
                    "expiry": "2026-10-01T12:34:56", "user_email": "ada@x.com", "id_token": "i"}"#,
                Upstream,
                r#"{"client_id":"c","client_secret":"s","expiry":"2026-10-01T12:34:56","id_token":"i","refresh_token":"r","scopes":["a"],"token":"t","token_uri":"https://x","user_email":"ada@x.com"}"#.to_owned(),
            ),
            (
                r#"{"token": "t", "universe_domain": "googleapis.com", "account": "", "expiry": "2026-10-01T12:34:56.5Z"}"#,
                GoogleAuth,
                format!(r#"{{"account":"","expiry":"2026-10-01T12:34:56.500000","token":"t",{google},"universe_domain":"googleapis.com"}}"#),
            ),
            (
                r#"{"type": "authorized_user", "refresh_token": "r", "client_id": "c", "client_secret": "s", "token_server_uri": "https://x", "quota_project_id": "q"}"#,
                Adc,
                r#"{"client_id":"c","client_secret":"s","quota_project_id":"q","refresh_token":"r","token_uri":"https://x","type":"authorized_user"}"#.to_owned(),
            ),
            (
                r#"{"access_token": "t", "expires_in": 10, "scope": "a b", "token_type": "Bearer", "id_token": "i"}"#,
                TokenResponse,
                format!(r#"{{"expiry":"2026-10-01T12:35:06","id_token":"i","scopes":["a","b"],"token":"t","token_type":"Bearer",{google}}}"#),
            ),
            // Go
            (
                r#"{"access_token": "t", "token_type": "Bearer", "expiry": "2026-10-02T01:34:56.1234567+13:00", "expires_in": 10}"#,
                TokenResponse,
                format!(r#"{{"expiry":"2026-10-01T12:34:56.123456","token":"t","token_type":"Bearer",{google}}}"#),
            ),
            // Names of ours beside theirs, and a time that is null
            (
                r#"{"access_token": "t", "scopes": ["a"], "scope": "b", "expiry": null, "expires_at": 1790858096}"#,
                TokenResponse,
                format!(r#"{{"expiry":"2026-10-01T12:34:56","scope":"b","scopes":["a"],"token":"t",{google}}}"#),
            ),
            // Node
            (
                r#"{"access_token": "t", "scope": "a", "expiry_date": 1790858096123}"#,
                TokenResponse,
                format!(r#"{{"expiry":"2026-10-01T12:34:56.123000","scopes":["a"],"token":"t",{google}}}"#),
            ),
            // Java
            (
                r#"{"access_token": "t", "scope": ["a"], "expiration_time_millis": 1790858096000}"#,
                TokenResponse,
                format!(r#"{{"expiry":"2026-10-01T12:34:56","scopes":["a"],"token":"t",{google}}}"#),
            ),
            (
                r#"[{"scopes": ["a"], "token": {"access_token": "t", "refresh_token": "r", "expires_at": [2026, 274, 14, 34, 56, 123456789, 2, 0, 0], "id_token": null}}]"#,
                Yup,
                format!(r#"{{"expiry":"2026-10-01T12:34:56.123456","refresh_token":"r","scopes":["a"],"token":"t",{google}}}"#),
            ),
            (
                r#"[{"scopes": ["a"], "token": {"access_token": "t", "expires_at": "2026-10-01 12:34:56.5 +00:00:00"}}]"#,
                Yup,
                format!(r#"{{"expiry":"2026-10-01T12:34:56.500000","scopes":["a"],"token":"t",{google}}}"#),
            ),
        ] {
            let imported = import(input);
            assert_eq!((imported.form, members(&imported.credential)), (form, expected), "{input}");
        }
    }

    #[test]
    fn notes_say_what_was_assumed_left_out_or_is_missing() {
        use ImportNote::*;
        let full = r#""refresh_token": "r", "client_id": "c", "client_secret": "s", "token_uri": "https://x""#;
        for (input, notes) in [
            (format!("{{{full}}}"), vec![]),
            (r#"{"token": "t"}"#.into(), vec![AssumedTokenUri, MissingRefreshToken]),
            (
                r#"{"access_token": "t", "refresh_token": "r", "expires_in": 9}"#.into(),
                vec![AssumedIssuedNow, AssumedTokenUri, MissingClient],
            ),
            (format!(r#"{{{full}, "expiry": "soon"}}"#), vec![UnreadableExpiry]),
            (format!(r#"{{{full}, "access_token": "t", "expires_in": -1}}"#), vec![AssumedIssuedNow, UnreadableExpiry]),
            (format!(r#"{{{full}, "quota_project": "s"}}"#), vec![DroppedQuotaProject]),
        ] {
            let imported = import(&input);
            assert_eq!(imported.notes, notes, "{input}");
            assert!(imported.credential.extra("quota_project").is_none());
        }
    }

    #[test]
    fn of_a_cache_the_refreshable_token_with_most_scopes_is_taken() {
        let imported = import(
            r#"[{"scopes": ["a", "b", "c"], "token": {"access_token": "1"}},
                {"scopes": ["a", "b"], "token": {"access_token": "2", "refresh_token": "r", "scopes": []}},
                {"scopes": ["a"], "token": {"access_token": "3", "refresh_token": "r"}}]"#,
        );
        assert_eq!(imported.credential.access_token().unwrap().expose(), "2");
        assert_eq!(imported.credential.scopes(), ["a", "b"]);
        assert_eq!(imported.notes[0], ImportNote::IgnoredTokens { count: 2 });
        assert!(Credential::from_json(&imported.credential.to_json()).is_ok());
    }

    #[test]
    fn integers_are_times_on_import_alone() {
        for (raw, expected) in [
            ("1790858096", "2026-10-01T12:34:56Z"),
            ("1790858096123", "2026-10-01T12:34:56.123000Z"),
            ("99999999999", "5138-11-16T09:46:39Z"),
            ("100000000000", "1973-03-03T09:46:40Z"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("1790858096.5", "unreadable"),
            ("[2026, 400, 0, 0, 0, 0, 0, 0, 0]", "unreadable"),
            ("[2026, 274]", "unreadable"),
        ] {
            let input = format!(r#"{{"token": "t", "expiry": {raw}}}"#);
            assert_eq!(import(&input).credential.expiry().to_string(), expected, "{raw}");
            assert!(matches!(Credential::from_json(input.as_bytes()).unwrap().expiry(), Expiry::Unreadable(_)));
        }
    }

    #[test]
    fn a_client_file_adds_what_is_not_known() {
        let answer = br#"{"access_token": "t", "refresh_token": "r", "expiry_date": 1790858096000}"#;
        let web = String::from_utf8(CLIENT_FILE.into()).unwrap().replace("installed", "web");
        for file in [CLIENT_FILE, web.as_bytes()] {
            let imported = Import::new(now()).with_client_file(file).read(answer).unwrap();
            assert_eq!(imported.credential.client_id(), Some("c"));
            assert_eq!(imported.credential.client_secret().unwrap().expose(), "s");
            assert_eq!(imported.credential.token_uri(), Some("https://x/token"));
            assert_eq!(imported.notes, []);
        }
        let known = br#"{"refresh_token": "r", "client_id": "c", "client_secret": "known", "token_uri": "known"}"#;
        let imported = Import::new(now()).with_client_file(CLIENT_FILE).read(known).unwrap();
        assert_eq!(imported.credential, Credential::from_json(known).unwrap());
    }

    #[test]
    fn what_cannot_be_imported_is_an_error_without_a_word_of_it() {
        use ImportForm::*;
        let fails = |form: Option<ImportForm>, input: &str| {
            let import = Import { form, ..Import::new(now()) };
            let error = import.read(input.as_bytes()).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(!format!("{error} {error:?} {source} {import:?}").contains("SENTINEL"));
            error.to_string()
        };
        assert_eq!(fails(None, "\"SENTINEL\""), "not a credential but a string at line 1 column 1");
        assert_eq!(fails(None, "[]"), "not a credential but an array at line 1 column 1");
        assert_eq!(
            fails(None, r#"[{"scopes": ["SENTINEL"]}]"#),
            "not a credential but an object without an access or refresh token at line 1 column 2"
        );
        assert_eq!(fails(None, r#"[{"token": "SENTINEL"}]"#), "not a credential but a string at line 1 column 12");
        assert_eq!(
            fails(None, r#"{"access_token": {"SENTINEL": 1}}"#),
            r#""token" must be a string or null, not an object at line 1 column 18"#
        );
        assert_eq!(
            fails(Some(Upstream), r#"{"access_token": "SENTINEL"}"#),
            "not a credential but the answer of a token endpoint at line 1 column 1"
        );
        assert_eq!(fails(Some(Yup), r#"{"token": "SENTINEL"}"#), "the input is an object, which is not the form yup");
        assert_eq!(fails(Some(Adc), "[\"SENTINEL\"]"), "the input is an array, which is not the form adc");

        let with_client = |file: &[u8]| {
            let input = br#"{"token": "SENTINEL", "client_id": "other"}"#;
            let error = Import::new(now()).with_client_file(file).read(input).unwrap_err();
            assert!(!format!("{error:?}").contains("SENTINEL"));
            error
        };
        assert_eq!(with_client(CLIENT_FILE), ImportError::OtherClient);
        assert_eq!(with_client(br#"{"token": "SENTINEL"}"#), ImportError::NotAClientFile);
        assert_eq!(with_client(br#"{"web": {"client_secret": "SENTINEL"}}"#), ImportError::NotAClientFile);
        assert!(matches!(with_client(b"{SENTINEL"), ImportError::ClientFile(_)));
    }
}
