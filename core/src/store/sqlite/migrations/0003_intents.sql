-- Version 3: keys that are about to be made in an HSM. The row goes with the commit that writes the key's object; one
-- that stays tells of a process that died in between, and what it may have left in the HSM.
CREATE TABLE intent (
    id     BLOB NOT NULL PRIMARY KEY,
    record BLOB NOT NULL,
    seal   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
