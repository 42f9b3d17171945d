use super::*;
use crate::audit::{Filter, Verb};

#[test]
fn every_verb_of_every_caller_stands_in_the_audit() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k");
    encrypt(&bridge.kms, &user, key.secret, b"x").expect("encrypt");
    let id = key.key.expect("a key");
    let administrator = bridge.administrator();
    bridge.kms.disable_key(&administrator, id).expect("disable");
    encrypt(&bridge.kms, &user, key.secret, b"x").expect_err("disabled");
    let filter = Filter {
        key: Some(id),
        ..Filter::default()
    };
    let records = bridge
        .kms
        .audit_records(&administrator, &filter, 100)
        .expect("list");
    let seen: Vec<_> = records
        .iter()
        .map(|record| (record.verb, record.result))
        .collect();
    let disabled = Error::KeyState {
        state: crate::KeyState::Disabled,
    }
    .audit_code();
    assert_eq!(
        seen,
        [
            (Verb::Create, 0),
            // The first use: the key is for data from now on.
            (Verb::Modify, 0),
            (Verb::Encrypt, 0),
            (Verb::Disable, 0),
            (Verb::Encrypt, disabled)
        ]
    );
    let used = &records[2];
    assert_eq!(
        (
            used.who.as_str(),
            used.credential.as_str(),
            used.door.as_str()
        ),
        ("user", "pin", "pkcs11")
    );
    assert_eq!((used.object, used.version), (Some(key.secret), 1));
    assert!(
        bridge
            .kms
            .verify_audit(&administrator)
            .expect("verify")
            .is_intact()
    );
    let second = bridge.second();
    assert!(
        second
            .verify_audit(&administrator)
            .expect("verify")
            .is_intact()
    );
    assert_eq!(
        second
            .audit_records(&administrator, &filter, 100)
            .expect("list"),
        records
    );
}

#[test]
fn a_row_taken_out_is_found() {
    let bridge = Bridge::new();
    let administrator = bridge.administrator();
    bridge.aes(&administrator, "k");
    assert!(
        bridge
            .kms
            .verify_audit(&administrator)
            .expect("verify")
            .is_intact()
    );
    let connection = rusqlite::Connection::open(&bridge.settings.store.path).expect("open");
    connection
        .execute("DELETE FROM audit WHERE sequence = 3", [])
        .expect("delete");
    assert!(
        !bridge
            .second()
            .verify_audit(&administrator)
            .expect("verify")
            .is_intact()
    );
}

#[test]
fn users_do_not_read_the_audit() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    assert!(matches!(
        bridge.kms.audit_records(&user, &Filter::default(), 1),
        Err(Error::Denied(_))
    ));
    assert!(matches!(
        bridge.kms.verify_audit(&user),
        Err(Error::Denied(_))
    ));
}
