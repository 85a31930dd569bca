//! Policies on a vault: written, changed, removed, and compiled for decisions (1claw contract §8).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::access::{Access, VaultRow};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{PolicyId, VaultId};
use crate::policy::{
    AttributeConditions, Compiled, Conditions, Effect, Glob, Permission, PermissionSet, Policy,
    PolicyPrincipal,
};
use crate::store::sql::{agents, policies as sql};
use crate::store::{Conn, Failure, Row, params, unexpected};

/// A policy to write.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    /// The paths it is about.
    pub pattern: Glob,
    /// Whom it is about.
    pub principal: PolicyPrincipal,
    /// What it lets them do, or denies.
    pub permissions: PermissionSet,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The highest decides; 0 or more.
    pub priority: i64,
    /// When it applies.
    pub conditions: Conditions,
    /// Of whom and what it applies.
    pub attribute_conditions: AttributeConditions,
    /// When it stops applying.
    pub expires_at: Option<Timestamp>,
}

/// What to change of a policy; `None` leaves it alone. Pattern and principal stay.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// Other permissions.
    pub permissions: Option<PermissionSet>,
    /// Another effect.
    pub effect: Option<Effect>,
    /// Another priority.
    pub priority: Option<i64>,
    /// Other conditions.
    pub conditions: Option<Conditions>,
    /// Other attribute conditions.
    pub attribute_conditions: Option<AttributeConditions>,
    /// Another expiry, or none.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Compiled policies by vault and principal, each with the vault's policy generation that it was made from.
///
/// The generation is read with the vault on every use, so nothing here outlives a change.
#[derive(Default)]
pub(crate) struct PolicyCache(RwLock<HashMap<CacheKey, (i64, Arc<Compiled>)>>);

type CacheKey = (VaultId, PolicyPrincipal);

/// When this many are known, all are forgotten: a bound on memory, not a rule.
const MOST_COMPILED: usize = 10_000;

impl Engine {
    /// The policies of a vault, oldest first; for whoever administers it.
    pub async fn policy_list(&self, caller: &Caller, vault: VaultId) -> Result<Vec<Policy>, Error> {
        self.look(caller, Action::PolicyList, async |conn, act| {
            let access = self.access(conn, act, vault).await?;
            access.require_administration(act)?;
            let rows = conn.query(sql::OF_VAULT, params![vault.bytes()]).await?;
            rows.into_iter()
                .map(|row| from_row(row).map_err(Error::from))
                .collect()
        })
        .await
    }

