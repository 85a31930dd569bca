//! The record: events, chain heads, checkpoints.
//!
//! An event's columns stand in the order of `EventRow::from_columns`. Where many rows are read at once, the details of
//! an event that lists many secrets are left out, since one such row can hold megabytes.

statements! {
    /// SQLite: an event takes its place in the chain when it is inserted.
    INSERT_CHAINED = "INSERT INTO event (id, organization_id, at, actor_type, actor_id, credential_id, action,
        resource_type, resource_id, outcome, details, address, count, seq, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT (organization_id, id) DO NOTHING";
    /// PostgreSQL: the sealer gives it its place later.
    INSERT_OPEN = "INSERT INTO event (id, organization_id, at, actor_type, actor_id, credential_id, action,
        resource_type, resource_id, outcome, details, address, count)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    OPEN = "SELECT id, organization_id, at, actor_type, actor_id, credential_id, action,
        resource_type, resource_id, outcome, CASE WHEN count > 16 THEN NULL ELSE details END, address, count
        FROM event WHERE seq IS NULL ORDER BY id LIMIT ?1";
    CHAIN = "UPDATE event SET seq = ?3, hash = ?4 WHERE organization_id = ?1 AND id = ?2";
    HEAD = "SELECT seq, hash, signed_seq, signed_at FROM chain_head WHERE organization_id = ?1";
    UNSIGNED_HEADS = "SELECT organization_id, seq, hash, signed_seq, signed_at FROM chain_head
        WHERE seq > signed_seq";
    KEEP_HEAD = "INSERT INTO chain_head (organization_id, seq, hash, signed_seq, signed_at)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
        signed_seq = excluded.signed_seq, signed_at = excluded.signed_at";
    INSERT_CHECKPOINT = "INSERT INTO checkpoint (organization_id, seq, hash, at, key_version, signature)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    /// Where a search stops to let others on: this many events further down.
    FLOOR = "SELECT id FROM event WHERE organization_id = ?1 AND id < ?2 AND id >= ?3
        ORDER BY id DESC LIMIT 1 OFFSET ?4";
    FLOOR_OF_ACTOR = "SELECT id FROM event WHERE organization_id = ?1 AND actor_id = ?5 AND id < ?2 AND id >= ?3
        ORDER BY id DESC LIMIT 1 OFFSET ?4";
    /// Newest first. The pattern finds too much rather than too little: a path or id anywhere in the details.
    FIND = "SELECT e.id, e.organization_id, e.at, e.actor_type, e.actor_id, e.credential_id, e.action,
        e.resource_type, e.resource_id, e.outcome, CASE WHEN e.count > 16 THEN NULL ELSE e.details END, e.address,
        e.count, e.hash, (SELECT p.id FROM event p WHERE p.organization_id = e.organization_id AND p.seq = e.seq - 1)
        FROM event e WHERE e.organization_id = ?1 AND e.id < ?2 AND e.id >= ?3
        AND (e.action = ?4 OR ?4 IS NULL)
        AND (e.details LIKE ?5 ESCAPE '!' OR e.resource_id = ?6 OR ?5 IS NULL)
        ORDER BY e.id DESC LIMIT ?7";
    FIND_OF_ACTOR = "SELECT e.id, e.organization_id, e.at, e.actor_type, e.actor_id, e.credential_id, e.action,
        e.resource_type, e.resource_id, e.outcome, CASE WHEN e.count > 16 THEN NULL ELSE e.details END, e.address,
        e.count, e.hash, (SELECT p.id FROM event p WHERE p.organization_id = e.organization_id AND p.seq = e.seq - 1)
        FROM event e WHERE e.organization_id = ?1 AND e.actor_id = ?8 AND e.id < ?2 AND e.id >= ?3
        AND (e.action = ?4 OR ?4 IS NULL)
        AND (e.details LIKE ?5 ESCAPE '!' OR e.resource_id = ?6 OR ?5 IS NULL)
        ORDER BY e.id DESC LIMIT ?7";
    /// The record between two ids: rows of these actions, outcomes, types of actors and addresses, by one actor, without somebody's own
    /// looks at it.
    LOG_UP = "SELECT e.id, e.organization_id, e.at, e.actor_type, e.actor_id, e.credential_id, e.action, e.resource_type,
        e.resource_id, e.outcome, CASE WHEN e.count > 16 THEN NULL ELSE e.details END, e.address, e.count
        FROM event e WHERE e.organization_id = ?1 AND e.id >= ?2 AND e.id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || e.action || ',%') AND (?5 = '' OR ?5 LIKE '%,' || e.outcome || ',%')
        AND (?6 = '' OR ?6 LIKE '%,' || e.actor_type || ',%') AND (?7 = '' OR ?7 LIKE '%,' || e.address || ',%')
        AND (e.actor_id = ?8 OR ?8 IS NULL)
        AND (e.action <> 'audit.list' OR e.actor_id IS NULL OR e.actor_id <> ?9) ORDER BY e.id LIMIT ?10";
    LOG_DOWN = "SELECT e.id, e.organization_id, e.at, e.actor_type, e.actor_id, e.credential_id, e.action, e.resource_type,
        e.resource_id, e.outcome, CASE WHEN e.count > 16 THEN NULL ELSE e.details END, e.address, e.count
        FROM event e WHERE e.organization_id = ?1 AND e.id >= ?2 AND e.id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || e.action || ',%') AND (?5 = '' OR ?5 LIKE '%,' || e.outcome || ',%')
        AND (?6 = '' OR ?6 LIKE '%,' || e.actor_type || ',%') AND (?7 = '' OR ?7 LIKE '%,' || e.address || ',%')
        AND (e.actor_id = ?8 OR ?8 IS NULL)
        AND (e.action <> 'audit.list' OR e.actor_id IS NULL OR e.actor_id <> ?9) ORDER BY e.id DESC LIMIT ?10";
    /// How many entries those rows stand for.
    LOG_COUNT = "SELECT CAST(COALESCE(SUM(e.count), 0) AS BIGINT) FROM event e
        WHERE e.organization_id = ?1 AND e.id >= ?2 AND e.id < ?3
        AND (?4 = '' OR ?4 LIKE '%,' || e.action || ',%') AND (?5 = '' OR ?5 LIKE '%,' || e.outcome || ',%')
        AND (?6 = '' OR ?6 LIKE '%,' || e.actor_type || ',%') AND (?7 = '' OR ?7 LIKE '%,' || e.address || ',%')
        AND (e.actor_id = ?8 OR ?8 IS NULL)
        AND (e.action <> 'audit.list' OR e.actor_id IS NULL OR e.actor_id <> ?9)";
    /// The vaults that a user made.
    MADE_VAULTS = "SELECT id FROM vault WHERE organization_id = ?1 AND maker_user_id = ?2";
    /// In the order of the chain.
    CHAINED = "SELECT seq, hash, id, organization_id, at, actor_type, actor_id, credential_id, action,
        resource_type, resource_id, outcome, CASE WHEN count > 16 THEN NULL ELSE details END, address, count
        FROM event WHERE organization_id = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4";
    LAST_SEQ = "SELECT seq FROM event WHERE organization_id = ?1 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
    HASH_AT = "SELECT hash FROM event WHERE organization_id = ?1 AND seq = ?2";
    /// The first place of the events from a time on; events of one moment can stand in the chain in another order.
    FIRST_SEQ_FROM = "SELECT MIN(first.seq) FROM (SELECT seq FROM event WHERE organization_id = ?1 AND id >= ?2
        ORDER BY id LIMIT 4000) AS first";
    LAST_SEQ_BEFORE = "SELECT MAX(last.seq) FROM (SELECT seq FROM event WHERE organization_id = ?1 AND id < ?2
        ORDER BY id DESC LIMIT 4000) AS last";
    OPEN_TAIL = "SELECT COUNT(*) FROM event WHERE organization_id = ?1 AND seq IS NULL";
    CHECKPOINTS = "SELECT seq, hash, at, key_version, signature FROM checkpoint
        WHERE organization_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    NEWEST_CHECKPOINT = "SELECT seq, hash, at, key_version, signature FROM checkpoint
        WHERE organization_id = ?1 ORDER BY seq DESC LIMIT 1";
    /// Sealed: a public key in clear could have been replaced by whoever altered the events.
    CHECKPOINT_KEYS = "SELECT version, root_version, sealed FROM server_key
        WHERE purpose = 'checkpoint' ORDER BY version";
    DETAILS = "SELECT details FROM event WHERE organization_id = ?1 AND id = ?2";
}
