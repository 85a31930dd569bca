//! `POST /v1/intelligence/analyze`; `GET /v1/intelligence/insights`; `GET, PATCH …/insights/{id}`; `GET …/anomalies`;
//! `GET …/recommendations`; `POST …/feedback`.

use axum::extract::State;
use kluis_engine::{Insight, InsightId, InsightKind, Recommendation};

use super::paging::{Cell, Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, accepted, success};
use super::{Json, OptionalJson, Path};
use crate::api::ids::Id;
use crate::app::App;
use crate::caller::Caller;

impl ListItem for Insight {
    const NAME: &'static str = "insights";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |insight| insight.created_at.into()),
        Field::time("updated_at", |insight| insight.updated_at.into()),
        Field::time("detected_at", |insight| insight.detected_at.into()),
        Field::time("resolved_at", |insight| insight.resolved_at.into()),
        Field::number("score", |insight| {
            Cell::number(insight.score.ten_thousandths().into())
        }),
        Field::word("kind", |insight| insight.kind.as_str().into()),
        Field::word("severity", |insight| {
            insight.score.severity().as_str().into()
        }),
        Field::word("status", |insight| insight.status.as_str().into()),
        Field::text("collection", |insight| match &insight.vault {
            Some(vault) => vault.as_str().into(),
            None => Cell::Absent,
        }),
        Field::words("resource_id", |insight| {
            Cell::Words(wire::spellings(&insight.subject).into())
        }),
    ];

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

impl ListItem for Recommendation {
    const NAME: &'static str = "recommendations";
    const FIELDS: &'static [Field<Self>] = &[
        Field::number("rank", |one| {
            Cell::number(i64::try_from(one.rank).unwrap_or(i64::MAX))
        }),
        Field::word("action", |one| one.action.as_str().into()),
        Field::word("severity", |one| one.score.severity().as_str().into()),
        Field::words("resource_id", |one| {
            Cell::Words(wire::spellings(&one.subject).into())
        }),
    ];

    fn id(&self) -> [u8; 16] {
        let first = self.insights.first();
        first.map_or([0; 16], |insight| *insight.bytes())
    }
}

/// Begin an analysis
///
/// Looks through the whole account, for owners and admins; through the records of a collection, also for members who see every name in
/// it; or through those of a cluster, for owners and admins. What is found stands in the insights, and what is not so any more is
/// resolved. Records whose reads are counted are left out. `over_privileged_key` and `access_anomaly` are matters of the whole
/// account; the job's result says where they were left out. 409 for whoever waits for two analyses already.
#[utoipa::path(
    post,
    path = "/v1/intelligence/analyze",
    tag = "Intelligence engine",
    request_body = Option<wire::AnalysisCreate>,
    responses(
        (status = 202, body = wire::Success<wire::Job>),
        (status = 404, description = "There is no such collection or cluster")
    ),
    extensions(("x-kluis-action" = json!("intelligence.analyze")), ("x-kluis-file" = json!("insights")))
)]
pub(super) async fn analysis_create(
    State(app): State<App>,
    caller: Caller,
    OptionalJson(body): OptionalJson<wire::AnalysisCreate>,
) -> Answer<wire::Job> {
    let body = body.unwrap_or_default();
    let analysis = body.analysis(&app.engine, &caller).await?;
    accepted(app.engine.analysis_create(&caller, analysis).await?.into())
}

/// List insights
///
/// Owners and admins see all. Others see those about records whose names they see, about their own keys and about their own reads. Of
/// a weak secret that one may not read only the severity is told, and reuse only among records that one may read.
#[utoipa::path(
    get,
    path = "/v1/intelligence/insights",
    tag = "Intelligence engine",
    params(List::<Insight>),
    responses((status = 200, body = wire::Listed<wire::Insight>)),
    extensions(("x-kluis-action" = json!("insight.list")), ("x-kluis-file" = json!("insights")))
)]
pub(super) async fn insight_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Insight>,
) -> ListAnswer<wire::Insight> {
    let list = list.open(&app.engine, &caller)?;
    list.page(app.engine.insight_list(&caller).await?)
}

