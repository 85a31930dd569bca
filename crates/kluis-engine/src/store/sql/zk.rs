//! Zero-knowledge vaults: their keys, items and access rules.

statements! {
    /// Changes nothing when the organization has one.
    INSERT_VAULT = "INSERT INTO zk_vault (id, organization_id, item_bytes, created_at, updated_at)
        VALUES (?1, ?2, 0, ?3, ?3)
        ON CONFLICT (organization_id) DO NOTHING";
    VAULT = "SELECT id FROM zk_vault WHERE organization_id = ?1";
    LOCK_VAULT = "SELECT id FROM zk_vault WHERE organization_id = ?1";
    /// With how many keys of each kind and items it has.
    INFO = "SELECT v.id, v.created_at, v.updated_at,
        (SELECT COUNT(*) FROM zk_key k WHERE k.vault_id = v.id AND k.kind = 'primary'),
        (SELECT COUNT(*) FROM zk_key k WHERE k.vault_id = v.id AND k.kind = 'recovery'),
        (SELECT COUNT(*) FROM zk_item i WHERE i.vault_id = v.id)
        FROM zk_vault v WHERE v.organization_id = ?1";
    COUNT_GRANTED = "SELECT COUNT(*) FROM zk_access a JOIN zk_item i ON i.row_id = a.item_row_id
        WHERE a.agent_id = ?2 AND i.vault_id = ?1";
    /// With the bytes of all items.
    VAULT_AND_BYTES = "SELECT id, item_bytes FROM zk_vault WHERE organization_id = ?1";
    /// Those of the items without payloads, of those that an agent has a rule for, and of both.
    NAME_BYTES = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(name) + COALESCE(OCTET_LENGTH(description), 0) + 256), 0) AS BIGINT)
        FROM zk_item WHERE vault_id = ?1";
    BYTES_OF_AGENT = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(i.payload) + OCTET_LENGTH(i.name)
        + COALESCE(OCTET_LENGTH(i.description), 0) + 256), 0) AS BIGINT) FROM zk_access a
        JOIN zk_item i ON i.row_id = a.item_row_id WHERE i.vault_id = ?1 AND a.agent_id = ?2";
    NAME_BYTES_OF_AGENT = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(i.name) + COALESCE(OCTET_LENGTH(i.description), 0) + 256), 0)
        AS BIGINT) FROM zk_access a JOIN zk_item i ON i.row_id = a.item_row_id WHERE i.vault_id = ?1 AND a.agent_id = ?2";
    /// No row when the vault would hold more than it may.
    ADD_BYTES = "UPDATE zk_vault SET item_bytes = item_bytes + ?2 WHERE id = ?1 AND item_bytes + ?2 <= ?3
        RETURNING item_bytes";
    TOUCH_VAULT = "UPDATE zk_vault SET updated_at = ?2 WHERE id = ?1";
    DELETE_VAULT = "DELETE FROM zk_vault WHERE id = ?1";

    INSERT_KEY = "INSERT INTO zk_key (row_id, vault_id, id, kind, proof_digest, key_version, sealed, created_by, created_at,
        updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)";
    /// Columns of a key, in the order of `KeyRow::from_row`.
    KEYS = "SELECT row_id, id, kind, key_version, sealed, created_by, created_at, updated_at FROM zk_key
        WHERE vault_id = ?1 ORDER BY kind, row_id";
    KEY_BY_PROOF = "SELECT row_id, id, kind, key_version, sealed, created_by, created_at, updated_at FROM zk_key
        WHERE vault_id = ?1 AND proof_digest = ?2";
    TAKEN_KEYS = "SELECT COUNT(*) FROM zk_key WHERE vault_id = ?1 AND (id = ?2 OR proof_digest = ?3)";
    COUNT_PRIMARY = "SELECT COUNT(*) FROM zk_key WHERE vault_id = ?1 AND kind = 'primary'";
    DELETE_KEY = "DELETE FROM zk_key WHERE row_id = ?1";
    DELETE_PRIMARY = "DELETE FROM zk_key WHERE vault_id = ?1 AND kind = 'primary'";

    /// Changes nothing when the id is taken.
    INSERT_ITEM = "INSERT INTO zk_item (row_id, vault_id, id, name, description, kind, payload, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (vault_id, id) DO NOTHING";
    IS_SPENT = "SELECT id FROM zk_spent_id WHERE vault_id = ?1 AND id = ?2";
    SPEND_ID = "INSERT INTO zk_spent_id (vault_id, id) VALUES (?1, ?2)";
    /// Columns of an item, in the order of `ItemRow::from_columns`, and its payload.
    ITEM = "SELECT row_id, id, name, description, kind, created_at, updated_at, payload FROM zk_item
        WHERE vault_id = ?1 AND id = ?2";
    LOCK_ITEM = "SELECT id FROM zk_item WHERE vault_id = ?1 AND id = ?2";
    ITEMS = "SELECT row_id, id, name, description, kind, created_at, updated_at FROM zk_item WHERE vault_id = ?1";
    PAYLOADS = "SELECT row_id, id, name, description, kind, created_at, updated_at, payload FROM zk_item
        WHERE vault_id = ?1";
    /// The same of those that an agent has a rule for.
    ITEMS_OF_AGENT = "SELECT i.row_id, i.id, i.name, i.description, i.kind, i.created_at, i.updated_at
        FROM zk_access a JOIN zk_item i ON i.row_id = a.item_row_id WHERE i.vault_id = ?1 AND a.agent_id = ?2";
    PAYLOADS_OF_AGENT = "SELECT i.row_id, i.id, i.name, i.description, i.kind, i.created_at, i.updated_at, i.payload
        FROM zk_access a JOIN zk_item i ON i.row_id = a.item_row_id WHERE i.vault_id = ?1 AND a.agent_id = ?2";
    UPDATE_ITEM = "UPDATE zk_item SET name = ?2, description = ?3, updated_at = ?4 WHERE row_id = ?1";
    UPDATE_PAYLOAD = "UPDATE zk_item SET payload = ?2 WHERE row_id = ?1";
    DELETE_ITEM = "DELETE FROM zk_item WHERE row_id = ?1";

    /// Columns of a rule, in the order of `RuleRow::from_row`; oldest first.
    RULES = "SELECT a.id, a.item_row_id, i.id, a.agent_id, a.created_at FROM zk_access a
        JOIN zk_item i ON i.row_id = a.item_row_id WHERE i.vault_id = ?1 ORDER BY a.id";
    /// The same of the items that an agent has a rule for.
    RULES_OF_AGENT = "SELECT a.id, a.item_row_id, i.id, a.agent_id, a.created_at FROM zk_access own
        JOIN zk_access a ON a.item_row_id = own.item_row_id JOIN zk_item i ON i.row_id = a.item_row_id
        WHERE i.vault_id = ?1 AND own.agent_id = ?2 ORDER BY a.id";
    RULES_OF_ITEM = "SELECT a.id, a.item_row_id, i.id, a.agent_id, a.created_at FROM zk_access a
        JOIN zk_item i ON i.row_id = a.item_row_id WHERE a.item_row_id = ?1 ORDER BY a.id";
    /// Changes nothing when there is such a rule.
    GRANT = "INSERT INTO zk_access (id, item_row_id, agent_id, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (item_row_id, agent_id) DO NOTHING";
    REVOKE = "DELETE FROM zk_access WHERE item_row_id = ?1 AND agent_id = ?2";
}
