//! From a credential to a [`Caller`]: one keyed digest, one row (RULES §1).
//!
//! A key that is revoked, a user who is disabled or a session that is ended bites on the very next request, on every node:
//! every request asks the database anew, unless the store can tell that nothing has changed since
//! ([`crate::remembered`]).

use std::sync::Arc;

use crate::action::Scope;
use crate::agents::{AGENT_PREFIX, path_scopes, vaults};
use crate::api_keys::KeyStyle;
use crate::caller::{Agent, Caller, Credential, Origin, Plan, Principal, Role, ScopeSet, User};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{AgentId, ApiKeyId, OrganizationId, SessionId, UserId};
use crate::ip_rules::IpRules;
use crate::notice::Actor;
use crate::sessions::ACCESS_PREFIX;
use crate::sightings::{Holder, Reason};
use crate::store::sql::authentication as sql;
use crate::store::{Failure, Generations, Row, params, unexpected};
use crate::webhooks::EventSet;

/// Which kinds of credentials a header may carry (the table of RULES §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// API keys of any style: CredVault's `ApiKey` scheme, Inkbox.
    ApiKeysOnly,
    /// API keys of any style, and access tokens of sessions.
    ApiKeysAndSessions,
}

impl Engine {
    /// The caller whose credential `token` is. `Unauthenticated` for an unknown, expired or revoked one, and for one of
    /// a disabled user; which of these it was is told to the record alone. `Forbidden` where the organization's rules do not
    /// admit the address.
    pub async fn authenticate(
        &self,
        token: &str,
        accepts: Accepts,
        origin: Origin,
    ) -> Result<Caller, Error> {
        let digest = self.keys()?.digest(token);
        let now = self.clock().now();
        let Some(found) = self.credential_find(&digest, sorts(token, accepts)).await? else {
            self.sightings()
                .refused(origin.address, Reason::UnknownCredential, None, now);
            return Err(Error::Unauthenticated);
        };
        if let Some(reason) = found.refusal(now) {
            self.sightings()
                .refused(origin.address, reason, Some(found.holder()), now);
            return Err(Error::Unauthenticated);
        }
        if let Some(rules) = &found.ip_rules
            && !rules.admits(origin.address)
        {
            let holder = Some(found.holder());
            self.sightings()
                .refused(origin.address, Reason::IpRule, holder, now);
            return Err(Error::Forbidden);
        }
        if let Some(key) = found.key {
            self.sightings().used(key, found.last_used_at, now);
        }
        Ok(Caller {
            principal: found.principal.clone(),
            organization: found.organization,
            credential: found.credential,
            scopes: found.scopes,
            plan: found.plan,
            subscribed: found.subscribed,
            followed: found.followed,
            origin,
        })
    }

    async fn credential_find(
        &self,
        digest: &[u8; 32],
        sorts: &[Sort],
    ) -> Result<Option<Arc<Found>>, Error> {
        let generations = self.store().generations();
        let generation = generations.map(Generations::beside_secrets);
        if let Some(generation) = generation
            && let Some(found) = self.remembered().credentials.answer(digest, generation)
            && sorts.contains(&found.sort)
        {
            return Ok(Some(found));
        }
        for &sort in sorts {
            let mut reader = self.store().reader().await?;
            let row = reader
                .conn()?
                .query_one(sort.statement(), params![digest])
                .await?;
            drop(reader);
            let Some(mut row) = row else {
                continue;
            };
            let found = Arc::new(match sort {
                Sort::AgentKey | Sort::AgentToken => Found::agent(sort, &mut row)?,
                Sort::ApiKey | Sort::Session => Found::user(sort, &mut row)?,
            });
            if let Some(generation) = generation {
                let known = &self.remembered().credentials;
                known.keep(*digest, generation, Arc::clone(&found), 0);
            }
            return Ok(Some(found));
        }
        Ok(None)
    }
}

/// What a credential can be: where its digest is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    AgentKey,
    AgentToken,
    ApiKey,
    Session,
}

impl Sort {
    const fn statement(self) -> &'static str {
        match self {
            Self::AgentKey => sql::AGENT_KEY,
            Self::AgentToken => sql::AGENT_TOKEN,
            Self::ApiKey => sql::API_KEY,
            Self::Session => sql::SESSION,
        }
    }
}

/// What `token` can be by its look, most likely first: no key has a dot in it, and every JWT has two.
fn sorts(token: &str, accepts: Accepts) -> &'static [Sort] {
    let takes_tokens = accepts == Accepts::ApiKeysAndSessions;
    if token.contains('.') {
        if takes_tokens {
            &[Sort::Session, Sort::AgentToken]
        } else {
            &[]
        }
    } else if token.starts_with(ACCESS_PREFIX) {
        if takes_tokens { &[Sort::Session] } else { &[] }
    } else if token.starts_with(AGENT_PREFIX) {
        &[Sort::AgentKey]
    } else if token.starts_with(KeyStyle::Inkbox.prefix()) {
        &[Sort::ApiKey, Sort::AgentKey]
    } else {
        &[Sort::ApiKey]
    }
}

