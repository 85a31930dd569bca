//! Bytes on a connection, for what no HTTP client would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection to a server.
pub struct Raw(TcpStream);

impl Raw {
    /// Connect to `base`, an `http://` URL.
    pub async fn connect(base: &str) -> Self {
        let address = base.split_once("://").unwrap().1;
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Send as much as the server takes: it may close the connection in the middle.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = timeout(Duration::from_secs(10), self.0.write_all(bytes)).await;
    }

    /// The first bytes of an answer, as many as asked for; the rest is left where it is.
    pub async fn first(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        timeout(Duration::from_secs(30), self.0.read_exact(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        bytes
    }

    /// Whether the server still takes bytes.
    pub async fn takes(&mut self, bytes: &[u8]) -> bool {
        matches!(
            timeout(Duration::from_secs(10), self.0.write_all(bytes)).await,
            Ok(Ok(()))
        )
    }

    /// Everything until the server closes the connection, or nothing more has come for the time.
    pub async fn rest(&mut self, quiet: Duration) -> Vec<u8> {
        let mut all = Vec::new();
        let mut part = [0; 4096];
        while let Ok(Ok(count)) = timeout(quiet, self.0.read(&mut part)).await {
            if count == 0 {
                break;
            }
            all.extend_from_slice(&part[..count]);
        }
        all
    }

    /// Whether the server closes the connection within the time.
    pub async fn closes(&mut self, within: Duration) -> bool {
        let mut part = [0; 4096];
        let closed = async {
            loop {
                match self.0.read(&mut part).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        timeout(within, closed).await.is_ok()
    }
}

/// The status of an HTTP/1.1 answer; 0 when there was none.
pub fn status(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
    text.strip_prefix("HTTP/1.1 ")
        .or_else(|| text.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3))
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}
