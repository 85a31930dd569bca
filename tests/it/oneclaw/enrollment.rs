//! Enrolment of agents: contract §9.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::problem;
use crate::harness::{Answer, Api, Kluis, on_both};

/// The same server with the door open.
async fn open(mut kluis: Kluis) -> Kluis {
    kluis.serve(&[("KLUIS_AGENTS_ENROLLMENT", "true")]).await;
    kluis
}

async fn enroll(kluis: &Kluis, members: Value) -> Answer {
    kluis
        .anonymous()
        .post("/v1/agents/enroll", members)
        .await
        .expect(201)
}

/// The token that whoever decides is handed.
fn token(enrolled: &Answer) -> String {
    let url = enrolled.text("/approval_url");
    url.split_once("token=").unwrap().1.to_owned()
}

async fn decide(api: &Api, word: &str, token: &str) -> Answer {
    let body = json!({"token": token});
    api.post(&format!("/v1/agents/enroll/{word}"), body).await
}

async fn status(kluis: &Kluis, enrolled: &Answer) -> Answer {
    let (id, poll) = (enrolled.text("/pairing_id"), enrolled.text("/poll_token"));
    let path = format!("/v1/agents/enroll/{id}/status?poll={poll}");
    kluis.anonymous().get(&path).await
}

fn public_key() -> String {
    STANDARD.encode([7; 32])
}

/// NT-93: the link carries no authority. One test, since starting anew is what takes long.
#[tokio::test]
async fn an_agent_is_registered_when_a_person_approves_it() {
    let kluis = open(Kluis::start().await).await;
    let owner = kluis.owner();
    let asked = enroll(&kluis, json!({"name": "nightly", "description": "reports"})).await;
    assert_eq!(
        asked.members(""),
        ["agent_id", "approval_url", "expires_at", "message"]
    );
    assert_eq!(
        asked.text("/agent_id"),
        "00000000-0000-0000-0000-000000000000"
    );
    let token = token(&asked);
    let at = format!("/v1/agents/enroll/pending?token={token}");
    problem(&kluis.anonymous().get(&at).await, 401);
    problem(&kluis.user("viewer").await.api().get(&at).await, 403);
    let seen = owner.get(&at).await.expect(200);
    assert_eq!(
        seen.members(""),
        [
            "created_at",
            "description",
            "expires_at",
            "ip_address",
            "name"
        ]
    );
    assert_eq!(seen.text("/description"), "reports");
    let member = kluis.user("member").await.api();
    let approved = decide(&member, "approve", &token).await.expect(200);
    assert_eq!(approved.members(""), ["agent", "api_key"]);
    let agent = Api::bearer(kluis.base(), approved.text("/api_key"));
    let own = agent.get("/v1/agents/me").await.expect(200);
    assert_eq!(own.text("/name"), "nightly");
    assert_eq!(own.at("/vault_ids"), json!([]));
    problem(&decide(&owner, "approve", &token).await, 404);
    problem(&decide(&owner, "deny", &token).await, 404);
    // It is the member's now.
    let path = format!("/v1/agents/{}", approved.text("/agent/id"));
    member.get(&path).await.expect(200);
    problem(&kluis.user("member").await.api().get(&path).await, 404);

    let denied = enroll(&kluis, json!({"name": "no", "public_key": public_key()})).await;
    decide(&owner, "deny", &self::token(&denied))
        .await
        .expect(200);
    assert_eq!(
        status(&kluis, &denied).await.expect(200).text("/status"),
        "denied"
    );
    problem(&decide(&owner, "approve", &self::token(&denied)).await, 404);
}

