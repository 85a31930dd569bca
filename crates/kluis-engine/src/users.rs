//! Users of an organization: made, seen, changed, deleted (RULES §2, §5, §8).

mod profile;

pub use profile::Profile;

use kluis_crypto::{Secret, password};

use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Plan, Role, User};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, UserId};
use crate::passwords::require_policy;
use crate::sessions::sessions_end;
use crate::store::sql::{organizations, shares, users as sql, vaults};
use crate::store::{Conn, Failure, Row, params, unexpected};

/// A user, as it and its organization's administrators see it.
#[derive(Clone, Debug)]
pub struct UserProfile {
    /// Its id.
    pub id: UserId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// Its address, in lower case, unique on the server.
    pub email: String,
    /// What it is called.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// How fast it may go.
    pub plan: Plan,
    /// Whether it may log in and its keys work.
    pub active: bool,
    /// Whether its log-in wants a second factor.
    pub totp: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A user to make.
pub struct NewUser {
    /// Its address.
    pub email: String,
    /// What it is called; what stands before the `@` when `None`.
    pub name: Option<String>,
    /// Its password; a random one is made when `None`.
    pub password: Option<Secret>,
    /// Its role; member when `None`.
    pub role: Option<Role>,
    /// Its plan; enterprise when `None`.
    pub plan: Option<Plan>,
}

/// What to change of a user; `None` leaves it alone.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Another plan.
    pub plan: Option<Plan>,
    /// Enabled or disabled.
    pub active: Option<bool>,
}

