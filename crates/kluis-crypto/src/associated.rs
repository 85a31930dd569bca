//! Associated data: what a sealed text is bound to (DESIGN §4).
//!
//! A sealed text opens only in the role and at the place it was sealed for. Both are written down canonically:
//!
//! ```text
//! role label, length first ‖ format byte ‖ the fields of that role, in order
//! ```
//!
//! Numbers are big-endian, ids are 16 bytes, labels carry their length in front: two different places never have the same
//! encoding. All of it fits on the stack.

use crate::Error;
use crate::envelope::FORMAT;

/// Where the value of one version of a secret is kept. A value sealed for one address opens at no other.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Address {
    /// The organization's id.
    pub organization: [u8; 16],
    /// The vault's id.
    pub vault: [u8; 16],
    /// The secret's id, the same for all its versions.
    pub secret: [u8; 16],
    /// The version's number, from 1.
    pub version: u32,
}

/// Where a sealed field outside a secret's value is kept: notes, a webhook's signing secret, a cluster's password.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FieldAddress {
    /// The organization's id.
    pub organization: [u8; 16],
    /// What is sealed, such as `secret.notes`: 1 to 64 bytes, one spelling for each use.
    pub kind: &'static str,
    /// The id of what the field belongs to.
    pub owner: [u8; 16],
}

/// What a sealed text is for. Each role has its own label, so that a wrapped key never opens as a value.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    DataKey,
    Field,
    OrganizationKey,
    RootKey,
    ServerKey,
    Value,
}

impl Role {
    fn label(self) -> &'static str {
        match self {
            Self::DataKey => "kluis data key",
            Self::Field => "kluis field",
            Self::OrganizationKey => "kluis organization key",
            Self::RootKey => "kluis root key",
            Self::ServerKey => "kluis server key",
            Self::Value => "kluis value",
        }
    }
}

/// The encoded role and place of one sealed text.
pub(crate) struct AssociatedData {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl AssociatedData {
    pub(crate) fn root_key(version: u32) -> Result<Self, Error> {
        Self::new(Role::RootKey)?.number(version)
    }

    pub(crate) fn organization_key(organization: &[u8; 16], version: u32) -> Result<Self, Error> {
        Self::new(Role::OrganizationKey)?
            .id(organization)?
            .number(version)
    }

    pub(crate) fn server_key(purpose: &str, version: u32) -> Result<Self, Error> {
        Self::new(Role::ServerKey)?.label(purpose)?.number(version)
    }

    pub(crate) fn data_key(address: &Address) -> Result<Self, Error> {
        Self::new(Role::DataKey)?.address(address)
    }

    pub(crate) fn value(address: &Address) -> Result<Self, Error> {
        Self::new(Role::Value)?.address(address)
    }

    pub(crate) fn field(address: &FieldAddress) -> Result<Self, Error> {
        Self::new(Role::Field)?
            .id(&address.organization)?
            .label(address.kind)?
            .id(&address.owner)
    }

    fn new(role: Role) -> Result<Self, Error> {
        Self {
            bytes: [0; CAPACITY],
            length: 0,
        }
        .label(role.label())?
        .append(&[FORMAT])
    }

    fn address(self, address: &Address) -> Result<Self, Error> {
        self.id(&address.organization)?
            .id(&address.vault)?
            .id(&address.secret)?
            .number(address.version)
    }

    fn id(self, id: &[u8; 16]) -> Result<Self, Error> {
        self.append(id)
    }

    fn number(self, number: u32) -> Result<Self, Error> {
        self.append(&number.to_be_bytes())
    }

    fn label(self, label: &str) -> Result<Self, Error> {
        if label.is_empty() || label.len() > LABEL_LENGTH {
            return Err(Error::Encoding);
        }
        let length = u8::try_from(label.len()).map_err(|_| Error::Encoding)?;
        self.append(&[length])?.append(label.as_bytes())
    }

