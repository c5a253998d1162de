//! Any object store that can compare and swap.

use std::borrow::Cow;
use std::error::Error as _;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use cred_model::{
    Action, Document, Effect, Entry, Fetched, Listed, MAX_DOCUMENT_BYTES, Oddity, Phase, Place, Precondition, Refusal,
    StoreError, Version,
};
use cred_path::DocumentName;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};

use crate::wire::{Delete, Level, Mark, Object, Page, Put, Target, Wire};

/// Names of metadata that every kind of store takes: Azure wants letters and digits.
const WRITE_ID: Attribute = Attribute::Metadata(Cow::Borrowed("writeid"));
const WRITE_REPLACES: Attribute = Attribute::Metadata(Cow::Borrowed("writereplaces"));

/// An object store as its own crate has it.
#[derive(Debug)]
pub(crate) struct Any {
    objects: Arc<dyn ObjectStore>,
}

impl Any {
    pub(crate) fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects }
    }

    async fn read(&self, target: &Target<'_>) -> Result<Object, Failure> {
        let result = self.objects.get(&path(target)?).await?;
        if result.meta.size > MAX_DOCUMENT_BYTES {
            return Err(Failure::TooLarge(result.meta.size));
        }
        let version = version(result.meta.e_tag.as_deref(), result.meta.version.as_deref())?;
        let modified = SystemTime::from(result.meta.last_modified);
        let mark = mark(&result);
        Ok(Object { document: Document { body: result.bytes().await?, version, modified }, mark })
    }
}

#[async_trait]
impl Wire for Any {
    async fn get(&self, target: &Target<'_>) -> Result<Option<Object>, StoreError> {
        match self.read(target).await {
            Ok(object) => Ok(Some(object)),
            Err(Failure::Store(Error::NotFound { .. })) => Ok(None),
            Err(failure) => Err(failure.into_error(Action::Read, target.place(), &*self.objects)),
        }
    }

    async fn get_if_changed(&self, target: &Target<'_>, version: &Version) -> Result<Fetched, StoreError> {
        // Not every store has an entity tag to ask by; what it would send is small.
        Ok(match self.get(target).await? {
            None => Fetched::Absent,
            Some(object) if object.document.version == *version => Fetched::Unchanged,
            Some(object) => Fetched::Changed(object.document),
        })
    }

