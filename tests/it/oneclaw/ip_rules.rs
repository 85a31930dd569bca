//! `/v1/security/ip-rules`: contract §14.2.

use serde_json::{Value, json};

use super::agents::{allow, register};
use super::problem;
use super::shares::secret;
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

const RULES: &str = "/v1/security/ip-rules";

async fn make(api: &Api, kind: &str, cidr: &str) -> Answer {
    api.post(RULES, json!({"rule_type": kind, "cidr": cidr}))
        .await
}

/// The same caller at another address, which a proxy tells.
fn from(api: &Api, address: &str) -> Api {
    api.with("x-forwarded-for", address)
}

/// A server that believes its proxy.
async fn behind_proxy(backend: Backend) -> Kluis {
    let flags = backend.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut kluis = Kluis::start_with(&flags).await;
    let storage = flags.get(1).map(|url| ("KLUIS_STORAGE", *url));
    let mut settings = vec![("KLUIS_PROXIES_TRUSTED", "127.0.0.1")];
    settings.extend(storage);
    kluis.serve(&settings).await;
    kluis
}

on_both! {
    async fn a_rule_is_made_listed_and_removed(kluis: Kluis) {
        let owner = kluis.owner();
        assert_eq!(owner.get(RULES).await.expect(200).json(), json!({"rules": []}));
        let body = json!({"rule_type": "block", "cidr": "192.0.2.0/24", "label": "tests"});
        let made = owner.post(RULES, body).await.expect(201);
        assert_eq!(
            made.members(""),
            ["applies_to", "cidr", "created_at", "created_by", "id", "label", "org_id", "rule_type"]
        );
        assert_eq!(made.text("/rule_type"), "block");
        assert_eq!(made.text("/cidr"), "192.0.2.0/24");
        assert_eq!(made.text("/label"), "tests");
        assert_eq!(made.text("/created_by"), kluis.dev("/owner/id"));
        let other = make(&owner, "allow", "127.0.0.1").await.expect(201);
        assert_eq!(other.at("/label"), Value::Null);
        let listed = owner.get(RULES).await.expect(200);
        assert_eq!(listed.json(), json!({"rules": [made.json(), other.json()]}));

        for (kind, cidr) in [
            ("permit", "10.0.0.0/8"),
            ("allow", ""),
            ("allow", "10.0.0.0/33"),
            ("allow", "example.org"),
            ("deny", "10.0.0.0/8\nallow 0.0.0.0/0"),
        ] {
            problem(&make(&owner, kind, cidr).await, 400);
        }
        problem(&owner.post(RULES, json!({"rule_type": "deny"})).await, 400);
        let long = json!({"rule_type": "deny", "cidr": "192.0.2.1", "label": "l".repeat(4_001)});
        problem(&owner.post(RULES, long).await, 400);
        for rule in [&made, &other] {
            let at = format!("{RULES}/{}", rule.text("/id"));
            problem(&kluis.stranger().await.api().delete(&at).await, 404);
            owner.delete(&at).await.expect(204);
            problem(&owner.delete(&at).await, 404);
        }
        for number in 0..100 {
            make(&owner, "deny", &format!("192.0.2.{number}")).await.expect(201);
        }
        problem(&make(&owner, "deny", "192.0.2.100").await, 409);
    }

    async fn nobody_locks_themselves_out(kluis: Kluis) {
        let owner = kluis.owner();
        for (kind, cidr) in [
            ("deny", "127.0.0.1"),
            ("block", "127.0.0.0/8"),
            ("deny", "0.0.0.0/0"),
            ("allow", "10.0.0.0/8"),
        ] {
            let refused = make(&owner, kind, cidr).await;
            problem(&refused, 400);
            assert_eq!(refused.members("/fields"), ["cidr"]);
        }
        assert_eq!(owner.get(RULES).await.expect(200).json(), json!({"rules": []}));
        let own = make(&owner, "allow", "127.0.0.0/8").await.expect(201);
        let other = make(&owner, "allow", "10.0.0.0/8").await.expect(201);
        let at = |rule: &Answer| format!("{RULES}/{}", rule.text("/id"));
        problem(&owner.delete(&at(&own)).await, 409);
        owner.delete(&at(&other)).await.expect(204);
        owner.delete(&at(&own)).await.expect(204);
    }

    async fn rules_hold_through_every_api_for_every_credential(backend: Backend) {
        let kluis = behind_proxy(backend).await;
        let owner = kluis.owner();
        let secret = secret(&owner, "s").await;
        let link = secret.link(&owner, json!({})).await;
        let read = format!("/v1/vaults/{}/secrets/db/password", secret.vault);
        let agent = register(&kluis, &owner, json!({})).await;
        allow(&owner, &secret.vault, &agent, "**", &["read"]).await;
        let (member, stranger) = (kluis.user("member").await, kluis.stranger().await);
        let login = json!({"email": kluis.dev("/owner/email"), "password": kluis.dev("/owner/password")});
        let exchange = json!({"api_key": agent.key});
        let own = json!({"api_key": kluis.dev("/tokens/oneclaw")});
        let anyone = kluis.anonymous();
        let session = anyone.post("/v1/auth/login", login.clone()).await.expect(200);
        let refresh = json!({"refresh_token": session.text("/data/refresh_token")});
        let holder = Api::bearer(kluis.base(), session.text("/data/access_token"));

        let rule = make(&owner, "deny", "10.0.0.0/8").await.expect(201);
        for (address, admitted) in [("10.1.2.3", false), ("::ffff:10.1.2.3", false), ("11.0.0.1", true)] {
            let status = |well: u16| if admitted { well } else { 403 };
            for api in [&owner, &agent.api, &holder] {
                assert_eq!(from(api, address).get(&read).await.status, status(200), "{address}");
            }
            let cloudkeep = from(&owner, address).get("/api/v1/vaults").await.expect(status(200));
            let credvault = from(&kluis.admin_api(), address).get("/v1/users").await.expect(status(200));
            from(&member.api(), address).get("/api/v1/unknown").await.expect(if admitted { 404 } else { 403 });
            if !admitted {
                assert_eq!(cloudkeep.text("/error/code"), "FORBIDDEN");
                assert_eq!(credvault.text("/code"), "FORBIDDEN");
                problem(&from(&agent.api, address).get(&read).await, 403);
            }
            let anyone = from(&anyone, address);
            anyone.get(&link).await.expect(status(200));
            anyone.post("/v1/auth/login", login.clone()).await.expect(status(200));
            anyone.post("/v1/auth/token", login.clone()).await.expect(status(200));
            anyone.post("/v1/auth/agent-token", exchange.clone()).await.expect(status(200));
            anyone.post("/v1/auth/api-key-token", own.clone()).await.expect(status(200));
            // Another organization has rules of its own, and unproven callers learn of none.
            from(&stranger.api(), address).get("/v1/vaults").await.expect(200);
            anyone.get(&read).await.expect(401);
            let wrong = json!({"email": kluis.dev("/owner/email"), "password": "Wrong Pass 123!"});
            anyone.post("/v1/auth/login", wrong).await.expect(401);
        }
        // A refusal has spent nothing.
        from(&anyone, "10.1.2.3").post("/v1/auth/refresh", refresh.clone()).await.expect(403);
        anyone.post("/v1/auth/refresh", refresh).await.expect(200);

        owner.delete(&format!("{RULES}/{}", rule.text("/id"))).await.expect(204);
        from(&owner, "10.1.2.3").get(&read).await.expect(200);
        make(&owner, "allow", "127.0.0.0/8").await.expect(201);
        make(&owner, "allow", "2001:db8::/32").await.expect(201);
        make(&owner, "deny", "2001:db8:1::/48").await.expect(201);
        for (address, status) in [
            ("127.0.0.2", 200), ("2001:db8:2::1", 200), ("2001:db8:1::1", 403), ("10.1.2.3", 403),
        ] {
            from(&owner, address).get(&read).await.expect(status);
            from(&anyone, address).get(&link).await.expect(status);
        }
    }

    async fn refusals_are_recorded_together_and_an_operator_helps(backend: Backend) {
        let mut kluis = behind_proxy(backend).await;
        let owner = kluis.owner();
        make(&owner, "allow", "127.0.0.0/8").await.expect(201);
        let stranger = kluis.stranger().await.api();
        make(&stranger, "allow", "127.0.0.0/8").await.expect(201);
        let outside = from(&owner, "10.9.8.7");
        for _ in 0..3 {
            problem(&outside.get("/v1/vaults").await, 403);
        }
        let cleared = kluis.operate(json!({"command": "clear-ip-rules"})).await;
        assert_eq!(cleared, json!({"ok": true, "cleared": 2}));
        outside.get("/v1/vaults").await.expect(200);
        assert_eq!(owner.get(RULES).await.expect(200).json(), json!({"rules": []}));
        let cleared = owner.get("/v1/audit/events?action=ip_rule.clear").await.expect(200);
        assert_eq!(cleared.text("/events/0/actor_type"), "operator");
        assert_eq!(cleared.at("/events/1"), Value::Null);
        // What is counted is stored when the minute is over, or the server ends.
        kluis.stop();
        kluis.begin().await;
        let owner = kluis.owner();
        let events = owner.get("/v1/audit/events?action=auth.failure").await.expect(200);
        let counted: i64 = events.json()["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["details"]["reason"] == "ip_rule")
            .map(|event| {
                assert_eq!(event["ip_address"], "10.9.8.7");
                event["details"]["count"].as_i64().unwrap()
            })
            .sum();
        assert_eq!(counted, 3);
    }

    async fn they_are_for_owners_and_admins(kluis: Kluis) {
        let owner = kluis.owner();
        let agent = register(&kluis, &owner, json!({})).await;
        let (member, viewer) = (kluis.user("member").await.api(), kluis.user("viewer").await.api());
        let rule = make(&owner, "deny", "192.0.2.1").await.expect(201);
        let at = format!("{RULES}/{}", rule.text("/id"));
        for (api, status) in [(&agent.api, 403), (&member, 403), (&viewer, 403), (&kluis.anonymous(), 401)] {
            problem(&api.get(RULES).await, status);
            problem(&make(api, "deny", "192.0.2.2").await, status);
            problem(&api.delete(&at).await, status);
        }
        let admin = kluis.user("admin").await.api();
        admin.get(RULES).await.expect(200);
        admin.delete(&at).await.expect(204);
    }
}
