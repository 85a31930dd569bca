//! Argon2id (RFC 9106): stored passwords (RULES §8) and the passphrase seal (DESIGN §4).
//!
//! Everything here is slow and takes memory on purpose: call it from the pool for password hashing, never from a serving
//! thread.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Version};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, SealingKey, Secret, random};

/// What one Argon2id hash costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Params {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes. They are computed one after the other here; more of them only change the result.
    pub parallelism: u32,
}

impl Params {
    /// The least that the algorithm takes: 8 KiB, one pass. For tests only: a hash made with it resists nobody.
    pub const TEST_MINIMUM: Self = Self {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };

    /// The most that is accepted, from a configuration or out of a stored hash: an altered store must not be able to make
    /// one log-in take all memory or run for hours.
    pub const MAXIMUM: Self = Self {
        memory_kib: 1024 * 1024,
        iterations: 64,
        parallelism: 16,
    };

    fn to_argon2(self) -> Result<Argon2<'static>, Error> {
        let Self {
            memory_kib,
            iterations,
            parallelism,
        } = self;
        if memory_kib > Self::MAXIMUM.memory_kib
            || iterations > Self::MAXIMUM.iterations
            || parallelism > Self::MAXIMUM.parallelism
        {
            return Err(Error::Password);
        }
        let params = argon2::Params::new(memory_kib, iterations, parallelism, Some(HASH_LENGTH))
            .map_err(|_| Error::Password)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for Params {
    /// 19 MiB, two passes, one lane: the smallest setting that OWASP's password storage advice recommends for servers.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            iterations: 2,
            parallelism: 1,
        }
    }
}

/// Hashes a password under a fresh random salt, into a PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
///
/// # Errors
/// [`Error::Password`] if `params` are out of range or there is not enough memory, [`Error::Random`] if there are no random
/// bytes.
pub fn hash(password: &Secret, params: Params) -> Result<String, Error> {
    let argon2 = params.to_argon2()?;
    let salt: [u8; 16] = random::array()?;
    let hash = derive(&argon2, password, &salt)?;
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(|_| Error::Password)?,
        salt: Some(Salt::new(&salt).map_err(|_| Error::Password)?),
        hash: Some(Output::new(&*hash).map_err(|_| Error::Password)?),
    }
    .to_string())
}

/// Whether `phc` was made from this password. The cost is that of `phc`, within [`Params::MAXIMUM`].
///
/// # Errors
/// [`Error::Password`] if `phc` is not a string that [`hash`] makes, or there is not enough memory.
pub fn verify(password: &Secret, phc: &str) -> Result<bool, Error> {
    let stored = PasswordHash::new(phc).map_err(|_| Error::Password)?;
    // One algorithm in one version: nothing is chosen by what is stored but the cost.
    if stored.algorithm != Algorithm::Argon2id.ident()
        || stored.version != Some(Version::V0x13.into())
    {
        return Err(Error::Password);
    }
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(Error::Password);
    };
    let params = argon2::Params::try_from(&stored).map_err(|_| Error::Password)?;
    if !params.keyid().is_empty() || !params.data().is_empty() || expected.len() != HASH_LENGTH {
        return Err(Error::Password);
    }
    let argon2 = Params {
        memory_kib: params.m_cost(),
        iterations: params.t_cost(),
        parallelism: params.p_cost(),
    }
    .to_argon2()?;
    let actual = derive(&argon2, password, salt.as_ref())?;
    Ok(actual.as_slice().ct_eq(expected.as_bytes()).into())
}

/// The sealing key of a passphrase. `salt` is 16 random bytes or more, stored in clear beside `params`.
///
/// # Errors
/// [`Error::Password`] if the salt is too short, `params` are out of range, or there is not enough memory.
pub fn derive_sealing_key(
    passphrase: &Secret,
    salt: &[u8],
    params: Params,
) -> Result<SealingKey, Error> {
    if salt.len() < 16 {
        return Err(Error::Password);
    }
    let key = derive(&params.to_argon2()?, passphrase, salt)?;
    Ok(SealingKey::copy_of(&key))
}

