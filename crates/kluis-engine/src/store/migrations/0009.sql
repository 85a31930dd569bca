CREATE TABLE insight (
    id BLOB PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    kind TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    secret_id BLOB REFERENCES secret (id) ON DELETE CASCADE,
    api_key_id BLOB REFERENCES api_key (id) ON DELETE CASCADE,
    user_id BLOB REFERENCES user_account (id) ON DELETE CASCADE,
    agent_id BLOB REFERENCES agent (id) ON DELETE CASCADE,
    score INTEGER NOT NULL,
    basis TEXT NOT NULL,
    evidence TEXT NOT NULL,
    status TEXT NOT NULL,
    detected_at INTEGER NOT NULL,
    resolved_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (organization_id, subject_id, kind)
) STRICT;
CREATE INDEX insight_secret ON insight (secret_id) WHERE secret_id IS NOT NULL;
CREATE INDEX insight_api_key ON insight (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX insight_user ON insight (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX insight_agent ON insight (agent_id) WHERE agent_id IS NOT NULL;

CREATE TABLE insight_vote (
    insight_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    organization_id BLOB NOT NULL REFERENCES organization (id),
    kind TEXT NOT NULL,
    useful INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (insight_id, user_id)
) STRICT;
CREATE INDEX insight_vote_organization ON insight_vote (organization_id, kind);
