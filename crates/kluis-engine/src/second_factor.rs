//! The second factor of a log-in: codes of an authenticator, and ten recovery codes (RULES §8).
//!
//! A code works once, in any spelling and on any node (NT-17): the user's row is taken before a code is looked at.

use kluis_crypto::{Secret, random, totp};
use zeroize::Zeroizing;

use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, UserId};
use crate::keys::Unsealed;
use crate::rotation::TOTP;
use crate::store::sql::users as sql;
use crate::store::{Conn, Failure, Row, params};

/// A new second factor, to be confirmed with its first code; both are shown once.
pub struct TotpEnrollment {
    /// The shared secret in base-32.
    pub secret: Secret,
    /// The same as an `otpauth://` URI.
    pub uri: Secret,
}

/// A user's second factor as it is stored.
pub(crate) struct SecondFactor {
    organization: OrganizationId,
    user: UserId,
    secret: Option<(u32, Vec<u8>)>,
    last_step: Option<i64>,
}

/// How the server is called in an authenticator.
const ISSUER: &str = "Kluis";
const RECOVERY_CODES: usize = 10;
/// 16 digits of five bits: 80 bits.
const RECOVERY_DIGITS: usize = 16;
/// Without letters and digits that look alike.
const RECOVERY_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl Engine {
    /// Begin a second factor; it is wanted once it is confirmed. `Conflict` when there is a confirmed one.
    pub async fn totp_enroll(&self, caller: &Caller) -> Result<TotpEnrollment, Error> {
        let user = own_id(caller)?;
        let keys = self.keys()?;
        self.change(caller, Action::TotpChange, move |tx, act| {
            Box::pin(async move {
                act.names("user", *user.bytes());
                let conn = tx.conn();
                let own = Own::lock(conn, act.caller.organization, user).await?;
                own.require_confirmed(false)?;
                let secret = totp::generate_secret()?;
                let organization = keys.organization(conn, act.caller.organization).await?;
                let (version, sealed) =
                    organization.seal_field(TOTP, user.bytes(), secret.expose())?;
                conn.execute(
                    sql::SET_SECOND_FACTOR,
                    params![user.bytes(), &sealed, version, act.now],
                )
                .await?;
                Ok(TotpEnrollment {
                    uri: totp::uri(&secret, ISSUER, &own.email),
                    secret: totp::secret_text(&secret),
                })
            })
        })
        .await
    }

    /// Confirm a second factor with its first code; gives ten recovery codes, shown once, each of which works once in
    /// place of a code. `Unauthenticated` for a wrong code, `Conflict` when nothing is to be confirmed.
    pub async fn totp_confirm(&self, caller: &Caller, code: &str) -> Result<Vec<Secret>, Error> {
        let user = own_id(caller)?;
        self.permitted(caller, Action::TotpChange, |_| {}).await?;
        let guess = self.guess_begin(caller.origin.address).await?;
        let keys = self.keys()?;
        let code = Zeroizing::new(code.to_owned());
        self.change(caller, Action::TotpChange, move |tx, act| {
            Box::pin(async move {
                act.names("user", *user.bytes());
                let conn = tx.conn();
                let own = Own::lock(conn, act.caller.organization, user).await?;
                own.require_confirmed(false)?;
                if own.factor.secret.is_none() {
                    return Err(Error::Conflict(Conflict::State));
                }
                if !own.factor.take_code(conn, &keys, &code, act.now).await? {
                    return Err(Error::Unauthenticated);
                }
                conn.execute(sql::CONFIRM_SECOND_FACTOR, params![user.bytes(), act.now])
                    .await?;
                conn.execute(sql::DELETE_RECOVERY_CODES, params![user.bytes()])
                    .await?;
                let mut codes = Vec::with_capacity(RECOVERY_CODES);
                for _ in 0..RECOVERY_CODES {
                    let code = recovery_code()?;
                    let digest = recovery_digest(&keys, user, &code);
                    conn.execute(sql::INSERT_RECOVERY_CODE, params![user.bytes(), &digest])
                        .await?;
                    codes.push(Secret::new(code.as_bytes().to_vec()));
                }
                guess.succeeded(conn).await?;
                Ok(codes)
            })
        })
        .await
    }

    /// End the second factor, with a code or a recovery code. `Unauthenticated` for a wrong one, `Conflict` when there is
    /// no confirmed second factor.
    pub async fn totp_disable(&self, caller: &Caller, code: &str) -> Result<(), Error> {
        let user = own_id(caller)?;
        self.permitted(caller, Action::TotpChange, |_| {}).await?;
        let guess = self.guess_begin(caller.origin.address).await?;
        let keys = self.keys()?;
        let code = Zeroizing::new(code.to_owned());
        self.change(caller, Action::TotpChange, move |tx, act| {
            Box::pin(async move {
                act.names("user", *user.bytes());
                let conn = tx.conn();
                let own = Own::lock(conn, act.caller.organization, user).await?;
                own.require_confirmed(true)?;
                own.factor.require(conn, &keys, &code, act.now).await?;
                conn.execute(sql::DROP_SECOND_FACTOR, params![user.bytes(), act.now])
                    .await?;
                conn.execute(sql::DELETE_RECOVERY_CODES, params![user.bytes()])
                    .await?;
                guess.succeeded(conn).await
            })
        })
        .await
    }
}