/// Read an insight
#[utoipa::path(
    get,
    path = "/v1/intelligence/insights/{id}",
    tag = "Intelligence engine",
    params(("id" = String, Path, description = "Id of the insight")),
    responses((status = 200, body = wire::Success<wire::Insight>)),
    extensions(("x-kluis-action" = json!("insight.view")), ("x-kluis-file" = json!("insights")))
)]
pub(super) async fn insight_read(
    State(app): State<App>,
    caller: Caller,
    Path(Id(insight)): Path<Id<InsightId>>,
) -> Answer<wire::Insight> {
    success(app.engine.insight_read(&caller, insight).await?.into())
}

/// Change where an insight stands
///
/// For owners and admins. What is acknowledged or dismissed stays so as long as it rests on the same; what is resolved and found to
/// be so by the next analysis is opened again.
#[utoipa::path(
    patch,
    path = "/v1/intelligence/insights/{id}",
    tag = "Intelligence engine",
    params(("id" = String, Path, description = "Id of the insight")),
    request_body = wire::InsightUpdate,
    responses((status = 200, body = wire::Success<wire::Insight>)),
    extensions(("x-kluis-action" = json!("insight.update")), ("x-kluis-file" = json!("insights")))
)]
pub(super) async fn insight_update(
    State(app): State<App>,
    caller: Caller,
    Path(Id(insight)): Path<Id<InsightId>>,
    Json(body): Json<wire::InsightUpdate>,
) -> Answer<wire::Insight> {
    let changed = app
        .engine
        .insight_update(&caller, insight, body.status()?)
        .await?;
    success(changed.into())
}

/// List anomalies
///
/// The insights of kind `access_anomaly`: hours in which somebody read more than in the same hour of other weeks, and first reads from
/// a new client address, in the seven days before the analysis.
#[utoipa::path(
    get,
    path = "/v1/intelligence/anomalies",
    tag = "Intelligence engine",
    params(List::<Insight>),
    responses((status = 200, body = wire::Listed<wire::Insight>)),
    extensions(("x-kluis-action" = json!("insight.list")), ("x-kluis-file" = json!("insights")))
)]
pub(super) async fn anomaly_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Insight>,
) -> ListAnswer<wire::Insight> {
    let list = list.within("anomalies").open(&app.engine, &caller)?;
    let mut insights = app.engine.insight_list(&caller).await?;
    insights.retain(|insight| insight.kind == InsightKind::AccessAnomaly);
    list.page(insights)
}

/// List recommendations
///
/// What the open and acknowledged insights that one sees lead to, the weightiest first: one action for all that there is about a thing.
#[utoipa::path(
    get,
    path = "/v1/intelligence/recommendations",
    tag = "Intelligence engine",
    params(List::<Recommendation>),
    responses((status = 200, body = wire::Listed<wire::Recommendation>)),
    extensions(("x-kluis-action" = json!("insight.recommendations")), ("x-kluis-file" = json!("insights")))
)]
pub(super) async fn recommendation_list(
    State(app): State<App>,
    caller: Caller,
    list: List<Recommendation>,
) -> ListAnswer<wire::Recommendation> {
    let list = list.open(&app.engine, &caller)?;
    list.page(app.engine.recommendation_list(&caller).await?)
}

/// Give feedback
///
/// Moves the bound from which insights of this kind are told in this account, by a tenth for each: less is told of what is not useful,
/// more of what is. It stays between 60 and 140 percent of the usual one, and one person moves it by 20 at most. Saying it
/// again about the same insight replaces what was said. The next analysis goes by it.
#[utoipa::path(
    post,
    path = "/v1/intelligence/feedback",
    tag = "Intelligence engine",
    request_body = wire::FeedbackCreate,
    responses(
        (status = 200, body = wire::Success<wire::Feedback>),
        (status = 404, description = "There is no such insight")
    ),
    extensions(("x-kluis-action" = json!("insight.feedback")), ("x-kluis-file" = json!("insights")))
)]
pub(super) async fn insight_vote(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::FeedbackCreate>,
) -> Answer<wire::Feedback> {
    let (insight, useful) = body.vote();
    let vote = app.engine.insight_vote(&caller, insight, useful).await?;
    success(vote.into())
}
