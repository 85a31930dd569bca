CREATE TABLE agent (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    registered_by BLOB REFERENCES user_account (id) ON DELETE SET NULL,
    created_by BLOB,
    name TEXT NOT NULL,
    handle TEXT NOT NULL,
    description TEXT NOT NULL,
    active INTEGER NOT NULL,
    scopes TEXT NOT NULL,
    vaults TEXT NOT NULL,
    intents INTEGER NOT NULL,
    environment TEXT,
    token_ttl INTEGER,
    ssh_public_key BLOB,
    ecdh_public_key BLOB,
    expires_at INTEGER,
    last_active_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (organization_id, handle)
) STRICT;
CREATE INDEX agent_registrar ON agent (registered_by) WHERE registered_by IS NOT NULL;

CREATE TABLE agent_key (
    id BLOB PRIMARY KEY,
    agent_id BLOB NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    expires_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_key_agent ON agent_key (agent_id);

CREATE TABLE agent_token (
    id BLOB PRIMARY KEY,
    agent_id BLOB NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
    agent_key_id BLOB NOT NULL REFERENCES agent_key (id) ON DELETE CASCADE,
    digest BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_token_agent ON agent_token (agent_id);
CREATE INDEX agent_token_key ON agent_token (agent_key_id);

CREATE TABLE share (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    digest BLOB NOT NULL UNIQUE,
    secret_id BLOB NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
    maker_type TEXT NOT NULL,
    maker_id BLOB NOT NULL,
    maker_logged_in INTEGER NOT NULL,
    recipient_type TEXT NOT NULL,
    recipient_id BLOB,
    recipient_email TEXT,
    passphrase_hash TEXT,
    networks TEXT NOT NULL,
    max_access_count INTEGER,
    access_count INTEGER NOT NULL,
    accepted_at INTEGER,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX share_secret ON share (secret_id);
CREATE INDEX share_maker ON share (maker_id);
CREATE INDEX share_recipient ON share (recipient_id) WHERE recipient_id IS NOT NULL;
CREATE INDEX share_expiry ON share (expires_at);

CREATE TABLE device_login (
    id BLOB PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    user_code TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    email TEXT,
    address TEXT NOT NULL,
    user_id BLOB REFERENCES user_account (id) ON DELETE CASCADE,
    denied INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX device_login_user ON device_login (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE enrollment (
    id BLOB PRIMARY KEY,
    approval_digest BLOB NOT NULL UNIQUE,
    poll_digest BLOB UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    email TEXT,
    public_key BLOB,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    agent_id BLOB REFERENCES agent (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX enrollment_email ON enrollment (email) WHERE email IS NOT NULL;
CREATE INDEX enrollment_agent ON enrollment (agent_id) WHERE agent_id IS NOT NULL;
