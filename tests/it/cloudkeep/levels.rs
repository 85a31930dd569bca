//! The levels of this API, and the table of roles behind them (CloudKeep contract §2, RULES §2).

use reqwest::Method;
use serde_json::{Value, json};

use super::permissions::{ABSENT, grant, secret};
use super::vaults::{uuid_of, vault};
use crate::harness::{Answer, Api, Backend, Kluis, on_both};

/// What the contract's table of actions lists, in this order.
async fn statuses(api: &Api, vault: &str, secret: &str) -> Vec<u16> {
    let path = format!("/api/v1/vaults/{vault}");
    let new = json!({"key": crate::harness::unique(), "value": "1"});
    let asked = [
        ("GET", path.clone(), None),
        ("GET", format!("{path}/secrets"), None),
        ("GET", format!("{path}/secrets/{secret}"), None),
        ("POST", format!("{path}/secrets"), Some(new)),
        (
            "PATCH",
            format!("{path}/secrets/{secret}"),
            Some(json!({"value": "2"})),
        ),
        ("DELETE", format!("{path}/secrets/{secret}"), None),
        (
            "PATCH",
            path.clone(),
            Some(json!({"description": "changed"})),
        ),
        ("DELETE", path, None),
    ];
    let mut statuses = Vec::new();
    for (method, path, body) in asked {
        let method: Method = method.parse().unwrap();
        let answer = api.send(method, &path, body).await;
        if answer.status == 403 {
            assert_eq!(answer.members(""), ["error"]);
            assert_eq!(answer.members("/error"), ["code", "message"]);
            assert_eq!(answer.text("/error/code"), "FORBIDDEN");
        }
        statuses.push(answer.status);
    }
    statuses
}

