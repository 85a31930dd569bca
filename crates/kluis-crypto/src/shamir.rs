//! The sealing key in shares (DESIGN §4): any `threshold` of them give it back, fewer tell nothing about it.
//!
//! Shamir's scheme over GF(256), by `vsss-rs`: constant in time, without tables, coefficients uniform over the whole field.
//! What that crate puts aside while it works (coefficients, intermediate sums) it does not wipe; shares and keys are wiped here.
//!
//! A share is printed, kept, and typed back years later, so its text tells by itself what is wrong with it:
//!
//! ```text
//! format 0x01 (1) ‖ set id (4) ‖ threshold (1) ‖ index (1) ‖ share (32) ‖ checksum (4)
//! ```
//!
//! in base-32, in groups of six. The set id is drawn anew at each split: shares of two splits do not combine, even of one
//! key. The checksum is the beginning of SHA-256 over what stands before it; it is there against slips of the pen, not
//! against forgery, which shows when the combined key opens nothing.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use vsss_rs::Gf256;
use zeroize::Zeroizing;

use crate::envelope::KeyBytes;
use crate::{Error, SealingKey, base32, hash, random};

/// One share of a sealing key. Wiped when dropped.
pub struct Share {
    set: [u8; 4],
    threshold: u8,
    index: u8,
    bytes: KeyBytes,
}

impl Share {
    /// Reads a share as it was typed. Case does not matter; spaces, line ends and hyphens are skipped.
    ///
    /// # Errors
    /// [`Error::Shares`] if it is not a share or is mistyped, [`Error::UnknownFormat`] if another release printed it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let digits = || {
            text.bytes()
                .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-')
        };
        if digits().any(|digit| !matches!(digit, b'A'..=b'Z' | b'a'..=b'z' | b'2'..=b'7')) {
            return Err(Error::Shares(
                "a share consists of the letters A to Z and the digits 2 to 7",
            ));
        }
        if digits().count() != base32::length(TEXT_BYTES) {
            return Err(Error::Shares(
                "a share has 69 letters and digits; this one has more or fewer",
            ));
        }
        let mut bytes = Zeroizing::new([0; TEXT_BYTES]);
        base32::read(digits(), &mut *bytes).ok_or(MISTYPED)?;
        let (content, sum) = bytes
            .split_last_chunk::<CHECKSUM_LENGTH>()
            .ok_or(MISTYPED)?;
        if *sum != checksum(content) {
            return Err(MISTYPED);
        }
        let [
            format,
            set_0,
            set_1,
            set_2,
            set_3,
            threshold,
            index,
            share @ ..,
        ] = content
        else {
            return Err(MISTYPED);
        };
        if *format != FORMAT {
            return Err(Error::UnknownFormat(*format));
        }
        if *threshold < 2 || *index == 0 {
            return Err(MISTYPED);
        }
        Ok(Self {
            set: [*set_0, *set_1, *set_2, *set_3],
            threshold: *threshold,
            index: *index,
            bytes: KeyBytes::copy_of(share.try_into().map_err(|_| MISTYPED)?),
        })
    }

    /// The share as it is printed.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(TEXT_BYTES));
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.set);
        bytes.push(self.threshold);
        bytes.push(self.index);
        bytes.extend_from_slice(self.bytes.expose());
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);

        let mut digits = Zeroizing::new(String::with_capacity(base32::length(TEXT_BYTES)));
        base32::push(&bytes, &mut digits);
        let mut text = Zeroizing::new(String::with_capacity(2 * digits.len()));
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    /// How many shares of its set give the key back, from 2.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Which share of its set this is, from 1.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.index
    }

    /// Which set it belongs to: the same for all shares of one split.
    #[must_use]
    pub fn set(&self) -> [u8; 4] {
        self.set
    }
}

/// Splits a sealing key into `shares` shares, any `threshold` of which give it back: 2 ≤ `threshold` ≤ `shares` ≤ 255.
///
/// # Errors
/// [`Error::Shares`] if the numbers are out of range, [`Error::Random`] if there are no random bytes.
pub fn split(key: &SealingKey, threshold: u8, shares: u8) -> Result<Vec<Share>, Error> {
    split_from(RandomSource::new(random::fill), key, threshold, shares)
}

