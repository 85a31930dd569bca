//! Database servers of others: logging in, changing passwords, making and dropping users (CredVault contract B4).
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what can be done on any of them, and within which time |
//! | `wire.rs`, `tls.rs` | connections to addresses that were checked, with or without TLS |
//! | `postgres.rs`, `postgres/frames.rs` | PostgreSQL; what its server may send |
//! | `mysql.rs`, `mysql/packets.rs`, `mysql/login.rs` | MySQL and MariaDB |
//! | `redis.rs` | Redis 6 and later, whose users are its ACL's |
//! | `quote.rs` | names and texts inside of statements |
//!
//! **Invariant:** a server is not believed. How much it sends and how long it takes is bounded here, and it cannot make this
//! process panic, give it a file, or send a password in the clear over a connection that is not encrypted.
//!
//! **Invariant:** what a server says in words goes nowhere: it may quote the statement, and with it a password.

mod mysql;
mod postgres;
mod quote;
mod redis;
mod tls;
mod wire;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use kluis_crypto::Secret;

pub(crate) use quote::{Quoted, quoted};
pub use tls::TlsMode;
pub(crate) use tls::{Tls, ca_certificates};
pub(crate) use wire::Place;

use crate::blocking;

/// A kind of database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// Kept and listed; nothing is done on it.
    MongoDb,
    /// MySQL or MariaDB: a server says itself which.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// Redis 6 or later.
    Redis,
}

/// Whom to log in as.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: Secret,
    /// The database to be in; the kind's own unless given.
    pub(crate) database: Option<String>,
}

/// A way in: where, how, and as whom.
pub(crate) struct Door {
    pub(crate) kind: DatabaseKind,
    pub(crate) place: Place,
    pub(crate) tls: Tls,
    pub(crate) login: Login,
}

/// Why something was not done on a server. Its text may be shown to whoever may act on the server: it has none of the
/// server's words in it, and tells no more of a network than whether the database in it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetError {
    /// The address may not be called, or the name has none.
    Address,
    /// The server's certificate is not one to trust.
    Certificate,
    /// Nobody answers.
    Connect,
    /// User or password are refused.
    Credentials,
    /// The user to be changed is not there.
    NoUser,
    /// It asks for a way to log in that would give the password away, or that is not known here.
    Method,
    /// What answers is not such a server, or not a well-behaved one.
    Protocol,
    /// The server refused the statement, with this code of its own.
    Refused(String),
    /// It has taken too long.
    Slow,
    /// There is no TLS.
    Unencrypted,
    /// Nothing can be done on servers of this kind, or the name cannot be said there.
    Unsupported,
}

/// A session on a server.
pub(crate) enum Session {
    MySql(mysql::MySql),
    Postgres(postgres::Postgres),
    Redis(redis::Redis),
}

/// Whose password is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// That of another user.
    Another,
    /// That of the user who is logged in; takes no right to change others.
    Own,
}

/// Until a connection stands, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// Until all that is to be done on a server is done.
const ACTION: Duration = Duration::from_secs(15);
/// How long one statement may run, as far as a server can be told; within [`ACTION`].
const STATEMENT_MILLIS: u32 = 10_000;

/// What is done in a session.
pub(crate) type Doing<'s, T> = Pin<Box<dyn Future<Output = Result<T, TargetError>> + Send + 's>>;

/// Log in at `door` and do `work` there, within [`ACTION`]; it goes on to its end when whoever asked has gone.
pub(crate) async fn on_server<T, F>(door: Door, work: F) -> Result<T, TargetError>
where
    F: for<'s> FnOnce(&'s mut Session) -> Doing<'s, T> + Send + 'static,
    T: Send + 'static,
{
    let doing = async move {
        let doing = async {
            let mut session = tokio::time::timeout(CONNECT, Session::open(door))
                .await
                .unwrap_or(Err(TargetError::Connect))?;
            work(&mut session).await
        };
        Ok(tokio::time::timeout(ACTION, doing)
            .await
            .unwrap_or(Err(TargetError::Slow)))
    };
    match blocking::detached(doing).await {
        Ok(done) => done,
        Err(error) => {
            // A driver has panicked over what the server sent.
            tracing::error!(
                cause = error.cause(),
                "a session with a database server failed"
            );
            Err(TargetError::Protocol)
        }
    }
}

impl Session {
    async fn open(door: Door) -> Result<Self, TargetError> {
        Ok(match door.kind {
            DatabaseKind::MongoDb => return Err(TargetError::Unsupported),
            DatabaseKind::MySql => Self::MySql(mysql::MySql::open(door).await?),
            DatabaseKind::Postgres => Self::Postgres(postgres::Postgres::open(door).await?),
            DatabaseKind::Redis => Self::Redis(redis::Redis::open(door).await?),
        })
    }

