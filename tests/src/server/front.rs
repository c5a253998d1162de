//! The HTTP side: connections are accepted and numbered, requests logged and handed to the S3 service.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::service::S3Service;
use s3s::{HttpError, HttpResponse};
use tokio::net::TcpListener;

use super::objects::Objects;
use super::request_log::{LoggedRequest, RequestLog};
use super::{Quirk, service};

type Action = Box<dyn FnOnce(&Objects) + Send>;

/// What all connections share.
pub(super) struct Front {
    pub(super) objects: Arc<Objects>,
    pub(super) log: RequestLog,
    service: S3Service,
    actions: Mutex<Vec<(Target, Action)>>,
    connections: AtomicU64,
}

/// The request an action waits for.
#[derive(PartialEq)]
struct Target {
    method: String,
    bucket: String,
    key: String,
}

impl Front {
    pub(super) fn new(quirks: impl IntoIterator<Item = Quirk>, session_token: Option<String>) -> Self {
        let objects = Arc::new(Objects::default());
        Self {
            service: service::build(objects.clone(), quirks.into_iter().collect(), session_token),
            objects,
            log: RequestLog::default(),
            actions: Mutex::default(),
            connections: AtomicU64::new(0),
        }
    }

    pub(super) fn before_next(&self, method: &str, bucket: &str, key: &str, action: Action) {
        let target = Target { method: method.to_owned(), bucket: bucket.to_owned(), key: key.to_owned() };
        self.actions().push((target, action));
    }

    /// Accepts connections until the future is dropped.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            // Answers are small; Nagle's algorithm would hold them back.
            let _ = stream.set_nodelay(true);
            let front = self.clone();
            let connection = self.connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let answer = service_fn(|request| front.answer(connection, request));
                // A client that goes away is its own business.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }

    async fn answer(&self, connection: u64, request: Request<Incoming>) -> Result<HttpResponse, HttpError> {
        let logged = LoggedRequest::new(connection, &request);
        let target = Target { method: logged.method.clone(), bucket: logged.bucket.clone(), key: logged.key.clone() };
        let number = self.log.arrived(logged);
        if let Some(action) = self.take_action(&target) {
            action(&self.objects);
        }
        let mut response = self.service.call(request.map(s3s::Body::from)).await?;
        response.headers_mut().insert("x-amz-request-id", HeaderValue::from(number));
        self.log.answered(number, response.status());
        Ok(response)
    }

    fn take_action(&self, target: &Target) -> Option<Action> {
        let mut actions = self.actions();
        let next = actions.iter().position(|(waits_for, _)| waits_for == target)?;
        Some(actions.remove(next).1)
    }

    fn actions(&self) -> MutexGuard<'_, Vec<(Target, Action)>> {
        self.actions.lock().expect("actions run after the lock is released")
    }
}
