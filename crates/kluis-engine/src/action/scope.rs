//! The scopes of API keys.

/// A scope of an API key, in CredVault's words (contract A2, RULES §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `billing:manage`: stored, opens nothing here.
    BillingManage,
    /// `database:read`: vaults, names and secret values.
    DatabaseRead,
    /// `database:write`: vaults and secrets made, changed, deleted.
    DatabaseWrite,
    /// `experiment:write`: intelligence runs and feedback.
    ExperimentWrite,
    /// `function:invoke`: stored, opens nothing here.
    FunctionInvoke,
    /// `logs:read`: the record.
    LogsRead,
    /// `metadata:read`: everything without secret values.
    MetadataRead,
    /// `notebook:create`: stored, opens nothing here.
    NotebookCreate,
    /// `notebook:read`: stored, opens nothing here.
    NotebookRead,
    /// `orchestration:execute`: rotations and synchronizations.
    OrchestrationExecute,
    /// `query:execute`: queries, connection tests, leases.
    QueryExecute,
    /// `settings:modify`: policies, clusters, integrations, webhooks.
    SettingsModify,
    /// `team:manage`: a user's own keys.
    TeamManage,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::BillingManage,
        Self::DatabaseRead,
        Self::DatabaseWrite,
        Self::ExperimentWrite,
        Self::FunctionInvoke,
        Self::LogsRead,
        Self::MetadataRead,
        Self::NotebookCreate,
        Self::NotebookRead,
        Self::OrchestrationExecute,
        Self::QueryExecute,
        Self::SettingsModify,
        Self::TeamManage,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BillingManage => "billing:manage",
            Self::DatabaseRead => "database:read",
            Self::DatabaseWrite => "database:write",
            Self::ExperimentWrite => "experiment:write",
            Self::FunctionInvoke => "function:invoke",
            Self::LogsRead => "logs:read",
            Self::MetadataRead => "metadata:read",
            Self::NotebookCreate => "notebook:create",
            Self::NotebookRead => "notebook:read",
            Self::OrchestrationExecute => "orchestration:execute",
            Self::QueryExecute => "query:execute",
            Self::SettingsModify => "settings:modify",
            Self::TeamManage => "team:manage",
        }
    }

    /// The scope that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }
}
