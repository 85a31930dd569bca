//! `GET /v1/logs`.

use axum::extract::State;
use kluis_engine::{AuditEntry, LogFilter};

use super::paging::{Cell, Field, List, ListItem};
use super::wire::{self, ListAnswer};
use crate::api::ids::any_id;
use crate::app::App;
use crate::caller::Caller;

impl ListItem for AuditEntry {
    const NAME: &'static str = "logs";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |entry| entry.at.into()),
        Field::word("action", |entry| entry.action.as_str().into()),
        Field::word("actor", |_| Cell::Absent),
        Field::word("actor_type", |entry| entry.actor_type.as_str().into()),
        Field::word("ip", |entry| entry.address.as_str().into()),
        Field::word("outcome", |entry| entry.outcome.as_str().into()),
        Field::word("resource_id", |_| Cell::Absent),
    ];
    const STORED: bool = true;

    fn id(&self) -> [u8; 16] {
        *self.id.bytes()
    }
}

/// List the activity log
///
/// Every act in the organization, through whichever API, also those that were refused. Owners and admins see all of it, members their
/// own acts and those on collections that they made, viewers and agents their own. One's own looks at the log are left out unless
/// they are asked for. Nothing is ever changed or removed.
#[utoipa::path(
    get,
    path = "/v1/logs",
    tag = "Jobs and logs",
    params(List::<AuditEntry>),
    responses((status = 200, body = wire::Listed<wire::LogEntry>)),
    extensions(("x-kluis-action" = json!("audit.list")), ("x-kluis-file" = json!("logs")))
)]
pub(super) async fn log_list(
    State(app): State<App>,
    caller: Caller,
    list: List<AuditEntry>,
) -> ListAnswer<wire::LogEntry> {
    let list = list.open(&app.engine, &caller)?;
    let ids = |field| list.words(field).iter().map(|text| any_id(text)).collect();
    let filter = LogFilter {
        actions: list.words("action"),
        actors: ids("actor"),
        actor_types: list.words("actor_type"),
        addresses: list.words("ip"),
        outcomes: list.words("outcome"),
        resources: ids("resource_id"),
    };
    let query = list.stored();
    let page = app.engine.audit_page(&caller, &filter, &query).await?;
    list.paged(page)
}
