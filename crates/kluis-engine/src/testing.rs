//! A small server for the tests of this crate: one organization on a fresh database.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use kluis_crypto::hash::hex;
use kluis_crypto::{Secret, password, random};
use tempfile::TempDir;

use crate::action::Scope;
use crate::api_keys::{ApiKey, KeyStyle, NewApiKey};
use crate::audit::Outcome;
use crate::authentication::Accepts;
use crate::caller::{Caller, Origin, Role};
use crate::clock::Clock;
use crate::engine::{Engine, Settings};
use crate::error::Error;
use crate::ids::{OrganizationId, RequestId};
use crate::seal::NewSeal;
use crate::sessions::{Login, SessionTokens};
use crate::store::{Storage, params};
use crate::users::{NewUser, UserProfile};

/// The server, its clock, and its owner with a session.
pub(crate) struct Home {
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) owner: Caller,
    directory: TempDir,
}

/// An event, as far as these tests look at it.
pub(crate) struct Recorded {
    pub(crate) organization: OrganizationId,
    pub(crate) actor_type: String,
    pub(crate) actor: Option<[u8; 16]>,
    pub(crate) outcome: Outcome,
    pub(crate) details: String,
    pub(crate) address: String,
}

impl Recorded {
    /// How many it stands for.
    pub(crate) fn count(&self) -> i64 {
        let details: serde_json::Value = serde_json::from_str(&self.details).unwrap();
        details
            .get("count")
            .map_or(1, |count| count.as_i64().unwrap())
    }
}

pub(crate) const OWNER: &str = "owner@kluis.local";
pub(crate) const PASSWORD: &str = "Correct-Horse-7";

impl Home {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let directory = TempDir::new().unwrap();
        let clock = Clock::system();
        let mut settings = Settings::in_directory(directory.path());
        settings.password_cost = password::Params::TEST_MINIMUM;
        adjust(&mut settings);
        let engine = Engine::open(settings, clock.clone()).await.unwrap();
        let key_file = directory.path().join("seal.key");
        engine.initialize(NewSeal::KeyFile(key_file)).await.unwrap();
        let made = engine.bootstrap("Home", OWNER).await.unwrap();
        let (_, token) = &made.tokens[0];
        let owner = engine
            .authenticate(token.expose(), Accepts::ApiKeysOnly, origin(&clock))
            .await
            .unwrap();
        Self {
            engine,
            clock,
            owner,

            directory,
        }
    }

    /// The same on a new database of the PostgreSQL cluster that `cargo xtask test` starts; `None` in a run without.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let url = postgres_database().await?;
        Some(Self::with(|settings| settings.storage = Storage::Postgres(url)).await)
    }

    /// The file that unseals this server.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.directory.path().join("seal.key")
    }

    /// A user with [`PASSWORD`], and a caller with a session of its own.
    pub(crate) async fn user(&self, email: &str, role: Role) -> (UserProfile, Caller) {
        let new = NewUser {
            email: email.to_owned(),
            name: None,
            password: Some(Secret::from_text(PASSWORD.to_owned())),
            role: Some(role),
            plan: None,
        };
        let (user, _) = self.engine.user_create(&self.owner, new).await.unwrap();
        let tokens = self.login(email, PASSWORD, None).await.unwrap();
        let caller = self.caller(tokens.access.expose()).await.unwrap();
        (user, caller)
    }

    pub(crate) async fn login(
        &self,
        email: &str,
        password: &str,
        otp: Option<&str>,
    ) -> Result<SessionTokens, Error> {
        let login = Login {
            email: email.to_owned(),
            password: Secret::from_text(password.to_owned()),
            otp: otp.map(str::to_owned),
        };
        self.engine.session_create(login, origin(&self.clock)).await
    }

    /// What the record holds of this action, by organization.
    pub(crate) async fn events(&self, action: &str) -> Vec<Recorded> {
        self.engine.store().settle().await.unwrap();
        let mut reader = self.engine.store().reader().await.unwrap();
        let conn = reader.conn().unwrap();
        let rows = conn
            .query(
                "SELECT organization_id, actor_type, actor_id, outcome, details, address FROM event
                WHERE action = ?1 ORDER BY organization_id, seq",
                params![action],
            )
            .await
            .unwrap();
        rows.into_iter()
            .map(|mut row| Recorded {
                organization: OrganizationId::from_bytes(row.array().unwrap()),
                actor_type: row.text().unwrap(),
                actor: row.optional_array().unwrap(),
                outcome: Outcome::parse(&row.text().unwrap()).unwrap(),
                details: row.text().unwrap(),
                address: row.text().unwrap(),
            })
            .collect()
    }

    /// A new API key's token.
    pub(crate) async fn key(&self, maker: &Caller, scopes: Option<&[Scope]>) -> (ApiKey, String) {
        let new = NewApiKey {
            name: "Key".to_owned(),
            style: KeyStyle::Credvault,
            scopes: scopes.map(|scopes| scopes.iter().copied().collect()),
            user: None,
            expires_at: None,
        };
        let (key, token) = self.engine.api_key_create(maker, new).await.unwrap();
        (key, token.expose().to_owned())
    }

    pub(crate) async fn caller(&self, token: &str) -> Result<Caller, Error> {
        let origin = origin(&self.clock);
        self.engine
            .authenticate(token, Accepts::ApiKeysAndSessions, origin)
            .await
    }
}

/// The URL of a new, empty database of the cluster for tests.
pub(crate) async fn postgres_database() -> Option<String> {
    let Ok(cluster) = std::env::var("KLUIS_TEST_POSTGRES") else {
        eprintln!("skipped: KLUIS_TEST_POSTGRES names no cluster, as `cargo xtask test` does");
        return None;
    };
    let name = format!("engine_{}", hex(&random::array::<8>().unwrap()));
    let server = format!("{cluster}/postgres");
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
        .await
        .unwrap();
    crate::blocking::background(async move {
        let _ = connection.await;
    });
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    Some(format!("{cluster}/{name}"))
}

/// The test `$name` on both databases; its body takes a [`Home`].
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                Box::pin(super::$name(crate::testing::Home::new().await)).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(home) = crate::testing::Home::on_postgres().await {
                    Box::pin(super::$name(home)).await;
                }
            })*
        }
    };
}
pub(crate) use on_both;

/// A request from an address kept for documentation.
pub(crate) fn origin(clock: &Clock) -> Origin {
    Origin {
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        request: RequestId::generate(clock.now()).unwrap(),
        api: "credvault",
    }
}
