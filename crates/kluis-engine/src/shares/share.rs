//! A share as it is stored and shown.

use std::net::IpAddr;

use kluis_crypto::Secret;

use super::principal;
use super::token::ShareToken;
use crate::act::Act;
use crate::caller::Credential;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{
    AgentId, ApiKeyId, OrganizationId, SecretId, SessionId, ShareId, UserId, VaultId,
};
use crate::policy::{Network, PolicyPrincipal};
use crate::secrets::SecretInfo;
use crate::store::sql::shares as sql;
use crate::store::{Conn, Failure, Row, params, unexpected};
use crate::users::email_address;

/// A share to make.
pub struct NewShare {
    /// Whom it is for.
    pub recipient: Recipient,
    /// From then on it opens nothing; lies in the future.
    pub expires_at: Timestamp,
    /// How often it can be opened; as often as one likes when `None`.
    pub max_access_count: Option<u32>,
    /// What whoever opens it must know, too; 1–1024 bytes.
    pub passphrase: Option<Secret>,
    /// Addresses and networks that it can be opened from; any when empty.
    pub networks: Vec<String>,
}

/// Whom a share is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// An agent of the organization.
    Agent(AgentId),
    /// Whoever has the link.
    AnyoneWithLink,
    /// The user who is responsible for the agent that makes the share.
    Creator,
    /// Whoever has the link; this address is where its maker sends it.
    ExternalEmail(String),
    /// A user of the organization.
    User(UserId),
}

/// A share.
#[derive(Clone, Debug)]
pub struct Share {
    /// The id that opens it.
    pub token: ShareToken,
    /// Path of the secret.
    pub secret_path: String,
    /// Whom it is for.
    pub recipient: Recipient,
    /// How often it was opened.
    pub access_count: u32,
    /// How often it can be opened; as often as one likes when `None`.
    pub max_access_count: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it opens nothing.
    pub expires_at: Timestamp,
    /// Whether that has passed.
    pub expired: bool,
    /// Whether the one that it is for has accepted it.
    pub accepted: bool,
}

/// Which shares to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharesOf {
    /// Those that the caller made.
    Maker,
    /// Those that are for the caller.
    Recipient,
}

/// A share as it is stored.
#[derive(Clone)]
pub(super) struct ShareRow {
    pub(super) id: ShareId,
    pub(super) organization: OrganizationId,
    pub(super) secret: SecretId,
    pub(super) vault: VaultId,
    pub(super) path: String,
    pub(super) maker: PolicyPrincipal,
    pub(super) maker_id: [u8; 16],
    maker_logged_in: bool,
    recipient_type: String,
    pub(super) recipient_id: Option<[u8; 16]>,
    recipient_email: Option<String>,
    pub(super) passphrase_hash: Option<String>,
    networks: Vec<String>,
    access_count: u32,
    max_access_count: Option<u32>,
    accepted_at: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
    created_at: Timestamp,
}

const MOST_NETWORKS: usize = 100;
const LONGEST_PASSPHRASE: usize = 1_024;

impl NewShare {
    /// Whether it can be made, as far as the request alone tells.
    pub(super) fn check(&mut self, now: Timestamp) -> Result<(), Error> {
        if self.expires_at <= now {
            return Err(Error::invalid("expires_at", "must lie in the future"));
        }
        if self.networks.len() > MOST_NETWORKS {
            return Err(Error::invalid(
                "ip_allowlist",
                "must have at most 100 entries",
            ));
        }
        if self
            .networks
            .iter()
            .any(|text| Network::parse(text).is_none())
        {
            let why = "must hold IP addresses and networks such as 10.0.0.0/8";
            return Err(Error::invalid("ip_allowlist", why));
        }
        if let Recipient::ExternalEmail(address) = &mut self.recipient {
            *address = email_address(address)?;
        }
        match &self.passphrase {
            Some(passphrase) if !(1..=LONGEST_PASSPHRASE).contains(&passphrase.len()) => {
                Err(Error::invalid("passphrase", "must have 1 to 1024 bytes"))
            }
            _ => Ok(()),
        }
    }
}

impl Recipient {
    /// The word for it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::AnyoneWithLink => "anyone_with_link",
            Self::Creator => "creator",
            Self::ExternalEmail(_) => "external_email",
            Self::User(_) => "user",
        }
    }
}

