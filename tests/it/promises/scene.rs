//! Things that routes are asked for, made when they are first needed.

use serde_json::{Value, json};

use super::keeping::Keeping;
use super::sealing::Sealing;
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::Api;

/// Things that routes are asked for, made when they are first needed.
pub(super) struct Scene<'a> {
    /// Makes what callers cannot make.
    pub(super) owner: &'a Api,
    /// Makes the vault.
    pub(super) maker: &'a Api,
    /// Has read on every path of the vault by a policy.
    pub(super) reader: &'a str,
    pub(super) vault: Option<String>,
    pub(super) vault_name: String,
    pub(super) cluster: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) policy: Option<String>,
    /// Another user than the one that asks, or that one itself.
    pub(super) user: Option<String>,
    /// A key of another user, or of the one that asks.
    pub(super) key: Option<String>,
    /// An agent that the owner is responsible for.
    pub(super) agent: Option<String>,
    /// A share of the secret, for whoever has the link.
    pub(super) share: Option<String>,
    /// A variable of the vault.
    pub(super) env_var: Option<String>,
    /// An environment of the vault.
    pub(super) environment: Option<String>,
    /// A honeytoken in the vault.
    pub(super) honeytoken: Option<String>,
    /// An insight that everybody sees who sees the record.
    pub(super) insight: Option<String>,
    /// What calls of the Crate API are about.
    pub(super) sealing: Option<Sealing>,
    /// What calls of the Inkbox API are about.
    pub(super) keeping: Option<Keeping>,
}

/// The path of every scene's secret.
pub(super) const SECRET_PATH: &str = "db/password";

pub(super) fn cluster_body() -> Value {
    json!({
        "name": format!("scene {}", crate::harness::unique()), "engine": "postgresql",
        "nodes": [{"host": "db.example.test"}],
        "lease": {"templates": [{
            "name": "scene", "principals": "members",
            "statements": ["CREATE ROLE {{username}} PASSWORD {{password}}"],
        }]},
    })
}

/// A name that leads to where no call may go: a test of it is over at once.
pub(super) fn integration_body() -> Value {
    json!({
        "name": format!("scene {}", crate::harness::unique()), "type": "http_push",
        "config": {"url": "http://localhost:9/"}, "selector": {"filter": {"name": "there is none"}},
    })
}

impl<'a> Scene<'a> {
    pub(super) fn new(owner: &'a Api, maker: &'a Api, reader: &'a str) -> Self {
        Self {
            owner,
            maker,
            reader,
            vault: None,
            vault_name: String::new(),
            cluster: None,
            resource: None,
            secret: None,
            policy: None,
            user: None,
            key: None,
            agent: None,
            share: None,
            env_var: None,
            environment: None,
            honeytoken: None,
            insight: None,
            sealing: None,
            keeping: None,
        }
    }

    /// A vault, with a policy that lets the reader read.
    pub(super) async fn vault(&mut self) -> String {
        if let Some(vault) = &self.vault {
            return vault.clone();
        }
        let body = json!({"name": format!("scene-{}", crate::harness::unique())});
        let made = self.maker.post("/api/v1/vaults", body).await.expect(201);
        let vault = made.text("/data/id");
        self.vault_name = made.text("/data/name");
        let body = json!({
            "secret_path_pattern": "**", "principal_type": "user",
            "principal_id": self.reader, "permissions": ["read"],
        });
        let policies = format!("/v1/vaults/{}/policies", uuid_of(&vault));
        let policy = self.owner.post(&policies, body).await.expect(201);
        self.policy = Some(policy.text("/id"));
        self.vault = Some(vault.clone());
        vault
    }

    pub(super) async fn vault_name(&mut self) -> String {
        self.vault().await;
        self.vault_name.clone()
    }

    /// A cluster that nobody administers, with something to lease for members.
    pub(super) async fn cluster(&mut self) -> String {
        if let Some(cluster) = &self.cluster {
            return cluster.clone();
        }
        let made = self.owner.post("/v1/clusters", cluster_body()).await;
        self.cluster
            .insert(made.expect(201).text("/data/id"))
            .clone()
    }

    /// A secret of the vault `default`.
    pub(super) async fn resource(&mut self) -> String {
        if let Some(resource) = &self.resource {
            return resource.clone();
        }
        let name = format!("scene/{}", crate::harness::unique());
        let body = json!({"name": name, "secret": {"password": "stored"}});
        let made = self.owner.post("/v1/resources", body).await.expect(201);
        self.resource.insert(made.text("/data/id")).clone()
    }

    /// The vault, if it is made.
    pub(super) fn vault_now(&self) -> String {
        self.vault.as_deref().map(uuid_of).unwrap_or_default()
    }

    pub(super) async fn policy(&mut self) -> String {
        self.vault().await;
        self.policy.clone().unwrap()
    }

    pub(super) async fn secret(&mut self) -> String {
        if let Some(secret) = &self.secret {
            return secret.clone();
        }
        let path = format!("/api/v1/vaults/{}/secrets", self.vault().await);
        let body = json!({"key": SECRET_PATH, "value": "stored", "notes": "note"});
        let made = self.maker.post(&path, body).await.expect(201);
        let secret = made.text("/data/id");
        self.secret = Some(secret.clone());
        secret
    }

