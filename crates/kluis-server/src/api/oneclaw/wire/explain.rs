//! Why someone may or may not.

use std::net::IpAddr;

use kluis_engine::{Basis, Error, Fit, Path, Permission, VaultId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::{Policy, PrincipalType, principal};
use crate::api::ids::Kind;

/// What is asked.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct Question {
    #[schema(format = "uuid")]
    vault_id: String,
    #[schema(examples("db/main/password"))]
    path: String,
    /// `read`, `write`, `delete` or `rotate`.
    #[schema(examples("read"))]
    permission: String,
    /// `user` or `agent`; the caller itself unless given.
    principal_type: Option<PrincipalType>,
    #[schema(format = "uuid")]
    principal_id: Option<String>,
    /// From where; the caller's own address unless given.
    #[schema(examples("192.0.2.7"))]
    ip_address: Option<String>,
}

/// A decision, and what led to it. Scopes of a key are not part of it.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Explanation {
    allowed: bool,
    /// `owner`, `maker`, `policy` or `role`; left out when it is not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("policy"))]
    basis: Option<&'static str>,
    /// Whether the name may be seen.
    sees: bool,
    /// False for a disabled user, who may nothing.
    active: bool,
    /// Whether policies are asked at all.
    by_policies: bool,
    /// The policy that decides; left out when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    deciding_policy_id: Option<String>,
    /// All about the principal on the vault, in the order in which they are asked.
    policies: Vec<Considered>,
}

/// A policy, and how it fits.
#[derive(Serialize, ToSchema)]
struct Considered {
    #[serde(flatten)]
    policy: Policy,
    /// `applies`, or what rules it out: `permissions`, `path`, `expired`, `tags`, `conditions`.
    #[schema(examples("applies"))]
    fit: &'static str,
}

impl TryFrom<Question> for kluis_engine::Question {
    type Error = Error;

    fn try_from(body: Question) -> Result<Self, Error> {
        let permission = Permission::parse(&body.permission)
            .ok_or_else(|| Error::invalid("permission", "must be read, write, delete or rotate"))?;
        let principal = match (body.principal_type, body.principal_id) {
            (None, None) => None,
            (Some(kind), Some(id)) => Some(principal(kind, &id)?),
            (None, Some(_)) => return Err(Error::missing("principal_type")),
            (Some(_), None) => return Err(Error::missing("principal_id")),
        };
        let address = |text: String| {
            text.parse::<IpAddr>()
                .map_err(|_| Error::invalid("ip_address", "must be an IP address"))
        };
        Ok(Self {
            vault: VaultId::named(&body.vault_id),
            path: Path::parse(body.path, "path")?,
            permission,
            principal,
            address: body.ip_address.map(address).transpose()?,
        })
    }
}

impl TryFrom<kluis_engine::Explanation> for Explanation {
    type Error = Error;

    fn try_from(explanation: kluis_engine::Explanation) -> Result<Self, Error> {
        let policies = explanation.policies.into_iter().map(|(policy, fit)| {
            Ok(Considered {
                policy: policy.try_into()?,
                fit: word(fit),
            })
        });
        Ok(Self {
            allowed: explanation.allowed,
            basis: explanation.basis.map(|basis| match basis {
                Basis::Maker => "maker",
                Basis::Owner => "owner",
                Basis::Policy(_) => "policy",
                Basis::Role => "role",
            }),
            sees: explanation.sees,
            active: explanation.active,
            by_policies: explanation.by_policies,
            deciding_policy_id: explanation.deciding.map(|id| id.to_string()),
            policies: policies.collect::<Result<_, Error>>()?,
        })
    }
}

const fn word(fit: Fit) -> &'static str {
    match fit {
        Fit::Applies => "applies",
        Fit::Conditions => "conditions",
        Fit::Expired => "expired",
        Fit::Path => "path",
        Fit::Permissions => "permissions",
        Fit::Tags => "tags",
    }
}
