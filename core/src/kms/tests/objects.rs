use super::*;
use crate::model::{
    ApplicationId, AttributeValue, CustomAttribute, Lifetime, Name, NameType, ObjectClass,
    SessionId,
};
use crate::seal::index_entry;

fn name(value: &str) -> Name {
    Name {
        value: value.into(),
        kind: NameType::Text,
    }
}

#[test]
fn a_kmip_name_is_unique_and_a_label_is_not() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let with_name = |value: &str| {
        let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
        request.secret.names = vec![name(value)];
        bridge.kms.create_key(&user, request)
    };
    let first = with_name("n").expect("the first").secret;
    assert!(matches!(with_name("n"), Err(Error::AlreadyExists { .. })));
    assert_eq!(
        bridge
            .kms
            .inspect(&user, first)
            .expect("inspect")
            .attributes
            .label,
        "n"
    );
    bridge.aes(&user, "label");
    bridge.aes(&user, "label");
    let find = |wanted: &str| {
        let mut find = Find::default();
        find.query.name = Some(wanted.into());
        bridge.kms.find(&user, &find).expect("find").len()
    };
    assert_eq!((find("n"), find("label"), find("other")), (1, 2, 0));
}

#[test]
fn custom_attributes_are_found_by_value() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let value = AttributeValue::Text("array-7".into());
    let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
    let instance = CustomAttribute {
        index: 0,
        value: value.clone(),
    };
    request
        .secret
        .custom
        .insert("x-ResourceID".into(), vec![instance]);
    let created = bridge.kms.create_key(&user, request).expect("a key").secret;
    bridge.aes(&user, "other");
    let find = |value: &AttributeValue| {
        let mut find = Find::default();
        find.query.index = vec![index_entry("x-ResourceID", value)];
        bridge.kms.find(&user, &find).expect("find")
    };
    assert_eq!(find(&value), [created]);
    assert!(find(&AttributeValue::Text("array-8".into())).is_empty());
}

#[test]
fn a_sensitive_value_does_not_leave() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    assert!(matches!(
        bridge.kms.export(&user, key),
        Err(Error::Sensitive)
    ));
    let open = bridge.kms.modify(&user, key, &mut |attributes| {
        attributes.sensitive = false;
        Ok(())
    });
    assert!(matches!(open, Err(Error::AttributeReadOnly { .. })));
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret.sensitive = false;
    let hidden = bridge.kms.create_key(&user, request).expect("a key").secret;
    assert!(matches!(
        bridge.kms.export(&user, hidden),
        Err(Error::NotExtractable)
    ));
    let wrap = bridge
        .kms
        .wrap(&user, key, &Mechanism::KeyWrapPad, hidden, &|_, v| {
            Ok(v.clone())
        });
    assert!(matches!(wrap, Err(Error::NotExtractable)));
}

#[test]
fn a_failed_edit_changes_nothing() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let failed = bridge.kms.modify(&user, key, &mut |attributes| {
        attributes.label = "changed".into();
        Err(Error::InvalidRequest("no".into()))
    });
    assert!(failed.is_err());
    assert_eq!(
        bridge
            .kms
            .inspect(&user, key)
            .expect("inspect")
            .attributes
            .label,
        "k"
    );
}

#[test]
fn a_session_copy_stands_behind_the_same_gate_and_ends_with_its_session() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k");
    let session = SessionId::fresh();
    let copy = bridge
        .kms
        .copy(&user, key.secret, Lifetime::Session(session), &mut |_| {
            Ok(())
        })
        .expect("a copy");
    let sealed = encrypt(&bridge.kms, &user, key.secret, b"x").expect("encrypt");
    assert_eq!(
        decrypt(&bridge.kms, &user, copy, &sealed).expect("decrypt"),
        b"x"
    );
    let id = key.key.expect("a key");
    bridge
        .second()
        .disable_key(&bridge.administrator(), id)
        .expect("disable");
    assert!(matches!(
        decrypt(&bridge.kms, &user, copy, &sealed),
        Err(Error::KeyState { .. })
    ));
    bridge.kms.end_session(session);
    assert!(matches!(
        bridge.kms.inspect(&user, copy),
        Err(Error::NotFound { .. })
    ));
}

