//! Secrets that are bound to a cluster: a user of its servers each, whose password is changed there.
//!
//! Who may write a secret may write any name into it. So the name whose password is changed is the one that the secret had
//! when an owner or admin bound it, and nothing is changed while it has another: otherwise a member could have the password
//! of any user set, and read it.

use std::collections::BTreeMap;

use super::{Cluster, administers_clusters, cluster_find, cluster_to_change};
use crate::access::VaultRow;
use crate::act::Act;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ClusterId, SecretId, UserId};
use crate::policy::Subject;
use crate::secrets::{SecretInfo, secret_of_columns};
use crate::store::sql::clusters as sql;
use crate::store::{Conn, Failure, Row, params};
use crate::targets::DatabaseKind;

/// A secret that is bound to a cluster, with the name of its vault.
pub struct InCluster {
    /// The name of the vault that it is in.
    pub vault: String,
    /// The secret, without its value.
    pub secret: SecretInfo,
}

/// What a secret is bound to.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) secret: SecretId,
    pub(crate) cluster: ClusterId,
    /// The user whose password it has; or, with an alternate, one of the two that it has in turn.
    pub(crate) username: String,
    pub(crate) alternate: Option<String>,
    /// Who has bound it, and so lets its value be replaced.
    pub(crate) bound_by: UserId,
}

/// What a secret's plain fields say of a database.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) username: Option<String>,
    pub(crate) alternate: Option<String>,
    pub(crate) database: Option<String>,
}

/// The user that Redis has from the start, for whom nobody writes a name.
const REDIS_USER: &str = "default";

impl Engine {
    /// The secrets that are bound to a cluster and whose names the caller sees, oldest first.
    pub async fn cluster_record_list(
        &self,
        caller: &Caller,
        id: ClusterId,
    ) -> Result<Vec<InCluster>, Error> {
        self.look(caller, Action::ClusterRecordList, async |conn, act| {
            cluster_find(conn, act, id).await?;
            let mut seen = Vec::new();
            for mut row in conn.query(sql::BOUND, params![id.bytes()]).await? {
                let vault = VaultRow::from_columns(&mut row)?;
                let (name, vault_id) = (vault.name.clone(), vault.facts.id);
                let Some(secret) = secret_of_columns(&mut row, vault_id, act.now)? else {
                    continue;
                };
                let access = match self.access_of(conn, act, vault).await {
                    Err(Error::Hidden) => continue,
                    access => access?,
                };
                let subject = Subject {
                    path: &secret.path,
                    kind: Some(&secret.kind),
                    tags: &secret.tags,
                };
                if access.standing(&act.caller).sees(&subject) {
                    let vault = name;
                    seen.push(InCluster { vault, secret });
                }
            }
            Ok(seen)
        })
        .await
    }

