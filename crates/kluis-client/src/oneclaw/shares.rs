//! Shares: a secret for somebody without a policy.

use serde::{Deserialize, Serialize};

use super::OneClaw;
use crate::http::Call;
use crate::{Error, SecretText};

impl OneClaw<'_> {
    /// Shares a secret, by its id.
    pub async fn share_create(self, secret: &str, share: &NewShare<'_>) -> Result<Share, Error> {
        let segments = ["v1", "secrets", secret, "share"];
        self.0.call(Call::post(&segments).json(share)?).await
    }

    /// The shares that the caller made, oldest first.
    pub async fn shares_made(self) -> Result<Vec<ShareListed>, Error> {
        self.shares("outbound").await
    }

    /// The shares that are for the caller, oldest first.
    pub async fn shares_received(self) -> Result<Vec<ShareListed>, Error> {
        self.shares("inbound").await
    }

    async fn shares(self, which: &str) -> Result<Vec<ShareListed>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            shares: Vec<ShareListed>,
        }
        let answer: Answer = self.0.call(Call::get(&["v1", "shares", which])).await?;
        Ok(answer.shares)
    }

    /// Opens a share, which uses up one of its openings.
    pub async fn share_open(
        self,
        share: &str,
        passphrase: Option<&str>,
    ) -> Result<SharedSecret, Error> {
        #[derive(Serialize)]
        struct Passphrase<'a> {
            passphrase: &'a str,
        }
        let segments = ["v1", "share", share];
        let call = match passphrase {
            Some(passphrase) => Call::get(&segments).json(&Passphrase { passphrase })?,
            None => Call::get(&segments),
        };
        self.0.call(call).await
    }

    /// Ends a share, for whoever made it.
    pub async fn share_revoke(self, share: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["v1", "share", share]))
            .await
    }

    /// Accepts a share that is for the caller.
    pub async fn share_accept(self, share: &str) -> Result<(), Error> {
        let segments = ["v1", "shares", share, "accept"];
        self.0.call_unit(Call::post(&segments)).await
    }

    /// Declines a share that is for the caller, which ends it.
    pub async fn share_decline(self, share: &str) -> Result<(), Error> {
        let segments = ["v1", "shares", share, "decline"];
        self.0.call_unit(Call::post(&segments)).await
    }
}

/// What a new share is made of. Has no `Debug`.
#[derive(Clone, Copy, Default, Serialize)]
pub struct NewShare<'a> {
    /// `anyone_with_link`, `user`, `agent`, `external_email` or `creator`.
    pub recipient_type: &'a str,
    /// Id of the user or agent that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_id: Option<&'a str>,
    /// The address that it is meant for; nothing is sent there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    /// RFC 3339: from then on it opens nothing.
    pub expires_at: &'a str,
    /// How often it can be opened; as often as one likes unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_access_count: Option<u32>,
    /// What whoever opens it must know, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<&'a str>,
    /// Addresses and networks that it can be opened from; any unless given.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub ip_allowlist: &'a [String],
}

/// A share that was made. Has no `Debug`: a link opens what it shares.
#[derive(Clone, Deserialize)]
pub struct Share {
    /// UUID, which is what opens it.
    pub id: String,
    /// The link.
    pub share_url: String,
    /// As in [`NewShare`].
    pub recipient_type: String,
    /// RFC 3339, UTC.
    pub expires_at: String,
    /// 0 for no limit.
    #[serde(default)]
    pub max_access_count: u64,
}

/// A share in a list. Has no `Debug`: its id opens what it shares.
#[derive(Clone, Deserialize)]
pub struct ShareListed {
    /// UUID, which is what opens it.
    pub id: String,
    /// Path of the secret.
    pub secret_path: String,
    /// As in [`NewShare`].
    pub recipient_type: String,
    /// The address that it is meant for.
    #[serde(default)]
    pub recipient_email: Option<String>,
    /// How often it was opened.
    pub access_count: u64,
    /// 0 for no limit.
    #[serde(default)]
    pub max_access_count: u64,
    /// RFC 3339, UTC.
    pub expires_at: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// Whether its time is over.
    #[serde(default)]
    pub is_expired: bool,
    /// Whether the one that it is for has accepted it.
    #[serde(default)]
    pub is_accepted: bool,
}

/// A secret that was read through a share. Has no `Debug`.
#[derive(Deserialize)]
pub struct SharedSecret {
    /// Path of the secret.
    pub path: String,
    /// A word such as `api_key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value.
    pub value: SecretText,
    /// How often the share was opened, this time included.
    pub access_count: u64,
    /// 0 for no limit.
    #[serde(default)]
    pub max_access_count: u64,
}
