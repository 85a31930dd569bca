//! Passwords that are being changed on servers, and those that are to be forgotten there.

statements! {
    INSERT = "INSERT INTO password_change (id, organization_id, secret_id, cluster_id, username, state, key_version,
        password, due_at, attempts, created_at) VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?8, 0, ?9)";
    /// Columns of a change, in the order of `Change::from_row`.
    BY_SECRET = "SELECT id, organization_id, secret_id, cluster_id, username, state, key_version, password, attempts,
        created_at FROM password_change WHERE secret_id = ?1";
    DUE = "SELECT id, organization_id, secret_id, cluster_id, username, state, key_version, password, attempts, created_at
        FROM password_change WHERE due_at <= ?1 ORDER BY due_at LIMIT 10";
    /// No row when another node was faster.
    TAKE = "UPDATE password_change SET due_at = ?3, attempts = attempts + 1 WHERE id = ?1 AND due_at <= ?2 RETURNING id";
    POSTPONE = "UPDATE password_change SET due_at = ?2 WHERE id = ?1";
    /// Of a process that has ended: nobody is at them.
    ALL_DUE = "UPDATE password_change SET due_at = 0 WHERE state = 'pending' AND due_at > 0";
    /// What is left of a change is the password before it.
    RETIRE = "UPDATE password_change SET state = 'retiring', key_version = ?2, password = ?3, due_at = ?4, attempts = 0
        WHERE id = ?1 AND state = 'pending'";
    /// No row when another has ended it.
    END = "DELETE FROM password_change WHERE id = ?1 AND state = ?2 RETURNING id";
    STATE = "SELECT state FROM password_change WHERE secret_id = ?1";
}
