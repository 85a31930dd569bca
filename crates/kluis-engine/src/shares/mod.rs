//! Shares: a secret for somebody without a policy, or for whoever has a link, for a time (1claw contract §10).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `share_create`, `share_list`, `share_revoke`, `share_accept`, `share_decline` |
//! | `open.rs` | `share_open` |
//! | `share.rs` | a share as it is stored and shown |
//! | `token.rs` | the id that opens it |

mod open;
mod share;
mod token;

pub use open::SharedSecret;
pub use share::{NewShare, Recipient, Share, SharesOf};
pub use token::ShareToken;

use self::share::ShareRow;
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Principal};
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{SecretId, ShareId, VaultId};
use crate::policy::PolicyPrincipal;
use crate::store::sql::{agents, shares as sql, users};
use crate::store::{Conn, params};

impl Engine {
    /// Share a secret that the caller may read. `RateLimited` when the organization has made as many within a minute as the
    /// settings allow.
    pub async fn share_create(
        &self,
        caller: &Caller,
        secret: SecretId,
        mut new: NewShare,
    ) -> Result<Share, Error> {
        new.check(self.clock().now())?;
        self.permitted(caller, Action::ShareCreate, |act| {
            act.names("secret", *secret.bytes());
        })
        .await?;
        let passphrase = match new.passphrase.take() {
            Some(passphrase) => Some(self.password_hash(passphrase).await?),
            None => None,
        };
        let engine = self.clone();
        self.change(caller, Action::ShareCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                act.names("secret", *secret.bytes());
                let vault = conn
                    .query_one(sql::VAULT_OF_SECRET, params![secret.bytes()])
                    .await?;
                let vault = VaultId::from_bytes(vault.ok_or(Error::NotFound)?.array()?);
                let found = engine.secret_shared(conn, act, vault, secret).await?;
                let recipient = recipient_id(conn, act, &new.recipient).await?;
                engine.admit_share(conn, act.caller.organization).await?;
                let keys = engine.keys()?;
                let id = ShareId::generate(act.now)?;
                act.finds_share(id);
                let token = ShareToken::of(&keys, id)?;
                let row = ShareRow::new(id, found, act, recipient, passphrase, new);
                row.insert(conn, &token.digest(&keys)).await?;
                row.shown(token, act.now)
            })
        })
        .await
    }

    /// The shares that the caller made, or those that are for it, oldest first.
    pub async fn share_list(&self, caller: &Caller, of: SharesOf) -> Result<Vec<Share>, Error> {
        let keys = self.keys()?;
        self.look(caller, Action::ShareList, async |conn, act| {
            let (_, own) = principal(&act.caller);
            let statement = match of {
                SharesOf::Maker => sql::OF_MAKER,
                SharesOf::Recipient => sql::OF_RECIPIENT,
            };
            let mut shares = Vec::new();
            for row in conn.query(statement, params![&own]).await? {
                let row = ShareRow::from_row(row)?;
                let token = ShareToken::of(&keys, row.id)?;
                shares.push(row.shown(token, act.now)?);
            }
            Ok(shares)
        })
        .await
    }

    /// Revoke a share: it opens nothing from the next request on. `Forbidden` for the one that it is for.
    pub async fn share_revoke(&self, caller: &Caller, token: &ShareToken) -> Result<(), Error> {
        self.share_end(caller, Action::ShareRevoke, Side::Maker, token)
            .await
    }

    /// Accept a share; only then can it be opened. `Forbidden` for its maker.
    pub async fn share_accept(&self, caller: &Caller, token: &ShareToken) -> Result<(), Error> {
        let digest = token.digest(&*self.keys()?);
        self.change(caller, Action::ShareAccept, move |tx, act| {
            Box::pin(async move {
                let row = known(tx.conn(), act, &digest, Side::Recipient).await?;
                if row.expires_at <= act.now {
                    return Err(Error::Gone);
                }
                let accepted = params![row.id.bytes(), act.now];
                tx.conn().execute(sql::ACCEPT, accepted).await?;
                Ok(())
            })
        })
        .await
    }

    /// Decline a share, accepted or not: it is gone. `Forbidden` for its maker.
    pub async fn share_decline(&self, caller: &Caller, token: &ShareToken) -> Result<(), Error> {
        self.share_end(caller, Action::ShareDecline, Side::Recipient, token)
            .await
    }

    async fn share_end(
        &self,
        caller: &Caller,
        action: Action,
        side: Side,
        token: &ShareToken,
    ) -> Result<(), Error> {
        let digest = token.digest(&*self.keys()?);
        self.change(caller, action, move |tx, act| {
            Box::pin(async move {
                let row = known(tx.conn(), act, &digest, side).await?;
                let of = params![row.id.bytes()];
                tx.conn().execute(sql::DELETE, of).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Whose part in a share it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Maker,
    Recipient,
}

/// The share, if the caller has a part in it: anyone else does not learn that it exists.
async fn known(
    conn: &mut Conn,
    act: &mut Act,
    digest: &[u8; 32],
    needed: Side,
) -> Result<ShareRow, Error> {
    let row = conn.query_one(sql::BY_DIGEST, params![digest]).await?;
    let row = ShareRow::from_row(row.ok_or(Error::NotFound)?)?;
    if row.organization != act.caller.organization {
        return Err(Error::NotFound);
    }
    let (_, own) = principal(&act.caller);
    let maker = row.maker_id == own;
    let recipient = row.recipient_id == Some(own);
    if !maker && !recipient {
        return Err(Error::NotFound);
    }
    act.names_share(row.id);
    act.names_vault(row.vault);
    act.finds_secret(row.secret, &row.path, None);
    match needed {
        Side::Maker if !maker => Err(Error::Forbidden),
        Side::Recipient if !recipient => Err(Error::Forbidden),
        Side::Maker | Side::Recipient => Ok(row),
    }
}

/// The user or agent of this organization that a share is for, if it is for one.
async fn recipient_id(
    conn: &mut Conn,
    act: &Act,
    recipient: &Recipient,
) -> Result<Option<[u8; 16]>, Error> {
    let organization = act.caller.organization;
    let (statement, id) = match (recipient, &act.caller.principal) {
        (Recipient::AnyoneWithLink, _) | (Recipient::ExternalEmail(_), Principal::User(_)) => {
            return Ok(None);
        }
        (Recipient::Creator, Principal::Agent(agent)) => {
            let user = agent
                .registered_by
                .ok_or(Error::Conflict(Conflict::State))?;
            return Ok(Some(*user.bytes()));
        }
        (Recipient::Creator, Principal::User(_))
        | (Recipient::ExternalEmail(_), Principal::Agent(_)) => return Err(Error::Forbidden),
        (Recipient::Agent(agent), _) => (agents::BY_ID, *agent.bytes()),
        (Recipient::User(user), _) => (users::BY_ID, *user.bytes()),
    };
    let found = conn
        .query_one(statement, params![&id, organization.bytes()])
        .await?;
    found.map(|_| Some(id)).ok_or_else(|| {
        Error::invalid(
            "recipient_id",
            "must be a user or an agent of your organization",
        )
    })
}

/// A user or agent as it is stored beside a share.
fn principal(caller: &Caller) -> (&'static str, [u8; 16]) {
    let own = PolicyPrincipal::of(caller);
    (own.kind(), *own.id_bytes())
}
