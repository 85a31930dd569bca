//! Log-in of a device that shows a code, which a person approves elsewhere (RFC 8628; 1claw contract §4.5).

use std::time::Duration;

use kluis_crypto::{Token, random};

use crate::access_tokens::{AccessToken, Holder};
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Origin};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{DeviceLoginId, UserId};
use crate::ip_rules::require_admitted;
use crate::limits::Guess;
use crate::store::sql::{device_logins as sql, users};
use crate::store::{Conn, Failure, Row, params};
use crate::users::{UserProfile, email_address, require_address};

/// What a device is given, once.
pub struct DeviceCode {
    /// What it asks for its token with.
    pub device_code: Token,
    /// What it shows to its user.
    pub user_code: String,
    /// How long both are good for, in seconds.
    pub expires_in: u64,
    /// How long it waits before it asks again, in seconds.
    pub interval: u64,
}

/// A log-in that waits for somebody to approve it.
#[derive(Clone, Debug)]
pub struct DeviceLogin {
    id: DeviceLoginId,
    /// The code that the device shows.
    pub user_code: String,
    /// What the device says that it is.
    pub client: String,
    /// Whom it says that it belongs to; nobody else approves it then.
    pub email: Option<String>,
    /// Where it asked from.
    pub address: String,
    /// When it asked.
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
    approved_by: Option<UserId>,
    denied: bool,
}

/// What a device gets that asks for its token.
pub enum DeviceToken {
    /// Nobody has decided yet.
    Pending,
    /// Nobody did in time, or the token was given out, or there was no such log-in.
    Expired,
    /// Somebody refused it.
    Denied,
    /// Its token, once.
    Granted {
        /// The token.
        token: AccessToken,
        /// Whose it is.
        user: UserProfile,
    },
}

/// How long a log-in waits.
const PATIENCE: Duration = Duration::from_mins(15);
/// How long a device waits between two questions.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long a device's token lives.
const LIFE: Duration = Duration::from_hours(24);
const CODE_PREFIX: &str = "kdc_";
/// Letters that are not mistaken for others, and spell no words.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const CODE_LETTERS: usize = 8;
const LONGEST_CLIENT: usize = 100;

impl Engine {
    /// Begin a log-in. `RateLimited` after too many from one address.
    pub async fn device_login_begin(
        &self,
        client: String,
        email: Option<String>,
        origin: Origin,
    ) -> Result<DeviceCode, Error> {
        let length = client.chars().count();
        if !(1..=LONGEST_CLIENT).contains(&length) || client.chars().any(char::is_control) {
            let why = "must have 1 to 100 characters, none of them control characters";
            return Err(Error::invalid("client_id", why));
        }
        let email = email.as_deref().map(email_address).transpose()?;
        self.admit_asking(origin.address).await?;
        let keys = self.keys()?;
        let now = self.clock().now();
        let device_code = Token::generate(CODE_PREFIX)?;
        let digest = keys.digest(device_code.expose());
        let address = origin.address.map(|address| address.to_string());
        let user_code = self
            .store()
            .write(move |tx| {
                Box::pin(async move {
                    for _ in 0..8 {
                        let code = code()?;
                        let id = DeviceLoginId::generate(now)?;
                        let row = params![
                            id.bytes(),
                            &digest,
                            &code,
                            &client,
                            email.as_ref(),
                            address.as_deref().unwrap_or_default(),
                            now.after(PATIENCE),
                            now
                        ];
                        if tx.conn().query_one(sql::INSERT, row).await?.is_some() {
                            return Ok(code);
                        }
                    }
                    Err(Error::internal("no code is free"))
                })
            })
            .await?;
        Ok(DeviceCode {
            device_code,
            user_code,
            expires_in: PATIENCE.as_secs(),
            interval: INTERVAL.as_secs(),
        })
    }

