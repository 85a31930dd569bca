//! Keys of the vault.

use kluis_engine::{
    Error, NewZkKey, ZkKey, ZkKeyId, ZkKeyKind, ZkKeyProof, ZkKeyReplacement, ZkProof, ZkWrappedKey,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::error::Failure;
use super::members::{Member, Wrong};
use super::{in_query, proof, uuid};

/// A key, without what it opens and what proves it.
#[derive(Serialize, ToSchema)]
#[schema(as = VaultKey)]
pub(in super::super) struct Key {
    #[schema(format = "uuid")]
    id: String,
    /// `primary` or `recovery`.
    #[schema(examples("primary"))]
    #[serde(rename = "key_type")]
    kind: &'static str,
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
    #[schema(value_type = String, required, format = "uuid")]
    #[serde(default)]
    id: Member<String>,
    /// Base-64 of 60 bytes.
    #[schema(value_type = String, required, min_length = 80, max_length = 80)]
    #[serde(default)]
    wrapped_org_encryption_key: Member<String>,
    /// 64 hexadecimal digits in lower case, of the new key.
    #[schema(value_type = String, required, min_length = 64, max_length = 64)]
    #[serde(default)]
    auth_hash: Member<String>,
    /// The primary key's as it is.
    #[schema(value_type = Option<String>, min_length = 64, max_length = 64)]
    #[serde(default)]
    current_auth_hash: Member<String>,
    /// A recovery key's.
    #[schema(value_type = Option<String>, min_length = 64, max_length = 64)]
    #[serde(default)]
    recovery_auth_hash: Member<String>,
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
        let mut wrong = Wrong::default();
        let mut read = |field, member| {
            let text = wrong.required(field, member);
            text.and_then(|text: String| wrong.fit(proof(field, &text)))
        };
        let given = match (self.current_auth_hash, self.recovery_auth_hash) {
            (current, Member::Absent | Member::Null) if is_there(&current) => {
                read("current_auth_hash", current).map(ZkKeyProof::Current)
            }
            (Member::Absent | Member::Null, recovery) if is_there(&recovery) => {
                read("recovery_auth_hash", recovery).map(ZkKeyProof::Recovery)
            }
            _ => return Err(Failure::Proofs),
        };
        let hash = read("auth_hash", self.auth_hash);
        let id = wrong.required("id", self.id);
        let id = id.and_then(|text| wrong.fit(uuid("id", ZkKeyId::from_uuid_text(&text))));
        let material = wrong
            .required(WRAPPED, self.wrapped_org_encryption_key)
            .and_then(|text| wrong.fit(wrapped(WRAPPED, text)));
        let key = id.zip(material).zip(hash);
        let replacement = given.zip(key).map(|(proof, ((id, wrapped), hash))| {
            let key = NewZkKey {
                id,
                wrapped,
                proof: hash,
            };
            ZkKeyReplacement { key, proof }
        });
        wrong.end(replacement)
    }
}

/// The wrapped key that `text` is, of the member `field`.
pub(super) fn wrapped(field: &str, text: String) -> Result<ZkWrappedKey, Error> {
    ZkWrappedKey::parse(text)
        .ok_or_else(|| Error::invalid(field.to_owned(), "must be 60 bytes in base-64"))
}

fn is_there(member: &Member<String>) -> bool {
    matches!(member, Member::Given(_) | Member::Other)
}

const WRAPPED: &str = "wrapped_org_encryption_key";

impl From<ZkKey> for Key {
    fn from(key: ZkKey) -> Self {
        Self {
            id: key.id.to_string(),
            kind: key.kind.as_str(),
            created_by: key.created_by.to_string(),
            created_at: key.created_at.rfc3339(),
            updated_at: key.updated_at.rfc3339(),
            status: "active",
        }
    }
}
