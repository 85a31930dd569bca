//! As much of DER (X.690) as a public RSA key needs.

use crate::Error;

/// Modulus and exponent of a `SubjectPublicKeyInfo` (RFC 5280 §4.1) that holds an RSA key, big-endian, without leading zeros.
pub(super) fn of_spki(spki: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let (body, rest) = take(SEQUENCE, spki)?;
    let (algorithm, body) = take(SEQUENCE, body)?;
    let (key, after) = take(BIT_STRING, body)?;
    let key = key.strip_prefix(&[0]).ok_or(Error::Encoding)?;
    if algorithm != RSA_ENCRYPTION || !rest.is_empty() || !after.is_empty() {
        return Err(Error::Encoding);
    }
    of_pkcs1(key)
}

/// The same of an `RSAPublicKey` (RFC 8017 §A.1.1).
pub(super) fn of_pkcs1(key: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let (body, rest) = take(SEQUENCE, key)?;
    let (modulus, body) = take(INTEGER, body)?;
    let (exponent, after) = take(INTEGER, body)?;
    if !rest.is_empty() || !after.is_empty() {
        return Err(Error::Encoding);
    }
    Ok((positive(modulus)?, positive(exponent)?))
}

/// A `SubjectPublicKeyInfo` around an `RSAPublicKey`.
pub(super) fn spki_of(pkcs1: &[u8]) -> Vec<u8> {
    let key = [&[0], pkcs1].concat();
    let body = [element(SEQUENCE, RSA_ENCRYPTION), element(BIT_STRING, &key)];
    element(SEQUENCE, &body.concat())
}

/// The content of the element of this type at the front, and what follows it. Lengths are as short as they can be.
fn take(tag: u8, bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let (&found, bytes) = bytes.split_first().ok_or(Error::Encoding)?;
    let (&first, bytes) = bytes.split_first().ok_or(Error::Encoding)?;
    if found != tag {
        return Err(Error::Encoding);
    }
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81 | 0x82 => {
            let (number, bytes) = bytes
                .split_at_checked(usize::from(first & 0x7f))
                .ok_or(Error::Encoding)?;
            let length = number
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            let least = if first == 0x81 { 0x80 } else { 0x100 };
            if length < least {
                return Err(Error::Encoding);
            }
            (length, bytes)
        }
        _ => return Err(Error::Encoding),
    };
    bytes.split_at_checked(length).ok_or(Error::Encoding)
}

/// The bytes of a number above 0.
fn positive(integer: &[u8]) -> Result<&[u8], Error> {
    match integer {
        [0, rest @ ..] if rest.first().is_some_and(|first| *first > 0x7f) => Ok(rest),
        [1..=0x7f, ..] => Ok(integer),
        _ => Err(Error::Encoding),
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let header: &[u8] = match content.len() {
        0..0x80 => &[tag, low],
        0x80..0x100 => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [header, content].concat()
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// The algorithm `rsaEncryption` without parameters (RFC 8017 §A.1).
const RSA_ENCRYPTION: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
