//! `[policy]`: what it demands and what it relaxes, of all accounts or one.

use super::attacks::{target, unwrap_as, wrap};
use super::*;
use crate::ObjectClass;
use crate::policy::PolicySettings;

fn under(text: &str) -> Bridge {
    let policy: PolicySettings = toml::from_str(text).expect("a policy");
    Bridge::with(|settings| settings.policy = policy)
}

#[test]
fn an_account_may_do_without_the_role_lock_and_the_memory() {
    let bridge = under("[account.main]\nrole-lock = false\nsticky-sensitivity = false\n");
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let secret = target(&bridge.kms, &user);
    let mechanism = Mechanism::Cbc { iv: [0; 16] };
    let wrapped = wrap(&bridge.kms, &user, key, &mechanism, secret).expect("wrap");
    one_part(
        &bridge.kms,
        &user,
        key,
        Purpose::Decrypt,
        mechanism.clone(),
        &wrapped,
    )
    .expect("and decrypt");
    let back = unwrap_as(&bridge.kms, &user, key, mechanism, &wrapped, |template| {
        (
            template.attributes.sensitive,
            template.attributes.extractable,
        ) = (false, true);
    });
    bridge
        .kms
        .export(&user, back.expect("unwrap"))
        .expect("readable");
    // Another account of the same store has the rules.
    let other = bridge.kms.create_account("other").expect("an account").id;
    let stranger = bridge.kms.local_administrator(other);
    let key = bridge.aes(&stranger, "k").secret;
    encrypt(&bridge.kms, &stranger, key, b"x").expect("encrypt");
    let secret = target(&bridge.kms, &stranger);
    let refused = wrap(&bridge.kms, &stranger, key, &Mechanism::KeyWrapPad, secret);
    assert!(matches!(refused, Err(Error::RoleTaken { .. })));
    // Switched on again, the rules know what was remembered all along.
    let mut strict = bridge.settings.clone();
    strict.policy = PolicySettings::default();
    let strict = Kms::open(&strict, Arc::new(NoSecrets)).expect("open");
    let mut request = Register::new(ObjectClass::SecretKey, SecretBytes::default());
    let value = [3; 32];
    request.value = Some(SecretBytes::from(&value[..]));
    request.spec = Some(KeySpec::Aes { bits: 256 });
    bridge
        .kms
        .register(&user, request.clone())
        .expect("sensitive");
    (request.attributes.sensitive, request.attributes.extractable) = (false, true);
    let again = strict.register(&user, request).expect("register");
    assert!(matches!(strict.export(&user, again), Err(Error::Sensitive)));
}

#[test]
fn denied_mechanisms_are_denied() {
    let bridge = under("deny-mechanisms = [\"CKM_AES_CBC\"]\n");
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k").secret;
    let mechanism = Mechanism::Cbc { iv: [0; 16] };
    let refused = one_part(
        &bridge.kms,
        &user,
        key,
        Purpose::Encrypt,
        mechanism,
        &[0; 16],
    );
    assert!(matches!(refused, Err(Error::MechanismNotAllowed("CBC"))));
    encrypt(&bridge.kms, &user, key, b"x").expect("GCM is not denied");
}

/// Also of keys that are made by no PKCS#11 mechanism.
#[test]
fn what_makes_a_key_can_be_denied() {
    let bridge = under("deny-mechanisms = [\"CKM_AES_KEY_GEN\", \"CKM_KB_SM4_KEY_GEN\"]\n");
    let user = bridge.user(Door::Kmip);
    for (spec, made_by, denied) in [
        (KeySpec::Aes { bits: 256 }, Some(0x1080), true),
        (KeySpec::Aes { bits: 256 }, None, true),
        (KeySpec::Sm4, None, true),
        (KeySpec::ChaCha20, None, false),
    ] {
        let mut request = CreateKey::new(spec);
        request.key_gen_mechanism = made_by;
        let refused = bridge.kms.create_key(&user, request);
        let is_denied = matches!(refused, Err(Error::PolicyForbids(_)));
        assert_eq!(is_denied, denied, "{spec:?}");
    }
}

#[test]
fn wrapping_is_as_good_as_demanded() {
    let bridge = under("authenticated-wrapping = true\nstrong-wrapping = true\n");
    let user = bridge.user(Door::Kmip);
    let secret = target(&bridge.kms, &user);
    let strong = bridge.aes(&user, "k").secret;
    let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
    request.secret = attributes("weak");
    let weak = bridge.kms.create_key(&user, request).expect("a key").secret;
    let kms = &bridge.kms;
    for (key, mechanism) in [
        (strong, Mechanism::Cbc { iv: [0; 16] }),
        (strong, Mechanism::CbcPad { iv: [0; 16] }),
        (strong, Mechanism::Ecb),
        (weak, Mechanism::KeyWrapPad),
    ] {
        let refused = wrap(kms, &user, key, &mechanism, secret);
        assert!(
            matches!(refused, Err(Error::PolicyForbids(_))),
            "{mechanism:?}"
        );
        let refused = unwrap_as(kms, &user, key, mechanism.clone(), &[0; 48], |_| {});
        assert!(
            matches!(refused, Err(Error::PolicyForbids(_))),
            "{mechanism:?}"
        );
    }
    wrap(kms, &user, strong, &Mechanism::KeyWrapPad, secret).expect("good enough");
}

#[test]
fn weak_keys_are_neither_made_nor_taken() {
    let bridge = under("minimum-strength = 128\n");
    let user = bridge.user(Door::Kmip);
    let refused = bridge
        .kms
        .create_key(&user, CreateKey::new(KeySpec::Rsa { bits: 2048 }));
    assert!(matches!(refused, Err(Error::PolicyForbids(_))));
    bridge
        .kms
        .create_key(&user, CreateKey::new(KeySpec::Aes { bits: 128 }))
        .expect("strong enough");
    let mut request = Register::new(ObjectClass::SecretKey, SecretBytes::from(&[1; 8][..]));
    request.spec = Some(KeySpec::GenericSecret { bits: 64 });
    let refused = bridge.kms.register(&user, request);
    assert!(matches!(refused, Err(Error::PolicyForbids(_))));
}

#[test]
fn a_weak_key_gets_no_new_version() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let request = CreateKey::new(KeySpec::Rsa { bits: 2048 });
    let key = bridge.kms.create_key(&user, request).expect("a pair");
    let mut strict = bridge.settings.clone();
    strict.policy = toml::from_str("minimum-strength = 128\n").expect("a policy");
    let kms = Kms::open(&strict, Arc::new(NoSecrets)).expect("open");
    let refused = kms.rotate_key(&user, key.key.expect("a key"));
    assert!(matches!(refused, Err(Error::PolicyForbids(_))));
}
