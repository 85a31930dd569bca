//! The groups of operations, in the order in which the explorer shows them.

use utoipa::openapi::tag::{Tag, TagBuilder};

use crate::api::Dialect;

/// The groups of an API with what they are about: of CredVault in its contract's order (contract A9), of the others as one
/// would learn them.
pub(super) fn of(dialect: Option<Dialect>) -> &'static [(&'static str, &'static str)] {
    match dialect {
        Some(Dialect::CloudKeep) => CLOUDKEEP,
        Some(Dialect::Crate) => CRATE,
        Some(Dialect::CredVault) => CREDVAULT,
        Some(Dialect::Inkbox) => INKBOX,
        Some(Dialect::OneClaw) => ONECLAW,
        None => SERVER,
    }
}

/// What a document says of a group.
pub(super) fn tag(name: &str, about: &str) -> Tag {
    let tag = TagBuilder::new().name(name);
    tag.description(Some(about)).build()
}

const CREDVAULT: &[(&str, &str)] = &[
    (
        "Data operations",
        "Query, insert, update and delete records, and the collections that hold them",
    ),
    (
        "Cluster management",
        "View and configure database clusters, rotate their passwords, lease accounts",
    ),
    ("Integrations", "Connect external services"),
    (
        "Intelligence engine",
        "Find what is weak, stale, reused or unusual",
    ),
    ("Webhooks", "Be told of events"),
    (
        "Authentication",
        "Log in, second factors, API keys, who one is",
    ),
    ("Resources", "The records of the collection `default`"),
    ("Jobs and logs", "Work that goes on, and what happened"),
    ("Users", "Users and organizations"),
];

const CLOUDKEEP: &[(&str, &str)] = &[
    ("vaults", "Make, find, change and delete vaults"),
    ("secrets", "Secrets of a vault, by key"),
    ("templates", "What kinds of secrets hold"),
    ("me", "Who one is"),
];

const CRATE: &[(&str, &str)] = &[
    ("secrets", "Store, list, retrieve and delete, sealed"),
    ("public_key", "What values are sealed for"),
    ("tags", "The tags of an organization"),
    ("rpc", "The same over Connect, gRPC and gRPC-Web"),
];

const ONECLAW: &[(&str, &str)] = &[
    ("auth", "Access tokens, passwords, second factors"),
    ("device", "Log-in of a device with a code"),
    ("vaults", "Make, find and delete vaults"),
    ("secrets", "Secrets at paths"),
    ("versions", "Older values of a secret"),
    ("env_vars", "Environment variables of a vault"),
    ("policies", "Who may do what, and why"),
    ("agents", "Agents, their keys and their enrolment"),
    ("shares", "A secret for somebody without a policy"),
    ("api_keys", "One's own API keys"),
    ("audit", "What happened, and the proof of it"),
    ("honeytokens", "Paths whose reading gives somebody away"),
    (
        "ip_rules",
        "Addresses that an organization may be asked from",
    ),
    ("me", "Who one is"),
    ("health", "How the server is"),
];

const INKBOX: &[(&str, &str)] = &[
    ("vault", "The zero-knowledge vault: make, unlock, describe"),
    ("keys", "Keys that open the vault"),
    ("secrets", "Items that only clients can open"),
    ("access", "Which agent may read which item"),
    ("identities", "Agents"),
    ("api_keys", "Keys of people and agents"),
    ("whoami", "Who one is"),
];

const SERVER: &[(&str, &str)] = &[
    ("health", "Whether the server is alive and ready"),
    ("metrics", "What it counts"),
    ("health_rpc", "Health and reflection over gRPC"),
    ("explorer", "This page and its documents"),
];
