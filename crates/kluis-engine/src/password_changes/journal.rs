//! What is written down before, between and after the steps of changing a password.

use std::time::Duration;

use kluis_crypto::Secret;

use crate::audit::{Event, Outcome};
use crate::clock::Timestamp;
use crate::clusters::{Binding, Cluster, names_of};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{ClusterId, OrganizationId, PasswordChangeId, SecretId, VaultId};
use crate::integrations::integrations_follow;
use crate::notice::{Actor, Notice};
use crate::secrets::{
    Availability, generated_password, password_alone, password_of, with_password,
};
use crate::store::sql::{clusters, password_changes as sql, secrets};
use crate::store::{Conn, Row, Touches, params};
use crate::targets::DatabaseKind;
use crate::webhooks::{About, Happening, WebhookEvent};

/// A password that a server is to have, or one that it is to forget.
pub(super) struct Change {
    pub(super) id: PasswordChangeId,
    pub(super) organization: OrganizationId,
    pub(super) secret: SecretId,
    pub(super) cluster: ClusterId,
    /// The user whose password it is.
    pub(super) username: String,
    pub(super) password: Secret,
    /// Whether it is to be forgotten.
    pub(super) is_retiring: bool,
    pub(super) attempts: u32,
    pub(super) created_at: Timestamp,
}

