//! What Inkbox's requests and answers look like (contract §2 to §5).

mod access;
mod api_key;
mod identity;
mod key;
mod members;
mod secret;
mod unlock;
mod vault;

use kluis_engine::{AgentId, Error, ZkItemId, ZkProof};

pub(super) use self::access::{AccessAt, AccessGrant, AccessRule};
pub(super) use self::api_key::{ApiKey, ApiKeyCreate, ApiKeyShown, Whoami};
pub(super) use self::identity::{Identity, IdentityAt, IdentityCreate, IdentityUpdate};
pub(super) use self::key::{Key, KeyAt, KeyQuery, KeyReplace};
pub(super) use self::secret::{Secret, SecretAt, SecretCreate, SecretQuery, SecretUpdate};
pub(super) use self::unlock::{UnlockQuery, Unlocked};
pub(super) use self::vault::{VaultCreate, VaultCreated, VaultInfo};
use super::error::{Failure, Place};
use crate::api::ids::Kind as _;

/// A UUID in any of its spellings, or why not.
fn uuid<T>(field: &str, parsed: Option<T>) -> Result<T, Error> {
    parsed.ok_or_else(|| Error::invalid(field.to_owned(), "must be a UUID"))
}

/// The secret that `text` names.
fn item(field: &str, text: &str) -> Result<ZkItemId, Error> {
    uuid(field, ZkItemId::from_uuid_text(text))
}

/// The identity that `text` names, by its UUID or as other APIs spell it.
fn agent(field: &str, text: &str) -> Result<AgentId, Error> {
    let named = AgentId::from_uuid_text(text).or_else(|| AgentId::parse(text));
    uuid(field, named)
}

/// What `text` proves.
fn proof(field: &str, text: &str) -> Result<ZkProof, Error> {
    ZkProof::parse(text).ok_or_else(|| {
        Error::invalid(
            field.to_owned(),
            "must be 64 hexadecimal digits in lower case",
        )
    })
}

/// An error about a parameter in the path.
fn in_path(error: Error) -> Failure {
    Failure::In(Place::Path, error)
}

/// An error about a parameter in the query.
pub(super) fn in_query(error: Error) -> Failure {
    Failure::In(Place::Query, error)
}
