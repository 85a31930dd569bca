//! `kluis secret`

use clap::Subcommand;
use kluis_client::{Error, SecretText, cloudkeep};

use super::versions::{At, AtVersion, Rotate};
use super::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::remote::{Remote, VaultAt, VaultFlag};
use crate::suggest::did_you_mean;
use crate::terminal::say;

/// List, delete, rotate and look into secrets
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// List the secrets of a vault, without values
    List {
        #[command(flatten)]
        vault: VaultFlag,
    },
    /// Delete a secret with all its versions, for good
    Delete {
        /// Key of the secret
        key: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        vault: VaultFlag,
    },
    /// List the versions of a secret, newest first, without values
    Versions(At),
    /// Have the server make a new value, which nobody is shown
    Rotate(Rotate),
    /// Make the value of an older version the current one, as a new version
    Rollback(AtVersion),
    /// Take a version out of use; it is kept, and cannot be read
    Disable(AtVersion),
    /// Close a secret; for 30 days it can be restored
    Close(At),
    /// Open again what was closed
    Restore(At),
    /// Destroy what was closed, for good
    Purge {
        #[command(flatten)]
        at: At,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Secret {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List { vault } => list(context, &vault).await,
            Self::Delete { key, yes, vault } => delete(context, &vault, &key, yes).await,
            Self::Versions(at) => at.versions(context).await,
            Self::Rotate(rotate) => rotate.run(context).await,
            Self::Rollback(at) => at.rollback(context).await,
            Self::Disable(at) => at.disable(context).await,
            Self::Close(at) => at.close(context).await,
            Self::Restore(at) => at.restore(context).await,
            Self::Purge { at, yes } => at.purge(context, yes).await,
        }
    }
}

async fn list(context: &Context, vault: &VaultFlag) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let vault = server.vault(vault, "cannot list the secrets").await?;
    let secrets = server.client.oneclaw().secrets(&vault.id).await;
    let secrets = secrets.map_err(|error| {
        server.secret_failure(format!("cannot list vault '{}'", vault.name), &error)
    })?;
    let rows = secrets
        .into_iter()
        .map(|secret| {
            vec![
                secret.path.into(),
                secret.kind.into(),
                Cell::Number(secret.version),
                secret.created_at.into(),
                secret.expires_at.into(),
                secret.id.into(),
            ]
        })
        .collect();
    let columns = &["key", "type", "version", "created_at", "expires_at", "id"];
    Records::list(columns, rows).print(format)
}

async fn delete(context: &Context, vault: &VaultFlag, key: &str, yes: bool) -> Result<(), Failure> {
    let server = context.server()?;
    let what = format!("cannot delete '{key}'");
    let vault = server.vault(vault, what.as_str()).await?;
    let what = || format!("{what} in vault '{}'", vault.name);
    let id = id(&server, &vault, key, what).await?;
    input::make_sure(
        yes,
        &format!("secret '{key}' of vault '{}'", vault.name),
        key,
    )?;
    let deleted = server
        .client
        .cloudkeep()
        .secret_delete(&vault.id, &id)
        .await;
    deleted.map_err(|error| server.secret_failure(what(), &error))?;
    say(&format!("'{key}' deleted from vault '{}'", vault.name));
    Ok(())
}

/// Reads the secret with this key, alone where its id can be had alone: the secret and its value.
pub(super) async fn read(
    server: &Remote,
    vault: &VaultAt,
    key: &str,
) -> Result<(cloudkeep::Secret, SecretText), Failure> {
    let what = || format!("cannot read '{key}' in vault '{}'", vault.name);
    let id = id(server, vault, key, what).await?;
    let secret = server.client.cloudkeep().secret(&vault.id, &id).await;
    let mut secret = secret.map_err(|error| server.secret_failure(what(), &error))?;
    match secret.value.take() {
        Some(value) => Ok((secret, value)),
        None => Err(Failure::new(
            Code::NotFound,
            what(),
            "the server sent no value",
            "see its versions with kluis secret versions",
        )),
    }
}

/// The id of the secret with this key. `what` is what could not be done without it.
pub(super) async fn id(
    server: &Remote,
    vault: &VaultAt,
    key: &str,
    what: impl Fn() -> String,
) -> Result<String, Failure> {
    let absent = |hint: String| {
        Failure::new(
            Code::NotFound,
            what(),
            format!("there is no secret of that key{hint}"),
            format!(
                "see the secrets with kluis secret list --vault '{}'",
                vault.name
            ),
        )
    };
    // Neither versions nor the list of names read a value, so nothing but the wanted secret stands in the record as read.
    // Versions are there for keys that are paths; whoever is refused them finds the secret in no list either.
    if is_path(key) {
        match server
            .client
            .oneclaw()
            .secret_versions(&vault.id, key)
            .await
        {
            Ok(versions) => match versions.into_iter().next() {
                Some(version) => return Ok(version.id),
                None => return Err(absent(String::new())),
            },
            Err(error) if matches!(error.status(), Some(404 | 410)) => {
                return Err(absent(String::new()));
            }
            Err(error) => return Err(server.secret_failure(what(), &error)),
        }
    }
    let secrets = server.client.oneclaw().secrets(&vault.id).await;
    let secrets = secrets.map_err(|error: Error| server.secret_failure(what(), &error))?;
    if let Some(secret) = secrets.iter().find(|secret| secret.path == key) {
        return Ok(secret.id.clone());
    }
    Err(absent(did_you_mean(
        key,
        secrets.iter().map(|secret| secret.path.as_str()),
    )))
}

/// Whether a key is a path as the 1claw API spells them.
pub(super) fn is_path(key: &str) -> bool {
    key.split('/').all(|segment| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn paths_are_told_from_other_keys() {
        for key in ["A", "API_KEY", "db/main/pw", "-_/0"] {
            assert!(is_path(key), "{key}");
        }
        for key in ["", "/a", "a/", "a//b", "a.b", "a b", "..", "\u{e9}"] {
            assert!(!is_path(key), "{key:?}");
        }
    }
}
