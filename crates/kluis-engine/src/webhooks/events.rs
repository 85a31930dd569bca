//! The events that webhooks can be for, and patterns of them (contract B7).

/// Events with their words, in CredVault's, and what each tells.
macro_rules! events {
    ($($event:ident: $word:literal, $what:literal;)*) => {
        /// Something that webhooks are told of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum WebhookEvent {
            $(#[doc = $what] $event,)*
        }

        impl WebhookEvent {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$event,)*];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$event => $word,)*
                }
            }

            /// What it tells, in a sentence.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$event => $what,)*
                }
            }
        }
    };
}

events! {
    RecordCreated: "record.created", "A record was made, or restored after its deletion.";
    RecordUpdated: "record.updated", "A record got a new secret, or what is kept beside it changed.";
    RecordDeleted: "record.deleted", "A record was deleted, alone or with its collection.";
    RecordRevealed: "record.revealed", "The secret of a record left the server, through whichever API.";
    RecordExpired: "record.expired", "The secret of a record has expired.";
    RecordRotated: "record.rotated", "A record got a new secret that the server made.";
    RotationFailed: "rotation.failed", "A rotation could not be done.";
    ClusterCreated: "cluster.created", "A cluster was registered.";
    ClusterUpdated: "cluster.updated", "A cluster or its configuration changed.";
    ClusterDeleted: "cluster.deleted", "A cluster was removed.";
    ClusterStatusChanged: "cluster.status_changed", "A cluster became healthy, degraded or unreachable.";
    LeaseIssued: "lease.issued", "Somebody got credentials for a while.";
    LeaseRevoked: "lease.revoked", "Such credentials were taken back.";
    LeaseExpired: "lease.expired", "Such credentials came to their end.";
    IntegrationSynced: "integration.synced", "An integration has brought its target up to date.";
    IntegrationFailed: "integration.failed", "An integration could not bring its target up to date.";
    InsightOpened: "insight.opened", "Something about the credentials deserves a look.";
    InsightResolved: "insight.resolved", "It was looked at, or is not so any more.";
    ApiKeyCreated: "api_key.created", "An API key was made.";
    ApiKeyRevoked: "api_key.revoked", "An API key was revoked.";
    LoginFailed: "auth.login_failed", "A log-in of a known user was refused.";
    Test: "webhook.test", "Somebody asked for a test; sent to that webhook alone.";
}

impl WebhookEvent {
    /// The event that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|event| event.as_str() == word)
    }
}

/// A set of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSet(u32);

impl EventSet {
    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it holds this event.
    pub const fn contains(self, event: WebhookEvent) -> bool {
        self.0 & (1 << event as u32) != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The events of an organization's row: patterns with blanks between them.
    pub(crate) fn summarized(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        text.split(' ').fold(Self::default(), |set, pattern| {
            set.with(matching(pattern).unwrap_or_default())
        })
    }
}

/// The events that a pattern means: `*` all, `record.*` those of a group, else the one of this name. `None` when there is none.
pub(super) fn matching(pattern: &str) -> Option<EventSet> {
    let group = pattern.strip_suffix('*');
    if group.is_some_and(|group| !group.is_empty() && !group.ends_with('.')) {
        return None;
    }
    let is_meant = |event: &&WebhookEvent| match group {
        Some(group) => event.as_str().starts_with(group),
        None => event.as_str() == pattern,
    };
    let meant = WebhookEvent::ALL.iter().filter(is_meant);
    let set = meant.fold(EventSet::default(), |set, event| {
        set.with(EventSet(1 << *event as u32))
    });
    (!set.is_empty()).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(set: EventSet) -> Vec<&'static str> {
        let events = WebhookEvent::ALL
            .iter()
            .filter(|event| set.contains(**event));
        events.map(|event| event.as_str()).collect()
    }

    #[test]
    fn patterns_mean_all_a_group_or_one() {
        let all = matching("*").unwrap();
        assert_eq!(words(all).len(), WebhookEvent::ALL.len());
        assert_eq!(
            words(matching("api_key.*").unwrap()),
            ["api_key.created", "api_key.revoked"]
        );
        assert_eq!(
            words(matching("record.deleted").unwrap()),
            ["record.deleted"]
        );
        for pattern in [
            "",
            "record",
            "record.",
            "rec*",
            "*.created",
            "record.**",
            "**",
            ".*",
            "Record.*",
            "record.created ",
        ] {
            assert_eq!(matching(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn every_word_names_its_event_and_belongs_to_a_group() {
        for &event in WebhookEvent::ALL {
            assert_eq!(WebhookEvent::parse(event.as_str()), Some(event));
            let (group, _) = event.as_str().split_once('.').unwrap();
            assert!(matching(&format!("{group}.*")).unwrap().contains(event));
        }
    }

    #[test]
    fn a_summary_holds_what_its_patterns_mean() {
        assert!(EventSet::summarized("").is_empty());
        let set = EventSet::summarized("record.created api_key.* gone.since");
        assert_eq!(
            words(set),
            ["record.created", "api_key.created", "api_key.revoked"]
        );
    }
}
