//! The keys in memory while the server is unsealed (DESIGN §4): sealing key, root keys, organization keys, server keys.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use kluis_crypto::signing::SigningKey;
use kluis_crypto::{
    Address, FieldAddress, MacKey, OrganizationKey, RootKey, SealingKey, Secret, TokenDigester,
};

use crate::audit::ChainSigner;
use crate::clock::Timestamp;
use crate::error::{Error, Unavailable};
use crate::ids::OrganizationId;
use crate::store::sql::keys as sql;
use crate::store::{Conn, params};
use crate::transport_keys::TransportKeys;

/// The keys, or none while sealed.
#[derive(Default)]
pub(crate) struct Keys {
    unsealed: RwLock<Option<Arc<Unsealed>>>,
    signer: ChainSigner,
}

/// Everything that an unsealed server can open.
pub(crate) struct Unsealed {
    sealing: SealingKey,
    roots: RwLock<Arc<Roots>>,
    digester: TokenDigester,
    cursors: MacKey,
    second_factors: MacKey,
    zk_proofs: MacKey,
    lease_names: MacKey,
    sent_items: MacKey,
    access_tokens: SigningKey,
    transport: TransportKeys,
    organizations: RwLock<HashMap<OrganizationId, Arc<OrganizationKeys>>>,
}

/// The versions of the root key.
pub(crate) struct Roots(BTreeMap<u32, RootKey>);

/// The versions of one organization's key.
pub(crate) struct OrganizationKeys {
    organization: OrganizationId,
    versions: BTreeMap<u32, OrganizationKey>,
}

/// What the server's own keys are for; the word is bound into the sealed key.
pub(crate) const TOKEN_DIGEST: &str = "token-digest";
/// What the key for cursors is derived for, from that for digests.
const CURSOR: &str = "cursor";
/// Signs the checkpoints of the record.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Signs access tokens.
pub(crate) const ACCESS_TOKEN: &str = "access-token";
/// What the key for log-ins that wait for a second factor is derived for, from that for digests.
const SECOND_FACTOR: &str = "second-factor";
/// What the key for proofs of zero-knowledge keys is derived for, from that for digests.
const ZK_PROOF: &str = "zk-proof";
/// What the key for names of users of leases is derived for, from that for digests.
const LEASE_NAME: &str = "lease-name";
/// What the key for digests of what integrations have sent is derived for, from that for digests.
const SENT_ITEM: &str = "sent-item";

impl Keys {
    pub(crate) fn new(signer: ChainSigner) -> Self {
        Self {
            unsealed: RwLock::default(),
            signer,
        }
    }

    /// The keys; `Unavailable` while sealed.
    pub(crate) fn get(&self) -> Result<Arc<Unsealed>, Error> {
        self.unsealed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(Error::Unavailable(Unavailable::Sealed))
    }

    /// Whether there are none.
    pub(crate) fn are_sealed(&self) -> bool {
        self.unsealed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// Forget every key.
    pub(crate) fn seal(&self) {
        self.signer.set(None);
        *self
            .unsealed
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Open the root and server keys with the sealing key; fails when it is not the one of this database.
    pub(crate) async fn unseal(&self, conn: &mut Conn, sealing: SealingKey) -> Result<(), Error> {
        let roots = Roots::load(conn, &sealing).await?;
        let digest = server_key(conn, &roots, TOKEN_DIGEST).await?;
        let checkpoint = server_key(conn, &roots, CHECKPOINT).await?;
        let signing = SigningKey::from_seed(&checkpoint.1)?;
        let access_token = server_key(conn, &roots, ACCESS_TOKEN).await?;
        let unsealed = Unsealed {
            sealing,
            roots: RwLock::new(Arc::new(roots)),
            digester: TokenDigester::new(digest.1.expose()),
            cursors: MacKey::derive(digest.1.expose(), CURSOR),
            second_factors: MacKey::derive(digest.1.expose(), SECOND_FACTOR),
            zk_proofs: MacKey::derive(digest.1.expose(), ZK_PROOF),
            lease_names: MacKey::derive(digest.1.expose(), LEASE_NAME),
            sent_items: MacKey::derive(digest.1.expose(), SENT_ITEM),
            access_tokens: SigningKey::from_seed(&access_token.1)?,
            transport: TransportKeys::default(),
            organizations: RwLock::default(),
        };
        *self
            .unsealed
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(unsealed));
        self.signer.set(Some((checkpoint.0, signing)));
        Ok(())
    }
}

impl Unsealed {
    /// The keyed digest under which a key or token is stored.
    pub(crate) fn digest(&self, token: &str) -> [u8; 32] {
        self.digester.digest(token)
    }

