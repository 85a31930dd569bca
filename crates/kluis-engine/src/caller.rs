//! Who asks: the one thing that every operation is given first (RULES §1).

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::action::{Scope, ScopeNeed};
use crate::ids::{AgentId, ApiKeyId, OrganizationId, RequestId, SessionId, UserId, VaultId};
use crate::policy::Glob;
use crate::webhooks::EventSet;

/// A proven principal with its limits, for one request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// The organization that it belongs to; nothing of another one exists for it.
    pub organization: OrganizationId,
    /// How it proved itself.
    pub credential: Credential,
    /// The ceiling of its credential; `None` is no ceiling.
    pub scopes: Option<ScopeSet>,
    /// How fast its user may go.
    pub plan: Plan,
    /// What the webhooks of its organization are for: what is not in it is told to nobody.
    pub subscribed: EventSet,
    /// Whether any integration of its organization follows changes of secrets.
    pub followed: bool,
    /// Where the request came from, and through which API.
    pub origin: Origin,
}

/// Where a request came from, for conditions and for the record.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The client's address, as far as it can be trusted.
    pub address: Option<IpAddr>,
    /// Names the request in logs and in the record.
    pub request: RequestId,
    /// Name of the API that the request came through, for the record.
    pub api: &'static str,
}

/// A user or an agent.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A program, with the limits set on it.
    Agent(Arc<Agent>),
    /// A person, or a program that holds a person's key.
    User(User),
}

/// A user, as far as decisions need it.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The user.
    pub id: UserId,
    /// Its role in its organization.
    pub role: Role,
    /// Owner of the first organization: the only one who creates organizations (RULES §2).
    pub server_owner: bool,
}

/// An agent, as far as decisions need it.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The agent.
    pub id: AgentId,
    /// Who registered it; its requests count as theirs.
    pub registered_by: Option<UserId>,
    /// The vaults it is bound to; empty binds it to none in particular.
    pub vaults: Vec<VaultId>,
    /// A ceiling on paths; empty leaves it to the policies.
    pub path_scopes: Vec<Glob>,
    /// Whether private keys are withheld from it (RULES §2, step 2).
    pub intents_api_enabled: bool,
    /// Its environment tag, for conditions.
    pub environment: Option<String>,
}

/// A user's role in its organization; each includes the ones before it, except for values (RULES §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees names; values only where a policy gives `read`; never writes.
    Viewer,
    /// Works in vaults it made, in `default`, and where policies let it.
    Member,
    /// Runs the organization.
    Admin,
    /// Owns the organization.
    Owner,
}

/// How a caller proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// With an API key.
    ApiKey(ApiKeyId),
    /// With an access token that an API key was exchanged for.
    Exchanged(SessionId),
    /// With a log-in session's access token.
    Session(SessionId),
}

/// How many requests a minute a user has, over all APIs and credentials (RULES §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// No limit; the default.
    Enterprise,
    /// 300 a minute, unless configured.
    Pro,
    /// 60 a minute, unless configured.
    Standard,
}

/// A set of scopes: a ceiling, never a grant (RULES §1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(u32);

impl Caller {
    /// The user, unless an agent asks.
    pub fn user(&self) -> Option<&User> {
        match &self.principal {
            Principal::User(user) => Some(user),
            Principal::Agent(_) => None,
        }
    }

    /// The user's role; an agent has none.
    pub fn role(&self) -> Option<Role> {
        self.user().map(|user| user.role)
    }

    /// Whether the credential's scopes allow what needs `need`.
    pub fn within_scopes(&self, need: ScopeNeed) -> bool {
        let Some(scopes) = self.scopes else {
            return true;
        };
        match need {
            ScopeNeed::Any => true,
            ScopeNeed::OneOf(some) => some.iter().any(|scope| scopes.contains(*scope)),
            ScopeNeed::Unscoped => false,
        }
    }
}

impl Credential {
    /// The id of the key or session, whichever it is: what the record and what is counted by credential goes by.
    pub const fn id_bytes(&self) -> &[u8; 16] {
        match self {
            Self::ApiKey(id) => id.bytes(),
            Self::Exchanged(id) | Self::Session(id) => id.bytes(),
        }
    }
}

impl ScopeSet {
    /// The set with `scope` in it too.
    #[must_use]
    pub fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    /// Whether `scope` is in it.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether every scope of `self` is in `other`.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The scopes that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The scopes in it, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }
}

impl fmt::Display for ScopeSet {
    /// The words, separated by spaces: as they are stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(f, "{space}{}", scope.as_str())?;
        }
        Ok(())
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::default(), Self::with)
    }
}

impl Role {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The scopes that the role brings: the most that its users can give to a key (contract A2).
    pub fn scopes(self) -> ScopeSet {
        match self {
            Self::Owner => Scope::ALL.into_iter().collect(),
            Self::Admin => Scope::ALL
                .into_iter()
                .filter(|scope| *scope != Scope::BillingManage)
                .collect(),
            Self::Member => [
                Scope::DatabaseRead,
                Scope::DatabaseWrite,
                Scope::ExperimentWrite,
                Scope::LogsRead,
                Scope::MetadataRead,
                Scope::OrchestrationExecute,
                Scope::QueryExecute,
            ]
            .into_iter()
            .collect(),
            Self::Viewer => [Scope::DatabaseRead, Scope::LogsRead, Scope::MetadataRead]
                .into_iter()
                .collect(),
        }
    }

    /// The role that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "viewer" => Some(Self::Viewer),
            "member" => Some(Self::Member),
            "admin" => Some(Self::Admin),
            "owner" => Some(Self::Owner),
            _ => None,
        }
    }
}

impl Plan {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::Pro => "pro",
            Self::Standard => "standard",
        }
    }

    /// The plan that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "enterprise" => Some(Self::Enterprise),
            "pro" => Some(Self::Pro),
            "standard" => Some(Self::Standard),
            _ => None,
        }
    }
}
