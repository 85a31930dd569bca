//! The wrapper around every operation: authorize, act, record (DESIGN §2).
//!
//! An operation is either a [`Engine::look`] or a [`Engine::change`], so it cannot be run without naming its
//! [`Action`], and cannot end without leaving exactly one event, refused or done.

mod watched;

use serde::Serialize;

use crate::action::{Action, Floor};
use crate::audit::{Event, Outcome};
use crate::caller::{Caller, Credential, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{EnvVarId, EventId, SecretId, ShareId, VaultId};
use crate::policy::Basis;
use crate::store::{Conn, Touches, Tx, Work};

/// One act under way: who does what, and what its event will tell.
#[derive(Clone)]
pub(crate) struct Act {
    pub(crate) caller: Caller,
    pub(crate) action: Action,
    pub(crate) now: Timestamp,
    /// Whether it only looks. A change sees what those before it in its batch have done, so it takes nothing from memory.
    pub(crate) looks: bool,
    /// What the request itself named; all that a hidden thing's event holds.
    named: Thing,
    /// What was found, when the act got that far.
    found: Thing,
    /// The secrets whose values were listed.
    listed: Option<Vec<ListedSecret>>,
    /// Keys of the environment variables whose values are told.
    keys: Option<Vec<String>>,
    /// The vault, where that has honeytokens.
    honeytokens: Option<VaultId>,
    /// Whether a value leaves with the answer to a change.
    reads_along: bool,
    /// Whether another act takes it from here.
    deferred: bool,
    /// Who is recorded when it is not the caller, whose rights decide.
    done_by: Option<DoneBy>,
}

/// Who does something with the rights of another.
#[derive(Clone)]
pub(crate) enum DoneBy {
    Anyone,
    Caller(Box<Caller>),
}

/// The thing that an event is about.
#[derive(Clone, Default)]
struct Thing {
    resource_type: &'static str,
    resource: Option<[u8; 16]>,
    vault: Option<VaultId>,
    path: Option<String>,
    name: Option<String>,
    version: Option<u32>,
    share: Option<ShareId>,
    basis: Option<&'static str>,
}

/// One secret of an event that stands for many.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
pub(crate) struct ListedSecret {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) version: u32,
}

/// The details of an event, as they are stored.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_id: Option<String>,
    api: &'a str,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<&'a [ListedSecret]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'a [String]>,
}

impl Engine {
    /// Run a read, and record it before its outcome is known to anyone.
    pub(crate) async fn look<T>(
        &self,
        caller: &Caller,
        action: Action,
        work: impl AsyncFnOnce(&mut Conn, &mut Act) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut act = self.begin(caller, action);
        if !allowed(caller, action) {
            // It runs into the closed door with its first question, and has said by then what it is about.
            let _ = work(&mut Conn::Closed, &mut act).await;
            return self.refuse(&act).await;
        }
        act.looks = true;
        let mut reader = self.store().reader().await?;
        let outcome = work(reader.conn()?, &mut act).await;
        let error = outcome.as_ref().err();
        if let Some(event) = act.event(error)? {
            let touched = self
                .honeytokens_touched(reader.conn()?, &act, error)
                .await?;
            drop(reader);
            self.store().record(event).await?;
            self.honeytokens_record(&act, touched).await?;
        }
        outcome
    }

