-- Version 2: what the bridge remembers of values (which side a key took at its first use, that it was
-- sensitive, not extractable, …), by keyed fingerprint. Never removed: a value comes back after its
-- object is gone. The fingerprint says nothing without the store's data key.
CREATE TABLE imprint (
    fingerprint BLOB NOT NULL PRIMARY KEY,
    record      BLOB NOT NULL,
    seal        BLOB NOT NULL
) STRICT, WITHOUT ROWID;
