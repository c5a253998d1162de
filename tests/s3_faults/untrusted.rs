//! A server whose certificate nobody signed but itself.
//!
//! It was made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500
//! -subj "/CN=nobody trusts this" -addext "subjectAltName=IP:127.0.0.1"`.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use tokio::net::TcpListener;

/// Starts it, for as long as the runtime lives; where it listens.
pub(crate) async fn start() -> String {
    let certificate = CertificateDer::from(&include_bytes!("certificate.der")[..]);
    let key = PrivatePkcs8KeyDer::from(&include_bytes!("key.der")[..]);
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key.into()).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = stream.into_std().unwrap();
            let mut tls = ServerConnection::new(config.clone()).unwrap();
            tokio::task::spawn_blocking(move || {
                stream.set_nonblocking(false).unwrap();
                // The client is to break it off.
                tls.complete_io(&mut stream).unwrap_err()
            });
        }
    });
    endpoint
}
