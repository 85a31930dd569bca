//! Environment variables: contract §14.1.

mod environments;
mod resolve;

use serde_json::{Value, json};

use super::agents::{allow, register};
use super::{problem, vault};
use crate::harness::{Answer, Api, Kluis, on_both};

/// Where the variables of a vault are.
struct Vars {
    vault: String,
}

impl Vars {
    /// Those of a new vault.
    async fn new(api: &Api) -> Self {
        let vault = vault(api, &format!("vars {}", crate::harness::unique())).await;
        Self { vault }
    }

    /// The path of `rest`, which is a key with a query, or empty.
    fn at(&self, rest: &str) -> String {
        let slash = if rest.is_empty() || rest.starts_with('?') {
            ""
        } else {
            "/"
        };
        format!("/v1/vaults/{}/env-vars{slash}{rest}", self.vault)
    }

    fn environments(&self) -> String {
        format!("/v1/vaults/{}/environments", self.vault)
    }

    async fn make(&self, api: &Api, key: &str, members: Value) -> Answer {
        let mut body = members;
        body["key"] = key.into();
        if body.get("value").is_none() {
            body["value"] = format!("value of {key}").into();
        }
        api.post(&self.at(""), body).await
    }

    async fn value(&self, api: &Api, rest: &str) -> Value {
        api.get(&self.at(rest)).await.expect(200).at("/value")
    }

    async fn resolved(&self, api: &Api, query: &str) -> Answer {
        api.get(&self.at(&format!("resolve?{query}"))).await
    }

    async fn keys(&self, api: &Api, query: &str) -> Vec<String> {
        let listed = api.get(&self.at(query)).await.expect(200).json();
        let listed = listed["env_vars"].as_array().unwrap().clone();
        let keys = listed.iter().map(|one| one["key"].as_str().unwrap());
        keys.map(str::to_owned).collect()
    }
}

const MEMBERS: [&str; 11] = [
    "comment",
    "created_at",
    "created_by",
    "environments",
    "git_branch",
    "id",
    "key",
    "sensitive",
    "updated_at",
    "value",
    "version",
];

