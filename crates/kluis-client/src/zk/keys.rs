//! Keys of the vault: the first ones, and new ones in the place of old ones.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::zk::{self, AuthHash, CODES, MasterKey, PayloadKey};

use super::items::about;
use super::memory::Known;
use super::{Distrust, Error, PRIMARY, RECOVERY, Warning, Zk, check_vault_key, derive};
use crate::SecretText;
use crate::inkbox::{Initialized, KeyMaterial, NewPrimary, VaultKey};

/// A vault that was made, and what opens it when the vault key is lost. Has no `Debug`.
pub struct RecoveryKit {
    /// UUID, unless the server did not say it.
    pub vault_id: Option<String>,
    /// The salt, part of what every key is derived from.
    pub organization_id: String,
    /// Four codes, each as good as the vault key. They are nowhere else.
    pub codes: Vec<SecretText>,
    /// What is odd, and no proof of anything.
    pub warnings: Vec<Warning>,
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
    /// [`Error::WeakKey`], [`Error::Exists`], [`Error::Unknown`] if it may have been made, [`Error::Distrust`] and what any
    /// call can meet.
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
        let primary_material = primary.material(PRIMARY);
        let made = match inkbox.vault_initialize(&primary_material, &material).await {
            Ok(made) => Some(made),
            Err(error) => {
                self.settled(&primary.id, Error::of_change(error)).await?;
                None
            }
        };
        let mut kit = RecoveryKit {
            vault_id: made.as_ref().map(|made| made.vault_id.clone()),
            organization_id,
            codes,
            warnings: Vec::new(),
        };
        self.look_at(&mut kit, made.as_ref(), &primary.id, &key)
            .await?;
        Ok(kit)
    }

    /// Looks at a vault that was made, and remembers it if all that the server says of it fits. What does not is a warning,
    /// since the codes are nowhere else; but for the salt, without which they are worth nothing.
    async fn look_at(
        &mut self,
        kit: &mut RecoveryKit,
        made: Option<&Initialized>,
        primary_id: &str,
        key: &PayloadKey,
    ) -> Result<(), Error> {
        let info = match self.client.inkbox().vault().await {
            Ok(info) => info,
            Err(error) => {
                kit.doubt(&error);
                return Ok(());
            }
        };
        let vault_id = kit.vault_id.get_or_insert_with(|| info.id.clone());
        if info.organization_id != kit.organization_id {
            return Err(Distrust::MadeElsewhere {
                vault_id: vault_id.clone(),
                organization_id: kit.organization_id.clone(),
                claimed: info.organization_id,
            }
            .into());
        }
        let is_vault = about(vault_id, &info.id);
        let is_key = made.map_or(Ok(()), |made| about(primary_id, &made.vault_key_id));
        let mut known = Known::new(&info.organization_id, &info.id);
        match is_vault.and(is_key).and_then(|()| known.meet_key(key)) {
            Ok(()) => self.keep(known),
            Err(distrust) => kit.doubt(&distrust),
        }
        let answered = made.map(|made| made.recovery_key_count);
        let counts = answered.into_iter().chain([info.recovery_key_count]);
        let sent = kit.codes.len();
        let mut less = counts.filter(|kept| usize::try_from(*kept) != Ok(sent));
        if let Some(kept) = less.next() {
            kit.warnings.push(Warning::RecoveryKeys { sent, kept });
        }
        Ok(())
    }

    /// The key of this id, if the server has it although the call that was to put it there met this error.
    async fn settled(&self, id: &str, error: Error) -> Result<VaultKey, Error> {
        let Error::Unknown(met) = error else {
            return Err(error);
        };
        for _ in 0..TRIES {
            match self.client.inkbox().keys().await {
                Ok(keys) => {
                    let is_late = matches!(*met, Error::Call(crate::Error::TimedOut { .. }));
                    return match keys.into_iter().find(|key| key.id == id) {
                        Some(key) => Ok(key),
                        // It may still come.
                        None if is_late => Err(Error::Unknown(met)),
                        None => Err(*met),
                    };
                }
                Err(error) if error.status() == Some(404) => return Err(*met),
                Err(_) => {}
            }
        }
        Err(Error::Unknown(met))
    }

    /// Puts a new vault key in the place of the current one (Inkbox contract §6.6). Secrets stay as they are, and so does the
    /// key that they are sealed with: whoever has had it can still open what comes into their hands.
    ///
    /// # Errors
    /// [`Error::WeakKey`], [`Error::WrongKey`], [`Error::OtherProof`], [`Error::Unknown`] if it may have been replaced,
    /// [`Error::Distrust`] and what any call can meet.
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
        let replaced = self.client.inkbox().key_replace_primary(&body).await;
        let replaced = replaced.map_err(Error::of_change).and_then(|key| {
            about(&new.id, &key.id).map_err(Error::after_sending)?;
            Ok(key)
        });
        match replaced {
            Ok(key) => Ok(key),
            Err(error) => self.settled(&new.id, error).await,
        }
    }
}

impl RecoveryKit {
    fn doubt(&mut self, error: &impl ToString) {
        let why = error.to_string();
        self.warnings.push(Warning::Unchecked { why });
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

/// How often a server is asked whether a lost call did its work.
const TRIES: usize = 3;
