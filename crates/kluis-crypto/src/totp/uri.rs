//! Reading of `otpauth://` URIs, as they stand in QR codes (Inkbox contract §6.8).

use thiserror::Error;
use zeroize::Zeroizing;

use super::settings::{Algorithm, Settings, seed};
use crate::Secret;

/// What an `otpauth://totp/` URI says.
pub struct Account {
    /// The seed in base-32, in upper case, as it stood there otherwise.
    pub secret: Secret,
    /// How codes are made.
    pub settings: Settings,
    /// Who asks for the codes; the `issuer` parameter before the label's.
    pub issuer: Option<String>,
    /// Whose they are.
    pub account_name: Option<String>,
}

/// Why a text is no URI of a seed that codes can be made of. Holds nothing of the text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum UriFault {
    /// Another kind of text.
    #[error("it does not begin with otpauth://totp/")]
    NoTotp,
    /// Codes by a counter, which cannot be made in several places.
    #[error("it is for codes by a counter (otpauth://hotp), which are not supported")]
    Hotp,
    /// The seed is missing.
    #[error("it has no secret")]
    NoSecret,
    /// The seed cannot be read.
    #[error("its secret is not in base-32")]
    Secret,
    /// Another hash.
    #[error("its algorithm is none of sha1, sha256 and sha512")]
    Algorithm,
    /// Another number of digits or seconds.
    #[error("its digits are not 6 or 8, or its period is not 30 or 60")]
    Settings,
    /// A percent sign without two digits behind it, or bytes that are no text.
    #[error("its percent-encoding is broken")]
    Encoding,
}

impl Account {
    /// Reads a URI.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_uri(uri: &str) -> Result<Self, UriFault> {
        let (label, query) = parts(uri)?;
        let label = decoded(label, false)?;
        let (label_issuer, account) = match label.split_once(':') {
            Some((issuer, account)) => (Some(issuer), account),
            None => (None, label.as_str()),
        };
        let parameter = |name: &str| {
            let value = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value));
            value.map(|value| decoded(value, true)).transpose()
        };
        let secret = parameter("secret")?.ok_or(UriFault::NoSecret)?;
        let secret = Secret::from_text(secret.to_ascii_uppercase());
        if secret.expose_text().and_then(seed).is_none() {
            return Err(UriFault::Secret);
        }
        let algorithm = match parameter("algorithm")? {
            Some(name) => Algorithm::from_name(&name).ok_or(UriFault::Algorithm)?,
            None => Algorithm::default(),
        };
        let number = |name, usual| match parameter(name)? {
            Some(text) => text.parse().map_err(|_| UriFault::Settings),
            None => Ok(usual),
        };
        let settings = Settings::new(algorithm, number("digits", 6)?, number("period", 30)?);
        let issuer = parameter("issuer")?;
        Ok(Self {
            secret,
            settings: settings.ok_or(UriFault::Settings)?,
            issuer: named(issuer.as_deref().map(String::as_str)).or_else(|| named(label_issuer)),
            account_name: named(Some(account)),
        })
    }
}

/// The label and the query, still encoded.
fn parts(uri: &str) -> Result<(&str, &str), UriFault> {
    let (scheme, rest) = uri.trim().split_once("://").ok_or(UriFault::NoTotp)?;
    if !scheme.eq_ignore_ascii_case("otpauth") {
        return Err(UriFault::NoTotp);
    }
    let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    if kind.eq_ignore_ascii_case("hotp") {
        return Err(UriFault::Hotp);
    }
    if !kind.eq_ignore_ascii_case("totp") {
        return Err(UriFault::NoTotp);
    }
    Ok((label, query))
}