/// Whether a password may be chosen (RULES §8): 12 or more characters, with upper case, lower case, a digit and another.
#[must_use]
pub fn meets_policy(password: &str) -> bool {
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    password.chars().count() >= 12
        && has(char::is_uppercase)
        && has(char::is_lowercase)
        && has(char::is_numeric)
        && has(|c| !c.is_uppercase() && !c.is_lowercase() && !c.is_numeric())
}

/// A random password to be used once and replaced: 20 characters that meet [`meets_policy`] and are not mistaken for each
/// other in print, about 119 bits.
///
/// # Errors
/// [`Error::Random`] if there are no random bytes.
pub fn one_time() -> Result<Secret, Error> {
    // Each try succeeds five times in six, so this many fail only with a broken random source.
    for _ in 0..64 {
        let mut draws = Zeroizing::new([0; 20]);
        random::fill(&mut *draws)?;
        // 256 is a multiple of the alphabet's 64 characters: each is equally likely.
        let mut text = String::with_capacity(draws.len());
        text.extend(
            draws
                .iter()
                .filter_map(|draw| ONE_TIME_ALPHABET.get(usize::from(draw % 64)))
                .map(|&character| char::from(character)),
        );
        let password = Secret::from_text(text);
        if password.expose_text().is_some_and(meets_policy) {
            return Ok(password);
        }
    }
    Err(Error::Random)
}

/// Argon2id into 32 bytes. The working memory is wiped: from its last blocks the result can be had without the password.
fn derive(
    argon2: &Argon2<'_>,
    password: &Secret,
    salt: &[u8],
) -> Result<Zeroizing<[u8; HASH_LENGTH]>, Error> {
    let count = argon2.params().block_count();
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(count)
        .map_err(|_| Error::Password)?;
    memory.resize(count, Block::new());
    let mut hash = Zeroizing::new([0; HASH_LENGTH]);
    let outcome = argon2.hash_password_into_with_memory(
        password.expose(),
        salt,
        &mut *hash,
        memory.as_mut_slice(),
    );
    memory.zeroize();
    outcome.map_err(|_| Error::Password)?;
    Ok(hash)
}

/// The length of a hash, in bytes: also that of a key.
const HASH_LENGTH: usize = 32;

