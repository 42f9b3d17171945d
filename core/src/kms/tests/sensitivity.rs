//! Once sensitive, always sensitive here; and what flags guard, on every path.

use super::attacks::{target, unwrap_as, wrap};
use super::*;
use crate::ObjectClass;
use crate::model::{Lifetime, SessionId};

fn register(
    kms: &Kms,
    caller: &Arc<Caller>,
    value: &[u8],
    edit: impl FnOnce(&mut Register),
) -> ObjectId {
    let mut request = Register::new(ObjectClass::SecretKey, SecretBytes::from(value));
    request.spec = Some(KeySpec::Aes { bits: 256 });
    request.attributes = attributes("r");
    edit(&mut request);
    kms.register(caller, request).expect("register")
}

fn readable(request: &mut Register) {
    (request.attributes.sensitive, request.attributes.extractable) = (false, true);
}

#[test]
fn a_value_that_comes_back_is_as_strict_as_it_was() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let value = [7; 32];
    register(&bridge.kms, &user, &value, |_| {});
    let session = Lifetime::Session(SessionId::fresh());
    for (kms, lifetime) in [
        (&bridge.kms, Lifetime::Stored),
        (&bridge.kms, session),
        (&bridge.second(), Lifetime::Stored),
        (&bridge.second(), session),
    ] {
        let again = register(kms, &user, &value, |request| {
            readable(request);
            request.lifetime = lifetime;
        });
        let object = kms.inspect(&user, again).expect("inspect");
        assert!(object.attributes.sensitive && !object.attributes.extractable);
        assert!(!object.always_sensitive && !object.never_extractable);
        assert!(matches!(kms.export(&user, again), Err(Error::Sensitive)));
    }
    // Of another kind, and as no key at all.
    for (class, spec) in [
        (
            ObjectClass::SecretKey,
            Some(KeySpec::GenericSecret { bits: 256 }),
        ),
        (ObjectClass::SecretData, None),
        (ObjectClass::Opaque, None),
        (ObjectClass::Data, None),
    ] {
        let again = register(&bridge.kms, &user, &value, |request| {
            readable(request);
            (request.class, request.spec) = (class, spec);
        });
        let out = bridge.kms.export(&user, again);
        assert!(matches!(out, Err(Error::Sensitive)), "{class:?}");
    }
    // The same value in another account is another's business.
    let other = bridge.kms.create_account("other").expect("an account").id;
    let stranger = bridge.kms.local_administrator(other);
    let open = register(&bridge.kms, &stranger, &value, readable);
    assert!(bridge.kms.export(&stranger, open).is_ok());
}

/// Sensitive only since a change; only as a session object; and only until it was deleted.
#[test]
fn it_does_not_matter_when_and_where_it_was_sensitive() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let refused = |value: &[u8; 32]| {
        let again = register(&bridge.kms, &user, value, readable);
        matches!(bridge.kms.export(&user, again), Err(Error::Sensitive))
    };
    let changed = register(&bridge.kms, &user, &[1; 32], readable);
    assert!(!refused(&[1; 32]));
    bridge
        .kms
        .modify(&user, changed, &mut |attributes| {
            attributes.sensitive = true;
            Ok(())
        })
        .expect("sensitive from now on");
    assert!(refused(&[1; 32]));
    let deleted = register(&bridge.kms, &user, &[2; 32], |_| {});
    bridge.kms.delete(&user, deleted).expect("delete");
    assert!(refused(&[2; 32]));
    let session = register(&bridge.kms, &user, &[3; 32], |request| {
        request.lifetime = Lifetime::Session(SessionId::fresh());
    });
    assert!(refused(&[3; 32]));
    bridge.kms.delete(&user, session).expect("delete");
}

