//! Enrolment: an agent asks to be registered, and a person decides (1claw contract §9). Off unless the server is told
//! otherwise.
//!
//! What the agent is given approves nothing without a user, and what a user needs to approve opens nothing. An agent that
//! brings its public key is paired with it: it fetches its key itself, once. Else the key goes to whoever approves.

use std::time::Duration;

use kluis_crypto::Token;

use super::change::Handle;
use super::identity_key::IdentityKey;
use super::keys::key_insert;
use super::profile::check_text;
use super::{AgentLimits, AgentProfile, agent_make, agent_of, own_id};
use crate::act::Act;
use crate::action::Action;
use crate::caller::{Caller, Origin};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::{Conflict, Error};
use crate::ids::{AgentId, EnrollmentId, OrganizationId, VaultId};
use crate::ip_rules::require_admitted;
use crate::limits::seconds_until;
use crate::notice::{Actor, Notice};
use crate::store::sql::{agents, enrollments as sql};
use crate::store::{Conn, Failure, Row, params, unexpected};
use crate::users::{display_name, email_address, require_address};

/// An agent that asks to be registered.
#[derive(Debug)]
pub struct NewEnrollment {
    /// What it is called; as for [`super::NewAgent`].
    pub name: String,
    /// What it is for; at most 4,000 characters.
    pub description: String,
    /// Address of the user who is to decide; any user of any organization when `None`.
    pub email: Option<String>,
    /// Its public key; with one it is paired.
    pub public_key: Option<IdentityKey>,
}

