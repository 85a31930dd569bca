//! Jobs. One that is to be run has a time at which it is due: while it waits, when to begin; while it runs, when its node has
//! stopped renewing it and another takes it up.

statements! {
    INSERT = "INSERT INTO job (id, organization_id, kind, status, progress, payload, vault_id, asked_by_type, asked_by,
        cancelled, attempts, due_at, created_at, updated_at)
        VALUES (?1, ?2, ?3, 'queued', 0, ?4, ?5, ?6, ?7, 0, 0, ?8, ?9, ?9)";
    /// How many of an organization have not ended.
    UNFINISHED = "SELECT COUNT(*) FROM job WHERE organization_id = ?1 AND finished_at IS NULL";
    OF_ORGANIZATION = "SELECT id, kind, status, progress, result, error, vault_id, asked_by_type, asked_by, created_at,
        updated_at, finished_at FROM job WHERE organization_id = ?1 ORDER BY id";
    BY_ID = "SELECT id, kind, status, progress, result, error, vault_id, asked_by_type, asked_by, created_at,
        updated_at, finished_at FROM job WHERE id = ?1 AND organization_id = ?2";
    LOCK = "SELECT id FROM job WHERE id = ?1 AND organization_id = ?2";
    /// Ends one that waits.
    CANCEL_QUEUED = "UPDATE job SET status = 'failed', error = ?2, due_at = NULL, updated_at = ?3, finished_at = ?3
        WHERE id = ?1 AND status = 'queued'";
    /// Tells one that runs.
    CANCEL_RUNNING = "UPDATE job SET cancelled = 1, updated_at = ?2 WHERE id = ?1 AND status = 'running'";
    /// Whether any is due.
    ANY_DUE = "SELECT id FROM job WHERE due_at <= ?1 LIMIT 1";
    /// The longest due ones.
    DUE = "SELECT id, organization_id, kind, payload, state, vault_id, asked_by_type, asked_by, attempts, cancelled FROM job
        WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
    CLAIM = "UPDATE job SET status = 'running', claim = ?2, attempts = attempts + 1, due_at = ?3, updated_at = ?4
        WHERE id = ?1";
    /// Those that the last process ran; where there is no other process.
    ORPHANED = "UPDATE job SET due_at = ?1 WHERE status = 'running'";
    RENEW = "UPDATE job SET due_at = ?3 WHERE id = ?1 AND claim = ?2";
    /// No row when another node has taken it.
    PROGRESS = "UPDATE job SET progress = ?3, due_at = ?4, updated_at = ?5 WHERE id = ?1 AND claim = ?2 RETURNING cancelled";
    KEEP_STATE = "UPDATE job SET state = ?3, updated_at = ?4 WHERE id = ?1 AND claim = ?2";
    FINISH = "UPDATE job SET status = ?3, progress = CASE WHEN ?3 = 'succeeded' THEN 100 ELSE progress END, result = ?4,
        error = ?5, claim = NULL, due_at = NULL, updated_at = ?6, finished_at = ?6 WHERE id = ?1 AND claim = ?2";
    /// What is put back on purpose begins afresh.
    PUT_BACK = "UPDATE job SET status = 'queued', claim = NULL, due_at = ?3, attempts = 0, updated_at = ?4
        WHERE id = ?1 AND claim = ?2";
    DELETE_FINISHED = "DELETE FROM job WHERE finished_at < ?1";
}