/// Wrap a sensitive key, unwrap it as one that may be read: stored, in a session, in another process,
/// as another kind, as a password.
#[test]
fn unwrapping_makes_nothing_readable() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let outer = bridge.aes(&user, "outer").secret;
    let session = Lifetime::Session(SessionId::fresh());
    for from in [Lifetime::Stored, session] {
        let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
        request.secret.extractable = true;
        request.lifetime = from;
        let secret = bridge.kms.create_key(&user, request).expect("a key").secret;
        for mechanism in [Mechanism::KeyWrapPad, gcm(), Mechanism::Cbc { iv: [0; 16] }] {
            let wrapped = wrap(&bridge.kms, &user, outer, &mechanism, secret).expect("wrap");
            for kms in [&bridge.kms, &bridge.second()] {
                for (class, spec, lifetime) in [
                    (
                        ObjectClass::SecretKey,
                        Some(KeySpec::Aes { bits: 256 }),
                        session,
                    ),
                    (
                        ObjectClass::SecretKey,
                        Some(KeySpec::Aes { bits: 256 }),
                        Lifetime::Stored,
                    ),
                    (
                        ObjectClass::SecretKey,
                        Some(KeySpec::GenericSecret { bits: 256 }),
                        Lifetime::Stored,
                    ),
                    (ObjectClass::SecretData, None, Lifetime::Stored),
                ] {
                    let back =
                        unwrap_as(kms, &user, outer, mechanism.clone(), &wrapped, |template| {
                            readable(template);
                            (template.class, template.spec) = (class, spec);
                            template.lifetime = lifetime;
                        });
                    let back = back.expect("unwrap");
                    assert!(matches!(kms.export(&user, back), Err(Error::Sensitive)));
                }
            }
        }
    }
}

/// The form in which a key was wrapped (KMIP's Key Value, padding for AES key wrap) tells it as well as the key.
#[test]
fn the_wrapped_form_is_as_sensitive_as_the_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let outer = bridge.aes(&user, "outer").secret;
    let secret = target(&bridge.kms, &user);
    let framed = |_: &Object, value: &SecretBytes| {
        let mut bytes = b"frame around the key: ".to_vec();
        bytes.extend_from_slice(value.expose());
        Ok(SecretBytes::new(bytes))
    };
    let wrapped = bridge
        .kms
        .wrap(&user, outer, &Mechanism::KeyWrapPad, secret, &framed);
    let wrapped = wrapped.expect("wrap");
    let back = unwrap_as(
        &bridge.kms,
        &user,
        outer,
        Mechanism::KeyWrapPad,
        &wrapped,
        |template| {
            readable(template);
            (template.class, template.spec) = (ObjectClass::SecretData, None);
        },
    );
    let out = bridge.kms.export(&user, back.expect("unwrap"));
    assert!(matches!(out, Err(Error::Sensitive)));
}

#[test]
fn a_private_key_comes_back_as_strict_as_it_was() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let outer = bridge.aes(&user, "outer").secret;
    let mut request = CreateKey::new(KeySpec::Ec {
        curve: crate::Curve::P256,
    });
    request.secret.extractable = true;
    let pair = bridge.kms.create_key(&user, request).expect("a pair");
    let wrapped = wrap(
        &bridge.kms,
        &user,
        outer,
        &Mechanism::KeyWrapPad,
        pair.secret,
    );
    let wrapped = wrapped.expect("wrap");
    for (class, spec) in [
        (ObjectClass::PrivateKey, None),
        (ObjectClass::SecretData, None),
    ] {
        let back = unwrap_as(
            &bridge.kms,
            &user,
            outer,
            Mechanism::KeyWrapPad,
            &wrapped,
            |template| {
                readable(template);
                (template.class, template.spec) = (class, spec);
            },
        );
        let out = bridge.kms.export(&user, back.expect("unwrap"));
        assert!(matches!(out, Err(Error::Sensitive)), "{class:?}");
    }
}