/// A credential as it is stored, with whoever holds it.
pub(crate) struct Found {
    sort: Sort,
    credential: Credential,
    organization: OrganizationId,
    /// Where the organization may be asked from; anywhere when `None`.
    ip_rules: Option<IpRules>,
    subscribed: EventSet,
    followed: bool,
    principal: Principal,
    plan: Plan,
    active: bool,
    scopes: Option<ScopeSet>,
    expires_at: Option<Timestamp>,
    revoked: bool,
    /// The key whose use is noticed.
    key: Option<ApiKeyId>,
    last_used_at: Option<Timestamp>,
}

impl Found {
    /// A user's key or session.
    fn user(sort: Sort, row: &mut Row) -> Result<Self, Failure> {
        let id = row.array()?;
        let organization = OrganizationId::from_bytes(row.array()?);
        let ip_rules = IpRules::parse(&row.text()?)?;
        let subscribed = EventSet::summarized(&row.text()?);
        let followed = row.flag()?;
        let user = UserId::from_bytes(row.array()?);
        let role = Role::parse(&row.text()?).ok_or_else(unexpected)?;
        let plan = Plan::parse(&row.text()?).ok_or_else(unexpected)?;
        let (active, first) = (row.flag()?, row.flag()?);
        let mut found = Self {
            sort,
            credential: Credential::Session(SessionId::from_bytes(id)),
            organization,
            ip_rules,
            subscribed,
            followed,
            principal: Principal::User(User {
                id: user,
                role,
                server_owner: first && role == Role::Owner,
            }),
            plan,
            active,
            scopes: None,
            expires_at: None,
            revoked: false,
            key: None,
            last_used_at: None,
        };
        if sort == Sort::ApiKey {
            let key = ApiKeyId::from_bytes(id);
            found.credential = Credential::ApiKey(key);
            found.key = Some(key);
            found.scopes = stored_scopes(row)?;
            found.expires_at = row.optional_time()?;
            found.revoked = row.optional_time()?.is_some();
            found.last_used_at = row.optional_time()?;
            return Ok(found);
        }
        found.expires_at = Some(row.time()?);
        if row.optional_blob()?.is_some() {
            found.credential = Credential::Exchanged(SessionId::from_bytes(id));
            found.scopes = stored_scopes(row)?;
            // It ends with its key.
            let key_ends = row.optional_time()?;
            found.expires_at = found.expires_at.into_iter().chain(key_ends).min();
            found.revoked = row.optional_time()?.is_some();
        }
        Ok(found)
    }

    /// An agent's key, or a token that it was exchanged for.
    fn agent(sort: Sort, row: &mut Row) -> Result<Self, Failure> {
        let id = row.array()?;
        let organization = OrganizationId::from_bytes(row.array()?);
        let ip_rules = IpRules::parse(&row.text()?)?;
        let subscribed = EventSet::summarized(&row.text()?);
        let followed = row.flag()?;
        let agent = AgentId::from_bytes(row.array()?);
        let registered_by = row.optional_array()?.map(UserId::from_bytes);
        let active = row.flag()?;
        let scopes: Vec<String> = row.json()?;
        let agent = Agent {
            id: agent,
            registered_by,
            path_scopes: path_scopes(&scopes).map_err(|_| unexpected())?,
            vaults: vaults(row)?,
            intents_api_enabled: row.flag()?,
            environment: row.optional_text()?,
        };
        let mut ends = vec![row.optional_time()?];
        let plan = match row.optional_text()? {
            Some(plan) => Plan::parse(&plan).ok_or_else(unexpected)?,
            None => Plan::Standard,
        };
        // Nobody is responsible for it where there is no such user.
        let in_force = row.optional_int()?.is_some_and(|active| active != 0);
        ends.push(row.optional_time()?);
        let last_used_at = row.optional_time()?;
        let (credential, key) = if sort == Sort::AgentKey {
            let key = ApiKeyId::from_bytes(id);
            (Credential::ApiKey(key), key)
        } else {
            ends.push(row.optional_time()?);
            let key = ApiKeyId::from_bytes(row.array()?);
            (Credential::Exchanged(SessionId::from_bytes(id)), key)
        };
        Ok(Self {
            sort,
            credential,
            organization,
            ip_rules,
            subscribed,
            followed,
            principal: Principal::Agent(Arc::new(agent)),
            plan,
            active: active && in_force,
            scopes: None,
            expires_at: ends.into_iter().flatten().min(),
            revoked: false,
            key: Some(key),
            last_used_at,
        })
    }

    /// Why it opens nothing any more.
    fn refusal(&self, now: Timestamp) -> Option<Reason> {
        if self.revoked {
            Some(Reason::Revoked)
        } else if self.expires_at.is_some_and(|at| at <= now) {
            Some(Reason::Expired)
        } else if !self.active {
            Some(Reason::Disabled)
        } else {
            None
        }
    }

    fn holder(&self) -> Holder {
        Holder {
            organization: self.organization,
            actor: match &self.principal {
                Principal::Agent(agent) => Actor::Agent(agent.id),
                Principal::User(user) => Actor::User(user.id),
            },
            credential: *self.credential.id_bytes(),
        }
    }
}

/// A column of scopes: words separated by spaces, nothing for no ceiling.
pub(crate) fn stored_scopes(row: &mut Row) -> Result<Option<ScopeSet>, Failure> {
    let Some(words) = row.optional_text()? else {
        return Ok(None);
    };
    let scopes = words
        .split_whitespace()
        .map(|word| Scope::parse(word).ok_or_else(unexpected));
    scopes.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests;
