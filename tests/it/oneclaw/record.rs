//! What the record says of an act, and to whom (RULES §2, §7).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::vault;
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Kluis, on_both};

/// The events that `api` is shown, by the request that they came of.
///
/// One's own looks at the record are shown when they are asked for.
async fn by_request(api: &Api, query: &str) -> HashMap<String, Vec<Value>> {
    let mut events: HashMap<String, Vec<Value>> = HashMap::new();
    let looks = ["", "&action=audit.list"];
    let asked = if query.contains("action=") {
        &looks[..1]
    } else {
        &looks[..]
    };
    for looks in asked {
        let path = format!("/v1/audit/events?limit=1000{query}{looks}");
        let answer = api.get(&path).await.expect(200);
        for event in answer.at("/events").as_array().unwrap() {
            let mut event = event.clone();
            let details = event["details"].as_object_mut().unwrap();
            // The tests of `audit.rs` look at it.
            details.remove("key_id");
            let request = details.get("request_id").and_then(Value::as_str);
            let request = request.unwrap_or_default().to_owned();
            events.entry(request).or_default().push(event);
        }
    }
    events
}

fn request_of(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

on_both! {
    /// RULES §7: one event per act, in one log for all APIs, under the name that `docs/ROUTES.md` gives.
    async fn each_act_is_one_event_under_its_name(kluis: Kluis) {
        let (owner, admin) = (kluis.owner(), kluis.admin_api());
        let mut acts: Vec<(&str, &str, Answer)> = Vec::new();
        let mut act = |name, outcome, answer: Answer| -> Answer {
            acts.push((name, outcome, answer.clone()));
            answer
        };
        let member = kluis.user("member").await;
        let principal = uuid_of(&member.id);
        for path in ["/api/v1/me", "/v1/auth/me", "/v1/me"] {
            act("profile.read", "success", owner.get(path).await.expect(200));
        }
        act("template.list", "success", owner.get("/api/v1/templates").await.expect(200));
        let made = act("vault.create", "success", owner.post("/api/v1/vaults", json!({"name": "v"})).await.expect(201));
        act("vault.create", "failed", owner.post("/api/v1/vaults", json!({"name": "v"})).await.expect(409));
        act("vault.list", "success", owner.get("/api/v1/vaults").await.expect(200));
        let path = format!("/api/v1/vaults/{}", made.text("/data/id"));
        act("vault.view", "success", owner.get(&path).await.expect(200));
        act("vault.update", "success", owner.patch(&path, json!({"description": "d"})).await.expect(200));
        let body = json!({"key": "A", "value": "1"});
        let secrets = format!("{path}/secrets");
        let secret = act("secret.write", "success", owner.post(&secrets, body.clone()).await.expect(201));
        act("secret.write", "failed", owner.post(&secrets, body.clone()).await.expect(409));
        act("secret.write", "denied", member.api().post(&secrets, body).await.expect(404));
        let one = format!("{secrets}/{}", secret.text("/data/id"));
        act("secret.read", "success", owner.get(&one).await.expect(200));
        act("secret.read", "success", owner.get(&secrets).await.expect(200));
        act("secret.read", "denied", member.api().get(&one).await.expect(404));
        act("secret.write", "success", owner.patch(&one, json!({"value": "2"})).await.expect(200));
        let shown = owner.patch(&one, json!({"notes": "n"})).await.expect(200);
        let unified = format!("/v1/vaults/{}", uuid_of(&made.text("/data/id")));
        act("secret.versions", "success", owner.get(&format!("{unified}/secret-versions/A")).await.expect(200));
        act("secret.restore", "failed", owner.post(&format!("{unified}/secret-restore/A"), json!({})).await.expect(409));
        act("secret.purge", "failed", owner.post(&format!("{unified}/secret-purge/A"), json!({})).await.expect(409));
        let policies = format!("{unified}/policies");
        let body = json!({
            "secret_path_pattern": "**", "principal_type": "user", "principal_id": principal, "permissions": ["read"],
        });
        let policy = act("policy.create", "success", owner.post(&policies, body).await.expect(201));
        act("policy.list", "success", owner.get(&policies).await.expect(200));
        act("policy.list", "denied", member.api().get(&policies).await.expect(403));
        let policy = format!("{policies}/{}", policy.text("/id"));
        act("policy.update", "success", owner.put(&policy, json!({"permissions": ["write"]})).await.expect(200));
        act("policy.delete", "success", owner.delete(&policy).await.expect(204));
        act("vault.take_over", "success", owner.post(&format!("{unified}/take-over"), json!({})).await.expect(200));
        act("secret.delete", "success", owner.delete(&one).await.expect(204));
        act("secret.delete", "failed", owner.delete(&one).await.expect(404));
        act("vault.delete", "success", owner.delete(&path).await.expect(204));

        let user = json!({"email": "acts@x.test", "password": "Correct-Horse-7"});
        let made = act("user.create", "success", admin.post("/v1/users", user.clone()).await.expect(201));
        let path = format!("/v1/users/{}", made.text("/data/id"));
        act("user.list", "success", admin.get("/v1/users").await.expect(200));
        act("user.view", "success", admin.get(&path).await.expect(200));
        act("user.update", "success", admin.patch(&path, json!({"name": "n"})).await.expect(200));
        act("user.update", "denied", member.admin_api().patch(&path, json!({"name": "n"})).await.expect(404));
        let session = act("auth.success", "success", kluis.anonymous().post("/v1/auth/login", user.clone()).await.expect(200));
        let wrong = json!({"email": "acts@x.test", "password": "Wrong-password-1"});
        act("auth.failure", "denied", kluis.anonymous().post("/v1/auth/login", wrong).await.expect(401));
        let body = json!({"refresh_token": session.text("/data/refresh_token")});
        let session = act("auth.refresh", "success", kluis.anonymous().post("/v1/auth/refresh", body).await.expect(200));
        let api = Api::bearer(kluis.base(), session.text("/data/access_token"));
        act("auth.totp", "success", api.post("/v1/auth/totp/enroll", json!({})).await.expect(200));
        act("auth.logout", "success", api.post("/v1/auth/logout", json!({})).await.expect(200));
        let session = act("auth.success", "success", kluis.anonymous().post("/v1/auth/login", user).await.expect(200));
        let api = Api::bearer(kluis.base(), session.text("/data/access_token"));
        let body = json!({"current_password": "Correct-Horse-7", "new_password": "Correct-Horse-8"});
        act("auth.password_change", "success", api.post("/v1/auth/change-password", body).await.expect(200));
        act("user.reset_password", "success", admin.post(&format!("{path}/reset-password"), json!({})).await.expect(200));
        act("user.delete", "success", admin.delete(&path).await.expect(200));

        let key = act("api_key.create", "success", admin.post("/v1/api-keys", json!({"name": "k"})).await.expect(201));
        let path = format!("/v1/api-keys/{}", key.text("/data/id"));
        act("api_key.list", "success", admin.get("/v1/api-keys").await.expect(200));
        act("api_key.view", "success", admin.get(&path).await.expect(200));
        act("api_key.update", "success", admin.patch(&path, json!({"name": "n"})).await.expect(200));
        act("api_key.rotate", "success", admin.post(&format!("{path}/rotate"), json!({})).await.expect(200));
        act("api_key.revoke", "success", admin.delete(&path).await.expect(200));
        act("organization.create", "success", admin.post("/v1/organizations", json!({"name": "o"})).await.expect(201));
        act("organization.create", "denied", member.admin_api().post("/v1/organizations", json!({"name": "p"})).await.expect(403));
        act("audit.verify", "success", owner.get("/v1/audit/verify").await.expect(200));
        act("audit.verify", "denied", member.api().get("/v1/audit/verify").await.expect(403));
        act("audit.list", "success", owner.get("/v1/audit/events").await.expect(200));

        let events = by_request(&owner, "").await;
        let mut ids = std::collections::HashSet::new();
        for (name, outcome, answer) in &acts {
            let of_request = events.get(&request_of(answer)).cloned().unwrap_or_default();
            assert_eq!(of_request.len(), 1, "{name} {answer}: {of_request:?}");
            let event = &of_request[0];
            assert_eq!(event["action"], *name, "{answer}");
            assert_eq!(event["details"]["outcome"], *outcome, "{answer}: {event}");
            assert!(ids.insert(event["id"].to_string()), "{event}");
            assert_eq!(event["ip_address"], "127.0.0.1", "{event}");
            assert_eq!(event["org_id"], kluis.dev("/organization_id"), "{event}");
        }
        // A change whose answer shows the stored value is a read besides.
        let mut both: Vec<&Value> = events[&request_of(&shown)].iter().map(|event| &event["action"]).collect();
        both.sort_by_key(ToString::to_string);
        assert_eq!(both, ["secret.read", "secret.write"]);
        // What is wrong by itself is no act, nor is a path that leads nowhere.
        let wrong = owner.post("/api/v1/vaults", json!({})).await.expect(400);
        let nowhere = owner.get("/api/v1/nothing").await.expect(404);
        // Who is not known belongs to no organization.
        let body = json!({"email": "nobody@x.test", "password": "Wrong-password-1"});
        let nobody = kluis.anonymous().post("/v1/auth/login", body).await.expect(401);
        let events = by_request(&owner, "").await;
        for answer in [wrong, nowhere, nobody] {
            assert!(!events.contains_key(&request_of(&answer)), "{answer}");
        }
    }

    /// RULES §7: id, time, organization, actor, action, thing, details, address, outcome. §2: the basis.
    async fn an_event_says_who_did_what_to_which_thing_and_on_what_basis(kluis: Kluis) {
        let owner = kluis.owner();
        let maker = kluis.user("member").await;
        let id = vault(&maker.api(), "v").await;
        let secrets = format!("/api/v1/vaults/{id}/secrets");
        let body = json!({"key": "db/password", "value": "1"});
        let made = maker.api().post(&secrets, body).await.expect(201);
        let one = format!("{secrets}/{}", made.text("/data/id"));
        let changed = maker.api().patch(&one, json!({"value": "2"})).await.expect(200);
        let by_owner = owner.get(&one).await.expect(200);
        let reader = kluis.user("member").await;
        let body = json!({
            "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(&reader.id),
            "permissions": ["read"],
        });
        owner.post(&format!("/v1/vaults/{id}/policies"), body).await.expect(201);
        let by_policy = reader.api().get(&one).await.expect(200);
        let by_role = kluis.user("admin").await.api().get(&one).await.expect(200);
        let outsider = kluis.user("member").await;
        let hidden = outsider.api().get(&one).await.expect(404);

        let events = by_request(&owner, "").await;
        let event = |answer: &Answer| events[&request_of(answer)][0].clone();
        let secret = uuid_of(&made.text("/data/id"));
        for (answer, version, owns) in [
            (&made, 1, true),
            (&changed, 2, true),
            (&by_owner, 2, true),
            (&by_policy, 2, false),
            (&by_role, 2, false),
        ] {
            let event = event(answer);
            let members: Vec<_> = event.as_object().unwrap().keys().cloned().collect();
            let known = [
                "action", "actor_id", "actor_type", "created_at", "details", "id", "integrity_hash", "ip_address",
                "org_id", "prev_event_id", "resource_id", "resource_type",
            ];
            assert!(members.iter().all(|member| known.contains(&member.as_str())), "{event}");
            let mut details = json!({
                "api": "cloudkeep", "outcome": "success", "path": "db/password", "vault_id": id, "version": version,
                "request_id": request_of(answer),
            });
            if owns {
                details["basis"] = "owner".into();
            }
            assert_eq!(event["details"], details, "{event}");
            assert_eq!(event["resource_type"], "secret");
            assert_eq!(event["resource_id"], secret.as_str());
            let at = event["created_at"].as_str().unwrap();
            assert!(at.len() > 19 && at.ends_with('Z'), "{event}");
        }
        assert_eq!(event(&made)["actor_id"], uuid_of(&maker.id).as_str());
        assert_eq!(event(&by_owner)["actor_id"], kluis.dev("/owner/id"));
        // Of what is hidden, only what the request itself named.
        let event = event(&hidden);
        let details = json!({
            "api": "cloudkeep", "outcome": "denied", "vault_id": id, "request_id": request_of(&hidden),
        });
        assert_eq!(event["details"], details);
        assert_eq!(event["resource_id"], secret.as_str());
    }

    /// RULES §7: refused acts too, with the path where the caller sees it.
    async fn a_refused_act_is_recorded_with_the_path_that_it_was_about(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        let secrets = format!("/api/v1/vaults/{id}/secrets");
        let body = json!({"key": "db/password", "value": "1"});
        let made = owner.post(&secrets, body.clone()).await.expect(201);
        let one = format!("{secrets}/{}", made.text("/data/id"));
        let viewer = kluis.user("viewer").await;
        let api = viewer.api();
        let refused = [
            ("secret.read", api.get(&one).await),
            ("secret.delete", api.delete(&one).await),
            ("secret.write", api.post(&secrets, body).await),
            ("secret.write", api.patch(&one, json!({"value": "2"})).await),
        ];
        let events = by_request(&owner, "").await;
        let by_path = by_request(&owner, "&resource_id=db/password").await;
        for (action, answer) in refused {
            let answer = answer.expect(403);
            let event = &events[&request_of(&answer)][0];
            assert_eq!(event["action"], action);
            assert_eq!(event["actor_id"], uuid_of(&viewer.id).as_str());
            let details = json!({
                "api": "cloudkeep", "outcome": "denied", "path": "db/password", "vault_id": id,
                "request_id": request_of(&answer),
            });
            assert_eq!(event["details"], details, "{action} {answer}");
            assert!(by_path.contains_key(&request_of(&answer)), "{action} is not found by its path: {answer}");
        }
    }

    /// RULES §2: the row of audit events.
    async fn everyone_sees_the_events_of_their_row(kluis: Kluis) {
        let owner = kluis.owner();
        let (maker, other) = (kluis.user("member").await, kluis.user("member").await);
        let (viewer, admin) = (kluis.user("viewer").await, kluis.user("admin").await);
        let stranger = kluis.stranger().await;
        let id = vault(&maker.api(), "made").await;
        let elsewhere = vault(&owner, "elsewhere").await;
        let secrets = format!("/api/v1/vaults/{id}/secrets");
        let body = json!({"key": "A", "value": "1"});
        let made = maker.api().post(&secrets, body.clone()).await.expect(201);
        let one = format!("{secrets}/{}", made.text("/data/id"));
        let acts = [
            ("maker's", made),
            ("owner's on it", owner.get(&one).await.expect(200)),
            ("viewer's on it", viewer.api().get(&one).await.expect(403)),
            ("other's on it", other.api().get(&one).await.expect(404)),
            ("viewer's own", viewer.api().get("/api/v1/me").await.expect(200)),
            ("owner's elsewhere", owner.post(&format!("/api/v1/vaults/{elsewhere}/secrets"), body).await.expect(201)),
            ("stranger's on it", stranger.api().get(&one).await.expect(404)),
        ];
        const ALL: [bool; 7] = [true, true, true, true, true, true, false];
        for (name, caller, sees) in [
            ("owner", owner.clone(), ALL),
            ("admin", admin.api(), ALL),
            ("maker", maker.api(), [true, true, true, true, false, false, false]),
            ("viewer", viewer.api(), [false, false, true, false, true, false, false]),
            ("other", other.api(), [false, false, false, true, false, false, false]),
            ("stranger", stranger.api(), [false, false, false, false, false, false, true]),
        ] {
            // No filter shows more.
            let owner_id = kluis.dev("/owner/id");
            for query in [
                String::new(),
                format!("&resource_id={id}"),
                format!("&actor_id={owner_id}"),
                "&action=secret.read".to_owned(),
            ] {
                let events = by_request(&caller, &query).await;
                for ((act, answer), sees) in acts.iter().zip(sees) {
                    let seen = events.contains_key(&request_of(answer));
                    assert!(!seen || sees, "{name} sees the {act} with {query}");
                    assert!(seen || !sees || !query.is_empty(), "{name} does not see the {act}");
                }
            }
        }
        for (caller, status) in [(admin.api(), 200), (viewer.api(), 403), (maker.api(), 403), (stranger.api(), 200)] {
            caller.get("/v1/audit/verify").await.expect(status);
        }
        // A viewer that has made a vault sees its own acts alone.
        let path = format!("/v1/users/{}", maker.id);
        kluis.admin_api().patch(&path, json!({"role": "viewer"})).await.expect(200);
        let events = by_request(&maker.api(), "").await;
        assert!(events.contains_key(&request_of(&acts[0].1)));
        assert!(!events.contains_key(&request_of(&acts[1].1)));
    }

    /// RULES §7: a list of values is shown, filtered and counted as one event per secret.
    async fn a_list_of_values_is_one_event_for_each_secret_that_it_shows(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        let secrets = format!("/api/v1/vaults/{id}/secrets");
        for key in ["open/A", "open/B", "closed/C"] {
            owner.post(&secrets, json!({"key": key, "value": "1"})).await.expect(201);
        }
        let member = kluis.user("member").await;
        let body = json!({
            "secret_path_pattern": "open/*", "principal_type": "user", "principal_id": uuid_of(&member.id),
            "permissions": ["read"],
        });
        owner.post(&format!("/v1/vaults/{id}/policies"), body).await.expect(201);
        let list = member.api().get(&secrets).await.expect(200);
        let events = by_request(&owner, "&action=secret.read").await;
        let events = &events[&request_of(&list)];
        let mut paths: Vec<_> = events.iter().map(|event| event["details"]["path"].as_str().unwrap()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["open/A", "open/B"]);
        assert_ne!(events[0]["id"], events[1]["id"]);
        let one = by_request(&owner, "&action=secret.read&resource_id=open/A").await;
        assert_eq!(one.values().map(Vec::len).sum::<usize>(), 1);
        let page = owner.get("/v1/audit/events?action=secret.read&limit=1&offset=1").await.expect(200);
        assert_eq!(page.at("/count"), 1);
        // Who sees names without values reads nothing.
        let viewer = kluis.user("viewer").await;
        let names = viewer.api().get(&secrets).await.expect(200);
        let events = by_request(&owner, "&action=secret.read").await;
        let read = events.get(&request_of(&names)).cloned().unwrap_or_default();
        assert!(
            read.iter().all(|event| event["details"]["path"].is_null()),
            "a value that did not leave is recorded as read: {read:?}"
        );
    }
}
