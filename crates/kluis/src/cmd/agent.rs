//! `kluis agent`

use clap::Subcommand;
use kluis_client::oneclaw::{self, AgentChange};

use super::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::terminal::say;

mod enroll;
mod limits;
mod request;

/// Register agents, and say what they may at most do
///
/// An agent is named by its id, or by its name where only one has it. What it may read and write is said by policies:
/// kluis policy add 'db/**' --agent NAME --allow read
#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// List the agents that you may see
    List,
    /// Show an agent; the one whose key you use, unless given
    Show {
        /// Its name or id
        agent: Option<String>,
    },
    Create(limits::Create),
    Update(limits::Update),
    /// Let an agent act no more, effective at once
    Deactivate {
        /// Its name or id
        agent: String,
    },
    /// Let an agent act again
    Activate {
        /// Its name or id
        agent: String,
    },
    /// Replace the key of an agent; the new one is printed once, the old one and its tokens are dead at once
    RotateKey {
        /// Its name or id
        agent: String,
    },
    /// Be responsible for an agent from now on; for owners and admins
    TakeOver {
        /// Its name or id
        agent: String,
    },
    /// Delete an agent with its key, its tokens and the policies about it
    Delete {
        /// Its name or id
        agent: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    Enroll(enroll::Enroll),
    Approve(request::Approve),
    Deny(request::Deny),
}

const COLUMNS: &[&str] = &[
    "name",
    "is_active",
    "scopes",
    "vault_ids",
    "environment",
    "expires_at",
    "last_active_at",
    "created_at",
    "id",
    "description",
    "token_ttl_seconds",
    "keys_withheld",
];
/// The column of an agent's id.
const ID: usize = 8;
/// Formats of a key that is shown once.
const KEY: &[Format] = &[Format::Value, Format::Json, Format::Yaml, Format::Table];

impl Agent {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let agents = server.client.oneclaw().agents().await;
                let agents =
                    agents.map_err(|error| server.failure("cannot list the agents", &error))?;
                Records::list(COLUMNS, agents.into_iter().map(row).collect()).print(format)
            }
            Self::Show { agent } => show(context, agent.as_deref()).await,
            Self::Create(create) => create.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::Deactivate { agent } => set_active(context, &agent, false).await,
            Self::Activate { agent } => set_active(context, &agent, true).await,
            Self::RotateKey { agent } => rotate_key(context, &agent).await,
            Self::TakeOver { agent } => take_over(context, &agent).await,
            Self::Delete { agent, yes } => delete(context, &agent, yes).await,
            Self::Enroll(enroll) => enroll.run(context).await,
            Self::Approve(approve) => approve.run(context).await,
            Self::Deny(deny) => deny.run(context).await,
        }
    }
}

async fn show(context: &Context, agent: Option<&str>) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let agent = if let Some(agent) = agent {
        server.agent(agent, "cannot show the agent").await?
    } else {
        let own = server.client.oneclaw().agent_self().await;
        own.map_err(|error| {
            server
                .failure("cannot show the agent whose key this is", &error)
                .advise(
                    Code::Forbidden,
                    "name an agent; the key that you use is a user's",
                )
        })?
    };
    Records::one(COLUMNS, row(agent)).main(ID).print(format)
}

async fn set_active(context: &Context, agent: &str, is_active: bool) -> Result<(), Failure> {
    let server = context.server()?;
    let word = if is_active { "activate" } else { "deactivate" };
    let what = format!("cannot {word} agent '{agent}'");
    let agent = server.agent(agent, &what).await?;
    let change = AgentChange {
        is_active: Some(is_active),
        ..AgentChange::default()
    };
    let changed = server
        .client
        .oneclaw()
        .agent_update(&agent.id, &change)
        .await;
    changed.map_err(|error| server.failure(what, &error))?;
    say(&format!("agent '{}' {word}d", agent.name));
    Ok(())
}

async fn rotate_key(context: &Context, agent: &str) -> Result<(), Failure> {
    let format = context.format(KEY)?;
    let server = context.server()?;
    let what = format!("cannot replace the key of agent '{agent}'");
    let agent = server.agent(agent, &what).await?;
    let key = server.client.oneclaw().agent_rotate_key(&agent.id).await;
    let key = key.map_err(|error| server.failure(what, &error))?;
    say(&format!(
        "agent '{}' has a new key; it is shown this once",
        agent.name
    ));
    let row = vec![agent.name.into(), agent.id.into(), Cell::Secret(key)];
    Records::one(&["name", "id", "key"], row)
        .main(2)
        .print(format)
}

async fn take_over(context: &Context, agent: &str) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("cannot take agent '{agent}' over");
    let agent = server.agent(agent, &what).await?;
    let taken = server.client.oneclaw().agent_take_over(&agent.id).await;
    let agent = taken.map_err(|error| server.failure(what, &error))?;
    say(&format!(
        "you are responsible for agent '{}' now",
        agent.name
    ));
    Ok(())
}

async fn delete(context: &Context, agent: &str, yes: bool) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("cannot delete agent '{agent}'");
    let agent = server.agent(agent, &what).await?;
    let thing = format!(
        "agent '{}' with its key and the policies about it",
        agent.name
    );
    input::make_sure(yes, &thing, &agent.name)?;
    let deleted = server.client.oneclaw().agent_delete(&agent.id).await;
    deleted.map_err(|error| server.failure(what, &error))?;
    say(&format!("agent '{}' deleted", agent.name));
    Ok(())
}

fn row(agent: oneclaw::Agent) -> Vec<Cell> {
    vec![
        agent.name.into(),
        Cell::Flag(agent.is_active),
        Cell::List(agent.scopes),
        Cell::List(agent.vault_ids),
        agent.environment.into(),
        agent.expires_at.into(),
        agent.last_active_at.into(),
        agent.created_at.into(),
        agent.id.into(),
        agent.description.into(),
        agent.token_ttl_seconds.map_or(Cell::None, Cell::Number),
        Cell::Flag(agent.intents_api_enabled),
    ]
}
