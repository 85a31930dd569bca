//! Log-ins of devices that wait for a person.

statements! {
    /// No row when the code is taken.
    INSERT = "INSERT INTO device_login (id, digest, user_code, client, email, address, user_id, denied, expires_at,
        created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, 0, ?7, ?8) ON CONFLICT (user_code) DO NOTHING RETURNING id";
    BY_CODE = "SELECT id, user_code, client, email, address, user_id, denied, expires_at, created_at
        FROM device_login WHERE user_code = ?1 AND expires_at > ?2";
    BY_DIGEST = "SELECT id, user_code, client, email, address, user_id, denied, expires_at, created_at
        FROM device_login WHERE digest = ?1 AND expires_at > ?2";
    /// No row when somebody has decided.
    APPROVE = "UPDATE device_login SET user_id = ?2 WHERE id = ?1 AND user_id IS NULL AND denied = 0 RETURNING id";
    DENY = "UPDATE device_login SET denied = 1 WHERE id = ?1 AND user_id IS NULL AND denied = 0 RETURNING id";
    /// Takes the one that was approved: its token is given once.
    TAKE = "DELETE FROM device_login WHERE id = ?1 AND user_id IS NOT NULL RETURNING user_id";
    DELETE_OF_USER = "DELETE FROM device_login WHERE user_id = ?1";
    DELETE_EXPIRED = "DELETE FROM device_login WHERE expires_at <= ?1";
}
