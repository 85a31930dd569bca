//! Records: credentials of named fields (contract B3), as far as other calls name them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CredVault;
use crate::Error;
use crate::http::Call;

impl CredVault<'_> {
    /// The record of this name in this collection, if the caller sees one.
    pub async fn record_named(self, collection: &str, name: &str) -> Result<Option<Record>, Error> {
        let segments = ["v1", "collections", collection, "records"];
        // A comma stands between alternatives, so a name that has one is looked for by what it contains.
        let filter = if name.contains(',') {
            "name_contains"
        } else {
            "name"
        };
        let found: Vec<Record> = self.list(&segments, &[(filter, name)]).await?;
        Ok(found.into_iter().find(|record| record.name == name))
    }

    /// Changes a record; what is `None` stays.
    pub async fn record_update(
        self,
        record: &Record,
        change: &RecordChange<'_>,
    ) -> Result<Record, Error> {
        let segments = [
            "v1",
            "collections",
            &record.collection,
            "records",
            &record.id,
        ];
        self.one(Call::patch(&segments).json(change)?).await
    }
}

/// What changes about a record; what is `None` stays.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RecordChange<'a> {
    /// The cluster whose user it is; `Some(None)` lets it go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<Option<&'a str>>,
    /// Members of its plain fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<&'a str, &'a str>,
}

/// A credential without its secret.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// `resource_` and 22 characters.
    pub id: String,
    /// Name of the collection, which is a vault.
    pub collection: String,
    /// Its name there.
    pub name: String,
    /// `database`, `api_key`, `password`, `certificate`, `ssh_key` or `generic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `active`, `expired`, `disabled` or `pending_rotation`.
    pub status: String,
    /// Rises with every change of the secret.
    pub version: u64,
    /// When the secret was last replaced, RFC 3339, UTC.
    #[serde(default)]
    pub last_rotated_at: Option<String>,
}
