//! A server that does to each request what a script says, alone or in front of another.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::S3Server;
use super::port::Port;
use super::request_log::{LoggedRequest, RequestLog};

/// One thing that is done about a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Sends what the server behind answered.
    Answer,
    /// Closes the connection.
    Close,
    /// Sends bytes one by one, each after a pause.
    Drip(Bytes, Duration),
    /// Passes the request to the server behind, which answers; the client does not see that yet.
    Forward,
    /// Keeps the request until another one brings it to [`Land`](Self::Land).
    Hold,
    /// Passes what was held to the server behind; nobody sees the answer.
    Land,
    /// Resets the connection.
    Reset,
    /// Sends these bytes.
    Send(Bytes),
    /// Waits until the client gives up.
    Stall,
}

impl Step {
    /// Sends a whole answer, with its length.
    pub fn respond(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut answer = format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n", body.len()).into_bytes();
        for (name, value) in headers {
            answer.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        answer.extend_from_slice(b"\r\n");
        answer.extend_from_slice(body);
        Self::Send(answer.into())
    }
}

/// A running server; dropping it closes the port and every connection.
///
/// Its script says of each request what is done about it, in order. A connection goes on after the last step, so a
/// script without an answer leaves the client waiting.
///
/// ```
/// use cred_conformance::{FaultServer, S3Server, Step};
///
/// // Writes are applied, and nobody hears of it.
/// let s3 = S3Server::start();
/// let server = FaultServer::before(&s3, |request| match request.method.as_str() {
///     "PUT" => vec![Step::Forward, Step::Close],
///     _ => vec![Step::Forward, Step::Answer],
/// });
/// assert_ne!(server.endpoint(), s3.endpoint());
/// ```
pub struct FaultServer {
    port: Port,
    shared: Arc<Shared>,
}

struct Shared {
    behind: Option<SocketAddr>,
    script: Mutex<Script>,
    held: Mutex<Vec<Bytes>>,
    log: RequestLog,
    connections: AtomicU64,
}

type Script = Box<dyn FnMut(&LoggedRequest) -> Vec<Step> + Send>;

impl FaultServer {
    /// Starts a server that has only its script.
    ///
    /// # Panics
    ///
    /// When there is no free port on loopback: no test can go on then.
    pub fn start(script: impl FnMut(&LoggedRequest) -> Vec<Step> + Send + 'static) -> Self {
        Self::open(None, Box::new(script))
    }

    /// Starts a server in front of `server`, to which its script may pass requests.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn before(server: &S3Server, script: impl FnMut(&LoggedRequest) -> Vec<Step> + Send + 'static) -> Self {
        Self::open(Some(server.address()), Box::new(script))
    }

    fn open(behind: Option<SocketAddr>, script: Script) -> Self {
        let shared = Arc::new(Shared {
            behind,
            script: Mutex::new(script),
            held: Mutex::default(),
            log: RequestLog::default(),
            connections: AtomicU64::new(0),
        });
        let serving = shared.clone();
        Self { port: Port::open(|listener| serving.serve(listener)), shared }
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// The requests so far, in order of arrival, without the status of their answers.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.log.requests()
    }
}

impl fmt::Debug for FaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServer").field("address", &self.port.address()).finish_non_exhaustive()
    }
}

impl Shared {
    /// Accepts connections until the future is dropped.
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let shared = self.clone();
            tokio::spawn(async move {
                let number = shared.connections.fetch_add(1, Ordering::Relaxed);
                // A client that goes away is its own business.
                while let Ok(Some(request)) = receive(&mut stream).await {
                    if !matches!(shared.react(number, &mut stream, request).await, Ok(true)) {
                        break;
                    }
                }
            });
        }
    }

    /// Does what the script says of a request; whether the connection goes on.
    async fn react(&self, connection: u64, stream: &mut TcpStream, request: Bytes) -> io::Result<bool> {
        let logged = LoggedRequest::new(connection, &parse(&request)?);
        let steps = (self.script.lock().expect("a script that panicked has failed its test"))(&logged);
        self.log.arrived(logged);
        let mut answer = Bytes::new();
        for step in steps {
            match step {
                Step::Answer => stream.write_all(&answer).await?,
                Step::Close => return Ok(false),
                Step::Drip(bytes, pause) => {
                    for byte in bytes {
                        tokio::time::sleep(pause).await;
                        stream.write_u8(byte).await?;
                    }
                }
                Step::Forward => answer = self.forward(&request).await?,
                Step::Hold => self.held().push(request.clone()),
                Step::Land => {
                    let held = std::mem::take(&mut *self.held());
                    for request in held {
                        self.forward(&request).await?;
                    }
                }
                Step::Reset => {
                    stream.set_zero_linger()?;
                    return Ok(false);
                }
                Step::Send(bytes) => stream.write_all(&bytes).await?,
                Step::Stall => while stream.read(&mut [0; 64]).await? > 0 {},
            }
        }
        Ok(true)
    }

    /// The answer of the server behind.
    async fn forward(&self, request: &[u8]) -> io::Result<Bytes> {
        let behind = self.behind.expect("a script passes requests on only where there is a server behind");
        let mut stream = TcpStream::connect(behind).await?;
        // The end of the answer is the end of the connection. The header is none of those that were signed.
        let line = request.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        stream.write_all(&[&request[..line], b"connection: close\r\n", &request[line..]].concat()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer.into())
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Vec<Bytes>> {
        self.held.lock().expect("nothing panics while the requests are locked")
    }
}

/// The next request as it came over the wire; `None` if the client has no more.
async fn receive(stream: &mut TcpStream) -> io::Result<Option<Bytes>> {
    let mut request = Vec::new();
    loop {
        if let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            let length =
                parse(&request)?.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
            let mut body = vec![0; (head + 4 + length.unwrap_or(0)).saturating_sub(request.len())];
            stream.read_exact(&mut body).await?;
            request.append(&mut body);
            return Ok(Some(request.into()));
        }
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(None);
        }
    }
}

/// The head of a request, which ends at its first empty line.
fn parse(request: &[u8]) -> io::Result<Request<()>> {
    let head = String::from_utf8_lossy(request);
    let mut lines = head.split("\r\n").take_while(|line| !line.is_empty());
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut parsed = Request::builder().method(first.next().unwrap_or_default()).uri(first.next().unwrap_or_default());
    for line in lines {
        if let Some((name, value)) = line.split_once(": ") {
            parsed = parsed.header(name, value);
        }
    }
    parsed.body(()).map_err(io::Error::other)
}
