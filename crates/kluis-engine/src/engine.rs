//! The engine: its parts, its start, its seal and its end.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use kluis_crypto::{ModulusBits, SealingKey, password};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::audit::ChainSigner;
use crate::authentication;
use crate::blocking::{Pool, Threads};
use crate::clock::Clock;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, VaultId};
use crate::integrations::Integrations;
use crate::jobs::Runner;
use crate::keys::{Keys, Unsealed, server_keys_create};
use crate::leases::Sweep;
use crate::limits::Guesses;
use crate::outbound::{Outbound, Reach};
use crate::password_changes::Barrier;
use crate::policies::PolicyCache;
use crate::remembered::Remembered;
use crate::seal::{Collected, NewSeal, Seal, SealStatus, UnsealInput};
use crate::secrets;
use crate::sightings::{Minutes, Sightings};
use crate::store::sql::keys as sql;
use crate::store::{Conn, Storage, Store, params};
use crate::transport_keys::{RETIRED_LIFE, StoredKey};
use crate::webhooks::Couriers;
use crate::zk::Handouts;

/// The rules and the store behind every API; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Parts>);

/// What an engine is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the embedded database, the journal and the socket are.
    pub data_dir: PathBuf,
    /// Which database.
    pub storage: Storage,
    /// Requests a minute of the plan `standard`.
    pub standard_plan: u32,
    /// Requests a minute of the plan `pro`.
    pub pro_plan: u32,
    /// Shares that an organization can make in any 60 seconds; as many as one likes when `None`.
    pub shares_per_minute: Option<u32>,
    /// Versions kept of a secret; `None` keeps all (RULES §4).
    pub keep_versions: Option<u32>,
    /// The cost of hashing a password.
    pub password_cost: password::Params,
    /// Length of the RSA keys that values are sealed for.
    pub transport_key_bits: ModulusBits,
    /// How long such a key opens what comes after it was replaced.
    pub retired_transport_keys: Duration,
    /// What calls of this server to others may reach.
    pub outbound: Reach,
    /// The directory that integrations may write files below; none may unless it is named.
    pub env_file_root: Option<PathBuf>,
}

/// An engine that may have been dropped.
pub(crate) struct WeakEngine(Weak<Parts>);

struct Parts {
    settings: Settings,
    clock: Clock,
    store: Store,
    keys: Keys,
    collected: Collected,
    hashing: Pool,
    files: Pool,
    rsa: Threads,
    policies: PolicyCache,
    remembered: Known,
    sightings: Sightings,
    guesses: Guesses,
    handouts: Handouts,
    outbound: Outbound,
    jobs: Runner,
    couriers: Couriers,
    integrations: Integrations,
    barrier: Barrier,
    sweep: Sweep,
    decoy: OnceCell<String>,
}

/// What the database said, as long as nothing changes.
pub(crate) struct Known {
    /// By digest of the token.
    pub(crate) credentials: Remembered<[u8; 32], authentication::Found>,
    /// By vault, place and version.
    pub(crate) secrets: Remembered<secrets::Asked, secrets::Stored>,
    /// All of a vault, with values.
    pub(crate) lists: Remembered<VaultId, Vec<secrets::Listed>>,
    /// The vaults that sealed values are written into.
    pub(crate) vaults: Remembered<secrets::InVault, VaultId>,
    /// Those that sealed values may be opened with.
    pub(crate) transport_keys: Remembered<OrganizationId, Vec<StoredKey>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            credentials: Remembered::new(2 << 20),
            secrets: Remembered::new(24 << 20),
            lists: Remembered::new(8 << 20),
            vaults: Remembered::new(1 << 20),
            transport_keys: Remembered::new(1 << 20),
        }
    }
}

/// Argon2id runs on this many threads at a time: each takes its memory.
const HASHING_TURNS: usize = 2;
/// Files of integrations are written on this many threads at a time.
const FILE_TURNS: usize = 2;
/// RSA runs on this many threads, apart from the rest: they bear its name, so what it costs can be read.
const RSA_THREADS: (&str, usize) = ("kluis-rsa", 2);