/// What an agent is given that has asked.
pub struct Enrollment {
    /// What a person decides with.
    pub approval: Token,
    /// What it asks with how it stands, when it has brought a key.
    pub pairing: Option<Pairing>,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// What a paired agent asks with.
pub struct Pairing {
    /// Names its enrolment.
    pub id: EnrollmentId,
    /// Says that it is the one.
    pub poll: Token,
    /// Of its public key; to be compared by whoever approves.
    pub fingerprint: String,
}

/// What a person sees before deciding.
#[derive(Clone, Debug)]
pub struct Asking {
    /// What the agent says that it is called.
    pub name: String,
    /// What it says that it is for.
    pub description: String,
    /// Who is to decide.
    pub email: Option<String>,
    /// Of its public key.
    pub fingerprint: Option<String>,
    /// Where it asked from.
    pub address: String,
    /// When it asked.
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// How an enrolment stands.
pub struct EnrollmentState {
    /// Its id.
    pub id: EnrollmentId,
    /// What the agent is called.
    pub name: String,
    /// Of its public key.
    pub fingerprint: Option<String>,
    /// How it stands.
    pub status: EnrollmentStatus,
}

/// How an enrolment stands.
pub enum EnrollmentStatus {
    /// It is registered.
    Approved {
        /// The agent.
        agent: AgentId,
        /// The vaults that it is bound to.
        vaults: Vec<VaultId>,
        /// Its key, the first time.
        key: Option<Token>,
    },
    /// Somebody refused it.
    Denied,
    /// Nobody decided in time, or the key was not fetched in time.
    Expired,
    /// Nobody has decided.
    Pending,
}

/// An enrolment as it is stored.
struct EnrollmentRow {
    id: EnrollmentId,
    name: String,
    description: String,
    email: Option<String>,
    public_key: Option<IdentityKey>,
    address: String,
    state: String,
    agent: Option<AgentId>,
    expires_at: Timestamp,
    created_at: Timestamp,
}

/// How long an enrolment waits for a person, and its key for the agent.
const PATIENCE: Duration = Duration::from_hours(1);
/// How long an address is left alone after an enrolment that names it.
const QUIET: Duration = Duration::from_mins(10);
const APPROVAL_PREFIX: &str = "kea_";
const POLL_PREFIX: &str = "kep_";

impl Engine {
    /// Ask to be registered. `RateLimited` after too many from one address, or for one e-mail address. The answer is the same
    /// whether a user has that address or not.
    pub async fn enrollment_begin(
        &self,
        new: NewEnrollment,
        origin: Origin,
    ) -> Result<Enrollment, Error> {
        let name = display_name(&new.name)?;
        check_text("description", &new.description, 4_000)?;
        let email = new.email.as_deref().map(email_address).transpose()?;
        self.admit_asking(origin.address).await?;
        let keys = self.keys()?;
        let now = self.clock().now();
        let id = EnrollmentId::generate(now)?;
        let approval = Token::generate(APPROVAL_PREFIX)?;
        let pairing = match &new.public_key {
            Some(key) => Some(Pairing {
                id,
                poll: Token::generate(POLL_PREFIX)?,
                fingerprint: key.fingerprint(),
            }),
            None => None,
        };
        let approval_digest = keys.digest(approval.expose());
        let poll_digest = pairing.as_ref().map(|pair| keys.digest(pair.poll.expose()));
        let expires_at = now.after(PATIENCE);
        let address = origin.address.map(|address| address.to_string());
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(email) = &email {
                        require_quiet(tx.conn(), email, now).await?;
                    }
                    let row = params![
                        id.bytes(),
                        &approval_digest,
                        poll_digest.as_ref(),
                        &name,
                        &new.description,
                        email.as_ref(),
                        new.public_key.as_ref().map(IdentityKey::bytes),
                        address.as_deref().unwrap_or_default(),
                        expires_at,
                        now
                    ];
                    tx.conn().execute(sql::INSERT, row).await?;
                    Ok(())
                })
            })
            .await?;
        Ok(Enrollment {
            approval,
            pairing,
            expires_at,
        })
    }

    /// How a paired enrolment stands; gives the agent's key once. `NotFound` unless both belong together.
    pub async fn enrollment_status(
        &self,
        id: EnrollmentId,
        poll: &str,
        origin: Origin,
    ) -> Result<EnrollmentState, Error> {
        let keys = self.keys()?;
        let digest = keys.digest(poll);
        let now = self.clock().now();
        let mut reader = self.store().reader().await?;
        let of = params![id.bytes(), &digest];
        let row = reader.conn()?.query_one(sql::BY_POLL, of).await?;
        drop(reader);
        let row = EnrollmentRow::from_row(row.ok_or(Error::NotFound)?)?;
        let status = match (row.state.as_str(), row.agent) {
            ("denied", _) => EnrollmentStatus::Denied,
            ("approved" | "pending", _) if row.expires_at <= now => EnrollmentStatus::Expired,
            ("approved" | "taken", Some(agent)) => self.enrolled(id, agent, origin).await?,
            _ => EnrollmentStatus::Pending,
        };
        Ok(EnrollmentState {
            id,
            fingerprint: row.public_key.as_ref().map(IdentityKey::fingerprint),
            name: row.name,
            status,
        })
    }

    /// See who asks, before it is decided. `NotFound` for what is unknown, over, decided, or for another user to decide.
    pub async fn enrollment_read(&self, caller: &Caller, approval: &str) -> Result<Asking, Error> {
        let digest = self.keys()?.digest(approval);
        self.look(caller, Action::EnrollmentRead, async |conn, act| {
            let row = to_decide(conn, act, &digest).await?;
            Ok(Asking {
                fingerprint: row.public_key.as_ref().map(IdentityKey::fingerprint),
                name: row.name,
                description: row.description,
                email: row.email,
                address: row.address,
                created_at: row.created_at,
                expires_at: row.expires_at,
            })
        })
        .await
    }

    /// Register the agent that asks; the caller is responsible for it. Gives its key, unless it is paired and fetches it.
    pub async fn enrollment_approve(
        &self,
        caller: &Caller,
        approval: &str,
    ) -> Result<(AgentProfile, Option<Token>), Error> {
        let digest = self.keys()?.digest(approval);
        let engine = self.clone();
        self.change(caller, Action::EnrollmentApprove, move |tx, act| {
            Box::pin(async move {
                let row = to_decide(tx.conn(), act, &digest).await?;
                let locked = params![row.id.bytes()];
                let locked = tx.conn().query_one(sql::LOCK_PENDING, locked).await?;
                let mut locked = locked.ok_or(Error::Conflict(Conflict::State))?;
                let is_paired = locked.optional_array::<32>()?.is_some();
                let own = own_id(act)?;
                let limits = AgentLimits {
                    description: row.description,
                    ..AgentLimits::default()
                };
                let agent = AgentProfile {
                    ssh_public_key: row.public_key.map(|key| key.bytes().to_vec()),
                    ..AgentProfile::new(act, own, row.name, limits)?
                };
                let agent = agent_make(&engine, tx, act, agent, Handle::OfName).await?;
                let approved = params![row.id.bytes(), agent.id.bytes(), act.now.after(PATIENCE)];
                tx.conn().execute(sql::APPROVE, approved).await?;
                if is_paired {
                    return Ok((agent, None));
                }
                let keys = engine.keys()?;
                let token = key_insert(tx.conn(), &keys, agent.id, None, act.now).await?;
                Ok((agent, Some(token)))
            })
        })
        .await
    }

    /// Refuse the agent that asks.
    pub async fn enrollment_deny(&self, caller: &Caller, approval: &str) -> Result<(), Error> {
        let digest = self.keys()?.digest(approval);
        self.change(caller, Action::EnrollmentDeny, move |tx, act| {
            Box::pin(async move {
                let row = to_decide(tx.conn(), act, &digest).await?;
                let of = params![row.id.bytes()];
                let denied = tx.conn().query_one(sql::DENY, of).await?;
                denied.map(drop).ok_or(Error::Conflict(Conflict::State))
            })
        })
        .await
    }

    /// A registered agent, with its key when it comes for it the first time.
    async fn enrolled(
        &self,
        id: EnrollmentId,
        agent: AgentId,
        origin: Origin,
    ) -> Result<EnrollmentStatus, Error> {
        let engine = self.clone();
        let now = self.clock().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let of = params![agent.bytes()];
                    let row = tx.conn().query_one(agents::ORGANIZATION, of).await?;
                    let organization = row.ok_or(Error::NotFound)?.array()?;
                    let organization = OrganizationId::from_bytes(organization);
                    require_admitted(tx.conn(), organization, &origin).await?;
                    let taken = tx.conn().query_one(sql::TAKE, params![id.bytes()]).await?;
                    let key = if taken.is_some() {
                        let keys = engine.keys()?;
                        let key = key_insert(tx.conn(), &keys, agent, None, now).await?;
                        let actor = Actor::Agent(agent);
                        let notice = Notice {
                            resource: Some(("agent", *agent.bytes())),
                            ..Notice::new(organization, actor, "agent.enroll").through(&origin)
                        };
                        tx.record(notice.event(now)?);
                        Some(key)
                    } else {
                        None
                    };
                    let agent = agent_of(tx.conn(), organization, agent).await?;
                    Ok(EnrollmentStatus::Approved {
                        agent: agent.id,
                        vaults: agent.limits.vaults,
                        key,
                    })
                })
            })
            .await
    }
}

