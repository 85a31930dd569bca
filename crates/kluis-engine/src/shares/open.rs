//! Opening a share: one reading of its secret, with its maker's rights of that moment (RULES §8).

use kluis_crypto::Secret;

use super::share::ShareRow;
use super::token::ShareToken;
use crate::act::{Act, DoneBy};
use crate::action::Action;
use crate::caller::{Caller, Origin, Plan};
use crate::engine::Engine;
use crate::error::Error;
use crate::explanation::principal_of;
use crate::ip_rules::require_admitted;
use crate::limits::Guess;
use crate::policy::PolicyPrincipal;
use crate::secrets::SecretRead;
use crate::store::sql::shares as sql;
use crate::store::{Touches, params};
use crate::webhooks::subscribed;

/// A secret that was read through a share.
pub struct SharedSecret {
    /// The id of the share.
    pub token: ShareToken,
    /// The secret.
    pub secret: SecretRead,
    /// How often the share was opened, this time included.
    pub access_count: u32,
    /// How often it can be opened; as often as one likes when `None`.
    pub max_access_count: Option<u32>,
}

/// A share that somebody is about to open.
struct Opening {
    row: ShareRow,
    act: Act,
    opener: Option<Caller>,
    /// Whether anyone in particular asks, and be it somebody of another organization.
    is_proven: bool,
}

impl Engine {
    /// Open a share: uses up one of its openings, and one of the secret's reads, exactly.
    ///
    /// `NotFound` for one that is unknown, revoked, for somebody else, or whose maker may not read the secret any more;
    /// `Unauthenticated` when it is for somebody and nobody in particular asks; `Forbidden` when it is not accepted yet, for
    /// another address, and for a wrong passphrase; `Gone` when it has expired or is used up, or its secret is;
    /// `RateLimited` after too many guesses of the passphrase, before any work is done on one.
    pub async fn share_open(
        &self,
        token: &ShareToken,
        passphrase: Option<Secret>,
        opener: Option<&Caller>,
        origin: Origin,
    ) -> Result<SharedSecret, Error> {
        let opening = self.share_opening(token, opener, origin.clone()).await?;
        if let Err(error) = opening.check() {
            return self.opening_refused(&opening, error).await;
        }
        let guess = match (&opening.row.passphrase_hash, passphrase) {
            (None, _) => None,
            (Some(_), None) => return self.opening_refused(&opening, Error::Forbidden).await,
            (Some(hash), Some(passphrase)) => {
                let guess = self
                    .guess_begin_share(origin.address, opening.row.id)
                    .await?;
                if !self
                    .password_matches(passphrase, Some(hash.clone()))
                    .await?
                {
                    return self.opening_refused(&opening, Error::Forbidden).await;
                }
                Some(guess)
            }
        };
        self.password_settled(opening.row.secret).await?;
        self.share_use(opening, guess, token.clone()).await
    }

    /// The share, and an act of its maker that somebody else does.
    async fn share_opening(
        &self,
        token: &ShareToken,
        opener: Option<&Caller>,
        origin: Origin,
    ) -> Result<Opening, Error> {
        let digest = token.digest(&*self.keys()?);
        let now = self.clock().now();
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let row = conn.query_one(sql::BY_DIGEST, params![&digest]).await?;
        let row = ShareRow::from_row(row.ok_or(Error::NotFound)?)?;
        let admitted = require_admitted(conn, row.organization, &origin).await;
        let (principal, active) = principal_of(conn, row.organization, row.maker, now).await?;
        let subscribed = subscribed(conn, row.organization).await?;
        drop(reader);
        let maker = Caller {
            principal,
            organization: row.organization,
            credential: row.credential(),
            scopes: None,
            plan: Plan::Enterprise,
            subscribed,
            // Opening one changes nothing that is sent anywhere.
            followed: false,
            origin,
        };
        let is_proven = opener.is_some();
        // Somebody of another organization is nobody here.
        let opener = opener.filter(|opener| opener.organization == row.organization);
        let mut act = self.begin(&maker, Action::ShareOpen);
        act.names_share(row.id);
        act.is_done_by(match opener {
            Some(opener) => DoneBy::Caller(Box::new(opener.clone())),
            None => DoneBy::Anyone,
        });
        let opener = opener.cloned();
        let opening = Opening {
            row,
            act,
            opener,
            is_proven,
        };
        if let Err(error) = admitted {
            self.opening_refused(&opening, error).await
        } else if active {
            Ok(opening)
        } else {
            self.opening_refused(&opening, Error::NotFound).await
        }
    }

    /// Count the opening and read the secret, or do neither.
    async fn share_use(
        &self,
        opening: Opening,
        guess: Option<Guess>,
        token: ShareToken,
    ) -> Result<SharedSecret, Error> {
        let Opening {
            row, act, opener, ..
        } = opening;
        let engine = self.clone();
        let touches = Touches::Secrets(row.vault);
        self.change_by(act, touches, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let opened = params![row.id.bytes(), act.now];
                let opened = conn.query_one(sql::USE_OPENING, opened).await?;
                let access_count = opened.ok_or(Error::Gone)?.number()?;
                let opener = opener.as_ref().filter(|_| row.is_targeted());
                let secret = engine
                    .secret_read_shared(conn, act, row.vault, row.secret, opener)
                    .await?;
                if let Some(guess) = guess {
                    guess.succeeded(conn).await?;
                }
                Ok(SharedSecret {
                    token,
                    secret,
                    access_count,
                    max_access_count: row.max_access_count(),
                })
            })
        })
        .await
    }

    async fn opening_refused<T>(&self, opening: &Opening, error: Error) -> Result<T, Error> {
        if let Some(event) = opening.act.event(Some(&error))? {
            self.store().record(event).await?;
            // The record tells of the share alone; what is behind it decides whether a honeytoken was touched.
            let mut act = opening.act.clone();
            act.names_vault(opening.row.vault);
            act.names_path(&opening.row.path);
            let touched = self.honeytokens_touched_unseen(&act).await?;
            self.honeytokens_record(&act, touched).await?;
        }
        Err(error)
    }
}

impl Opening {
    /// Whether whoever asks may open it, as far as that is known without its passphrase and its secret.
    fn check(&self) -> Result<(), Error> {
        if self.row.is_targeted() {
            let Some(opener) = &self.opener else {
                return Err(if self.is_proven {
                    Error::NotFound
                } else {
                    Error::Unauthenticated
                });
            };
            if self.row.recipient_id != Some(*PolicyPrincipal::of(opener).id_bytes()) {
                return Err(Error::NotFound);
            }
            let rule = Action::ShareOpen.rule();
            if !self.row.is_accepted() || !opener.within_scopes(rule.scopes) {
                return Err(Error::Forbidden);
            }
        }
        if !self.row.admits(self.act.caller.origin.address) {
            return Err(Error::Forbidden);
        }
        if self.row.expires_at <= self.act.now || self.row.is_used_up() {
            return Err(Error::Gone);
        }
        Ok(())
    }
}
