//! `kluis integration`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kluis_client::credvault::{self, IntegrationSettings};
use serde_json::{Map, Value, json};

use super::job::Waiting;
use super::{Context, file, input, span};
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::remote::Remote;
use crate::terminal::say;

/// Keep other services up to date with secrets
///
/// An integration is named by its name or id.
#[derive(Debug, Subcommand)]
pub(crate) enum Integration {
    /// List the types of services; settings that one cannot do without end in `*`
    Types,
    /// List the integrations that you may see
    List,
    /// Show an integration
    Show {
        /// Its name or id
        integration: String,
    },
    Create(Create),
    Update(Update),
    /// Try to reach the service, without sending it a secret
    Test {
        /// Its name or id
        integration: String,
    },
    Sync(Sync),
    /// List what it has sent, and what failed
    Runs {
        /// Its name or id
        integration: String,
    },
    /// Delete an integration
    Delete {
        /// Its name or id
        integration: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Make an integration; if its calls are signed, the secret for that is printed once
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis integration create deploy --type env_file --set name=deploy --vault prod --on-change"
)]
pub(crate) struct Create {
    /// Its name, unique in the organization
    name: String,
    /// What it is: kluis integration types
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    #[command(flatten)]
    settings: Settings,
}

/// Change an integration; what is not named stays
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kluis integration update deploy --disable")]
pub(crate) struct Update {
    /// Its name or id
    integration: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Send again
    #[arg(long)]
    enable: bool,
    /// Send nothing until it is enabled again
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
}

/// Bring the service up to date now
#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Its name or id
    integration: String,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
struct Settings {
    /// A setting of its type, such as url=https://…; a number, true, false and JSON are taken as what they are
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// File with all settings of its type as a JSON object; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    config: Option<PathBuf>,
    /// The secret to log in with: VAULT/NAME, or its record's id
    #[arg(long, value_name = "SECRET")]
    credential: Option<String>,
    /// The vault whose secrets it gets
    #[arg(long, value_name = "VAULT")]
    vault: Option<String>,
    /// Only secrets that fit this filter, a JSON object such as {"tags": "prod"}
    #[arg(long, value_name = "JSON", requires = "vault")]
    filter: Option<String>,
    /// Send when asked to, with kluis integration sync
    #[arg(long)]
    manual: bool,
    /// Send whenever such a secret changes
    #[arg(long, conflicts_with = "manual")]
    on_change: bool,
    /// Send every so often, such as 15m
    #[arg(long, value_name = "SPAN", value_parser = span::seconds, conflicts_with_all = ["manual", "on_change"])]
    every: Option<u64>,
}

const COLUMNS: &[&str] = &[
    "name",
    "type",
    "enabled",
    "status",
    "last_sync_at",
    "last_error",
    "sync",
    "selector",
    "config",
    "credential_record_id",
    "id",
];
/// The column of an integration's id.
const ID: usize = 10;

impl Integration {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Types => types(context).await,
            Self::List => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let all = server.client.credvault().integrations().await;
                let all =
                    all.map_err(|error| server.failure("cannot list the integrations", &error))?;
                Records::list(COLUMNS, all.into_iter().map(row).collect()).print(format)
            }
            Self::Show { integration } => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let what = "cannot show the integration";
                let found = server.integration(&integration, what).await?;
                Records::one(COLUMNS, row(found)).main(ID).print(format)
            }
            Self::Create(create) => create.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::Test { integration } => test(context, &integration).await,
            Self::Sync(sync) => sync.run(context).await,
            Self::Runs { integration } => runs(context, &integration).await,
            Self::Delete { integration, yes } => delete(context, &integration, yes).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("cannot make integration '{}'", self.name);
        let settings = self.settings.read(&server, &what).await?;
        let settings = IntegrationSettings {
            name: Some(self.name),
            kind: Some(self.kind),
            config: settings.config.or_else(|| Some(json!({}))),
            ..settings
        };
        let made = server.client.credvault().integration_create(&settings);
        let made = made.await.map_err(|error| server.failure(what, &error))?;
        say(&format!(
            "integration '{}' made; try it with kluis integration test",
            made.integration.name
        ));
        let record = Records::one(COLUMNS, row(made.integration));
        match made.secret {
            Some(secret) => {
                say("the secret that signs its calls is shown this once");
                record.and("secret", Cell::Secret(secret)).print(format)
            }
            None => record.main(ID).print(format),
        }
    }
}

impl Update {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("cannot change integration '{}'", self.integration);
        let found = server.integration(&self.integration, &what).await?;
        let settings = self.settings.read(&server, &what).await?;
        let change = IntegrationSettings {
            name: self.rename,
            enabled: (self.enable || self.disable).then_some(self.enable),
            ..settings
        };
        let api = server.client.credvault();
        let changed = api.integration_update(&found.id, &change).await;
        let changed = changed.map_err(|error| server.failure(what, &error))?;
        say(&format!("integration '{}' changed", changed.name));
        Records::one(COLUMNS, row(changed)).main(ID).print(format)
    }
}

impl Sync {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let what = format!("integration '{}' has sent nothing", self.integration);
        let found = server.integration(&self.integration, &what).await?;
        let job = server.client.credvault().integration_sync(&found.id).await;
        let job = job.map_err(|error| server.failure(&what, &error))?;
        self.waiting.finish(&server, job, &what, format).await
    }
}

