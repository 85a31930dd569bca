//! Secrets and their versions.

statements! {
    /// Vault, secret and version in one row; the version is the stated one, or the current one for NULL.
    READ_BY_ID = "SELECT v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id,
        v.maker_user_id, v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at,
        v.honeytokens,
        s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled, s.newest_version,
        s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, d.data_key, d.ciphertext, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM vault v
        LEFT JOIN secret s ON s.vault_id = v.id AND s.id = ?2
        LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = COALESCE(?3, s.current_version)
        WHERE v.id = ?1";
    READ_BY_PATH = "SELECT v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id,
        v.maker_user_id, v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at,
        v.honeytokens,
        s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled, s.newest_version,
        s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, d.data_key, d.ciphertext, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM vault v
        LEFT JOIN secret s ON s.vault_id = v.id AND s.path = ?2
        LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = COALESCE(?3, s.current_version)
        WHERE v.id = ?1";
    /// The same for work that no caller asks for: by the organization, and always the current version.
    UNATTENDED = "SELECT v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id,
        v.maker_user_id, v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at,
        v.honeytokens,
        s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled, s.newest_version,
        s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, d.data_key, d.ciphertext, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM secret s JOIN vault v ON v.id = s.vault_id
        LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = s.current_version
        WHERE v.organization_id = ?1 AND s.id = ?2";
    VAULT = "SELECT vault_id FROM secret WHERE id = ?1";
    /// Whether its password is being changed on a server.
    SET_SWITCHING = "UPDATE secret SET switching = ?2 WHERE id = ?1";
    IS_SWITCHING = "SELECT switching FROM secret WHERE id = ?1";
    LOCK_BY_ID = "SELECT id FROM secret WHERE vault_id = ?1 AND id = ?2";
    LOCK_BY_PATH = "SELECT id FROM secret WHERE vault_id = ?1 AND path = ?2";
    /// Live secrets of a vault with their current versions; without the values.
    NAMES = "SELECT s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled,
        s.newest_version, s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, NULL, NULL, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM secret s
        LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = s.current_version
        WHERE s.vault_id = ?1 AND s.closed_at IS NULL";
    /// The same with the values.
    VALUES = "SELECT s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled,
        s.newest_version, s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, d.data_key, d.ciphertext, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM secret s
        LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = s.current_version
        WHERE s.vault_id = ?1 AND s.closed_at IS NULL";
    TAGS = "SELECT DISTINCT s.tags FROM secret s JOIN vault v ON v.id = s.vault_id
        WHERE v.organization_id = ?1 AND s.closed_at IS NULL AND s.tags <> '[]'";
    VERSIONS = "SELECT d.version, d.form, d.key_version, NULL, NULL, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM secret_version d WHERE d.secret_id = ?1 ORDER BY d.version DESC";
    /// Uses up one read; no row when none is left.
    USE_READ = "UPDATE secret_version SET access_count = access_count + 1
        WHERE secret_id = ?1 AND version = ?2 AND access_count < max_access_count
        AND disabled = 0 AND closed_at IS NULL RETURNING access_count";
    INSERT = "INSERT INTO secret (id, vault_id, path, kind, tags, fields, notes, notes_key_version, disabled,
        newest_version, current_version, closed_at, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, NULL, NULL, ?10, ?10)
        ON CONFLICT (vault_id, path) DO NOTHING RETURNING id";
    UPDATE = "UPDATE secret SET kind = ?2, tags = ?3, fields = ?4, notes = ?5, notes_key_version = ?6, disabled = ?7,
        newest_version = ?8, current_version = ?9, closed_at = NULL, created_at = ?10, updated_at = ?11
        WHERE id = ?1";
    INSERT_VERSION = "INSERT INTO secret_version (secret_id, version, form, key_version, data_key, ciphertext,
        metadata, rotation_policy, expires_at, max_access_count, access_count, disabled, closed_at, created_by_type,
        created_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, NULL, ?11, ?12, ?13)";
    SET_VERSION = "UPDATE secret SET newest_version = ?2, current_version = ?3, updated_at = ?4 WHERE id = ?1";
    RENAME = "UPDATE secret SET path = ?2 WHERE id = ?1";
    SET_EXPIRY = "UPDATE secret_version SET expires_at = ?3 WHERE secret_id = ?1 AND version = ?2";
    /// Its reads have gone over to another version.
    USE_UP = "UPDATE secret_version SET access_count = max_access_count
        WHERE secret_id = ?1 AND version = ?2 AND max_access_count IS NOT NULL";
    DISABLE_VERSION = "UPDATE secret_version SET disabled = 1 WHERE secret_id = ?1 AND version = ?2";
    CHOOSE_CURRENT = "UPDATE secret SET updated_at = ?2, current_version =
        (SELECT MAX(d.version) FROM secret_version d
        WHERE d.secret_id = secret.id AND d.disabled = 0 AND d.closed_at IS NULL) WHERE id = ?1";
    DROP_OLD_VERSIONS = "DELETE FROM secret_version WHERE secret_id = ?1 AND version <= ?2";
    DELETE = "DELETE FROM secret WHERE id = ?1";
    CLOSE = "UPDATE secret SET closed_at = ?2, current_version = NULL, updated_at = ?2 WHERE id = ?1";
    CLOSE_VERSIONS = "UPDATE secret_version SET closed_at = ?2 WHERE secret_id = ?1 AND closed_at IS NULL";
    REOPEN = "UPDATE secret SET closed_at = NULL, updated_at = ?2, current_version =
        (SELECT MAX(d.version) FROM secret_version d WHERE d.secret_id = secret.id AND d.disabled = 0)
        WHERE id = ?1";
    REOPEN_VERSIONS = "UPDATE secret_version SET closed_at = NULL WHERE secret_id = ?1 AND closed_at IS NOT NULL";
    PURGE_VERSIONS = "DELETE FROM secret_version WHERE secret_id = ?1 AND closed_at IS NOT NULL";
    /// Gives the organization of each secret that goes.
    PURGE_CLOSED_SECRETS = "DELETE FROM secret WHERE closed_at IS NOT NULL AND closed_at <= ?1
        RETURNING (SELECT v.organization_id FROM vault v WHERE v.id = secret.vault_id)";
    PURGE_CLOSED_VERSIONS = "DELETE FROM secret_version WHERE closed_at IS NOT NULL AND closed_at <= ?1";
}
