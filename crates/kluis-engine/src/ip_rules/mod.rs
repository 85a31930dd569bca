//! Rules about the addresses that an organization may be asked from, through every API (1claw contract §14.2).
//!
//! An organization's row holds all of them in short, and every credential is looked up together with that row: they are in
//! force from the next request on, on every node, and cost nothing where there are none.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | `ip_rule_list`, `ip_rule_create`, `ip_rule_delete`, `ip_rules_clear` |
//! | `summary.rs` | all rules in short, and whether they admit an address |

mod summary;

use std::collections::BTreeSet;

pub(crate) use summary::IpRules;

use crate::action::Action;
use crate::caller::{Caller, Origin};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::env_vars::plain_text;
use crate::error::{Conflict, Error};
use crate::ids::{IpRuleId, OrganizationId, UserId};
use crate::notice::{Actor, Notice, NoticeDetails};
use crate::policy::Network;
use crate::store::sql::{ip_rules as sql, organizations};
use crate::store::{Conn, Failure, Row, params, unexpected};

/// A rule about addresses.
#[derive(Clone, Debug)]
pub struct IpRule {
    /// Its id.
    pub id: IpRuleId,
    /// The organization that it is about.
    pub organization: OrganizationId,
    /// What it does.
    pub kind: IpRuleKind,
    /// An address or a network, as it was written.
    pub cidr: String,
    /// What it is for; may be empty.
    pub label: String,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A rule to make.
#[derive(Clone, Debug)]
pub struct NewIpRule {
    /// What it does.
    pub kind: IpRuleKind,
    /// An address, or a network such as `10.0.0.0/8`.
    pub cidr: String,
    /// What it is for; at most 4,000 characters.
    pub label: String,
}

/// What a rule does with the addresses that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpRuleKind {
    /// `allow`: they may ask, and those that no such rule names may not.
    Allow,
    /// `block`: the same as `deny`; the word is kept.
    Block,
    /// `deny`: they may not ask, whatever other rules say.
    Deny,
}

/// How many an organization has at most.
const MOST: usize = 100;

impl Engine {
    /// The rules of the caller's organization, oldest first.
    pub async fn ip_rule_list(&self, caller: &Caller) -> Result<Vec<IpRule>, Error> {
        self.look(caller, Action::IpRuleList, async |conn, act| {
            rules(conn, act.caller.organization).await
        })
        .await
    }

    /// Make a rule; it is in force from the next request on. `Invalid` when it would lock out the address that the caller
    /// asks from, `Conflict` when there are as many as there can be.
    pub async fn ip_rule_create(&self, caller: &Caller, new: NewIpRule) -> Result<IpRule, Error> {
        if Network::parse(&new.cidr).is_none() {
            let why = "must be an IP address, or a network such as 10.0.0.0/8";
            return Err(Error::invalid("cidr", why));
        }
        let label = plain_text(new.label, "label")?;
        let (kind, cidr) = (new.kind, new.cidr);
        self.change(caller, Action::IpRuleCreate, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let organization = act.caller.organization;
                let user = act.caller.user().ok_or(Error::Forbidden)?;
                let rule = IpRule {
                    id: IpRuleId::generate(act.now)?,
                    organization,
                    kind,
                    cidr,
                    label,
                    created_by: user.id,
                    created_at: act.now,
                };
                act.finds("ip_rule", *rule.id.bytes());
                act.calls_it(&format!("{} {}", kind.as_str(), rule.cidr));
                let of = params![organization.bytes()];
                conn.lock(organizations::LOCK, of).await?;
                rule.insert(conn).await?;
                if rules(conn, organization).await?.len() > MOST {
                    return Err(Error::Conflict(Conflict::Full));
                }
                if summarize(conn, organization)
                    .await?
                    .admits(act.caller.origin.address)
                {
                    Ok(rule)
                } else {
                    let why = "would lock out the address that you ask from";
                    Err(Error::invalid("cidr", why))
                }
            })
        })
        .await
    }

    /// Remove a rule, at once. `Conflict` when the others would lock out the address that the caller asks from.
    pub async fn ip_rule_delete(&self, caller: &Caller, id: IpRuleId) -> Result<(), Error> {
        self.change(caller, Action::IpRuleDelete, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                act.names("ip_rule", *id.bytes());
                let organization = act.caller.organization;
                let of = params![organization.bytes()];
                conn.lock(organizations::LOCK, of).await?;
                let rule = params![id.bytes(), organization.bytes()];
                if conn.execute(sql::DELETE, rule).await? == 0 {
                    return Err(Error::NotFound);
                }
                if summarize(conn, organization)
                    .await?
                    .admits(act.caller.origin.address)
                {
                    Ok(())
                } else {
                    Err(Error::Conflict(Conflict::InUse))
                }
            })
        })
        .await
    }

    /// Remove the rules of all organizations: an operator's act, for when an address has changed and nobody gets in. Gives
    /// how many there were.
    pub async fn ip_rules_clear(&self) -> Result<usize, Error> {
        let now = self.clock().now();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    let mut cleared = BTreeSet::new();
                    let removed = tx.conn().query(sql::CLEAR, &[]).await?;
                    let count = removed.len();
                    for mut row in removed {
                        cleared.insert(OrganizationId::from_bytes(row.array()?));
                    }
                    tx.conn().execute(sql::CLEAR_SUMMARIES, &[]).await?;
                    for organization in cleared {
                        let notice = Notice::new(organization, Actor::Operator, "ip_rule.clear");
                        tx.record(notice.event(now)?);
                    }
                    Ok(count)
                })
            })
            .await
    }

    /// `Forbidden` when the rules of an organization do not admit the address that a request comes from: where no
    /// credential has brought them along.
    pub(crate) async fn ip_rules_require(
        &self,
        organization: OrganizationId,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut reader = self.store().reader().await?;
        require_admitted(reader.conn()?, organization, origin).await
    }
}

