//! Integrations made, changed and removed.

use kluis_crypto::Secret;

use super::follow::followed;
use super::integration::{Integration, IntegrationStatus, Selector, SyncMode, Target};
use super::job::supersede;
use super::source::unknown_vault;
use super::{INTEGRATION_SECRET, IntegrationKind};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{IntegrationId, SecretId, VaultId};
use crate::secrets::Filter;
use crate::store::sql::{integrations as sql, organizations};
use crate::store::{Conn, params};
use crate::users::DisplayName;
use crate::vaults::vault_named;
use crate::webhooks::secret_new;

/// An integration to make.
pub struct NewIntegration {
    /// Its name.
    pub name: DisplayName,
    /// Where to.
    pub target: Target,
    /// Whether anything is sent.
    pub enabled: bool,
    /// The secret that it proves itself with.
    pub credential: Option<SecretId>,
    /// What is sent.
    pub selector: NewSelector,
    /// When.
    pub mode: SyncMode,
}

/// Which secrets are to be sent.
#[derive(Clone, Debug)]
pub struct NewSelector {
    /// The vault.
    pub vault: NamedVault,
    /// Which of its secrets.
    pub filter: Filter,
    /// The same as it was stated.
    pub stated: String,
}

/// A vault as somebody names it: by its name, else by its id.
#[derive(Clone, Debug)]
pub struct NamedVault {
    /// The text.
    pub name: String,
    /// The id that it spells, if it spells one.
    pub id: Option<VaultId>,
}

/// What to change of an integration; `None` leaves it alone.
#[derive(Default)]
pub struct IntegrationChange {
    /// Another name.
    pub name: Option<DisplayName>,
    /// Another target of the same kind.
    pub target: Option<TargetChange>,
    /// Whether anything is sent.
    pub enabled: Option<bool>,
    /// Another credential, or none.
    pub credential: Option<Option<SecretId>>,
    /// Another vault.
    pub vault: Option<NamedVault>,
    /// Another filter, and the same as it was stated.
    pub filter: Option<(Filter, String)>,
    /// Another time.
    pub mode: Option<ModeChange>,
}

/// Makes another target of the one that there is.
pub type TargetChange = Box<dyn FnOnce(&Target) -> Result<Target, Error> + Send>;
/// The same for the time.
pub type ModeChange = Box<dyn FnOnce(SyncMode) -> Result<SyncMode, Error> + Send>;

/// An integration with the secret that it signs with, where it does.
pub struct IntegrationShown {
    /// The integration.
    pub integration: Integration,
    /// What its pushes are signed with; shown once.
    pub secret: Option<Secret>,
}

/// The most integrations that an organization has.
const MOST: usize = 100;
/// The longest a filter can be, as it is stated.
const LONGEST_FILTER: usize = 16 << 10;

