//! Every fixed statement. `ALL` lists those that look something up, for the test that none of them
//! reads a table from end to end.

macro_rules! statements {
    ($($name:ident = $sql:literal;)+) => {
        $(pub(super) const $name: &str = $sql;)+
        /// Every look-up, by name.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

statements! {
    CHANGE_NUMBER = "SELECT max(number) FROM change";
    CHANGE_OLDEST = "SELECT min(number) FROM change";
    CHANGES_SINCE = "SELECT kind, id FROM change WHERE number > ?1 ORDER BY number";
    PRUNE_CHANGES = "DELETE FROM change WHERE number <= ?1";

    META = "SELECT value FROM meta WHERE name = ?1";

    IMPRINT = "SELECT fingerprint, record, seal FROM imprint WHERE fingerprint = ?1";

    ACCOUNT = "SELECT id, name, record, seal FROM account WHERE id = ?1";
    ACCOUNT_BY_NAME = "SELECT id, name, record, seal FROM account WHERE name = ?1";
    OBJECT_COUNT = "SELECT objects FROM account WHERE id = ?1";
    COUNT_OBJECT = "UPDATE account SET objects = objects + ?2 WHERE id = ?1";

    PRINCIPAL = "SELECT id, account, name, record, seal FROM principal WHERE id = ?1";
    PRINCIPAL_BY_NAME =
        "SELECT id, account, name, record, seal FROM principal WHERE account = ?1 AND name = ?2";
    PRINCIPALS =
        "SELECT id, account, name, record, seal FROM principal WHERE account = ?1 ORDER BY name";
    PRINCIPAL_BY_FINGERPRINT =
        "SELECT p.id, p.account, p.name, p.record, p.seal
         FROM principal_fingerprint AS f CROSS JOIN principal AS p ON p.id = f.principal
         WHERE f.fingerprint = ?1";
    FINGERPRINTS =
        "SELECT fingerprint FROM principal_fingerprint WHERE principal = ?1 ORDER BY fingerprint";
    DELETE_PRINCIPAL = "DELETE FROM principal WHERE id = ?1";
    DELETE_FINGERPRINTS = "DELETE FROM principal_fingerprint WHERE principal = ?1";

    KEY = "SELECT id, account, name, deletion, record, seal FROM key WHERE id = ?1";
    KEYS =
        "SELECT id, account, name, deletion, record, seal FROM key
         WHERE account = ?1 ORDER BY sequence LIMIT ?2 OFFSET ?3";
    KEYS_NAMED =
        "SELECT id, account, name, deletion, record, seal FROM key
         WHERE account = ?1 AND name = ?2 ORDER BY sequence LIMIT ?3 OFFSET ?4";
    KEYS_DUE =
        "SELECT id, account, name, deletion, record, seal FROM key
         WHERE deletion <= ?1 ORDER BY deletion LIMIT ?2";
    KEY_PLACE = "SELECT sequence, account, name, deletion FROM key WHERE id = ?1";
    UPDATE_KEY_RECORD = "UPDATE key SET record = ?2, seal = ?3 WHERE sequence = ?1";
    DELETE_KEY = "DELETE FROM key WHERE id = ?1";

    ALIAS = "SELECT account, name, key, seal FROM alias WHERE account = ?1 AND name = ?2";
    ALIASES = "SELECT account, name, key, seal FROM alias WHERE account = ?1 ORDER BY name";
    ALIASES_OF_KEY =
        "SELECT account, name, key, seal FROM alias WHERE key = ?1 AND account = ?2 ORDER BY name";
    DELETE_ALIAS = "DELETE FROM alias WHERE account = ?1 AND name = ?2";

    OBJECT =
        "SELECT sequence, id, account, class, key, label, cka_id, private, record, material, seal
         FROM object WHERE id = ?1";
    OBJECT_NAMES = "SELECT name FROM object_name WHERE object = ?1 ORDER BY name";
    OBJECT_INDEX =
        "SELECT name, value FROM object_index WHERE object = ?1 ORDER BY name, value";
    OBJECT_PLACE =
        "SELECT sequence, account, class, key, label, cka_id, private FROM object WHERE id = ?1";
    UPDATE_OBJECT_RECORD =
        "UPDATE object SET record = ?2, material = ?3, seal = ?4 WHERE sequence = ?1";
    DELETE_OBJECT = "DELETE FROM object WHERE sequence = ?1";
    DELETE_OBJECT_NAMES = "DELETE FROM object_name WHERE object = ?1";
    DELETE_OBJECT_INDEX = "DELETE FROM object_index WHERE object = ?1";

    AUDIT_ROWS =
        "SELECT sequence, record, chain FROM audit WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2";
    AUDIT_LAST = "SELECT sequence, record, chain FROM audit ORDER BY sequence DESC LIMIT 1";
    AUDIT_TIMES = "SELECT first, last FROM audit WHERE sequence = ?1";
    AUDIT_FIRST_SINCE = "SELECT min(sequence) FROM audit WHERE last >= ?1";
    AUDIT_FIND =
        "SELECT sequence, record, chain FROM audit
         WHERE sequence >= ?1 AND sequence < ?2 AND +last >= ?3 AND +first <= ?4
         ORDER BY sequence DESC LIMIT ?5";
    AUDIT_OF_ENTITY =
        "SELECT a.sequence, a.record, a.chain
         FROM audit_entity AS e CROSS JOIN audit AS a ON a.sequence = e.sequence
         WHERE e.entity = ?1 AND e.sequence < ?2 AND +a.last >= ?3 AND +a.first <= ?4
         ORDER BY e.sequence DESC LIMIT ?5";
    AUDIT_ENTITY_IS = "SELECT 1 FROM audit_entity WHERE entity = ?1 AND sequence = ?2";
    DELETE_JOURNAL = "DELETE FROM journal WHERE id = ?1";
    INTENT = "SELECT id, record, seal FROM intent WHERE id = ?1";
    DELETE_INTENT = "DELETE FROM intent WHERE id = ?1";
}

/// The three that are meant to read everything.
pub(super) const ACCOUNTS: &str = "SELECT id, name, record, seal FROM account ORDER BY name";
pub(super) const JOURNALS: &str = "SELECT id FROM journal";
pub(super) const INTENTS: &str = "SELECT id, record, seal FROM intent ORDER BY id";

pub(super) const PUT_INTENT: &str = "INSERT INTO intent (id, record, seal) VALUES (?1, ?2, ?3)
     ON CONFLICT (id) DO UPDATE SET record = excluded.record, seal = excluded.seal";
pub(super) const PUT_META: &str = "INSERT INTO meta (name, value) VALUES (?1, ?2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
pub(super) const PUT_IMPRINT: &str =
    "INSERT INTO imprint (fingerprint, record, seal) VALUES (?1, ?2, ?3)
     ON CONFLICT (fingerprint) DO UPDATE SET record = excluded.record, seal = excluded.seal";
pub(super) const PUT_CHANGE: &str =
    "INSERT OR IGNORE INTO change (number, kind, id) VALUES (?1, ?2, ?3)";
pub(super) const PUT_ACCOUNT: &str =
    "INSERT INTO account (id, name, record, seal) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record,
        seal = excluded.seal";
pub(super) const PUT_PRINCIPAL: &str =
    "INSERT INTO principal (id, account, name, record, seal) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (id) DO UPDATE SET account = excluded.account, name = excluded.name,
        record = excluded.record, seal = excluded.seal";
pub(super) const PUT_FINGERPRINT: &str =
    "INSERT INTO principal_fingerprint (fingerprint, principal) VALUES (?1, ?2)";
pub(super) const PUT_KEY: &str =
    "INSERT INTO key (id, account, name, deletion, record, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (id) DO UPDATE SET account = excluded.account, name = excluded.name,
        deletion = excluded.deletion, record = excluded.record, seal = excluded.seal";
pub(super) const ADD_ALIAS: &str =
    "INSERT INTO alias (account, name, key, seal) VALUES (?1, ?2, ?3, ?4)";
pub(super) const PUT_ALIAS: &str =
    "INSERT INTO alias (account, name, key, seal) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (account, name) DO UPDATE SET key = excluded.key, seal = excluded.seal";
pub(super) const ADD_OBJECT: &str =
    "INSERT INTO object (id, account, class, key, label, cka_id, private, record, material, seal)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
pub(super) const UPDATE_OBJECT: &str =
    "UPDATE object SET account = ?2, class = ?3, key = ?4, label = ?5, cka_id = ?6, private = ?7,
        record = ?8, material = ?9, seal = ?10
     WHERE id = ?1";
pub(super) const PUT_OBJECT_NAME: &str =
    "INSERT INTO object_name (account, name, object) VALUES (?1, ?2, ?3)";
pub(super) const PUT_OBJECT_INDEX: &str =
    "INSERT INTO object_index (account, name, value, object) VALUES (?1, ?2, ?3, ?4)";
pub(super) const PUT_AUDIT: &str =
    "INSERT INTO audit (sequence, first, last, record, chain) VALUES (?1, ?2, ?3, ?4, ?5)";
pub(super) const PUT_AUDIT_ENTITY: &str =
    "INSERT OR IGNORE INTO audit_entity (entity, sequence) VALUES (?1, ?2)";
pub(super) const PUT_JOURNAL: &str = "INSERT INTO journal (id) VALUES (?1)";
