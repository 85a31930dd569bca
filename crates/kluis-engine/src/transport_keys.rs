//! The RSA key pairs that organizations have values sealed for (DESIGN §4, Crate contract §4).
//!
//! An organization's pair is made when its public key is first asked for. The private half is sealed like a field, under the
//! organization's key. A rotation makes a new pair; the old one still opens what comes, for a set time, and is destroyed then.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kluis_crypto::TransportKey;

use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, TransportKeyId};
use crate::notice::{Actor, Notice};
use crate::store::sql::transport_keys as sql;
use crate::store::{Conn, Generations, Row, Tx, params};

/// A pair as it is stored, without its public half.
pub(crate) struct StoredKey {
    id: TransportKeyId,
    key_version: u32,
    sealed: Vec<u8>,
    retired_at: Option<Timestamp>,
}

/// Private keys that were opened, and the turn of whoever makes a new pair.
#[derive(Default)]
pub(crate) struct TransportKeys {
    opened: RwLock<HashMap<TransportKeyId, Arc<TransportKey>>>,
    making: tokio::sync::Mutex<()>,
}

/// What a private key is, where fields are sealed.
pub(crate) const TRANSPORT_KEY: &str = "transport_key";

impl Engine {
    /// The public key of `organization` in PEM, to seal values with. `Forbidden` for another organization than the caller's.
    pub async fn public_key_read(
        &self,
        caller: &Caller,
        organization: OrganizationId,
    ) -> Result<String, Error> {
        let stored = self
            .look(caller, Action::PublicKeyRead, async |conn, act| {
                act.require_organization(organization)?;
                let newest = newest(conn, organization).await?;
                if newest.is_none() {
                    act.defer();
                }
                Ok(newest)
            })
            .await?;
        if let Some((_, public_key)) = stored {
            return Ok(public_key);
        }
        // One at a time: a pair takes a large part of a second to make.
        let keys = self.keys()?;
        let _turn = keys.transport().making.lock().await;
        let made = match self.transport_key_newest(organization).await? {
            None => Some(self.transport_key_make().await?),
            Some(_) => None,
        };
        let engine = self.clone();
        self.change(caller, Action::PublicKeyRead, move |tx, act| {
            Box::pin(async move {
                act.require_organization(organization)?;
                if let Some(key) = made {
                    let actor = Actor::Server;
                    engine
                        .transport_key_add(tx, organization, 1, &key, actor)
                        .await?;
                }
                let newest = newest(tx.conn(), organization).await?;
                let (_, public_key) = newest.ok_or(Error::NotFound)?;
                Ok(public_key)
            })
        })
        .await
    }

    /// Give every organization that has a key pair a new one; the old one opens what comes until
    /// [`crate::Settings::retired_transport_keys`] is over. An operator's act; gives how many.
    pub async fn transport_keys_rotate(&self) -> Result<usize, Error> {
        let mut reader = self.store().reader().await?;
        let rows = reader.conn()?.query(sql::ORGANIZATIONS, &[]).await?;
        drop(reader);
        let count = rows.len();
        for mut row in rows {
            let organization = OrganizationId::from_bytes(row.array()?);
            let version = row.number()? + 1;
            let (engine, key) = (self.clone(), self.transport_key_make().await?);
            self.store()
                .write(move |tx| {
                    Box::pin(async move {
                        let actor = Actor::Operator;
                        engine
                            .transport_key_add(tx, organization, version, &key, actor)
                            .await?;
                        let now = engine.clock().now();
                        let older = params![organization.bytes(), version, now];
                        tx.conn().execute(sql::RETIRE_OLDER, older).await?;
                        Ok(())
                    })
                })
                .await?;
        }
        Ok(count)
    }

