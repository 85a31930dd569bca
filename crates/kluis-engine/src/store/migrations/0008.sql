CREATE TABLE integration (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    credential_id BLOB,
    vault_id BLOB NOT NULL,
    filter TEXT NOT NULL,
    filter_stated TEXT NOT NULL,
    mode TEXT NOT NULL,
    interval_minutes INTEGER,
    acts_for BLOB NOT NULL,
    secret BLOB,
    secret_key_version INTEGER,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    last_sync_at INTEGER,
    last_error TEXT,
    due_at INTEGER,
    job_id BLOB,
    claim BLOB,
    claimed_until INTEGER,
    deleted_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX integration_name ON integration (organization_id, name) WHERE deleted_at IS NULL;
CREATE INDEX integration_vault ON integration (vault_id);
CREATE INDEX integration_due ON integration (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX integration_deleted ON integration (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE integration_item (
    integration_id BLOB NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    place TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (integration_id, place)
) STRICT;

CREATE TABLE integration_run (
    id BLOB PRIMARY KEY,
    integration_id BLOB NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    job_id BLOB NOT NULL,
    cause TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    records INTEGER,
    sent INTEGER,
    removed INTEGER,
    error TEXT,
    retry_at INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;
CREATE INDEX integration_run_log ON integration_run (integration_id, id);
CREATE INDEX integration_run_open ON integration_run (job_id) WHERE finished_at IS NULL;

CREATE TABLE integration_change (
    id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL
) STRICT;

ALTER TABLE organization ADD COLUMN followed INTEGER NOT NULL DEFAULT 0;
