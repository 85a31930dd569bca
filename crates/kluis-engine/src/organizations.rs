//! Organizations: the first one at bootstrap, further ones by its owner (RULES §2).

use kluis_crypto::{Secret, Token, password};

use crate::access_tokens::{AccessToken, Holder};
use crate::action::Action;
use crate::api_keys::{KeyStyle, NewApiKey, api_key_insert};
use crate::caller::{Caller, Origin, Plan, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, UserId};
use crate::keys::{Unsealed, organization_key_create};
use crate::notice::{Actor, Notice, NoticeDetails};
use crate::passwords::require_policy;
use crate::store::sql::organizations as sql;
use crate::store::{Conn, params};
use crate::users::{UserProfile, display_name, email_address, user_insert};
use crate::vaults::default_vault_insert;

/// A new organization and its first owner.
pub struct NewOrganization {
    /// The organization.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: UserId,
    /// The owner's address, made up from the organization's id.
    pub email: String,
    /// The owner's one-time password; shown once.
    pub password: Secret,
}

/// Somebody who signs up.
pub struct SignUp {
    /// The address; unique on the server.
    pub email: String,
    /// The password, within the policy of RULES §8.
    pub password: Secret,
    /// What the user and the organization are called; the address when `None`.
    pub name: Option<String>,
}

/// What a new server starts with; its secrets are shown once.
pub struct Bootstrapped {
    /// The first organization.
    pub organization: OrganizationId,
    /// Its owner, who is the server's owner too.
    pub owner: UserId,
    /// The owner's address.
    pub email: String,
    /// The owner's one-time password.
    pub password: Secret,
    /// One API key of the owner per style, without a ceiling or an end.
    pub tokens: Vec<(KeyStyle, Token)>,
}

