//! The client against a receiver that keeps what came in and answers what it was told: what goes over the wire, and what
//! each kind of answer becomes.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::cloudkeep::NewSecret;
use crate::oneclaw::{EventFilter, NewPolicy};
use crate::{Client, Error};

/// Answers one request per entry, each on a connection of its own, and hands back the requests as they came.
pub(crate) async fn receiver(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller awaits it for the requests"
    )]
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).await.unwrap();
                assert_ne!(read, 0, "the client hung up");
                request.extend_from_slice(&chunk[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            requests.push(String::from_utf8(request).unwrap());
        }
        requests
    });
    (base, requests)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

pub(crate) fn ok(body: &Value) -> String {
    answer(200, "content-type: application/json\r\n", &body.to_string())
}

pub(crate) fn client(base: &str) -> Client {
    Client::builder(base)
        .token("ck_live_canary".to_owned())
        .build()
        .unwrap()
}

/// What one call of `vaults` makes of one answer.
async fn vaults(answer: String) -> Result<Vec<crate::cloudkeep::Vault>, Error> {
    let (base, _requests) = receiver(vec![answer]).await;
    client(&base).cloudkeep().vaults().await
}

#[tokio::test]
async fn a_secret_is_sent_and_read() {
    let secret = json!({"data": {"id": "sec_1", "key": "K", "value": "v\u{e9}\n", "type": "text",
        "createdAt": "2026-01-02T03:04:05Z", "updatedAt": "2026-01-02T03:04:05Z"}});
    let (base, requests) = receiver(vec![ok(&secret)]).await;
    let new = NewSecret {
        key: "K",
        value: "v\u{e9}\n",
        kind: None,
        notes: None,
    };
    let made = client(&base)
        .cloudkeep()
        .secret_create("vlt_1", new)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        made.value.as_ref().map(crate::SecretText::expose),
        Some("v\u{e9}\n")
    );
    assert!(made.notes.is_none());

    let request = &requests.await.unwrap()[0];
    assert!(
        request.starts_with("POST /api/v1/vaults/vlt_1/secrets HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nauthorization: Bearer ck_live_canary\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\ncontent-type: application/json\r\n"),
        "{request}"
    );
    assert!(
        request.ends_with("{\"key\":\"K\",\"value\":\"v\u{e9}\\n\"}"),
        "{request}"
    );
}

#[tokio::test]
async fn a_path_goes_as_one_segment() {
    let (base, requests) = receiver(vec![ok(&json!({"versions": []}))]).await;
    client(&base)
        .oneclaw()
        .secret_versions("vlt_1", "db/main pw")
        .await
        .unwrap();
    let request = &requests.await.unwrap()[0];
    assert!(
        request.starts_with("GET /v1/vaults/vlt_1/secret-versions/db%2Fmain%20pw HTTP/1.1"),
        "{request}"
    );
}

#[tokio::test]
async fn a_policy_names_only_what_was_given() {
    let policy = json!({"id": "p", "vault_id": "v", "secret_path_pattern": "**", "principal_type": "user",
        "principal_id": "u", "permissions": ["read"], "conditions": {}, "created_at": "2026-01-02T03:04:05Z"});
    let (base, requests) = receiver(vec![ok(&policy)]).await;
    let new = NewPolicy {
        secret_path_pattern: "**",
        principal_type: "user",
        principal_id: "u",
        permissions: &["read".to_owned()],
        conditions: Map::new(),
        effect: None,
        priority: None,
        expires_at: None,
    };
    let made = client(&base)
        .oneclaw()
        .policy_create("v", &new)
        .await
        .unwrap();
    assert_eq!((made.effect.as_str(), made.priority), ("allow", 0));
    let request = &requests.await.unwrap()[0];
    let body = r#"{"secret_path_pattern":"**","principal_type":"user","principal_id":"u","permissions":["read"]}"#;
    assert!(request.ends_with(body), "{request}");
}

