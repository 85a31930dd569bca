//! Clusters of database servers, and the secrets that are bound to them.

statements! {
    /// Columns of a cluster, in the order of `Cluster::from_row`.
    BY_ID = "SELECT id, organization_id, name, engine, region, nodes, tls_mode, ca_pem, admin_secret_id, rotation_enabled,
        rotation_days, next_rotation_at, lease_default_seconds, lease_max_seconds, templates, status, last_checked_at,
        created_at, updated_at FROM cluster WHERE id = ?1 AND organization_id = ?2 AND deleted_at IS NULL";
    OF_ORGANIZATION = "SELECT id, organization_id, name, engine, region, nodes, tls_mode, ca_pem, admin_secret_id,
        rotation_enabled, rotation_days, next_rotation_at, lease_default_seconds, lease_max_seconds, templates, status,
        last_checked_at, created_at, updated_at FROM cluster
        WHERE organization_id = ?1 AND deleted_at IS NULL ORDER BY created_at, id";
    /// For the server's own work, which sees those whose leases outlive them.
    ANY_BY_ID = "SELECT id, organization_id, name, engine, region, nodes, tls_mode, ca_pem, admin_secret_id,
        rotation_enabled, rotation_days, next_rotation_at, lease_default_seconds, lease_max_seconds, templates, status,
        last_checked_at, created_at, updated_at FROM cluster WHERE id = ?1";
    LOCK = "SELECT id FROM cluster WHERE id = ?1 AND organization_id = ?2 AND deleted_at IS NULL";
    /// No row when the name is taken.
    INSERT = "INSERT INTO cluster (id, organization_id, name, engine, region, nodes, tls_mode, ca_pem, admin_secret_id,
        rotation_enabled, rotation_days, next_rotation_at, lease_default_seconds, lease_max_seconds, templates, status,
        last_checked_at, reconcile_at, deleted_at, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, NULL, ?17, NULL, ?17, ?17)
        ON CONFLICT (organization_id, name) WHERE deleted_at IS NULL DO NOTHING RETURNING id";
    UPDATE = "UPDATE cluster SET name = ?2, engine = ?3, region = ?4, nodes = ?5, tls_mode = ?6, ca_pem = ?7,
        admin_secret_id = ?8, rotation_enabled = ?9, rotation_days = ?10, next_rotation_at = ?11,
        lease_default_seconds = ?12, lease_max_seconds = ?13, templates = ?14, status = ?15, updated_at = ?16
        WHERE id = ?1";
    /// Its row stays for the leases that are to be revoked.
    HIDE = "UPDATE cluster SET deleted_at = ?2, next_rotation_at = NULL WHERE id = ?1";
    /// Those whose last lease has gone.
    DELETE_HIDDEN = "DELETE FROM cluster WHERE deleted_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.cluster_id = cluster.id)";
    /// No row when the status was that already.
    SET_STATUS = "UPDATE cluster SET status = ?2 WHERE id = ?1 AND status <> ?2 RETURNING id";
    CHECKED = "UPDATE cluster SET last_checked_at = ?2 WHERE id = ?1";
    /// A user or an agent of an organization: which of the two it is.
    PRINCIPAL = "SELECT 'user' FROM user_account WHERE id = ?1 AND organization_id = ?2
        UNION ALL SELECT 'agent' FROM agent WHERE id = ?1 AND organization_id = ?2";
    /// The vault, the cluster, and what decisions about a bound secret are made on.
    BOUND_SUBJECTS = "SELECT v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id,
        v.maker_user_id, v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at, v.honeytokens,
        r.cluster_id, s.path, s.kind, s.tags
        FROM cluster_record r JOIN secret s ON s.id = r.secret_id JOIN vault v ON v.id = s.vault_id
        WHERE v.organization_id = ?1 AND s.closed_at IS NULL";
    COUNT_BOUND = "SELECT COUNT(*) FROM cluster_record WHERE cluster_id = ?1";
    UNBIND_ALL = "DELETE FROM cluster_record WHERE cluster_id = ?1";
    UNBIND = "DELETE FROM cluster_record WHERE secret_id = ?1";
    BIND = "INSERT INTO cluster_record (secret_id, cluster_id, username, alternate, bound_by, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (secret_id) DO UPDATE SET cluster_id = excluded.cluster_id, username = excluded.username,
        alternate = excluded.alternate, bound_by = excluded.bound_by, created_at = excluded.created_at";
    BINDING = "SELECT secret_id, cluster_id, username, alternate, bound_by FROM cluster_record WHERE secret_id = ?1";
    BINDINGS = "SELECT secret_id, cluster_id, username, alternate, bound_by FROM cluster_record WHERE cluster_id = ?1
        ORDER BY created_at, secret_id";
    /// What a secret's own row says of it.
    POINT = "UPDATE secret SET cluster_id = ?2 WHERE id = ?1";
    POINT_NOWHERE = "UPDATE secret SET cluster_id = NULL
        WHERE id IN (SELECT r.secret_id FROM cluster_record r WHERE r.cluster_id = ?1)";
    /// Live secrets that are bound to a cluster, each behind its vault.
    BOUND = "SELECT v.id, v.organization_id, v.name, v.description, v.role, v.maker_type, v.maker_id,
        v.maker_user_id, v.created_by_type, v.created_by, v.policy_generation, v.created_at, v.updated_at, v.honeytokens,
        s.id, s.path, s.kind, s.tags, s.fields, s.notes, s.notes_key_version, s.disabled, s.newest_version,
        s.current_version, s.closed_at, s.cluster_id, s.switching, s.created_at, s.updated_at,
        d.version, d.form, d.key_version, NULL, NULL, d.metadata, d.expires_at, d.max_access_count,
        d.access_count, d.disabled, d.closed_at, d.created_by_type, d.created_by, d.created_at
        FROM cluster_record r JOIN secret s ON s.id = r.secret_id JOIN vault v ON v.id = s.vault_id
        LEFT JOIN secret_version d ON d.secret_id = s.id AND d.version = s.current_version
        WHERE r.cluster_id = ?1 AND s.closed_at IS NULL ORDER BY s.created_at, s.id";
    DUE_ROTATIONS = "SELECT id FROM cluster WHERE next_rotation_at <= ?1 AND deleted_at IS NULL
        ORDER BY next_rotation_at LIMIT 10";
    /// No row when another node was faster.
    NEXT_ROTATION = "UPDATE cluster SET next_rotation_at = ?3 WHERE id = ?1 AND next_rotation_at = ?2 RETURNING id";
    /// Clusters that have leases or may have, whose servers are to be searched for users that nobody knows.
    DUE_RECONCILIATIONS = "SELECT id FROM cluster c WHERE c.reconcile_at <= ?1 AND (c.templates <> '[]'
        OR EXISTS (SELECT 1 FROM lease l WHERE l.cluster_id = c.id)) ORDER BY c.reconcile_at LIMIT 4";
    NEXT_RECONCILIATION = "UPDATE cluster SET reconcile_at = ?2 WHERE id = ?1 AND reconcile_at <= ?3 RETURNING id";
}
