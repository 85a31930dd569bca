//! Shares of secrets.

statements! {
    INSERT = "INSERT INTO share (id, organization_id, digest, secret_id, maker_type, maker_id, maker_logged_in,
        recipient_type, recipient_id, recipient_email, passphrase_hash, networks, max_access_count, access_count,
        accepted_at, expires_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, NULL, ?14, ?15)";
    /// Columns of a share, in the order of `ShareRow::from_row`.
    BY_DIGEST = "SELECT h.id, h.organization_id, h.secret_id, s.vault_id, s.path, h.maker_type, h.maker_id, h.maker_logged_in,
        h.recipient_type, h.recipient_id, h.recipient_email, h.passphrase_hash, h.networks, h.max_access_count,
        h.access_count, h.accepted_at, h.expires_at, h.created_at
        FROM share h JOIN secret s ON s.id = h.secret_id WHERE h.digest = ?1";
    OF_MAKER = "SELECT h.id, h.organization_id, h.secret_id, s.vault_id, s.path, h.maker_type, h.maker_id, h.maker_logged_in,
        h.recipient_type, h.recipient_id, h.recipient_email, h.passphrase_hash, h.networks, h.max_access_count,
        h.access_count, h.accepted_at, h.expires_at, h.created_at
        FROM share h JOIN secret s ON s.id = h.secret_id WHERE h.maker_id = ?1 ORDER BY h.created_at, h.id";
    OF_RECIPIENT = "SELECT h.id, h.organization_id, h.secret_id, s.vault_id, s.path, h.maker_type, h.maker_id,
        h.maker_logged_in, h.recipient_type, h.recipient_id, h.recipient_email, h.passphrase_hash, h.networks,
        h.max_access_count, h.access_count, h.accepted_at, h.expires_at, h.created_at
        FROM share h JOIN secret s ON s.id = h.secret_id WHERE h.recipient_id = ?1 ORDER BY h.created_at, h.id";
    VAULT_OF_SECRET = "SELECT vault_id FROM secret WHERE id = ?1";
    /// Uses up one opening; no row when none is left, or the share is gone.
    USE_OPENING = "UPDATE share SET access_count = access_count + 1 WHERE id = ?1 AND expires_at > ?2
        AND (max_access_count IS NULL OR access_count < max_access_count) RETURNING access_count";
    ACCEPT = "UPDATE share SET accepted_at = COALESCE(accepted_at, ?2) WHERE id = ?1";
    DELETE = "DELETE FROM share WHERE id = ?1";
    /// Those that a user or agent made, and those that are for it.
    DELETE_OF_PRINCIPAL = "DELETE FROM share WHERE maker_id = ?1 OR recipient_id = ?1";
    DELETE_EXPIRED = "DELETE FROM share WHERE expires_at <= ?1";
}