#[tokio::test]
async fn an_event_filter_becomes_a_query() {
    let (base, requests) = receiver(vec![ok(&json!({"events": [], "count": 0}))]).await;
    let filter = EventFilter {
        resource_id: Some("db/a&b"),
        actor_id: None,
        action: Some("secret.read"),
        from: None,
        to: None,
        limit: 20,
        offset: 0,
    };
    client(&base).oneclaw().audit_events(&filter).await.unwrap();
    let request = &requests.await.unwrap()[0];
    let line =
        "GET /v1/audit/events?limit=20&offset=0&resource_id=db%2Fa%26b&action=secret.read HTTP/1.1";
    assert!(request.starts_with(line), "{request}");
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let user = |id: &str| {
        json!({"id": id, "email": "a@b.c", "role": "member", "plan": "pro", "status": "active",
            "created_at": "2026-01-02T03:04:05Z"})
    };
    let (base, requests) = receiver(vec![
        ok(&json!({"status": "success", "data": [user("1")], "pagination": {"next_cursor": "x=="}})),
        ok(&json!({"status": "success", "data": [user("2")], "pagination": {"next_cursor": null}})),
    ])
    .await;
    let users = client(&base).credvault().users().await.unwrap();
    assert_eq!(
        users
            .iter()
            .map(|user| user.id.as_str())
            .collect::<Vec<_>>(),
        ["1", "2"]
    );
    let requests = requests.await.unwrap();
    assert!(
        requests[0].starts_with("GET /v1/users?limit=200 HTTP/1.1"),
        "{}",
        requests[0]
    );
    assert!(
        requests[1].starts_with("GET /v1/users?limit=200&cursor=x%3D%3D HTTP/1.1"),
        "{}",
        requests[1]
    );
}

#[tokio::test]
async fn a_refusal_keeps_status_code_and_sentence() {
    let body = r#"{"error":{"code":"FORBIDDEN","message":"Not yours."}}"#;
    let Err(Error::Refused(refusal)) = vaults(answer(403, "", body)).await else {
        panic!("not refused");
    };
    assert_eq!(
        (refusal.status, refusal.code.as_deref()),
        (403, Some("FORBIDDEN"))
    );
    assert_eq!(refusal.message, "Not yours.");
}

#[tokio::test]
async fn a_rate_limit_names_its_wait() {
    let body = r#"{"error":{"code":"RATE_LIMITED","message":"Slow down."}}"#;
    let limited = vaults(answer(429, "retry-after: 7\r\n", body)).await;
    let Err(Error::RateLimited {
        retry_after,
        refusal,
    }) = limited
    else {
        panic!("not limited");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
    assert_eq!(refusal.status, 429);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let moved = vaults(answer(302, "location: http://127.0.0.1:1/\r\n", "")).await;
    assert!(
        matches!(moved, Err(Error::Malformed { ref why, .. }) if why.contains("302")),
        "{moved:?}"
    );
}

#[tokio::test]
async fn a_wrong_answer_is_named_without_its_content() {
    for body in [
        "",
        "<html>canary</html>",
        r#"{"data":"canary"}"#,
        r#"{"data":[{"id":"canary"}]}"#,
    ] {
        let Err(error @ Error::Malformed { .. }) = vaults(answer(200, "", body)).await else {
            panic!("{body} was read");
        };
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_cut_answer_is_no_answer() {
    let cut = vaults("HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{\"data\":[".to_owned()).await;
    assert!(matches!(cut, Err(Error::Unreachable { .. })), "{cut:?}");
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let refused = client(&format!("http://127.0.0.1:{port}"))
        .cloudkeep()
        .vaults()
        .await;
    let Err(Error::Unreachable { why, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test]
async fn plain_http_on_a_tls_address_is_a_tls_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        let mut sink = Vec::new();
        let _ = stream.read_to_end(&mut sink).await;
    };
    let client = client(&format!("https://{address}"));
    let (wrong, ()) = tokio::join!(client.cloudkeep().vaults(), served);
    assert!(matches!(wrong, Err(Error::Tls { .. })), "{wrong:?}");
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::builder(base)
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let late = client.cloudkeep().vaults().await;
    assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
}
