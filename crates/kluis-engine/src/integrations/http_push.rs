//! `http_push`: everything that is selected, in one signed request.

use kluis_crypto::Secret;
use serde::{Deserialize, Serialize};

use super::source::Source;
use super::sync::{Attempt, Piece, Trouble};
use super::variables;
use super::words::{Consignment, Envelope, Sent};
use super::{INTEGRATION_SECRET, Integration};
use crate::engine::Engine;
use crate::error::Error;
use crate::outbound::{self, Call, Method, Reach};
use crate::secrets::NamedFields;
use crate::store::params;
use crate::store::sql::integrations as sql;
use crate::webhooks::signed;

/// Where to push, and in which form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpPush {
    /// An `http` or `https` URL that outbound calls may reach (RULES §8).
    pub url: String,
    /// The form of the body.
    pub format: PushFormat,
}

/// The form of a push's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushFormat {
    /// Variables, one assignment each, as in a file of them.
    Env,
    /// Everything, as a JSON object.
    Json,
}

/// Members of a credential that are the token, the first that is there.
const TOKEN: [&str; 4] = ["token", "api_key", "value", "password"];

impl HttpPush {
    pub(super) fn check(&self, reach: Reach) -> Result<(), Error> {
        check_url("config.url", &self.url, reach)
    }

    /// The one thing that is sent: all of it.
    pub(super) fn pieces(&self, source: &Source) -> Result<Vec<Piece>, String> {
        let (content, word) = match self.format {
            PushFormat::Env => (variables::assignments(&source.secrets)?, "env"),
            // Made when it is sent: it tells when that is.
            PushFormat::Json => (Secret::new(Vec::new()), "json"),
        };
        Ok(vec![Piece {
            place: String::new(),
            digest: source.digest(&[word.as_bytes(), source.vault_name.as_bytes()]),
            content,
            secrets: (0..source.secrets.len()).collect(),
        }])
    }

    pub(super) async fn send(
        &self,
        attempt: &Attempt<'_>,
        source: &Source,
        piece: &Piece,
    ) -> Result<(), Trouble> {
        let envelope = Envelope {
            integration: attempt.integration.id,
            run: Some(attempt.run),
            attempt: attempt.number,
        };
        let body = match self.format {
            PushFormat::Env => text_of(&piece.content)?,
            PushFormat::Json => {
                let secrets = source.secrets.iter().map(sent);
                consignment(
                    attempt.engine,
                    attempt.integration,
                    envelope,
                    &source.vault_name,
                    secrets.collect::<Result<_, Error>>()?,
                )?
            }
        };
        let token = source.credential.as_ref();
        self.push(attempt.engine, attempt.integration, envelope, token, body)
            .await
    }

    /// A push without any secret, which tells whether one would arrive.
    pub(super) async fn try_out(
        &self,
        engine: &Engine,
        integration: &Integration,
        source: &Source,
    ) -> Result<(), Trouble> {
        let envelope = Envelope {
            integration: integration.id,
            run: None,
            attempt: 1,
        };
        let body = match self.format {
            PushFormat::Env => String::new(),
            PushFormat::Json => consignment(
                engine,
                integration,
                envelope,
                &source.vault_name,
                Vec::new(),
            )?,
        };
        let token = source.credential.as_ref();
        self.push(engine, integration, envelope, token, body).await
    }

    async fn push(
        &self,
        engine: &Engine,
        integration: &Integration,
        envelope: Envelope,
        credential: Option<&crate::secrets::Value>,
        body: String,
    ) -> Result<(), Trouble> {
        let words = engine.integration_words()?;
        let mut headers = (words.headers)(&envelope);
        headers.push((
            "content-type",
            match self.format {
                PushFormat::Env => "text/plain; charset=utf-8".to_owned(),
                PushFormat::Json => "application/json".to_owned(),
            },
        ));
        if let Some(credential) = credential {
            let token = header_token(credential)?;
            headers.push(("authorization", format!("Bearer {token}")));
        }
        let secret = engine.integration_secret(integration).await?;
        let now = engine.clock().now();
        let signature = signed(&secret, now, &body);
        headers.push((words.signature)(now.seconds(), &[signature]));
        let url = target_url(engine, &self.url)?;
        let call = Call {
            method: Method::POST,
            url: &url,
            headers: &headers,
            body: body.into_bytes(),
            keep: 0,
        };
        let answer = engine.outbound().call(call).await?;
        require_success(answer.status)
    }
}

impl Engine {
    /// What an integration's pushes are signed with.
    async fn integration_secret(&self, integration: &Integration) -> Result<Secret, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let row = conn
            .query_one(sql::SECRET, params![integration.id.bytes()])
            .await?;
        let mut row = row.ok_or(Error::NotFound)?;
        let (version, sealed) = (row.number()?, row.blob()?);
        let keys = self
            .keys()?
            .organization_at(conn, integration.organization, version)
            .await?;
        keys.open_field(INTEGRATION_SECRET, integration.id.bytes(), version, &sealed)
    }
}

fn consignment(
    engine: &Engine,
    integration: &Integration,
    envelope: Envelope,
    vault: &str,
    secrets: Vec<Sent>,
) -> Result<String, Error> {
    let words = engine.integration_words()?;
    (words.consignment)(Consignment {
        envelope,
        name: &integration.name,
        at: engine.clock().now(),
        vault,
        secrets,
    })
}

fn sent(outgoing: &crate::secrets::Outgoing) -> Result<Sent, Error> {
    let value = outgoing.value.as_ref().ok_or(Error::NotFound)?;
    Ok(Sent {
        info: outgoing.info.clone(),
        members: NamedFields::of(value)?.into_members(),
    })
}

fn text_of(content: &Secret) -> Result<String, Error> {
    let text = content.expose_text();
    let text = text.ok_or_else(|| Error::internal("what is sent is not UTF-8"))?;
    Ok(text.to_owned())
}

/// The text of a credential that goes into a header: a text itself, or one of its members.
pub(super) fn header_token(credential: &crate::secrets::Value) -> Result<String, Trouble> {
    let members = NamedFields::of(credential)?.into_members();
    let token = TOKEN
        .iter()
        .find_map(|wanted| members.iter().find(|(name, _)| name == wanted))
        .and_then(|(_, token)| token.expose_text());
    let token = token.ok_or_else(|| {
        Trouble::lasting("The credential has no member token, api_key, value or password.")
    })?;
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why =
            "The credential cannot be sent: a header takes only printable ASCII without blanks.";
        return Err(Trouble::lasting(why));
    }
    Ok(token.to_owned())
}

/// What an outbound call may be made to, when an integration is made or changed.
pub(super) fn check_url(field: &'static str, url: &str, reach: Reach) -> Result<(), Error> {
    outbound::url(url, reach)
        .map(drop)
        .map_err(|why| Error::invalid(field, why))
}

/// The same when it is called: what may be reached can have changed since.
pub(super) fn target_url(engine: &Engine, url: &str) -> Result<outbound::Url, Trouble> {
    outbound::url(url, engine.outbound().reach())
        .map_err(|_| Trouble::lasting("Calls may not go to the target's address."))
}

/// That the target has taken it; a redirect is none.
pub(super) fn require_success(status: u16) -> Result<(), Trouble> {
    match status {
        200..300 => Ok(()),
        300..400 => Err(Trouble::passing(format!(
            "The target answered {status}, a redirect, and those are not followed."
        ))),
        _ => Err(Trouble::passing(format!("The target answered {status}."))),
    }
}