#[test]
fn a_stored_copy_is_of_the_same_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k");
    let copy = bridge
        .kms
        .copy(&user, key.secret, Lifetime::Stored, &mut |attributes| {
            attributes.label = "copy".into();
            Ok(())
        })
        .expect("a copy");
    assert_eq!(
        bridge.kms.inspect(&user, copy).expect("inspect").key,
        key.key
    );
    bridge
        .kms
        .disable_key(&bridge.administrator(), key.key.expect("a key"))
        .expect("disable");
    assert!(matches!(
        encrypt(&bridge.kms, &user, copy, b"x"),
        Err(Error::KeyState { .. })
    ));
}

#[test]
fn what_cannot_be_a_key_is_refused_when_it_enters() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let bring = |class, spec, value: &[u8]| {
        let mut request = Register::new(class, value.into());
        request.spec = Some(spec);
        bridge.kms.register(&user, request)
    };
    let rsa = KeySpec::Rsa { bits: 2048 };
    assert!(matches!(
        bring(ObjectClass::SecretKey, KeySpec::Aes { bits: 256 }, &[1; 31]),
        Err(Error::InvalidMaterial(_) | Error::KeySize { .. })
    ));
    assert!(bring(ObjectClass::PrivateKey, rsa, b"no key").is_err());
    assert!(bring(ObjectClass::PublicKey, rsa, b"no key").is_err());
    assert!(
        bridge
            .kms
            .find(&user, &Find::default())
            .expect("find")
            .is_empty(),
        "nothing is left"
    );
}

#[test]
fn limits_are_named() {
    let bridge = Bridge::with(|settings| {
        settings.limits.objects_per_account = 2;
        settings.limits.object_bytes = 100;
    });
    let user = bridge.user(Door::Pkcs11);
    let data = |length| {
        bridge.kms.register(
            &user,
            Register::new(ObjectClass::Data, vec![1; length].into()),
        )
    };
    assert!(matches!(
        data(101),
        Err(Error::Limit {
            name: "object-bytes",
            limit: 100
        })
    ));
    data(100).expect("one");
    data(100).expect("two");
    assert!(matches!(
        data(100),
        Err(Error::Limit {
            name: "objects-per-account",
            limit: 2
        })
    ));
}

#[test]
fn a_destroyed_objects_name_is_free_again_and_it_is_still_found() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let make = || {
        let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
        request.dates = crate::model::GivenDates::default();
        request.secret.names = vec![name("n")];
        bridge.kms.create_key(&user, request).expect("a key").secret
    };
    let first = make();
    bridge
        .kms
        .destroy(&user, first)
        .expect("pre-active objects may be destroyed");
    let second = make();
    let mut find = Find::default();
    find.query.name = Some("n".into());
    let mut found = bridge.kms.find(&user, &find).expect("find");
    found.sort();
    let mut expected = [first, second];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_key_is_fresh_until_its_value_is_handed_out_and_its_digest_outlives_it() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
    request.secret.sensitive = false;
    request.secret.extractable = true;
    request.dates = crate::model::GivenDates::default();
    let key = bridge.kms.create_key(&user, request).expect("a key").secret;
    let before = bridge.kms.inspect(&user, key).expect("inspect");
    assert!(before.fresh && before.digest.is_some());
    bridge.kms.export(&user, key).expect("export");
    bridge.kms.export(&user, key).expect("again");
    assert!(!bridge.second().inspect(&user, key).expect("inspect").fresh);
    bridge.kms.destroy(&user, key).expect("destroy");
    assert_eq!(
        bridge.second().inspect(&user, key).expect("inspect").digest,
        before.digest
    );
    let filter = crate::audit::Filter {
        verb: Some(crate::Verb::Export),
        ..crate::audit::Filter::default()
    };
    let records = bridge
        .kms
        .audit_records(&bridge.administrator(), &filter, 10)
        .expect("list");
    assert_eq!(records.len(), 2, "one for each");
}

