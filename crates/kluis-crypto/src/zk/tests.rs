//! The contract's vectors, and what must not open.

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use proptest::prelude::*;

use super::blob::seal_with_nonce;
use super::recovery::ALPHABET;
use super::*;

const ORGANIZATION: &str = "org_fixture_0001";
const KEY_ID: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";
const WRAPPED: &str =
    "HsE5NGQ1ZcqcgtNVhs9TtXN+gLqGqn03fhiw/5odcCmgoaKjpKWmp6ipqqsI+QIXsutHmtvBx9yuuVwG";
const SECRET_ID: &str = "11111111-2222-4333-8444-555555555555";
const PAYLOAD: &str = r#"{"api_key":"example-value","endpoint":"https://svc.example.test"}"#;
const SEALED: &str = "4nc724WS0Do+2q2AqCXpr/RQLP9jT+NAO+yu0znslmZqIk1OQeSE0NEv0DkGlq3GWw45omNaL4Ah70JEYehU3c+wsbKztLW2t7i5urvxY6jBG1hGGRPva0/2RMHp";

fn secret(text: &str) -> Secret {
    Secret::from_text(text.to_owned())
}

fn master() -> MasterKey {
    let bytes = "021449619602324b7a6d8bd95ecef449028f4034fe77026e4814a5aabc02a860";
    MasterKey(KeyBytes::copy_of(&hash::unhex(bytes).unwrap()))
}

fn payload_key() -> PayloadKey {
    let bytes = std::array::from_fn(|place| u8::try_from(place).unwrap());
    PayloadKey(KeyBytes::copy_of(&bytes))
}

fn decoded(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap()
}

fn auth_hash_of(passphrase: &str, organization: &str) -> String {
    let master = MasterKey::derive(&secret(passphrase), organization).unwrap();
    master.auth_hash().expose().to_owned()
}

/// Inkbox contract §6.9
#[test]
fn the_derivation_is_that_of_the_contract() {
    let derived = MasterKey::derive(&secret("Fixture-Vault-Key-42!"), ORGANIZATION).unwrap();
    assert_eq!(derived.0.expose(), master().0.expose());
    for (passphrase, organization, auth_hash) in [
        (
            "Fixture-Vault-Key-42!",
            ORGANIZATION,
            "f058a04b79fdba631c479610add3da0b41d44041e8ae8754c0c632a0770b57a9",
        ),
        (
            "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345-6789",
            ORGANIZATION,
            "077728960d84801c184c16cf872b10c32d666654172f3d1060a4c8e73b5e541e",
        ),
        (
            "test-password",
            "org_test_123",
            "056863c98cd0759f35e026f7364fb299a7a45dc4845126e6a3fa5b68378e76f9",
        ),
    ] {
        assert_eq!(auth_hash_of(passphrase, organization), auth_hash);
    }
}

/// NT-75: the costs are constants, and no argument of [`MasterKey::derive`] could lower them.
#[test]
fn a_salt_that_is_too_short_is_refused() {
    for (salt, length) in [("", 0), ("org_123", 7)] {
        let refused = MasterKey::derive(&secret("passphrase"), salt).err();
        assert_eq!(refused, Some(ZkError::SaltTooShort(length)));
    }
    assert_eq!((MEMORY_KIB, ITERATIONS, LANES), (65_536, 3, 1));
}

#[test]
fn a_passphrase_is_taken_byte_for_byte() {
    let hashes: BTreeSet<String> = ["caf\u{e9}", "cafe\u{301}", "caf\u{e9} ", "Caf\u{e9}"]
        .iter()
        .map(|passphrase| auth_hash_of(passphrase, ORGANIZATION))
        .collect();
    assert_eq!(hashes.len(), 4);
}

/// Inkbox contract §6.9
#[test]
fn the_blobs_are_those_of_the_contract() {
    let nonce = |first: u8| std::array::from_fn(|place| first + u8::try_from(place).unwrap());
    let wrapped = seal_with_nonce(&master().0, nonce(0xa0), KEY_ID, payload_key().0.expose());
    assert_eq!(BASE64_STANDARD.encode(wrapped.unwrap()), WRAPPED);
    let sealed = seal_with_nonce(&payload_key().0, nonce(0xb0), SECRET_ID, PAYLOAD.as_bytes());
    assert_eq!(BASE64_STANDARD.encode(sealed.unwrap()), SEALED);

    let unwrapped = master().unwrap(KEY_ID, &decoded(WRAPPED)).unwrap();
    assert_eq!(unwrapped.0.expose(), payload_key().0.expose());
    let opened = payload_key().open(SECRET_ID, &decoded(SEALED)).unwrap();
    assert_eq!(opened.expose_text(), Some(PAYLOAD));
}

#[test]
fn a_wrapped_key_opens_under_its_own_id_and_key_alone() {
    let key = PayloadKey::generate().unwrap();
    let wrapped = master().wrap(KEY_ID, &key).unwrap();
    assert_eq!(wrapped.len(), WRAPPED_LENGTH);
    let unwrapped = master().unwrap(KEY_ID, &wrapped).unwrap();
    assert_eq!(unwrapped.check_value(), key.check_value());
    assert_ne!(key.check_value(), payload_key().check_value());
    let opens = |master: &MasterKey, id: &str| master.unwrap(id, &wrapped).err();
    assert_eq!(opens(&master(), SECRET_ID), Some(ZkError::Open));
    assert_eq!(
        opens(&master(), &KEY_ID.to_uppercase()),
        Some(ZkError::Open)
    );
    let other = MasterKey(KeyBytes::generate().unwrap());
    assert_eq!(opens(&other, KEY_ID), Some(ZkError::Open));
    for length in [0, 27, 59, 61] {
        let mut cut = wrapped.clone();
        cut.resize(length, 0);
        let refused = master().unwrap(KEY_ID, &cut).err();
        assert_eq!(refused, Some(ZkError::WrappedLength(length)));
    }
}

