//! Integrations, what they have sent, and their runs.

statements! {
    /// Columns of an integration, in the order of `Integration::from_row`; the name of its vault is the last.
    BY_ID = "SELECT i.id, i.organization_id, i.name, i.kind, i.config, i.enabled, i.credential_id, i.vault_id, i.filter,
        i.filter_stated, i.mode, i.interval_minutes, i.acts_for, i.revision, i.status, i.last_sync_at, i.last_error, i.due_at,
        i.created_at, i.updated_at, v.name FROM integration i LEFT JOIN vault v ON v.id = i.vault_id
        WHERE i.id = ?1 AND i.organization_id = ?2 AND i.deleted_at IS NULL";
    OF_ORGANIZATION = "SELECT i.id, i.organization_id, i.name, i.kind, i.config, i.enabled, i.credential_id, i.vault_id,
        i.filter, i.filter_stated, i.mode, i.interval_minutes, i.acts_for, i.revision, i.status, i.last_sync_at, i.last_error,
        i.due_at, i.created_at, i.updated_at, v.name FROM integration i LEFT JOIN vault v ON v.id = i.vault_id
        WHERE i.organization_id = ?1 AND i.deleted_at IS NULL ORDER BY i.created_at, i.id";
    /// For the server's own work.
    ANY_BY_ID = "SELECT i.id, i.organization_id, i.name, i.kind, i.config, i.enabled, i.credential_id, i.vault_id, i.filter,
        i.filter_stated, i.mode, i.interval_minutes, i.acts_for, i.revision, i.status, i.last_sync_at, i.last_error, i.due_at,
        i.created_at, i.updated_at, v.name FROM integration i LEFT JOIN vault v ON v.id = i.vault_id
        WHERE i.id = ?1 AND i.deleted_at IS NULL";
    LOCK = "SELECT id FROM integration WHERE id = ?1";
    /// No row when the name is taken.
    INSERT = "INSERT INTO integration (id, organization_id, name, kind, config, enabled, credential_id, vault_id, filter,
        filter_stated, mode, interval_minutes, acts_for, secret, secret_key_version, revision, status, due_at, created_at,
        updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 1, 'pending', ?16, ?17, ?17)
        ON CONFLICT (organization_id, name) WHERE deleted_at IS NULL DO NOTHING RETURNING id";
    /// Whatever is under way for it sees another revision, and begins anew.
    UPDATE = "UPDATE integration SET name = ?2, config = ?3, enabled = ?4, credential_id = ?5, vault_id = ?6, filter = ?7,
        filter_stated = ?8, mode = ?9, interval_minutes = ?10, acts_for = ?11, due_at = ?12, updated_at = ?13,
        revision = revision + 1 WHERE id = ?1";
    /// Its row stays until what it has written here is gone.
    HIDE = "UPDATE integration SET deleted_at = ?2, due_at = NULL, enabled = 0, revision = revision + 1 WHERE id = ?1";
    DELETE = "DELETE FROM integration WHERE id = ?1";
    /// Those whose time is over and that nothing is under way for.
    HIDDEN = "SELECT id FROM integration WHERE deleted_at IS NOT NULL AND (claimed_until IS NULL OR claimed_until <= ?1)
        ORDER BY deleted_at LIMIT 20";
    /// One of them.
    HIDDEN_BY_ID = "SELECT organization_id, kind FROM integration WHERE id = ?1 AND deleted_at IS NOT NULL
        AND (claimed_until IS NULL OR claimed_until <= ?2)";
    /// Another integration of the organization whose file this is, or was until it is cleared away.
    FILE_TAKEN = "SELECT i.id FROM integration_item t JOIN integration i ON i.id = t.integration_id
        WHERE i.organization_id = ?1 AND i.kind = 'env_file' AND t.place = ?2 AND i.id <> ?3";
    SECRET = "SELECT secret_key_version, secret FROM integration WHERE id = ?1";
    /// Whether any integration of an organization follows changes.
    FOLLOWS = "UPDATE organization SET followed = CASE WHEN EXISTS (SELECT 1 FROM integration i
        WHERE i.organization_id = organization.id AND i.mode = 'on_change' AND i.enabled = 1 AND i.deleted_at IS NULL)
        THEN 1 ELSE 0 END WHERE id = ?1";
    FOLLOWED = "SELECT followed FROM organization WHERE id = ?1";
    INSERT_CHANGE = "INSERT INTO integration_change (id, vault_id) VALUES (?1, ?2)";
    ANY_CHANGE = "SELECT id FROM integration_change LIMIT 1";
    CHANGES = "SELECT id, vault_id FROM integration_change ORDER BY id LIMIT 1000";
    DELETE_CHANGE = "DELETE FROM integration_change WHERE id = ?1";
    FOLLOW = "UPDATE integration SET due_at = ?2 WHERE vault_id = ?1 AND mode = 'on_change' AND enabled = 1
        AND deleted_at IS NULL AND (due_at IS NULL OR due_at > ?2)";
    DUE = "SELECT id FROM integration WHERE due_at <= ?1 AND enabled = 1 AND deleted_at IS NULL ORDER BY due_at, id LIMIT 50";
    SET_DUE = "UPDATE integration SET due_at = ?2 WHERE id = ?1";
    /// How far the job of its last sync is.
    LAST_JOB = "SELECT j.id, j.status FROM integration i JOIN job j ON j.id = i.job_id
        WHERE i.id = ?1 AND j.finished_at IS NULL";
    SET_JOB = "UPDATE integration SET job_id = ?2 WHERE id = ?1";
    /// No row while another job has it.
    CLAIM = "UPDATE integration SET claim = ?2, claimed_until = ?3 WHERE id = ?1 AND deleted_at IS NULL
        AND (claim IS NULL OR claim = ?2 OR claimed_until <= ?4) RETURNING id";
    /// No row when it is not to be gone on with: it was changed or removed, or another job has it.
    RENEW = "UPDATE integration SET claimed_until = ?3 WHERE id = ?1 AND claim = ?2 AND revision = ?4
        AND deleted_at IS NULL RETURNING id";
    RELEASE = "UPDATE integration SET claim = NULL, claimed_until = NULL WHERE id = ?1 AND claim = ?2";
    SUCCEEDED = "UPDATE integration SET status = 'ok', last_sync_at = ?2, last_error = NULL WHERE id = ?1";
    /// What is sent changes by itself then.
    DUE_BY = "UPDATE integration SET due_at = ?2 WHERE id = ?1 AND mode = 'on_change' AND enabled = 1
        AND (due_at IS NULL OR due_at > ?2)";
    FAILED = "UPDATE integration SET status = ?2, last_error = ?3 WHERE id = ?1 AND deleted_at IS NULL";
    /// What is not tried again has failed.
    NOT_AGAIN = "UPDATE integration SET status = 'failed' WHERE id = ?1 AND status = 'retrying'";
    ITEMS = "SELECT place, digest FROM integration_item WHERE integration_id = ?1";
    KEEP_ITEM = "INSERT INTO integration_item (integration_id, place, digest) VALUES (?1, ?2, ?3)
        ON CONFLICT (integration_id, place) DO UPDATE SET digest = excluded.digest";
    DELETE_ITEM = "DELETE FROM integration_item WHERE integration_id = ?1 AND place = ?2";
    DELETE_ITEMS = "DELETE FROM integration_item WHERE integration_id = ?1";
    INSERT_RUN = "INSERT INTO integration_run (id, integration_id, job_id, cause, status, attempts, created_at)
        VALUES (?1, ?2, ?3, ?4, 'queued', 0, ?5)";
    RUN_OF_JOB = "SELECT id, attempts FROM integration_run WHERE job_id = ?1 AND integration_id = ?2 AND finished_at IS NULL";
    BEGIN_RUN = "UPDATE integration_run SET status = 'running', attempts = attempts + 1, retry_at = NULL,
        started_at = COALESCE(started_at, ?2) WHERE id = ?1";
    RETRY_RUN = "UPDATE integration_run SET status = 'retrying', error = ?2, retry_at = ?3 WHERE id = ?1";
    FINISH_RUN = "UPDATE integration_run SET status = ?2, error = ?3, records = ?4, sent = ?5, removed = ?6, retry_at = NULL,
        finished_at = ?7 WHERE id = ?1 AND finished_at IS NULL";
    /// Runs whose job has ended without them, and what it said.
    LEFT_OPEN = "SELECT r.id, r.integration_id, j.error FROM integration_run r LEFT JOIN job j ON j.id = r.job_id
        WHERE r.finished_at IS NULL AND (j.id IS NULL OR j.finished_at IS NOT NULL) ORDER BY r.id LIMIT 100";
    /// The runs that are too many.
    FORGET_RUNS = "DELETE FROM integration_run WHERE integration_id = ?1 AND finished_at IS NOT NULL AND id <
        (SELECT id FROM integration_run WHERE integration_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET 199)";
    DELETE_OLD_RUNS = "DELETE FROM integration_run WHERE id IN
        (SELECT id FROM integration_run WHERE finished_at < ?1 LIMIT 5000)";
    /// A page of the history: between two ids, of these states and causes.
    RUNS_UP = "SELECT id, job_id, cause, status, attempts, records, sent, removed, error, retry_at, created_at, started_at,
        finished_at FROM integration_run WHERE integration_id = ?1 AND id >= ?2 AND id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || status || ',%') AND (?5 = '' OR ?5 LIKE '%,' || cause || ',%')
        ORDER BY id LIMIT ?6 OFFSET ?7";
    RUNS_DOWN = "SELECT id, job_id, cause, status, attempts, records, sent, removed, error, retry_at, created_at, started_at,
        finished_at FROM integration_run WHERE integration_id = ?1 AND id >= ?2 AND id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || status || ',%') AND (?5 = '' OR ?5 LIKE '%,' || cause || ',%')
        ORDER BY id DESC LIMIT ?6 OFFSET ?7";
    RUNS_COUNT = "SELECT COUNT(*) FROM integration_run WHERE integration_id = ?1 AND id >= ?2 AND id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || status || ',%') AND (?5 = '' OR ?5 LIKE '%,' || cause || ',%')";
}
