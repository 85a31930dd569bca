//! Looking at secrets without their values: one, or those that a filter admits.

use super::list::names_seen;
use super::{Filter, SecretAt, SecretInfo, Which};
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::VaultId;

impl Engine {
    /// One live secret without its value.
    pub async fn secret_view(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: &SecretAt,
    ) -> Result<SecretInfo, Error> {
        self.look(caller, Action::SecretView, async |conn, act| {
            let sought = self
                .secret_find(conn, act, vault, at, Which::Current)
                .await?;
            let (secret, version) = sought.seen(act, at)?;
            if secret.closed_at.is_some() {
                return Err(Error::NotFound);
            }
            Ok(secret.info(vault, version.map(|row| row.info), act.now))
        })
        .await
    }

    /// The live secrets of a vault that `filter` admits and whose names the caller sees, oldest first.
    pub async fn secret_query(
        &self,
        caller: &Caller,
        vault: VaultId,
        filter: &Filter,
    ) -> Result<Vec<SecretInfo>, Error> {
        self.look(caller, Action::SecretQuery, async |conn, act| {
            let access = self.access(conn, act, vault).await?;
            let mut secrets = names_seen(conn, act, &access, |_| true).await?;
            secrets.retain(|secret| filter.admits(secret));
            Ok(secrets)
        })
        .await
    }
}