impl Engine {
    /// The users that the caller may see, oldest first: all for owners and admins, oneself for others.
    pub async fn user_list(&self, caller: &Caller) -> Result<Vec<UserProfile>, Error> {
        self.look(caller, Action::UserList, async |conn, act| {
            let organization = act.caller.organization;
            let User { id, role, .. } = *act.caller.user().ok_or(Error::Forbidden)?;
            if role < Role::Admin {
                return Ok(vec![user_find(conn, organization, id).await?]);
            }
            let rows = conn
                .query(sql::OF_ORGANIZATION, params![organization.bytes()])
                .await?;
            Ok(rows
                .into_iter()
                .map(UserProfile::from_row)
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// One user. Anyone but oneself is `Hidden` from members and viewers.
    pub async fn user_read(&self, caller: &Caller, user: UserId) -> Result<UserProfile, Error> {
        self.look(caller, Action::UserRead, async |conn, act| {
            act.names("user", *user.bytes());
            let own = act.caller.user().ok_or(Error::Forbidden)?;
            if own.role < Role::Admin && own.id != user {
                return Err(Error::Hidden);
            }
            user_find(conn, act.caller.organization, user).await
        })
        .await
    }

    /// Make a user; gives its one-time password when none was given. `Conflict` when the address is taken, by whatever
    /// organization.
    pub async fn user_create(
        &self,
        caller: &Caller,
        new: NewUser,
    ) -> Result<(UserProfile, Option<Secret>), Error> {
        let email = email_address(&new.email)?;
        let name = match &new.name {
            Some(name) => display_name(name)?,
            None => local_part(&email).to_owned(),
        };
        if let Some(password) = &new.password {
            require_policy("password", password)?;
        }
        self.permitted(caller, Action::UserCreate, |_| {}).await?;
        let (password, one_time) = if let Some(password) = new.password {
            (password, None)
        } else {
            let made = password::one_time()?;
            (made.duplicate(), Some(made))
        };
        let hash = self.password_hash(password).await?;
        let (role, plan) = (
            new.role.unwrap_or(Role::Member),
            new.plan.unwrap_or(Plan::Enterprise),
        );
        let user = self
            .change(caller, Action::UserCreate, move |tx, act| {
                Box::pin(async move {
                    act.calls_it(&email);
                    require_may_give(act, role)?;
                    let user = UserProfile {
                        id: UserId::generate(act.now)?,
                        organization: act.caller.organization,
                        email,
                        name,
                        role,
                        plan,
                        active: true,
                        totp: false,
                        created_at: act.now,
                        updated_at: act.now,
                    };
                    act.finds("user", *user.id.bytes());
                    user_insert(tx.conn(), &user, &hash).await?;
                    Ok(user)
                })
            })
            .await?;
        Ok((user, one_time))
    }

    /// Change a user. Disabling ends its sessions and stops its keys at once. `Conflict` when the organization would be
    /// left without an active owner.
    pub async fn user_update(
        &self,
        caller: &Caller,
        user: UserId,
        change: UserChange,
    ) -> Result<UserProfile, Error> {
        let name = change.name.as_deref().map(display_name).transpose()?;
        self.change(caller, Action::UserUpdate, move |tx, act| {
            Box::pin(async move {
                let before = user_to_change(tx.conn(), act, user).await?;
                let mut after = before.clone();
                after.name = name.unwrap_or(after.name);
                after.role = change.role.unwrap_or(after.role);
                after.plan = change.plan.unwrap_or(after.plan);
                after.active = change.active.unwrap_or(after.active);
                after.updated_at = act.now;
                require_may_give(act, after.role)?;
                if !after.is_active_owner() {
                    require_other_owner(tx.conn(), &before).await?;
                }
                tx.conn()
                    .execute(
                        sql::UPDATE,
                        params![
                            user.bytes(),
                            &after.name,
                            after.role.as_str(),
                            after.plan.as_str(),
                            after.active,
                            act.now
                        ],
                    )
                    .await?;
                if !after.active {
                    sessions_end(tx.conn(), user).await?;
                }
                Ok(after)
            })
        })
        .await
    }

    /// Delete a user with its keys, sessions and the policies that name it; vaults it made have no maker then.
    /// `Conflict` when the organization would be left without an active owner.
    pub async fn user_delete(&self, caller: &Caller, user: UserId) -> Result<(), Error> {
        self.change(caller, Action::UserDelete, move |tx, act| {
            Box::pin(async move {
                let before = user_to_change(tx.conn(), act, user).await?;
                let conn = tx.conn();
                require_other_owner(conn, &before).await?;
                for statement in [
                    sql::OUTDATE_POLICIES,
                    sql::DELETE_POLICIES,
                    vaults::FORGET_MAKER,
                    shares::DELETE_OF_PRINCIPAL,
                    // Keys, sessions and recovery codes go with it.
                    sql::DELETE,
                ] {
                    conn.execute(statement, params![user.bytes()]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

impl UserProfile {
    pub(crate) fn from_row(mut row: Row) -> Result<Self, Failure> {
        Self::from_columns(&mut row)
    }

    /// The same, leaving further columns to the caller.
    pub(crate) fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        Ok(Self {
            id: UserId::from_bytes(row.array()?),
            organization: OrganizationId::from_bytes(row.array()?),
            email: row.text()?,
            name: row.text()?,
            role: Role::parse(&row.text()?).ok_or_else(unexpected)?,
            plan: Plan::parse(&row.text()?).ok_or_else(unexpected)?,
            active: row.flag()?,
            totp: row.flag()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }

    fn is_active_owner(&self) -> bool {
        self.active && self.role == Role::Owner
    }
}

/// The user of this organization with this id.
pub(crate) async fn user_find(
    conn: &mut Conn,
    organization: OrganizationId,
    user: UserId,
) -> Result<UserProfile, Error> {
    let row = conn
        .query_one(sql::BY_ID, params![user.bytes(), organization.bytes()])
        .await?;
    Ok(UserProfile::from_row(row.ok_or(Error::NotFound)?)?)
}

/// That the caller is the user with this address; `NotFound` for anyone else.
pub(crate) async fn require_address(conn: &mut Conn, act: &Act, email: &str) -> Result<(), Error> {
    let own = act.caller.user().ok_or(Error::Forbidden)?.id;
    let own = user_find(conn, act.caller.organization, own).await?;
    if own.email == email {
        Ok(())
    } else {
        Err(Error::NotFound)
    }
}

/// Keep a new user. `Conflict` when the address is taken.
pub(crate) async fn user_insert(
    conn: &mut Conn,
    user: &UserProfile,
    password_hash: &str,
) -> Result<(), Error> {
    let row = conn
        .query_one(
            sql::INSERT,
            params![
                user.id.bytes(),
                user.organization.bytes(),
                &user.email,
                &user.name,
                user.role.as_str(),
                user.plan.as_str(),
                password_hash,
                user.created_at
            ],
        )
        .await?;
    row.map(drop).ok_or(Error::Conflict(Conflict::Exists))
}

/// The user to change or delete, if the caller may: owners all, admins members and viewers. No other change of the
/// organization's users runs until the transaction ends, so that two owners cannot remove each other.
async fn user_to_change(
    conn: &mut Conn,
    act: &mut Act,
    user: UserId,
) -> Result<UserProfile, Error> {
    act.names("user", *user.bytes());
    let User { id, role, .. } = *act.caller.user().ok_or(Error::Forbidden)?;
    if role < Role::Admin {
        return Err(if id == user {
            Error::Forbidden
        } else {
            Error::Hidden
        });
    }
    let organization = act.caller.organization;
    conn.lock(organizations::LOCK, params![organization.bytes()])
        .await?;
    let found = user_find(conn, organization, user).await?;
    act.calls_it(&found.email);
    require_may_give(act, found.role)?;
    Ok(found)
}

/// Admins make and change members and viewers only (RULES §2).
fn require_may_give(act: &Act, role: Role) -> Result<(), Error> {
    match act.caller.role() {
        Some(Role::Owner) => Ok(()),
        Some(Role::Admin) if role <= Role::Member => Ok(()),
        _ => Err(Error::Forbidden),
    }
}

/// Someone else owns the organization, or `user` did not (RULES §8).
async fn require_other_owner(conn: &mut Conn, user: &UserProfile) -> Result<(), Error> {
    if !user.is_active_owner() {
        return Ok(());
    }
    let of = params![user.organization.bytes(), user.id.bytes()];
    let mut row = conn
        .query_one(sql::OTHER_OWNERS, of)
        .await?
        .ok_or(Error::NotFound)?;
    if row.int()? == 0 {
        Err(Error::Conflict(Conflict::LastOwner))
    } else {
        Ok(())
    }
}

/// A name for people: trimmed, 1–255 characters without control characters.
#[derive(Clone, Debug)]
pub struct DisplayName(String);

impl DisplayName {
    /// The name that `text` is, for a member called `field`. `Invalid` when it is none.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Error> {
        let name = text.trim();
        if name.is_empty() {
            return Err(Error::invalid(field, "must not be empty"));
        }
        if name.chars().count() > 255 {
            return Err(Error::invalid(field, "must have at most 255 characters"));
        }
        if name.chars().any(char::is_control) {
            return Err(Error::invalid(field, "must not hold control characters"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// More about a thing, for people: as long as its kind allows, without NUL.
#[derive(Clone, Debug, Default)]
pub struct Remark(String);

impl Remark {
    /// The remark that `text` is, for a member called `description`. `Invalid` when it has more than `most` characters.
    pub fn parse(text: String, most: usize) -> Result<Self, Error> {
        if text.chars().count() > most {
            let why = format!("must have at most {most} characters");
            return Err(Error::invalid("description", why));
        }
        if text.contains('\0') {
            return Err(Error::invalid("description", "must not hold NUL"));
        }
        Ok(Self(text))
    }

    /// The remark.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// A [`DisplayName`] that comes as `name`.
pub(crate) fn display_name(name: &str) -> Result<String, Error> {
    DisplayName::parse("name", name).map(DisplayName::into_text)
}

/// An e-mail address in lower case. ASCII alone, so that no two addresses look alike and are different (NT-16).
pub(crate) fn email_address(text: &str) -> Result<String, Error> {
    let well_formed = text.split_once('@').is_some_and(|(local, domain)| {
        local.len() <= 64
            && text.len() <= 254
            && dotted(local, |byte| {
                byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
            })
            && dotted(domain, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    if well_formed {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Error::invalid(
            "email",
            "must be an e-mail address such as name@example.com",
        ))
    }
}

/// Whether `text` is words of such bytes with single dots between them.
fn dotted(text: &str, fits: fn(u8) -> bool) -> bool {
    text.split('.')
        .all(|word| !word.is_empty() && word.bytes().all(fits))
}

fn local_part(email: &str) -> &str {
    email.split_once('@').map_or(email, |(local, _)| local)
}

#[cfg(test)]
mod tests;
