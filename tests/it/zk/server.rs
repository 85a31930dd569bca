//! A server of the Inkbox API that keeps what it is given, and tells the truth about it or one lie at a time.
//!
//! It knows no cryptography: a server that could make what it sends would need the vault key.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::hostile::Lie;

/// It runs until the test ends.
pub(super) struct Server {
    pub(super) base: String,
    pub(super) kept: Arc<Mutex<Kept>>,
}

/// What it was given.
pub(super) struct Kept {
    pub(super) organization: String,
    pub(super) vault: Option<String>,
    /// Key material, the primary key first.
    pub(super) keys: Vec<Value>,
    /// With payloads, newest first.
    pub(super) secrets: Vec<Value>,
    /// As they were before they were changed or deleted, oldest first.
    pub(super) past: Vec<Value>,
    pub(super) rules: Vec<Value>,
    pub(super) lie: Lie,
    pub(super) requests: Vec<String>,
}

/// What goes back.
pub(super) enum Answer {
    Json(u16, Value),
    /// As it is, head and body.
    Raw(String),
    /// Without end.
    Endless,
}

pub(super) const AT: &str = "2026-05-04T10:20:30.123456Z";
pub(super) const AGENT: &str = "7a112c50-9f3e-4b0c-8d60-2f7a1b6f4e02";

impl Server {
    pub(super) fn start(organization: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            kept: Arc::new(Mutex::new(Kept {
                organization: organization.to_owned(),
                vault: None,
                keys: Vec::new(),
                secrets: Vec::new(),
                past: Vec::new(),
                rules: Vec::new(),
                lie: Lie::None,
                requests: Vec::new(),
            })),
        };
        let kept = Arc::clone(&server.kept);
        in_thread(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                in_thread(move || serve(stream.unwrap(), &kept));
            }
        });
        server
    }

    /// From now on this lie is told, and no other.
    pub(super) fn tell(&self, lie: Lie) {
        let mut kept = self.kept.lock().unwrap();
        kept.lie = lie;
        kept.requests.clear();
    }

    /// Each request as method and target, since the last lie.
    pub(super) fn requests(&self) -> Vec<String> {
        self.kept.lock().unwrap().requests.clone()
    }
}

fn in_thread(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().name("hostile".to_owned());
    thread.spawn(work).unwrap();
}

fn serve(mut stream: TcpStream, kept: &Mutex<Kept>) {
    let Some((target, body)) = read(&mut stream) else {
        return;
    };
    let answer = {
        let mut kept = kept.lock().unwrap();
        kept.requests.push(target.clone());
        if matches!(kept.lie, Lie::Unheard(part) if target.contains(part)) {
            return;
        }
        let truth = kept.answer(&target, &body);
        kept.twisted(&target, truth)
    };
    // A client that has had enough hangs up.
    let _ = match answer {
        Answer::Json(204, _) => stream.write_all(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n"),
        Answer::Json(status, body) => {
            let body = body.to_string();
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all((head + &body).as_bytes())
        }
        Answer::Raw(text) => stream.write_all(text.as_bytes()),
        Answer::Endless => endless(&mut stream),
    };
}

fn endless(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n[")?;
    let blanks = vec![b' '; 64 << 10];
    loop {
        stream.write_all(&blanks)?;
    }
}

/// Method and target, and the body.
fn read(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 16 << 10];
        let count = stream.read(&mut chunk).ok().filter(|count| *count != 0)?;
        request.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if length.map_or(0, |length| length.parse().unwrap()) <= body.len() {
            let target = head.split(" HTTP/1.1").next().unwrap().to_owned();
            let body = serde_json::from_str(body).unwrap_or(Value::Null);
            return Some((target, body));
        }
    }
}

