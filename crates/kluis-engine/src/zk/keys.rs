//! Keys of the zero-knowledge vault: listed, replaced, revoked (Inkbox contract §4.11 to §4.13).

use super::key::{KeyRow, NewZkKey, ZK_KEY, ZkKey, ZkKeyKind, ZkProof};
use super::{vault_of, vault_to_change};
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{ZkRowId, ZkVaultId};
use crate::keys::Unsealed;
use crate::store::sql::zk as sql;
use crate::store::{Conn, params};

/// What proves that the primary key may be replaced.
pub enum ZkKeyProof {
    /// The primary key as it is.
    Current(ZkProof),
    /// A recovery key, which is used up by it.
    Recovery(ZkProof),
}

/// Another primary key, and what proves that it may be put in place.
pub struct ZkKeyReplacement {
    /// The key; its proof may be the old one's, when the same passphrase is set again.
    pub key: NewZkKey,
    /// The proof.
    pub proof: ZkKeyProof,
}

impl Engine {
    /// The keys of the vault, the primary one first; all of them, or those of one kind. `NotFound` without a vault.
    pub async fn zk_key_list(
        &self,
        caller: &Caller,
        kind: Option<ZkKeyKind>,
    ) -> Result<Vec<ZkKey>, Error> {
        self.look(caller, Action::ZkKeyList, async |conn, act| {
            let vault = vault_of(conn, act).await?;
            let keys = keys_of(conn, vault).await?;
            let keys = keys.into_iter().map(|row| row.key);
            Ok(keys
                .filter(|key| kind.is_none_or(|kind| key.kind == kind))
                .collect())
        })
        .await
    }

    /// Replace the primary key, with the old one or a recovery key as proof. The proof is checked where the key is replaced,
    /// so of two at the same moment one succeeds.
    ///
    /// `Forbidden` when the proof is not the primary key's; `NotFound` without a vault, or when the proof is no recovery
    /// key's; `Conflict` when id or proof of the new key belong to another one; `RateLimited` after too many failing ones.
    pub async fn zk_key_replace(
        &self,
        caller: &Caller,
        new: ZkKeyReplacement,
    ) -> Result<ZkKey, Error> {
        let keys = self.keys()?;
        self.zk_proving(caller, Action::ZkKeyReplace, true, async |engine: &Self| {
            engine
                .change(caller, Action::ZkKeyReplace, move |tx, act| {
                    Box::pin(async move {
                        let conn = tx.conn();
                        let vault = vault_to_change(conn, act).await?;
                        let (proof, kind, missed) = match &new.proof {
                            ZkKeyProof::Current(proof) => {
                                (proof, ZkKeyKind::Primary, Error::Forbidden)
                            }
                            ZkKeyProof::Recovery(proof) => {
                                (proof, ZkKeyKind::Recovery, Error::NotFound)
                            }
                        };
                        let proven = key_by_proof(conn, &keys, vault, proof).await?;
                        let proven = proven.filter(|row| row.key.kind == kind).ok_or(missed)?;
                        conn.execute(sql::DELETE_KEY, params![proven.row.bytes()])
                            .await?;
                        conn.execute(sql::DELETE_PRIMARY, params![vault.bytes()])
                            .await?;
                        require_free(conn, &keys, vault, &new.key).await?;
                        let primary = ZkKeyKind::Primary;
                        let key = key_insert(conn, act, &keys, vault, primary, new.key).await?;
                        let changed = params![vault.bytes(), act.now];
                        conn.execute(sql::TOUCH_VAULT, changed).await?;
                        act.finds(ZK_KEY, *key.id.bytes());
                        Ok(key)
                    })
                })
                .await
        })
        .await
    }