/// NT-77
#[test]
fn a_payload_opens_under_its_own_id_and_key_alone() {
    let key = PayloadKey::generate().unwrap();
    let sealed = key.seal(SECRET_ID, PAYLOAD.as_bytes()).unwrap();
    assert_eq!(sealed.len(), PAYLOAD.len() + MIN_BLOB);
    assert!(key.open(SECRET_ID, &sealed).is_ok());
    for id in [KEY_ID, "", "11111111-2222-4333-8444-555555555556"] {
        assert_eq!(key.open(id, &sealed).err(), Some(ZkError::Open), "{id}");
    }
    assert_eq!(
        payload_key().open(SECRET_ID, &sealed).err(),
        Some(ZkError::Open)
    );
    for length in 0..sealed.len() {
        let refused = key.open(SECRET_ID, &sealed[..length]).err();
        let expected = if length < MIN_BLOB {
            ZkError::BlobTooShort(length)
        } else {
            ZkError::Open
        };
        assert_eq!(refused, Some(expected));
    }
}

/// NT-78: what other orders of the parts, or no bound id, would make is not tried.
#[test]
fn no_other_layout_is_accepted() {
    let key = payload_key();
    let sealed = decoded(SEALED);
    let (rest, tag) = sealed.split_at(sealed.len() - 16);
    let (ciphertext, nonce) = rest.split_at(rest.len() - 12);
    for other in [
        [nonce, ciphertext, tag].concat(),
        [ciphertext, tag, nonce].concat(),
        [&[1], nonce, ciphertext, tag].concat(),
    ] {
        assert_eq!(key.open(SECRET_ID, &other).err(), Some(ZkError::Open));
    }
    let unbound = seal(&key.0, "", PAYLOAD.as_bytes()).unwrap();
    assert_eq!(key.open(SECRET_ID, &unbound).err(), Some(ZkError::Open));
}

/// NT-80
#[test]
fn no_nonce_comes_twice() {
    let key = payload_key();
    let mut seen = BTreeSet::new();
    for _ in 0..50_000 {
        let sealed = key.seal(SECRET_ID, b"").unwrap();
        assert!(seen.insert(sealed[..12].to_vec()));
    }
}

#[test]
fn recovery_codes_are_drawn_uniformly() {
    let mut counts = [0_u32; 256];
    let mut seen = BTreeSet::new();
    let codes = 4_000;
    for _ in 0..codes {
        let code = recovery_code().unwrap().into_text().unwrap();
        assert_eq!(code.len(), 39);
        let groups: Vec<&str> = code.split('-').collect();
        assert!(groups.len() == 8 && groups.iter().all(|group| group.len() == 4));
        for byte in code.bytes().filter(|byte| *byte != b'-') {
            counts[usize::from(byte)] += 1;
        }
        assert!(seen.insert(code.to_string()));
    }
    let drawn: u32 = ALPHABET.iter().map(|byte| counts[usize::from(*byte)]).sum();
    assert_eq!(drawn, codes * 32, "a character outside the alphabet");
    // Chi-square with 30 degrees of freedom is above 90 with a probability of 10⁻⁷. A plain remainder of 256 by 31 would
    // make eight characters an eighth likelier, and the figure above 300.
    let expected = f64::from(drawn) / 31.0;
    let deviation: f64 = ALPHABET
        .iter()
        .map(|byte| (f64::from(counts[usize::from(*byte)]) - expected).powi(2) / expected)
        .sum();
    assert!(deviation < 90.0, "{deviation}");
}

/// Inkbox contract §6.4
#[test]
fn the_rules_of_a_vault_key_say_which_one_fails() {
    for good in [
        "Fixture-Vault-Key-42!",
        "Aa1 aaaaaaaaaaaa",
        "Aa1\u{e9}aaaaaaaaaaaa",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for (bad, fault) in [
        ("", Fault::TooShort),
        ("Aa1-aaaaaaaaaaa", Fault::TooShort),
        // Long enough in bytes, not in characters.
        (
            "Aa1-\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
            Fault::TooShort,
        ),
        ("aa1-aaaaaaaaaaaa", Fault::NoUpperCase),
        ("\u{c9}a1-aaaaaaaaaaaa", Fault::NoUpperCase),
        ("AA1-AAAAAAAAAAAA", Fault::NoLowerCase),
        ("Aaa-aaaaaaaaaaaa", Fault::NoDigit),
        ("Aa\u{661}-aaaaaaaaaaaa", Fault::NoDigit),
        ("Aa1aaaaaaaaaaaaa", Fault::NoOther),
    ] {
        assert_eq!(check(bad), Err(fault), "{bad}");
    }
}

#[test]
fn new_ids_are_random_uuids_in_lower_case() {
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        let id = new_id().unwrap();
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert!(id.bytes().all(|byte| b"0123456789abcdef-".contains(&byte)));
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert!(seen.insert(id));
    }
}

proptest! {
    /// NT-77
    #[test]
    fn no_flipped_bit_is_accepted(payload: Vec<u8>, position: prop::sample::Index, bit in 0..8_u8) {
        let key = payload_key();
        let mut sealed = key.seal(SECRET_ID, &payload).unwrap();
        let opened = key.open(SECRET_ID, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), payload.as_slice());
        let position = position.index(sealed.len());
        sealed[position] ^= 1 << bit;
        prop_assert_eq!(key.open(SECRET_ID, &sealed).err(), Some(ZkError::Open));
    }
}
