//! Bodies: JSON that is costly to a careless reader, and bodies without end.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::{assert_bounded, is_well, memory};
use crate::cloudkeep::vaults::vault;
use crate::harness::Kluis;
use crate::harness::raw::{Raw, status};

/// NT-55, NT-60: the error that the contract gives, whatever the bytes.
#[tokio::test]
async fn a_hostile_body_is_a_bad_request_and_stores_nothing() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let path = format!("/api/v1/vaults/{}/secrets", vault(&owner, "v").await);
    owner
        .post(&path, json!({"key": "warm", "value": "up"}))
        .await
        .expect(201);
    let before = memory(&kluis);
    for (what, body) in bodies() {
        let started = Instant::now();
        let json = [("content-type", "application/json")];
        let answer = owner.raw(Method::POST, &path, &json, body).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.string());
        assert_eq!(answer.text("/error/code"), "BAD_REQUEST", "{what}");
        assert!(started.elapsed() < Duration::from_secs(5), "{what}");
        is_well(&kluis).await;
    }
    let list = owner.get(&path).await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_bounded(&kluis, before);
}

/// A connection that is closed with bytes unread loses the answer that is on its way.
#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let kluis = Kluis::start().await;
    let json = [("content-type", "application/json")];
    let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(3 << 20)).into_bytes();
    for _ in 0..20 {
        let (nobody, owner) = (kluis.anonymous(), kluis.owner());
        for (api, method, path, status) in [
            (&nobody, Method::GET, "/api-docs/openapi.json", 200),
            (&nobody, Method::POST, "/nowhere", 404),
            (&nobody, Method::POST, "/api/v1/vaults", 401),
            (&owner, Method::PUT, "/api/v1/vaults", 405),
            (&owner, Method::POST, "/api/v1/vaults", 400),
        ] {
            api.raw(method, path, &json, long.clone())
                .await
                .expect(status);
        }
    }
    is_well(&kluis).await;
}

/// Bodies that are JSON to a careless reader, and costly.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |text: &str, times: usize| text.repeat(times).into_bytes();
    let with_value = |value: &str| format!(r#"{{"key": "A", "value": {value}}}"#).into_bytes();
    vec![
        ("nothing", Vec::new()),
        ("NUL bytes", vec![0; 1000]),
        ("deep arrays", repeated("[", 500_000)),
        ("deep objects", repeated("{\"a\":", 100_000)),
        (
            "deep arrays in a value",
            with_value(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
        ),
        (
            "a wide array",
            with_value(&format!("[{}0]", "0,".repeat(400_000))),
        ),
        (
            "a wide object as a value",
            with_value(&format!(
                "{{{}\"z\":0}}",
                (0..50_000)
                    .map(|n| format!("\"{n}\":0,"))
                    .collect::<String>()
            )),
        ),
        (
            "a number with many digits",
            with_value(&"9".repeat(500_000)),
        ),
        ("a number with a huge exponent", with_value("1e999999999")),
        (
            "a number with a huge negative exponent",
            with_value("-1e-999999999"),
        ),
        ("not a number", with_value("NaN")),
        ("infinity", with_value("Infinity")),
        ("a lone surrogate", with_value("\"\\ud800\"")),
        (
            "surrogates in the wrong order",
            with_value("\"\\udc00\\ud800\""),
        ),
        ("an unfinished escape", with_value("\"\\u12")),
        (
            "invalid UTF-8",
            [
                b"{\"key\": \"A\", \"value\": \"".as_slice(),
                &[0xff, 0xfe, 0xc0, 0x80],
                b"\"}",
            ]
            .concat(),
        ),
        (
            "overlong UTF-8",
            [
                b"{\"key\": \"A\", \"value\": \"".as_slice(),
                &[0xc0, 0xaf],
                b"\"}",
            ]
            .concat(),
        ),
        (
            "UTF-16",
            json!({"key": "A", "value": "1"})
                .to_string()
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        (
            "two documents",
            [with_value("\"1\""), with_value("\"2\"")].concat(),
        ),
        (
            "a member twice",
            br#"{"key": "A", "key": "B", "value": "1"}"#.to_vec(),
        ),
        (
            "a comment",
            b"{\"key\": \"A\", /* */ \"value\": \"1\"}".to_vec(),
        ),
        (
            "a trailing comma",
            b"{\"key\": \"A\", \"value\": \"1\",}".to_vec(),
        ),
        ("an array", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        (
            "a key of 64 KiB",
            json!({"key": "k".repeat(65_536), "value": "1"})
                .to_string()
                .into_bytes(),
        ),
        (
            "a key with NUL",
            br#"{"key": "a\u0000b", "value": "1"}"#.to_vec(),
        ),
        (
            "over a megabyte",
            json!({"key": "A", "value": "1", "more": "x".repeat(1 << 20)})
                .to_string()
                .into_bytes(),
        ),
        ("spaces over a megabyte", repeated(" ", (1 << 20) + 1)),
    ]
}

/// A body of more than is taken is refused without being read, with or without a length.
#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let kluis = Kluis::start().await;
    let token = kluis.dev("/tokens/cloudkeep");
    let before = memory(&kluis);
    for path in ["/api/v1/vaults", "/v1/users"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        );
        let mut endless = Raw::connect(&kluis.base()).await;
        endless
            .send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes())
            .await;
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16));
        let mut sent = 0;
        while sent < 64 << 20 && endless.takes(chunk.as_bytes()).await {
            sent += 1 << 16;
        }
        assert!(sent < 32 << 20, "{path} took {sent} bytes");
        let mut promised = Raw::connect(&kluis.base()).await;
        promised
            .send(format!("{head}Content-Length: {}\r\n\r\n", 1_u64 << 40).as_bytes())
            .await;
        let status = status(&promised.rest(Duration::from_millis(500)).await);
        assert!([400, 413].contains(&status), "{path}: {status}");
    }
    is_well(&kluis).await;
    assert_bounded(&kluis, before);
}
