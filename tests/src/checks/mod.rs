//! Every promise as a function, and the list of them all.
#![expect(clippy::unwrap_used, reason = "a check is a test, and what it unwraps is what the store promised")]

mod deleting;
mod handles;
mod listing;
mod reading;
mod typed;
mod writing;

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use bytes::Bytes;
use cred_model::{Document, DocumentStore, Precondition, Version};
use cred_path::DocumentName;
use futures_util::FutureExt;

use crate::Subject;

/// One promise, to be run alone.
#[derive(Clone, Copy)]
pub struct Check {
    /// The promise as a sentence.
    pub name: &'static str,
    run: fn(Subject) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Check {
    /// Checks the promise on a fresh, empty store.
    ///
    /// # Panics
    ///
    /// When the store breaks it.
    pub async fn run(&self, subject: impl Into<Subject>) {
        (self.run)(subject.into()).await;
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Runs every promise on a store that `new_store` makes afresh and empty each time.
///
/// It has to be called within a tokio runtime with time; a multi-threaded one makes the races harder.
///
/// # Panics
///
/// When promises are broken: at the end, with the names of all of them.
pub async fn check_all<S: Into<Subject>>(mut new_store: impl AsyncFnMut() -> S) {
    let mut broken = Vec::new();
    for check in CHECKS {
        let subject = new_store().await.into();
        // The panic has been reported by then; the subject is not used again.
        if AssertUnwindSafe(check.run(subject)).catch_unwind().await.is_err() {
            broken.push(check.name);
        }
    }
    let subject = new_store().await.into();
    for lack in subject.lacks() {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let _ = writeln!(std::io::stderr(), "note: {}: {lack}", subject.location());
    }
    assert!(
        broken.is_empty(),
        "{} breaks {} of {} promises: {broken:#?}",
        subject.location(),
        broken.len(),
        CHECKS.len()
    );
}

macro_rules! checks {
    ($($module:ident: $($name:ident)*;)*) => {
        /// All promises, in the order of their subjects: reading, writing, deleting, listing, handles, typed.
        pub const CHECKS: &[Check] = &[$($(
            Check { name: stringify!($name), run: |subject| Box::pin(async move { $module::$name(&subject).await }) },
        )*)*];
    };
}

checks! {
    reading:
        get_returns_what_put_stored
        get_of_an_absent_document_is_none
        get_if_changed_tells_absent_unchanged_and_changed
        names_are_kept_byte_for_byte
        a_larger_document_of_another_writer_is_refused;
    writing:
        put_replaces_the_whole_document
        every_change_changes_the_version
        a_version_survives_as_text
        if_absent_creates_once
        if_version_replaces_that_version_only
        if_version_does_not_create
        of_racing_creators_exactly_one_wins
        of_racing_updaters_exactly_one_wins
        of_creators_of_equal_bytes_exactly_one_wins
        readers_never_see_part_of_a_write
        a_dropped_put_is_all_or_nothing
        a_document_of_the_largest_size_is_kept
        a_larger_document_is_refused_and_changes_nothing
        a_conflict_says_where_in_one_line;
    deleting:
        delete_of_an_absent_document_is_false
        delete_removes_the_document
        delete_at_a_version_spares_any_other
        a_deleted_document_can_be_created_again
        deletions_are_as_atomic_as_the_store_says;
    listing:
        an_absent_place_lists_as_empty
        a_listing_is_in_byte_order
        a_listing_holds_one_level_only
        a_listing_tells_sizes_and_versions
        a_listing_goes_past_a_thousand_names
        what_cannot_be_a_document_is_an_odd_entry;
    handles:
        a_scope_is_a_level_of_its_own
        a_scope_says_where_it_is
        all_handles_on_a_place_see_the_same
        a_missed_deadline_is_a_timeout
        a_scope_keeps_the_deadline
        a_lock_excludes_until_it_is_dropped
        a_lock_is_not_a_document
        the_probe_finds_what_the_store_honours;
    typed:
        json_comes_back_as_it_was_put
        update_json_creates_and_changes
        update_json_counts_every_call
        a_refused_update_changes_nothing
        a_corrupt_document_tells_where_but_not_what;
}

/// What the helpers below take: a [`Subject`], or what its methods return.
trait Handle: Deref<Target = dyn DocumentStore> + Sync {}

impl<T: Deref<Target = dyn DocumentStore> + Sync> Handle for T {}

fn name(text: &str) -> DocumentName {
    DocumentName::new(text).expect("the suite uses valid names")
}

fn ada() -> DocumentName {
    name("ada@example.com.json")
}

/// Puts what has to succeed.
async fn put(store: &impl Handle, name: &DocumentName, body: &str, precondition: Precondition) -> Version {
    match store.put(name, Bytes::from(body.to_owned()), precondition).await {
        Ok(version) => version,
        Err(error) => panic!("put of {name}: {error}"),
    }
}

/// Gets what has to be there.
async fn get(store: &impl Handle, name: &DocumentName) -> Document {
    match store.get(name).await {
        Ok(Some(document)) => document,
        Ok(None) => panic!("{name} is absent"),
        Err(error) => panic!("get of {name}: {error}"),
    }
}

/// A put that has to lose.
async fn refused(store: &impl Handle, name: &DocumentName, body: &str, precondition: Precondition) {
    match store.put(name, Bytes::from(body.to_owned()), precondition.clone()).await {
        Ok(_) => panic!("put of {name} succeeded with {precondition:?}"),
        Err(error) => assert!(error.is_conflict(), "put of {name} with {precondition:?}: {error}"),
    }
}