impl EnrollmentRow {
    fn from_row(mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: EnrollmentId::from_bytes(row.array()?),
            name: row.text()?,
            description: row.text()?,
            email: row.optional_text()?,
            public_key: row
                .optional_blob()?
                .map(|bytes| IdentityKey::from_stored(&bytes).ok_or_else(unexpected))
                .transpose()?,
            address: row.text()?,
            state: row.text()?,
            agent: row.optional_array()?.map(AgentId::from_bytes),
            expires_at: row.time()?,
            created_at: row.time()?,
        })
    }
}

/// The enrolment that the caller may decide.
async fn to_decide(
    conn: &mut Conn,
    act: &mut Act,
    digest: &[u8; 32],
) -> Result<EnrollmentRow, Error> {
    let of = params![digest, act.now];
    let row = conn.query_one(sql::BY_APPROVAL, of).await?;
    let row = EnrollmentRow::from_row(row.ok_or(Error::NotFound)?)?;
    if row.state != "pending" {
        return Err(Error::NotFound);
    }
    if let Some(email) = &row.email {
        require_address(conn, act, email).await?;
    }
    act.finds("enrollment", *row.id.bytes());
    act.calls_it(&row.name);
    Ok(row)
}

/// One enrolment for an e-mail address in ten minutes.
async fn require_quiet(conn: &mut Conn, email: &str, now: Timestamp) -> Result<(), Error> {
    let row = conn.query_one(sql::LATEST_FOR, params![email]).await?;
    let latest = match row {
        Some(mut row) => row.optional_time()?,
        None => None,
    };
    match latest.map(|at| at.after(QUIET)) {
        Some(until) if now < until => Err(Error::RateLimited {
            retry_after: seconds_until(until, now),
        }),
        _ => Ok(()),
    }
}
