//! From a presented credential to its user, and what is noticed on the way.

statements! {
    API_KEY = "SELECT k.id, k.organization_id, u.id, u.role, u.plan, u.active, o.first,
        k.scopes, k.expires_at, k.revoked_at, k.last_used_at
        FROM api_key k JOIN user_account u ON u.id = k.user_id JOIN organization o ON o.id = k.organization_id
        WHERE k.digest = ?1";
    /// With what became of the key that an access token was exchanged for.
    SESSION = "SELECT s.id, s.organization_id, u.id, u.role, u.plan, u.active, o.first, s.access_expires_at,
        s.api_key_id, k.scopes, k.expires_at, k.revoked_at
        FROM session s JOIN user_account u ON u.id = s.user_id JOIN organization o ON o.id = s.organization_id
        LEFT JOIN api_key k ON k.id = s.api_key_id WHERE s.access_digest = ?1";
    KEY_USED = "UPDATE api_key SET last_used_at = ?2
        WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
}
