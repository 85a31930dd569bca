//! `kluis webhook`

use clap::{Args, Subcommand};
use kluis_client::Error;
use kluis_client::credvault::{self, CreatedWebhook, NewWebhook, WebhookChange};

use super::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Records};
use crate::remote::Remote;
use crate::terminal::say;

/// Be told of events by calls to a URL
#[derive(Debug, Subcommand)]
pub(crate) enum Webhook {
    /// List the webhooks
    List,
    /// Show a webhook
    Show {
        /// Its id
        id: String,
    },
    Create(Create),
    Update(Update),
    /// Make a new secret to sign with; the old one signs beside it for a day
    RotateSecret {
        /// Its id
        id: String,
    },
    /// Send a test event now
    Test {
        /// Its id
        id: String,
    },
    /// List what was sent to a webhook, and what waits
    Deliveries {
        /// Its id
        id: String,
    },
    /// Send a delivery again
    Redeliver {
        /// Id of the webhook
        id: String,
        /// Id of the delivery
        delivery: String,
    },
    /// List the events that there are
    Events,
    /// Delete a webhook; what waits for it is not sent
    Delete {
        /// Its id
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Make a webhook; the secret that signs its calls is printed once
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kluis webhook create https://hooks.example.org/kluis --event 'record.*' > secret"
)]
pub(crate) struct Create {
    /// Where the calls go, http or https
    #[arg(value_name = "URL")]
    to: String,
    /// Which events: names, `*` for all, or a pattern such as `record.*`
    #[arg(
        long = "event",
        value_name = "EVENT",
        value_delimiter = ',',
        required = true
    )]
    events: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Change a webhook
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kluis webhook update webhook_… --disable")]
pub(crate) struct Update {
    /// Its id
    id: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// Where the calls go, http or https
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Which events, in place of those that it has
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Option<Vec<String>>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Tell it events again
    #[arg(long)]
    enable: bool,
    /// Tell it nothing until it is enabled again
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
}

const COLUMNS: &[&str] = &[
    "id",
    "url",
    "events",
    "enabled",
    "failing_since",
    "disabled_reason",
    "created_at",
    "description",
];
const DELIVERY: &[&str] = &[
    "id",
    "event",
    "status",
    "attempts",
    "status_code",
    "duration_ms",
    "next_attempt_at",
    "created_at",
    "error",
];
/// Formats of a secret that is shown once.
const SECRET: &[Format] = &[Format::Value, Format::Json, Format::Yaml, Format::Table];
const SEE_WEBHOOKS: &str = "see the webhooks with kluis webhook list";

impl Webhook {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let webhooks = server.client.credvault().webhooks().await;
                let webhooks =
                    webhooks.map_err(|error| server.failure("cannot list the webhooks", &error))?;
                Records::list(COLUMNS, webhooks.into_iter().map(row).collect()).print(format)
            }
            Self::Show { id } => {
                let format = context.format(LISTING)?;
                let server = context.server()?;
                let webhook = server.client.credvault().webhook(&id).await;
                let webhook = webhook.map_err(|error| {
                    refused(&server, format!("cannot show webhook '{id}'"), &error)
                })?;
                Records::one(COLUMNS, row(webhook)).print(format)
            }
            Self::Create(create) => create.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::RotateSecret { id } => rotate_secret(context, &id).await,
            Self::Test { id } => test(context, &id).await,
            Self::Deliveries { id } => deliveries(context, &id).await,
            Self::Redeliver { id, delivery } => redeliver(context, &id, &delivery).await,
            Self::Events => events(context).await,
            Self::Delete { id, yes } => delete(context, &id, yes).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(SECRET)?;
        let server = context.server()?;
        let new = NewWebhook {
            url: &self.to,
            events: &self.events,
            description: self.description.as_deref(),
        };
        let made = server.client.credvault().webhook_create(new).await;
        let made = made.map_err(|error| {
            // Behind the host there may stand what lets callers in.
            server.failure("cannot make the webhook", &error)
        })?;
        say(&format!(
            "{} made; the secret that signs its calls is shown this once",
            made.webhook.id
        ));
        print_secret(made, format)
    }
}

