//! The one source of random bytes: the generator of AWS-LC, seeded by the operating system.

use crate::Error;

/// Fills `bytes` with random bytes.
///
/// # Errors
/// [`Error::Random`] if there are none; `bytes` must then not be used.
pub fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| Error::Random)
}

/// `N` random bytes. For key material prefer [`fill`] into memory that is wiped.
///
/// # Errors
/// [`Error::Random`] if there are none.
pub fn array<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_drawn() {
        let mut seen = [0; 67];
        for _ in 0..64 {
            let mut bytes = [0; 67];
            fill(&mut bytes).unwrap();
            for (seen, byte) in seen.iter_mut().zip(bytes) {
                *seen |= byte;
            }
        }
        // A byte that is not drawn stays zero; one that is misses a bit after 64 draws with a probability of 2⁻⁶¹.
        assert_eq!(seen, [0xff; 67]);
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(array::<16>().unwrap(), array::<16>().unwrap());
        assert_eq!(array::<0>(), Ok([]));
    }
}
