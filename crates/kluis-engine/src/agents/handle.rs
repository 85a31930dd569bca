//! Handles: names of agents for addresses, unique in their organization (RULES §8).

use crate::error::Error;
use crate::users::DisplayName;

/// A handle that an agent is to have: 1–255 characters, without control characters, and without white space around them.
#[derive(Clone, Debug)]
pub struct AgentHandle(String);

impl AgentHandle {
    /// The handle that `text` is, for a member called `field`. `Invalid` when it is none.
    pub fn parse(field: &'static str, text: String) -> Result<Self, Error> {
        DisplayName::parse(field, &text)?;
        if text.trim() != text {
            return Err(Error::invalid(field, "must not have white space around it"));
        }
        Ok(Self(text))
    }

    /// The handle.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// The handle that a name gives: in lower case, with `-` for everything but letters and digits of ASCII.
pub(super) fn handle_of(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    letters.collect()
}

/// The first of `wanted`, `wanted-2`, `wanted-3` … that is not taken.
pub(super) fn free(wanted: &str, taken: &std::collections::HashSet<String>) -> String {
    if !taken.contains(wanted) {
        return wanted.to_owned();
    }
    // One more than there are is always free.
    let most = taken.len() + 2;
    (2..=most)
        .map(|number| format!("{wanted}-{number}"))
        .find(|handle| !taken.contains(handle))
        .unwrap_or_else(|| format!("{wanted}-{most}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_handle_is_made_of_the_name() {
        for (name, handle) in [
            ("nightly-report", "nightly-report"),
            ("Nightly Report!", "nightly-report-"),
            ("CI / CD", "ci---cd"),
            ("Zoë", "zo-"),
            ("a_b", "a-b"),
            ("K8s", "k8s"),
        ] {
            assert_eq!(handle_of(name), handle, "{name}");
        }
    }

    #[test]
    fn a_taken_handle_gets_the_next_free_number() {
        let taken = |handles: &[&str]| -> HashSet<String> {
            handles.iter().map(|handle| (*handle).to_owned()).collect()
        };
        assert_eq!(free("bot", &taken(&[])), "bot");
        assert_eq!(free("bot", &taken(&["bot-2"])), "bot");
        assert_eq!(free("bot", &taken(&["bot"])), "bot-2");
        assert_eq!(free("bot", &taken(&["bot", "bot-2", "bot-4"])), "bot-3");
    }
}
