//! A server that answers what it was told to, and keeps what it was asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

/// It answers as many requests as it has answers, each on a connection of its own.
pub(super) struct Standin {
    pub(super) base: String,
    requests: JoinHandle<Vec<String>>,
}

impl Standin {
    pub(super) fn answering(answers: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::Builder::new().name("standin".to_owned());
        let requests = thread.spawn(move || {
            let answer = |(status, body): (u16, Value)| {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read(&mut stream);
                let body = body.to_string();
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                stream.write_all((head + &body).as_bytes()).unwrap();
                request
            };
            answers.into_iter().map(answer).collect()
        });
        Self {
            base,
            requests: requests.unwrap(),
        }
    }

    /// The requests as they came, once all are answered.
    pub(super) fn requests(self) -> Vec<String> {
        self.requests.join().unwrap()
    }
}

fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).unwrap();
        assert_ne!(count, 0, "the client hung up");
        request.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}
