//! Writing a value that came sealed, into the vault of a name (Crate contract §3, §4).

use std::sync::Arc;

use kluis_crypto::transport::open_hybrid;
use kluis_crypto::{Secret, TransportKey};

use super::{Expect, InVault, Path, SecretAt, SecretInfo, SecretWrite, Value};
use crate::access::Access;
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Role};
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{OrganizationId, VaultId};
use crate::policy::{Permission, PolicyPrincipal};
use crate::store::{Conn, Generations, Tx};
use crate::users::user_find;
use crate::vaults::{vault_make, vault_named};

/// A value that was sealed for an organization's public key.
pub struct Sealed {
    /// The ciphertext of RSA; of AES, where there is a key.
    pub body: Vec<u8>,
    /// The sealed key of a value that is too long for RSA.
    pub key: Option<Vec<u8>>,
    /// The dialect's word for it, for errors.
    pub field: &'static str,
}

/// A secret to write.
pub struct SealedPut {
    /// Where.
    pub at: InVault,
    /// At which path.
    pub path: Path,
    /// Its value.
    pub value: Sealed,
    /// Its tags; those that it has when `None`.
    pub tags: Option<Vec<String>>,
}

/// How often a write begins anew when the vault of its name comes or goes meanwhile.
const ATTEMPTS: usize = 4;

