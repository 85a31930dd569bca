CREATE TABLE zk_vault (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL UNIQUE REFERENCES organization (id) ON DELETE CASCADE,
    item_bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE zk_key (
    row_id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL REFERENCES zk_vault (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    proof_digest BLOB NOT NULL,
    key_version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (vault_id, id),
    UNIQUE (vault_id, proof_digest)
) STRICT;

CREATE TABLE zk_item (
    row_id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL REFERENCES zk_vault (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (vault_id, id)
) STRICT;

CREATE TABLE zk_spent_id (
    vault_id BLOB NOT NULL REFERENCES zk_vault (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    PRIMARY KEY (vault_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE zk_access (
    id BLOB PRIMARY KEY,
    item_row_id BLOB NOT NULL REFERENCES zk_item (row_id) ON DELETE CASCADE,
    agent_id BLOB NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    UNIQUE (item_row_id, agent_id)
) STRICT;
CREATE INDEX zk_access_agent ON zk_access (agent_id);

ALTER TABLE api_key ADD COLUMN last4 TEXT NOT NULL DEFAULT '';

ALTER TABLE agent_key ADD COLUMN last4 TEXT NOT NULL DEFAULT '';
ALTER TABLE agent_key ADD COLUMN style TEXT NOT NULL DEFAULT 'oneclaw';
ALTER TABLE agent_key ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE agent_key ADD COLUMN description TEXT;
ALTER TABLE agent_key ADD COLUMN created_by BLOB;
ALTER TABLE agent_key ADD COLUMN last_used_at INTEGER;
