//! `kluis audit`

mod export;
mod verify;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand};
use kluis_client::oneclaw::{AuditEvent, EventFilter};
use serde_json::Value;

use self::export::Export;
use self::verify::Verify;
use super::Context;
use crate::failure::Failure;
use crate::output::{Cell, Format, LISTING, Reader, Records, print};
use crate::remote::Remote;
use crate::terminal::say;

/// Look at the record of who did what, and check that nobody changed it
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    Tail(Tail),
    Verify(Verify),
    Export(Export),
}

/// Show the newest events, oldest of them first
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// How many
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    lines: u32,
    /// Go on as events come; one JSON object a line with -o json
    #[arg(short, long)]
    follow: bool,
    /// Only this action, such as secret.read
    #[arg(long)]
    action: Option<String>,
    /// Only acts of the user or agent with this id
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Only acts on this id or path
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
}

const COLUMNS: &[&str] = &[
    "created_at",
    "action",
    "outcome",
    "actor_type",
    "actor_id",
    "path",
    "ip_address",
    "id",
];

impl Audit {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Tail(tail) => tail.run(context).await,
            Self::Verify(verify) => verify.run(context).await,
            Self::Export(export) => export.run(context).await,
        }
    }
}

impl Tail {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let events = self.events(&server, None, self.lines).await?;
        if !self.follow {
            return records(&events).print(format);
        }
        self.follow(&server, events, format).await
    }

    /// Prints what is there and then, every second, what came since.
    async fn follow(
        &self,
        server: &Remote,
        mut events: Vec<AuditEvent>,
        format: Format,
    ) -> Result<(), Failure> {
        let mut since: Option<String> = None;
        // Times may be equal, so the next question repeats the last instant and this set takes the repetitions out.
        let mut shown: BTreeSet<String> = BTreeSet::new();
        loop {
            events.retain(|event| !shown.contains(&event.id));
            if print(&lines(&events, format))? == Reader::Gone {
                return Ok(());
            }
            if let Some(newest) = events.last() {
                if since.as_ref() != Some(&newest.created_at) {
                    shown.clear();
                    since = Some(newest.created_at.clone());
                }
                shown.extend(events.iter().map(|event| event.id.clone()));
            }
            tokio::time::sleep(FOLLOW_INTERVAL).await;
            events = self.events(server, since.as_deref(), FOLLOW_LIMIT).await?;
            if events.len() >= FOLLOW_LIMIT as usize {
                say(
                    "warning: events come faster than they are shown; older ones of this second are left out",
                );
            }
        }
    }

    /// Events, oldest first.
    async fn events(
        &self,
        server: &Remote,
        from: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, Failure> {
        let filter = EventFilter {
            resource_id: self.resource.as_deref(),
            actor_id: self.actor.as_deref(),
            action: self.action.as_deref(),
            from,
            to: None,
            limit,
            offset: 0,
        };
        let events = server.client.oneclaw().audit_events(&filter).await;
        let mut events =
            events.map_err(|error| server.failure("cannot read the audit record", &error))?;
        events.reverse();
        Ok(events)
    }
}

fn records(events: &[AuditEvent]) -> Records {
    Records::list(COLUMNS, events.iter().map(row).collect())
}

/// Events while following: no heading and no brackets that would wait for an end.
fn lines(events: &[AuditEvent], format: Format) -> Vec<u8> {
    let line = |event: &AuditEvent| match format {
        Format::Json => serde_json::to_string(event).unwrap_or_default(),
        Format::Yaml => format!(
            "---\n{}",
            records(std::slice::from_ref(event)).text(format).trim_end()
        ),
        _ => records(std::slice::from_ref(event))
            .text(format)
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned(),
    };
    events
        .iter()
        .map(|event| line(event) + "\n")
        .collect::<String>()
        .into_bytes()
}

fn row(event: &AuditEvent) -> Vec<Cell> {
    let member = |name: &str| match event.more.get(name).or_else(|| event.details.get(name)) {
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(value) => Cell::Json(value.clone()),
        None => Cell::None,
    };
    vec![
        event.created_at.as_str().into(),
        event.action.as_str().into(),
        member("outcome"),
        event.actor_type.clone().into(),
        event.actor_id.clone().into(),
        // A zero-knowledge item has a name and no path.
        match member("path") {
            Cell::None if event.action.starts_with("zk_") => member("name"),
            path => path,
        },
        event.ip_address.clone().into(),
        event.id.as_str().into(),
    ]
}

const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);
const FOLLOW_LIMIT: u32 = 1000;
