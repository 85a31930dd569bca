//! The secret that a webhook's deliveries are signed with (contract B7).

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::hash::hex;
use kluis_crypto::mac::MacKey;
use kluis_crypto::{Secret, random};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::WebhookId;
use crate::keys::OrganizationKeys;
use crate::store::{Failure, Row};

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How long a secret that was replaced signs too.
pub(super) const OVERLAP: Duration = Duration::from_hours(24);
/// A webhook's secret, sealed beside it.
pub(crate) const WEBHOOK_SECRET: &str = "webhook";
/// The one before it.
pub(crate) const FORMER_WEBHOOK_SECRET: &str = "former webhook";

/// A new secret: the prefix and 32 random bytes in base64.
pub(crate) fn secret_new() -> Result<Secret, Error> {
    let bytes = Zeroizing::new(random::array::<32>()?);
    let mut text = Zeroizing::new(String::from(PREFIX));
    BASE64_STANDARD.encode_string(bytes.as_slice(), &mut text);
    Ok(Secret::from_text(std::mem::take(&mut *text)))
}

/// The secrets of a webhook as they are stored.
pub(super) struct SealedSecrets {
    current: (u32, Vec<u8>),
    former: Option<(Timestamp, u32, Vec<u8>)>,
}

impl SealedSecrets {
    /// From five columns: the current one, then when the former ends, and that.
    pub(super) fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        let current = (row.number()?, row.blob()?);
        let (until, version, sealed) = (
            row.optional_time()?,
            row.optional_number()?,
            row.optional_blob()?,
        );
        let former = until.zip(version).zip(sealed);
        Ok(Self {
            current,
            former: former.map(|((until, version), sealed)| (until, version, sealed)),
        })
    }

    /// The current secret.
    pub(super) fn current(
        &self,
        keys: &OrganizationKeys,
        webhook: WebhookId,
    ) -> Result<Secret, Error> {
        let (version, sealed) = &self.current;
        keys.open_field(WEBHOOK_SECRET, webhook.bytes(), *version, sealed)
    }

    /// The version of the newest key that it takes to open them.
    pub(super) fn key_version(&self) -> u32 {
        let former = self.former.as_ref().map_or(0, |(_, version, _)| *version);
        self.current.0.max(former)
    }

    /// What signs at `now`: HMAC-SHA256, in hexadecimal, of `t`, a dot and the body, under each secret that holds.
    pub(super) fn sign(
        &self,
        keys: &OrganizationKeys,
        webhook: WebhookId,
        now: Timestamp,
        body: &str,
    ) -> Result<Vec<String>, Error> {
        let mut secrets = vec![self.current(keys, webhook)?];
        if let Some((until, version, sealed)) = &self.former
            && *until > now
        {
            let kind = FORMER_WEBHOOK_SECRET;
            secrets.push(keys.open_field(kind, webhook.bytes(), *version, sealed)?);
        }
        let signatures = secrets.iter().map(|secret| signed(secret, now, body));
        Ok(signatures.collect())
    }
}

/// What signs at `now` under one secret.
pub(crate) fn signed(secret: &Secret, now: Timestamp, body: &str) -> String {
    let seconds = now.seconds().to_string();
    let parts: [&[u8]; 3] = [seconds.as_bytes(), b".", body.as_bytes()];
    hex(&MacKey::new(secret.expose()).tag(&parts))
}
