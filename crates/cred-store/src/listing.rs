//! Who is in a store.

use std::future::ready;
use std::task::Poll;

use cred_model::{Action, Credential, Document, Entry, Listed, Oddity, Place, StoreError, decode_settled};
use cred_path::{DocumentName, Location, UserId};
use futures_core::Stream;
use futures_util::{TryStreamExt, stream};
use tracing::info;

use crate::read::check_user;
use crate::{CredentialStore, Error, Stored};

/// How many documents are read at once.
const PARALLEL: usize = 16;

/// An item of [`CredentialStore::list`], in byte order of the documents' names.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item {
    /// A credential and whose it is.
    Credential(Box<Stored>),
    /// A document ending in `.json` that is no credential, or cannot be read.
    ///
    /// [`Error::NotACredential`] is harmless: other programs keep files of their own beside credentials.
    Unreadable {
        /// The name of the document, made printable.
        key: String,
        /// Whose it would be by its name.
        user: Option<UserId>,
        /// Why it could not be read.
        error: Error,
    },
}

impl CredentialStore {
    /// The users in the store by the names of their documents, in byte order of these, without reading any.
    ///
    /// What else is kept in documents ending in `.json` is taken for a user here; [`list`](Self::list) tells them
    /// apart. A directory is read at once, a bucket a thousand names at a time.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] with whatever kept the store from listing further; the stream ends there.
    pub fn users(&self) -> impl Stream<Item = Result<UserId, Error>> + Send + 'static {
        let users = self.documents().list().err_into().try_filter_map(|entry| {
            ready(Ok(match entry {
                Entry::Document(listed) if listed.name.is_json() => user_by_name(&listed.name),
                _ => None,
            }))
        });
        counted(users, self.location().clone())
    }

    /// The credentials in the store, in byte order of their documents' names; sixteen are read at a time.
    ///
    /// A document that cannot be read is an item and does not end the stream.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] with whatever kept the store from listing further; the stream ends there.
    pub fn list(&self) -> impl Stream<Item = Result<Item, Error>> + Send + 'static {
        let store = self.clone();
        let entries = self.documents().list().err_into();
        let read = entries.map_ok(move |entry| {
            let store = store.clone();
            async move { Ok(store.item(entry).await) }
        });
        counted(read.try_buffered(PARALLEL).try_filter_map(|item| ready(Ok(item))), self.location().clone())
    }

    /// What `entry` is; nothing if it is no document of ours, or was deleted meanwhile.
    async fn item(&self, entry: Entry) -> Option<Item> {
        let name = match entry {
            Entry::Document(Listed { name, .. }) if name.is_json() => name,
            Entry::Odd { key, why } if key.ends_with(".json") => {
                let (user, error) = self.odd(&key, why);
                return Some(Item::Unreadable { key, user, error: error.into() });
            }
            _ => return None,
        };
        match self.read_listed(&name).await {
            Ok(stored) => Some(Item::Credential(Box::new(stored?))),
            Err(error) => Some(Item::Unreadable { user: user_by_name(&name), key: name.to_string(), error }),
        }
    }

    /// Whose document `key` would be if it were one, and why it is not.
    fn odd(&self, key: &str, why: Oddity) -> (Option<UserId>, StoreError) {
        match DocumentName::new(key) {
            Ok(name) if why != Oddity::InvalidName => {
                let place = Place::document(self.location(), &name);
                (user_by_name(&name), StoreError::NotADocument { action: Action::Read, place, why })
            }
            _ => {
                let place = Place::store(self.location());
                (None, StoreError::InvalidName { name: key.to_owned(), place, problem: why.to_string() })
            }
        }
    }

    async fn read_listed(&self, name: &DocumentName) -> Result<Option<Stored>, Error> {
        let place = Place::document(self.location(), name);
        let decode = |document: &Document| {
            Credential::from_json(&document.body).map_err(|why| Error::undecodable(place.clone(), document, why))
        };
        let Some((credential, document)) = decode_settled(&**self.documents(), name, decode).await? else {
            return Ok(None);
        };
        let Some(user) = owner(name, &credential) else {
            let problem = "no user id has this name".into();
            return Err(StoreError::InvalidName { name: name.to_string(), place, problem }.into());
        };
        check_user(&user, &credential, place)?;
        let Document { version, modified, .. } = document;
        Ok(Some(self.stored(user, name.clone(), credential, version, modified)))
    }
}

/// The same stream, with a line in the log when it has come to its end.
fn counted<T>(
    items: impl Stream<Item = Result<T, Error>> + Send + 'static,
    location: Location,
) -> impl Stream<Item = Result<T, Error>> + Send + 'static {
    let (mut items, mut count) = (Box::pin(items), 0_u64);
    stream::poll_fn(move |context| {
        let next = items.as_mut().poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(_))) => count += 1,
            Poll::Ready(None) => info!(%location, count, "documents listed"),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        next
    })
}

/// Whose credential is under `name`: the user that it names, if this is an older name of his, else as the name says.
fn owner(name: &DocumentName, credential: &Credential) -> Option<UserId> {
    let named = [credential.email(), credential.identity()].into_iter().flatten();
    let mut users = named.filter_map(|id| UserId::new(id).ok());
    users.find(|user| user.legacy_names().contains(name)).or_else(|| user_by_name(name))
}

/// The user whose encoded id is `name`, or whose id it is as it stands.
fn user_by_name(name: &DocumentName) -> Option<UserId> {
    UserId::from_document_name(name).or_else(|| UserId::new(name.as_str().strip_suffix(".json")?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{put, store};

    #[tokio::test]
    async fn each_document_is_an_item_in_the_order_of_names() {
        let store = store();
        put(&store, "u%2F1.json", r#"{"token":"t"}"#).await;
        put(&store, "a_b@x.com.json", r#"{"token":"t","user_email":"a+b@x.com"}"#).await;
        put(&store, "raw+id@x.com.json", r#"{"token":"t"}"#).await;
        put(&store, "oauth_states.json", "{}").await;
        put(&store, "broken.json", "{").await;
        put(&store, "notes.txt", "not ours").await;
        let items: Vec<_> = store.list().try_collect().await.unwrap();
        let seen: Vec<_> = items
            .iter()
            .map(|item| match item {
                Item::Credential(stored) => format!("{} is {}", stored.name, stored.user),
                Item::Unreadable { key, error: Error::NotACredential { .. }, .. } => format!("{key} is something else"),
                Item::Unreadable { key, .. } => format!("{key} is bad"),
            })
            .collect();
        assert_eq!(
            seen,
            [
                "a_b@x.com.json is a+b@x.com",
                "broken.json is bad",
                "oauth_states.json is something else",
                "raw+id@x.com.json is raw+id@x.com",
                "u%2F1.json is u/1",
            ]
        );
    }

    #[tokio::test]
    async fn users_are_told_by_the_names_alone() {
        let store = store();
        put(&store, "u%2F1.json", "{").await;
        put(&store, "notes.txt", "").await;
        let users: Vec<_> = store.users().try_collect().await.unwrap();
        assert_eq!(users.iter().map(UserId::as_str).collect::<Vec<_>>(), ["u/1"]);
    }
}
