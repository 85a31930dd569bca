//! From a vault's name to its id, and what may be in one that goes.

use super::name::RESERVED_PREFIX;
use super::vault_named;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::VaultId;

/// What may be in a vault that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Whatever is in it goes with it.
    Any,
    /// Nothing: no secret, open or closed, and no environment variable.
    None,
}

impl Engine {
    /// The id of the vault of this name in the caller's organization; where there is none, and for a
    /// hidden one, an id that no vault has.
    ///
    /// It is no act and tells nobody anything: what is done with the id decides, refuses and is recorded, alike for a vault
    /// that is not there and for one that is out of reach.
    pub async fn vault_id(&self, caller: &Caller, name: &str) -> Result<VaultId, Error> {
        if name.starts_with(RESERVED_PREFIX) {
            return Ok(NO_VAULT);
        }
        let mut reader = self.store().reader().await?;
        let found = vault_named(reader.conn()?, caller.organization, name).await?;
        Ok(found.unwrap_or(NO_VAULT))
    }
}

/// The id of no vault.
const NO_VAULT: VaultId = VaultId::from_bytes([0; 16]);
