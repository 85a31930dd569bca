//! An API key as it is stored and shown.

use crate::authentication::stored_scopes;
use crate::caller::ScopeSet;
use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, UserId};
use crate::store::{Failure, Row, unexpected};

/// Whose API a key was made for. It works in all of them; only its prefix differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStyle {
    /// `ck_live_`
    Cloudkeep,
    /// `crt_`
    Crate,
    /// `cvk_`
    Credvault,
    /// `1ck_`
    Oneclaw,
    /// `ibk_`
    Inkbox,
}

/// An API key without its token, which is shown once and not kept.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is: what it may do is what this user may.
    pub user: UserId,
    /// What it is for.
    pub name: String,
    /// The first 12 characters of its token.
    pub prefix: String,
    /// Whose API it was made for.
    pub style: KeyStyle,
    /// Its ceiling; `None` is no ceiling, the empty set opens nothing.
    pub scopes: Option<ScopeSet>,
    /// Whether it works.
    pub status: ApiKeyStatus,
    /// When it stops working; never when `None`.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
    /// When it last got a new token.
    pub last_rotated_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed, rotated or revoked.
    pub updated_at: Timestamp,
}

/// Whether an API key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyStatus {
    /// It works as long as its user is active.
    Active,
    /// Its time has passed.
    Expired,
    /// It was revoked.
    Revoked,
}

impl KeyStyle {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Cloudkeep,
        Self::Crate,
        Self::Credvault,
        Self::Oneclaw,
        Self::Inkbox,
    ];

    /// What its tokens begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Cloudkeep => "ck_live_",
            Self::Crate => "crt_",
            Self::Credvault => "cvk_",
            Self::Oneclaw => "1ck_",
            Self::Inkbox => "ibk_",
        }
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloudkeep => "cloudkeep",
            Self::Crate => "crate",
            Self::Credvault => "credvault",
            Self::Oneclaw => "oneclaw",
            Self::Inkbox => "inkbox",
        }
    }

    /// The style that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.as_str() == word)
    }
}

impl ApiKeyStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn at(
        now: Timestamp,
        expires_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
    ) -> Self {
        if revoked_at.is_some() {
            Self::Revoked
        } else if expires_at.is_some_and(|at| at <= now) {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

impl ApiKey {
    pub(crate) fn from_row(mut row: Row, now: Timestamp) -> Result<Self, Failure> {
        let id = ApiKeyId::from_bytes(row.array()?);
        let user = UserId::from_bytes(row.array()?);
        let (name, prefix) = (row.text()?, row.text()?);
        let style = KeyStyle::parse(&row.text()?).ok_or_else(unexpected)?;
        let scopes = stored_scopes(&mut row)?;
        let (expires_at, revoked_at) = (row.optional_time()?, row.optional_time()?);
        Ok(Self {
            id,
            user,
            name,
            prefix,
            style,
            scopes,
            status: ApiKeyStatus::at(now, expires_at, revoked_at),
            expires_at,
            last_used_at: row.optional_time()?,
            last_rotated_at: row.optional_time()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}
