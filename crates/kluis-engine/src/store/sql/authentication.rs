//! From a presented credential to its user, and what is noticed on the way.

statements! {
    API_KEY = "SELECT k.id, k.organization_id, o.ip_rules, o.webhook_events, o.followed, u.id, u.role, u.plan, u.active, o.first,
        k.scopes, k.expires_at, k.revoked_at, k.last_used_at
        FROM api_key k JOIN user_account u ON u.id = k.user_id JOIN organization o ON o.id = k.organization_id
        WHERE k.digest = ?1";
    /// With what became of the key that an access token was exchanged for.
    SESSION = "SELECT s.id, s.organization_id, o.ip_rules, o.webhook_events, o.followed, u.id, u.role, u.plan, u.active, o.first, s.access_expires_at,
        s.api_key_id, k.scopes, k.expires_at, k.revoked_at
        FROM session s JOIN user_account u ON u.id = s.user_id JOIN organization o ON o.id = s.organization_id
        LEFT JOIN api_key k ON k.id = s.api_key_id WHERE s.access_digest = ?1";
    AGENT_KEY = "SELECT k.id, a.organization_id, o.ip_rules, o.webhook_events, o.followed, a.id, a.registered_by, a.active, a.scopes, a.vaults, a.intents,
        a.environment, a.expires_at, u.plan, u.active, k.expires_at, k.last_used_at
        FROM agent_key k JOIN agent a ON a.id = k.agent_id JOIN organization o ON o.id = a.organization_id
        LEFT JOIN user_account u ON u.id = a.registered_by
        WHERE k.digest = ?1";
    /// With what became of the key that it was exchanged for.
    AGENT_TOKEN = "SELECT t.id, a.organization_id, o.ip_rules, o.webhook_events, o.followed, a.id, a.registered_by, a.active, a.scopes, a.vaults, a.intents,
        a.environment, a.expires_at, u.plan, u.active, k.expires_at, k.last_used_at, t.expires_at, k.id
        FROM agent_token t JOIN agent_key k ON k.id = t.agent_key_id JOIN agent a ON a.id = t.agent_id
        JOIN organization o ON o.id = a.organization_id LEFT JOIN user_account u ON u.id = a.registered_by WHERE t.digest = ?1";
    AGENT_USED = "UPDATE agent SET last_active_at = ?2
        WHERE id = (SELECT agent_id FROM agent_key WHERE id = ?1) AND (last_active_at IS NULL OR last_active_at < ?2)";
    AGENT_KEY_USED = "UPDATE agent_key SET last_used_at = ?2
        WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
    KEY_USED = "UPDATE api_key SET last_used_at = ?2
        WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
}
