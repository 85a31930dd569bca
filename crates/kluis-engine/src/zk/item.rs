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
    /// Need not be unique.
    pub name: ZkItemName,
    /// What it is for.
    pub description: Option<ZkItemDescription>,
    /// What it holds.
    pub kind: ZkItemKind,
    /// What only clients can open.
    pub payload: ZkPayload,
}

/// What an item is called: 1–255 characters.
#[derive(Clone, Debug)]
pub struct ZkItemName(String);

/// What an item is for: at most 64 KiB.
#[derive(Clone, Debug)]
pub struct ZkItemDescription(String);

/// What only clients can open, as it came: any text of 1 byte to 1 MiB.
#[derive(Clone)]
pub struct ZkPayload(String);

/// What to change of an item; `None` leaves it alone.
#[derive(Clone, Default)]
pub struct ZkItemChange {
    /// Another name.
    pub name: Option<ZkItemName>,
    /// Another description; `Some(None)` takes it away.
    pub description: Option<Option<ZkItemDescription>>,
    /// Another payload.
    pub payload: Option<ZkPayload>,
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
    /// What only clients can open.
    pub payload: ZkPayload,
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

impl ZkItemName {
    /// The name that `text` is. `Invalid` when it is none.
    pub fn parse(text: String) -> Result<Self, Error> {
        if !(1..=LONGEST_NAME).contains(&text.chars().count()) {
            return Err(Error::invalid("name", "must have 1 to 255 characters"));
        }
        check_nul("name", &text)?;
        Ok(Self(text))
    }

    /// The name.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl ZkItemDescription {
    /// The description that `text` is. `Invalid` when it is none.
    pub fn parse(text: String) -> Result<Self, Error> {
        if text.len() > LONGEST_DESCRIPTION {
            return Err(Error::invalid("description", "must have at most 64 KiB"));
        }
        check_nul("description", &text)?;
        Ok(Self(text))
    }

    /// The description.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl ZkPayload {
    /// The payload that `text` is, for a member called `field`. `Invalid` when it is none.
    pub fn parse(field: &'static str, text: String) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::invalid(field, "must not be empty"));
        }
        if text.len() > LARGEST_PAYLOAD {
            return Err(Error::invalid(field, "must have at most 1 MiB"));
        }
        Ok(Self(text))
    }

    /// From a column that a payload was stored in: bytes, since PostgreSQL keeps no text with NUL in it.
    pub(super) fn from_column(row: &mut Row) -> Result<Self, Failure> {
        let text = String::from_utf8(row.blob()?);
        text.map(Self).map_err(|_| unexpected())
    }

    /// What is stored.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The text that it came as.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl ZkItemChange {
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

/// PostgreSQL keeps no text with NUL in it.
fn check_nul(field: &'static str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not hold NUL"));
    }
    Ok(())
}
