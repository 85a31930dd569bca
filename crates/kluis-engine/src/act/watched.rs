//! What an act has to do with honeytokens ([`crate::honeytokens`]).

use serde::Serialize;

use super::Act;
use crate::access::VaultRow;
use crate::action::Action;
use crate::audit::{Event, Outcome};
use crate::error::Error;
use crate::ids::{HoneytokenId, VaultId};
use crate::notice::{Actor, Notice};

/// The details of a honeytoken's event. Who touched it stands here and not as the actor: whoever reads with a stolen
/// credential sees its own acts in the record, and should not learn that this one was noticed.
#[derive(Serialize)]
struct Details<'a> {
    vault_id: String,
    path: &'a str,
    api: &'a str,
    request_id: String,
    touched_by_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    touched_by: Option<String>,
    touch: &'static str,
}

impl Act {
    /// It looks for something in this vault.
    pub(crate) fn looks_into(&mut self, vault: &VaultRow) {
        if vault.honeytokens && vault.organization == self.caller.organization {
            self.honeytokens = Some(vault.facts.id);
        }
    }

    /// The vault that it has read values in, or tried to, where that has honeytokens.
    pub(crate) fn watched(&self) -> Option<VaultId> {
        let reads = self.reads_along || reads_values(self.action);
        self.honeytokens.filter(|_| reads)
    }

    /// The vault that it would have read values in.
    pub(crate) fn would_read(&self) -> Option<VaultId> {
        self.named.vault.filter(|_| reads_values(self.action))
    }

    /// Whether it is about what is at `path`, where this secret is if any.
    pub(crate) fn touches(&self, path: &str, secret: Option<&[u8; 16]>) -> bool {
        if let Some(listed) = &self.listed {
            return listed
                .iter()
                .any(|listed| listed.path.as_deref() == Some(path));
        }
        let things = [&self.named, &self.found];
        things.iter().any(|thing| {
            let at_id = thing.resource_type == "secret"
                && secret.is_some()
                && thing.resource.as_ref() == secret;
            thing.path.as_deref() == Some(path) || at_id
        })
    }

    /// The event of a honeytoken that it has touched.
    pub(crate) fn trips(
        &self,
        id: HoneytokenId,
        vault: VaultId,
        path: &str,
        outcome: Outcome,
    ) -> Result<Event, Error> {
        let (touched_by_type, touched_by, _) = self.actor();
        let details = Details {
            vault_id: vault.to_string(),
            path,
            api: self.caller.origin.api,
            request_id: self.caller.origin.request.to_string(),
            touched_by_type,
            touched_by: touched_by.map(|id| crate::ids::UserId::from_bytes(id).to_string()),
            touch: outcome.as_str(),
        };
        let action = Action::HoneytokenTrigger.rule().name;
        let mut notice = Notice::new(self.caller.organization, Actor::Server, action);
        notice.resource = Some(("honeytoken", *id.bytes()));
        notice.address = self.caller.origin.address;
        Ok(Event {
            details: serde_json::to_string(&details)
                .map_err(|cause| Error::internal(cause.to_string()))?,
            ..notice.event(self.now)?
        })
    }
}

/// Whether it lets the value of a secret out.
fn reads_values(action: Action) -> bool {
    matches!(
        action,
        Action::SecretRead | Action::SealedSecretRead | Action::ShareOpen
    )
}
