//! A key of a zero-knowledge vault: as it comes, is stored and shown (Inkbox contract §3.4, §6.1).

use kluis_crypto::hash;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{UserId, ZkKeyId, ZkRowId, ZkVaultId};
use crate::keys::{OrganizationKeys, Unsealed};
use crate::store::{Row, unexpected};

/// What a client proves a key with: 32 bytes that it derives from the key. Whoever has them can replace the primary key,
/// and can tell a right guess of a passphrase from a wrong one, so they are told to nobody and not kept in clear.
#[derive(Clone)]
pub struct ZkProof(Zeroizing<[u8; LENGTH]>);

/// The key that opens the items, encrypted by a client under a key of its own: base-64 of 60 bytes. It stays as it came.
#[derive(Clone)]
pub struct ZkWrappedKey(String);

/// A key to make.
#[derive(Clone)]
pub struct NewZkKey {
    /// Its id, which the client chose and has bound into `wrapped`.
    pub id: ZkKeyId,
    /// What it opens.
    pub wrapped: ZkWrappedKey,
    /// What proves it.
    pub proof: ZkProof,
}

/// The keys of a vault to make: no id and no proof twice.
pub struct NewZkVault {
    primary: NewZkKey,
    recovery: Vec<NewZkKey>,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZkKeyKind {
    /// The one that people know.
    Primary,
    /// One that is kept away, to make another primary key with once.
    Recovery,
}

/// A key, without what it opens and what proves it.
#[derive(Clone, Copy, Debug)]
pub struct ZkKey {
    /// Its id.
    pub id: ZkKeyId,
    /// What it is for.
    pub kind: ZkKeyKind,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A key as it is stored.
pub(super) struct KeyRow {
    pub(super) row: ZkRowId,
    pub(super) key: ZkKey,
    key_version: u32,
    sealed: Vec<u8>,
}

/// Proof and wrapped key, sealed beside a key's row.
pub(crate) const ZK_KEY: &str = "zk_key";
/// Bytes of a proof.
const LENGTH: usize = 32;
/// Characters of 60 bytes in base-64: a key of 32, a nonce of 12, a tag of 16.
const WRAPPED_LENGTH: usize = 80;
/// Recovery keys that a vault is made with, at most.
const MOST_RECOVERY_KEYS: usize = 16;

impl ZkProof {
    /// The proof that `text` spells: 64 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != LENGTH || !rest.is_empty() || !text.bytes().all(lower) {
            return None;
        }
        let mut bytes = Zeroizing::new([0; LENGTH]);
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The proof as [`Self::parse`] reads it.
    pub fn to_text(&self) -> String {
        hash::hex(&*self.0)
    }

    /// What it is found by: nobody without the server's own key can make it, so neither does looking for it tell by its
    /// time how much of a guess is right, nor is a copy of the database anything to guess at.
    pub(super) fn digest(&self, keys: &Unsealed, vault: ZkVaultId) -> [u8; 32] {
        keys.zk_proofs().tag(&[vault.bytes(), &*self.0])
    }
}

impl ZkWrappedKey {
    /// The wrapped key that `text` is: 80 characters of base-64.
    pub fn parse(text: String) -> Option<Self> {
        let fits = text.len() == WRAPPED_LENGTH
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
        fits.then_some(Self(text))
    }

    /// The text that it came as.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl NewZkVault {
    /// A vault with these keys. `Invalid` when two of them have one id or one proof, and for more than 16 recovery keys.
    pub fn new(primary: NewZkKey, recovery: Vec<NewZkKey>) -> Result<Self, Error> {
        if recovery.len() > MOST_RECOVERY_KEYS {
            return Err(Error::invalid(RECOVERY_KEYS, "must be at most 16"));
        }
        let all: Vec<_> = std::iter::once(&primary).chain(&recovery).collect();
        for (position, key) in all.iter().enumerate() {
            let mut others = all.iter().skip(position + 1);
            if others.any(|other| other.id == key.id || *other.proof.0 == *key.proof.0) {
                return Err(Error::invalid(
                    RECOVERY_KEYS,
                    "must not have two keys with one id or one proof",
                ));
            }
        }
        Ok(Self { primary, recovery })
    }

