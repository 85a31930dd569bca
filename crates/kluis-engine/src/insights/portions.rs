//! The secrets of an analysis, some at a time: without values, which are opened one by one.

use serde::{Deserialize, Serialize};

use super::analyze::AnalysisScope;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, SecretId, VaultId};
use crate::secrets::{SecretInfo, Unattended, secret_of_columns};
use crate::store::sql::insights as sql;
use crate::store::{params, unexpected};

/// Where a walk through secrets stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// In this vault; the first of its scope at the beginning.
    vault: Option<[u8; 16]>,
    /// Behind this path of it.
    path: String,
    /// Of a cluster: behind this secret.
    secret: Option<[u8; 16]>,
}

/// Some secrets, and where they end.
pub(super) struct Portion {
    pub(super) secrets: Vec<SecretInfo>,
    /// Where the next begins; none where there is no next.
    pub(super) next: Option<Place>,
}

const SIZE: i64 = 100;
const SIZE_ROWS: usize = 100;

impl Engine {
    /// The vaults of a scope, in the order in which they are gone through.
    pub(super) async fn analysis_vaults(
        &self,
        organization: OrganizationId,
        scope: AnalysisScope,
    ) -> Result<Vec<VaultId>, Error> {
        match scope {
            AnalysisScope::Vault(vault) => Ok(vec![vault]),
            AnalysisScope::Cluster(_) => Ok(Vec::new()),
            AnalysisScope::All => {
                let mut reader = self.store().reader().await?;
                let of = params![organization.bytes()];
                let rows = reader.conn()?.query(sql::VAULTS, of).await?;
                let ids = rows.into_iter().map(|mut row| row.array());
                Ok(ids
                    .map(|id| id.map(VaultId::from_bytes))
                    .collect::<Result<_, _>>()?)
            }
        }
    }

    /// How many secrets are in a scope.
    pub(super) async fn analysis_size(
        &self,
        organization: OrganizationId,
        scope: AnalysisScope,
    ) -> Result<u64, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let (statement, of) = match &scope {
            AnalysisScope::All => (sql::COUNT_ALL, organization.bytes()),
            AnalysisScope::Vault(vault) => (sql::COUNT_IN_VAULT, vault.bytes()),
            AnalysisScope::Cluster(cluster) => (sql::COUNT_IN_CLUSTER, cluster.bytes()),
        };
        let row = conn.query_one(statement, params![of]).await?;
        Ok(u64::try_from(row.ok_or_else(unexpected)?.int()?).unwrap_or(0))
    }

    /// The next secrets behind a place.
    pub(super) async fn analysis_portion(
        &self,
        scope: AnalysisScope,
        vaults: &[VaultId],
        place: &Place,
        now: Timestamp,
    ) -> Result<Portion, Error> {
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let begun = place.vault.map(VaultId::from_bytes);
        let mut left = vaults
            .iter()
            .filter(|vault| begun.is_none_or(|begun| **vault >= begun));
        let vault = left.next().copied();
        let path = if vault == begun {
            place.path.as_str()
        } else {
            ""
        };
        let rows = match (scope, vault) {
            (AnalysisScope::Cluster(cluster), _) => {
                let behind = place.secret.unwrap_or([0; 16]);
                let of = params![cluster.bytes(), &behind, SIZE];
                conn.query(sql::IN_CLUSTER, of).await?
            }
            (_, Some(vault)) => {
                let of = params![vault.bytes(), path, SIZE];
                conn.query(sql::IN_VAULT, of).await?
            }
            (_, None) => Vec::new(),
        };
        let is_full = rows.len() >= SIZE_ROWS;
        let mut secrets = Vec::with_capacity(rows.len());
        for mut row in rows {
            let vault = VaultId::from_bytes(row.array()?);
            secrets.extend(secret_of_columns(&mut row, vault, now)?);
        }
        let next = match (secrets.last().filter(|_| is_full), scope) {
            (Some(last), AnalysisScope::Cluster(_)) => Some(Place {
                secret: Some(*last.id.bytes()),
                ..Place::default()
            }),
            (Some(last), _) => Some(Place {
                vault: Some(*last.vault.bytes()),
                path: last.path.clone(),
                secret: None,
            }),
            (None, _) => left.next().map(|vault| Place {
                vault: Some(*vault.bytes()),
                ..Place::default()
            }),
        };
        Ok(Portion { secrets, next })
    }

    /// One secret with its value, where that can be had without being counted; none where it is gone meanwhile.
    pub(super) async fn analysis_value(
        &self,
        organization: OrganizationId,
        secret: SecretId,
    ) -> Result<Option<Unattended>, Error> {
        let mut reader = self.store().reader().await?;
        let opened = self.secret_unattended(reader.conn()?, organization, secret);
        match opened.await {
            Err(Error::NotFound) => Ok(None),
            opened => opened.map(Some),
        }
    }
}
