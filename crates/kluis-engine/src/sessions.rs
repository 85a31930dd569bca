//! Log-in sessions: an access token for an hour, and a refresh token that is replaced each time it is used (RULES §1).

use std::time::Duration;

use kluis_crypto::{Secret, Token};

use crate::action::Action;
use crate::audit::Outcome;
use crate::caller::{Caller, Credential, Origin, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, SessionId, UserId};
use crate::ip_rules::{self, require_admitted};
use crate::limits::Guess;
use crate::notice::{Actor, Notice, NoticeDetails};
use crate::second_factor::SecondFactor;
use crate::sightings::{AUTH_FAILURE, Reason};
use crate::store::sql::{agents, device_logins, sessions as sql, users};
use crate::store::{Conn, Tx, params};
use crate::users::{UserProfile, email_address, user_find};

/// What a user logs in with.
pub struct Login {
    /// The address, in any case.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// A code of the second factor, or a recovery code.
    pub otp: Option<String>,
}

/// A session's tokens, shown once, and its user.
pub struct SessionTokens {
    /// The access token.
    pub access: Token,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
    /// The access token's life, in seconds.
    pub expires_in: u64,
    /// The refresh token; it lives for 14 days and works once.
    pub refresh: Token,
    /// Who logged in.
    pub user: UserProfile,
}

/// What access tokens begin with.
pub(crate) const ACCESS_PREFIX: &str = "cvs_";
const REFRESH_PREFIX: &str = "cvr_";
const ACCESS_LIFE: Duration = Duration::from_hours(1);
/// How long a refresh token lives; one spent longer ago than this is forgotten.
pub(crate) const REFRESH_LIFE: Duration = Duration::from_hours(14 * 24);

impl Engine {
    /// Log in. `Unauthenticated`, after the same work, for an unknown address, a wrong password, a disabled user and a
    /// missing or wrong code; `RateLimited` after too many failing attempts from this address.
    pub async fn session_create(
        &self,
        login: Login,
        origin: Origin,
    ) -> Result<SessionTokens, Error> {
        let Login {
            email,
            password,
            otp,
        } = login;
        self.with_password(&email, password, origin, async |proven| {
            self.session_open(proven, otp).await
        })
        .await
    }

    /// Go on with a user whose password is right. `Unauthenticated`, after the same work, for an unknown address, a wrong
    /// password and a disabled user; a refusal is recorded.
    pub(crate) async fn with_password<T>(
        &self,
        email: &str,
        password: Secret,
        origin: Origin,
        open: impl AsyncFnOnce(Proven) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.keys()?;
        let guess = self.guess_begin(origin.address).await?;
        let known = self.login_find(email).await?;
        let hash = known.as_ref().and_then(|known| known.password_hash.clone());
        let right = self.password_matches(password, hash).await?;
        let Some(known) = known else {
            let now = self.clock().now();
            self.sightings()
                .refused(origin.address, Reason::UnknownEmail, None, now);
            return Err(Error::Unauthenticated);
        };
        let (organization, user) = (known.organization, known.user);
        let outcome = match known.password_hash.filter(|_| right && known.active) {
            Some(password_hash) => match self.ip_rules_require(organization, &origin).await {
                Ok(()) => {
                    let origin = origin.clone();
                    open(Proven {
                        user,
                        password_hash,
                        origin,
                        guess,
                    })
                    .await
                }
                Err(error) => Err(error),
            },
            None => Err(Error::Unauthenticated),
        };
        if let Err(refusal @ (Error::Unauthenticated | Error::Forbidden)) = &outcome {
            let notice = Notice {
                outcome: Outcome::Denied,
                ..Notice::new(organization, Actor::User(user), AUTH_FAILURE).through(&origin)
            };
            let notice = match refusal {
                Error::Forbidden => ip_rules::refused(notice),
                _ => notice,
            };
            self.store()
                .record(notice.event(self.clock().now())?)
                .await?;
            self.webhooks_tell_login(organization, user, &origin)
                .await?;
        }
        outcome
    }

