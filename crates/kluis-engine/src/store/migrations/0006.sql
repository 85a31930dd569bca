CREATE TABLE job (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    progress INTEGER NOT NULL,
    payload TEXT NOT NULL,
    state TEXT,
    result TEXT,
    error TEXT,
    vault_id BLOB REFERENCES vault (id) ON DELETE SET NULL,
    asked_by_type TEXT,
    asked_by BLOB,
    cancelled INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    claim BLOB,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX job_due ON job (due_at);
CREATE INDEX job_organization ON job (organization_id, id);

ALTER TABLE organization ADD COLUMN webhook_events TEXT NOT NULL DEFAULT '';
ALTER TABLE organization ADD COLUMN webhook_since INTEGER NOT NULL DEFAULT 0;

CREATE TABLE webhook (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    description TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    disabled_because TEXT,
    secret BLOB NOT NULL,
    secret_key_version INTEGER NOT NULL,
    former_secret BLOB,
    former_secret_key_version INTEGER,
    former_secret_until INTEGER,
    failing_since INTEGER,
    due_at INTEGER,
    claim BLOB,
    claimed_until INTEGER,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_organization ON webhook (organization_id, id);
CREATE INDEX webhook_due ON webhook (due_at);

CREATE TABLE webhook_delivery (
    id BLOB PRIMARY KEY,
    webhook_id BLOB NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    about TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    response_status INTEGER,
    response_body TEXT,
    error TEXT,
    duration INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    attempted_at INTEGER
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_delivery_log ON webhook_delivery (webhook_id, id);
CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at);

CREATE TABLE expiry_told (
    id INTEGER PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    secret_id BLOB NOT NULL
) STRICT;
CREATE INDEX secret_version_expiry ON secret_version (expires_at, secret_id) WHERE expires_at IS NOT NULL;
