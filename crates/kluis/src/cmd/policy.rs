//! `kluis policy`

use clap::{Args, Subcommand};
use kluis_client::oneclaw::{self, NewPolicy};
use serde_json::{Map, Value};

use super::Context;
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::remote::VaultFlag;
use crate::terminal::say;

/// Say who may do what in a vault
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    Add(Add),
    Explain(Explain),
    /// List the policies of a vault
    List {
        #[command(flatten)]
        vault: VaultFlag,
    },
    /// Remove a policy, effective at once
    Remove {
        /// Id of the policy
        id: String,
        #[command(flatten)]
        vault: VaultFlag,
    },
}

/// Allow or deny a user or agent some actions on the paths that a pattern matches
///
/// In the pattern `*` is one segment of a path and `**` any number. Of the policies that apply, the highest priority
/// decides; at equal priority a deny wins.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis policy add 'db/**' --vault prod --user ann@example.org --allow read,write"
)]
pub(crate) struct Add {
    /// Paths it is for, such as 'db/**'
    pattern: String,
    #[command(flatten)]
    principal: Principal,
    #[command(flatten)]
    effect: Effect,
    /// Rank among other policies, 0 unless given
    #[arg(long, value_name = "N")]
    priority: Option<u64>,
    /// End of its life, RFC 3339
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Holds only for callers at these addresses or networks
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    ip: Vec<String>,
    #[command(flatten)]
    vault: VaultFlag,
}

/// Say why someone may or may not, with every policy that took part
///
/// The first line is the decision; beneath it the policies in the order in which they are asked, the first that applies
/// decides. About others: for owners, admins and the vault's maker.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis policy explain db/password --vault prod --user ann@example.org --action write"
)]
pub(crate) struct Explain {
    /// Path that it is about
    path: String,
    /// Id or e-mail address of the user; yourself unless given
    #[arg(long, value_name = "USER", conflicts_with = "agent")]
    user: Option<String>,
    /// Name or id of the agent
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// What is to be done
    #[arg(long, default_value = "read", value_parser = ["read", "write", "delete", "rotate"])]
    action: String,
    /// From this address; yours unless given
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    #[command(flatten)]
    vault: VaultFlag,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Principal {
    /// Id or e-mail address of the user it is for
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Name or id of the agent it is for
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Effect {
    /// Actions to allow: read, write, delete, rotate
    #[arg(long, value_name = "ACTIONS", value_delimiter = ',')]
    allow: Vec<String>,
    /// Actions to deny
    #[arg(long, value_name = "ACTIONS", value_delimiter = ',')]
    deny: Vec<String>,
}

const COLUMNS: &[&str] = &[
    "id",
    "pattern",
    "principal_type",
    "principal_id",
    "effect",
    "permissions",
    "priority",
    "expires_at",
    "conditions",
];

const EXPLAINED: &[&str] = &[
    "fit",
    "decides",
    "id",
    "pattern",
    "effect",
    "permissions",
    "priority",
    "expires_at",
];

impl Policy {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(context).await,
            Self::Explain(explain) => explain.run(context).await,
            Self::List { vault } => list(context, &vault).await,
            Self::Remove { id, vault } => remove(context, &vault, &id).await,
        }
    }
}

impl Add {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let vault = server.vault(&self.vault, "cannot add a policy").await?;
        let (principal_type, principal_id) = match (self.principal.user, self.principal.agent) {
            (Some(user), _) => ("user", server.user_id(&user).await?),
            (None, agent) => {
                let agent = agent.unwrap_or_default();
                (
                    "agent",
                    server.agent(&agent, "cannot add a policy").await?.id,
                )
            }
        };
        let is_deny = !self.effect.deny.is_empty();
        let mut conditions = Map::new();
        if !self.ip.is_empty() {
            conditions.insert(
                "ip_allowlist".to_owned(),
                self.ip.into_iter().map(Value::from).collect(),
            );
        }
        let policy = NewPolicy {
            secret_path_pattern: &self.pattern,
            principal_type,
            principal_id: &principal_id,
            permissions: if is_deny {
                &self.effect.deny
            } else {
                &self.effect.allow
            },
            conditions,
            effect: is_deny.then_some("deny"),
            priority: self.priority,
            expires_at: self.expires_at.as_deref(),
        };
        let made = server
            .client
            .oneclaw()
            .policy_create(&vault.id, &policy)
            .await;
        let what = format!("cannot add a policy to vault '{}'", vault.name);
        let made = made.map_err(|error| server.failure(what, &error))?;
        say(&format!("policy added to vault '{}'", vault.name));
        Records::one(COLUMNS, row(made)).print(format)
    }
}

