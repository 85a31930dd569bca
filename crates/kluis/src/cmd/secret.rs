//! `kluis secret`

use clap::Subcommand;
use kluis_client::{Error, SecretText, cloudkeep};

use super::{Context, input};
use crate::failure::{Code, Failure};
use crate::output::{Cell, LISTING, Records};
use crate::remote::{Remote, VaultAt, VaultFlag};
use crate::suggest::did_you_mean;
use crate::terminal::say;

/// List, delete and look into secrets
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
    Versions {
        /// Key of the secret
        key: String,
        #[command(flatten)]
        vault: VaultFlag,
    },
}

impl Secret {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List { vault } => list(context, &vault).await,
            Self::Delete { key, yes, vault } => delete(context, &vault, &key, yes).await,
            Self::Versions { key, vault } => versions(context, &vault, &key).await,
        }
    }
}

async fn list(context: &Context, vault: &VaultFlag) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let server = context.server()?;
    let vault = server.vault(vault, "cannot list the secrets").await?;
    let secrets = server.client.cloudkeep().secrets(&vault.id).await;
    let secrets = secrets.map_err(|error| {
        server.secret_failure(format!("cannot list vault '{}'", vault.name), &error)
    })?;
    let rows = secrets
        .into_iter()
        .map(|secret| {
            vec![
                secret.key.into(),
                secret.kind.into(),
                secret.updated_at.into(),
                secret.id.into(),
            ]
        })
        .collect();
    Records::list(&["key", "type", "updated_at", "id"], rows).print(format)
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

async fn versions(context: &Context, vault: &VaultFlag, key: &str) -> Result<(), Failure> {
    let format = context.format(LISTING)?;
    let what = format!("cannot list the versions of '{key}'");
    if !is_path(key) {
        return Err(Failure::usage(
            what,
            "versions are listed by path, and a path holds only letters, digits, - and _, with single slashes between",
            "the current version is there with kluis get; keep what needs its versions under such a path",
        ));
    }
    let server = context.server()?;
    let vault = server.vault(vault, what.as_str()).await?;
    let versions = server
        .client
        .oneclaw()
        .secret_versions(&vault.id, key)
        .await;
    let versions = versions.map_err(|error| {
        server.secret_failure(format!("{what} in vault '{}'", vault.name), &error)
    })?;
    let rows = versions
        .into_iter()
        .map(|version| {
            vec![
                Cell::Number(version.version),
                version.kind.into(),
                version.created_at.into(),
                version.expires_at.into(),
                Cell::Flag(version.is_disabled),
            ]
        })
        .collect();
    Records::list(
        &["version", "type", "created_at", "expires_at", "disabled"],
        rows,
    )
    .print(format)
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
    // Versions tell the id without reading a value, so nothing but the wanted secret stands in the record as read. They are
    // there for keys that are paths; whoever is refused them finds the secret in no list either.
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
    let secrets = server.client.cloudkeep().secrets(&vault.id).await;
    let secrets = secrets.map_err(|error: Error| server.secret_failure(what(), &error))?;
    if let Some(secret) = secrets.iter().find(|secret| secret.key == key) {
        return Ok(secret.id.clone());
    }
    Err(absent(did_you_mean(
        key,
        secrets.iter().map(|secret| secret.key.as_str()),
    )))
}

/// Whether a key is a path as the 1claw API spells them.
fn is_path(key: &str) -> bool {
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
