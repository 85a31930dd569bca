//! What one client writes every other reads: the vendor's in Python and in Rust, and `kluis zk` (Inkbox contract §6).

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::clients::{VAULT_KEY, told};
use super::{IDENTITIES, VAULT, key_for, owner};
use crate::harness::{Kluis, binary, on_both, passes, program, script, without_settings};

const CLIENTS: [&str; 3] = ["python", "rust", "kluis"];

/// A vault key for after the first.
const SECOND_KEY: &str = "Second-Vault-Key-43!";

/// What is exchanged: `name`, `description`, `secret_type` and `payload` of each.
fn exchanged() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/inkbox_exchange.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn word<'a>(item: &'a Value, member: &str) -> &'a str {
    item[member].as_str().unwrap()
}

/// `kluis zk` as somebody uses it who has a machine of their own.
struct Person {
    home: TempDir,
    url: String,
    token: String,
    vault_key: String,
}

impl Person {
    fn new(kluis: &Kluis, token: &str, vault_key: &str) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            url: kluis.base(),
            token: token.to_owned(),
            vault_key: vault_key.to_owned(),
        }
    }

    /// Runs it to its good end, with something on stdin; gives its stdout.
    async fn zk(&self, arguments: &[&str], stdin: &str) -> String {
        let mut command = Command::new(binary());
        without_settings(&mut command)
            .arg("zk")
            .args(arguments)
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path())
            .env("KLUIS_URL", &self.url)
            .env("KLUIS_TOKEN", &self.token)
            .env("KLUIS_VAULT_KEY", &self.vault_key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let stdin = stdin.to_owned();
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            // A command that fails early need not read what it is given.
            let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
            child.wait_with_output().unwrap()
        });
        let ended = ended.await.unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(ended.stdout).unwrap()
    }

    /// Makes a vault with all that is exchanged, and an identity that may have it; gives the recovery codes.
    async fn writes(&self, kluis: &Kluis) -> Vec<String> {
        let codes = self.zk(&["init", "-o", "value"], "").await;
        let reader = json!({"agent_handle": "kluis-reader"});
        owner(kluis)
            .post(&format!("{IDENTITIES}/"), reader)
            .await
            .expect(201);
        for item in exchanged() {
            let name = word(&item, "name");
            let mut arguments = vec![
                "add",
                name,
                "--type",
                word(&item, "secret_type"),
                "--json",
                "-",
            ];
            if let Some(description) = item["description"].as_str() {
                arguments.extend(["--description", description]);
            }
            self.zk(&arguments, &item["payload"].to_string()).await;
            self.zk(&["grant", name, "kluis-reader"], "").await;
        }
        codes.lines().map(str::to_owned).collect()
    }

    /// Reads all of it, each secret alone and all in one.
    async fn reads(&self) {
        let listed: Value =
            serde_json::from_str(&self.zk(&["list", "-o", "json"], "").await).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), exchanged().len());
        for item in exchanged() {
            let name = word(&item, "name");
            let got: Value =
                serde_json::from_str(&self.zk(&["get", name, "-o", "json"], "").await).unwrap();
            for member in ["name", "description", "secret_type", "payload"] {
                assert_eq!(got[member], item[member], "{name}");
            }
        }
        let code = self.zk(&["totp", "exchanged login"], "").await;
        assert!(
            code.trim_end().len() == 8
                && code.trim_end().bytes().all(|digit| digit.is_ascii_digit())
        );
    }
}

/// Has one of the clients write.
async fn write(kluis: &Kluis, client: &str) {
    if client == "kluis" {
        let person = Person::new(kluis, &kluis.dev("/tokens/inkbox"), VAULT_KEY);
        person.writes(kluis).await;
    } else {
        vendors(
            kluis,
            client,
            "write",
            client,
            &kluis.dev("/tokens/inkbox"),
            VAULT_KEY,
        )
        .await;
    }
}

/// Has one of the clients read what another has written.
async fn read(kluis: &Kluis, client: &str, writer: &str, key: &str, vault_key: &str) {
    if client == "kluis" {
        Person::new(kluis, key, vault_key).reads().await;
    } else {
        vendors(kluis, client, "read", writer, key, vault_key).await;
    }
}

/// Runs one of the vendor's clients in a mode, for what `writer` writes or has written.
async fn vendors(
    kluis: &Kluis,
    client: &str,
    mode: &str,
    writer: &str,
    key: &str,
    vault_key: &str,
) {
    let mut command = match client {
        "python" => script("inkbox_exchange.py", kluis),
        _ => program("inkbox_rust", kluis),
    };
    told(kluis, &mut command)
        .await
        .env("KLUIS_OWNER_KEY", key)
        .env("KLUIS_VAULT_KEY", vault_key)
        .args([mode, writer]);
    passes(command, 2).await;
}

on_both! {
    async fn each_client_reads_what_the_others_wrote(kluis: Kluis) {
        let api = owner(&kluis);
        for writer in CLIENTS {
            write(&kluis, writer).await;
            let bot = api.get(&format!("{IDENTITIES}/{writer}-reader")).await.expect(200);
            let bot = key_for(&api, &bot.text("/id")).await;
            for reader in CLIENTS.into_iter().filter(|&reader| reader != writer) {
                read(&kluis, reader, writer, &kluis.dev("/tokens/inkbox"), VAULT_KEY).await;
                read(&kluis, reader, writer, &bot, VAULT_KEY).await;
            }
            api.delete(VAULT).await.expect(204);
        }
    }
}

#[tokio::test]
async fn each_client_opens_with_the_keys_of_the_others() {
    let kluis = Kluis::start().await;
    let token = kluis.dev("/tokens/inkbox");
    let person = Person::new(&kluis, &token, VAULT_KEY);
    let codes = person.writes(&kluis).await;
    assert_eq!(codes.len(), 4, "{codes:?}");
    for reader in ["python", "rust"] {
        read(&kluis, reader, "kluis", &token, &codes[0]).await;
    }
    let new = person.home.path().join("new-key");
    std::fs::write(&new, SECOND_KEY).unwrap();
    std::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    person
        .zk(
            &["rekey", "--new-vault-key-file", new.to_str().unwrap()],
            "",
        )
        .await;
    for reader in CLIENTS {
        read(&kluis, reader, "kluis", &token, SECOND_KEY).await;
    }
}
