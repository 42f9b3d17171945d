//! Somebody edits the database by hand: what was touched is refused by name, the rest still works.

use keybridge_tests::{Bridge, Command};

/// A bridge with three AES keys.
struct Scene {
    bridge: Bridge,
}

impl Scene {
    #[track_caller]
    fn new() -> Self {
        let bridge = Bridge::new();
        for name in ["first", "second", "third"] {
            bridge
                .token()
                .tool("--keygen --key-type AES:32 --sensitive --label")
                .arg(name)
                .ok();
        }
        Self { bridge }
    }

    /// Runs Python statements with `db`, an open connection to the store.
    #[track_caller]
    fn edit(&self, statements: &str) {
        let script = format!(
            "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n{statements}\n\
             db.commit()\ndb.close()\n"
        );
        Command::new("/usr/bin/python3")
            .args(["-c", &script])
            .arg(self.bridge.dir().join("keybridge.db"))
            .ok();
    }

    /// Encrypts with the key through the PKCS#11 module.
    fn uses(&self, label: &str) -> Command {
        let token = self.bridge.token();
        token
            .command(env!("CARGO_BIN_EXE_token-user"))
            .arg(&token.module)
            .args([&token.label, &token.pin])
            .input(format!("encrypt {label}\n"))
    }

    #[track_caller]
    fn works(&self, label: &str) {
        self.uses(label).ok().says("ok 16").never_says("error");
    }

    /// The key is not used.
    #[track_caller]
    fn refuses(&self, label: &str) {
        self.uses(label)
            .run()
            .never_says("ok 16")
            .never_says("panicked");
    }
}

/// Two sealed values change places.
#[test]
fn swapped_material_is_refused() {
    let scene = Scene::new();
    scene.works("first");
    scene.edit(
        "rows = dict(db.execute(\"SELECT label, material FROM object\"))\n\
         db.execute(\"UPDATE object SET material = ? WHERE label = 'first'\", (rows['second'],))\n\
         db.execute(\"UPDATE object SET material = ? WHERE label = 'second'\", (rows['first'],))",
    );
    scene.refuses("first");
    scene.refuses("second");
    scene.works("third");
}

/// Everything that is sealed of two rows changes places.
#[test]
fn swapped_rows_are_refused() {
    let scene = Scene::new();
    scene.edit(
        "rows = {row[0]: row[1:] for row in db.execute(\"SELECT label, record, material, seal FROM object\")}\n\
         for to, of in [('first', 'second'), ('second', 'first')]:\n\
         \tdb.execute(\"UPDATE object SET record = ?, material = ?, seal = ? WHERE label = ?\", (*rows[of], to))",
    );
    scene.refuses("first");
    scene.refuses("second");
    scene.works("third");
}

/// A key that must not come out is marked as one that may.
#[test]
fn a_flipped_attribute_is_refused() {
    for (from, to) in [
        ("\"sensitive\":true", "\"sensitive\":false"),
        ("\"extractable\":false", "\"extractable\":true"),
        ("\"label\":\"first\"", "\"label\":\"fIrst\""),
    ] {
        let scene = Scene::new();
        scene.edit(&format!(
            "record = db.execute(\"SELECT record FROM object WHERE label = 'first'\").fetchone()[0]\n\
             changed = record.replace(b'{from}', b'{to}')\n\
             assert changed != record, record\n\
             db.execute(\"UPDATE object SET record = ? WHERE label = 'first'\", (changed,))"
        ));
        scene.refuses("first");
        scene.works("second");
        let id = scene.bridge.json("key list")[0]["id"]
            .as_str()
            .expect("an identifier")
            .to_owned();
        let shown = scene.bridge.cli(&format!("key show {id}")).fails();
        assert_eq!(
            shown.status.and_then(|status| status.code()),
            Some(5),
            "{shown}"
        );
    }
}

