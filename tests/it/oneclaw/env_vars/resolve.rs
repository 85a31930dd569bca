//! `GET /v1/vaults/{vault_id}/env-vars/resolve`.

use serde_json::json;

use super::{Vars, allow, problem, register};
use crate::harness::{Kluis, on_both};

on_both! {
    async fn an_environment_gets_its_own_and_a_branch_goes_before(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        vars.make(&owner, "URL", json!({"value": "app", "environments": ["production"]})).await.expect(201);
        vars.make(&owner, "URL", json!({"value": "preview", "environments": ["preview"]})).await.expect(201);
        let branch = json!({"value": "feature", "environments": ["preview"], "git_branch": "feature-x"});
        vars.make(&owner, "URL", branch.clone()).await.expect(201);
        vars.make(&owner, "ONLY", branch).await.expect(201);
        vars.make(&owner, "TOKEN", json!({"value": "hidden", "sensitive": true})).await.expect(201);

        let told = vars.resolved(&owner, "environment=production").await.expect(200);
        assert_eq!(told.members(""), ["environment", "git_branch", "resolved_at", "sources", "vars"]);
        assert_eq!(told.at("/vars"), json!({"URL": "app", "TOKEN": "hidden"}));
        assert_eq!(told.at("/sources"), json!({"URL": "vault", "TOKEN": "vault"}));
        assert_eq!(told.text("/environment"), "production");
        assert_eq!(told.at("/git_branch"), json!(null));
        assert!(told.text("/resolved_at").ends_with('Z'));

        let told = vars.resolved(&owner, "environment=preview&git_branch=feature-x").await.expect(200);
        assert_eq!(told.at("/vars"), json!({"URL": "feature", "ONLY": "feature", "TOKEN": "hidden"}));
        assert_eq!(
            told.at("/sources"),
            json!({"URL": "branch_override", "ONLY": "branch_override", "TOKEN": "vault"})
        );
        assert_eq!(told.text("/git_branch"), "feature-x");
        for query in ["environment=preview", "environment=preview&git_branch=main"] {
            let told = vars.resolved(&owner, query).await.expect(200);
            assert_eq!(told.at("/vars"), json!({"URL": "preview", "TOKEN": "hidden"}), "{query}");
        }
        let query = "environment=production&git_branch=feature-x";
        assert_eq!(vars.resolved(&owner, query).await.expect(200).text("/vars/URL"), "app");
        let told = vars.resolved(&owner, "environment=development").await.expect(200);
        assert_eq!(told.at("/vars"), json!({"TOKEN": "hidden"}));

        for query in ["", "environment=", "environment=nowhere", "environment=No", "git_branch=x"] {
            problem(&vars.resolved(&owner, query).await, 400);
        }
    }

    async fn only_what_the_caller_may_read_is_resolved(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        let empty = Vars::new(&owner).await;
        for key in ["A", "B"] {
            vars.make(&owner, key, json!({"value": key, "environments": ["production"]})).await.expect(201);
        }
        let query = "environment=production";
        assert_eq!(empty.resolved(&owner, query).await.expect(200).at("/vars"), json!({}));
        let viewer = kluis.user("viewer").await.api();
        let agent = register(&kluis, &owner, json!({})).await;
        // Whether there are variables makes no difference.
        for vars in [&vars, &empty] {
            problem(&vars.resolved(&viewer, query).await, 403);
            problem(&vars.resolved(&agent.api, query).await, 403);
            allow(&owner, &vars.vault, &agent, "db/**", &["read"]).await;
            allow(&owner, &vars.vault, &agent, "env-vars/*", &["write"]).await;
            problem(&vars.resolved(&agent.api, query).await, 403);
        }
        problem(&vars.resolved(&kluis.stranger().await.api(), query).await, 404);

        allow(&owner, &vars.vault, &agent, "env-vars/A", &["read"]).await;
        let told = vars.resolved(&agent.api, query).await.expect(200);
        assert_eq!(told.at("/vars"), json!({"A": "A"}));
        assert_eq!(told.at("/sources"), json!({"A": "vault"}));
        let told = vars.resolved(&agent.api, "environment=preview").await.expect(200);
        assert_eq!(told.at("/vars"), json!({}));
        problem(&vars.resolved(&agent.api, "environment=nowhere").await, 400);

        let all = register(&kluis, &owner, json!({})).await;
        for vars in [&vars, &empty] {
            allow(&owner, &vars.vault, &all, "env-vars/**", &["read"]).await;
            vars.resolved(&all.api, query).await.expect(200);
        }
        let ceiling = register(&kluis, &owner, json!({"scopes": ["db/**"]})).await;
        allow(&owner, &vars.vault, &ceiling, "**", &["read"]).await;
        problem(&vars.resolved(&ceiling.api, query).await, 403);
    }

    async fn an_agent_has_an_environment_of_its_own(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        vars.make(&owner, "A", json!({"value": "p", "environments": ["preview"]})).await.expect(201);
        for (own, status) in [(json!("preview"), 200), (json!("nowhere"), 400), (json!("Odd One"), 400), (json!(null), 400)] {
            let agent = register(&kluis, &owner, json!({"environment": own})).await;
            allow(&owner, &vars.vault, &agent, "**", &["read"]).await;
            let told = vars.resolved(&agent.api, "").await.expect(status);
            if status == 200 {
                assert_eq!(told.at("/vars"), json!({"A": "p"}));
                assert_eq!(told.text("/environment"), "preview");
                let other = vars.resolved(&agent.api, "environment=production").await.expect(200);
                assert_eq!(other.at("/vars"), json!({}));
            }
        }
    }
}
