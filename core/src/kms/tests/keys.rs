use super::*;
use crate::model::{Key, KeyState, Lifetime, LinkType, Material, ObjectClass, ObjectState};

fn key_of(bridge: &Bridge, created: Created) -> Key {
    bridge
        .kms
        .key(&bridge.administrator(), created.key.expect("a key"))
        .expect("the key")
}

#[test]
fn a_disabled_key_is_refused_at_the_next_call_in_every_process() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k");
    let second = bridge.second();
    encrypt(&second, &user, key.secret, b"x").expect("enabled");
    let mut begun = second
        .begin(&user, key.secret, Purpose::Encrypt, gcm())
        .expect("begin");
    let id = key.key.expect("a key");
    bridge
        .kms
        .disable_key(&bridge.administrator(), id)
        .expect("disable");
    let disabled = |result: Result<Vec<u8>>| {
        assert!(matches!(
            result,
            Err(Error::KeyState {
                state: KeyState::Disabled
            })
        ));
    };
    disabled(encrypt(&second, &user, key.secret, b"x"));
    disabled(
        second
            .run(&mut begun, b"x", &mut [0; 64])
            .map(|_| Vec::new()),
    );
    disabled(encrypt(&bridge.kms, &user, key.secret, b"x"));
    bridge
        .kms
        .enable_key(&bridge.administrator(), id)
        .expect("enable");
    encrypt(&second, &user, key.secret, b"x").expect("enabled again");
}

#[test]
fn a_user_neither_enables_nor_disables() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let id = bridge.aes(&user, "k").key.expect("a key");
    assert!(matches!(
        bridge.kms.disable_key(&user, id),
        Err(Error::Denied(_))
    ));
}

#[test]
fn rotation_makes_a_new_primary_and_the_old_still_decrypts() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let first = bridge.aes(&user, "k");
    let sealed = encrypt(&bridge.kms, &user, first.secret, b"data").expect("encrypt");
    let second = bridge
        .kms
        .rotate_key(&user, first.key.expect("a key"))
        .expect("rotate");
    let key = key_of(&bridge, first);
    assert_eq!((key.primary, key.versions.len()), (2, 2));
    assert_eq!(
        decrypt(&bridge.kms, &user, first.secret, &sealed).expect("decrypt"),
        b"data"
    );
    assert!(
        decrypt(&bridge.kms, &user, second.secret, &sealed).is_err(),
        "another material"
    );
    let old = bridge.kms.inspect(&user, first.secret).expect("old");
    let new = bridge.kms.inspect(&user, second.secret).expect("new");
    let linked = |object: &Object, kind, other| {
        object
            .attributes
            .links
            .iter()
            .any(|link| link.kind == kind && link.object == other)
    };
    assert!(linked(&old, LinkType::REPLACEMENT, second.secret));
    assert!(linked(&new, LinkType::REPLACED, first.secret));
    assert_eq!(new.attributes.label, "k");
    assert_ne!(new.attributes.cka_id, old.attributes.cka_id);
    let mut find = Find::default();
    find.query.label = Some("k".into());
    let found = bridge.kms.find(&user, &find).expect("find");
    assert_eq!(found, [second.secret, first.secret], "the primary first");
}

#[test]
fn a_pairs_rotation_links_both_halves() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let mut request = CreateKey::new(KeySpec::Ec {
        curve: crate::Curve::P256,
    });
    request.secret.label = "pair".into();
    request.secret.usage = UsageMask::SIGN;
    request.public.label = "pair".into();
    request.public.usage = UsageMask::VERIFY;
    let first = bridge.kms.create_key(&user, request).expect("a pair");
    let second = bridge
        .kms
        .rotate_key(&user, first.key.expect("a key"))
        .expect("rotate");
    let public = bridge
        .kms
        .inspect(&user, second.public.expect("public"))
        .expect("public");
    let private = bridge.kms.inspect(&user, second.secret).expect("private");
    assert_eq!(public.attributes.cka_id, private.attributes.cka_id);
    let data = [3; 32];
    let signature = one_part(
        &bridge.kms,
        &user,
        private.id,
        Purpose::Sign,
        Mechanism::Ecdsa,
        &data,
    )
    .expect("sign");
    let mut verify = bridge
        .kms
        .begin(&user, public.id, Purpose::Verify, Mechanism::Ecdsa)
        .expect("begin");
    bridge
        .kms
        .verify(&mut verify, &data, &signature)
        .expect("verifies");
}

