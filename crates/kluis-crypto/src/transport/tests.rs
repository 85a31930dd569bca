//! What is sealed opens for its reader and for nobody else, and keys that are too weak are refused.

use std::sync::LazyLock;

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use proptest::prelude::*;

use super::*;

static KEY: LazyLock<TransportKey> =
    LazyLock::new(|| TransportKey::generate(ModulusBits::B2048).unwrap());
static OTHER: LazyLock<TransportKey> =
    LazyLock::new(|| TransportKey::generate(ModulusBits::B2048).unwrap());

fn open(sealed: &[u8]) -> Option<Vec<u8>> {
    let opened = TransportKey::open([&*KEY], sealed);
    opened.ok().map(|secret| secret.expose().to_vec())
}

fn hybrid(plaintext: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let key = TransientKey::generate(KEY.public()).unwrap();
    key.seal(plaintext).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_fits_opens_again(plaintext in prop::collection::vec(any::<u8>(), 0..=190)) {
        let sealed = KEY.public().seal(&plaintext).unwrap();
        prop_assert_eq!(sealed.len(), 256);
        prop_assert_eq!(open(&sealed), Some(plaintext));
    }

    #[test]
    fn no_flipped_bit_opens(at in 0..256_usize, bit in 0..8_u8) {
        let mut sealed = KEY.public().seal(b"plaintext").unwrap();
        sealed[at] ^= 1 << bit;
        prop_assert_eq!(open(&sealed), None);
    }

    #[test]
    fn a_long_text_opens_again_and_altered_does_not(
        plaintext in prop::collection::vec(any::<u8>(), 0..2000),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let (mut body, mut wrapped) = hybrid(&plaintext);
        prop_assert_eq!(body.len(), plaintext.len() + 28);
        let opened = open_hybrid([&*KEY], &wrapped, &body).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        prop_assert_eq!(open_hybrid([&*KEY], &wrapped, &body).err(), Some(Error::Open));
        body[at] ^= 1 << bit;
        let at = at % wrapped.len();
        wrapped[at] ^= 1 << bit;
        prop_assert_eq!(open_hybrid([&*KEY], &wrapped, &body).err(), Some(Error::Open));
    }

    #[test]
    fn no_text_is_read_as_a_key_by_accident(text in "\\PC{0,200}") {
        prop_assert!(TransportPublicKey::from_pem(&text).is_err());
    }

    #[test]
    fn an_altered_public_key_is_refused_or_seals_for_another(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut spki = KEY.public().spki().to_vec();
        let at = at.index(spki.len());
        spki[at] ^= 1 << bit;
        if let Ok(sealed) = TransportPublicKey::from_spki(&spki).and_then(|key| key.seal(b"x")) {
            prop_assert_eq!(open(&sealed), None);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (bits, capacity) in [(ModulusBits::B2048, 190), (ModulusBits::B3072, 318)] {
        let key = TransportKey::generate(bits).unwrap();
        assert_eq!(key.public().capacity(), capacity);
        assert!(key.public().seal(&vec![1; capacity]).is_ok());
        assert!(key.public().seal(&vec![1; capacity + 1]).is_err());
    }
}

#[test]
fn each_key_is_tried() {
    let sealed = OTHER.public().seal(b"for the retired key").unwrap();
    assert_eq!(open(&sealed), None);
    let opened = TransportKey::open([&*KEY, &*OTHER], &sealed).unwrap();
    assert_eq!(opened.expose(), b"for the retired key");
    assert!(TransportKey::open([], &sealed).is_err());
    let key = TransientKey::generate(OTHER.public()).unwrap();
    let (body, wrapped) = key.seal(b"long").unwrap();
    let opened = open_hybrid([&*KEY, &*OTHER], &wrapped, &body).unwrap();
    assert_eq!(opened.expose(), b"long");
}

#[test]
fn other_lengths_and_numbers_above_the_modulus_do_not_open() {
    let sealed = KEY.public().seal(b"x").unwrap();
    let longer = [&[0], &*sealed].concat();
    for wrong in [&sealed[1..], &sealed[..255], &longer, &[], &[0xff; 256]] {
        assert_eq!(open(wrong), None);
    }
}

#[test]
fn another_hash_or_label_does_not_open() {
    let public = PublicEncryptingKey::from_der(KEY.public().spki()).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut sealed = [0; 256];
    public
        .encrypt(&OAEP_SHA1_MGF1SHA1, b"x", &mut sealed, None)
        .unwrap();
    assert_eq!(open(&sealed), None);
    public
        .encrypt(&OAEP_SHA256_MGF1SHA256, b"x", &mut sealed, Some(b"label"))
        .unwrap();
    assert_eq!(open(&sealed), None);
}

#[test]
fn a_wrapped_key_of_another_length_opens_nothing() {
    let (body, _) = hybrid(b"plaintext");
    for key in [&[7; 31][..], &[7; 33], b""] {
        let wrapped = KEY.public().seal(key).unwrap();
        assert!(open_hybrid([&*KEY], &wrapped, &body).is_err());
    }
    let (_, wrapped) = hybrid(b"plaintext");
    assert!(open_hybrid([&*KEY], &wrapped, &body[..27]).is_err());
    assert!(open_hybrid([&*KEY], &wrapped, b"").is_err());
}

#[test]
fn a_pair_is_kept_as_pkcs8() {
    let again = TransportKey::from_pkcs8(KEY.pkcs8().duplicate()).unwrap();
    assert_eq!(again.public().spki(), KEY.public().spki());
    let sealed = KEY.public().seal(b"x").unwrap();
    assert!(TransportKey::open([&again], &sealed).is_ok());
    assert!(TransportKey::from_pkcs8(Secret::new(b"no key".to_vec())).is_err());
}

#[test]
fn a_public_key_is_read_from_pem_in_both_forms() {
    let pem = KEY.public().to_pem();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nMIIB"));
    assert!(pem.ends_with("\n-----END PUBLIC KEY-----\n"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    let (_, spki) = pem::decode(&pem).unwrap();
    let pkcs1 = pem::encode("RSA PUBLIC KEY", &spki[24..]);
    let crlf = pem.replace('\n', "\r\n");
    let padded = format!("\n  {pem}\n\t");
    let one_line = pem.replace("KEY-----\n", "KEY-----").replace('\n', "");
    for text in [&pem, &pkcs1, &crlf, &padded, &one_line] {
        let key = TransportPublicKey::from_pem(text).unwrap();
        assert_eq!(key.spki(), KEY.public().spki());
    }
    for text in [
        pem.replace("PUBLIC", "PRIVATE"),
        pem.replace("-----END", "----END"),
        pem.replacen("PUBLIC", "RSA PUBLIC", 1),
        pem.replace("PUBLIC", "RSA PUBLIC"),
        pem.replacen("MII", "M.I", 1),
        format!("{pem}{pem}"),
        pem::encode("PUBLIC KEY", &[&spki[..], &[0]].concat()),
        pem::encode("PUBLIC KEY", &spki[..spki.len() - 1]),
        "x".repeat(9000),
    ] {
        assert!(TransportPublicKey::from_pem(&text).is_err(), "{text}");
    }
}

#[test]
fn weak_public_keys_are_refused() {
    let (modulus, _) = der::of_spki(KEY.public().spki()).unwrap();
    let integer = |number: &[u8]| {
        let sign: &[u8] = if number[0] > 0x7f { &[0] } else { &[] };
        let length = u16::try_from(sign.len() + number.len()).unwrap();
        let header: Vec<u8> = match length {
            0..0x80 => vec![2, u8::try_from(length).unwrap()],
            0x80..0x100 => vec![2, 0x81, u8::try_from(length).unwrap()],
            _ => [&[2, 0x82], &length.to_be_bytes()[..]].concat(),
        };
        [&header, sign, number].concat()
    };
    let with = |modulus: &[u8], exponent: &[u8]| {
        let body = [integer(modulus), integer(exponent)].concat();
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let pkcs1 = [&[0x30, 0x82], &length[..], &body].concat();
        TransportPublicKey::from_pem(&pem::encode("RSA PUBLIC KEY", &pkcs1)).is_ok()
    };
    let even = [&modulus[..255], &[modulus[255] & 0xfe]].concat();
    assert!(with(modulus, &[1, 0, 1]) && with(modulus, &[3]));
    assert!(!with(modulus, &[1]) && !with(modulus, &[2]) && !with(modulus, &[1, 0, 0]));
    assert!(!with(&even, &[1, 0, 1]));
    assert!(!with(modulus, &[0x7f; 16]));
    assert!(!with(&modulus[1..], &[1, 0, 1]));
    assert!(with(&[&[0x7f], &[0xff; 1023][..]].concat(), &[1, 0, 1]));
    assert!(!with(&[&[0x01], &[0xff; 1024][..]].concat(), &[1, 0, 1]));
}
