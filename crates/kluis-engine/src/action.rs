//! Everything that can be done, in one table: role, scope, audit name, durability, agents (DESIGN §2).
//!
//! Every engine operation names exactly one [`Action`], so none can be unauthorized or unrecorded.

mod scope;

pub use scope::Scope;

use crate::caller::Role;

/// Which scopes an action needs of a scoped credential.
#[derive(Clone, Copy, Debug)]
pub enum ScopeNeed {
    /// Any credential will do.
    Any,
    /// One of these.
    OneOf(&'static [Scope]),
    /// Only a credential without a ceiling.
    Unscoped,
}

/// The least that a user must be; finer rules are the operation's (RULES §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// Any user or, where agents may, any agent.
    Anyone,
    /// A user with at least this role.
    Role(Role),
    /// The owner of the first organization.
    ServerOwner,
}

/// How long an act must outlive its answer (DESIGN §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Durable on disk, with its event, before the answer.
    Change,
    /// Its event is recorded before the answer, without waiting for the disk.
    Read,
}

/// What the table says of one action.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in the record, in 1claw's words.
    pub name: &'static str,
    /// The least that a user must be.
    pub floor: Floor,
    /// What it needs of a scoped credential.
    pub scopes: ScopeNeed,
    /// Whether agents may call it.
    pub agents: bool,
    /// How durable it is.
    pub durability: Durability,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident: $name:literal, $floor:expr, $scopes:expr, $agents:expr, $durability:ident;)*) => {
        /// One thing that can be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $action,)*
        }

        impl Action {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// What the table says of it.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$action => Rule {
                        name: $name,
                        floor: $floor,
                        scopes: $scopes,
                        agents: $agents,
                        durability: Durability::$durability,
                    },)*
                }
            }
        }
    };
}

const ANY: ScopeNeed = ScopeNeed::Any;
const UNSCOPED: ScopeNeed = ScopeNeed::Unscoped;
const SEE: ScopeNeed = ScopeNeed::OneOf(&[Scope::MetadataRead, Scope::DatabaseRead]);
const READ: ScopeNeed = ScopeNeed::OneOf(&[Scope::DatabaseRead]);
const WRITE: ScopeNeed = ScopeNeed::OneOf(&[Scope::DatabaseWrite]);
const SETTINGS: ScopeNeed = ScopeNeed::OneOf(&[Scope::SettingsModify]);
const QUERY: ScopeNeed = ScopeNeed::OneOf(&[Scope::QueryExecute]);
const ORCHESTRATION: ScopeNeed = ScopeNeed::OneOf(&[Scope::OrchestrationExecute]);
const METADATA: ScopeNeed = ScopeNeed::OneOf(&[Scope::MetadataRead]);
const EXPERIMENT: ScopeNeed = ScopeNeed::OneOf(&[Scope::ExperimentWrite]);
const LOGS: ScopeNeed = ScopeNeed::OneOf(&[Scope::LogsRead]);
const TEAM: ScopeNeed = ScopeNeed::OneOf(&[Scope::TeamManage]);

/// Whatever begins jobs ends them.
const JOBS: ScopeNeed = ScopeNeed::OneOf(&[
    Scope::OrchestrationExecute,
    Scope::ExperimentWrite,
    Scope::SettingsModify,
]);

const ANYONE: Floor = Floor::Anyone;
const MEMBER: Floor = Floor::Role(Role::Member);
const ADMIN: Floor = Floor::Role(Role::Admin);
const OWNER: Floor = Floor::Role(Role::Owner);

const AGENTS: bool = true;
const USERS: bool = false;

