//! Listing: names, and all values of a vault.

use super::row::SecretRow;
use super::stored::rows;
use super::{Availability, SecretInfo, Value};
use crate::access::Access;
use crate::act::{Act, ListedSecret};
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::VaultId;
use crate::policy::{Permission, Verdict};
use crate::store::Conn;
use crate::store::sql::secrets as sql;

impl Engine {
    /// The live secrets of a vault whose names the caller sees, oldest first.
    pub async fn secret_list(
        &self,
        caller: &Caller,
        vault: VaultId,
    ) -> Result<Vec<SecretInfo>, Error> {
        self.look(caller, Action::SecretList, async |conn, act| {
            let access = self.access(conn, act, vault).await?;
            names_seen(conn, act, &access, |_| true).await
        })
        .await
    }

    /// The same with the values that the caller may read; none where it may not, where the value is unavailable, and
    /// where it has a limit, since listing never uses up a read (RULES §4).
    pub async fn secret_list_values(
        &self,
        caller: &Caller,
        vault: VaultId,
    ) -> Result<Vec<(SecretInfo, Option<Value>)>, Error> {
        loop {
            let listed = self
                .look(caller, Action::SecretRead, async |conn, act| {
                    self.values_listed(conn, act, vault).await
                })
                .await;
            if let Some(listed) = self.settled(listed).await? {
                return Ok(listed);
            }
        }
    }

    async fn values_listed(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
    ) -> Result<Vec<(SecretInfo, Option<Value>)>, Error> {
        let access = self.access(conn, act, vault).await?;
        let rows = self.secret_values(conn, act, vault).await?;
        let newest = rows
            .iter()
            .map(|(secret, version)| secret.key_version(version.as_ref()));
        let newest = newest.max().unwrap_or(0);
        let keys = self
            .keys()?
            .organization_at(conn, act.caller.organization, newest)
            .await?;
        let mut listed = Vec::new();
        let mut secrets = Vec::with_capacity(rows.len());
        for (secret, version) in rows.iter() {
            let standing = access.standing(&act.caller);
            if !standing.sees(&secret.subject()) {
                continue;
            }
            let info = version.as_ref().map(|row| &row.info);
            let available = secret.availability(info, act.now) == Availability::Available
                && info.is_some_and(|info| info.max_access_count.is_none());
            let value = match (available, version) {
                (true, Some(row)) => match standing.decide(Permission::Read, &secret.subject()) {
                    Verdict::Allow(basis) => {
                        self.require_settled(act, secret)?;
                        act.rests_on(basis);
                        let number = row.info.number;
                        listed.push(ListedSecret::at(secret.id, &secret.path, number));
                        Some(row.sealed.open(&keys, vault, secret.id, number)?)
                    }
                    Verdict::Deny => None,
                },
                _ => None,
            };
            let info = info.cloned();
            secrets.push((secret.clone().info(vault, info, act.now), value));
        }
        act.lists(listed);
        Ok(secrets)
    }
}

/// The live secrets of a vault that are `meant` and whose names the caller sees, oldest first.
pub(super) async fn names_seen(
    conn: &mut Conn,
    act: &Act,
    access: &Access,
    meant: impl Fn(&SecretRow) -> bool,
) -> Result<Vec<SecretInfo>, Error> {
    let mut secrets = Vec::new();
    for (secret, version) in rows(conn, sql::NAMES, access.id()).await? {
        if access.standing(&act.caller).sees(&secret.subject()) && meant(&secret) {
            secrets.push(secret.info(access.id(), version.map(|row| row.info), act.now));
        }
    }
    Ok(secrets)
}
