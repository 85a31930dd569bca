//! `/v1/policies/explain`: why someone may or may not (RULES §2).

use serde_json::{Value, json};

use super::secrets::{get, put};
use super::{problem, vault};
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Answer, Api, Kluis, on_both};

async fn explain(api: &Api, vault: &str, more: Value) -> Answer {
    let mut body = json!({"vault_id": vault, "path": "db/main/password", "permission": "read"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    api.post("/v1/policies/explain", body).await
}

on_both! {
    /// Issue 4, part 3: the decision and every rule that took part, the same as the decision that is made.
    async fn an_explanation_is_the_decision_with_its_reasons(kluis: Kluis) {
        let owner = kluis.owner();
        let id = vault(&owner, "v").await;
        put(&owner, &id, "db/main/password", json!({"value": "canary"})).await.expect(201);
        let member = kluis.user("member").await;
        let who = uuid_of(&member.id);
        let about = json!({"principal_type": "user", "principal_id": who});
        let add = |more: Value| {
            let (owner, path) = (owner.clone(), format!("/v1/vaults/{id}/policies"));
            let mut policy = json!({
                "principal_type": "user", "principal_id": who, "secret_path_pattern": "db/**", "permissions": ["read"],
            });
            policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            async move { owner.post(&path, policy).await.expect(201).text("/id") }
        };
        let steps = [
            (json!({"secret_path_pattern": "other/*"}), false, "path"),
            (json!({"permissions": ["write"]}), false, "permissions"),
            (json!({"expires_at": "2001-01-01T00:00:00Z"}), false, "expired"),
            (json!({"conditions": {"ip_allowlist": ["192.0.2.0/24"]}}), false, "conditions"),
            (json!({"attribute_conditions": {"required_tags": ["prod"]}}), false, "tags"),
            (json!({}), true, "applies"),
            (json!({"effect": "deny", "priority": 5}), false, "applies"),
            (json!({"priority": 9}), true, "applies"),
        ];
        for (policy, allowed, fit) in steps {
            let made = add(policy.clone()).await;
            let told = explain(&owner, &id, about.clone()).await.expect(200);
            assert_eq!(told.at("/allowed"), allowed, "{policy}: {told}");
            assert!(!told.string().contains("canary"));
            let told = told.json();
            let considered = told["policies"].as_array().unwrap();
            let own = considered.iter().find(|policy| policy["id"] == made.as_str()).unwrap();
            assert_eq!(own["fit"], fit, "{policy}: {own}");
            // The decision that is made is this one.
            let status = get(&member.api(), &id, "db/main/password").await.status;
            assert_eq!(status, if allowed { 200 } else { 403 }, "{policy}");
            let decides = if fit == "applies" { json!(made) } else { Value::Null };
            assert_eq!(told.get("deciding_policy_id").cloned().unwrap_or_default(), decides, "{told}");
        }
        let told = explain(&owner, &id, about.clone()).await.expect(200);
        assert_eq!((told.text("/basis"), told.at("/by_policies")), ("policy".to_owned(), json!(true)));
        // From another address another policy holds; of one's own one is told the same.
        let mut from = about.clone();
        from["ip_address"] = json!("192.0.2.7");
        let told = explain(&owner, &id, from).await.expect(200).json();
        let fits: Vec<&Value> = told["policies"].as_array().unwrap().iter().map(|policy| &policy["fit"]).collect();
        assert!(!fits.contains(&&json!("conditions")), "{told}");
        let own = explain(&member.api(), &id, json!({})).await.expect(200);
        assert_eq!((own.at("/allowed"), own.text("/basis")), (json!(true), "policy".to_owned()));
        kluis.admin_api().patch(&format!("/v1/users/{}", member.id), json!({"status": "disabled"})).await.expect(200);
        let told = explain(&owner, &id, about).await.expect(200);
        assert_eq!((told.at("/allowed"), told.at("/active"), told.at("/sees")), (json!(false), json!(false), json!(false)));
    }
}

/// Who may ask about whom, and what the roles come to without any policy.
#[tokio::test]
async fn others_are_explained_to_those_who_administer_the_vault() {
    let kluis = Kluis::start().await;
    let owner = kluis.owner();
    let (maker, admin, viewer) = (
        kluis.user("member").await,
        kluis.user("admin").await,
        kluis.user("viewer").await,
    );
    let id = vault(&maker.api(), "v").await;
    let of = |user: &str| json!({"principal_type": "user", "principal_id": user});
    let about = |user: &str| of(&uuid_of(user));
    for (asked, basis, sees) in [
        (of(&kluis.dev("/owner/id")), Some("owner"), true),
        (about(&maker.id), Some("maker"), true),
        (about(&admin.id), Some("role"), true),
        (about(&viewer.id), None, true),
        (about(&kluis.user("member").await.id), None, false),
    ] {
        for api in [&owner, &maker.api(), &admin.api()] {
            let told = explain(api, &id, asked.clone()).await.expect(200);
            assert_eq!(told.at("/allowed"), basis.is_some(), "{told}");
            assert_eq!(told.at("/basis").as_str(), basis, "{told}");
            assert_eq!(told.at("/sees"), sees, "{told}");
        }
    }
    // A viewer is told about itself alone, and never may write, whatever a policy says.
    let policy = json!({
        "secret_path_pattern": "**", "principal_type": "user", "principal_id": uuid_of(&viewer.id),
        "permissions": ["read", "write"],
    });
    owner
        .post(&format!("/v1/vaults/{id}/policies"), policy)
        .await
        .expect(201);
    let write = json!({"permission": "write"});
    let told = explain(&viewer.api(), &id, write).await.expect(200);
    assert_eq!(told.at("/allowed"), false);
    assert_eq!(told.at("/deciding_policy_id"), Value::Null);
    problem(&explain(&viewer.api(), &id, about(&maker.id)).await, 403);
    let outsider = kluis.user("member").await.api();
    problem(&explain(&outsider, &id, json!({})).await, 403);
    let stranger = kluis.stranger().await;
    problem(&explain(&stranger.api(), &id, json!({})).await, 404);
    problem(&explain(&owner, &id, about(&stranger.id)).await, 404);
    for wrong in [
        json!({"permission": "sing"}),
        json!({"path": ""}),
        json!({"principal_type": "user"}),
        json!({"principal_id": uuid_of(&maker.id)}),
        json!({"ip_address": "nowhere"}),
    ] {
        problem(&explain(&owner, &id, wrong).await, 400);
    }
}
