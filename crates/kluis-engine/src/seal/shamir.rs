//! The Shamir seal: the sealing key is split into shares, of which some are enough.

use std::sync::PoisonError;

use kluis_crypto::shamir::{self, Share};
use kluis_crypto::{SealingKey, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Collected;
use crate::error::Error;

/// What is stored of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(super) threshold: u8,
    shares: u8,
    set: [u8; 4],
}

/// Make a key and split it.
pub(super) fn make(
    threshold: u8,
    shares: u8,
) -> Result<(Parameters, SealingKey, Vec<Zeroizing<String>>), Error> {
    let key = SealingKey::generate()?;
    let split = shamir::split(&key, threshold, shares)
        .map_err(|cause| Error::invalid("shares", cause.to_string()))?;
    let set = split
        .first()
        .ok_or_else(|| Error::internal("no shares were made"))?
        .set();
    let texts = split.iter().map(Share::expose).collect();
    Ok((
        Parameters {
            threshold,
            shares,
            set,
        },
        key,
        texts,
    ))
}

impl Parameters {
    /// Add a share; the key, when it was the last one needed.
    pub(super) fn collect(
        &self,
        text: &Secret,
        collected: &Collected,
    ) -> Result<Option<SealingKey>, Error> {
        let text = text
            .expose_text()
            .ok_or_else(|| Error::invalid("share", "is not text"))?;
        let share = Share::parse(text.trim())
            .map_err(|cause| Error::invalid("share", format!("is not usable: {cause}")))?;
        if share.set() != self.set {
            return Err(Error::invalid(
                "share",
                "belongs to another server or an older seal",
            ));
        }
        let mut shares = collected.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.iter().any(|known| known.index() == share.index()) {
            return Err(Error::invalid("share", "was given already"));
        }
        shares.push(share);
        if shares.len() < usize::from(self.threshold) {
            return Ok(None);
        }
        let key =
            shamir::combine(&shares).map_err(|cause| Error::invalid("share", cause.to_string()));
        shares.clear();
        key.map(Some)
    }
}
