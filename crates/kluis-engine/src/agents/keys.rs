//! Keys of agents: the one that it proves itself with, and the two key pairs that it is given (1claw contract §9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kluis_crypto::{KeyPair, Secret, Token};
use zeroize::Zeroizing;

use super::{AgentProfile, agent_to_change, own_id};
use crate::act::Act;
use crate::action::Action;
use crate::api_keys::{KeyStyle, OwnKey, agent_key_find, last4, shown_prefix};
use crate::caller::{Caller, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{AgentId, ApiKeyId, UserId, VaultId};
use crate::keys::Unsealed;
use crate::secrets::{Form, Path, Value, secret_make};
use crate::store::sql::{agents as sql, enrollments, organizations};
use crate::store::{Conn, Tx, params};
use crate::users::{DisplayName, Remark};
use crate::vaults::keys_vault_insert;

/// A further key to give an agent.
#[derive(Clone, Debug)]
pub struct NewAgentKey {
    /// Whose it is to be.
    pub agent: Option<AgentId>,
    /// What it is for.
    pub label: DisplayName,
    /// More about it.
    pub description: Option<Remark>,
}

/// What keys of agents begin with.
pub(crate) const AGENT_PREFIX: &str = "ocv_";

impl Engine {
    /// Replace an agent's keys by one; the old ones and their tokens end at once, the new one is shown once and lives as long as
    /// the one that it was registered with was to.
    pub async fn agent_rotate_key(
        &self,
        caller: &Caller,
        agent: AgentId,
    ) -> Result<(AgentProfile, Token), Error> {
        let keys = self.keys()?;
        self.change(caller, Action::AgentRotateKey, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let agent = agent_to_change(conn, act, agent).await?;
                let of = params![agent.id.bytes()];
                let mut expires_at = None;
                if let Some(mut row) = conn.query_one(sql::KEY, of).await? {
                    let _id: [u8; 16] = row.array()?;
                    let (end, made) = (row.optional_time()?, row.time()?);
                    let life = end.map(|end| end.millis().saturating_sub(made.millis()));
                    expires_at = life
                        .map(|life| Timestamp::from_millis(act.now.millis().saturating_add(life)));
                }
                conn.execute(sql::DELETE_KEYS, of).await?;
                conn.execute(enrollments::END_OF_AGENT, of).await?;
                let token = key_insert(conn, &keys, agent.id, expires_at, act.now).await?;
                Ok((agent, token))
            })
        })
        .await
    }

    /// Give an agent a further key, shown once. `Forbidden` when it is to be nobody's: keys of users are not made so.
    /// `NotFound` when there is no such agent.
    pub async fn agent_key_create(
        &self,
        caller: &Caller,
        new: NewAgentKey,
    ) -> Result<(OwnKey, Token), Error> {
        let label = new.label.into_text();
        let description = new.description.map(Remark::into_text);
        let keys = self.keys()?;
        self.change(caller, Action::AgentKeyCreate, move |tx, act| {
            Box::pin(async move {
                act.calls_it(&label);
                let agent = new.agent.ok_or(Error::Forbidden)?;
                let agent = agent_to_change(tx.conn(), act, agent).await?;
                let row = KeyRow {
                    agent: agent.id,
                    style: KeyStyle::Inkbox,
                    label: &label,
                    description: description.as_ref(),
                    expires_at: None,
                    created_by: Some(own_id(act)?),
                };
                let (id, token) = row.insert(tx.conn(), &keys, act.now).await?;
                act.finds("api_key", *id.bytes());
                act.calls_it(&label);
                act.concerns(agent.id);
                let key = agent_key_find(tx.conn(), agent.organization, agent.id, id);
                Ok((key.await?, token))
            })
        })
        .await
    }

    /// The vault that private keys of agents are kept in; `NotFound` while there is none, and for all but owners and admins.
    pub async fn agent_keys_vault(&self, caller: &Caller) -> Result<VaultId, Error> {
        self.look(caller, Action::VaultRead, async |conn, act| {
            let of = params![act.caller.organization.bytes()];
            let found = conn.query_one(sql::KEYS_VAULT, of).await?;
            let vault = VaultId::from_bytes(found.ok_or(Error::NotFound)?.array()?);
            if act.caller.role() < Some(Role::Admin) {
                return Err(Error::NotFound);
            }
            act.finds("vault", *vault.bytes());
            Ok(vault)
        })
        .await
    }
}

