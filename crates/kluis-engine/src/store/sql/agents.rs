//! Agents, their keys and their access tokens.

statements! {
    /// Columns of an agent, in the order of `AgentProfile::from_columns`.
    BY_ID = "SELECT id, organization_id, registered_by, created_by, name, handle, description, active, scopes, vaults,
        intents, environment, token_ttl, ssh_public_key, ecdh_public_key, expires_at, last_active_at, created_at,
        updated_at FROM agent WHERE id = ?1 AND organization_id = ?2";
    OF_ORGANIZATION = "SELECT id, organization_id, registered_by, created_by, name, handle, description, active, scopes,
        vaults, intents, environment, token_ttl, ssh_public_key, ecdh_public_key, expires_at, last_active_at, created_at,
        updated_at FROM agent WHERE organization_id = ?1 ORDER BY created_at, id";
    BY_HANDLE = "SELECT id FROM agent WHERE organization_id = ?1 AND handle = ?2";
    ORGANIZATION = "SELECT organization_id FROM agent WHERE id = ?1";
    LOCK = "SELECT id FROM agent WHERE id = ?1 AND organization_id = ?2";
    /// No row when the handle is taken.
    INSERT = "INSERT INTO agent (id, organization_id, registered_by, created_by, name, handle, description, active,
        scopes, vaults, intents, environment, token_ttl, ssh_public_key, ecdh_public_key, expires_at, created_at,
        updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?17)
        ON CONFLICT (organization_id, handle) DO NOTHING RETURNING id";
    UPDATE = "UPDATE agent SET name = ?2, description = ?3, active = ?4, scopes = ?5, vaults = ?6, intents = ?7,
        environment = ?8, token_ttl = ?9, expires_at = ?10, registered_by = ?11, updated_at = ?12 WHERE id = ?1";
    DELETE = "DELETE FROM agent WHERE id = ?1";
    /// Handles that begin like the one that is wanted; the pattern's own wildcards are escaped.
    HANDLES = "SELECT handle FROM agent WHERE organization_id = ?1 AND (handle = ?2 OR handle LIKE ?3 ESCAPE '!')";
    INSERT_KEY = "INSERT INTO agent_key (id, agent_id, prefix, last4, style, label, description, digest, expires_at, created_by,
        created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    /// The one that it got when it was registered.
    KEY = "SELECT id, expires_at, created_at FROM agent_key WHERE agent_id = ?1 AND style = 'oneclaw'";
    /// With the name of its agent, which stands for a label where there is none.
    KEY_BY_ID = "SELECT k.prefix, k.last4, k.label, a.name, k.description, k.created_by, k.last_used_at, k.expires_at, k.created_at
        FROM agent_key k JOIN agent a ON a.id = k.agent_id WHERE k.id = ?1 AND k.agent_id = ?2";
    SET_KEY_EXPIRY = "UPDATE agent_key SET expires_at = ?2 WHERE agent_id = ?1";
    /// With the tokens that they were exchanged for.
    DELETE_KEYS = "DELETE FROM agent_key WHERE agent_id = ?1";
    INSERT_TOKEN = "INSERT INTO agent_token (id, agent_id, agent_key_id, digest, expires_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    DELETE_TOKEN = "DELETE FROM agent_token WHERE id = ?1";
    DELETE_EXPIRED_TOKENS = "DELETE FROM agent_token WHERE expires_at <= ?1";
    /// The vaults whose policies name an agent; run before those policies go.
    OUTDATE_POLICIES = "UPDATE vault SET policy_generation = policy_generation + 1 WHERE id IN
        (SELECT vault_id FROM policy WHERE principal_type = 'agent' AND principal_id = ?1)";
    DELETE_POLICIES = "DELETE FROM policy WHERE principal_type = 'agent' AND principal_id = ?1";
    FORGET_MAKER = "UPDATE vault SET maker_type = NULL, maker_id = NULL, maker_user_id = NULL
        WHERE maker_type = 'agent' AND maker_id = ?1";
    /// The vaults that an agent made count as made by whoever is responsible for it.
    HAND_OVER_VAULTS = "UPDATE vault SET maker_user_id = ?2 WHERE maker_type = 'agent' AND maker_id = ?1";
    PATTERNS = "SELECT DISTINCT pattern FROM policy WHERE principal_type = 'agent' AND principal_id = ?1
        AND effect = 'allow' AND (expires_at IS NULL OR expires_at > ?2) ORDER BY pattern LIMIT ?3";
    KEYS_VAULT = "SELECT id FROM vault WHERE organization_id = ?1 AND role = 'hidden'";
    DELETE_KEY_PAIR = "DELETE FROM secret WHERE vault_id = ?1 AND (path = ?2 OR path = ?3)";
}