impl Update {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let Change {
            to,
            events,
            description,
            enable,
            disable,
        } = &self.change;
        let change = WebhookChange {
            url: to.as_deref(),
            events: events.as_deref(),
            description: description.as_deref(),
            enabled: (*enable || *disable).then_some(*enable),
        };
        let changed = server
            .client
            .credvault()
            .webhook_update(&self.id, change)
            .await;
        let webhook = changed.map_err(|error| {
            refused(
                &server,
                format!("cannot change webhook '{}'", self.id),
                &error,
            )
        })?;
        say(&format!("{} changed", webhook.id));
        Records::one(COLUMNS, row(webhook)).print(format)
    }
}

async fn rotate_secret(context: &Context, id: &str) -> Result<(), Failure> {
    let format = context.format(SECRET)?;
    let server = context.server()?;
    let made = server.client.credvault().webhook_rotate_secret(id).await;
    let made = made.map_err(|error| {
        refused(
            &server,
            format!("cannot replace the secret of webhook '{id}'"),
            &error,
        )
    })?;
    say("the new secret is shown this once; the old one signs beside it for a day");
    print_secret(made, format)
}

async fn test(context: &Context, id: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let what = format!("cannot test webhook '{id}'");
    let delivery = server.client.credvault().webhook_test(id).await;
    let delivery = delivery.map_err(|error| refused(&server, what, &error))?;
    if delivery.status != "succeeded" {
        let why = match (&delivery.error, delivery.status_code) {
            (Some(error), _) => error.clone(),
            (None, Some(status)) => format!("it answered {status}"),
            (None, None) => delivery.status,
        };
        return Err(Failure::new(
            Code::Failed,
            format!("the test event did not arrive at webhook '{id}'"),
            why,
            "correct its URL with kluis webhook update, or mend what listens there",
        ));
    }
    say("the test event arrived");
    Records::one(DELIVERY, delivery_row(delivery)).print(format)
}

async fn deliveries(context: &Context, id: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let deliveries = server.client.credvault().webhook_deliveries(id).await;
    let deliveries = deliveries.map_err(|error| {
        refused(
            &server,
            format!("cannot list the deliveries of webhook '{id}'"),
            &error,
        )
    })?;
    Records::list(DELIVERY, deliveries.into_iter().map(delivery_row).collect()).print(format)
}

async fn redeliver(context: &Context, id: &str, delivery: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let again = server
        .client
        .credvault()
        .webhook_redeliver(id, delivery)
        .await;
    let again = again.map_err(|error| {
        let failure = server.failure(format!("cannot send '{delivery}' again"), &error);
        let see = format!("see the deliveries with kluis webhook deliveries {id}");
        failure.advise(Code::NotFound, see)
    })?;
    say(&format!("{} is sent again", again.id));
    Records::one(DELIVERY, delivery_row(again)).print(format)
}

async fn events(context: &Context) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let events = server.client.credvault().webhook_events().await;
    let events = events.map_err(|error| server.failure("cannot list the events", &error))?;
    let rows = events
        .into_iter()
        .map(|event| vec![event.name.into(), event.description.into()]);
    Records::list(&["name", "description"], rows.collect()).print(format)
}

async fn delete(context: &Context, id: &str, yes: bool) -> Result<(), Failure> {
    let server = context.server()?;
    input::make_sure(yes, &format!("webhook '{id}'"), id)?;
    let deleted = server.client.credvault().webhook_delete(id).await;
    deleted.map_err(|error| refused(&server, format!("cannot delete webhook '{id}'"), &error))?;
    say(&format!("webhook '{id}' deleted"));
    Ok(())
}

fn print_secret(made: CreatedWebhook, format: Format) -> Result<(), Failure> {
    Records::one(COLUMNS, row(made.webhook))
        .and("secret", Cell::Secret(made.secret))
        .print(format)
}

/// A call about a webhook that failed.
fn refused(server: &Remote, what: String, error: &Error) -> Failure {
    server
        .failure(what, error)
        .advise(Code::NotFound, SEE_WEBHOOKS)
}

fn row(webhook: credvault::Webhook) -> Vec<Cell> {
    vec![
        webhook.id.into(),
        webhook.url.into(),
        webhook.events.into(),
        webhook.enabled.into(),
        webhook.failing_since.into(),
        webhook.disabled_reason.into(),
        webhook.created_at.into(),
        webhook.description.into(),
    ]
}

fn delivery_row(delivery: credvault::Delivery) -> Vec<Cell> {
    vec![
        delivery.id.into(),
        delivery.event.into(),
        delivery.status.into(),
        delivery.attempts.into(),
        delivery.status_code.into(),
        delivery.duration_ms.into(),
        delivery.next_attempt_at.into(),
        delivery.created_at.into(),
        delivery.error.into(),
    ]
}
