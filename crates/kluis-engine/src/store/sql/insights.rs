//! Insights, what people think of them, and what analyses read.

statements! {
    /// What is shown of an insight, what its subject is called, and behind that, for a secret, what decisions about it are made on. A
    /// closed secret has none.
    OF_ORGANIZATION = "SELECT i.id, i.kind, i.subject_type, i.subject_id, i.score, i.evidence, i.status, i.detected_at,
        i.resolved_at, i.created_at, i.updated_at, COALESCE(s.path, k.name, u.email, a.name), k.user_id, s.kind, s.tags,
        v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id, v.maker_user_id,
        v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at, v.honeytokens
        FROM insight i LEFT JOIN secret s ON s.id = i.secret_id LEFT JOIN vault v ON v.id = s.vault_id
        LEFT JOIN api_key k ON k.id = i.api_key_id LEFT JOIN user_account u ON u.id = i.user_id
        LEFT JOIN agent a ON a.id = i.agent_id
        WHERE i.organization_id = ?1 AND s.closed_at IS NULL ORDER BY i.id";
    BY_ID = "SELECT i.id, i.kind, i.subject_type, i.subject_id, i.score, i.evidence, i.status, i.detected_at,
        i.resolved_at, i.created_at, i.updated_at, COALESCE(s.path, k.name, u.email, a.name), k.user_id, s.kind, s.tags,
        v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id, v.maker_user_id,
        v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at, v.honeytokens
        FROM insight i LEFT JOIN secret s ON s.id = i.secret_id LEFT JOIN vault v ON v.id = s.vault_id
        LEFT JOIN api_key k ON k.id = i.api_key_id LEFT JOIN user_account u ON u.id = i.user_id
        LEFT JOIN agent a ON a.id = i.agent_id
        WHERE i.organization_id = ?1 AND i.id = ?2 AND s.closed_at IS NULL";
    /// What decisions about a live secret are made on, for those that an insight names beside its own.
    SECRET = "SELECT s.path, s.kind, s.tags,
        v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id, v.maker_user_id,
        v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at, v.honeytokens
        FROM secret s JOIN vault v ON v.id = s.vault_id
        WHERE v.organization_id = ?1 AND s.id = ?2 AND s.closed_at IS NULL";
    LOCK = "SELECT id FROM insight WHERE id = ?1 AND organization_id = ?2";
    /// All about one thing.
    LOCK_SUBJECT = "SELECT id FROM insight WHERE organization_id = ?1 AND subject_id = ?2";
    OF_SUBJECT = "SELECT id, kind, status, basis, score, evidence FROM insight
        WHERE organization_id = ?1 AND subject_id = ?2 ORDER BY kind";
    /// No row when another node was faster.
    INSERT = "INSERT INTO insight (id, organization_id, kind, subject_type, subject_id, secret_id, api_key_id, user_id,
        agent_id, score, basis, evidence, status, detected_at, resolved_at, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'open', ?13, NULL, ?13, ?13)
        ON CONFLICT (organization_id, subject_id, kind) DO NOTHING RETURNING id";
    REOPEN = "UPDATE insight SET score = ?2, basis = ?3, evidence = ?4, status = 'open', detected_at = ?5,
        resolved_at = NULL, updated_at = ?5 WHERE id = ?1";
    REFRESH = "UPDATE insight SET score = ?2, basis = ?3, evidence = ?4, updated_at = ?5 WHERE id = ?1";
    SET_STATUS = "UPDATE insight SET status = ?2, resolved_at = ?3, updated_at = ?4 WHERE id = ?1";
    /// Whether what an insight is about is still there; kept from going until the transaction ends.
    LOCK_SECRET = "SELECT id FROM secret WHERE id = ?1";
    LOCK_API_KEY = "SELECT id FROM api_key WHERE id = ?1";
    LOCK_USER = "SELECT id FROM user_account WHERE id = ?1";
    LOCK_AGENT = "SELECT id FROM agent WHERE id = ?1";
    /// What a secret's event calls it.
    SECRET_NAME = "SELECT s.path, v.name FROM secret s JOIN vault v ON v.id = s.vault_id WHERE s.id = ?1";

    /// A second vote of the same person replaces the first.
    VOTE = "INSERT INTO insight_vote (insight_id, user_id, organization_id, kind, useful, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (insight_id, user_id) DO UPDATE SET useful = excluded.useful, updated_at = excluded.updated_at";
    /// For each kind and person: votes that say useful, less those that do not.
    VOTES = "SELECT kind, user_id, CAST(SUM(CASE WHEN useful = 1 THEN 1 ELSE -1 END) AS BIGINT) FROM insight_vote
        WHERE organization_id = ?1 GROUP BY kind, user_id ORDER BY kind, user_id";

    /// Analyses of an organization that this user waits for.
    UNFINISHED = "SELECT COUNT(*) FROM job WHERE organization_id = ?1 AND kind = 'analysis' AND asked_by = ?2
        AND finished_at IS NULL";
    VAULTS = "SELECT id FROM vault WHERE organization_id = ?1 AND role <> 'hidden' ORDER BY id";
    /// The next secrets of a vault with their current versions, without values; behind the vault.
    IN_VAULT = "SELECT s.vault_id, s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled,
        s.newest_version, s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, NULL, NULL, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM secret s LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = s.current_version
        WHERE s.vault_id = ?1 AND s.path > ?2 AND s.closed_at IS NULL ORDER BY s.path LIMIT ?3";
    /// The same of a cluster.
    IN_CLUSTER = "SELECT s.vault_id, s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled,
        s.newest_version, s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, NULL, NULL, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM cluster_record r JOIN secret s ON s.id = r.secret_id JOIN vault v ON v.id = s.vault_id
        LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = s.current_version
        WHERE r.cluster_id = ?1 AND s.id > ?2 AND s.closed_at IS NULL AND v.role <> 'hidden' ORDER BY s.id LIMIT ?3";
    COUNT_ALL = "SELECT COUNT(*) FROM secret s JOIN vault v ON v.id = s.vault_id
        WHERE v.organization_id = ?1 AND v.role <> 'hidden' AND s.closed_at IS NULL";
    COUNT_IN_VAULT = "SELECT COUNT(*) FROM secret s WHERE s.vault_id = ?1 AND s.closed_at IS NULL";
    COUNT_IN_CLUSTER = "SELECT COUNT(*) FROM cluster_record r WHERE r.cluster_id = ?1";
    /// How often passwords are to change on each cluster, and what it is administered with.
    CLUSTERS = "SELECT id, rotation_enabled, rotation_days, admin_secret_id FROM cluster
        WHERE organization_id = ?1 AND deleted_at IS NULL ORDER BY id";
    /// Keys that work, behind the roles of their users.
    KEYS = "SELECT u.role, k.id, k.scopes, k.created_at FROM api_key k JOIN user_account u ON u.id = k.user_id
        WHERE k.organization_id = ?1 AND k.id > ?2 AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > ?3) AND u.active = 1 ORDER BY k.id LIMIT ?4";
    /// The record backward, as far as analyses look at it.
    EVENTS = "SELECT id, at, actor_type, actor_id, credential_id, action, resource_type, resource_id, outcome, address, count
        FROM event WHERE organization_id = ?1 AND id < ?2 AND id >= ?3 ORDER BY id DESC LIMIT ?4";
    /// About whom there are insights that only the record tells.
    PRINCIPALS = "SELECT subject_type, subject_id FROM insight
        WHERE organization_id = ?1 AND kind = 'access_anomaly' AND status <> 'resolved' ORDER BY subject_id";
    KEYS_TOLD = "SELECT subject_id FROM insight
        WHERE organization_id = ?1 AND kind = 'over_privileged_key' AND status <> 'resolved' ORDER BY subject_id";
}
