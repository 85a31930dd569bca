//! Access tokens of agents: what their keys are exchanged for (1claw contract §4.2, §4.4).

use std::time::Duration;

use crate::access::VaultRow;
use crate::access_tokens::{AccessToken, AgentClaims, Claims, signed};
use crate::agents::agent_of;
use crate::audit::Outcome;
use crate::authentication::Accepts;
use crate::caller::{Caller, Credential, Origin, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{AgentId, ApiKeyId, SessionId, VaultId};
use crate::keys::Unsealed;
use crate::notice::{Actor, Notice};
use crate::sightings::AUTH_FAILURE;
use crate::store::sql::{agents as sql, vaults};
use crate::store::{Conn, Tx, params};

/// An access token of an agent, shown once.
pub struct AgentToken {
    /// The token.
    pub token: AccessToken,
    /// Whose it is.
    pub agent: AgentId,
    /// The vaults that the agent is bound to; those that it reaches now, when it is bound to none.
    pub vaults: Vec<VaultId>,
}

/// How long an agent's token lives unless the agent says otherwise.
const LIFE: u32 = 3_600;
/// Patterns of policies that a token tells at most.
const MOST_PATTERNS: i64 = 100;
/// Vaults that a token tells at most; it must fit into a header.
const MOST_VAULTS: usize = 100;

/// What a token is made of.
struct Issue {
    caller: Caller,
    agent: AgentId,
    key: ApiKeyId,
    vaults: Vec<VaultId>,
    scopes: Vec<String>,
    life: u32,
}

impl Engine {
    /// Exchange an agent's key for an access token. `Unauthenticated` for any other credential, for one that is not in force,
    /// and when `agent` is stated and is another one.
    pub async fn agent_token_exchange(
        &self,
        key: &str,
        agent: Option<AgentId>,
        origin: Origin,
    ) -> Result<AgentToken, Error> {
        let caller = self
            .authenticate(key, Accepts::ApiKeysOnly, origin.clone())
            .await?;
        let (Principal::Agent(own), Credential::ApiKey(key)) =
            (&caller.principal, caller.credential)
        else {
            return Err(Error::Unauthenticated);
        };
        let own = own.id;
        let now = self.clock().now();
        if agent.is_some_and(|stated| stated != own) {
            let notice = Notice {
                credential: Some(*key.bytes()),
                outcome: Outcome::Denied,
                ..Notice::new(caller.organization, Actor::Agent(own), AUTH_FAILURE).through(&origin)
            };
            self.store().record(notice.event(now)?).await?;
            return Err(Error::Unauthenticated);
        }
        let issue = self.issue_of(caller, own, key, now).await?;
        let engine = self.clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let keys = engine.keys()?;
                    let token = issue.issue(tx, &keys, &origin, now).await?;
                    Ok(AgentToken {
                        token,
                        agent: issue.agent,
                        vaults: issue.vaults,
                    })
                })
            })
            .await
    }

    async fn issue_of(
        &self,
        caller: Caller,
        agent: AgentId,
        key: ApiKeyId,
        now: Timestamp,
    ) -> Result<Issue, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let profile = agent_of(conn, caller.organization, agent).await?;
        let scopes = if profile.limits.scopes.is_empty() {
            patterns(conn, agent, now).await?
        } else {
            profile.limits.scopes
        };
        let vaults = if profile.limits.vaults.is_empty() {
            self.vaults_reached(conn, &caller, now).await?
        } else {
            profile.limits.vaults
        };
        drop(reader);
        Ok(Issue {
            caller,
            agent,
            key,
            vaults,
            scopes,
            life: profile.limits.token_ttl.unwrap_or(LIFE),
        })
    }

    /// The first vaults that the caller knows of.
    async fn vaults_reached(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<VaultId>, Error> {
        let of = params![caller.organization.bytes()];
        let mut reached = Vec::new();
        for row in conn.query(vaults::OF_ORGANIZATION, of).await? {
            let row = VaultRow::from_row(row)?;
            let vault = row.facts.id;
            match self.access_for(conn, caller, now, row).await {
                Ok(_) => reached.push(vault),
                Err(Error::Hidden) => {}
                Err(error) => return Err(error),
            }
            if reached.len() == MOST_VAULTS {
                break;
            }
        }
        Ok(reached)
    }
}

impl Issue {
    /// Make the token and keep its digest.
    async fn issue(
        &self,
        tx: &mut Tx,
        keys: &Unsealed,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<AccessToken, Error> {
        let id = SessionId::generate(now)?;
        let ends = now.after(Duration::from_secs(self.life.into()));
        let token = signed(keys, &self.claims(id, now, ends))?;
        let digest = keys.digest(token.expose_text().unwrap_or_default());
        let row = params![
            id.bytes(),
            self.agent.bytes(),
            self.key.bytes(),
            &digest,
            ends,
            now
        ];
        tx.conn().execute(sql::INSERT_TOKEN, row).await?;
        let notice = Notice {
            credential: Some(*self.key.bytes()),
            resource: Some(("session", *id.bytes())),
            ..Notice::new(
                self.caller.organization,
                Actor::Agent(self.agent),
                "auth.success",
            )
            .through(origin)
        };
        tx.record(notice.event(now)?);
        Ok(AccessToken {
            token,
            expires_in: self.life.into(),
        })
    }

    fn claims(&self, id: SessionId, now: Timestamp, ends: Timestamp) -> Claims {
        let (intents_api_enabled, environment) = match &self.caller.principal {
            Principal::Agent(agent) => (agent.intents_api_enabled, agent.environment.clone()),
            Principal::User(_) => (false, None),
        };
        Claims {
            sub: format!("agent:{}", self.agent),
            org: self.caller.organization.to_string(),
            scopes: self.scopes.clone(),
            iat: now.seconds(),
            exp: ends.seconds(),
            jti: id.to_string(),
            agent: Some(AgentClaims {
                vault_ids: self.vaults.iter().map(VaultId::to_string).collect(),
                intents_api_enabled,
                environment,
            }),
        }
    }
}

/// What the policies about an agent open, wherever they are.
async fn patterns(conn: &mut Conn, agent: AgentId, now: Timestamp) -> Result<Vec<String>, Error> {
    let of = params![agent.bytes(), now, MOST_PATTERNS];
    let rows = conn.query(sql::PATTERNS, of).await?;
    Ok(rows
        .into_iter()
        .map(|mut row| row.text())
        .collect::<Result<_, _>>()?)
}
