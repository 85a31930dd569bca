//! Values that come and go sealed, through both doors of the Crate API.

use serde_json::json;

use super::Canaries;
use crate::crate_io::sealing::{Crate, READER, seal, seal_long};
use crate::harness::{Kluis, Random};

/// Values are stored and retrieved as they should be, and come sealed in requests that are refused.
pub(super) async fn stored(kluis: &Kluis, random: &mut Random, canaries: &mut Canaries) {
    let owner = Crate::owner(kluis);
    let key = owner.public_key().await;
    for door in ["REST", "RPC"] {
        let (short, long) = (
            canaries.new_value(random, &format!("sealed, {door}")),
            canaries.new_value(random, &format!("sealed long, {door}")),
        );
        let (body, wrapped) = seal_long(&key, long.as_bytes());
        let more = json!({"encrypted_key": wrapped});
        if door == "REST" {
            owner
                .put_sealed("SHORT", &seal(&key, short.as_bytes()), json!({}))
                .await
                .expect(200);
            owner.put_sealed("LONG", &body, more).await.expect(200);
            let values = owner.retrieve(json!({})).await;
            assert_eq!((&values["SHORT"], &values["LONG"]), (&short, &long));
        } else {
            let message = json!({
                "organizationId": owner.organization, "name": "LONG", "sealed": true,
                "encryptedValue": body, "encryptedKey": wrapped,
            });
            owner
                .api
                .post("/crate.v1.SecretsService/StoreSecret", message)
                .await
                .expect(200);
            let message = json!({
                "organizationId": owner.organization, "names": ["LONG"], "publicKeyPem": READER.pem,
            });
            let procedure = "/crate.v1.SecretsService/RetrieveSecrets";
            let sealed = owner.api.post(procedure, message).await.expect(200);
            let text = |pointer| sealed.text(pointer);
            let plaintext = READER.unsealed(&text("/encryptedSecrets"), &text("/encryptedKey"));
            assert_eq!(plaintext, json!({"LONG": long}).to_string().into_bytes());
        }
        // What opens and is refused all the same: its name, its environment, who asks.
        let refused = seal(
            &key,
            canaries.new_value(random, "sealed and refused").as_bytes(),
        );
        owner.put_sealed("1", &refused, json!({})).await.expect(400);
        owner
            .put_sealed("A", &refused, json!({"environment": "_"}))
            .await
            .expect(400);
        let member = Crate::of(kluis, kluis.user("member").await.api());
        member
            .put_sealed("A", &refused, json!({}))
            .await
            .expect(403);
    }
}
