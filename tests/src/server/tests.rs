//! The server seen through an independent client.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpConnector, HttpRequestBody, ReqwestConnector};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ClientOptions, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, UpdateVersion,
};

use super::{Quirk, S3Server, S3ServerBuilder};

const BUCKET: &str = "bucket";

fn start(builder: S3ServerBuilder) -> S3Server {
    let server = builder.start();
    server.objects().create_bucket(BUCKET);
    server
}

fn settings(server: &S3Server) -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_allow_http(true)
        .with_region(server.region())
        .with_bucket_name(BUCKET)
        .with_access_key_id(server.access_key_id())
        .with_secret_access_key(server.secret_access_key())
        .with_disable_bulk_delete(true)
}

fn client(server: &S3Server) -> AmazonS3 {
    settings(server).build().unwrap()
}

async fn put(client: &AmazonS3, key: &Path, body: &'static str, mode: PutMode) -> object_store::Result<UpdateVersion> {
    client.put_opts(key, PutPayload::from_static(body.as_bytes()), mode.into()).await.map(Into::into)
}

fn key() -> Path {
    Path::parse("p/ada.json").unwrap()
}

#[tokio::test]
async fn what_was_put_is_what_get_returns() {
    let server = start(S3Server::builder());
    let attributes = Attributes::from_iter([
        (Attribute::ContentType, "application/json"),
        (Attribute::Metadata("writeid".into()), "17"),
    ]);
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    client(&server).put_opts(&key(), "{}".into(), options).await.unwrap();

    let got = client(&server).get(&key()).await.unwrap();
    assert_eq!(got.attributes, attributes);
    // MD5 of `{}`: AWS documents it as the ETag of what it encrypts with its own keys.
    assert_eq!(got.meta.e_tag.as_deref(), Some("\"99914b932bd37a50b983c5e7c90ae93b\""));
    assert_eq!(got.bytes().await.unwrap(), "{}");
    assert_eq!(server.objects().get(BUCKET, "p/ada.json").unwrap().encryption.as_deref(), Some("AES256"));
}

#[tokio::test]
async fn conditions_on_put_hold() {
    let server = start(S3Server::builder());
    let client = client(&server);
    let stale = UpdateVersion { e_tag: Some("\"0\"".into()), version: None };
    assert!(matches!(put(&client, &key(), "0", PutMode::Update(stale)).await, Err(Error::Precondition { .. })));
    assert_eq!(server.take_requests()[0].status, Some(404));

    let first = put(&client, &key(), "1", PutMode::Create).await.unwrap();
    assert!(matches!(put(&client, &key(), "2", PutMode::Create).await, Err(Error::AlreadyExists { .. })));
    put(&client, &key(), "3", PutMode::Update(first.clone())).await.unwrap();
    assert!(matches!(put(&client, &key(), "4", PutMode::Update(first)).await, Err(Error::Precondition { .. })));
    assert_eq!(server.objects().get(BUCKET, "p/ada.json").unwrap().body, "3");

    let odd = start(S3Server::builder().with_quirk(Quirk::IgnoresPutConditions));
    odd.objects().put(BUCKET, "p/ada.json", "old");
    put(&self::client(&odd), &key(), "5", PutMode::Create).await.unwrap();
    assert_eq!(odd.objects().get(BUCKET, "p/ada.json").unwrap().body, "5");
}

