//! Changing passwords on database servers (CredVault contract B4; `docs/decisions/0010-rotation.md`).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | changing the password of one secret, or of all that are bound to a cluster, step by step |
//! | `job.rs` | `cluster_rotate`, and changing them when it is time |
//! | `journal.rs` | what is written down before, between and after the steps |
//! | `recover.rs` | changes that were interrupted, and passwords that are to be forgotten |
//! | `barrier.rs` | whoever reads a secret while its password is being changed |
//!
//! A new password is written down, sealed, before the server knows it; the server gets it; logging in with it is tried; then it
//! becomes the secret's next version, and what was written down goes. Whoever is interrupted is followed by somebody who does
//! it again from the start: every step can be done twice (NT-73).

mod barrier;
mod job;
mod journal;
mod recover;

pub(crate) use barrier::Barrier;
pub(crate) use job::run;
pub(crate) use journal::PASSWORD_CHANGE;

use kluis_crypto::Secret;

use self::journal::{Begun, Change};
use crate::clusters::{Binding, Cluster, Unreachable, again};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ClusterId, SecretId};
use crate::store::params;
use crate::store::sql::clusters as sql;
use crate::targets::{DatabaseKind, Login, TargetError, Whose, on_server};

/// What became of a secret whose password was to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RotationOutcome {
    /// The server refuses, or does not answer; the secret is as it was, and why.
    Failed(String),
    /// It has another password now, in this version.
    Rotated(u32),
    /// It is left as it is, and why.
    Skipped(&'static str),
    /// Nobody knows yet whether the server has taken the password; it is found out as soon as it answers.
    Unsettled(String),
}

/// Who changes a password: an administrator, or the user itself.
pub(crate) struct Hand {
    login: Login,
    whose: Whose,
}

/// How trying to set a password has ended.
enum Set {
    /// The server has it, and logging in with it works; whether the one before it is still good too.
    Done { keeps: bool },
    /// The server does not have it.
    Refused(Unreachable),
    /// It may have it or not.
    Unknown(TargetError),
}

impl Engine {
    /// Change the password of one secret.
    async fn bound_password_change(&self, binding: &Binding) -> Result<RotationOutcome, Error> {
        let Some(cluster) = self.cluster_of(binding.cluster).await? else {
            return Ok(RotationOutcome::Skipped("it is bound to no cluster"));
        };
        // What the one before it left is forgotten first: there is room for one.
        self.password_forget_now(binding.secret).await?;
        let claimed = self.barrier().claim(binding.secret);
        let Some(_claimed) = claimed else {
            return Ok(RotationOutcome::Skipped("it is being rotated"));
        };
        let change = match self.change_begin(binding, &cluster).await? {
            Begun::Change(change) => change,
            Begun::Skipped(why) => return Ok(RotationOutcome::Skipped(why)),
            Begun::Refused(why) => {
                self.change_refused(binding.secret, cluster.organization)
                    .await?;
                return Ok(RotationOutcome::Failed(why.to_owned()));
            }
        };
        self.change_drive(&cluster, change).await
    }

    /// Do what is to be done after a change was written down.
    async fn change_drive(
        &self,
        cluster: &Cluster,
        change: Change,
    ) -> Result<RotationOutcome, Error> {
        let hand = match self.hand_for(cluster, &change).await? {
            Ok(hand) => hand,
            Err(why) => {
                self.change_undo(&change).await?;
                return Ok(RotationOutcome::Failed(why.to_string()));
            }
        };
        match self.password_set(cluster, &change, hand).await {
            Set::Done { keeps } => match self.change_finish(&change, keeps).await? {
                Some(version) => Ok(RotationOutcome::Rotated(version)),
                None => Ok(RotationOutcome::Skipped("another node has rotated it")),
            },
            Set::Refused(why) => {
                self.change_undo(&change).await?;
                Ok(RotationOutcome::Failed(why.to_string()))
            }
            Set::Unknown(why) => {
                self.change_postpone(&change).await?;
                Ok(RotationOutcome::Unsettled(why.to_string()))
            }
        }
    }