/// Of a wrapping that does not notice changes, the parts and the flipped whole are as sensitive as the whole.
#[test]
fn cut_and_flipped_wrapped_keys_tell_nothing() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let outer = bridge.aes(&user, "outer").secret;
    let secret = target(&bridge.kms, &user);
    let iv = [0; 16];
    let wrapped = wrap(&bridge.kms, &user, outer, &Mechanism::CbcPad { iv }, secret);
    let wrapped = wrapped.expect("wrap");
    let pieces: [(Mechanism, &[u8], u32); 3] = [
        (Mechanism::Cbc { iv: [0xff; 16] }, &wrapped[..32], 256),
        (Mechanism::Cbc { iv }, &wrapped[..16], 128),
        (Mechanism::Ecb, &wrapped[16..32], 128),
    ];
    for (mechanism, piece, bits) in pieces {
        let back = unwrap_as(&bridge.kms, &user, outer, mechanism, piece, |template| {
            readable(template);
            template.spec = Some(KeySpec::Aes { bits });
        });
        let out = bridge.kms.export(&user, back.expect("unwrap"));
        assert!(matches!(out, Err(Error::Sensitive)));
    }
    // One byte at a time: the padding's last block makes any block end early.
    for byte in 0..=255_u8 {
        let mut iv = [0; 16];
        iv[15] = byte;
        let piece = &wrapped[..16];
        let back = unwrap_as(
            &bridge.kms,
            &user,
            outer,
            Mechanism::CbcPad { iv },
            piece,
            |template| {
                readable(template);
                (template.class, template.spec) = (ObjectClass::SecretData, None);
            },
        );
        if let Ok(back) = back {
            let out = bridge.kms.export(&user, back).expect_err("sensitive");
            assert!(matches!(out, Error::Sensitive));
        }
    }
}

#[test]
fn wrap_with_trusted_stays_with_the_value() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("trusted");
    // The SO sees public objects only.
    request.secret.private = false;
    let trusted = bridge.kms.create_key(&user, request).expect("a key").secret;
    let trust = |caller: &Arc<Caller>, key| {
        bridge.kms.modify(caller, key, &mut |attributes| {
            attributes.trusted = true;
            Ok(())
        })
    };
    trust(&bridge.officer(), trusted).expect("vouch");
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("target");
    (request.secret.extractable, request.secret.wrap_with_trusted) = (true, true);
    let secret = bridge.kms.create_key(&user, request).expect("a key").secret;
    let own = register(&bridge.kms, &user, &[9; 32], readable);
    assert!(trust(&user, own).is_err());
    let refused = wrap(&bridge.kms, &user, own, &Mechanism::KeyWrapPad, secret);
    assert!(matches!(refused, Err(Error::PolicyForbids(_))));
    for (mechanism, back_by) in [
        (Mechanism::KeyWrapPad, Mechanism::KeyWrapPad),
        // Flipped on the way: no value that was ever seen.
        (
            Mechanism::Cbc { iv: [0; 16] },
            Mechanism::Cbc { iv: [1; 16] },
        ),
    ] {
        let wrapped = wrap(&bridge.kms, &user, trusted, &mechanism, secret).expect("wrap");
        let back = unwrap_as(&bridge.kms, &user, trusted, back_by, &wrapped, |template| {
            template.attributes.extractable = true;
        });
        let out = wrap(
            &bridge.kms,
            &user,
            own,
            &Mechanism::KeyWrapPad,
            back.expect("unwrap"),
        );
        assert!(matches!(out, Err(Error::PolicyForbids(_))));
    }
}

/// No path but the security officer's makes a trusted key, and no role but that one: not the administrator's either,
/// on the machine or over the network.
#[test]
fn only_the_security_officer_mints_trusted_keys() {
    let bridge = Bridge::new();
    for door in [Door::Pkcs11, Door::Kmip, Door::Api] {
        mints_none(&bridge, &bridge.user(door));
    }
    mints_none(&bridge, &bridge.administrator());
}

