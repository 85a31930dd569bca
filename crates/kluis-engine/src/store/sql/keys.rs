//! The key chain and the seal.

statements! {
    SEAL = "SELECT kind, parameters FROM seal ORDER BY id DESC LIMIT 1";
    INSERT_SEAL = "INSERT INTO seal (id, kind, parameters, created_at) VALUES (?1, ?2, ?3, ?4)";
    ROOTS = "SELECT version, wrapped FROM root_key ORDER BY version";
    INSERT_ROOT = "INSERT INTO root_key (version, wrapped, created_at) VALUES (?1, ?2, ?3)";
    SERVER_KEY = "SELECT version, root_version, sealed, public_key FROM server_key
        WHERE purpose = ?1 ORDER BY version DESC LIMIT 1";
    INSERT_SERVER_KEY = "INSERT INTO server_key (purpose, version, root_version, sealed, public_key, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    STALE_SERVER_KEYS = "SELECT purpose, version, root_version, sealed FROM server_key WHERE root_version < ?1";
    REWRAP_SERVER_KEY = "UPDATE server_key SET root_version = ?4, sealed = ?5
        WHERE purpose = ?1 AND version = ?2 AND root_version = ?3";
    ORGANIZATION_KEYS = "SELECT version, root_version, wrapped FROM organization_key
        WHERE organization_id = ?1 ORDER BY version";
    INSERT_ORGANIZATION_KEY = "INSERT INTO organization_key
        (organization_id, version, root_version, wrapped, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    STALE_ORGANIZATION_KEYS = "SELECT organization_id, version, root_version, wrapped FROM organization_key
        WHERE root_version < ?1 LIMIT 200";
    REWRAP_ORGANIZATION_KEY = "UPDATE organization_key SET root_version = ?4, wrapped = ?5
        WHERE organization_id = ?1 AND version = ?2 AND root_version = ?3";
    NEWEST_ORGANIZATION_KEYS = "SELECT organization_id, MAX(version) FROM organization_key GROUP BY organization_id";
    /// In the order of their keys, behind one: going through all of them once needs no index.
    STALE_DATA_KEYS = "SELECT v.id, s.id, d.version, d.key_version, d.data_key
        FROM secret_version d JOIN secret s ON s.id = d.secret_id JOIN vault v ON v.id = s.vault_id
        WHERE d.secret_id >= ?3 AND (d.secret_id > ?3 OR d.version > ?4)
        AND d.key_version < ?2 AND v.organization_id = ?1 ORDER BY d.secret_id, d.version LIMIT 200";
    REWRAP_DATA_KEY = "UPDATE secret_version SET key_version = ?4, data_key = ?5
        WHERE secret_id = ?1 AND version = ?2 AND key_version = ?3";
    STALE_NOTES = "SELECT s.id, s.notes_key_version, s.notes FROM secret s JOIN vault v ON v.id = s.vault_id
        WHERE s.notes_key_version < ?2 AND v.organization_id = ?1 LIMIT 200";
    REWRAP_NOTES = "UPDATE secret SET notes_key_version = ?3, notes = ?4
        WHERE id = ?1 AND notes_key_version = ?2";
    STALE_PASSWORD_CHANGES = "SELECT id, key_version, password FROM password_change
        WHERE key_version < ?2 AND organization_id = ?1 LIMIT 200";
    REWRAP_PASSWORD_CHANGE = "UPDATE password_change SET key_version = ?3, password = ?4
        WHERE id = ?1 AND key_version = ?2";
    STALE_ENV_VARS = "SELECT e.id, e.value_key_version, e.value FROM env_var e JOIN vault v ON v.id = e.vault_id
        WHERE e.value_key_version < ?2 AND v.organization_id = ?1 LIMIT 200";
    REWRAP_ENV_VAR = "UPDATE env_var SET value_key_version = ?3, value = ?4
        WHERE id = ?1 AND value_key_version = ?2";
    STALE_TRANSPORT_KEYS = "SELECT id, key_version, private_key FROM transport_key
        WHERE key_version < ?2 AND organization_id = ?1 LIMIT 200";
    REWRAP_TRANSPORT_KEY = "UPDATE transport_key SET key_version = ?3, private_key = ?4
        WHERE id = ?1 AND key_version = ?2";
    STALE_ZK_KEYS = "SELECT k.row_id, k.key_version, k.sealed FROM zk_key k JOIN zk_vault v ON v.id = k.vault_id
        WHERE k.key_version < ?2 AND v.organization_id = ?1 LIMIT 200";
    REWRAP_ZK_KEY = "UPDATE zk_key SET key_version = ?3, sealed = ?4 WHERE row_id = ?1 AND key_version = ?2";
    STALE_WEBHOOK_SECRETS = "SELECT id, secret_key_version, secret FROM webhook
        WHERE secret_key_version < ?2 AND organization_id = ?1 LIMIT 200";
    REWRAP_WEBHOOK_SECRET = "UPDATE webhook SET secret_key_version = ?3, secret = ?4
        WHERE id = ?1 AND secret_key_version = ?2";
    STALE_FORMER_WEBHOOK_SECRETS = "SELECT id, former_secret_key_version, former_secret FROM webhook
        WHERE former_secret_key_version < ?2 AND organization_id = ?1 LIMIT 200";
    REWRAP_FORMER_WEBHOOK_SECRET = "UPDATE webhook SET former_secret_key_version = ?3, former_secret = ?4
        WHERE id = ?1 AND former_secret_key_version = ?2";
    STALE_INTEGRATION_SECRETS = "SELECT id, secret_key_version, secret FROM integration
        WHERE secret_key_version < ?2 AND organization_id = ?1 LIMIT 200";
    REWRAP_INTEGRATION_SECRET = "UPDATE integration SET secret_key_version = ?3, secret = ?4
        WHERE id = ?1 AND secret_key_version = ?2";
    STALE_TOTP = "SELECT id, totp_key_version, totp_secret FROM user_account
        WHERE totp_key_version < ?2 AND organization_id = ?1 LIMIT 200";
    REWRAP_TOTP = "UPDATE user_account SET totp_key_version = ?3, totp_secret = ?4
        WHERE id = ?1 AND totp_key_version = ?2";
}
