//! Sixteen processes at one document: of the writers at one version one wins, and no addition is lost

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod contender;
mod minio;

use cred_model::{DocumentStoreExt, Precondition};

use contender::{Contender, Place};

const PROCESSES: usize = 16;
const ROUNDS: usize = 50;
/// Of each process.
const ADDITIONS: usize = 25;

#[test]
fn of_the_writers_at_one_version_one_wins_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    one_wins_each_round(&Place::directory(directory.path()));
}

#[test]
#[ignore = "needs MinIO"]
fn of_the_writers_at_one_version_one_wins_on_minio() {
    one_wins_each_round(&Place::minio());
}

#[test]
fn every_addition_counts_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    every_addition_counts(&Place::directory(directory.path()));
}

#[test]
#[ignore = "needs MinIO"]
fn every_addition_counts_on_minio() {
    every_addition_counts(&Place::minio());
}

#[cfg(feature = "servers")]
#[test]
fn every_addition_counts_on_the_embedded_server() {
    let server = cred_conformance::S3Server::start();
    server.objects().create_bucket("counters");
    every_addition_counts(&Place::s3("s3://counters/", server.variables()));
}

/// The door of all contenders too: each is this program, running this test alone.
#[test]
fn a_contender_leaves_when_its_race_is_over() {
    if let Some(store) = contender::store_of_this_process() {
        return contender::contend(&*store);
    }
    let directory = tempfile::tempdir().unwrap();
    enter(&Place::directory(directory.path())).leave();
}

fn enter(place: &Place) -> Contender {
    Contender::enter(place, "a_contender_leaves_when_its_race_is_over")
}

fn one_wins_each_round(place: &Place) {
    let (store, name, runtime) = (place.store(), contender::document(), contender::runtime());
    let mut contenders: Vec<_> = (0..PROCESSES).map(|_| enter(place)).collect();
    let mut version = runtime.block_on(store.put(&name, "start".into(), Precondition::IfAbsent)).unwrap();
    for round in 0..ROUNDS {
        let body = |number| format!("{number} in round {round}");
        for (number, contender) in contenders.iter_mut().enumerate() {
            contender.tell(&format!("write|{}|{version}", body(number)));
        }
        let answers: Vec<_> = contenders.iter_mut().map(Contender::answer).collect();

        let winner = answers.iter().position(|answer| answer.starts_with("won|"));
        let winner = winner.unwrap_or_else(|| panic!("nobody won round {round}: {answers:?}"));
        let conflicts = answers.iter().filter(|answer| *answer == "conflict").count();
        assert_eq!(conflicts, PROCESSES - 1, "round {round}: {answers:?}");
        let document = runtime.block_on(store.get(&name)).unwrap().unwrap();
        assert_eq!(document.body, body(winner), "round {round}: {answers:?}");
        assert_eq!(answers[winner], format!("won|{}", document.version), "round {round}");
        version = document.version;
    }
    contenders.into_iter().for_each(Contender::leave);
}

fn every_addition_counts(place: &Place) {
    let mut contenders: Vec<_> = (0..PROCESSES).map(|_| enter(place)).collect();
    for contender in &mut contenders {
        contender.tell(&format!("add|{ADDITIONS}"));
    }
    let sums = contenders.iter_mut().flat_map(|contender| {
        let answer = contender.answer();
        let sums: Result<Vec<usize>, _> = answer.split(' ').map(str::parse).collect();
        sums.unwrap_or_else(|_| panic!("{answer}"))
    });
    let mut sums: Vec<_> = sums.collect();
    sums.sort_unstable();
    assert!(sums.iter().copied().eq(1..=PROCESSES * ADDITIONS), "{sums:?}");
    let count = contender::runtime().block_on(place.store().get_json(&contender::document())).unwrap();
    assert_eq!(count.map(|read| read.value), Some(PROCESSES * ADDITIONS));
    contenders.into_iter().for_each(Contender::leave);
}