impl SecondFactor {
    /// From the columns sealed secret, key version, last step. The user's row must be taken.
    pub(crate) fn from_columns(
        organization: OrganizationId,
        user: UserId,
        row: &mut Row,
    ) -> Result<Self, Failure> {
        let (sealed, version) = (row.optional_blob()?, row.optional_number()?);
        Ok(Self {
            organization,
            user,
            secret: version.zip(sealed),
            last_step: row.optional_int()?,
        })
    }

    /// Use up `code`, one of the authenticator or a recovery code. `Unauthenticated` when it is neither.
    pub(crate) async fn require(
        &self,
        conn: &mut Conn,
        keys: &Unsealed,
        code: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        if self.take_code(conn, keys, code, now).await? {
            return Ok(());
        }
        let digest = recovery_digest(keys, self.user, code);
        match conn
            .execute(sql::USE_RECOVERY_CODE, params![self.user.bytes(), &digest])
            .await?
        {
            0 => Err(Error::Unauthenticated),
            _ => Ok(()),
        }
    }

    /// Whether `code` is one of the authenticator; it is used up then.
    async fn take_code(
        &self,
        conn: &mut Conn,
        keys: &Unsealed,
        code: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let Some((version, sealed)) = &self.secret else {
            return Ok(false);
        };
        let keys = keys
            .organization_at(conn, self.organization, *version)
            .await?;
        let secret = keys.open_field(TOTP, self.user.bytes(), *version, sealed)?;
        let Some(step) = totp::verify(&secret, code, now.seconds(), self.last_step) else {
            return Ok(false);
        };
        conn.execute(sql::USE_CODE, params![self.user.bytes(), step])
            .await?;
        Ok(true)
    }
}

/// The caller's own second factor, its row taken until the transaction ends.
struct Own {
    confirmed: bool,
    factor: SecondFactor,
    email: String,
}

impl Own {
    async fn lock(
        conn: &mut Conn,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Self, Error> {
        let row = conn
            .query_one(sql::LOCK_SECOND_FACTOR, params![user.bytes()])
            .await?;
        let mut row = row.ok_or(Error::Unauthenticated)?;
        Ok(Self {
            confirmed: row.flag()?,
            factor: SecondFactor::from_columns(organization, user, &mut row)?,
            email: row.text()?,
        })
    }

    fn require_confirmed(&self, confirmed: bool) -> Result<(), Error> {
        if self.confirmed == confirmed {
            Ok(())
        } else {
            Err(Error::Conflict(Conflict::State))
        }
    }
}

fn own_id(caller: &Caller) -> Result<UserId, Error> {
    caller.user().map(|user| user.id).ok_or(Error::Forbidden)
}

/// A new recovery code, in four groups of four.
fn recovery_code() -> Result<Zeroizing<String>, Error> {
    let mut draws = Zeroizing::new([0; RECOVERY_DIGITS]);
    random::fill(&mut *draws)?;
    let mut code = Zeroizing::new(String::with_capacity(RECOVERY_DIGITS + 3));
    for (position, draw) in draws.iter().enumerate() {
        if position > 0 && position % 4 == 0 {
            code.push('-');
        }
        // 256 is a multiple of 32: each digit is equally likely.
        let digit = RECOVERY_ALPHABET
            .get(usize::from(draw % 32))
            .copied()
            .unwrap_or_default();
        code.push(char::from(digit));
    }
    Ok(code)
}

/// What is kept of a recovery code: the same for all spellings, and not that of any token.
fn recovery_digest(keys: &Unsealed, user: UserId, code: &str) -> [u8; 32] {
    let mut spelled = Zeroizing::new(String::with_capacity(64 + code.len()));
    spelled.push_str("recovery ");
    spelled.push_str(&user.to_string());
    spelled.push(' ');
    spelled.extend(
        code.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase()),
    );
    keys.digest(&spelled)
}

#[cfg(test)]
mod tests;
