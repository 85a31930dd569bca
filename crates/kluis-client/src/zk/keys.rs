//! Keys of the vault: the first ones, and new ones in the place of old ones.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::zk::{self, AuthHash, CODES, MasterKey, PayloadKey};

use super::memory::Known;
use super::{Distrust, Error, PRIMARY, RECOVERY, Zk, check_vault_key, derive};
use crate::SecretText;
use crate::inkbox::{KeyMaterial, NewPrimary, VaultKey};

/// A vault that was made, and what opens it when the vault key is lost. Has no `Debug`.
pub struct RecoveryKit {
    /// UUID.
    pub vault_id: String,
    /// The salt, part of what every key is derived from.
    pub organization_id: String,
    /// Four codes, each as good as the vault key. They are nowhere else.
    pub codes: Vec<SecretText>,
}

/// By what somebody may replace the primary key.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// The vault key as it is now.
    Current(&'a SecretText),
    /// A recovery code, which is used up by it.
    Recovery(&'a SecretText),
}

/// A key ready to be sent.
struct Wrapped {
    id: String,
    blob: String,
    auth_hash: AuthHash,
}

impl Zk<'_> {
    /// Makes the organization's vault with this vault key (Inkbox contract §6.6). Computes five derivations on the thread
    /// that calls it, each a part of a second.
    ///
    /// # Errors
    /// [`Error::WeakKey`], [`Error::Exists`], [`Error::Distrust`] and what any call can meet.
    pub async fn initialize(&mut self, vault_key: &SecretText) -> Result<RecoveryKit, Error> {
        check_vault_key(vault_key)?;
        let inkbox = self.client.inkbox();
        let base = self.client.base();
        let organization_id = inkbox.whoami().await?.organization_id;
        let known = self
            .memory
            .organization(base, &organization_id, &self.accepts)?;
        match inkbox.vault().await {
            Ok(_) => return Err(Error::Exists),
            Err(error) if error.status() == Some(404) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(known) = known.filter(|_| !self.accepts.vault) {
            let known = known.vault_id.clone();
            return Err(Distrust::VaultGone { known }.into());
        }
        let key = PayloadKey::generate().map_err(Error::System)?;
        let wrap = |passphrase: &SecretText| {
            let master = derive(passphrase, &organization_id)?;
            Wrapped::new(&master, &key)
        };
        let primary = wrap(vault_key)?;
        let codes = (0..CODES).map(|_| code()).collect::<Result<Vec<_>, _>>()?;
        let recovery = codes.iter().map(wrap).collect::<Result<Vec<_>, _>>()?;
        let material: Vec<KeyMaterial<'_>> = recovery
            .iter()
            .map(|wrapped| wrapped.material(RECOVERY))
            .collect();
        let made = inkbox
            .vault_initialize(&primary.material(PRIMARY), &material)
            .await?;
        if made.vault_key_id != primary.id {
            return Err(Distrust::OtherAnswer {
                asked: primary.id,
                answered: made.vault_key_id,
            }
            .into());
        }
        let mut known = Known::new(&organization_id, &made.vault_id);
        known.meet_key(&key)?;
        self.keep(known);
        // Were it another organization's by now, no key would ever open it.
        self.vault().await?;
        Ok(RecoveryKit {
            vault_id: made.vault_id,
            organization_id,
            codes,
        })
    }

    /// Puts a new vault key in the place of the current one (Inkbox contract §6.6). Secrets stay as they are, and so does the
    /// key that they are sealed with: whoever has had it can still open what comes into their hands.
    ///
    /// # Errors
    /// [`Error::WeakKey`], [`Error::WrongKey`], [`Error::OtherProof`], [`Error::Distrust`] and what any call
    /// can meet.
    pub async fn replace_primary(
        &mut self,
        proof: Proof<'_>,
        vault_key: &SecretText,
    ) -> Result<VaultKey, Error> {
        check_vault_key(vault_key)?;
        let (passphrase, is_recovery) = match proof {
            Proof::Current(vault_key) => (vault_key, false),
            Proof::Recovery(code) => (code, true),
        };
        let vault = self.unlock(passphrase).await?;
        if vault.is_by_recovery != is_recovery {
            return Err(Error::OtherProof);
        }
        let master = derive(vault_key, &vault.info.organization_id)?;
        let new = Wrapped::new(&master, &vault.key)?;
        let proven = Some(vault.auth_hash.expose());
        let body = NewPrimary {
            id: &new.id,
            wrapped_org_encryption_key: &new.blob,
            auth_hash: new.auth_hash.expose(),
            current_auth_hash: proven.filter(|_| !is_recovery),
            recovery_auth_hash: proven.filter(|_| is_recovery),
        };
        // Who was faster takes the proof away: the server then says 403, and of a recovery code 404.
        let key = self.client.inkbox().key_replace_primary(&body).await?;
        if key.id != new.id {
            return Err(Distrust::OtherAnswer {
                asked: new.id,
                answered: key.id,
            }
            .into());
        }
        Ok(key)
    }
}

impl Wrapped {
    fn new(master: &MasterKey, key: &PayloadKey) -> Result<Self, Error> {
        let id = zk::new_id().map_err(Error::System)?;
        let blob = master.wrap(&id, key).map_err(Error::System)?;
        Ok(Self {
            blob: BASE64_STANDARD.encode(blob),
            auth_hash: master.auth_hash(),
            id,
        })
    }

    fn material<'a>(&'a self, key_type: &'a str) -> KeyMaterial<'a> {
        KeyMaterial {
            id: &self.id,
            wrapped_org_encryption_key: &self.blob,
            auth_hash: self.auth_hash.expose(),
            key_type,
        }
    }
}

fn code() -> Result<SecretText, Error> {
    let code = zk::recovery_code().map_err(Error::System)?;
    let text = code.expose_text().unwrap_or_default();
    Ok(SecretText::from(text.to_owned()))
}
