//! API keys: made, seen, changed, rotated, revoked (RULES §1).
//!
//! A revoked key stays in the lists, so that what it did keeps its name; it never works again.

mod key;
mod own;
#[cfg(test)]
mod tests;

use kluis_crypto::Token;

pub use key::{ApiKey, ApiKeyStatus, KeyStyle};
pub use own::OwnKey;
pub(crate) use own::agent_key_find;

use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Credential, Role, ScopeSet};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{ApiKeyId, OrganizationId, UserId};
use crate::keys::Unsealed;
use crate::store::sql::{api_keys as sql, users};
use crate::store::{Conn, params};
use crate::users::display_name;

/// An API key to make.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Trimmed by the engine; 1–255 characters then.
    pub name: String,
    /// Whose API it is for.
    pub style: KeyStyle,
    /// Its ceiling; `None` is no ceiling.
    pub scopes: Option<ScopeSet>,
    /// Whose it is to be; the caller's own when `None`.
    pub user: Option<UserId>,
    /// When it stops working; never when `None`.
    pub expires_at: Option<Timestamp>,
}

/// What to change of an API key; `None` leaves it alone.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyChange {
    /// Another name.
    pub name: Option<String>,
    /// Another ceiling; `Some(None)` takes it away.
    pub scopes: Option<Option<ScopeSet>>,
    /// Another end; `Some(None)` takes it away.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Which API keys to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysOf {
    /// The caller's own.
    Caller,
    /// Those of the whole organization, for its owners.
    Organization,
    /// Those of one user, for the organization's owners and that user.
    User(UserId),
}

