//! Rules about the addresses that an organization is asked from.

statements! {
    INSERT = "INSERT INTO ip_rule (id, organization_id, rule_type, cidr, label, created_by, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    OF_ORGANIZATION = "SELECT id, rule_type, cidr, label, created_by, created_at FROM ip_rule
        WHERE organization_id = ?1 ORDER BY created_at, id";
    DELETE = "DELETE FROM ip_rule WHERE id = ?1 AND organization_id = ?2";
    /// All of them, as every credential of the organization brings them along.
    SUMMARY = "SELECT ip_rules FROM organization WHERE id = ?1";
    SET_SUMMARY = "UPDATE organization SET ip_rules = ?2 WHERE id = ?1";
    CLEAR = "DELETE FROM ip_rule RETURNING organization_id";
    CLEAR_SUMMARIES = "UPDATE organization SET ip_rules = '' WHERE ip_rules <> ''";
}
