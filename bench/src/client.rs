//! A small HTTP/1.1 client: one keep-alive connection, one request at a time.
//!
//! Own, because the load generator shares two cores with the server it measures: a general client would cost as much
//! as the server does.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::redact::redact;

/// A request and what its answer must look like.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The whole request, head and body, ready for the wire.
    pub(crate) request: Vec<u8>,
    /// The status that the answer must have.
    pub(crate) status: u16,
    /// Bytes that the answer's body must hold.
    pub(crate) marker: Vec<u8>,
}

impl Exchange {
    /// A request without a body.
    pub(crate) fn get(path: &str, authorization: &str, marker: &str) -> Self {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: {authorization}\r\n\r\n");
        Self {
            request: request.into_bytes(),
            status: 200,
            marker: marker.as_bytes().to_vec(),
        }
    }

    /// A request with a JSON body, answered by `status`.
    pub(crate) fn send(
        method: &str,
        path: &str,
        authorization: &str,
        body: &str,
        status: u16,
        marker: &str,
    ) -> Self {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: {authorization}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self {
            request: request.into_bytes(),
            status,
            marker: marker.as_bytes().to_vec(),
        }
    }
}

impl Exchange {
    /// The same with its credential in the header that Inkbox's API reads.
    pub(crate) fn with_key_header(mut self) -> Self {
        const FROM: &[u8] = b"\r\nauthorization: ";
        if let Some(start) = memmem::find(&self.request, FROM) {
            let place = start..start + FROM.len();
            self.request.splice(place, *b"\r\nx-api-key: ");
        }
        self
    }
}

/// One connection to a server on loopback.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Bytes of the answer being read; all of it once [`Connection::exchange`] returns.
    input: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: Vec::with_capacity(READ_SIZE),
        })
    }

    /// Sends the request, reads the answer and checks it. Returns the answer's body.
    ///
    /// An answer that is not the expected one is an error which shows its status and the beginning of its body.
    pub(crate) async fn exchange(&mut self, exchange: &Exchange) -> Result<&[u8]> {
        let (status, body) = self.round_trip(&exchange.request).await?;
        if status != exchange.status || memmem::find(body, &exchange.marker).is_none() {
            let line = exchange
                .request
                .split(|byte| *byte == b'\r')
                .next()
                .unwrap_or_default();
            let shown = body.get(..SHOWN_BODY).unwrap_or(body);
            bail!(
                "{}: expected {} and a body with {:?}, got {status} and {}",
                String::from_utf8_lossy(line),
                exchange.status,
                String::from_utf8_lossy(&exchange.marker),
                redact(&String::from_utf8_lossy(shown)),
            );
        }
        Ok(body)
    }

    /// Sends bytes and reads one answer: its status and body.
    pub(crate) async fn round_trip(&mut self, request: &[u8]) -> Result<(u16, &[u8])> {
        self.stream
            .write_all(request)
            .await
            .context("sending a request")?;
        self.input.clear();
        let head = loop {
            self.read_more().await?;
            if let Some(head) = Head::parse(&self.input)? {
                break head;
            }
        };
        let end = head.length + head.body_length;
        while self.input.len() < end {
            self.read_more().await?;
        }
        if self.input.len() > end {
            bail!(
                "the server sent {} bytes beyond the end of its answer",
                self.input.len() - end
            );
        }
        Ok((
            head.status,
            self.input.get(head.length..end).unwrap_or_default(),
        ))
    }

    async fn read_more(&mut self) -> Result<()> {
        self.input.reserve(READ_SIZE);
        if self
            .stream
            .read_buf(&mut self.input)
            .await
            .context("reading an answer")?
            == 0
        {
            bail!("the server closed the connection in the middle of an answer");
        }
        if self.input.len() > MAXIMUM_ANSWER {
            bail!("the answer is longer than {MAXIMUM_ANSWER} bytes");
        }
        Ok(())
    }
}

/// What the head of an answer says.
#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    /// Bytes of the head itself.
    length: usize,
    body_length: usize,
}

impl Head {
    /// Reads a head, `None` when it is not complete yet.
    fn parse(input: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response
            .parse(input)
            .context("the answer is not HTTP/1.1")?
        else {
            return Ok(None);
        };
        let status = response.code.context("the answer has no status")?;
        let stated = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let body_length = match stated {
            Some(header) => std::str::from_utf8(header.value)?
                .trim()
                .parse()
                .context("Content-Length is no number")?,
            None if status == 204 => 0,
            None => bail!("the answer ({status}) has no Content-Length"),
        };
        Ok(Some(Self {
            status,
            length,
            body_length,
        }))
    }
}

/// Room made for one read call: an answer of a hundred values fits.
const READ_SIZE: usize = 64 * 1024;

/// No answer that is asked for here is longer; a server that sends more is broken.
const MAXIMUM_ANSWER: usize = 16 * 1024 * 1024;

/// Bytes of an unexpected body that an error shows.
const SHOWN_BODY: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-LENGTH: 12\r\n\r\n{\"data\":{}}\n";
        let head = Head {
            status: 201,
            length: 44,
            body_length: 12,
        };
        assert_eq!(Head::parse(answer).expect("valid"), Some(head));
        for end in 0..44 {
            assert_eq!(
                Head::parse(answer.get(..end).expect("a beginning")).expect("a valid beginning"),
                None
            );
        }
    }

    #[test]
    fn only_204_may_leave_its_length_out() {
        let none = Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n")
            .expect("valid")
            .expect("whole");
        assert_eq!((none.status, none.body_length), (204, 0));
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n").is_err());
        assert!(Head::parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
    }

    #[test]
    fn a_request_states_the_length_of_its_body() {
        let exchange = Exchange::send("POST", "/x", "Bearer t", "{\"é\":1}", 201, "id");
        let text = String::from_utf8(exchange.request).expect("UTF-8");
        assert!(
            text.starts_with("POST /x HTTP/1.1\r\n") && text.contains("content-length: 8\r\n\r\n{")
        );
    }
}
