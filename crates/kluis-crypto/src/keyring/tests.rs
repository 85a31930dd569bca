//! Of the key chain: what each key opens, and what it never does.

use proptest::prelude::*;

use super::*;

/// The whole chain as release 1 writes it, computed by another implementation of the format (pyca/cryptography), not by this
/// crate: key bytes are 01…, 02…, 03…, 04… from the sealing key down, nonces 51…, 52…, and so on. Whatever no longer opens
/// these would no longer open what users have stored.
mod frozen {
    pub(super) const ROOT: &str = "01515151515151515151515151bc21750149c7859cdc73da06c63fd7795b18b9bff8f8d87b250fe4535f97b8d345edf1f4a7754dbd57c42fec0aa88dce";
    pub(super) const ORGANIZATION: &str = "01525252525252525252525252a07999d77196f51d01e70d7275457126831a4c0a62e0ce453553718deecb44e95c875f62f90dc56f4fff2f0374132922";
    pub(super) const SERVER: &str = "01535353535353535353535353cca1540c01dde85901cf904ea0c3d1843e0f3ce879663b157fb71c0fcf2ce2def1c712ee90c7b397190fa2c670cd98d4";
    pub(super) const DATA: &str = "0154545454545454545454545468dd99f96feb25e5a3d4a745eeae7f4e770dc7aea4f1e9f94d8abd554d40a0a117f02fae209635b26b3e8b553689a158";
    pub(super) const FIELD: &str =
        "01555555555555555555555555f483df1be93b0c0c761257abe10eda6a3b436197200f";
    pub(super) const VALUE: &str =
        "015656565656565656565656569bbe9d3d4e8550959f6bf427d012a81d97c86f38943b2b";
}

/// Sixteen consecutive bytes.
fn id(first: u8) -> [u8; 16] {
    std::array::from_fn(|offset| first + u8::try_from(offset).unwrap())
}

fn address() -> Address {
    Address {
        organization: id(0x00),
        vault: id(0x10),
        secret: id(0x20),
        version: 258,
    }
}