#[test]
fn a_deletion_is_scheduled_hidden_from_pkcs11_and_can_be_taken_back() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k");
    bridge.kms.delete(&user, key.secret).expect("delete");
    assert!(
        bridge
            .kms
            .find(&user, &Find::default())
            .expect("find")
            .is_empty()
    );
    assert!(matches!(
        encrypt(&bridge.kms, &user, key.secret, b"x"),
        Err(Error::NotFound { .. })
    ));
    assert_eq!(key_of(&bridge, key).state, KeyState::PendingDeletion);
    let over_kmip = bridge.user(Door::Kmip);
    assert!(matches!(
        encrypt(&bridge.kms, &over_kmip, key.secret, b"x"),
        Err(Error::KeyState {
            state: KeyState::PendingDeletion
        })
    ));
    let administrator = bridge.administrator();
    bridge
        .kms
        .cancel_key_deletion(&administrator, key.key.expect("a key"))
        .expect("cancel");
    assert_eq!(key_of(&bridge, key).state, KeyState::Disabled);
    bridge
        .kms
        .enable_key(&administrator, key.key.expect("a key"))
        .expect("enable");
    encrypt(&bridge.kms, &user, key.secret, b"x").expect("back");
}

#[test]
fn what_is_due_is_destroyed_once() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k");
    let id = key.key.expect("a key");
    let administrator = bridge.administrator();
    bridge
        .kms
        .schedule_key_deletion(&administrator, id, Some(7))
        .expect("schedule");
    assert_eq!(
        bridge.second().run_due_deletions().expect("run"),
        0,
        "not due yet"
    );
    bridge
        .kms
        .cancel_key_deletion(&administrator, id)
        .expect("cancel");
    bridge
        .kms
        .schedule_key_deletion(&administrator, id, Some(0))
        .expect("at once");
    assert_eq!(
        bridge.second().run_due_deletions().expect("run"),
        0,
        "done already"
    );
    assert!(matches!(
        bridge.kms.key(&administrator, id),
        Err(Error::NotFound { .. })
    ));
    let left = bridge
        .kms
        .inspect(&user, key.secret)
        .expect("its description stays");
    assert_eq!(left.state, ObjectState::Destroyed);
    assert_eq!(left.material, Material::None);
}

#[test]
fn a_window_of_no_days_destroys_at_once() {
    let bridge = Bridge::with(|settings| settings.deletion.window_days = 0);
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k");
    bridge.kms.delete(&user, key.secret).expect("delete");
    assert!(matches!(
        bridge.kms.inspect(&user, key.secret),
        Err(Error::NotFound { .. })
    ));
    let left = bridge
        .kms
        .inspect(&bridge.user(Door::Kmip), key.secret)
        .expect("described");
    assert_eq!(left.material, Material::None);
}

#[test]
fn names_aliases_and_identifiers_resolve() {
    let bridge = Bridge::new();
    let administrator = bridge.administrator();
    let one = bridge.aes(&administrator, "one").key.expect("a key");
    let two = bridge.aes(&administrator, "two").key.expect("a key");
    bridge.aes(&administrator, "two");
    let resolve = |text: &str| bridge.kms.resolve_key(&administrator, text);
    assert_eq!(resolve("one").expect("by name"), one);
    assert_eq!(resolve(&two.to_string()).expect("by identifier"), two);
    assert!(
        matches!(resolve("two"), Err(Error::InvalidRequest(_))),
        "ambiguous"
    );
    assert!(matches!(resolve("three"), Err(Error::NotFound { .. })));
    bridge
        .kms
        .set_alias(&administrator, "alias/main", one, false)
        .expect("alias");
    assert_eq!(resolve("main").expect("by alias"), one);
    let taken = bridge.kms.set_alias(&administrator, "main", two, false);
    assert!(matches!(taken, Err(Error::AlreadyExists { .. })));
    bridge
        .kms
        .set_alias(&administrator, "main", two, true)
        .expect("moved");
    assert_eq!(resolve("alias/main").expect("by alias"), two);
    assert_eq!(
        bridge
            .kms
            .aliases(&administrator, Some(two))
            .expect("aliases")
            .len(),
        1
    );
    bridge
        .kms
        .delete_alias(&administrator, "main")
        .expect("delete");
    assert!(matches!(
        bridge.kms.delete_alias(&administrator, "main"),
        Err(Error::NotFound { .. })
    ));
}

#[test]
fn destroying_the_last_object_of_a_key_ends_the_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k");
    assert!(matches!(
        bridge.kms.destroy(&user, key.secret),
        Err(Error::IllegalTransition { .. })
    ));
    let reason = crate::model::RevocationReason {
        code: 1,
        message: None,
    };
    bridge
        .kms
        .revoke(&user, key.secret, reason, None)
        .expect("revoke");
    assert!(matches!(
        encrypt(&bridge.kms, &user, key.secret, b"x"),
        Err(Error::ObjectState {
            state: ObjectState::Deactivated
        })
    ));
    bridge.kms.destroy(&user, key.secret).expect("destroy");
    let gone = bridge
        .kms
        .key(&bridge.administrator(), key.key.expect("a key"));
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    assert!(matches!(
        bridge.kms.export(&user, key.secret),
        Err(Error::NoMaterial(_))
    ));
}

