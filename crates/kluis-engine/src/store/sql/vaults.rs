//! Vaults, without what is in them.

statements! {
    INSERT = "INSERT INTO vault (id, organization_id, name, description, role, maker_type, maker_id, maker_user_id,
        created_by_type, created_by, policy_generation, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?11)";
    /// Columns of a vault, in the order of `vaults::from_columns`.
    BY_ID = "SELECT id, organization_id, name, description, role, maker_type, maker_id, maker_user_id,
        created_by_type, created_by, policy_generation, created_at, updated_at, honeytokens FROM vault WHERE id = ?1";
    LOCK = "SELECT id FROM vault WHERE id = ?1";
    BY_NAME = "SELECT id FROM vault WHERE organization_id = ?1 AND name = ?2";
    OF_ORGANIZATION = "SELECT id, organization_id, name, description, role, maker_type, maker_id, maker_user_id,
        created_by_type, created_by, policy_generation, created_at, updated_at, honeytokens FROM vault
        WHERE organization_id = ?1 ORDER BY created_at, id";
    UPDATE = "UPDATE vault SET name = ?2, description = ?3, updated_at = ?4 WHERE id = ?1";
    /// A row for a vault with something in it.
    KEEPS = "SELECT v.id FROM vault v WHERE v.id = ?1 AND (EXISTS (SELECT 1 FROM secret s WHERE s.vault_id = v.id)
        OR EXISTS (SELECT 1 FROM env_var e WHERE e.vault_id = v.id))";
    DELETE = "DELETE FROM vault WHERE id = ?1";
    TAKE_OVER = "UPDATE vault SET maker_type = NULL, maker_id = NULL, maker_user_id = NULL, updated_at = ?2
        WHERE id = ?1";
    FORGET_MAKER = "UPDATE vault SET maker_type = NULL, maker_id = NULL, maker_user_id = NULL
        WHERE maker_user_id = ?1";
    COUNTS = "SELECT vault_id, COUNT(*) FROM secret WHERE closed_at IS NULL
        AND vault_id IN (SELECT id FROM vault WHERE organization_id = ?1) GROUP BY vault_id";
    COUNT = "SELECT COUNT(*) FROM secret WHERE closed_at IS NULL AND vault_id = ?1";
    /// For callers who see some of the names only.
    SUBJECTS = "SELECT path, kind, tags FROM secret WHERE closed_at IS NULL AND vault_id = ?1";
}
