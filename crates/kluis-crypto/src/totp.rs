//! One-time codes of RFC 6238: as authenticator applications make them, SHA-1, six digits, a new code each 30 seconds, for
//! the server's own second factor; and with the settings of [`Settings`] for those that somebody keeps here.

mod settings;
mod uri;

pub use settings::{Algorithm, Settings, seed};
pub use uri::{Account, UriFault};

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Error, Secret, base32, hash, random};

/// A new shared secret: 20 random bytes, as long as the hash (RFC 4226 §4).
///
/// # Errors
/// [`Error::Random`] if there are no random bytes.
pub fn generate_secret() -> Result<Secret, Error> {
    let mut secret = Zeroizing::new(vec![0; SECRET_LENGTH]);
    random::fill(&mut secret)?;
    Ok(secret.into())
}

/// The shared secret in base-32, to be typed into an authenticator application.
#[must_use]
pub fn secret_text(secret: &Secret) -> Secret {
    let mut text = String::with_capacity(base32::length(secret.len()));
    base32::push(secret.expose(), &mut text);
    Secret::from_text(text)
}

/// The `otpauth://` URI that an authenticator application reads from a QR code. It contains the shared secret.
#[must_use]
pub fn uri(secret: &Secret, issuer: &str, account: &str) -> Secret {
    let issuer = percent_encode(issuer);
    let account = percent_encode(account);
    // The full capacity at once: growing would leave a copy of the secret behind.
    let mut uri = String::with_capacity(
        128 + 2 * issuer.len() + account.len() + base32::length(secret.len()),
    );
    for part in ["otpauth://totp/", &issuer, ":", &account, "?secret="] {
        uri.push_str(part);
    }
    base32::push(secret.expose(), &mut uri);
    for part in ["&issuer=", &issuer, "&algorithm=SHA1&digits=6&period=30"] {
        uri.push_str(part);
    }
    Secret::from_text(uri)
}

/// Checks a code at a time given in seconds since 1970, and returns the time step it belongs to.
///
/// The step before and the one after are accepted too, for clocks that are a little off. `last_step` is the step of the code
/// accepted last: a step up to it is refused, so whoever stores the returned step (atomically) accepts each code once. A code
/// is six ASCII digits: spaces, other digits and other lengths are refused (NT-17).
#[must_use]
pub fn verify(
    secret: &Secret,
    code: &str,
    unix_seconds: i64,
    last_step: Option<i64>,
) -> Option<i64> {
    let code: &[u8; DIGITS] = code.as_bytes().try_into().ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose());
    let now = unix_seconds.div_euclid(PERIOD_SECONDS);
    let mut accepted = None;
    // All three are computed whatever comes out, and compared byte by byte, so that no second spelling of a code fits. The
    // latest step that fits is taken: a code that two steps share is used up in both.
    for step in now - 1..=now + 1 {
        let fits = bool::from(code_at(&key, step).ct_eq(code));
        if fits && last_step.is_none_or(|last| last < step) {
            accepted = Some(step);
        }
    }
    accepted
}

/// The code that an authenticator shows at a time given in seconds since 1970.
#[must_use]
pub fn code(secret: &Secret, unix_seconds: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose());
    let step = unix_seconds.div_euclid(PERIOD_SECONDS);
    code_at(&key, step).map(char::from).iter().collect()
}

/// The code of one step.
fn code_at(key: &hmac::Key, step: i64) -> [u8; DIGITS] {
    let mut rest = number_at(key, step);
    let mut code = [0; DIGITS];
    for digit in code.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    code
}

/// The number whose last digits are the code of one step (RFC 4226 §5.3).
fn number_at(key: &hmac::Key, step: i64) -> u32 {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
    let word = tag
        .get(offset..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .map_or(0, u32::from_be_bytes);
    word & 0x7fff_ffff
}

/// Escapes everything but the unreserved characters of RFC 3986.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hash::hex(&[byte]).to_ascii_uppercase());
        }
    }
    encoded
}

