//! The record on both databases: who sees what, how it is paged, and that whatever is altered is found.

use std::time::Duration;

use super::*;
use crate::act::ListedSecret;
use crate::caller::{Caller, Principal, Role};
use crate::clock::Timestamp;
use crate::ids::{EventId, OrganizationId, SecretId, VaultId};
use crate::store::{Param, params};
use crate::testing::Home;
use crate::vaults::NewVault;

mod chain;
mod checkpoints;
mod pages;
mod sight;

/// An event of the owner's in the owner's organization.
fn event(home: &Home, action: &str) -> Event {
    let at = home.clock.now();
    let Principal::User(user) = &home.owner.principal else {
        unreachable!("the owner is a user");
    };
    Event {
        id: EventId::generate(at).unwrap(),
        organization: home.owner.organization,
        at,
        actor_type: "user".to_owned(),
        actor: Some(*user.id.bytes()),
        credential: Some([9; 16]),
        action: action.to_owned(),
        resource_type: "secret".to_owned(),
        resource: Some([8; 16]),
        outcome: Outcome::Success,
        details: r#"{"api":"cloudkeep"}"#.to_owned(),
        address: "192.0.2.7".to_owned(),
        count: 1,
    }
}

async fn record(home: &Home, event: Event) {
    home.engine.store().record(event).await.unwrap();
}

/// Run a statement behind the engine's back.
async fn alter(home: &Home, sql: &'static str, params: &[Param<'_>]) -> u64 {
    let params: Vec<Owned> = params.iter().map(Owned::of).collect();
    home.engine
        .store()
        .write(move |tx| {
            Box::pin(async move {
                let params: Vec<_> = params.iter().map(Owned::borrow).collect();
                Ok(tx.conn().execute(sql, &params).await?)
            })
        })
        .await
        .unwrap()
}

/// A parameter that can be moved to the writer.
enum Owned {
    Blob(Vec<u8>),
    Int(i64),
    Null,
    Text(String),
}

impl Owned {
    fn of(param: &Param<'_>) -> Self {
        match *param {
            Param::Blob(bytes) => Self::Blob(bytes.to_vec()),
            Param::Int(int) => Self::Int(int),
            Param::Null => Self::Null,
            Param::Text(text) => Self::Text(text.to_owned()),
        }
    }

    fn borrow(&self) -> Param<'_> {
        match self {
            Self::Blob(bytes) => Param::Blob(bytes),
            Self::Int(int) => Param::Int(*int),
            Self::Null => Param::Null,
            Self::Text(text) => Param::Text(text),
        }
    }
}

async fn list(home: &Home, caller: &Caller, filter: AuditFilter) -> Vec<AuditEntry> {
    home.engine.audit_list(caller, filter).await.unwrap()
}

/// The first thousand, whatever they are.
fn all() -> AuditFilter {
    AuditFilter {
        limit: 1_000,
        ..AuditFilter::default()
    }
}

fn of_action(action: &str) -> AuditFilter {
    AuditFilter {
        action: Some(action.to_owned()),
        ..all()
    }
}

fn me(caller: &Caller) -> [u8; 16] {
    match &caller.principal {
        Principal::User(user) => *user.id.bytes(),
        Principal::Agent(agent) => *agent.id.bytes(),
    }
}

async fn vault(home: &Home, maker: &Caller, name: &str) -> VaultId {
    let new = NewVault {
        name: name.to_owned(),
        description: String::new(),
    };
    home.engine.vault_create(maker, new).await.unwrap().id
}