    /// The keys with their kinds.
    pub(super) fn keys(self) -> impl Iterator<Item = (ZkKeyKind, NewZkKey)> {
        let recovery = self.recovery.into_iter();
        std::iter::once((ZkKeyKind::Primary, self.primary))
            .chain(recovery.map(|key| (ZkKeyKind::Recovery, key)))
    }
}

impl NewZkKey {
    /// What is sealed beside its row.
    pub(super) fn secrets(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH + WRAPPED_LENGTH));
        bytes.extend_from_slice(&*self.proof.0);
        bytes.extend_from_slice(self.wrapped.0.as_bytes());
        bytes
    }
}

impl ZkKeyKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Recovery => "recovery",
        }
    }

    /// The kind that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Primary, Self::Recovery]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl KeyRow {
    /// From the columns of `sql::KEYS`.
    pub(super) fn from_row(mut row: Row) -> Result<Self, Error> {
        let row_id = ZkRowId::from_bytes(row.array()?);
        let id = ZkKeyId::from_bytes(row.array()?);
        let kind = ZkKeyKind::parse(&row.text()?).ok_or_else(unexpected)?;
        let (key_version, sealed) = (row.number()?, row.blob()?);
        let key = ZkKey {
            id,
            kind,
            created_by: UserId::from_bytes(row.array()?),
            created_at: row.time()?,
            updated_at: row.time()?,
        };
        Ok(Self {
            row: row_id,
            key,
            key_version,
            sealed,
        })
    }

    /// The version of the organization's key that it is sealed with.
    pub(super) const fn key_version(&self) -> u32 {
        self.key_version
    }

    /// What proves it, and what it opens.
    pub(super) fn open(&self, keys: &OrganizationKeys) -> Result<(ZkProof, ZkWrappedKey), Error> {
        let opened = keys.open_field(ZK_KEY, self.row.bytes(), self.key_version, &self.sealed)?;
        let (proof, wrapped) = opened
            .expose()
            .split_first_chunk::<LENGTH>()
            .ok_or_else(unexpected)?;
        let wrapped = str::from_utf8(wrapped).map_err(|_| unexpected())?;
        Ok((
            ZkProof(Zeroizing::new(*proof)),
            ZkWrappedKey(wrapped.to_owned()),
        ))
    }
}

/// The member that holds recovery keys.
const RECOVERY_KEYS: &str = "recovery_keys";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> NewZkKey {
        NewZkKey {
            id: ZkKeyId::from_bytes([number; 16]),
            wrapped: ZkWrappedKey::parse("A".repeat(80)).unwrap(),
            proof: ZkProof::parse(&format!("{number:02x}").repeat(32)).unwrap(),
        }
    }

    #[test]
    fn a_proof_is_64_digits_in_lower_case_and_is_written_as_it_was_read() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(ZkProof::parse(&text).unwrap().to_text(), text);
        for wrong in [
            String::new(),
            text.replacen(char::is_alphanumeric, "", 1),
            format!("{text}0"),
            format!("{text}00"),
            text.to_uppercase(),
            text.replace('0', "g"),
            text.replacen("01", "+1", 1),
            text.replacen("0123", "é12", 1),
        ] {
            assert!(ZkProof::parse(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_wrapped_key_is_60_bytes_in_base_64() {
        let text = "AZaz09+/".repeat(10);
        assert_eq!(ZkWrappedKey::parse(text.clone()).unwrap().into_text(), text);
        for wrong in [
            String::new(),
            text.replacen(char::is_alphanumeric, "", 1),
            format!("{text}A"),
            text.replacen('A', "=", 1),
            text.replace('+', "-"),
            text.replacen('A', "\n", 1),
        ] {
            assert!(ZkWrappedKey::parse(wrong.clone()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn keys_of_a_vault_are_told_apart_by_id_and_by_proof() {
        let many = |count: u8| (1..=count).map(key).collect::<Vec<_>>();
        assert!(NewZkVault::new(key(0), many(0)).is_ok());
        assert!(NewZkVault::new(key(0), many(16)).is_ok());
        assert!(NewZkVault::new(key(0), many(17)).is_err());
        let same_id = NewZkKey {
            proof: key(9).proof,
            ..key(0)
        };
        let same_proof = NewZkKey {
            proof: key(0).proof,
            ..key(9)
        };
        for other in [same_id, same_proof] {
            assert!(NewZkVault::new(key(0), vec![key(1), other.clone()]).is_err());
            assert!(NewZkVault::new(key(1), vec![key(0), other]).is_err());
        }
    }
}
