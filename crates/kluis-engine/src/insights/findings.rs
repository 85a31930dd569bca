//! What an analysis has found, on its way into the store: insights are made, opened again, brought up to date and resolved, with the
//! events that tell of it in the same transaction.

use std::collections::BTreeMap;

use super::checks::Found;
use super::insight::InsightSubject;
use super::kind::{InsightKind, InsightStatus, Severity};
use super::transition::{Known, Transition, transition};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{InsightId, OrganizationId};
use crate::store::sql::insights as sql;
use crate::store::{Conn, Touches, Tx, params, unexpected};
use crate::webhooks::{About, Happening, WebhookEvent};

/// What was looked for in one thing, and what of it was found. What is not among these kinds stays as it is.
pub(super) struct Judged {
    pub(super) subject: InsightSubject,
    pub(super) kinds: BTreeMap<InsightKind, Option<Found>>,
}

/// One insight, as it is stored.
struct Stored {
    id: InsightId,
    known: Known,
}

impl Judged {
    /// Nothing was looked for yet.
    pub(super) fn new(subject: InsightSubject) -> Self {
        Self {
            subject,
            kinds: BTreeMap::new(),
        }
    }
}

impl Engine {
    /// Bring the insights about these things up to date.
    pub(super) async fn insights_store(
        &self,
        organization: OrganizationId,
        judged: Vec<Judged>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut changed = Vec::new();
        {
            // Most things are as they were: nothing is locked and written for them.
            let mut reader = self.store().reader().await?;
            for judged in judged {
                let stored = stored(reader.conn()?, organization, judged.subject).await?;
                if !steps(&judged, &stored)?.is_empty() {
                    changed.push(judged);
                }
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let engine = self.clone();
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    let mut happenings = Vec::new();
                    for judged in &changed {
                        store(tx, organization, judged, now, &mut happenings).await?;
                    }
                    engine
                        .webhooks_tell(tx, organization, &happenings, now)
                        .await
                })
            })
            .await
    }
}

/// What there is about a thing.
async fn stored(
    conn: &mut Conn,
    organization: OrganizationId,
    subject: InsightSubject,
) -> Result<BTreeMap<InsightKind, Stored>, Error> {
    let of = params![organization.bytes(), subject.id_bytes()];
    let mut stored = BTreeMap::new();
    for mut row in conn.query(sql::OF_SUBJECT, of).await? {
        let id = InsightId::from_bytes(row.array()?);
        let kind = InsightKind::parse(&row.text()?).ok_or_else(unexpected)?;
        let status = InsightStatus::parse(&row.text()?).ok_or_else(unexpected)?;
        let known = Known {
            status,
            basis: row.text()?,
            told: (row.int()?, row.text()?),
        };
        stored.insert(kind, Stored { id, known });
    }
    Ok(stored)
}

/// What is to be done, for each kind for which that is anything, with the evidence as it is stored.
fn steps(
    judged: &Judged,
    stored: &BTreeMap<InsightKind, Stored>,
) -> Result<Vec<(InsightKind, Transition, String)>, Error> {
    let mut steps = Vec::new();
    for (kind, found) in &judged.kinds {
        let evidence = match found {
            Some(found) => serde_json::to_string(&found.evidence)
                .map_err(|cause| Error::internal(cause.to_string()))?,
            None => String::new(),
        };
        let known = stored.get(kind).map(|stored| &stored.known);
        let found = found.as_ref().map(|found| (found, evidence.as_str()));
        let step = transition(known, found);
        if step != Transition::Keep {
            steps.push((*kind, step, evidence));
        }
    }
    Ok(steps)
}

