//! One engine behind the APIs: sealed here and read by CloudKeep and 1claw, and the reverse (RULES §4).

use serde_json::{Value, json};

use super::sealing::Crate;
use crate::cloudkeep::vaults::uuid_of;
use crate::harness::{Kluis, on_both};

async fn vault(kluis: &Kluis, name: &str) -> String {
    let vaults = kluis.owner().get("/api/v1/vaults").await.expect(200).json();
    let vaults = vaults["data"].as_array().unwrap().iter();
    let mut found = vaults.filter(|vault| vault["name"] == name);
    found.next().unwrap()["id"].as_str().unwrap().to_owned()
}

on_both! {
    async fn what_is_sealed_here_is_read_by_the_other_apis(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        let stored = owner.put("A", "first", json!({"environment": "prod", "tags": ["t"]})).await.expect(200);
        let there = vault(&kluis, "prod").await;
        let secrets = format!("/api/v1/vaults/{there}/secrets");
        let secret = kluis.owner().get(&secrets).await.expect(200);
        assert_eq!(secret.text("/data/0/key"), "A");
        assert_eq!(secret.text("/data/0/value"), "first");
        assert_eq!(secret.text("/data/0/type"), "generic");
        let path = format!("/v1/vaults/{}/secrets/A", uuid_of(&there));
        let read = kluis.owner().get(&path).await.expect(200);
        assert_eq!(read.text("/value"), "first");
        assert_eq!(read.at("/version"), stored.at("/version"));
        assert_eq!(read.text("/id"), uuid_of(&secret.text("/data/0/id")));
        owner.put("A", "second", json!({"environment": "prod"})).await.expect(200);
        assert_eq!(kluis.owner().get(&path).await.expect(200).text("/value"), "second");
        let older = format!("/v1/vaults/{}/secret-version/A/1", uuid_of(&there));
        assert_eq!(kluis.owner().get(&older).await.expect(200).text("/value"), "first");
    }

    async fn what_the_other_apis_write_is_listed_and_retrieved_here(kluis: Kluis) {
        let owner = Crate::owner(&kluis);
        owner.put("SEALED", "v", json!({"environment": "prod", "tags": ["t"]})).await.expect(200);
        let there = vault(&kluis, "prod").await;
        let secrets = format!("/api/v1/vaults/{there}/secrets");
        let body = json!({"key": "db/url", "value": "from CloudKeep", "notes": "n", "type": "credential"});
        let id = kluis.owner().post(&secrets, body).await.expect(201).text("/data/id");
        let path = format!("/v1/vaults/{}/secrets/API", uuid_of(&there));
        kluis.owner().put(&path, json!({"value": "from 1claw"})).await.expect(201);
        // Whatever is there is listed, and can be asked for by its name, this API's own grammar or not.
        assert_eq!(owner.names("?env=prod").await, ["API", "SEALED", "db/url"]);
        let values = owner.retrieve(json!({"environment": "prod", "names": ["db/url", "API"]})).await;
        assert_eq!((&*values["db/url"], &*values["API"]), ("from CloudKeep", "from 1claw"));

        // Each leaves alone what it cannot say: a PATCH there keeps the tags, a store here keeps type and notes.
        let sealed = kluis.owner().get(&secrets).await.expect(200).json();
        let mut sealed = sealed["data"].as_array().unwrap().iter().filter(|secret| secret["key"] == "SEALED");
        let sealed = sealed.next().unwrap()["id"].as_str().unwrap().to_owned();
        kluis.owner().patch(&format!("{secrets}/{sealed}"), json!({"value": "other"})).await.expect(200);
        assert_eq!(owner.list("?env=prod&tags=t").await.len(), 1);
        let body = json!({"key": "PLAIN", "value": "v", "notes": "kept", "type": "credential"});
        let plain = kluis.owner().post(&secrets, body).await.expect(201).text("/data/id");
        assert_eq!(owner.put("PLAIN", "new", json!({"environment": "prod"})).await.expect(200).at("/version"), 2);
        let read = kluis.owner().get(&format!("{secrets}/{plain}")).await.expect(200);
        assert_eq!((read.text("/data/value"), read.text("/data/notes")), ("new".to_owned(), "kept".to_owned()));
        assert_eq!(read.text("/data/type"), "credential");

        kluis.owner().delete(&format!("{secrets}/{id}")).await.expect(204);
        owner.delete("API?env=prod").await.expect(204);
        assert_eq!(kluis.owner().get(&path).await.status, 404);
        let left = owner.names("?env=prod").await;
        assert_eq!(left, ["PLAIN", "SEALED"]);
        let count = kluis.owner().get(&format!("/api/v1/vaults/{there}")).await.expect(200).at("/data/secretCount");
        assert_eq!(count, Value::from(2));
    }
}