    /// Who can change the password: whoever administers the cluster, else the user with the password that it has now.
    async fn hand_for(
        &self,
        cluster: &Cluster,
        change: &Change,
    ) -> Result<Result<Hand, Unreachable>, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        if cluster.admin.is_some_and(|admin| admin != change.secret) {
            let admin = self.cluster_admin(conn, cluster).await?;
            return Ok(admin.map(|login| Hand {
                whose: Whose::Another,
                login,
            }));
        }
        let own = self.login_of_secret(conn, cluster, change.secret).await?;
        Ok(own.map(|login| Hand {
            whose: if login.username == change.username {
                Whose::Own
            } else {
                Whose::Another
            },
            login,
        }))
    }

    /// Set the password on the server, and try to log in with it.
    async fn password_set(&self, cluster: &Cluster, change: &Change, hand: Hand) -> Set {
        let Hand { login, whose } = hand;
        let database = login.database.clone();
        let door = match self.primary_door(cluster, again(&login)).await {
            Ok(door) => door,
            Err(error) => return Set::Refused(error.into()),
        };
        let (user, password) = (change.username.clone(), change.password.duplicate());
        let set = on_server(door, move |session| {
            Box::pin(async move {
                session.set_password(&user, &password, whose).await?;
                Ok(session.keeps_passwords())
            })
        });
        let keeps = match set.await {
            Ok(keeps) => keeps,
            // Here the server has said no, or was never asked.
            Err(
                error @ (TargetError::Address
                | TargetError::Certificate
                | TargetError::Connect
                | TargetError::Credentials
                | TargetError::Method
                | TargetError::NoUser
                | TargetError::Refused(_)
                | TargetError::Unencrypted
                | TargetError::Unsupported),
            ) => {
                // A user of MySQL has an entry for each place that it comes from, and some may have the password by now.
                return if cluster.kind == DatabaseKind::MySql && error.is_refusal() {
                    self.password_set_back(cluster, change, login, whose, error)
                        .await
                } else {
                    Set::Refused(error.into())
                };
            }
            Err(error @ (TargetError::Protocol | TargetError::Slow)) => return Set::Unknown(error),
        };
        let tried = self
            .password_tried(cluster, &change.username, &change.password, database)
            .await;
        match tried {
            Ok(()) => Set::Done { keeps },
            Err(error) => {
                self.password_set_back(cluster, change, login, whose, error)
                    .await
            }
        }
    }

    /// Log in with a password, and out again.
    async fn password_tried(
        &self,
        cluster: &Cluster,
        username: &str,
        password: &Secret,
        database: Option<String>,
    ) -> Result<(), TargetError> {
        let login = Login {
            username: username.to_owned(),
            password: password.duplicate(),
            database,
        };
        let door = self.primary_door(cluster, login).await?;
        on_server(door, |_| Box::pin(async { Ok(()) })).await
    }

    /// The server has taken a password that nobody can log in with: give it the one before.
    async fn password_set_back(
        &self,
        cluster: &Cluster,
        change: &Change,
        login: Login,
        whose: Whose,
        error: TargetError,
    ) -> Set {
        let Ok(Some(before)) = self.password_now(cluster, change).await else {
            return Set::Unknown(error);
        };
        let login = match whose {
            Whose::Another => login,
            // It is the user's own, and that is the new one now.
            Whose::Own => Login {
                password: change.password.duplicate(),
                ..login
            },
        };
        let Ok(door) = self.primary_door(cluster, login).await else {
            return Set::Unknown(error);
        };
        let user = change.username.clone();
        let back = on_server(door, move |session| {
            Box::pin(async move { session.set_password(&user, &before, whose).await })
        });
        match back.await {
            Ok(()) => Set::Refused(error.into()),
            Err(_) => Set::Unknown(error),
        }
    }

    /// The password that the changed user has as far as the secret knows; none when the secret is another's at the moment.
    async fn password_now(
        &self,
        cluster: &Cluster,
        change: &Change,
    ) -> Result<Option<Secret>, Error> {
        let mut reader = self.store().reader().await?;
        let login = self
            .login_of_secret(reader.conn()?, cluster, change.secret)
            .await?;
        Ok(match login {
            Ok(login) if login.username == change.username => Some(login.password),
            _ => None,
        })
    }

    async fn cluster_of(&self, id: ClusterId) -> Result<Option<Cluster>, Error> {
        let mut reader = self.store().reader().await?;
        let of = params![id.bytes()];
        let row = reader.conn()?.query_one(sql::ANY_BY_ID, of).await?;
        Ok(row.map(Cluster::from_row).transpose()?)
    }

    async fn bindings_of(
        &self,
        cluster: ClusterId,
        only: Option<SecretId>,
    ) -> Result<Vec<Binding>, Error> {
        let mut reader = self.store().reader().await?;
        let of = params![cluster.bytes()];
        let rows = reader.conn()?.query(sql::BINDINGS, of).await?;
        let bindings: Vec<Binding> = rows
            .into_iter()
            .map(Binding::from_row)
            .collect::<Result<_, _>>()?;
        let Some(only) = only else {
            return Ok(bindings);
        };
        let one = bindings.into_iter().find(|binding| binding.secret == only);
        Ok(vec![one.ok_or(Error::NotFound)?])
    }
}
