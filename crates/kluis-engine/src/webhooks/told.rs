//! Which act is which event: the whole of it.
//!
//! What is not here is told where it happens, by `webhooks_tell`: what expires, a vault that goes with all its secrets, a log-in
//! that is refused, and what concepts of their own do in the background.

use uuid::Uuid;

use super::events::WebhookEvent;
use super::outbox::{About, Happening, subscribed};
use crate::access::HIDDEN_ROLE;
use crate::act::Act;
use crate::action::Action;
use crate::caller::Origin;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, UserId, VaultId};
use crate::store::sql::webhooks as sql;
use crate::store::{Conn, Touches, Tx, params};

/// The events of an act that was done. `created` says that what it wrote was not there before.
pub(super) const fn events_of(action: Action, created: bool) -> &'static [WebhookEvent] {
    match action {
        Action::SecretWrite | Action::SealedSecretWrite | Action::SecretRestore if created => {
            &[WebhookEvent::RecordCreated]
        }
        Action::SecretWrite
        | Action::SealedSecretWrite
        | Action::SecretRestore
        | Action::SecretVersionRestore
        | Action::SecretDisable => &[WebhookEvent::RecordUpdated],
        Action::SecretRotate => &[WebhookEvent::RecordRotated],
        Action::SecretDelete | Action::SealedSecretDelete => &[WebhookEvent::RecordDeleted],
        Action::SecretRead | Action::SealedSecretRead | Action::ShareOpen => {
            &[WebhookEvent::RecordRevealed]
        }
        Action::ClusterCreate => &[WebhookEvent::ClusterCreated],
        Action::ClusterUpdate => &[WebhookEvent::ClusterUpdated],
        Action::ClusterDelete => &[WebhookEvent::ClusterDeleted],
        Action::LeaseCreate => &[WebhookEvent::LeaseIssued],
        Action::ApiKeyCreate | Action::AgentKeyCreate => &[WebhookEvent::ApiKeyCreated],
        Action::ApiKeyDelete => &[WebhookEvent::ApiKeyRevoked],
        // The token that there was is dead, and there is another.
        Action::ApiKeyRotate => &[WebhookEvent::ApiKeyRevoked, WebhookEvent::ApiKeyCreated],
        _ => &[],
    }
}

/// Whether it makes, changes or removes secrets.
pub(crate) const fn changes_secrets(action: Action) -> bool {
    matches!(
        events_of(action, false),
        [
            WebhookEvent::RecordUpdated | WebhookEvent::RecordDeleted | WebhookEvent::RecordRotated,
            ..
        ]
    )
}

/// Whether a value of a secret leaves with it.
const fn reveals(action: Action) -> bool {
    matches!(events_of(action, false), [WebhookEvent::RecordRevealed, ..])
}

impl Engine {
    /// Tell of a change, in its transaction.
    pub(crate) async fn webhooks_tell_act(&self, tx: &mut Tx, act: &Act) -> Result<(), Error> {
        if act.caller.subscribed.is_empty() {
            return Ok(());
        }
        let happenings = happenings(tx.conn(), act).await?;
        if happenings.is_empty() {
            return Ok(());
        }
        self.webhooks_post(tx, act.caller.organization, &happenings, act.now)
            .await
    }

    /// Tell of a look, before its outcome leaves: what is not kept to be told is not revealed.
    pub(crate) async fn webhooks_tell_look(&self, act: &Act) -> Result<(), Error> {
        if !act.caller.subscribed.contains(WebhookEvent::RecordRevealed) || !reveals(act.action) {
            return Ok(());
        }
        let (engine, act) = (self.clone(), act.clone());
        // It changes nothing that anybody remembers of secrets and credentials.
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move { engine.webhooks_tell_act(tx, &act).await })
            })
            .await
    }

    /// Tell of a refused log-in of a user who is known.
    pub(crate) async fn webhooks_tell_login(
        &self,
        organization: OrganizationId,
        user: UserId,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut reader = self.store().reader().await?;
        let events = subscribed(reader.conn()?, organization).await?;
        drop(reader);
        if !events.contains(WebhookEvent::LoginFailed) {
            return Ok(());
        }
        let mut about = About::thing("user", user.bytes());
        if let Some(address) = origin.address {
            about
                .more
                .insert("ip".to_owned(), address.to_string().into());
        }
        let happening = Happening {
            event: WebhookEvent::LoginFailed,
            about,
        };
        let (engine, now) = (self.clone(), self.clock().now());
        self.store()
            .write_touching(Touches::Unremembered, move |tx| {
                Box::pin(async move {
                    engine
                        .webhooks_post(tx, organization, &[happening], now)
                        .await
                })
            })
            .await
    }

    /// Tell that a vault goes, with all that is in it; before it does.
    pub(crate) async fn webhooks_tell_vault(
        &self,
        tx: &mut Tx,
        act: &Act,
        vault: VaultId,
    ) -> Result<(), Error> {
        let event = WebhookEvent::RecordDeleted;
        if !act.caller.subscribed.contains(event) {
            return Ok(());
        }
        let Some(name) = vault_name(tx.conn(), vault).await? else {
            return Ok(());
        };
        let mut happenings = Vec::new();
        for mut row in tx
            .conn()
            .query(sql::SECRETS_OF, params![vault.bytes()])
            .await?
        {
            let id: [u8; 16] = row.array()?;
            let about = About {
                vault: Some(name.clone()),
                name: Some(row.text()?),
                actor: Some(actor(act)),
                ..About::thing("secret", &id)
            };
            happenings.push(Happening { event, about });
        }
        self.webhooks_post(tx, act.caller.organization, &happenings, act.now)
            .await
    }
}