/// What came of trying to begin.
pub(super) enum Begun {
    Change(Change),
    /// Something is wrong that somebody has to see to.
    Refused(&'static str),
    /// The secret is none whose password can be changed.
    Skipped(&'static str),
}

/// What such a password is sealed as.
pub(crate) const PASSWORD_CHANGE: &str = "password-change";
/// Whoever is at a change has so long before another takes it. Two who are at it do the same thing twice.
const TAKEN_FOR: Duration = Duration::from_secs(5);
/// A password that was replaced stays good for so long, where a server can keep two.
const OVERLAP: Duration = Duration::from_secs(60);
/// Between two tries, first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

impl Engine {
    /// Draw a new password for a bound secret and write it down. From then on, until the change is over, whoever reads the
    /// secret waits, unless the change is that of an alternate user.
    pub(super) async fn change_begin(
        &self,
        binding: &Binding,
        cluster: &Cluster,
    ) -> Result<Begun, Error> {
        let Some(vault) = self.vault_of(binding.secret).await? else {
            return Ok(Begun::Skipped("it is gone"));
        };
        let (engine, binding, organization) = (self.clone(), binding.clone(), cluster.organization);
        let (id, kind) = (cluster.id, cluster.kind);
        let now = self.clock().now();
        self.store()
            .write_touching(Touches::Secrets(vault), move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    let secret = binding.secret;
                    lock(conn, vault, secret).await?;
                    if conn
                        .query_one(sql::STATE, params![secret.bytes()])
                        .await?
                        .is_some()
                    {
                        return Ok(Begun::Skipped("it is being rotated"));
                    }
                    let found = engine.secret_unattended(conn, organization, secret).await;
                    let found = match found {
                        Err(Error::NotFound) => return Ok(Begun::Skipped("it is gone")),
                        found => found?,
                    };
                    if found.info.availability != Availability::Available {
                        return Ok(Begun::Skipped("its value cannot be had"));
                    }
                    let Some(value) = &found.value else {
                        return Ok(Begun::Skipped("its reads are limited"));
                    };
                    if password_of(value).is_none() {
                        return Ok(Begun::Skipped("it has no password"));
                    }
                    let current = username_in(kind, &found.info.fields);
                    let next = current.as_deref().and_then(|name| binding.next_after(name));
                    let Some(username) = next.map(str::to_owned) else {
                        return Ok(Begun::Refused(
                            "the record names another user than the one that was bound",
                        ));
                    };
                    let change = Change {
                        id: PasswordChangeId::generate(now)?,
                        organization,
                        secret,
                        cluster: id,
                        username,
                        password: generated_password()?,
                        is_retiring: false,
                        attempts: 0,
                        created_at: now,
                    };
                    engine.change_insert(conn, &change).await?;
                    // The one who is in use keeps its password while the other gets one.
                    if current.as_deref() == Some(&change.username) {
                        let switching = params![secret.bytes(), true];
                        conn.execute(secrets::SET_SWITCHING, switching).await?;
                    }
                    Ok(Begun::Change(change))
                })
            })
            .await
    }

    async fn change_insert(&self, conn: &mut Conn, change: &Change) -> Result<(), Error> {
        let keys = self.keys()?.organization(conn, change.organization).await?;
        let (key_version, sealed) =
            keys.seal_field(PASSWORD_CHANGE, change.id.bytes(), change.password.expose())?;
        let row = params![
            change.id.bytes(),
            change.organization.bytes(),
            change.secret.bytes(),
            change.cluster.bytes(),
            &change.username,
            key_version,
            &sealed,
            change.created_at.after(TAKEN_FOR),
            change.created_at
        ];
        conn.execute(sql::INSERT, row).await?;
        Ok(())
    }

    /// The server has the password: it becomes the secret's next version. Its number; none when another has done this.
    pub(super) async fn change_finish(
        &self,
        change: &Change,
        keeps: bool,
    ) -> Result<Option<u32>, Error> {
        let Some(vault) = self.vault_of(change.secret).await? else {
            return Ok(None);
        };
        let (engine, change, now) = (self.clone(), change.duplicate(), self.clock().now());
        self.store()
            .write_touching(Touches::Secrets(vault), move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    lock(conn, vault, change.secret).await?;
                    let state = conn
                        .query_one(sql::STATE, params![change.secret.bytes()])
                        .await?;
                    let is_pending = match state {
                        Some(mut row) => row.text()? == "pending",
                        None => false,
                    };
                    if !is_pending {
                        return Ok(None);
                    }
                    let (version, about) =
                        match engine.change_store(conn, &change, keeps, now).await {
                            // It was closed meanwhile.
                            Err(Error::NotFound) => {
                                let ended = params![change.id.bytes(), "pending"];
                                conn.query_one(sql::END, ended).await?;
                                return Ok(None);
                            }
                            version => version?,
                        };
                    tx.record(change.event(Outcome::Success, now)?);
                    let event = WebhookEvent::RecordRotated;
                    let rotated = [Happening { event, about }];
                    engine
                        .webhooks_tell(tx, change.organization, &rotated, now)
                        .await?;
                    integrations_follow(tx, change.organization, vault, now).await?;
                    Ok(Some(version))
                })
            })
            .await
    }

    async fn change_store(
        &self,
        conn: &mut Conn,
        change: &Change,
        keeps: bool,
        now: Timestamp,
    ) -> Result<(u32, About), Error> {
        let found = self
            .secret_unattended(conn, change.organization, change.secret)
            .await?;
        let binding = conn
            .query_one(clusters::BINDING, params![change.secret.bytes()])
            .await?;
        let by = match binding {
            Some(row) => Binding::from_row(row)?.bound_by,
            // It was let go meanwhile; the password is the server's all the same.
            None => crate::ids::UserId::from_bytes([0; 16]),
        };
        let before = found.stored_value()?;
        let old = before.as_ref().and_then(password_of);
        let old = old.unwrap_or_else(|| Secret::new(Vec::new()));
        let old_name = names_of(&found.info.fields).username.unwrap_or_default();
        let new = (change.username.as_str(), &change.password);
        let value = match &before {
            Some(before) => with_password(before, &old, new)?,
            None => password_alone(&change.password)?,
        };
        let fields = (old_name != change.username && !old_name.is_empty())
            .then(|| with_username(&found.info.fields, &change.username))
            .flatten();
        let keep = self.settings().keep_versions;
        let mut about = About {
            vault: Some(found.vault_name.clone()),
            name: Some(found.info.path.clone()),
            ..About::thing("secret", change.secret.bytes())
        };
        let version = found.replace(conn, value, fields, by, now, keep).await?;
        let over = params![change.secret.bytes(), false];
        conn.execute(secrets::SET_SWITCHING, over).await?;
        if keeps && old_name == change.username {
            let keys = self.keys()?.organization(conn, change.organization).await?;
            let sealed = keys.seal_field(PASSWORD_CHANGE, change.id.bytes(), old.expose())?;
            let retire = params![change.id.bytes(), sealed.0, &sealed.1, now.after(OVERLAP)];
            conn.execute(sql::RETIRE, retire).await?;
        } else {
            conn.query_one(sql::END, params![change.id.bytes(), "pending"])
                .await?;
        }
        about.version = Some(version);
        Ok((version, about))
    }

    /// The server does not have the password: the secret is as it was.
    pub(super) async fn change_undo(&self, change: &Change) -> Result<(), Error> {
        let Some(vault) = self.vault_of(change.secret).await? else {
            return Ok(());
        };
        let (engine, change, now) = (self.clone(), change.duplicate(), self.clock().now());
        self.store()
            .write_touching(Touches::Secrets(vault), move |tx| {
                Box::pin(async move {
                    let conn = tx.conn();
                    lock(conn, vault, change.secret).await?;
                    let ended = params![change.id.bytes(), "pending"];
                    if conn.query_one(sql::END, ended).await?.is_some() {
                        let over = params![change.secret.bytes(), false];
                        conn.execute(secrets::SET_SWITCHING, over).await?;
                        tx.record(change.event(Outcome::Failed, now)?);
                        engine
                            .webhooks_tell(tx, change.organization, &[failed(change.secret)], now)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Record that a change did not begin.
    pub(super) async fn change_refused(
        &self,
        secret: SecretId,
        organization: OrganizationId,
    ) -> Result<(), Error> {
        let now = self.clock().now();
        let event = event(secret, organization, Outcome::Failed, now)?;
        let engine = self.clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    tx.record(event);
                    let failed = [failed(secret)];
                    engine.webhooks_tell(tx, organization, &failed, now).await
                })
            })
            .await
    }

    /// Try again after a while that grows.
    pub(super) async fn change_postpone(&self, change: &Change) -> Result<(), Error> {
        let factor = 1_u32 << change.attempts.min(16);
        let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        let (id, next) = (change.id, self.clock().now().after(pause));
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let later = params![id.bytes(), next];
                    tx.conn().execute(sql::POSTPONE, later).await?;
                    Ok(())
                })
            })
            .await
    }

    /// A retired password is forgotten.
    pub(super) async fn change_end(&self, change: &Change) -> Result<(), Error> {
        let id = change.id;
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let ended = params![id.bytes(), "retiring"];
                    tx.conn().query_one(sql::END, ended).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Take a change that nobody is at; whether it could be taken.
    pub(super) async fn change_take(&self, change: &Change) -> Result<bool, Error> {
        let (id, now) = (change.id, self.clock().now());
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let mine = params![id.bytes(), now, now.after(TAKEN_FOR)];
                    Ok(tx.conn().query_one(sql::TAKE, mine).await?.is_some())
                })
            })
            .await
    }

    /// From the columns of `password_changes::BY_SECRET`.
    pub(super) async fn change_from_row(
        &self,
        conn: &mut Conn,
        mut row: Row,
    ) -> Result<Change, Error> {
        let id = PasswordChangeId::from_bytes(row.array()?);
        let organization = OrganizationId::from_bytes(row.array()?);
        let secret = SecretId::from_bytes(row.array()?);
        let cluster = ClusterId::from_bytes(row.array()?);
        let (username, state) = (row.text()?, row.text()?);
        let (key_version, sealed) = (row.number()?, row.blob()?);
        let keys = self.keys()?;
        let keys = keys
            .organization_at(conn, organization, key_version)
            .await?;
        Ok(Change {
            id,
            organization,
            secret,
            cluster,
            username,
            password: keys.open_field(PASSWORD_CHANGE, id.bytes(), key_version, &sealed)?,
            is_retiring: state == "retiring",
            attempts: row.number()?,
            created_at: row.time()?,
        })
    }

    async fn vault_of(&self, secret: SecretId) -> Result<Option<VaultId>, Error> {
        let mut reader = self.store().reader().await?;
        let of = params![secret.bytes()];
        let row = reader.conn()?.query_one(secrets::VAULT, of).await?;
        Ok(row
            .map(|mut row| row.array().map(VaultId::from_bytes))
            .transpose()?)
    }
}

