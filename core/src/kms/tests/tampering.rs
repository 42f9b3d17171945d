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