impl WeakEngine {
    /// The engine, unless it was dropped.
    pub(crate) fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(Engine)
    }
}

impl Settings {
    /// The defaults, with the embedded database in `data_dir`.
    pub fn in_directory(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            storage: Storage::Sqlite,
            standard_plan: 60,
            pro_plan: 300,
            shares_per_minute: None,
            keep_versions: None,
            password_cost: password::Params::default(),
            transport_key_bits: ModulusBits::default(),
            retired_transport_keys: RETIRED_LIFE,
            outbound: Reach::default(),
            env_file_root: None,
        }
    }
}

impl Engine {
    /// Open the storage, sealed. Errors name what is wrong with the directory or database and what to do.
    pub async fn open(settings: Settings, clock: Clock) -> Result<Self, Error> {
        let signer = ChainSigner::default();
        let store = Store::open(
            &settings.storage,
            &settings.data_dir,
            &clock,
            signer.clone(),
        )
        .await?;
        let outbound = Outbound::new(settings.outbound);
        let engine = Self(Arc::new(Parts {
            settings,
            clock,
            store,
            keys: Keys::new(signer),
            collected: Collected::default(),
            hashing: Pool::new(HASHING_TURNS),
            files: Pool::new(FILE_TURNS),
            rsa: Threads::start(RSA_THREADS)?,
            policies: PolicyCache::default(),
            remembered: Known::default(),
            sightings: Sightings::default(),
            guesses: Guesses::default(),
            handouts: Handouts::default(),
            outbound,
            jobs: Runner::default(),
            couriers: Couriers::default(),
            integrations: Integrations::default(),
            barrier: Barrier::default(),
            sweep: Sweep::default(),
            decoy: OnceCell::new(),
        }));
        engine.upkeep_begin();
        engine.jobs_begin();
        engine.clusters_begin();
        Ok(engine)
    }