    /// The server's own words for its version, cut to what versions look like.
    pub(crate) fn version(&self) -> String {
        let version = match self {
            Self::MySql(session) => session.version(),
            Self::Postgres(session) => session.version(),
            Self::Redis(session) => session.version(),
        };
        version
            .chars()
            .filter(|character| character.is_ascii_graphic() || *character == ' ')
            .take(LONGEST_VERSION)
            .collect()
    }

    /// Give a user that is there another password. Where the server can, the one before stays good beside it until
    /// [`forget_password`](Self::forget_password). Doing it again with the same password changes nothing.
    pub(crate) async fn set_password(
        &mut self,
        user: &str,
        password: &Secret,
        whose: Whose,
    ) -> Result<(), TargetError> {
        match self {
            Self::MySql(session) => session.set_password(user, password, whose).await,
            Self::Postgres(session) => session.set_password(user, password).await,
            Self::Redis(session) => session.set_password(user, password).await,
        }
    }

    /// Whether [`set_password`](Self::set_password) has left the password before good.
    pub(crate) fn keeps_passwords(&self) -> bool {
        match self {
            Self::MySql(session) => session.keeps_passwords(),
            Self::Postgres(_) => false,
            Self::Redis(_) => true,
        }
    }

    /// Make the password before the present one worthless, where it was kept.
    pub(crate) async fn forget_password(
        &mut self,
        user: &str,
        old: &Secret,
        whose: Whose,
    ) -> Result<(), TargetError> {
        match self {
            Self::MySql(session) => session.forget_password(user, whose).await,
            Self::Postgres(_) => Ok(()),
            Self::Redis(session) => session.forget_password(user, old).await,
        }
    }

    /// What a password is told as in a statement: as little of it as the server needs.
    pub(crate) fn password_in_statements(&self, password: &Secret) -> Result<Secret, TargetError> {
        match self {
            Self::Postgres(_) => Ok(Secret::from_text(postgres::verifier(password)?)),
            Self::MySql(_) | Self::Redis(_) => Ok(Secret::new(password.expose().to_vec())),
        }
    }

    /// Run statements one after the other, until one is refused.
    pub(crate) async fn run(&mut self, statements: &[Secret]) -> Result<(), TargetError> {
        for statement in statements {
            let statement = statement.expose_text().ok_or(TargetError::Unsupported)?;
            match self {
                Self::MySql(session) => session.run(statement).await?,
                Self::Postgres(session) => session.run(statement).await?,
                Self::Redis(session) => session.run(statement).await?,
            }
        }
        Ok(())
    }

    /// End a user's sessions, give what it owns to the user who is logged in, and drop it. One that is not there is dropped.
    pub(crate) async fn drop_user(&mut self, user: &str) -> Result<(), TargetError> {
        match self {
            Self::MySql(session) => session.drop_user(user).await,
            Self::Postgres(session) => session.drop_user(user).await,
            Self::Redis(session) => session.drop_user(user).await,
        }
    }

    /// Whether there is such a user.
    pub(crate) async fn has_user(&mut self, user: &str) -> Result<bool, TargetError> {
        match self {
            Self::MySql(session) => session.has_user(user).await,
            Self::Postgres(session) => session.has_user(user).await,
            Self::Redis(session) => session.has_user(user).await,
        }
    }

    /// The users whose names begin with `prefix`, which is letters, digits and underscores.
    pub(crate) async fn users(&mut self, prefix: &str) -> Result<Vec<String>, TargetError> {
        let mut users = match self {
            Self::MySql(session) => session.users().await?,
            Self::Postgres(session) => session.users().await?,
            Self::Redis(session) => session.users().await?,
        };
        users.retain(|user| user.starts_with(prefix));
        Ok(users)
    }
}

/// More of a version is not told.
const LONGEST_VERSION: usize = 60;

impl DatabaseKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::MongoDb, Self::MySql, Self::Postgres, Self::Redis];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MongoDb => "mongodb",
            Self::MySql => "mysql",
            Self::Postgres => "postgresql",
            Self::Redis => "redis",
        }
    }

    /// The kind that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether anything can be done on servers of this kind.
    pub const fn is_served(self) -> bool {
        !matches!(self, Self::MongoDb)
    }
}

impl TargetError {
    /// Whether a statement was refused.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Whether the server itself has answered, though with a refusal.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::Credentials | Self::Method | Self::NoUser | Self::Refused(_)
        )
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "the address is unknown or may not be called",
            Self::Certificate => "the server's certificate is not trusted",
            Self::Connect => "the server cannot be reached",
            Self::Credentials => "the server refuses the credentials",
            Self::NoUser => "the server has no such user",
            Self::Method => {
                "the server asks for a way to log in that is not supported over this connection"
            }
            Self::Protocol => "what answers does not speak the protocol",
            Self::Refused(code) => return write!(f, "the server refuses the statement ({code})"),
            Self::Slow => "the server takes too long",
            Self::Unencrypted => "the server does not offer TLS",
            Self::Unsupported => "this cannot be done on such a server",
        })
    }
}

#[cfg(test)]
mod tests;