const PERIOD_SECONDS: i64 = 30;
const DIGITS: usize = 6;
const SECRET_LENGTH: usize = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The secret of RFC 6238, appendix B.
    fn published_secret() -> Secret {
        Secret::new(b"12345678901234567890".to_vec())
    }

    fn code_of(secret: &Secret, step: i64) -> String {
        code(secret, step * PERIOD_SECONDS)
    }

    /// RFC 6238, appendix B, SHA-1: the last six of the eight digits printed there.
    #[test]
    fn published_codes() {
        let cases = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (time, code) in cases {
            let step = verify(&published_secret(), code, time, None);
            assert_eq!(step, Some(time / 30), "{time}");
        }
    }

    #[test]
    fn a_code_fits_its_step_and_the_two_beside_it() {
        let secret = published_secret();
        let code = code_of(&secret, 1000);
        for (time, expected) in [
            (29_969, None),
            (29_970, Some(1000)),
            (30_000, Some(1000)),
            (30_029, Some(1000)),
            (30_059, Some(1000)),
            (30_060, None),
        ] {
            assert_eq!(verify(&secret, &code, time, None), expected, "{time}");
        }
    }

    /// NT-17: a code works once, in any spelling, in its own step and in the ones beside it.
    #[test]
    fn a_used_code_is_refused() {
        let secret = published_secret();
        let code = code_of(&secret, 1000);
        let used = verify(&secret, &code, 30_000, None);
        assert_eq!(used, Some(1000));
        for time in [29_970, 30_000, 30_030, 30_059] {
            assert_eq!(verify(&secret, &code, time, used), None);
        }
        // Nor does an older one work any more, but a newer one does.
        assert_eq!(verify(&secret, &code_of(&secret, 999), 30_000, used), None);
        let next = verify(&secret, &code_of(&secret, 1001), 30_000, used);
        assert_eq!(next, Some(1001));
        assert_eq!(verify(&secret, &code, 30_000, Some(i64::MAX)), None);
    }

    /// NT-17: only the six digits themselves are a code.
    #[test]
    fn other_spellings_are_refused() {
        let secret = published_secret();
        let code = code_of(&secret, 1000);
        let (start, end) = code.split_at(3);
        let (_, shorter) = code.split_at(1);
        let full_width: String = code
            .chars()
            .filter_map(|digit| char::from_u32(u32::from(digit) - 0x30 + 0xff10))
            .collect();
        for spelling in [
            String::new(),
            format!(" {code}"),
            format!("{code} "),
            format!("{start} {end}"),
            format!("{code}\n"),
            format!("0{code}"),
            format!("+{shorter}"),
            shorter.to_owned(),
            full_width,
            "١٢٣".to_owned(),
        ] {
            assert_eq!(
                verify(&secret, &spelling, 30_000, None),
                None,
                "{spelling:?}"
            );
        }
    }

    /// Two steps in a row with one code: both are used up by it.
    #[test]
    fn a_code_that_two_steps_share_works_once() {
        let secret = published_secret();
        // The first such steps of this secret.
        let step = 910_737;
        let code = code_of(&secret, step);
        assert_eq!(code, code_of(&secret, step + 1));
        let used = verify(&secret, &code, step * 30, None);
        assert_eq!(used, Some(step + 1));
        assert_eq!(verify(&secret, &code, step * 30, used), None);
    }

    #[test]
    fn the_uri_is_what_authenticators_read() {
        let uri = uri(&published_secret(), "Kluis: Home & Co", "a+b@kluis.local");
        assert_eq!(
            uri.expose_text().unwrap(),
            "otpauth://totp/Kluis%3A%20Home%20%26%20Co:a%2Bb%40kluis.local\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Kluis%3A%20Home%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
        let text = secret_text(&published_secret());
        assert_eq!(
            text.expose_text().unwrap(),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        );
    }

    #[test]
    fn generated_secrets_have_20_bytes_and_differ() {
        let [a, b] = [(); 2].map(|()| generate_secret().unwrap());
        assert_eq!((a.len(), b.len()), (20, 20));
        assert!(!a.same_as(&b));
    }

    proptest! {
        #[test]
        fn no_time_and_no_text_is_too_strange(code in ".{0,8}", time: i64, last: Option<i64>) {
            let step = verify(&published_secret(), &code, time, last);
            prop_assert!(step.is_none_or(|step| last.is_none_or(|last| last < step)));
        }
    }
}
