//! Every promise is seen broken: a suite that cannot fail proves nothing.
//!
//! For each promise there is a store that keeps all of them but for one fault.

mod faulty;

use std::collections::BTreeSet;

use cred_conformance::{CHECKS, Check, Lack, Subject, check_all};
use cred_model::MemoryStore;

use crate::faulty::Fault::{self, *};
use crate::faulty::subject;

#[tokio::test(start_paused = true)]
async fn a_store_without_a_fault_keeps_every_promise() {
    check_all(async || subject(None)).await;
}

#[tokio::test(start_paused = true)]
async fn every_promise_is_seen_broken() {
    for check in CHECKS {
        let faults: Vec<_> = FAULTS.iter().filter(|(_, breaks)| breaks.contains(&check.name)).collect();
        assert!(!faults.is_empty(), "no store breaks {}", check.name);
        for (fault, _) in faults {
            assert!(fails(check, subject(Some(*fault))).await, "{} passes in spite of {fault:?}", check.name);
        }
    }
    let names: BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    for (fault, breaks) in FAULTS {
        assert!(breaks.iter().all(|name| names.contains(name)), "{fault:?} breaks a promise that is not checked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lack_has_to_be_declared_and_to_be_there() {
    for (lack, name) in [
        (Lack::ConditionalDelete, "deletions_are_as_atomic_as_the_store_says"),
        (Lack::Deadlines, "a_missed_deadline_is_a_timeout"),
        (Lack::Locks, "a_lock_excludes_until_it_is_dropped"),
        (Lack::OtherWriters, "what_cannot_be_a_document_is_an_odd_entry"),
    ] {
        let check = CHECKS.iter().find(|check| check.name == name).unwrap();
        assert!(fails(check, subject(None).without(lack)).await, "{lack:?} is declared, and {name} passes");
        // Of these four, the store in memory deletes at a version and lacks the rest.
        let undeclared = fails(check, Subject::new(MemoryStore::new())).await;
        assert_eq!(undeclared, lack != Lack::ConditionalDelete, "{lack:?} is not declared");
    }
}

async fn fails(check: &'static Check, subject: Subject) -> bool {
    tokio::spawn(check.run(subject)).await.is_err_and(|error| error.is_panic())
}

/// Each fault with the promises it breaks, as far as they are its own.
const FAULTS: &[(Fault, &[&str])] = &[
    (BelievesEqualBytes, &["if_absent_creates_once", "of_creators_of_equal_bytes_exactly_one_wins"]),
    (ChecksThenDeletes, &["deletions_are_as_atomic_as_the_store_says"]),
    (
        ChecksThenWrites,
        &[
            "of_racing_creators_exactly_one_wins",
            "of_racing_updaters_exactly_one_wins",
            "update_json_counts_every_call",
        ],
    ),
    (DeadlineOpensAnotherPlace, &["all_handles_on_a_place_see_the_same"]),
    (DeletesAnyVersion, &["delete_at_a_version_spares_any_other"]),
    (DeletesNothing, &["delete_removes_the_document", "names_are_kept_byte_for_byte"]),
    (FailsOnAnEmptyPlace, &["an_absent_place_lists_as_empty"]),
    (FindsEverything, &["get_of_an_absent_document_is_none"]),
    (FlattensLines, &["a_corrupt_document_tells_where_but_not_what"]),
    (FoldsCase, &["names_are_kept_byte_for_byte"]),
    (ForgetsDeadlines, &["a_missed_deadline_is_a_timeout"]),
    (IgnoresIfAbsent, &["if_absent_creates_once", "a_conflict_says_where_in_one_line"]),
    (IgnoresIfVersion, &["if_version_replaces_that_version_only", "the_probe_finds_what_the_store_honours"]),
    (IfVersionCreates, &["if_version_does_not_create"]),
    (KeepsOldTails, &["put_replaces_the_whole_document"]),
    (KnowsVersionsByAddress, &["a_version_survives_as_text"]),
    (LeavesTombstones, &["a_deleted_document_can_be_created_again"]),
    (ListsByLetter, &["a_listing_is_in_byte_order"]),
    (ListsDeeply, &["a_listing_holds_one_level_only"]),
    (ListsNoSizes, &["a_listing_tells_sizes_and_versions"]),
    (ListsOnePage, &["a_listing_goes_past_a_thousand_names"]),
    (LocksLeaveDocuments, &["a_lock_is_not_a_document"]),
    (LocksNothing, &["a_lock_excludes_until_it_is_dropped"]),
    (ReadsAnySize, &["a_larger_document_of_another_writer_is_refused"]),
    (ReadsBump, &["a_refused_update_changes_nothing"]),
    (ReadsOnlyAscii, &["get_returns_what_put_stored", "json_comes_back_as_it_was_put"]),
    (ReturnsTheOldVersion, &["update_json_creates_and_changes"]),
    (ScopesForgetDeadlines, &["a_scope_keeps_the_deadline"]),
    (ScopesKeepTheLocation, &["a_scope_says_where_it_is"]),
    (ScopesNothing, &["a_scope_is_a_level_of_its_own"]),
    (SeesAlwaysAChange, &["get_if_changed_tells_absent_unchanged_and_changed"]),
    (SmallLimit, &["a_document_of_the_largest_size_is_kept"]),
    (StopsAtOddEntries, &["what_cannot_be_a_document_is_an_odd_entry"]),
    (SucceedsAtDeletingNothing, &["delete_of_an_absent_document_is_false"]),
    (TrimsBodies, &["get_returns_what_put_stored"]),
    (TruncatesLargeBodies, &["a_larger_document_is_refused_and_changes_nothing"]),
    (VagueConflicts, &["a_conflict_says_where_in_one_line"]),
    (VersionsByLength, &["every_change_changes_the_version"]),
    (WritesInHalves, &["readers_never_see_part_of_a_write", "a_dropped_put_is_all_or_nothing"]),
];
