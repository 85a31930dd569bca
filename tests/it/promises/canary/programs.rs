//! What agents, shares, devices and variables have that nobody else may see.

use serde_json::json;

use super::Canaries;
use crate::harness::{Kluis, Random};

/// Make all of it, and use it.
pub(super) async fn used(kluis: &Kluis, random: &mut Random, canaries: &mut Canaries) {
    let (owner, anyone) = (kluis.owner(), kluis.anonymous());
    let agent = owner
        .post("/v1/agents", json!({"name": "canary"}))
        .await
        .expect(201);
    canaries
        .needles
        .add("an agent's key", &agent.text("/api_key"));
    let token = json!({"api_key": agent.text("/api_key")});
    let token = anyone.post("/v1/auth/agent-token", token).await.expect(200);
    canaries
        .needles
        .add("an agent's token", &token.text("/access_token"));
    let vault = owner
        .get("/v1/org/agent-keys-vault")
        .await
        .expect(200)
        .text("/vault_id");
    for kind in ["ssh", "ecdh"] {
        let path = format!("agents/{}/{kind}/private_key", agent.text("/agent/id"));
        let key = owner
            .get(&format!("/v1/vaults/{vault}/secrets/{path}"))
            .await
            .expect(200);
        canaries.needles.add(
            "an agent's private key",
            key.text("/value").lines().nth(1).unwrap(),
        );
    }

    let vault = owner
        .post("/v1/vaults", json!({"name": "canary"}))
        .await
        .expect(201)
        .text("/id");
    let path = format!("/v1/vaults/{vault}/secrets/a");
    let value = canaries.new_value(random, "shared value");
    let secret = owner
        .put(&path, json!({"value": value}))
        .await
        .expect(201)
        .text("/id");
    let passphrase = canaries.new_value(random, "passphrase");
    let share = json!({
        "recipient_type": "anyone_with_link", "expires_at": "2099-01-01T00:00:00Z", "passphrase": passphrase,
    });
    let share = owner
        .post(&format!("/v1/secrets/{secret}/share"), share)
        .await
        .expect(201);
    canaries
        .needles
        .add("the id of a share", &share.text("/id"));
    let link = format!("/v1/share/{}", share.text("/id"));
    for tried in [&passphrase, &canaries.new_value(random, "wrong passphrase")] {
        anyone
            .send(
                reqwest::Method::GET,
                &link,
                Some(json!({"passphrase": tried})),
            )
            .await;
    }

    let value = canaries.new_value(random, "environment variable");
    let variables = format!("/v1/vaults/{vault}/env-vars");
    owner
        .post(&variables, json!({"key": "CANARY", "value": value}))
        .await
        .expect(201);
    owner
        .get(&format!("{variables}/resolve?environment=production"))
        .await
        .expect(200);

    let device = anyone
        .post("/v1/auth/device/code", json!({"client_id": "c"}))
        .await
        .expect(200);
    canaries
        .needles
        .add("a device's code", &device.text("/device_code"));
    let code = json!({"user_code": device.text("/user_code")});
    owner
        .post("/v1/auth/device/approve", code)
        .await
        .expect(200);
    let token = json!({"device_code": device.text("/device_code")});
    let token = anyone
        .post("/v1/auth/device/token", token)
        .await
        .expect(200);
    canaries
        .needles
        .add("a device's token", &token.text("/access_token"));
}
