//! From a vault's id to what the caller may do there: the one place that turns decisions into refusals (RULES §2, §3).

use std::sync::Arc;

use crate::act::Act;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, UserId, VaultId};
use crate::policy::{
    Compiled, Maker, Permission, PolicyPrincipal, Standing, Subject, VaultFacts, Verdict,
    needs_policies,
};
use crate::store::sql::vaults as sql;
use crate::store::{Conn, Failure, Row, params, unexpected};

/// A vault as it is stored.
#[derive(Clone)]
pub(crate) struct VaultRow {
    pub(crate) facts: VaultFacts,
    pub(crate) organization: OrganizationId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) created_by: PolicyPrincipal,
    pub(crate) policy_generation: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Whether reads in it look for honeytokens.
    pub(crate) honeytokens: bool,
}

/// A vault that the caller may know of, with the policies that apply to the caller in it.
pub(crate) struct Access {
    pub(crate) vault: VaultRow,
    policies: Arc<Compiled>,
    now: Timestamp,
}

impl Engine {
    /// The vault, as far as the caller may know of it: absent or another organization's is `NotFound`, out of reach
    /// `Hidden`.
    pub(crate) async fn access(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
    ) -> Result<Access, Error> {
        act.names_vault(vault);
        let row = conn.query_one(sql::BY_ID, params![vault.bytes()]).await?;
        let row = VaultRow::from_row(row.ok_or(Error::NotFound)?)?;
        act.looks_into(&row);
        self.access_of(conn, act, row).await
    }

    /// The same to change the vault or its policies: nobody else does until the transaction ends.
    pub(crate) async fn access_to_change(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
    ) -> Result<Access, Error> {
        act.names_vault(vault);
        conn.lock(sql::LOCK, params![vault.bytes()]).await?;
        self.access(conn, act, vault).await
    }

    /// Whether the caller sees every name in the vault, and so may hear of what concerns all of it; of one that is gone or
    /// another organization's it does not.
    pub(crate) async fn sees_all_names(
        &self,
        conn: &mut Conn,
        act: &Act,
        vault: VaultId,
    ) -> Result<bool, Error> {
        let row = conn.query_one(sql::BY_ID, params![vault.bytes()]).await?;
        let Some(row) = row else {
            return Ok(false);
        };
        match self.access_of(conn, act, VaultRow::from_row(row)?).await {
            Ok(access) => Ok(access.standing(&act.caller).sees_all()),
            Err(Error::Hidden | Error::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The same for a vault that is already read.
    pub(crate) async fn access_of(
        &self,
        conn: &mut Conn,
        act: &Act,
        vault: VaultRow,
    ) -> Result<Access, Error> {
        self.access_for(conn, &act.caller, act.now, vault).await
    }

    /// The same outside of an act.
    pub(crate) async fn access_for(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
        vault: VaultRow,
    ) -> Result<Access, Error> {
        if vault.organization != caller.organization {
            return Err(Error::NotFound);
        }
        let policies = if needs_policies(caller, &vault.facts) {
            self.policies_of(conn, caller, &vault).await?
        } else {
            Arc::default()
        };
        let access = Access {
            vault,
            policies,
            now,
        };
        if access.standing(caller).knows_vault() {
            Ok(access)
        } else {
            Err(Error::Hidden)
        }
    }
}

impl Access {
    /// The vault's id.
    pub(crate) fn id(&self) -> VaultId {
        self.vault.facts.id
    }

    /// The caller's standing in the vault.
    pub(crate) fn standing<'a>(&'a self, caller: &'a Caller) -> Standing<'a> {
        Standing {
            caller,
            vault: &self.vault.facts,
            policies: &self.policies,
            now: self.now,
        }
    }

    /// One of `permissions` on `subject`, or why not: `Hidden` when nothing lets the caller see the name.
    pub(crate) fn require(
        &self,
        act: &mut Act,
        permissions: &[Permission],
        subject: &Subject<'_>,
    ) -> Result<(), Error> {
        let caller = &act.caller;
        let standing = self.standing(caller);
        match standing.decide_any(permissions, subject) {
            Verdict::Allow(basis) => {
                act.rests_on(basis);
                Ok(())
            }
            Verdict::Deny if standing.sees(subject) => Err(Error::Forbidden),
            Verdict::Deny => Err(Error::Hidden),
        }
    }

    /// That no ceiling keeps `caller` from `subject`, for one who has no right of its own here: `Forbidden`.
    pub(crate) fn require_ceilings(
        &self,
        caller: &Caller,
        subject: &Subject<'_>,
    ) -> Result<(), Error> {
        if self.standing(caller).is_within_ceilings(subject) {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// Administration at one path: restore, purge.
    pub(crate) fn require_administration_at(&self, act: &Act, path: &str) -> Result<(), Error> {
        if self.standing(&act.caller).administers_path(path) {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// Administration of the whole vault: rename, delete, policies.
    pub(crate) fn require_administration(&self, act: &Act) -> Result<(), Error> {
        if self.standing(&act.caller).administers() {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// What to say of an id that is not in the vault: only who sees every name is told that it is absent.
    pub(crate) fn absent(&self, act: &Act) -> Error {
        if self.standing(&act.caller).sees_all() {
            Error::NotFound
        } else {
            Error::Hidden
        }
    }
}

impl VaultRow {
    /// From the columns of `vaults::BY_ID`.
    pub(crate) fn from_row(mut row: Row) -> Result<Self, Failure> {
        Self::from_columns(&mut row)
    }

    /// The same, leaving further columns to the caller.
    pub(crate) fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        let id = VaultId::from_bytes(row.array()?);
        let organization = OrganizationId::from_bytes(row.array()?);
        let (name, description, role) = (row.text()?, row.text()?, row.text()?);
        let (maker_type, maker_id) = (row.optional_text()?, row.optional_array()?);
        let maker_user = row.optional_array()?.map(UserId::from_bytes);
        let maker = match (maker_type, maker_id) {
            (Some(kind), Some(id)) => Some(Maker {
                principal: PolicyPrincipal::from_stored(&kind, id).ok_or_else(unexpected)?,
                user: maker_user,
            }),
            _ => None,
        };
        Ok(Self {
            facts: VaultFacts {
                id,
                default: role == DEFAULT_ROLE,
                hidden: role == HIDDEN_ROLE,
                maker,
            },
            organization,
            name,
            description,
            created_by: PolicyPrincipal::from_columns(row)?,
            policy_generation: row.int()?,
            created_at: row.time()?,
            updated_at: row.time()?,
            honeytokens: row.flag()?,
        })
    }
}

impl PolicyPrincipal {
    /// From two columns: its kind and its id.
    pub(crate) fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        let kind = row.text()?;
        Self::from_stored(&kind, row.array()?).ok_or_else(unexpected)
    }
}

/// The vault that every organization has from the start.
pub(crate) const DEFAULT_ROLE: &str = "default";
/// A vault that stands in no list.
pub(crate) const HIDDEN_ROLE: &str = "hidden";
/// Any other vault.
pub(crate) const PLAIN_ROLE: &str = "plain";

/// An id that came without its vault and leads to something out of reach is as absent.
pub(crate) fn unseen(error: Error) -> Error {
    match error {
        Error::Hidden => Error::NotFound,
        error => error,
    }
}
