//! Shares (contract §10).

use kluis_engine::{
    AgentId, Error, NewShare, Recipient, Secret, Share as Made, ShareToken, SharedSecret as Opened,
    UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::instant;
use super::secret::shown_type;
use crate::api::given::Given;
use crate::api::ids::Kind;
use crate::api::revealed::Revealed;

/// A share to make.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ShareCreate {
    /// `anyone_with_link`, `user`, `agent`, `external_email`, or `creator`: whoever is responsible for the agent that asks.
    #[schema(examples("anyone_with_link"))]
    recipient_type: String,
    /// Id of the user or agent that it is for.
    recipient_id: Option<String>,
    /// Where the link will be sent to, for `external_email`; the server sends nothing.
    #[schema(examples("someone@example.com"))]
    email: Option<String>,
    /// The same as `email`.
    recipient_email: Option<String>,
    /// From then on (ISO 8601) it opens nothing.
    #[schema(examples("2027-01-01T00:00:00Z"))]
    expires_at: String,
    /// How often it can be opened, 0 for as often as one likes.
    max_access_count: Option<u32>,
    /// What whoever opens it must know, too.
    #[schema(value_type = Option<String>)]
    passphrase: Option<Given>,
    /// Addresses and networks that it can be opened from.
    #[schema(examples(json!(["10.0.0.0/8"])))]
    ip_allowlist: Option<Vec<String>>,
    /// `read` is all that a share can give.
    permissions: Option<Vec<String>>,
}

/// What opens a share beside its id.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Passphrase {
    #[schema(value_type = Option<String>)]
    passphrase: Option<Given>,
}

/// A share that was made.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Share {
    /// Whoever has it may open a share that is for anyone.
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("https://kluis.example.org/v1/share/6f9f8a52-9a3c-4d6e-8f5b-0d9d3f0f3c11"))]
    #[serde(rename = "share_url")]
    url: String,
    #[schema(examples("anyone_with_link"))]
    recipient_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_email: Option<String>,
    expires_at: String,
    /// 0 for as often as one likes.
    max_access_count: u32,
}

/// Shares, oldest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Shares {
    shares: Vec<Item>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
struct Item {
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("db/main/password"))]
    secret_path: String,
    #[schema(examples("user"))]
    recipient_type: &'static str,
    recipient_email: Option<String>,
    /// How often it was opened.
    access_count: u32,
    /// 0 for as often as one likes.
    max_access_count: u32,
    expires_at: String,
    created_at: String,
    is_expired: bool,
    /// Whether the user or agent that it is for has accepted it.
    is_accepted: bool,
}

/// A secret that was read through a share.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct SharedSecret {
    /// Id of the share.
    #[schema(format = "uuid")]
    id: String,
    #[schema(examples("db/main/password"))]
    path: String,
    #[serde(rename = "type")]
    #[schema(examples("password"))]
    kind: String,
    #[schema(value_type = String)]
    value: Revealed,
    /// How often the share was opened, this time included.
    access_count: u32,
    /// 0 for as often as one likes.
    max_access_count: u32,
}

impl Passphrase {
    /// The passphrase, if there is one.
    pub(in super::super) fn into_secret(self) -> Option<Secret> {
        self.passphrase.map(Given::into_secret)
    }
}

impl Share {
    /// A share as it is shown to whoever made it.
    pub(in super::super) fn at(public_url: &str, share: Made) -> Self {
        let id = share.token.expose();
        Self {
            url: format!("{public_url}/v1/share/{id}"),
            recipient_type: share.recipient.kind(),
            recipient_email: email(share.recipient),
            expires_at: share.expires_at.rfc3339(),
            max_access_count: share.max_access_count.unwrap_or(0),
            id,
        }
    }
}

impl TryFrom<ShareCreate> for NewShare {
    type Error = Error;

    fn try_from(body: ShareCreate) -> Result<Self, Error> {
        if body
            .permissions
            .as_ref()
            .is_some_and(|words| *words != ["read"])
        {
            let why = "must be read and nothing else";
            return Err(Error::invalid("permissions", why));
        }
        // A list of nobody would let everybody in.
        if body.ip_allowlist.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::invalid("ip_allowlist", "must not be empty"));
        }
        Ok(Self {
            recipient: body.recipient()?,
            expires_at: instant("expires_at", &body.expires_at)?,
            max_access_count: body.max_access_count.filter(|most| *most > 0),
            passphrase: body.passphrase.map(Given::into_secret),
            networks: body.ip_allowlist.unwrap_or_default(),
        })
    }
}

impl ShareCreate {
    fn recipient(&self) -> Result<Recipient, Error> {
        let id = self.recipient_id.as_deref();
        let email = self.email.as_ref().or(self.recipient_email.as_ref());
        let recipient = match (self.recipient_type.as_str(), id) {
            ("agent", Some(id)) => Recipient::Agent(AgentId::named(id)),
            ("user", Some(id)) => Recipient::User(UserId::named(id)),
            ("agent" | "user", None) => return Err(Error::missing("recipient_id")),
            ("anyone_with_link", None) => Recipient::AnyoneWithLink,
            ("creator", None) => Recipient::Creator,
            ("external_email", None) => {
                let address = email.ok_or_else(|| Error::missing("email"))?;
                Recipient::ExternalEmail(address.clone())
            }
            // What is meant for one must not open for all.
            ("anyone_with_link" | "creator" | "external_email", Some(_)) => {
                let why = "is for recipients of the types user and agent";
                return Err(Error::invalid("recipient_id", why));
            }
            _ => {
                let why = "must be creator, user, agent, external_email or anyone_with_link";
                return Err(Error::invalid("recipient_type", why));
            }
        };
        Ok(recipient)
    }
}

impl From<Vec<Made>> for Shares {
    fn from(shares: Vec<Made>) -> Self {
        Self {
            shares: shares.into_iter().map(Item::from).collect(),
        }
    }
}

impl From<Made> for Item {
    fn from(share: Made) -> Self {
        Self {
            id: share.token.expose(),
            secret_path: share.secret_path,
            recipient_type: share.recipient.kind(),
            recipient_email: email(share.recipient),
            access_count: share.access_count,
            max_access_count: share.max_access_count.unwrap_or(0),
            expires_at: share.expires_at.rfc3339(),
            created_at: share.created_at.rfc3339(),
            is_expired: share.expired,
            is_accepted: share.accepted,
        }
    }
}

impl From<Opened> for SharedSecret {
    fn from(opened: Opened) -> Self {
        Self {
            id: opened.token.expose(),
            kind: shown_type(&opened.secret.info.kind).to_owned(),
            path: opened.secret.info.path,
            value: opened.secret.value.into(),
            access_count: opened.access_count,
            max_access_count: opened.max_access_count.unwrap_or(0),
        }
    }
}

/// The share that `text` names; `NotFound` when it is no id at all.
pub(in super::super) fn share_token(text: &str) -> Result<ShareToken, Error> {
    ShareToken::parse(text).ok_or(Error::NotFound)
}

fn email(recipient: Recipient) -> Option<String> {
    match recipient {
        Recipient::ExternalEmail(address) => Some(address),
        _ => None,
    }
}
