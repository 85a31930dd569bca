//! The rules of Kluis: what may be done, by whom, how it is kept and how it is recorded.
//!
//! Every operation is a method of [`Engine`] that takes a [`Caller`] first and names one [`Action`].
//! The crate knows no HTTP and no word of a dialect.

mod access;
mod access_tokens;
mod act;
mod action;
mod agent_tokens;
mod agents;
mod api_keys;
mod audit;
mod authentication;
mod blocking;
mod caller;
mod clock;
mod clusters;
mod cursors;
mod device_logins;
mod engine;
mod env_vars;
mod error;
mod explanation;
mod honeytokens;
mod ids;
mod insights;
mod integrations;
mod intelligence;
mod ip_rules;
#[expect(
    dead_code,
    reason = "the first kinds of jobs come with clusters and integrations"
)]
mod jobs;
mod keys;
mod leases;
mod limits;
mod notice;
mod organizations;
mod outbound;
mod pages;
mod password_changes;
mod passwords;
mod policies;
mod policy;
mod process_env;
mod remembered;
mod rotation;
mod seal;
mod second_factor;
mod secrets;
mod sessions;
mod shares;
mod sightings;
mod store;
mod targets;
mod templates;
#[cfg(test)]
mod testing;
mod transport_keys;
mod upkeep;
mod users;
mod vaults;
mod webhooks;
mod zk;

pub use access_tokens::{AccessToken, LoggedIn};
pub use action::{Action, Durability, Floor, Rule, Scope, ScopeNeed};
pub use agent_tokens::AgentToken;
pub use agents::{
    AgentChange, AgentDescription, AgentHandle, AgentLimits, AgentProfile, Asking, Enrollment,
    EnrollmentState, EnrollmentStatus, IdentityKey, NewAgent, NewAgentKey, NewEnrollment,
    NewHandledAgent, Pairing,
};
pub use api_keys::{ApiKey, ApiKeyChange, ApiKeyStatus, KeyStyle, KeysOf, NewApiKey, OwnKey};
pub use audit::{
    AuditCheckpoint, AuditEntry, AuditExport, AuditFilter, AuditRange, Event, LogFilter, Outcome,
    ResourceFilter, Verification,
};
pub use authentication::Accepts;
pub use caller::{Agent, Caller, Credential, Origin, Plan, Principal, Role, ScopeSet, User};
pub use clock::{Clock, Timestamp};
pub use clusters::{
    Checked, Cluster, ClusterChange, ClusterStatus, InCluster, LeaseChange, LeaseSettings,
    LeaseTemplate, NewCluster, Node, NodeRole, Principals, RotationChange, RotationSettings,
    TlsChange, TlsSettings,
};
pub use device_logins::{DeviceCode, DeviceLogin, DeviceToken};
pub use engine::{Engine, Settings};
pub use env_vars::{
    EnvKey, EnvVar, EnvVarAt, EnvVarChange, Environment, EnvironmentName, NewEnvVar,
    NewEnvironment, ResolvedVars, VarSource,
};
pub use error::{Cause, Conflict, Error, Invalid, Unavailable, Why};
pub use explanation::{Explanation, Question};
pub use honeytokens::{Honeytoken, NewHoneytoken};
pub use ids::{
    AgentId, ApiKeyId, ClusterId, DeviceLoginId, EnrollmentId, EnvVarId, EnvironmentId, EventId,
    HoneytokenId, InsightId, IntegrationChangeId, IntegrationId, IntegrationRunId, IpRuleId, JobId,
    LeaseId, OrganizationId, PasswordChangeId, PolicyId, RequestId, SecretId, SessionId, ShareId,
    TransportKeyId, UserId, VaultId, WebhookDeliveryId, WebhookId, ZkAccessId, ZkItemId, ZkKeyId,
    ZkRowId, ZkVaultId, from_base62, to_base62,
};
pub use insights::{
    Analysis, AnalysisScope, Evidence, Insight, InsightKind, InsightStatus, InsightSubject, Nature,
    Recommendation, RecommendedAction, Score, Severity, UnusualHour, Vote,
};
pub use integrations::{
    ChatWebhook, Consignment, EnvFile, Envelope, HttpPush, Integration, IntegrationChange,
    IntegrationKind, IntegrationRun, IntegrationShown, IntegrationStatus, IntegrationWords, KvV2,
    ModeChange, NamedVault, NewIntegration, NewSelector, PushFormat, Report, RunCause, RunFilter,
    RunStatus, Selector, Sent, SyncMode, Target, TargetChange, Trial,
};
pub use intelligence::{Classification, Label, Model};
pub use ip_rules::{IpRule, IpRuleKind, NewIpRule};
pub use jobs::{Job, JobKind, JobStatus};
/// What hashing a password or passphrase costs.
pub use kluis_crypto::password::Params as PasswordCost;
/// The length of the RSA keys that values are sealed for, and such a key of a caller.
pub use kluis_crypto::{ModulusBits, TransportPublicKey};
/// The one type for secret bytes, and tokens, as operations take and give them.
pub use kluis_crypto::{Secret, Token};
pub use leases::{Lease, LeaseState, NewLease};
pub use limits::{Admission, Refusal};
pub use organizations::{Bootstrapped, NewOrganization, SignUp};
pub use outbound::Reach;
pub use pages::{Page, PageQuery, PageStart};
pub use policies::{NewPolicy, PolicyChange};
pub use policy::{
    AttributeConditions, Basis, Conditions, Effect, Fit, Glob, Permission, PermissionSet, Policy,
    PolicyPrincipal,
};
pub use process_env::runs_code;
pub use seal::{NewSeal, SealStatus, UnsealInput};
pub use second_factor::TotpEnrollment;
pub use secrets::{
    Availability, Charset, Expect, FieldsChange, Filter, Form, InVault, LARGEST_FIELDS,
    LARGEST_VALUE, Limit, NamedFields, Path, Place, Reader, Retrieved, Rotate, Sealed, SealedPut,
    SecretAt, SecretInfo, SecretRead, SecretWrite, SecretWritten, Selection, State, Test, Updated,
    Value, VersionInfo, Which,
};
pub use sessions::{Login, SessionTokens};
pub use shares::{NewShare, Recipient, Share, ShareToken, SharedSecret, SharesOf};
pub use store::Storage;
pub use targets::{DatabaseKind, TlsMode};
pub use templates::{Field, Template};
pub use users::{DisplayName, NewUser, Profile, Remark, UserChange, UserProfile};
pub use vaults::{Contents, DEFAULT_NAME, NewVault, Vault, VaultChange};
pub use webhooks::{
    About, Courier, DeliveryFilter, DeliveryStatus, EventSet, Letter, NewWebhook, Parcel, Webhook,
    WebhookChange, WebhookDelivery, WebhookEvent, WebhookShown,
};
pub use zk::{
    Granted, NewZkItem, NewZkKey, NewZkVault, ZkAccess, ZkHold, ZkItem, ZkItemChange,
    ZkItemDescription, ZkItemKind, ZkItemName, ZkItemWithPayload, ZkKey, ZkKeyKind, ZkKeyProof,
    ZkKeyReplacement, ZkPayload, ZkProof, ZkUnlocked, ZkUnlockedKey, ZkVaultInfo, ZkWrappedKey,
};
