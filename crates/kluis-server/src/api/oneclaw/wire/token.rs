//! Access tokens (contract §4).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kluis_engine::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// A key to exchange.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ApiKeyExchange {
    #[schema(value_type = String)]
    api_key: Given,
}

/// Who logs in.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct PasswordLogin {
    #[schema(examples("owner@kluis.local"))]
    email: String,
    #[schema(value_type = String)]
    password: Given,
}

/// A code, and what it is for.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct SecondFactor {
    #[schema(value_type = String)]
    mfa_token: Given,
    /// Of the second factor, or a recovery code.
    #[schema(value_type = String, examples("123456"))]
    code: Given,
}

/// An access token.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AccessToken {
    /// A JWT; goes into `Authorization: Bearer`.
    #[serde(rename = "access_token")]
    jwt: Revealed,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    token_type: &'static str,
    /// Its life in seconds.
    #[schema(examples(900))]
    expires_in: u64,
}

/// An access token, or what leads to one.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in super::super) enum LoggedIn {
    /// The password was enough.
    Token(AccessToken),
    /// A code is wanted.
    SecondFactor {
        /// Always true.
        mfa_required: bool,
        /// For `/v1/auth/mfa`, within five minutes.
        mfa_token: Revealed,
    },
}

/// A public key.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct PublicKey {
    #[schema(examples("EdDSA"))]
    alg: &'static str,
    /// 32 bytes of Ed25519 in base64.
    #[serde(rename = "public_key_base64")]
    bytes: String,
}

/// Public keys (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(in super::super) struct KeySet {
    keys: [Key; 1],
}

/// One of them (RFC 8037).
#[derive(Serialize, ToSchema)]
struct Key {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    x: String,
}

impl ApiKeyExchange {
    /// The key.
    pub(in super::super) fn key(&self) -> &str {
        self.api_key.expose()
    }
}

impl PasswordLogin {
    /// Address and password.
    pub(in super::super) fn parse(self) -> (String, Secret) {
        (self.email, self.password.into_secret())
    }
}

impl SecondFactor {
    /// The token and the code.
    pub(in super::super) fn parts(&self) -> (&str, &str) {
        (self.mfa_token.expose(), self.code.expose())
    }
}

impl From<kluis_engine::AccessToken> for AccessToken {
    fn from(token: kluis_engine::AccessToken) -> Self {
        Self {
            jwt: token.token.into(),
            token_type: "Bearer",
            expires_in: token.expires_in,
        }
    }
}

impl From<kluis_engine::LoggedIn> for LoggedIn {
    fn from(logged_in: kluis_engine::LoggedIn) -> Self {
        match logged_in {
            kluis_engine::LoggedIn::Token(token) => Self::Token(token.into()),
            kluis_engine::LoggedIn::SecondFactor(waiting) => Self::SecondFactor {
                mfa_required: true,
                mfa_token: waiting.into(),
            },
        }
    }
}

impl From<[u8; 32]> for PublicKey {
    fn from(key: [u8; 32]) -> Self {
        Self {
            alg: "EdDSA",
            bytes: STANDARD.encode(key),
        }
    }
}

impl From<[u8; 32]> for KeySet {
    fn from(key: [u8; 32]) -> Self {
        Self {
            keys: [Key {
                kty: "OKP",
                crv: "Ed25519",
                alg: "EdDSA",
                usage: "sig",
                x: URL_SAFE_NO_PAD.encode(key),
            }],
        }
    }
}
