//! Codes with other settings than the usual ones (Inkbox contract §6.8).

use aws_lc_rs::hmac;

use super::number_at;
use crate::{Secret, base32};

/// The hash that codes are made with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// SHA-1, which nearly all use.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How codes are made: one of the combinations that the contract allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    algorithm: Algorithm,
    digits: u32,
    period: u32,
}

impl Algorithm {
    /// The algorithm of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Sha1, Self::Sha256, Self::Sha512];
        all.into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Its name in lower case, without a hyphen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

impl Settings {
    /// These settings; none unless there are 6 or 8 digits, and a new code each 30 or 60 seconds.
    #[must_use]
    pub fn new(algorithm: Algorithm, digits: u32, period: u32) -> Option<Self> {
        (matches!(digits, 6 | 8) && matches!(period, 30 | 60)).then_some(Self {
            algorithm,
            digits,
            period,
        })
    }

    /// The hash.
    #[must_use]
    pub fn algorithm(self) -> Algorithm {
        self.algorithm
    }

    /// How many digits a code has.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.digits
    }

    /// How many seconds a code holds.
    #[must_use]
    pub fn period(self) -> u32 {
        self.period
    }

    /// The code of a seed at a time given in seconds since 1970.
    #[must_use]
    pub fn code(self, seed: &Secret, unix_seconds: i64) -> Secret {
        let algorithm = match self.algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let key = hmac::Key::new(algorithm, seed.expose());
        let number = number_at(&key, unix_seconds.div_euclid(self.period.into()));
        let width = usize::try_from(self.digits).unwrap_or_default();
        let number = number % 10_u32.pow(self.digits);
        Secret::from_text(format!("{number:0width$}"))
    }

    /// How many seconds the code of this time still holds: at least 1.
    #[must_use]
    pub fn seconds_left(self, unix_seconds: i64) -> i64 {
        let period = i64::from(self.period);
        period - unix_seconds.rem_euclid(period)
    }
}

impl Default for Settings {
    /// SHA-1, six digits, 30 seconds.
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Sha1,
            digits: 6,
            period: 30,
        }
    }
}

/// The seed that this base-32 text spells, in either case, with padding or without.
#[must_use]
pub fn seed(text: &str) -> Option<Secret> {
    base32::read_any(text).map(Secret::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B. Its seeds are as long as the hash.
    #[test]
    fn published_codes_of_all_algorithms() {
        let seed =
            |length| Secret::new(b"1234567890".iter().copied().cycle().take(length).collect());
        let cases = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (time, sha1, sha256, sha512) in cases {
            for (algorithm, length, code) in [
                (Algorithm::Sha1, 20, sha1),
                (Algorithm::Sha256, 32, sha256),
                (Algorithm::Sha512, 64, sha512),
            ] {
                let settings = Settings::new(algorithm, 8, 30).unwrap();
                let made = settings.code(&seed(length), time);
                assert_eq!(made.expose_text(), Some(code), "{algorithm:?} at {time}");
            }
        }
    }

    /// Inkbox contract §6.9
    #[test]
    fn the_codes_of_the_contract() {
        let seed = seed("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let usual = Settings::default();
        assert_eq!(usual.code(&seed, 59).expose_text(), Some("287082"));
        let long = Settings::new(Algorithm::Sha1, 8, 30).unwrap();
        assert_eq!(long.code(&seed, 59).expose_text(), Some("94287082"));
        // The same step counted in minutes.
        let slow = Settings::new(Algorithm::Sha1, 6, 60).unwrap();
        assert_eq!(slow.code(&seed, 119).expose_text(), Some("287082"));
        assert_eq!(super::super::code(&seed, 59), "287082");
    }

    #[test]
    fn a_code_holds_to_the_end_of_its_period() {
        let usual = Settings::default();
        for (time, left) in [(0, 30), (1, 29), (29, 1), (30, 30), (-1, 1)] {
            assert_eq!(usual.seconds_left(time), left, "{time}");
        }
    }

    #[test]
    fn other_settings_are_refused() {
        for (digits, period) in [(7, 30), (5, 30), (6, 0), (6, 45), (0, 0), (6, 90)] {
            assert_eq!(Settings::new(Algorithm::Sha1, digits, period), None);
        }
        assert_eq!(Algorithm::from_name("SHA256"), Some(Algorithm::Sha256));
        for name in ["", "sha-1", "md5", "sha384"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