/// Without `I`, `O`, `l`, `0`, `1`, and without what shells, URLs' queries or JSON treat specially in the middle of a word.
const ONE_TIME_ALPHABET: &[u8; 64] =
    b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.+=@%";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hex;

    fn secret(text: &str) -> Secret {
        Secret::from_text(text.to_owned())
    }

    /// Strings that the reference implementation (P-H-C, `test.c`) prints for Argon2id 1.3.
    const REFERENCE: [(&str, &str); 4] = [
        (
            "password",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ),
        (
            "password",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ),
        (
            "password",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ),
        (
            "differentpassword",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94",
        ),
    ];

    #[test]
    fn published_hashes() {
        for (password, phc) in REFERENCE {
            assert_eq!(verify(&secret(password), phc), Ok(true), "{phc}");
            assert_eq!(verify(&secret("another"), phc), Ok(false), "{phc}");
        }
    }

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let phc = hash(&secret("correct"), Params::TEST_MINIMUM).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{phc}");
        assert_eq!(verify(&secret("correct"), &phc), Ok(true));
        for other in ["", "correc", "Correct", "correct ", "correct\0"] {
            assert_eq!(verify(&secret(other), &phc), Ok(false));
        }
        // The salt is fresh each time.
        assert_ne!(hash(&secret("correct"), Params::TEST_MINIMUM).unwrap(), phc);
    }

    #[test]
    fn the_default_costs_19_mib() {
        let phc = hash(&secret("correct"), Params::default()).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(verify(&secret("correct"), &phc), Ok(true));
    }

    /// NT-78: nothing stored chooses another algorithm, and none makes a log-in cost without bound.
    #[test]
    fn other_strings_are_refused() {
        let salt_and_hash = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        for phc in [
            String::new(),
            "password".to_owned(),
            "$2b$12$abcdefghijklmnopqrstuv".to_owned(),
            format!("$argon2i$v=19$m=256,t=2,p=1${salt_and_hash}"),
            format!("$argon2d$v=19$m=256,t=2,p=1${salt_and_hash}"),
            format!("$argon2id$v=16$m=256,t=2,p=1${salt_and_hash}"),
            format!("$argon2id$m=256,t=2,p=1${salt_and_hash}"),
            format!("$argon2id$v=19$m=4194304,t=2,p=1${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=65,p=1${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=2,p=17${salt_and_hash}"),
            format!("$argon2id$v=19$m=7,t=2,p=1${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=0,p=1${salt_and_hash}"),
            format!("$argon2id$v=19$m=256,t=2,p=1,keyid=8PDw8A${salt_and_hash}"),
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ".to_owned(),
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg".to_owned(),
        ] {
            let result = verify(&secret("password"), &phc);
            assert_eq!(result, Err(Error::Password), "{phc}");
        }
    }

    #[test]
    fn costs_out_of_range_are_refused() {
        let params = |memory_kib, iterations, parallelism| Params {
            memory_kib,
            iterations,
            parallelism,
        };
        for params in [
            params(7, 1, 1),
            params(15, 1, 2),
            params(8, 0, 1),
            params(8, 1, 0),
            params(Params::MAXIMUM.memory_kib + 1, 1, 1),
            params(8, Params::MAXIMUM.iterations + 1, 1),
            params(1024, 1, Params::MAXIMUM.parallelism + 1),
            params(u32::MAX, u32::MAX, u32::MAX),
        ] {
            let refused = hash(&secret("password"), params).err();
            assert_eq!(refused, Some(Error::Password), "{params:?}");
        }
    }

    /// Computed with another implementation: were it to change, no passphrase would unseal its server any more.
    #[test]
    fn the_key_of_a_passphrase_stays() {
        let salt: [u8; 16] = std::array::from_fn(|place| u8::try_from(place).unwrap());
        let passphrase = secret("correct horse battery staple");
        let key = derive_sealing_key(&passphrase, &salt, Params::TEST_MINIMUM).unwrap();
        assert_eq!(
            hex(key.expose()),
            "d17ea6341ca93da6079ea2f64dc4aa31dd1aaf9caa67fb42ac4afd0714706f26"
        );
        let refused = derive_sealing_key(&passphrase, &salt[1..], Params::TEST_MINIMUM);
        assert_eq!(refused.err(), Some(Error::Password));
    }

    #[test]
    fn the_policy_of_passwords() {
        for good in ["Abcdefghij1-", "Ünïcödé wörd 1", "aA1 aaaaaaaa"] {
            assert!(meets_policy(good), "{good}");
        }
        for bad in [
            "",
            "Abcdefghi1-",
            "abcdefghij1-",
            "ABCDEFGHIJ1-",
            "Abcdefghijk-",
            "Abcdefghij12",
            // Long enough in bytes, not in characters.
            "Äöüäöü1-éé",
        ] {
            assert!(!meets_policy(bad), "{bad}");
        }
    }

    #[test]
    fn one_time_passwords_meet_the_policy_and_differ() {
        let mut seen = std::collections::BTreeSet::new();
        let mut characters = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let password = one_time().unwrap().into_text().unwrap();
            assert_eq!(password.len(), 20);
            assert!(meets_policy(&password));
            characters.extend(password.bytes());
            assert!(seen.insert(password.to_string()));
        }
        // In 10,000 draws no character is missed: (63/64)¹⁰⁰⁰⁰ is below 10⁻⁶⁸.
        assert_eq!(characters, ONE_TIME_ALPHABET.iter().copied().collect());
        assert_eq!(characters.len(), 64);
    }
}
