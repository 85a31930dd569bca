//! The wrapper around every operation: authorize, act, record (DESIGN §2).
//!
//! An operation is either a [`Engine::look`] or a [`Engine::change`], so it cannot be run without naming its
//! [`Action`], and cannot end without leaving exactly one event, refused or done.

mod happened;
mod told;
mod watched;

use crate::action::{Action, Floor};
use crate::audit::Outcome;
use crate::caller::{Caller, Principal};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{AgentId, EnvVarId, SecretId, ShareId, VaultId};
use crate::integrations::integrations_follow_act;
use crate::policy::Basis;
use crate::store::{Conn, Touches, Tx, Work};

pub(crate) use told::ListedSecret;

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
    /// Whether what it wrote was not there before.
    created: bool,
    /// Whether another act takes it from here.
    deferred: bool,
    /// Whether it came to an answer that says no.
    missed: bool,
    /// Who is recorded when it is not the caller, whose rights decide.
    done_by: Option<DoneBy>,
}

/// Who does something with the rights of another.
#[derive(Clone)]
pub(crate) enum DoneBy {
    Anyone,
    Caller(Box<Caller>),
    /// The server by itself.
    Server,
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
    agent: Option<AgentId>,
    basis: Option<&'static str>,
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
            if outcome.is_ok() && !act.missed {
                self.webhooks_tell_look(&act).await?;
            }
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
                            Ok(_) => {
                                events.for_each(|event| tx.record(event));
                                if !act.missed {
                                    engine.webhooks_tell_act(tx, &act).await?;
                                    integrations_follow_act(tx, &act).await?;
                                }
                            }
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
            created: false,
            deferred: false,
            missed: false,
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

    /// The request names a thing of this kind in other words than by id.
    pub(crate) fn names_as(&mut self, resource_type: &'static str, name: &str) {
        for thing in [&mut self.named, &mut self.found] {
            thing.resource_type = resource_type;
            thing.name = Some(name.to_owned());
        }
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

    /// It is about what this agent may.
    pub(crate) fn concerns(&mut self, agent: AgentId) {
        self.named.agent = Some(agent);
        self.found.agent = Some(agent);
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

    /// These secrets of `vault` were made, changed or removed together.
    pub(crate) fn changes_many(&mut self, vault: VaultId, secrets: Vec<ListedSecret>) {
        self.found = Thing {
            resource_type: "vault",
            resource: Some(*vault.bytes()),
            vault: Some(vault),
            basis: self.found.basis,
            ..Thing::default()
        };
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

    /// What was asked for is not so: the answer says it without an error, and the record that it failed.
    pub(crate) fn misses(&mut self) {
        self.missed = true;
    }

    /// On what ground it was allowed; an owner's or maker's passing is told (RULES §2, step 3).
    pub(crate) fn rests_on(&mut self, basis: Basis) {
        self.found.basis = match basis {
            Basis::Maker | Basis::Owner => Some("owner"),
            Basis::Policy(_) | Basis::Role => None,
        };
    }
}