impl Explain {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("cannot explain who may {} '{}'", self.action, self.path);
        let vault = server.vault(&self.vault, what.as_str()).await?;
        let principal = match (&self.user, &self.agent) {
            (Some(user), _) => Some(("user", server.user_id(user).await?)),
            (None, Some(agent)) => Some(("agent", server.agent(agent, &what).await?.id)),
            (None, None) => None,
        };
        let question = oneclaw::Question {
            vault_id: &vault.id,
            path: &self.path,
            permission: &self.action,
            principal_type: principal.as_ref().map(|(kind, _)| *kind),
            principal_id: principal.as_ref().map(|(_, id)| id.as_str()),
            ip_address: self.ip.as_deref(),
        };
        let told = server.client.oneclaw().policy_explain(&question).await;
        let told = told.map_err(|error| server.failure(what, &error))?;
        say(&decision(&told));
        let rows = told.policies.into_iter().map(|considered| {
            let decides = told.deciding_policy_id.as_ref() == Some(&considered.policy.id);
            let policy = considered.policy;
            vec![
                considered.fit.into(),
                Cell::Flag(decides),
                policy.id.into(),
                policy.secret_path_pattern.into(),
                policy.effect.into(),
                Cell::List(policy.permissions),
                Cell::Number(policy.priority),
                policy.expires_at.into(),
            ]
        });
        Records::list(EXPLAINED, rows.collect()).print(format)
    }
}

/// The decision in a sentence.
fn decision(told: &oneclaw::Explanation) -> String {
    let ground = match (told.basis.as_deref(), &told.deciding_policy_id) {
        _ if !told.active => "the user or agent is disabled",
        (Some("owner"), _) => "owns the organization",
        (Some("maker"), _) => "made the vault",
        (Some("role"), _) => "the role allows it",
        (Some(_), _) => "a policy allows it",
        (None, Some(_)) => "a policy denies it",
        (None, None) => "nothing allows it",
    };
    let sees = if told.sees {
        ""
    } else {
        "; the name is hidden"
    };
    format!(
        "{}: {ground}{sees}",
        if told.allowed { "allowed" } else { "denied" }
    )
}

async fn list(context: &Context, vault: &VaultFlag) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let vault = server.vault(vault, "cannot list the policies").await?;
    let policies = server.client.oneclaw().policies(&vault.id).await;
    let what = format!("cannot list the policies of vault '{}'", vault.name);
    let policies = policies.map_err(|error| server.failure(what, &error))?;
    Records::list(COLUMNS, policies.into_iter().map(row).collect()).print(format)
}

async fn remove(context: &Context, vault: &VaultFlag, id: &str) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("cannot remove policy '{id}'");
    let vault = server.vault(vault, what.as_str()).await?;
    let removed = server.client.oneclaw().policy_delete(&vault.id, id).await;
    removed.map_err(|error| {
        let what = format!("{what} from vault '{}'", vault.name);
        server
            .failure(what, &error)
            .advise(Code::NotFound, "see the policies with kluis policy list")
    })?;
    say(&format!("policy removed from vault '{}'", vault.name));
    Ok(())
}

fn row(policy: oneclaw::Policy) -> Vec<Cell> {
    let conditions = if policy.conditions.is_empty() {
        Cell::None
    } else {
        Cell::Json(Value::Object(policy.conditions))
    };
    vec![
        policy.id.into(),
        policy.secret_path_pattern.into(),
        policy.principal_type.into(),
        policy.principal_id.into(),
        policy.effect.into(),
        Cell::List(policy.permissions),
        Cell::Number(policy.priority),
        policy.expires_at.into(),
        conditions,
    ]
}