impl Engine {
    /// API keys, oldest first. `Forbidden` when others' are asked for by anyone but an owner.
    pub async fn api_key_list(&self, caller: &Caller, of: KeysOf) -> Result<Vec<ApiKey>, Error> {
        self.look(caller, Action::ApiKeyList, async |conn, act| {
            let organization = act.caller.organization;
            let own = own_id(act)?;
            let rows = match of {
                KeysOf::Organization => {
                    require_keys_of_others(act)?;
                    conn.query(sql::OF_ORGANIZATION, params![organization.bytes()])
                        .await?
                }
                KeysOf::User(user) if user != own => {
                    act.names("user", *user.bytes());
                    require_keys_of_others(act)?;
                    user_exists(conn, organization, user).await?;
                    conn.query(sql::OF_USER, params![user.bytes()]).await?
                }
                KeysOf::Caller | KeysOf::User(_) => {
                    conn.query(sql::OF_USER, params![own.bytes()]).await?
                }
            };
            let keys = rows.into_iter().map(|row| ApiKey::from_row(row, act.now));
            Ok(keys.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// One API key. Another user's is `NotFound` for all but owners, as an absent one is.
    pub async fn api_key_read(&self, caller: &Caller, key: ApiKeyId) -> Result<ApiKey, Error> {
        self.look(caller, Action::ApiKeyRead, async |conn, act| {
            api_key_find(conn, act, key, sql::BY_ID).await
        })
        .await
    }

    /// Make an API key; its token is shown once. `Forbidden` beyond the caller's own reach (NT-09).
    pub async fn api_key_create(
        &self,
        caller: &Caller,
        new: NewApiKey,
    ) -> Result<(ApiKey, Token), Error> {
        let name = display_name(&new.name)?;
        let keys = self.keys()?;
        require_ahead(new.expires_at, self.clock().now())?;
        self.change(caller, Action::ApiKeyCreate, move |tx, act| {
            Box::pin(async move {
                act.calls_it(&name);
                let own = own_id(act)?;
                let user = new.user.unwrap_or(own);
                if user != own {
                    require_keys_of_others(act)?;
                }
                require_reach(&act.caller, new.scopes)?;
                require_end(tx.conn(), &act.caller, new.expires_at).await?;
                if user != own {
                    user_exists(tx.conn(), act.caller.organization, user).await?;
                }
                let made = api_key_insert(
                    tx.conn(),
                    &keys,
                    act.caller.organization,
                    user,
                    NewApiKey { name, ..new },
                    act.now,
                )
                .await?;
                act.finds("api_key", *made.0.id.bytes());
                Ok(made)
            })
        })
        .await
    }

    /// Rename an API key, or change its ceiling or end. `Conflict` when it was revoked.
    pub async fn api_key_update(
        &self,
        caller: &Caller,
        key: ApiKeyId,
        change: ApiKeyChange,
    ) -> Result<ApiKey, Error> {
        let name = change.name.as_deref().map(display_name).transpose()?;
        require_ahead(change.expires_at.flatten(), self.clock().now())?;
        self.change(caller, Action::ApiKeyUpdate, move |tx, act| {
            Box::pin(async move {
                let mut key = api_key_to_change(tx.conn(), act, key).await?;
                if let Some(scopes) = change.scopes {
                    require_reach(&act.caller, scopes)?;
                }
                if let Some(expires_at) = change.expires_at {
                    require_end(tx.conn(), &act.caller, expires_at).await?;
                }
                require_status(key.status != ApiKeyStatus::Revoked)?;
                key.name = name.unwrap_or(key.name);
                key.scopes = change.scopes.unwrap_or(key.scopes);
                key.expires_at = change.expires_at.unwrap_or(key.expires_at);
                key.status = ApiKeyStatus::at(act.now, key.expires_at, None);
                key.updated_at = act.now;
                let scopes = key.scopes.map(|scopes| scopes.to_string());
                tx.conn()
                    .execute(
                        sql::UPDATE,
                        params![
                            key.id.bytes(),
                            &key.name,
                            scopes.as_ref(),
                            key.expires_at,
                            act.now
                        ],
                    )
                    .await?;
                Ok(key)
            })
        })
        .await
    }

    /// Replace an API key's token; the old one ends at once, the new one is shown once. `Conflict` when the key is
    /// revoked or expired.
    pub async fn api_key_rotate(
        &self,
        caller: &Caller,
        key: ApiKeyId,
    ) -> Result<(ApiKey, Token), Error> {
        let keys = self.keys()?;
        self.change(caller, Action::ApiKeyRotate, move |tx, act| {
            Box::pin(async move {
                let mut key = api_key_to_change(tx.conn(), act, key).await?;
                require_status(key.status == ApiKeyStatus::Active)?;
                let token = Token::generate(key.style.prefix())?;
                key.prefix = shown_prefix(&token);
                key.last_rotated_at = Some(act.now);
                key.updated_at = act.now;
                let digest = keys.digest(token.expose());
                tx.conn()
                    .execute(
                        sql::ROTATE,
                        params![
                            key.id.bytes(),
                            &digest,
                            &key.prefix,
                            act.now,
                            &last4(&token)
                        ],
                    )
                    .await?;
                Ok((key, token))
            })
        })
        .await
    }

    /// Revoke an API key, at once and for good. A second time it is `NotFound`.
    pub async fn api_key_delete(&self, caller: &Caller, key: ApiKeyId) -> Result<(), Error> {
        self.change(caller, Action::ApiKeyDelete, move |tx, act| {
            Box::pin(async move {
                let key = api_key_to_change(tx.conn(), act, key).await?;
                if key.status == ApiKeyStatus::Revoked {
                    return Err(Error::NotFound);
                }
                tx.conn()
                    .execute(sql::REVOKE, params![key.id.bytes(), act.now])
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

/// Make a key and keep its digest.
pub(crate) async fn api_key_insert(
    conn: &mut Conn,
    keys: &Unsealed,
    organization: OrganizationId,
    user: UserId,
    new: NewApiKey,
    now: Timestamp,
) -> Result<(ApiKey, Token), Error> {
    let token = Token::generate(new.style.prefix())?;
    let key = ApiKey {
        id: ApiKeyId::generate(now)?,
        user,
        name: new.name,
        prefix: shown_prefix(&token),
        style: new.style,
        scopes: new.scopes,
        status: ApiKeyStatus::Active,
        expires_at: new.expires_at,
        last_used_at: None,
        last_rotated_at: None,
        created_at: now,
        updated_at: now,
    };
    let digest = keys.digest(token.expose());
    let scopes = key.scopes.map(|scopes| scopes.to_string());
    conn.execute(
        sql::INSERT,
        params![
            key.id.bytes(),
            organization.bytes(),
            user.bytes(),
            &key.name,
            &key.prefix,
            key.style.as_str(),
            &digest,
            scopes.as_ref(),
            key.expires_at,
            now,
            &last4(&token)
        ],
    )
    .await?;
    Ok((key, token))
}

/// The key that `statement` finds, if it is the caller's own or the caller may see those of others.
pub(crate) async fn api_key_find(
    conn: &mut Conn,
    act: &mut Act,
    key: ApiKeyId,
    statement: &'static str,
) -> Result<ApiKey, Error> {
    act.names("api_key", *key.bytes());
    let of = params![key.bytes(), act.caller.organization.bytes()];
    let row = conn
        .query_one(statement, of)
        .await?
        .ok_or(Error::NotFound)?;
    let key = ApiKey::from_row(row, act.now)?;
    if key.user != own_id(act)? && require_keys_of_others(act).is_err() {
        return Err(Error::NotFound);
    }
    act.calls_it(&key.name);
    Ok(key)
}

/// The same, to change it. A scoped credential changes no key that reaches further than itself (NT-09).
async fn api_key_to_change(conn: &mut Conn, act: &mut Act, key: ApiKeyId) -> Result<ApiKey, Error> {
    let key = api_key_find(conn, act, key, sql::LOCK).await?;
    match act.caller.scopes {
        Some(own) if key.scopes.is_none_or(|scopes| !scopes.is_within(own)) => {
            Err(Error::Forbidden)
        }
        _ => Ok(key),
    }
}

/// A key with a ceiling makes none that outlives it, and does not put off its own end (NT-09).
async fn require_end(
    conn: &mut Conn,
    caller: &Caller,
    expires_at: Option<Timestamp>,
) -> Result<(), Error> {
    let row = match (caller.scopes, caller.credential) {
        (None, _) | (_, Credential::Session(_)) => return Ok(()),
        (Some(_), Credential::ApiKey(own)) => {
            conn.query_one(sql::EXPIRY, params![own.bytes()]).await?
        }
        (Some(_), Credential::Exchanged(token)) => {
            conn.query_one(sql::EXPIRY_BEHIND, params![token.bytes()])
                .await?
        }
    };
    let end = row.ok_or(Error::NotFound)?.optional_time()?;
    match end {
        Some(end) if expires_at.is_none_or(|at| at > end) => Err(Error::Forbidden),
        _ => Ok(()),
    }
}

/// Keys of others are an owner's, with a credential that has no ceiling (RULES §1, §2).
fn require_keys_of_others(act: &Act) -> Result<(), Error> {
    if act.caller.role() == Some(Role::Owner) && act.caller.scopes.is_none() {
        Ok(())
    } else {
        Err(Error::Forbidden)
    }
}

/// Scopes can only be given by who has them: by the ceiling of the credential and by the role (contract A2).
fn require_reach(caller: &Caller, scopes: Option<ScopeSet>) -> Result<(), Error> {
    let role = caller.role().map(Role::scopes).unwrap_or_default();
    let reaches = match scopes {
        None => caller.scopes.is_none(),
        Some(scopes) => {
            scopes.is_within(role) && caller.scopes.is_none_or(|own| scopes.is_within(own))
        }
    };
    if reaches {
        Ok(())
    } else {
        Err(Error::Forbidden)
    }
}

fn require_ahead(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("expires_at", "must lie in the future"));
    }
    Ok(())
}

fn require_status(fits: bool) -> Result<(), Error> {
    if fits {
        Ok(())
    } else {
        Err(Error::Conflict(Conflict::State))
    }
}

fn own_id(act: &Act) -> Result<UserId, Error> {
    act.caller
        .user()
        .map(|user| user.id)
        .ok_or(Error::Forbidden)
}

async fn user_exists(
    conn: &mut Conn,
    organization: OrganizationId,
    user: UserId,
) -> Result<(), Error> {
    let of = params![user.bytes(), organization.bytes()];
    conn.query_one(users::BY_ID, of)
        .await?
        .map(drop)
        .ok_or(Error::NotFound)
}

/// What is shown of a token: its first characters.
pub(crate) fn shown_prefix(token: &Token) -> String {
    token.expose().chars().take(12).collect()
}

/// The other end of it.
pub(crate) fn last4(token: &Token) -> String {
    let text = token.expose();
    let behind = text.char_indices().rev().nth(3);
    let (start, _) = behind.unwrap_or_default();
    text.get(start..).unwrap_or_default().to_owned()
}
