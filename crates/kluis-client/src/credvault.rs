//! The CredVault API under `/v1`: sessions, users and organizations here, the rest in a file each.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::http::Call;
use crate::{Client, Error, SecretText};

mod api_keys;
mod clusters;
mod insights;
mod integrations;
mod jobs;
mod leases;
mod records;
mod webhooks;

pub use api_keys::{ApiKey, CreatedApiKey, NewApiKey};
pub use clusters::{
    Cluster, ClusterLease, ClusterNode, ClusterRotation, ClusterSettings, ClusterTest, ClusterTls,
    LeaseSettings, NodeSettings, RotationSettings, TlsSettings,
};
pub use insights::{AnalysisScope, Insight, Recommendation};
pub use integrations::{
    CreatedIntegration, Integration, IntegrationRun, IntegrationSettings, IntegrationTest,
    IntegrationType,
};
pub use jobs::Job;
pub use leases::{IssuedLease, Lease};
pub use records::{Record, RecordChange};
pub use webhooks::{CreatedWebhook, Delivery, NewWebhook, Webhook, WebhookChange, WebhookEvent};

impl Client {
    /// The calls of the CredVault API.
    #[must_use]
    pub fn credvault(&self) -> CredVault<'_> {
        CredVault(self)
    }
}

/// The calls of the CredVault API. Lists are read page by page to their end.
#[derive(Clone, Copy)]
pub struct CredVault<'a>(&'a Client);

impl CredVault<'_> {
    /// Opens a session. `otp` is the second factor's code, where one is enrolled.
    pub async fn login(
        self,
        email: &str,
        password: &SecretText,
        otp: Option<&str>,
    ) -> Result<Session, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            email: &'b str,
            password: &'b str,
            #[serde(skip_serializing_if = "Option::is_none")]
            otp: Option<&'b str>,
        }
        let body = Body {
            email,
            password: password.expose(),
            otp,
        };
        self.one(Call::post(&["v1", "auth", "login"]).json(&body)?)
            .await
    }

    /// Trades a refresh token for a new session. The old token is spent: using it again ends the session.
    pub async fn refresh(self, refresh_token: &SecretText) -> Result<Session, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            refresh_token: &'b str,
        }
        let body = Body {
            refresh_token: refresh_token.expose(),
        };
        self.one(Call::post(&["v1", "auth", "refresh"]).json(&body)?)
            .await
    }

    /// Ends the session that this client calls with.
    pub async fn logout(self) -> Result<(), Error> {
        self.0
            .call_unit(Call::post(&["v1", "auth", "logout"]))
            .await
    }

    /// Who the credential stands for, and what it may.
    pub async fn me(self) -> Result<Me, Error> {
        self.one(Call::get(&["v1", "me"])).await
    }

    /// The organization's users, oldest first.
    pub async fn users(self) -> Result<Vec<User>, Error> {
        self.list(&["v1", "users"], &[]).await
    }

    /// One user.
    pub async fn user(self, user: &str) -> Result<User, Error> {
        self.one(Call::get(&["v1", "users", user])).await
    }

    /// Makes a user. Without a password in `user` the answer holds a one-time one.
    pub async fn user_create(self, user: NewUser<'_>) -> Result<CreatedUser, Error> {
        self.one(Call::post(&["v1", "users"]).json(&user)?).await
    }

    /// Changes a user; what is `None` stays.
    pub async fn user_update(self, user: &str, change: UserChange<'_>) -> Result<User, Error> {
        let segments = ["v1", "users", user];
        self.one(Call::patch(&segments).json(&change)?).await
    }

    /// Deletes a user with its keys, tokens, policies and shares.
    pub async fn user_delete(self, user: &str) -> Result<(), Error> {
        self.0.call_unit(Call::delete(&["v1", "users", user])).await
    }

    /// Replaces a user's password by a one-time one and ends its sessions.
    pub async fn user_reset_password(self, user: &str) -> Result<SecretText, Error> {
        #[derive(Deserialize)]
        struct Reset {
            password: SecretText,
        }
        let segments = ["v1", "users", user, "reset-password"];
        let reset: Reset = self.one(Call::post(&segments)).await?;
        Ok(reset.password)
    }

    /// Makes an organization with its owner. Only the server's owner may.
    pub async fn organization_create(self, name: &str) -> Result<CreatedOrganization, Error> {
        #[derive(Serialize)]
        struct Body<'b> {
            name: &'b str,
        }
        self.one(Call::post(&["v1", "organizations"]).json(&Body { name })?)
            .await
    }

    /// A call whose answer is one item.
    async fn one<T: DeserializeOwned>(self, call: Call<'_>) -> Result<T, Error> {
        self.0.call(call).await.map(Envelope::inner)
    }

    /// A list to its end, of what `filters` let through. A server that repeats itself cannot hold the caller for ever.
    async fn list<T: DeserializeOwned>(
        self,
        segments: &[&str],
        filters: &[(&str, &str)],
    ) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = vec![("limit", PAGE)];
            query.extend(filters);
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: Page<T> = self.0.call(Call::get(segments).query(&query)).await?;
            items.extend(page.data);
            cursor = page
                .pagination
                .and_then(|pagination| pagination.next_cursor);
            if cursor.is_none() {
                return Ok(items);
            }
        }
        Err(Error::Malformed {
            url: self.0.base().to_owned(),
            why: format!("a list does not end after {MAX_PAGES} pages"),
        })
    }
}

