//! PostgreSQL: sessions by its driver, over a stream whose messages are looked at before the driver sees them.

mod frames;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::{Secret, database};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::quote::{Quoted, quoted};
use super::wire::Wire;
use super::{DatabaseKind, Door, STATEMENT_MILLIS, TargetError};
use crate::blocking;
use frames::Frames;

/// A session.
pub(crate) struct Postgres {
    client: Client,
    version: String,
}

/// What a client asks for TLS with: the length, and a number that stands for no version of the protocol.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// What a server that has TLS answers.
const TLS_YES: u8 = b'S';
/// The database that every server has.
const DEFAULT_DATABASE: &str = "postgres";

impl Postgres {
    pub(super) async fn open(door: Door) -> Result<Self, TargetError> {
        let mut wire = Wire::new(door.place.connect().await?);
        if door.tls.is_wanted() {
            wire.write(TLS_REQUEST.to_vec()).await?;
            match wire.read(1).await?.as_slice() {
                [TLS_YES] => {}
                [b'N'] => return Err(TargetError::Unencrypted),
                _ => return Err(TargetError::Protocol),
            }
            wire = wire.encrypt(&door.tls, &door.place.host).await?;
        }
        let is_encrypted = wire.is_encrypted;
        let stream = Frames::new(wire.into_stream(), is_encrypted);
        let mut config = Config::new();
        config
            .user(&door.login.username)
            .password(door.login.password.expose())
            .dbname(door.login.database.as_deref().unwrap_or(DEFAULT_DATABASE))
            .application_name("kluis");
        let (client, connection) = config
            .connect_raw(stream, NoTls)
            .await
            .map_err(|error| login_error(&error))?;
        let version = connection.parameter("server_version").unwrap_or_default();
        let version = format!("PostgreSQL {version}");
        blocking::background(async move {
            // Whoever asks something of the session is told how it ended.
            let _ = connection.await;
        });
        let session = Self { client, version };
        session
            .execute(&format!(
                "SET statement_timeout = {STATEMENT_MILLIS}; SET lock_timeout = {STATEMENT_MILLIS}"
            ))
            .await?;
        Ok(session)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Only a verifier goes to the server, so that its log never holds the password.
    pub(super) async fn set_password(
        &mut self,
        user: &str,
        password: &Secret,
    ) -> Result<(), TargetError> {
        let user = name(user)?;
        let verifier = text(&verifier(password)?)?;
        self.execute(&format!("ALTER ROLE {user} PASSWORD {verifier}"))
            .await
            .map_err(|error| match error {
                TargetError::Refused(code) if code == SqlState::UNDEFINED_OBJECT.code() => {
                    TargetError::NoUser
                }
                error => error,
            })
    }

    pub(super) async fn run(&mut self, statement: &str) -> Result<(), TargetError> {
        self.execute(statement).await
    }

    /// It cannot log in any more before anything else is tried, so that a drop that fails half-way has done the part that
    /// matters; what it owns in other databases has to be seen to by statements of the template.
    pub(super) async fn drop_user(&mut self, user: &str) -> Result<(), TargetError> {
        let user_name = name(user)?;
        if !self.has_user(user).await? {
            return Ok(());
        }
        self.execute(&format!("ALTER ROLE {user_name} NOLOGIN"))
            .await?;
        let user_text = text(user)?;
        self.execute(&format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = {user_text}"
        ))
        .await?;
        // What a role owns can be given away by its members; who is a member already is told so.
        self.execute(&format!("GRANT {user_name} TO CURRENT_USER"))
            .await?;
        self.execute(&format!("REASSIGN OWNED BY {user_name} TO CURRENT_USER"))
            .await?;
        self.execute(&format!("DROP OWNED BY {user_name}")).await?;
        self.execute(&format!("DROP ROLE IF EXISTS {user_name}"))
            .await
    }

    pub(super) async fn has_user(&mut self, user: &str) -> Result<bool, TargetError> {
        let user = text(user)?;
        let found = format!("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = {user}");
        Ok(!self.rows(&found).await?.is_empty())
    }

    pub(super) async fn users(&mut self) -> Result<Vec<String>, TargetError> {
        self.rows("SELECT rolname FROM pg_catalog.pg_roles").await
    }

    async fn execute(&self, statements: &str) -> Result<(), TargetError> {
        self.rows(statements).await.map(drop)
    }

    /// The first column of every row, as text.
    async fn rows(&self, statements: &str) -> Result<Vec<String>, TargetError> {
        let answered = self.client.simple_query(statements).await;
        let messages = answered.map_err(|error| statement_error(&error))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.try_get(0).ok().flatten().map(str::to_owned),
            _ => None,
        });
        Ok(rows.collect())
    }
}

/// What stands for a password on the server: RFC 5803's form, as PostgreSQL stores it.
pub(super) fn verifier(password: &Secret) -> Result<String, TargetError> {
    let verifier = database::scram_verifier(password).map_err(|_| TargetError::Unsupported)?;
    Ok(format!(
        "SCRAM-SHA-256${}:{}${}:{}",
        verifier.iterations,
        BASE64_STANDARD.encode(verifier.salt),
        BASE64_STANDARD.encode(verifier.stored_key),
        BASE64_STANDARD.encode(verifier.server_key),
    ))
}

fn name(name: &str) -> Result<String, TargetError> {
    quoted(DatabaseKind::Postgres, name, Quoted::Name)
}

fn text(text: &str) -> Result<String, TargetError> {
    quoted(DatabaseKind::Postgres, text, Quoted::Text)
}

fn login_error(error: &tokio_postgres::Error) -> TargetError {
    match error.code() {
        Some(code)
            if *code == SqlState::INVALID_PASSWORD
                || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
        {
            TargetError::Credentials
        }
        Some(code) => TargetError::Refused(code.code().to_owned()),
        None => frames::cause(error).unwrap_or(TargetError::Protocol),
    }
}

fn statement_error(error: &tokio_postgres::Error) -> TargetError {
    match error.code() {
        Some(code) => TargetError::Refused(code.code().to_owned()),
        None => TargetError::Protocol,
    }
}