#[test]
fn a_session_object_changed_by_two_threads_keeps_both_changes() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("k");
    (request.secret.sensitive, request.secret.extractable) = (false, true);
    let session = SessionId::fresh();
    request.lifetime = Lifetime::Session(session);
    let key = bridge.kms.create_key(&user, request).expect("a key").secret;
    let mut others = 0;
    bridge
        .kms
        .modify(&user, key, &mut |attributes| {
            attributes.label = "changed".into();
            others += 1;
            if others > 1 {
                return Ok(());
            }
            // Another thread, in the middle of this one's change.
            bridge.kms.modify(&user, key, &mut |attributes| {
                (attributes.sensitive, attributes.extractable) = (true, false);
                Ok(())
            })
        })
        .expect("modify");
    let now = bridge.kms.inspect(&user, key).expect("inspect");
    assert_eq!(now.attributes.label, "changed");
    assert!(now.attributes.sensitive && !now.attributes.extractable);
    let gone = bridge.kms.modify(&user, key, &mut |_| {
        bridge.kms.end_session(session);
        Ok(())
    });
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    assert!(
        bridge.kms.inspect(&user, key).is_err(),
        "it ended with its session"
    );
}

/// Whatever comes first: who copies after a key became sensitive copies a sensitive key.
#[test]
fn a_copy_is_of_the_key_as_it_is_then() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let second = bridge.second();
    for round in 0..20 {
        let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
        request.secret = attributes("k");
        (request.secret.sensitive, request.secret.extractable) = (false, true);
        let key = bridge.kms.create_key(&user, request).expect("a key");
        let start = std::sync::Barrier::new(2);
        let copy = std::thread::scope(|scope| {
            let strict = scope.spawn(|| {
                start.wait();
                second.modify(&user, key.secret, &mut |attributes| {
                    attributes.sensitive = true;
                    Ok(())
                })
            });
            start.wait();
            let copy = bridge
                .kms
                .copy(&user, key.secret, Lifetime::Stored, &mut |_| Ok(()));
            strict.join().expect("no panic").expect("modify");
            copy.expect("a copy")
        });
        let filter = crate::audit::Filter {
            key: key.key,
            ..Default::default()
        };
        let records = bridge
            .kms
            .audit_records(&bridge.administrator(), &filter, 10)
            .expect("list");
        // Requests are numbered and timed before their turn: the chain's order is that of the commits.
        let connection = rusqlite::Connection::open(&bridge.settings.store.path).expect("open");
        let rows: Vec<Vec<u8>> = connection
            .prepare("SELECT record FROM audit ORDER BY sequence DESC LIMIT 2")
            .and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect())
            .expect("rows");
        assert!(records.len() >= 2);
        let copied_last = String::from_utf8_lossy(&rows[0]).contains("Copy");
        let copy = bridge.kms.inspect(&user, copy).expect("inspect");
        assert!(
            !copied_last || copy.attributes.sensitive,
            "round {round}: a readable copy of a sensitive key"
        );
    }
}

#[test]
fn a_sensitive_value_that_can_be_guessed_has_no_digest() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let digest = |class, value: &[u8], sensitive| {
        let mut request = Register::new(class, SecretBytes::from(value));
        if class == ObjectClass::SecretKey {
            let bits = u32::try_from(value.len() * 8).expect("bits");
            request.spec = Some(KeySpec::GenericSecret { bits });
        }
        request.attributes.sensitive = sensitive;
        let id = bridge.kms.register(&user, request).expect("register");
        bridge.kms.inspect(&user, id).expect("inspect").digest
    };
    assert!(digest(ObjectClass::SecretData, b"correct horse battery", true).is_none());
    assert!(digest(ObjectClass::SecretKey, b"12345678", true).is_none());
    assert!(digest(ObjectClass::SecretData, b"told anyhow", false).is_some());
    assert!(digest(ObjectClass::SecretKey, &[7; 16], true).is_some());
}

