//! Who administers a vault, and what goes with it (RULES §2, §3, §5).

use serde_json::{Value, json};

use super::{problem, vault};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Kluis, Member, on_both};

fn rule(user: &Member, permissions: &[&str]) -> Value {
    json!({
        "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(&user.id),
        "permissions": permissions,
    })
}

/// Makes a secret and gives its path in CloudKeep's API.
async fn secret(api: &Api, vault: &str, key: &str) -> String {
    let path = format!("/api/v1/vaults/{vault}/secrets");
    let made = api
        .post(&path, json!({"key": key, "value": "1"}))
        .await
        .expect(201);
    format!("{path}/{}", made.text("/data/id"))
}

async fn versions(api: &Api, vault: &str, path: &str) -> Answer {
    api.get(&format!("/v1/vaults/{vault}/secret-versions/{path}"))
        .await
}

on_both! {
    /// RULES §2: a vault's policies, restore and purge; take-over.
    async fn a_vault_is_administered_by_its_maker_and_by_admins_alone(kluis: Kluis) {
        let owner = kluis.owner();
        let maker = kluis.user("member").await;
        let worker = kluis.user("member").await;
        let viewer = kluis.user("viewer").await;
        let id = vault(&maker.api(), "v").await;
        secret(&maker.api(), &id, "A").await;
        let policies = format!("/v1/vaults/{id}/policies");
        let everything = &["read", "write", "delete", "rotate"];
        for user in [&worker, &viewer] {
            owner.post(&policies, rule(user, everything)).await.expect(201);
        }
        let other = kluis.user("member").await;
        for (name, api, may) in [
            ("maker", maker.api(), true),
            ("admin", kluis.user("admin").await.api(), true),
            ("owner", owner.clone(), true),
            ("worker", worker.api(), false),
            ("viewer", viewer.api(), false),
        ] {
            let status = |allowed| if may { allowed } else { 403 };
            for route in ["secret-restore", "secret-purge"] {
                // Nothing is closed, so whoever may is told just that.
                let path = format!("/v1/vaults/{id}/{route}/A");
                problem(&api.post(&path, json!({})).await, status(409));
            }
            assert_eq!(api.get(&policies).await.status, status(200), "{name}");
            let made = api.post(&policies, rule(&other, &["read"])).await.expect(status(201));
            let made = if may {
                made
            } else {
                owner.post(&policies, rule(&other, &["read"])).await.expect(201)
            };
            let one = format!("{policies}/{}", made.text("/id"));
            let change = json!({"permissions": ["write"]});
            assert_eq!(api.put(&one, change).await.status, status(200), "{name}");
            assert_eq!(api.delete(&one).await.status, status(204), "{name}");
            let renamed = json!({"name": format!("by {name}")});
            let answer = api.patch(&format!("/api/v1/vaults/{id}"), renamed).await;
            assert_eq!(answer.status, status(200), "{name}");
        }
        let take_over = format!("/v1/vaults/{id}/take-over");
        for api in [maker.api(), worker.api(), viewer.api()] {
            problem(&api.post(&take_over, json!({})).await, 403);
        }
        owner.post(&take_over, json!({})).await.expect(200);
        // Who made it may no more than anybody; policies stay.
        maker.api().get(&format!("/api/v1/vaults/{id}")).await.expect(404);
        worker.api().get(&format!("/api/v1/vaults/{id}/secrets")).await.expect(200);
        problem(&maker.api().get(&policies).await, 403);
    }

    /// RULES §2: nobody but the vault's maker or an organization owner writes or removes a policy that names themselves.
    async fn a_policy_about_oneself_is_for_the_maker_and_owners(kluis: Kluis) {
        let owner = kluis.owner();
        let (admin, maker, second) = (
            kluis.user("admin").await,
            kluis.user("member").await,
            kluis.user("owner").await,
        );
        let id = vault(&maker.api(), "v").await;
        let policies = format!("/v1/vaults/{id}/policies");
        let deny = |user: &Member| {
            let mut rule = rule(user, &["read"]);
            rule["effect"] = "deny".into();
            rule
        };
        let named = owner.post(&policies, deny(&admin)).await.expect(201);
        let one = format!("{policies}/{}", named.text("/id"));
        problem(&admin.api().post(&policies, rule(&admin, &["read"])).await, 403);
        problem(&admin.api().put(&one, json!({"effect": "allow"})).await, 403);
        problem(&admin.api().delete(&one).await, 403);
        let list = admin.api().get(&policies).await.expect(200);
        assert_eq!(list.at("/policies/0"), named.json());
        assert_eq!(list.at("/policies/1"), Value::Null);
        let made = admin.api().post(&policies, deny(&maker)).await.expect(201);
        let of_other = format!("{policies}/{}", made.text("/id"));
        admin.api().put(&of_other, json!({"priority": 2})).await.expect(200);
        for user in [&maker, &second] {
            let made = user.api().post(&policies, deny(user)).await.expect(201);
            let own = format!("{policies}/{}", made.text("/id"));
            user.api().put(&own, json!({"effect": "allow"})).await.expect(200);
            user.api().delete(&own).await.expect(204);
        }
        maker.api().delete(&of_other).await.expect(204);
        maker.api().delete(&one).await.expect(204);
        // Not even what one has made counts, once it is taken over.
        owner.post(&format!("/v1/vaults/{id}/take-over"), json!({})).await.expect(200);
        problem(&maker.api().post(&policies, deny(&maker)).await, 403);
    }

    /// RULES §3: own organization's 403, and 404 for another's as for none.
    async fn another_organizations_vault_is_as_absent_here_too(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        secret(&owner, &id, "A").await;
        let member = kluis.user("member").await;
        let made = owner.post(&format!("/v1/vaults/{id}/policies"), rule(&member, &["read"])).await.expect(201);
        let policy = made.text("/id");
        let stranger = kluis.stranger().await.api();
        let outsider = kluis.user("member").await.api();
        let nothing = "01900000-0000-7000-8000-000000000000";
        for (method, path, body) in [
            ("GET", "policies".to_owned(), None),
            ("POST", "policies".to_owned(), Some(rule(&member, &["read"]))),
            ("PUT", format!("policies/{policy}"), Some(json!({"permissions": ["read"]}))),
            ("DELETE", format!("policies/{policy}"), None),
            ("GET", "secret-versions/A".to_owned(), None),
            ("POST", "secret-restore/A".to_owned(), None),
            ("POST", "secret-purge/A".to_owned(), None),
            ("POST", "take-over".to_owned(), None),
        ] {
            let method: reqwest::Method = method.parse().unwrap();
            let ask = async |api: &Api, vault: &str| {
                let path = format!("/v1/vaults/{vault}/{path}");
                api.send(method.clone(), &path, body.clone()).await
            };
            let (theirs, absent) = (ask(&stranger, &id).await, ask(&stranger, nothing).await);
            problem(&theirs, 404);
            assert_eq!(theirs.body, absent.body, "{theirs}");
            assert_eq!(theirs.headers.len(), absent.headers.len(), "{theirs}");
            problem(&ask(&outsider, &id).await, 403);
            // What only admins may is refused to all others before anything is looked for.
            let unknown = if path == "take-over" { 403 } else { 404 };
            problem(&ask(&outsider, nothing).await, unknown);
            problem(&ask(&owner, nothing).await, 404);
            problem(&ask(&owner, "not-an-id").await, 404);
        }
        // A policy is found in its own vault alone.
        let other = vault(&owner, "other").await;
        for api in [&owner, &stranger] {
            let path = format!("/v1/vaults/{other}/policies/{policy}");
            problem(&api.delete(&path).await, 404);
        }
        let list = owner.get(&format!("/v1/vaults/{id}/policies")).await.expect(200);
        assert_eq!(list.at("/policies/0"), made.json());
    }

    /// RULES §4, §5: a DELETE through CloudKeep destroys all versions at once; a new secret starts at version 1.
    async fn a_deleted_secret_has_no_versions_and_cannot_be_restored(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        let one = secret(&owner, &id, "A").await;
        for change in [
            json!({"value": "2"}),
            json!({"type": "note"}),
            json!({"notes": "n"}),
            json!({"value": "3", "type": "text"}),
        ] {
            owner.patch(&one, change).await.expect(200);
        }
        let numbers = |answer: &Answer| -> Vec<u64> {
            let versions = answer.at("/versions");
            let versions = versions.as_array().unwrap().iter();
            versions.map(|version| version["version"].as_u64().unwrap()).collect()
        };
        let list = versions(&owner, &id, "A").await.expect(200);
        assert_eq!(numbers(&list), [3, 2, 1], "a new value makes a version, nothing else does");
        owner.delete(&one).await.expect(204);
        problem(&versions(&owner, &id, "A").await, 404);
        for route in ["secret-restore", "secret-purge"] {
            let path = format!("/v1/vaults/{id}/{route}/A");
            problem(&owner.post(&path, json!({})).await, 404);
        }
        let anew = secret(&owner, &id, "A").await;
        assert_ne!(anew, one);
        let list = versions(&owner, &id, "A").await.expect(200);
        assert_eq!(numbers(&list), [1]);
        owner.get(&one).await.expect(404);
    }

    /// RULES §5: all of a vault, its policies too, at once.
    async fn a_deleted_vault_takes_its_policies_along(kluis: Kluis) {
        let owner = kluis.owner();
        let member = kluis.user("member").await;
        let id = vault(&owner, "v").await;
        secret(&owner, &id, "A").await;
        owner.post(&format!("/v1/vaults/{id}/policies"), rule(&member, &["read", "write"])).await.expect(201);
        member.api().get(&format!("/api/v1/vaults/{id}")).await.expect(200);
        owner.delete(&format!("/api/v1/vaults/{id}")).await.expect(204);
        problem(&owner.get(&format!("/v1/vaults/{id}/policies")).await, 404);
        problem(&versions(&owner, &id, "A").await, 404);
        member.api().get(&format!("/api/v1/vaults/{id}")).await.expect(404);
        let next = vault(&owner, "v").await;
        assert_ne!(next, id);
        let list = owner.get(&format!("/v1/vaults/{next}/policies")).await.expect(200);
        assert_eq!(list.json(), json!({"policies": []}));
        let list = owner.get(&format!("/api/v1/vaults/{next}/secrets")).await.expect(200);
        assert_eq!(list.json(), json!({"data": []}));
        member.api().get(&format!("/api/v1/vaults/{next}")).await.expect(404);
    }
}
