//! Sharing: contract §10, RULES §6 and §8.

use std::time::Duration;

use kluis_engine::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use super::agents::{allow, register};
use super::{problem, vault};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

const LATER: &str = "2099-01-01T00:00:00Z";

/// A secret, by its vault and its id.
pub struct Shared {
    pub vault: String,
    pub secret: String,
}

/// A vault with one secret, `db/password`.
pub async fn secret(api: &Api, value: &str) -> Shared {
    let vault = vault(api, &format!("shared {}", crate::harness::unique())).await;
    let path = format!("/v1/vaults/{vault}/secrets/db/password");
    let made = api
        .put(&path, json!({"value": value, "type": "password"}))
        .await
        .expect(201);
    Shared {
        secret: made.text("/id"),
        vault,
    }
}

impl Shared {
    fn path(&self) -> String {
        format!("/v1/vaults/{}/secrets/db/password", self.vault)
    }

    /// Share it; what is not said is a link that lives long.
    pub async fn share(&self, by: &Api, mut members: Value) -> Answer {
        if members.get("recipient_type").is_none() {
            members["recipient_type"] = "anyone_with_link".into();
        }
        if members.get("expires_at").is_none() {
            members["expires_at"] = LATER.into();
        }
        by.post(&format!("/v1/secrets/{}/share", self.secret), members)
            .await
    }

    /// The same; gives the path that opens it.
    pub async fn link(&self, by: &Api, members: Value) -> String {
        let made = self.share(by, members).await.expect(201);
        format!("/v1/share/{}", made.text("/id"))
    }
}

async fn with_passphrase(api: &Api, link: &str, passphrase: &str) -> Answer {
    let body = json!({"passphrase": passphrase});
    api.send(Method::GET, link, Some(body)).await
}

/// The path that accepts what `link` opens, or declines it.
fn at(link: &str, word: &str) -> String {
    format!("{}/{word}", link.replace("/v1/share/", "/v1/shares/"))
}

async fn accept(api: &Api, link: &str) -> Answer {
    api.send(Method::POST, &at(link, "accept"), None).await
}