on_both! {
    /// CloudKeep contract §2: each level includes the one below. RULES §2 says who has which.
    async fn each_level_may_what_its_row_says_and_no_more(kluis: Kluis) {
        const LOOK: [u16; 3] = [200, 200, 200];
        for (level, role, permissions, change, administer) in [
            ("Read-Only", "member", &["read"][..], [403, 403, 403], [403, 403]),
            ("Member", "member", &["read", "write"], [201, 200, 204], [403, 403]),
            ("Admin", "admin", &[], [201, 200, 204], [200, 204]),
            ("Owner of the organization", "owner", &[], [201, 200, 204], [200, 204]),
        ] {
            let maker = kluis.user("member").await.api();
            let here = vault(&maker, level).await;
            let one = secret(&maker, &here, "A", "1").await;
            let caller = kluis.user(role).await;
            if !permissions.is_empty() {
                grant(&kluis.owner(), &here, &caller, "**", permissions).await;
            }
            let list = caller.api().get(&format!("/api/v1/vaults/{here}/secrets")).await.expect(200);
            assert_eq!(list.text("/data/0/value"), "1", "{level}");
            let found = statuses(&caller.api(), &here, &one).await;
            assert_eq!(found, [&LOOK[..], &change, &administer].concat(), "{level}");
        }
        for role in ["member", "admin", "owner"] {
            let maker = kluis.user(role).await.api();
            let here = vault(&maker, "made").await;
            let one = secret(&maker, &here, "A", "1").await;
            let found = statuses(&maker, &here, &one).await;
            assert_eq!(found, [200, 200, 200, 201, 200, 204, 200, 204], "Owner, a {role}");
        }
    }

    /// RULES §2; 1claw contract §8: what each permission stands for.
    async fn each_permission_of_a_policy_opens_what_it_names(kluis: Kluis) {
        let owner = kluis.owner();
        for (permissions, expected) in [
            // Nothing of what is inside is seen, so all of it is as absent.
            (&["rotate"][..], [200, 200, 404, 404, 404, 404, 403, 403]),
            (&["read"], [200, 200, 200, 403, 403, 403, 403, 403]),
            (&["read", "rotate"], [200, 200, 200, 403, 403, 403, 403, 403]),
            (&["read", "delete"], [200, 200, 200, 403, 403, 204, 403, 403]),
            (&["write"], [200, 200, 403, 201, 200, 204, 403, 403]),
        ] {
            let here = vault(&owner, &permissions.join(" ")).await;
            let one = secret(&owner, &here, "A", "1").await;
            let member = kluis.user("member").await;
            grant(&owner, &here, &member, "**", permissions).await;
            let found = statuses(&member.api(), &here, &one).await;
            assert_eq!(found, expected, "{permissions:?}");
        }
        for permissions in [&["delete"][..], &["rotate"], &["delete", "rotate"]] {
            let here = vault(&owner, "unseen").await;
            secret(&owner, &here, "A", "1").await;
            let member = kluis.user("member").await;
            grant(&owner, &here, &member, "**", permissions).await;
            let path = format!("/api/v1/vaults/{here}");
            let seen = member.api().get(&path).await.expect(200);
            assert_eq!(seen.at("/data/secretCount"), 0, "{permissions:?}");
            let list = member.api().get(&format!("{path}/secrets")).await.expect(200);
            assert_eq!(list.json(), json!({"data": []}), "{permissions:?}");
            owner.delete(&path).await.expect(204);
        }
    }

    /// RULES §2: the columns of the viewer, and step 3 of the decision.
    async fn a_viewer_is_a_viewer_in_default_and_in_vaults_that_it_made(kluis: Kluis) {
        let owner = kluis.owner();
        let user = kluis.user("member").await;
        let api = user.api();
        let default = owner.get("/api/v1/vaults").await.expect(200).text("/data/0/id");
        let own = vault(&api, "own").await;
        let role = async |role: &str| {
            let path = format!("/v1/users/{}", user.id);
            kluis.admin_api().patch(&path, json!({"role": role})).await.expect(200);
        };
        for here in [default, own] {
            let one = secret(&api, &here, "A", "canary").await;
            role("viewer").await;
            let list = api.get(&format!("/api/v1/vaults/{here}/secrets")).await.expect(200);
            assert_eq!(list.text("/data/0/key"), "A");
            assert_eq!(list.at("/data/0/value"), Value::Null);
            let found = statuses(&api, &here, &one).await;
            assert_eq!(found, [200, 200, 403, 403, 403, 403, 403, 403]);
            let policies = format!("/v1/vaults/{}/policies", uuid_of(&here));
            api.get(&policies).await.expect(403);
            role("member").await;
            let one = api.get(&format!("/api/v1/vaults/{here}/secrets/{one}")).await;
            assert_eq!(one.expect(200).text("/data/value"), "canary");
        }
        role("viewer").await;
        let refused = api.post("/api/v1/vaults", json!({"name": "more"})).await;
        assert_eq!(refused.expect(403).text("/error/code"), "FORBIDDEN");
    }

    /// RULES §2, the decision: 3 before 4, 4 before 5.
    async fn a_deny_stops_neither_maker_nor_owner_and_everybody_else(kluis: Kluis) {
        let owner = kluis.owner();
        let maker = kluis.user("member").await;
        let here = vault(&maker.api(), "here").await;
        let one = secret(&maker.api(), &here, "A", "1").await;
        let path = format!("/api/v1/vaults/{here}/secrets/{one}");
        let deny = async |vault: &str, user: &str| {
            let body = json!({
                "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(user),
                "permissions": ["read", "write", "delete"], "effect": "deny", "priority": 9,
            });
            let policies = format!("/v1/vaults/{}/policies", uuid_of(vault));
            owner.post(&policies, body).await.expect(201);
        };
        let second = kluis.user("owner").await;
        for user in [&maker, &second] {
            deny(&here, &user.id).await;
            user.api().get(&path).await.expect(200);
            user.api().patch(&path, json!({"value": "2"})).await.expect(200);
        }
        let admin = kluis.user("admin").await;
        let default = owner.get("/api/v1/vaults").await.expect(200).text("/data/0/id");
        let shared = secret(&owner, &default, "S", "1").await;
        let shared = format!("/api/v1/vaults/{default}/secrets/{shared}");
        let member = kluis.user("member").await;
        for (user, vault, path) in [(&admin, &here, &path), (&member, &default, &shared)] {
            user.api().get(path).await.expect(200);
            deny(vault, &user.id).await;
            user.api().get(path).await.expect(403);
            user.api().patch(path, json!({"value": "2"})).await.expect(403);
            user.api().delete(path).await.expect(403);
            // Whether a name is seen follows the table, not the deny.
            let list = user.api().get(&format!("/api/v1/vaults/{vault}/secrets")).await.expect(200);
            assert_eq!(list.at("/data/0/value"), Value::Null);
        }
        kluis.user("member").await.api().get(&shared).await.expect(200);
        // Administration follows the table too.
        let body = json!({"description": "changed"});
        admin.api().patch(&format!("/api/v1/vaults/{here}"), body).await.expect(200);
    }

    /// RULES §3: inside a vault, a path that nothing lets the caller see is answered alike, whether it exists or not.
    async fn a_name_out_of_reach_is_as_absent_inside_a_vault_that_is_seen(kluis: Kluis) {
        let owner = kluis.owner();
        let here = vault(&owner, "here").await;
        let closed = secret(&owner, &here, "closed/A", "canary").await;
        secret(&owner, &here, "open/A", "1").await;
        let member = kluis.user("member").await;
        grant(&owner, &here, &member, "open/**", &["read", "write", "delete"]).await;
        let api = member.api();
        let secrets = format!("/api/v1/vaults/{here}/secrets");
        let absent = ABSENT.replace("vlt_", "sec_");
        for (method, body) in [
            (Method::GET, None),
            (Method::PATCH, Some(json!({"value": "x"}))),
            (Method::PATCH, Some(json!({"key": "closed/A", "value": "x"}))),
            (Method::DELETE, None),
        ] {
            let there = api.send(method.clone(), &format!("{secrets}/{closed}"), body.clone()).await;
            let nowhere = api.send(method.clone(), &format!("{secrets}/{absent}"), body).await;
            alike(&there.expect(404), &nowhere.expect(404));
        }
        let post = async |key: &str| {
            let body = json!({"key": key, "value": "x"});
            api.post(&secrets, body).await.expect(404)
        };
        alike(&post("closed/A").await, &post("closed/B").await);
        let versions = format!("/v1/vaults/{}/secret-versions", uuid_of(&here));
        let there = api.get(&format!("{versions}/closed/A")).await.expect(403);
        let nowhere = api.get(&format!("{versions}/closed/B")).await.expect(403);
        alike(&there, &nowhere);
        api.get(&format!("{versions}/open/A")).await.expect(200);
        api.get(&format!("{versions}/open/B")).await.expect(404);
        let read = owner.get(&format!("{secrets}/{closed}")).await.expect(200);
        assert_eq!(read.text("/data/value"), "canary");
    }

    /// RULES §2: a *live* policy.
    async fn a_policy_counts_until_it_expires(backend: Backend) {
        let kluis = backend.start_with(&["--test-clock"]).await;
        let owner = kluis.owner();
        let here = vault(&owner, "here").await;
        let one = secret(&owner, &here, "A", "1").await;
        let year: u32 = owner.get(&format!("/api/v1/vaults/{here}")).await.text("/data/createdAt")[..4]
            .parse()
            .unwrap();
        let (reader, denied) = (kluis.user("member").await, kluis.user("admin").await);
        let policies = format!("/v1/vaults/{}/policies", uuid_of(&here));
        for (user, effect) in [(&reader, "allow"), (&denied, "deny")] {
            let body = json!({
                "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(&user.id),
                "permissions": ["read"], "effect": effect, "expires_at": format!("{}-12-31T00:00:00Z", year + 1),
            });
            owner.post(&policies, body).await.expect(201);
        }
        let path = format!("/api/v1/vaults/{here}/secrets/{one}");
        reader.api().get(&path).await.expect(200);
        denied.api().get(&path).await.expect(403);
        kluis.advance_clock(2 * 366 * 24 * 3600).await;
        reader.api().get(&path).await.expect(404);
        reader.api().get(&format!("/api/v1/vaults/{here}")).await.expect(404);
        let list = reader.api().get("/api/v1/vaults").await.expect(200);
        assert_eq!(list.at("/data/1"), Value::Null);
        denied.api().get(&path).await.expect(200);
    }

    /// RULES §2, §3: names of vaults, and the vault that all share.
    async fn a_vaults_name_is_one_in_its_organization_and_default_stays_default(kluis: Kluis) {
        let owner = kluis.owner();
        vault(&owner, "hidden").await;
        let member = kluis.user("member").await.api();
        let own = vault(&member, "own").await;
        for taken in ["hidden", "default"] {
            // By contract a taken name is told, also where its vault is out of reach.
            let made = member.post("/api/v1/vaults", json!({"name": taken})).await.expect(409);
            assert_eq!(made.text("/error/code"), "CONFLICT");
            let path = format!("/api/v1/vaults/{own}");
            let renamed = member.patch(&path, json!({"name": taken})).await.expect(409);
            assert_eq!(renamed.body, made.body);
        }
        let stranger = kluis.stranger().await.api();
        vault(&stranger, "hidden").await;
        let theirs = stranger.get("/api/v1/vaults").await.expect(200);
        assert_eq!(theirs.text("/data/0/name"), "default");
        let default = owner.get("/api/v1/vaults").await.expect(200).text("/data/0/id");
        assert_ne!(theirs.text("/data/0/id"), default);
        let path = format!("/api/v1/vaults/{default}");
        for (caller, status) in [
            (kluis.user("viewer").await, 403),
            (kluis.user("member").await, 403),
            (kluis.user("admin").await, 409),
        ] {
            let api = caller.api();
            api.patch(&path, json!({"name": "other"})).await.expect(status);
            api.delete(&path).await.expect(status);
        }
    }
}

#[track_caller]
fn alike(one: &Answer, other: &Answer) {
    assert_eq!(one.body, other.body);
    let names = |answer: &Answer| {
        let names = answer.headers.keys().map(ToString::to_string);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(one), names(other));
}
