//! Secrets of the vault: listed, made, changed, deleted, and who may have their ciphertext.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::zk;

use super::{Distrust, Error, Kind, Payload, UnlockedSecret, UnlockedVault, Warning, Zk};
use crate::inkbox::{AccessRule, NewSecret, Secret, SecretChange, VaultInfo};

/// What the caller may read, without payloads.
pub struct Listed {
    /// The vault.
    pub info: VaultInfo,
    /// As the server ordered them.
    pub secrets: Vec<Secret>,
    /// What is odd, and no proof of anything.
    pub warnings: Vec<Warning>,
}

/// What a new secret is made of. Name and description are seen by the server.
#[derive(Clone, Copy)]
pub struct NewItem<'a> {
    /// 1 to 255 characters; need not be unique.
    pub name: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
    /// What is sealed.
    pub payload: &'a Payload,
}

/// What changes about a secret; what is `None` stays.
#[derive(Clone, Copy, Default)]
pub struct Change<'a> {
    /// 1 to 255 characters.
    pub name: Option<&'a str>,
    /// `Some(None)` clears it.
    pub description: Option<Option<&'a str>>,
    /// Replaces all that is sealed.
    pub payload: Option<&'a Payload>,
}

impl Zk<'_> {
    /// What the caller may read, without payloads: for this no vault key is needed, and nothing that comes is sealed.
    pub async fn secrets(&mut self, kind: Option<Kind>) -> Result<Listed, Error> {
        let (info, mut known) = self.vault().await?;
        let secrets = self.client.inkbox().secrets(kind.map(Kind::word)).await?;
        let listed: Vec<&Secret> = secrets.iter().collect();
        let warnings = known.review(&listed, kind.is_none())?;
        self.keep(known);
        Ok(Listed {
            info,
            secrets,
            warnings,
        })
    }

    /// Makes sure that the name of a secret stands for what it stood for before, as far as this client remembers. Asks
    /// nobody. `listed` is all that the caller may read.
    ///
    /// # Errors
    /// [`Distrust::NameMoved`] and [`Distrust::NameChanged`], until [`Zk::accept_name`] is told that it is right.
    pub fn check_name(
        &self,
        info: &VaultInfo,
        chosen: &Secret,
        listed: &[&Secret],
    ) -> Result<(), Error> {
        Ok(self.known(info)?.check_name(chosen, listed)?)
    }

    /// Remembers what the server calls a secret, which somebody has named by its id. Asks nobody.
    ///
    /// # Errors
    /// [`Error::Distrust`] if the vault is not the one that is remembered.
    pub fn accept_name(
        &mut self,
        info: &VaultInfo,
        chosen: &Secret,
        listed: &[&Secret],
    ) -> Result<(), Error> {
        let mut known = self.known(info)?;
        known.accept_name(chosen, listed);
        self.keep(known);
        Ok(())
    }

    /// One secret as it is now.
    pub async fn read(&mut self, vault: &UnlockedVault, id: &str) -> Result<UnlockedSecret, Error> {
        let detail = self.client.inkbox().secret(id).await?;
        about(id, &detail.secret.id)?;
        let mut known = self.known(&vault.info)?;
        let secret = known.admit(&vault.key, detail)?;
        self.keep(known);
        Ok(secret)
    }

    /// Seals and keeps a new secret, and reads it back (Inkbox contract §6.6).
    ///
    /// # Errors
    /// [`Error::Unknown`] if it may have been kept, [`Error::Distrust`] and what any call can meet.
    pub async fn create(
        &mut self,
        vault: &UnlockedVault,
        new: NewItem<'_>,
    ) -> Result<UnlockedSecret, Error> {
        let id = zk::new_id().map_err(Error::System)?;
        let sealed = sealed(vault, &id, new.payload)?;
        let secret_type = new.payload.kind().word();
        let new = NewSecret {
            id: &id,
            name: new.name,
            description: new.description,
            secret_type,
            encrypted_payload: &BASE64_STANDARD.encode(&sealed),
        };
        let answer = self.client.inkbox().secret_create(&new).await;
        let answer = answer.map_err(Error::of_change)?;
        if answer.secret_type != secret_type {
            return Err(Error::after_sending(Distrust::TypeChanged {
                id,
                known: secret_type.to_owned(),
                claimed: answer.secret_type,
            }));
        }
        self.sent(vault, &answer, &id, Some(new.name), Some(&sealed))
            .map_err(Error::after_sending)?;
        let read = self.read(vault, &id).await;
        read.map_err(Error::after_sending)
    }

    /// Changes a secret that was read, and reads it back (Inkbox contract §6.6).
    ///
    /// # Errors
    /// [`Error::Changed`] if there is another payload by now, as far as that can be seen before the change is sent;
    /// [`Error::Unknown`] if it may have been changed.
    pub async fn update(
        &mut self,
        vault: &UnlockedVault,
        secret: &UnlockedSecret,
        change: Change<'_>,
    ) -> Result<UnlockedSecret, Error> {
        let id = secret.meta.id.as_str();
        let sealed = match change.payload {
            Some(payload) => {
                let unfit = || Error::Unfit {
                    id: id.to_owned(),
                    secret_type: payload.kind().word().to_owned(),
                };
                if payload.kind().word() != secret.meta.secret_type {
                    return Err(unfit());
                }
                let current = self.read(vault, id).await?;
                if current.digest != secret.digest {
                    return Err(Error::Changed { id: id.to_owned() });
                }
                Some(sealed(vault, id, payload)?)
            }
            None => None,
        };
        let encoded = sealed.as_ref().map(|sealed| BASE64_STANDARD.encode(sealed));
        let change = SecretChange {
            name: change.name,
            description: change.description,
            encrypted_payload: encoded.as_deref(),
        };
        let answer = self.client.inkbox().secret_update(id, &change).await;
        let answer = answer.map_err(Error::of_change)?;
        self.sent(vault, &answer, id, change.name, sealed.as_deref())
            .map_err(Error::after_sending)?;
        let read = self.read(vault, id).await;
        read.map_err(Error::after_sending)
    }

    /// Changes name or description, which are not sealed: for this no vault key is needed.
    pub async fn describe(
        &mut self,
        id: &str,
        name: Option<&str>,
        description: Option<Option<&str>>,
    ) -> Result<Secret, Error> {
        let (_, mut known) = self.vault().await?;
        let change = SecretChange {
            name,
            description,
            encrypted_payload: None,
        };
        let answer = self.client.inkbox().secret_update(id, &change).await;
        let answer = answer.map_err(Error::of_change)?;
        about(id, &answer.id)
            .and_then(|()| known.review(&[&answer], false))
            .map_err(Error::after_sending)?;
        if let Some(name) = name {
            known.named(id, name);
        }
        self.keep(known);
        Ok(answer)
    }

    /// Deletes a secret. From then on a server that has it again is not believed.
    pub async fn delete(&mut self, id: &str) -> Result<(), Error> {
        let (_, mut known) = self.vault().await?;
        let deleted = self.client.inkbox().secret_delete(id).await;
        deleted.map_err(Error::of_change)?;
        known.deleted(id);
        self.keep(known);
        Ok(())
    }

    /// Lets an agent identity have a secret's ciphertext. To open it the agent needs the vault key, too, and whoever has that
    /// can open all that ever comes into its hands (Inkbox contract §6.1).
    pub async fn grant(&mut self, id: &str, identity: &str) -> Result<AccessRule, Error> {
        self.vault().await?;
        let rule = self.client.inkbox().access_grant(id, identity).await;
        let rule = rule.map_err(Error::of_change)?;
        about(id, &rule.vault_secret_id)
            .and_then(|()| about(identity, &rule.identity_id))
            .map_err(Error::after_sending)?;
        Ok(rule)
    }

    /// Takes that back. What the agent has had it may still have.
    pub async fn revoke(&mut self, id: &str, identity: &str) -> Result<(), Error> {
        self.vault().await?;
        let revoked = self.client.inkbox().access_revoke(id, identity).await;
        revoked.map_err(Error::of_change)
    }

    /// Remembers what the server has just taken.
    fn sent(
        &mut self,
        vault: &UnlockedVault,
        answer: &Secret,
        id: &str,
        name: Option<&str>,
        sealed: Option<&[u8]>,
    ) -> Result<(), Error> {
        about(id, &answer.id)?;
        let mut known = self.known(&vault.info)?;
        known.sent(answer, sealed)?;
        if let Some(name) = name {
            known.named(id, name);
        }
        self.keep(known);
        Ok(())
    }
}

fn sealed(vault: &UnlockedVault, id: &str, payload: &Payload) -> Result<Vec<u8>, Error> {
    payload.check()?;
    let json = payload.to_json()?;
    vault.key.seal(id, &json).map_err(Error::System)
}

/// An answer has to be about what was asked.
pub(super) fn about(asked: &str, answered: &str) -> Result<(), Distrust> {
    if asked == answered {
        return Ok(());
    }
    Err(Distrust::OtherAnswer {
        asked: asked.to_owned(),
        answered: answered.to_owned(),
    })
}