actions! {
    /// See the agents.
    AgentList: "agent.list", ANYONE, UNSCOPED, AGENTS, Read;
    /// See one agent.
    AgentRead: "agent.view", ANYONE, UNSCOPED, AGENTS, Read;
    /// Register an agent.
    AgentCreate: "agent.register", MEMBER, UNSCOPED, USERS, Change;
    /// Change an agent's name or limits.
    AgentUpdate: "agent.update", MEMBER, UNSCOPED, USERS, Change;
    /// Stop an agent from acting.
    AgentDeactivate: "agent.deactivate", MEMBER, UNSCOPED, USERS, Change;
    /// Replace the key of an agent.
    AgentRotateKey: "agent.rotate_key", MEMBER, UNSCOPED, USERS, Change;
    /// See who asks to be registered as an agent.
    EnrollmentRead: "agent.enrollment", MEMBER, UNSCOPED, USERS, Read;
    /// Register an agent that has asked for it.
    EnrollmentApprove: "agent.approve", MEMBER, UNSCOPED, USERS, Change;
    /// Refuse an agent that has asked to be registered.
    EnrollmentDeny: "agent.deny", MEMBER, UNSCOPED, USERS, Change;
    /// See the agents, as an administrator or as the agent itself.
    AgentListAsAdmin: "agent.list", ADMIN, UNSCOPED, AGENTS, Read;
    /// See one agent, as an administrator or as the agent itself.
    AgentReadAsAdmin: "agent.view", ADMIN, UNSCOPED, AGENTS, Read;
    /// Register an agent with a handle of its own, as an administrator.
    AgentCreateAsAdmin: "agent.register", ADMIN, UNSCOPED, USERS, Change;
    /// Change an agent's name or description, as an administrator.
    AgentUpdateAsAdmin: "agent.update", ADMIN, UNSCOPED, USERS, Change;
    /// Delete an agent, as an administrator.
    AgentDeleteAsAdmin: "agent.delete", ADMIN, UNSCOPED, USERS, Change;
    /// Give an agent a further key.
    AgentKeyCreate: "api_key.create", ADMIN, UNSCOPED, USERS, Change;
    /// Delete an agent.
    AgentDelete: "agent.delete", MEMBER, UNSCOPED, USERS, Change;
    /// Take an agent from the user who is responsible for it.
    AgentTakeOver: "agent.take_over", ADMIN, UNSCOPED, USERS, Change;
    /// See the keys of the own user.
    ApiKeyList: "api_key.list", ANYONE, TEAM, USERS, Read;
    /// See one API key.
    ApiKeyRead: "api_key.view", ANYONE, TEAM, USERS, Read;
    /// Make an API key.
    ApiKeyCreate: "api_key.create", ANYONE, TEAM, USERS, Change;
    /// Rename or disable an API key, or change its scopes or expiry.
    ApiKeyUpdate: "api_key.update", ANYONE, TEAM, USERS, Change;
    /// Replace the token of an API key.
    ApiKeyRotate: "api_key.rotate", ANYONE, TEAM, USERS, Change;
    /// Revoke an API key.
    ApiKeyDelete: "api_key.revoke", ANYONE, TEAM, USERS, Change;
    /// Take a copy of the record, with its chain.
    AuditExport: "audit.export", ADMIN, LOGS, USERS, Read;
    /// Look into the record.
    AuditList: "audit.list", ANYONE, LOGS, AGENTS, Read;
    /// Check the chain of the record.
    AuditVerify: "audit.verify", ADMIN, LOGS, USERS, Read;
    /// See the clusters of database servers.
    ClusterList: "cluster.list", ANYONE, METADATA, USERS, Read;
    /// See one cluster.
    ClusterRead: "cluster.view", ANYONE, METADATA, USERS, Read;
    /// Make a cluster.
    ClusterCreate: "cluster.create", ADMIN, SETTINGS, USERS, Change;
    /// Change a cluster.
    ClusterUpdate: "cluster.update", ADMIN, SETTINGS, USERS, Change;
    /// Delete a cluster.
    ClusterDelete: "cluster.delete", ADMIN, SETTINGS, USERS, Change;
    /// Try to log in to a cluster's servers.
    ClusterTest: "cluster.test", ANYONE, QUERY, USERS, Read;
    /// See the secrets that are bound to a cluster.
    ClusterRecordList: "cluster.records", ANYONE, METADATA, USERS, Read;
    /// Change the passwords of secrets on the servers of their cluster.
    ClusterRotate: "cluster.rotate", ADMIN, ORCHESTRATION, USERS, Change;
    /// See the environments of a vault.
    EnvironmentList: "environment.list", ANYONE, SEE, AGENTS, Read;
    /// Make an environment of a vault.
    EnvironmentCreate: "environment.create", ANYONE, WRITE, AGENTS, Change;
    /// Delete an environment of a vault.
    EnvironmentDelete: "environment.delete", ANYONE, WRITE, AGENTS, Change;
    /// See the environment variables of a vault.
    EnvVarList: "env_var.list", ANYONE, SEE, AGENTS, Read;
    /// Read one environment variable.
    EnvVarRead: "env_var.read", ANYONE, READ, AGENTS, Read;
    /// Get the values of all environment variables of one environment.
    EnvVarResolve: "env_var.resolve", ANYONE, READ, AGENTS, Read;
    /// Make or change an environment variable.
    EnvVarWrite: "env_var.write", ANYONE, WRITE, AGENTS, Change;
    /// Delete an environment variable.
    EnvVarDelete: "env_var.delete", ANYONE, WRITE, AGENTS, Change;
    /// See the honeytokens.
    HoneytokenList: "honeytoken.list", ANYONE, SETTINGS, USERS, Read;
    /// Make a honeytoken.
    HoneytokenCreate: "honeytoken.create", ANYONE, SETTINGS, USERS, Change;
    /// Delete a honeytoken.
    HoneytokenDelete: "honeytoken.delete", ANYONE, SETTINGS, USERS, Change;
    /// Touch a honeytoken: nobody asks for it, reading does it.
    HoneytokenTrigger: "honeytoken.triggered", ANYONE, ANY, AGENTS, Read;
    /// See the integrations.
    IntegrationList: "integration.list", ANYONE, METADATA, USERS, Read;
    /// See one integration.
    IntegrationRead: "integration.view", ANYONE, METADATA, USERS, Read;
    /// See which kinds of integrations there are.
    IntegrationKindList: "integration.types", ANYONE, METADATA, USERS, Read;
    /// Make an integration.
    IntegrationCreate: "integration.create", ADMIN, SETTINGS, USERS, Change;
    /// Change an integration.
    IntegrationUpdate: "integration.update", ADMIN, SETTINGS, USERS, Change;
    /// Delete an integration.
    IntegrationDelete: "integration.delete", ADMIN, SETTINGS, USERS, Change;
    /// Try to reach the target of an integration.
    IntegrationTest: "integration.test", ADMIN, QUERY, USERS, Read;
    /// Have the target of an integration brought up to date.
    IntegrationSync: "integration.sync", ADMIN, ORCHESTRATION, USERS, Change;
    /// See the runs of an integration.
    IntegrationRunList: "integration.runs", ANYONE, METADATA, USERS, Read;
    /// See the rules about addresses.
    IpRuleList: "ip_rule.list", ADMIN, SETTINGS, USERS, Read;
    /// Make a rule about addresses.
    IpRuleCreate: "ip_rule.create", ADMIN, SETTINGS, USERS, Change;
    /// Remove a rule about addresses.
    IpRuleDelete: "ip_rule.delete", ADMIN, SETTINGS, USERS, Change;
    /// See the insights.
    InsightList: "insight.list", ANYONE, METADATA, USERS, Read;
    /// See one insight.
    InsightRead: "insight.view", ANYONE, METADATA, USERS, Read;
    /// Say what is to become of an insight.
    InsightUpdate: "insight.update", ADMIN, EXPERIMENT, USERS, Change;
    /// Say whether an insight is of use.
    InsightVote: "insight.feedback", MEMBER, EXPERIMENT, USERS, Change;
    /// See what insights lead to.
    RecommendationList: "insight.recommendations", ANYONE, METADATA, USERS, Read;
    /// Have secrets, keys and the record looked through for insights.
    Analyze: "intelligence.analyze", MEMBER, EXPERIMENT, USERS, Change;
    /// See the jobs.
    JobList: "job.list", ANYONE, METADATA, USERS, Read;
    /// See one job.
    JobRead: "job.view", ANYONE, METADATA, USERS, Read;
    /// Cancel a job.
    JobCancel: "job.cancel", MEMBER, JOBS, USERS, Change;
    /// See the leases of a cluster.
    LeaseList: "lease.list", ANYONE, METADATA, AGENTS, Read;
    /// Get a user of a cluster's servers for a while.
    LeaseCreate: "lease.create", ANYONE, QUERY, AGENTS, Change;
    /// End a lease before its time.
    LeaseRevoke: "lease.revoke", ANYONE, QUERY, AGENTS, Change;
    /// Make an organization and its owner.
    OrganizationCreate: "organization.create", Floor::ServerOwner, UNSCOPED, USERS, Change;
    /// Change the own password.
    PasswordChange: "auth.password_change", ANYONE, UNSCOPED, USERS, Change;
    /// See the policies of a vault.
    PolicyList: "policy.list", ANYONE, SETTINGS, AGENTS, Read;
    /// See why someone may or may not.
    PolicyExplain: "policy.explain", ANYONE, SETTINGS, AGENTS, Read;
    /// Write a policy.
    PolicyCreate: "policy.create", ANYONE, SETTINGS, AGENTS, Change;
    /// Change a policy.
    PolicyUpdate: "policy.update", ANYONE, SETTINGS, AGENTS, Change;
    /// Remove a policy.
    PolicyDelete: "policy.delete", ANYONE, SETTINGS, AGENTS, Change;
    /// See the public key that values are sealed with for the organization.
    PublicKeyRead: "public_key.read", ADMIN, ANY, USERS, Read;
    /// See the key that one asks with.
    OwnKeyRead: "api_key.view", ADMIN, ANY, AGENTS, Read;
    /// See who one is.
    ProfileRead: "profile.read", ANYONE, ANY, AGENTS, Read;
    /// See who one is, as an administrator.
    ProfileReadAsAdmin: "profile.read", ADMIN, ANY, USERS, Read;
    /// See the names and metadata in a vault.
    SecretList: "secret.list", ANYONE, SEE, AGENTS, Read;
    /// Read the value of a secret, or of all secrets in a vault at once.
    SecretRead: "secret.read", ANYONE, READ, AGENTS, Read;
    /// See one secret without its value.
    SecretView: "secret.view", ANYONE, SEE, AGENTS, Read;
    /// Look for secrets in a vault by what is kept beside their values.
    SecretQuery: "secret.query", ANYONE, QUERY, AGENTS, Read;
    /// Create a secret, give it a new value, or change what is kept beside it.
    SecretWrite: "secret.write", ANYONE, WRITE, AGENTS, Change;
    /// Delete a secret, or close it so that it can be restored.
    SecretDelete: "secret.delete", ANYONE, WRITE, AGENTS, Change;
    /// Open the closed versions of a secret again.
    SecretRestore: "secret.restore", ANYONE, WRITE, AGENTS, Change;
    /// Give a secret the value of an old version again.
    SecretVersionRestore: "secret.version_restore", ANYONE, WRITE, AGENTS, Change;
    /// Give a secret a new value that the server makes.
    SecretRotate: "secret.rotate", ANYONE, WRITE, AGENTS, Change;
    /// Take a version of a secret out of use.
    SecretDisable: "secret.disable", ANYONE, WRITE, AGENTS, Change;
    /// Destroy the closed versions of a secret.
    SecretPurge: "secret.purge", ANYONE, WRITE, AGENTS, Change;
    /// Delete a secret by the name of its vault.
    SealedSecretDelete: "secret.delete", ADMIN, WRITE, USERS, Change;
    /// See the names in a vault by its name.
    SealedSecretList: "secret.list", ADMIN, SEE, USERS, Read;
    /// Get values sealed for a key that the request brings.
    SealedSecretRead: "secret.read", ADMIN, READ, USERS, Read;
    /// Give a secret a value that came sealed.
    SealedSecretWrite: "secret.write", ADMIN, WRITE, USERS, Change;
    /// See the versions of a secret, without values.
    SecretVersionList: "secret.versions", ANYONE, SEE, AGENTS, Read;
    /// See a log-in of a device that waits for approval.
    DeviceLoginRead: "auth.device_view", ANYONE, UNSCOPED, USERS, Read;
    /// Let a device act as the own user.
    DeviceLoginApprove: "auth.device_approve", ANYONE, UNSCOPED, USERS, Change;
    /// Refuse a log-in of a device.
    DeviceLoginDeny: "auth.device_deny", ANYONE, UNSCOPED, USERS, Change;
    /// End the own session.
    SessionDelete: "auth.logout", ANYONE, ANY, AGENTS, Change;
    /// Accept a share that is for the caller.
    ShareAccept: "share.accept", ANYONE, READ, AGENTS, Change;
    /// Share a secret.
    ShareCreate: "share.create", ANYONE, READ, AGENTS, Change;
    /// Decline a share that is for the caller.
    ShareDecline: "share.decline", ANYONE, READ, AGENTS, Change;
    /// See the shares that the caller made, or that are for it.
    ShareList: "share.list", ANYONE, READ, AGENTS, Read;
    /// Open a share: read the secret through it.
    ShareOpen: "share.open", ANYONE, READ, AGENTS, Change;
    /// Revoke a share that the caller made.
    ShareRevoke: "share.revoke", ANYONE, READ, AGENTS, Change;
    /// See the tags that secrets have.
    TagList: "tag.list", ADMIN, SEE, USERS, Read;
    /// See the templates.
    TemplateList: "template.list", ANYONE, ANY, AGENTS, Read;
    /// See what judges secrets.
    ModelList: "intelligence.models", ANYONE, METADATA, USERS, Read;
    /// Have texts looked at that are not kept.
    TextClassify: "intelligence.classify", MEMBER, EXPERIMENT, USERS, Read;
    /// Begin, confirm or end the own second factor.
    TotpChange: "auth.totp", ANYONE, UNSCOPED, USERS, Change;
    /// See the users.
    UserList: "user.list", ANYONE, UNSCOPED, USERS, Read;
    /// See one user.
    UserRead: "user.view", ANYONE, UNSCOPED, USERS, Read;
    /// Make a user.
    UserCreate: "user.create", ADMIN, UNSCOPED, USERS, Change;
    /// Change a user's name, role, plan or status.
    UserUpdate: "user.update", ANYONE, UNSCOPED, USERS, Change;
    /// Delete a user.
    UserDelete: "user.delete", ADMIN, UNSCOPED, USERS, Change;
    /// Give another user a one-time password.
    UserResetPassword: "user.reset_password", OWNER, UNSCOPED, USERS, Change;
    /// See the vaults.
    VaultList: "vault.list", ANYONE, SEE, AGENTS, Read;
    /// See one vault.
    VaultRead: "vault.view", ANYONE, SEE, AGENTS, Read;
    /// Make a vault.
    VaultCreate: "vault.create", MEMBER, WRITE, AGENTS, Change;
    /// Rename or describe a vault.
    VaultUpdate: "vault.update", ANYONE, WRITE, AGENTS, Change;
    /// Delete a vault and all that is in it.
    VaultDelete: "vault.delete", ANYONE, WRITE, AGENTS, Change;
    /// Take a vault from its maker.
    VaultTakeOver: "vault.take_over", ADMIN, WRITE, USERS, Change;
    /// See the webhooks.
    WebhookList: "webhook.list", ANYONE, METADATA, USERS, Read;
    /// See one webhook.
    WebhookRead: "webhook.view", ANYONE, METADATA, USERS, Read;
    /// See what webhooks can be for.
    WebhookEventList: "webhook.events", ANYONE, METADATA, USERS, Read;
    /// Make a webhook.
    WebhookCreate: "webhook.create", ADMIN, SETTINGS, USERS, Change;
    /// Change a webhook.
    WebhookUpdate: "webhook.update", ADMIN, SETTINGS, USERS, Change;
    /// Remove a webhook.
    WebhookDelete: "webhook.delete", ADMIN, SETTINGS, USERS, Change;
    /// Replace the secret of a webhook.
    WebhookRotateSecret: "webhook.rotate_secret", ADMIN, SETTINGS, USERS, Change;
    /// Send a test to a webhook.
    WebhookTest: "webhook.test", ADMIN, SETTINGS, USERS, Change;
    /// See what was delivered to a webhook: names out of every vault are in it.
    WebhookDeliveryList: "webhook.deliveries", ADMIN, LOGS, USERS, Read;
    /// Deliver something again.
    WebhookRedeliver: "webhook.redeliver", ADMIN, SETTINGS, USERS, Change;
    /// See the rules that let agents read a zero-knowledge item.
    ZkAccessList: "zk_access.list", ADMIN, READ, AGENTS, Read;
    /// Let an agent read a zero-knowledge item.
    ZkAccessGrant: "zk_access.grant", ADMIN, SETTINGS, USERS, Change;
    /// Keep an agent from reading a zero-knowledge item.
    ZkAccessRevoke: "zk_access.revoke", ADMIN, SETTINGS, USERS, Change;
    /// See the items of the zero-knowledge vault, without payloads.
    ZkItemList: "zk_item.list", ADMIN, SEE, AGENTS, Read;
    /// Read a zero-knowledge item with its payload.
    ZkItemRead: "zk_item.read", ADMIN, READ, AGENTS, Read;
    /// Make a zero-knowledge item.
    ZkItemCreate: "zk_item.create", ADMIN, WRITE, USERS, Change;
    /// Change a zero-knowledge item.
    ZkItemUpdate: "zk_item.update", ADMIN, WRITE, USERS, Change;
    /// Delete a zero-knowledge item.
    ZkItemDelete: "zk_item.delete", ADMIN, WRITE, USERS, Change;
    /// See which keys the zero-knowledge vault has.
    ZkKeyList: "zk_key.list", ADMIN, READ, AGENTS, Read;
    /// Replace the primary key of the zero-knowledge vault.
    ZkKeyReplace: "zk_key.replace", ADMIN, SETTINGS, USERS, Change;
    /// Revoke a key of the zero-knowledge vault.
    ZkKeyRevoke: "zk_key.revoke", ADMIN, SETTINGS, USERS, Change;
    /// Make the organization's zero-knowledge vault.
    ZkVaultCreate: "zk_vault.create", ADMIN, SETTINGS, USERS, Change;
    /// Delete the zero-knowledge vault and all that is in it.
    ZkVaultDelete: "zk_vault.delete", ADMIN, SETTINGS, USERS, Change;
    /// See that there is a zero-knowledge vault, and how much is in it.
    ZkVaultRead: "zk_vault.view", ANYONE, SEE, AGENTS, Read;
    /// Prove a key of the zero-knowledge vault and get what it opens.
    ZkVaultUnlock: "zk_vault.unlock", ADMIN, READ, AGENTS, Read;
}
