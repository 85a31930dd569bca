//! An engine with an organization, its owner and a vault.

use kluis_engine::{
    ApiKeyId, Caller, Clock, Credential, Engine, Error, Expect, Limit, NewSeal, NewVault, Origin,
    Path, Plan, Principal, RequestId, Role, Secret, SecretAt, SecretRead, SecretWrite,
    SecretWritten, Settings, Storage, UnsealInput, User, Value, VaultId, Which,
};
use tempfile::TempDir;

use crate::harness::{Backend, On, database};

/// An open engine and what a test does with it.
pub struct Ground {
    pub engine: Engine,
    pub clock: Clock,
    pub settings: Settings,
    /// The owner of the only organization.
    pub owner: Caller,
    /// An empty vault of the owner's.
    pub vault: VaultId,
    directory: TempDir,
}

/// Settings of a new engine, and the directory that they name.
pub fn settings(backend: Backend) -> (Settings, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = Settings::in_directory(directory.path().join("data"));
    if backend == Backend::Postgres {
        settings.storage = Storage::Postgres(database());
    }
    (settings, directory)
}

impl On for Ground {
    async fn on(backend: Backend) -> Self {
        let (settings, directory) = settings(backend);
        Self::new(settings, directory).await
    }
}

impl Ground {
    pub async fn new(settings: Settings, directory: TempDir) -> Self {
        let clock = Clock::system();
        let engine = Engine::open(settings.clone(), clock.clone()).await.unwrap();
        let key = directory.path().join("key");
        engine.initialize(NewSeal::KeyFile(key)).await.unwrap();
        let owner = bootstrap(&engine).await;
        let new = NewVault {
            name: "ground".to_owned(),
            description: String::new(),
        };
        let vault = engine.vault_create(&owner, new).await.unwrap().id;
        Self {
            engine,
            clock,
            settings,
            owner,
            vault,
            directory,
        }
    }

    /// The seal's key file.
    pub fn key_file(&self) -> UnsealInput {
        UnsealInput::KeyFile(self.directory.path().join("key"))
    }

    /// Another node on the same database, unsealed; PostgreSQL alone has more than one.
    pub async fn node(&self) -> Engine {
        let engine = Engine::open(self.settings.clone(), self.clock.clone())
            .await
            .unwrap();
        engine.unseal(self.key_file()).await.unwrap();
        engine
    }

    /// Close the engine, open it again with these settings, and unseal it.
    pub async fn reopen(&mut self, settings: Settings) {
        self.engine.close().await.unwrap();
        self.settings = settings;
        // The directory is free when nobody holds the engine any more, so this holds another one meanwhile.
        let (elsewhere, _directory) = self::settings(Backend::Sqlite);
        self.engine = Engine::open(elsewhere, self.clock.clone()).await.unwrap();
        self.engine = opened(&self.settings, &self.clock).await;
        self.engine.unseal(self.key_file()).await.unwrap();
    }

    /// The owner of another organization.
    pub async fn other_owner(&self) -> Caller {
        let made = self.engine.organization_create(&self.owner, "Other").await;
        let made = made.unwrap();
        let user = User {
            id: made.owner,
            role: Role::Owner,
            server_owner: false,
        };
        Caller {
            principal: Principal::User(user),
            organization: made.id,
            ..self.owner.clone()
        }
    }

    /// Write a value as a new version.
    pub async fn write(&self, path: &str, value: &str) -> SecretWritten {
        self.write_with(path, value, |_| ()).await.unwrap()
    }

    /// The same with more stated.
    pub async fn write_with(
        &self,
        path: &str,
        value: &str,
        state: impl FnOnce(&mut SecretWrite),
    ) -> Result<SecretWritten, Error> {
        let mut write = SecretWrite::new("text", Expect::Either);
        write.value = Some(Value::from_text(value.to_owned()));
        state(&mut write);
        self.engine
            .secret_write(&self.owner, self.vault, at(path), write)
            .await
    }

    /// Write a value that can be read so often.
    pub async fn write_limited(&self, path: &str, value: &str, reads: u32) -> SecretWritten {
        let limit = |write: &mut SecretWrite| write.max_access_count = Limit::Stated(Some(reads));
        self.write_with(path, value, limit).await.unwrap()
    }

    /// Read the current version.
    pub async fn read(&self, path: &str) -> Result<SecretRead, Error> {
        self.read_version(path, Which::Current).await
    }

    pub async fn read_version(&self, path: &str, which: Which) -> Result<SecretRead, Error> {
        self.engine
            .secret_read(&self.owner, self.vault, &at(path), which)
            .await
    }

    /// The text of the current version.
    pub async fn text(&self, path: &str) -> String {
        text(&self.read(path).await.unwrap())
    }
}

/// Open an engine as soon as nobody else has the directory: the background work of one that ended may take a moment.
pub async fn opened(settings: &Settings, clock: &Clock) -> Engine {
    for _ in 0..500 {
        match Engine::open(settings.clone(), clock.clone()).await {
            Err(error) if error.cause().is_some_and(|cause| cause.contains("in use")) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the engine that ended still holds its directory");
}

/// Make the first organization; gives its owner.
pub async fn bootstrap(engine: &Engine) -> Caller {
    let made = engine
        .bootstrap("Ground", "owner@example.test")
        .await
        .unwrap();
    let now = engine.clock().now();
    Caller {
        principal: Principal::User(User {
            id: made.owner,
            role: Role::Owner,
            server_owner: true,
        }),
        organization: made.organization,
        credential: Credential::ApiKey(ApiKeyId::generate(now).unwrap()),
        scopes: None,
        plan: Plan::Enterprise,
        subscribed: kluis_engine::EventSet::default(),
        followed: false,
        origin: Origin {
            address: None,
            request: RequestId::generate(now).unwrap(),
            api: "test",
        },
    }
}

/// A place in a vault.
pub fn at(path: &str) -> SecretAt {
    SecretAt::Path(path_of(path))
}

pub fn path_of(path: &str) -> Path {
    Path::parse(path, "path").unwrap()
}

/// The value that was read.
pub fn text(read: &SecretRead) -> String {
    exposed(&read.value.text)
}

pub fn exposed(secret: &Secret) -> String {
    secret.expose_text().unwrap().to_owned()
}
