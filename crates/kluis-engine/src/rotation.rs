//! Online rotation of root and organization keys (DESIGN §4).
//!
//! A new version is used for everything new at once; a background task re-wraps what older versions wrapped, a portion
//! per transaction. Each row says which version wrapped it, so a crash loses nothing: the task goes on at the next start.

use kluis_crypto::RootKey;

use crate::blocking;
use crate::engine::Engine;
use crate::env_vars::ENV_VAR;
use crate::error::Error;
use crate::ids::{OrganizationId, SecretId, VaultId};
use crate::integrations::INTEGRATION_SECRET;
use crate::keys::organization_key_create;
use crate::notice::{Actor, Notice, SERVER_LOG};
use crate::password_changes::PASSWORD_CHANGE;
use crate::store::sql::keys as sql;
use crate::store::{Tx, params};
use crate::transport_keys::TRANSPORT_KEY;
use crate::webhooks::{FORMER_WEBHOOK_SECRET, WEBHOOK_SECRET};
use crate::zk::ZK_KEY;

impl Engine {
    /// Make a new root key; the seal, and so every share, passphrase and key file, stays as it is. An operator's act.
    /// Gives the new version.
    pub async fn root_key_rotate(&self) -> Result<u32, Error> {
        let keys = self.keys()?;
        let (newest, _) = keys.roots().newest()?;
        let version = newest + 1;
        let wrapped = keys.wrap_root(version, &RootKey::generate()?)?;
        let now = self.clock().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    tx.conn()
                        .execute(sql::INSERT_ROOT, params![version, &wrapped, now])
                        .await?;
                    let rotated = Notice::new(SERVER_LOG, Actor::Operator, "root.rotate_key");
                    tx.record(rotated.event(now)?);
                    Ok(())
                })
            })
            .await?;
        let mut reader = self.store().reader().await?;
        keys.reload_roots(reader.conn()?).await?;
        drop(reader);
        self.resume_rotations();
        Ok(version)
    }

    /// Make a new key for every organization: what `operator rotate-keys` asks for.
    pub async fn organization_keys_rotate(&self) -> Result<usize, Error> {
        let organizations = self.organizations_with_keys().await?;
        for &(organization, _) in &organizations {
            let engine = self.clone();
            self.store()
                .write(move |tx| {
                    Box::pin(async move { engine.organization_key_add(tx, organization).await })
                })
                .await?;
            self.organization_key_use(organization).await?;
        }
        Ok(organizations.len())
    }

    /// Re-wrap in the background whatever an older key still wraps.
    pub(crate) fn resume_rotations(&self) {
        let engine = self.clone();
        blocking::background(async move {
            if let Err(error) = engine.rewrap_all().await {
                tracing::warn!(
                    %error,
                    cause = error.cause(),
                    "re-wrapping stopped; it goes on at the next rotation or start"
                );
            }
        });
    }

    /// Re-wrap everything that an older key still wraps; returns when nothing is left.
    pub async fn rewrap_all(&self) -> Result<(), Error> {
        while self.rewrap_under_root().await? {}
        for (organization, newest) in self.organizations_with_keys().await? {
            if newest > 1 {
                while self.rewrap_all_values(organization).await? {}
                while self.rewrap_fields(organization).await? {}
            }
        }
        Ok(())
    }

    async fn organizations_with_keys(&self) -> Result<Vec<(OrganizationId, u32)>, Error> {
        let mut reader = self.store().reader().await?;
        let mut all = Vec::new();
        for mut row in reader
            .conn()?
            .query(sql::NEWEST_ORGANIZATION_KEYS, &[])
            .await?
        {
            all.push((OrganizationId::from_bytes(row.array()?), row.number()?));
        }
        Ok(all)
    }

    async fn organization_key_add(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        let keys = self.keys()?;
        let conn = tx.conn();
        let (newest, _) = keys.organization(conn, organization).await?.newest()?;
        let now = self.clock().now();
        organization_key_create(conn, &keys.roots(), organization, newest + 1, now).await?;
        let mut rotated = Notice::new(organization, Actor::Operator, "organization.rotate_key");
        rotated.resource = Some(("organization", *organization.bytes()));
        tx.record(rotated.event(now)?);
        Ok(())
    }

    async fn organization_key_use(&self, organization: OrganizationId) -> Result<(), Error> {
        let mut reader = self.store().reader().await?;
        self.keys()?
            .reload_organization(reader.conn()?, organization)
            .await?;
        drop(reader);
        self.resume_rotations();
        Ok(())
    }

    /// One portion of organization and server keys; whether there was any.
    async fn rewrap_under_root(&self) -> Result<bool, Error> {
        let keys = self.keys()?;
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let roots = keys.roots();
                    let (newest, root) = roots.newest()?;
                    let mut any = false;
                    for mut row in conn
                        .query(sql::STALE_ORGANIZATION_KEYS, params![newest])
                        .await?
                    {
                        let organization = row.array()?;
                        let (version, old, wrapped) = (row.number()?, row.number()?, row.blob()?);
                        let key = roots.version(old)?.unwrap_organization(
                            organization,
                            version,
                            &wrapped,
                        )?;
                        let wrapped = root.wrap_organization(organization, version, &key)?;
                        conn.execute(
                            sql::REWRAP_ORGANIZATION_KEY,
                            params![&organization, version, old, newest, &wrapped],
                        )
                        .await?;
                        any = true;
                    }
                    for mut row in conn.query(sql::STALE_SERVER_KEYS, params![newest]).await? {
                        let purpose = row.text()?;
                        let (version, old, sealed) = (row.number()?, row.number()?, row.blob()?);
                        let key = roots
                            .version(old)?
                            .open_server_key(&purpose, version, &sealed)?;
                        let sealed = root.seal_server_key(&purpose, version, key.expose())?;
                        conn.execute(
                            sql::REWRAP_SERVER_KEY,
                            params![&purpose, version, old, newest, &sealed],
                        )
                        .await?;
                        any = true;
                    }
                    Ok(any)
                })
            })
            .await
    }

    /// Every data key that an older key wraps; whether there was any.
    async fn rewrap_all_values(&self, organization: OrganizationId) -> Result<bool, Error> {
        let mut after = (SecretId::from_bytes([0; 16]), 0);
        let mut any = false;
        while let Some(last) = self.rewrap_values(organization, after).await? {
            after = last;
            any = true;
        }
        Ok(any)
    }

    /// One portion of data keys behind a version of a secret; the last of them, if there was any.
    async fn rewrap_values(
        &self,
        organization: OrganizationId,
        (secret, version): (SecretId, u32),
    ) -> Result<Option<(SecretId, u32)>, Error> {
        let keys = self.keys()?;
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let keys = keys.organization(conn, organization).await?;
                    let (newest, key) = keys.newest()?;
                    let behind = params![organization.bytes(), newest, secret.bytes(), version];
                    let mut last = None;
                    for mut row in conn.query(sql::STALE_DATA_KEYS, behind).await? {
                        let vault = VaultId::from_bytes(row.array()?);
                        let secret = SecretId::from_bytes(row.array()?);
                        let (version, old, wrapped) = (row.number()?, row.number()?, row.blob()?);
                        let address = keys.address(vault.bytes(), secret.bytes(), version);
                        let data = keys.version(old)?.unwrap_data(&address, &wrapped)?;
                        let wrapped = key.wrap_data(&address, &data)?;
                        conn.execute(
                            sql::REWRAP_DATA_KEY,
                            params![secret.bytes(), version, old, newest, &wrapped],
                        )
                        .await?;
                        last = Some((secret, version));
                    }
                    Ok(last)
                })
            })
            .await
    }

    /// One portion of fields sealed beside things; whether there was any.
    async fn rewrap_fields(&self, organization: OrganizationId) -> Result<bool, Error> {
        let keys = self.keys()?;
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let keys = keys.organization(conn, organization).await?;
                    let (newest, _) = keys.newest()?;
                    let of = params![organization.bytes(), newest];
                    let mut any = false;
                    for (kind, stale, rewrap) in FIELDS {
                        for mut row in conn.query(stale, of).await? {
                            let id: [u8; 16] = row.array()?;
                            let (old, sealed) = (row.number()?, row.blob()?);
                            let field = keys.open_field(kind, &id, old, &sealed)?;
                            let (new, sealed) = keys.seal_field(kind, &id, field.expose())?;
                            conn.execute(rewrap, params![&id, old, new, &sealed])
                                .await?;
                            any = true;
                        }
                    }
                    Ok(any)
                })
            })
            .await
    }
}

