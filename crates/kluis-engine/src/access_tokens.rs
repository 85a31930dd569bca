//! Access tokens: signed, short-lived, and looked up like any other credential (1claw contract §4).
//!
//! A token is a JWT, so that clients can read when it ends and whose it is. The server itself never rests on what stands in
//! it: it keeps the keyed digest of the whole token in a session, and asks for that on every request. So a token ends with
//! its key, its user's password, its user or its revocation, at once.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use kluis_crypto::Secret;
use kluis_crypto::hash::sha256;
use kluis_crypto::mac::TAG_LENGTH;
use serde::Serialize;

use crate::audit::Outcome;
use crate::authentication::Accepts;
use crate::caller::{Credential, Origin, ScopeSet};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ApiKeyId, OrganizationId, SessionId, UserId};
use crate::ip_rules;
use crate::keys::Unsealed;
use crate::notice::{Actor, Notice};
use crate::second_factor::SecondFactor;
use crate::sessions::Proven;
use crate::sightings::AUTH_FAILURE;
use crate::store::sql::{sessions as sql, users};
use crate::store::{Tx, params};
use crate::users::UserProfile;

/// An access token, shown once.
pub struct AccessToken {
    /// The JWT.
    pub token: Secret,
    /// Its life in seconds.
    pub expires_in: u64,
}

/// What a log-in with a password gives.
pub enum LoggedIn {
    /// The password was enough.
    Token(AccessToken),
    /// A second factor is wanted: this goes back with its code.
    SecondFactor(Secret),
}

/// Whose token it is to be.
pub(crate) struct Holder {
    pub(crate) organization: OrganizationId,
    pub(crate) user: UserId,
    pub(crate) key: Option<ApiKeyId>,
    pub(crate) scopes: Option<ScopeSet>,
    pub(crate) life: Duration,
}

/// The claims of a token (1claw contract §4.3).
#[derive(Serialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) org: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    #[serde(flatten)]
    pub(crate) agent: Option<AgentClaims>,
}

/// Those that only an agent's token has.
#[derive(Serialize)]
pub(crate) struct AgentClaims {
    pub(crate) vault_ids: Vec<String>,
    pub(crate) intents_api_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<String>,
}

/// How long a user's token lives.
const LIFE: Duration = Duration::from_mins(15);
/// How long a log-in waits for its second factor.
const PATIENCE: Duration = Duration::from_mins(5);
const HEADER: &[u8] = br#"{"alg":"EdDSA","typ":"JWT"}"#;

impl Engine {
    /// Exchange an API key for an access token. `Unauthenticated` for any other credential and for one that is not in force.
    pub async fn access_token_exchange(
        &self,
        key: &str,
        origin: Origin,
    ) -> Result<AccessToken, Error> {
        let caller = self
            .authenticate(key, Accepts::ApiKeysOnly, origin.clone())
            .await?;
        let user = caller.user().ok_or(Error::Unauthenticated)?.id;
        let Credential::ApiKey(key) = caller.credential else {
            return Err(Error::Unauthenticated);
        };
        let holder = Holder {
            organization: caller.organization,
            user,
            key: Some(key),
            scopes: caller.scopes,
            life: LIFE,
        };
        let engine = self.clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let (keys, now) = (engine.keys()?, engine.clock().now());
                    holder.issue(tx, &keys, &origin, now).await
                })
            })
            .await
    }

    /// Log in with a password. `Unauthenticated` as for a session.
    pub async fn access_token_create(
        &self,
        email: &str,
        password: Secret,
        origin: Origin,
    ) -> Result<LoggedIn, Error> {
        self.with_password(email, password, origin, async |proven| {
            self.access_token_open(proven, None).await
        })
        .await
    }

    /// Go on with a log-in that waited for its second factor. `Unauthenticated` for another token, one that has waited for
    /// more than five minutes or whose password was changed meanwhile, and a wrong code.
    pub async fn access_token_confirm(
        &self,
        waiting: &str,
        code: &str,
        origin: Origin,
    ) -> Result<AccessToken, Error> {
        let guess = self.guess_begin(origin.address).await?;
        let keys = self.keys()?;
        let waiting = Waiting::read(&keys, waiting).ok_or(Error::Unauthenticated)?;
        let mut reader = self.store().reader().await?;
        let of = params![waiting.user.bytes()];
        let row = reader.conn()?.query_one(users::PASSWORD, of).await?;
        drop(reader);
        let stored = match row {
            Some(mut row) => row.optional_text()?,
            None => None,
        };
        let same = stored.filter(|hash| fingerprint(hash) == waiting.password);
        if waiting.until <= self.clock().now() {
            return Err(Error::Unauthenticated);
        }
        let password_hash = same.ok_or(Error::Unauthenticated)?;
        let proven = Proven {
            user: waiting.user,
            password_hash,
            origin: origin.clone(),
            guess,
        };
        let opened = match self.ip_rules_require(waiting.organization, &origin).await {
            Ok(()) => self.access_token_open(proven, Some(code.to_owned())).await,
            Err(error) => Err(error),
        };
        if let Err(refusal @ (Error::Unauthenticated | Error::Forbidden)) = &opened {
            let actor = Actor::User(waiting.user);
            let notice = Notice {
                outcome: Outcome::Denied,
                ..Notice::new(waiting.organization, actor, AUTH_FAILURE).through(&origin)
            };
            let notice = match refusal {
                Error::Forbidden => ip_rules::refused(notice),
                _ => notice,
            };
            self.store()
                .record(notice.event(self.clock().now())?)
                .await?;
        }
        match opened? {
            LoggedIn::Token(token) => Ok(token),
            LoggedIn::SecondFactor(_) => Err(Error::Unauthenticated),
        }
    }

    /// The public key that access tokens are signed for; 32 bytes of Ed25519.
    pub fn access_token_key(&self) -> Result<[u8; 32], Error> {
        Ok(self.keys()?.access_tokens().public_key())
    }

    async fn access_token_open(
        &self,
        proven: Proven,
        code: Option<String>,
    ) -> Result<LoggedIn, Error> {
        let engine = self.clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let (keys, now) = (engine.keys()?, engine.clock().now());
                    let of = params![proven.user.bytes(), &proven.password_hash];
                    let row = tx.conn().query_one(users::LOCK_FOR_LOGIN, of).await?;
                    let mut row = row.ok_or(Error::Unauthenticated)?;
                    let user = UserProfile::from_columns(&mut row)?;
                    if user.totp {
                        let Some(code) = code else {
                            let waiting = Waiting {
                                organization: user.organization,
                                user: user.id,
                                password: fingerprint(&proven.password_hash),
                                until: now.after(PATIENCE),
                            };
                            return Ok(LoggedIn::SecondFactor(waiting.written(&keys)));
                        };
                        let factor =
                            SecondFactor::from_columns(user.organization, user.id, &mut row)?;
                        factor.require(tx.conn(), &keys, &code, now).await?;
                    }
                    let holder = Holder::of_user(user.organization, user.id);
                    let token = holder.issue(tx, &keys, &proven.origin, now).await?;
                    proven.guess.succeeded(tx.conn()).await?;
                    Ok(LoggedIn::Token(token))
                })
            })
            .await
    }
}