    /// Replace a session's tokens by new ones. `Unauthenticated` for an unknown or expired token; a spent one ends its
    /// session with all its tokens.
    pub async fn session_refresh(
        &self,
        refresh: &str,
        origin: Origin,
    ) -> Result<SessionTokens, Error> {
        let keys = self.keys()?;
        let guess = self.guess_begin(origin.address).await?;
        let digest = keys.digest(refresh);
        let address = origin.address;
        let clock = self.clock().clone();
        let outcome = self
            .store()
            .write(move |tx| {
                Box::pin(async move {
                    let now = clock.now();
                    let Some(family) = Family::find(tx.conn(), &digest).await? else {
                        return Ok(Refreshed::Unknown);
                    };
                    if let Err(error) =
                        require_admitted(tx.conn(), family.organization, &origin).await
                    {
                        let notice = ip_rules::refused(family.notice(AUTH_FAILURE, &origin));
                        let notice = Notice {
                            outcome: Outcome::Denied,
                            ..notice
                        };
                        tx.record_refusal(notice.event(now)?);
                        return Err(error);
                    }
                    let fresh = Fresh::generate(now)?;
                    let (access, next) = (
                        keys.digest(fresh.access.expose()),
                        keys.digest(fresh.refresh.expose()),
                    );
                    // The session's row first: ending a session takes it first too.
                    let renewed = tx
                        .conn()
                        .execute(
                            sql::RENEW,
                            params![
                                family.session.bytes(),
                                &access,
                                fresh.access_expires_at,
                                now.after(REFRESH_LIFE),
                                now
                            ],
                        )
                        .await?;
                    if renewed == 0 {
                        return Ok(Refreshed::Unknown);
                    }
                    let spent = tx
                        .conn()
                        .execute(sql::SPEND_REFRESH, params![&digest, now])
                        .await?;
                    if spent == 0 {
                        family.end(tx, &origin, now).await?;
                        return Ok(Refreshed::Reused);
                    }
                    tx.conn()
                        .execute(sql::INSERT_REFRESH, params![&next, family.session.bytes()])
                        .await?;
                    let user = user_find(tx.conn(), family.organization, family.user).await?;
                    tx.record(family.notice("auth.refresh", &origin).event(now)?);
                    guess.succeeded(tx.conn()).await?;
                    Ok(Refreshed::Tokens(Box::new(fresh.for_user(user))))
                })
            })
            .await?;
        match outcome {
            Refreshed::Tokens(tokens) => Ok(*tokens),
            Refreshed::Reused => Err(Error::Unauthenticated),
            Refreshed::Unknown => {
                let now = self.clock().now();
                self.sightings()
                    .refused(address, Reason::UnknownCredential, None, now);
                Err(Error::Unauthenticated)
            }
        }
    }

    /// Log out: end the caller's session with all its tokens. `Invalid` for an API key, which is revoked by its id.
    pub async fn session_delete(&self, caller: &Caller) -> Result<(), Error> {
        let (Credential::Exchanged(session) | Credential::Session(session)) = caller.credential
        else {
            return Err(Error::invalid(
                "credential",
                "must be a session's access token",
            ));
        };
        self.change(caller, Action::SessionDelete, move |tx, act| {
            Box::pin(async move {
                act.names("session", *session.bytes());
                let statement = match act.caller.principal {
                    Principal::Agent(_) => agents::DELETE_TOKEN,
                    Principal::User(_) => sql::DELETE,
                };
                match tx
                    .conn()
                    .execute(statement, params![session.bytes()])
                    .await?
                {
                    0 => Err(Error::Unauthenticated),
                    _ => Ok(()),
                }
            })
        })
        .await
    }

    async fn login_find(&self, email: &str) -> Result<Option<Known>, Error> {
        // What is no address is nobody's, and not for the database to judge.
        let Ok(email) = email_address(email) else {
            return Ok(None);
        };
        let mut reader = self.store().reader().await?;
        let row = reader
            .conn()?
            .query_one(users::BY_EMAIL, params![&email])
            .await?;
        let Some(mut row) = row else {
            return Ok(None);
        };
        Ok(Some(Known {
            user: UserId::from_bytes(row.array()?),
            organization: OrganizationId::from_bytes(row.array()?),
            active: row.flag()?,
            password_hash: row.optional_text()?,
        }))
    }