/// What is sealed beside things: its kind, and the statements that find and replace what an older key seals.
const FIELDS: [(&str, &str, &str); 9] = [
    (ENV_VAR, sql::STALE_ENV_VARS, sql::REWRAP_ENV_VAR),
    (
        INTEGRATION_SECRET,
        sql::STALE_INTEGRATION_SECRETS,
        sql::REWRAP_INTEGRATION_SECRET,
    ),
    (NOTES, sql::STALE_NOTES, sql::REWRAP_NOTES),
    (
        PASSWORD_CHANGE,
        sql::STALE_PASSWORD_CHANGES,
        sql::REWRAP_PASSWORD_CHANGE,
    ),
    (TOTP, sql::STALE_TOTP, sql::REWRAP_TOTP),
    (
        TRANSPORT_KEY,
        sql::STALE_TRANSPORT_KEYS,
        sql::REWRAP_TRANSPORT_KEY,
    ),
    (
        WEBHOOK_SECRET,
        sql::STALE_WEBHOOK_SECRETS,
        sql::REWRAP_WEBHOOK_SECRET,
    ),
    (
        FORMER_WEBHOOK_SECRET,
        sql::STALE_FORMER_WEBHOOK_SECRETS,
        sql::REWRAP_FORMER_WEBHOOK_SECRET,
    ),
    (ZK_KEY, sql::STALE_ZK_KEYS, sql::REWRAP_ZK_KEY),
];

/// A secret's notes, sealed beside it.
pub(crate) const NOTES: &str = "notes";
/// The secret of a user's second factor.
pub(crate) const TOTP: &str = "totp";