fn mints_none(bridge: &Bridge, user: &Arc<Caller>) {
    let outer = bridge.aes(user, "outer").secret;
    let secret = target(&bridge.kms, user);
    let kms = &bridge.kms;
    let read_only = |error: Error| match error {
        Error::AttributeReadOnly { attribute, .. } => assert_eq!(attribute, "CKA_TRUSTED"),
        other => panic!("{other:?}"),
    };
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret.trusted = true;
    read_only(kms.create_key(user, request).expect_err("generate"));
    let mut request = CreateKey::new(KeySpec::Rsa { bits: 2048 });
    request.public.trusted = true;
    read_only(kms.create_key(user, request).expect_err("generate a pair"));
    let mut request = Register::new(ObjectClass::SecretKey, SecretBytes::from(&[1; 32][..]));
    request.spec = Some(KeySpec::Aes { bits: 256 });
    request.attributes.trusted = true;
    read_only(kms.register(user, request).expect_err("register"));
    let wrapped = wrap(kms, user, outer, &Mechanism::KeyWrapPad, secret).expect("wrap");
    let unwrapped = unwrap_as(
        kms,
        user,
        outer,
        Mechanism::KeyWrapPad,
        &wrapped,
        |template| {
            template.attributes.trusted = true;
        },
    );
    read_only(unwrapped.expect_err("unwrap"));
    let mut trust = |attributes: &mut Attributes| {
        attributes.trusted = true;
        Ok(())
    };
    read_only(kms.modify(user, secret, &mut trust).expect_err("modify"));
    for lifetime in [Lifetime::Stored, Lifetime::Session(SessionId::fresh())] {
        let copied = kms.copy(user, secret, lifetime, &mut trust);
        read_only(copied.expect_err("copy"));
    }
}

/// What the officer vouched for is what it was: a user does not give a trusted key a use that opens what it wraps,
/// and a user's new version of it is not vouched for.
#[test]
fn a_trusted_key_stays_what_was_vouched_for() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let administrator = bridge.administrator();
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret.usage = UsageMask::WRAP;
    request.secret.private = false;
    let trusted = bridge.kms.create_key(&user, request).expect("a key");
    let mut vouch = |attributes: &mut Attributes| {
        attributes.trusted = true;
        Ok(())
    };
    let vouched = bridge
        .kms
        .modify(&bridge.officer(), trusted.secret, &mut vouch);
    vouched.expect("the officer vouches");
    let widen = |attributes: &mut Attributes| {
        attributes.usage |= UsageMask::DECRYPT;
        Ok(())
    };
    let kms = &bridge.kms;
    assert!(kms.modify(&user, trusted.secret, &mut { widen }).is_err());
    assert!(
        kms.copy(&user, trusted.secret, Lifetime::Stored, &mut { widen })
            .is_err()
    );
    let rotated = kms
        .rotate_key(&user, trusted.key.expect("a key"))
        .expect("rotate");
    assert!(
        !kms.inspect(&user, rotated.secret)
            .expect("inspect")
            .attributes
            .trusted
    );
    let rotated = kms
        .rotate_key(&administrator, trusted.key.expect("a key"))
        .expect("rotate");
    assert!(
        !kms.inspect(&user, rotated.secret)
            .expect("inspect")
            .attributes
            .trusted
    );
}

/// A store made before values were remembered: they are, from the first open on.
#[test]
fn an_old_store_learns_its_values() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    register(&bridge.kms, &user, &[5; 32], |_| {});
    let key = bridge.aes(&user, "k").secret;
    let file = rusqlite::Connection::open(&bridge.settings.store.path).expect("the file");
    file.execute_batch(
        "DROP TABLE imprint; DROP TABLE intent; DELETE FROM meta WHERE name = 'imprinted'; PRAGMA user_version = 1;",
    )
    .expect("as version 1 had it");
    drop(file);
    let upgraded = bridge.second();
    let again = register(&upgraded, &user, &[5; 32], readable);
    assert!(matches!(
        upgraded.export(&user, again),
        Err(Error::Sensitive)
    ));
    encrypt(&upgraded, &user, key, b"x").expect("encrypt");
}