/// A session: what [`CredVault::login`] and [`CredVault::refresh`] answer.
#[derive(Deserialize)]
pub struct Session {
    /// `cvs_…`, the credential of the next calls.
    pub access_token: SecretText,
    /// `cvr_…`, good for one [`CredVault::refresh`].
    pub refresh_token: SecretText,
    /// Life of the access token in seconds.
    pub expires_in: u64,
    /// End of the access token's life, RFC 3339, UTC.
    pub expires_at: String,
    /// Whose session it is.
    pub user: User,
}

/// Who a credential stands for.
#[derive(Debug, Clone, Deserialize)]
pub struct Me {
    /// The user's or key's id.
    pub id: String,
    /// E-mail address, of a user.
    #[serde(default)]
    pub email: Option<String>,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// `owner`, `admin`, `member` or `viewer`.
    #[serde(default)]
    pub role: Option<String>,
    /// The scopes that the credential holds.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A user of the organization.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// `user_` and 22 characters.
    pub id: String,
    /// E-mail address, in lower case.
    pub email: String,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// `owner`, `admin`, `member` or `viewer`.
    pub role: String,
    /// `standard`, `pro` or `enterprise`.
    pub plan: String,
    /// `active` or `disabled`.
    pub status: String,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// What a new user is made of; what is `None` gets the server's default.
#[derive(Clone, Copy, Default, Serialize)]
pub struct NewUser<'a> {
    /// E-mail address, unique on the server.
    pub email: &'a str,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// `member` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'a str>,
    /// `enterprise` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<&'a str>,
    /// Twelve or more characters of four kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<&'a str>,
}

/// A new user, with the one-time password if the server chose one.
#[derive(Deserialize)]
pub struct CreatedUser {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// Shown once.
    #[serde(default)]
    pub password: Option<SecretText>,
}

/// What changes about a user; what is `None` stays.
#[derive(Clone, Copy, Default, Serialize)]
pub struct UserChange<'a> {
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// `owner`, `admin`, `member` or `viewer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'a str>,
    /// `standard`, `pro` or `enterprise`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<&'a str>,
    /// `active` or `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a str>,
}

/// A new organization and the log-in of its owner.
#[derive(Deserialize)]
pub struct CreatedOrganization {
    /// The organization's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its first user.
    pub owner: OrganizationOwner,
}

/// The first user of a new organization.
#[derive(Deserialize)]
pub struct OrganizationOwner {
    /// The user's id.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// Shown once.
    pub password: SecretText,
}

/// The envelope of a success with one item.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

impl<T> Envelope<T> {
    fn inner(self) -> T {
        self.data
    }
}

/// The envelope of a list.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    next_cursor: Option<String>,
}

/// The largest page the API gives.
const PAGE: &str = "200";
const MAX_PAGES: usize = 10_000;