    fn append(mut self, field: &[u8]) -> Result<Self, Error> {
        let end = self.length.saturating_add(field.len());
        self.bytes
            .get_mut(self.length..end)
            .ok_or(Error::Encoding)?
            .copy_from_slice(field);
        self.length = end;
        Ok(self)
    }
}

impl AsRef<[u8]> for AssociatedData {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The longest label that a caller may give, in bytes.
const LABEL_LENGTH: usize = 64;

/// Room for the longest encoding: a field with a label of full length takes 110 bytes.
const CAPACITY: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl AssociatedData {
        /// Associated data as a published test vector gives it.
        pub(crate) fn verbatim(bytes: &[u8]) -> Self {
            Self {
                bytes: [0; CAPACITY],
                length: 0,
            }
            .append(bytes)
            .unwrap()
        }
    }

    /// Any role at any place, as its arguments.
    #[derive(Clone, Debug, PartialEq)]
    enum Place {
        DataKey(Address),
        Field([u8; 16], &'static str, [u8; 16]),
        OrganizationKey([u8; 16], u32),
        RootKey(u32),
        ServerKey(&'static str, u32),
        Value(Address),
    }

    impl Place {
        fn encode(&self) -> Vec<u8> {
            match self {
                Self::DataKey(address) => AssociatedData::data_key(address),
                Self::Field(organization, kind, owner) => AssociatedData::field(&FieldAddress {
                    organization: *organization,
                    kind,
                    owner: *owner,
                }),
                Self::OrganizationKey(organization, version) => {
                    AssociatedData::organization_key(organization, *version)
                }
                Self::RootKey(version) => AssociatedData::root_key(*version),
                Self::ServerKey(purpose, version) => AssociatedData::server_key(purpose, *version),
                Self::Value(address) => AssociatedData::value(address),
            }
            .unwrap()
            .as_ref()
            .to_vec()
        }
    }

    /// Few ids, numbers and labels, and those alike, so that two places are often nearly or quite the same.
    fn places() -> impl Strategy<Value = Place> {
        let id = || {
            prop_oneof![
                Just([0; 16]),
                Just([1; 16]),
                Just([b'a'; 16]),
                any::<[u8; 16]>()
            ]
        };
        let number = || prop_oneof![Just(0), Just(1), Just(0x6161_6161), any::<u32>()];
        let label = || {
            prop_oneof![
                Just("a"),
                Just("aa"),
                Just("\u{1}a"),
                Just("aaaaaaaaaaaaaaaaa")
            ]
        };
        let address = || {
            (id(), id(), id(), number()).prop_map(|(organization, vault, secret, version)| {
                Address {
                    organization,
                    vault,
                    secret,
                    version,
                }
            })
        };
        prop_oneof![
            address().prop_map(Place::DataKey),
            (id(), label(), id()).prop_map(|(a, b, c)| Place::Field(a, b, c)),
            (id(), number()).prop_map(|(a, b)| Place::OrganizationKey(a, b)),
            number().prop_map(Place::RootKey),
            (label(), number()).prop_map(|(a, b)| Place::ServerKey(a, b)),
            address().prop_map(Place::Value),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn two_places_have_the_same_encoding_only_if_they_are_the_same(a in places(), b in places()) {
            prop_assert_eq!(a.encode() == b.encode(), a == b);
        }

        #[test]
        fn no_encoding_is_the_beginning_of_another(a in places(), b in places()) {
            prop_assert!(a == b || !b.encode().starts_with(&a.encode()));
        }
    }

    #[test]
    fn an_encoding_is_label_format_and_fields() {
        assert_eq!(
            Place::ServerKey("tokens", 258).encode(),
            b"\x10kluis server key\x01\x06tokens\x00\x00\x01\x02",
        );
    }

    #[test]
    fn labels_have_1_to_64_bytes() {
        let longest = "x".repeat(64);
        assert!(AssociatedData::server_key(&longest, 1).is_ok());
        for label in ["", &"x".repeat(65), &"é".repeat(33)] {
            let refused = AssociatedData::server_key(label, 1).err();
            assert_eq!(refused, Some(Error::Encoding), "{label:?}");
        }
        // The longest encoding of all fits.
        let field = FieldAddress {
            organization: [0; 16],
            kind: longest.leak(),
            owner: [0; 16],
        };
        assert_eq!(AssociatedData::field(&field).unwrap().as_ref().len(), 110);
    }
}
