//! Paths, headers and ids in all the ways that they may be written: Inkbox contract §2.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Vault, agent, grant, hash, initialization, initialize, item, owner, replacement_by, secret,
    uuid, with_key,
};
use crate::harness::{Api, Kluis, on_both};

/// Every route of the vault below one of its mounts, with what it answers.
struct Routes<'a> {
    mount: &'a str,
    /// What each path ends in.
    end: &'a str,
}

impl Routes<'_> {
    async fn ask(
        &self,
        api: &Api,
        method: Method,
        path: &str,
        query: &str,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let path = format!("{}{path}{}{query}", self.mount, self.end);
        let answer = api.send(method, &path, body).await;
        assert_eq!(answer.status, status, "{answer}");
        assert_eq!(answer.header("location"), None);
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// Every operation once, from the first to the last of a vault.
    async fn all(&self, kluis: &Kluis, api: &Api) {
        let body = initialization(4);
        self.ask(
            api,
            Method::POST,
            "/initialize",
            "",
            Some(body.clone()),
            201,
        )
        .await;
        let vault = Vault {
            primary: body["vault_key"].clone(),
            recovery: body["recovery_keys"].as_array().unwrap().clone(),
        };
        self.ask(api, Method::GET, "/info", "", None, 200).await;
        let opened = self
            .ask(
                api,
                Method::GET,
                "/unlock",
                &format!("?auth_hash={}", vault.hash()),
                None,
                200,
            )
            .await;
        assert_eq!(
            opened["wrapped_org_encryption_key"], vault.primary["wrapped_org_encryption_key"],
            "the query is there"
        );
        let keys = self
            .ask(api, Method::GET, "/keys", "?type=recovery", None, 200)
            .await;
        assert_eq!(keys.as_array().unwrap().len(), 4);
        let made = self
            .ask(
                api,
                Method::POST,
                "/secrets",
                "",
                Some(item("spelled")),
                201,
            )
            .await;
        let path = format!("/secrets/{}", made["id"].as_str().unwrap());
        let listed = self
            .ask(
                api,
                Method::GET,
                "/secrets",
                "?secret_type=api_key",
                None,
                200,
            )
            .await;
        assert_eq!(listed.as_array().unwrap().len(), 1);
        self.ask(api, Method::GET, &path, "", None, 200).await;
        self.ask(
            api,
            Method::PATCH,
            &path,
            "",
            Some(json!({"name": "changed"})),
            200,
        )
        .await;
        let bot = agent(kluis, api, &format!("bot-{}", uuid())).await;
        let access = format!("{path}/access");
        self.ask(
            api,
            Method::POST,
            &access,
            "",
            Some(json!({"identity_id": bot.id})),
            201,
        )
        .await;
        self.ask(api, Method::GET, &access, "", None, 200).await;
        self.ask(&bot.api, Method::GET, &path, "", None, 200).await;
        self.ask(
            api,
            Method::DELETE,
            &format!("{access}/{}", bot.id),
            "",
            None,
            204,
        )
        .await;
        self.ask(api, Method::DELETE, &path, "", None, 204).await;
        self.ask(
            api,
            Method::PUT,
            "/keys/primary",
            "",
            Some(replacement_by("current_auth_hash", &vault.hash())),
            200,
        )
        .await;
        self.ask(
            api,
            Method::DELETE,
            &format!("/keys/{}", vault.recovery_hash(0)),
            "",
            None,
            204,
        )
        .await;
        self.ask(api, Method::DELETE, "", "", None, 204).await;
        self.ask(api, Method::GET, "/info", "", None, 404).await;
    }
}

on_both! {
    async fn every_route_is_served_below_both_mounts_with_and_without_a_slash(kluis: Kluis) {
        let api = owner(&kluis);
        for mount in ["/api/v1/vault", "/vault"] {
            for end in ["", "/"] {
                Routes { mount, end }.all(&kluis, &api).await;
            }
        }
    }

    async fn both_mounts_are_one_vault(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let id = secret(&api, "s").await;
        for path in ["info", "keys", "secrets", &format!("secrets/{id}")] {
            let (mounted, bare) = (api.get(&format!("/api/v1/vault/{path}")).await.expect(200), api.get(&format!("/vault/{path}/")).await.expect(200));
            assert_eq!(mounted.body, bare.body);
        }
    }

    async fn the_other_routes_may_end_in_a_slash_too(kluis: Kluis) {
        let api = owner(&kluis);
        for (number, end) in ["", "/"].into_iter().enumerate() {
            api.get(&format!("/api/whoami{end}")).await.expect(200);
            let body = json!({"agent_handle": format!("bot-{number}")});
            let id = api.post(&format!("/api/v1/identities{end}"), body).await.expect(201).text("/id");
            assert_eq!(api.get(&format!("/api/v1/identities{end}")).await.expect(200).at("/0/id"), id.as_str());
            let one = format!("/api/v1/identities/bot-{number}{end}");
            api.get(&one).await.expect(200);
            api.patch(&one, json!({"description": "d"})).await.expect(200);
            let body = json!({"label": "l", "scoped_identity_id": id});
            let key = api.post(&format!("/api/v1/api-keys{end}"), body).await.expect(201).text("/api_key");
            with_key(&kluis, &key).get(&format!("/api/v1/api-keys/self{end}")).await.expect(200);
            api.delete(&one).await.expect(204);
        }
    }

    async fn ids_in_paths_may_be_spelled_in_other_ways(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let bot = agent(&kluis, &api, "bot").await;
        let spellings: [fn(&str) -> String; 3] = [str::to_uppercase, |id| id.replace('-', ""), |id| format!("urn:uuid:{id}")];
        for spelled in spellings {
            let id = secret(&api, "s").await;
            let path = super::at(&spelled(&id));
            assert_eq!(api.get(&path).await.expect(200).text("/id"), id);
            assert_eq!(api.patch(&path, json!({"name": "n"})).await.expect(200).text("/id"), id);
            let rule = grant(&api, &spelled(&id), &spelled(&bot.id)).await.expect(201);
            assert_eq!((rule.text("/vault_secret_id"), rule.text("/identity_id")), (id.clone(), bot.id.clone()));
            api.delete(&format!("{path}/access/{}", spelled(&bot.id))).await.expect(204);
            api.delete(&path).await.expect(204);
        }
    }

    async fn the_older_header_opens_everything(kluis: Kluis) {
        let older = kluis.anonymous().with("x-service-token", &kluis.dev("/tokens/inkbox"));
        Routes { mount: "/api/v1/vault", end: "" }.all(&kluis, &older).await;
        let headers = older.with("accept", "application/json").with("user-agent", "inkbox-python/0.7.20").with("cookie", "session=of-another");
        let answer = headers.get("/api/whoami").await.expect(200);
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }

    /// Inkbox contract §8: no client adds a further key, so nothing does.
    async fn keys_are_not_added_one_by_one(kluis: Kluis) {
        let api = owner(&kluis);
        initialize(&api).await;
        let body = json!({"id": uuid(), "auth_hash": hash(), "wrapped_org_encryption_key": super::wrapped(), "key_type": "recovery"});
        api.post("/api/v1/vault/keys", body).await.expect(405);
        assert_eq!(super::active(&api).await.len(), 5);
    }
}