/// Two modules in one process, or two clients that call PKCS#11 through KMIP, are two applications.
#[test]
fn session_objects_are_their_applications_only() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let kms = &bridge.kms;
    let [one, other] = [ApplicationId::fresh(), ApplicationId::fresh()];
    let mine = Arc::new(user.in_application(one));
    let session = SessionId::fresh_of(one);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
    request.lifetime = Lifetime::Session(session);
    request.secret = attributes("session's");
    request.secret.sensitive = false;
    request.secret.extractable = true;
    let key = kms.create_key(&mine, request).expect("a key").secret;
    let stored = bridge.aes(&user, "stored").secret;
    let seen = |caller: &Arc<Caller>| kms.find(caller, &Find::default()).expect("find");
    assert_eq!(seen(&mine), [stored, key]);
    encrypt(kms, &mine, key, b"x").expect("its own");
    let strangers = [
        Arc::new(user.in_application(other)),
        Arc::clone(&user),
        bridge.user(Door::Kmip),
        Arc::new(bridge.administrator().in_application(other)),
    ];
    for stranger in &strangers {
        assert_eq!(seen(stranger), [stored]);
        let nothing = &mut |_: &mut Attributes| Ok(());
        let theirs = Lifetime::Session(SessionId::fresh_of(other));
        let answers = [
            kms.inspect(stranger, key).map(|_| ()),
            encrypt(kms, stranger, key, b"x").map(|_| ()),
            kms.export(stranger, key).map(|_| ()),
            kms.check_value(stranger, key).map(|_| ()),
            kms.modify(stranger, key, nothing),
            kms.copy(stranger, key, theirs, nothing).map(|_| ()),
            kms.delete(stranger, key),
        ];
        for (number, answer) in answers.into_iter().enumerate() {
            let hidden = matches!(answer, Err(Error::NotFound { .. }));
            assert!(hidden, "{number}: {answer:?}");
        }
    }
    // It is still there, until its session ends, whoever's else ends.
    kms.end_session(SessionId::fresh_of(other));
    assert_eq!(kms.export(&mine, key).expect("its own").value.len(), 16);
    kms.end_session(session);
    assert_eq!(seen(&mine), [stored]);
}

/// An account fills its own room, not that of others; what goes makes room again.
#[test]
fn session_objects_are_limited_for_an_account_and_in_all() {
    let bridge = Bridge::with(|settings| {
        settings.limits.session_objects = 2;
        settings.limits.session_objects_in_all = 3;
    });
    let kms = &bridge.kms;
    let other = kms.create_account("other").expect("an account").id;
    let session = SessionId::fresh();
    let make = |account| {
        let caller = kms.local_administrator(account);
        let caller = Arc::new(caller.in_application(session.application()));
        let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
        request.lifetime = Lifetime::Session(session);
        kms.create_key(&caller, request).map(|made| made.secret)
    };
    let full = |account, wanted: &str| match make(account) {
        Err(Error::Limit { name, .. }) => assert_eq!(name, wanted),
        answer => panic!("{answer:?}"),
    };
    let main = bridge.account();
    let first = make(main).expect("one");
    make(main).expect("two");
    full(main, "session-objects");
    make(other).expect("the other's");
    full(other, "session-objects-in-all");
    kms.delete(&bridge.administrator(), first).expect("gone");
    make(other).expect("where the first was");
    full(other, "session-objects");
    kms.end_session(session);
    for account in [main, main, other] {
        make(account).expect("all are gone");
    }
}
