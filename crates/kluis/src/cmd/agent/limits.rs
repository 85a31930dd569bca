//! `kluis agent create`, `kluis agent update`: what an agent may at most do.

use clap::Args;
use kluis_client::oneclaw::{AgentChange, AgentLimits, NewAgent};

use super::{COLUMNS, ID, KEY, row};
use crate::cmd::Context;
use crate::cmd::span::{Until, seconds};
use crate::failure::Failure;
use crate::output::{Cell, LISTING, Records};
use crate::remote::{Remote, now};
use crate::terminal::say;

/// Register an agent; its key is printed once
///
/// It may nothing until a policy names it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kluis agent create nightly-report --scope 'db/**' --vault prod --expires 90d > key
  kluis policy add 'db/**' --vault prod --agent nightly-report --allow read")]
pub(crate) struct Create {
    /// What to call it
    name: String,
    #[command(flatten)]
    limits: Limits,
    /// Withhold private keys and SSH keys from it
    #[arg(long)]
    withhold_keys: bool,
}

/// Change an agent; what is not given stays
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis agent update nightly-report --scope 'db/**' --scope 'mail/*'"
)]
pub(crate) struct Update {
    /// Its name or id
    agent: String,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    limits: Limits,
    /// Take every ceiling on paths away
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// Bind it to no vault in particular
    #[arg(long, conflicts_with = "vaults")]
    no_vaults: bool,
    /// Withhold private keys and SSH keys from it
    #[arg(long, conflicts_with = "give_keys")]
    withhold_keys: bool,
    /// Withhold them no more
    #[arg(long)]
    give_keys: bool,
}

#[derive(Debug, Args)]
struct Limits {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Paths that it may at most reach, such as 'db/**'; may be repeated
    #[arg(long = "scope", value_name = "PATTERN")]
    scopes: Vec<String>,
    /// Name or id of a vault that it is bound to; may be repeated
    #[arg(long = "vault", value_name = "VAULT")]
    vaults: Vec<String>,
    /// A word for conditions of policies, such as production
    #[arg(long, value_name = "WORD")]
    environment: Option<String>,
    /// End of its life: a span such as 90d, or RFC 3339
    #[arg(long, value_name = "TIME")]
    expires: Option<Until>,
    /// End of its key's life, likewise
    #[arg(long, value_name = "TIME")]
    key_expires: Option<Until>,
    /// Life of its access tokens: seconds, or a span such as 15m
    #[arg(long, value_name = "SPAN", value_parser = seconds)]
    token_ttl: Option<u64>,
}

/// What was given, as the server takes it.
struct Resolved {
    vaults: Vec<String>,
    expires_at: Option<String>,
    key_expires_at: Option<String>,
}

impl Limits {
    async fn resolve(&self, server: &Remote, what: &str) -> Result<Resolved, Failure> {
        let mut vaults = Vec::new();
        for name in &self.vaults {
            vaults.push(server.vault_named(name, "--vault", what).await?.id);
        }
        let instant = |until: &Option<Until>| until.as_ref().map(|until| until.rfc3339(now()));
        Ok(Resolved {
            vaults,
            expires_at: instant(&self.expires),
            key_expires_at: instant(&self.key_expires),
        })
    }

    fn as_given<'a>(&'a self, resolved: &'a Resolved) -> AgentLimits<'a> {
        fn some(list: &[String]) -> Option<&[String]> {
            (!list.is_empty()).then_some(list)
        }
        AgentLimits {
            description: self.description.as_deref(),
            scopes: some(&self.scopes),
            vault_ids: some(&resolved.vaults),
            environment: self.environment.as_deref(),
            expires_at: resolved.expires_at.as_deref(),
            api_key_expires_at: resolved.key_expires_at.as_deref(),
            token_ttl_seconds: self.token_ttl,
            intents_api_enabled: None,
        }
    }
}

impl Create {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(KEY)?;
        let server = context.server()?;
        let what = format!("cannot register agent '{}'", self.name);
        let resolved = self.limits.resolve(&server, &what).await?;
        let mut limits = self.limits.as_given(&resolved);
        limits.intents_api_enabled = self.withhold_keys.then_some(true);
        let new = NewAgent {
            name: &self.name,
            limits,
        };
        let made = server.client.oneclaw().agent_create(&new).await;
        let made = made.map_err(|error| server.failure(what, &error))?;
        say(&format!(
            "agent '{}' registered; its key is shown this once",
            made.agent.name
        ));
        Records::one(COLUMNS, row(made.agent))
            .and("key", Cell::Secret(made.api_key))
            .print(format)
    }
}

impl Update {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("cannot change agent '{}'", self.agent);
        let resolved = self.limits.resolve(&server, &what).await?;
        let mut limits = self.limits.as_given(&resolved);
        if self.no_scopes {
            limits.scopes = Some(&[]);
        }
        if self.no_vaults {
            limits.vault_ids = Some(&[]);
        }
        limits.intents_api_enabled =
            (self.withhold_keys || self.give_keys).then_some(self.withhold_keys);
        let change = AgentChange {
            name: self.name.as_deref(),
            is_active: None,
            limits,
        };
        if change == AgentChange::default() {
            return Err(Failure::usage(
                what,
                "nothing to change was given",
                "kluis agent update --help lists what can be changed",
            ));
        }
        let agent = server.agent(&self.agent, &what).await?;
        let changed = server
            .client
            .oneclaw()
            .agent_update(&agent.id, &change)
            .await;
        let agent = changed.map_err(|error| server.failure(what, &error))?;
        say(&format!("agent '{}' changed", agent.name));
        Records::one(COLUMNS, row(agent)).main(ID).print(format)
    }
}
