//! Jobs: work that goes on after its request was answered (contract B8).

use serde::Deserialize;
use serde_json::Value;

use super::CredVault;
use crate::Error;
use crate::http::Call;

impl CredVault<'_> {
    /// One job.
    pub async fn job(self, job: &str) -> Result<Job, Error> {
        self.one(Call::get(&["v1", "jobs", job])).await
    }
}

/// Work that goes on.
#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    /// `job_` and 22 characters.
    pub id: String,
    /// What it does.
    pub kind: String,
    /// `queued`, `running`, `succeeded` or `failed`.
    pub status: String,
    /// In percent.
    #[serde(default)]
    pub progress: u64,
    /// What came of it, once it has succeeded.
    #[serde(default)]
    pub result: Value,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}