    pub(super) async fn share(&mut self) -> String {
        if let Some(share) = &self.share {
            return share.clone();
        }
        let path = format!("/v1/secrets/{}/share", uuid_of(&self.secret().await));
        let body =
            json!({"recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z"});
        let share = self.owner.post(&path, body).await.expect(201).text("/id");
        self.share = Some(share.clone());
        share
    }

    pub(super) async fn env_var(&mut self) -> String {
        if let Some(key) = &self.env_var {
            return key.clone();
        }
        let path = format!("/v1/vaults/{}/env-vars", uuid_of(&self.vault().await));
        let body = json!({"key": "SCENE", "value": "stored"});
        self.maker.post(&path, body).await.expect(201);
        self.env_var.insert("SCENE".to_owned()).clone()
    }

    /// A rule about addresses that nobody has.
    pub(super) async fn ip_rule(&mut self) -> String {
        let body = json!({"rule_type": "deny", "cidr": "192.0.2.0/24"});
        let made = self.owner.post("/v1/security/ip-rules", body).await;
        made.expect(201).text("/id")
    }

    pub(super) async fn honeytoken(&mut self) -> String {
        if let Some(honeytoken) = &self.honeytoken {
            return honeytoken.clone();
        }
        let vault = uuid_of(&self.vault().await);
        let body = json!({"vault_id": vault, "secret_path": "bait/scene"});
        let made = self.maker.post("/v1/risk/honeytokens", body).await;
        let honeytoken = made.expect(201).text("/id");
        self.honeytoken.insert(honeytoken).clone()
    }

    /// An insight, about a record of `default`; whichever there is.
    pub(super) async fn insight(&mut self) -> String {
        const INSIGHTS: &str =
            "/v1/intelligence/insights?limit=1&kind=weak_secret&collection=default";
        let there = self.owner.get(INSIGHTS).await.expect(200);
        if let Value::String(id) = there.at("/data/0/id") {
            return self.insight.insert(id).clone();
        }
        let body =
            json!({"name": "scene/weak", "type": "password", "secret": {"password": "hunter2"}});
        self.owner.post("/v1/resources", body).await.expect(201);
        let body = json!({"scope": {"collection": "default"}, "checks": ["weak_secret"]});
        let job = self.owner.post("/v1/intelligence/analyze", body).await;
        let job = format!("/v1/jobs/{}", job.expect(202).text("/data/id"));
        for _ in 0..600 {
            let read = self.owner.get(&job).await.expect(200);
            if read.text("/data/status") == "succeeded" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let found = self.owner.get(INSIGHTS).await.expect(200);
        self.insight.insert(found.text("/data/0/id")).clone()
    }

    /// A webhook; whichever there is, for an organization has few.
    pub(super) async fn webhook(&mut self) -> String {
        let there = self.owner.get("/v1/webhooks?limit=1").await.expect(200);
        if let Value::String(id) = there.at("/data/0/id") {
            return id;
        }
        let body = json!({"url": "http://localhost:9/", "events": ["lease.issued"]});
        let made = self.owner.post("/v1/webhooks", body).await;
        made.expect(201).text("/data/id")
    }

    /// An integration; whichever there is, for an organization has few.
    pub(super) async fn integration(&mut self) -> String {
        let there = self.owner.get("/v1/integrations?limit=1").await.expect(200);
        if let Value::String(id) = there.at("/data/0/id") {
            return id;
        }
        let made = self
            .owner
            .post("/v1/integrations", integration_body())
            .await;
        made.expect(201).text("/data/id")
    }

    /// The organization that calls of the Crate API are about, with secrets to delete where one is to be deleted.
    pub(super) async fn sealing(&mut self, deletes: bool) -> String {
        let sealing = Sealing::make(self.owner, deletes).await;
        self.sealing.insert(sealing).organization.clone()
    }

    pub(super) async fn environment(&mut self) -> String {
        if let Some(slug) = &self.environment {
            return slug.clone();
        }
        let path = format!("/v1/vaults/{}/environments", uuid_of(&self.vault().await));
        let body = json!({"slug": "scene"});
        self.maker.post(&path, body).await.expect(201);
        self.environment.insert("scene".to_owned()).clone()
    }

    pub(super) async fn user(&mut self) -> String {
        if let Some(user) = &self.user {
            return user.clone();
        }
        let body = json!({"email": format!("scene-{}@example.test", crate::harness::unique())});
        let made = self.owner.post("/v1/users", body).await.expect(201);
        let user = made.text("/data/id");
        self.user = Some(user.clone());
        user
    }

    pub(super) async fn agent(&mut self) -> String {
        if let Some(agent) = &self.agent {
            return agent.clone();
        }
        let body = json!({"name": "scene"});
        let made = self.owner.post("/v1/agents", body).await.expect(201);
        let agent = made.text("/agent/id");
        self.agent = Some(agent.clone());
        agent
    }

    pub(super) async fn key(&mut self) -> String {
        if let Some(key) = &self.key {
            return key.clone();
        }
        let body = json!({"name": "scene", "user_id": self.reader});
        let made = self.owner.post("/v1/api-keys", body).await.expect(201);
        let key = made.text("/data/id");
        self.key = Some(key.clone());
        key
    }
}
