//! Who sees what of insights (RULES §2): owners and admins all, others those about secrets whose names they see, and about their own
//! keys and reads. What a value is like is told only to who may read it, and that two are equal only to who may read both:
//! otherwise somebody could write guesses, and be told which one is another's password.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use uuid::Uuid;

use super::checks::reused;
use super::insight::{Evidence, Insight, InsightSubject};
use super::kind::{InsightKind, InsightStatus, Score};
use crate::access::{Access, VaultRow};
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{InsightId, UserId, VaultId};
use crate::policy::{Permission, Subject, Verdict};
use crate::store::sql::insights as sql;
use crate::store::{Conn, Row, params, unexpected};

/// What a caller may do in vaults and with secrets, as far as it was asked already.
#[derive(Default)]
pub(super) struct Sight {
    vaults: BTreeMap<VaultId, Option<Access>>,
    readable: BTreeMap<Uuid, bool>,
}

/// An insight as it is stored.
struct Stored {
    insight: Insight,
    evidence: Evidence,
    /// Whose key it is about.
    key_user: Option<UserId>,
    /// Type, tags and vault of the secret that it is about.
    secret: Option<(String, Vec<String>, VaultRow)>,
}

impl Engine {
    /// The insights that the caller sees, oldest first.
    pub async fn insight_list(&self, caller: &Caller) -> Result<Vec<Insight>, Error> {
        self.look(caller, Action::InsightList, async |conn, act| {
            self.insights_seen(conn, act).await
        })
        .await
    }

    /// One insight; `NotFound` for one that the caller does not see.
    pub async fn insight_read(&self, caller: &Caller, id: InsightId) -> Result<Insight, Error> {
        self.look(caller, Action::InsightRead, async |conn, act| {
            self.insight_find(conn, act, id).await
        })
        .await
    }

    pub(super) async fn insights_seen(
        &self,
        conn: &mut Conn,
        act: &Act,
    ) -> Result<Vec<Insight>, Error> {
        let of = params![act.caller.organization.bytes()];
        let mut sight = Sight::default();
        let mut seen = Vec::new();
        for row in conn.query(sql::OF_ORGANIZATION, of).await? {
            let Some(stored) = Stored::from_row(row)? else {
                continue;
            };
            seen.extend(self.insight_shown(conn, act, stored, &mut sight).await?);
        }
        Ok(seen)
    }

    pub(super) async fn insight_find(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        id: InsightId,
    ) -> Result<Insight, Error> {
        act.names("insight", *id.bytes());
        let of = params![act.caller.organization.bytes(), id.bytes()];
        let row = conn.query_one(sql::BY_ID, of).await?;
        let stored = row.map(Stored::from_row).transpose()?.flatten();
        let stored = stored.ok_or(Error::NotFound)?;
        let mut sight = Sight::default();
        let shown = self.insight_shown(conn, act, stored, &mut sight).await?;
        shown.ok_or(Error::Hidden)
    }

    /// What the caller sees of it, if it sees it.
    async fn insight_shown(
        &self,
        conn: &mut Conn,
        act: &Act,
        stored: Stored,
        sight: &mut Sight,
    ) -> Result<Option<Insight>, Error> {
        let Stored {
            mut insight,
            evidence,
            key_user,
            secret,
        } = stored;
        let me = act.caller.user().map(|user| user.id);
        let own = match insight.subject {
            InsightSubject::Secret(_) => None,
            InsightSubject::ApiKey(_) => Some(key_user),
            InsightSubject::User(user) => Some(Some(user)),
            InsightSubject::Agent(_) => Some(None),
        };
        if let Some(whose) = own {
            let sees = administers(&act.caller) || whose.is_some() && whose == me;
            insight.evidence = Some(evidence);
            return Ok(sees.then_some(insight));
        }
        let Some((kind, tags, vault)) = secret else {
            return Ok(None);
        };
        insight.vault = Some(vault.name.clone());
        let subject = Subject {
            path: &insight.name,
            kind: Some(&kind),
            tags: &tags,
        };
        let (sees, reads) = self.secret_sight(conn, act, vault, &subject, sight).await?;
        let id = Uuid::from_bytes(*insight.subject.id_bytes());
        sight.readable.insert(id, reads);
        if !sees {
            return Ok(None);
        }
        match evidence {
            Evidence::Reused { others, count } => {
                let mut readable = Vec::new();
                for other in &others {
                    if reads && self.is_readable(conn, act, *other, sight).await? {
                        readable.push(*other);
                    }
                }
                if readable.is_empty() {
                    return Ok(None);
                }
                if !administers(&act.caller) || readable.len() < others.len() {
                    let count = readable.len() + 1;
                    insight.score = reused::score(count);
                    let others = readable;
                    insight.evidence = Some(Evidence::Reused { others, count });
                } else {
                    insight.evidence = Some(Evidence::Reused { others, count });
                }
            }
            _ if insight.kind.tells_of_values() && !reads => {
                insight.score = insight.score.coarse();
            }
            evidence => insight.evidence = Some(evidence),
        }
        Ok(Some(insight))
    }

