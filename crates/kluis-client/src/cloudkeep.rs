//! The CloudKeep API: vaults, key-value secrets, templates and the caller's profile, under `/api/v1`.

use serde::{Deserialize, Serialize};

use crate::http::Call;
use crate::{Client, Error, SecretText};

impl Client {
    /// The calls of the CloudKeep API.
    #[must_use]
    pub fn cloudkeep(&self) -> CloudKeep<'_> {
        CloudKeep(self)
    }
}

/// The calls of the CloudKeep API. Where an id is asked for, a UUID and the prefixed spelling both do.
#[derive(Clone, Copy)]
pub struct CloudKeep<'a>(&'a Client);

impl CloudKeep<'_> {
    /// The vaults that the caller can reach, oldest first.
    pub async fn vaults(self) -> Result<Vec<Vault>, Error> {
        self.0
            .call(Call::get(&["api", "v1", "vaults"]))
            .await
            .map(Data::inner)
    }

    /// One vault by its id.
    pub async fn vault(self, vault: &str) -> Result<Vault, Error> {
        self.0
            .call(Call::get(&["api", "v1", "vaults", vault]))
            .await
            .map(Data::inner)
    }

    /// Makes a vault. A taken name is refused with 409.
    pub async fn vault_create(self, name: &str, description: Option<&str>) -> Result<Vault, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            name: &'b str,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: Option<&'b str>,
        }
        let call = Call::post(&["api", "v1", "vaults"]).json(&Body { name, description })?;
        self.0.call(call).await.map(Data::inner)
    }

    /// Changes a vault's name or description; what is `None` stays.
    pub async fn vault_update(
        self,
        vault: &str,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<Vault, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'b str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: Option<&'b str>,
        }
        let segments = ["api", "v1", "vaults", vault];
        let call = Call::patch(&segments).json(&Body { name, description })?;
        self.0.call(call).await.map(Data::inner)
    }

    /// Deletes a vault with all its secrets, for good.
    pub async fn vault_delete(self, vault: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&["api", "v1", "vaults", vault]))
            .await
    }

    /// All secrets of a vault with their values, without notes. Each value that is shown is recorded as read.
    pub async fn secrets(self, vault: &str) -> Result<Vec<Secret>, Error> {
        self.0
            .call(Call::get(&["api", "v1", "vaults", vault, "secrets"]))
            .await
            .map(Data::inner)
    }

    /// One secret with its value and notes. Uses up one read of a limited secret.
    pub async fn secret(self, vault: &str, secret: &str) -> Result<Secret, Error> {
        self.0
            .call(Call::get(&[
                "api", "v1", "vaults", vault, "secrets", secret,
            ]))
            .await
            .map(Data::inner)
    }

    /// Makes a secret. A key that the vault already has is refused with 409.
    pub async fn secret_create(self, vault: &str, secret: NewSecret<'_>) -> Result<Secret, Error> {
        let segments = ["api", "v1", "vaults", vault, "secrets"];
        self.0
            .call(Call::post(&segments).json(&secret)?)
            .await
            .map(Data::inner)
    }

    /// Changes a secret; a new value makes a new version.
    pub async fn secret_update(
        self,
        vault: &str,
        secret: &str,
        change: SecretChange<'_>,
    ) -> Result<Secret, Error> {
        let segments = ["api", "v1", "vaults", vault, "secrets", secret];
        self.0
            .call(Call::patch(&segments).json(&change)?)
            .await
            .map(Data::inner)
    }

    /// Deletes a secret with all its versions, for good.
    pub async fn secret_delete(self, vault: &str, secret: &str) -> Result<(), Error> {
        self.0
            .call_unit(Call::delete(&[
                "api", "v1", "vaults", vault, "secrets", secret,
            ]))
            .await
    }

    /// The catalog of templates.
    pub async fn templates(self) -> Result<Vec<Template>, Error> {
        self.0
            .call(Call::get(&["api", "v1", "templates"]))
            .await
            .map(Data::inner)
    }

    /// The user behind the credential.
    pub async fn me(self) -> Result<Profile, Error> {
        self.0
            .call(Call::get(&["api", "v1", "me"]))
            .await
            .map(Data::inner)
    }
}

/// A vault.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vault {
    /// `vlt_` and 22 characters.
    pub id: String,
    /// Unique in the organization.
    pub name: String,
    /// Free text, empty when never set.
    #[serde(default)]
    pub description: String,
    /// Secrets that the caller sees in it.
    pub secret_count: u64,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC; moves when name or description change.
    pub updated_at: String,
}

/// A secret with its value.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// `sec_` and 22 characters.
    pub id: String,
    /// The key, unique in its vault.
    pub key: String,
    /// Absent when it is unavailable, has limited reads (in a list), or the caller may not read it.
    pub value: Option<SecretText>,
    /// A word such as `text` or `api_key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Only in the answer to a read or change of one secret.
    #[serde(default)]
    pub notes: Option<SecretText>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
}

/// What a new secret is made of.
#[derive(Clone, Copy, Serialize)]
pub struct NewSecret<'a> {
    /// The key, 1–255 characters without control characters.
    pub key: &'a str,
    /// The value, up to 64 KiB; may be empty.
    pub value: &'a str,
    /// `text` unless given.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    /// Free text, encrypted like the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<&'a str>,
}

/// What changes about a secret; what is `None` stays. At least one member is needed.
#[derive(Clone, Copy, Default, Serialize)]
pub struct SecretChange<'a> {
    /// The new value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a str>,
    /// The new type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    /// The new notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<&'a str>,
}

/// A template: which keys a service usually needs.
#[derive(Debug, Clone, Deserialize)]
pub struct Template {
    /// `tpl_` and a readable word.
    pub id: String,
    /// Name of the service.
    pub name: String,
    /// Its keys, in order.
    pub fields: Vec<TemplateField>,
}

/// One key of a template.
#[derive(Debug, Clone, Deserialize)]
pub struct TemplateField {
    /// The key that the secret gets.
    pub key: String,
    /// The secret's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the service cannot do without it.
    pub required: bool,
}

/// The user behind a credential.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// `usr_` and 22 characters.
    pub id: String,
    /// Display name, may be empty.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// `standard`, `pro` or `enterprise`.
    pub plan: String,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// The envelope of every success.
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

impl<T> Data<T> {
    fn inner(self) -> T {
        self.data
    }
}
