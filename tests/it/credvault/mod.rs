//! The CredVault API: administration, records, webhooks, jobs, the explorer.

mod api_keys;
mod auth;
mod cluster_events;
mod cluster_servers;
mod clusters;
mod collections;
mod deliveries;
mod explorer;
mod intelligence;
mod jobs;
mod leases;
mod lifetimes;
mod lists;
mod logs;
mod organizations;
mod queries;
mod record_versions;
mod records;
mod resource_sharing;
mod resources;
mod roles;
mod rotation;
mod scopes;
mod users;
mod webhooks;
