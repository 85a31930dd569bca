//! What people make of insights: where one stands, and whether it was of use.

use super::findings::about;
use super::insight::Insight;
use super::kind::{InsightKind, InsightStatus};
use super::thresholds::Thresholds;
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::InsightId;
use crate::store::params;
use crate::store::sql::insights as sql;
use crate::webhooks::{Happening, WebhookEvent};

/// What came of saying whether an insight is of use.
#[derive(Clone, Copy, Debug)]
pub struct Vote {
    /// The insight.
    pub insight: InsightId,
    /// What it is of.
    pub kind: InsightKind,
    /// What was said.
    pub useful: bool,
    /// How the bound of that kind stands now, in percent of the usual one: more is told below 100, less above.
    pub threshold_percent: u8,
}

impl Engine {
    /// Say where an insight stands: for owners and admins. The next analysis that finds it still opens a resolved one again; a
    /// dismissed or acknowledged one only when it rests on something else.
    pub async fn insight_update(
        &self,
        caller: &Caller,
        id: InsightId,
        status: Option<InsightStatus>,
    ) -> Result<Insight, Error> {
        let engine = self.clone();
        self.change(caller, Action::InsightUpdate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                act.names("insight", *id.bytes());
                // The answer shows it.
                if !act.caller.within_scopes(Action::InsightRead.rule().scopes) {
                    return Err(Error::Forbidden);
                }
                let of = params![id.bytes(), act.caller.organization.bytes()];
                conn.lock(sql::LOCK, of).await?;
                let before = engine.insight_find(conn, act, id).await?;
                let Some(status) = status.filter(|status| *status != before.status) else {
                    return Ok(before);
                };
                let over_at = status.is_over().then_some(act.now);
                let row = params![id.bytes(), status.as_str(), over_at, act.now];
                conn.execute(sql::SET_STATUS, row).await?;
                let event = match (before.status.is_over(), status.is_over()) {
                    (true, false) => Some(WebhookEvent::InsightOpened),
                    (false, true) => Some(WebhookEvent::InsightResolved),
                    _ => None,
                };
                if let Some(event) = event.filter(|_| !before.kind.answers_guesses()) {
                    let severity = before.score.severity();
                    let about = about(conn, id, before.kind, severity, before.subject).await?;
                    let happening = Happening { event, about };
                    engine
                        .webhooks_tell(tx, act.caller.organization, &[happening], act.now)
                        .await?;
                }
                engine.insight_find(tx.conn(), act, id).await
            })
        })
        .await
    }

    /// Say whether an insight is of use, which moves the bound of its kind for the organization, within bounds. Saying it again
    /// replaces what was said.
    pub async fn insight_vote(
        &self,
        caller: &Caller,
        id: InsightId,
        useful: bool,
    ) -> Result<Vote, Error> {
        let engine = self.clone();
        self.change(caller, Action::InsightVote, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let insight = engine.insight_find(conn, act, id).await?;
                let user = act.caller.user().ok_or(Error::Forbidden)?.id;
                let organization = act.caller.organization;
                let row = params![
                    id.bytes(),
                    user.bytes(),
                    organization.bytes(),
                    insight.kind.as_str(),
                    useful,
                    act.now
                ];
                conn.execute(sql::VOTE, row).await?;
                let thresholds = Thresholds::load(conn, organization).await?;
                Ok(Vote {
                    insight: id,
                    kind: insight.kind,
                    useful,
                    threshold_percent: thresholds.percent(insight.kind),
                })
            })
        })
        .await
    }
}
