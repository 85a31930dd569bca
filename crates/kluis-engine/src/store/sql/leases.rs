//! Leases: users of database servers that live for a while.

statements! {
    /// Columns of a lease, in the order of `Lease::from_columns`.
    BY_ID = "SELECT id, cluster_id, template, username, principal_type, principal_id, state, expires_at, ended_at, created_at
        FROM lease WHERE id = ?1 AND cluster_id = ?2 AND organization_id = ?3";
    OF_CLUSTER = "SELECT id, cluster_id, template, username, principal_type, principal_id, state, expires_at, ended_at,
        created_at FROM lease WHERE cluster_id = ?1 AND organization_id = ?2 ORDER BY created_at, id";
    OF_PRINCIPAL = "SELECT id, cluster_id, template, username, principal_type, principal_id, state, expires_at, ended_at,
        created_at FROM lease WHERE cluster_id = ?1 AND organization_id = ?2 AND principal_type = ?3 AND principal_id = ?4
        ORDER BY created_at, id";
    INSERT = "INSERT INTO lease (id, organization_id, cluster_id, template, username, principal_type, principal_id,
        revocation, state, cause, due_at, attempts, expires_at, ended_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'issuing', NULL, ?9, 0, ?10, NULL, ?11)";
    /// No row when it was revoked before it began.
    ISSUED = "UPDATE lease SET state = 'active', due_at = expires_at WHERE id = ?1 AND state = 'issuing' RETURNING id";
    COUNT_LIVE = "SELECT COUNT(*) FROM lease WHERE cluster_id = ?1 AND due_at IS NOT NULL";
    COUNT_OF_PRINCIPAL = "SELECT COUNT(*) FROM lease WHERE principal_id = ?1 AND due_at IS NOT NULL";
    END = "UPDATE lease SET state = 'revoking', cause = ?2, due_at = ?3, attempts = 0
        WHERE id = ?1 AND due_at IS NOT NULL AND state <> 'revoking'";
    END_OF_CLUSTER = "UPDATE lease SET state = 'revoking', cause = ?2, due_at = ?3, attempts = 0
        WHERE cluster_id = ?1 AND due_at IS NOT NULL AND state <> 'revoking'";
    END_OF_PRINCIPAL = "UPDATE lease SET state = 'revoking', cause = ?2, due_at = ?3, attempts = 0
        WHERE principal_id = ?1 AND due_at IS NOT NULL AND state <> 'revoking'";
    /// Principals of live leases who do not act any more: a user who is disabled or gone, an agent that is, or that nobody who
    /// acts is responsible for.
    LOST_PRINCIPALS = "SELECT p.principal_id FROM
        (SELECT DISTINCT principal_id FROM lease WHERE due_at IS NOT NULL AND state <> 'revoking') p
        WHERE NOT EXISTS (SELECT 1 FROM user_account u WHERE u.id = p.principal_id AND u.active = 1)
        AND NOT EXISTS (SELECT 1 FROM agent a JOIN user_account r ON r.id = a.registered_by
        WHERE a.id = p.principal_id AND a.active = 1 AND r.active = 1 AND (a.expires_at IS NULL OR a.expires_at > ?1))
        LIMIT 100";
    /// Clusters that have leases to revoke.
    DUE_CLUSTERS = "SELECT c.id FROM cluster c
        WHERE EXISTS (SELECT 1 FROM lease l WHERE l.cluster_id = c.id AND l.due_at <= ?1)";
    /// Takes a portion of them; whoever took them has until `?3`.
    TAKE_DUE = "UPDATE lease SET due_at = ?3, attempts = attempts + 1,
        state = 'revoking',
        cause = CASE WHEN cause IS NULL AND expires_at <= ?2 THEN 'expired' WHEN cause IS NULL THEN 'lost' ELSE cause END
        WHERE id IN (SELECT l.id FROM lease l WHERE l.cluster_id = ?1 AND l.due_at <= ?2 ORDER BY l.due_at LIMIT ?4)
        AND due_at <= ?2
        RETURNING id, username, revocation, attempts";
    TAKE_ONE = "UPDATE lease SET due_at = ?2, attempts = attempts + 1
        WHERE id = ?1 AND state = 'revoking' RETURNING id, username, revocation, attempts";
    POSTPONE = "UPDATE lease SET due_at = ?2 WHERE id = ?1 AND due_at IS NOT NULL";
    /// Gives who had it, and what has ended it.
    ENDED = "UPDATE lease SET due_at = NULL, ended_at = ?2,
        state = CASE WHEN cause = 'expired' THEN 'expired' ELSE 'revoked' END
        WHERE id = ?1 AND due_at IS NOT NULL RETURNING organization_id, cause";
    /// Whether a user of a cluster's servers is a live lease.
    KNOWN = "SELECT id FROM lease WHERE cluster_id = ?1 AND username = ?2 AND due_at IS NOT NULL";
    DELETE_ENDED = "DELETE FROM lease WHERE ended_at <= ?1";
}