/// The same inside a transaction or a look.
pub(crate) async fn require_admitted(
    conn: &mut Conn,
    organization: OrganizationId,
    origin: &Origin,
) -> Result<(), Error> {
    let of = params![organization.bytes()];
    let row = conn.query_one(sql::SUMMARY, of).await?;
    let rules = IpRules::parse(&row.ok_or(Error::NotFound)?.text()?)?;
    if rules.is_none_or(|rules| rules.admits(origin.address)) {
        Ok(())
    } else {
        Err(Error::Forbidden)
    }
}

/// The event of a log-in that the rules do not let happen.
pub(crate) fn refused(notice: Notice<'_>) -> Notice<'_> {
    Notice {
        details: NoticeDetails {
            reason: Some(crate::sightings::Reason::IpRule.as_str()),
            ..notice.details
        },
        ..notice
    }
}

async fn rules(conn: &mut Conn, organization: OrganizationId) -> Result<Vec<IpRule>, Error> {
    let of = params![organization.bytes()];
    let rows = conn.query(sql::OF_ORGANIZATION, of).await?;
    let rules = rows
        .into_iter()
        .map(|row| IpRule::from_row(organization, row));
    Ok(rules.collect::<Result<_, _>>()?)
}

/// Write down in the organization's row what its rules are now. That row must be taken.
async fn summarize(conn: &mut Conn, organization: OrganizationId) -> Result<IpRules, Error> {
    let text = summary::text(&rules(conn, organization).await?);
    let summary = params![organization.bytes(), &text];
    conn.execute(sql::SET_SUMMARY, summary).await?;
    Ok(IpRules::parse(&text)?.unwrap_or_default())
}

impl IpRuleKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Deny => "deny",
        }
    }

    /// The kind that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "allow" => Some(Self::Allow),
            "block" => Some(Self::Block),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

impl IpRule {
    fn from_row(organization: OrganizationId, mut row: Row) -> Result<Self, Failure> {
        Ok(Self {
            id: IpRuleId::from_bytes(row.array()?),
            organization,
            kind: IpRuleKind::parse(&row.text()?).ok_or_else(unexpected)?,
            cidr: row.text()?,
            label: row.text()?,
            created_by: UserId::from_bytes(row.array()?),
            created_at: row.time()?,
        })
    }

    async fn insert(&self, conn: &mut Conn) -> Result<(), Error> {
        conn.execute(
            sql::INSERT,
            params![
                self.id.bytes(),
                self.organization.bytes(),
                self.kind.as_str(),
                &self.cidr,
                &self.label,
                self.created_by.bytes(),
                self.created_at
            ],
        )
        .await?;
        Ok(())
    }
}