    /// How many bound secrets the caller sees, by cluster.
    pub(super) async fn bound_counts(
        &self,
        conn: &mut Conn,
        act: &Act,
    ) -> Result<BTreeMap<ClusterId, u64>, Error> {
        let of = params![act.caller.organization.bytes()];
        let mut counts = BTreeMap::new();
        for mut row in conn.query(sql::BOUND_SUBJECTS, of).await? {
            let vault = VaultRow::from_columns(&mut row)?;
            let cluster = ClusterId::from_bytes(row.array()?);
            let (path, kind): (String, String) = (row.text()?, row.text()?);
            let tags: Vec<String> = row.json()?;
            let access = match self.access_of(conn, act, vault).await {
                Err(Error::Hidden) => continue,
                access => access?,
            };
            let subject = Subject {
                path: &path,
                kind: Some(&kind),
                tags: &tags,
            };
            if access.standing(&act.caller).sees(&subject) {
                *counts.entry(cluster).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// Bind a secret, with these plain fields, to a cluster, or let it go. `Forbidden` to all but owners and admins; `Invalid`
    /// for a cluster that there is not, and for a secret that names no user.
    pub(crate) async fn secret_bind(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        secret: SecretId,
        fields: &str,
        cluster: Option<ClusterId>,
    ) -> Result<(), Error> {
        let user = act
            .caller
            .user()
            .filter(|_| administers_clusters(&act.caller));
        let within = act
            .caller
            .within_scopes(Action::ClusterUpdate.rule().scopes);
        let user = user.filter(|_| within).ok_or(Error::Forbidden)?.id;
        conn.execute(sql::UNBIND, params![secret.bytes()]).await?;
        let to = cluster.as_ref().map(ClusterId::bytes);
        conn.execute(sql::POINT, params![secret.bytes(), to])
            .await?;
        let Some(id) = cluster else {
            return Ok(());
        };
        let mut beside = act.clone();
        let cluster = match cluster_to_change(conn, &mut beside, id).await {
            Err(Error::NotFound) => {
                return Err(Error::invalid("cluster_id", "must be the id of a cluster"));
            }
            cluster => cluster?,
        };
        let names = names_of(fields);
        let username = name_in(&cluster, names.username)?;
        if names.alternate.as_ref() == Some(&username) {
            let why = "must be another user than fields.username";
            return Err(Error::invalid("fields.alternate_username", why));
        }
        let row = params![
            secret.bytes(),
            id.bytes(),
            &username,
            names.alternate.as_ref(),
            user.bytes(),
            act.now
        ];
        conn.execute(sql::BIND, row).await?;
        Ok(())
    }
}

impl Binding {
    /// From the columns of `clusters::BINDING`.
    pub(crate) fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            secret: SecretId::from_bytes(row.array()?),
            cluster: ClusterId::from_bytes(row.array()?),
            username: row.text()?,
            alternate: row.optional_text()?,
            bound_by: UserId::from_bytes(row.array()?),
        })
    }

    /// The user whose password is changed next, where the secret has that of `current` now; none where that is not one of
    /// those who were bound.
    pub(crate) fn next_after(&self, current: &str) -> Option<&str> {
        match &self.alternate {
            None => (current == self.username).then_some(&self.username),
            Some(alternate) if current == self.username => Some(alternate),
            Some(alternate) if current == alternate => Some(&self.username),
            Some(_) => None,
        }
    }
}

/// The user that a secret is of, on the servers of `cluster`.
fn name_in(cluster: &Cluster, stated: Option<String>) -> Result<String, Error> {
    match (stated, cluster.kind) {
        (Some(name), _) => Ok(name),
        (None, DatabaseKind::Redis) => Ok(REDIS_USER.to_owned()),
        (None, _) => {
            let why = "must name the user, for a record of a cluster";
            Err(Error::invalid("fields.username", why))
        }
    }
}

/// What plain fields, the text of a JSON object, say of a database.
pub(crate) fn names_of(fields: &str) -> Names {
    let Ok(mut fields) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(fields)
    else {
        return Names::default();
    };
    let mut text = |name: &str| match fields.remove(name) {
        Some(serde_json::Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    Names {
        username: text("username"),
        alternate: text("alternate_username"),
        database: text("database"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(alternate: Option<&str>) -> Binding {
        Binding {
            secret: SecretId::from_bytes([1; 16]),
            cluster: ClusterId::from_bytes([2; 16]),
            username: "app".to_owned(),
            alternate: alternate.map(str::to_owned),
            bound_by: UserId::from_bytes([3; 16]),
        }
    }

    #[test]
    fn only_a_user_who_was_bound_gets_another_password() {
        let one = binding(None);
        assert_eq!(one.next_after("app"), Some("app"));
        assert_eq!(one.next_after("postgres"), None);
        let two = binding(Some("app_b"));
        assert_eq!(two.next_after("app"), Some("app_b"));
        assert_eq!(two.next_after("app_b"), Some("app"));
        assert_eq!(two.next_after("postgres"), None);
    }
}
