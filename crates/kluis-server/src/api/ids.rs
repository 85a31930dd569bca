//! Ids on the wire: each kind's UUID and prefixed spellings, in all APIs alike (DESIGN §1).

use std::fmt;
use std::marker::PhantomData;

use kluis_engine::{
    AgentId, ApiKeyId, ClusterId, EnrollmentId, EventId, HoneytokenId, InsightId, IntegrationId,
    IpRuleId, JobId, LeaseId, OrganizationId, PolicyId, SecretId, UserId, VaultId,
    WebhookDeliveryId, WebhookId, from_base62, to_base62,
};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A kind of id: the prefixes that it is spelled with.
pub(crate) trait Kind: Sized {
    /// Every prefix, of whatever dialect.
    const PREFIXES: &'static [&'static str];

    /// The id with these bytes.
    fn of(bytes: [u8; 16]) -> Self;

    /// The id that `text` spells as a UUID.
    fn of_uuid(text: &str) -> Option<Self>;

    /// The id that `text` spells; for a text that spells none, the nil UUID, which no thing has.
    fn named(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|| Self::of(NIL))
    }

    /// The id that `text` spells, as a UUID or with one of the prefixes.
    fn parse(text: &str) -> Option<Self> {
        if text.len() == UUID_LENGTH {
            return Self::of_uuid(text);
        }
        let spelled = Self::PREFIXES
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))?;
        from_base62(spelled).map(Self::of)
    }
}

/// An id in a path. Text that spells none names nothing, like an id that was never given: the nil UUID, which no thing
/// has. So it is refused when and how an absent one is.
#[derive(Debug)]
pub(crate) struct Id<K>(pub(crate) K);

/// The prefixed spelling of an id.
pub(crate) fn prefixed(prefix: &str, bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(prefix.len() + BASE62_LENGTH);
    text.push_str(prefix);
    text.push_str(&to_base62(bytes));
    text
}

/// The id that `text` spells, of whatever kind: a UUID, or any prefix and the id. The nil UUID for a text that spells none.
pub(crate) fn any_id(text: &str) -> [u8; 16] {
    if text.len() == UUID_LENGTH {
        let uuid = EventId::from_uuid_text(text);
        return uuid.map_or(NIL, |id| *id.bytes());
    }
    let spelled = text.rsplit_once('_');
    spelled.and_then(|(_, id)| from_base62(id)).unwrap_or(NIL)
}

macro_rules! kinds {
    ($($kind:ident: $($prefix:literal),*;)*) => {$(
        impl Kind for $kind {
            const PREFIXES: &'static [&'static str] = &[$($prefix),*];

            fn of(bytes: [u8; 16]) -> Self {
                Self::from_bytes(bytes)
            }

            fn of_uuid(text: &str) -> Option<Self> {
                Self::from_uuid_text(text)
            }
        }
    )*};
}

kinds! {
    AgentId: "agent_";
    ApiKeyId: "key_";
    ClusterId: "cluster_";
    EnrollmentId: "enrollment_";
    HoneytokenId:;
    InsightId: "insight_";
    IntegrationId: "integration_";
    IpRuleId:;
    JobId: "job_";
    LeaseId: "lease_";
    OrganizationId:;
    PolicyId: "policy_";
    SecretId: "sec_", "resource_";
    UserId: "usr_", "user_";
    VaultId: "vlt_", "collection_";
    WebhookDeliveryId: "delivery_";
    WebhookId: "webhook_";
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelled<K>(PhantomData<K>);

        impl<K: Kind> Visitor<'_> for Spelled<K> {
            type Value = Id<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Id<K>, E> {
                Ok(Id(K::named(text)))
            }
        }

        deserializer.deserialize_str(Spelled(PhantomData))
    }
}

const UUID_LENGTH: usize = 36;
const BASE62_LENGTH: usize = 22;
const NIL: [u8; 16] = [0; 16];

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 16] = *b"\x01\x9a\xa5\x12\x34\x56\x70\x01\x80\x02\x03\x04\x05\x06\x07\xff";

    #[test]
    fn every_spelling_of_a_kind_names_the_same_thing() {
        let id = SecretId::from_bytes(BYTES);
        for spelled in [
            id.to_string(),
            id.to_string().to_uppercase(),
            prefixed("sec_", &BYTES),
            prefixed("resource_", &BYTES),
        ] {
            assert_eq!(SecretId::parse(&spelled), Some(id), "{spelled}");
        }
    }

    /// NT-12, NT-18
    #[test]
    fn other_kinds_and_other_texts_name_nothing() {
        let base62 = to_base62(&BYTES);
        let uuid = SecretId::from_bytes(BYTES).to_string();
        for text in [
            String::new(),
            base62.clone(),
            prefixed("vlt_", &BYTES),
            prefixed("Sec_", &BYTES),
            format!("sec_{base62}0"),
            format!("sec_0{base62}"),
            format!("sec_{}", base62.replace(char::is_alphabetic, "-")),
            "sec_zzzzzzzzzzzzzzzzzzzzzz".to_owned(),
            "sec_".to_owned(),
            uuid.replace('-', ""),
            format!("{{{uuid}}}"),
            format!("urn:uuid:{uuid}"),
            format!(" {uuid}"),
            "sec_4aB7cD".to_owned(),
        ] {
            assert_eq!(SecretId::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn a_prefixed_id_is_its_prefix_and_22_characters() {
        assert_eq!(prefixed("vlt_", &[0; 16]), "vlt_0000000000000000000000");
        assert_eq!(prefixed("vlt_", &[0xff; 16]).len(), 26);
    }
}
