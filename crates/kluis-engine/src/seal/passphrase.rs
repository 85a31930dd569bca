//! The passphrase seal: the sealing key is derived with Argon2id.

use kluis_crypto::password::{self, Params};
use kluis_crypto::{SealingKey, Secret, random};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What is stored of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    salt: [u8; 16],
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

/// Choose a salt and derive the key.
pub(super) fn make(passphrase: &Secret, params: Params) -> Result<(Parameters, SealingKey), Error> {
    if passphrase.len() < 12 {
        return Err(Error::invalid("passphrase", "must have at least 12 bytes"));
    }
    let parameters = Parameters {
        salt: random::array()?,
        memory_kib: params.memory_kib,
        iterations: params.iterations,
        parallelism: params.parallelism,
    };
    let key = parameters.derive(passphrase)?;
    Ok((parameters, key))
}

impl Parameters {
    pub(super) fn derive(&self, passphrase: &Secret) -> Result<SealingKey, Error> {
        let params = Params {
            memory_kib: self.memory_kib,
            iterations: self.iterations,
            parallelism: self.parallelism,
        };
        Ok(password::derive_sealing_key(
            passphrase, &self.salt, params,
        )?)
    }
}
