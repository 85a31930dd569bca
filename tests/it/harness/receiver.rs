//! A receiver of webhooks: an HTTP server on loopback that keeps what it gets and answers as it is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A receiver; gone when dropped.
pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This status, with further header lines and this body.
    Answer(u16, String, String),
    /// Nothing, with the connection open.
    Hang,
    /// What this makes of the request: a status and a body.
    By(Handler),
}

/// A status and a body, made of a request.
type Answering = dyn Fn(&Delivered) -> (u16, String) + Send + Sync;

/// What answers requests.
#[derive(Clone)]
pub struct Handler(Arc<Answering>);

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Delivered>>,
    otherwise: Mutex<Option<Reply>>,
    news: Notify,
}

impl Receiver {
    /// One that answers 204 to everything.
    pub async fn start() -> Self {
        Self::on(0).await
    }

    /// The same on this port.
    pub async fn on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let of_connections = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&of_connections)));
            }
        });
        Self {
            port,
            shared,
            serving,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Reply so to every request from now on.
    pub fn always(&self, reply: Reply) {
        *self.shared.otherwise.lock().unwrap() = Some(reply);
    }

    /// All that came.
    pub fn received(&self) -> Vec<Delivered> {
        self.shared.received.lock().unwrap().clone()
    }

    /// All that came, once it is as many.
    pub async fn wait_for(&self, count: usize) -> Vec<Delivered> {
        let enough = async {
            loop {
                let news = self.shared.news.notified();
                let received = self.received();
                if received.len() >= count {
                    return received;
                }
                news.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), enough)
            .await
            .unwrap_or_else(|_| panic!("{count} were to come: {:#?}", self.received()))
    }

    /// What came of this event, once it is as many.
    pub async fn events(&self, event: &str, count: usize) -> Vec<Value> {
        for _ in 0..300 {
            let received = self.received();
            let of_event = received.iter().map(Delivered::json);
            let of_event: Vec<Value> = of_event.filter(|body| body["event"] == event).collect();
            if of_event.len() >= count {
                return of_event;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{count} of {event} were to come: {:#?}", self.received());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::Answer(status, String::new(), String::new())
    }

    pub fn by(answer: impl Fn(&Delivered) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::By(Handler(Arc::new(answer)))
    }
}

impl Delivered {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The time that it was signed at, in seconds.
    pub fn signed_at(&self) -> i64 {
        self.signature("t")[0].parse().unwrap()
    }

    /// How many of its signatures are made with this secret, and how many there are.
    pub fn signed_with(&self, secret: &str) -> (usize, usize) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = format!("{}.{}", self.signed_at(), self.body);
        let tag = hmac::sign(&key, signed.as_bytes());
        let expected = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let signatures = self.signature("v1");
        let right = signatures
            .iter()
            .filter(|other| **other == expected)
            .count();
        (right, signatures.len())
    }

    fn signature(&self, name: &str) -> Vec<String> {
        let parts = self.header("x-credvault-signature").split(',');
        let parts = parts.filter_map(|part| part.split_once('='));
        parts
            .filter(|(part, _)| *part == name)
            .map(|(_, value)| value.to_owned())
            .collect()
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().unwrap())
            });
            break (head.to_owned(), length.unwrap_or(0));
        }
    };
    let begin = head.len() + 4;
    while bytes.len() < begin + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let delivered = Delivered {
        method: first.split(' ').next().unwrap_or_default().to_owned(),
        path: first.split(' ').nth(1).unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: String::from_utf8(bytes[begin..].to_vec()).unwrap(),
    };
    let reply = shared.otherwise.lock().unwrap().clone();
    let reply = match reply.unwrap_or_else(|| Reply::status(204)) {
        Reply::By(Handler(answer)) => {
            let (status, body) = answer(&delivered);
            Reply::Answer(status, String::new(), body)
        }
        reply => reply,
    };
    shared.received.lock().unwrap().push(delivered);
    shared.news.notify_waiters();
    match reply {
        Reply::Answer(status, headers, body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        Reply::Hang | Reply::By(_) => std::future::pending().await,
    }
}
