//! Kluis as a child process, and what the bench puts into it through its APIs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Connection, Exchange};
use crate::process::{START_TIMEOUT, Server};
use crate::sample::{value_marker, value_of};

/// A server that is ready.
pub(crate) struct Kluis {
    /// The process.
    pub(crate) server: Server,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The id of the organization.
    pub(crate) organization: String,
    tokens: Tokens,
}

/// What the bench needs of `dev.json` (DESIGN §6).
#[derive(Deserialize)]
struct Dev {
    base_url: String,
    organization_id: String,
    tokens: Tokens,
}

/// The owner's API keys that the bench uses.
#[derive(Deserialize)]
struct Tokens {
    cloudkeep: String,
    #[serde(rename = "crate")]
    crate_io: String,
    credvault: String,
    oneclaw: String,
}

impl Kluis {
    /// Runs `kluis dev` on the data directory. Returns the server and the time from the start of the process to the
    /// first 200 of `/readyz`.
    pub(crate) async fn start(program: &Path, data: &Path, log: &Path) -> Result<(Self, Duration)> {
        let mut command = Command::new(program);
        command
            .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KLUIS_"))
        {
            command.env_remove(name);
        }
        let begin = Instant::now();
        let mut server = Server::spawn(&mut command, log)?;
        let dev_json = data.join("dev.json");
        let (address, dev) = timeout(START_TIMEOUT, ready(&mut server, &dev_json))
            .await
            .context("kluis dev was not ready in time: no dev.json, or /readyz is not 200")??;
        Ok((
            Self {
                server,
                address,
                organization: dev.organization_id,
                tokens: dev.tokens,
            },
            begin.elapsed(),
        ))
    }

    /// Stops the server; any other end than a clean one is an error.
    pub(crate) async fn stop(self) -> Result<()> {
        let status = self.server.stop().await?;
        ensure!(
            status.success(),
            "kluis dev ended with {status} after SIGTERM"
        );
        Ok(())
    }

    /// Makes a vault; the owner is its maker. Returns its id.
    pub(crate) async fn vault_create(&self, name: &str) -> Result<String> {
        let answer = self
            .ask(
                "POST",
                "/api/v1/vaults",
                &self.owner(),
                &json!({ "name": name }),
                201,
            )
            .await?;
        text_at(&answer, "/data/id")
    }

    /// Fills a vault with `count` secrets named by `key`, over 64 connections. Returns their ids in order.
    pub(crate) async fn secrets_create(
        &self,
        vault: &str,
        count: u64,
        key: fn(u64) -> String,
    ) -> Result<Vec<String>> {
        let exchanges = (0..count)
            .map(|number| secret_post(vault, &self.owner(), &key(number)))
            .collect();
        let answers = ask_all(self.address, exchanges).await?;
        answers
            .iter()
            .map(|answer| text_at(answer, "/data/id"))
            .collect()
    }

    /// Makes a user with the role of a member. Returns its id.
    pub(crate) async fn member_create(&self, name: &str) -> Result<String> {
        let body = json!({ "email": format!("{name}@bench.invalid"), "role": "member", "password": MEMBER_PASSWORD });
        let answer = self
            .ask("POST", "/v1/users", &self.platform(), &body, 201)
            .await?;
        text_at(&answer, "/data/id")
    }

    /// Makes an organization. Returns the `Authorization` header of its owner.
    pub(crate) async fn organization_create(&self, name: &str) -> Result<String> {
        let platform = self.platform();
        let made = self
            .ask(
                "POST",
                "/v1/organizations",
                &platform,
                &json!({ "name": name }),
                201,
            )
            .await?;
        let login = json!({
            "email": text_at(&made, "/data/owner/email")?,
            "password": text_at(&made, "/data/owner/password")?,
        });
        let session = self.ask("POST", "/v1/auth/login", "", &login, 200).await?;
        let session = format!("Bearer {}", text_at(&session, "/data/access_token")?);
        let body = json!({ "name": "bench", "style": "inkbox" });
        let key = self
            .ask("POST", "/v1/api-keys", &session, &body, 201)
            .await?;
        text_at(&key, "/data/key")
    }

    /// Makes an API key for a user. Returns the `Authorization` header that carries it.
    pub(crate) async fn key_create(&self, user: &str) -> Result<String> {
        let body = json!({ "name": "bench", "style": "cloudkeep", "user_id": user });
        let answer = self
            .ask("POST", "/v1/api-keys", &self.platform(), &body, 201)
            .await?;
        Ok(format!("Bearer {}", text_at(&answer, "/data/key")?))
    }

    /// Registers an agent. Returns its id, and the `Authorization` header that carries its key.
    pub(crate) async fn agent_create(&self, name: &str) -> Result<(String, String)> {
        let authorization = format!("Bearer {}", self.tokens.oneclaw);
        let body = json!({ "name": name });
        let answer = self
            .ask("POST", "/v1/agents", &authorization, &body, 201)
            .await?;
        let key = text_at(&answer, "/api_key")?;
        Ok((text_at(&answer, "/agent/id")?, format!("Bearer {key}")))
    }

