//! Operator commands, as they go over the socket in the data directory (RULES §8).

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::Kluis;

impl Kluis {
    /// One command; gives its answer.
    pub async fn operate(&self, command: Value) -> Value {
        let path = self.data_dir().join("kluis.sock");
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream
            .write_all(format!("{command}\n").as_bytes())
            .await
            .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Move the server's clock forward; it must have been started with `--test-clock`.
    pub async fn advance_clock(&self, seconds: u64) {
        let command = json!({"command": "advance-clock", "seconds": seconds});
        let answer = self.operate(command).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }
}
