//! Users, their passwords and their second factors.

statements! {
    /// Columns of a profile, in the order of `UserProfile::from_columns`.
    BY_ID = "SELECT id, organization_id, email, name, role, plan, active, totp_confirmed, created_at, updated_at
        FROM user_account WHERE id = ?1 AND organization_id = ?2";
    OF_ORGANIZATION = "SELECT id, organization_id, email, name, role, plan, active, totp_confirmed, created_at,
        updated_at FROM user_account WHERE organization_id = ?1 ORDER BY created_at, id";
    /// No row when the address is taken.
    INSERT = "INSERT INTO user_account (id, organization_id, email, name, role, plan, active, password_hash,
        created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?8)
        ON CONFLICT (email) DO NOTHING RETURNING id";
    UPDATE = "UPDATE user_account SET name = ?2, role = ?3, plan = ?4, active = ?5, updated_at = ?6 WHERE id = ?1";
    DELETE = "DELETE FROM user_account WHERE id = ?1";
    OTHER_OWNERS = "SELECT COUNT(*) FROM user_account
        WHERE organization_id = ?1 AND role = 'owner' AND active = 1 AND id <> ?2";
    /// The vaults whose policies name a user; run before those policies go.
    OUTDATE_POLICIES = "UPDATE vault SET policy_generation = policy_generation + 1 WHERE id IN
        (SELECT vault_id FROM policy WHERE principal_type = 'user' AND principal_id = ?1)";
    DELETE_POLICIES = "DELETE FROM policy WHERE principal_type = 'user' AND principal_id = ?1";
    BY_EMAIL = "SELECT id, organization_id, active, password_hash FROM user_account WHERE email = ?1";
    PASSWORD = "SELECT password_hash FROM user_account WHERE id = ?1";
    SET_PASSWORD = "UPDATE user_account SET password_hash = ?2, updated_at = ?3 WHERE id = ?1";
    /// No row when the password is another one by now.
    CHANGE_PASSWORD = "UPDATE user_account SET password_hash = ?3, updated_at = ?4
        WHERE id = ?1 AND password_hash = ?2";
    /// Takes the row until the transaction ends; none when the user is disabled.
    LOCK_ACTIVE = "UPDATE user_account SET name = name WHERE id = ?1 AND active = 1
        RETURNING id, organization_id, email, name, role, plan, active, totp_confirmed, created_at, updated_at";
    /// Takes the row until the transaction ends; none when the user was disabled or got another password meanwhile.
    LOCK_FOR_LOGIN = "UPDATE user_account SET name = name WHERE id = ?1 AND active = 1 AND password_hash = ?2
        RETURNING id, organization_id, email, name, role, plan, active, totp_confirmed, created_at, updated_at,
        totp_secret, totp_key_version, totp_last_step";
    LOCK_SECOND_FACTOR = "UPDATE user_account SET name = name WHERE id = ?1
        RETURNING totp_confirmed, totp_secret, totp_key_version, totp_last_step, email";
    SET_SECOND_FACTOR = "UPDATE user_account SET totp_secret = ?2, totp_key_version = ?3, totp_confirmed = 0,
        totp_last_step = NULL, updated_at = ?4 WHERE id = ?1";
    CONFIRM_SECOND_FACTOR = "UPDATE user_account SET totp_confirmed = 1, updated_at = ?2 WHERE id = ?1";
    DROP_SECOND_FACTOR = "UPDATE user_account SET totp_secret = NULL, totp_key_version = NULL, totp_confirmed = 0,
        totp_last_step = NULL, updated_at = ?2 WHERE id = ?1";
    USE_CODE = "UPDATE user_account SET totp_last_step = ?2 WHERE id = ?1";
    INSERT_RECOVERY_CODE = "INSERT INTO recovery_code (user_id, digest) VALUES (?1, ?2)";
    USE_RECOVERY_CODE = "DELETE FROM recovery_code WHERE user_id = ?1 AND digest = ?2";
    DELETE_RECOVERY_CODES = "DELETE FROM recovery_code WHERE user_id = ?1";
}
