//! What is counted over the last minute.

statements! {
    HITS = "SELECT hits FROM rate_window WHERE subject = ?1";
    HITS_OF_TWO = "SELECT subject, hits FROM rate_window WHERE subject = ?1 OR subject = ?2";
    /// The same, and takes the row until the transaction ends; a new one is empty.
    LOCK = "INSERT INTO rate_window (subject, hits, expires_at) VALUES (?1, ?2, 0)
        ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject RETURNING hits";
    KEEP = "UPDATE rate_window SET hits = ?2, expires_at = ?3 WHERE subject = ?1";
    DELETE_STALE = "DELETE FROM rate_window WHERE expires_at <= ?1";
}
