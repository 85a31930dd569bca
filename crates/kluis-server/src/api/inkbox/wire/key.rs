//! Keys of the vault.

use kluis_engine::{
    Error, NewZkKey, ZkKey, ZkKeyId, ZkKeyKind, ZkKeyProof, ZkKeyReplacement, ZkProof, ZkWrappedKey,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::error::Failure;
use super::{in_query, proof, uuid};

/// A key, without what it opens and what proves it.
#[derive(Serialize, ToSchema)]
#[schema(as = VaultKey)]
pub(in super::super) struct Key {
    #[schema(format = "uuid")]
    id: String,
    /// `primary` or `recovery`.
    #[schema(examples("primary"))]
    key_type: &'static str,
    /// Id of the user who made it.
    #[schema(format = "uuid")]
    created_by: String,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    created_at: String,
    #[schema(examples("2026-05-04T10:20:30Z"))]
    updated_at: String,
    /// Always `active`.
    #[schema(examples("active"))]
    status: &'static str,
}

/// Which keys.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct KeyQuery {
    /// `primary` or `recovery`, in any case; all unless given.
    #[serde(rename = "type")]
    #[param(example = "primary")]
    kind: Option<String>,
}

/// Which key.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in super::super) struct KeyAt {
    /// What proves it: 64 hexadecimal digits.
    #[param(min_length = 64, max_length = 64)]
    auth_hash: String,
}

/// Another primary key, with exactly one of the two proofs. Every member is read for itself, so that a body without a
/// proof, or with both, is answered so whatever else is wrong with it (contract §4.12).
#[derive(Deserialize, ToSchema)]
#[schema(as = VaultKeyReplace)]
pub(in super::super) struct KeyReplace {
    /// The client's choice; bound into the wrapped key.
    #[schema(value_type = String, format = "uuid")]
    id: Option<Value>,
    /// Base-64 of 60 bytes.
    #[schema(value_type = String, min_length = 80, max_length = 80)]
    wrapped_org_encryption_key: Option<Value>,
    /// 64 hexadecimal digits in lower case, of the new key.
    #[schema(value_type = String, min_length = 64, max_length = 64)]
    auth_hash: Option<Value>,
    /// The primary key's as it is.
    #[schema(value_type = Option<String>, min_length = 64, max_length = 64)]
    current_auth_hash: Option<Value>,
    /// A recovery key's.
    #[schema(value_type = Option<String>, min_length = 64, max_length = 64)]
    recovery_auth_hash: Option<Value>,
}

impl KeyQuery {
    pub(in super::super) fn kind(&self) -> Result<Option<ZkKeyKind>, Failure> {
        let Some(word) = &self.kind else {
            return Ok(None);
        };
        let kind = ZkKeyKind::parse(&word.to_ascii_lowercase());
        let unknown = || in_query(Error::invalid("type", "must be primary or recovery"));
        kind.map(Some).ok_or_else(unknown)
    }
}

impl KeyAt {
    /// What is in the path, if it can prove a key at all.
    pub(in super::super) fn proof(&self) -> Option<ZkProof> {
        ZkProof::parse(&self.auth_hash.to_ascii_lowercase())
    }
}

impl KeyReplace {
    pub(in super::super) fn parse(self) -> Result<ZkKeyReplacement, Failure> {
        let (current, recovery) = (self.current_auth_hash, self.recovery_auth_hash);
        let given = match (current, recovery) {
            (Some(_), Some(_)) | (None, None) => return Err(Failure::Proofs),
            (Some(current), None) => {
                let field = "current_auth_hash";
                ZkKeyProof::Current(proof(field, &text(field, Some(current))?)?)
            }
            (None, Some(recovery)) => {
                let field = "recovery_auth_hash";
                ZkKeyProof::Recovery(proof(field, &text(field, Some(recovery))?)?)
            }
        };
        let id = text("id", self.id)?;
        let material = text(
            "wrapped_org_encryption_key",
            self.wrapped_org_encryption_key,
        )?;
        let key = NewZkKey {
            id: uuid("id", ZkKeyId::from_uuid_text(&id))?,
            wrapped: wrapped("", material)?,
            proof: proof("auth_hash", &text("auth_hash", self.auth_hash)?)?,
        };
        Ok(ZkKeyReplacement { key, proof: given })
    }
}

/// The wrapped key that `text` is, below the member `at` of a body.
pub(super) fn wrapped(at: &str, text: String) -> Result<ZkWrappedKey, Error> {
    ZkWrappedKey::parse(text).ok_or_else(|| {
        let dot = if at.is_empty() { "" } else { "." };
        Error::invalid(
            format!("{at}{dot}wrapped_org_encryption_key"),
            "must be 60 bytes in base-64",
        )
    })
}

/// The text of a member that has to be there.
fn text(field: &'static str, value: Option<Value>) -> Result<String, Error> {
    match value {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Error::invalid(field, "must be a string")),
        None => Err(Error::missing(field)),
    }
}

impl From<ZkKey> for Key {
    fn from(key: ZkKey) -> Self {
        Self {
            id: key.id.to_string(),
            key_type: key.kind.as_str(),
            created_by: key.created_by.to_string(),
            created_at: key.created_at.rfc3339(),
            updated_at: key.updated_at.rfc3339(),
            status: "active",
        }
    }
}
