CREATE TABLE transport_key (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    key_version INTEGER NOT NULL,
    private_key BLOB NOT NULL,
    public_key TEXT NOT NULL,
    retired_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, version)
) STRICT;
