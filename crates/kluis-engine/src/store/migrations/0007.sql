CREATE TABLE cluster (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    engine TEXT NOT NULL,
    region TEXT NOT NULL,
    nodes TEXT NOT NULL,
    tls_mode TEXT NOT NULL,
    ca_pem TEXT,
    admin_secret_id BLOB REFERENCES secret (id) ON DELETE SET NULL,
    rotation_enabled INTEGER NOT NULL,
    rotation_days INTEGER NOT NULL,
    next_rotation_at INTEGER,
    lease_default_seconds INTEGER NOT NULL,
    lease_max_seconds INTEGER NOT NULL,
    templates TEXT NOT NULL,
    status TEXT NOT NULL,
    last_checked_at INTEGER,
    reconcile_at INTEGER NOT NULL,
    deleted_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX cluster_name ON cluster (organization_id, name) WHERE deleted_at IS NULL;
CREATE INDEX cluster_admin ON cluster (admin_secret_id) WHERE admin_secret_id IS NOT NULL;
CREATE INDEX cluster_rotation ON cluster (next_rotation_at) WHERE next_rotation_at IS NOT NULL;

CREATE TABLE cluster_record (
    secret_id BLOB PRIMARY KEY REFERENCES secret (id) ON DELETE CASCADE,
    cluster_id BLOB NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    username TEXT NOT NULL,
    alternate TEXT,
    bound_by BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cluster_record_cluster ON cluster_record (cluster_id);

CREATE TABLE lease (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    cluster_id BLOB NOT NULL REFERENCES cluster (id),
    template TEXT NOT NULL,
    username TEXT NOT NULL,
    principal_type TEXT NOT NULL,
    principal_id BLOB NOT NULL,
    revocation TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT,
    due_at INTEGER,
    attempts INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX lease_due ON lease (cluster_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lease_cluster ON lease (cluster_id, username);
CREATE INDEX lease_principal ON lease (principal_id) WHERE due_at IS NOT NULL;

CREATE TABLE password_change (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    secret_id BLOB NOT NULL UNIQUE REFERENCES secret (id) ON DELETE CASCADE,
    cluster_id BLOB NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    username TEXT NOT NULL,
    state TEXT NOT NULL,
    key_version INTEGER NOT NULL,
    password BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_change_due ON password_change (due_at);
CREATE INDEX password_change_cluster ON password_change (cluster_id);

ALTER TABLE secret ADD COLUMN switching INTEGER NOT NULL DEFAULT 0;
ALTER TABLE secret ADD COLUMN cluster_id BLOB;