/// Make the key that an agent is registered with, and keep its digest.
pub(super) async fn key_insert(
    conn: &mut Conn,
    keys: &Unsealed,
    agent: AgentId,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Token, Error> {
    let key = KeyRow {
        agent,
        style: KeyStyle::Oneclaw,
        label: "",
        description: None,
        expires_at,
        created_by: None,
    };
    let (_, token) = key.insert(conn, keys, now).await?;
    Ok(token)
}

/// A key of an agent to keep.
struct KeyRow<'a> {
    agent: AgentId,
    style: KeyStyle,
    label: &'a str,
    description: Option<&'a String>,
    expires_at: Option<Timestamp>,
    created_by: Option<UserId>,
}

impl KeyRow<'_> {
    async fn insert(
        self,
        conn: &mut Conn,
        keys: &Unsealed,
        now: Timestamp,
    ) -> Result<(ApiKeyId, Token), Error> {
        let prefix = match self.style {
            KeyStyle::Inkbox => KeyStyle::Inkbox.prefix(),
            KeyStyle::Cloudkeep | KeyStyle::Crate | KeyStyle::Credvault | KeyStyle::Oneclaw => {
                AGENT_PREFIX
            }
        };
        let token = Token::generate(prefix)?;
        let id = ApiKeyId::generate(now)?;
        let (prefix, last4) = (shown_prefix(&token), last4(&token));
        let digest = keys.digest(token.expose());
        let row = params![
            id.bytes(),
            self.agent.bytes(),
            &prefix,
            &last4,
            self.style.as_str(),
            self.label,
            self.description,
            &digest,
            self.expires_at,
            self.created_by.as_ref().map(UserId::bytes),
            now
        ];
        conn.execute(sql::INSERT_KEY, row).await?;
        Ok((id, token))
    }
}

/// Make the key pairs that the agent has not brought: the public halves go onto the agent, the private ones into the
/// organization's vault for them.
pub(super) async fn key_pairs_make(
    engine: &Engine,
    tx: &mut Tx,
    act: &Act,
    agent: &mut AgentProfile,
) -> Result<(), Error> {
    let conn = tx.conn();
    let organization = agent.organization;
    // Taken, so that two nodes do not make the vault at the same time.
    conn.lock(organizations::LOCK, params![organization.bytes()])
        .await?;
    let found = conn
        .query_one(sql::KEYS_VAULT, params![organization.bytes()])
        .await?;
    let vault = match found {
        Some(mut row) => VaultId::from_bytes(row.array()?),
        None => keys_vault_insert(conn, act).await?,
    };
    let keys = engine.keys()?.organization(conn, organization).await?;
    let [ssh_path, ecdh_path] = paths(agent.id)?;
    let ecdh = KeyPair::p256()?;
    let mut made = vec![(&ecdh_path, "private_key", &ecdh)];
    let ssh = KeyPair::ed25519()?;
    if agent.ssh_public_key.is_none() {
        made.push((&ssh_path, "ssh_key", &ssh));
        agent.ssh_public_key = Some(ssh.public.clone());
    }
    for (path, kind, pair) in made {
        let value = Value {
            text: pem(&pair.private),
            form: Form::Text,
        };
        secret_make(conn, act, &keys, vault, path, kind, value).await?;
    }
    agent.ecdh_public_key = Some(ecdh.public);
    Ok(())
}

/// Destroy both private keys.
pub(super) async fn key_pairs_delete(conn: &mut Conn, agent: &AgentProfile) -> Result<(), Error> {
    let of = params![agent.organization.bytes()];
    let Some(mut row) = conn.query_one(sql::KEYS_VAULT, of).await? else {
        return Ok(());
    };
    let vault: [u8; 16] = row.array()?;
    let [ssh, ecdh] = paths(agent.id)?;
    let pair = params![&vault, ssh.as_str(), ecdh.as_str()];
    conn.execute(sql::DELETE_KEY_PAIR, pair).await?;
    Ok(())
}

fn paths(agent: AgentId) -> Result<[Path; 2], Error> {
    Ok([
        Path::parse(format!("agents/{agent}/ssh/private_key"), "path")?,
        Path::parse(format!("agents/{agent}/ecdh/private_key"), "path")?,
    ])
}

/// A private key as text (RFC 7468 §10).
fn pem(der: &Secret) -> Secret {
    const LINE: usize = 48;
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    for line in der.expose().chunks(LINE) {
        BASE64.encode_string(line, &mut text);
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    Secret::from_text(std::mem::take(&mut *text))
}