#[test]
fn halves_brought_in_one_after_the_other_are_one_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let spec = KeySpec::Ec {
        curve: crate::Curve::P256,
    };
    let mut made = CreateKey::new(spec);
    made.secret.sensitive = false;
    made.secret.extractable = true;
    let made = bridge.kms.create_key(&user, made).expect("a pair");
    let private = bridge
        .kms
        .export(&user, made.secret)
        .expect("private")
        .value;
    let public = bridge
        .kms
        .export(&user, made.public.expect("public"))
        .expect("public")
        .value;
    let bring = |class, value| {
        let mut request = Register::new(class, value);
        request.spec = Some(spec);
        request.attributes.label = "in".into();
        request.attributes.cka_id = vec![9];
        let id = bridge.kms.register(&user, request).expect("register");
        bridge.kms.inspect(&user, id).expect("inspect").key
    };
    let first = bring(ObjectClass::PrivateKey, private.clone());
    assert_eq!(bring(ObjectClass::PublicKey, public), first);
    assert_ne!(
        bring(ObjectClass::PrivateKey, private),
        first,
        "its place is taken"
    );
}

fn stored_copy(bridge: &Bridge, user: &Arc<Caller>, key: ObjectId) -> ObjectId {
    bridge
        .kms
        .copy(user, key, Lifetime::Stored, &mut |_| Ok(()))
        .expect("a copy")
}

#[test]
fn copies_go_with_their_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k");
    let copy = stored_copy(&bridge, &user, key.secret);
    let (id, administrator) = (key.key.expect("a key"), bridge.administrator());
    bridge
        .kms
        .schedule_key_deletion(&administrator, id, Some(7))
        .expect("schedule");
    assert!(matches!(
        bridge.kms.inspect(&bridge.user(Door::Pkcs11), copy),
        Err(Error::NotFound { .. })
    ));
    bridge
        .kms
        .cancel_key_deletion(&administrator, id)
        .expect("cancel");
    bridge
        .kms
        .schedule_key_deletion(&administrator, id, Some(0))
        .expect("at once");
    for object in [key.secret, copy] {
        let left = bridge.kms.inspect(&user, object).expect("described");
        assert_eq!(left.material, Material::None);
    }
    assert!(bridge.kms.key(&administrator, id).is_err(), "nothing of it");
}

#[test]
fn a_copy_outlives_what_it_was_made_of() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k");
    let copy = stored_copy(&bridge, &user, key.secret);
    let sealed = encrypt(&bridge.kms, &user, key.secret, b"x").expect("encrypt");
    // As programs rename: copy, then delete the first.
    bridge.kms.delete(&user, key.secret).expect("delete");
    let opened = decrypt(&bridge.kms, &user, copy, &sealed);
    assert_eq!(opened.expect("the copy is a key of its own"), b"x");
    let left = key_of(&bridge, key);
    assert_eq!(left.versions[0].secret, Some(copy));
    bridge.kms.delete(&user, copy).expect("delete");
    assert_eq!(key_of(&bridge, key).state, KeyState::PendingDeletion);
}

#[test]
fn one_key_that_cannot_be_destroyed_does_not_keep_the_others() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let administrator = bridge.administrator();
    let keys = ["a", "b", "c"].map(|label| bridge.aes(&user, label));
    for key in keys {
        bridge
            .kms
            .schedule_key_deletion(&administrator, key.key.expect("a key"), Some(7))
            .expect("schedule");
    }
    let connection = rusqlite::Connection::open(&bridge.settings.store.path).expect("open");
    // A hand on the file makes the first one due, which its seal does not fit; the others become due rightly.
    connection
        .execute("UPDATE key SET deletion = 1 WHERE name = 'a'", [])
        .expect("edit");
    for key in &keys[1..] {
        let id = key.key.expect("a key");
        bridge
            .kms
            .change(&administrator, Verb::Delete, |change| {
                let mut key = change.key(id)?;
                key.deletion = Some(crate::time::Timestamp(2));
                change.put_key(&key)
            })
            .expect("due");
    }
    let failed = bridge.kms.run_due_deletions();
    assert!(matches!(failed, Err(Error::Tampered { .. })), "{failed:?}");
    for key in &keys[1..] {
        let left = bridge.kms.inspect(&user, key.secret).expect("described");
        assert_eq!(left.material, Material::None);
    }
}