    /// Revoke the key that `proof` proves. `NotFound` when it proves none, and without one; `Conflict` for the last primary key;
    /// `RateLimited` after too many failing ones.
    pub async fn zk_key_revoke(
        &self,
        caller: &Caller,
        proof: Option<ZkProof>,
    ) -> Result<(), Error> {
        let keys = self.keys()?;
        let guesses = proof.is_some();
        self.zk_proving(
            caller,
            Action::ZkKeyRevoke,
            guesses,
            async |engine: &Self| {
                engine
                    .change(caller, Action::ZkKeyRevoke, move |tx, act| {
                        Box::pin(async move {
                            let conn = tx.conn();
                            let vault = vault_to_change(conn, act).await?;
                            let proof = proof.ok_or(Error::NotFound)?;
                            let found = key_by_proof(conn, &keys, vault, &proof).await?;
                            let found = found.ok_or(Error::NotFound)?;
                            act.finds(ZK_KEY, *found.key.id.bytes());
                            if found.key.kind == ZkKeyKind::Primary {
                                let of = params![vault.bytes()];
                                let count = conn.query_one(sql::COUNT_PRIMARY, of).await?;
                                if count.ok_or(Error::NotFound)?.int()? <= 1 {
                                    return Err(Error::Conflict(Conflict::LastKey));
                                }
                            }
                            let of = params![found.row.bytes()];
                            conn.execute(sql::DELETE_KEY, of).await?;
                            let changed = params![vault.bytes(), act.now];
                            conn.execute(sql::TOUCH_VAULT, changed).await?;
                            Ok(())
                        })
                    })
                    .await
            },
        )
        .await
    }

    /// Do what needs a proof: one at a time with a credential, and counted when the proof was wrong; what cannot be one
    /// `guesses` nothing.
    async fn zk_proving<T>(
        &self,
        caller: &Caller,
        action: Action,
        guesses: bool,
        work: impl AsyncFnOnce(&Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.permitted(caller, action, |_| {}).await?;
        if !guesses {
            return work(self).await;
        }
        let guess = self.zk_guess_begin(caller).await?;
        let outcome = work(self).await;
        match outcome {
            Err(Error::Forbidden | Error::NotFound) => guess.missed().await?,
            _ => guess.forget(),
        }
        outcome
    }
}

/// The keys of a vault, the primary one first.
pub(super) async fn keys_of(conn: &mut Conn, vault: ZkVaultId) -> Result<Vec<KeyRow>, Error> {
    let rows = conn.query(sql::KEYS, params![vault.bytes()]).await?;
    rows.into_iter().map(KeyRow::from_row).collect()
}

/// The key that `proof` proves, if it proves one.
pub(super) async fn key_by_proof(
    conn: &mut Conn,
    keys: &Unsealed,
    vault: ZkVaultId,
    proof: &ZkProof,
) -> Result<Option<KeyRow>, Error> {
    let digest = proof.digest(keys, vault);
    let of = params![vault.bytes(), &digest];
    let row = conn.query_one(sql::KEY_BY_PROOF, of).await?;
    row.map(KeyRow::from_row).transpose()
}

/// Keep a key.
pub(super) async fn key_insert(
    conn: &mut Conn,
    act: &Act,
    keys: &Unsealed,
    vault: ZkVaultId,
    kind: ZkKeyKind,
    new: NewZkKey,
) -> Result<ZkKey, Error> {
    let created_by = act.caller.user().ok_or(Error::Forbidden)?.id;
    let row = ZkRowId::generate(act.now)?;
    let organization = keys.organization(conn, act.caller.organization).await?;
    let (version, sealed) = organization.seal_field(ZK_KEY, row.bytes(), &new.secrets())?;
    let digest = new.proof.digest(keys, vault);
    let columns = params![
        row.bytes(),
        vault.bytes(),
        new.id.bytes(),
        kind.as_str(),
        &digest,
        version,
        &sealed,
        created_by.bytes(),
        act.now
    ];
    conn.execute(sql::INSERT_KEY, columns).await?;
    Ok(ZkKey {
        id: new.id,
        kind,
        created_by,
        created_at: act.now,
        updated_at: act.now,
    })
}

/// That no other key has the new one's id or proof.
async fn require_free(
    conn: &mut Conn,
    keys: &Unsealed,
    vault: ZkVaultId,
    new: &NewZkKey,
) -> Result<(), Error> {
    let digest = new.proof.digest(keys, vault);
    let of = params![vault.bytes(), new.id.bytes(), &digest];
    let taken = conn.query_one(sql::TAKEN_KEYS, of).await?;
    if taken.ok_or(Error::NotFound)?.int()? > 0 {
        return Err(Error::Conflict(Conflict::Exists));
    }
    Ok(())
}
