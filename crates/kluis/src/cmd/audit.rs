//! `kluis audit`

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand};
use kluis_client::oneclaw::{AuditEvent, EventFilter, Verification, VerifySpan};
use serde_json::{Map, Value};

use super::Context;
use crate::failure::{Code, Failure};
use crate::output::{Cell, Format, LISTING, Reader, Records, print};
use crate::remote::Remote;
use crate::terminal::say;

/// Look at the record of who did what, and check that nobody changed it
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    Tail(Tail),
    Verify(Verify),
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

/// Have the server check the record's hash chain; exit code 10 when it does not hold
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Not before, RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Not after, RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
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

impl Verify {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let format = context.format(LISTING)?;
        let server = context.server()?;
        let found = self.whole(&server).await?;
        let more = |name: &str| found.more.get(name).cloned().map_or(Cell::None, Cell::Json);
        let row = vec![
            Cell::Flag(found.chain_valid),
            Cell::Number(found.events_verified),
            Cell::Number(found.events_checked),
            found
                .sealed_through
                .map_or(Cell::None, |last| Cell::Json(last.into())),
            more("open_tail"),
            more("checkpoint"),
            match (format, found.more.get("scheme")) {
                (Format::Table, Some(Value::Object(scheme))) => words(scheme),
                _ => more("scheme"),
            },
        ];
        let columns = &[
            "chain_valid",
            "events_verified",
            "events_checked",
            "sealed_through",
            "open_tail",
            "checkpoint",
            "scheme",
        ];
        Records::one(columns, row).print(format)
    }
}

impl Verify {
    /// Goes through all of the chain that is asked for, a part at a time.
    async fn whole(&self, server: &Remote) -> Result<Verification, Failure> {
        let (mut checked, mut verified) = (0, 0);
        let mut after = self.from.is_none().then_some(0);
        loop {
            let span = VerifySpan {
                from: self.from.as_deref().filter(|_| after.is_none()),
                to: self.to.as_deref(),
                after,
                limit: Some(PART),
            };
            let part = server.client.oneclaw().audit_verify(&span).await;
            let mut part =
                part.map_err(|error| server.failure("cannot verify the audit record", &error))?;
            checked += part.events_checked;
            verified += part.events_verified;
            (part.events_checked, part.events_verified) = (checked, verified);
            if !part.chain_valid {
                return Err(broken(&part));
            }
            match part.checked_through {
                Some(through) if after.is_none_or(|after| through > after) && checked > 0 => {
                    if part.sealed_through.is_some_and(|last| through >= last) {
                        return Ok(part);
                    }
                    after = Some(through);
                }
                _ => return Ok(part),
            }
        }
    }
}

fn broken(found: &Verification) -> Failure {
    let at = found
        .broken_at_event_id
        .as_deref()
        .unwrap_or("an event that the server does not name");
    Failure::new(
        Code::Integrity,
        "the audit record was altered",
        format!(
            "the hash chain breaks at event {at}, after {} events that hold",
            found.events_verified
        ),
        "keep a copy of the database as it is, and compare it with back-ups and exported checkpoints",
    )
}

/// The texts among an object's members, for a table.
fn words(members: &Map<String, Value>) -> Cell {
    let texts: Vec<&str> = members.values().filter_map(Value::as_str).collect();
    texts.join(", ").into()
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
        member("path"),
        event.ip_address.clone().into(),
        event.id.as_str().into(),
    ]
}

const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);
const FOLLOW_LIMIT: u32 = 1000;
/// Events that the server checks at once, at most.
const PART: u32 = 10_000;