    /// Run a change in a transaction, with its event in the same one; a refusal is recorded too.
    pub(crate) async fn change<T, F>(
        &self,
        caller: &Caller,
        action: Action,
        work: F,
    ) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx, &'t mut Act) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        self.change_touching(caller, action, Touches::Anything, work)
            .await
    }

    /// The same for one that changes secrets or environment variables of `vault`, and nothing else.
    pub(crate) async fn change_secrets<T, F>(
        &self,
        caller: &Caller,
        action: Action,
        vault: VaultId,
        work: F,
    ) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx, &'t mut Act) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        self.change_touching(caller, action, Touches::Secrets(vault), work)
            .await
    }

    async fn change_touching<T, F>(
        &self,
        caller: &Caller,
        action: Action,
        touches: Touches,
        work: F,
    ) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx, &'t mut Act) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        let mut act = self.begin(caller, action);
        if !allowed(caller, action) {
            let _ = work(&mut Tx::new(Conn::Closed), &mut act).await;
            return self.refuse(&act).await;
        }
        self.change_by(act, touches, work).await
    }

    /// The same for an act that has begun, and may.
    pub(crate) async fn change_by<T, F>(
        &self,
        mut act: Act,
        touches: Touches,
        work: F,
    ) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx, &'t mut Act) -> Work<'t, T> + Send + 'static,
        T: Send + 'static,
    {
        let engine = self.clone();
        self.store()
            .write_touching(touches, move |tx| {
                Box::pin(async move {
                    let outcome = work(tx, &mut act).await;
                    let error = outcome.as_ref().err();
                    if let Some(event) = act.event(error)? {
                        let touched = engine.honeytokens_touched(tx.conn(), &act, error).await?;
                        engine.honeytokens_tell(&act, &touched);
                        let events = [event]
                            .into_iter()
                            .chain(touched.into_iter().map(|touched| touched.event));
                        match outcome {
                            Ok(_) => events.for_each(|event| tx.record(event)),
                            Err(_) => events.for_each(|event| tx.record_refusal(event)),
                        }
                    }
                    outcome
                })
            })
            .await
    }

    /// What the table alone decides: scope, role, agents. A refusal is recorded.
    ///
    /// An operation that does costly work before its change asks this first, and says what it is about.
    pub(crate) async fn permitted(
        &self,
        caller: &Caller,
        action: Action,
        about: impl FnOnce(&mut Act),
    ) -> Result<(), Error> {
        if allowed(caller, action) {
            return Ok(());
        }
        let mut act = self.begin(caller, action);
        about(&mut act);
        self.refuse(&act).await
    }

    pub(crate) fn begin(&self, caller: &Caller, action: Action) -> Act {
        Act {
            caller: caller.clone(),
            action,
            now: self.clock().now(),
            looks: false,
            named: Thing::default(),
            found: Thing::default(),
            listed: None,
            keys: None,
            honeytokens: None,
            reads_along: false,
            deferred: false,
            done_by: None,
        }
    }

    /// Refuse an act that the table does not let begin; its event holds what the request named.
    async fn refuse<T>(&self, act: &Act) -> Result<T, Error> {
        let event = act.event_of(Outcome::Denied, &act.named, act.action)?;
        self.store().record(event).await?;
        let touched = self.honeytokens_touched_unseen(act).await?;
        self.honeytokens_record(act, touched).await?;
        Err(Error::Forbidden)
    }
}

/// Whether the table of actions lets `caller` go on.
fn allowed(caller: &Caller, action: Action) -> bool {
    let rule = action.rule();
    let high_enough = match (&caller.principal, rule.floor) {
        (Principal::Agent(_), _) => rule.agents,
        (Principal::User(_), Floor::Anyone) => true,
        (Principal::User(user), Floor::Role(least)) => user.role >= least,
        (Principal::User(user), Floor::ServerOwner) => user.server_owner,
    };
    high_enough && caller.within_scopes(rule.scopes)
}

impl Act {
    /// The request names a thing by id.
    pub(crate) fn names(&mut self, resource_type: &'static str, id: [u8; 16]) {
        self.named.resource_type = resource_type;
        self.named.resource = Some(id);
        self.found.resource_type = resource_type;
        self.found.resource = Some(id);
    }

    /// The request names a vault, alone or as the place of something.
    pub(crate) fn names_vault(&mut self, vault: VaultId) {
        self.named.vault = Some(vault);
        self.found.vault = Some(vault);
        if self.named.resource.is_none() {
            self.names("vault", *vault.bytes());
        }
    }

    /// The request names a path.
    pub(crate) fn names_path(&mut self, path: &str) {
        self.named.path = Some(path.to_owned());
        self.found.path = Some(path.to_owned());
    }

    /// The thing was found or made, with this id.
    pub(crate) fn finds(&mut self, resource_type: &'static str, id: [u8; 16]) {
        self.found.resource_type = resource_type;
        self.found.resource = Some(id);
    }

    /// The thing that was found is in this vault, which the request did not name.
    pub(crate) fn finds_vault(&mut self, vault: VaultId) {
        self.found.vault = Some(vault);
    }

    /// What the thing that was found or made is called; the record still says so when the thing is gone.
    pub(crate) fn calls_it(&mut self, name: &str) {
        self.found.name = Some(name.to_owned());
    }

    /// The secret was found or made.
    pub(crate) fn finds_secret(&mut self, id: SecretId, path: &str, version: Option<u32>) {
        self.finds("secret", *id.bytes());
        if self.found.path.as_deref() != Some(path) {
            self.found.path = Some(path.to_owned());
        }
        self.found.version = version;
    }

    /// The request names a share.
    pub(crate) fn names_share(&mut self, id: ShareId) {
        self.names("share", *id.bytes());
        self.named.share = Some(id);
        self.found.share = Some(id);
    }

    /// A share was made.
    pub(crate) fn finds_share(&mut self, id: ShareId) {
        self.found.share = Some(id);
    }

    /// Somebody does this with the rights of the caller.
    pub(crate) fn is_done_by(&mut self, by: DoneBy) {
        self.done_by = Some(by);
    }

