//! One engine behind two APIs: what is made through CloudKeep is seen, versioned and policed here, and the reverse
//! (RULES §2, §4, §5).

use serde_json::{Value, json};

use super::problem;
use crate::cloudkeep::vaults::{self as there, uuid_of};
use crate::harness::{Api, Kluis, Member, on_both};

/// The same vault as each API spells it.
struct Both {
    here: String,
    there: String,
}

impl Both {
    fn here(&self, path: &str) -> String {
        format!("/v1/vaults/{}/{path}", self.here)
    }

    fn there(&self, path: &str) -> String {
        format!("/api/v1/vaults/{}/{path}", self.there)
    }

    async fn allow(
        &self,
        by: &Api,
        member: &Member,
        pattern: &str,
        permissions: &[&str],
    ) -> String {
        let policy = json!({
            "secret_path_pattern": pattern, "principal_type": "user",
            "principal_id": uuid_of(&member.id), "permissions": permissions,
        });
        let made = by.post(&self.here("policies"), policy).await.expect(201);
        made.text("/id")
    }
}

fn numbers(versions: &Value) -> Vec<u64> {
    let versions = versions["versions"].as_array().unwrap();
    versions
        .iter()
        .map(|version| version["version"].as_u64().unwrap())
        .collect()
}

on_both! {
    async fn what_cloudkeep_makes_is_seen_versioned_and_policed_here(kluis: Kluis) {
        let owner = kluis.owner();
        let spelled = there::vault(&owner, "made there").await;
        let vault = Both { here: uuid_of(&spelled), there: spelled };
        let body = json!({"key": "db/password", "value": "first", "notes": "n"});
        let id = owner.post(&vault.there("secrets"), body).await.expect(201).text("/data/id");

        let seen = owner.get(vault.here("").trim_end_matches('/')).await.expect(200);
        assert_eq!(seen.text("/name"), "made there");
        let read = owner.get(&vault.here("secrets/db/password")).await.expect(200);
        assert_eq!(read.text("/value"), "first");
        assert_eq!(read.text("/id"), uuid_of(&id));
        assert_eq!(read.text("/type"), "generic", "a word of the other API reads as the default");
        assert_eq!(read.at("/version"), 1);

        let one = vault.there(&format!("secrets/{id}"));
        owner.patch(&one, json!({"value": "second"})).await.expect(200);
        owner.patch(&one, json!({"notes": "other"})).await.expect(200);
        let versions = owner.get(&vault.here("secret-versions/db/password")).await.expect(200).json();
        assert_eq!(numbers(&versions), [2, 1]);
        let first = owner.get(&vault.here("secret-version/db/password/1")).await.expect(200);
        assert_eq!(first.text("/value"), "first");

        // A limit that this API sets goes along with what the other writes (RULES §4).
        let limited = json!({"value": "third", "max_access_count": 1});
        owner.put(&vault.here("secrets/db/password"), limited).await.expect(201);
        owner.patch(&one, json!({"value": "fourth"})).await.expect(200);
        owner.get(&vault.here("secrets/db/password")).await.expect(200);
        problem(&owner.get(&vault.here("secrets/db/password")).await, 410);
        owner.get(&one).await.expect(404);

        let member = kluis.user("member").await;
        problem(&member.api().get(&vault.here("secrets/db/password")).await, 403);
        member.api().get(&one).await.expect(404);
        vault.allow(&owner, &member, "db/*", &["read", "write"]).await;
        member.api().patch(&one, json!({"value": "fifth"})).await.expect(200);
        // The limit is counted afresh.
        let read = member.api().get(&vault.here("secrets/db/password")).await.expect(200);
        assert_eq!(read.text("/value"), "fifth");
        assert_eq!(read.at("/version"), 5);

        owner.delete(&one).await.expect(204);
        problem(&owner.get(&vault.here("secrets/db/password")).await, 404);
        let made = owner.put(&vault.here("secrets/db/password"), json!({"value": "anew"})).await.expect(201);
        assert_eq!(made.at("/version"), 1);
        assert_ne!(made.text("/id"), uuid_of(&id));
    }

    async fn what_is_made_here_is_seen_versioned_and_policed_by_cloudkeep(kluis: Kluis) {
        let owner = kluis.owner();
        let made = owner.post("/v1/vaults", json!({"name": "made here", "description": "d"})).await.expect(201);
        let listed = owner.get("/api/v1/vaults").await.expect(200).json();
        let listed = listed["data"].as_array().unwrap().iter();
        let found: Vec<_> = listed.filter(|vault| vault["name"] == "made here").collect();
        assert_eq!(found.len(), 1);
        assert_eq!(uuid_of(found[0]["id"].as_str().unwrap()), made.text("/id"));
        let vault = Both { here: made.text("/id"), there: found[0]["id"].as_str().unwrap().to_owned() };

        let path = vault.here("secrets/api/key");
        let body = json!({"value": "first", "type": "api_key", "metadata": {"owner": "billing"}});
        let id = owner.put(&path, body).await.expect(201).text("/id");
        let secrets = owner.get(&vault.there("secrets")).await.expect(200);
        assert_eq!(uuid_of(&secrets.text("/data/0/id")), id);
        assert_eq!(secrets.text("/data/0/key"), "api/key");
        assert_eq!(secrets.text("/data/0/type"), "api_key");
        assert_eq!(secrets.text("/data/0/value"), "first");
        let one = vault.there(&format!("secrets/{}", secrets.text("/data/0/id")));
        owner.patch(&one, json!({"value": "second"})).await.expect(200);
        let read = owner.get(&path).await.expect(200);
        assert_eq!((read.text("/value"), read.at("/version")), ("second".to_owned(), json!(2)));

        let member = kluis.user("member").await;
        member.api().get(&one).await.expect(404);
        let policy = vault.allow(&owner, &member, "api/**", &["read"]).await;
        assert_eq!(member.api().get(&one).await.expect(200).text("/data/value"), "second");
        member.api().patch(&one, json!({"value": "x"})).await.expect(403);
        member.api().delete(&one).await.expect(403);
        owner.delete(&vault.here(&format!("policies/{policy}"))).await.expect(204);
        member.api().get(&one).await.expect(404);

        // What is not available here is not there (RULES §4, §5).
        owner.put(&path, json!({"value": "third", "expires_at": "2001-01-01T00:00:00Z"})).await.expect(201);
        owner.get(&one).await.expect(404);
        assert_eq!(owner.get(&vault.there("secrets")).await.expect(200).at("/data/0/value"), Value::Null);
        owner.delete(&path).await.expect(204);
        assert_eq!(owner.get(&vault.there("secrets")).await.expect(200).at("/data"), json!([]));
        let revived = json!({"key": "api/key", "value": "fourth"});
        let revived = owner.post(&vault.there("secrets"), revived).await.expect(201);
        assert_eq!(uuid_of(&revived.text("/data/id")), id, "the same secret goes on");
        assert_eq!(owner.get(&path).await.expect(200).at("/version"), 4);
        owner.delete(vault.there("").trim_end_matches('/')).await.expect(204);
        problem(&owner.get(&path).await, 404);
    }
}
