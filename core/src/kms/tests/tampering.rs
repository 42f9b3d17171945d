//! Edits of the store's file behind the bridge's back.

use super::*;

fn edit(bridge: &Bridge, sql: &str) {
    let connection =
        rusqlite::Connection::open(&bridge.settings.store.path).expect("open the file");
    assert!(
        connection.execute(sql, []).expect(sql) > 0,
        "{sql} changed nothing"
    );
}

fn refused<T: std::fmt::Debug>(result: Result<T>, id: ObjectId) {
    match result {
        Err(Error::Tampered {
            what: "object",
            id: named,
        }) => assert_eq!(named, id.to_string()),
        other => panic!("{other:?}"),
    }
}

fn hex(id: ObjectId) -> String {
    id.as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn swapped_values_are_refused() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let (one, two) = (
        bridge.aes(&user, "one").secret,
        bridge.aes(&user, "two").secret,
    );
    let (a, b) = (hex(one), hex(two));
    edit(
        &bridge,
        &format!(
            "UPDATE object SET material = (SELECT material FROM object WHERE id = x'{b}') WHERE id = x'{a}'"
        ),
    );
    let other = bridge.second();
    refused(encrypt(&other, &user, one, b"x"), one);
    encrypt(&other, &user, two, b"x").expect("the other is as it was");
}

#[test]
fn a_flag_set_by_hand_is_refused() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k").secret;
    edit(
        &bridge,
        "UPDATE object SET record = CAST(replace(CAST(record AS TEXT), '\"extractable\":false', '\"extractable\":true') AS BLOB)",
    );
    refused(bridge.second().export(&user, key), key);
}

#[test]
fn a_row_moved_to_another_account_is_refused() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k").secret;
    let other = bridge.kms.create_account("other").expect("an account").id;
    let account: String = other
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    edit(
        &bridge,
        &format!("UPDATE object SET account = x'{account}'"),
    );
    let second = bridge.second();
    refused(
        encrypt(&second, &second.local_administrator(other), key, b"x"),
        key,
    );
}

#[test]
fn a_label_changed_by_hand_is_refused() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k").secret;
    edit(&bridge, "UPDATE object SET label = 'other'");
    refused(bridge.second().inspect(&user, key), key);
}

#[test]
fn a_gate_opened_by_hand_is_refused() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let created = bridge.aes(&user, "k");
    bridge
        .kms
        .disable_key(&bridge.administrator(), created.key.expect("a key"))
        .expect("disable");
    edit(
        &bridge,
        "UPDATE \"key\" SET record = CAST(replace(CAST(record AS TEXT), '\"disabled\"', '\"enabled\"') AS BLOB)",
    );
    let opened = encrypt(&bridge.second(), &user, created.secret, b"x");
    assert!(
        matches!(opened, Err(Error::Tampered { what: "key", .. })),
        "{opened:?}"
    );
}

/// Columns that a hand on the file may change without anybody's harm or notice, and why.
const HARMLESS: [(&str, &str, &str); 5] = [
    ("account", "objects", "a count for the limit of objects"),
    ("change", "id", "says what to read again, not what is true"),
    (
        "change",
        "kind",
        "as its id; a new process does not read it",
    ),
    ("change", "number", "as its id"),
    ("key", "sequence", "the order of creation"),
];

/// What a bridge says of everything that it has; an error anywhere is a notice.
fn all_that_is_told(
    settings: &Settings,
    (pair, aes): (Created, ObjectId),
    sealed: &[u8],
) -> Result<Vec<String>> {
    let kms = Kms::open(settings, Arc::new(NoSecrets))?;
    let account = kms.account("main")?;
    let administrator = kms.local_administrator(account.id);
    let origin = crate::authorize::Origin::this_process();
    let app = kms.authenticate_certificate("cn=app", origin, Door::Kmip)?;
    let user = kms.login(account.id, Role::User, &PIN.into(), Door::Pkcs11)?;
    let key = pair.key.expect("a key");
    let named = Find {
        query: crate::store::ObjectQuery {
            name: Some("name".into()),
            ..Default::default()
        },
        ..Find::default()
    };
    let grouped = Find {
        query: crate::store::ObjectQuery {
            index: vec![crate::seal::index_entry("x-group", &group())],
            ..Default::default()
        },
        ..Find::default()
    };
    let refused = attacks::wrap(&kms, &user, aes, &Mechanism::KeyWrapPad, pair.secret);
    let report = kms.verify_audit(&administrator)?;
    if !report.is_intact() {
        return Err(Error::Tampered {
            what: "audit",
            id: format!("{:?}", report.findings),
        });
    }
    let mut told = vec![
        format!("{account:?} {:?} {:?}", app.name(), user.name()),
        format!("{:?}", kms.clients(&administrator)?),
        format!("{:?}", kms.keys(&administrator, 0, 10)?.len()),
        format!("{:?}", kms.key(&administrator, key)?),
        format!("{:?}", kms.resolve_key(&administrator, "an-alias")?),
        format!("{:?}", kms.aliases(&administrator, None)?),
        format!("{:?}", kms.find(&administrator, &named)?),
        format!("{:?}", kms.find(&administrator, &grouped)?),
        format!("{:?}", decrypt(&kms, &user, aes, sealed)?),
        format!("{:?}", refused.expect_err("works on data").to_string()),
        format!("{}", kms.run_due_deletions()?),
    ];
    for id in kms.find(&administrator, &Find::default())? {
        told.push(format!("{:?}", kms.inspect(&administrator, id)?));
    }
    Ok(told)
}

