//! Policies.

use kluis_engine::{
    AgentId, AttributeConditions, Conditions, Error, Glob, NewPolicy, Permission, PermissionSet,
    PolicyChange, PolicyPrincipal, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{instant, object};
use crate::api::ids::Kind;

/// A policy.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Policy {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    vault_id: String,
    #[schema(examples("db/**"))]
    secret_path_pattern: String,
    /// `user` or `agent`.
    #[schema(examples("user"))]
    principal_type: &'static str,
    #[schema(format = "uuid")]
    principal_id: String,
    #[schema(examples(json!(["read"])))]
    permissions: Vec<&'static str>,
    conditions: Map<String, Value>,
    /// Left out for `allow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<&'static str>,
    /// Left out for 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    /// Left out when there are none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    attribute_conditions: Map<String, Value>,
    #[schema(format = "uuid")]
    created_by: String,
    /// `user` or `agent`.
    #[schema(examples("user"))]
    created_by_type: &'static str,
    #[schema(examples("2026-03-01T09:40:00Z"))]
    created_at: String,
    /// Left out when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// The policies of a vault.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Policies {
    policies: Vec<Policy>,
}

/// A policy to write.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct PolicyCreate {
    /// `*` is one segment, `**` any number of them; it matches whole paths.
    #[schema(examples("db/**"))]
    secret_path_pattern: String,
    principal_type: PrincipalType,
    #[schema(format = "uuid")]
    principal_id: String,
    /// At least one of `read`, `write`, `delete`, `rotate`.
    #[schema(min_items = 1, examples(json!(["read"])))]
    permissions: Vec<String>,
    /// `ip_allowlist`, `time_window`, `environment_in`; all that are given must hold.
    #[schema(value_type = Option<Object>)]
    conditions: Option<Value>,
    /// `required_tags`, `principal_role`, `auth_method`; all that are given must hold.
    #[schema(value_type = Option<Object>)]
    attribute_conditions: Option<Value>,
    /// From then on it does not apply.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    effect: Option<Effect>,
    /// The highest decides; at equal priority a deny wins.
    #[schema(minimum = 0)]
    priority: Option<u64>,
    /// Not evaluated, so refused unless empty.
    #[schema(value_type = Option<Object>)]
    tx_conditions: Option<Value>,
    /// Not evaluated, so refused unless empty.
    #[schema(value_type = Option<Object>)]
    consensus_trigger: Option<Value>,
}

/// What to change of a policy.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct PolicyUpdate {
    /// At least one of `read`, `write`, `delete`, `rotate`.
    #[schema(min_items = 1, examples(json!(["read"])))]
    permissions: Option<Vec<String>>,
    /// `ip_allowlist`, `time_window`, `environment_in`; all that are given must hold.
    #[schema(value_type = Option<Object>)]
    conditions: Option<Value>,
    /// `required_tags`, `principal_role`, `auth_method`; all that are given must hold.
    #[schema(value_type = Option<Object>)]
    attribute_conditions: Option<Value>,
    /// From then on it does not apply.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    effect: Option<Effect>,
    /// The highest decides; at equal priority a deny wins.
    #[schema(minimum = 0)]
    priority: Option<u64>,
    /// Not evaluated, so refused unless empty.
    #[schema(value_type = Option<Object>)]
    tx_conditions: Option<Value>,
    /// Not evaluated, so refused unless empty.
    #[schema(value_type = Option<Object>)]
    consensus_trigger: Option<Value>,
}

/// What a policy does, how and when, in both requests alike.
struct Terms {
    conditions: Option<Value>,
    attribute_conditions: Option<Value>,
    expires_at: Option<String>,
    effect: Option<Effect>,
    priority: Option<u64>,
    tx_conditions: Option<Value>,
    consensus_trigger: Option<Value>,
}

/// The terms out of a request that has them among its members.
macro_rules! terms {
    ($request:ident) => {
        Terms {
            conditions: $request.conditions,
            attribute_conditions: $request.attribute_conditions,
            expires_at: $request.expires_at,
            effect: $request.effect,
            priority: $request.priority,
            tx_conditions: $request.tx_conditions,
            consensus_trigger: $request.consensus_trigger,
        }
    };
}

/// Who a policy can be about.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum PrincipalType {
    Agent,
    User,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Effect {
    Allow,
    Deny,
}

impl TryFrom<PolicyCreate> for NewPolicy {
    type Error = Error;

