//! Recovery codes (Inkbox contract §6.5).

use zeroize::Zeroizing;

use super::ZkError;
use crate::{Error, Secret, random};

/// How many recovery codes a vault gets.
pub const CODES: usize = 4;

/// A new recovery code: eight groups of four characters with dashes between, about 158 bits.
///
/// # Errors
/// [`ZkError::System`] if there are no random bytes.
pub fn recovery_code() -> Result<Secret, ZkError> {
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    let mut drawn = 0;
    // A draw fails for 8 values in 256: this many run out only with a broken random source.
    for _ in 0..64 {
        let mut draws = Zeroizing::new([0; CHARACTERS]);
        random::fill(&mut *draws).map_err(ZkError::System)?;
        // What is above the last multiple of the alphabet's length would make its first characters likelier.
        for draw in draws.iter().filter(|draw| **draw < EVEN) {
            if drawn == CHARACTERS {
                break;
            }
            if drawn != 0 && drawn % GROUP == 0 {
                text.push('-');
            }
            let character = ALPHABET.get(usize::from(*draw) % ALPHABET.len());
            text.push(char::from(character.copied().unwrap_or_default()));
            drawn += 1;
        }
        if drawn == CHARACTERS {
            return Ok(Secret::from_text(std::mem::take(&mut *text)));
        }
    }
    Err(ZkError::System(Error::Random))
}

/// Without `0`, `1`, `I`, `L` and `O`, which are taken for each other.
pub(super) const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const CHARACTERS: usize = 32;
const GROUP: usize = 4;
const LENGTH: usize = CHARACTERS + CHARACTERS / GROUP - 1;
/// The largest multiple of 31 that a byte can hold.
const EVEN: u8 = 248;
