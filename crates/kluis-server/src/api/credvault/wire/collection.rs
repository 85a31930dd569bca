//! Collections: vaults, found by name (contract B3).

use kluis_engine::{Error, NewVault, Vault, VaultChange};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::filled;
use crate::api::extract::stated;
use crate::api::ids::prefixed;

/// A named folder of records, with access of its own.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Collection {
    #[schema(examples("collection_01JQ8xK2mN5pQ7rS9tU1vW"))]
    id: String,
    #[schema(examples("billing"))]
    name: String,
    /// Empty when there is none.
    description: String,
    /// How many records the caller sees in it.
    #[schema(examples(4))]
    record_count: u64,
    #[schema(examples("2025-11-01T00:00:00Z"))]
    created_at: String,
    /// When its own members last changed; records do not move it.
    #[schema(examples("2025-11-01T00:00:00Z"))]
    updated_at: String,
}

/// A collection to create.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct CollectionCreate {
    /// Unique in the account.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,63}$", examples("billing"))]
    name: String,
    #[schema(max_length = 4000)]
    description: Option<String>,
}

/// What to change of a collection.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct CollectionUpdate {
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9_-]{0,63}$")]
    name: Option<Option<String>>,
    /// Null clears it.
    #[serde(default, deserialize_with = "stated")]
    #[schema(value_type = Option<String>, max_length = 4000)]
    description: Option<Option<String>>,
}

/// What may go with a collection.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct Force {
    /// Whether the records in it go too.
    #[serde(default)]
    pub(in super::super) force: bool,
}

impl From<Vault> for Collection {
    fn from(vault: Vault) -> Self {
        Self {
            id: prefixed("collection_", vault.id.bytes()),
            name: vault.name,
            description: vault.description,
            record_count: vault.secret_count,
            created_at: vault.created_at.rfc3339_seconds(),
            updated_at: vault.updated_at.rfc3339_seconds(),
        }
    }
}

impl TryFrom<CollectionCreate> for NewVault {
    type Error = Error;

    fn try_from(body: CollectionCreate) -> Result<Self, Error> {
        Ok(Self {
            name: name(body.name)?,
            description: body.description.unwrap_or_default(),
        })
    }
}

impl TryFrom<CollectionUpdate> for VaultChange {
    type Error = Error;

    fn try_from(body: CollectionUpdate) -> Result<Self, Error> {
        Ok(Self {
            name: filled("name", body.name)?.map(name).transpose()?,
            description: body.description.map(Option::unwrap_or_default),
        })
    }
}

/// What a collection that is named here may be called; one that was named elsewhere is found by whatever name it has.
fn name(name: String) -> Result<String, Error> {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|first| first.is_ascii_lowercase());
    let goes_on = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    };
    if begins && name.len() <= LONGEST_NAME && bytes.all(goes_on) {
        Ok(name)
    } else {
        Err(Error::invalid(
            "name",
            "must be a lower-case letter and at most 63 of lower-case letters, digits, '_' and '-'",
        ))
    }
}

const LONGEST_NAME: usize = 64;
