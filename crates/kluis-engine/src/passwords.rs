//! Passwords: hashed in the pool, never inside a transaction; a new one ends every session (RULES §8).

use kluis_crypto::{Secret, password};

use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::UserId;
use crate::sessions::sessions_end;
use crate::store::params;
use crate::store::sql::users as sql;
use crate::users::user_find;

/// The longest password that can be chosen, in bytes.
const LONGEST_PASSWORD: usize = 1_024;

impl Engine {
    /// Replace the caller's own password, and end all of its sessions, this one too. `Unauthenticated` when `current` is
    /// wrong, `RateLimited` after too many guesses from this address.
    pub async fn password_change(
        &self,
        caller: &Caller,
        current: Secret,
        new: Secret,
    ) -> Result<(), Error> {
        require_policy("new_password", &new)?;
        self.permitted(caller, Action::PasswordChange, |_| {})
            .await?;
        let user = caller.user().ok_or(Error::Forbidden)?.id;
        let guess = self.guess_begin(caller.origin.address).await?;
        let stored = self.password_of(user).await?;
        let same = current.same_as(&new);
        let right = self.password_matches(current, stored.clone()).await?;
        if right && same {
            return Err(Error::invalid("new_password", "must be another one"));
        }
        let hash = if right {
            Some(self.password_hash(new).await?)
        } else {
            None
        };
        self.change(caller, Action::PasswordChange, move |tx, act| {
            Box::pin(async move {
                act.names("user", *user.bytes());
                let (Some(hash), Some(stored)) = (hash, stored) else {
                    return Err(Error::Unauthenticated);
                };
                let conn = tx.conn();
                let changed = conn
                    .execute(
                        sql::CHANGE_PASSWORD,
                        params![user.bytes(), &stored, &hash, act.now],
                    )
                    .await?;
                if changed == 0 {
                    return Err(Error::Unauthenticated);
                }
                sessions_end(conn, user).await?;
                guess.succeeded(conn).await
            })
        })
        .await
    }

    /// Give a user a one-time password, shown once, and end all of its sessions.
    pub async fn user_reset_password(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<Secret, Error> {
        self.permitted(caller, Action::UserResetPassword, |act| {
            act.names("user", *user.bytes());
        })
        .await?;
        let one_time = password::one_time()?;
        let hash = self.password_hash(one_time.duplicate()).await?;
        self.change(caller, Action::UserResetPassword, move |tx, act| {
            Box::pin(async move {
                act.names("user", *user.bytes());
                let conn = tx.conn();
                let found = user_find(conn, act.caller.organization, user).await?;
                act.calls_it(&found.email);
                conn.execute(sql::SET_PASSWORD, params![user.bytes(), &hash, act.now])
                    .await?;
                sessions_end(conn, user).await?;
                Ok(())
            })
        })
        .await?;
        Ok(one_time)
    }

    /// Hash a password, when it is its turn.
    pub(crate) async fn password_hash(&self, password: Secret) -> Result<String, Error> {
        let cost = self.settings().password_cost;
        Ok(self
            .hashing()
            .run(move || password::hash(&password, cost))
            .await??)
    }

    /// Whether `stored` was made from `password`. Without a stored one it is no, after the same work.
    pub(crate) async fn password_matches(
        &self,
        password: Secret,
        stored: Option<String>,
    ) -> Result<bool, Error> {
        let decoy = self
            .decoy()
            .get_or_try_init(async || self.password_hash(password::one_time()?).await)
            .await?;
        let known = stored.is_some();
        let hash = stored.unwrap_or_else(|| decoy.clone());
        let same = self
            .hashing()
            .run(move || password::verify(&password, &hash))
            .await??;
        Ok(same && known)
    }

    async fn password_of(&self, user: UserId) -> Result<Option<String>, Error> {
        let mut reader = self.store().reader().await?;
        let row = reader
            .conn()?
            .query_one(sql::PASSWORD, params![user.bytes()])
            .await?;
        Ok(row
            .map(|mut row| row.optional_text())
            .transpose()?
            .flatten())
    }
}

/// A password that may be chosen; `field` is its name in the request.
pub(crate) fn require_policy(field: &'static str, password: &Secret) -> Result<(), Error> {
    if password.len() > LONGEST_PASSWORD {
        return Err(Error::invalid(field, "must have at most 1024 bytes"));
    }
    if password.expose_text().is_some_and(password::meets_policy) {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        "must have 12 or more characters, with upper case, lower case, a digit and another character",
    ))
}

#[cfg(test)]
mod tests;
