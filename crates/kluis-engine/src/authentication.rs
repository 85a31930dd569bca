//! From a credential to a [`Caller`]: one keyed digest, one row (RULES §1).
//!
//! A key that is revoked, a user who is disabled or a session that is ended bites on the very next request, on every node:
//! every request asks the database anew, unless the store can tell that nothing has changed since
//! ([`crate::remembered`]).

use std::sync::Arc;

use crate::action::Scope;
use crate::caller::{Caller, Credential, Origin, Plan, Principal, Role, ScopeSet, User};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ApiKeyId, OrganizationId, SessionId, UserId};
use crate::sessions::ACCESS_PREFIX;
use crate::sightings::{Holder, Reason};
use crate::store::sql::authentication as sql;
use crate::store::{Failure, Generations, Row, params, unexpected};

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
    /// a disabled user; which of these it was is told to the record alone.
    pub async fn authenticate(
        &self,
        token: &str,
        accepts: Accepts,
        origin: Origin,
    ) -> Result<Caller, Error> {
        let digest = self.keys()?.digest(token);
        let now = self.clock().now();
        // No key has a dot in it, and every JWT has two.
        let is_access = token.starts_with(ACCESS_PREFIX) || token.contains('.');
        let session = accepts == Accepts::ApiKeysAndSessions && is_access;
        let Some(found) = self.credential_find(&digest, session).await? else {
            self.sightings()
                .refused(origin.address, Reason::UnknownCredential, None, now);
            return Err(Error::Unauthenticated);
        };
        if let Some(reason) = found.refusal(now) {
            self.sightings()
                .refused(origin.address, reason, Some(found.holder()), now);
            return Err(Error::Unauthenticated);
        }
        if let Credential::ApiKey(key) = found.credential {
            self.sightings().used(key, found.last_used_at, now);
        }
        Ok(Caller {
            principal: Principal::User(found.user),
            organization: found.organization,
            credential: found.credential,
            scopes: found.scopes,
            plan: found.plan,
            origin,
        })
    }

    async fn credential_find(
        &self,
        digest: &[u8; 32],
        session: bool,
    ) -> Result<Option<Arc<Found>>, Error> {
        let generations = self.store().generations();
        let generation = generations.map(Generations::beside_secrets);
        if let Some(generation) = generation
            && let Some(found) = self.remembered().credentials.answer(digest, generation)
            && found.is_session() == session
        {
            return Ok(Some(found));
        }
        let statement = if session { sql::SESSION } else { sql::API_KEY };
        let mut reader = self.store().reader().await?;
        let row = reader.conn()?.query_one(statement, params![digest]).await?;
        drop(reader);
        let Some(row) = row else {
            return Ok(None);
        };
        let found = Arc::new(if session {
            Found::session(row)?
        } else {
            Found::api_key(row)?
        });
        if let Some(generation) = generation {
            let known = &self.remembered().credentials;
            known.keep(*digest, generation, Arc::clone(&found), 0);
        }
        Ok(Some(found))
    }
}

/// A credential as it is stored, with its user.
pub(crate) struct Found {
    credential: Credential,
    organization: OrganizationId,
    user: User,
    plan: Plan,
    active: bool,
    scopes: Option<ScopeSet>,
    expires_at: Option<Timestamp>,
    revoked: bool,
    last_used_at: Option<Timestamp>,
}

impl Found {
    fn api_key(mut row: Row) -> Result<Self, Failure> {
        let id = row.array()?;
        let mut found = Self::of(Credential::ApiKey(ApiKeyId::from_bytes(id)), &mut row)?;
        found.scopes = stored_scopes(&mut row)?;
        found.expires_at = row.optional_time()?;
        found.revoked = row.optional_time()?.is_some();
        found.last_used_at = row.optional_time()?;
        Ok(found)
    }

    fn session(mut row: Row) -> Result<Self, Failure> {
        let id = row.array()?;
        let mut found = Self::of(Credential::Session(SessionId::from_bytes(id)), &mut row)?;
        found.expires_at = Some(row.time()?);
        if row.optional_blob()?.is_some() {
            found.credential = Credential::Exchanged(SessionId::from_bytes(id));
            found.scopes = stored_scopes(&mut row)?;
            // It ends with its key.
            let key_ends = row.optional_time()?;
            found.expires_at = found.expires_at.into_iter().chain(key_ends).min();
            found.revoked = row.optional_time()?.is_some();
        }
        Ok(found)
    }

    /// The columns that both have.
    fn of(credential: Credential, row: &mut Row) -> Result<Self, Failure> {
        let organization = OrganizationId::from_bytes(row.array()?);
        let id = UserId::from_bytes(row.array()?);
        let role = Role::parse(&row.text()?).ok_or_else(unexpected)?;
        let plan = Plan::parse(&row.text()?).ok_or_else(unexpected)?;
        let (active, first) = (row.flag()?, row.flag()?);
        Ok(Self {
            credential,
            organization,
            user: User {
                id,
                role,
                server_owner: first && role == Role::Owner,
            },
            plan,
            active,
            scopes: None,
            expires_at: None,
            revoked: false,
            last_used_at: None,
        })
    }

    fn is_session(&self) -> bool {
        !matches!(self.credential, Credential::ApiKey(_))
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
            user: self.user.id,
            credential: match self.credential {
                Credential::ApiKey(id) => *id.bytes(),
                Credential::Exchanged(id) | Credential::Session(id) => *id.bytes(),
            },
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
