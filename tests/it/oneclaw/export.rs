//! `/v1/audit/export`: what it holds, for whom, and that it can be checked when the server is gone (RULES §7).

use std::time::Duration;

use kluis_client::record::{ExportReport, Trust, Unverified, public_key, verify_export};
use reqwest::Method;
use serde_json::{Value, json};

use super::{problem, vault};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

/// A server with a record: acts, a checkpoint over them, and a few acts behind it.
pub async fn recorded(backend: Backend) -> Kluis {
    let kluis = backend.start_with(&["--test-clock"]).await;
    let owner = kluis.owner();
    let id = vault(&owner, "v").await;
    for path in ["db/password", "db/\"quoted\"\\é", "plain"] {
        let body = json!({"key": path, "value": "never in the record"});
        let secrets = format!("/api/v1/vaults/{id}/secrets");
        owner.post(&secrets, body).await.expect(201);
        owner.get(&secrets).await.expect(200);
    }
    kluis.advance_clock(61).await;
    for _ in 0..200 {
        // A look that ends well is an event as well, and the sealer is at work within a second.
        let verified = owner.get("/v1/audit/verify").await.expect(200);
        if verified.at("/checkpoint/seq").as_i64().unwrap_or(0) > 6 {
            owner.get("/api/v1/vaults").await.expect(200);
            return kluis;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing is signed");
}

/// The lines of an export.
pub fn lines(answer: &Answer) -> Vec<String> {
    let text = answer.string();
    assert!(text.ends_with("}\n"), "{text}");
    text.lines().map(str::to_owned).collect()
}

/// The public key that an export names.
pub fn key(lines: &[String]) -> [u8; 32] {
    let first = parsed(&lines[0]);
    public_key(first["export"]["keys"][0]["public_key"].as_str().unwrap()).unwrap()
}

/// What a check of the lines gives with this key alone.
pub fn verify(lines: &[String], key: [u8; 32]) -> Result<ExportReport, Unverified> {
    let text = lines.join("\n") + "\n";
    verify_export(text.as_bytes(), Trust::Keys(&[key]))
}

pub fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

async fn export(api: &Api, query: &str) -> Vec<String> {
    lines(
        &api.get(&format!("/v1/audit/export{query}"))
            .await
            .expect(200),
    )
}

/// The places of an export's events.
fn places(lines: &[String]) -> Vec<i64> {
    let seq = |line: &String| parsed(line)["event"]["seq"].as_i64();
    lines.iter().filter_map(seq).collect()
}

on_both! {
    async fn an_export_holds_when_its_server_is_gone(backend: Backend) {
        let mut kluis = recorded(backend).await;
        let answer = kluis.owner().get("/v1/audit/export").await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        let organization = kluis.dev("/organization_id");
        kluis.stop();
        let lines = lines(&answer);
        let report = verify(&lines, key(&lines)).unwrap();
        assert_eq!((report.after, report.after_hash), (0, [0; 32]));
        assert_eq!(places(&lines), (1..=report.through).collect::<Vec<_>>());
        assert_eq!(report.events, u64::try_from(report.through).unwrap());
        assert_eq!((report.sealed_through, report.open_tail), (report.through, 0));
        let signed = report.checkpoint.unwrap();
        assert!(signed.seq > 6 && signed.seq < report.through, "{signed:?}");
        let first = parsed(&lines[0]);
        assert_eq!(first["export"]["organization_id"], organization.as_str());
        assert_eq!(first["export"]["scheme"], json!({"algorithm": "SHA-256", "signature": "Ed25519"}));
        assert!(!answer.string().contains("never in the record"));
    }

    /// RULES §2: the record is exported by owners and admins; §7: an export is an event, refused or not.
    async fn owners_and_admins_export_and_others_are_refused_with_an_event(kluis: Kluis) {
        let owner = kluis.owner();
        let agent = super::agents::register(&kluis, &owner, json!({})).await;
        let (member, viewer, admin) =
            (kluis.user("member").await, kluis.user("viewer").await, kluis.user("admin").await);
        let mut asked = Vec::new();
        for scopes in [json!([]), json!(["database:read"]), json!(["logs:read"])] {
            let body = json!({"name": "k", "style": "cloudkeep", "scopes": scopes});
            let made = kluis.admin_api().post("/v1/api-keys", body).await.expect(201);
            let status = if scopes == json!(["logs:read"]) { 200 } else { 403 };
            let api = Api::bearer(kluis.base(), made.text("/data/key"));
            asked.push((kluis.dev("/owner/id"), api, status));
        }
        asked.push((agent.id, agent.api, 403));
        for (user, status) in [(&member, 403), (&viewer, 403), (&admin, 200)] {
            asked.push((uuid_of(&user.id), user.api(), status));
        }
        for (actor, api, status) in asked {
            let answer = api.get("/v1/audit/export").await;
            if status == 403 {
                problem(&answer, 403);
            }
            let answer = answer.expect(status);
            let events = owner
                .get(&format!("/v1/audit/events?action=audit.export&actor_id={actor}&limit=1"))
                .await
                .expect(200);
            let event = events.at("/events/0");
            let outcome = if status == 200 { "success" } else { "denied" };
            assert_eq!(event["details"]["outcome"], outcome, "{event}");
            assert_eq!(event["details"]["request_id"], answer.header("x-request-id").unwrap());
        }
        problem(&kluis.anonymous().get("/v1/audit/export").await, 401);
        let all = owner.get("/v1/audit/events?action=audit.export").await.expect(200);
        assert_eq!(all.at("/count"), 7, "one for each: {all}");
    }

    async fn an_export_holds_the_own_organization_alone(kluis: Kluis) {
        let stranger = kluis.stranger().await;
        vault(&kluis.owner(), "ours").await;
        let theirs = export(&stranger.api(), "").await;
        let ours = kluis.dev("/organization_id");
        assert!(!theirs.iter().any(|line| line.contains(&ours)), "{theirs:?}");
        let organization = parsed(&theirs[0])["export"]["organization_id"].clone();
        assert_ne!(organization, ours.as_str());
        assert!(!places(&theirs).is_empty());
    }

    async fn a_part_of_the_record_holds_by_itself_and_goes_on_where_another_ended(backend: Backend) {
        let kluis = recorded(backend).await;
        let owner = kluis.owner();
        let whole = export(&owner, "").await;
        let events: Vec<Value> = whole.iter().map(|line| parsed(line)["event"].clone()).filter(|event| !event.is_null()).collect();
        let last = *places(&whole).last().unwrap();
        // A minute lies between what was done and what was looked at; within a moment, order is the chain's own.
        let at = |event: &Value| event["at"].as_i64().unwrap();
        let border = (1..events.len()).find(|&next| at(&events[next]) - at(&events[next - 1]) > 50_000).unwrap();
        let (before, after) = events.split_at(border);
        let shown = owner.get("/v1/audit/events?limit=1000").await.expect(200).at("/events");
        let time = |event: &Value| {
            let shown = shown.as_array().unwrap().iter().find(|shown| shown["id"] == event["id"]);
            shown.unwrap()["created_at"].as_str().unwrap().to_owned()
        };
        let first_after = time(after.iter().min_by_key(|event| at(event)).unwrap());
        let last_before = time(before.iter().max_by_key(|event| at(event)).unwrap());
        let border = i64::try_from(border).unwrap();
        for (query, first, through) in [
            (format!("?from={first_after}"), border + 1, None),
            (format!("?to={last_before}"), 1, Some(border)),
            (format!("?from={first_after}&to={last_before}"), border + 1, Some(border)),
            (format!("?after=3&to={last_before}"), 4, Some(border)),
            ("?after=6".to_owned(), 7, None),
            (format!("?after={last}"), last + 1, None),
            ("?to=2001-01-01T00:00:00Z".to_owned(), 1, Some(0)),
            ("?from=2001-01-01T00:00:00Z".to_owned(), 1, None),
        ] {
            let part = export(&owner, &query).await;
            let text = part.join("\n") + "\n";
            let report = verify_export(text.as_bytes(), Trust::Export).unwrap();
            let found = places(&part);
            let through = through.unwrap_or(report.sealed_through);
            assert_eq!(found, (first..=through).collect::<Vec<_>>(), "{query}");
            assert_eq!(report.through, through, "{query}");
            assert!(report.sealed_through >= last, "{query}");
            // Where it begins, the whole record has the same hash.
            let before = events.iter().find(|event| event["seq"] == report.after);
            let hash = before.map_or_else(|| "00".repeat(32).into(), |event| event["hash"].clone());
            assert_eq!(parsed(&part[0])["export"]["hash"], hash, "{query}");
        }
        for (query, status) in [
            ("from=yesterday", 400),
            ("to=1", 400),
            ("after=-1", 400),
            ("after=x", 400),
            ("after=999999", 404),
            ("after=99999999999999999999", 400),
        ] {
            problem(&owner.get(&format!("/v1/audit/export?{query}")).await, status);
        }
        let method = owner.send(Method::POST, "/v1/audit/export", None).await;
        problem(&method, 405);
    }

    /// It is made a portion at a time, and an event that lists many secrets is a long line.
    async fn a_long_record_is_exported_whole(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        let secrets = format!("/api/v1/vaults/{id}/secrets");
        for number in 0..40 {
            let body = json!({"key": format!("a/long/path/to/secret/{number}"), "value": "1"});
            owner.post(&secrets, body).await.expect(201);
        }
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (api, secrets) = (owner.clone(), secrets.clone());
            tasks.spawn(async move {
                for turn in 0..160 {
                    let path = if turn % 4 == 0 { &secrets } else { "/api/v1/vaults" };
                    api.get(path).await.expect(200);
                }
            });
        }
        tasks.join_all().await;
        let whole = export(&owner, "").await;
        let report = verify(&whole, key(&whole)).unwrap();
        assert!(report.events > 1_300, "{report:?}");
        let text: usize = whole.iter().map(String::len).sum();
        assert!(text > 1 << 20, "{text} bytes");
        // A thousand events are a checkpoint.
        assert!(report.checkpoint.is_some_and(|signed| signed.seq >= 1_000));
    }
}
