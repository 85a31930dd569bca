//! Agents that ask to be registered.

statements! {
    INSERT = "INSERT INTO enrollment (id, approval_digest, poll_digest, name, description, email, public_key, address,
        state, agent_id, expires_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending', NULL, ?9, ?10)";
    /// Columns of an enrolment, in the order of `EnrollmentRow::from_row`.
    BY_APPROVAL = "SELECT id, name, description, email, public_key, address, state, agent_id, expires_at, created_at
        FROM enrollment WHERE approval_digest = ?1 AND expires_at > ?2";
    BY_POLL = "SELECT id, name, description, email, public_key, address, state, agent_id, expires_at, created_at
        FROM enrollment WHERE id = ?1 AND poll_digest = ?2";
    /// Takes the row until the transaction ends; no row when somebody has decided.
    LOCK_PENDING = "UPDATE enrollment SET state = state WHERE id = ?1 AND state = 'pending' RETURNING poll_digest";
    APPROVE = "UPDATE enrollment SET state = 'approved', agent_id = ?2, expires_at = ?3 WHERE id = ?1";
    DENY = "UPDATE enrollment SET state = 'denied' WHERE id = ?1 AND state = 'pending' RETURNING id";
    /// Takes the one that was approved: the key is given once.
    TAKE = "UPDATE enrollment SET state = 'taken' WHERE id = ?1 AND state = 'approved' RETURNING agent_id";
    /// Ends what an agent has not fetched.
    END_OF_AGENT = "UPDATE enrollment SET state = 'taken' WHERE agent_id = ?1 AND state = 'approved'";
    LATEST_FOR = "SELECT MAX(created_at) FROM enrollment WHERE email = ?1";
    /// Kept for a while after their end, so that the agent learns of it.
    DELETE_EXPIRED = "DELETE FROM enrollment WHERE expires_at <= ?1";
}