impl Holder {
    /// A user who has logged in.
    pub(crate) fn of_user(organization: OrganizationId, user: UserId) -> Self {
        Self {
            organization,
            user,
            key: None,
            scopes: None,
            life: LIFE,
        }
    }

    /// Make the token and keep its digest.
    pub(crate) async fn issue(
        self,
        tx: &mut Tx,
        keys: &Unsealed,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<AccessToken, Error> {
        let session = SessionId::generate(now)?;
        let ends = now.after(self.life);
        let claims = Claims {
            sub: format!("user:{}", self.user),
            org: self.organization.to_string(),
            scopes: self.scopes.map_or_else(
                || vec!["*".to_owned()],
                |scopes| {
                    scopes
                        .iter()
                        .map(|scope| scope.as_str().to_owned())
                        .collect()
                },
            ),
            iat: now.seconds(),
            exp: ends.seconds(),
            jti: session.to_string(),
            agent: None,
        };
        let token = signed(keys, &claims)?;
        let digest = keys.digest(token.expose_text().unwrap_or_default());
        let key = self.key.as_ref().map(ApiKeyId::bytes);
        tx.conn()
            .execute(
                sql::INSERT,
                params![
                    session.bytes(),
                    self.organization.bytes(),
                    self.user.bytes(),
                    &digest,
                    ends,
                    ends,
                    now,
                    key
                ],
            )
            .await?;
        let notice = Notice {
            credential: Some(key.copied().unwrap_or(*session.bytes())),
            resource: Some(("session", *session.bytes())),
            ..Notice::new(self.organization, Actor::User(self.user), "auth.success").through(origin)
        };
        tx.record(notice.event(now)?);
        Ok(AccessToken {
            token,
            expires_in: self.life.as_secs(),
        })
    }
}

/// The claims as a JWT (RFC 7519, RFC 8037).
pub(crate) fn signed(keys: &Unsealed, claims: &Claims) -> Result<Secret, Error> {
    let claims = serde_json::to_vec(claims).map_err(|cause| Error::internal(cause.to_string()))?;
    let mut text = String::with_capacity(512);
    BASE64.encode_string(HEADER, &mut text);
    text.push('.');
    BASE64.encode_string(claims, &mut text);
    let signature = keys.access_tokens().sign(text.as_bytes());
    text.push('.');
    BASE64.encode_string(signature, &mut text);
    Ok(Secret::from_text(text))
}

/// A log-in whose password was right and that waits for a code. It is kept by the client; its tag says that it is ours.
struct Waiting {
    organization: OrganizationId,
    user: UserId,
    /// Of the password's hash: another password is another log-in.
    password: [u8; 32],
    until: Timestamp,
}

/// Bytes behind the tag: two ids, a fingerprint, a time.
const WAITING: usize = 16 + 16 + 32 + 8;

impl Waiting {
    fn written(&self, keys: &Unsealed) -> Secret {
        let mut bytes = Vec::with_capacity(TAG_LENGTH + WAITING);
        bytes.extend_from_slice(self.organization.bytes());
        bytes.extend_from_slice(self.user.bytes());
        bytes.extend_from_slice(&self.password);
        bytes.extend_from_slice(&self.until.millis().to_be_bytes());
        let tag = keys.second_factors().tag(&[&bytes]);
        Secret::from_text(BASE64.encode([tag.as_slice(), &bytes].concat()))
    }

    fn read(keys: &Unsealed, text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (tag, rest) = bytes.split_first_chunk::<TAG_LENGTH>()?;
        if rest.len() != WAITING || !keys.second_factors().is_tag_of(&[rest], tag) {
            return None;
        }
        let (organization, rest) = rest.split_first_chunk::<16>()?;
        let (user, rest) = rest.split_first_chunk::<16>()?;
        let (password, until) = rest.split_first_chunk::<32>()?;
        Some(Self {
            organization: OrganizationId::from_bytes(*organization),
            user: UserId::from_bytes(*user),
            password: *password,
            until: Timestamp::from_millis(i64::from_be_bytes(until.try_into().ok()?)),
        })
    }
}

fn fingerprint(password_hash: &str) -> [u8; 32] {
    sha256(&[b"kluis second factor", password_hash.as_bytes()])
}