#[tokio::test]
async fn a_paired_agent_fetches_its_key_once() {
    let kluis = open(Kluis::start().await).await;
    let owner = kluis.owner();
    let asked = enroll(
        &kluis,
        json!({"name": "paired", "public_key": public_key()}),
    )
    .await;
    assert_eq!(
        asked.members(""),
        [
            "agent_id",
            "approval_url",
            "expires_at",
            "fingerprint",
            "message",
            "pairing_id",
            "poll_token"
        ]
    );
    let waiting = status(&kluis, &asked).await.expect(200);
    assert_eq!(
        waiting.members(""),
        ["agent_name", "fingerprint", "pairing_id", "status"]
    );
    assert_eq!(waiting.text("/status"), "pending");
    assert!(waiting.text("/fingerprint").starts_with("SHA256:"));
    let wrong = format!(
        "/v1/agents/enroll/{}/status?poll=kep_x",
        asked.text("/pairing_id")
    );
    problem(&kluis.anonymous().get(&wrong).await, 404);

    let token = token(&asked);
    let seen = owner
        .get(&format!("/v1/agents/enroll/pending?token={token}"))
        .await
        .expect(200);
    assert_eq!(seen.text("/fingerprint"), asked.text("/fingerprint"));
    let approved = decide(&owner, "approve", &token).await.expect(200);
    assert_eq!(
        approved.members(""),
        ["agent"],
        "the key is for the agent alone"
    );
    assert_eq!(approved.text("/agent/ssh_public_key"), public_key());
    let both = tokio::join!(status(&kluis, &asked), status(&kluis, &asked));
    let keys: Vec<_> = [both.0, both.1]
        .into_iter()
        .filter_map(|answer| answer.json()["api_key"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(keys.len(), 1);
    let agent = Api::bearer(kluis.base(), &keys[0]);
    let own = agent.get("/v1/agents/me").await.expect(200);
    let told = status(&kluis, &asked).await.expect(200);
    assert_eq!(
        told.members(""),
        [
            "agent_id",
            "agent_name",
            "fingerprint",
            "pairing_id",
            "status",
            "vault_ids"
        ]
    );
    assert_eq!(told.text("/agent_id"), own.text("/id"));
    let events = owner
        .get("/v1/audit/events?action=agent.enroll")
        .await
        .expect(200);
    assert_eq!(events.text("/events/0/actor_id"), own.text("/id"));
}

/// NT-31: whatever ends an agent's key ends the one that it has not fetched, too.
#[tokio::test]
async fn a_key_that_was_not_fetched_ends_with_the_others() {
    let kluis = open(Kluis::start().await).await;
    let owner = kluis.owner();
    for (method, word, body) in [
        ("POST", "/rotate-key", json!({})),
        ("POST", "/take-over", json!({})),
        ("PATCH", "", json!({"is_active": false})),
    ] {
        let asked = enroll(&kluis, json!({"name": "e", "public_key": public_key()})).await;
        let approved = decide(&owner, "approve", &token(&asked)).await.expect(200);
        let path = format!("/v1/agents/{}{word}", approved.text("/agent/id"));
        let method = method.parse().unwrap();
        owner.send(method, &path, Some(body)).await.expect(200);
        let told = status(&kluis, &asked).await.expect(200).json();
        assert_eq!(told["status"], "approved");
        assert!(told.get("api_key").is_none(), "{word}");
    }
}

#[tokio::test]
async fn an_enrolment_is_for_whom_it_names_and_not_asked_too_often() {
    let kluis = open(Kluis::start().await).await;
    let (named, other) = (kluis.user("member").await, kluis.owner());
    let members = json!({"name": "n", "human_email": named.email});
    let asked = enroll(&kluis, members.clone()).await;
    problem(&decide(&other, "approve", &token(&asked)).await, 404);
    decide(&named.api(), "approve", &token(&asked))
        .await
        .expect(200);
    let unknown = json!({"name": "n", "human_email": "nobody@example.test"});
    let uniform = enroll(&kluis, unknown.clone()).await;
    assert_eq!(uniform.members(""), asked.members(""));
    for again in [members, unknown] {
        let refused = kluis.anonymous().post("/v1/agents/enroll", again).await;
        problem(&refused, 429);
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=600).contains(&wait), "{wait}");
    }
    for (members, field) in [
        (json!({}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "n", "human_email": "no"}), "email"),
        (json!({"name": "n", "public_key": "AAAA"}), "public_key"),
        (
            json!({"name": "n", "description": "d".repeat(4001)}),
            "description",
        ),
    ] {
        let refused = kluis.anonymous().post("/v1/agents/enroll", members).await;
        problem(&refused, 400);
        assert_eq!(refused.members("/fields"), [field]);
    }
    // Of ten within a minute from one address four are used up; what is wrong by itself does not count.
    for _ in 0..6 {
        enroll(&kluis, json!({"name": "n"})).await;
    }
    problem(
        &kluis
            .anonymous()
            .post("/v1/agents/enroll", json!({"name": "n"}))
            .await,
        429,
    );
}

on_both! {
    /// RULES §3: it exists only when configured.
    async fn the_door_is_closed_unless_it_is_opened(kluis: Kluis) {
        for (method, path) in [
            ("POST", "/v1/agents/enroll"),
            ("GET", "/v1/agents/enroll/00000000-0000-4000-8000-000000000000/status?poll=x"),
            ("GET", "/v1/agents/enroll/pending?token=x"),
            ("POST", "/v1/agents/enroll/approve"),
            ("POST", "/v1/agents/enroll/deny"),
        ] {
            let method: reqwest::Method = method.parse().unwrap();
            let body = (method == "POST").then(|| json!({"name": "n", "token": "t"}));
            let closed = kluis.anonymous().send(method.clone(), path, body.clone()).await;
            problem(&closed, 401);
            problem(&kluis.owner().send(method, path, body).await, 404);
        }
    }
}
