//! What insights are of, how much they weigh, and where they stand.

/// What an insight is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InsightKind {
    /// Somebody read more than usual, or from somewhere else.
    AccessAnomaly,
    /// A secret expires soon, or has just expired.
    ExpiringSecret,
    /// An API key has scopes that it does not use.
    OverPrivilegedKey,
    /// Several secrets have the same value.
    ReusedSecret,
    /// A secret was not changed for longer than it should be.
    StaleSecret,
    /// Nobody reads a secret.
    UnusedSecret,
    /// A secret can be guessed.
    WeakSecret,
}

/// How much an insight weighs, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Low,
    /// To be done some day.
    Medium,
    /// To be done soon.
    High,
    /// To be done now.
    Critical,
}

/// How much an insight weighs: ten-thousandths, from 0 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u16);

/// Where an insight stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsightStatus {
    /// Somebody knows of it.
    Acknowledged,
    /// It is of no interest, as long as it stays what it is.
    Dismissed,
    /// It waits for somebody.
    Open,
    /// It is not so any more.
    Resolved,
}

impl InsightKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AccessAnomaly,
        Self::ExpiringSecret,
        Self::OverPrivilegedKey,
        Self::ReusedSecret,
        Self::StaleSecret,
        Self::UnusedSecret,
        Self::WeakSecret,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessAnomaly => "access_anomaly",
            Self::ExpiringSecret => "expiring_secret",
            Self::OverPrivilegedKey => "over_privileged_key",
            Self::ReusedSecret => "reused_secret",
            Self::StaleSecret => "stale_secret",
            Self::UnusedSecret => "unused_secret",
            Self::WeakSecret => "weak_secret",
        }
    }

    /// The kind that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it is about keys and people rather than about secrets, so that there is no part of an organization to look at.
    pub const fn is_of_all(self) -> bool {
        matches!(self, Self::AccessAnomaly | Self::OverPrivilegedKey)
    }

    /// Whether only who may read a value is to know more of it than how grave it is.
    pub(super) const fn tells_of_values(self) -> bool {
        matches!(self, Self::ReusedSecret | Self::WeakSecret)
    }

    /// Whether that it was found at all answers a guess: then nobody is told of it, and it is counted nowhere, but to who may read
    /// all that is equal.
    pub(super) const fn answers_guesses(self) -> bool {
        matches!(self, Self::ReusedSecret)
    }
}

impl Score {
    /// The nearest score to a share of all that there is; what is no number is none of it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within bounds"
    )]
    pub(super) fn of(share: f64) -> Self {
        let share = if share.is_nan() { 0.0 } else { share };
        Self((share.clamp(0.0, 1.0) * f64::from(MOST)).round() as u16)
    }

    /// As it is stored.
    pub(super) const fn stored(self) -> i64 {
        self.0 as i64
    }

    /// From its column.
    pub(super) fn from_stored(stored: i64) -> Option<Self> {
        u16::try_from(stored)
            .ok()
            .filter(|score| *score <= MOST)
            .map(Self)
    }

    /// As a share of all that there is: from 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(MOST)
    }

    /// In ten-thousandths.
    pub const fn ten_thousandths(self) -> u16 {
        self.0
    }

    /// How grave that is.
    pub const fn severity(self) -> Severity {
        match self.0 {
            7_500.. => Severity::Critical,
            5_000.. => Severity::High,
            2_500.. => Severity::Medium,
            _ => Severity::Low,
        }
    }

    /// The least of the same severity: tells no more than that.
    pub(super) const fn coarse(self) -> Self {
        Self(match self.severity() {
            Severity::Critical => 7_500,
            Severity::High => 5_000,
            Severity::Medium => 2_500,
            Severity::Low => 0,
        })
    }

    /// That of several things together: each leaves less to be wanted.
    pub(super) fn together(scores: impl Iterator<Item = Self>) -> Self {
        let left: f64 = scores.map(|score| 1.0 - score.share()).product();
        Self::of(1.0 - left)
    }
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl InsightStatus {
    const ALL: [Self; 4] = [
        Self::Acknowledged,
        Self::Dismissed,
        Self::Open,
        Self::Resolved,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Dismissed => "dismissed",
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// The status that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether nobody is waited for any more.
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Dismissed | Self::Resolved)
    }
}

const MOST: u16 = 10_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_name_what_they_are_of() {
        for kind in InsightKind::ALL {
            assert_eq!(InsightKind::parse(kind.as_str()), Some(kind));
        }
        for status in InsightStatus::ALL {
            assert_eq!(InsightStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(InsightKind::parse("weak"), None);
    }

    proptest! {
        #[test]
        fn a_score_is_a_share_of_all_whatever_it_is_made_of(share in proptest::num::f64::ANY) {
            let score = Score::of(share);
            prop_assert!((0.0..=1.0).contains(&score.share()));
            prop_assert_eq!(Score::from_stored(score.stored()), Some(score));
        }

        #[test]
        fn more_is_never_less_grave(one in 0.0..1.0_f64, other in 0.0..1.0_f64) {
            let (less, more) = if one < other { (one, other) } else { (other, one) };
            prop_assert!(Score::of(less) <= Score::of(more));
            prop_assert!(Score::of(less).severity() <= Score::of(more).severity());
        }

        #[test]
        fn a_coarse_score_tells_the_severity_alone(share in 0.0..1.0_f64) {
            let score = Score::of(share);
            prop_assert_eq!(score.coarse().severity(), score.severity());
            prop_assert_eq!(score.coarse().coarse(), score.coarse());
        }

        #[test]
        fn together_is_at_least_each_and_in_no_order(shares in proptest::collection::vec(0.0..1.0_f64, 1..6)) {
            let scores: Vec<Score> = shares.into_iter().map(Score::of).collect();
            let together = Score::together(scores.iter().copied());
            prop_assert!(scores.iter().all(|score| *score <= together));
            let backward = Score::together(scores.iter().rev().copied());
            prop_assert!(together.ten_thousandths().abs_diff(backward.ten_thousandths()) <= 1);
        }
    }
}
