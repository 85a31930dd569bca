//! All rules of an organization in short: a line for each, such as `allow 10.0.0.0/8`, and nothing where there are none.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{IpRule, IpRuleKind};
use crate::policy::Network;
use crate::store::{Failure, unexpected};

/// The rules of an organization.
#[derive(Debug, Default)]
pub(crate) struct IpRules {
    allowed: Vec<Network>,
    denied: Vec<Network>,
}

/// The rules as an organization's row holds them.
pub(super) fn text(rules: &[IpRule]) -> String {
    let mut text = String::new();
    for rule in rules {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {}", rule.kind.as_str(), rule.cidr);
    }
    text
}

impl IpRules {
    /// What an organization's row holds; nothing where there are none. What cannot be read admits nobody: it fails.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, Failure> {
        if text.is_empty() {
            return Ok(None);
        }
        let mut rules = Self::default();
        for line in text.lines() {
            let (word, cidr) = line.split_once(' ').ok_or_else(unexpected)?;
            let network = Network::parse(cidr).ok_or_else(unexpected)?;
            match IpRuleKind::parse(word).ok_or_else(unexpected)? {
                IpRuleKind::Allow => rules.allowed.push(network),
                IpRuleKind::Block | IpRuleKind::Deny => rules.denied.push(network),
            }
        }
        Ok(Some(rules))
    }

    /// Whether a request may come from `address`; an unknown one is in no network.
    pub(crate) fn admits(&self, address: Option<IpAddr>) -> bool {
        let within = |networks: &[Network]| {
            address.is_some_and(|address| networks.iter().any(|one| one.contains(address)))
        };
        !within(&self.denied) && (self.allowed.is_empty() || within(&self.allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_wins_and_an_allowance_shuts_out_the_others() {
        let admits = |text: &str, address: &str| {
            let rules = IpRules::parse(text).unwrap().unwrap_or_default();
            rules.admits(address.parse().ok())
        };
        for (text, address, admitted) in [
            ("", "10.0.0.1", true),
            ("", "unknown", true),
            ("deny 10.0.0.0/8\n", "10.0.0.1", false),
            ("block 10.0.0.0/8\n", "::ffff:10.0.0.1", false),
            ("deny 10.0.0.0/8\n", "11.0.0.1", true),
            ("deny 10.0.0.0/8\n", "unknown", true),
            ("allow 10.0.0.0/8\n", "10.0.0.1", true),
            ("allow 10.0.0.0/8\n", "11.0.0.1", false),
            ("allow 10.0.0.0/8\n", "2001:db8::1", false),
            ("allow 10.0.0.0/8\n", "unknown", false),
            (
                "allow 10.0.0.0/8\nallow 2001:db8::/32\n",
                "2001:db8::1",
                true,
            ),
            ("allow 10.0.0.0/8\ndeny 10.1.0.0/16\n", "10.1.0.1", false),
            ("deny 10.1.0.1\nallow 10.0.0.0/8\n", "10.1.0.1", false),
            ("deny 10.1.0.1\nallow 10.0.0.0/8\n", "10.1.0.2", true),
        ] {
            assert_eq!(admits(text, address), admitted, "{text} {address}");
        }
        assert!(IpRules::parse("").unwrap().is_none());
        for unreadable in ["allow", "permit 10.0.0.0/8", "allow everything"] {
            assert!(IpRules::parse(unreadable).is_err(), "{unreadable}");
        }
    }
}
