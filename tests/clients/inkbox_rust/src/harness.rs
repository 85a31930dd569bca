//! What all steps share: callers, what is exchanged, and what is expected of a refusal.

use std::sync::Arc;

use inkbox::vault::crypto::{compute_auth_hash, derive_master_key, derive_salt};
use inkbox::vault::{DecryptedVaultSecret, SecretPayload, UnlockedVault};
use inkbox::{AgentIdentity, Inkbox, InkboxError, Result};
use serde_json::Value;

/// One thing to try, by its name.
pub type Step = (&'static str, fn(&mut Scene) -> Result<()>);

/// What one step leaves for the next.
pub struct Scene {
    pub owner: Arc<Inkbox>,
    /// The owner of another organization.
    pub stranger: Arc<Inkbox>,
    pub vault_key: String,
    /// The recovery codes, as they were shown.
    pub codes: Vec<String>,
    /// Who wrote, or writes.
    pub name: String,
    /// A number for names that nothing else has.
    count: u32,
}

impl Scene {
    pub fn new(name: String) -> Self {
        Self {
            owner: client(&setting("KLUIS_OWNER_KEY")),
            stranger: client(&setting("KLUIS_STRANGER_KEY")),
            vault_key: setting("KLUIS_VAULT_KEY"),
            codes: Vec::new(),
            name,
            count: 0,
        }
    }

    /// A name that nothing else has.
    pub fn fresh(&mut self, word: &str) -> String {
        self.count += 1;
        format!("{word}-rust-{}", self.count)
    }

    /// The vault, opened.
    pub fn opened(&self) -> Result<UnlockedVault> {
        self.owner.vault().unlock(&self.vault_key, None)
    }

    /// A client that acts as an identity, with a key of its own.
    pub fn agent(&self, identity: &AgentIdentity) -> Result<Arc<Inkbox>> {
        let made = self
            .owner
            .api_keys()
            .create("for a test", None, Some(identity.id()))?;
        assert_eq!(made.record.scoped_identity_id, Some(identity.id()));
        Ok(client(&made.api_key))
    }

    /// What a vault key or recovery code is known by (§6.2).
    pub fn auth_hash(&self, key: &str) -> Result<String> {
        let organization = self.owner.vault().info()?.unwrap().organization_id;
        let master = derive_master_key(key, &derive_salt(&organization))?;
        Ok(compute_auth_hash(&master))
    }
}

/// A secret that clients of every language exchange.
pub struct Exchanged {
    pub name: String,
    pub description: Option<String>,
    pub secret_type: String,
    pub members: Value,
}

impl Exchanged {
    pub fn payload(&self) -> Result<SecretPayload> {
        SecretPayload::from_value(&self.secret_type, self.members.clone())
    }
}

/// All of them.
pub fn exchanged() -> Vec<Exchanged> {
    let all: Value = serde_json::from_str(include_str!("../../inkbox_exchange.json")).unwrap();
    let all = all.as_array().unwrap().iter();
    all.map(|item| Exchanged {
        name: item["name"].as_str().unwrap().to_owned(),
        description: item["description"].as_str().map(str::to_owned),
        secret_type: item["secret_type"].as_str().unwrap().to_owned(),
        members: item["payload"].clone(),
    })
    .collect()
}

pub fn client(key: &str) -> Arc<Inkbox> {
    let builder = Inkbox::builder(key).base_url(setting("KLUIS_URL"));
    builder.build().unwrap()
}

pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("this needs {name}"))
}

/// What was encrypted.
pub fn members(secret: &DecryptedVaultSecret) -> Value {
    secret.payload.to_value().unwrap()
}

/// The one secret of this name.
pub fn find(secrets: &[DecryptedVaultSecret], name: &str) -> DecryptedVaultSecret {
    let mut found = secrets.iter().filter(|secret| secret.name == name);
    let first = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "several are called {name}");
    first.clone()
}

/// The names of secrets, sorted.
pub fn names(vault: &UnlockedVault) -> Vec<String> {
    let secrets = vault.secrets().into_iter();
    let mut names: Vec<_> = secrets.map(|secret| secret.name).collect();
    names.sort();
    names
}

/// A call that is refused with a status and a reason.
#[track_caller]
pub fn refused<T>(status: u16, answer: Result<T>) -> InkboxError {
    match answer {
        Ok(_) => panic!("a success instead of {status}"),
        Err(error) => {
            let InkboxError::Api {
                status_code,
                detail,
                ..
            } = &error
            else {
                panic!("{error} instead of {status}");
            };
            assert_eq!(*status_code, status, "{error}");
            assert!(!detail.to_string().is_empty(), "no reason");
            error
        }
    }
}

/// A call that the client itself refuses, or that finds no key: no HTTP error.
#[track_caller]
pub fn declined<T>(answer: Result<T>) {
    let Err(error) = answer else {
        panic!("a success")
    };
    assert!(!matches!(error, InkboxError::Api { .. }), "{error}");
}
