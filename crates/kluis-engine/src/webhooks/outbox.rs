//! Events on their way into the store, in the transaction of the change that they tell of: both are kept, or neither.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{EventSet, WebhookEvent};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, WebhookDeliveryId, WebhookId};
use crate::store::sql::webhooks as sql;
use crate::store::{Conn, Tx, params};

/// Something that happened, to be told.
pub(crate) struct Happening {
    pub(crate) event: WebhookEvent,
    pub(crate) about: About,
}

/// What an event is about, in the engine's words and as it is stored. Never holds a secret value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Kind of the thing: `secret`, `api_key`, `user`, `webhook`, `cluster`, `lease`, `integration`, `insight`.
    pub resource_type: String,
    /// Its id.
    pub resource: Option<Uuid>,
    /// Name of the vault that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<String>,
    /// What it is called; a secret, where it is in its vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Who did it, where somebody did: `user`, `agent` or `anonymous`, and the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<(String, Option<Uuid>)>,
    /// What else there is to tell, by the names that receivers see.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub more: serde_json::Map<String, serde_json::Value>,
}

impl About {
    /// A thing of this kind.
    pub(crate) fn thing(resource_type: &'static str, id: &[u8; 16]) -> Self {
        Self {
            resource_type: resource_type.to_owned(),
            resource: Some(Uuid::from_bytes(*id)),
            ..Self::default()
        }
    }
}

impl Engine {
    /// Tell an organization's webhooks what happened, once this transaction is committed. For what no act of a caller tells by itself
    /// (those are in `told.rs`): call it where the change is made. Nothing is done when no webhook is for it.
    pub(crate) async fn webhooks_tell(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        happenings: &[Happening],
        now: Timestamp,
    ) -> Result<(), Error> {
        let subscribed = subscribed(tx.conn(), organization).await?;
        if happenings
            .iter()
            .any(|happening| subscribed.contains(happening.event))
        {
            self.webhooks_post(tx, organization, happenings, now)
                .await?;
        }
        Ok(())
    }

    /// The same where it is known that somebody is to be told.
    pub(super) async fn webhooks_post(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        happenings: &[Happening],
        now: Timestamp,
    ) -> Result<(), Error> {
        let conn = tx.conn();
        let mut told = false;
        // Always in the same order: whoever takes rows of several webhooks waits for nobody who waits for it.
        for mut row in conn
            .query(sql::SUBSCRIBERS, params![organization.bytes()])
            .await?
        {
            let webhook = WebhookId::from_bytes(row.array()?);
            let events = EventSet::summarized(&row.text()?);
            let meant = happenings
                .iter()
                .filter(|happening| events.contains(happening.event));
            let mut any = false;
            for happening in meant {
                delivery_insert(conn, webhook, happening, now).await?;
                any = true;
            }
            if any {
                conn.execute(sql::DUE_FROM, params![webhook.bytes(), now])
                    .await?;
                told = true;
            }
        }
        if told {
            tx.rings(self.couriers().bell());
        }
        Ok(())
    }
}

/// Keep a delivery, due at `due`.
pub(super) async fn delivery_insert(
    conn: &mut Conn,
    webhook: WebhookId,
    happening: &Happening,
    due: Timestamp,
) -> Result<WebhookDeliveryId, Error> {
    let id = WebhookDeliveryId::generate(due)?;
    let about = serde_json::to_string(&happening.about)
        .map_err(|cause| Error::internal(cause.to_string()))?;
    let row = params![
        id.bytes(),
        webhook.bytes(),
        happening.event.as_str(),
        &about,
        due,
        due
    ];
    conn.execute(sql::INSERT_DELIVERY, row).await?;
    Ok(id)
}

/// What an organization's webhooks are for.
pub(crate) async fn subscribed(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<EventSet, Error> {
    let row = conn
        .query_one(sql::SUBSCRIBED, params![organization.bytes()])
        .await?;
    match row {
        Some(mut row) => Ok(EventSet::summarized(&row.text()?)),
        None => Ok(EventSet::default()),
    }
}