/// Every byte of a record and of its seal counts, and of the sealed material.
#[test]
fn no_byte_of_a_row_can_change() {
    let scene = Scene::new();
    for column in ["record", "material", "seal"] {
        for place in ["0", "len(value) // 2", "len(value) - 1"] {
            let flip = format!(
                "value = db.execute(\"SELECT {column} FROM object WHERE label = 'first'\").fetchone()[0]\n\
                 at = {place}\n\
                 value = value[:at] + bytes([value[at] ^ 1]) + value[at + 1:]\n\
                 db.execute(\"UPDATE object SET {column} = ? WHERE label = 'first'\", (value,))"
            );
            scene.edit(&flip);
            scene.refuses("first");
            scene.edit(&flip);
            scene.works("first");
        }
    }
}

/// A row is moved to another account.
#[test]
fn a_row_moved_to_another_account_is_refused() {
    let scene = Scene::new();
    scene.edit(
        "row = db.execute(\"SELECT id FROM account\").fetchone()[0]\n\
         other = bytes([row[0] ^ 1]) + row[1:]\n\
         db.execute(\"INSERT INTO account (id, name, record, seal) SELECT ?, 'other', record, seal FROM account\", (other,))\n\
         db.execute(\"UPDATE object SET account = ? WHERE label = 'first'\", (other,))",
    );
    scene.refuses("first");
    scene.works("second");
}

/// A disabled key's gate is opened by hand.
#[test]
fn a_disabled_key_cannot_be_enabled_by_hand() {
    let scene = Scene::new();
    scene.bridge.cli("key disable first").ok();
    scene.refuses("first");
    scene.edit(
        "record = db.execute(\"SELECT record FROM key WHERE name = 'first'\").fetchone()[0]\n\
         changed = record.replace(b'disabled', b'enabled')\n\
         assert changed != record, record\n\
         db.execute(\"UPDATE key SET record = ? WHERE name = 'first'\", (changed,))",
    );
    scene.refuses("first");
    let shown = scene.bridge.cli("key show first").run();
    assert_eq!(
        shown.status.and_then(|status| status.code()),
        Some(5),
        "{shown}"
    );
    scene.works("second");
}

/// The audit chain: a row changed, removed, reordered, or the newest cut off.
#[test]
fn the_audit_cannot_be_edited() {
    for (what, statement) in [
        (
            "changed",
            "row = db.execute(\"SELECT sequence, record FROM audit ORDER BY sequence LIMIT 1 OFFSET 2\").fetchone()\n\
                     at = len(row[1]) // 2\n\
                     db.execute(\"UPDATE audit SET record = ? WHERE sequence = ?\", (row[1][:at] + bytes([row[1][at] ^ 1]) + row[1][at + 1:], row[0]))",
        ),
        (
            "removed",
            "row = db.execute(\"SELECT sequence FROM audit ORDER BY sequence LIMIT 1 OFFSET 2\").fetchone()[0]\n\
                     db.execute(\"DELETE FROM audit_entity WHERE sequence = ?\", (row,))\n\
                     db.execute(\"DELETE FROM audit WHERE sequence = ?\", (row,))",
        ),
        (
            "cut off",
            "row = db.execute(\"SELECT max(sequence) FROM audit\").fetchone()[0]\n\
                     db.execute(\"DELETE FROM audit_entity WHERE sequence = ?\", (row,))\n\
                     db.execute(\"DELETE FROM audit WHERE sequence = ?\", (row,))",
        ),
        (
            "reordered",
            "one, two = db.execute(\"SELECT sequence, record, chain FROM audit ORDER BY sequence LIMIT 2 OFFSET 1\").fetchall()\n\
                       db.execute(\"UPDATE audit SET record = ?, chain = ? WHERE sequence = ?\", (two[1], two[2], one[0]))\n\
                       db.execute(\"UPDATE audit SET record = ?, chain = ? WHERE sequence = ?\", (one[1], one[2], two[0]))",
        ),
    ] {
        let scene = Scene::new();
        scene.bridge.cli("audit verify").ok();
        scene.edit(statement);
        let outcome = scene.bridge.cli("audit verify").fails();
        assert_eq!(
            outcome.status.and_then(|status| status.code()),
            Some(5),
            "{what}: {outcome}"
        );
    }
}