impl Engine {
    /// Make an integration. `Conflict` when its name or its file is taken, or there are as many as there can be; `Forbidden` when
    /// the caller may not read everything that it would send.
    pub async fn integration_create(
        &self,
        caller: &Caller,
        new: NewIntegration,
    ) -> Result<IntegrationShown, Error> {
        let reach = self.outbound().reach();
        new.target.check(new.credential.is_some(), reach)?;
        new.mode.check()?;
        check_stated(&new.selector.stated)?;
        if new.target.kind() == IntegrationKind::EnvFile {
            self.require_env_file_root()?;
        }
        let engine = self.clone();
        self.change(caller, Action::IntegrationCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let organization = act.caller.organization;
                let id = IntegrationId::generate(act.now)?;
                let integration = made(conn, act, id, new).await?;
                act.finds("integration", *id.bytes());
                act.calls_it(&integration.name);
                conn.lock(organizations::LOCK, params![organization.bytes()])
                    .await?;
                engine.require_sendable(conn, act, &integration).await?;
                let secret = match integration.target.kind() {
                    IntegrationKind::HttpPush => Some(secret_new()?),
                    IntegrationKind::ChatWebhook
                    | IntegrationKind::EnvFile
                    | IntegrationKind::KvV2 => None,
                };
                let sealed = match &secret {
                    Some(secret) => {
                        let keys = engine.keys()?.organization(conn, organization).await?;
                        Some(keys.seal_field(INTEGRATION_SECRET, id.bytes(), secret.expose())?)
                    }
                    None => None,
                };
                require_room(conn, act, &integration).await?;
                insert(conn, &integration, sealed).await?;
                followed(conn, organization).await?;
                Ok(IntegrationShown {
                    integration,
                    secret,
                })
            })
        })
        .await
    }

    /// Change an integration. Whoever says anew what is sent, or where to, is from then on the user that it acts for, and has to be
    /// allowed to read all of it, and the credential. `Conflict` when its name or its file is taken.
    pub async fn integration_update(
        &self,
        caller: &Caller,
        id: IntegrationId,
        change: IntegrationChange,
    ) -> Result<Integration, Error> {
        if let Some((_, stated)) = &change.filter {
            check_stated(stated)?;
        }
        let engine = self.clone();
        self.change(caller, Action::IntegrationUpdate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let organization = act.caller.organization;
                act.names("integration", *id.bytes());
                conn.lock(organizations::LOCK, params![organization.bytes()])
                    .await?;
                conn.lock(sql::LOCK, params![id.bytes()]).await?;
                let before = engine.integration_find(conn, act, id).await?;
                let after = changed(conn, act, &before, change).await?;
                after
                    .target
                    .check(after.credential.is_some(), engine.outbound().reach())?;
                after.mode.check()?;
                act.calls_it(&after.name);
                let after = if leads_elsewhere(&before, &after) {
                    let user = act.caller.user().ok_or(Error::Forbidden)?;
                    let after = Integration {
                        acts_for: user.id,
                        ..after
                    };
                    engine.require_sendable(conn, act, &after).await?;
                    after
                } else {
                    after
                };
                require_room(conn, act, &after).await?;
                if is_elsewhere(&before.target, &after.target) {
                    // What was sent before stays there: it is not known to be at the new place.
                    conn.execute(sql::DELETE_ITEMS, params![id.bytes()]).await?;
                }
                supersede(conn, id, act.now).await?;
                store(conn, &after).await?;
                followed(conn, organization).await?;
                engine.integration_find(conn, act, id).await
            })
        })
        .await
    }

    /// Delete an integration, with its history. Nothing is sent from then on; a file that it has written here goes with it, and what
    /// is at other targets stays.
    pub async fn integration_delete(
        &self,
        caller: &Caller,
        id: IntegrationId,
    ) -> Result<(), Error> {
        let engine = self.clone();
        self.change(caller, Action::IntegrationDelete, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let organization = act.caller.organization;
                act.names("integration", *id.bytes());
                conn.lock(organizations::LOCK, params![organization.bytes()])
                    .await?;
                conn.lock(sql::LOCK, params![id.bytes()]).await?;
                engine.integration_find(conn, act, id).await?;
                supersede(conn, id, act.now).await?;
                conn.execute(sql::HIDE, params![id.bytes(), act.now])
                    .await?;
                followed(conn, organization).await
            })
        })
        .await?;
        // It is deleted, whatever comes of this: what is left is cleared away later.
        if let Err(error) = self.integration_clear(id).await {
            tracing::warn!(integration = %id, %error, cause = error.cause(), "a deleted integration is not cleared away yet");
        }
        Ok(())
    }
}

/// The integration that a new one becomes.
async fn made(
    conn: &mut Conn,
    act: &mut Act,
    id: IntegrationId,
    new: NewIntegration,
) -> Result<Integration, Error> {
    let user = act.caller.user().ok_or(Error::Forbidden)?;
    let (vault, vault_name) = vault_found(conn, act, &new.selector.vault).await?;
    let mut integration = Integration {
        id,
        organization: act.caller.organization,
        name: new.name.into_text(),
        target: new.target,
        enabled: new.enabled,
        credential: new.credential,
        selector: Selector {
            vault,
            vault_name: Some(vault_name),
            filter: new.selector.filter,
            stated: new.selector.stated,
        },
        mode: new.mode,
        acts_for: user.id,
        revision: 1,
        status: IntegrationStatus::Pending,
        last_sync_at: None,
        last_error: None,
        due_at: None,
        created_at: act.now,
        updated_at: act.now,
    };
    integration.due_at = due_after_change(&integration, act.now);
    Ok(integration)
}

/// The integration with a change made.
async fn changed(
    conn: &mut Conn,
    act: &mut Act,
    before: &Integration,
    change: IntegrationChange,
) -> Result<Integration, Error> {
    let mut next = before.clone();
    next.name = change.name.map_or(next.name, DisplayName::into_text);
    next.enabled = change.enabled.unwrap_or(next.enabled);
    next.credential = change.credential.unwrap_or(next.credential);
    if let Some(change) = change.target {
        next.target = change(&next.target)?;
    }
    if let Some(change) = change.mode {
        next.mode = change(next.mode)?;
    }
    if let Some(vault) = change.vault {
        let (vault, name) = vault_found(conn, act, &vault).await?;
        (next.selector.vault, next.selector.vault_name) = (vault, Some(name));
    }
    if let Some((filter, stated)) = change.filter {
        (next.selector.filter, next.selector.stated) = (filter, stated);
    }
    next.updated_at = act.now;
    next.due_at = due_after_change(&next, act.now);
    Ok(next)
}

