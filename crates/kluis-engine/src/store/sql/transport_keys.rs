//! The key pairs that organizations have values sealed for.

statements! {
    /// The ones that are not retired, or later than stated; newest first.
    IN_USE = "SELECT id, key_version, private_key, retired_at FROM transport_key
        WHERE organization_id = ?1 AND (retired_at IS NULL OR retired_at > ?2) ORDER BY version DESC";
    NEWEST = "SELECT version, public_key FROM transport_key WHERE organization_id = ?1
        ORDER BY version DESC LIMIT 1";
    /// Nothing where another was faster.
    INSERT = "INSERT INTO transport_key (id, organization_id, version, key_version, private_key, public_key, retired_at,
        created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, ?7) ON CONFLICT (organization_id, version) DO NOTHING";
    RETIRE_OLDER = "UPDATE transport_key SET retired_at = ?3
        WHERE organization_id = ?1 AND version < ?2 AND retired_at IS NULL";
    ORGANIZATIONS = "SELECT organization_id, MAX(version) FROM transport_key GROUP BY organization_id";
    DELETE_RETIRED = "DELETE FROM transport_key WHERE retired_at <= ?1";
}
