//! Credentials in the forms that other programs read.

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::{Credential, ExportForm, Secret, credential::Field, json};

/// Why a credential cannot be written in a form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "fields are named after their types")]
#[non_exhaustive]
pub enum ExportError {
    /// The form demands a member that is not known.
    #[error("the form {form} needs {field:?}, which this credential lacks")]
    Missing { form: ExportForm, field: &'static str },
}

impl Credential {
    /// Writes the credential in a form for another program, secrets and all.
    ///
    /// # Errors
    ///
    /// [`ExportError::Missing`] for [`ExportForm::Adc`] without a refresh token, client id or client secret.
    ///
    /// ```
    /// use cred_model::{Credential, ExportForm};
    ///
    /// let lines = Credential::new().with_access_token("ya29.a0Af").export(ExportForm::Env)?;
    /// assert_eq!(lines, "export GOOGLE_OAUTH_ACCESS_TOKEN='ya29.a0Af'\n");
    /// # Ok::<(), cred_model::ExportError>(())
    /// ```
    pub fn export(&self, form: ExportForm) -> Result<Bytes, ExportError> {
        Ok(match form {
            ExportForm::Adc => json::document(&self.adc()?),
            ExportForm::Env => self.env(),
            ExportForm::GoogleAuth => json::document(&self.google_auth()),
            ExportForm::Upstream => json::document(&Field::ALL.map(|field| (field.name(), self.field_to_json(field)))),
        })
    }

    fn adc(&self) -> Result<Vec<(&'static str, Secret)>, ExportError> {
        let needed = |field: Field| match self.field_to_json(field) {
            value if value.expose() == "null" => {
                Err(ExportError::Missing { form: ExportForm::Adc, field: field.name() })
            }
            value => Ok((field.name(), value)),
        };
        let quota_project = self.extra("quota_project_id").map(|value| ("quota_project_id", value.clone()));
        Ok([("account", self.account()), needed(Field::ClientId)?, needed(Field::ClientSecret)?]
            .into_iter()
            .chain(quota_project)
            .chain([
                needed(Field::RefreshToken)?,
                ("type", Secret::new(r#""authorized_user""#)),
                ("universe_domain", self.universe_domain()),
            ])
            .collect())
    }

    /// As `to_json()`, which leaves out what is None; but the reader wants the keys of its refresh to exist.
    fn google_auth(&self) -> Vec<(&'static str, Secret)> {
        let field = |field: Field| (field.name(), self.field_to_json(field));
        let is_needed = |name: &str| ["refresh_token", "client_id", "client_secret"].contains(&name);
        let rapt_token = self.extra("rapt_token").map(|value| ("rapt_token", value.clone()));
        let expiry = self.expiry().instant().map(|_| ("expiry", Secret::new(json::quote(&self.expiry().to_string()))));
        [Field::Token, Field::RefreshToken, Field::TokenUri, Field::ClientId, Field::ClientSecret, Field::Scopes]
            .map(field)
            .into_iter()
            .chain(rapt_token)
            .chain([("universe_domain", self.universe_domain()), ("account", self.account())])
            .chain(expiry)
            .filter(|(name, value)| is_needed(name) || value.expose() != "null")
            .collect()
    }

    fn env(&self) -> Bytes {
        let scopes = (!self.scopes().is_empty()).then(|| self.scopes().join(" "));
        let expiry = self.expiry().instant().map(|_| self.expiry().to_string());
        let values = [
            ("ACCESS_TOKEN", self.access_token().map(Secret::expose)),
            ("REFRESH_TOKEN", self.refresh_token().map(Secret::expose)),
            ("TOKEN_URI", self.token_uri()),
            ("CLIENT_ID", self.client_id()),
            ("CLIENT_SECRET", self.client_secret().map(Secret::expose)),
            ("SCOPES", scopes.as_deref()),
            ("EXPIRY", expiry.as_deref()),
        ];
        let mut lines = Zeroizing::new(String::with_capacity(4096));
        for (name, value) in values.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            // Between single quotes a shell takes everything as it is, but for the quote itself.
            lines.extend(["export GOOGLE_OAUTH_", name, "='", &Zeroizing::new(value.replace('\'', r"'\''")), "'\n"]);
        }
        Bytes::from_owner(lines)
    }

    fn account(&self) -> Secret {
        Secret::new(json::quote(&self.email().unwrap_or_default()))
    }

    fn universe_domain(&self) -> Secret {
        self.extra("universe_domain").cloned().unwrap_or_else(|| Secret::new(r#""googleapis.com""#))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const STORED: &[u8] = br#"{"token": "t", "refresh_token": "r", "token_uri": "https://x/token", "client_id": "c", "client_secret": "it's $(x)\n",
        "scopes": ["a", "b"], "expiry": "2026-10-01T12:34:56.5", "user_email": "ada@x.com", "quota_project_id": "q", "other": 1}"#;

    fn export(document: &[u8], form: ExportForm) -> String {
        String::from_utf8(Credential::from_json(document).unwrap().export(form).unwrap().into()).unwrap()
    }

    fn compact(text: &str) -> String {
        json::tokens(text).collect()
    }

    #[test]
    fn each_form_has_the_keys_that_its_readers_want() {
        let seven = r#""refresh_token":"r","token_uri":"https://x/token","client_id":"c","client_secret":"it's $(x)\n","scopes":["a","b"],"#;
        assert_eq!(
            compact(&export(STORED, ExportForm::Upstream)),
            format!(r#"{{"token":"t",{seven}"expiry":"2026-10-01T12:34:56.500000"}}"#)
        );
        assert_eq!(
            compact(&export(STORED, ExportForm::GoogleAuth)),
            format!(
                r#"{{"token":"t",{seven}"universe_domain":"googleapis.com","account":"ada@x.com","expiry":"2026-10-01T12:34:56.500000Z"}}"#
            )
        );
        assert_eq!(
            compact(&export(STORED, ExportForm::Adc)),
            compact(
                r#"{"account": "ada@x.com", "client_id": "c", "client_secret": "it's $(x)\n", "quota_project_id": "q", "refresh_token": "r",
                    "type": "authorized_user", "universe_domain": "googleapis.com"}"#
            )
        );
    }

    #[test]
    fn google_auth_leaves_out_what_is_not_known_but_for_what_its_reader_demands() {
        let exported =
            export(br#"{"token": "t", "expiry": "soon", "rapt_token": "p", "account": ""}"#, ExportForm::GoogleAuth);
        let expected = r#"{"token":"t","refresh_token":null,"client_id":null,"client_secret":null,"rapt_token":"p","universe_domain":"googleapis.com","account":""}"#;
        assert_eq!(compact(&exported), expected);
    }

    #[test]
    fn adc_without_a_refresh_token_is_an_error_that_names_it() {
        let credential = Credential::new().with_access_token("t").with_client_id("c").with_client_secret("s");
        let error = credential.export(ExportForm::Adc).unwrap_err();
        assert_eq!(error, ExportError::Missing { form: ExportForm::Adc, field: "refresh_token" });
        assert_eq!(error.to_string(), r#"the form adc needs "refresh_token", which this credential lacks"#);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_what_env_wrote() {
        let lines = export(STORED, ExportForm::Env);
        assert!(lines.ends_with("export GOOGLE_OAUTH_EXPIRY='2026-10-01T12:34:56.500000Z'\n"), "{lines}");
        let script = format!("{lines}printf '%s|' \"$GOOGLE_OAUTH_CLIENT_SECRET\" \"$GOOGLE_OAUTH_SCOPES\"");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's $(x)\n|a b|");
    }
}
