//! SHA-256, and hexadecimal text.

use aws_lc_rs::digest::{Context, SHA256};

/// The SHA-256 of the parts, one after the other. The parts run together: where their borders matter, encode their lengths.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// The bytes in lower-case hexadecimal. Not for secrets: the result is not wiped.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(bytes, &mut text);
    text
}

/// Appends the bytes in lower-case hexadecimal.
pub(crate) fn push_hex(bytes: &[u8], text: &mut String) {
    let digit = |value: u8| char::from(if value < 10 { b'0' } else { b'a' - 10 } + value);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
}

/// The bytes that this hexadecimal text spells; `None` when it is not exactly `N` of them.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B, and the empty message.
    #[test]
    fn published_digests() {
        let cases = [
            (
                "",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ];
        for (message, digest) in cases {
            assert_eq!(hex(&sha256(&[message.as_bytes()])), digest);
        }
    }

    #[test]
    fn parts_run_together() {
        let whole = sha256(&[b"abc"]);
        assert_eq!(sha256(&[b"a", b"", b"bc"]), whole);
        assert_ne!(sha256(&[b"bc", b"a"]), whole);
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[]), "");
        for byte in 0..=u8::MAX {
            assert_eq!(hex(&[byte]), format!("{byte:02x}"));
        }
    }

    #[test]
    fn hexadecimal_reads_back() {
        let bytes = [0x00, 0x0f, 0xa5, 0xff];
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex("000FA5FF"), Some(bytes));
        for wrong in [
            "",
            "000fa5f",
            "000fa5f",
            "000fa5ff0",
            "000fa5ff00",
            "000fa5fg",
            "+00fa5ff",
        ] {
            assert_eq!(unhex::<4>(wrong), None, "{wrong}");
        }
    }
}