    /// Tags the cursors of lists.
    pub(crate) fn cursors(&self) -> &MacKey {
        &self.cursors
    }

    /// Tags log-ins that wait for a second factor.
    pub(crate) fn second_factors(&self) -> &MacKey {
        &self.second_factors
    }

    /// Tags the proofs of zero-knowledge keys, so that they are found without being kept.
    pub(crate) fn zk_proofs(&self) -> &MacKey {
        &self.zk_proofs
    }

    /// Tags the names of users that are made on database servers, so that they are known to be ours.
    pub(crate) fn lease_names(&self) -> &MacKey {
        &self.lease_names
    }

    /// Tags what integrations have sent, so that it is known again without being kept.
    pub(crate) fn sent_items(&self) -> &MacKey {
        &self.sent_items
    }

    /// Signs access tokens.
    pub(crate) fn access_tokens(&self) -> &SigningKey {
        &self.access_tokens
    }

    /// The private keys that open what comes sealed.
    pub(crate) fn transport(&self) -> &TransportKeys {
        &self.transport
    }

    /// The root keys as they are known now.
    pub(crate) fn roots(&self) -> Arc<Roots> {
        Arc::clone(&self.roots.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wrap a new root key for the database.
    pub(crate) fn wrap_root(&self, version: u32, root: &RootKey) -> Result<Vec<u8>, Error> {
        Ok(self.sealing.wrap_root(version, root)?)
    }

    /// Read the root keys again, after a rotation here or on another node.
    pub(crate) async fn reload_roots(&self, conn: &mut Conn) -> Result<Arc<Roots>, Error> {
        let roots = Arc::new(Roots::load(conn, &self.sealing).await?);
        *self.roots.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&roots);
        Ok(roots)
    }

    /// The newest key of an organization, to seal with.
    pub(crate) async fn organization(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
    ) -> Result<Arc<OrganizationKeys>, Error> {
        match self.known(organization) {
            Some(keys) => Ok(keys),
            None => self.reload_organization(conn, organization).await,
        }
    }

    /// The keys of an organization with at least this version, to open what was sealed with it.
    pub(crate) async fn organization_at(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        version: u32,
    ) -> Result<Arc<OrganizationKeys>, Error> {
        match self.known(organization) {
            Some(keys) if keys.versions.contains_key(&version) => Ok(keys),
            _ => self.reload_organization(conn, organization).await,
        }
    }

    /// Read an organization's keys again, after a rotation here or on another node.
    pub(crate) async fn reload_organization(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
    ) -> Result<Arc<OrganizationKeys>, Error> {
        let mut roots = self.roots();
        let mut versions = BTreeMap::new();
        for mut row in conn
            .query(sql::ORGANIZATION_KEYS, params![organization.bytes()])
            .await?
        {
            let (version, root_version, wrapped) = (row.number()?, row.number()?, row.blob()?);
            if !roots.0.contains_key(&root_version) {
                roots = self.reload_roots(conn).await?;
            }
            let root = roots.version(root_version)?;
            versions.insert(
                version,
                root.unwrap_organization(*organization.bytes(), version, &wrapped)?,
            );
        }
        let keys = Arc::new(OrganizationKeys {
            organization,
            versions,
        });
        self.organizations
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(organization, Arc::clone(&keys));
        Ok(keys)
    }

    fn known(&self, organization: OrganizationId) -> Option<Arc<OrganizationKeys>> {
        self.organizations
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&organization)
            .cloned()
    }
}

impl Roots {
    async fn load(conn: &mut Conn, sealing: &SealingKey) -> Result<Self, Error> {
        let mut roots = BTreeMap::new();
        for mut row in conn.query(sql::ROOTS, &[]).await? {
            let (version, wrapped) = (row.number()?, row.blob()?);
            let root = sealing.unwrap_root(version, &wrapped).map_err(|_| {
                Error::invalid(
                    "seal",
                    "does not open this server's root key; it belongs to another server",
                )
            })?;
            roots.insert(version, root);
        }
        Ok(Self(roots))
    }

    /// The newest version, to wrap with.
    pub(crate) fn newest(&self) -> Result<(u32, &RootKey), Error> {
        self.0
            .last_key_value()
            .map(|(&version, root)| (version, root))
            .ok_or_else(|| Error::internal("there is no root key"))
    }

