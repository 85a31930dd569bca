//! Base-32 of RFC 4648 without padding: for what people read and type.

use zeroize::Zeroizing;

/// Appends `bytes` in base-32: `A-Z2-7`, upper case, no padding.
pub(crate) fn push(bytes: &[u8], text: &mut String) {
    let mut pending: u32 = 0;
    let mut bits = 0;
    for &byte in bytes {
        pending = (pending << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(digit_text(low_five(pending >> bits)));
        }
        // Only the bits still to be written are kept.
        pending &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(digit_text(low_five(pending << (5 - bits))));
    }
}

/// The length of `bytes` bytes in base-32.
pub(crate) const fn length(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

/// Reads base-32 into all of `bytes`, in either case. `None` if a character is not a digit, there are more or fewer of them
/// than `bytes` need, or the bits that fill up the last one are not zero: each value has one spelling but for the case.
pub(crate) fn read(digits: impl Iterator<Item = u8>, bytes: &mut [u8]) -> Option<()> {
    let mut digits = digits;
    let mut pending: u32 = 0;
    let mut bits = 0;
    for byte in bytes {
        while bits < 8 {
            pending = (pending << 5) | u32::from(digit_value(digits.next()?)?);
            bits += 5;
        }
        bits -= 8;
        *byte = low_eight(pending >> bits);
        pending &= (1 << bits) - 1;
    }
    (pending == 0 && digits.next().is_none()).then_some(())
}

/// Reads base-32 as people have it from elsewhere: in either case, with padding or without, whatever the bits that fill up the
/// last digit. `None` if there is no byte in it, a character is no digit, or a length is one that no bytes have.
pub(crate) fn read_any(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.trim_end_matches('=');
    if matches!(digits.len() % 8, 1 | 3 | 6) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() * 5 / 8));
    let mut pending: u32 = 0;
    let mut bits = 0;
    for digit in digits.bytes() {
        pending = (pending << 5) | u32::from(digit_value(digit)?);
        bits += 5;
        if 8 <= bits {
            bits -= 8;
            bytes.push(low_eight(pending >> bits));
            pending &= (1 << bits) - 1;
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// The character of a value below 32, by arithmetic: a table would be indexed by secret bytes.
fn digit_text(value: u8) -> char {
    char::from(b'A' + value - u8::from(value >= 26) * (b'A' + 26 - b'2'))
}

fn digit_value(digit: u8) -> Option<u8> {
    match digit.to_ascii_uppercase() {
        letter @ b'A'..=b'Z' => Some(letter - b'A'),
        number @ b'2'..=b'7' => Some(number - b'2' + 26),
        _ => None,
    }
}

fn low_five(number: u32) -> u8 {
    low_eight(number) & 0x1f
}

fn low_eight(number: u32) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(bytes: &[u8]) -> String {
        let mut text = String::new();
        push(bytes, &mut text);
        text
    }

    fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        read(text.bytes(), &mut bytes).map(|()| bytes)
    }

    /// RFC 4648 §10, without the padding.
    #[test]
    fn published_texts() {
        let cases = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (plain, text) in cases {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(length(plain.len()), text.len());
        }
        assert_eq!(decode("MZXW6YTBOI"), Some(*b"foobar"));
        assert_eq!(decode("mzxw6YTBoi"), Some(*b"foobar"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "MZXW6YTBO",
            "MZXW6YTBOIA",
            "MZXW6YTBO1",
            "MZXW6YTBO=",
            "MZXW6YTBOJ",
        ] {
            assert_eq!(decode::<6>(text), None, "{text}");
        }
    }

    #[test]
    fn texts_from_elsewhere_are_read() {
        for text in ["MZXW6YTB", "mzxw6ytb", "MZXW6YTB"] {
            assert_eq!(read_any(text).unwrap().as_slice(), b"fooba");
        }
        for text in ["MZXQ", "MZXQ====", "mzxr"] {
            assert_eq!(read_any(text).unwrap().as_slice(), b"fo", "{text}");
        }
        for text in [
            "",
            "=",
            "M",
            "MZX",
            "MZXW6Y",
            "MZX1",
            "MZ XW",
            "MZ=XQ",
            "\u{ff21}A",
        ] {
            assert!(read_any(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes: [u8; 43]) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
