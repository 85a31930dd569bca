//! Agents that ask to be registered (contract §9).

use kluis_engine::{
    AgentProfile, Asking as Waiting, Enrollment as Begun, EnrollmentState as Standing,
    EnrollmentStatus, Error, IdentityKey, NewEnrollment, Token, VaultId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Agent;
use crate::api::given::Given;
use crate::api::revealed::Revealed;

/// An agent that asks.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct EnrollmentBegin {
    #[schema(min_length = 1, max_length = 255, examples("nightly-report"))]
    name: String,
    description: Option<String>,
    /// Address of the user who is to decide; any user who gets the token unless given. The server sends nothing.
    human_email: Option<String>,
    /// `ssh-ed25519 AAAA…`, or 32 bytes of Ed25519 in base64. With one, the agent fetches its key itself.
    public_key: Option<String>,
}

/// What an agent is given that has asked.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Enrollment {
    /// The nil UUID: there is no agent yet.
    #[schema(format = "uuid")]
    agent_id: &'static str,
    message: &'static str,
    /// To be handed to whoever decides.
    #[schema(value_type = String)]
    approval_url: Revealed,
    #[serde(skip_serializing_if = "Option::is_none")]
    pairing_id: Option<String>,
    /// Of its public key; whoever approves sees the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// What it asks with how it stands.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    poll_token: Option<Revealed>,
    expires_at: String,
}

/// What a paired agent asks with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct PollQuery {
    /// The `poll_token`.
    #[param(value_type = String)]
    poll: Given,
}

/// What a person decides with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct ApprovalQuery {
    /// The one in `approval_url`.
    #[param(value_type = String)]
    token: Given,
}

/// What a person decides with.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct EnrollmentDecision {
    /// The one in `approval_url`.
    #[schema(value_type = String)]
    token: Given,
}

/// How an enrolment stands.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct EnrollmentState {
    #[schema(format = "uuid")]
    pairing_id: String,
    /// `pending`, `approved`, `denied` or `expired`.
    #[schema(examples("pending"))]
    status: &'static str,
    agent_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    /// The agent's key, once.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Revealed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_ids: Option<Vec<String>>,
}

/// An agent that asks, as a person sees it.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Asking {
    name: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    human_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// Where it asked from.
    ip_address: String,
    created_at: String,
    expires_at: String,
}

/// An agent that was registered.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct AgentApproved {
    agent: Agent,
    /// Its key, once; none when the agent fetches it.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Revealed>,
}

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

impl TryFrom<EnrollmentBegin> for NewEnrollment {
    type Error = Error;

    fn try_from(body: EnrollmentBegin) -> Result<Self, Error> {
        Ok(Self {
            public_key: body
                .public_key
                .as_deref()
                .map(IdentityKey::parse)
                .transpose()?,
            name: body.name,
            description: body.description.unwrap_or_default(),
            email: body.human_email,
        })
    }
}

impl PollQuery {
    /// The token.
    pub(in super::super) fn poll(&self) -> &str {
        self.poll.expose()
    }
}

impl ApprovalQuery {
    /// The token.
    pub(in super::super) fn token(&self) -> &str {
        self.token.expose()
    }
}

impl EnrollmentDecision {
    /// The token.
    pub(in super::super) fn token(&self) -> &str {
        self.token.expose()
    }
}

impl Enrollment {
    /// What is given by the server that is reached at `public_url`.
    pub(in super::super) fn at(public_url: &str, begun: Begun) -> Self {
        let token = begun.approval.expose();
        let url = format!("{public_url}/v1/agents/enroll/pending?token={token}");
        let (pairing_id, fingerprint, poll_token) = match begun.pairing {
            Some(pair) => (
                Some(pair.id.to_string()),
                Some(pair.fingerprint),
                Some(pair.poll.into()),
            ),
            None => (None, None, None),
        };
        Self {
            agent_id: NOBODY,
            message: "A user has to approve this agent, with the token in approval_url.",
            approval_url: kluis_engine::Secret::from_text(url).into(),
            pairing_id,
            fingerprint,
            poll_token,
            expires_at: begun.expires_at.rfc3339(),
        }
    }
}

impl From<Standing> for EnrollmentState {
    fn from(standing: Standing) -> Self {
        let shown = Self {
            pairing_id: standing.id.to_string(),
            status: "pending",
            agent_name: standing.name,
            fingerprint: standing.fingerprint,
            agent_id: None,
            api_key: None,
            vault_ids: None,
        };
        match standing.status {
            EnrollmentStatus::Pending => shown,
            EnrollmentStatus::Denied => Self {
                status: "denied",
                ..shown
            },
            EnrollmentStatus::Expired => Self {
                status: "expired",
                ..shown
            },
            EnrollmentStatus::Approved { agent, vaults, key } => Self {
                status: "approved",
                agent_id: Some(agent.to_string()),
                api_key: key.map(Revealed::from),
                vault_ids: Some(vaults.iter().map(VaultId::to_string).collect()),
                ..shown
            },
        }
    }
}

impl From<Waiting> for Asking {
    fn from(asking: Waiting) -> Self {
        Self {
            name: asking.name,
            description: asking.description,
            human_email: asking.email,
            fingerprint: asking.fingerprint,
            ip_address: asking.address,
            created_at: asking.created_at.rfc3339(),
            expires_at: asking.expires_at.rfc3339(),
        }
    }
}

impl From<(AgentProfile, Option<Token>)> for AgentApproved {
    fn from((agent, key): (AgentProfile, Option<Token>)) -> Self {
        Self {
            agent: agent.into(),
            api_key: key.map(Revealed::from),
        }
    }
}
