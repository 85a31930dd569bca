//! NT-53: no spelling, no answer of a name server and no redirect leads a call where it may not go.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Mutex;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const LOOPBACK: Reach = Reach {
    private: false,
    loopback: true,
};
const METADATA: &str = "169.254.169.254";

/// A resolver that gives one answer after the other.
#[derive(Default)]
struct Scripted(Mutex<VecDeque<Vec<IpAddr>>>);

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers
            .iter()
            .map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
        Arc::new(Self(Mutex::new(answers.collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Resolver for Scripted {
    fn lookup(&self, _: String) -> Addresses {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { next.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A server that gives each connection the same bytes, until the test ends; what it was asked.
async fn server(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&seen);
    crate::blocking::background(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let read = socket.read(&mut head).await.unwrap();
            heads
                .lock()
                .unwrap()
                .push(String::from_utf8_lossy(&head[..read]).into_owned());
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (port, seen)
}

async fn get(outbound: &Outbound, text: &str) -> Result<Answer, Failed> {
    let call = Call {
        method: Method::GET,
        url: &Url::parse(text).unwrap(),
        headers: &[("x-test", "yes".to_owned())],
        body: Vec::new(),
        keep: 8,
    };
    outbound.call(call).await
}

#[tokio::test]
async fn a_name_that_moves_between_check_and_connection_leads_nowhere_new() {
    let (port, seen) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let script = Scripted::new(&[&["127.0.0.1"], &[METADATA], &["127.0.0.1", METADATA]]);
    let outbound = Outbound::with(LOOPBACK, script.clone(), TIMEOUT);
    let url = format!("http://receiver.example:{port}/hook");
    let answer = get(&outbound, &url).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
    // The first call asked once, for both its check and its connection.
    assert_eq!(script.left(), 2);
    assert_eq!(get(&outbound, &url).await.unwrap_err(), Failed::Forbidden);
    // One forbidden address among others refuses them all.
    assert_eq!(get(&outbound, &url).await.unwrap_err(), Failed::Forbidden);
    assert_eq!(get(&outbound, &url).await.unwrap_err(), Failed::Unresolved);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("GET /hook HTTP/1.1\r\n") && seen[0].contains("x-test: yes"));
}

#[tokio::test]
async fn addresses_for_other_protocols_are_judged_alike() {
    let script = Scripted::new(&[&["127.0.0.1", "::1"], &["10.0.0.1"], &[]]);
    let outbound = Outbound::with(LOOPBACK, script, TIMEOUT);
    let found = outbound.addresses("db.example", 5432).await.unwrap();
    let expected: [SocketAddr; 2] = [([127, 0, 0, 1], 5432).into(), "[::1]:5432".parse().unwrap()];
    assert_eq!(found, expected);
    let mut refused = Vec::new();
    for host in [
        "db.example",
        "db.example",
        "",
        METADATA,
        "[::ffff:a9fe:a9fe]",
    ] {
        refused.push(outbound.addresses(host, 5432).await.unwrap_err());
    }
    let expected = [
        Failed::Forbidden,
        Failed::Unresolved,
        Failed::Unresolved,
        Failed::Forbidden,
        Failed::Forbidden,
    ];
    assert_eq!(refused, expected);
    // What the system's resolver takes for an address is judged as one.
    let outbound = Outbound::new(Reach::default());
    for host in ["0x7f.1", "2130706433", "0177.0.0.1", "localhost", "127.1"] {
        let judged = outbound.addresses(host, 1).await.unwrap_err();
        assert!(
            matches!(judged, Failed::Forbidden | Failed::Unresolved),
            "{host}: {judged}"
        );
    }
    assert_eq!(
        outbound.addresses("localhost", 1).await,
        Err(Failed::Forbidden)
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_a_way() {
    let (target, visited) = server("HTTP/1.1 200 OK\r\n\r\n").await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{target}/\r\ncontent-length: 0\r\n\r\n"
    );
    let (port, _) = server(redirect.leak()).await;
    let outbound = Outbound::new(LOOPBACK);
    let answer = get(&outbound, &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(answer.unwrap().status, 307);
    assert!(visited.lock().unwrap().is_empty());
}

#[tokio::test]
async fn of_an_answer_without_end_only_the_first_bytes_are_read() {
    let (port, _) = server("HTTP/1.1 200 OK\r\n\r\n0123456789abcdef").await;
    let answer = get(
        &Outbound::new(LOOPBACK),
        &format!("http://127.0.0.1:{port}/"),
    )
    .await;
    assert_eq!(answer.unwrap().body, b"01234567");
}

#[tokio::test]
async fn whoever_does_not_answer_is_left() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let short = Duration::from_millis(50);
    let outbound = Outbound::with(LOOPBACK, Arc::new(SystemResolver), short);
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(get(&outbound, &url).await.unwrap_err(), Failed::TimedOut);
    drop(silent);
    let outbound = Outbound::new(LOOPBACK);
    assert_eq!(get(&outbound, &url).await.unwrap_err(), Failed::Unreachable);
}

#[tokio::test]
async fn a_forbidden_address_is_refused_at_the_call_whatever_the_url_was_read_with() {
    let outbound = Outbound::new(Reach::default());
    for host in [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        METADATA,
        "0.0.0.0",
        "2852039166",
    ] {
        let refused = get(&outbound, &format!("http://{host}:9/"))
            .await
            .unwrap_err();
        assert_eq!(refused, Failed::Forbidden, "{host}");
    }
}

#[test]
fn urls_that_hide_something_are_refused() {
    let read = |text: &str| url(text, Reach::default()).map(|url| url.to_string());
    assert_eq!(
        read("https://a.example/x?y=z").unwrap(),
        "https://a.example/x?y=z"
    );
    assert_eq!(
        read("http://10.1.2.3:8080").unwrap(),
        "http://10.1.2.3:8080/"
    );
    for text in [
        "",
        "a.example",
        "ftp://a.example/",
        "file:///etc/passwd",
        "https://user@a.example/",
        "https://:word@a.example/",
        "https://a.example/#x",
        "http:a.example",
        "http:///a.example",
        "http://a\\@b.example/",
        "http://a.example:0/",
        "https:/a.example/",
        " https://a.example/",
        "https://a.example/\n",
        "https://a\t.example/",
        "http://[fe80::1%25eth0]/",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(read(&format!("https://a.example/{}", "x".repeat(2_048))).is_err());
    let strict = Reach {
        private: false,
        loopback: false,
    };
    assert!(url("http://10.1.2.3:8080", strict).is_err());
}

proptest! {
    #[test]
    fn a_forbidden_ipv4_address_is_refused_in_every_way_to_write_it(last in any::<[u8; 3]>()) {
        let [b, c, d] = last;
        let low = u32::from_be_bytes([0, b, c, d]);
        for text in [
            format!("127.{b}.{c}.{d}"),
            format!("0x7f.{b}.{c}.{d}"),
            format!("0177.{b}.0{c:o}.0x{d:x}"),
            format!("127.{low}"),
            format!("127.{b}.{}", (u32::from(c) << 8) | u32::from(d)),
            format!("{}", 0x7f00_0000 | low),
            format!("0x{:x}", 0x7f00_0000 | low),
            format!("0{:o}", 0x7f00_0000 | low),
            format!("[::ffff:127.{b}.{c}.{d}]"),
            format!("[64:ff9b::127.{b}.{c}.{d}]"),
            format!("127.{b}.{c}.{d}."),
            format!("１２７.{b}.{c}.{d}"),
        ] {
            let written = format!("http://{text}/");
            prop_assert_eq!(
                url(&written, Reach::default()),
                Err("must not lead to such an address"),
                "{}", written
            );
        }
    }
}
