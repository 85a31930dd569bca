//! Every statement, by concept. Written for SQLite; PostgreSQL gets `$1` for `?1` and nothing else.

/// Named statements of one concept, and their list for the test that prepares them all on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)*

        #[cfg(test)]
        pub(crate) const ALL: &[&str] = &[$($name),*];
    };
}

pub(crate) mod agents;
pub(crate) mod api_keys;
pub(crate) mod authentication;
pub(crate) mod clusters;
pub(crate) mod device_logins;
pub(crate) mod enrollments;
pub(crate) mod env_vars;
pub(crate) mod events;
pub(crate) mod honeytokens;
pub(crate) mod insights;
pub(crate) mod integrations;
pub(crate) mod ip_rules;
pub(crate) mod jobs;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod leases;
pub(crate) mod limits;
pub(crate) mod organizations;
pub(crate) mod password_changes;
pub(crate) mod policies;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod shares;
pub(crate) mod transport_keys;
pub(crate) mod users;
pub(crate) mod vaults;
pub(crate) mod webhooks;
pub(crate) mod zk;