on_both! {
    async fn a_link_opens_the_newest_version_until_it_is_revoked(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let secret = secret(&owner, "first").await;
        let made = secret.share(&owner, json!({})).await.expect(201);
        assert_eq!(
            made.members(""),
            ["expires_at", "id", "max_access_count", "recipient_type", "share_url"]
        );
        let id = made.text("/id");
        let link = format!("/v1/share/{id}");
        assert_eq!(made.text("/share_url"), format!("{}{link}", kluis.base()));
        assert_eq!(made.text("/expires_at"), LATER);
        assert_eq!(made.at("/max_access_count"), 0);
        assert_eq!(&id[14..15], "4", "a random UUID");

        let opened = anyone.get(&link).await.expect(200);
        assert_eq!(
            opened.members(""),
            ["access_count", "id", "max_access_count", "path", "type", "value"]
        );
        assert_eq!(opened.text("/value"), "first");
        assert_eq!(opened.text("/path"), "db/password");
        assert_eq!(opened.text("/type"), "password");
        assert_eq!(opened.text("/id"), id);
        assert_eq!(opened.at("/access_count"), 1);
        assert_eq!(opened.header("cache-control"), Some("no-store"));

        owner.put(&secret.path(), json!({"value": "second"})).await.expect(201);
        // A credential that proves nothing is as good as none, and one of a foreigner too.
        let stale = Api::bearer(kluis.base(), "1ck_stale");
        assert_eq!(stale.get(&link).await.expect(200).text("/value"), "second");
        let stranger = kluis.stranger().await.api();
        stranger.get(&link).await.expect(200);

        let listed = owner.get("/v1/shares/outbound").await.expect(200);
        assert_eq!(
            listed.members("/shares/0"),
            [
                "access_count", "created_at", "expires_at", "id", "is_accepted", "is_expired",
                "max_access_count", "recipient_email", "recipient_type", "secret_path"
            ]
        );
        assert_eq!(listed.at("/shares/0/access_count"), 3);
        assert_eq!(listed.text("/shares/0/id"), id);
        assert_eq!(listed.at("/shares/0/is_expired"), false);
        let inbound = owner.get("/v1/shares/inbound").await.expect(200);
        assert_eq!(inbound.json(), json!({"shares": []}));

        problem(&kluis.anonymous().delete(&link).await, 401);
        let member = kluis.user("member").await.api();
        for foreign in [&member, &stranger] {
            problem(&foreign.delete(&link).await, 404);
            problem(&accept(foreign, &link).await, 404);
        }
        problem(&accept(&owner, &link).await, 403);
        owner.delete(&link).await.expect(204);
        problem(&anyone.get(&link).await, 404);
        problem(&owner.delete(&link).await, 404);
        // The command line of the vendor spells it so.
        let other = secret.link(&owner, json!({})).await;
        let alike = other.replace("/v1/share/", "/v1/shares/");
        owner.delete(&alike).await.expect(204);
        problem(&anyone.get(&other).await, 404);
    }

    async fn a_share_ends_with_its_count_and_its_time(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let secret = secret(&owner, "s").await;
        let twice = secret.link(&owner, json!({"max_access_count": 2})).await;
        for count in 1..=2 {
            assert_eq!(anyone.get(&twice).await.expect(200).at("/access_count"), count);
        }
        let gone = anyone.get(&twice).await;
        problem(&gone, 410);
        assert_eq!(gone.text("/detail"), "Secret is no longer available");

        let soon = Clock::system().now().after(Duration::from_mins(10));
        let soon = json!({"expires_at": soon.rfc3339(), "max_access_count": 0});
        let brief = secret.link(&owner, soon).await;
        anyone.get(&brief).await.expect(200);
        kluis.advance_clock(700).await;
        problem(&anyone.get(&brief).await, 410);
        let listed = owner.get("/v1/shares/outbound").await.expect(200);
        assert_eq!(listed.at("/shares/1/is_expired"), true);
        assert_eq!(listed.at("/shares/0/is_expired"), false);
    }

    async fn a_passphrase_is_wanted_where_there_is_one_and_cannot_be_guessed(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let secret = secret(&owner, "s").await;
        let members = json!({"passphrase": "open sesame", "max_access_count": 3});
        let link = secret.link(&owner, members).await;
        problem(&anyone.get(&link).await, 403);
        // C3: JSON is announced and nothing is sent.
        let announced = anyone.with("content-type", "application/json");
        problem(&announced.get(&link).await, 403);
        for _ in 0..2 {
            with_passphrase(&anyone, &link, "open sesame").await.expect(200);
        }
        for _ in 0..10 {
            problem(&with_passphrase(&anyone, &link, "open simsim").await, 403);
        }
        let limited = with_passphrase(&anyone, &link, "open sesame").await;
        problem(&limited, 429);
        let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        // Another share is not slowed, and what was refused has counted for nobody.
        let other = secret.link(&owner, json!({"passphrase": "other"})).await;
        with_passphrase(&anyone, &other, "other").await.expect(200);
        kluis.advance_clock(61).await;
        let opened = with_passphrase(&anyone, &link, "open sesame").await.expect(200);
        assert_eq!(opened.at("/access_count"), 3);
        problem(&with_passphrase(&anyone, &link, "open sesame").await, 410);
    }

    async fn an_address_list_is_held_against_whoever_opens(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let secret = secret(&owner, "s").await;
        for (list, status) in [
            (json!(["127.0.0.0/8"]), 200),
            (json!(["10.0.0.0/8", "::ffff:127.0.0.1"]), 200),
            (json!(["10.0.0.0/8"]), 403),
            (json!(["::/0"]), 403),
        ] {
            let link = secret.link(&owner, json!({"ip_allowlist": list})).await;
            assert_eq!(anyone.get(&link).await.status, status, "{list}");
        }
    }

    async fn a_share_for_one_opens_for_that_one_once_it_is_accepted(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let (member, other) = (kluis.user("member").await, kluis.user("viewer").await);
        let secret = secret(&owner, "s").await;
        let members = json!({"recipient_type": "user", "recipient_id": uuid_of(&member.id)});
        let link = secret.link(&owner, members.clone()).await;
        let inbound = member.api().get("/v1/shares/inbound").await.expect(200);
        assert_eq!(inbound.text("/shares/0/id"), link.rsplit('/').next().unwrap());
        assert_eq!(inbound.text("/shares/0/secret_path"), "db/password");
        assert_eq!(inbound.at("/shares/0/is_accepted"), false);
        assert_eq!(inbound.at("/shares/0/recipient_email"), Value::Null);

        problem(&anyone.get(&link).await, 401);
        problem(&kluis.stranger().await.api().get(&link).await, 404);
        problem(&other.api().get(&link).await, 404);
        problem(&owner.get(&link).await, 404);
        problem(&member.api().get(&link).await, 403);
        problem(&accept(&other.api(), &link).await, 404);
        problem(&accept(&owner, &link).await, 403);
        accept(&member.api(), &link).await.expect(204);
        accept(&member.api(), &link).await.expect(204);
        assert_eq!(member.api().get(&link).await.expect(200).text("/value"), "s");
        problem(&other.api().get(&link).await, 404);
        problem(&member.api().delete(&link).await, 403);
        let outbound = owner.get("/v1/shares/outbound").await.expect(200);
        assert_eq!(outbound.at("/shares/0/is_accepted"), true);

        let declined = secret.link(&owner, members).await;
        problem(&other.api().send(Method::POST, &at(&declined, "decline"), None).await, 404);
        member.api().send(Method::POST, &at(&declined, "decline"), None).await.expect(204);
        problem(&member.api().get(&declined).await, 404);
        assert_eq!(owner.get("/v1/shares/outbound").await.at("/shares/1"), Value::Null);
    }

    async fn an_agent_opens_what_is_for_it_within_its_ceilings(kluis: Kluis) {
        let owner = kluis.owner();
        let secret = secret(&owner, "s").await;
        let elsewhere = vault(&owner, "elsewhere").await;
        for (members, status) in [
            (json!({}), 200),
            (json!({"scopes": ["vaults:read"]}), 200),
            (json!({"scopes": ["web/**"]}), 403),
            (json!({"vault_ids": [elsewhere]}), 403),
            (json!({"vault_ids": [secret.vault]}), 200),
            (json!({"intents_api_enabled": true}), 200),
        ] {
            let agent = register(&kluis, &owner, members.clone()).await;
            let target = json!({"recipient_type": "agent", "recipient_id": agent.id});
            let link = secret.link(&owner, target).await;
            accept(&agent.api, &link).await.expect(204);
            assert_eq!(agent.api.get(&link).await.status, status, "{members}");
        }
        let path = format!("/v1/vaults/{}/secrets/id", secret.vault);
        let made = owner.put(&path, json!({"value": "k", "type": "ssh_key"})).await.expect(201);
        let key = Shared { vault: secret.vault, secret: made.text("/id") };
        let agent = register(&kluis, &owner, json!({"intents_api_enabled": true})).await;
        let target = json!({"recipient_type": "agent", "recipient_id": agent.id});
        let link = key.link(&owner, target).await;
        accept(&agent.api, &link).await.expect(204);
        problem(&agent.api.get(&link).await, 403);
        // No opening was used up by a refusal.
        let listed = owner.get("/v1/shares/outbound").await.json();
        let last = listed["shares"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["access_count"], 0);
    }

    async fn an_agent_shares_what_it_may_read_with_whom_it_may(kluis: Kluis) {
        let owner = kluis.owner();
        let secret = secret(&owner, "s").await;
        let agent = register(&kluis, &owner, json!({})).await;
        // What it does not see is as absent, and its own record tells no more.
        let (unseen, absent) = (
            secret.share(&agent.api, json!({})).await,
            Shared { vault: String::new(), secret: agent.id.clone() }.share(&agent.api, json!({})).await,
        );
        problem(&unseen, 404);
        assert_eq!(unseen.body, absent.body);
        let told = agent.api.get("/v1/audit/events?action=share.create").await.expect(200).json();
        for event in told["events"].as_array().unwrap() {
            assert!(event["details"].get("vault_id").is_none(), "{event}");
        }
        allow(&owner, &secret.vault, &agent, "db/*", &["write"]).await;
        problem(&secret.share(&agent.api, json!({})).await, 403);
        allow(&owner, &secret.vault, &agent, "db/*", &["read"]).await;
        let mail = json!({"recipient_type": "external_email", "email": "a@example.test"});
        problem(&secret.share(&agent.api, mail).await, 403);
        let link = secret.link(&agent.api, json!({"recipient_type": "creator"})).await;
        problem(&kluis.anonymous().get(&link).await, 401);
        accept(&owner, &link).await.expect(204);
        assert_eq!(owner.get(&link).await.expect(200).text("/value"), "s");
        problem(&secret.share(&owner, json!({"recipient_type": "creator"})).await, 403);
        // It goes with the agent.
        owner.delete(&format!("/v1/agents/{}", agent.id)).await.expect(204);
        problem(&owner.get(&link).await, 404);
    }

    /// NT-35
    async fn an_opening_is_decided_anew_with_the_rights_of_its_maker(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let member = kluis.user("member").await;
        let secret = secret(&owner, "s").await;
        problem(&secret.share(&member.api(), json!({})).await, 404);
        let policies = format!("/v1/vaults/{}/policies", secret.vault);
        let policy = json!({
            "secret_path_pattern": "db/**", "principal_type": "user",
            "principal_id": uuid_of(&member.id), "permissions": ["read"],
        });
        let made = owner.post(&policies, policy.clone()).await.expect(201);
        let link = secret.link(&member.api(), json!({"max_access_count": 4})).await;
        anyone.get(&link).await.expect(200);
        owner.delete(&format!("{policies}/{}", made.text("/id"))).await.expect(204);
        problem(&anyone.get(&link).await, 404);
        owner.post(&policies, policy).await.expect(201);
        let opened = anyone.get(&link).await.expect(200);
        assert_eq!(opened.at("/access_count"), 2, "a refusal uses up nothing");
        let user = format!("/v1/users/{}", member.id);
        let admin = kluis.admin_api();
        admin.patch(&user, json!({"status": "disabled"})).await.expect(200);
        problem(&anyone.get(&link).await, 404);
        admin.patch(&user, json!({"status": "active"})).await.expect(200);
        anyone.get(&link).await.expect(200);
        admin.delete(&user).await.expect(200);
        problem(&anyone.get(&link).await, 404);
    }

    async fn a_share_follows_its_secret(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let secret = secret(&owner, "s").await;
        let link = secret.link(&owner, json!({})).await;
        owner.delete(&secret.path()).await.expect(204);
        problem(&anyone.get(&link).await, 410);
        problem(&secret.share(&owner, json!({})).await, 410);
        owner.put(&secret.path(), json!({"value": "new", "max_access_count": 2})).await.expect(201);
        assert_eq!(anyone.get(&link).await.expect(200).text("/value"), "new");
        owner.get(&secret.path()).await.expect(200);
        // Each plaintext that leaves uses one read, whichever way.
        problem(&anyone.get(&link).await, 410);
        problem(&owner.get(&secret.path()).await, 410);
        owner.put(&secret.path(), json!({"value": "last"})).await.expect(201);
        anyone.get(&link).await.expect(200);
        let there = format!("/api/v1/vaults/{}/secrets/{}", secret.vault, secret.secret);
        owner.delete(&there).await.expect(204);
        problem(&anyone.get(&link).await, 404);
        problem(&secret.share(&owner, json!({})).await, 404);
    }

    /// NT-50: an empty list is refused.
    async fn what_a_share_may_be_is_checked_before_anything_else(kluis: Kluis) {
        let owner = kluis.owner();
        let secret = secret(&owner, "s").await;
        let nobody = "00000000-0000-4000-8000-000000000000";
        for (members, field) in [
            (json!({"recipient_type": "everyone"}), "recipient_type"),
            (json!({"recipient_type": "user"}), "recipient_id"),
            (json!({"recipient_type": "agent"}), "recipient_id"),
            (json!({"recipient_type": "user", "recipient_id": nobody}), "recipient_id"),
            (json!({"recipient_id": nobody}), "recipient_id"),
            (json!({"recipient_type": "external_email"}), "email"),
            (json!({"recipient_type": "external_email", "email": "no"}), "email"),
            (json!({"expires_at": "soon"}), "expires_at"),
            (json!({"expires_at": "2001-01-01T00:00:00Z"}), "expires_at"),
            (json!({"expires_at": null}), "expires_at"),
            (json!({"max_access_count": -1}), "max_access_count"),
            (json!({"max_access_count": 1.5}), "max_access_count"),
            (json!({"passphrase": ""}), "passphrase"),
            (json!({"passphrase": "p".repeat(1025)}), "passphrase"),
            (json!({"ip_allowlist": ["localhost"]}), "ip_allowlist"),
            (json!({"ip_allowlist": []}), "ip_allowlist"),
            (json!({"permissions": []}), "permissions"),
            (json!({"ip_allowlist": ["10.0.0.0/33"]}), "ip_allowlist"),
            (json!({"permissions": ["read", "write"]}), "permissions"),
        ] {
            let refused = secret.share(&owner, members.clone()).await;
            problem(&refused, 400);
            assert_eq!(refused.members("/fields"), [field], "{members}");
        }
        // What is not said, and what a client of the vendor says on top of it.
        let members = json!({
            "recipient_type": "external_email", "recipient_email": "Some.One@Example.test",
            "recipient_id": null, "passphrase": null, "max_access_count": null,
            "permissions": ["read"], "ip_allowlist": null, "unknown": 1,
        });
        let made = secret.share(&owner, members).await.expect(201);
        assert_eq!(made.text("/recipient_email"), "some.one@example.test");
        let foreign = kluis.stranger().await.api();
        problem(&secret.share(&foreign, json!({})).await, 404);
        for absent in [nobody, "not-an-id"] {
            let path = format!("/v1/secrets/{absent}/share");
            let body = json!({"recipient_type": "anyone_with_link", "expires_at": LATER});
            problem(&owner.post(&path, body).await, 404);
            problem(&kluis.anonymous().get(&format!("/v1/share/{absent}")).await, 404);
            problem(&owner.delete(&format!("/v1/shares/{absent}")).await, 404);
        }
    }

    /// RULES §8: the record has a share only as something that opens nothing.
    async fn the_record_tells_who_opened_and_not_how(kluis: Kluis) {
        let (owner, anyone) = (kluis.owner(), kluis.anonymous());
        let secret = secret(&owner, "s").await;
        let link = secret.link(&owner, json!({"max_access_count": 1, "passphrase": "hush hush"})).await;
        problem(&with_passphrase(&anyone, &link, "wrong").await, 403);
        with_passphrase(&anyone, &link, "hush hush").await.expect(200);
        problem(&with_passphrase(&anyone, &link, "hush hush").await, 410);
        let events = owner.get("/v1/audit/events").await.expect(200);
        for told in [link.rsplit('/').next().unwrap(), "hush hush"] {
            assert!(!events.string().contains(told));
        }
        let opened = owner.get("/v1/audit/events?action=share.open").await.expect(200).json();
        let opened = opened["events"].as_array().unwrap();
        let outcomes: Vec<_> = opened.iter().map(|event| event["details"]["outcome"].clone()).collect();
        assert_eq!(outcomes, ["failed", "success", "denied"]);
        for event in opened {
            assert_eq!(event["actor_type"], "anonymous");
            assert_eq!(event["ip_address"], "127.0.0.1");
        }
        assert_eq!(opened[1]["resource_id"], secret.secret);
        assert_eq!(opened[1]["details"]["path"], "db/password");
        let of = format!("/v1/audit/events?resource_id={}", secret.secret);
        let actions: Vec<_> = owner.get(&of).await.json()["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["action"].as_str().unwrap().to_owned())
            .collect();
        assert!(actions.contains(&"share.create".to_owned()), "{actions:?}");
    }
}