    /// The root key of this version.
    pub(crate) fn version(&self, version: u32) -> Result<&RootKey, Error> {
        self.0
            .get(&version)
            .ok_or_else(|| Error::internal("a root key version is missing"))
    }
}

impl OrganizationKeys {
    /// The newest version, to seal with.
    pub(crate) fn newest(&self) -> Result<(u32, &OrganizationKey), Error> {
        self.versions
            .last_key_value()
            .map(|(&version, key)| (version, key))
            .ok_or_else(|| Error::internal("an organization has no key"))
    }

    /// The key of this version.
    pub(crate) fn version(&self, version: u32) -> Result<&OrganizationKey, Error> {
        self.versions
            .get(&version)
            .ok_or_else(|| Error::internal("an organization key version is missing"))
    }

    /// Seal a field kept beside a thing (notes, a second factor's secret) with the newest key; gives the key's version.
    pub(crate) fn seal_field(
        &self,
        kind: &'static str,
        owner: &[u8; 16],
        field: &[u8],
    ) -> Result<(u32, Vec<u8>), Error> {
        let (version, key) = self.newest()?;
        Ok((version, key.seal_field(&self.field(kind, owner), field)?))
    }

    /// Open such a field.
    pub(crate) fn open_field(
        &self,
        kind: &'static str,
        owner: &[u8; 16],
        version: u32,
        sealed: &[u8],
    ) -> Result<Secret, Error> {
        Ok(self
            .version(version)?
            .open_field(&self.field(kind, owner), sealed)?)
    }

    fn field(&self, kind: &'static str, owner: &[u8; 16]) -> FieldAddress {
        FieldAddress {
            organization: *self.organization.bytes(),
            kind,
            owner: *owner,
        }
    }

    /// Where the value of a version is sealed to.
    pub(crate) fn address(&self, vault: &[u8; 16], secret: &[u8; 16], version: u32) -> Address {
        Address {
            organization: *self.organization.bytes(),
            vault: *vault,
            secret: *secret,
            version,
        }
    }
}

/// Make and keep the first version of an organization's key.
pub(crate) async fn organization_key_create(
    conn: &mut Conn,
    roots: &Roots,
    organization: OrganizationId,
    version: u32,
    now: Timestamp,
) -> Result<(), Error> {
    let key = OrganizationKey::generate()?;
    let (root_version, root) = roots.newest()?;
    let wrapped = root.wrap_organization(*organization.bytes(), version, &key)?;
    conn.execute(
        sql::INSERT_ORGANIZATION_KEY,
        params![organization.bytes(), version, root_version, &wrapped, now],
    )
    .await?;
    Ok(())
}

/// Make what a new server needs: the first root key, and the keys for digests and checkpoints under it.
pub(crate) async fn server_keys_create(
    conn: &mut Conn,
    sealing: &SealingKey,
    now: Timestamp,
) -> Result<(), Error> {
    let root = RootKey::generate()?;
    conn.execute(
        sql::INSERT_ROOT,
        params![1_u32, &sealing.wrap_root(1, &root)?, now],
    )
    .await?;
    let digest = Secret::new(kluis_crypto::random::array::<32>()?.to_vec());
    let [checkpoint, access_token] = [SigningKey::generate_seed()?, SigningKey::generate_seed()?];
    let public = |seed| Ok::<_, Error>(SigningKey::from_seed(seed)?.public_key());
    for (purpose, key, public) in [
        (TOKEN_DIGEST, &digest, None),
        (CHECKPOINT, &checkpoint, Some(public(&checkpoint)?)),
        (ACCESS_TOKEN, &access_token, Some(public(&access_token)?)),
    ] {
        let sealed = root.seal_server_key(purpose, 1, key.expose())?;
        conn.execute(
            sql::INSERT_SERVER_KEY,
            params![purpose, 1_u32, 1_u32, &sealed, public.as_ref(), now],
        )
        .await?;
    }
    Ok(())
}

async fn server_key(conn: &mut Conn, roots: &Roots, purpose: &str) -> Result<(u32, Secret), Error> {
    let mut row = conn
        .query_one(sql::SERVER_KEY, params![purpose])
        .await?
        .ok_or_else(|| Error::internal("a server key is missing"))?;
    let (version, root_version, sealed) = (row.number()?, row.number()?, row.blob()?);
    let key = roots
        .version(root_version)?
        .open_server_key(purpose, version, &sealed)?;
    Ok((version, key))
}