impl Change {
    fn duplicate(&self) -> Self {
        Self {
            username: self.username.clone(),
            password: self.password.duplicate(),
            ..*self
        }
    }

    fn event(&self, outcome: Outcome, now: Timestamp) -> Result<Event, Error> {
        event(self.secret, self.organization, outcome, now)
    }
}

fn event(
    secret: SecretId,
    organization: OrganizationId,
    outcome: Outcome,
    now: Timestamp,
) -> Result<Event, Error> {
    let notice = Notice::new(organization, Actor::Server, "secret.rotate");
    Notice {
        resource: Some(("secret", *secret.bytes())),
        outcome,
        ..notice
    }
    .event(now)
}

fn failed(secret: SecretId) -> Happening {
    Happening {
        event: WebhookEvent::RotationFailed,
        about: About::thing("secret", secret.bytes()),
    }
}

/// Nobody else changes the secret until the transaction ends.
async fn lock(conn: &mut Conn, vault: VaultId, secret: SecretId) -> Result<(), Error> {
    conn.lock(secrets::LOCK_BY_ID, params![vault.bytes(), secret.bytes()])
        .await?;
    Ok(())
}

/// The user that plain fields name; Redis has one for whom nobody writes a name.
fn username_in(kind: DatabaseKind, fields: &str) -> Option<String> {
    match (names_of(fields).username, kind) {
        (None, DatabaseKind::Redis) => Some("default".to_owned()),
        (username, _) => username,
    }
}

/// Plain fields that name another user, and the one before as the alternate.
fn with_username(fields: &str, username: &str) -> Option<String> {
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(fields).ok()?;
    let before = fields.insert("username".to_owned(), username.into());
    if let Some(before) = before
        && fields.contains_key("alternate_username")
    {
        fields.insert("alternate_username".to_owned(), before);
    }
    serde_json::to_string(&fields).ok()
}
