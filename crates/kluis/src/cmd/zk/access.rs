//! `kluis zk grant` and `kluis zk revoke`

use clap::Args;

use super::{At, Session};
use crate::failure::{Code, Failure};
use crate::suggest::did_you_mean;
use crate::terminal::say;

/// Let an agent have a secret
///
/// The agent is handed what is sealed; to open it, it needs the vault key, too. What keeps it from other secrets is the
/// server alone: whoever has the vault key can open all that comes into their hands. Needs no vault key here.
#[derive(Debug, Args)]
pub(super) struct Grant {
    /// Name or id of the secret
    secret: String,
    /// Handle or id of the agent
    agent: String,
}

/// Take that back; what the agent has read it still knows
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Name or id of the secret
    secret: String,
    /// Handle or id of the agent
    agent: String,
}

impl Grant {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = format!("'{}' was not granted to '{}'", self.secret, self.agent);
        let server = at.context.server()?;
        server.require_api_key(&what)?;
        let mut session = Session::open(at, server)?;
        let secret = session.find(&what, &self.secret).await?;
        let (agent, handle) = agent(&session, &what, &self.agent).await?;
        let granted = session.zk().grant(&secret.id, &agent).await;
        let unknown = format!("'{}' was granted to '{handle}'", secret.name);
        session.sent(&what, &unknown, granted).map_err(|failure| {
            failure.advise(
                Code::Conflict,
                "the agent may have it already; nothing is to be done",
            )
        })?;
        say(&format!("agent '{handle}' may have '{}'", secret.name));
        Ok(())
    }
}

impl Revoke {
    pub(super) async fn run(self, at: &At<'_>) -> Result<(), Failure> {
        let what = format!("'{}' was not taken from '{}'", self.secret, self.agent);
        let server = at.context.server()?;
        server.require_api_key(&what)?;
        let mut session = Session::open(at, server)?;
        let secret = session.find(&what, &self.secret).await?;
        let (agent, handle) = agent(&session, &what, &self.agent).await?;
        let revoked = session.zk().revoke(&secret.id, &agent).await;
        let unknown = format!("'{}' was taken from '{handle}'", secret.name);
        session.sent(&what, &unknown, revoked).map_err(|failure| {
            failure.advise(Code::NotFound, "the agent may not have it anyway")
        })?;
        say(&format!(
            "agent '{handle}' may not have '{}' any more; change it if what the agent knows matters",
            secret.name
        ));
        Ok(())
    }
}

/// Id and handle of an agent that is named by one of them.
async fn agent(session: &Session, what: &str, agent: &str) -> Result<(String, String), Failure> {
    let identities = session.server.client.inkbox().identities().await;
    let identities = identities.map_err(|error| session.failure(what, &error.into()))?;
    let handle = agent.strip_prefix('@').unwrap_or(agent);
    let hint = did_you_mean(
        handle,
        identities.iter().map(|one| one.agent_handle.as_str()),
    );
    let found = identities
        .into_iter()
        .find(|one| one.agent_handle == handle || one.id == agent);
    let found = found.ok_or_else(|| {
        Failure::new(
            Code::NotFound,
            what,
            format!("no agent has the handle or id '{agent}'{hint}"),
            "see the agents with kluis agent list",
        )
    })?;
    Ok((found.id, found.agent_handle))
}
