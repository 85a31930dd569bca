//! What targets of integrations get (contract B5).

use kluis_engine::{Consignment, Envelope, Error, Report, Sent};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::record::shown_type;
use crate::api::ids::prefixed;
use crate::api::revealed::RevealedFields;

/// A push.
#[derive(Serialize)]
struct Push {
    integration_id: String,
    /// The integration's name.
    name: String,
    /// Null in a test.
    run_id: Option<String>,
    sent_at: String,
    /// Name of the collection.
    collection: String,
    /// All of them: what is not here is not to be there.
    records: Vec<PushedRecord>,
}

#[derive(Serialize)]
struct PushedRecord {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    version: u32,
    fields: Map<String, Json>,
    tags: Vec<String>,
    secret: RevealedFields,
}

/// A message, as Slack and Mattermost take it.
#[derive(Serialize)]
struct Message {
    text: String,
}

/// Names that a message tells; of the others it says how many there are.
const MOST_NAMES: usize = 20;

/// The body of a push.
pub(in super::super) fn push(consignment: Consignment<'_>) -> Result<String, Error> {
    let Envelope {
        integration, run, ..
    } = consignment.envelope;
    let records = consignment.secrets.into_iter().map(PushedRecord::of);
    json(&Push {
        integration_id: prefixed("integration_", integration.bytes()),
        name: consignment.name.to_owned(),
        run_id: run.map(|run| prefixed("run_", run.bytes())),
        sent_at: consignment.at.rfc3339_seconds(),
        collection: consignment.vault.to_owned(),
        records: records.collect::<Result<_, _>>()?,
    })
}

/// The headers of a push: those of a webhook's delivery, with the run in place of the delivery.
pub(in super::super) fn push_headers(envelope: &Envelope) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        (
            "x-credvault-integration",
            prefixed("integration_", envelope.integration.bytes()),
        ),
        ("x-credvault-attempt", envelope.attempt.to_string()),
    ];
    if let Some(run) = envelope.run {
        headers.push(("x-credvault-delivery", prefixed("run_", run.bytes())));
    }
    let event = match envelope.run {
        Some(_) => "integration.push",
        None => "integration.test",
    };
    headers.push(("x-credvault-event", event.to_owned()));
    headers
}

/// The body of a message.
pub(in super::super) fn report(report: &Report<'_>) -> Result<String, Error> {
    let name = code(report.name);
    if report.is_test {
        let text = format!("Kluis: this is a test of the integration {name}.");
        return json(&Message { text });
    }
    let mut sentences = vec![format!(
        "Kluis, integration {name}: collection {} has {}.",
        code(report.vault),
        counted(report.total),
    )];
    for (what, names) in [
        ("New or changed", &report.changed),
        ("Gone", &report.removed),
    ] {
        if names.is_empty() {
            continue;
        }
        let told = names.iter().take(MOST_NAMES).map(|name| code(name));
        let told = told.collect::<Vec<_>>().join(", ");
        let more = match names.len().saturating_sub(MOST_NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        sentences.push(format!("{what}: {told}{more}."));
    }
    if report.changed.is_empty() && report.removed.is_empty() {
        sentences.push("Nothing has changed.".to_owned());
    }
    json(&Message {
        text: sentences.join(" "),
    })
}

fn counted(records: usize) -> String {
    match records {
        1 => "1 record for it".to_owned(),
        records => format!("{records} records for it"),
    }
}

/// A name in which nothing is a link, a mention or a mark for whoever shows the message.
fn code(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    text.push('`');
    for character in name.chars() {
        match character {
            '`' => text.push('\''),
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            control if control.is_control() => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
    text.push('`');
    text
}

impl PushedRecord {
    fn of(sent: Sent) -> Result<Self, Error> {
        let Sent { info, members } = sent;
        let fields = serde_json::from_str(&info.fields);
        Ok(Self {
            id: prefixed("resource_", info.id.bytes()),
            kind: shown_type(&info.kind),
            version: info.newest_version,
            fields: fields.map_err(|cause| Error::internal(cause.to_string()))?,
            name: info.path,
            tags: info.tags,
            secret: members.into(),
        })
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|cause| Error::internal(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_nothing_to_a_chat() {
        for (name, written) in [
            ("billing-rw", "`billing-rw`"),
            ("<!channel>", "`&lt;!channel&gt;`"),
            ("`@all` &amp;", "`'@all' &amp;amp;`"),
            ("a\nb", "`a\u{fffd}b`"),
        ] {
            assert_eq!(code(name), written);
        }
    }

    #[test]
    fn a_message_tells_a_few_names_and_counts_the_others() {
        let names: Vec<String> = (0..23).map(|number| format!("r{number}")).collect();
        let message = report(&Report {
            name: "chat",
            vault: "billing",
            total: 23,
            changed: names.iter().map(String::as_str).collect(),
            removed: vec!["old"],
            is_test: false,
        });
        let message = message.unwrap();
        assert!(
            message.contains("has 23 records for it. New or changed: `r0`, `r1`"),
            "{message}"
        );
        assert!(
            message.contains("`r19` and 3 more. Gone: `old`."),
            "{message}"
        );
        assert!(!message.contains("r20"), "{message}");
    }
}