/// An integration that is not run by hand alone is brought up to date at once.
fn due_after_change(integration: &Integration, now: Timestamp) -> Option<Timestamp> {
    let runs_itself = integration.enabled && integration.mode != SyncMode::Manual;
    runs_itself.then_some(now)
}

/// Whether more or other secrets may be sent now, or to somebody else.
fn leads_elsewhere(before: &Integration, after: &Integration) -> bool {
    before.target != after.target
        || before.credential != after.credential
        || before.selector.vault != after.selector.vault
        || before.selector.filter != after.selector.filter
}

/// Whether what was sent before is not where it would be sent now. A file that gets another name is removed from its old one.
fn is_elsewhere(before: &Target, after: &Target) -> bool {
    before != after && before.kind() != IntegrationKind::EnvFile
}

/// The vault of this name or id, with its name.
async fn vault_found(
    conn: &mut Conn,
    act: &Act,
    named: &NamedVault,
) -> Result<(VaultId, String), Error> {
    let organization = act.caller.organization;
    if let Some(vault) = vault_named(conn, organization, &named.name).await? {
        return Ok((vault, named.name.clone()));
    }
    let id = named.id.ok_or_else(unknown_vault)?;
    let row = conn
        .query_one(crate::store::sql::vaults::BY_ID, params![id.bytes()])
        .await?;
    let row = crate::access::VaultRow::from_row(row.ok_or_else(unknown_vault)?)?;
    if row.organization == organization {
        Ok((id, row.name))
    } else {
        Err(unknown_vault())
    }
}

fn check_stated(stated: &str) -> Result<(), Error> {
    if stated.len() > LONGEST_FILTER {
        return Err(Error::invalid("selector.filter", "must be at most 16 KiB"));
    }
    Ok(())
}

/// That there are not too many, and that no other has its name or writes its file; whoever else changes integrations of the
/// organization waits.
async fn require_room(conn: &mut Conn, act: &Act, integration: &Integration) -> Result<(), Error> {
    let of = params![act.caller.organization.bytes()];
    let mut others = 0;
    for row in conn.query(sql::OF_ORGANIZATION, of).await? {
        let other = Integration::from_row(row)?;
        if other.id == integration.id {
            continue;
        }
        others += 1;
        let is_same_file = matches!(
            (&other.target, &integration.target),
            (Target::EnvFile(one), Target::EnvFile(another)) if one == another
        );
        if other.name == integration.name || is_same_file {
            return Err(Error::Conflict(Conflict::Exists));
        }
    }
    if others >= MOST {
        return Err(Error::Conflict(Conflict::Full));
    }
    if let Target::EnvFile(file) = &integration.target {
        let organization = act.caller.organization;
        let of = params![organization.bytes(), &file.name, integration.id.bytes()];
        if conn.query_one(sql::FILE_TAKEN, of).await?.is_some() {
            return Err(Error::Conflict(Conflict::Exists));
        }
    }
    Ok(())
}

async fn insert(
    conn: &mut Conn,
    integration: &Integration,
    sealed: Option<(u32, Vec<u8>)>,
) -> Result<(), Error> {
    let (version, sealed) = sealed.unzip();
    let (config, filter) = (integration.target.stored()?, stored(&integration.selector)?);
    let row = params![
        integration.id.bytes(),
        integration.organization.bytes(),
        &integration.name,
        integration.target.kind().as_str(),
        &config,
        integration.enabled,
        integration.credential.as_ref().map(SecretId::bytes),
        integration.selector.vault.bytes(),
        &filter,
        &integration.selector.stated,
        integration.mode.as_str(),
        integration.mode.minutes(),
        integration.acts_for.bytes(),
        sealed.as_ref(),
        version,
        integration.due_at,
        integration.created_at
    ];
    let inserted = conn.query_one(sql::INSERT, row).await?;
    inserted.map(drop).ok_or(Error::Conflict(Conflict::Exists))
}

async fn store(conn: &mut Conn, integration: &Integration) -> Result<(), Error> {
    let (config, filter) = (integration.target.stored()?, stored(&integration.selector)?);
    let row = params![
        integration.id.bytes(),
        &integration.name,
        &config,
        integration.enabled,
        integration.credential.as_ref().map(SecretId::bytes),
        integration.selector.vault.bytes(),
        &filter,
        &integration.selector.stated,
        integration.mode.as_str(),
        integration.mode.minutes(),
        integration.acts_for.bytes(),
        integration.due_at,
        integration.updated_at
    ];
    conn.execute(sql::UPDATE, row).await?;
    Ok(())
}

fn stored(selector: &Selector) -> Result<String, Error> {
    serde_json::to_string(&selector.filter).map_err(|cause| Error::internal(cause.to_string()))
}
