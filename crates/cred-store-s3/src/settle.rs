//! What became of a write whose answer was lost.
//!
//! A conditional write is sent once. If nobody knows how it ended, the object is read: the mark in its metadata tells
//! our write from everybody else's, also where both wrote the same bytes.

use std::fmt::Write as _;

use bytes::Bytes;
use cred_model::{ConditionalDelete, Effect, Place, Precondition, StoreError, Version};

use crate::backoff;
use crate::wire::{Delete, Mark, Put, Target, Wire};

/// How often a request is sent again that is known, or allowed, not to have been applied.
const RETRIES: u32 = 2;

/// Writes an object if `precondition` holds; its version, or `Conflict` only for a write that was not applied.
pub(crate) async fn put(
    wire: &dyn Wire,
    target: &Target<'_>,
    body: Bytes,
    precondition: &Precondition,
) -> Result<Version, StoreError> {
    let write = Write { wire, target, body, precondition, mark: mark(target, precondition)? };
    let unclear = match write.send().await {
        Ok(Put::Written(version)) => return Ok(version),
        Ok(Put::Refused) => return Err(write.conflict(None)),
        Ok(Put::RefusedOnRetry) => {
            return match write.look().await? {
                Seen::Ours(version) => Ok(version),
                Seen::Replaced(found) | Seen::Other(Some(found)) => Err(write.conflict(Some(found))),
                Seen::Before | Seen::Other(None) => Err(write.conflict(None)),
            };
        }
        Err(error) if write.mark.is_some() && error.effect() == Effect::Unknown => error,
        Err(error) => return Err(error),
    };
    for retry in 0..=RETRIES {
        match write.look().await {
            Ok(Seen::Ours(version)) => return Ok(version),
            Ok(Seen::Replaced(found)) => return Err(write.conflict(Some(found))),
            Ok(Seen::Before) if retry < RETRIES => backoff::pause(retry).await,
            // Ours may have been applied and replaced since, so this is no proof of a conflict.
            Ok(Seen::Before | Seen::Other(_)) | Err(_) => break,
        }
        match write.send().await {
            Ok(Put::Written(version)) => return Ok(version),
            // Refused perhaps because the first try was applied after all.
            Ok(Put::Refused | Put::RefusedOnRetry) => {}
            Err(error) if error.effect() == Effect::Unknown => {}
            // However this one ended, the first one may still be applied.
            Err(_) => break,
        }
    }
    Err(unclear)
}

/// Deletes an object; whether it was there.
pub(crate) async fn delete(wire: &dyn Wire, target: &Target<'_>) -> Result<bool, StoreError> {
    match wire.get(target).await {
        Ok(None) => Ok(false),
        // What is too large to be a document can be deleted all the same.
        Ok(Some(_)) | Err(StoreError::TooLarge { .. }) => remove(wire, target).await,
        Err(error) => Err(error),
    }
}

/// Deletes an object if it is at `version`; whether it was there.
pub(crate) async fn delete_at(
    wire: &dyn Wire,
    target: &Target<'_>,
    version: &Version,
    how: ConditionalDelete,
) -> Result<bool, StoreError> {
    let conflict = |found| StoreError::Conflict { place: target.place(), expected: Some(version.clone()), found };
    if how == ConditionalDelete::ReadFirst {
        return match wire.get(target).await? {
            None => Ok(false),
            Some(object) if object.document.version == *version => remove(wire, target).await,
            Some(object) => Err(conflict(Some(object.document.version))),
        };
    }
    let mut unclear = None;
    let mut retry = 0;
    loop {
        match wire.delete_at(target, version).await {
            Ok(Delete::Done) => return Ok(true),
            // Absent after a lost answer: that was us.
            Ok(Delete::Absent) => return Ok(unclear.is_some()),
            // Another version after a lost answer: perhaps it was gone before another wrote it anew.
            Ok(Delete::Refused) => return Err(unclear.unwrap_or_else(|| conflict(None))),
            // The condition makes it safe to ask again.
            Err(error) if error.effect() == Effect::Unknown && retry < RETRIES => {
                unclear.get_or_insert(error);
                backoff::pause(retry).await;
            }
            Err(error) => return Err(unclear.unwrap_or(error)),
        }
        retry += 1;
    }
}