    /// Whether the caller sees the name of a secret, and may read its value.
    async fn secret_sight(
        &self,
        conn: &mut Conn,
        act: &Act,
        vault: VaultRow,
        subject: &Subject<'_>,
        sight: &mut Sight,
    ) -> Result<(bool, bool), Error> {
        let id = vault.facts.id;
        if let Entry::Vacant(place) = sight.vaults.entry(id) {
            let access = match self.access_of(conn, act, vault).await {
                Err(Error::Hidden | Error::NotFound) => None,
                access => Some(access?),
            };
            place.insert(access);
        }
        let Some(Some(access)) = sight.vaults.get(&id) else {
            return Ok((false, false));
        };
        let standing = access.standing(&act.caller);
        let reads = act.caller.within_scopes(Action::SecretRead.rule().scopes)
            && matches!(
                standing.decide(Permission::Read, subject),
                Verdict::Allow(_)
            );
        Ok((standing.sees(subject), reads))
    }

    /// Whether the caller may read the value of another secret.
    async fn is_readable(
        &self,
        conn: &mut Conn,
        act: &Act,
        secret: Uuid,
        sight: &mut Sight,
    ) -> Result<bool, Error> {
        if let Some(reads) = sight.readable.get(&secret) {
            return Ok(*reads);
        }
        let of = params![act.caller.organization.bytes(), secret.as_bytes()];
        let reads = match conn.query_one(sql::SECRET, of).await? {
            None => false,
            Some(mut row) => {
                let (path, kind): (String, String) = (row.text()?, row.text()?);
                let tags: Vec<String> = row.json()?;
                let vault = VaultRow::from_columns(&mut row)?;
                let subject = Subject {
                    path: &path,
                    kind: Some(&kind),
                    tags: &tags,
                };
                self.secret_sight(conn, act, vault, &subject, sight)
                    .await?
                    .1
            }
        };
        sight.readable.insert(secret, reads);
        Ok(reads)
    }
}

/// Whether the caller sees all insights there are.
fn administers(caller: &Caller) -> bool {
    caller.role() >= Some(Role::Admin)
}

impl Stored {
    /// From the columns of `sql::OF_ORGANIZATION`; none where what it is about is gone.
    fn from_row(mut row: Row) -> Result<Option<Self>, Error> {
        let id = InsightId::from_bytes(row.array()?);
        let kind = InsightKind::parse(&row.text()?).ok_or_else(unexpected)?;
        let word = row.text()?;
        let subject = InsightSubject::from_stored(&word, row.array()?).ok_or_else(unexpected)?;
        let score = Score::from_stored(row.int()?).ok_or_else(unexpected)?;
        let evidence: Evidence = row.json()?;
        let status = InsightStatus::parse(&row.text()?).ok_or_else(unexpected)?;
        let (detected_at, resolved_at): (Timestamp, _) = (row.time()?, row.optional_time()?);
        let (created_at, updated_at) = (row.time()?, row.time()?);
        let Some(name) = row.optional_text()? else {
            return Ok(None);
        };
        let key_user = row.optional_array()?.map(UserId::from_bytes);
        let secret = match (row.optional_text()?, row.optional_text()?) {
            (Some(kind), Some(tags)) => {
                let tags = serde_json::from_str(&tags).map_err(|_| unexpected())?;
                Some((kind, tags, VaultRow::from_columns(&mut row)?))
            }
            _ => None,
        };
        Ok(Some(Self {
            insight: Insight {
                id,
                kind,
                subject,
                name,
                vault: None,
                score,
                evidence: None,
                status,
                detected_at,
                resolved_at,
                created_at,
                updated_at,
            },
            evidence,
            key_user,
            secret,
        }))
    }
}
