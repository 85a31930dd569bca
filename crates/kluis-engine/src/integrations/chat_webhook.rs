//! `chat_webhook`: tells people that something has changed, by name and without values.

use serde::{Deserialize, Serialize};

use super::http_push::{check_url, require_success, target_url};
use super::source::{Source, nothing};
use super::sync::{Attempt, Piece, Plan, Trouble};
use super::words::Report;
use crate::engine::Engine;
use crate::error::Error;
use crate::outbound::{Call, Method, Reach};
use crate::secrets::{NamedFields, Value};

/// Where to tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatWebhook {
    /// An `http` or `https` URL that outbound calls may reach (RULES §8). Where the URL is itself a secret, none: the credential
    /// has it.
    pub url: Option<String>,
}

/// Members of a credential that are the URL, the first that is there.
const URL: [&str; 2] = ["url", "value"];

impl ChatWebhook {
    pub(super) fn check(&self, has_credential: bool, reach: Reach) -> Result<(), Error> {
        match (&self.url, has_credential) {
            (Some(url), false) => check_url("config.url", url, reach),
            (None, false) => Err(Error::missing("config.url")),
            (None, true) => Ok(()),
            (Some(_), true) => {
                let why = "must be left out where the credential holds it";
                Err(Error::invalid("config.url", why))
            }
        }
    }

    /// One for each name: what has changed is told by name.
    pub(super) fn pieces(source: &Source) -> Vec<Piece> {
        let pieces = source.secrets.iter().enumerate().map(|(place, secret)| {
            let info = &secret.info;
            let changed = info.updated_at.millis().to_be_bytes();
            Piece {
                place: info.path.clone(),
                digest: source.digest_of(&[info.id.bytes(), &changed]),
                content: nothing(),
                secrets: vec![place],
            }
        });
        pieces.collect()
    }

    pub(super) async fn tell(
        &self,
        attempt: &Attempt<'_>,
        source: &Source,
        plan: &Plan,
    ) -> Result<(), Trouble> {
        let report = Report {
            name: &attempt.integration.name,
            vault: &source.vault_name,
            total: source.secrets.len(),
            changed: plan.changed().map(|piece| piece.place.as_str()).collect(),
            removed: plan.removed.iter().map(String::as_str).collect(),
            is_test: false,
        };
        self.say(attempt.engine, source.credential.as_ref(), &report)
            .await
    }

    pub(super) async fn try_out(
        &self,
        engine: &Engine,
        name: &str,
        source: &Source,
    ) -> Result<(), Trouble> {
        let report = Report {
            name,
            vault: &source.vault_name,
            total: 0,
            changed: Vec::new(),
            removed: Vec::new(),
            is_test: true,
        };
        self.say(engine, source.credential.as_ref(), &report).await
    }

    async fn say(
        &self,
        engine: &Engine,
        credential: Option<&Value>,
        report: &Report<'_>,
    ) -> Result<(), Trouble> {
        let url = match (&self.url, credential) {
            (Some(url), _) => target_url(engine, url)?,
            (None, Some(credential)) => {
                let members = NamedFields::of(credential)?.into_members();
                let url = URL
                    .iter()
                    .find_map(|wanted| members.iter().find(|(name, _)| name == wanted))
                    .and_then(|(_, url)| url.expose_text());
                let why = "The credential has no member url or value.";
                target_url(engine, url.ok_or_else(|| Trouble::lasting(why))?)?
            }
            (None, None) => return Err(Trouble::lasting("There is no URL to tell it to.")),
        };
        let words = engine.integration_words()?;
        let call = Call {
            method: Method::POST,
            url: &url,
            headers: &[("content-type", "application/json".to_owned())],
            body: (words.report)(report)?.into_bytes(),
            keep: 0,
        };
        let answer = engine.outbound().call(call).await?;
        require_success(answer.status)
    }
}
