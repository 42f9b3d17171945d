//! Usage limits, the archive, and batches that are undone.

use super::*;
use crate::model::{RevocationReason, UsageLimits, UsageUnit};

fn limited(bridge: &Bridge, user: &Arc<Caller>, total: u64, unit: UsageUnit) -> ObjectId {
    let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
    request.secret = attributes("limited");
    request.secret.usage_limits = Some(UsageLimits::new(total, unit));
    bridge.kms.create_key(user, request).expect("a key").secret
}

fn left(bridge: &Bridge, user: &Arc<Caller>, key: ObjectId) -> u64 {
    let object = bridge.kms.inspect(user, key).expect("inspect");
    object.attributes.usage_limits.expect("limits").left
}

#[test]
fn bytes_are_counted_and_the_limit_holds() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = limited(&bridge, &user, 10, UsageUnit::Byte);
    encrypt(&bridge.kms, &user, key, b"123456").expect("six of ten");
    assert_eq!(left(&bridge, &user, key), 4);
    assert!(matches!(
        encrypt(&bridge.kms, &user, key, b"12345"),
        Err(Error::UsageLimit { left: 4, .. })
    ));
    let sealed = encrypt(&bridge.kms, &user, key, b"1234").expect("the last four");
    assert!(matches!(
        encrypt(&bridge.kms, &user, key, b""),
        Err(Error::UsageLimit { left: 0, .. })
    ));
    decrypt(&bridge.kms, &user, key, &sealed).expect("processing is not counted");
}

#[test]
fn uses_in_parts_count_once_and_other_processes_see_it() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = limited(&bridge, &user, 2, UsageUnit::Object);
    let kms = &bridge.kms;
    let mut operation = kms
        .begin(&user, key, Purpose::Encrypt, gcm())
        .expect("begin");
    let mut output = [0; 64];
    kms.update(&mut operation, b"part", &mut output)
        .expect("a part");
    kms.update(&mut operation, b"part", &mut output)
        .expect("another");
    kms.finish(&mut operation, &mut output).expect("the tag");
    let second = bridge.second();
    encrypt(&second, &user, key, b"x").expect("the second use");
    assert!(matches!(
        encrypt(kms, &user, key, b"x"),
        Err(Error::UsageLimit { left: 0, .. })
    ));
}

#[test]
fn allocations_are_taken_or_refused_whole() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = limited(&bridge, &user, 100, UsageUnit::Byte);
    assert_eq!(
        bridge.kms.allocate_usage(&user, key, 60).expect("60").left,
        40
    );
    assert!(bridge.kms.allocate_usage(&user, key, 41).is_err());
    assert_eq!(left(&bridge, &user, key), 40);
    let refused = bridge.kms.modify(&user, key, &mut |attributes| {
        attributes.usage_limits = None;
        Ok(())
    });
    assert!(matches!(refused, Err(Error::AttributeReadOnly { .. })));
    let unlimited = bridge.aes(&user, "k").secret;
    assert!(matches!(
        bridge.kms.allocate_usage(&user, unlimited, 1),
        Err(Error::InvalidRequest(_))
    ));
}

#[test]
fn an_archived_key_waits() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k").secret;
    bridge.kms.archive(&user, key).expect("archive");
    assert!(matches!(
        encrypt(&bridge.kms, &user, key, b"x"),
        Err(Error::Archived)
    ));
    assert!(matches!(
        bridge.kms.export(&user, key),
        Err(Error::Archived)
    ));
    bridge.kms.recover(&user, key).expect("recover");
    encrypt(&bridge.kms, &user, key, b"x").expect("back");
}

#[test]
fn a_batch_is_taken_back_whole() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let kms = &bridge.kms;
    let (old, doomed) = (bridge.aes(&user, "old"), bridge.aes(&user, "doomed").secret);
    let before = kms.inspect(&user, old.secret).expect("inspect");
    let reason = RevocationReason {
        code: 1,
        message: None,
    };
    let batch = Arc::new(user.undoable());
    let made = bridge.aes(&batch, "new");
    let rotated = kms
        .rotate_key(&batch, old.key.expect("a key"))
        .expect("rotate");
    kms.revoke(&batch, doomed, reason, None).expect("revoke");
    kms.destroy(&batch, doomed).expect("destroy");
    kms.undo(&batch).expect("undo");
    for gone in [made.secret, rotated.secret] {
        assert!(kms.inspect(&user, gone).is_err());
    }
    assert_eq!(kms.inspect(&user, old.secret).expect("inspect"), before);
    encrypt(kms, &user, old.secret, b"x").expect("primary again");
    encrypt(kms, &user, doomed, b"x").expect("its value is back");
    kms.rotate_key(&user, old.key.expect("a key"))
        .expect("the key is as it was");
    assert!(
        kms.verify_audit(&bridge.administrator())
            .expect("verify")
            .is_intact()
    );
}

#[test]
fn what_was_counted_stays_counted() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = limited(&bridge, &user, 10, UsageUnit::Byte);
    let batch = Arc::new(user.undoable());
    bridge
        .kms
        .modify(&batch, key, &mut |attributes| {
            attributes.label = "other".into();
            Ok(())
        })
        .expect("modify");
    encrypt(&bridge.kms, &batch, key, b"123456").expect("use");
    bridge.kms.undo(&batch).expect("undo");
    assert_eq!(left(&bridge, &user, key), 4);
    let object = bridge.kms.inspect(&user, key).expect("inspect");
    assert_eq!(object.attributes.label, "limited");
}

#[test]
fn what_somebody_else_changed_is_not_undone() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k").secret;
    let relabel = |caller: &Arc<Caller>, label: &str| {
        bridge.kms.modify(caller, key, &mut |attributes| {
            attributes.label = label.into();
            Ok(())
        })
    };
    let batch = Arc::new(user.undoable());
    relabel(&batch, "mine").expect("modify");
    relabel(&user, "theirs").expect("modify");
    assert!(matches!(
        bridge.kms.undo(&batch),
        Err(Error::InvalidRequest(_))
    ));
    let object = bridge.kms.inspect(&user, key).expect("inspect");
    assert_eq!(object.attributes.label, "theirs");
}

#[test]
fn a_limited_key_has_no_copies() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = limited(&bridge, &user, 2, UsageUnit::Object);
    for lifetime in [
        crate::model::Lifetime::Stored,
        crate::model::Lifetime::Session(crate::model::SessionId::fresh()),
    ] {
        let copy = bridge.kms.copy(&user, key, lifetime, &mut |_| Ok(()));
        assert!(
            matches!(copy, Err(Error::ActionProhibited("copied"))),
            "{copy:?}"
        );
    }
}