fn group() -> crate::model::AttributeValue {
    crate::model::AttributeValue::Text("a group".into())
}

/// Every column of every table there is, so that none that is added later is forgotten.
#[test]
fn every_column_of_every_table_is_held_to() {
    let bridge = Bridge::new();
    let (kms, administrator) = (&bridge.kms, bridge.administrator());
    let user = bridge.user(Door::Kmip);
    let mut request = CreateKey::new(KeySpec::Ec {
        curve: crate::algorithm::Curve::P256,
    });
    request.secret = attributes("a pair");
    request.secret.extractable = true;
    request.secret.cka_id = vec![1, 2];
    request.secret.names = vec![crate::model::Name {
        value: "name".into(),
        kind: crate::model::NameType::Text,
    }];
    let one = crate::model::CustomAttribute {
        index: 0,
        value: group(),
    };
    request.secret.custom.insert("x-group".into(), vec![one]);
    let pair = kms.create_key(&user, request).expect("a pair");
    let key = pair.key.expect("a key");
    kms.set_alias(&administrator, "an-alias", key, false)
        .expect("an alias");
    let client = NewClient {
        name: "app".into(),
        role: Role::User,
        credential: NewCredential::Subject("cn=app".into()),
    };
    kms.add_client(&administrator, client).expect("a client");
    let aes = bridge.aes(&user, "aes").secret;
    let sealed = encrypt(kms, &user, aes, b"x").expect("encrypt");
    let doomed = bridge.aes(&user, "doomed").key.expect("a key");
    kms.schedule_key_deletion(&administrator, doomed, Some(7))
        .expect("schedule");
    kms.fold_audit().expect("fold");
    let connection = rusqlite::Connection::open(&bridge.settings.store.path).expect("open");
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("checkpoint");
    let columns: Vec<(String, String, String)> = connection
        .prepare(
            "SELECT t.name, c.name, c.type FROM pragma_table_list AS t
             JOIN pragma_table_info(t.name) AS c
             WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite%' ORDER BY 1, 2",
        )
        .and_then(|mut statement| {
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect()
        })
        .expect("the schema");
    assert!(columns.len() > 40, "{}", columns.len());
    let store = std::fs::read(&bridge.settings.store.path).expect("the store");
    // A copy of the store after an edit, and what it tells.
    let told = |edit: &str| {
        let folder = TempDir::new().expect("a folder");
        let mut settings = bridge.settings.clone();
        settings.store.path = folder.path().join("store.db");
        std::fs::write(&settings.store.path, &store).expect("a copy");
        let connection = rusqlite::Connection::open(&settings.store.path).expect("open");
        let foreign_keys = connection.pragma_update(None, "foreign_keys", false);
        foreign_keys.expect("no foreign keys");
        let rows = connection.execute(edit, []).expect(edit);
        drop(connection);
        (rows, all_that_is_told(&settings, (pair, aes), &sealed))
    };
    let (_, before) = told("DELETE FROM meta WHERE name = ''");
    let before = before.expect("untouched");
    let mut unnoticed = Vec::new();
    for (table, column, kind) in &columns {
        let other = match kind.as_str() {
            "INTEGER" => format!("{column} + 1000000"),
            "TEXT" => format!("{column} || 'x'"),
            // The last byte another one; what was NULL becomes something.
            _ => format!(
                "CASE WHEN coalesce(length({column}), 0) = 0 THEN x'00' ELSE
                 unhex(substr(hex({column}), 1, 2 * length({column}) - 2) ||
                 CASE substr(hex({column}), -2) WHEN '07' THEN '08' ELSE '07' END) END"
            ),
        };
        let (rows, told) = told(&format!(
            "UPDATE OR REPLACE \"{table}\" SET {column} = {other}"
        ));
        if rows > 0 && told.is_ok_and(|told| told == before) {
            unnoticed.push((table.as_str(), column.as_str()));
        }
    }
    let harmless = HARMLESS.map(|(table, column, _)| (table, column));
    assert_eq!(unnoticed, harmless);
}
