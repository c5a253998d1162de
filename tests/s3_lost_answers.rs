//! Writes and deletions whose answer is lost: what callers are told is what happened.
#![expect(clippy::unwrap_used, reason = "all of it is a test")]

use std::time::Duration;

use cred_conformance::{FaultServer, LoggedRequest, S3Server, Step};
use cred_model::{DocumentStore, Effect, Precondition, StoreError, Version};
use cred_path::DocumentName;
use cred_store_s3::{AwsKeys, S3Store, S3StoreBuilder};
use futures_util::future::join_all;

const KEY: &str = "p/a.json";
/// How long answers that never come are waited for.
const PATIENCE: Duration = Duration::from_millis(400);

fn start() -> S3Server {
    let s3 = S3Server::start();
    s3.objects().create_bucket("acme");
    s3
}

fn builder(s3: &S3Server, endpoint: String) -> S3StoreBuilder {
    let keys = AwsKeys::new(s3.access_key_id(), s3.secret_access_key()).unwrap();
    S3StoreBuilder::new("acme").with_prefix("p").with_endpoint(endpoint).with_credentials(keys)
}

fn store(s3: &S3Server, server: &FaultServer) -> S3Store {
    builder(s3, server.endpoint()).build().unwrap()
}

fn name() -> DocumentName {
    DocumentName::new("a.json").unwrap()
}