    async fn put(
        &self,
        target: &Target<'_>,
        body: Bytes,
        precondition: &Precondition,
        mark: Option<&Mark>,
    ) -> Result<Put, StoreError> {
        let mut attributes = Attributes::from_iter([(Attribute::ContentType, "application/json".to_owned())]);
        if let Some(Mark { id, replaces }) = mark {
            attributes.insert(WRITE_ID, id.clone().into());
            attributes.insert(WRITE_REPLACES, replaces.clone().into());
        }
        let mode = match precondition {
            Precondition::Always => PutMode::Overwrite,
            Precondition::IfAbsent => PutMode::Create,
            Precondition::IfVersion(version) => PutMode::Update(update_version(version)),
        };
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let written = match path(target) {
            Ok(path) => self.objects.put_opts(&path, body.into(), options).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        match written.and_then(|result| version(result.e_tag.as_deref(), result.version.as_deref())) {
            Ok(version) => Ok(Put::Written(version)),
            // The client below repeats requests as it likes and does not tell.
            Err(Failure::Store(Error::AlreadyExists { .. } | Error::Precondition { .. })) => Ok(Put::RefusedOnRetry),
            Err(failure) => Err(failure.into_error(Action::Write, target.place(), &*self.objects)),
        }
    }

    async fn delete(&self, target: &Target<'_>) -> Result<(), StoreError> {
        let deleted = match path(target) {
            Ok(path) => self.objects.delete(&path).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        match deleted {
            Ok(()) | Err(Failure::Store(Error::NotFound { .. })) => Ok(()),
            Err(failure) => Err(failure.into_error(Action::Delete, target.place(), &*self.objects)),
        }
    }

    async fn delete_at(&self, target: &Target<'_>, _version: &Version) -> Result<Delete, StoreError> {
        let place = Place::store(target.location);
        Err(StoreError::Unsupported { place, feature: "deletions at a version in one step" })
    }

    async fn list(&self, level: &Level<'_>, _page: Option<&str>) -> Result<Page, StoreError> {
        let listed = match parse(level.prefix.trim_end_matches('/')) {
            Ok(prefix) => self.objects.list_with_delimiter(Some(&prefix)).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        let listed = listed.map_err(|failure| failure.into_error(Action::List, level.place(), &*self.objects))?;
        let mut objects = listed.objects;
        objects.sort_unstable_by(|one, other| one.location.cmp(&other.location));
        let entry = |object: object_store::ObjectMeta| {
            let key = object.location.as_ref();
            let name = key.strip_prefix(level.prefix).unwrap_or(key);
            match DocumentName::new(name) {
                Ok(name) => Entry::Document(Listed {
                    name,
                    modified: SystemTime::from(object.last_modified),
                    size: object.size,
                    // Some stores list less of it than they tell on reading.
                    version: None,
                }),
                Err(_) => Entry::Odd { key: name.escape_debug().to_string(), why: Oddity::InvalidName },
            }
        };
        Ok(Page { entries: objects.into_iter().map(entry).collect(), next: None })
    }
}

/// Why a request failed.
enum Failure {
    /// The key as this crate would have it, if it takes it at all.
    Key,
    Store(Error),
    TooLarge(u64),
    /// The answer has neither an entity tag nor a version.
    Versionless,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// What to tell the caller, without the words of the store, which repeat keys and answers.
    fn into_error(self, action: Action, place: Place, objects: &dyn ObjectStore) -> StoreError {
        let endpoint = objects.to_string();
        let changes = matches!(action, Action::Write | Action::Delete);
        let effect = if changes { Effect::Unknown } else { Effect::None };
        let refusal = |code: &str| Refusal { status: None, code: Some(code.into()), request_id: None };
        let error = match self {
            Self::Key => {
                return StoreError::InvalidName {
                    name: place.name().map(ToString::to_string).unwrap_or_default(),
                    place: Place::store(place.location()),
                    problem: "object_store does not take it as a path".into(),
                };
            }
            Self::TooLarge(size) => return StoreError::TooLarge { place, size, limit: MAX_DOCUMENT_BYTES },
            Self::Versionless => {
                let refusal = refusal("neither an entity tag nor a version");
                return StoreError::Server { action, place, endpoint, effect, refusal };
            }
            Self::Store(error) => error,
        };
        match error {
            Error::NotImplemented { .. } | Error::NotSupported { .. } => {
                StoreError::Unsupported { place, feature: "conditional writes with metadata" }
            }
            Error::PermissionDenied { .. } => {
                StoreError::AccessDenied { action, place, refusal: refusal("permission denied") }
            }
            Error::Unauthenticated { .. } => {
                StoreError::InvalidCredentials { action, place, refusal: refusal("not authenticated") }
            }
            error => match transport(&error) {
                Some(HttpErrorKind::Connect) => {
                    StoreError::Network { action, place, endpoint, phase: Phase::Connect, effect: Effect::None }
                }
                Some(HttpErrorKind::Interrupted | HttpErrorKind::Request | HttpErrorKind::Timeout) => {
                    StoreError::Network { action, place, endpoint, phase: Phase::Answer, effect }
                }
                _ => StoreError::Server { action, place, endpoint, effect, refusal: refusal("the store failed") },
            },
        }
    }
}

/// How a request failed below HTTP, if it did.
fn transport(error: &Error) -> Option<HttpErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

fn path(target: &Target<'_>) -> Result<Path, Failure> {
    parse(&target.key)
}

/// `key` as a path, if that leaves it as it is.
fn parse(key: &str) -> Result<Path, Failure> {
    Path::parse(key).ok().filter(|path| path.as_ref() == key).ok_or(Failure::Key)
}

/// Entity tag and version in one text; either may be missing. Neither has a space.
fn version(e_tag: Option<&str>, version: Option<&str>) -> Result<Version, Failure> {
    let text = match (e_tag, version) {
        (Some(e_tag), None) => e_tag.to_owned(),
        (e_tag, version) => format!("{} {}", e_tag.unwrap_or("-"), version.ok_or(Failure::Versionless)?),
    };
    Version::new(text).map_err(|_| Failure::Versionless)
}

fn update_version(version: &Version) -> UpdateVersion {
    match version.as_str().split_once(' ') {
        Some((e_tag, version)) => UpdateVersion {
            e_tag: Some(e_tag.to_owned()).filter(|e_tag| e_tag != "-"),
            version: Some(version.to_owned()),
        },
        None => UpdateVersion { e_tag: Some(version.to_string()), version: None },
    }
}

fn mark(result: &GetResult) -> Option<Mark> {
    let text = |name| result.attributes.get(name).map(|value| value.as_ref().to_owned());
    Some(Mark { id: text(&WRITE_ID)?, replaces: text(&WRITE_REPLACES)? })
}

#[cfg(test)]
mod tests {
    use cred_model::{ConditionalDelete, DocumentStore};
    use cred_path::Location;
    use futures_util::TryStreamExt;
    use object_store::memory::InMemory;

    use super::*;
    use crate::S3Store;

    #[tokio::test]
    async fn names_are_kept_byte_for_byte_and_listed_in_their_order() {
        let objects = Arc::new(InMemory::new());
        let store = S3Store::over(objects.clone(), Location::Other("memory".into()));
        let store = store.scoped(&DocumentName::new("p q%").unwrap());
        let names = [".json", "a b.json", "a%2Bb@x.json", "a+b.json", "a.json", "a~#?*[].json", "ü.json"];
        for name in names {
            store.put(&name.parse().unwrap(), name.into(), Precondition::IfAbsent).await.unwrap();
            let key = format!("p q%/{name}");
            assert_eq!(objects.head(&Path::parse(&key).unwrap()).await.unwrap().location.as_ref(), key);
        }
        let entries: Vec<_> = store.list().try_collect().await.unwrap();
        let listed = entries.iter().map(|entry| match entry {
            Entry::Document(listed) => listed.name.as_str(),
            other => panic!("{other:?}"),
        });
        assert_eq!(listed.collect::<Vec<_>>(), names);
    }

    #[tokio::test]
    async fn a_conflict_names_the_version_that_is_there() {
        let store = S3Store::over(Arc::new(InMemory::new()), Location::Other("memory".into()));
        let name = DocumentName::new("a.json").unwrap();
        let first = store.put(&name, "1".into(), Precondition::IfAbsent).await.unwrap();
        let second = store.put(&name, "1".into(), Precondition::IfVersion(first.clone())).await.unwrap();
        for precondition in [Precondition::IfAbsent, Precondition::IfVersion(first.clone())] {
            let error = store.put(&name, "1".into(), precondition).await.unwrap_err();
            assert!(matches!(&error, StoreError::Conflict { found: Some(found), .. } if *found == second), "{error:?}");
        }
        assert_eq!(store.conditional_delete().await.unwrap(), ConditionalDelete::ReadFirst);
        assert!(store.delete(&name, Some(&first)).await.unwrap_err().is_conflict());
        assert!(store.delete(&name, Some(&second)).await.unwrap());
    }

    #[test]
    fn a_version_holds_entity_tag_and_generation() {
        for (e_tag, generation) in [(Some("\"e\""), None), (Some("\"e\""), Some("17")), (None, Some("17"))] {
            let update = update_version(&version(e_tag, generation).ok().unwrap());
            assert_eq!((update.e_tag.as_deref(), update.version.as_deref()), (e_tag, generation));
        }
        assert!(matches!(version(None, None), Err(Failure::Versionless)));
    }
}
