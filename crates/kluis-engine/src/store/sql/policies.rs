//! Policies.

statements! {
    /// Columns of a policy, in the order of `policies::from_row`.
    OF_PRINCIPAL = "SELECT id, vault_id, pattern, principal_type, principal_id, permissions, effect, priority,
        conditions, attribute_conditions, expires_at, created_by_type, created_by, created_at FROM policy
        WHERE vault_id = ?1 AND principal_type = ?2 AND principal_id = ?3";
    OF_VAULT = "SELECT id, vault_id, pattern, principal_type, principal_id, permissions, effect, priority,
        conditions, attribute_conditions, expires_at, created_by_type, created_by, created_at FROM policy
        WHERE vault_id = ?1 ORDER BY created_at, id";
    BY_ID = "SELECT id, vault_id, pattern, principal_type, principal_id, permissions, effect, priority,
        conditions, attribute_conditions, expires_at, created_by_type, created_by, created_at FROM policy
        WHERE vault_id = ?1 AND id = ?2";
    INSERT = "INSERT INTO policy (id, vault_id, pattern, principal_type, principal_id, permissions, effect, priority,
        conditions, attribute_conditions, expires_at, created_by_type, created_by, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    UPDATE = "UPDATE policy SET permissions = ?2, effect = ?3, priority = ?4, conditions = ?5,
        attribute_conditions = ?6, expires_at = ?7 WHERE id = ?1";
    DELETE = "DELETE FROM policy WHERE id = ?1";
    /// Every change of a vault's policies moves its generation, in the same transaction: see `PolicyCache`.
    NEXT_GENERATION = "UPDATE vault SET policy_generation = policy_generation + 1 WHERE id = ?1";
    USER_IS_KNOWN = "SELECT 1 FROM user_account WHERE id = ?1 AND organization_id = ?2";
}