    /// Make the keys of a new server; the shares of a Shamir seal are returned once. The server is unsealed then.
    pub async fn initialize(&self, seal: NewSeal) -> Result<Vec<Zeroizing<String>>, Error> {
        if self.stored_seal().await?.is_some() {
            return Err(Error::Conflict(Conflict::State));
        }
        let made = self.0.hashing.run(move || seal.make()).await??;
        let now = self.0.clock.now();
        let (kind, parameters) = (made.seal.kind(), made.seal.parameters()?);
        let key = SealingKey::from_bytes(*made.key.expose());
        self.0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    tx.conn()
                        .execute(sql::INSERT_SEAL, params![1_i64, kind, &parameters, now])
                        .await?;
                    server_keys_create(tx.conn(), &key, now).await
                })
            })
            .await?;
        self.open_keys(made.key).await?;
        Ok(made.shares)
    }

    /// Bring a key file, a passphrase or one share; answers where unsealing stands then.
    pub async fn unseal(&self, input: UnsealInput) -> Result<SealStatus, Error> {
        let Some(seal) = self.stored_seal().await? else {
            return Err(Error::Conflict(Conflict::State));
        };
        if !self.0.keys.are_sealed() {
            return self.seal_status().await;
        }
        let parts = Arc::clone(&self.0);
        let key = self
            .0
            .hashing
            .run(move || seal.key(input, &parts.collected))
            .await??;
        if let Some(key) = key {
            self.open_keys(key).await?;
        }
        self.seal_status().await
    }

    /// Forget every key; all but health and unseal answers `Unavailable` from now on.
    pub fn seal(&self) {
        self.0.keys.seal();
        self.0.collected.clear();
    }

    /// Whether the keys are out of memory; costs no look into the storage.
    pub fn is_sealed(&self) -> bool {
        self.0.keys.are_sealed()
    }

    /// Whether there is a server here, and whether it is unsealed.
    pub async fn seal_status(&self) -> Result<SealStatus, Error> {
        let seal = self.stored_seal().await?;
        Ok(SealStatus {
            initialized: seal.is_some(),
            sealed: self.0.keys.are_sealed(),
            kind: seal.as_ref().map_or("", Seal::kind),
            given: self.0.collected.count(),
            needed: seal.as_ref().map_or(0, Seal::needed),
        })
    }

    /// Whether requests can be served: unsealed, and the storage answers.
    pub async fn ready(&self) -> Result<(), Error> {
        self.0.keys.get()?;
        self.0
            .store
            .reader()
            .await?
            .conn()?
            .query(sql::SEAL, &[])
            .await?;
        Ok(())
    }

    /// Bring what is recorded into the event table and end the background work.
    pub async fn close(&self) -> Result<(), Error> {
        let stored = self.sightings_store(Minutes::All).await;
        self.0.store.close().await?;
        stored
    }

    /// The clock that everything here goes by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// The keys; `Unavailable` while sealed.
    pub(crate) fn keys(&self) -> Result<Arc<Unsealed>, Error> {
        self.0.keys.get()
    }

    pub(crate) fn hashing(&self) -> &Pool {
        &self.0.hashing
    }

    /// Where private RSA keys are made and used.
    pub(crate) fn rsa(&self) -> &Threads {
        &self.0.rsa
    }

    pub(crate) fn policy_cache(&self) -> &PolicyCache {
        &self.0.policies
    }

    pub(crate) fn remembered(&self) -> &Known {
        &self.0.remembered
    }

    pub(crate) fn sightings(&self) -> &Sightings {
        &self.0.sightings
    }

    pub(crate) fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// What large unlockings share.
    pub(crate) fn handouts(&self) -> &Handouts {
        &self.0.handouts
    }

    /// The only way out.
    pub(crate) fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// What this node runs besides.
    pub(crate) fn jobs(&self) -> &Runner {
        &self.0.jobs
    }

    /// What this node delivers.
    pub(crate) fn couriers(&self) -> &Couriers {
        &self.0.couriers
    }

    /// What this node sends by itself.
    pub(crate) fn integrations(&self) -> &Integrations {
        &self.0.integrations
    }

    /// Where files are written and removed: it may take as long as a disk does.
    pub(crate) fn files(&self) -> &Pool {
        &self.0.files
    }

    /// Which passwords are being changed on servers, and who waits for that.
    pub(crate) fn barrier(&self) -> &Barrier {
        &self.0.barrier
    }

    /// Which clusters' leases are being revoked.
    pub(crate) fn sweep(&self) -> &Sweep {
        &self.0.sweep
    }

    /// Where the hash is kept that stands in for a user who does not exist.
    pub(crate) fn decoy(&self) -> &OnceCell<String> {
        &self.0.decoy
    }

    /// For background work, which ends when the engine is dropped.
    pub(crate) fn downgrade(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.0))
    }

    async fn open_keys(&self, key: SealingKey) -> Result<(), Error> {
        let mut reader = self.0.store.reader().await?;
        self.0.keys.unseal(reader.conn()?, key).await?;
        drop(reader);
        self.resume_rotations();
        Ok(())
    }

    async fn stored_seal(&self) -> Result<Option<Seal>, Error> {
        let mut reader = self.0.store.reader().await?;
        let conn: &mut Conn = reader.conn()?;
        let Some(mut row) = conn.query_one(sql::SEAL, &[]).await? else {
            return Ok(None);
        };
        Seal::from_stored(&row.text()?, &row.text()?).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::ids::VaultId;
    use crate::secrets::{SecretAt, SecretWrite, Which};

    /// Never run: it compiles only while handlers of a multi-threaded server can hold these futures.
    fn _operations_can_move_between_threads(
        engine: &Engine,
        caller: &Caller,
        vault: VaultId,
        at: &SecretAt,
        write: SecretWrite,
    ) {
        fn can_move<T: Send>(_: T) {}
        can_move(engine.vault_list(caller));
        can_move(engine.vault_delete(caller, vault, crate::vaults::Contents::Any));
        can_move(engine.secret_read(caller, vault, at, Which::Current));
        can_move(engine.secret_list_values(caller, vault));
        can_move(engine.secret_write(caller, vault, at.clone(), write));
    }
}