fn derive(
    bridge: &Bridge,
    user: &Arc<Caller>,
    base: ObjectId,
    mechanism: Mechanism,
    length: Option<usize>,
) -> Result<ObjectId> {
    let bits = u32::try_from(length.unwrap_or(32) * 8).expect("a size");
    let mut template = Register::new(ObjectClass::SecretKey, SecretBytes::default());
    template.spec = Some(KeySpec::GenericSecret { bits });
    template.attributes = attributes("derived");
    template.attributes.usage |= UsageMask::DERIVE;
    readable(&mut template);
    let request = DeriveKey {
        base_key: base,
        mechanism,
        other_keys: Vec::new(),
        length,
        template,
    };
    bridge.kms.derive(user, request)
}

/// Clulow's reduced key space, and the like: nothing that shows bytes of a sensitive key may be read, or found by trying, or
/// wrapped where the key may not.
#[test]
fn derivation_does_not_tell_the_base_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let base = |extractable, wrap_with_trusted| {
        let mut request = CreateKey::new(KeySpec::GenericSecret { bits: 256 });
        request.secret.usage = UsageMask::DERIVE;
        (request.secret.extractable, request.secret.wrap_with_trusted) =
            (extractable, wrap_with_trusted);
        bridge
            .kms
            .create_key(&user, request)
            .expect("a base key")
            .secret
    };
    let xor = |data: &[u8]| Mechanism::Xor { data: data.into() };
    let joined = |data: &[u8], before| Mechanism::Concatenate {
        data: data.into(),
        before,
    };
    let extract = |first_bit| Mechanism::Extract { first_bit };
    let inner = base(false, false);
    for (mechanism, length) in [
        (xor(&[0; 32]), 32),
        (xor(&[0xff; 32]), 16),
        (joined(&[1; 8], false), 40),
        (joined(&[1; 8], false), 32),
        (joined(&[1; 8], true), 40),
        (extract(8), 16),
        (extract(0), 32),
    ] {
        let derived = derive(&bridge, &user, inner, mechanism.clone(), Some(length));
        let derived = derived.unwrap_or_else(|error| panic!("{mechanism:?}: {error}"));
        let object = bridge.kms.inspect(&user, derived).expect("inspect");
        assert!(
            object.attributes.sensitive && !object.attributes.extractable,
            "{mechanism:?}"
        );
        assert!(
            object.always_sensitive && object.never_extractable,
            "{mechanism:?}"
        );
        // And on: twice xor is the key itself.
        if matches!(mechanism, Mechanism::Xor { .. }) && length == 32 {
            let again = derive(&bridge, &user, derived, mechanism, Some(32)).expect("derive");
            assert!(matches!(
                bridge.kms.export(&user, again),
                Err(Error::Sensitive)
            ));
        }
    }
    // Byte by byte, from any end and by any of them.
    for (mechanism, length) in [
        (xor(&[0]), Some(1)),
        (xor(&[0]), None),
        (xor(&[0; 13]), None),
        (extract(0), Some(1)),
        (extract(248), Some(13)),
        (joined(&[1; 31], true), Some(32)),
        (joined(&[1; 8], false), Some(2)),
    ] {
        let derived = derive(&bridge, &user, inner, mechanism.clone(), length);
        assert!(derived.is_err(), "{mechanism:?} {length:?}");
    }
    // What only trusted keys may wrap stays so.
    let guarded = derive(&bridge, &user, base(true, true), xor(&[0; 32]), Some(32));
    let guarded = bridge
        .kms
        .inspect(&user, guarded.expect("derive"))
        .expect("inspect");
    assert!(guarded.attributes.wrap_with_trusted && guarded.attributes.sensitive);
    assert!(guarded.attributes.extractable && !guarded.never_extractable);
    // One-way derivations give what the template asks for (PKCS#11 3.2, HKDF).
    let hkdf = Mechanism::Hkdf {
        hash: crate::HashAlgorithm::Sha256,
        salt: SecretBytes::default(),
        info: b"public".to_vec(),
        extract: true,
        expand: true,
    };
    let open = derive(&bridge, &user, inner, hkdf, Some(32)).expect("derive");
    let object = bridge.kms.inspect(&user, open).expect("inspect");
    assert!(!object.always_sensitive && !object.never_extractable);
    bridge.kms.export(&user, open).expect("readable");
}