/// What a change or a look is told as; nothing where nobody wants to hear it.
async fn happenings(conn: &mut Conn, act: &Act) -> Result<Vec<Happening>, Error> {
    let subscribed = act.caller.subscribed;
    let mut events = events_of(act.action, act.has_created()).to_vec();
    if act.has_read_along() {
        events.push(WebhookEvent::RecordRevealed);
    }
    events.retain(|event| subscribed.contains(*event));
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let vault = match act.vault() {
        // What the server keeps for itself is nobody's record.
        Some(vault) => match vault_name(conn, vault).await? {
            Some(name) => Some(name),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let abouts: Vec<About> = act
        .things()
        .into_iter()
        .map(|thing| About {
            vault: vault.clone(),
            actor: Some(actor(act)),
            ..thing
        })
        .collect();
    let of_all = events.into_iter().flat_map(|event| {
        abouts.iter().map(move |about| Happening {
            event,
            about: about.clone(),
        })
    });
    Ok(of_all.collect())
}

/// The name of a vault; none for one that stands in no list.
async fn vault_name(conn: &mut Conn, vault: VaultId) -> Result<Option<String>, Error> {
    let row = conn
        .query_one(sql::VAULT_NAME, params![vault.bytes()])
        .await?;
    let Some(mut row) = row else {
        return Ok(None);
    };
    let (name, role) = (row.text()?, row.text()?);
    Ok((role != HIDDEN_ROLE).then_some(name))
}

fn actor(act: &Act) -> (String, Option<Uuid>) {
    let (kind, id, _) = act.actor();
    (kind.to_owned(), id.map(Uuid::from_bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Those that are told where they happen, or where their concept will be.
    const ELSEWHERE: &[WebhookEvent] = &[
        WebhookEvent::RecordExpired,
        WebhookEvent::RotationFailed,
        WebhookEvent::ClusterStatusChanged,
        WebhookEvent::LeaseRevoked,
        WebhookEvent::LeaseExpired,
        WebhookEvent::IntegrationSynced,
        WebhookEvent::IntegrationFailed,
        WebhookEvent::InsightOpened,
        WebhookEvent::InsightResolved,
        WebhookEvent::LoginFailed,
        WebhookEvent::Test,
    ];

    #[test]
    fn every_event_comes_from_an_act_or_is_told_elsewhere() {
        let of_acts: BTreeSet<_> = Action::ALL
            .iter()
            .flat_map(|action| [true, false].map(|created| events_of(*action, created)))
            .flatten()
            .copied()
            .collect();
        let elsewhere: BTreeSet<_> = ELSEWHERE.iter().copied().collect();
        assert!(of_acts.is_disjoint(&elsewhere));
        let all: BTreeSet<_> = WebhookEvent::ALL.iter().copied().collect();
        assert_eq!(&of_acts | &elsewhere, all);
    }

    #[test]
    fn whatever_makes_a_secret_changes_secrets() {
        for action in Action::ALL {
            let makes = events_of(*action, true).contains(&WebhookEvent::RecordCreated);
            assert!(!makes || changes_secrets(*action), "{action:?}");
        }
    }

    #[test]
    fn whatever_reads_values_reveals_them() {
        for action in Action::ALL {
            let reads = matches!(action.rule().name, "secret.read" | "share.open");
            assert_eq!(reveals(*action), reads, "{action:?}");
        }
    }
}