impl Settings {
    /// What was given, with files and names looked up.
    async fn read(&self, server: &Remote, what: &str) -> Result<IntegrationSettings, Failure> {
        let config = match &self.config {
            Some(path) => Some(file::json(path)?),
            None if self.set.is_empty() => None,
            None => Some(settings_of(&self.set, what)?),
        };
        let selector = match &self.vault {
            Some(vault) => Some(selector(vault, self.filter.as_deref(), what)?),
            None => None,
        };
        let credential_record_id = match &self.credential {
            Some(record) => Some(server.record_id(record, what).await?),
            None => None,
        };
        let sync = match (self.manual, self.on_change, self.every) {
            (true, ..) => Some(json!({"mode": "manual"})),
            (_, true, _) => Some(json!({"mode": "on_change"})),
            (.., Some(seconds)) => {
                let minutes = seconds.div_ceil(60);
                Some(json!({"mode": "scheduled", "interval_minutes": minutes}))
            }
            (false, false, None) => None,
        };
        Ok(IntegrationSettings {
            config,
            selector,
            credential_record_id,
            sync,
            ..IntegrationSettings::default()
        })
    }
}

/// `NAME=VALUE` pairs as one object.
fn settings_of(given: &[String], what: &str) -> Result<Value, Failure> {
    let mut settings = Map::new();
    for pair in given {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Failure::usage(
                what,
                format!("--set '{pair}' has no ="),
                "give NAME=VALUE",
            ));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        settings.insert(name.to_owned(), value);
    }
    Ok(Value::Object(settings))
}

fn selector(vault: &str, filter: Option<&str>, what: &str) -> Result<Value, Failure> {
    let Some(filter) = filter else {
        return Ok(json!({"collection": vault}));
    };
    match serde_json::from_str(filter) {
        Ok(filter @ Value::Object(_)) => Ok(json!({"collection": vault, "filter": filter})),
        _ => Err(Failure::usage(
            what,
            "--filter is no JSON object",
            r#"give one such as '{"tags": "prod"}'"#,
        )),
    }
}

/// The names of the settings in a type's schema.
fn settings_in(schema: &Value) -> Vec<String> {
    let required = schema.get("required").and_then(Value::as_array);
    let names = schema.get("properties").and_then(Value::as_object);
    let names = names.into_iter().flat_map(Map::keys);
    names
        .map(|name| {
            let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
            format!("{name}{}", if is_required { "*" } else { "" })
        })
        .collect()
}

async fn types(context: &Context) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let types = server.client.credvault().integration_types().await;
    let types = types.map_err(|error| server.failure("cannot list the types", &error))?;
    let rows = types.into_iter().map(|one| {
        let settings = settings_in(&one.config_schema);
        vec![
            one.kind.into(),
            one.available.into(),
            settings.into(),
            one.credential.into(),
            one.description.into(),
        ]
    });
    let columns = &["type", "available", "settings", "credential", "description"];
    Records::list(columns, rows.collect()).print(format)
}

async fn test(context: &Context, integration: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let what = format!("cannot test integration '{integration}'");
    let found = server.integration(integration, &what).await?;
    let test = server.client.credvault().integration_test(&found.id).await;
    let test = test.map_err(|error| server.failure(what, &error))?;
    if !test.ok {
        return Err(Failure::new(
            Code::Unreachable,
            format!("integration '{}' could not do its work now", found.name),
            test.error
                .unwrap_or_else(|| "it does not say why".to_owned()),
            "correct its settings with kluis integration update",
        ));
    }
    let row = vec![found.name.into(), test.ok.into(), test.duration_ms.into()];
    Records::one(&["integration", "ok", "duration_ms"], row).print(format)
}

async fn runs(context: &Context, integration: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let what = format!("cannot list the runs of integration '{integration}'");
    let found = server.integration(integration, &what).await?;
    let runs = server.client.credvault().integration_runs(&found.id).await;
    let runs = runs.map_err(|error| server.failure(what, &error))?;
    let rows = runs.into_iter().map(|run| {
        vec![
            run.created_at.into(),
            run.status.into(),
            run.cause.into(),
            run.attempts.into(),
            run.record_count.into(),
            run.sent_count.into(),
            run.removed_count.into(),
            run.finished_at.into(),
            run.error.into(),
            run.id.into(),
        ]
    });
    let columns = &[
        "created_at",
        "status",
        "cause",
        "attempts",
        "record_count",
        "sent_count",
        "removed_count",
        "finished_at",
        "error",
        "id",
    ];
    Records::list(columns, rows.collect()).main(9).print(format)
}

async fn delete(context: &Context, integration: &str, yes: bool) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("cannot delete integration '{integration}'");
    let found = server.integration(integration, &what).await?;
    let thing = format!("integration '{}'", found.name);
    input::make_sure(yes, &thing, &found.name)?;
    let deleted = server
        .client
        .credvault()
        .integration_delete(&found.id)
        .await;
    deleted.map_err(|error| server.failure(what, &error))?;
    say(&format!("integration '{}' deleted", found.name));
    Ok(())
}

fn row(integration: credvault::Integration) -> Vec<Cell> {
    vec![
        integration.name.into(),
        integration.kind.into(),
        integration.enabled.into(),
        integration.status.into(),
        integration.last_sync_at.into(),
        integration.last_error.into(),
        Cell::Json(integration.sync),
        Cell::Json(integration.selector),
        Cell::Json(integration.config),
        integration.credential_record_id.into(),
        integration.id.into(),
    ]
}