    /// Write a policy; it is in force from the next request on. `Invalid` when it names no one of the organization.
    pub async fn policy_create(
        &self,
        caller: &Caller,
        vault: VaultId,
        new: NewPolicy,
    ) -> Result<Policy, Error> {
        let engine = self.clone();
        self.change(caller, Action::PolicyCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let access = engine.access_to_change(conn, act, vault).await?;
                access.require_administration(act)?;
                require_not_oneself(act, &access, new.principal)?;
                require_known(conn, act, new.principal).await?;
                let policy = new.made(act, vault)?;
                act.finds("policy", *policy.id.bytes());
                act.calls_it(policy.pattern.as_str());
                insert(conn, &policy).await?;
                Ok(policy)
            })
        })
        .await
    }

    /// Change a policy; it is in force from the next request on.
    pub async fn policy_update(
        &self,
        caller: &Caller,
        vault: VaultId,
        id: PolicyId,
        change: PolicyChange,
    ) -> Result<Policy, Error> {
        let engine = self.clone();
        self.change(caller, Action::PolicyUpdate, move |tx, act| {
            Box::pin(async move {
                let mut policy = engine
                    .policy_administered(tx.conn(), act, vault, id)
                    .await?;
                policy.permissions = change.permissions.unwrap_or(policy.permissions);
                policy.effect = change.effect.unwrap_or(policy.effect);
                policy.priority = change.priority.unwrap_or(policy.priority);
                policy.conditions = change.conditions.unwrap_or(policy.conditions);
                policy.attribute_conditions = change
                    .attribute_conditions
                    .unwrap_or(policy.attribute_conditions);
                policy.expires_at = change.expires_at.unwrap_or(policy.expires_at);
                update(tx.conn(), &policy).await?;
                Ok(policy)
            })
        })
        .await
    }

    /// Remove a policy, at once.
    pub async fn policy_delete(
        &self,
        caller: &Caller,
        vault: VaultId,
        id: PolicyId,
    ) -> Result<(), Error> {
        let engine = self.clone();
        self.change(caller, Action::PolicyDelete, move |tx, act| {
            Box::pin(async move {
                engine
                    .policy_administered(tx.conn(), act, vault, id)
                    .await?;
                tx.conn().execute(sql::DELETE, params![id.bytes()]).await?;
                tx.conn()
                    .execute(sql::NEXT_GENERATION, params![vault.bytes()])
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// The policies of `vault` that name `caller`.
    pub(crate) async fn policies_of(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        vault: &VaultRow,
    ) -> Result<Arc<Compiled>, Error> {
        let principal = PolicyPrincipal::of(caller);
        let key = (vault.facts.id, principal);
        if let Some(compiled) = self.policy_cache().known(key, vault.policy_generation) {
            return Ok(compiled);
        }
        let of = params![
            vault.facts.id.bytes(),
            principal.kind(),
            principal.id_bytes()
        ];
        let rows = conn.query(sql::OF_PRINCIPAL, of).await?;
        let policies = rows
            .into_iter()
            .map(from_row)
            .collect::<Result<Vec<_>, _>>()?;
        let compiled = Arc::new(Compiled::new(policies));
        self.policy_cache()
            .keep(key, vault.policy_generation, Arc::clone(&compiled));
        Ok(compiled)
    }

    async fn policy_administered(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        vault: VaultId,
        id: PolicyId,
    ) -> Result<Policy, Error> {
        act.names("policy", *id.bytes());
        let access = self.access_to_change(conn, act, vault).await?;
        access.require_administration(act)?;
        let row = conn
            .query_one(sql::BY_ID, params![vault.bytes(), id.bytes()])
            .await?;
        let policy = from_row(row.ok_or(Error::NotFound)?)?;
        act.calls_it(policy.pattern.as_str());
        require_not_oneself(act, &access, policy.principal)?;
        Ok(policy)
    }
}

/// Nobody but the vault's maker or an organization owner writes or removes a policy that names themselves (RULES §2).
fn require_not_oneself(act: &Act, access: &Access, named: PolicyPrincipal) -> Result<(), Error> {
    if access.standing(&act.caller).may_set_policy_about(named) {
        Ok(())
    } else {
        Err(Error::Forbidden)
    }
}

async fn require_known(conn: &mut Conn, act: &Act, named: PolicyPrincipal) -> Result<(), Error> {
    let organization = act.caller.organization;
    let known = match named {
        PolicyPrincipal::User(user) => {
            conn.query_one(
                sql::USER_IS_KNOWN,
                params![user.bytes(), organization.bytes()],
            )
            .await?
        }
        PolicyPrincipal::Agent(agent) => {
            conn.query_one(agents::BY_ID, params![agent.bytes(), organization.bytes()])
                .await?
        }
    };
    known
        .map(drop)
        .ok_or_else(|| Error::invalid("principal_id", "names no one of this organization"))
}

impl NewPolicy {
    fn made(self, act: &Act, vault: VaultId) -> Result<Policy, Error> {
        Ok(Policy {
            id: PolicyId::generate(act.now)?,
            vault,
            pattern: self.pattern,
            principal: self.principal,
            permissions: self.permissions,
            effect: self.effect,
            priority: self.priority,
            conditions: self.conditions,
            attribute_conditions: self.attribute_conditions,
            expires_at: self.expires_at,
            created_by: PolicyPrincipal::of(&act.caller),
            created_at: act.now,
        })
    }
}

async fn insert(conn: &mut Conn, policy: &Policy) -> Result<(), Error> {
    conn.execute(
        sql::INSERT,
        params![
            policy.id.bytes(),
            policy.vault.bytes(),
            policy.pattern.as_str(),
            policy.principal.kind(),
            policy.principal.id_bytes(),
            &words(policy.permissions),
            policy.effect.as_str(),
            policy.priority,
            policy.conditions.as_json(),
            policy.attribute_conditions.as_json(),
            policy.expires_at,
            policy.created_by.kind(),
            policy.created_by.id_bytes(),
            policy.created_at
        ],
    )
    .await?;
    conn.execute(sql::NEXT_GENERATION, params![policy.vault.bytes()])
        .await?;
    Ok(())
}

async fn update(conn: &mut Conn, policy: &Policy) -> Result<(), Error> {
    conn.execute(
        sql::UPDATE,
        params![
            policy.id.bytes(),
            &words(policy.permissions),
            policy.effect.as_str(),
            policy.priority,
            policy.conditions.as_json(),
            policy.attribute_conditions.as_json(),
            policy.expires_at
        ],
    )
    .await?;
    conn.execute(sql::NEXT_GENERATION, params![policy.vault.bytes()])
        .await?;
    Ok(())
}

/// A policy from the columns of the statements. One that no longer reads is an error, never an open door.
fn from_row(mut row: Row) -> Result<Policy, Failure> {
    let id = PolicyId::from_bytes(row.array()?);
    let vault = VaultId::from_bytes(row.array()?);
    let pattern = Glob::parse(&row.text()?).map_err(|_| unexpected())?;
    let principal = PolicyPrincipal::from_columns(&mut row)?;
    let words = row.text()?;
    let permissions = PermissionSet::parse(words.split(',')).map_err(|_| unexpected())?;
    let effect = Effect::parse(&row.text()?).ok_or_else(unexpected)?;
    let priority = row.int()?;
    let conditions = Conditions::from_stored(&row.text()?).map_err(|_| unexpected())?;
    let attribute_conditions =
        AttributeConditions::from_stored(&row.text()?).map_err(|_| unexpected())?;
    let expires_at = row.optional_time()?;
    let created_by = PolicyPrincipal::from_columns(&mut row)?;
    Ok(Policy {
        id,
        vault,
        pattern,
        principal,
        permissions,
        effect,
        priority,
        conditions,
        attribute_conditions,
        expires_at,
        created_by,
        created_at: row.time()?,
    })
}

fn words(permissions: PermissionSet) -> String {
    permissions
        .iter()
        .map(Permission::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

impl PolicyCache {
    fn known(&self, key: CacheKey, generation: i64) -> Option<Arc<Compiled>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&key)
            .filter(|(of, _)| *of == generation)
            .map(|(_, compiled)| Arc::clone(compiled))
    }

    fn keep(&self, key: CacheKey, generation: i64, compiled: Arc<Compiled>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_COMPILED {
            known.clear();
        }
        known.insert(key, (generation, compiled));
    }
}
