//! Honeytokens: paths whose reading is told.

statements! {
    INSERT = "INSERT INTO honeytoken (id, vault_id, path, notes, created_by, trigger_count, last_triggered_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, 0, NULL, ?6)";
    /// Those of an organization, oldest first: the vault, then the honeytoken.
    OF_ORGANIZATION = "SELECT v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id,
        v.maker_user_id, v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at, v.honeytokens,
        h.id, h.path, h.notes, h.created_by, h.trigger_count, h.last_triggered_at, h.created_at
        FROM honeytoken h JOIN vault v ON v.id = h.vault_id WHERE v.organization_id = ?1 ORDER BY h.created_at, h.id";
    VAULT_OF = "SELECT vault_id FROM honeytoken WHERE id = ?1";
    /// Those of a vault of this organization, with the secrets that are at their paths.
    WATCHED = "SELECT h.id, h.path, s.id FROM honeytoken h JOIN vault v ON v.id = h.vault_id
        LEFT JOIN secret s ON s.vault_id = h.vault_id AND s.path = h.path
        WHERE h.vault_id = ?1 AND v.organization_id = ?2";
    DELETE = "DELETE FROM honeytoken WHERE id = ?1";
    /// How many a vault has, as its row says: reads look for honeytokens where there are some.
    RECOUNT = "UPDATE vault SET honeytokens = (SELECT COUNT(*) FROM honeytoken h WHERE h.vault_id = vault.id)
        WHERE id = ?1 RETURNING honeytokens";
    TRIGGERED = "UPDATE honeytoken SET trigger_count = trigger_count + ?2, last_triggered_at = ?3 WHERE id = ?1";
}