async fn store(
    tx: &mut Tx,
    organization: OrganizationId,
    judged: &Judged,
    now: Timestamp,
    happenings: &mut Vec<Happening>,
) -> Result<(), Error> {
    let (conn, subject) = (tx.conn(), judged.subject);
    if !subject_stays(conn, subject).await? {
        return Ok(());
    }
    let of = params![organization.bytes(), subject.id_bytes()];
    conn.lock(sql::LOCK_SUBJECT, of).await?;
    let stored = stored(conn, organization, subject).await?;
    for (kind, step, evidence) in steps(judged, &stored)? {
        let found = judged.kinds.get(&kind).and_then(Option::as_ref);
        let known = stored.get(&kind);
        let id = known.map(|stored| stored.id);
        let told = match (step, found, id) {
            (Transition::Open, Some(found), _) => {
                let id = insert(conn, organization, subject, kind, found, &evidence, now).await?;
                id.map(|id| (id, WebhookEvent::InsightOpened))
            }
            (Transition::Reopen, Some(found), Some(id)) => {
                let row = params![
                    id.bytes(),
                    found.score.stored(),
                    &found.basis,
                    &evidence,
                    now
                ];
                conn.execute(sql::REOPEN, row).await?;
                Some((id, WebhookEvent::InsightOpened))
            }
            (Transition::Refresh, Some(found), Some(id)) => {
                let row = params![
                    id.bytes(),
                    found.score.stored(),
                    &found.basis,
                    &evidence,
                    now
                ];
                conn.execute(sql::REFRESH, row).await?;
                None
            }
            (Transition::Resolve, _, Some(id)) => {
                let status = InsightStatus::Resolved.as_str();
                let row = params![id.bytes(), status, now, now];
                conn.execute(sql::SET_STATUS, row).await?;
                // Of one that was dismissed it was told already.
                let was_over = known.is_some_and(|stored| stored.known.status.is_over());
                (!was_over).then_some((id, WebhookEvent::InsightResolved))
            }
            _ => None,
        };
        if let Some((id, event)) = told.filter(|_| !kind.answers_guesses()) {
            let score = found.map(|found| found.score);
            let score = score.or_else(|| {
                known.and_then(|stored| super::kind::Score::from_stored(stored.known.told.0))
            });
            let severity = score.map_or(Severity::Low, super::kind::Score::severity);
            let about = about(conn, id, kind, severity, subject).await?;
            happenings.push(Happening { event, about });
        }
    }
    Ok(())
}

/// Whether the thing is still there; it does not go until the transaction ends.
async fn subject_stays(conn: &mut Conn, subject: InsightSubject) -> Result<bool, Error> {
    let statement = match subject {
        InsightSubject::Agent(_) => sql::LOCK_AGENT,
        InsightSubject::ApiKey(_) => sql::LOCK_API_KEY,
        InsightSubject::Secret(_) => sql::LOCK_SECRET,
        InsightSubject::User(_) => sql::LOCK_USER,
    };
    let of = params![subject.id_bytes()];
    conn.lock(statement, of).await?;
    Ok(conn.query_one(statement, of).await?.is_some())
}

async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    subject: InsightSubject,
    kind: InsightKind,
    found: &Found,
    evidence: &str,
    now: Timestamp,
) -> Result<Option<InsightId>, Error> {
    let id = InsightId::generate(now)?;
    let of = |word: &str| (subject.kind() == word).then_some(subject.id_bytes());
    let row = params![
        id.bytes(),
        organization.bytes(),
        kind.as_str(),
        subject.kind(),
        subject.id_bytes(),
        of("secret"),
        of("api_key"),
        of("user"),
        of("agent"),
        found.score.stored(),
        &found.basis,
        evidence,
        now
    ];
    let made = conn.query_one(sql::INSERT, row).await?;
    Ok(made.map(|_| id))
}

/// What is told of an insight: what it is of and how grave it is, and what its secret is called.
pub(super) async fn about(
    conn: &mut Conn,
    id: InsightId,
    kind: InsightKind,
    severity: Severity,
    subject: InsightSubject,
) -> Result<About, Error> {
    let mut about = About::thing("insight", id.bytes());
    if let InsightSubject::Secret(secret) = subject
        && let Some(mut row) = conn
            .query_one(sql::SECRET_NAME, params![secret.bytes()])
            .await?
    {
        about.name = Some(row.text()?);
        about.vault = Some(row.text()?);
    }
    for (member, word) in [("kind", kind.as_str()), ("severity", severity.as_str())] {
        about.more.insert(member.to_owned(), word.into());
    }
    Ok(about)
}
