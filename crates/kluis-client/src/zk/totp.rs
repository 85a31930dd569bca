//! A seed of one-time codes inside a login (Inkbox contract §6.8).

use kluis_crypto::totp::{Account, Algorithm, Settings, UriFault, seed};
use serde::{Deserialize, Serialize};

use crate::SecretText;

/// A seed, and how codes are made of it. Has no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Members")]
pub struct Totp {
    secret: SecretText,
    settings: Settings,
    issuer: Option<String>,
    account_name: Option<String>,
}

/// A code, and how long it holds. Has no `Debug`.
pub struct Code {
    /// Six or eight digits.
    pub text: SecretText,
    /// Seconds that it still holds, at least 1.
    pub seconds_left: i64,
}

impl Totp {
    /// The seed of an `otpauth://totp/` URI.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_uri(uri: &SecretText) -> Result<Self, UriFault> {
        let account = Account::from_uri(uri.expose())?;
        let secret = account.secret.into_text().map_err(|_| UriFault::Secret)?;
        Ok(Self {
            secret: SecretText::from((*secret).clone()),
            settings: account.settings,
            issuer: account.issuer,
            account_name: account.account_name,
        })
    }

    /// A seed in base-32 alone, with the usual settings.
    #[must_use]
    pub fn from_seed(secret: SecretText) -> Option<Self> {
        seed(secret.expose())?;
        Some(Self {
            secret,
            settings: Settings::default(),
            issuer: None,
            account_name: None,
        })
    }

    /// Who asks for the codes.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whose they are.
    #[must_use]
    pub fn account_name(&self) -> Option<&str> {
        self.account_name.as_deref()
    }

    /// The code of a time given in seconds since 1970.
    #[must_use]
    pub fn code(&self, unix_seconds: i64) -> Option<Code> {
        let code = self
            .settings
            .code(&seed(self.secret.expose())?, unix_seconds);
        Some(Code {
            text: SecretText::from(code.expose_text()?.to_owned()),
            seconds_left: self.settings.seconds_left(unix_seconds),
        })
    }

    /// As it stands in a payload: what is absent is left out.
    pub(super) fn revealed(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Revealed<'a> {
            secret: &'a str,
            algorithm: &'static str,
            digits: u32,
            period: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            issuer: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            account_name: Option<&'a str>,
        }
        Revealed {
            secret: self.secret.expose(),
            algorithm: self.settings.algorithm().name(),
            digits: self.settings.digits(),
            period: self.settings.period(),
            issuer: self.issuer.as_deref(),
            account_name: self.account_name.as_deref(),
        }
    }
}

/// As any client may have written it: what is null is as if it were absent.
#[derive(Deserialize)]
struct Members {
    secret: SecretText,
    #[serde(default)]
    algorithm: Option<String>,
    #[serde(default)]
    digits: Option<u32>,
    #[serde(default)]
    period: Option<u32>,
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    account_name: Option<String>,
}

impl TryFrom<Members> for Totp {
    type Error = UriFault;

    fn try_from(members: Members) -> Result<Self, UriFault> {
        seed(members.secret.expose()).ok_or(UriFault::Secret)?;
        let algorithm = match &members.algorithm {
            Some(name) => Algorithm::from_name(name).ok_or(UriFault::Algorithm)?,
            None => Algorithm::default(),
        };
        let (digits, period) = (members.digits.unwrap_or(6), members.period.unwrap_or(30));
        Ok(Self {
            settings: Settings::new(algorithm, digits, period).ok_or(UriFault::Settings)?,
            secret: members.secret,
            issuer: members.issuer,
            account_name: members.account_name,
        })
    }
}