fn field_address() -> FieldAddress {
    FieldAddress {
        organization: id(0x00),
        kind: "secret.notes",
        owner: id(0x30),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn refused<T>(result: Result<T, Error>) -> Option<Error> {
    result.err()
}

#[test]
fn the_formats_of_release_1_open() {
    let root = SealingKey::from_bytes([1; 32])
        .unwrap_root(7, &unhex(frozen::ROOT))
        .unwrap();
    assert_eq!(root.0.bytes(), &[2; 32]);

    let server_key = root
        .open_server_key("token digests", 3, &unhex(frozen::SERVER))
        .unwrap();
    assert_eq!(server_key.expose(), [9; 32]);

    let organization = root
        .unwrap_organization(id(0x00), 5, &unhex(frozen::ORGANIZATION))
        .unwrap();
    assert_eq!(organization.0.bytes(), &[3; 32]);

    let note = organization
        .open_field(&field_address(), &unhex(frozen::FIELD))
        .unwrap();
    assert_eq!(note.expose(), b"a note");

    let data = organization
        .unwrap_data(&address(), &unhex(frozen::DATA))
        .unwrap();
    assert_eq!(data.0.bytes(), &[4; 32]);
    let value = data.open(&address(), &unhex(frozen::VALUE)).unwrap();
    assert_eq!(value.expose(), b"a value");
}

#[test]
fn a_new_chain_opens_from_its_top() {
    let sealing = SealingKey::generate().unwrap();
    let root = RootKey::generate().unwrap();
    let organization = OrganizationKey::generate().unwrap();
    let data = DataKey::generate().unwrap();
    let wrapped_root = sealing.wrap_root(1, &root).unwrap();
    let wrapped_organization = root.wrap_organization(id(0), 1, &organization).unwrap();
    let wrapped_data = organization.wrap_data(&address(), &data).unwrap();
    let sealed = data.seal(&address(), b"value").unwrap();

    let opened = SealingKey::from_bytes(*sealing.expose())
        .unwrap_root(1, &wrapped_root)
        .unwrap()
        .unwrap_organization(id(0), 1, &wrapped_organization)
        .unwrap()
        .unwrap_data(&address(), &wrapped_data)
        .unwrap()
        .open(&address(), &sealed)
        .unwrap();
    assert_eq!(opened.expose(), b"value");
}

#[test]
fn generated_keys_differ() {
    let keys = [
        *SealingKey::generate().unwrap().expose(),
        *SealingKey::generate().unwrap().expose(),
        *RootKey::generate().unwrap().0.bytes(),
        *RootKey::generate().unwrap().0.bytes(),
        *OrganizationKey::generate().unwrap().0.bytes(),
        *OrganizationKey::generate().unwrap().0.bytes(),
        *DataKey::generate().unwrap().0.bytes(),
        *DataKey::generate().unwrap().0.bytes(),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert_ne!(key, &[0; 32]);
        assert!(!keys[..place].contains(key));
    }
}

/// Whatever opens as a key but is not 32 bytes long was not wrapped by a key chain.
#[test]
fn a_wrapped_key_of_another_length_is_refused() {
    let organization = OrganizationKey::generate().unwrap();
    let place = AssociatedData::data_key(&address()).unwrap();
    for length in [0, 16, 31, 33, 64] {
        let wrapped = organization
            .0
            .cipher
            .seal(&place, &vec![7; length])
            .unwrap();
        let result = organization.unwrap_data(&address(), &wrapped);
        assert_eq!(refused(result), Some(Error::Open), "{length}");
    }
}

#[test]
fn a_key_of_another_version_or_owner_does_not_unwrap() {
    let sealing = SealingKey::generate().unwrap();
    let root = RootKey::generate().unwrap();
    let organization = OrganizationKey::generate().unwrap();

    let wrapped = sealing.wrap_root(2, &root).unwrap();
    assert!(sealing.unwrap_root(2, &wrapped).is_ok());
    for version in [0, 1, 3, u32::MAX] {
        let result = sealing.unwrap_root(version, &wrapped);
        assert_eq!(refused(result), Some(Error::Open));
    }

    let wrapped = root.wrap_organization(id(0), 2, &organization).unwrap();
    assert!(root.unwrap_organization(id(0), 2, &wrapped).is_ok());
    for (owner, version) in [(0, 1), (0, 3), (1, 2)] {
        let result = root.unwrap_organization(id(owner), version, &wrapped);
        assert_eq!(refused(result), Some(Error::Open));
    }

    let sealed = root.seal_server_key("tokens", 2, b"key").unwrap();
    assert!(root.open_server_key("tokens", 2, &sealed).is_ok());
    for (purpose, version) in [("tokens", 1), ("token", 2), ("checkpoints", 2)] {
        let result = root.open_server_key(purpose, version, &sealed);
        assert_eq!(refused(result), Some(Error::Open));
    }
    for purpose in ["", &"x".repeat(65)] {
        let result = root.seal_server_key(purpose, 1, b"key");
        assert_eq!(refused(result), Some(Error::Encoding));
    }
}

/// A field's address changed in one place.
fn moved_field(field: FieldAddress, place: usize, by: u8) -> FieldAddress {
    let mut moved = field;
    match place {
        0..16 => moved.organization[place] ^= by,
        16..32 => moved.owner[place - 16] ^= by,
        _ => moved.kind = "secret.note",
    }
    moved
}

/// An address changed in one byte.
fn moved(address: Address, place: usize, by: u8) -> Address {
    let mut moved = address;
    match place {
        0..16 => moved.organization[place] ^= by,
        16..32 => moved.vault[place - 16] ^= by,
        32..48 => moved.secret[place - 32] ^= by,
        _ => moved.version ^= u32::from(by) << (8 * (place - 48)),
    }
    moved
}

prop_compose! {
    fn addresses()(organization: [u8; 16], vault: [u8; 16], secret: [u8; 16], version: u32) -> Address {
        Address { organization, vault, secret, version }
    }
}

proptest! {
    #[test]
    fn a_moved_value_does_not_open(address in addresses(), place in 0..52_usize, by in 1..=u8::MAX, value: Vec<u8>) {
        let key = DataKey::generate().unwrap();
        let sealed = key.seal(&address, &value).unwrap();
        let opened = key.open(&address, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &value);
        prop_assert_eq!(refused(key.open(&moved(address, place, by), &sealed)), Some(Error::Open));
    }

    #[test]
    fn a_moved_data_key_does_not_unwrap(address in addresses(), place in 0..52_usize, by in 1..=u8::MAX) {
        let organization = OrganizationKey::generate().unwrap();
        let data = DataKey::generate().unwrap();
        let wrapped = organization.wrap_data(&address, &data).unwrap();
        let unwrapped = organization.unwrap_data(&address, &wrapped).unwrap();
        prop_assert_eq!(unwrapped.0.bytes(), data.0.bytes());
        let elsewhere = organization.unwrap_data(&moved(address, place, by), &wrapped);
        prop_assert_eq!(refused(elsewhere), Some(Error::Open));
    }

    #[test]
    fn a_moved_field_does_not_open(organization: [u8; 16], owner: [u8; 16], place in 0..=32_usize, by in 1..=u8::MAX, text: Vec<u8>) {
        let key = OrganizationKey::generate().unwrap();
        let address = FieldAddress { organization, kind: "secret.notes", owner };
        let sealed = key.seal_field(&address, &text).unwrap();
        let opened = key.open_field(&address, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &text);
        let elsewhere = key.open_field(&moved_field(address, place, by), &sealed);
        prop_assert_eq!(refused(elsewhere), Some(Error::Open));
    }

    /// The swap of an attacker who writes the store: a value with the key of another version or secret.
    #[test]
    fn a_value_does_not_open_with_another_versions_key(address in addresses(), value: Vec<u8>) {
        let mine = DataKey::generate().unwrap();
        let other = DataKey::generate().unwrap();
        let sealed = mine.seal(&address, &value).unwrap();
        prop_assert_eq!(refused(other.open(&address, &sealed)), Some(Error::Open));
    }
}
