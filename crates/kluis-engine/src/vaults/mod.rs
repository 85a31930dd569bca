//! Vaults: made, found, renamed, taken over, deleted (RULES §2, §5).

mod name;
mod named;

pub use named::Contents;

use name::{RESERVED_PREFIX, vault_name};

use crate::access::{DEFAULT_ROLE, HIDDEN_ROLE, PLAIN_ROLE, VaultRow};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, UserId, VaultId};
use crate::policy::{Maker, PolicyPrincipal, Standing, Subject};
use crate::store::sql::vaults as sql;
use crate::store::{Conn, Tx, params};

/// A vault, as its callers see it.
#[derive(Clone, Debug)]
pub struct Vault {
    /// Its id.
    pub id: VaultId,
    /// Its name, unique in its organization.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// How many names the caller sees in it.
    pub secret_count: u64,
    /// Whether it is the organization's `default`.
    pub is_default: bool,
    /// Who created it; kept when it is taken over.
    pub created_by: PolicyPrincipal,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its own fields last changed; secrets do not move it.
    pub updated_at: Timestamp,
}

/// A vault to make.
#[derive(Clone, Debug)]
pub struct NewVault {
    /// Trimmed by the engine; 1–255 characters then.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// What to change of a vault; `None` leaves it alone.
#[derive(Clone, Debug, Default)]
pub struct VaultChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
}

impl Engine {
    /// The vaults that the caller may know of, oldest first.
    pub async fn vault_list(&self, caller: &Caller) -> Result<Vec<Vault>, Error> {
        self.look(caller, Action::VaultList, async |conn, act| {
            let organization = act.caller.organization;
            let rows = conn
                .query(sql::OF_ORGANIZATION, params![organization.bytes()])
                .await?;
            let mut counts = std::collections::HashMap::new();
            for mut row in conn
                .query(sql::COUNTS, params![organization.bytes()])
                .await?
            {
                counts.insert(row.array::<16>()?, row.int()?.unsigned_abs());
            }
            let mut vaults = Vec::with_capacity(rows.len());
            for row in rows {
                let row = VaultRow::from_row(row)?;
                if row.facts.hidden {
                    continue;
                }
                let access = match self.access_of(conn, act, row).await {
                    Err(Error::Hidden) => continue,
                    access => access?,
                };
                let standing = access.standing(&act.caller);
                let id = access.vault.facts.id;
                let count = if standing.sees_all() {
                    counts.get(id.bytes()).copied().unwrap_or(0)
                } else {
                    seen(conn, &standing, id).await?
                };
                vaults.push(Vault::of(&access.vault, count));
            }
            Ok(vaults)
        })
        .await
    }

    /// One vault.
    pub async fn vault_read(&self, caller: &Caller, vault: VaultId) -> Result<Vault, Error> {
        self.look(caller, Action::VaultRead, async |conn, act| {
            self.vault_seen(conn, act, vault).await
        })
        .await
    }

    /// The vault of this name, if the caller may know of it; a hidden vault is never found by name.
    pub async fn vault_by_name(&self, caller: &Caller, name: &str) -> Result<Vault, Error> {
        self.look(caller, Action::VaultRead, async |conn, act| {
            let found = vault_named(conn, act.caller.organization, name).await?;
            let id = found.ok_or(Error::NotFound)?;
            let vault = self.vault_seen(conn, act, id).await?;
            if name.starts_with(RESERVED_PREFIX) {
                Err(Error::NotFound)
            } else {
                Ok(vault)
            }
        })
        .await
    }

    /// Make a vault; its maker is the caller. `Conflict` when the name is taken.
    pub async fn vault_create(&self, caller: &Caller, new: NewVault) -> Result<Vault, Error> {
        let name = vault_name(&new.name)?;
        let description = description(new.description)?;
        self.change(caller, Action::VaultCreate, move |tx, act| {
            let maker = Some(Maker::of(&act.caller));
            Box::pin(vault_made(tx.conn(), act, name, description, maker))
        })
        .await
    }

