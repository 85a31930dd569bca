//! An item of a zero-knowledge vault: as it comes, is stored and shown (Inkbox contract §3.1, §3.2).

use super::access::ZkAccess;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{ZkItemId, ZkRowId};
use crate::store::{Failure, Row, unexpected};

/// What an item holds, as its client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZkItemKind {
    /// `login`
    Login,
    /// `api_key`
    ApiKey,
    /// `key_pair`
    KeyPair,
    /// `ssh_key`
    SshKey,
    /// `other`
    Other,
}

/// An item to make.
#[derive(Clone)]
pub struct NewZkItem {
    /// Its id, which the client chose and has bound into the payload; a new one when `None`.
    pub id: Option<ZkItemId>,
    /// 1–255 characters; need not be unique.
    pub name: String,
    /// What it is for; at most 64 KiB.
    pub description: Option<String>,
    /// What it holds.
    pub kind: ZkItemKind,
    /// What only clients can open, as it came: 1 byte to 1 MiB.
    pub payload: String,
}

/// What to change of an item; `None` leaves it alone.
#[derive(Clone, Default)]
pub struct ZkItemChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
    /// Another payload.
    pub payload: Option<String>,
}

/// An item without its payload.
#[derive(Clone, Debug)]
pub struct ZkItem {
    /// Its id.
    pub id: ZkItemId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it holds.
    pub kind: ZkItemKind,
    /// Which agents may read it, oldest rule first.
    pub access: Vec<ZkAccess>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An item with its payload.
#[derive(Clone)]
pub struct ZkItemWithPayload {
    /// The item.
    pub item: ZkItem,
    /// What only clients can open, as it came.
    pub payload: String,
}

/// An item as it is stored, without its payload and rules.
#[derive(Clone)]
pub(crate) struct ItemRow {
    pub(super) row: ZkRowId,
    pub(super) item: ZkItem,
}

/// Characters of a name.
const LONGEST_NAME: usize = 255;
/// Bytes of a description.
const LONGEST_DESCRIPTION: usize = 64 << 10;
/// Bytes of a payload.
const LARGEST_PAYLOAD: usize = 1 << 20;

impl ZkItemKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Login,
        Self::ApiKey,
        Self::KeyPair,
        Self::SshKey,
        Self::Other,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::ApiKey => "api_key",
            Self::KeyPair => "key_pair",
            Self::SshKey => "ssh_key",
            Self::Other => "other",
        }
    }

    /// The kind that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl NewZkItem {
    /// That it can be kept.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_name(&self.name)?;
        check_description(self.description.as_deref())?;
        check_payload(&self.payload)
    }
}

impl ZkItemChange {
    /// That it can be kept.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.name.as_deref().map_or(Ok(()), check_name)?;
        check_description(self.description.iter().flatten().next().map(String::as_str))?;
        self.payload.as_deref().map_or(Ok(()), check_payload)
    }

    /// Whether it leaves everything alone.
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.description.is_none() && self.payload.is_none()
    }
}

impl ItemRow {
    /// From the columns of `sql::ITEMS`, leaving further ones to the caller.
    pub(super) fn from_columns(row: &mut Row) -> Result<Self, Failure> {
        let row_id = ZkRowId::from_bytes(row.array()?);
        let item = ZkItem {
            id: ZkItemId::from_bytes(row.array()?),
            name: row.text()?,
            description: row.optional_text()?,
            kind: ZkItemKind::parse(&row.text()?).ok_or_else(unexpected)?,
            access: Vec::new(),
            created_at: row.time()?,
            updated_at: row.time()?,
        };
        Ok(Self { row: row_id, item })
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) {
        return Err(Error::invalid("name", "must have 1 to 255 characters"));
    }
    check_nul("name", name)
}

fn check_description(description: Option<&str>) -> Result<(), Error> {
    let Some(description) = description else {
        return Ok(());
    };
    if description.len() > LONGEST_DESCRIPTION {
        return Err(Error::invalid("description", "must have at most 64 KiB"));
    }
    check_nul("description", description)
}

fn check_payload(payload: &str) -> Result<(), Error> {
    if payload.is_empty() {
        return Err(Error::invalid("encrypted_payload", "must not be empty"));
    }
    if payload.len() > LARGEST_PAYLOAD {
        return Err(Error::invalid(
            "encrypted_payload",
            "must have at most 1 MiB",
        ));
    }
    check_nul("encrypted_payload", payload)
}

/// PostgreSQL keeps no text with NUL in it.
fn check_nul(field: &'static str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not hold NUL"));
    }
    Ok(())
}