/// object_store has no conditional DELETE: the request is made by hand and signed with its signer.
async fn delete_if_match(server: &S3Server, etag: &str) -> u16 {
    let mut request = http::Request::delete(format!("{}/{BUCKET}/p/ada.json", server.endpoint()))
        .header("if-match", etag)
        .body(HttpRequestBody::empty())
        .unwrap();
    let credential = AwsCredential {
        key_id: server.access_key_id().into(),
        secret_key: server.secret_access_key().into(),
        token: None,
    };
    AwsAuthorizer::new(&credential, "s3", server.region()).try_authorize(&mut request, None).unwrap();
    let client = ReqwestConnector::default().connect(&ClientOptions::new().with_allow_http(true)).unwrap();
    client.execute(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn conditions_on_delete_hold() {
    let server = start(S3Server::builder());
    assert_eq!(delete_if_match(&server, "\"0\"").await, 404);
    let first = put(&client(&server), &key(), "1", PutMode::Create).await.unwrap().e_tag.unwrap();
    assert_eq!(delete_if_match(&server, "\"0\"").await, 412);
    assert_eq!(delete_if_match(&server, &first).await, 204);
    assert!(server.objects().keys(BUCKET).is_empty());

    let odd = start(S3Server::builder().with_quirk(Quirk::IgnoresDeleteCondition));
    odd.objects().put(BUCKET, "p/ada.json", "old");
    assert_eq!(delete_if_match(&odd, "\"0\"").await, 204);
    assert!(odd.objects().keys(BUCKET).is_empty());
}

#[tokio::test]
async fn of_sixteen_racing_writers_exactly_one_wins() {
    let server = start(S3Server::builder());
    let clients: Arc<Vec<_>> = Arc::new((0..16).map(|_| client(&server)).collect());
    let mut mode = PutMode::Create;
    for round in 0..20 {
        let writers: Vec<_> = (0..16)
            .map(|writer| {
                let (clients, mode) = (clients.clone(), mode.clone());
                tokio::spawn(async move {
                    let body = format!("{round} {writer}");
                    clients[writer].put_opts(&key(), body.into(), mode.into()).await.ok()
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            winners.extend(writer.await.unwrap());
        }
        assert_eq!(winners.len(), 1, "round {round}");
        mode = PutMode::Update(winners.remove(0).into());
    }
}

#[tokio::test]
async fn a_read_of_what_is_known_already_has_no_body() {
    let server = start(S3Server::builder());
    server.objects().put(BUCKET, "p/ada.json", "{}");
    let etag = client(&server).head(&key()).await.unwrap().e_tag;
    let unchanged = GetOptions::new().with_if_none_match(etag);
    assert!(matches!(client(&server).get_opts(&key(), unchanged).await, Err(Error::NotModified { .. })));
}

#[tokio::test]
async fn missing_keys_and_missing_buckets_differ() {
    let server = start(S3Server::builder());
    let error = client(&server).get(&key()).await.unwrap_err();
    assert!(error.to_string().contains("NoSuchKey"), "{error}");
    client(&server).delete(&key()).await.unwrap();

    let elsewhere = settings(&server).with_bucket_name("elsewhere").build().unwrap();
    for error in [
        elsewhere.get(&key()).await.unwrap_err(),
        elsewhere.put(&key(), "{}".into()).await.unwrap_err(),
        elsewhere.delete(&key()).await.unwrap_err(),
        elsewhere.list(None).try_next().await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("NoSuchBucket"), "{error}");
    }
}

#[tokio::test]
async fn a_listing_comes_in_pages_and_in_byte_order() {
    let server = start(S3Server::builder());
    let keys: Vec<_> = (0..2500).map(|n| format!("p/{n:04}.json")).collect();
    for key in &keys {
        server.objects().put(BUCKET, key, "{}");
    }
    server.objects().put(BUCKET, "p/.locks/a", "");
    server.objects().put(BUCKET, "p/.locks/b", "");
    server.objects().put(BUCKET, "q/other.json", "{}");

    let (mut listed, mut folders, mut token) = (Vec::new(), Vec::new(), None);
    loop {
        let options =
            PaginatedListOptions { delimiter: Some("/".into()), page_token: token, ..PaginatedListOptions::default() };
        let page = client(&server).list_paginated(Some("p/"), options).await.unwrap();
        listed.extend(page.result.objects.into_iter().map(|object| object.location.to_string()));
        folders.extend(page.result.common_prefixes);
        token = page.page_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(listed, keys);
    assert_eq!(folders, [Path::parse("p/.locks").unwrap()]);
    assert_eq!(server.take_requests().len(), 3);

    let offset = Path::parse("p/2497.json").unwrap();
    let rest: Vec<_> =
        client(&server).list_with_offset(Some(&Path::parse("p").unwrap()), &offset).try_collect().await.unwrap();
    assert_eq!(rest.len(), 2);
}

#[tokio::test]
async fn who_signs_wrongly_is_refused() {
    let server = start(S3Server::builder());
    let with_token = start(S3Server::builder().with_session_token("session"));
    let cases = [
        (settings(&server).with_secret_access_key("wrong"), "SignatureDoesNotMatch"),
        (settings(&server).with_access_key_id("AKIASTRANGER"), "InvalidAccessKeyId"),
        (settings(&server).with_token("made up"), "InvalidToken"),
        (settings(&server).with_skip_signature(true), "AccessDenied"),
        (settings(&with_token), "InvalidToken"),
    ];
    for (settings, code) in cases {
        let error = settings.build().unwrap().put(&key(), "{}".into()).await.unwrap_err();
        assert!(error.to_string().contains(code), "{code}: {error}");
    }
    assert!(server.objects().keys(BUCKET).is_empty());
    settings(&with_token).with_token("session").build().unwrap().put(&key(), "{}".into()).await.unwrap();
}

#[tokio::test]
async fn encryption_is_what_was_asked_for() {
    let asks = |server: &S3Server, kind: &str| {
        settings(server).with_config("aws_server_side_encryption".parse().unwrap(), kind).build().unwrap()
    };
    let server = start(S3Server::builder());
    let kms = asks(&server, "aws:kms");
    let first = put(&kms, &key(), "{}", PutMode::Overwrite).await.unwrap();
    let second = put(&kms, &key(), "{}", PutMode::Overwrite).await.unwrap();
    assert_ne!(first.e_tag, second.e_tag);
    assert_eq!(server.objects().get(BUCKET, "p/ada.json").unwrap().encryption.as_deref(), Some("aws:kms"));
    assert_eq!(server.requests()[0].headers["x-amz-server-side-encryption"], "aws:kms");

    let forgetful = start(S3Server::builder().with_quirk(Quirk::IgnoresEncryption));
    put(&asks(&forgetful, "AES256"), &key(), "{}", PutMode::Overwrite).await.unwrap();
    assert_eq!(forgetful.objects().get(BUCKET, "p/ada.json").unwrap().encryption, None);

    let without = start(S3Server::builder().with_quirk(Quirk::WithoutKms));
    let error = put(&asks(&without, "AES256"), &key(), "{}", PutMode::Overwrite).await.unwrap_err();
    assert!(error.to_string().contains("NotImplemented"), "{error}");
    put(&client(&without), &key(), "{}", PutMode::Overwrite).await.unwrap();
}

#[tokio::test]
async fn another_writer_can_be_put_between_two_requests() {
    let server = start(S3Server::builder());
    let client = client(&server);
    let seen = put(&client, &key(), "ours", PutMode::Create).await.unwrap();
    server.before_next("PUT", BUCKET, "p/ada.json", |objects| objects.put(BUCKET, "p/ada.json", "theirs"));
    assert!(matches!(
        put(&client, &key(), "new", PutMode::Update(seen.clone())).await,
        Err(Error::Precondition { .. })
    ));
    // Once only: the next write meets nobody.
    put(&client, &key(), "newer", PutMode::Overwrite).await.unwrap();
    assert_eq!(server.objects().get(BUCKET, "p/ada.json").unwrap().body, "newer");
}

#[tokio::test]
async fn the_log_tells_who_asked_for_what() {
    let server = start(S3Server::builder());
    let client = client(&server);
    let odd = Path::parse("ü %2B+.json").unwrap();
    put(&client, &odd, "{}", PutMode::Create).await.unwrap();
    client.get(&odd).await.unwrap();

    let requests = server.take_requests();
    let told: Vec<_> =
        requests.iter().map(|request| (request.operation, request.key.as_str(), request.status)).collect();
    assert_eq!(told, [("PutObject", "ü %2B+.json", Some(200)), ("GetObject", "ü %2B+.json", Some(200))]);
    assert_eq!(requests[0].headers["if-none-match"], "*");
    assert!(requests.iter().all(|request| request.connection == 0 && request.bucket == BUCKET));
    assert!(!format!("{requests:?}").contains("Signature"));
    assert_eq!(server.objects().keys(BUCKET), ["ü %2B+.json"]);
    assert!(server.take_requests().is_empty());
}

#[tokio::test]
async fn a_dropped_server_no_longer_answers() {
    let server = start(S3Server::builder());
    let client = settings(&server)
        .with_retry(object_store::RetryConfig { max_retries: 0, ..Default::default() })
        .build()
        .unwrap();
    client.put(&key(), PutPayload::from(Bytes::from("{}"))).await.unwrap();
    drop(server);
    assert!(client.get(&key()).await.is_err());
}
