//! `env_file`: a file of variables below a directory that the server's configuration names.
//!
//! The file is `<root>/<organization>/<name>`: its name is the one member of a request that becomes part of a path, and its
//! grammar has neither dots nor slashes (NT-37).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::directory;
use super::source::Source;
use super::sync::{Piece, Trouble};
use super::variables;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::OrganizationId;

/// Which file to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvFile {
    /// Its name: 1–64 of lower-case letters, digits, `-` and `_`.
    pub name: String,
}

impl EnvFile {
    pub(super) fn check(&self, has_credential: bool) -> Result<(), Error> {
        if !is_name(&self.name) {
            let why = "must be 1 to 64 lower-case letters, digits, hyphens and underscores";
            return Err(Error::invalid("config.name", why));
        }
        if has_credential {
            let why = "is for types that prove themselves; a file needs none";
            return Err(Error::invalid("credential_record_id", why));
        }
        Ok(())
    }

    /// The file.
    pub(super) fn pieces(&self, source: &Source) -> Result<Vec<Piece>, String> {
        let content = variables::assignments(&source.secrets)?;
        Ok(vec![Piece {
            place: self.name.clone(),
            digest: source.digest_of(&[content.expose()]),
            content,
            secrets: (0..source.secrets.len()).collect(),
        }])
    }
}

/// Whether a file below the root may be called so.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        })
}

impl Engine {
    /// The directory that files are written below; `Invalid` where the configuration names none.
    pub(super) fn require_env_file_root(&self) -> Result<PathBuf, Error> {
        let root = self.settings().env_file_root.clone();
        root.ok_or_else(|| {
            let why = "is not served here: this server is configured with no directory for files";
            Error::invalid("type", why)
        })
    }

    /// Write an organization's file.
    pub(super) async fn env_file_write(
        &self,
        organization: OrganizationId,
        piece: &Piece,
    ) -> Result<(), Trouble> {
        let root = self.env_file_root()?;
        let (name, content) = (piece.place.clone(), piece.content.duplicate());
        let written = self.files().run(move || {
            directory::write(&root, &organization.to_string(), &name, content.expose())
        });
        Ok(written.await??)
    }

    /// Remove an organization's file, if there is one.
    pub(super) async fn env_file_remove(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<(), Trouble> {
        let root = self.env_file_root()?;
        let name = name.to_owned();
        let removed = self
            .files()
            .run(move || directory::remove(&root, &organization.to_string(), &name));
        Ok(removed.await??)
    }

    /// Find out whether an organization's files could be written.
    pub(super) async fn env_file_try(&self, organization: OrganizationId) -> Result<(), Trouble> {
        let root = self.env_file_root()?;
        let tried = self
            .files()
            .run(move || directory::try_out(&root, &organization.to_string()));
        Ok(tried.await??)
    }

    fn env_file_root(&self) -> Result<PathBuf, Trouble> {
        self.require_env_file_root()
            .map_err(|_| Trouble::lasting("This server has no directory for files any more."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NT-37
    #[test]
    fn a_name_never_leads_anywhere() {
        for name in ["a", "billing-prod_2", &"x".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "../x",
            "/x",
            "x/y",
            "x\\y",
            ".x",
            "x.env",
            "X",
            "x y",
            "x\0",
            "é",
            "%2e",
            &"x".repeat(65),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
