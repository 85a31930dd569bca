//! Webhooks, what is to be delivered to them, and which node does it.

statements! {
    INSERT = "INSERT INTO webhook (id, organization_id, url, events, description, enabled, secret, secret_key_version,
        created_by, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)";
    OF_ORGANIZATION = "SELECT id, url, events, description, enabled, disabled_because, former_secret_until, failing_since,
        created_by, created_at, updated_at FROM webhook WHERE organization_id = ?1 ORDER BY id";
    BY_ID = "SELECT id, url, events, description, enabled, disabled_because, former_secret_until, failing_since,
        created_by, created_at, updated_at FROM webhook WHERE id = ?1 AND organization_id = ?2";
    LOCK = "SELECT id FROM webhook WHERE id = ?1";
    /// One that is switched on begins anew.
    UPDATE = "UPDATE webhook SET url = ?2, events = ?3, description = ?4,
        failing_since = CASE WHEN enabled = 0 AND ?5 = 1 THEN NULL ELSE failing_since END,
        disabled_because = CASE WHEN ?5 = 1 THEN NULL ELSE disabled_because END, enabled = ?5, updated_at = ?6 WHERE id = ?1";
    DELETE = "DELETE FROM webhook WHERE id = ?1";
    SECRETS = "SELECT secret_key_version, secret, former_secret_until, former_secret_key_version, former_secret
        FROM webhook WHERE id = ?1";
    REPLACE_SECRET = "UPDATE webhook SET secret_key_version = ?2, secret = ?3, former_secret_key_version = ?4,
        former_secret = ?5, former_secret_until = ?6, updated_at = ?7 WHERE id = ?1";
    FORGET_FORMER_SECRETS = "UPDATE webhook SET former_secret = NULL, former_secret_key_version = NULL,
        former_secret_until = NULL WHERE former_secret_until <= ?1";
    /// What an organization's webhooks are for, in short; from when on, where they are for something now that they were not for.
    SUBSCRIBE = "UPDATE organization SET webhook_events = ?2, webhook_since = CASE WHEN ?3 = 1 THEN ?4 ELSE webhook_since END
        WHERE id = ?1";
    SUBSCRIBED = "SELECT webhook_events FROM organization WHERE id = ?1";
    SUBSCRIBERS = "SELECT id, events FROM webhook WHERE organization_id = ?1 AND enabled = 1 ORDER BY id";
    VAULT_NAME = "SELECT name, role FROM vault WHERE id = ?1";
    /// The live secrets of a vault.
    SECRETS_OF = "SELECT id, path FROM secret WHERE vault_id = ?1 AND closed_at IS NULL ORDER BY id";
    INSERT_DELIVERY = "INSERT INTO webhook_delivery (id, webhook_id, event, about, status, attempts, due_at, created_at,
        updated_at) VALUES (?1, ?2, ?3, ?4, 'pending', 0, ?5, ?6, ?6)";
    /// Takes the webhook's row until the transaction ends: what is written to it next knows of this delivery.
    DUE_FROM = "UPDATE webhook SET due_at = CASE WHEN due_at IS NULL OR due_at > ?2 THEN ?2 ELSE due_at END WHERE id = ?1";
    /// Whether a webhook is to be delivered to.
    ANY_DUE = "SELECT id FROM webhook WHERE due_at <= ?1 AND enabled = 1 AND (claimed_until IS NULL OR claimed_until <= ?1)
        LIMIT 1";
    DUE = "SELECT id, organization_id FROM webhook WHERE due_at <= ?1 AND enabled = 1
        AND (claimed_until IS NULL OR claimed_until <= ?1) ORDER BY due_at, id LIMIT 500";
    CLAIM = "UPDATE webhook SET claim = ?2, claimed_until = ?3 WHERE id = ?1";
    /// What the last process had taken; where there is no other process.
    ORPHANED = "UPDATE webhook SET claim = NULL, claimed_until = NULL WHERE claim IS NOT NULL";
    RENEW = "UPDATE webhook SET claimed_until = ?3 WHERE id = ?1 AND claim = ?2 AND enabled = 1 RETURNING id";
    RELEASE = "UPDATE webhook SET claim = NULL, claimed_until = ?3 WHERE id = ?1 AND claim = ?2";
    /// The next delivery of a webhook, with what it needs.
    NEXT = "SELECT d.id, d.event, d.about, d.attempts, d.created_at, w.url, w.secret_key_version, w.secret,
        w.former_secret_until, w.former_secret_key_version, w.former_secret
        FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
        WHERE d.webhook_id = ?1 AND d.due_at <= ?2 ORDER BY d.due_at, d.id LIMIT 1";
    ONE = "SELECT d.id, d.event, d.about, d.attempts, d.created_at, w.url, w.secret_key_version, w.secret,
        w.former_secret_until, w.former_secret_key_version, w.former_secret
        FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id WHERE d.id = ?1";
    ATTEMPTED = "UPDATE webhook_delivery SET status = ?2, attempts = attempts + 1, due_at = ?3, response_status = ?4,
        response_body = ?5, error = ?6, duration = ?7, updated_at = ?8, attempted_at = ?8 WHERE id = ?1";
    /// Keeps when a webhook began to fail, and when its next delivery is due.
    AFTER_ATTEMPT = "UPDATE webhook SET failing_since = ?2, enabled = CASE WHEN ?4 = 1 THEN 0 ELSE enabled END,
        disabled_because = COALESCE(?3, disabled_because),
        due_at = (SELECT MIN(d.due_at) FROM webhook_delivery d WHERE d.webhook_id = webhook.id AND d.due_at IS NOT NULL)
        WHERE id = ?1";
    FAILING = "SELECT failing_since, organization_id FROM webhook WHERE id = ?1";
    REDELIVER = "UPDATE webhook_delivery SET status = 'pending', attempts = 0, due_at = ?3, updated_at = ?3
        WHERE id = ?1 AND webhook_id = ?2";
    DELIVERY = "SELECT id, event, about, status, attempts, due_at, response_status, response_body, error, duration, created_at,
        updated_at, attempted_at FROM webhook_delivery WHERE id = ?1 AND webhook_id = ?2";
    /// A page of the log: between two ids, of these states and events.
    DELIVERIES_UP = "SELECT id, event, about, status, attempts, due_at, response_status, response_body, error, duration,
        created_at, updated_at, attempted_at FROM webhook_delivery WHERE webhook_id = ?1 AND id >= ?2 AND id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || status || ',%') AND (?5 = '' OR ?5 LIKE '%,' || event || ',%')
        ORDER BY id LIMIT ?6 OFFSET ?7";
    DELIVERIES_DOWN = "SELECT id, event, about, status, attempts, due_at, response_status, response_body, error, duration,
        created_at, updated_at, attempted_at FROM webhook_delivery WHERE webhook_id = ?1 AND id >= ?2 AND id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || status || ',%') AND (?5 = '' OR ?5 LIKE '%,' || event || ',%')
        ORDER BY id DESC LIMIT ?6 OFFSET ?7";
    DELIVERIES_COUNT = "SELECT COUNT(*) FROM webhook_delivery WHERE webhook_id = ?1 AND id >= ?2 AND id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || status || ',%') AND (?5 = '' OR ?5 LIKE '%,' || event || ',%')";
    DELETE_OLD = "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery WHERE created_at < ?1 LIMIT 5000)";
    /// How far expiries are told. The row is taken by the node that tells them.
    EXPIRY_TOLD = "SELECT expires_at, secret_id FROM expiry_told WHERE id = 1";
    BEGIN_EXPIRIES = "INSERT INTO expiry_told (id, expires_at, secret_id) VALUES (1, ?1, ?2) ON CONFLICT (id) DO NOTHING";
    TELL_EXPIRIES = "UPDATE expiry_told SET expires_at = ?1, secret_id = ?2 WHERE id = 1";
    /// Current versions that have expired behind a place and up to a time, in organizations that have webhooks.
    EXPIRED = "SELECT d.expires_at, s.id, s.path, d.version, v.name, v.organization_id, o.webhook_events, o.webhook_since
        FROM secret_version d JOIN secret s ON s.id = d.secret_id AND s.current_version = d.version
        JOIN vault v ON v.id = s.vault_id JOIN organization o ON o.id = v.organization_id
        WHERE d.expires_at >= ?1 AND (d.expires_at > ?1 OR d.secret_id > ?2) AND d.expires_at <= ?3
        AND s.closed_at IS NULL AND s.disabled = 0 AND o.webhook_events <> ''
        ORDER BY d.expires_at, d.secret_id LIMIT 500";
}
