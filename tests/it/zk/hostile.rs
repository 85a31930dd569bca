//! The lies of a server.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::server::{AT, Answer, Kept, ok, shown_key, without_payload};

/// What the server does that an honest one does not.
#[derive(Clone, Debug)]
pub(super) enum Lie {
    /// Nothing.
    None,
    /// Another salt.
    Organization(&'static str),
    /// Another vault, in `info`.
    Vault,
    /// No vault, in `info`.
    NoVault,
    /// The wrapped key with one bit flipped.
    AlteredWrappedKey,
    /// A wrapped key of another vault.
    OtherWrappedKey(String),
    /// A wrapped key without its last bytes.
    CutWrappedKey,
    /// A wrapped key with bytes more.
    LongWrappedKey,
    /// No wrapped key.
    NoBase64WrappedKey,
    /// A key that this vault key does open, of a vault of the past: its key material.
    OldVaultsKey(Value),
    /// No keys in the list of keys.
    NoKeys,
    /// More keys in the list than there are, which proves nothing.
    MoreKeys,
    /// A key by another name than an id.
    NoKeyId,
    /// Nothing that says whether there is a wrapped key.
    NoMember(&'static str),
    /// A key twice.
    KeyTwice,
    /// The payloads of two secrets in each other's place.
    SwappedPayloads,
    /// What was there before a change.
    OldPayload,
    /// A payload with one bit flipped.
    AlteredPayload,
    /// A payload without most of its bytes.
    CutPayload,
    /// No payload.
    NoBase64Payload,
    /// What was deleted.
    DeletedSecret,
    /// Another type.
    OtherType,
    /// A secret twice.
    SecretTwice,
    /// A secret less.
    MissingSecret,
    /// Two names in each other's place.
    SwappedNames,
    /// Another secret than was asked for.
    OtherSecret,
    /// An answer to initialization about another key.
    OtherVaultKey,
    /// Another salt, in `info` alone.
    OtherInfo(&'static str),
    /// Another number of recovery keys in the answer to initialization.
    RecoveryKeys(u64),
    /// This in the place of every answer to a request with one of these parts in its target.
    Lost(&'static [&'static str], &'static str),
    /// No answer to a request with this part in its target, and none after it.
    LostFrom(&'static str),
    /// Nothing done and nothing answered to a request with this part in its target.
    Unheard(&'static str),
    /// No JSON.
    NoJson,
    /// JSON of something else.
    OtherJson,
    /// An answer without end.
    Endless,
    /// To another server.
    Redirect(String),
}

impl Kept {
    /// The answer after the lie.
    pub(super) fn twisted(&self, target: &str, truth: Answer) -> Answer {
        let Answer::Json(status, mut body) = truth else {
            return truth;
        };
        let is = |part: &str| target.contains(part);
        let reads = target.starts_with("GET ");
        match &self.lie {
            Lie::NoJson if reads => {
                return Answer::Raw(
                    "HTTP/1.1 200 X\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>canary</html>"
                        .to_owned(),
                );
            }
            Lie::OtherJson if reads => return ok(json!({"data": ["canary"]})),
            Lie::Endless if reads => return Answer::Endless,
            Lie::Lost(parts, instead) if parts.iter().any(|part| is(part)) => {
                return Answer::Raw((*instead).to_owned());
            }
            Lie::LostFrom(part) if self.requests.iter().any(|sent| sent.contains(part)) => {
                return Answer::Raw(String::new());
            }
            Lie::OtherInfo(other) if is("/info") => body["organization_id"] = (*other).into(),
            Lie::RecoveryKeys(count) if is("/initialize") => {
                body["recovery_key_count"] = (*count).into();
            }
            Lie::Redirect(to) => {
                return Answer::Raw(format!(
                    "HTTP/1.1 307 X\r\nlocation: {to}/api/whoami\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                ));
            }
            Lie::Organization(other) if is("/info") || is("/whoami") => {
                body["organization_id"] = (*other).into();
            }
            Lie::NoVault if is("/info") => return Answer::Json(404, json!({"detail": "No."})),
            Lie::Vault if is("/info") => body["id"] = AT.into(),
            Lie::NoKeyId if is("/keys") => body[0]["id"] = AT.into(),
            Lie::NoMember(instead) if is("/unlock") => {
                body = serde_json::from_str(instead).unwrap();
            }
            Lie::NoKeys if is("/keys") => body = json!([]),
            Lie::MoreKeys if is("/keys") => {
                let mut more = shown_key(&self.keys[0]);
                more["id"] = "00000000-0000-4000-8000-000000000000".into();
                body.as_array_mut().unwrap().insert(0, more);
            }
            Lie::KeyTwice if is("/keys") => {
                body.as_array_mut().unwrap().push(shown_key(&self.keys[0]));
            }
            Lie::OldVaultsKey(key) if is("/keys") => {
                body.as_array_mut().unwrap().push(shown_key(key));
            }
            Lie::OtherType if is("POST /api/v1/vault/secrets") => {
                body["secret_type"] = "other".into();
            }
            Lie::OtherVaultKey if is("/initialize") => body["vault_key_id"] = AT.into(),
            Lie::OtherSecret if is("GET /api/v1/vault/secrets/") => {
                let other = self.secrets.iter().find(|other| other["id"] != body["id"]);
                body = other.unwrap().clone();
            }
            _ if is("/unlock") => {
                let wrapped = &mut body["wrapped_org_encryption_key"];
                if let Some(twisted) = wrapped.as_str().and_then(|text| self.twisted_key(text)) {
                    *wrapped = twisted.into();
                }
                self.twist_secrets(&mut body["encrypted_secrets"]);
            }
            _ if is("GET /api/v1/vault/secrets") && body.is_array() => {
                self.twist_secrets(&mut body);
            }
            Lie::OldPayload if is("GET /api/v1/vault/secrets/") => {
                if let Some(old) = self.past.iter().find(|old| old["id"] == body["id"]) {
                    body = old.clone();
                }
            }
            _ => {}
        }
        Answer::Json(status, body)
    }

    fn twisted_key(&self, wrapped: &str) -> Option<String> {
        let bytes = || BASE64_STANDARD.decode(wrapped).unwrap();
        Some(match &self.lie {
            Lie::AlteredWrappedKey => altered(wrapped),
            Lie::OtherWrappedKey(other) => other.clone(),
            Lie::CutWrappedKey => BASE64_STANDARD.encode(&bytes()[..59]),
            Lie::LongWrappedKey => BASE64_STANDARD.encode([bytes(), vec![0; 3]].concat()),
            Lie::NoBase64WrappedKey => "canary!".to_owned(),
            Lie::OldVaultsKey(key) => key["wrapped_org_encryption_key"].as_str()?.to_owned(),
            _ => return None,
        })
    }

    /// The secrets of `unlock`, or those of the list, which have no payloads.
    fn twist_secrets(&self, body: &mut Value) {
        let secrets = body.as_array_mut().unwrap();
        if secrets.len() < 2 {
            return;
        }
        let payload = "encrypted_payload";
        let has_payloads = secrets[0][payload].is_string();
        let shown = |secret: &Value| {
            if has_payloads {
                secret.clone()
            } else {
                without_payload(secret)
            }
        };
        match &self.lie {
            Lie::SecretTwice => secrets.push(secrets[0].clone()),
            Lie::MissingSecret => drop(secrets.remove(0)),
            Lie::OtherType => secrets[0]["secret_type"] = "other".into(),
            Lie::DeletedSecret => {
                let is_there = |old: &&Value| secrets.iter().any(|one| one["id"] == old["id"]);
                let deleted = self.past.iter().find(|old| !is_there(old)).unwrap();
                secrets.push(shown(deleted));
            }
            Lie::SwappedNames => {
                let [first, second] = [0, 1].map(|place| secrets[place]["name"].clone());
                secrets[0]["name"] = second;
                secrets[1]["name"] = first;
            }
            _ if !has_payloads => {}
            Lie::SwappedPayloads => {
                let [first, second] = [0, 1].map(|place| secrets[place][payload].clone());
                secrets[0][payload] = second;
                secrets[1][payload] = first;
            }
            Lie::OldPayload => {
                for secret in secrets {
                    if let Some(old) = self.past.iter().find(|old| old["id"] == secret["id"]) {
                        secret[payload] = old[payload].clone();
                    }
                }
            }
            Lie::AlteredPayload => {
                secrets[0][payload] = altered(secrets[0][payload].as_str().unwrap()).into();
            }
            Lie::CutPayload => {
                let bytes = BASE64_STANDARD.decode(secrets[0][payload].as_str().unwrap());
                secrets[0][payload] = BASE64_STANDARD.encode(&bytes.unwrap()[..27]).into();
            }
            Lie::NoBase64Payload => secrets[0][payload] = "canary!".into(),
            _ => {}
        }
    }
}

/// With one bit flipped.
fn altered(base64: &str) -> String {
    let mut bytes = BASE64_STANDARD.decode(base64).unwrap();
    bytes[0] ^= 1;
    BASE64_STANDARD.encode(bytes)
}