impl Kept {
    /// The truth.
    fn answer(&mut self, target: &str, body: &Value) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.replace(" /api/v1", " /api");
        let segments: Vec<&str> = path.split('/').skip(2).collect();
        let method = path.split(' ').next().unwrap();
        match (method, segments.as_slice()) {
            ("GET", ["whoami"]) => ok(
                json!({"auth_type": "api_key", "organization_id": self.organization,
                "auth_subtype": "api_key.admin_scoped"}),
            ),
            ("GET", ["identities"]) => {
                ok(json!([{"id": AGENT, "organization_id": self.organization,
                "agent_handle": "build-agent", "created_at": AT, "updated_at": AT}]))
            }
            ("POST", ["vault", "initialize"]) => self.initialize(body),
            _ if self.vault.is_none() => refused(404, "There is no vault."),
            ("GET", ["vault", "info"]) => ok(json!({"id": self.vault, "status": "active",
                "organization_id": self.organization, "key_count": 1,
                "secret_count": self.secrets.len(), "recovery_key_count": self.keys.len() - 1,
                "created_at": AT, "updated_at": AT})),
            ("GET", ["vault", "unlock"]) => self.unlock(query),
            ("GET", ["vault", "keys"]) => ok(self.keys.iter().map(shown_key).collect()),
            ("PUT", ["vault", "keys", "primary"]) => self.replace(body),
            ("GET", ["vault", "secrets"]) => ok(self
                .secrets
                .iter()
                .filter(|secret| {
                    query.is_empty()
                        || query == format!("secret_type={}", text(secret, "secret_type"))
                })
                .map(without_payload)
                .collect()),
            ("POST", ["vault", "secrets"]) => {
                let mut secret = body.clone();
                for (name, value) in [("status", json!("active")), ("access", json!([]))] {
                    secret[name] = value;
                }
                secret["created_at"] = AT.into();
                secret["updated_at"] = AT.into();
                self.secrets.insert(0, secret.clone());
                Answer::Json(201, without_payload(&secret))
            }
            (method, ["vault", "secrets", id]) => self.one(method, id, body),
            ("POST", ["vault", "secrets", id, "access"]) => {
                let rule = json!({"id": AGENT, "vault_secret_id": id, "created_at": AT,
                    "identity_id": body["identity_id"]});
                self.rules.push(rule.clone());
                Answer::Json(201, rule)
            }
            _ => refused(404, "There is no such route."),
        }
    }

    fn initialize(&mut self, body: &Value) -> Answer {
        if self.vault.is_some() {
            return refused(409, "There is a vault.");
        }
        let id = "5d0c1f52-0c4a-4d0e-9a3b-6f2f3a1c9e10";
        self.vault = Some(id.to_owned());
        self.keys = vec![body["vault_key"].clone()];
        let recovery = body["recovery_keys"].as_array().unwrap();
        self.keys.extend(recovery.iter().cloned());
        let key = &body["vault_key"]["id"];
        let made =
            json!({"vault_id": id, "vault_key_id": key, "recovery_key_count": recovery.len()});
        Answer::Json(201, made)
    }

    fn unlock(&self, query: &str) -> Answer {
        let hash = query.strip_prefix("auth_hash=").unwrap_or_default();
        let key = self.keys.iter().find(|key| key["auth_hash"] == hash);
        let wrapped = key.map_or(Value::Null, |key| key["wrapped_org_encryption_key"].clone());
        let secrets = if key.is_some() {
            &self.secrets[..]
        } else {
            &[]
        };
        ok(
            json!({"wrapped_org_encryption_key": wrapped, "wrapped_org_encryption_keys": null,
            "encrypted_secrets": secrets}),
        )
    }

    fn replace(&mut self, body: &Value) -> Answer {
        let mut new = body.clone();
        new["key_type"] = "primary".into();
        let proof = if body["current_auth_hash"].is_string() {
            (self.keys[0]["auth_hash"] == body["current_auth_hash"]).then_some(0)
        } else {
            let hash = &body["recovery_auth_hash"];
            self.keys.iter().position(|key| key["auth_hash"] == *hash)
        };
        let Some(proof) = proof else {
            return refused(403, "The proof does not verify.");
        };
        self.keys.remove(proof);
        if proof != 0 {
            self.keys.remove(0);
        }
        self.keys.insert(0, new);
        ok(shown_key(&self.keys[0]))
    }

    fn one(&mut self, method: &str, id: &str, body: &Value) -> Answer {
        let Some(place) = self.secrets.iter().position(|secret| secret["id"] == id) else {
            return refused(404, "There is no such secret.");
        };
        match method {
            "GET" => ok(self.secrets[place].clone()),
            "PATCH" => {
                self.past.push(self.secrets[place].clone());
                let members = body.as_object().unwrap();
                for (name, value) in members {
                    self.secrets[place][name] = value.clone();
                }
                ok(without_payload(&self.secrets[place]))
            }
            "DELETE" => {
                let secret = self.secrets.remove(place);
                self.past.push(secret);
                Answer::Json(204, Value::Null)
            }
            _ => refused(405, "Not so."),
        }
    }
}

pub(super) fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

fn refused(status: u16, detail: &str) -> Answer {
    Answer::Json(status, json!({"detail": detail}))
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

pub(super) fn shown_key(key: &Value) -> Value {
    json!({"id": key["id"], "key_type": key["key_type"], "created_by": null, "status": "active",
        "created_at": AT, "updated_at": AT})
}

pub(super) fn without_payload(secret: &Value) -> Value {
    let mut shown = secret.clone();
    shown.as_object_mut().unwrap().remove("encrypted_payload");
    shown
}