    /// Writes policies on a vault, given as the bodies of 1claw's requests.
    pub(crate) async fn policies_create(&self, vault: &str, policies: &[Value]) -> Result<()> {
        let authorization = format!("Bearer {}", self.tokens.oneclaw);
        let path = format!("/v1/vaults/{vault}/policies");
        let exchanges = policies
            .iter()
            .map(|policy| {
                Exchange::send(
                    "POST",
                    &path,
                    &authorization,
                    &policy.to_string(),
                    201,
                    "\"id\"",
                )
            })
            .collect();
        ask_all(self.address, exchanges).await?;
        Ok(())
    }

    /// The `Authorization` header of the organization's owner for CloudKeep's API.
    pub(crate) fn owner(&self) -> String {
        format!("Bearer {}", self.tokens.cloudkeep)
    }

    /// The `Authorization` header of the organization's owner for Crate's API.
    pub(crate) fn administrator(&self) -> String {
        format!("Bearer {}", self.tokens.crate_io)
    }

    fn platform(&self) -> String {
        format!("ApiKey {}", self.tokens.credvault)
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
        body: &Value,
        status: u16,
    ) -> Result<Value> {
        let exchange = Exchange::send(method, path, authorization, &body.to_string(), status, "");
        let mut connection = Connection::open(self.address).await?;
        Ok(serde_json::from_slice(
            connection.exchange(&exchange).await?,
        )?)
    }
}

/// Stores a new secret through CloudKeep's API.
pub(crate) fn secret_post(vault: &str, authorization: &str, key: &str) -> Exchange {
    let body = format!("{{\"key\":\"{key}\",\"value\":\"{}\"}}", value_of(key));
    let path = format!("/api/v1/vaults/{vault}/secrets");
    Exchange::send(
        "POST",
        &path,
        authorization,
        &body,
        201,
        &format!("\"key\":\"{key}\""),
    )
}

/// Reads one secret through CloudKeep's API; the answer must hold the value of `key`.
pub(crate) fn secret_get(vault: &str, authorization: &str, secret: &str, key: &str) -> Exchange {
    let marker = value_marker(key);
    Exchange::get(
        &format!("/api/v1/vaults/{vault}/secrets/{secret}"),
        authorization,
        &marker,
    )
}

/// Reads one secret through 1claw's API; the answer must hold the value of `key`, its path.
pub(crate) fn path_get(vault: &str, authorization: &str, key: &str) -> Exchange {
    let path = format!("/v1/vaults/{vault}/secrets/{key}");
    Exchange::get(&path, authorization, &value_marker(key))
}

/// Sends every request once, over 64 connections. Returns the answers in the order of the requests.
pub(crate) async fn ask_all(address: SocketAddr, exchanges: Vec<Exchange>) -> Result<Vec<Value>> {
    let count = exchanges.len();
    let (exchanges, next) = (Arc::new(exchanges), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..count.min(SETUP_CONNECTIONS) {
        let (exchanges, next) = (Arc::clone(&exchanges), Arc::clone(&next));
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(exchange) = exchanges.get(number) else {
                    return anyhow::Ok(answers);
                };
                answers.push((
                    number,
                    serde_json::from_slice(connection.exchange(exchange).await?)?,
                ));
            }
        });
    }
    let mut answers: Vec<(usize, Value)> = Vec::with_capacity(count);
    let all = async {
        while let Some(joined) = tasks.join_next().await {
            answers.append(&mut joined??);
        }
        anyhow::Ok(())
    };
    timeout(SETUP_TIMEOUT, all)
        .await
        .context("setting up took too long")??;
    answers.sort_unstable_by_key(|(number, _)| *number);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Waits for the address in `dev.json` to be ready.
async fn ready(server: &mut Server, dev_json: &Path) -> Result<(SocketAddr, Dev)> {
    loop {
        server
            .check_running()
            .context("kluis dev did not become ready")?;
        // On a restart the file of the last start is there already; nobody listens at its address then.
        if let Some(dev) = read_dev(dev_json)
            && let Some(address) = dev
                .base_url
                .strip_prefix("http://")
                .and_then(|address| address.parse().ok())
            && is_ready(address).await
        {
            return Ok((address, dev));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn read_dev(path: &Path) -> Option<Dev> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else {
        return false;
    };
    matches!(
        connection
            .round_trip(b"GET /readyz HTTP/1.1\r\nhost: bench\r\n\r\n")
            .await,
        Ok((200, _))
    )
}

pub(crate) fn text_at(answer: &Value, pointer: &str) -> Result<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("an answer has no text at {pointer}"))?
        .to_owned())
}

/// Connections over which the bench fills vaults.
pub(crate) const SETUP_CONNECTIONS: usize = 64;

/// No preparation takes longer.
const SETUP_TIMEOUT: Duration = Duration::from_mins(2);

/// Of throw-away users on a throw-away server; long and mixed enough for RULES §8.
const MEMBER_PASSWORD: &str = "Bench-member-0001";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_those_of_the_contract() {
        let post = String::from_utf8(secret_post("vlt_1", "Bearer t", "A").request).expect("UTF-8");
        let (head, body) = post.split_once("\r\n\r\n").expect("head and body");
        assert!(head.starts_with("POST /api/v1/vaults/vlt_1/secrets HTTP/1.1\r\n"));
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body, json!({ "key": "A", "value": value_of("A") }));
        let get = String::from_utf8(secret_get("vlt_1", "Bearer t", "sec_2", "A").request)
            .expect("UTF-8");
        assert!(get.starts_with("GET /api/v1/vaults/vlt_1/secrets/sec_2 HTTP/1.1\r\n"));
    }
}
