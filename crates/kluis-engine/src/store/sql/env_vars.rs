//! Environment variables, and the environments of a vault beside the built-in ones.

statements! {
    INSERT = "INSERT INTO env_var (id, vault_id, key, environments, git_branch, sensitive, comment, value_key_version,
        value, version, created_by_type, created_by, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    /// Columns of a variable, in the order of `EnvVarRow::from_row`.
    OF_VAULT = "SELECT id, key, environments, git_branch, sensitive, comment, value_key_version, value, version,
        created_by_type, created_by, created_at, updated_at FROM env_var WHERE vault_id = ?1";
    BY_KEY = "SELECT id, key, environments, git_branch, sensitive, comment, value_key_version, value, version,
        created_by_type, created_by, created_at, updated_at FROM env_var WHERE vault_id = ?1 AND key = ?2";
    COUNT = "SELECT COUNT(*) FROM env_var WHERE vault_id = ?1";
    UPDATE = "UPDATE env_var SET environments = ?2, sensitive = ?3, comment = ?4, value_key_version = ?5, value = ?6,
        version = ?7, updated_at = ?8 WHERE id = ?1";
    SET_ENVIRONMENTS = "UPDATE env_var SET environments = ?2, updated_at = ?3 WHERE id = ?1";
    DELETE = "DELETE FROM env_var WHERE id = ?1";
    INSERT_ENVIRONMENT = "INSERT INTO environment (id, vault_id, slug, description, copied_from, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    ENVIRONMENTS = "SELECT id, slug, description, copied_from, created_at FROM environment WHERE vault_id = ?1
        ORDER BY created_at, id";
    DELETE_ENVIRONMENT = "DELETE FROM environment WHERE vault_id = ?1 AND slug = ?2 RETURNING id";
}
