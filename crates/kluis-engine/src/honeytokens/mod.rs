//! Honeytokens: paths whose reading is told (1claw contract §14.5).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `honeytoken_list`, `honeytoken_create`, `honeytoken_delete` |
//! | `watch.rs` | what happens when somebody reads at such a path, or tries to |

mod watch;

use crate::access::VaultRow;
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::env_vars::plain_text;
use crate::error::{Conflict, Error};
use crate::ids::{HoneytokenId, OrganizationId, UserId, VaultId};
use crate::secrets::Path;
use crate::sightings::Minutes;
use crate::store::sql::honeytokens as sql;
use crate::store::{Failure, Row, params};

/// A path whose reading is told.
#[derive(Clone, Debug)]
pub struct Honeytoken {
    /// Its id.
    pub id: HoneytokenId,
    /// The organization that the vault belongs to.
    pub organization: OrganizationId,
    /// The vault.
    pub vault: VaultId,
    /// The path in it; there need not be a secret.
    pub path: String,
    /// What it is for; may be empty.
    pub notes: String,
    /// Who made it.
    pub created_by: UserId,
    /// How often it was touched.
    pub trigger_count: u64,
    /// When it was last touched.
    pub last_triggered_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A honeytoken to make.
#[derive(Clone, Debug)]
pub struct NewHoneytoken {
    /// The vault.
    pub vault: VaultId,
    /// The path in it.
    pub path: Path,
    /// What it is for; at most 4,000 characters.
    pub notes: String,
}

/// How many a vault has at most.
const MOST: i64 = 100;

impl Engine {
    /// The honeytokens in the vaults that the caller administers, oldest first.
    pub async fn honeytoken_list(&self, caller: &Caller) -> Result<Vec<Honeytoken>, Error> {
        // What this node has counted since the last second stands in the list too.
        self.sightings_store(Minutes::Over).await?;
        self.look(caller, Action::HoneytokenList, async |conn, act| {
            let of = params![act.caller.organization.bytes()];
            let mut honeytokens = Vec::new();
            for mut row in conn.query(sql::OF_ORGANIZATION, of).await? {
                let vault = VaultRow::from_columns(&mut row)?;
                let honeytoken = Honeytoken::from_columns(&vault, &mut row)?;
                match self.access_of(conn, act, vault).await {
                    Ok(access) if access.standing(&act.caller).administers() => {
                        honeytokens.push(honeytoken);
                    }
                    Ok(_) | Err(Error::Hidden) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(honeytokens)
        })
        .await
    }

    /// Make a honeytoken; for whoever administers the vault. `Conflict` when the path is one, or the vault has as many as it
    /// can.
    pub async fn honeytoken_create(
        &self,
        caller: &Caller,
        new: NewHoneytoken,
    ) -> Result<Honeytoken, Error> {
        let notes = plain_text(new.notes, "notes")?;
        let (vault, path) = (new.vault, new.path);
        let engine = self.clone();
        self.change(caller, Action::HoneytokenCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                act.names_vault(vault);
                act.names_path(path.as_str());
                let access = engine.access_to_change(conn, act, vault).await?;
                access.require_administration(act)?;
                let user = act.caller.user().ok_or(Error::Forbidden)?;
                let honeytoken = Honeytoken {
                    id: HoneytokenId::generate(act.now)?,
                    organization: act.caller.organization,
                    vault,
                    path: path.as_str().to_owned(),
                    notes,
                    created_by: user.id,
                    trigger_count: 0,
                    last_triggered_at: None,
                    created_at: act.now,
                };
                act.finds("honeytoken", *honeytoken.id.bytes());
                let row = params![
                    honeytoken.id.bytes(),
                    vault.bytes(),
                    &honeytoken.path,
                    &honeytoken.notes,
                    honeytoken.created_by.bytes(),
                    act.now
                ];
                conn.execute(sql::INSERT, row).await?;
                let counted = conn.query_one(sql::RECOUNT, params![vault.bytes()]).await?;
                if counted.ok_or(Error::NotFound)?.int()? > MOST {
                    return Err(Error::Conflict(Conflict::Full));
                }
                Ok(honeytoken)
            })
        })
        .await
    }

    /// Delete a honeytoken. For whoever does not administer its vault there is none.
    pub async fn honeytoken_delete(&self, caller: &Caller, id: HoneytokenId) -> Result<(), Error> {
        let engine = self.clone();
        self.change(caller, Action::HoneytokenDelete, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                act.names("honeytoken", *id.bytes());
                let vault = conn.query_one(sql::VAULT_OF, params![id.bytes()]).await?;
                let vault = VaultId::from_bytes(vault.ok_or(Error::NotFound)?.array()?);
                let access = engine.access_to_change(conn, act, vault).await;
                access
                    .and_then(|access| access.require_administration(act))
                    .map_err(|error| match error {
                        Error::Forbidden | Error::Hidden => Error::NotFound,
                        error => error,
                    })?;
                conn.execute(sql::DELETE, params![id.bytes()]).await?;
                conn.query_one(sql::RECOUNT, params![vault.bytes()]).await?;
                Ok(())
            })
        })
        .await
    }
}

impl Honeytoken {
    fn from_columns(vault: &VaultRow, row: &mut Row) -> Result<Self, Failure> {
        Ok(Self {
            id: HoneytokenId::from_bytes(row.array()?),
            organization: vault.organization,
            vault: vault.facts.id,
            path: row.text()?,
            notes: row.text()?,
            created_by: UserId::from_bytes(row.array()?),
            trigger_count: row.int()?.unsigned_abs(),
            last_triggered_at: row.optional_time()?,
            created_at: row.time()?,
        })
    }
}
