//! The secrets of one attempt, read with the rights of the user that the integration acts for.
//!
//! Nobody moves out by an integration what they could not read themselves: each attempt asks anew what that user may now, and one
//! secret that the user may not read stops it all. A record of reading, with every secret that leaves, is kept before any does.

use kluis_crypto::mac::TAG_LENGTH;
use kluis_crypto::{MacKey, Secret};

use super::chat_webhook::ChatWebhook;
use super::integration::{Integration, Target};
use super::sync::{Attempt, Piece, Plan, Trouble};
use crate::access::Access;
use crate::act::{Act, DoneBy, ListedSecret};
use crate::action::Action;
use crate::caller::{Caller, Credential, Origin, Plan as CallerPlan, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::explanation::principal_of;
use crate::ids::{RequestId, SecretId, SessionId};
use crate::policy::PolicyPrincipal;
use crate::secrets::{Form, Outgoing, Value, Wanted};
use crate::store::Conn;
use crate::webhooks::subscribed;

/// What is to be at a target, as it is read for one attempt.
pub(super) struct Source {
    pub(super) vault_name: String,
    pub(super) secrets: Vec<Outgoing>,
    pub(super) credential: Option<Value>,
    /// Keys of the digests by which it is known again.
    digests: Digests,
}

/// Digests of what is sent, bound to one integration.
pub(super) struct Digests {
    keys: std::sync::Arc<crate::keys::Unsealed>,
    integration: [u8; 16],
}

/// What came of reading.
pub(super) enum Read {
    Plan(Source, Plan),
    /// Nothing is sent, for this reason.
    Trouble(Trouble),
}

const NOBODY: &str = "The user whose rights it uses is gone, disabled, or no administrator any more. Save its configuration anew.";
const UNREADABLE: &str =
    "The user whose rights it uses may not read every secret that it is to send.";
const NO_VAULT: &str = "What it is to send from does not exist any more, or the user whose rights it uses may not know of it.";
const NO_CREDENTIAL: &str =
    "The credential does not exist any more, or the user whose rights it uses may not read it.";
const UNUSABLE: &str =
    "The credential has no value that can be had, or one whose reads are limited.";
const TOO_MUCH: &str = "It is to send more than 1000 secrets, or more than 8 MiB of them.";

impl Engine {
    /// Read what an attempt is to send, and find out what of it has to be sent.
    pub(super) async fn integration_read_all(
        &self,
        attempt: &Attempt<'_>,
        known: &super::sync::Known,
    ) -> Result<Read, Error> {
        let integration = attempt.integration;
        let Some(caller) = self.integration_caller(integration).await? else {
            return Ok(Read::Trouble(Trouble::lasting(NOBODY)));
        };
        let (action, wanted) = match integration.target {
            Target::ChatWebhook(_) => (Action::SecretList, Wanted::Names),
            Target::EnvFile(_) | Target::HttpPush(_) | Target::KvV2(_) => {
                (Action::SecretRead, Wanted::Values)
            }
        };
        loop {
            let read = self
                .look(&caller, action, async |conn, act| {
                    let access = self.integration_begin(conn, act, integration).await?;
                    let source = self
                        .integration_source(conn, act, &access, integration, wanted)
                        .await?;
                    let source = match source {
                        Ok(source) => source,
                        Err(trouble) => {
                            act.defer();
                            return Ok(Read::Trouble(trouble));
                        }
                    };
                    let pieces = match pieces(&integration.target, &source) {
                        Ok(pieces) => pieces,
                        Err(why) => {
                            act.defer();
                            return Ok(Read::Trouble(Trouble::lasting(why)));
                        }
                    };
                    let plan = Plan::of(pieces, known, attempt.sends_all);
                    let leaving = plan.leaving(&source);
                    if leaving.is_empty() || wanted == Wanted::Names {
                        // Nothing leaves: that is no reading of anybody's.
                        act.defer();
                    } else {
                        act.lists(leaving);
                    }
                    Ok(Read::Plan(source, plan))
                })
                .await;
            return match self.settled(read).await {
                Ok(Some(read)) => Ok(read),
                // A password was being changed and was waited for.
                Ok(None) => continue,
                Err(error) => refused(error).map(Read::Trouble),
            };
        }
    }

    /// What a trial needs: the credential alone, and the name of the vault.
    pub(super) async fn integration_read_credential(
        &self,
        integration: &Integration,
    ) -> Result<Result<Source, Trouble>, Error> {
        let Some(caller) = self.integration_caller(integration).await? else {
            return Ok(Err(Trouble::lasting(NOBODY)));
        };
        let read = self
            .look(&caller, Action::SecretList, async |conn, act| {
                let access = self.integration_begin(conn, act, integration).await?;
                let credential = self.integration_credential(conn, act, integration).await?;
                act.defer();
                let digests = self.integration_digests(integration)?;
                Ok(credential.map(|credential| Source {
                    vault_name: access.vault.name.clone(),
                    secrets: Vec::new(),
                    credential,
                    digests,
                }))
            })
            .await;
        match read {
            Ok(read) => Ok(read),
            Err(error) => refused(error).map(Err),
        }
    }

    /// The user that an integration acts for, with the rights of now; none who may not run integrations any more.
    async fn integration_caller(&self, integration: &Integration) -> Result<Option<Caller>, Error> {
        let now = self.clock().now();
        let mut reader = self.store().reader().await?;
        let conn = reader.conn()?;
        let user = PolicyPrincipal::User(integration.acts_for);
        let found = principal_of(conn, integration.organization, user, now).await;
        let (principal, active) = match found {
            Err(Error::NotFound) => return Ok(None),
            found => found?,
        };
        let caller = Caller {
            principal,
            organization: integration.organization,
            // None: the record says that the server did it.
            credential: Credential::Session(SessionId::from_bytes([0; 16])),
            scopes: None,
            plan: CallerPlan::Enterprise,
            subscribed: subscribed(conn, integration.organization).await?,
            followed: false,
            origin: Origin {
                address: None,
                request: RequestId::generate(now)?,
                api: "integrations",
            },
        };
        Ok((active && caller.role() >= Some(Role::Admin)).then_some(caller))
    }

    async fn integration_begin(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        integration: &Integration,
    ) -> Result<Access, Error> {
        act.is_done_by(DoneBy::Server);
        act.names("integration", *integration.id.bytes());
        act.calls_it(&integration.name);
        self.access(conn, act, integration.selector.vault).await
    }

    async fn integration_source(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        access: &Access,
        integration: &Integration,
        wanted: Wanted,
    ) -> Result<Result<Source, Trouble>, Error> {
        let credential = match self.integration_credential(conn, act, integration).await? {
            Ok(credential) => credential,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let filter = &integration.selector.filter;
        let secrets = self
            .secrets_outgoing(conn, act, access, filter, wanted)
            .await;
        let secrets = match secrets {
            Err(Error::TooLarge) => return Ok(Err(Trouble::lasting(TOO_MUCH))),
            secrets => secrets?,
        };
        Ok(Ok(Source {
            vault_name: access.vault.name.clone(),
            secrets,
            credential,
            digests: self.integration_digests(integration)?,
        }))
    }

    async fn integration_credential(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        integration: &Integration,
    ) -> Result<Result<Option<Value>, Trouble>, Error> {
        let Some(credential) = integration.credential else {
            return Ok(Ok(None));
        };
        match self.secret_to_bind(conn, act, credential).await {
            Ok(_) => {}
            Err(Error::NotFound | Error::Hidden | Error::Forbidden | Error::Gone) => {
                return Ok(Err(Trouble::lasting(NO_CREDENTIAL)));
            }
            Err(error) => return Err(error),
        }
        let organization = integration.organization;
        let found = self.secret_unattended(conn, organization, credential);
        let value = found.await?.value;
        Ok(value.map(Some).ok_or_else(|| Trouble::lasting(UNUSABLE)))
    }

    fn integration_digests(&self, integration: &Integration) -> Result<Digests, Error> {
        Ok(Digests {
            keys: self.keys()?,
            integration: *integration.id.bytes(),
        })
    }

    /// That the caller may have all of this sent: what an integration is made or changed with.
    pub(super) async fn require_sendable(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        integration: &Integration,
    ) -> Result<(), Error> {
        if !act.caller.within_scopes(Action::SecretRead.rule().scopes) {
            return Err(Error::Forbidden);
        }
        let mut asking = self.begin(&act.caller, act.action);
        let access = self
            .access(conn, &mut asking, integration.selector.vault)
            .await;
        let access = access.map_err(|error| match error {
            Error::Hidden | Error::NotFound => unknown_vault(),
            error => error,
        })?;
        if access.vault.facts.hidden {
            return Err(unknown_vault());
        }
        let wanted = match integration.target {
            Target::ChatWebhook(_) => Wanted::Names,
            Target::EnvFile(_) | Target::HttpPush(_) | Target::KvV2(_) => Wanted::Rights,
        };
        let filter = &integration.selector.filter;
        match self
            .secrets_outgoing(conn, &mut asking, &access, filter, wanted)
            .await
        {
            // There may be fewer when it runs.
            Ok(_) | Err(Error::TooLarge) => {}
            Err(error) => return Err(error),
        }
        match integration.credential {
            Some(credential) => self.require_credential(conn, act, credential).await,
            None => Ok(()),
        }
    }

    async fn require_credential(
        &self,
        conn: &mut Conn,
        act: &Act,
        credential: SecretId,
    ) -> Result<(), Error> {
        match self.secret_to_bind(conn, act, credential).await {
            Ok(_) => Ok(()),
            Err(Error::NotFound | Error::Hidden | Error::Forbidden | Error::Gone) => {
                let why = "must be a record that you can read";
                Err(Error::invalid("credential_record_id", why))
            }
            Err(error) => Err(error),
        }
    }
}

/// What to say of a vault that the caller does not know.
pub(super) fn unknown_vault() -> Error {
    Error::invalid("selector.collection", "must be a collection that you know")
}

/// What is to be at the target; the error is a sentence.
fn pieces(target: &Target, source: &Source) -> Result<Vec<Piece>, String> {
    match target {
        Target::ChatWebhook(_) => Ok(ChatWebhook::pieces(source)),
        Target::EnvFile(file) => file.pieces(source),
        Target::HttpPush(push) => push.pieces(source),
        Target::KvV2(kv) => kv.pieces(source),
    }
}

/// What a refusal means for the integration; anything else is passed on.
fn refused(error: Error) -> Result<Trouble, Error> {
    match error {
        Error::Forbidden => Ok(Trouble::lasting(UNREADABLE)),
        Error::Hidden | Error::NotFound => Ok(Trouble::lasting(NO_VAULT)),
        error => Err(error),
    }
}

impl Source {
    /// The digest of all secrets, and of what else makes a difference.
    pub(super) fn digest(&self, more: &[&[u8]]) -> [u8; TAG_LENGTH] {
        let each: Vec<_> = self
            .secrets
            .iter()
            .map(|secret| self.digest_of_secret(secret))
            .collect();
        let mut parts: Vec<&[u8]> = each.iter().map(<[u8; TAG_LENGTH]>::as_slice).collect();
        parts.extend_from_slice(more);
        self.digest_of(&parts)
    }

    /// The digest of one secret, with everything of it that is sent.
    fn digest_of_secret(&self, secret: &Outgoing) -> [u8; TAG_LENGTH] {
        let info = &secret.info;
        let tags = info.tags.join("\0");
        let value = secret.value.as_ref();
        let (form, text): (&[u8], &[u8]) = match value {
            Some(value) => (form_word(value.form).as_bytes(), value.text.expose()),
            None => (b"", b""),
        };
        let version = info.newest_version.to_be_bytes();
        self.digest_of(&[
            info.id.bytes(),
            info.path.as_bytes(),
            info.kind.as_bytes(),
            tags.as_bytes(),
            info.fields.as_bytes(),
            &version,
            form,
            text,
        ])
    }

    /// The digest of these parts, whose borders make a difference.
    pub(super) fn digest_of(&self, parts: &[&[u8]]) -> [u8; TAG_LENGTH] {
        let key: &MacKey = self.digests.keys.sent_items();
        let lengths: Vec<_> = parts
            .iter()
            .map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes())
            .collect();
        let mut all: Vec<&[u8]> = vec![&self.digests.integration];
        for (length, part) in lengths.iter().zip(parts) {
            all.push(length);
            all.push(part);
        }
        key.tag(&all)
    }

    /// When the first of the secrets expires, and so what is to be sent changes by itself.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        let versions = self
            .secrets
            .iter()
            .filter_map(|secret| secret.info.version.as_ref());
        versions.filter_map(|version| version.expires_at).min()
    }

    /// What the record tells of a secret that leaves.
    pub(super) fn listed(&self, place: usize) -> Option<ListedSecret> {
        let info = &self.secrets.get(place)?.info;
        let number = info.version.as_ref()?.number;
        Some(ListedSecret::at(info.id, &info.path, number))
    }
}

/// No value: of what is named and not sent.
pub(super) fn nothing() -> Secret {
    Secret::new(Vec::new())
}

const fn form_word(form: Form) -> &'static str {
    match form {
        Form::Fields => "fields",
        Form::Text => "text",
    }
}