on_both! {
    async fn a_variable_is_made_read_changed_and_deleted(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        let made = vars.make(&owner, "LOG_LEVEL", json!({"value": "info", "comment": "how much"})).await;
        let made = made.expect(201);
        assert_eq!(made.members(""), MEMBERS);
        assert_eq!(made.at("/environments"), json!(["production", "preview", "development"]));
        assert_eq!(made.at("/git_branch"), Value::Null);
        assert_eq!(made.at("/sensitive"), false);
        assert_eq!(made.text("/comment"), "how much");
        assert_eq!(made.text("/value"), "info");
        assert_eq!(made.at("/version"), 1);
        assert_eq!(made.text("/created_by"), kluis.dev("/owner/id"));
        assert_eq!(owner.get(&vars.at("LOG_LEVEL")).await.expect(200).json(), made.json());

        // A new value is a new version, the same one too; nothing else is.
        for (change, version) in [
            (json!({"value": "info"}), 2),
            (json!({"comment": ""}), 2),
            (json!({"environments": ["preview", "preview"]}), 2),
            (json!({"value": "debug", "comment": "more", "environments": null}), 3),
            (json!({}), 3),
        ] {
            let changed = owner.patch(&vars.at("LOG_LEVEL"), change).await.expect(200);
            assert_eq!(changed.members(""), MEMBERS);
            assert_eq!(changed.at("/version"), version);
            assert_eq!(changed.text("/id"), made.text("/id"));
        }
        let read = owner.get(&vars.at("LOG_LEVEL?environment=preview")).await.expect(200);
        assert_eq!(read.at("/environments"), json!(["preview"]));
        assert_eq!(read.text("/value"), "debug");
        assert_eq!(read.text("/comment"), "more");
        problem(&owner.get(&vars.at("LOG_LEVEL?environment=production")).await, 404);
        assert_eq!(vars.keys(&owner, "?environment=preview").await, ["LOG_LEVEL"]);
        assert!(vars.keys(&owner, "?environment=production").await.is_empty());

        // They are no secrets.
        let secrets = owner.get(&format!("/v1/vaults/{}/secrets", vars.vault)).await.expect(200);
        assert_eq!(secrets.json(), json!({"secrets": []}));
        let secret = format!("/v1/vaults/{}/secrets/env-vars/LOG_LEVEL", vars.vault);
        problem(&owner.get(&secret).await, 404);

        owner.delete(&vars.at("LOG_LEVEL")).await.expect(204);
        problem(&owner.get(&vars.at("LOG_LEVEL")).await, 404);
        problem(&owner.patch(&vars.at("LOG_LEVEL"), json!({"value": "x"})).await, 404);
        problem(&owner.delete(&vars.at("LOG_LEVEL")).await, 404);
        vars.make(&owner, "LOG_LEVEL", json!({})).await.expect(201);
        owner.delete(&format!("/v1/vaults/{}", vars.vault)).await.expect(204);
        problem(&owner.get(&vars.at("LOG_LEVEL")).await, 404);
    }

    async fn what_is_wrong_in_itself_is_refused(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        let long = "A".repeat(257);
        for key in ["", "lower", "WITH-DASH", "A B", "É", long.as_str()] {
            problem(&vars.make(&owner, key, json!({})).await, 400);
        }
        let longest = "9".repeat(256);
        vars.make(&owner, &longest, json!({"value": ""})).await.expect(201);
        assert_eq!(vars.value(&owner, &longest).await, "");
        problem(&owner.get(&vars.at("lower")).await, 400);
        problem(&owner.post(&vars.at(""), json!({"key": "A"})).await, 400);
        for members in [
            json!({"environments": []}),
            json!({"environments": ["nowhere"]}),
            json!({"environments": ["production", "Preview"]}),
            json!({"environments": ["x"]}),
            json!({"environments": "production"}),
            json!({"git_branch": "main"}),
            json!({"git_branch": "main", "environments": ["production"]}),
            json!({"git_branch": "main", "environments": ["preview", "development"]}),
            json!({"git_branch": "", "environments": ["preview"]}),
            json!({"git_branch": "a\nb", "environments": ["preview"]}),
            json!({"git_branch": "b".repeat(256), "environments": ["preview"]}),
            json!({"sensitive": true, "environments": ["development"]}),
            json!({"comment": "c".repeat(4_001)}),
            json!({"comment": "\0"}),
            json!({"value": 1}),
        ] {
            problem(&vars.make(&owner, "WRONG", members).await, 400);
        }
        problem(&vars.make(&owner, "LARGE", json!({"value": "v".repeat(65_537)})).await, 413);
        let largest = "v".repeat(65_536);
        vars.make(&owner, "LARGE", json!({"value": largest})).await.expect(201);
        assert_eq!(vars.value(&owner, "LARGE").await, largest);
        problem(&owner.patch(&vars.at("LARGE"), json!({"value": "v".repeat(65_537)})).await, 413);
        problem(&owner.get(&vars.at("?environment=nowhere")).await, 400);
        problem(&owner.get(&vars.at("LARGE?environment=nowhere")).await, 400);

        vars.make(&owner, "BRANCH", json!({"git_branch": "main", "environments": ["preview"]})).await.expect(201);
        for (key, change) in [
            ("LARGE", json!({"environments": []})),
            ("LARGE", json!({"environments": ["nowhere"]})),
            ("LARGE", json!({"sensitive": true, "environments": ["development"]})),
            ("BRANCH", json!({"environments": ["preview", "production"]})),
            ("BRANCH", json!({"comment": "c".repeat(4_001)})),
        ] {
            problem(&owner.patch(&vars.at(key), change).await, 400);
        }
        assert_eq!(owner.get(&vars.at("LARGE")).await.at("/version"), 1);
    }

    async fn several_of_one_key_are_told_apart(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        let place = |environments: Value, branch: Option<&str>, value: &str| {
            json!({"environments": environments, "git_branch": branch, "value": value})
        };
        for members in [
            place(json!(["production"]), None, "production"),
            place(json!(["preview", "development"]), None, "others"),
            place(json!(["preview"]), Some("one"), "one"),
            place(json!(["preview"]), Some("two/x"), "two"),
        ] {
            vars.make(&owner, "URL", members).await.expect(201);
        }
        // The same key and branch in the same environment.
        for members in [
            place(json!(["production"]), None, "x"),
            place(json!(["development"]), None, "x"),
            place(json!(["preview"]), Some("one"), "x"),
        ] {
            problem(&vars.make(&owner, "URL", members).await, 409);
        }
        let moved = json!({"environments": ["production", "preview"]});
        problem(&owner.patch(&vars.at("URL?environment=production"), moved).await, 409);

        for (query, value) in [
            ("environment=production", "production"),
            ("environment=development", "others"),
            ("environment=preview", "others"),
            ("environment=preview&git_branch=", "others"),
            ("environment=preview&git_branch=one", "one"),
            ("git_branch=one", "one"),
            ("git_branch=two%2Fx", "two"),
        ] {
            assert_eq!(vars.value(&owner, &format!("URL?{query}")).await, value, "{query}");
        }
        for query in ["git_branch=three", "environment=production&git_branch=one"] {
            problem(&owner.get(&vars.at(&format!("URL?{query}"))).await, 404);
        }
        let open = owner.get(&vars.at("URL")).await;
        problem(&open, 400);
        assert_eq!(open.members("/fields"), ["environment"]);
        problem(&owner.patch(&vars.at("URL"), json!({"value": "x"})).await, 400);
        problem(&owner.delete(&vars.at("URL")).await, 400);

        owner.delete(&vars.at("URL?environment=development")).await.expect(204);
        let open = owner.get(&vars.at("URL?environment=preview")).await;
        problem(&open, 400);
        assert_eq!(open.members("/fields"), ["git_branch"]);
        let one = vars.at("URL?git_branch=one");
        assert_eq!(owner.patch(&one, json!({"value": "1"})).await.expect(200).at("/version"), 2);
        owner.delete(&one).await.expect(204);
        assert_eq!(vars.value(&owner, "URL?environment=preview").await, "two");
    }

    async fn a_sensitive_value_is_told_by_resolving_alone(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        let made = vars.make(&owner, "TOKEN", json!({"value": "hidden", "sensitive": true})).await;
        assert_eq!(made.expect(201).at("/value"), Value::Null);
        assert_eq!(vars.value(&owner, "TOKEN").await, Value::Null);
        let listed = owner.get(&vars.at("")).await.expect(200);
        assert_eq!(listed.at("/env_vars/0/value"), Value::Null);
        assert_eq!(listed.at("/env_vars/0/sensitive"), true);
        let changed = owner.patch(&vars.at("TOKEN"), json!({"value": "hidden too"})).await.expect(200);
        assert_eq!(changed.at("/value"), Value::Null);
        assert_eq!(changed.at("/version"), 2);

        // No old value comes to light.
        let off = owner.patch(&vars.at("TOKEN"), json!({"sensitive": false})).await;
        problem(&off, 400);
        assert_eq!(off.members("/fields"), ["value"]);
        assert_eq!(vars.value(&owner, "TOKEN").await, Value::Null);
        let change = json!({"sensitive": false, "value": "open"});
        let changed = owner.patch(&vars.at("TOKEN"), change).await.expect(200);
        assert_eq!(changed.text("/value"), "open");
        assert_eq!(vars.value(&owner, "TOKEN").await, "open");
        let changed = owner.patch(&vars.at("TOKEN"), json!({"sensitive": true})).await.expect(200);
        assert_eq!(changed.at("/value"), Value::Null);
        assert_eq!(vars.value(&owner, "TOKEN").await, Value::Null);
        let resolved = vars.resolved(&owner, "environment=production").await.expect(200);
        assert_eq!(resolved.text("/vars/TOKEN"), "open");
    }

    async fn permissions_are_those_of_a_secret_at_its_path(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        vars.make(&owner, "ONE", json!({})).await.expect(201);
        vars.make(&owner, "TWO", json!({})).await.expect(201);
        let (viewer, member) = (kluis.user("viewer").await, kluis.user("member").await.api());
        let agent = register(&kluis, &owner, json!({})).await;
        let stranger = kluis.stranger().await.api();
        for (caller, status) in [(&member, 403), (&agent.api, 403), (&stranger, 404), (&kluis.anonymous(), 401)] {
            for path in [vars.at(""), vars.at("ONE"), vars.at("NONE"), vars.environments()] {
                problem(&caller.get(&path).await, status);
            }
            problem(&vars.make(caller, "THREE", json!({})).await, status);
            problem(&caller.patch(&vars.at("ONE"), json!({"value": "x"})).await, status);
            problem(&caller.delete(&vars.at("ONE")).await, status);
        }
        // A viewer sees the names, and no values.
        let viewer = viewer.api();
        let listed = viewer.get(&vars.at("")).await.expect(200);
        assert_eq!(listed.at("/env_vars/1/key"), "TWO");
        assert_eq!(listed.at("/env_vars/1/value"), Value::Null);
        for key in ["ONE", "NONE"] {
            problem(&viewer.get(&vars.at(key)).await, 403);
            problem(&viewer.patch(&vars.at(key), json!({"value": "x"})).await, 403);
            problem(&viewer.delete(&vars.at(key)).await, 403);
        }
        viewer.get(&vars.environments()).await.expect(200);

        allow(&owner, &vars.vault, &agent, "env-vars/ONE", &["read"]).await;
        assert_eq!(vars.keys(&agent.api, "").await, ["ONE"]);
        assert_eq!(vars.value(&agent.api, "ONE").await, "value of ONE");
        for key in ["TWO", "NONE"] {
            problem(&agent.api.get(&vars.at(key)).await, 403);
        }
        problem(&agent.api.patch(&vars.at("ONE"), json!({"value": "x"})).await, 403);
        allow(&owner, &vars.vault, &agent, "env-vars/T*", &["write"]).await;
        let listed = agent.api.get(&vars.at("")).await.expect(200);
        assert_eq!(listed.at("/env_vars/1/key"), "TWO");
        assert_eq!(listed.at("/env_vars/1/value"), Value::Null);
        problem(&agent.api.get(&vars.at("TWO")).await, 403);
        // Writing back is not reading.
        let changed = agent.api.patch(&vars.at("TWO"), json!({"comment": "c"})).await.expect(200);
        assert_eq!(changed.at("/value"), Value::Null);
        let changed = agent.api.patch(&vars.at("TWO"), json!({"value": "set"})).await.expect(200);
        assert_eq!(changed.text("/value"), "set");
        let made = vars.make(&agent.api, "THREE", json!({})).await.expect(201);
        assert_eq!(made.text("/created_by"), agent.id);
        agent.api.delete(&vars.at("THREE")).await.expect(204);
        problem(&vars.make(&agent.api, "FOUR", json!({})).await, 403);
        allow(&owner, &vars.vault, &agent, "env-vars/ONE", &["delete"]).await;
        agent.api.delete(&vars.at("ONE")).await.expect(204);
        problem(&agent.api.post(&vars.environments(), json!({"slug": "staging"})).await, 403);
    }

    async fn a_scope_is_a_ceiling(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        vars.make(&owner, "ONE", json!({})).await.expect(201);
        for (scope, list, read, write) in [
            ("metadata:read", 200, 403, 403),
            ("database:read", 200, 200, 403),
            ("database:write", 403, 403, 200),
            ("logs:read", 403, 403, 403),
        ] {
            let body = json!({"name": scope, "style": "oneclaw", "scopes": [scope]});
            let key = kluis.admin_api().post("/v1/api-keys", body).await.expect(201);
            let api = Api::bearer(kluis.base(), key.text("/data/key"));
            let listed = api.get(&vars.at("")).await.expect(list);
            if list == 200 {
                let told = listed.at("/env_vars/0/value") != Value::Null;
                assert_eq!(told, read == 200, "{scope}");
            }
            api.get(&vars.at("ONE")).await.expect(read);
            vars.resolved(&api, "environment=preview").await.expect(read);
            let changed = api.patch(&vars.at("ONE"), json!({"comment": scope})).await.expect(write);
            assert_eq!(changed.at("/value"), Value::Null, "{scope}");
        }
    }

    async fn each_act_leaves_one_event_without_a_value(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        let made = vars.make(&owner, "ONE", json!({"value": "canary-1"})).await.expect(201);
        vars.make(&owner, "TWO", json!({"value": "canary-2", "sensitive": true})).await.expect(201);
        owner.get(&vars.at("")).await.expect(200);
        owner.get(&vars.at("ONE")).await.expect(200);
        owner.patch(&vars.at("ONE"), json!({"value": "canary-3"})).await.expect(200);
        vars.resolved(&owner, "environment=production").await.expect(200);
        owner.delete(&vars.at("ONE")).await.expect(204);
        owner.post(&vars.environments(), json!({"slug": "staging"})).await.expect(201);
        owner.get(&vars.environments()).await.expect(200);
        owner.delete(&format!("{}/staging", vars.environments())).await.expect(204);
        let member = kluis.user("member").await;
        problem(&member.api().get(&vars.at("TWO")).await, 403);

        let record = format!("/v1/audit/events?resource_id={}", vars.vault);
        let events = owner.get(&record).await.expect(200);
        assert!(!events.string().contains("canary"), "{}", events.string());
        let events = events.json()["events"].as_array().unwrap().clone();
        let told: Vec<String> = events
            .iter()
            .rev()
            .map(|event| {
                let path = event["details"]["path"].as_str().unwrap_or("-");
                format!("{} {path} {}", event["action"].as_str().unwrap(), event["details"]["keys"])
            })
            .collect();
        assert_eq!(
            told,
            [
                "vault.create - null",
                "env_var.write env-vars/ONE null",
                "env_var.write env-vars/TWO null",
                "env_var.list - [\"ONE\"]",
                "env_var.read env-vars/ONE null",
                "env_var.write env-vars/ONE null",
                "env_var.resolve - [\"ONE\",\"TWO\"]",
                "env_var.delete env-vars/ONE null",
                "environment.create - null",
                "environment.list - null",
                "environment.delete - null",
                "env_var.read env-vars/TWO null",
            ]
        );
        let made = made.text("/id");
        assert_eq!(events[10]["resource_type"], "env_var");
        assert_eq!(events[10]["resource_id"], made);
        assert_eq!(events[6]["details"]["version"], 2);
        assert_eq!(events[0]["details"]["outcome"], "denied");
        assert_eq!(events[3]["details"]["name"], "staging");
    }

    async fn a_vault_holds_a_thousand(kluis: Kluis) {
        let owner = kluis.owner();
        let vars = Vars::new(&owner).await;
        let one_of = |number: usize| format!("N{number}");
        for number in 0..999 {
            vars.make(&owner, &one_of(number), json!({"value": "v", "environments": ["preview"]})).await.expect(201);
        }
        // Copies count, too; where there is no room for all there is none.
        let copy = json!({"slug": "staging", "copy_from": "preview"});
        problem(&owner.post(&vars.environments(), copy).await, 409);
        let listed = owner.get(&vars.environments()).await.expect(200);
        assert_eq!(listed.at("/environments/3"), Value::Null);
        vars.make(&owner, &one_of(999), json!({})).await.expect(201);
        problem(&vars.make(&owner, &one_of(1_000), json!({})).await, 409);
        owner.delete(&vars.at(&one_of(0))).await.expect(204);
        vars.make(&owner, &one_of(1_000), json!({})).await.expect(201);
        assert_eq!(vars.keys(&owner, "").await.len(), 1_000);
    }
}
