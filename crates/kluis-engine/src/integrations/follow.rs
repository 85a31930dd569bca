//! Changes that integrations follow, told in the transaction of the change: both are kept, or neither.
//!
//! An organization's row says whether any integration of it follows changes at all. Credentials are looked up with it, so where
//! none does a change costs nothing more. Where one does it costs a row, which waits for nobody; who collects these rows finds the
//! integrations that are meant ([`super::tend`]).

use crate::act::Act;
use crate::action::Action;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{IntegrationChangeId, OrganizationId, VaultId};
use crate::store::sql::integrations as sql;
use crate::store::{Conn, Tx, params};
use crate::webhooks::changes_secrets;

/// Tell of what an act has changed.
pub(crate) async fn integrations_follow_act(tx: &mut Tx, act: &Act) -> Result<(), Error> {
    if !act.caller.followed {
        return Ok(());
    }
    if !changes_secrets(act.action) && act.action != Action::VaultDelete {
        return Ok(());
    }
    match act.vault() {
        Some(vault) => insert(tx.conn(), vault, act.now).await,
        None => Ok(()),
    }
}

/// Tell of a change that no act has made.
pub(crate) async fn integrations_follow(
    tx: &mut Tx,
    organization: OrganizationId,
    vault: VaultId,
    now: Timestamp,
) -> Result<(), Error> {
    let conn = tx.conn();
    let row = conn
        .query_one(sql::FOLLOWED, params![organization.bytes()])
        .await?;
    let followed = match row {
        Some(mut row) => row.flag()?,
        None => false,
    };
    if followed {
        insert(conn, vault, now).await?;
    }
    Ok(())
}

async fn insert(conn: &mut Conn, vault: VaultId, now: Timestamp) -> Result<(), Error> {
    let id = IntegrationChangeId::generate(now)?;
    conn.execute(sql::INSERT_CHANGE, params![id.bytes(), vault.bytes()])
        .await?;
    Ok(())
}

/// Bring the organization's row up to date with its integrations.
pub(super) async fn followed(conn: &mut Conn, organization: OrganizationId) -> Result<(), Error> {
    conn.execute(sql::FOLLOWS, params![organization.bytes()])
        .await?;
    Ok(())
}