    fn try_from(create: PolicyCreate) -> Result<Self, Error> {
        let change = PolicyChange::try_from(terms!(create))?;
        Ok(Self {
            pattern: Glob::parse(&create.secret_path_pattern)
                .map_err(|why| Error::invalid("secret_path_pattern", why))?,
            principal: principal(create.principal_type, &create.principal_id)?,
            permissions: permission_set(&create.permissions)?,
            effect: change.effect.unwrap_or_default(),
            priority: change.priority.unwrap_or_default(),
            conditions: change.conditions.unwrap_or_default(),
            attribute_conditions: change.attribute_conditions.unwrap_or_default(),
            expires_at: change.expires_at.flatten(),
        })
    }
}

impl TryFrom<PolicyUpdate> for PolicyChange {
    type Error = Error;

    fn try_from(update: PolicyUpdate) -> Result<Self, Error> {
        let permissions = update
            .permissions
            .as_deref()
            .map(permission_set)
            .transpose()?;
        Ok(Self {
            permissions,
            ..terms!(update).try_into()?
        })
    }
}

impl TryFrom<Terms> for PolicyChange {
    type Error = Error;

    fn try_from(terms: Terms) -> Result<Self, Error> {
        let Terms {
            conditions,
            attribute_conditions,
            expires_at,
            effect,
            priority,
            tx_conditions,
            consensus_trigger,
        } = terms;
        empty("tx_conditions", tx_conditions.as_ref())?;
        empty("consensus_trigger", consensus_trigger.as_ref())?;
        Ok(Self {
            permissions: None,
            effect: effect.map(Effect::into),
            priority: priority.map(rank).transpose()?,
            conditions: conditions.as_ref().map(Conditions::parse).transpose()?,
            attribute_conditions: attribute_conditions
                .as_ref()
                .map(AttributeConditions::parse)
                .transpose()?,
            expires_at: expires_at
                .as_deref()
                .map(|text| instant("expires_at", text))
                .transpose()?
                .map(Some),
        })
    }
}

impl From<Effect> for kluis_engine::Effect {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::Deny => Self::Deny,
        }
    }
}

impl TryFrom<kluis_engine::Policy> for Policy {
    type Error = Error;

    fn try_from(policy: kluis_engine::Policy) -> Result<Self, Error> {
        let is_default = policy.effect == kluis_engine::Effect::default();
        Ok(Self {
            id: policy.id.to_string(),
            vault_id: policy.vault.to_string(),
            secret_path_pattern: policy.pattern.as_str().to_owned(),
            principal_type: policy.principal.kind(),
            principal_id: uuid(policy.principal),
            permissions: policy.permissions.iter().map(Permission::as_str).collect(),
            conditions: object(policy.conditions.as_json())?,
            effect: (!is_default).then(|| policy.effect.as_str()),
            priority: (policy.priority != 0).then_some(policy.priority),
            attribute_conditions: object(policy.attribute_conditions.as_json())?,
            created_by: uuid(policy.created_by),
            created_by_type: policy.created_by.kind(),
            created_at: policy.created_at.rfc3339(),
            expires_at: policy.expires_at.map(Timestamp::rfc3339),
        })
    }
}

impl TryFrom<Vec<kluis_engine::Policy>> for Policies {
    type Error = Error;

    fn try_from(policies: Vec<kluis_engine::Policy>) -> Result<Self, Error> {
        let policies = policies.into_iter().map(Policy::try_from);
        Ok(Self {
            policies: policies.collect::<Result<_, _>>()?,
        })
    }
}

fn uuid(principal: PolicyPrincipal) -> String {
    super::uuid(*principal.id_bytes())
}

pub(super) fn principal(kind: PrincipalType, id: &str) -> Result<PolicyPrincipal, Error> {
    let principal = match kind {
        PrincipalType::Agent => AgentId::parse(id).map(PolicyPrincipal::Agent),
        PrincipalType::User => UserId::parse(id).map(PolicyPrincipal::User),
    };
    principal.ok_or_else(|| Error::invalid("principal_id", "must be a UUID"))
}

fn permission_set(words: &[String]) -> Result<PermissionSet, Error> {
    PermissionSet::parse(words.iter().map(String::as_str))
}

fn rank(priority: u64) -> Result<i64, Error> {
    i64::try_from(priority).map_err(|_| Error::invalid("priority", "is too large"))
}

/// What would guard a policy and is not evaluated: refused, never ignored (RULES §2, step 4).
fn empty(field: &'static str, value: Option<&Value>) -> Result<(), Error> {
    let is_empty = match value {
        None => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        Some(_) => false,
    };
    if is_empty {
        Ok(())
    } else {
        Err(Error::invalid(
            field,
            "is not evaluated here, so it must be empty",
        ))
    }
}