impl ShareRow {
    pub(super) fn new(
        id: ShareId,
        secret: SecretInfo,
        act: &Act,
        recipient_id: Option<[u8; 16]>,
        passphrase_hash: Option<String>,
        new: NewShare,
    ) -> Self {
        let (_, maker_id) = principal(&act.caller);
        Self {
            id,
            organization: act.caller.organization,
            secret: secret.id,
            vault: secret.vault,
            path: secret.path,
            maker: PolicyPrincipal::of(&act.caller),
            maker_id,
            maker_logged_in: matches!(act.caller.credential, Credential::Session(_)),
            recipient_type: new.recipient.kind().to_owned(),
            recipient_id,
            recipient_email: match new.recipient {
                Recipient::ExternalEmail(address) => Some(address),
                _ => None,
            },
            passphrase_hash,
            networks: new.networks,
            access_count: 0,
            max_access_count: new.max_access_count,
            accepted_at: None,
            expires_at: new.expires_at,
            created_at: act.now,
        }
    }

    pub(super) async fn insert(&self, conn: &mut Conn, digest: &[u8; 32]) -> Result<(), Error> {
        let networks = serde_json::to_string(&self.networks)
            .map_err(|cause| Error::internal(cause.to_string()))?;
        conn.execute(
            sql::INSERT,
            params![
                self.id.bytes(),
                self.organization.bytes(),
                digest,
                self.secret.bytes(),
                self.maker.kind(),
                &self.maker_id,
                self.maker_logged_in,
                &self.recipient_type,
                self.recipient_id.as_ref(),
                self.recipient_email.as_ref(),
                self.passphrase_hash.as_ref(),
                &networks,
                self.max_access_count,
                self.expires_at,
                self.created_at
            ],
        )
        .await?;
        Ok(())
    }

    pub(super) fn from_row(mut row: Row) -> Result<Self, Failure> {
        let id = ShareId::from_bytes(row.array()?);
        let organization = OrganizationId::from_bytes(row.array()?);
        let secret = SecretId::from_bytes(row.array()?);
        let vault = VaultId::from_bytes(row.array()?);
        let path = row.text()?;
        let (maker_type, maker_id) = (row.text()?, row.array()?);
        Ok(Self {
            id,
            organization,
            secret,
            vault,
            path,
            maker: PolicyPrincipal::from_stored(&maker_type, maker_id).ok_or_else(unexpected)?,
            maker_id,
            maker_logged_in: row.flag()?,
            recipient_type: row.text()?,
            recipient_id: row.optional_array()?,
            recipient_email: row.optional_text()?,
            passphrase_hash: row.optional_text()?,
            networks: row.json()?,
            max_access_count: row.optional_number()?,
            access_count: row.number()?,
            accepted_at: row.optional_time()?,
            expires_at: row.time()?,
            created_at: row.time()?,
        })
    }

    pub(super) fn shown(self, token: ShareToken, now: Timestamp) -> Result<Share, Error> {
        let id = self.recipient_id;
        let recipient = match (self.recipient_type.as_str(), id, self.recipient_email) {
            ("agent", Some(id), _) => Recipient::Agent(AgentId::from_bytes(id)),
            ("anyone_with_link", _, _) => Recipient::AnyoneWithLink,
            ("creator", _, _) => Recipient::Creator,
            ("external_email", _, Some(address)) => Recipient::ExternalEmail(address),
            ("user", Some(id), _) => Recipient::User(UserId::from_bytes(id)),
            _ => return Err(Error::internal("a stored share has no recipient")),
        };
        Ok(Share {
            token,
            secret_path: self.path,
            recipient,
            access_count: self.access_count,
            max_access_count: self.max_access_count,
            created_at: self.created_at,
            expires_at: self.expires_at,
            expired: self.expires_at <= now,
            accepted: self.accepted_at.is_some(),
        })
    }

    /// A credential like the one that its maker had, for conditions of policies.
    pub(super) fn credential(&self) -> Credential {
        let id = *self.id.bytes();
        if self.maker_logged_in {
            Credential::Session(SessionId::from_bytes(id))
        } else {
            Credential::ApiKey(ApiKeyId::from_bytes(id))
        }
    }

    /// Whether it is for one principal, who must have accepted it.
    pub(super) fn is_targeted(&self) -> bool {
        self.recipient_id.is_some()
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.accepted_at.is_some()
    }

    /// Whether it was opened as often as it can be.
    pub(super) fn is_used_up(&self) -> bool {
        self.max_access_count
            .is_some_and(|most| self.access_count >= most)
    }

    /// How often it can be opened; as often as one likes when `None`.
    pub(super) fn max_access_count(&self) -> Option<u32> {
        self.max_access_count
    }

    /// Whether it can be opened from `address`; an unknown one is on no list.
    pub(super) fn admits(&self, address: Option<IpAddr>) -> bool {
        self.networks.is_empty()
            || address.is_some_and(|address| {
                let mut networks = self.networks.iter().filter_map(|text| Network::parse(text));
                networks.any(|network| network.contains(address))
            })
    }
}