fn split_from(
    mut source: RandomSource,
    key: &SealingKey,
    threshold: u8,
    shares: u8,
) -> Result<Vec<Share>, Error> {
    if threshold < 2 {
        return Err(Error::Shares("at least two shares must be needed"));
    }
    if threshold > shares {
        return Err(Error::Shares("more shares would be needed than are made"));
    }
    let set = source.array();
    let points = Gf256::split_bytes(threshold.into(), shares.into(), key.expose(), &mut source)
        .map(|points| points.into_iter().map(Zeroizing::new).collect::<Vec<_>>());
    if source.failed {
        return Err(Error::Random);
    }
    points
        .map_err(|_| SPLIT_FAILED)?
        .iter()
        .map(|point| {
            let (&index, bytes) = point.split_first().ok_or(SPLIT_FAILED)?;
            let bytes = bytes.try_into().map_err(|_| SPLIT_FAILED)?;
            Ok(Share {
                set,
                threshold,
                index,
                bytes: KeyBytes::copy_of(bytes),
            })
        })
        .collect()
}

/// Gives back the sealing key of these shares, in any order. That it is the right one shows when it opens a root key.
///
/// # Errors
/// [`Error::Shares`] if there are too few, two are the same, or they are not all of one set.
pub fn combine(shares: &[Share]) -> Result<SealingKey, Error> {
    let Some(first) = shares.first() else {
        return Err(TOO_FEW);
    };
    if shares
        .iter()
        .any(|share| share.set != first.set || share.threshold != first.threshold)
    {
        return Err(Error::Shares(
            "these shares are of different sets; take all of them from the same split",
        ));
    }
    let mut seen = [false; 256];
    for share in shares {
        let seen = seen.get_mut(usize::from(share.index));
        if seen.is_none_or(|seen| std::mem::replace(seen, true)) {
            return Err(Error::Shares("the same share was given twice"));
        }
    }
    if shares.len() < usize::from(first.threshold) {
        return Err(TOO_FEW);
    }
    let points = Zeroizing::new(
        shares
            .iter()
            .map(|share| {
                let mut point = Vec::with_capacity(1 + KEY_LENGTH);
                point.push(share.index);
                point.extend_from_slice(share.bytes.expose());
                point
            })
            .collect::<Vec<_>>(),
    );
    let key = Gf256::combine_bytes(&*points).map(Zeroizing::new);
    let key = key.map_err(|_| COMBINE_FAILED)?;
    let key: &[u8; KEY_LENGTH] = key.as_slice().try_into().map_err(|_| COMBINE_FAILED)?;
    Ok(SealingKey::copy_of(key))
}

/// The random source in the form that the scheme's crate takes. That form cannot fail, so a failure is noted here, and the
/// shares made with it are thrown away.
struct RandomSource {
    fill: fn(&mut [u8]) -> Result<(), Error>,
    failed: bool,
}

impl RandomSource {
    fn new(fill: fn(&mut [u8]) -> Result<(), Error>) -> Self {
        Self {
            fill,
            failed: false,
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.failed |= (self.fill)(&mut bytes).is_err();
        bytes
    }
}

impl TryRng for RandomSource {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= (self.fill)(bytes).is_err();
        Ok(())
    }
}

impl TryCryptoRng for RandomSource {}

fn checksum(content: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let [a, b, c, d, ..] = hash::sha256(&[b"kluis share", content]);
    [a, b, c, d]
}

const FORMAT: u8 = 1;
const KEY_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 4;
/// Format, set id, threshold, index, share, checksum.
const TEXT_BYTES: usize = 1 + 4 + 1 + 1 + KEY_LENGTH + CHECKSUM_LENGTH;
/// Characters between two hyphens of the printed form.
const GROUP: usize = 6;

const MISTYPED: Error =
    Error::Shares("the share is mistyped: its last characters do not fit the others");
const TOO_FEW: Error = Error::Shares("more shares are needed");
const SPLIT_FAILED: Error = Error::Shares("the key could not be split");
const COMBINE_FAILED: Error = Error::Shares("the shares do not combine");

#[cfg(test)]
mod tests;