    /// Ask for the token of a log-in; gives it once. `Unauthenticated` when whoever approved it may not act any more.
    pub async fn device_login_token(
        &self,
        device_code: &str,
        origin: Origin,
    ) -> Result<DeviceToken, Error> {
        let digest = self.keys()?.digest(device_code);
        let now = self.clock().now();
        let mut reader = self.store().reader().await?;
        let of = params![&digest, now];
        let row = reader.conn()?.query_one(sql::BY_DIGEST, of).await?;
        drop(reader);
        let Some(row) = row else {
            return Ok(DeviceToken::Expired);
        };
        let login = DeviceLogin::from_row(row)?;
        if login.denied {
            return Ok(DeviceToken::Denied);
        }
        if login.approved_by.is_none() {
            return Ok(DeviceToken::Pending);
        }
        let engine = self.clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let taken = params![login.id.bytes()];
                    let Some(mut row) = tx.conn().query_one(sql::TAKE, taken).await? else {
                        return Ok(DeviceToken::Expired);
                    };
                    let user = UserId::from_bytes(row.array()?);
                    let active = params![user.bytes()];
                    let row = tx.conn().query_one(users::LOCK_ACTIVE, active).await?;
                    let user = UserProfile::from_row(row.ok_or(Error::Unauthenticated)?)?;
                    require_admitted(tx.conn(), user.organization, &origin).await?;
                    let holder = Holder {
                        life: LIFE,
                        ..Holder::of_user(user.organization, user.id)
                    };
                    let token = holder.issue(tx, &*engine.keys()?, &origin, now).await?;
                    Ok(DeviceToken::Granted { token, user })
                })
            })
            .await
    }

    /// See who asks, before it is approved. `NotFound` for a code that nobody shows, and for another user's device.
    pub async fn device_login_read(
        &self,
        caller: &Caller,
        user_code: &str,
    ) -> Result<DeviceLogin, Error> {
        let code = normal(user_code);
        let guess = self.code_guess(caller, Action::DeviceLoginRead).await?;
        let found = self
            .look(caller, Action::DeviceLoginRead, async |conn, act| {
                login_find(conn, act, &code).await
            })
            .await?;
        self.store()
            .write(move |tx| Box::pin(async move { guess.succeeded(tx.conn()).await }))
            .await?;
        Ok(found)
    }

    /// Let the device that shows this code act as the caller, for a day. `Conflict` when somebody has decided already.
    pub async fn device_login_approve(&self, caller: &Caller, code: &str) -> Result<(), Error> {
        let own = caller.user().map(|user| user.id);
        self.device_login_decide(caller, Action::DeviceLoginApprove, code, own)
            .await
    }

    /// Refuse the device that shows this code. `Conflict` when somebody has decided already.
    pub async fn device_login_deny(&self, caller: &Caller, code: &str) -> Result<(), Error> {
        self.device_login_decide(caller, Action::DeviceLoginDeny, code, None)
            .await
    }

    async fn device_login_decide(
        &self,
        caller: &Caller,
        action: Action,
        code: &str,
        approver: Option<UserId>,
    ) -> Result<(), Error> {
        let code = normal(code);
        let guess = self.code_guess(caller, action).await?;
        self.change(caller, action, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let login = login_find(conn, act, &code).await?;
                let decided = match approver {
                    Some(user) => {
                        let by = params![login.id.bytes(), user.bytes()];
                        conn.query_one(sql::APPROVE, by).await?
                    }
                    None => conn.query_one(sql::DENY, params![login.id.bytes()]).await?,
                };
                guess.succeeded(conn).await?;
                decided.map(drop).ok_or(Error::Conflict(Conflict::State))
            })
        })
        .await
    }

    /// A code is short enough to be guessed at.
    async fn code_guess(&self, caller: &Caller, action: Action) -> Result<Guess, Error> {
        self.permitted(caller, action, |_| {}).await?;
        self.guess_begin(caller.origin.address).await
    }
}

impl DeviceLogin {
    fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: DeviceLoginId::from_bytes(row.array()?),
            user_code: row.text()?,
            client: row.text()?,
            email: row.optional_text()?,
            address: row.text()?,
            approved_by: row.optional_array()?.map(UserId::from_bytes),
            denied: row.flag()?,
            expires_at: row.time()?,
            created_at: row.time()?,
        })
    }
}

/// The log-in that shows this code, unless it is another user's.
async fn login_find(conn: &mut Conn, act: &mut Act, code: &str) -> Result<DeviceLogin, Error> {
    let row = conn.query_one(sql::BY_CODE, params![code, act.now]).await?;
    let login = DeviceLogin::from_row(row.ok_or(Error::NotFound)?)?;
    if let Some(email) = &login.email {
        require_address(conn, act, email).await?;
    }
    act.finds("device_login", *login.id.bytes());
    act.calls_it(&login.client);
    Ok(login)
}

/// A new code, such as `BCDF-GHJK`.
fn code() -> Result<String, Error> {
    let mut code = String::with_capacity(CODE_LETTERS + 1);
    for place in 0..CODE_LETTERS {
        if place == CODE_LETTERS / 2 {
            code.push('-');
        }
        code.push(letter()?);
    }
    Ok(code)
}

/// A letter, each equally likely.
fn letter() -> Result<char, Error> {
    loop {
        let [draw] = random::array()?;
        // The last incomplete round of the alphabet is drawn again.
        let letter = ALPHABET.get(usize::from(draw) % ALPHABET.len());
        if let Some(letter) = letter.filter(|_| draw < 240) {
            return Ok(char::from(*letter));
        }
    }
}

/// A code as a person may type it: in lower case, and without its hyphen.
fn normal(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphabetic);
    let mut code: String = letters
        .take(CODE_LETTERS + 1)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    if code.len() == CODE_LETTERS {
        code.insert(CODE_LETTERS / 2, '-');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = code().unwrap();
        assert_eq!(code.len(), 9);
        for typed in [
            code.clone(),
            code.to_lowercase(),
            code.replace('-', ""),
            format!(" {} ", code.replace('-', " ")),
        ] {
            assert_eq!(normal(&typed), code, "{typed}");
        }
        for other in ["", "BCDF", "BCDF-GHJKL", "BCDF-GHJ1"] {
            assert!(!normal(other).contains('-'), "{other}");
        }
    }
}
