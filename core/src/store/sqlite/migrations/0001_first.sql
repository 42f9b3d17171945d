-- Version 1: the first.
--
-- Columns other than record, material and seal are for finding. Everything is under the row's seal, so
-- an index may be wrong only by hand, and is found out when the row is opened.

-- Small values of the store itself: sealed keys, the audit's head.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What each change number changed; the oldest are forgotten.
CREATE TABLE change (
    number INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    id     BLOB    NOT NULL,
    PRIMARY KEY (number, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id      BLOB NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    objects INTEGER NOT NULL DEFAULT 0,
    record  BLOB NOT NULL,
    seal    BLOB NOT NULL
) STRICT;

CREATE TABLE principal (
    id      BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL REFERENCES account (id),
    name    TEXT NOT NULL,
    record  BLOB NOT NULL,
    seal    BLOB NOT NULL,
    UNIQUE (account, name)
) STRICT;

CREATE TABLE principal_fingerprint (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    principal   BLOB NOT NULL REFERENCES principal (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX principal_fingerprint_principal ON principal_fingerprint (principal, fingerprint);

-- "sequence" is the order of creation.
CREATE TABLE key (
    sequence INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    account  BLOB NOT NULL REFERENCES account (id),
    name     TEXT NOT NULL,
    deletion INTEGER,
    record   BLOB NOT NULL,
    seal     BLOB NOT NULL
) STRICT;
CREATE INDEX key_account ON key (account);
CREATE INDEX key_name ON key (account, name);
CREATE INDEX key_deletion ON key (deletion) WHERE deletion IS NOT NULL;

CREATE TABLE alias (
    account BLOB NOT NULL REFERENCES account (id),
    name    TEXT NOT NULL,
    key     BLOB NOT NULL REFERENCES key (id) ON DELETE CASCADE,
    seal    BLOB NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_key ON alias (key, account, name);

CREATE TABLE object (
    sequence INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    account  BLOB NOT NULL REFERENCES account (id),
    class    INTEGER NOT NULL,
    key      BLOB,
    label    TEXT NOT NULL,
    cka_id   BLOB NOT NULL,
    private  INTEGER NOT NULL,
    record   BLOB NOT NULL,
    material BLOB,
    seal     BLOB NOT NULL
) STRICT;
-- The first two answer "all of an account" and "all of a class" alone, without touching the table.
CREATE INDEX object_account ON object (account, sequence, private, id);
CREATE INDEX object_class ON object (account, class, sequence, private, id);
CREATE INDEX object_label ON object (account, label);
CREATE INDEX object_cka_id ON object (account, cka_id);
CREATE INDEX object_key ON object (key);

-- KMIP Names: one object each.
CREATE TABLE object_name (
    account BLOB NOT NULL,
    name    TEXT NOT NULL,
    object  INTEGER NOT NULL REFERENCES object (sequence) ON DELETE CASCADE,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX object_name_object ON object_name (object, name);

-- Attribute values by which Locate finds objects.
CREATE TABLE object_index (
    account BLOB NOT NULL,
    name    TEXT NOT NULL,
    value   BLOB NOT NULL,
    object  INTEGER NOT NULL REFERENCES object (sequence) ON DELETE CASCADE,
    PRIMARY KEY (account, name, value, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX object_index_object ON object_index (object, name, value);

-- The audit chain. "first" and "last" are the times of the records in the row.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    record   BLOB NOT NULL,
    chain    BLOB NOT NULL
) STRICT;
CREATE INDEX audit_last ON audit (last, sequence);

CREATE TABLE audit_entity (
    entity   BLOB NOT NULL,
    sequence INTEGER NOT NULL REFERENCES audit (sequence),
    PRIMARY KEY (entity, sequence)
) STRICT, WITHOUT ROWID;

-- Journals of uses that are not folded into the chain yet.
CREATE TABLE journal (
    id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