/// Does `reactions` to the first requests with this method for the document, and passes all others on.
fn first(method: &'static str, reactions: &[&[Step]]) -> impl FnMut(&LoggedRequest) -> Vec<Step> + Send + 'static {
    let mut reactions: Vec<Vec<Step>> = reactions.iter().rev().map(|steps| steps.to_vec()).collect();
    move |request| {
        let strikes = request.method == method && request.key == KEY;
        strikes.then(|| reactions.pop()).flatten().unwrap_or_else(|| vec![Step::Forward, Step::Answer])
    }
}

fn refusal(status: u16, code: &str) -> Step {
    Step::respond(status, &[], format!("<Error><Code>{code}</Code></Error>"))
}

/// The ways in which an answer is lost or says nothing.
fn endings() -> Vec<Vec<Step>> {
    let cut_off = Step::Send("HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 9\r\n\r\n".into());
    vec![
        vec![Step::Close],
        vec![Step::Reset],
        vec![cut_off, Step::Close],
        vec![refusal(500, "InternalError")],
        vec![refusal(503, "ServiceUnavailable")],
        vec![Step::respond(502, &[], "<html>Bad gateway</html>")],
        vec![Step::respond(200, &[("etag", "\"1\"")], "<html>Welcome</html>")],
        vec![Step::Stall],
    ]
}

/// Sets up a document to be created or replaced while `reactions` happen to the requests that write it, and writes it.
async fn write(s3: &S3Server, replace: bool, reactions: &[&[Step]]) -> (Result<Version, StoreError>, FaultServer) {
    s3.objects().remove("acme", KEY);
    let precondition = if replace {
        s3.objects().put("acme", KEY, "old");
        Precondition::IfVersion(stored(s3))
    } else {
        Precondition::IfAbsent
    };
    s3.take_requests();
    let server = FaultServer::before(s3, first("PUT", reactions));
    let mut builder = builder(s3, server.endpoint());
    if reactions.iter().any(|steps| matches!(steps.last(), Some(Step::Stall))) {
        builder = builder.with_read_timeout(PATIENCE);
    }
    let result = builder.build().unwrap().put(&name(), "new".into(), precondition).await;
    (result, server)
}

/// The version that the server has.
fn stored(s3: &S3Server) -> Version {
    Version::new(format!("\"{}\"", s3.objects().get("acme", KEY).unwrap().etag)).unwrap()
}

/// How the server answered the writes.
fn writes(s3: &S3Server) -> Vec<u16> {
    let writes = s3.take_requests().into_iter().filter(|request| request.method == "PUT");
    writes.map(|request| request.status.unwrap()).collect()
}

#[tokio::test]
async fn a_write_that_landed_is_ours_and_is_sent_once() {
    let s3 = start();
    for ending in endings() {
        for replace in [false, true] {
            let steps = [vec![Step::Forward], ending.clone()].concat();
            let (result, server) = write(&s3, replace, &[&steps]).await;
            assert_eq!(result.unwrap(), stored(&s3), "{ending:?}");
            assert_eq!(writes(&s3), [200], "{ending:?}");
            assert_eq!(server.requests().iter().filter(|request| request.method == "PUT").count(), 1, "{ending:?}");
        }
    }
}

#[tokio::test]
async fn a_write_that_was_lost_is_sent_again() {
    let s3 = start();
    for ending in endings() {
        for replace in [false, true] {
            let (result, _server) = write(&s3, replace, &[&ending]).await;
            assert_eq!(result.unwrap(), stored(&s3), "{ending:?}");
            assert_eq!(writes(&s3), [200], "{ending:?}");
        }
    }
}

#[tokio::test]
async fn a_write_that_was_lost_twice_and_then_landed_unseen_is_ours() {
    let s3 = start();
    for replace in [false, true] {
        let landed = [Step::Forward, Step::Reset];
        let (result, _server) = write(&s3, replace, &[&[Step::Close], &[Step::Reset], &landed]).await;
        assert_eq!(result.unwrap(), stored(&s3));
        assert_eq!(writes(&s3), [200]);
    }
}

#[tokio::test]
async fn a_write_that_lands_late_is_ours_and_is_applied_once() {
    let s3 = start();
    for replace in [false, true] {
        let late = [Step::Land, Step::Forward, Step::Answer];
        let (result, _server) = write(&s3, replace, &[&[Step::Hold, Step::Stall], &late]).await;
        assert_eq!(result.unwrap(), stored(&s3));
        assert_eq!(writes(&s3), [200, 412]);
    }
}

#[tokio::test]
async fn a_refusal_in_passing_is_no_conflict() {
    let s3 = start();
    for (status, code) in [(409, "ConditionalRequestConflict"), (503, "SlowDown"), (429, "")] {
        for replace in [false, true] {
            let (result, _server) = write(&s3, replace, &[&[refusal(status, code)]]).await;
            assert_eq!(result.unwrap(), stored(&s3), "{code}");
            assert_eq!(writes(&s3), [200], "{code}");
        }
    }
}

#[tokio::test]
async fn equal_bytes_of_another_are_a_conflict_also_where_the_refusal_is_lost() {
    let s3 = start();
    for ending in endings().into_iter().filter(|steps| !matches!(steps[..], [Step::Stall])) {
        let theirs = builder(&s3, s3.endpoint()).build().unwrap();
        s3.objects().remove("acme", KEY);
        let steps = [vec![Step::Forward], ending.clone()].concat();
        let server = FaultServer::before(&s3, first("PUT", &[&steps, &steps]));
        let ours = store(&s3, &server);

        let created = theirs.put(&name(), "1".into(), Precondition::IfAbsent).await.unwrap();
        let error = ours.put(&name(), "1".into(), Precondition::IfAbsent).await.unwrap_err();
        assert!(error.is_conflict(), "{ending:?}: {error:?}");

        let replaced = theirs.put(&name(), "2".into(), Precondition::IfVersion(created.clone())).await.unwrap();
        let error = ours.put(&name(), "2".into(), Precondition::IfVersion(created)).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { found: Some(found), .. } if found == replaced), "{ending:?}");
    }
}

#[tokio::test]
async fn a_write_that_was_replaced_before_it_was_seen_is_neither_ours_nor_a_conflict() {
    let s3 = start();
    for replace in [false, true] {
        s3.before_next("GET", "acme", KEY, |objects| objects.put("acme", KEY, "another's"));
        let (result, _server) = write(&s3, replace, &[&[Step::Forward, Step::Close]]).await;
        assert_eq!(result.unwrap_err().effect(), Effect::Unknown);
        assert_eq!(s3.objects().get("acme", KEY).unwrap().body, "another's");
    }
}

