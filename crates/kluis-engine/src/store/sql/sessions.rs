//! Log-in sessions and their refresh tokens.

statements! {
    INSERT = "INSERT INTO session (id, organization_id, user_id, access_digest, access_expires_at,
        refresh_expires_at, created_at, api_key_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    INSERT_REFRESH = "INSERT INTO refresh_token (digest, session_id) VALUES (?1, ?2)";
    /// The family of a refresh token, spent or not.
    OF_REFRESH = "SELECT s.id, s.organization_id, s.user_id FROM refresh_token r JOIN session s ON s.id = r.session_id
        WHERE r.digest = ?1";
    /// Gives a session its next access token, and takes its row until the transaction ends.
    RENEW = "UPDATE session SET access_digest = ?2, access_expires_at = ?3, refresh_expires_at = ?4
        WHERE id = ?1 AND refresh_expires_at > ?5";
    /// No row when the token is spent.
    SPEND_REFRESH = "UPDATE refresh_token SET spent_at = ?2 WHERE digest = ?1 AND spent_at IS NULL";
    /// The key that an access token was exchanged for.
    KEY = "SELECT api_key_id FROM session WHERE id = ?1";
    DELETE = "DELETE FROM session WHERE id = ?1";
    DELETE_OF_USER = "DELETE FROM session WHERE user_id = ?1";
    DELETE_EXPIRED = "DELETE FROM session WHERE refresh_expires_at <= ?1";
    DELETE_SPENT = "DELETE FROM refresh_token WHERE spent_at <= ?1";
}
