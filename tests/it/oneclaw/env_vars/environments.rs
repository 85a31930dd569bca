//! `/v1/vaults/{vault_id}/environments`.

use serde_json::{Value, json};

use super::{Vars, problem};
use crate::harness::{Api, Kluis, on_both};

async fn slugs(vars: &Vars, api: &Api) -> Vec<String> {
    let listed = api.get(&vars.environments()).await.expect(200).json();
    let listed = listed["environments"].as_array().unwrap().clone();
    let slugs = listed.iter().map(|one| one["slug"].as_str().unwrap());
    slugs.map(str::to_owned).collect()
}

const BUILT_IN: [&str; 3] = ["production", "preview", "development"];

on_both! {
    async fn every_vault_has_three_and_may_have_more(kluis: Kluis) {
        let owner = kluis.owner();
        let (vars, other) = (Vars::new(&owner).await, Vars::new(&owner).await);
        let listed = owner.get(&vars.environments()).await.expect(200);
        assert_eq!(slugs(&vars, &owner).await, BUILT_IN);
        for number in 0..3 {
            let at = format!("/environments/{number}");
            assert_eq!(
                listed.members(&at),
                ["copied_from", "created_at", "description", "id", "is_builtin", "is_detached", "slug"]
            );
            assert_eq!(listed.at(&format!("{at}/is_builtin")), true);
            assert_eq!(listed.at(&format!("{at}/is_detached")), false);
        }
        // Their ids stay, and are each vault's own.
        let again = owner.get(&vars.environments()).await.expect(200);
        assert_eq!(listed.json(), again.json());
        let elsewhere = owner.get(&other.environments()).await.expect(200);
        assert_ne!(listed.at("/environments/0/id"), elsewhere.at("/environments/0/id"));
        assert_ne!(listed.at("/environments/0/id"), listed.at("/environments/1/id"));

        let body = json!({"slug": "qa-2", "description": "before"});
        let made = owner.post(&vars.environments(), body).await.expect(201);
        assert_eq!(made.text("/slug"), "qa-2");
        assert_eq!(made.text("/description"), "before");
        assert_eq!(made.at("/is_builtin"), false);
        assert_eq!(made.at("/copied_from"), Value::Null);
        let listed = owner.get(&vars.environments()).await.expect(200);
        assert_eq!(listed.at("/environments/3"), made.json());
        assert_eq!(slugs(&other, &owner).await, BUILT_IN);
        vars.make(&owner, "A", json!({"environments": ["qa-2"], "sensitive": true})).await.expect(201);
        problem(&other.make(&owner, "A", json!({"environments": ["qa-2"]})).await, 400);

        for taken in ["qa-2", "production", "preview", "development"] {
            problem(&owner.post(&vars.environments(), json!({"slug": taken})).await, 409);
        }
        let long = "e".repeat(31);
        for wrong in ["", "x", "Upper", "under_score", "dot.ted", "sp ace", long.as_str()] {
            problem(&owner.post(&vars.environments(), json!({"slug": wrong})).await, 400);
        }
        problem(&owner.post(&vars.environments(), json!({})).await, 400);
        let unknown = json!({"slug": "copy", "copy_from": "nowhere"});
        problem(&owner.post(&vars.environments(), unknown).await, 400);
        let long = json!({"slug": "long", "description": "d".repeat(4_001)});
        problem(&owner.post(&vars.environments(), long).await, 400);
    }

    async fn a_copy_is_independent(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        vars.make(&owner, "BOTH", json!({"value": "b", "comment": "c"})).await.expect(201);
        vars.make(&owner, "LIVE", json!({"value": "l", "environments": ["production"], "sensitive": true})).await.expect(201);
        vars.make(&owner, "ELSE", json!({"environments": ["preview"]})).await.expect(201);
        let body = json!({"slug": "staging", "copy_from": "production"});
        let made = owner.post(&vars.environments(), body).await.expect(201);
        assert_eq!(made.text("/copied_from"), "production");
        assert_eq!(made.at("/is_detached"), true);
        let staging = "environment=staging";
        let told = vars.resolved(&owner, staging).await.expect(200);
        assert_eq!(told.at("/vars"), json!({"BOTH": "b", "LIVE": "l"}));
        let copy = owner.get(&vars.at("LIVE?environment=staging")).await.expect(200);
        assert_eq!(copy.at("/value"), Value::Null);
        assert_eq!(copy.at("/environments"), json!(["staging"]));
        assert_eq!(copy.at("/version"), 1);
        let copy = owner.get(&vars.at("BOTH?environment=staging")).await.expect(200);
        assert_eq!(copy.text("/comment"), "c");

        owner.patch(&vars.at("BOTH?environment=production"), json!({"value": "new"})).await.expect(200);
        owner.delete(&vars.at("LIVE?environment=production")).await.expect(204);
        let told = vars.resolved(&owner, staging).await.expect(200);
        assert_eq!(told.at("/vars"), json!({"BOTH": "b", "LIVE": "l"}));
    }

    async fn a_deleted_one_goes_from_all_variables(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        owner.post(&vars.environments(), json!({"slug": "staging"})).await.expect(201);
        vars.make(&owner, "ALONE", json!({"environments": ["staging"]})).await.expect(201);
        vars.make(&owner, "BOTH", json!({"environments": ["staging", "preview"]})).await.expect(201);
        let at = |slug: &str| format!("{}/{slug}", vars.environments());
        owner.delete(&at("staging")).await.expect(204);
        problem(&owner.get(&vars.at("ALONE")).await, 404);
        let both = owner.get(&vars.at("BOTH")).await.expect(200);
        assert_eq!(both.at("/environments"), json!(["preview"]));
        assert_eq!(slugs(&vars, &owner).await, BUILT_IN);
        problem(&owner.delete(&at("staging")).await, 404);
        problem(&vars.resolved(&owner, "environment=staging").await, 400);
        for built_in in BUILT_IN {
            problem(&owner.delete(&at(built_in)).await, 409);
        }
        problem(&owner.delete(&at("Odd%20One")).await, 400);
        owner.post(&vars.environments(), json!({"slug": "staging"})).await.expect(201);
        assert_eq!(vars.resolved(&owner, "environment=staging").await.expect(200).at("/vars"), json!({}));
    }

    async fn whoever_administers_the_vault_makes_and_deletes_them(kluis: Kluis) {
        let owner = kluis.owner();
        let maker = kluis.user("member").await.api();
        let vars = Vars::new(&maker).await;
        let at = format!("{}/staging", vars.environments());
        for api in [&owner, &maker, &kluis.user("admin").await.api()] {
            api.post(&vars.environments(), json!({"slug": "staging"})).await.expect(201);
            api.delete(&at).await.expect(204);
        }
        let viewer = kluis.user("viewer").await.api();
        let stranger = kluis.stranger().await.api();
        let member = kluis.user("member").await.api();
        for (api, status) in [(&viewer, 403), (&member, 403), (&stranger, 404), (&kluis.anonymous(), 401)] {
            problem(&api.post(&vars.environments(), json!({"slug": "staging"})).await, status);
            problem(&api.delete(&at).await, status);
            problem(&api.delete(&format!("{}/production", vars.environments())).await, status);
        }
        for number in 0..100 {
            let body = json!({"slug": format!("e-{number}")});
            maker.post(&vars.environments(), body).await.expect(201);
        }
        problem(&maker.post(&vars.environments(), json!({"slug": "e-100"})).await, 409);
    }
}