/// Writes a document, and deletes it while `steps` are done about the first request for it.
async fn delete(s3: &S3Server, at_version: bool, steps: &[Step]) -> Result<bool, StoreError> {
    s3.objects().put("acme", KEY, "1");
    let version = at_version.then(|| stored(s3));
    let server = FaultServer::before(s3, first("DELETE", &[steps]));
    let mut builder = builder(s3, server.endpoint());
    if matches!(steps.last(), Some(Step::Stall)) {
        builder = builder.with_read_timeout(PATIENCE);
    }
    builder.build().unwrap().delete(&name(), version.as_ref()).await
}

#[tokio::test]
async fn a_deletion_that_landed_is_ours_whatever_becomes_of_its_answer() {
    let s3 = start();
    for ending in endings() {
        for at_version in [false, true] {
            let steps = [vec![Step::Forward], ending.clone()].concat();
            assert!(delete(&s3, at_version, &steps).await.unwrap(), "{ending:?}");
            assert!(s3.objects().get("acme", KEY).is_none(), "{ending:?}");
        }
    }
}

#[tokio::test]
async fn a_deletion_that_was_lost_is_sent_again() {
    let s3 = start();
    for ending in endings() {
        for at_version in [false, true] {
            match delete(&s3, at_version, &ending).await {
                Ok(deleted) => assert!(deleted && s3.objects().get("acme", KEY).is_none(), "{ending:?}"),
                // Whoever answers with a web page is not asked a second time to delete whatever is there.
                Err(error) => {
                    let is_page = format!("{ending:?}").contains("Welcome");
                    assert!(is_page && !at_version && error.effect() == Effect::Unknown, "{ending:?}: {error:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_deletion_whose_name_was_taken_since_is_not_called_a_conflict() {
    let s3 = start();
    s3.objects().put("acme", KEY, "1");
    let version = stored(&s3);
    s3.before_next("DELETE", "acme", KEY, |_| {});
    s3.before_next("DELETE", "acme", KEY, |objects| objects.put("acme", KEY, "another's"));
    let server = FaultServer::before(&s3, first("DELETE", &[&[Step::Forward, Step::Close]]));
    let error = store(&s3, &server).delete(&name(), Some(&version)).await.unwrap_err();
    assert_eq!((error.is_conflict(), error.effect()), (false, Effect::Unknown), "{error:?}");
    assert_eq!(s3.objects().get("acme", KEY).unwrap().body, "another's");
}

#[tokio::test]
async fn of_sixteen_racing_writers_one_wins_and_all_know_though_every_twentieth_answer_is_lost() {
    let s3 = start();
    let mut puts = 0_u32;
    let server = FaultServer::before(&s3, move |request| {
        puts += u32::from(request.method == "PUT");
        let loses = request.method == "PUT" && puts.is_multiple_of(20);
        let end = if puts.is_multiple_of(40) { Step::Reset } else { Step::Close };
        vec![Step::Forward, if loses { end } else { Step::Answer }]
    });
    let writers: Vec<_> = (0..16).map(|_| store(&s3, &server)).collect();
    let mut precondition = Precondition::IfAbsent;
    for round in 0..100 {
        s3.take_requests();
        let tasks = writers.iter().cloned().map(|writer| {
            let precondition = precondition.clone();
            // All write the same bytes, so that nothing but the mark tells them apart.
            tokio::spawn(async move { writer.put(&name(), format!("{round}").into(), precondition).await })
        });
        let (mut won, mut lost) = (Vec::new(), 0);
        for result in join_all(tasks).await {
            match result.unwrap() {
                Ok(version) => won.push(version),
                Err(error) if error.is_conflict() => lost += 1,
                Err(error) => panic!("round {round}: {error:?}"),
            }
        }
        assert_eq!((&won[..], lost), (&[stored(&s3)][..], 15), "round {round}");
        assert_eq!(writes(&s3).iter().filter(|status| **status == 200).count(), 1, "round {round}");
        precondition = if round % 2 == 0 { Precondition::IfVersion(won.remove(0)) } else { Precondition::IfAbsent };
        if precondition == Precondition::IfAbsent {
            s3.objects().remove("acme", KEY);
        }
    }
}