    /// Rename or describe a vault. `Conflict` when the name is taken, or the vault is `default`.
    pub async fn vault_update(
        &self,
        caller: &Caller,
        vault: VaultId,
        change: VaultChange,
    ) -> Result<Vault, Error> {
        let name = change.name.as_deref().map(vault_name).transpose()?;
        let text = change.description.map(description).transpose()?;
        let engine = self.clone();
        self.change(caller, Action::VaultUpdate, move |tx, act| {
            Box::pin(async move {
                let access = engine.access_to_change(tx.conn(), act, vault).await?;
                access.require_administration(act)?;
                let mut row = access.vault;
                if let Some(name) = name
                    && name != row.name
                {
                    if row.facts.default || row.facts.hidden {
                        return Err(Error::Conflict(Conflict::Protected));
                    }
                    row.name = name;
                }
                row.description = text.unwrap_or(row.description);
                row.updated_at = act.now;
                tx.conn()
                    .execute(
                        sql::UPDATE,
                        params![vault.bytes(), &row.name, &row.description, act.now],
                    )
                    .await?;
                // Whoever administers a vault sees every name in it.
                let count = count(tx.conn(), vault).await?;
                Ok(Vault::of(&row, count))
            })
        })
        .await
    }

    /// Delete a vault with all its secrets and policies, at once and for good. `Conflict` when more is in it than `contents` says.
    pub async fn vault_delete(
        &self,
        caller: &Caller,
        vault: VaultId,
        contents: Contents,
    ) -> Result<(), Error> {
        let engine = self.clone();
        self.change(caller, Action::VaultDelete, move |tx, act| {
            Box::pin(async move {
                let access = engine.access_to_change(tx.conn(), act, vault).await?;
                access.require_administration(act)?;
                if access.vault.facts.default || access.vault.facts.hidden {
                    return Err(Error::Conflict(Conflict::Protected));
                }
                let mut kept = Vec::new();
                if contents == Contents::None {
                    kept = tx.conn().query(sql::KEEPS, params![vault.bytes()]).await?;
                }
                if !kept.is_empty() {
                    return Err(Error::Conflict(Conflict::InUse));
                }
                engine.webhooks_tell_vault(tx, act, vault).await?;
                tx.conn()
                    .execute(sql::DELETE, params![vault.bytes()])
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Take a vault from its maker: it has none then, and only owners and admins run it.
    pub async fn vault_take_over(&self, caller: &Caller, vault: VaultId) -> Result<Vault, Error> {
        let engine = self.clone();
        self.change(caller, Action::VaultTakeOver, move |tx, act| {
            Box::pin(async move {
                let access = engine.access_to_change(tx.conn(), act, vault).await?;
                if !access.standing(&act.caller).may_take_over() {
                    return Err(Error::Forbidden);
                }
                let mut row = access.vault;
                row.facts.maker = None;
                row.updated_at = act.now;
                tx.conn()
                    .execute(sql::TAKE_OVER, params![vault.bytes(), act.now])
                    .await?;
                let count = count(tx.conn(), vault).await?;
                Ok(Vault::of(&row, count))
            })
        })
        .await
    }

    async fn vault_seen(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
    ) -> Result<Vault, Error> {
        let access = self.access(conn, act, vault).await?;
        let standing = access.standing(&act.caller);
        let count = if standing.sees_all() {
            count(conn, vault).await?
        } else {
            seen(conn, &standing, vault).await?
        };
        Ok(Vault::of(&access.vault, count))
    }
}

impl Vault {
    fn of(row: &VaultRow, secret_count: u64) -> Self {
        Self {
            id: row.facts.id,
            name: row.name.clone(),
            description: row.description.clone(),
            secret_count,
            is_default: row.facts.default,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The id of the organization's vault of this name.
pub(crate) async fn vault_named(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<VaultId>, Error> {
    let row = conn
        .query_one(sql::BY_NAME, params![organization.bytes(), name])
        .await?;
    let id = row.map(|mut row| row.array()).transpose()?;
    Ok(id.map(VaultId::from_bytes))
}

/// Make the vault of this name in the caller's transaction, with an event of its own. It has no maker: what administrators put
/// where they find nothing is the organization's, also when one of them is none any more. `Conflict` when the name is taken.
pub(crate) async fn vault_make(
    engine: &Engine,
    tx: &mut Tx,
    act: &Act,
    name: &str,
) -> Result<VaultId, Error> {
    let name = vault_name(name)?;
    let mut making = engine.begin(&act.caller, Action::VaultCreate);
    let made = vault_made(tx.conn(), &mut making, name, String::new(), None).await?;
    if let Some(event) = making.event(None)? {
        tx.record(event);
    }
    Ok(made.id)
}

/// Insert a vault that the caller asks for.
async fn vault_made(
    conn: &mut Conn,
    act: &mut Act,
    name: String,
    description: String,
    maker: Option<Maker>,
) -> Result<Vault, Error> {
    let id = VaultId::generate(act.now)?;
    act.finds("vault", *id.bytes());
    act.calls_it(&name);
    let created_by = PolicyPrincipal::of(&act.caller);
    vault_insert(
        conn,
        &VaultInsert {
            id,
            organization: act.caller.organization,
            name: &name,
            description: &description,
            role: PLAIN_ROLE,
            maker,
            created_by,
            now: act.now,
        },
    )
    .await?;
    Ok(Vault {
        id,
        name,
        description,
        secret_count: 0,
        is_default: false,
        created_by,
        created_at: act.now,
        updated_at: act.now,
    })
}

/// A row to insert.
struct VaultInsert<'a> {
    id: VaultId,
    organization: OrganizationId,
    name: &'a str,
    description: &'a str,
    role: &'static str,
    maker: Option<Maker>,
    created_by: PolicyPrincipal,
    now: Timestamp,
}

async fn vault_insert(conn: &mut Conn, vault: &VaultInsert<'_>) -> Result<(), Error> {
    let maker = vault.maker.as_ref();
    conn.execute(
        sql::INSERT,
        params![
            vault.id.bytes(),
            vault.organization.bytes(),
            vault.name,
            vault.description,
            vault.role,
            maker.map(|maker| maker.principal.kind()),
            maker.map(|maker| maker.principal.id_bytes()),
            maker
                .and_then(|maker| maker.user.as_ref())
                .map(UserId::bytes),
            vault.created_by.kind(),
            vault.created_by.id_bytes(),
            vault.now
        ],
    )
    .await?;
    Ok(())
}

/// The vault that an organization has from the start; it has no maker.
pub(crate) async fn default_vault_insert(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: UserId,
    now: Timestamp,
) -> Result<VaultId, Error> {
    let id = VaultId::generate(now)?;
    vault_insert(
        conn,
        &VaultInsert {
            id,
            organization,
            name: DEFAULT_NAME,
            description: "",
            role: DEFAULT_ROLE,
            maker: None,
            created_by: PolicyPrincipal::User(owner),
            now,
        },
    )
    .await?;
    Ok(id)
}

/// The vault that an organization's agents have their private keys in; made when the first one is registered. It has no
/// maker and stands in no list.
pub(crate) async fn keys_vault_insert(conn: &mut Conn, act: &Act) -> Result<VaultId, Error> {
    let id = VaultId::generate(act.now)?;
    vault_insert(
        conn,
        &VaultInsert {
            id,
            organization: act.caller.organization,
            name: KEYS_NAME,
            description: "",
            role: HIDDEN_ROLE,
            maker: None,
            created_by: PolicyPrincipal::of(&act.caller),
            now: act.now,
        },
    )
    .await?;
    Ok(id)
}

async fn count(conn: &mut Conn, vault: VaultId) -> Result<u64, Error> {
    let row = conn.query_one(sql::COUNT, params![vault.bytes()]).await?;
    Ok(row.ok_or(Error::NotFound)?.int()?.unsigned_abs())
}

/// How many names a caller sees who does not see them all.
async fn seen(conn: &mut Conn, standing: &Standing<'_>, vault: VaultId) -> Result<u64, Error> {
    let mut count = 0;
    for mut row in conn.query(sql::SUBJECTS, params![vault.bytes()]).await? {
        let (path, kind, tags) = (row.text()?, row.text()?, row.json::<Vec<String>>()?);
        if standing.sees(&Subject {
            path: &path,
            kind: Some(&kind),
            tags: &tags,
        }) {
            count += 1;
        }
    }
    Ok(count)
}

fn description(text: String) -> Result<String, Error> {
    if text.chars().count() > 4_000 {
        return Err(Error::invalid(
            "description",
            "must have at most 4000 characters",
        ));
    }
    if text.contains('\0') {
        return Err(Error::invalid("description", "must not hold NUL"));
    }
    Ok(text)
}

/// The name of the vault that every organization has.
pub const DEFAULT_NAME: &str = "default";
/// The name of the vault with the private keys of agents.
const KEYS_NAME: &str = "__agent-keys";
