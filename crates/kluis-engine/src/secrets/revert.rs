//! An old version's value as a new version (RULES §4).

use super::writing::{Limits, Writing};
use super::{Availability, Limit, SecretAt, SecretInfo, Which};
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::VaultId;
use crate::policy::{Permission, PolicyPrincipal};
use crate::store::params;
use crate::store::sql::secrets as sql;

impl Engine {
    /// Give a secret the value of its version `number` again, as a new version with that one's expiry and remaining reads.
    ///
    /// `NotFound` when there is no such version, `Conflict` when its value cannot be had any more.
    pub async fn secret_version_restore(
        &self,
        caller: &Caller,
        vault: VaultId,
        at: SecretAt,
        number: u32,
    ) -> Result<SecretInfo, Error> {
        let engine = self.clone();
        self.change_secrets(
            caller,
            Action::SecretVersionRestore,
            vault,
            move |tx, act| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let sought = engine.secret_find_to_change(conn, act, vault, &at).await?;
                    let found = sought.permitted(act, &at, &[Permission::Write])?;
                    let secret = found.secret;
                    if secret.closed_at.is_some() {
                        return Err(Error::NotFound);
                    }
                    let which = Which::Number(number);
                    let old = engine.secret_stored(conn, act, vault, &at, which).await?;
                    let old = old.version.clone().ok_or(Error::NotFound)?;
                    if old.info.availability(act.now) != Availability::Available {
                        return Err(Error::Conflict(Conflict::State));
                    }
                    let organization = found.access.vault.organization;
                    let keys = engine.keys()?.organization(conn, organization).await?;
                    let value = old.sealed.open(&keys, vault, secret.id, number)?;
                    // The reads that are left go over to the new version.
                    let used_up = params![secret.id.bytes(), number];
                    conn.execute(sql::USE_UP, used_up).await?;
                    let limits = Limits {
                        max_access_count: Limit::Stated(old.info.reads_left()),
                        expires_at: Limit::Stated(old.info.expires_at),
                        metadata: Some(old.info.metadata),
                        rotation_policy: None,
                    };
                    let mut writing = Writing {
                        now: act.now,
                        by: PolicyPrincipal::of(&act.caller),
                        keys,
                        vault,
                        secret,
                        version: found.version,
                    };
                    writing.secret.updated_at = act.now;
                    let keep = engine.settings().keep_versions;
                    writing.add_version(conn, &value, limits, keep).await?;
                    let Writing {
                        secret, version, ..
                    } = writing;
                    conn.execute(
                        sql::SET_VERSION,
                        params![
                            secret.id.bytes(),
                            secret.newest_version,
                            secret.current_version,
                            act.now
                        ],
                    )
                    .await?;
                    act.finds_secret(secret.id, &secret.path, Some(secret.newest_version));
                    Ok(secret.info(vault, version.map(|row| row.info), act.now))
                })
            },
        )
        .await
    }
}
