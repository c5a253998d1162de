//! A credential as it is stored.

use std::time::SystemTime;

use cred_model::{Credential, Version};
use cred_path::{DocumentName, UserId};

/// A credential as it was read or written, with what is needed to replace exactly this.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// Whose it is.
    pub user: UserId,
    /// What it says.
    pub credential: Credential,
    /// The version of its document.
    pub version: Version,
    /// When its document was last written, by the clock of the store.
    pub modified: SystemTime,
    /// The name of its document: the user's own, or an older one that is still honoured.
    pub name: DocumentName,
}

impl Stored {
    /// The user's e-mail address, as the document says or else the id, if that is one.
    pub fn email(&self) -> Option<String> {
        let id = self.user.as_str();
        self.credential.email().or_else(|| id.contains('@').then(|| id.to_owned()))
    }
}
