//! API keys.

statements! {
    INSERT = "INSERT INTO api_key (id, organization_id, user_id, name, prefix, style, digest, scopes, expires_at,
        created_at, updated_at, last4) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)";
    LAST4 = "SELECT last4 FROM api_key WHERE id = ?1";
    /// Columns of a key, in the order of `ApiKey::from_row`.
    BY_ID = "SELECT id, user_id, name, prefix, style, scopes, expires_at, revoked_at, last_used_at, last_rotated_at,
        created_at, updated_at FROM api_key WHERE id = ?1 AND organization_id = ?2";
    /// The same, and takes the row until the transaction ends.
    EXPIRY_BEHIND = "SELECT k.expires_at FROM session s JOIN api_key k ON k.id = s.api_key_id WHERE s.id = ?1";
    EXPIRY = "SELECT expires_at FROM api_key WHERE id = ?1";
    LOCK = "UPDATE api_key SET name = name WHERE id = ?1 AND organization_id = ?2
        RETURNING id, user_id, name, prefix, style, scopes, expires_at, revoked_at, last_used_at, last_rotated_at,
        created_at, updated_at";
    OF_USER = "SELECT id, user_id, name, prefix, style, scopes, expires_at, revoked_at, last_used_at, last_rotated_at,
        created_at, updated_at FROM api_key WHERE user_id = ?1 ORDER BY created_at, id";
    OF_ORGANIZATION = "SELECT id, user_id, name, prefix, style, scopes, expires_at, revoked_at, last_used_at,
        last_rotated_at, created_at, updated_at FROM api_key WHERE organization_id = ?1 ORDER BY created_at, id";
    UPDATE = "UPDATE api_key SET name = ?2, scopes = ?3, expires_at = ?4, updated_at = ?5 WHERE id = ?1";
    ROTATE = "UPDATE api_key SET digest = ?2, prefix = ?3, last_rotated_at = ?4, updated_at = ?4, last4 = ?5
        WHERE id = ?1";
    REVOKE = "UPDATE api_key SET revoked_at = ?2, updated_at = ?2 WHERE id = ?1";
}
