//! Secrets.

#![expect(
    clippy::option_option,
    reason = "a member that is absent and one that is null differ in a PATCH"
)]

use kluis_engine::{
    Error, NewZkItem, ZkItem, ZkItemChange, ZkItemId, ZkItemKind, ZkItemWithPayload,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::error::Failure;
use super::{AccessRule, in_path, in_query, item};
use crate::api::extract::stated;

/// A secret. The server cannot read what it holds.
#[derive(Serialize, ToSchema)]
#[schema(as = VaultSecret)]
pub(in super::super) struct Secret {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("Billing API"))]
    name: String,
    description: Option<String>,
    /// `login`, `api_key`, `key_pair`, `ssh_key` or `other`.
    #[schema(examples("api_key"))]
    secret_type: &'static str,
    /// Always `active`.
    #[schema(examples("active"))]
    status: &'static str,
    /// Which identities may read it.
    access: Vec<AccessRule>,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    created_at: String,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    updated_at: String,
    /// What only clients can open; there where one secret is read, and after unlocking.
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted_payload: Option<String>,
}

/// Which secret.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in super::super) struct SecretAt {
    /// Id of the secret.
    #[param(example = "0b9d6c0e-6f0e-4f43-8a57-3f2f0c9d1e21")]
    secret_id: String,
}

/// Which secrets.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct SecretQuery {
    /// `login`, `api_key`, `key_pair`, `ssh_key` or `other`; all unless given.
    #[param(example = "api_key")]
    secret_type: Option<String>,
}

/// A secret to create.
#[derive(Deserialize, ToSchema)]
#[schema(as = VaultSecretCreate)]
pub(in super::super) struct SecretCreate {
    /// The client's choice, bound into the payload; a new one unless given.
    #[schema(format = "uuid")]
    id: Option<String>,
    #[schema(min_length = 1, max_length = 255, examples("Billing API"))]
    name: String,
    /// At most 64 KiB.
    description: Option<String>,
    /// `login`, `api_key`, `key_pair`, `ssh_key` or `other`.
    #[schema(examples("api_key"))]
    secret_type: String,
    /// Kept as it is; at most 1 MiB.
    #[schema(min_length = 1)]
    encrypted_payload: String,
}

/// What to change of a secret.
#[derive(Deserialize, ToSchema)]
#[schema(as = VaultSecretUpdate)]
pub(in super::super) struct SecretUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    name: Option<Option<String>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, min_length = 1)]
    encrypted_payload: Option<Option<String>>,
}

impl SecretAt {
    pub(in super::super) fn item(&self) -> Result<ZkItemId, Failure> {
        item("secret_id", &self.secret_id).map_err(in_path)
    }
}

impl SecretQuery {
    pub(in super::super) fn kind(&self) -> Result<Option<ZkItemKind>, Failure> {
        let word = self.secret_type.as_deref();
        word.map(kind).transpose().map_err(in_query)
    }
}

impl SecretCreate {
    pub(in super::super) fn parse(self) -> Result<NewZkItem, Error> {
        Ok(NewZkItem {
            id: self.id.as_deref().map(|id| item("id", id)).transpose()?,
            name: self.name,
            description: self.description,
            kind: kind(&self.secret_type)?,
            payload: self.encrypted_payload,
        })
    }
}

impl SecretUpdate {
    pub(in super::super) fn parse(self) -> Result<ZkItemChange, Error> {
        Ok(ZkItemChange {
            name: filled("name", self.name)?,
            description: self.description,
            payload: filled("encrypted_payload", self.encrypted_payload)?,
        })
    }
}

/// A member that may be left out, and not be null.
fn filled(field: &'static str, member: Option<Option<String>>) -> Result<Option<String>, Error> {
    match member {
        Some(None) => Err(Error::invalid(field, "must be a string")),
        Some(text) => Ok(text),
        None => Ok(None),
    }
}

fn kind(word: &str) -> Result<ZkItemKind, Error> {
    ZkItemKind::parse(word).ok_or_else(|| {
        Error::invalid(
            "secret_type",
            "must be login, api_key, key_pair, ssh_key or other",
        )
    })
}

impl From<ZkItem> for Secret {
    fn from(item: ZkItem) -> Self {
        Self {
            id: item.id.to_string(),
            name: item.name,
            description: item.description,
            secret_type: item.kind.as_str(),
            status: "active",
            access: item.access.into_iter().map(AccessRule::from).collect(),
            created_at: item.created_at.rfc3339(),
            updated_at: item.updated_at.rfc3339(),
            encrypted_payload: None,
        }
    }
}

impl From<ZkItemWithPayload> for Secret {
    fn from(read: ZkItemWithPayload) -> Self {
        Self {
            encrypted_payload: Some(read.payload),
            ..read.item.into()
        }
    }
}
