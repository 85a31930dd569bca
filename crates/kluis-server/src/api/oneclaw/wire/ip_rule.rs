//! Rules about addresses (contract §14.2).

use kluis_engine::{Error, IpRule as Stored, IpRuleKind, NewIpRule};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule about addresses.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct IpRule {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    org_id: String,
    /// `allow`, `deny`, or `block` for the same.
    #[schema(examples("allow"))]
    rule_type: &'static str,
    #[schema(examples("203.0.113.0/24"))]
    cidr: String,
    label: Option<String>,
    /// `all`: every request.
    #[schema(examples("all"))]
    applies_to: &'static str,
    #[schema(format = "uuid")]
    created_by: String,
    #[schema(examples("2026-03-01T09:30:00Z"))]
    created_at: String,
}

/// Rules, oldest first.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct IpRules {
    rules: Vec<IpRule>,
}

/// A rule to make.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct IpRuleCreate {
    /// `allow`, `deny`, or `block` for the same.
    #[schema(examples("allow"))]
    rule_type: String,
    /// An address, or a network.
    #[schema(examples("203.0.113.0/24"))]
    cidr: String,
    #[schema(max_length = 4000)]
    label: Option<String>,
}

impl TryFrom<IpRuleCreate> for NewIpRule {
    type Error = Error;

    fn try_from(body: IpRuleCreate) -> Result<Self, Error> {
        let kind = IpRuleKind::parse(&body.rule_type)
            .ok_or_else(|| Error::invalid("rule_type", "must be allow, deny or block"))?;
        Ok(Self {
            kind,
            cidr: body.cidr,
            label: body.label.unwrap_or_default(),
        })
    }
}

impl From<Stored> for IpRule {
    fn from(rule: Stored) -> Self {
        Self {
            id: rule.id.to_string(),
            org_id: rule.organization.to_string(),
            rule_type: rule.kind.as_str(),
            cidr: rule.cidr,
            label: Some(rule.label).filter(|label| !label.is_empty()),
            applies_to: "all",
            created_by: rule.created_by.to_string(),
            created_at: rule.created_at.rfc3339(),
        }
    }
}

impl From<Vec<Stored>> for IpRules {
    fn from(rules: Vec<Stored>) -> Self {
        Self {
            rules: rules.into_iter().map(IpRule::from).collect(),
        }
    }
}
