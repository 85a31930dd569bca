CREATE TABLE root_key (
    version INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE server_key (
    purpose TEXT NOT NULL,
    version INTEGER NOT NULL,
    root_version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    public_key BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (purpose, version)
) STRICT;

CREATE TABLE seal (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE organization (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    first INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX organization_first ON organization (first) WHERE first = 1;

CREATE TABLE organization_key (
    organization_id BLOB NOT NULL REFERENCES organization (id),
    version INTEGER NOT NULL,
    root_version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, version)
) STRICT;

CREATE TABLE user_account (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    plan TEXT NOT NULL,
    active INTEGER NOT NULL,
    password_hash TEXT,
    totp_secret BLOB,
    totp_key_version INTEGER,
    totp_confirmed INTEGER NOT NULL DEFAULT 0,
    totp_last_step INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX user_account_organization ON user_account (organization_id, created_at, id);

CREATE TABLE recovery_code (
    user_id BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    PRIMARY KEY (user_id, digest)
) STRICT;

CREATE TABLE api_key (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    user_id BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    style TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    scopes TEXT,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    last_rotated_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_key_user ON api_key (user_id, created_at, id);
CREATE INDEX api_key_organization ON api_key (organization_id, created_at, id);

CREATE TABLE session (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    user_id BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    api_key_id BLOB REFERENCES api_key (id) ON DELETE CASCADE,
    access_digest BLOB NOT NULL UNIQUE,
    access_expires_at INTEGER NOT NULL,
    refresh_expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_of_user ON session (user_id);
CREATE INDEX session_of_key ON session (api_key_id) WHERE api_key_id IS NOT NULL;

CREATE TABLE refresh_token (
    digest BLOB PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    spent_at INTEGER
) STRICT;
CREATE INDEX refresh_token_session ON refresh_token (session_id);

CREATE TABLE rate_window (
    subject TEXT PRIMARY KEY,
    hits BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE vault (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    role TEXT NOT NULL,
    maker_type TEXT,
    maker_id BLOB,
    maker_user_id BLOB,
    created_by_type TEXT NOT NULL,
    created_by BLOB NOT NULL,
    policy_generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (organization_id, name)
) STRICT;

CREATE TABLE secret (
    id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL REFERENCES vault (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    tags TEXT NOT NULL,
    fields TEXT NOT NULL,
    notes BLOB,
    notes_key_version INTEGER,
    disabled INTEGER NOT NULL,
    newest_version INTEGER NOT NULL,
    current_version INTEGER,
    closed_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (vault_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret_version (
    secret_id BLOB NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    form TEXT NOT NULL,
    key_version INTEGER NOT NULL,
    data_key BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    metadata TEXT NOT NULL,
    rotation_policy TEXT,
    expires_at INTEGER,
    max_access_count INTEGER,
    access_count INTEGER NOT NULL,
    disabled INTEGER NOT NULL,
    closed_at INTEGER,
    created_by_type TEXT NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (secret_id, version)
) STRICT;
CREATE INDEX secret_version_closed ON secret_version (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE policy (
    id BLOB PRIMARY KEY,
    vault_id BLOB NOT NULL REFERENCES vault (id) ON DELETE CASCADE,
    pattern TEXT NOT NULL,
    principal_type TEXT NOT NULL,
    principal_id BLOB NOT NULL,
    permissions TEXT NOT NULL,
    effect TEXT NOT NULL,
    priority INTEGER NOT NULL,
    conditions TEXT NOT NULL,
    attribute_conditions TEXT NOT NULL,
    expires_at INTEGER,
    created_by_type TEXT NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX policy_vault ON policy (vault_id, principal_type, principal_id);
CREATE INDEX policy_principal ON policy (principal_type, principal_id, vault_id);

CREATE TABLE event (
    id BLOB NOT NULL,
    organization_id BLOB NOT NULL,
    seq INTEGER,
    at INTEGER NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id BLOB,
    credential_id BLOB,
    action TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id BLOB,
    outcome TEXT NOT NULL,
    details TEXT NOT NULL,
    address TEXT NOT NULL,
    count INTEGER NOT NULL,
    hash BLOB,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_chain ON event (organization_id, seq);
CREATE INDEX event_actor ON event (organization_id, actor_id, id);
CREATE INDEX event_open ON event (id) WHERE seq IS NULL;

CREATE TABLE chain_head (
    organization_id BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    signed_seq INTEGER NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE checkpoint (
    organization_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    key_version INTEGER NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (organization_id, seq)
) STRICT;

CREATE TABLE journal_position (
    id INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    byte_offset INTEGER NOT NULL
) STRICT;
