//! `GET /v1/intelligence/models`; `POST /v1/intelligence/classify`.

use axum::extract::State;

use super::Json;
use super::wire::{self, Answer, success};
use crate::app::App;
use crate::caller::Caller;

/// List the models
///
/// What judges secrets here, and by what. They come with the program and learn nothing from what is kept.
#[utoipa::path(
    get,
    path = "/v1/intelligence/models",
    tag = "Intelligence engine",
    responses((status = 200, body = wire::Success<Vec<wire::IntelligenceModel>>)),
    extensions(("x-kluis-action" = json!("intelligence.models")), ("x-kluis-file" = json!("intelligence")))
)]
pub(super) async fn model_list(
    State(app): State<App>,
    caller: Caller,
) -> Answer<Vec<wire::IntelligenceModel>> {
    let models = app.engine.model_list(&caller).await?;
    success(models.iter().map(Into::into).collect())
}

/// Classify texts
///
/// Says what each of them is, how likely, and why. They are looked at and forgotten: nothing of them is kept, recorded or logged.
#[utoipa::path(
    post,
    path = "/v1/intelligence/classify",
    tag = "Intelligence engine",
    request_body = wire::Classify,
    responses((status = 200, body = wire::Success<wire::Classified>)),
    extensions(("x-kluis-action" = json!("intelligence.classify")), ("x-kluis-file" = json!("intelligence")))
)]
pub(super) async fn text_classify(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<wire::Classify>,
) -> Answer<wire::Classified> {
    match body.try_into()? {
        wire::Texts::One(text) => {
            let found = app.engine.text_classify(&caller, vec![text]).await?;
            let found = found.into_iter().next();
            let found = found.ok_or_else(|| kluis_engine::Error::internal("no classification"))?;
            success(wire::Classified::One(found.into()))
        }
        wire::Texts::Many(texts) => {
            let found = app.engine.text_classify(&caller, texts).await?;
            let found = found.into_iter().map(Into::into);
            success(wire::Classified::Many(found.collect()))
        }
    }
}
