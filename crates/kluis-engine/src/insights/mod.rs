//! Insights: what deserves a look among secrets, keys and those who read, found here and told with its reasons (CredVault contract B6;
//! `docs/decisions/0012-insights.md`).
//!
//! | file | what |
//! |---|---|
//! | `analyze.rs` | `analysis_create`: what may be looked through by whom |
//! | `job.rs`, `job/` | the run: stage by stage, from where it stopped |
//! | `portions.rs`, `uses.rs` | what a run reads: secrets in portions, and the record |
//! | `checks/` | what is looked for: one file for each kind of insight |
//! | `thresholds.rs` | how far what people think moves the bounds |
//! | `transition.rs`, `findings.rs` | what becomes of an insight that is found again or not, and how that is stored and told |
//! | `list.rs` | `insight_list`, `insight_read`: who sees what of it |
//! | `change.rs` | `insight_update`, `insight_vote` |
//! | `recommendations.rs` | `recommendation_list`: what to do first |
//! | `kind.rs`, `insight.rs` | what an insight is |
//!
//! A run opens values in the server and keeps nothing of them: what is stored of a weak value is an estimate in steps, and of equal
//! ones which secrets they are of.

mod analyze;
mod change;
mod checks;
mod findings;
mod insight;
mod job;
mod kind;
mod list;
mod portions;
mod recommendations;
mod thresholds;
mod transition;
mod uses;

pub use analyze::{Analysis, AnalysisScope};
pub use change::Vote;
pub use insight::{Evidence, Insight, InsightSubject, Nature, UnusualHour};
pub(crate) use job::run;
pub use kind::{InsightKind, InsightStatus, Score, Severity};
pub use recommendations::{Recommendation, RecommendedAction};
