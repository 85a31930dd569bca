//! The id of a share as those know it who open it.

use std::fmt;

use uuid::{Builder, Uuid};

use crate::error::Error;
use crate::ids::ShareId;
use crate::keys::Unsealed;

/// The id of a share in its address: whoever has it may open a share that is for anyone with the link, so it is a secret.
///
/// It looks like a random UUID and is drawn from the server's keys and the [`ShareId`], which alone is stored and recorded:
/// neither the database nor the record opens a share.
#[derive(Clone)]
pub struct ShareToken(Uuid);

impl ShareToken {
    /// The id that `text` spells.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// The id as text.
    pub fn expose(&self) -> String {
        self.0.as_hyphenated().to_string()
    }

    pub(super) fn of(keys: &Unsealed, id: ShareId) -> Result<Self, Error> {
        let drawn = keys.digest(&format!("share {id}"));
        let bytes = drawn
            .first_chunk()
            .ok_or_else(|| Error::internal("a digest is too short"))?;
        Ok(Self(Builder::from_random_bytes(*bytes).into_uuid()))
    }

    /// What it is found by.
    pub(super) fn digest(&self, keys: &Unsealed) -> [u8; 32] {
        keys.digest(&format!("share token {}", self.0))
    }
}

impl fmt::Debug for ShareToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareToken(…)")
    }
}