    /// The password was right: check the second factor and make the session, in one transaction.
    async fn session_open(
        &self,
        proven: Proven,
        otp: Option<String>,
    ) -> Result<SessionTokens, Error> {
        let engine = self.clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let keys = engine.keys()?;
                    let now = engine.clock().now();
                    let Proven {
                        user,
                        password_hash,
                        origin,
                        guess,
                    } = proven;
                    let of = params![user.bytes(), &password_hash];
                    let row = tx.conn().query_one(users::LOCK_FOR_LOGIN, of).await?;
                    let mut row = row.ok_or(Error::Unauthenticated)?;
                    let user = UserProfile::from_columns(&mut row)?;
                    if user.totp {
                        let factor =
                            SecondFactor::from_columns(user.organization, user.id, &mut row)?;
                        let otp = otp.ok_or(Error::Unauthenticated)?;
                        factor.require(tx.conn(), &keys, &otp, now).await?;
                    }
                    let fresh = Fresh::generate(now)?;
                    let session = SessionId::generate(now)?;
                    let (access, refresh) = (
                        keys.digest(fresh.access.expose()),
                        keys.digest(fresh.refresh.expose()),
                    );
                    tx.conn()
                        .execute(
                            sql::INSERT,
                            params![
                                session.bytes(),
                                user.organization.bytes(),
                                user.id.bytes(),
                                &access,
                                fresh.access_expires_at,
                                now.after(REFRESH_LIFE),
                                now,
                                None::<i64>
                            ],
                        )
                        .await?;
                    tx.conn()
                        .execute(sql::INSERT_REFRESH, params![&refresh, session.bytes()])
                        .await?;
                    let family = Family {
                        session,
                        organization: user.organization,
                        user: user.id,
                    };
                    tx.record(family.notice("auth.success", &origin).event(now)?);
                    guess.succeeded(tx.conn()).await?;
                    Ok(fresh.for_user(user))
                })
            })
            .await
    }
}

/// A user with the address of a log-in.
struct Known {
    user: UserId,
    organization: OrganizationId,
    active: bool,
    password_hash: Option<String>,
}

/// A log-in with the right password.
pub(crate) struct Proven {
    pub(crate) user: UserId,
    /// Another one by the time of the transaction means that the password was changed meanwhile.
    pub(crate) password_hash: String,
    pub(crate) origin: Origin,
    pub(crate) guess: Guess,
}

/// New tokens of a session.
struct Fresh {
    access: Token,
    access_expires_at: Timestamp,
    refresh: Token,
}

impl Fresh {
    fn generate(now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            access: Token::generate(ACCESS_PREFIX)?,
            access_expires_at: now.after(ACCESS_LIFE),
            refresh: Token::generate(REFRESH_PREFIX)?,
        })
    }

    fn for_user(self, user: UserProfile) -> SessionTokens {
        let Self {
            access,
            access_expires_at,
            refresh,
        } = self;
        SessionTokens {
            access,
            access_expires_at,
            expires_in: ACCESS_LIFE.as_secs(),
            refresh,
            user,
        }
    }
}

/// What came of a refresh token.
enum Refreshed {
    Reused,
    Tokens(Box<SessionTokens>),
    Unknown,
}

/// A session, and all tokens that it ever had.
struct Family {
    session: SessionId,
    organization: OrganizationId,
    user: UserId,
}

impl Family {
    async fn find(conn: &mut Conn, refresh: &[u8; 32]) -> Result<Option<Self>, Error> {
        let Some(mut row) = conn.query_one(sql::OF_REFRESH, params![refresh]).await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            session: SessionId::from_bytes(row.array()?),
            organization: OrganizationId::from_bytes(row.array()?),
            user: UserId::from_bytes(row.array()?),
        }))
    }

    /// A refresh token came a second time: somebody has a copy, so none of them goes on.
    async fn end(&self, tx: &mut Tx, origin: &Origin, now: Timestamp) -> Result<(), Error> {
        tx.conn()
            .execute(sql::DELETE, params![self.session.bytes()])
            .await?;
        let notice = self.notice(AUTH_FAILURE, origin);
        let details = NoticeDetails {
            reason: Some("refresh_reused"),
            ..notice.details
        };
        tx.record(
            Notice {
                outcome: Outcome::Denied,
                details,
                ..notice
            }
            .event(now)?,
        );
        Ok(())
    }

    fn notice<'a>(&self, action: &'static str, origin: &'a Origin) -> Notice<'a> {
        let session = *self.session.bytes();
        Notice {
            credential: Some(session),
            resource: Some(("session", session)),
            ..Notice::new(self.organization, Actor::User(self.user), action).through(origin)
        }
    }
}

/// End every session of a user, and every log-in of a device that it has approved and that has not come for its token.
pub(crate) async fn sessions_end(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    for statement in [sql::DELETE_OF_USER, device_logins::DELETE_OF_USER] {
        conn.execute(statement, params![user.bytes()]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
