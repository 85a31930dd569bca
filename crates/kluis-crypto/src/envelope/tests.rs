//! Of one sealed text: round trips, frozen bytes, and what never opens.

use std::thread;

use proptest::prelude::*;

use super::*;
use crate::hash::hex;
use crate::{Address, FieldAddress};

fn cipher(key: [u8; 32]) -> Cipher {
    Cipher::new(&KeyBytes::copy_of(&key)).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The same ids and numbers in every role.
fn every_role() -> [AssociatedData; 6] {
    let id = [7; 16];
    let address = Address {
        organization: id,
        vault: id,
        secret: id,
        version: 1,
    };
    let field = FieldAddress {
        organization: id,
        kind: "label",
        owner: id,
    };
    [
        AssociatedData::root_key(1).unwrap(),
        AssociatedData::organization_key(&id, 1).unwrap(),
        AssociatedData::server_key("label", 1).unwrap(),
        AssociatedData::data_key(&address).unwrap(),
        AssociatedData::value(&address).unwrap(),
        AssociatedData::field(&field).unwrap(),
    ]
}

/// Test cases 13 to 16 of "The Galois/Counter Mode of Operation" (2005), as submitted to NIST: AES-256, 96-bit
/// nonce. Key, nonce, plaintext, associated data, ciphertext, tag.
const GCM_VECTORS: [[&str; 6]; 4] = [
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000",
        "",
        "",
        "",
        "530f8afbc74536b9a963b4f1c4cb738b",
    ],
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000",
        "00000000000000000000000000000000",
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ],
    [
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
        "",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
        "b094dac5d93471bdec1a502270e3cc6c",
    ],
    [
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ],
];

#[test]
fn the_suite_is_aes_256_gcm() {
    for [key, nonce, plaintext, associated, ciphertext, tag] in GCM_VECTORS {
        let cipher = cipher(unhex(key).try_into().unwrap());
        let place = AssociatedData::verbatim(&unhex(associated));
        let sealed = format!("01{nonce}{ciphertext}{tag}");
        let made = cipher
            .seal_with_nonce(unhex(nonce).try_into().unwrap(), &place, &unhex(plaintext))
            .unwrap();
        assert_eq!(hex(&made), sealed);
        let opened = cipher.open(&place, &unhex(&sealed)).unwrap();
        assert_eq!(hex(opened.expose()), plaintext);
    }
}

#[test]
fn what_is_sealed_in_one_role_opens_in_no_other() {
    let cipher = cipher([1; 32]);
    for (sealed_in, place) in every_role().iter().enumerate() {
        let sealed = cipher.seal(place, &[9; 32]).unwrap();
        for (opened_in, place) in every_role().iter().enumerate() {
            let opened = cipher.open(place, &sealed);
            assert_eq!(opened.is_ok(), sealed_in == opened_in);
            if sealed_in != opened_in {
                assert_eq!(opened.err(), Some(Error::Open));
            }
        }
    }
}

/// NT-78: one suite for each format, and no way to ask for another.
#[test]
fn every_other_format_is_refused() {
    let cipher = cipher([1; 32]);
    let [place, ..] = every_role();
    let mut sealed = cipher.seal(&place, b"text").unwrap();
    for format in (0..=u8::MAX).filter(|&format| format != FORMAT) {
        sealed[0] = format;
        let refused = cipher.open(&place, &sealed).err();
        assert_eq!(refused, Some(Error::UnknownFormat(format)));
    }
}

/// NT-80: no nonce repeats under one key, from several threads, across restarts (the key is loaded anew for each batch).
/// 2¹⁸ draws show any source with fewer than about 34 bits of entropy, a counter that restarts above all.
#[test]
fn no_nonce_repeats_under_one_key() {
    const THREADS: usize = 2;
    const RESTARTS: usize = 16;
    const SEALS: usize = 1 << 13;
    let batch = || {
        let [place, ..] = every_role();
        let mut nonces = Vec::with_capacity(RESTARTS * SEALS);
        for _ in 0..RESTARTS {
            let restarted = cipher([1; 32]);
            nonces.extend((0..SEALS).map(|_| {
                let sealed = restarted.seal(&place, b"").unwrap();
                <[u8; NONCE_LENGTH]>::try_from(&sealed[1..HEADER_LENGTH]).unwrap()
            }));
        }
        nonces
    };
    let mut nonces: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(batch)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let drawn = nonces.len();
    assert_eq!(drawn, 1 << 18);
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), drawn);
}

proptest! {
    #[test]
    fn what_is_sealed_opens(key: [u8; 32], text: Vec<u8>) {
        let cipher = cipher(key);
        for place in every_role() {
            let sealed = cipher.seal(&place, &text).unwrap();
            prop_assert_eq!(sealed.len(), HEADER_LENGTH + text.len() + TAG_LENGTH);
            let opened = cipher.open(&place, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &text);
        }
    }

    #[test]
    fn another_key_does_not_open(key: [u8; 32], other: [u8; 32], text: Vec<u8>) {
        prop_assume!(key != other);
        let [place, ..] = every_role();
        let sealed = cipher(key).seal(&place, &text).unwrap();
        prop_assert_eq!(cipher(other).open(&place, &sealed).err(), Some(Error::Open));
    }

    /// Any one bit in the nonce, the ciphertext or the tag; the format byte has its own test.
    #[test]
    fn a_flipped_bit_does_not_open(text in prop::collection::vec(any::<u8>(), 0..80), at: prop::sample::Index) {
        let cipher = cipher([1; 32]);
        let [place, ..] = every_role();
        let mut sealed = cipher.seal(&place, &text).unwrap();
        let bit = 8 + at.index(8 * (sealed.len() - 1));
        sealed[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(cipher.open(&place, &sealed).err(), Some(Error::Open));
    }

    #[test]
    fn a_cut_or_extended_text_does_not_open(text: Vec<u8>, at: prop::sample::Index, more in prop::collection::vec(any::<u8>(), 1..40)) {
        let cipher = cipher([1; 32]);
        let [place, ..] = every_role();
        let mut sealed = cipher.seal(&place, &text).unwrap();
        let cut = &sealed[..at.index(sealed.len())];
        prop_assert_eq!(cipher.open(&place, cut).err(), Some(Error::Open));
        sealed.extend(more);
        prop_assert_eq!(cipher.open(&place, &sealed).err(), Some(Error::Open));
    }
}
