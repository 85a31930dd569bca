//! Base-62: the text form of ids (DESIGN §1) and of tokens (RULES §1).
//!
//! Digits are `0-9A-Za-z` in the order of ASCII, the most significant first, padded with zeros to a fixed length: so texts sort
//! as the bytes do.

use zeroize::Zeroizing;

/// Sixteen bytes as 22 characters.
#[must_use]
pub fn encode_16(bytes: &[u8; 16]) -> String {
    let mut limbs = [0; 4];
    read_limbs(bytes, &mut limbs);
    let mut digits = [0; LENGTH_16];
    write_digits(&mut limbs, &mut digits);
    ascii(&digits).to_owned()
}

/// The sixteen bytes that [`encode_16`] wrote as `text`; nothing for any other text.
#[must_use]
pub fn decode_16(text: &str) -> Option<[u8; 16]> {
    let digits: &[u8; LENGTH_16] = text.as_bytes().try_into().ok()?;
    let mut number: u128 = 0;
    for &digit in digits {
        number = number
            .checked_mul(62)?
            .checked_add(u128::from(digit_value(digit)?))?;
    }
    Some(number.to_be_bytes())
}

/// Thirty-two bytes as 43 characters.
#[must_use]
pub fn encode_32(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(LENGTH_32);
    push_32(bytes, &mut text);
    text
}

/// Appends thirty-two bytes as 43 characters. Leaves no copy of them elsewhere.
pub(crate) fn push_32(bytes: &[u8; 32], text: &mut String) {
    let mut limbs = Zeroizing::new([0; 8]);
    read_limbs(bytes, &mut *limbs);
    let mut digits = Zeroizing::new([0; LENGTH_32]);
    write_digits(&mut *limbs, &mut *digits);
    text.push_str(ascii(&*digits));
}

/// The digits as text; they are never anything but ASCII.
fn ascii(digits: &[u8]) -> &str {
    str::from_utf8(digits).unwrap_or_default()
}

fn read_limbs(bytes: &[u8], limbs: &mut [u32]) {
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks().0) {
        *limb = u32::from_be_bytes(*chunk);
    }
}

/// Writes the number in `limbs` (big-endian) into all of `digits`, and leaves zero in `limbs`.
///
/// Five digits are taken off at a time: 62⁵ is the largest power below 2³², so that each step is a division of 64 bits by a
/// constant, which the compiler turns into multiplications.
fn write_digits(limbs: &mut [u32], digits: &mut [u8]) {
    for chunk in digits.rchunks_mut(CHUNK_DIGITS) {
        let mut rest = divide_by_chunk(limbs);
        for digit in chunk.iter_mut().rev() {
            *digit = digit_text(rest % 62);
            rest /= 62;
        }
    }
}

/// Divides the number in `limbs` (big-endian) by 62⁵ and returns the remainder.
fn divide_by_chunk(limbs: &mut [u32]) -> u32 {
    let mut remainder = 0;
    for limb in limbs {
        // Quotient and remainder fit one limb, since the remainder carried along is below the divisor.
        let dividend = (u64::from(remainder) << 32) | u64::from(*limb);
        *limb = low_half(dividend / u64::from(CHUNK));
        remainder = low_half(dividend % u64::from(CHUNK));
    }
    remainder
}

/// The character of a value below 62, by arithmetic: a table would be indexed by secret bytes.
fn digit_text(value: u32) -> u8 {
    let [value, ..] = value.to_le_bytes();
    b'0' + value
        + u8::from(value >= 10) * (b'A' - b'9' - 1)
        + u8::from(value >= 36) * (b'a' - b'Z' - 1)
}

fn digit_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'Z' => Some(digit - b'A' + 10),
        b'a'..=b'z' => Some(digit - b'a' + 36),
        _ => None,
    }
}

fn low_half(number: u64) -> u32 {
    let [.., a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Characters of sixteen bytes: 62²² is the first power above 2¹²⁸.
const LENGTH_16: usize = 22;

/// Characters of thirty-two bytes: 62⁴³ is the first power above 2²⁵⁶.
pub(crate) const LENGTH_32: usize = 43;

const CHUNK_DIGITS: usize = 5;
const CHUNK: u32 = 62_u32.pow(5);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counting<const N: usize>() -> [u8; N] {
        std::array::from_fn(|place| u8::try_from(place).unwrap())
    }

    /// Computed with another implementation.
    #[test]
    fn known_texts() {
        assert_eq!(encode_16(&[0; 16]), "0000000000000000000000");
        assert_eq!(encode_16(&counting()), "000SYW7RiJxkEgOGusQGwp");
        assert_eq!(encode_16(&[0xff; 16]), "7n42DGM5Tflk9n8mt7Fhc7");
        assert_eq!(
            encode_32(&[0; 32]),
            "0000000000000000000000000000000000000000000"
        );
        assert_eq!(
            encode_32(&counting()),
            "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf"
        );
        assert_eq!(
            encode_32(&[0xff; 32]),
            "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"
        );
    }

    #[test]
    fn every_digit_has_its_value() {
        let alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for (value, digit) in (0..).zip(alphabet.bytes()) {
            assert_eq!(digit_text(value.into()), digit);
            assert_eq!(digit_value(digit), Some(value));
        }
        let digits = (0..=u8::MAX).filter(|&byte| digit_value(byte).is_some());
        assert_eq!(digits.count(), 62);
    }

    #[test]
    fn other_texts_are_refused() {
        let refused = [
            "",
            "7n42DGM5Tflk9n8mt7Fhc",
            "07n42DGM5Tflk9n8mt7Fhc7",
            // 2¹²⁸, and the largest text of this length.
            "7n42DGM5Tflk9n8mt7Fhc8",
            "zzzzzzzzzzzzzzzzzzzzzz",
            "7n42DGM5Tflk9n8mt7Fhc-",
            " 7n42DGM5Tflk9n8mt7Fhc",
            "7n42DGM5Tflk9n8mt7Fh\u{e9}",
            "+7n42DGM5Tflk9n8mt7Fhc",
        ];
        for text in refused {
            assert_eq!(decode_16(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn sixteen_bytes_come_back(bytes: [u8; 16]) {
            let text = encode_16(&bytes);
            prop_assert_eq!(text.len(), LENGTH_16);
            prop_assert_eq!(decode_16(&text), Some(bytes));
        }

        #[test]
        fn each_text_has_one_meaning(text in "[0-7][0-9A-Za-z]{21}") {
            if let Some(bytes) = decode_16(&text) {
                prop_assert_eq!(encode_16(&bytes), text);
            }
        }

        #[test]
        fn texts_sort_as_bytes_do(a: [u8; 16], b: [u8; 16], x: [u8; 32], y: [u8; 32]) {
            prop_assert_eq!(encode_16(&a).cmp(&encode_16(&b)), a.cmp(&b));
            prop_assert_eq!(encode_32(&x).cmp(&encode_32(&y)), x.cmp(&y));
        }

        /// A plain, slow model: one long division of the bytes for each digit.
        #[test]
        fn thirty_two_bytes_are_their_number(bytes: [u8; 32]) {
            let mut rest = bytes;
            let mut digits = [0; LENGTH_32];
            for digit in digits.iter_mut().rev() {
                let mut remainder = 0;
                for byte in &mut rest {
                    let dividend = remainder * 256 + u32::from(*byte);
                    *byte = u8::try_from(dividend / 62).unwrap();
                    remainder = dividend % 62;
                }
                *digit = digit_text(remainder);
            }
            let text = encode_32(&bytes);
            prop_assert_eq!(text.as_bytes(), digits);
        }
    }
}
