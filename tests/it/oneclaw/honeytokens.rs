//! `/v1/risk/honeytokens`: contract §14.5.

use serde_json::{Value, json};

use super::agents::{allow, register};
use super::shares::secret;
use super::{problem, vault};
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

const HONEYTOKENS: &str = "/v1/risk/honeytokens";
const PATH: &str = "db/password";

async fn make(api: &Api, vault: &str, path: &str) -> Answer {
    let body = json!({"vault_id": vault, "secret_path": path, "notes": "bait"});
    api.post(HONEYTOKENS, body).await
}

/// How often the only honeytoken was touched.
async fn touched(api: &Api) -> u64 {
    let listed = api.get(HONEYTOKENS).await.expect(200);
    assert_eq!(listed.at("/honeytokens/1"), Value::Null);
    listed.at("/honeytokens/0/trigger_count").as_u64().unwrap()
}

/// The events that say so, newest first.
async fn events(api: &Api) -> Vec<Value> {
    let told = api
        .get("/v1/audit/events?action=honeytoken.triggered")
        .await;
    told.expect(200).json()["events"]
        .as_array()
        .unwrap()
        .clone()
}

on_both! {
    async fn a_honeytoken_is_made_listed_and_deleted(kluis: Kluis) {
        let owner = kluis.owner();
        let secret = secret(&owner, "bait").await;
        let made = make(&owner, &secret.vault, PATH).await.expect(201);
        assert_eq!(
            made.members(""),
            [
                "created_at", "created_by", "id", "last_triggered_at", "notes", "org_id",
                "secret_path", "trigger_count", "vault_id"
            ]
        );
        assert_eq!(made.text("/vault_id"), secret.vault);
        assert_eq!(made.text("/secret_path"), PATH);
        assert_eq!(made.text("/notes"), "bait");
        assert_eq!(made.text("/created_by"), kluis.dev("/owner/id"));
        assert_eq!(made.at("/trigger_count"), 0);
        assert_eq!(made.at("/last_triggered_at"), Value::Null);
        let listed = owner.get(HONEYTOKENS).await.expect(200);
        assert_eq!(listed.json(), json!({"honeytokens": [made.json()]}));

        problem(&make(&owner, &secret.vault, PATH).await, 409);
        problem(&make(&owner, &secret.vault, "").await, 400);
        problem(&make(&owner, &secret.vault, &"x".repeat(1_025)).await, 400);
        problem(&make(&owner, "none", PATH).await, 404);
        let unknown = "00000000-0000-4000-8000-000000000000";
        problem(&make(&owner, unknown, PATH).await, 404);
        problem(&owner.post(HONEYTOKENS, json!({"vault_id": secret.vault})).await, 400);
        let long = json!({"vault_id": secret.vault, "secret_path": "x", "notes": "n".repeat(4_001)});
        problem(&owner.post(HONEYTOKENS, long).await, 400);

        let at = format!("{HONEYTOKENS}/{}", made.text("/id"));
        owner.delete(&at).await.expect(204);
        problem(&owner.delete(&at).await, 404);
        problem(&owner.delete(&format!("{HONEYTOKENS}/none")).await, 404);
        owner.get(&format!("/v1/vaults/{}/secrets/{PATH}", secret.vault)).await.expect(200);
        assert!(events(&owner).await.is_empty());
        // It goes with its vault, and a vault has room for so many.
        for number in 0..100 {
            make(&owner, &secret.vault, &format!("bait/{number}")).await.expect(201);
        }
        problem(&make(&owner, &secret.vault, "bait/100").await, 409);
        owner.delete(&format!("/v1/vaults/{}", secret.vault)).await.expect(204);
        assert_eq!(owner.get(HONEYTOKENS).await.expect(200).json(), json!({"honeytokens": []}));
    }

    async fn they_are_for_whoever_administers_the_vault(kluis: Kluis) {
        let owner = kluis.owner();
        let (admin, maker) = (kluis.user("admin").await.api(), kluis.user("member").await.api());
        let (theirs, other) = (vault(&maker, "theirs").await, vault(&owner, "other").await);
        for (number, api) in [&owner, &admin, &maker].into_iter().enumerate() {
            make(api, &theirs, &format!("bait/{number}")).await.expect(201);
        }
        let made = make(&owner, &other, PATH).await.expect(201);
        let at = format!("{HONEYTOKENS}/{}", made.text("/id"));
        for (api, count) in [(&owner, 4), (&admin, 4), (&maker, 3)] {
            let listed = api.get(HONEYTOKENS).await.expect(200).json();
            assert_eq!(listed["honeytokens"].as_array().unwrap().len(), count);
        }
        problem(&make(&maker, &other, "x").await, 403);
        problem(&maker.delete(&at).await, 404);
        let stranger = kluis.stranger().await.api();
        for (api, status) in [(&kluis.user("viewer").await.api(), 403), (&stranger, 404)] {
            problem(&make(api, &other, "x").await, status);
            problem(&api.delete(&at).await, 404);
            assert_eq!(api.get(HONEYTOKENS).await.expect(200).json(), json!({"honeytokens": []}));
        }
        let agent = register(&kluis, &owner, json!({})).await;
        problem(&agent.api.get(HONEYTOKENS).await, 403);
        problem(&make(&agent.api, &other, "x").await, 403);
        problem(&agent.api.delete(&at).await, 403);
        for scope in ["database:write", "settings:modify"] {
            let body = json!({"name": scope, "style": "oneclaw", "scopes": [scope]});
            let key = kluis.admin_api().post("/v1/api-keys", body).await.expect(201);
            let api = Api::bearer(kluis.base(), key.text("/data/key"));
            let status = if scope == "settings:modify" { 200 } else { 403 };
            api.get(HONEYTOKENS).await.expect(status);
        }
        admin.delete(&at).await.expect(204);
    }

    async fn every_way_to_a_value_touches_it_and_nothing_else_does(kluis: Kluis) {
        let owner = kluis.owner();
        let secret = secret(&owner, "bait").await;
        let vault = &secret.vault;
        let write = format!("/v1/vaults/{vault}/secrets");
        owner.put(&format!("{write}/db/other"), json!({"value": "o"})).await.expect(201);
        let link = secret.link(&owner, json!({})).await;
        let limited = json!({"value": "l", "max_access_count": 5});
        owner.put(&format!("{write}/db/limited"), limited).await.expect(201);
        make(&owner, vault, PATH).await.expect(201);

        // CloudKeep names secrets by id.
        let cloudkeep = format!("/api/v1/vaults/{vault}/secrets");
        let by_id = format!("{cloudkeep}/{}", secret.secret);
        for harmless in [
            write.clone(),
            format!("{write}/db/other"),
            format!("/v1/vaults/{vault}/secret-versions/{PATH}"),
            format!("/v1/vaults/{vault}"),
            "/v1/shares/outbound".to_owned(),
        ] {
            owner.get(&harmless).await.expect(200);
        }
        let put = owner.put(&format!("{write}/{PATH}"), json!({"value": "written"})).await;
        put.expect(201);
        assert_eq!(touched(&owner).await, 0);

        let anyone = kluis.anonymous();
        let mut count = 0;
        for (api, path) in [
            (&owner, format!("{write}/{PATH}")),
            (&owner, format!("/v1/vaults/{vault}/secret-version/{PATH}/1")),
            (&owner, by_id.clone()),
            (&owner, cloudkeep.clone()),
            (&anyone, link),
        ] {
            api.get(&path).await.expect(200);
            count += 1;
            assert_eq!(touched(&owner).await, count, "{path}");
            assert_eq!(events(&owner).await.len() as u64, count, "{path}");
        }
        assert_eq!(events(&owner).await[0]["details"]["touched_by_type"], "anonymous");
        // What leaves with the answer to a write has been read.
        owner.patch(&by_id, json!({"type": "note"})).await.expect(200);
        assert_eq!(touched(&owner).await, count + 1);
        let listed = owner.get(HONEYTOKENS).await.expect(200);
        assert!(listed.text("/honeytokens/0/last_triggered_at").ends_with('Z'));

        // A limited read goes another way, and touches it once; a list tells nothing of it.
        make(&owner, vault, "db/limited").await.expect(201);
        owner.get(&format!("{write}/db/limited")).await.expect(200);
        owner.get(&cloudkeep).await.expect(200);
        let listed = owner.get(HONEYTOKENS).await.expect(200);
        assert_eq!(listed.at("/honeytokens/1/trigger_count"), 1);
    }

    async fn an_attempt_touches_it_too_and_whoever_made_it_is_not_told(kluis: Kluis) {
        let owner = kluis.owner();
        let secret = secret(&owner, "canary").await;
        let read = format!("/v1/vaults/{}/secrets/{PATH}", secret.vault);
        make(&owner, &secret.vault, PATH).await.expect(201);
        let members = json!({"passphrase": "open sesame"});
        let link = secret.link(&owner, members).await;
        let agent = register(&kluis, &owner, json!({})).await;
        let member = kluis.user("member").await.api();
        let body = json!({"name": "k", "style": "oneclaw", "scopes": ["logs:read"]});
        let key = kluis.admin_api().post("/v1/api-keys", body).await.expect(201);
        let ceiling = Api::bearer(kluis.base(), key.text("/data/key"));
        let by_id = format!("/api/v1/vaults/{}/secrets/{}", secret.vault, secret.secret);
        let anyone = kluis.anonymous();
        let mut count = 0;
        for (api, path, status) in [
            (&agent.api, &read, 403),
            (&member, &read, 403),
            (&member, &by_id, 404),
            (&ceiling, &read, 403),
            (&ceiling, &by_id, 403),
            (&anyone, &link, 403),
        ] {
            api.get(path).await.expect(status);
            count += 1;
            assert_eq!(touched(&owner).await, count, "{path} {status}");
        }
        // Nobody of this organization, and nobody at all.
        problem(&kluis.stranger().await.api().get(&read).await, 404);
        problem(&anyone.get(&read).await, 401);
        assert_eq!(touched(&owner).await, count);

        allow(&owner, &secret.vault, &agent, "**", &["read"]).await;
        let plain = agent.api.get(&read).await.expect(200);
        assert_eq!(plain.text("/value"), "canary");
        let newest = events(&owner).await[0].clone();
        assert_eq!(newest["actor_type"], "server");
        assert_eq!(newest["resource_type"], "honeytoken");
        let details = newest["details"].clone();
        assert_eq!(details["path"], PATH);
        assert_eq!(details["vault_id"], secret.vault);
        assert_eq!(details["touched_by_type"], "agent");
        assert_eq!(details["touched_by"], agent.id);
        assert_eq!(details["touch"], "success");
        assert_eq!(details["request_id"], plain.header("x-request-id").unwrap());
        assert!(events(&agent.api).await.is_empty());
        assert!(!newest.to_string().contains("canary"));
        let log = kluis.log();
        assert!(log.contains("a honeytoken was touched"), "{log}");
        assert!(!log.contains(PATH), "{log}");
    }

    async fn counts_outlive_the_server(backend: Backend) {
        let mut kluis = backend.start_with(&[]).await;
        let owner = kluis.owner();
        let secret = secret(&owner, "bait").await;
        make(&owner, &secret.vault, PATH).await.expect(201);
        for _ in 0..3 {
            owner.get(&format!("/v1/vaults/{}/secrets/{PATH}", secret.vault)).await.expect(200);
        }
        kluis.stop();
        kluis.begin().await;
        assert_eq!(touched(&kluis.owner()).await, 3);
        assert_eq!(events(&kluis.owner()).await.len(), 3);
    }
}
