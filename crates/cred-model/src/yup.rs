//! The token cache of yup-oauth2: an array of `{"scopes": […], "token": {…}}`.

use std::cmp::Reverse;

use serde_json::value::RawValue;

use crate::{
    DecodeError, DecodeErrorKind, JsonType, LooksLike,
    json::{Json, Member},
};

/// The members of each token, its scopes among them; the one that is worth most comes first.
///
/// The cache has an entry for every set of scopes that was ever asked for. A token with a refresh token is worth more than
/// one without, then the one with more scopes.
pub(crate) fn tokens<'a>(json: &Json<'a>) -> Result<Vec<Vec<Member<'a>>>, DecodeError> {
    let no_credential =
        |part: &str| json.error(part, DecodeErrorKind::NotACredential { looks_like: LooksLike::Unknown });
    let entries: Vec<&'a RawValue> = serde_json::from_str(json.root()).map_err(|_| no_credential(json.root()))?;
    let mut tokens = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut entry_members = json.members(entry.get())?;
        let token = entry_members.iter().find(|member| member.name == "token");
        let mut members = json.members(token.ok_or_else(|| no_credential(entry.get()))?.value)?;
        members.retain(|member| member.name != "scopes");
        entry_members.retain(|member| member.name == "scopes");
        members.append(&mut entry_members);
        tokens.push(members);
    }
    if tokens.is_empty() {
        return Err(json.error(json.root(), DecodeErrorKind::NotAnObject { found: JsonType::Array }));
    }
    tokens.sort_by_cached_key(|members| Reverse(worth(members)));
    Ok(tokens)
}

fn worth(members: &[Member<'_>]) -> (bool, usize) {
    let value = |name: &str| members.iter().find(|member| member.name == name).map(|member| member.value);
    let scopes = value("scopes").and_then(|scopes| serde_json::from_str::<Vec<&RawValue>>(scopes).ok());
    (value("refresh_token").is_some_and(|token| token != "null"), scopes.map_or(0, |scopes| scopes.len()))
}