    /// The values of these secrets leave together.
    pub(crate) fn lists(&mut self, secrets: Vec<ListedSecret>) {
        self.listed = Some(secrets);
    }

    /// The environment variable was found or made.
    pub(crate) fn finds_env_var(&mut self, id: EnvVarId, version: u32) {
        self.finds("env_var", *id.bytes());
        self.found.version = Some(version);
    }

    /// The values of the environment variables with these keys leave together.
    pub(crate) fn tells_keys(&mut self, keys: Vec<String>) {
        self.keys = Some(keys);
    }

    /// Another act takes it from here, with an event of its own.
    pub(crate) fn defer(&mut self) {
        self.deferred = true;
    }

    /// On what ground it was allowed; an owner's or maker's passing is told (RULES §2, step 3).
    pub(crate) fn rests_on(&mut self, basis: Basis) {
        self.found.basis = match basis {
            Basis::Maker | Basis::Owner => Some("owner"),
            Basis::Policy(_) | Basis::Role => None,
        };
    }

    /// The event of this act, ended with `error` or well; `None` when it is not an act but a malformed request, or
    /// did not come to a decision.
    pub(crate) fn event(&self, error: Option<&Error>) -> Result<Option<Event>, Error> {
        let (outcome, thing) = match error {
            None if self.deferred => return Ok(None),
            None => (Outcome::Success, &self.found),
            Some(Error::Forbidden | Error::Unauthenticated) => (Outcome::Denied, &self.found),
            Some(Error::Hidden) => (Outcome::Denied, &self.named),
            Some(Error::NotFound) => (Outcome::Failed, &self.named),
            Some(Error::Conflict(_) | Error::Gone) => (Outcome::Failed, &self.found),
            Some(
                Error::Internal(_)
                | Error::Invalid(_)
                | Error::RateLimited { .. }
                | Error::TooLarge
                | Error::Unavailable(_),
            ) => return Ok(None),
        };
        self.event_of(outcome, thing, self.action).map(Some)
    }

    /// An event of this act under another action's name: a plaintext that left with the answer to a change.
    pub(crate) fn also(&mut self, action: Action) -> Result<Event, Error> {
        self.reads_along = true;
        self.event_of(Outcome::Success, &self.found, action)
    }

    /// Who is recorded: type, id, id of the credential.
    fn actor(&self) -> (&'static str, Option<[u8; 16]>, Option<[u8; 16]>) {
        match &self.done_by {
            Some(DoneBy::Anyone) => ("anonymous", None, None),
            Some(DoneBy::Caller(caller)) => actor_of(caller),
            None => actor_of(&self.caller),
        }
    }

    fn event_of(&self, outcome: Outcome, thing: &Thing, action: Action) -> Result<Event, Error> {
        let (listed, keys) = match outcome {
            Outcome::Success => (self.listed.as_deref(), self.keys.as_deref()),
            Outcome::Denied | Outcome::Failed => (None, None),
        };
        let details = Details {
            vault_id: thing.vault.map(|vault| vault.to_string()),
            path: thing.path.as_deref(),
            name: thing.name.as_deref(),
            version: thing.version,
            share_id: thing.share.map(|share| share.to_string()),
            api: self.caller.origin.api,
            request_id: self.caller.origin.request.to_string(),
            basis: thing.basis,
            secrets: listed,
            keys,
        };
        let (actor_type, actor, credential) = self.actor();
        Ok(Event {
            id: EventId::generate(self.now)?,
            organization: self.caller.organization,
            at: self.now,
            actor_type: actor_type.to_owned(),
            actor,
            credential,
            action: action.rule().name.to_owned(),
            resource_type: thing.resource_type.to_owned(),
            resource: thing.resource,
            outcome,
            details: serde_json::to_string(&details)
                .map_err(|cause| Error::internal(cause.to_string()))?,
            address: self
                .caller
                .origin
                .address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            count: listed.map_or(1, |listed| i64::try_from(listed.len()).unwrap_or(i64::MAX)),
        })
    }
}

/// How a caller is recorded: type, id, id of the credential.
fn actor_of(caller: &Caller) -> (&'static str, Option<[u8; 16]>, Option<[u8; 16]>) {
    let (actor_type, actor) = match &caller.principal {
        Principal::Agent(agent) => ("agent", *agent.id.bytes()),
        Principal::User(user) => ("user", *user.id.bytes()),
    };
    let credential = match caller.credential {
        Credential::ApiKey(id) => *id.bytes(),
        Credential::Exchanged(id) | Credential::Session(id) => *id.bytes(),
    };
    (actor_type, Some(actor), Some(credential))
}
