//! Identifiers: one type per kind of thing, all `UUIDv7` inside (DESIGN §1).
//!
//! The prefixed spellings (`vlt_…`, `resource_…`) belong to the dialects; the engine knows the 16 bytes, and how
//! their base-62 form is written.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::Error;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new id; ids of later milliseconds sort after it.
            pub fn generate(now: Timestamp) -> Result<Self, Error> {
                Ok(Self(generate(now)?))
            }

            /// The id with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The id that this text spells as a UUID, in any of its forms.
            pub fn from_uuid_text(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(|uuid| Self(uuid.into_bytes()))
            }

            /// The 16 bytes.
            pub const fn bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The id as a UUID.
            pub const fn uuid(&self) -> Uuid {
                Uuid::from_bytes(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.uuid().as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

ids! {
    /// A program that acts on its own, registered by a user.
    AgentId;
    /// An API key.
    ApiKeyId;
    /// A group of database servers.
    ClusterId;
    /// A log-in of a device that waits for a person.
    DeviceLoginId;
    /// An agent that asks to be registered.
    EnrollmentId;
    /// An environment variable of a vault.
    EnvVarId;
    /// An environment that variables of a vault are in.
    EnvironmentId;
    /// An entry of the record.
    EventId;
    /// A honeytoken: a path whose reading is told.
    HoneytokenId;
    /// An integration: where secrets of an organization are sent.
    IntegrationId;
    /// One run of an integration.
    IntegrationRunId;
    /// A change of a vault that integrations follow.
    IntegrationChangeId;
    /// Something about credentials that deserves a look.
    InsightId;
    /// A rule about addresses.
    IpRuleId;
    /// A job.
    JobId;
    /// A user of a database server that lives for a while.
    LeaseId;
    /// An organization: the border that nothing crosses.
    OrganizationId;
    /// A password that is being changed on a database server.
    PasswordChangeId;
    /// A policy on a vault.
    PolicyId;
    /// A request, as the access log and the record name it.
    RequestId;
    /// A secret; one for all its versions and all dialects.
    SecretId;
    /// A log-in session.
    SessionId;
    /// A share of a secret, as the record names it; whoever opens it knows a [`crate::ShareToken`].
    ShareId;
    /// A key pair that an organization has values sealed for.
    TransportKeyId;
    /// A user of one organization.
    UserId;
    /// A vault.
    VaultId;
    /// A delivery to a webhook.
    WebhookDeliveryId;
    /// A webhook: where an organization is told of what happens.
    WebhookId;
    /// A rule that lets an agent read a zero-knowledge item.
    ZkAccessId;
    /// An item of a zero-knowledge vault, as its client names it.
    ZkItemId;
    /// A key of a zero-knowledge vault, as its client names it.
    ZkKeyId;
    /// A row of a key or an item of a zero-knowledge vault: clients choose ids, and only these tell everything apart.
    ZkRowId;
    /// A zero-knowledge vault.
    ZkVaultId;
}

/// The 16 bytes of an id as 22 base-62 characters: what follows the prefix in a prefixed spelling (DESIGN §1).
pub fn to_base62(bytes: &[u8; 16]) -> String {
    kluis_crypto::base62::encode_16(bytes)
}

/// The 16 bytes that [`to_base62`] wrote as `text`; nothing for any other text.
pub fn from_base62(text: &str) -> Option<[u8; 16]> {
    kluis_crypto::base62::decode_16(text)
}

/// `UUIDv7` (RFC 9562 §5.7): 48 bits of milliseconds, 12 bits that count within one (its method 1), 62 random bits. So
/// what one process makes one after the other sorts so, within a millisecond too.
fn generate(now: Timestamp) -> Result<[u8; 16], Error> {
    static LAST: Mutex<(u64, u16)> = Mutex::new((0, 0));
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let count = {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            (same, count) if same == millis => (millis, MOST_COUNTED.min(count + 1)),
            _ => (millis, 0),
        };
        last.1
    };
    let mut bytes = drawn()?;
    if let Some(first) = bytes.first_chunk_mut() {
        *first = count.to_be_bytes();
    }
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &bytes)
        .into_uuid()
        .into_bytes())
}

/// Random bytes for one id. A thread draws them for many at once, since a draw costs as much for one: an id tells things
/// apart, and nothing rests on its being secret.
fn drawn() -> Result<[u8; 10], Error> {
    const MANY: usize = 64;
    thread_local! {
        static DRAWN: RefCell<Vec<[u8; 10]>> = const { RefCell::new(Vec::new()) };
    }
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.is_empty() {
            let bytes: [u8; 10 * MANY] = kluis_crypto::random::array()?;
            drawn.extend(bytes.as_chunks().0);
        }
        drawn
            .pop()
            .ok_or_else(|| Error::internal("no random bytes"))
    })
}

/// What 12 bits hold; further ids of the same millisecond are in no order.
const MOST_COUNTED: u16 = 0xfff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_sort_as_they_were_made() {
        let now = Timestamp::from_millis(1_700_000_000_123);
        let ids: Vec<EventId> = (0..1_000)
            .map(|_| EventId::generate(now).unwrap())
            .collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids.iter().all(|id| id.uuid().get_version_num() == 7));
        let later = EventId::generate(Timestamp::from_millis(1_700_000_000_124)).unwrap();
        assert!(ids.iter().all(|id| *id < later));
    }
}