    /// The private keys that open what is sealed for `organization` now, newest first.
    pub(crate) async fn transport_keys(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<Arc<TransportKey>>, Error> {
        let keys = self.keys()?;
        let ended = self.retired_before(self.clock().now());
        let stored = self.transport_keys_stored(organization, ended).await?;
        let mut found = Vec::new();
        // The clock goes on while nothing in the database changes.
        let in_use = |key: &&StoredKey| key.retired_at.is_none_or(|at| at > ended);
        for key in stored.iter().filter(in_use) {
            let opened = match keys.transport().opened(key.id) {
                Some(opened) => opened,
                None => self.transport_key_open(organization, key).await?,
            };
            found.push(opened);
        }
        Ok(found)
    }

    /// The private key of a stored pair of `organization`; kept for the next time.
    async fn transport_key_open(
        &self,
        organization: OrganizationId,
        key: &StoredKey,
    ) -> Result<Arc<TransportKey>, Error> {
        let keys = self.keys()?;
        let (id, version) = (key.id, key.key_version);
        let mut reader = self.store().reader().await?;
        let organization = keys
            .organization_at(reader.conn()?, organization, version)
            .await?;
        let pkcs8 = organization.open_field(TRANSPORT_KEY, id.bytes(), version, &key.sealed)?;
        Ok(keys.transport().keep(id, TransportKey::from_pkcs8(pkcs8)?))
    }

    /// The pairs of `organization` that were not retired by `ended`, newest first; remembered ([`crate::remembered`]).
    async fn transport_keys_stored(
        &self,
        organization: OrganizationId,
        ended: Timestamp,
    ) -> Result<Arc<Vec<StoredKey>>, Error> {
        let known = &self.remembered().transport_keys;
        let generation = self.store().generations().map(Generations::beside_secrets);
        if let Some(generation) = generation
            && let Some(stored) = known.answer(&organization, generation)
        {
            return Ok(stored);
        }
        let mut reader = self.store().reader().await?;
        let asked = params![organization.bytes(), ended];
        let rows = reader.conn()?.query(sql::IN_USE, asked).await?;
        drop(reader);
        let read = |mut row: Row| {
            Ok(StoredKey {
                id: TransportKeyId::from_bytes(row.array()?),
                key_version: row.number()?,
                sealed: row.blob()?,
                retired_at: row.optional_time()?,
            })
        };
        let stored: Result<Vec<_>, Error> = rows.into_iter().map(read).collect();
        let stored = Arc::new(stored?);
        if let Some(generation) = generation {
            let bytes = stored.iter().map(|key| key.sealed.len()).sum();
            known.keep(organization, generation, Arc::clone(&stored), bytes);
        }
        Ok(stored)
    }

    /// Destroy the pairs whose time is over.
    pub(crate) async fn transport_keys_clear(
        &self,
        conn: &mut Conn,
        now: Timestamp,
    ) -> Result<(), Error> {
        let ended = params![self.retired_before(now)];
        if conn.execute(sql::DELETE_RETIRED, ended).await? > 0 {
            // The others are opened again when they are needed.
            self.keys()?.transport().forget();
        }
        Ok(())
    }

    /// Pairs that were retired up to then open nothing any more.
    fn retired_before(&self, now: Timestamp) -> Timestamp {
        now.before(self.settings().retired_transport_keys)
    }

    async fn transport_key_newest(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<(u32, String)>, Error> {
        let mut reader = self.store().reader().await?;
        newest(reader.conn()?, organization).await
    }

    async fn transport_key_make(&self) -> Result<TransportKey, Error> {
        let bits = self.settings().transport_key_bits;
        Ok(self
            .rsa()
            .run(move || TransportKey::generate(bits))
            .await??)
    }

    async fn transport_key_add(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        version: u32,
        key: &TransportKey,
        actor: Actor,
    ) -> Result<(), Error> {
        let (keys, now) = (self.keys()?, self.clock().now());
        let conn = tx.conn();
        let id = TransportKeyId::generate(now)?;
        let (key_version, sealed) = keys.organization(conn, organization).await?.seal_field(
            TRANSPORT_KEY,
            id.bytes(),
            key.pkcs8().expose(),
        )?;
        let public_key = key.public().to_pem();
        let row = params![
            id.bytes(),
            organization.bytes(),
            version,
            key_version,
            &sealed,
            &public_key,
            now
        ];
        if conn.execute(sql::INSERT, row).await? == 0 {
            // Another node was faster: its pair is the organization's.
            return Ok(());
        }
        let mut made = Notice::new(organization, actor, "organization.rotate_transport_key");
        made.resource = Some(("transport_key", *id.bytes()));
        tx.record(made.event(now)?);
        Ok(())
    }
}

impl TransportKeys {
    fn opened(&self, id: TransportKeyId) -> Option<Arc<TransportKey>> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.get(&id).cloned()
    }

    fn keep(&self, id: TransportKeyId, key: TransportKey) -> Arc<TransportKey> {
        let key = Arc::new(key);
        self.opened
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&key));
        key
    }

    fn forget(&self) {
        self.opened
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl Act {
    /// That the request names the caller's own organization. An unknown one is refused like one's own without the role
    /// (RULES §3), so that ids cannot be probed.
    pub(crate) fn require_organization(&self, organization: OrganizationId) -> Result<(), Error> {
        if organization == self.caller.organization {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }
}

/// Version and public key of the newest pair.
async fn newest(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Option<(u32, String)>, Error> {
    let row = conn
        .query_one(sql::NEWEST, params![organization.bytes()])
        .await?;
    let read = |mut row: Row| Ok((row.number()?, row.text()?));
    row.map(read).transpose()
}

/// How long a retired pair opens what comes, unless configured.
pub(crate) const RETIRED_LIFE: Duration = Duration::from_hours(30 * 24);

#[cfg(test)]
mod tests;