impl Engine {
    /// Write a secret whose value came sealed; the vault of its name is made when there is none.
    ///
    /// `Invalid` when the value does not open, for whatever reason; `Conflict` when the vault was made by a member or an agent and
    /// not taken over, and when the vault of that name changed under several attempts.
    pub async fn sealed_secret_put(
        &self,
        caller: &Caller,
        put: SealedPut,
    ) -> Result<SecretInfo, Error> {
        let SealedPut {
            at,
            path,
            value,
            tags,
        } = put;
        let action = Action::SealedSecretWrite;
        let about = |act: &mut Act| act.names_path(path.as_str());
        self.sealed_permitted(caller, action, at.organization, about)
            .await?;
        let value = self.sealed_open(caller.organization, value).await?;
        for _ in 0..ATTEMPTS {
            let vault = self.vault_to_write(&at).await?;
            let write = SecretWrite {
                value: Some(Value::from_secret(value.duplicate())),
                tags: tags.clone(),
                ..SecretWrite::new("generic", Expect::Either)
            };
            let written = match vault {
                Some(vault) => self.sealed_write(caller, &at, vault, &path, write).await,
                None => self.sealed_write_new(caller, &at, &path, write).await,
            };
            match written {
                Ok(Some(info)) => return Ok(info),
                // Another made it, renamed it or deleted it meanwhile.
                Ok(None) => {}
                Err(Error::Conflict(Conflict::Exists)) if vault.is_none() => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Conflict(Conflict::Version))
    }

    /// The vault of this name, if there is one; remembered ([`crate::remembered`]).
    async fn vault_to_write(&self, at: &InVault) -> Result<Option<VaultId>, Error> {
        let known = &self.remembered().vaults;
        let generation = self.store().generations().map(Generations::beside_secrets);
        if let Some(generation) = generation
            && let Some(vault) = known.answer(at, generation)
        {
            return Ok(Some(*vault));
        }
        let mut reader = self.store().reader().await?;
        let vault = vault_named(reader.conn()?, at.organization, &at.vault).await?;
        if let (Some(generation), Some(vault)) = (generation, vault) {
            known.keep(at.clone(), generation, Arc::new(vault), at.vault.len());
        }
        Ok(vault)
    }

    /// Write into a vault that is there; nothing when it is not the vault of this name any more.
    async fn sealed_write(
        &self,
        caller: &Caller,
        at: &InVault,
        vault: VaultId,
        path: &Path,
        write: SecretWrite,
    ) -> Result<Option<SecretInfo>, Error> {
        let (engine, name) = (self.clone(), at.vault.clone());
        let path = SecretAt::Path(path.clone());
        let action = Action::SealedSecretWrite;
        self.change_secrets(caller, action, vault, move |tx, act| {
            Box::pin(async move {
                let access = match engine.access(tx.conn(), act, vault).await {
                    Ok(access) if access.vault.name == name => access,
                    Ok(_) | Err(Error::NotFound) => {
                        act.defer();
                        return Ok(None);
                    }
                    Err(error) => return Err(error),
                };
                let written = engine.sealed_write_in(tx, act, &access, &path, write);
                written.await.map(Some)
            })
        })
        .await
    }

    /// Make the vault and write into it, both or neither.
    async fn sealed_write_new(
        &self,
        caller: &Caller,
        at: &InVault,
        path: &Path,
        write: SecretWrite,
    ) -> Result<Option<SecretInfo>, Error> {
        let (engine, name) = (self.clone(), at.vault.clone());
        let path = SecretAt::Path(path.clone());
        self.change(caller, Action::SealedSecretWrite, move |tx, act| {
            Box::pin(async move {
                let made = vault_make(&engine, tx, act, &name).await;
                if let Err(Error::Conflict(Conflict::Exists)) = &made {
                    act.defer();
                }
                let access = engine.access(tx.conn(), act, made?).await?;
                let written = engine.sealed_write_in(tx, act, &access, &path, write);
                written.await.map(Some)
            })
        })
        .await
    }

    async fn sealed_write_in(
        &self,
        tx: &mut Tx,
        act: &mut Act,
        access: &Access,
        path: &SecretAt,
        write: SecretWrite,
    ) -> Result<SecretInfo, Error> {
        let vault = access.vault.facts.id;
        let permissions = &[Permission::Write];
        let written = self.secret_write_in(tx, act, vault, path, write, permissions);
        let info = written.await?.info;
        // Only now, and all is undone: what may not be written is refused before what does not fit.
        require_taken_over(tx.conn(), act, access).await?;
        Ok(info)
    }

    /// What can be decided before any costly work: what the table says, and that the request is about the caller's own organization.
    /// A refusal is recorded.
    pub(super) async fn sealed_permitted(
        &self,
        caller: &Caller,
        action: Action,
        organization: OrganizationId,
        about: impl Fn(&mut Act),
    ) -> Result<(), Error> {
        self.permitted(caller, action, &about).await?;
        if organization == caller.organization {
            return Ok(());
        }
        let refused = self.look(caller, action, async |_, act| {
            about(act);
            act.require_organization(organization)
        });
        refused.await
    }

    /// The text of a sealed value.
    async fn sealed_open(
        &self,
        organization: OrganizationId,
        value: Sealed,
    ) -> Result<Secret, Error> {
        let keys = self.transport_keys(organization).await?;
        let Sealed { body, key, field } = value;
        let opened = self.rsa().run(move || {
            let keys = keys.iter().map(AsRef::as_ref);
            match key {
                None => TransportKey::open(keys, &body),
                Some(wrapped) => open_hybrid(keys, &wrapped, &body),
            }
        });
        opened
            .await?
            .ok()
            .filter(|value| value.expose_text().is_some())
            .ok_or_else(|| Error::invalid(field, "does not open with the organization's key"))
    }
}

/// That whoever made the vault, and so owns what is in it, may own what administrators put there (RULES §2).
async fn require_taken_over(conn: &mut Conn, act: &Act, access: &Access) -> Result<(), Error> {
    let Some(maker) = &access.vault.facts.maker else {
        return Ok(());
    };
    let is_administrator = match maker.principal {
        PolicyPrincipal::User(user) => {
            act.caller.user().is_some_and(|caller| caller.id == user)
                || user_find(conn, act.caller.organization, user).await?.role >= Role::Admin
        }
        PolicyPrincipal::Agent(_) => false,
    };
    if is_administrator {
        Ok(())
    } else {
        Err(Error::Conflict(Conflict::NotTakenOver))
    }
}
