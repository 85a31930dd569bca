//! Reading through a share, where the request names neither vault nor path.

use super::{SecretAt, SecretInfo, SecretRead, Which};
use crate::access::unseen;
use crate::act::Act;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{SecretId, VaultId};
use crate::policy::Permission;
use crate::store::Conn;

impl Engine {
    /// The secret that is to be shared, if the caller may read it. `NotFound` when nothing lets the caller see it, since no vault
    /// was named; `Gone` when its path is closed.
    pub(crate) async fn secret_shared(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        secret: SecretId,
    ) -> Result<SecretInfo, Error> {
        let at = SecretAt::Id(secret);
        let found = self
            .secret_sought(conn, act, vault, &at, Which::Current)
            .await
            .and_then(|sought| sought.permitted(act, &at, &[Permission::Read]))
            .map_err(unseen)?;
        act.finds_vault(vault);
        if found.secret.closed_at.is_some() {
            return Err(Error::Gone);
        }
        let version = found.version.map(|row| row.info);
        Ok(found.secret.info(vault, version, act.now))
    }

    /// Read a secret that the caller has shared, for `opener`. `NotFound` when the caller may not read it any more,
    /// `Forbidden` when it is beyond the ceilings of an agent that opens it.
    pub(crate) async fn secret_read_shared(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        secret: SecretId,
        opener: Option<&Caller>,
    ) -> Result<SecretRead, Error> {
        let at = SecretAt::Id(secret);
        let found = self
            .secret_sought(conn, act, vault, &at, Which::Current)
            .await
            .and_then(|sought| sought.readable(act, &at, Which::Current))
            .map_err(|error| match error {
                Error::Forbidden => Error::NotFound,
                error => unseen(error),
            })?;
        // Whoever opens shares has waited already.
        self.require_settled(act, &found.secret)?;
        act.finds_vault(vault);
        if let Some(opener) = opener {
            found
                .access
                .require_ceilings(opener, &found.secret.subject())?;
        }
        self.secret_use(conn, act, found).await
    }
}
