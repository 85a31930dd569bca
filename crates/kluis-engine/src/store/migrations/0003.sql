CREATE TABLE environment (
    id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL REFERENCES vault (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    description TEXT NOT NULL,
    copied_from TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (vault_id, slug)
) STRICT;

CREATE TABLE env_var (
    id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL REFERENCES vault (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    environments TEXT NOT NULL,
    git_branch TEXT,
    sensitive INTEGER NOT NULL,
    comment TEXT NOT NULL,
    value_key_version INTEGER NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_by_type TEXT NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX env_var_vault ON env_var (vault_id, key);

ALTER TABLE vault ADD COLUMN honeytokens INTEGER NOT NULL DEFAULT 0;

CREATE TABLE honeytoken (
    id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL REFERENCES vault (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    notes TEXT NOT NULL,
    created_by BLOB NOT NULL,
    trigger_count INTEGER NOT NULL,
    last_triggered_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (vault_id, path)
) STRICT;

ALTER TABLE organization ADD COLUMN ip_rules TEXT NOT NULL DEFAULT '';

CREATE TABLE ip_rule (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    rule_type TEXT NOT NULL,
    cidr TEXT NOT NULL,
    label TEXT NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ip_rule_organization ON ip_rule (organization_id, created_at, id);