impl Engine {
    /// Make an organization with its owner and its vault `default`. For the server's owner alone.
    pub async fn organization_create(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<NewOrganization, Error> {
        let name = display_name(name)?;
        self.permitted(caller, Action::OrganizationCreate, |_| {})
            .await?;
        let password = password::one_time()?;
        let hash = self.password_hash(password.duplicate()).await?;
        let keys = self.keys()?;
        let made = self
            .change(caller, Action::OrganizationCreate, move |tx, act| {
                Box::pin(async move {
                    act.calls_it(&name);
                    let id = OrganizationId::generate(act.now)?;
                    act.finds("organization", *id.bytes());
                    let email = email_address(&format!("owner@{id}.kluis.local"))?;
                    let new = Founding {
                        id,
                        name: &name,
                        first: false,
                        email,
                        owner: OWNER,
                        now: act.now,
                    };
                    let owner = found(tx.conn(), &keys, new, &hash).await?;
                    Ok((id, name, owner))
                })
            })
            .await?;
        let (id, name, owner) = made;
        Ok(NewOrganization {
            id,
            name,
            owner: owner.id,
            email: owner.email,
            password,
        })
    }

    /// Make the first organization with its owner, its vault `default` and one API key per style. `Conflict` when there
    /// is one already.
    pub async fn bootstrap(
        &self,
        organization_name: &str,
        owner_email: &str,
    ) -> Result<Bootstrapped, Error> {
        let name = display_name(organization_name)?;
        let email = email_address(owner_email)?;
        let keys = self.keys()?;
        if self.first_organization().await?.is_some() {
            return Err(Error::Conflict(Conflict::State));
        }
        let password = password::one_time()?;
        let hash = self.password_hash(password.duplicate()).await?;
        let now = self.clock().now();
        let made = self
            .store()
            .write(move |tx| {
                Box::pin(async move {
                    let id = OrganizationId::generate(now)?;
                    let new = Founding {
                        id,
                        name: &name,
                        first: true,
                        email,
                        owner: OWNER,
                        now,
                    };
                    let owner = found(tx.conn(), &keys, new, &hash).await?;
                    let mut tokens = Vec::with_capacity(KeyStyle::ALL.len());
                    for style in KeyStyle::ALL {
                        let key = NewApiKey {
                            name: format!("First {} key", style.as_str()),
                            style,
                            scopes: None,
                            user: None,
                            expires_at: None,
                        };
                        let made = api_key_insert(tx.conn(), &keys, id, owner.id, key, now).await?;
                        tokens.push((style, made.1));
                    }
                    let notice = founded(id, Actor::Server, &name);
                    tx.record(notice.event(now)?);
                    Ok((owner, tokens))
                })
            })
            .await;
        let (owner, tokens) = match made {
            // Another node was first.
            Err(Error::Conflict(_)) => return Err(Error::Conflict(Conflict::State)),
            made => made?,
        };
        Ok(Bootstrapped {
            organization: owner.organization,
            owner: owner.id,
            email: owner.email,
            password,
            tokens,
        })
    }

    /// Make an organization of its own for somebody unknown, who owns it, and log in. `Conflict` when the address is taken,
    /// `RateLimited` after too many from one address.
    pub async fn organization_sign_up(
        &self,
        new: SignUp,
        origin: Origin,
    ) -> Result<AccessToken, Error> {
        let email = email_address(&new.email)?;
        let name = display_name(new.name.as_deref().unwrap_or(&email))?;
        require_policy("password", &new.password)?;
        self.admit_asking(origin.address).await?;
        let hash = self.password_hash(new.password).await?;
        let keys = self.keys()?;
        let now = self.clock().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let id = OrganizationId::generate(now)?;
                    let new = Founding {
                        id,
                        name: &name,
                        first: false,
                        email,
                        owner: &name,
                        now,
                    };
                    let owner = found(tx.conn(), &keys, new, &hash).await?;
                    let notice = founded(id, Actor::User(owner.id), &name);
                    tx.record(notice.through(&origin).event(now)?);
                    let holder = Holder::of_user(id, owner.id);
                    holder.issue(tx, &keys, &origin, now).await
                })
            })
            .await
    }

    /// The organization whose owner is the server's; none before bootstrap.
    pub async fn first_organization(&self) -> Result<Option<OrganizationId>, Error> {
        let mut reader = self.store().reader().await?;
        let row = reader.conn()?.query_one(sql::FIRST, &[]).await?;
        Ok(row
            .map(|mut row| row.array())
            .transpose()?
            .map(OrganizationId::from_bytes))
    }
}

/// What an owner is called who was not asked.
const OWNER: &str = "Owner";

/// An organization to found.
struct Founding<'a> {
    id: OrganizationId,
    name: &'a str,
    first: bool,
    email: String,
    /// What its owner is called.
    owner: &'a str,
    now: Timestamp,
}

/// What the record says of an organization that no caller has made.
fn founded(id: OrganizationId, actor: Actor, name: &str) -> Notice<'_> {
    Notice {
        resource: Some(("organization", *id.bytes())),
        details: NoticeDetails {
            name: Some(name),
            ..NoticeDetails::default()
        },
        ..Notice::new(id, actor, Action::OrganizationCreate.rule().name)
    }
}

/// Keep a new organization: its key, its owner, its vault `default`.
async fn found(
    conn: &mut Conn,
    keys: &Unsealed,
    new: Founding<'_>,
    password_hash: &str,
) -> Result<UserProfile, Error> {
    let Founding {
        id,
        name,
        first,
        email,
        owner,
        now,
    } = new;
    conn.execute(sql::INSERT, params![id.bytes(), name, first, now])
        .await?;
    organization_key_create(conn, &keys.roots(), id, 1, now).await?;
    let owner = UserProfile {
        id: UserId::generate(now)?,
        organization: id,
        email,
        name: owner.to_owned(),
        role: Role::Owner,
        plan: Plan::Enterprise,
        active: true,
        totp: false,
        created_at: now,
        updated_at: now,
    };
    user_insert(conn, &owner, password_hash).await?;
    default_vault_insert(conn, id, owner.id, now).await?;
    Ok(owner)
}

#[cfg(test)]
mod tests;
