//! What integrations write, each type to a real target (contract B5).

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::integration_runs::{FLAGS, changed, has, run, synced, until};
use super::integrations::{collection, made, one, record};
use crate::harness::{Backend, KV_TOKEN, Kluis, KvServer, Receiver, on_both};

fn file(root: &Path, kluis: &Kluis, name: &str) -> PathBuf {
    root.join(kluis.dev("/organization_id")).join(name)
}

/// What a shell has after it has read a file of variables.
fn variable(file: &Path, name: &str) -> String {
    let script = format!(". '{}'; printf %s \"${name}\"", file.display());
    let shell = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert!(
        shell.status.success(),
        "{}",
        String::from_utf8_lossy(&shell.stderr)
    );
    String::from_utf8(shell.stdout).unwrap()
}

on_both! {
    /// NT-37
    async fn a_file_of_variables_is_read_back_by_a_shell_and_goes_with_its_integration(backend: Backend) {
        let root = tempfile::tempdir().unwrap();
        let flags = [FLAGS, &["--env-file-root", root.path().to_str().unwrap()]].concat();
        let kluis = backend.start_with(&flags).await;
        let admin = kluis.admin_api();
        let odd = "it's \"$HOME\" `id` \\ \n second\tline \\";
        record(&admin, "default", "db/main", json!({"password": odd, "user name": "svc"})).await;
        let plain = record(&admin, "default", "plain", json!({"value": "one two"})).await;
        let body = json!({"name": "file", "type": "env_file", "config": {"name": "app"}, "sync": {"mode": "on_change"}});
        let one = one(&made(&admin, body).await);
        run(&admin, &one, has("succeeded")).await;
        let app = file(root.path(), &kluis, "app");
        let mode = |path: &Path| path.symlink_metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&app), mode(app.parent().unwrap())), (0o600, 0o700));
        for (name, value) in [("DB_MAIN_PASSWORD", odd), ("DB_MAIN_USER_NAME", "svc"), ("PLAIN", "one two")] {
            assert_eq!(variable(&app, name), value);
        }
        // Another organization's file of the same name is another file.
        let stranger = kluis.stranger().await.admin_api();
        let body = json!({"name": "file", "type": "env_file", "config": {"name": "app"}});
        let theirs = self::one(&made(&stranger, body.clone()).await);
        synced(&stranger, &theirs, "succeeded").await;
        assert_eq!(variable(&app, "PLAIN"), "one two");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 2);
        let mut same = body.clone();
        same["name"] = json!("same");
        admin.post("/v1/integrations", same).await.expect(409);
        for name in ["", "..", "../app", "/etc/cron.d/x", "app/../x", "App", "a b", ".app", &"x".repeat(65)] {
            let body = json!({"name": "x", "type": "env_file", "config": {"name": name}});
            let refused = admin.post("/v1/integrations", body).await.expect(400);
            assert!(refused.text("/message").contains("'config.name'"), "{}", refused.string());
        }
        // Two values of one name, and a name that runs code, are said and not written.
        let twice = record(&admin, "default", "db-main", json!({"password": "x"})).await;
        let ran = run(&admin, &one, has("failed")).await;
        assert_eq!(ran["error"], "Two values would become the variable DB_MAIN_PASSWORD.");
        admin.delete(&format!("/v1/resources/{twice}")).await.expect(200);
        let preload = record(&admin, "default", "ld-preload", json!({"value": "/tmp/x.so"})).await;
        run(&admin, &one, |run| run["error"].as_str().is_some_and(|error| error.contains("LD_PRELOAD"))).await;
        admin.delete(&format!("/v1/resources/{preload}")).await.expect(200);
        changed(&admin, "default", &plain, json!({"value": "three"})).await;
        until("the changed file", || variable(&app, "PLAIN") == "three").await;
        // Another name: the file moves.
        admin.patch(&one, json!({"config": {"name": "app2"}})).await.expect(200);
        let app2 = file(root.path(), &kluis, "app2");
        until("the moved file", || app2.exists() && !app.exists()).await;
        // The directory of an organization is no link, whoever made it one.
        let directory = app2.parent().unwrap();
        std::fs::rename(directory, root.path().join("aside")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), directory).unwrap();
        let tested = admin.post(&format!("{one}/test"), json!({})).await.expect(200);
        assert!(tested.text("/data/error").contains("symbolic link"), "{}", tested.string());
        synced(&admin, &one, "retrying").await;
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        std::fs::remove_file(directory).unwrap();
        std::fs::rename(root.path().join("aside"), directory).unwrap();
        synced(&admin, &one, "succeeded").await;
        assert!(app2.exists());
        admin.delete(&one).await.expect(200);
        until("the removed file", || !app2.exists()).await;
    }

    async fn a_kv_engine_has_an_entry_for_each_record(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let kv = KvServer::start(false).await;
        kv.put("billing/theirs", json!({"v": "kept"}));
        collection(&admin, "billing").await;
        let token = record(&admin, "default", "kv", json!({"token": "hvs.wrong"})).await;
        let first = record(&admin, "billing", "db/main", json!({"password": "p1", "user": "svc"})).await;
        let second = record(&admin, "billing", "odd ?#%2e name", json!({"value": "v"})).await;
        let one = one(&made(&admin, json!({
            "name": "kv", "type": "kv_v2", "config": {"address": kv.address(), "path": "billing"}, "credential_record_id": token,
            "selector": {"collection": "billing"},
        })).await);
        let test = format!("{one}/test");
        assert!(admin.post(&test, json!({})).await.expect(200).text("/data/error").contains("403"));
        let ran = synced(&admin, &one, "retrying").await;
        assert!(ran["error"].as_str().unwrap().contains("403"), "{ran}");
        changed(&admin, "default", &token, json!({"token": KV_TOKEN})).await;
        assert_eq!(admin.post(&test, json!({})).await.expect(200).at("/data/ok"), json!(true));
        admin.patch(&one, json!({"sync": {"mode": "on_change"}})).await.expect(200);
        let ran = run(&admin, &one, has("succeeded")).await;
        assert_eq!((&ran["record_count"], &ran["sent_count"]), (&json!(2), &json!(2)));
        let newest = kv.newest();
        assert_eq!(newest["billing/db/main"], json!({"password": "p1", "user": "svc"}));
        assert_eq!(newest["billing/odd%20%3F%23%252e%20name"], json!({"value": "v"}));
        // Only what has changed is written, and what is gone goes there too: of what this has written.
        changed(&admin, "billing", &first, json!({"password": "p2", "user": "svc"})).await;
        until("the changed entry", || kv.versions("billing/db/main") == 2).await;
        assert_eq!(kv.versions("billing/odd%20%3F%23%252e%20name"), 1);
        run(&admin, &one, has("succeeded")).await;
        admin.delete(&format!("/v1/collections/billing/records/{second}")).await.expect(200);
        until("the removed entry", || kv.newest().len() == 2).await;
        let ran = run(&admin, &one, has("succeeded")).await;
        assert_eq!((&ran["sent_count"], &ran["removed_count"]), (&json!(0), &json!(1)));
        assert_eq!(kv.newest()["billing/theirs"], json!({"v": "kept"}));
        // A name that would lead elsewhere is refused, and nothing of it sent.
        let asked = kv.received().len();
        let step = record(&admin, "billing", "../../sys/policy/x", json!({"value": "v"})).await;
        let ran = run(&admin, &one, has("failed")).await;
        assert!(ran["error"].as_str().unwrap().contains("cannot be a path"), "{ran}");
        assert_eq!(kv.received().len(), asked);
        admin.delete(&format!("/v1/collections/billing/records/{step}")).await.expect(200);
        run(&admin, &one, has("succeeded")).await;
        // A mount that demands it is told which version is replaced.
        let strict = KvServer::start(true).await;
        strict.put("billing/db/main", json!({"v": "theirs"}));
        admin.patch(&one, json!({"config": {"address": strict.address()}, "sync": {"mode": "manual"}})).await.expect(200);
        assert!(synced(&admin, &one, "retrying").await["error"].as_str().unwrap().contains("400"));
        admin.patch(&one, json!({"config": {"check_and_set": true}})).await.expect(200);
        synced(&admin, &one, "succeeded").await;
        assert_eq!(strict.versions("billing/db/main"), 2);
    }

    async fn a_chat_is_told_names_and_no_values(backend: Backend) {
        let kluis = backend.start_with(FLAGS).await;
        let admin = kluis.admin_api();
        let receiver = Receiver::start().await;
        collection(&admin, "billing").await;
        let url = json!({"url": receiver.url()});
        let hidden = record(&admin, "default", "chat", url).await;
        let first = record(&admin, "billing", "<!channel> `x`", json!({"v": "canary-7a3b"})).await;
        let one = one(&made(&admin, json!({
            "name": "chat", "type": "chat_webhook", "config": {}, "credential_record_id": hidden,
            "selector": {"collection": "billing"}, "sync": {"mode": "on_change"},
        })).await);
        let text = |place: usize| receiver.received()[place].json()["text"].as_str().unwrap().to_owned();
        receiver.wait_for(1).await;
        assert_eq!(text(0), "Kluis, integration `chat`: collection `billing` has 1 record for it. New or changed: `&lt;!channel&gt; 'x'`.");
        run(&admin, &one, has("succeeded")).await;
        changed(&admin, "billing", &first, json!({"v": "canary-7a3b-2"})).await;
        receiver.wait_for(2).await;
        run(&admin, &one, has("succeeded")).await;
        admin.delete(&format!("/v1/collections/billing/records/{first}")).await.expect(200);
        receiver.wait_for(3).await;
        assert!(text(2).ends_with("has 0 records for it. Gone: `&lt;!channel&gt; 'x'`."), "{}", text(2));
        run(&admin, &one, has("succeeded")).await;
        synced(&admin, &one, "succeeded").await;
        assert!(text(3).ends_with("Nothing has changed."), "{}", text(3));
        admin.post(&format!("{one}/test"), json!({})).await.expect(200);
        assert!(text(4).contains("a test"), "{}", text(4));
        assert!(receiver.received().iter().all(|message| !message.body.contains("canary")));
        // Its URL is a secret, and stays one.
        assert!(!admin.get(&one).await.string().contains("/hook"));
    }
}
