//! A KV secrets engine of version 2, as Vault serves it: what an integration needs of one, and faithful in that. Entries have
//! versions, check-and-set is checked, a wrong token is refused, and metadata goes with everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::receiver::{Delivered, Receiver, Reply};

/// Such a server, with one engine mounted at `secret`; gone when dropped.
pub struct KvServer {
    receiver: Receiver,
    entries: Arc<Mutex<Entries>>,
}

/// The versions of each entry, the oldest first.
type Entries = BTreeMap<String, Vec<Value>>;

/// The token that it takes.
pub const KV_TOKEN: &str = "hvs.canary-token";

impl KvServer {
    /// An empty one. With `demands_cas` each write has to say which version it replaces.
    pub async fn start(demands_cas: bool) -> Self {
        let receiver = Receiver::start().await;
        let entries = Arc::new(Mutex::new(Entries::new()));
        let kept = Arc::clone(&entries);
        receiver.always(Reply::by(move |request| {
            let (status, body) = answer(request, &mut kept.lock().unwrap(), demands_cas);
            (status, body.to_string())
        }));
        Self { receiver, entries }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.receiver.port())
    }

    /// What is there, by path: the newest version.
    pub fn newest(&self) -> BTreeMap<String, Value> {
        let entries = self.entries.lock().unwrap();
        let newest = entries
            .iter()
            .filter_map(|(path, versions)| Some((path.clone(), versions.last()?.clone())));
        newest.collect()
    }

    /// How many versions an entry has.
    pub fn versions(&self, path: &str) -> usize {
        self.entries.lock().unwrap().get(path).map_or(0, Vec::len)
    }

    /// Write an entry, as somebody else would.
    pub fn put(&self, path: &str, data: Value) {
        let mut entries = self.entries.lock().unwrap();
        entries.entry(path.to_owned()).or_default().push(data);
    }

    pub fn received(&self) -> Vec<Delivered> {
        self.receiver.received()
    }
}

fn answer(request: &Delivered, entries: &mut Entries, demands_cas: bool) -> (u16, Value) {
    let error = |status, why: &str| (status, json!({"errors": [why]}));
    if request.header("x-vault-token") != KV_TOKEN {
        return error(403, "permission denied");
    }
    if request.path == "/v1/sys/internal/ui/mounts/secret" {
        return (
            200,
            json!({"data": {"type": "kv", "options": {"version": "2"}}}),
        );
    }
    if let Some(path) = request.path.strip_prefix("/v1/secret/data/") {
        if request.method != "POST" && request.method != "PUT" {
            return error(405, "unsupported operation");
        }
        let body = request.json();
        let Some(data) = body["data"].as_object() else {
            return error(400, "no data provided");
        };
        let versions = entries.entry(path.to_owned()).or_default();
        let fits = match body["options"]["cas"].as_u64() {
            None if demands_cas => {
                return error(400, "check-and-set parameter required for this call");
            }
            None => true,
            Some(version) => version == versions.len() as u64,
        };
        if !fits {
            return error(
                400,
                "check-and-set parameter did not match the current version",
            );
        }
        versions.push(Value::Object(data.clone()));
        return (200, json!({"data": {"version": versions.len()}}));
    }
    if let Some(path) = request.path.strip_prefix("/v1/secret/metadata/") {
        return match (request.method.as_str(), entries.get(path)) {
            ("DELETE", _) => {
                entries.remove(path);
                (204, json!(null))
            }
            ("GET", Some(versions)) => (200, json!({"data": {"current_version": versions.len()}})),
            ("GET", None) => error(404, "not found"),
            _ => error(405, "unsupported operation"),
        };
    }
    error(404, "no handler for route")
}
