//! Values on their way in and out.

use kluis_engine::{Charset, Error, Expect, Limit, Rotate, SecretRead, SecretWrite};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::optional_instant;
use super::secret::{DEFAULT_TYPE, Secret, TYPES};
use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// A secret to write.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct SecretPut {
    /// At most 5 MB.
    #[schema(value_type = String)]
    value: Given,
    /// The stored one unless given, else `generic`.
    #[serde(rename = "type")]
    #[schema(examples("password"))]
    kind: Option<String>,
    /// Any JSON object; of this version alone.
    metadata: Option<Map<String, Value>>,
    /// After this instant (ISO 8601) it cannot be read; of this version alone.
    #[schema(examples("2027-01-01T00:00:00Z"))]
    expires_at: Option<String>,
    /// Kept, and without effect.
    rotation_policy: Option<Map<String, Value>>,
    /// How often it can be read, 0 for as often as one likes; of this version alone.
    max_access_count: Option<u32>,
}

/// How to rotate a secret.
#[derive(Default, Deserialize, ToSchema)]
pub(in super::super) struct SecretRotate {
    /// Characters of the new value; 32 unless given.
    #[schema(minimum = 8, maximum = 1024)]
    length: Option<u32>,
    /// `hex` unless given, `base64`, `alphanumeric` or `ascii`.
    charset: Option<String>,
    /// The stored one unless given.
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// A secret with its value.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct RevealedSecret {
    #[serde(flatten)]
    secret: Secret,
    #[schema(value_type = String)]
    value: Revealed,
    /// `user:` or `agent:` and its id.
    #[schema(examples("user:1d5d0d4e-2a55-4f64-8f5b-5a2c0a9c7b21"))]
    created_by: String,
}

impl TryFrom<SecretPut> for SecretWrite {
    type Error = Error;

    fn try_from(body: SecretPut) -> Result<Self, Error> {
        let expires_at = optional_instant("expires_at", body.expires_at.as_deref())?;
        let metadata = Value::Object(body.metadata.unwrap_or_default());
        Ok(Self {
            value: Some(body.value.into_value()),
            kind: body.kind.map(kind).transpose()?,
            metadata: Some(metadata.to_string()),
            expires_at: Limit::Stated(expires_at),
            max_access_count: Limit::Stated(body.max_access_count.filter(|most| *most > 0)),
            rotation_policy: body
                .rotation_policy
                .map(|policy| Value::Object(policy).to_string()),
            ..Self::new(DEFAULT_TYPE, Expect::Either)
        })
    }
}

impl TryFrom<SecretRotate> for Rotate {
    type Error = Error;

    fn try_from(body: SecretRotate) -> Result<Self, Error> {
        let length = body.length.unwrap_or(32);
        if !(8..=1024).contains(&length) {
            return Err(Error::invalid("length", "must be from 8 to 1024"));
        }
        let charset = match body.charset.as_deref().unwrap_or("hex") {
            "alphanumeric" => Charset::Alphanumeric,
            "ascii" => Charset::Ascii,
            "base64" => Charset::Base64,
            "hex" => Charset::Hex,
            _ => {
                let why = "must be hex, base64, alphanumeric or ascii";
                return Err(Error::invalid("charset", why));
            }
        };
        Ok(Self {
            length,
            charset,
            kind: body.kind.map(kind).transpose()?,
        })
    }
}

impl TryFrom<SecretRead> for RevealedSecret {
    type Error = Error;

    fn try_from(read: SecretRead) -> Result<Self, Error> {
        let version = read.info.version.as_ref().ok_or(Error::Gone)?;
        let created_by = version.created_by;
        Ok(Self {
            secret: Secret::version(&read.info, version)?,
            created_by: format!(
                "{}:{}",
                created_by.kind(),
                super::uuid(*created_by.id_bytes())
            ),
            value: read.value.into(),
        })
    }
}

fn kind(word: String) -> Result<String, Error> {
    if TYPES.contains(&word.as_str()) {
        Ok(word)
    } else {
        let why = format!("must be one of {}", TYPES.join(", "));
        Err(Error::invalid("type", why))
    }
}