/// Finds out whether deletions at a version are honoured, by deleting what does not exist.
pub(crate) async fn conditional_delete(wire: &dyn Wire, target: &Target<'_>) -> Result<ConditionalDelete, StoreError> {
    let nobodys = Version::new("\"00000000000000000000000000000000\"").expect("printable ASCII");
    match wire.delete_at(target, &nobodys).await {
        Ok(Delete::Absent | Delete::Refused) => Ok(ConditionalDelete::Atomic),
        // Refused for a missing object, AWS hides whether it is missing from a caller without `s3:ListBucket`: this
        // tells nothing, and reading first is right everywhere.
        Ok(Delete::Done) | Err(StoreError::Unsupported { .. } | StoreError::AccessDenied { .. }) => {
            Ok(ConditionalDelete::ReadFirst)
        }
        Err(error) => Err(error),
    }
}

/// 16 random bytes in hexadecimal.
pub(crate) fn random_id(place: impl FnOnce() -> Place) -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return Err(StoreError::Unsupported { place: place(), feature: "random numbers" });
    }
    Ok(bytes.iter().fold(String::with_capacity(32), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    }))
}

/// Deletes an object that was seen.
async fn remove(wire: &dyn Wire, target: &Target<'_>) -> Result<bool, StoreError> {
    match wire.delete(target).await {
        Ok(()) => Ok(true),
        Err(error) if error.effect() == Effect::Unknown => match wire.get(target).await {
            Ok(None) => Ok(true),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// What distinguishes this write from all others; an unconditional one needs nothing.
fn mark(target: &Target<'_>, precondition: &Precondition) -> Result<Option<Mark>, StoreError> {
    let replaces = match precondition {
        Precondition::Always => return Ok(None),
        Precondition::IfAbsent => Mark::CREATES.to_owned(),
        Precondition::IfVersion(version) => version.to_string(),
    };
    Ok(Some(Mark { id: random_id(|| target.place())?, replaces }))
}

struct Write<'a> {
    wire: &'a dyn Wire,
    target: &'a Target<'a>,
    body: Bytes,
    precondition: &'a Precondition,
    mark: Option<Mark>,
}

/// What was found where a write may have been applied.
enum Seen {
    /// What the write wants to replace is still there.
    Before,
    /// Our write.
    Ours(Version),
    /// Another's write, which replaced what ours wanted to replace: ours cannot have been applied.
    Replaced(Version),
    /// Something else, or nothing.
    Other(Option<Version>),
}

impl Write<'_> {
    async fn send(&self) -> Result<Put, StoreError> {
        self.wire.put(self.target, self.body.clone(), self.precondition, self.mark.as_ref()).await
    }

    async fn look(&self) -> Result<Seen, StoreError> {
        let found = self.wire.get(self.target).await?;
        Ok(match (found, self.precondition) {
            (None, Precondition::IfAbsent) => Seen::Before,
            (None, _) => Seen::Other(None),
            (Some(found), _) if found.mark == self.mark && found.document.body == self.body => {
                Seen::Ours(found.document.version)
            }
            (Some(found), Precondition::IfVersion(before)) if found.document.version == *before => Seen::Before,
            (Some(found), _) => {
                let replaces = |mark: &Option<Mark>| mark.as_ref().map(|mark| mark.replaces.clone());
                let version = found.document.version;
                if replaces(&found.mark) == replaces(&self.mark) {
                    Seen::Replaced(version)
                } else {
                    Seen::Other(Some(version))
                }
            }
        })
    }

    fn conflict(&self, found: Option<Version>) -> StoreError {
        let expected = match self.precondition {
            Precondition::IfVersion(version) => Some(version.clone()),
            Precondition::Always | Precondition::IfAbsent => None,
        };
        StoreError::Conflict { place: self.target.place(), expected, found }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::time::{Duration, SystemTime};

    use async_trait::async_trait;
    use cred_model::{Action, Document, Fetched, Refusal};
    use cred_path::{DocumentName, Location};

    use super::*;
    use crate::wire::{Level, Object, Page};

    /// What happens to a write beside its being sent.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        /// It is applied, its answer is lost.
        AnswerLost,
        /// Another writes the same bytes first, its answer is lost.
        Beaten,
        /// The caller has no right to it.
        Forbidden,
        /// It is applied just before the next write, its answer is lost.
        Late,
        /// The client below sends it twice, and passes on the second answer.
        Repeated,
        /// It is lost itself.
        RequestLost,
        /// It is applied and replaced by another's write, its answer is lost.
        Superseded,
    }

    #[derive(Debug, Default)]
    struct State {
        object: Option<Object>,
        faults: VecDeque<Fault>,
        late: Option<(Bytes, Precondition, Option<Mark>)>,
        puts: u32,
        gets: u32,
    }

    impl State {
        fn apply(&mut self, body: Bytes, precondition: &Precondition, mark: Option<Mark>) -> Put {
            let current = self.object.as_ref().map(|object| &object.document.version);
            let holds = match precondition {
                Precondition::Always => true,
                Precondition::IfAbsent => current.is_none(),
                Precondition::IfVersion(version) => current == Some(version),
            };
            if !holds {
                return Put::Refused;
            }
            let version = Version::new(format!("\"{}\"", random_id(|| unreachable!()).unwrap())).unwrap();
            let document = Document { body, version: version.clone(), modified: SystemTime::UNIX_EPOCH };
            self.object = Some(Object { document, mark });
            Put::Written(version)
        }
    }

    #[derive(Debug, Default)]
    struct Fake(Mutex<State>);

    impl Fake {
        fn with(faults: &[Fault]) -> Self {
            Self(Mutex::new(State { faults: faults.iter().copied().collect(), ..State::default() }))
        }

        fn mark(id: &str, replaces: &str) -> Option<Mark> {
            Some(Mark { id: id.into(), replaces: replaces.into() })
        }
    }

    fn lost(target: &Target<'_>, action: Action) -> StoreError {
        StoreError::Timeout { action, place: target.place(), after: Duration::from_secs(1), effect: Effect::Unknown }
    }

    fn forbidden(target: &Target<'_>, action: Action) -> StoreError {
        let refusal = Refusal { status: Some(403), code: Some("AccessDenied".into()), request_id: None };
        StoreError::AccessDenied { action, place: target.place(), refusal }
    }

    #[async_trait]
    impl Wire for Fake {
        async fn get(&self, _: &Target<'_>) -> Result<Option<Object>, StoreError> {
            let mut state = self.0.lock().unwrap();
            state.gets += 1;
            Ok(state.object.clone())
        }

        async fn get_if_changed(&self, _: &Target<'_>, _: &Version) -> Result<Fetched, StoreError> {
            unreachable!("settling reads whole objects")
        }

        async fn put(
            &self,
            target: &Target<'_>,
            body: Bytes,
            precondition: &Precondition,
            mark: Option<&Mark>,
        ) -> Result<Put, StoreError> {
            let mut state = self.0.lock().unwrap();
            state.puts += 1;
            if let Some((body, precondition, mark)) = state.late.take() {
                state.apply(body, &precondition, mark);
            }
            let Some(fault) = state.faults.pop_front() else {
                return Ok(state.apply(body, precondition, mark.cloned()));
            };
            match fault {
                Fault::AnswerLost => drop(state.apply(body, precondition, mark.cloned())),
                Fault::Beaten => {
                    let replaces = mark.unwrap().replaces.clone();
                    state.apply(body, precondition, Self::mark("another", &replaces));
                }
                Fault::Forbidden => return Err(forbidden(target, Action::Write)),
                Fault::Late => state.late = Some((body, precondition.clone(), mark.cloned())),
                Fault::Repeated => {
                    state.apply(body, precondition, mark.cloned());
                    return Ok(Put::RefusedOnRetry);
                }
                Fault::RequestLost => {}
                Fault::Superseded => {
                    let Put::Written(ours) = state.apply(body, precondition, mark.cloned()) else { panic!() };
                    let replaces = ours.to_string();
                    state.apply("newer".into(), &Precondition::IfVersion(ours), Self::mark("another", &replaces));
                }
            }
            Err(lost(target, Action::Write))
        }

        async fn delete(&self, _: &Target<'_>) -> Result<(), StoreError> {
            unreachable!("only deletions at a version are settled here")
        }

        async fn delete_at(&self, target: &Target<'_>, version: &Version) -> Result<Delete, StoreError> {
            let mut state = self.0.lock().unwrap();
            let fault = state.faults.pop_front();
            if matches!(fault, Some(Fault::Forbidden)) {
                return Err(forbidden(target, Action::Delete));
            }
            let answer = match &state.object {
                _ if matches!(fault, Some(Fault::RequestLost)) => Delete::Done,
                None => Delete::Absent,
                Some(object) if object.document.version != *version => Delete::Refused,
                Some(_) => {
                    state.object = None;
                    Delete::Done
                }
            };
            if fault.is_some() { Err(lost(target, Action::Delete)) } else { Ok(answer) }
        }

        async fn list(&self, _: &Level<'_>, _: Option<&str>) -> Result<Page, StoreError> {
            unreachable!("settling lists nothing")
        }
    }

    /// Creates a document, or replaces one, while `faults` happen.
    async fn write(faults: &[Fault], replace: bool) -> (Result<Version, StoreError>, State) {
        let (location, name) = (Location::Other("fake".into()), DocumentName::new("a.json").unwrap());
        let target = Target { location: &location, name: &name, key: name.to_string() };
        let fake = Fake::with(faults);
        let precondition = match replace {
            false => Precondition::IfAbsent,
            true => match fake.0.lock().unwrap().apply("old".into(), &Precondition::Always, None) {
                Put::Written(version) => Precondition::IfVersion(version),
                other => panic!("{other:?}"),
            },
        };
        let result = put(&fake, &target, "new".into(), &precondition).await;
        (result, fake.0.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_landed_is_ours_however_its_answer_was_lost() {
        for (faults, puts) in [
            (&[Fault::AnswerLost][..], 1),
            (&[Fault::RequestLost], 2),
            (&[Fault::RequestLost, Fault::AnswerLost], 2),
            (&[Fault::RequestLost, Fault::RequestLost], 3),
            (&[Fault::Late], 2),
            (&[Fault::Repeated], 1),
            (&[Fault::RequestLost, Fault::Repeated], 2),
        ] {
            for replace in [false, true] {
                let (result, state) = write(faults, replace).await;
                let object = state.object.unwrap();
                assert_eq!((result.unwrap(), state.puts), (object.document.version, puts), "{faults:?}");
                assert_eq!(object.document.body, "new");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn equal_bytes_of_another_are_a_conflict() {
        for faults in [&[Fault::Beaten][..], &[Fault::RequestLost, Fault::Beaten]] {
            for replace in [false, true] {
                let (result, state) = write(faults, replace).await;
                let found = state.object.unwrap().document.version;
                assert!(
                    matches!(result, Err(StoreError::Conflict { found: Some(version), .. }) if version == found),
                    "{faults:?}"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_landed_and_was_replaced_is_never_called_a_conflict() {
        for faults in [&[Fault::Superseded][..], &[Fault::RequestLost, Fault::Superseded]] {
            for replace in [false, true] {
                let (result, _) = write(faults, replace).await;
                assert_eq!(result.unwrap_err().effect(), Effect::Unknown, "{faults:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_unclear_is_said_to_be_unknown() {
        let (result, state) = write(&[Fault::RequestLost; 9], true).await;
        assert_eq!((result.unwrap_err().effect(), state.puts), (Effect::Unknown, 1 + RETRIES));
    }

    #[tokio::test]
    async fn a_plain_refusal_is_a_conflict_at_once() {
        let fake = Fake::default();
        let (location, name) = (Location::Other("fake".into()), DocumentName::new("a.json").unwrap());
        let target = Target { location: &location, name: &name, key: name.to_string() };
        put(&fake, &target, "1".into(), &Precondition::IfAbsent).await.unwrap();
        assert!(put(&fake, &target, "1".into(), &Precondition::IfAbsent).await.unwrap_err().is_conflict());
        let state = fake.0.into_inner().unwrap();
        assert_eq!((state.puts, state.gets), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_is_ours_however_its_answer_was_lost() {
        for fault in [Fault::AnswerLost, Fault::RequestLost] {
            let fake = Fake::with(&[fault]);
            let (location, name) = (Location::Other("fake".into()), DocumentName::new("a.json").unwrap());
            let target = Target { location: &location, name: &name, key: name.to_string() };
            let Put::Written(version) = fake.0.lock().unwrap().apply("1".into(), &Precondition::Always, None) else {
                panic!()
            };
            assert!(delete_at(&fake, &target, &version, ConditionalDelete::Atomic).await.unwrap(), "{fault:?}");
            assert!(!delete_at(&fake, &target, &version, ConditionalDelete::Atomic).await.unwrap(), "{fault:?}");
        }
    }
    #[tokio::test]
    async fn a_server_that_hides_what_is_missing_is_read_before_a_deletion() {
        let (location, name) = (Location::Other("fake".into()), DocumentName::new("a.json").unwrap());
        let target = Target { location: &location, name: &name, key: name.to_string() };
        let found = conditional_delete(&Fake::with(&[Fault::Forbidden]), &target).await;
        assert_eq!(found.unwrap(), ConditionalDelete::ReadFirst);
    }
}
