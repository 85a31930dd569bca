//! Secrets.

use kluis_engine::{
    Error, NewZkItem, ZkItem, ZkItemChange, ZkItemDescription, ZkItemId, ZkItemKind, ZkItemName,
    ZkItemWithPayload, ZkPayload,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::error::Failure;
use super::members::{Member, Wrong};
use super::{AccessRule, in_path, in_query, item};

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
    #[serde(rename = "secret_type")]
    kind: &'static str,
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
    #[schema(value_type = Option<String>, format = "uuid")]
    #[serde(default)]
    id: Member<String>,
    #[schema(value_type = String, required, min_length = 1, max_length = 255, examples("Billing API"))]
    #[serde(default)]
    name: Member<String>,
    /// At most 64 KiB.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    description: Member<String>,
    /// `login`, `api_key`, `key_pair`, `ssh_key` or `other`.
    #[schema(value_type = String, required, examples("api_key"))]
    #[serde(default)]
    secret_type: Member<String>,
    /// Kept as it is; at most 1 MiB.
    #[schema(value_type = String, required, min_length = 1)]
    #[serde(default)]
    encrypted_payload: Member<String>,
}

/// What to change of a secret.
#[derive(Deserialize, ToSchema)]
#[schema(as = VaultSecretUpdate)]
pub(in super::super) struct SecretUpdate {
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    #[serde(default)]
    name: Member<String>,
    /// Null takes it away.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    description: Member<String>,
    #[schema(value_type = Option<String>, min_length = 1)]
    #[serde(default)]
    encrypted_payload: Member<String>,
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
    pub(in super::super) fn parse(self) -> Result<NewZkItem, Failure> {
        let mut wrong = Wrong::default();
        let id = wrong.optional("id", self.id);
        let id = wrong.fit_some(id.map(|id| id.map(|id| item("id", &id))));
        let name = wrong
            .required("name", self.name)
            .and_then(|text| wrong.fit(ZkItemName::parse(text)));
        let description = wrong.optional(DESCRIPTION, self.description);
        let description = description.map(|text| text.map(ZkItemDescription::parse));
        let description = wrong.fit_some(description);
        let kind = wrong
            .required("secret_type", self.secret_type)
            .and_then(|word| wrong.fit(kind(&word)));
        let payload = wrong
            .required(PAYLOAD, self.encrypted_payload)
            .and_then(|text| wrong.fit(ZkPayload::parse(PAYLOAD, text)));
        let made = || {
            Some(NewZkItem {
                id: id?,
                name: name?,
                description: description?,
                kind: kind?,
                payload: payload?,
            })
        };
        wrong.end(made())
    }
}

impl SecretUpdate {
    pub(in super::super) fn parse(self) -> Result<ZkItemChange, Failure> {
        let mut wrong = Wrong::default();
        let name = wrong.stated("name", self.name);
        let name = wrong.fit_some(name.map(|text| text.map(ZkItemName::parse)));
        let description = match wrong.clearable(DESCRIPTION, self.description) {
            Some(Some(Some(text))) => {
                let parsed = wrong.fit(ZkItemDescription::parse(text));
                parsed.map(|description| Some(Some(description)))
            }
            Some(Some(None)) => Some(Some(None)),
            Some(None) => Some(None),
            None => None,
        };
        let payload = wrong.stated(PAYLOAD, self.encrypted_payload);
        let payload =
            wrong.fit_some(payload.map(|text| text.map(|text| ZkPayload::parse(PAYLOAD, text))));
        let made = || {
            Some(ZkItemChange {
                name: name?,
                description: description?,
                payload: payload?,
            })
        };
        wrong.end(made())
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

const DESCRIPTION: &str = "description";
const PAYLOAD: &str = "encrypted_payload";

impl From<ZkItem> for Secret {
    fn from(item: ZkItem) -> Self {
        Self {
            id: item.id.to_string(),
            name: item.name,
            description: item.description,
            kind: item.kind.as_str(),
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
            encrypted_payload: Some(read.payload.into_text()),
            ..read.item.into()
        }
    }
}
