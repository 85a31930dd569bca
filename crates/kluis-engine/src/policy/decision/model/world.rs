//! The model: RULES §2 as it reads, over words and numbers, with no thought of speed.

pub(super) const PERMISSIONS: [&str; 4] = ["read", "write", "delete", "rotate"];
pub(super) const PATTERNS: [&str; 9] = [
    "**", "*", "db/**", "db/*", "db/main", "**/main", "*/main", "db/m*n", "web",
];
pub(super) const PATHS: [&str; 6] = ["db", "db/main", "db/main/x", "web", "web/main", "main"];
pub(super) const ADDRESSES: [&str; 4] = ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8::1"];
/// A network, and which of the addresses are in it.
pub(super) const NETWORKS: [(&str, [bool; 4]); 4] = [
    ("10.0.0.0/8", [true, true, false, false]),
    ("192.0.2.7", [false, false, true, false]),
    ("::/0", [false, false, false, true]),
    ("::ffff:0:0/96", [true, true, true, false]),
];
pub(super) const KINDS: [&str; 4] = ["generic", "private_key", "ssh_key", "note"];
pub(super) const DAY: i64 = 24;

/// Who asks. Users and agents are numbers; the user is number 0, and so is the agent.
#[derive(Clone, Debug)]
pub(super) enum Who {
    User {
        role: &'static str,
    },
    Agent {
        bound_to: Vec<u8>,
        scopes: Vec<&'static str>,
        intents: bool,
        environment: Option<&'static str>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct ModelPolicy {
    pub(super) here: bool,
    pub(super) about_asker: bool,
    pub(super) about_same_number_of_other_kind: bool,
    pub(super) pattern: &'static str,
    pub(super) permissions: Vec<&'static str>,
    pub(super) deny: bool,
    pub(super) priority: i64,
    /// Hours from now.
    pub(super) expires_in: Option<i64>,
    pub(super) condition: Option<Condition>,
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    Networks(Vec<usize>),
    Hours { after: i64, before: i64 },
    Environments(Vec<&'static str>),
    Tags(Vec<&'static str>),
    Roles(Vec<&'static str>),
    Method(&'static str),
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) who: Who,
    pub(super) with_key: bool,
    pub(super) address: Option<usize>,
    pub(super) hour: i64,
    /// The vault is number 1, and one of these kinds.
    pub(super) vault: &'static str,
    pub(super) policies: Vec<ModelPolicy>,
    pub(super) path: &'static str,
    pub(super) kind: Option<&'static str>,
    pub(super) tags: Vec<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    No,
    /// As the vault's maker or an owner.
    AsOwner,
    /// By one of these policies.
    ByPolicy(Vec<usize>),
    ByRole,
}

impl World {
    fn role(&self) -> &'static str {
        match self.who {
            Who::User { role } => role,
            Who::Agent { .. } => "agent",
        }
    }

    fn made_it(&self) -> bool {
        match self.who {
            Who::User { .. } => self.vault == "user's" || self.vault == "user's agent's",
            Who::Agent { .. } => self.vault == "user's agent's",
        }
    }

    fn bound_elsewhere(&self) -> bool {
        matches!(&self.who, Who::Agent { bound_to, .. } if !bound_to.is_empty() && !bound_to.contains(&1))
    }

    fn path_out_of_scope(&self) -> bool {
        matches!(&self.who, Who::Agent { scopes, .. }
            if !scopes.is_empty() && !scopes.iter().any(|scope| model_glob(scope, self.path)))
    }

    pub(super) fn some_path_out_of_scope(&self) -> bool {
        matches!(&self.who, Who::Agent { scopes, .. } if !scopes.is_empty() && !scopes.contains(&"**"))
    }

    fn hidden_from_asker(&self) -> bool {
        self.vault == "hidden" && !["owner", "admin"].contains(&self.role())
    }

    pub(super) fn answer(&self, asked: &[&str]) -> Answer {
        // Step 2.
        let kind_withheld = matches!(self.who, Who::Agent { intents: true, .. })
            && [Some("private_key"), Some("ssh_key")].contains(&self.kind);
        if self.bound_elsewhere()
            || self.path_out_of_scope()
            || kind_withheld
            || self.hidden_from_asker()
        {
            return Answer::No;
        }
        let mut asked = asked.to_vec();
        if self.role() == "viewer" {
            asked.retain(|word| *word == "read");
        }
        if asked.is_empty() {
            return Answer::No;
        }
        // Step 3.
        if self.role() == "owner" || (self.made_it() && self.role() != "viewer") {
            return Answer::AsOwner;
        }
        // Step 4.
        let speaking: Vec<usize> = (0..self.policies.len())
            .filter(|number| {
                let policy = &self.policies[*number];
                policy.permissions.iter().any(|word| asked.contains(word))
                    && model_glob(policy.pattern, self.path)
                    && self.tags_allow(policy)
                    && self.live(policy)
            })
            .collect();
        if let Some(highest) = speaking
            .iter()
            .map(|number| self.policies[*number].priority)
            .max()
        {
            let deciding: Vec<usize> = speaking
                .into_iter()
                .filter(|number| self.policies[*number].priority == highest)
                .collect();
            return if deciding.iter().any(|number| self.policies[*number].deny) {
                Answer::No
            } else {
                Answer::ByPolicy(deciding)
            };
        }
        // Steps 5 and 6.
        if self.role() == "admin" || (self.role() == "member" && self.vault == "default") {
            Answer::ByRole
        } else {
            Answer::No
        }
    }

    fn live(&self, policy: &ModelPolicy) -> bool {
        policy.here
            && policy.about_asker
            && !policy.about_same_number_of_other_kind
            && policy.expires_in.is_none_or(|hours| hours > 0)
            && match &policy.condition {
                None | Some(Condition::Tags(_)) => true,
                Some(Condition::Networks(networks)) => self.address.is_some_and(|address| {
                    networks.iter().any(|network| NETWORKS[*network].1[address])
                }),
                Some(Condition::Hours { after, before }) => {
                    let mut open = Vec::new();
                    let mut hour = *after;
                    while hour != *before {
                        open.push(hour);
                        hour = (hour + 1) % DAY;
                    }
                    open.contains(&self.hour)
                }
                Some(Condition::Environments(environments)) => match self.who {
                    Who::Agent {
                        environment: Some(environment),
                        ..
                    } => environments.contains(&environment),
                    Who::Agent {
                        environment: None, ..
                    }
                    | Who::User { .. } => false,
                },
                Some(Condition::Roles(roles)) => roles.contains(&self.role()),
                Some(Condition::Method(method)) => self.with_key == (*method == "api_key"),
            }
    }

    fn tags_allow(&self, policy: &ModelPolicy) -> bool {
        match &policy.condition {
            Some(Condition::Tags(required)) => required.iter().all(|tag| self.tags.contains(tag)),
            _ => true,
        }
    }

    pub(super) fn knows_vault(&self) -> bool {
        if self.bound_elsewhere() || self.hidden_from_asker() {
            return false;
        }
        ["owner", "admin", "viewer"].contains(&self.role())
            || self.made_it()
            || (self.role() == "member" && self.vault == "default")
            || self.policies.iter().any(|grant| {
                !grant.deny
                    && self.live(grant)
                    && grant.permissions.iter().any(|word| {
                        !self.policies.iter().any(|denial| {
                            denial.deny
                                && self.live(denial)
                                && denial.pattern == "**"
                                && !matches!(denial.condition, Some(Condition::Tags(_)))
                                && denial.permissions.contains(word)
                                && denial.priority >= grant.priority
                        })
                    })
            })
    }

    pub(super) fn sees_every_name(&self) -> bool {
        !self.bound_elsewhere()
            && !self.hidden_from_asker()
            && (["owner", "admin", "viewer"].contains(&self.role())
                || self.made_it()
                || (self.role() == "member" && self.vault == "default"))
    }

    pub(super) fn sees(&self) -> bool {
        let openly = World {
            kind: None,
            ..self.clone()
        };
        !self.path_out_of_scope()
            && (self.sees_every_name()
                || openly.answer(&["read"]) != Answer::No
                || openly.answer(&["write"]) != Answer::No)
    }

    pub(super) fn administers(&self) -> bool {
        ["owner", "admin"].contains(&self.role())
            || (self.made_it()
                && self.role() != "viewer"
                && !self.bound_elsewhere()
                && !self.some_path_out_of_scope())
    }
}

/// `**` takes any number of segments, `*` any text of one; tried in every way.
pub(super) fn model_glob(pattern: &str, path: &str) -> bool {
    fn segments(pattern: &[&str], path: &[&str]) -> bool {
        let Some((first, rest)) = pattern.split_first() else {
            return path.is_empty();
        };
        if *first == "**" {
            return (0..=path.len()).any(|taken| segments(rest, &path[taken..]));
        }
        path.split_first()
            .is_some_and(|(segment, others)| text(first, segment) && segments(rest, others))
    }
    fn text(pattern: &str, segment: &str) -> bool {
        match pattern.split_once('*') {
            None => pattern == segment,
            Some((before, after)) => segment.strip_prefix(before).is_some_and(|rest| {
                (0..=rest.len())
                    .any(|taken| rest.get(taken..).is_some_and(|rest| text(after, rest)))
            }),
        }
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    segments(&pattern, &path.split('/').collect::<Vec<_>>())
}
