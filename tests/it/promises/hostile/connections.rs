//! Heads, framings, slow and silent clients, floods of frames.

use std::time::Duration;

use reqwest::Method;

use super::{assert_bounded, is_well, memory};
use crate::harness::Kluis;
use crate::harness::raw::{Raw, status};

/// NT-55: methods, heads and framings that no client sends.
#[tokio::test]
async fn a_hostile_head_is_refused_and_the_connection_closed() {
    let kluis = Kluis::start().await;
    let token = kluis.dev("/tokens/cloudkeep");
    let before = memory(&kluis);
    let host = "Host: x\r\n";
    let post = format!(
        "POST /api/v1/vaults HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    let many_headers: String = (0..5_000)
        .map(|count| format!("X-{count}: y\r\n"))
        .collect();
    let heads: Vec<(&str, Vec<u8>)> = vec![
        ("noise", (0..=255).collect()),
        (
            "a TLS greeting",
            [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3].repeat(50),
        ),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec()),
        (
            "HTTP/9.9",
            format!("GET / HTTP/9.9\r\n{host}\r\n").into_bytes(),
        ),
        (
            "NUL in the path",
            format!("GET /api/v1/\0 HTTP/1.1\r\n{host}\r\n").into_bytes(),
        ),
        (
            "NUL in a header",
            format!("GET / HTTP/1.1\r\n{host}X: a\0b\r\n\r\n").into_bytes(),
        ),
        (
            "a folded header",
            format!("GET / HTTP/1.1\r\n{host}X: a\r\n b\r\n\r\n").into_bytes(),
        ),
        (
            "a space before the colon",
            format!("GET / HTTP/1.1\r\n{host}X : a\r\n\r\n").into_bytes(),
        ),
        (
            "thousands of headers",
            format!("GET / HTTP/1.1\r\n{host}{many_headers}\r\n").into_bytes(),
        ),
        (
            "a header of a megabyte",
            format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes(),
        ),
        (
            "a path of a megabyte",
            format!("GET /{} HTTP/1.1\r\n{host}\r\n", "y".repeat(1 << 20)).into_bytes(),
        ),
        (
            "two lengths",
            format!("{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}").into_bytes(),
        ),
        (
            "a negative length",
            format!("{post}Content-Length: -1\r\n\r\n").into_bytes(),
        ),
        (
            "a length that overflows",
            format!("{post}Content-Length: 99999999999999999999\r\n\r\n").into_bytes(),
        ),
        (
            "a length and chunks",
            format!("{post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                .into_bytes(),
        ),
        (
            "an unknown coding",
            format!("{post}Transfer-Encoding: gzip, identity\r\n\r\n").into_bytes(),
        ),
        (
            "a chunk size that overflows",
            format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n").into_bytes(),
        ),
        (
            "a chunk size that is none",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n").into_bytes(),
        ),
        (
            "CONNECT",
            format!("CONNECT x:443 HTTP/1.1\r\n{host}\r\n").into_bytes(),
        ),
        (
            "TRACE",
            format!("TRACE / HTTP/1.1\r\n{host}\r\n").into_bytes(),
        ),
        (
            "a method of a kilobyte",
            format!("{} / HTTP/1.1\r\n{host}\r\n", "M".repeat(1000)).into_bytes(),
        ),
    ];
    for (what, bytes) in heads {
        let mut connection = Raw::connect(&kluis.base()).await;
        connection.send(&bytes).await;
        let answer = connection.rest(Duration::from_millis(300)).await;
        let status = status(&answer);
        // No answer at all is one, too: there may have been no request.
        assert!(
            status == 0 || (400..500).contains(&status),
            "{what}: {}",
            String::from_utf8_lossy(&answer)
        );
        is_well(&kluis).await;
    }
    let vaults = kluis.owner().get("/api/v1/vaults").await.expect(200).json();
    assert_eq!(
        vaults["data"].as_array().unwrap().len(),
        1,
        "a vault was smuggled in"
    );
    assert_bounded(&kluis, before);
}

/// NT-55: clients that send a byte now and then are cut off, and others do not notice them.
#[tokio::test]
async fn slow_clients_are_cut_off_while_others_are_served() {
    let mut kluis = Kluis::start().await;
    let second = [
        ("KLUIS_LIMITS_HEADER_TIMEOUT_SECONDS", "1"),
        ("KLUIS_LIMITS_REQUEST_TIMEOUT_SECONDS", "1"),
    ];
    kluis.serve(&second).await;
    let token = kluis.dev("/tokens/cloudkeep");
    let before = memory(&kluis);
    let head = "POST /api/v1/vaults HTTP/1.1\r\nHost: x\r\n";
    let body = format!(
        "{head}Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    let mut slow = Vec::new();
    for count in 0..200 {
        let mut connection = Raw::connect(&kluis.base()).await;
        let start = match count % 3 {
            0 => "",
            1 => head,
            _ => &body,
        };
        connection.send(start.as_bytes()).await;
        slow.push(connection);
    }
    for _ in 0..10 {
        is_well(&kluis).await;
    }
    for mut connection in slow {
        assert!(connection.closes(Duration::from_secs(20)).await);
    }
    assert_bounded(&kluis, before);
}

/// Hundreds of connections that ask for nothing leave room for one that does.
#[tokio::test]
async fn many_idle_connections_leave_room_for_others() {
    let kluis = Kluis::start().await;
    let before = memory(&kluis);
    let mut idle = Vec::new();
    for _ in 0..800 {
        idle.push(Raw::connect(&kluis.base()).await);
    }
    is_well(&kluis).await;
    kluis.owner().get("/api/v1/vaults").await.expect(200);
    assert_bounded(&kluis, before);
    drop(idle);
}

/// Handshakes that are cut off, silent or none at all.
#[tokio::test]
async fn a_broken_handshake_harms_nobody() {
    let kluis = Kluis::start_with(&["--tls-self-signed"]).await;
    let before = memory(&kluis);
    // The beginning of a greeting that promises more (RFC 8446 §4.1.2).
    let greeting = [0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3];
    let noise = vec![0xff; 20_000];
    let starts: [&[u8]; 5] = [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &greeting,
        &[0x15, 3, 3, 0, 2, 2, 0],
        &noise,
    ];
    let mut open = Vec::new();
    for count in 0..200 {
        let mut connection = Raw::connect(&kluis.base()).await;
        connection.send(starts[count % starts.len()]).await;
        // Half of them are cut off, half stay and say no more.
        if count % 2 == 0 {
            open.push(connection);
        }
    }
    is_well(&kluis).await;
    kluis.owner().get("/api/v1/vaults").await.expect(200);
    assert_bounded(&kluis, before);
    drop(open);
}

/// NT-55: HTTP/2 frames that cost the sender little.
#[tokio::test]
async fn a_flood_of_frames_is_bounded() {
    let kluis = Kluis::start().await;
    let before = memory(&kluis);
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const CONTINUATION: u8 = 9;
    // `GET /healthz` in static table entries and literals (RFC 7541).
    let request = [&[0x82, 0x86, 0x04, 8][..], b"/healthz", &[0x01, 1, b'x']].concat();
    let odd = |index: u32| index * 2 + 1;
    let floods: Vec<(&str, Vec<u8>)> = vec![
        (
            "pings",
            (0..20_000)
                .flat_map(|_| frame(PING, 0, 0, &[0; 8]))
                .collect(),
        ),
        (
            "settings",
            (0..20_000)
                .flat_map(|_| frame(SETTINGS, 0, 0, &[]))
                .collect(),
        ),
        (
            "empty data",
            (0..20_000).flat_map(|_| frame(0, 0, 1, &[])).collect(),
        ),
        (
            "resets",
            (0..20_000)
                .flat_map(|index| {
                    [
                        frame(HEADERS, 5, odd(index), &request),
                        frame(RESET, 0, odd(index), &[0, 0, 0, 8]),
                    ]
                    .concat()
                })
                .collect(),
        ),
        (
            "continuations",
            [frame(HEADERS, 0, 1, &request)]
                .into_iter()
                .chain((0..2_000).map(|_| frame(CONTINUATION, 0, 1, &[0; 8_000])))
                .flatten()
                .collect(),
        ),
        (
            "a frame that is too long",
            [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1].repeat(10),
        ),
    ];
    for (what, frames) in floods {
        let mut connection = Raw::connect(&kluis.base()).await;
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        connection.send(&frame(SETTINGS, 0, 0, &[])).await;
        connection.send(&frames).await;
        is_well(&kluis).await;
        assert_bounded(&kluis, before);
        drop(connection);
        eprintln!("{what}: {} KiB more", memory(&kluis).saturating_sub(before));
    }
}

/// An HTTP/2 frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// RFC 9112 §3.2: what two readers could read differently is refused.
#[tokio::test]
async fn a_request_that_does_not_say_once_for_whom_it_is_is_refused() {
    let kluis = Kluis::start().await;
    for (hosts, expected) in [
        ("", 400),
        ("Host: a\r\nHost: b\r\n", 400),
        ("Host: a\r\nHost: a\r\n", 400),
        ("Host: a\r\n", 200),
    ] {
        let mut connection = Raw::connect(&kluis.base()).await;
        let request = format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        connection.send(request.as_bytes()).await;
        let answer = connection.rest(Duration::from_secs(2)).await;
        assert_eq!(status(&answer), expected, "{hosts}");
    }
    // A body is taken as it is, or not at all.
    let json = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let body = br#"{"name": "v"}"#.to_vec();
    let owner = kluis.owner();
    owner
        .raw(Method::POST, "/api/v1/vaults", &json, body)
        .await
        .expect(400);
}