fn named(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The text without its percent-encoding; in a query, a plus sign is a blank.
fn decoded(text: &str, is_query: bool) -> Result<Zeroizing<String>, UriFault> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit(), digit());
                let value = high.zip(low).ok_or(UriFault::Encoding)?;
                u8::try_from(value.0 << 4 | value.1).map_err(|_| UriFault::Encoding)?
            }
            b'+' if is_query => b' ',
            byte => byte,
        });
    }
    let text = str::from_utf8(&bytes).map_err(|_| UriFault::Encoding)?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totp;

    /// Secret, algorithm, digits, period, issuer, account.
    type Read = (
        String,
        &'static str,
        u32,
        u32,
        Option<String>,
        Option<String>,
    );

    fn read(uri: &str) -> Result<Read, UriFault> {
        let account = Account::from_uri(uri)?;
        let settings = account.settings;
        Ok((
            account.secret.expose_text().unwrap().to_owned(),
            settings.algorithm().name(),
            settings.digits(),
            settings.period(),
            account.issuer,
            account.account_name,
        ))
    }

    fn expected(
        (algorithm, digits, period): (&'static str, u32, u32),
        issuer: Option<&str>,
        account: Option<&str>,
    ) -> Read {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (
            "MZXW6YTB".to_owned(),
            algorithm,
            digits,
            period,
            owned(issuer),
            owned(account),
        )
    }

    const USUAL: (&str, u32, u32) = ("sha1", 6, 30);

    #[test]
    fn uris_are_read() {
        for (uri, settings, issuer, account) in [
            ("otpauth://totp/?secret=mzxw6ytb", USUAL, None, None),
            ("otpauth://totp?secret=MZXW6YTB", USUAL, None, None),
            (
                "OTPAUTH://TOTP/me?secret=MZXW6YTB#x",
                USUAL,
                None,
                Some("me"),
            ),
            (
                "otpauth://totp/Git%20Hub:%20me%40example.test?secret=MZXW6YTB",
                USUAL,
                Some("Git Hub"),
                Some("me@example.test"),
            ),
            (
                "otpauth://totp/Old%3Ame?issuer=New+One&secret=MZXW6YTB",
                USUAL,
                Some("New One"),
                Some("me"),
            ),
            (
                "otpauth://totp/a+b?secret=MZXW6YTB&algorithm=SHA512&digits=8&period=60&image=x",
                ("sha512", 8, 60),
                None,
                Some("a+b"),
            ),
            (
                " otpauth://totp/Org:me?secret=MZXW6YTB&issuer=&algorithm=sha256\n",
                ("sha256", 6, 30),
                Some("Org"),
                Some("me"),
            ),
        ] {
            assert_eq!(read(uri), Ok(expected(settings, issuer, account)), "{uri}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (uri, fault) in [
            ("", UriFault::NoTotp),
            ("MZXW6YTB", UriFault::NoTotp),
            ("https://totp/x?secret=MZXW6YTB", UriFault::NoTotp),
            ("otpauth://steam/x?secret=MZXW6YTB", UriFault::NoTotp),
            ("otpauth://hotp/x?secret=MZXW6YTB&counter=1", UriFault::Hotp),
            ("otpauth://totp/x", UriFault::NoSecret),
            ("otpauth://totp/x?secret=", UriFault::NoSecret),
            ("otpauth://totp/x?secret=MZXW6YT1", UriFault::Secret),
            ("otpauth://totp/x?secret=M", UriFault::Secret),
            (
                "otpauth://totp/x?secret=MZXW6YTB&algorithm=md5",
                UriFault::Algorithm,
            ),
            (
                "otpauth://totp/x?secret=MZXW6YTB&digits=7",
                UriFault::Settings,
            ),
            (
                "otpauth://totp/x?secret=MZXW6YTB&digits=six",
                UriFault::Settings,
            ),
            (
                "otpauth://totp/x?secret=MZXW6YTB&period=45",
                UriFault::Settings,
            ),
            ("otpauth://totp/%zz?secret=MZXW6YTB", UriFault::Encoding),
            ("otpauth://totp/%f?secret=MZXW6YTB", UriFault::Encoding),
            ("otpauth://totp/%ff?secret=MZXW6YTB", UriFault::Encoding),
        ] {
            assert_eq!(read(uri), Err(fault), "{uri}");
        }
    }

    #[test]
    fn what_the_server_makes_reads_back() {
        let secret = totp::generate_secret().unwrap();
        let uri = totp::uri(&secret, "Kluis: Home & Co", "a+b@kluis.local");
        let account = Account::from_uri(uri.expose_text().unwrap()).ok().unwrap();
        let seed = account.secret.expose_text().and_then(seed).unwrap();
        assert!(seed.same_as(&secret));
        assert_eq!(account.settings, Settings::default());
        assert_eq!(account.issuer.as_deref(), Some("Kluis: Home & Co"));
    }
}
