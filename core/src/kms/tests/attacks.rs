//! The published attacks on key management by its own interface (Clulow 2003; Bortolozzo and others, "Tookan", 2010):
//! a key that both wraps and decrypts, in every order, over copies, sessions, other processes and doors.

use std::sync::Barrier;

use super::*;
use crate::model::{KeyRole, Lifetime, SessionId};
use crate::{ObjectClass, encoding};

/// A secret that is sensitive and may be wrapped.
pub(super) fn target(kms: &Kms, caller: &Arc<Caller>) -> ObjectId {
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("target");
    request.secret.extractable = true;
    kms.create_key(caller, request).expect("a target").secret
}

pub(super) fn wrap(
    kms: &Kms,
    caller: &Arc<Caller>,
    key: ObjectId,
    mechanism: &Mechanism,
    target: ObjectId,
) -> Result<Vec<u8>> {
    kms.wrap(
        caller,
        key,
        mechanism,
        target,
        &|_, value| Ok(value.clone()),
    )
}

pub(super) fn unwrap_as(
    kms: &Kms,
    caller: &Arc<Caller>,
    key: ObjectId,
    mechanism: Mechanism,
    wrapped: &[u8],
    edit: impl FnOnce(&mut Register),
) -> Result<ObjectId> {
    let mut template = Register::new(ObjectClass::SecretKey, SecretBytes::default());
    template.spec = Some(KeySpec::Aes { bits: 256 });
    template.attributes = attributes("back");
    edit(&mut template);
    let request = UnwrapKey {
        unwrapping_key: key,
        mechanism,
        wrapped,
        template,
        kind: &|_| None,
        decode: &Ok,
    };
    kms.unwrap(caller, request)
}

pub(super) fn unwrap(
    kms: &Kms,
    caller: &Arc<Caller>,
    key: ObjectId,
    mechanism: Mechanism,
    wrapped: &[u8],
) -> Result<ObjectId> {
    unwrap_as(kms, caller, key, mechanism, wrapped, |_| {})
}

const CBC: Mechanism = Mechanism::Cbc { iv: [0; 16] };

fn taken<T>(result: Result<T>, by: KeyRole) {
    match result {
        Err(Error::RoleTaken { taken, .. }) if taken == by => {}
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("done, though the key is for {by}"),
    }
}

#[test]
fn what_a_key_wrapped_it_does_not_decrypt() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let secret = target(&bridge.kms, &user);
    let wrapped = wrap(&bridge.kms, &user, key, &CBC, secret).expect("wrap");
    for purpose in [Purpose::Decrypt, Purpose::Encrypt] {
        let open = one_part(&bridge.kms, &user, key, purpose, CBC, &wrapped);
        taken(open, KeyRole::Wrapping);
    }
    unwrap(&bridge.kms, &user, key, CBC, &wrapped).expect("its own side");
    let codes = (
        Error::RoleTaken {
            taken: KeyRole::Data,
            wanted: KeyRole::Wrapping,
        }
        .audit_code(),
        crate::error::audit_result_name(48),
    );
    assert_eq!(codes, (48, "role taken"));
}

#[test]
fn what_a_key_encrypted_it_does_not_unwrap() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let known = one_part(&bridge.kms, &user, key, Purpose::Encrypt, CBC, &[0x42; 32]);
    let known = known.expect("encrypt");
    taken(unwrap(&bridge.kms, &user, key, CBC, &known), KeyRole::Data);
    let secret = target(&bridge.kms, &user);
    taken(wrap(&bridge.kms, &user, key, &CBC, secret), KeyRole::Data);
}

/// Copies, stored and of a session, made before and after the first use, by this process and another.
#[test]
fn copies_have_the_role_of_the_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let secret = target(&bridge.kms, &user);
    let session = Lifetime::Session(SessionId::fresh());
    let copy = |kms: &Kms, of, lifetime| kms.copy(&user, of, lifetime, &mut |_| Ok(()));
    let other = bridge.second();
    let before = [
        copy(&bridge.kms, key, Lifetime::Stored).expect("a copy"),
        copy(&bridge.kms, key, session).expect("a session copy"),
    ];
    let elsewhere = copy(&other, key, session).expect("a session copy elsewhere");
    let of_copy = copy(&bridge.kms, before[1], Lifetime::Stored).expect("a copy of a copy");
    let wrapped = wrap(&bridge.kms, &user, before[0], &CBC, secret).expect("wrap by a copy");
    let after = copy(&bridge.kms, key, session).expect("a later copy");
    for id in [key, before[0], before[1], of_copy, after] {
        let open = one_part(&bridge.kms, &user, id, Purpose::Decrypt, CBC, &wrapped);
        taken(open, KeyRole::Wrapping);
    }
    for id in [key, of_copy, elsewhere] {
        let open = one_part(&other, &user, id, Purpose::Decrypt, CBC, &wrapped);
        taken(open, KeyRole::Wrapping);
    }
}

/// A value that leaves wrapped and comes back is the same key, whatever object it is in.
#[test]
fn a_key_that_comes_back_has_its_role() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let outer = bridge.aes(&user, "outer").secret;
    let session = Lifetime::Session(SessionId::fresh());
    for lifetime in [Lifetime::Stored, session] {
        for used_before in [true, false] {
            let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
            request.secret = attributes("k");
            request.secret.extractable = true;
            request.lifetime = lifetime;
            let key = bridge.kms.create_key(&user, request).expect("a key").secret;
            let secret = target(&bridge.kms, &user);
            if used_before {
                wrap(&bridge.kms, &user, key, &CBC, secret).expect("wrap");
            }
            let out = wrap(&bridge.kms, &user, outer, &Mechanism::KeyWrapPad, key);
            let out = out.expect("the key leaves");
            let other = bridge.second();
            let back = unwrap(&other, &user, outer, Mechanism::KeyWrapPad, &out);
            let back = back.expect("and comes back elsewhere");
            let wrapped = wrap(&bridge.kms, &user, key, &CBC, secret).expect("wrap");
            let open = one_part(&other, &user, back, Purpose::Decrypt, CBC, &wrapped);
            taken(open, KeyRole::Wrapping);
        }
    }
}

/// A value that came from elsewhere, unwrapped into session objects of two processes: when one wraps with it, the
/// other no longer decrypts.
#[test]
fn session_keys_of_two_processes_have_one_role() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let value = SecretBytes::from(&[0x17; 32][..]);
    let other = bridge.second();
    let session_key = |kms: &Kms| {
        let mut request = Register::new(ObjectClass::SecretKey, value.clone());
        request.spec = Some(KeySpec::Aes { bits: 256 });
        request.attributes = attributes("k");
        request.lifetime = Lifetime::Session(SessionId::fresh());
        kms.register(&user, request).expect("a session key")
    };
    let (here, there) = (session_key(&bridge.kms), session_key(&other));
    let sealed = encrypt(&bridge.kms, &user, here, b"x").expect("encrypt");
    decrypt(&bridge.kms, &user, here, &sealed).expect("decrypt");
    let secret = target(&other, &user);
    let refused = wrap(&bridge.kms, &user, here, &CBC, secret);
    taken(refused, KeyRole::Data);
    let wrapped = wrap(&other, &user, there, &CBC, secret).expect("wrap");
    let open = one_part(&bridge.kms, &user, here, Purpose::Decrypt, CBC, &wrapped);
    taken(open, KeyRole::Wrapping);
    taken(encrypt(&other, &user, there, b"x"), KeyRole::Wrapping);
}

/// A session key's value that is in another process too, since it was wrapped out of the first, has one role in both,
/// whichever side comes first and however late.
#[test]
fn a_session_key_that_left_has_one_role_everywhere() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let other = bridge.second();
    let outer = bridge.aes(&user, "outer").secret;
    for used_before in [false, true] {
        let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
        request.secret = attributes("k");
        request.secret.extractable = true;
        request.lifetime = Lifetime::Session(SessionId::fresh());
        let here = bridge.kms.create_key(&user, request).expect("made").secret;
        let seal = || encrypt(&bridge.kms, &user, here, b"x").expect("encrypt");
        if used_before {
            seal();
        }
        let out = wrap(&bridge.kms, &user, outer, &Mechanism::KeyWrapPad, here).expect("leaves");
        if !used_before {
            seal();
        }
        let there = unwrap(&other, &user, outer, Mechanism::KeyWrapPad, &out).expect("arrives");
        let made = one_part(&bridge.kms, &user, here, Purpose::Encrypt, CBC, &[5; 32]);
        let unwrapped = unwrap(&other, &user, there, CBC, &made.expect("encrypt"));
        taken(unwrapped, KeyRole::Data);
        let secret = target(&other, &user);
        taken(wrap(&other, &user, there, &CBC, secret), KeyRole::Data);
    }
}

#[test]
fn the_role_outlives_the_process_and_the_object() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let outer = bridge.aes(&user, "outer").secret;
    let key = target(&bridge.kms, &user);
    encrypt(&bridge.kms, &user, key, b"x").expect("encrypt");
    let out = wrap(&bridge.kms, &user, outer, &Mechanism::KeyWrapPad, key).expect("leaves");
    bridge.kms.delete(&user, key).expect("delete");
    let later = bridge.second();
    let back = unwrap(&later, &user, outer, Mechanism::KeyWrapPad, &out).expect("comes back");
    let secret = target(&later, &user);
    taken(wrap(&later, &user, back, &CBC, secret), KeyRole::Data);
}

/// Two processes, one key, opposite sides at the same moment: one of them is refused.
#[test]
fn a_race_for_the_role_has_one_winner() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let other = bridge.second();
    let secret = target(&bridge.kms, &user);
    for _ in 0..20 {
        let key = bridge.aes(&user, "k").secret;
        let start = Barrier::new(2);
        let (wraps, encrypts) = std::thread::scope(|scope| {
            let wraps = scope.spawn(|| {
                start.wait();
                wrap(&bridge.kms, &user, key, &CBC, secret).is_ok()
            });
            start.wait();
            let encrypts = encrypt(&other, &user, key, b"x").is_ok();
            (wraps.join().expect("the other thread"), encrypts)
        });
        assert!(wraps != encrypts, "wraps: {wraps}, encrypts: {encrypts}");
    }
}

fn rsa(kms: &Kms, caller: &Arc<Caller>, lifetime: Lifetime) -> Created {
    let mut request = CreateKey::new(KeySpec::Rsa { bits: 2048 });
    let all = UsageMask(0x0000_03ff);
    request.secret.usage = all;
    request.public.usage = all;
    request.lifetime = lifetime;
    request.public_lifetime = lifetime;
    kms.create_key(caller, request).expect("a pair")
}

#[test]
fn the_halves_of_a_pair_have_one_role() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let secret = target(&bridge.kms, &user);
    for lifetime in [Lifetime::Stored, Lifetime::Session(SessionId::fresh())] {
        let pair = rsa(&bridge.kms, &user, lifetime);
        let public = pair.public.expect("a public half");
        let wrapped = wrap(&bridge.kms, &user, public, &Mechanism::RsaPkcs1, secret).expect("wrap");
        for (purpose, mechanism) in [
            (Purpose::Decrypt, Mechanism::RsaPkcs1),
            (Purpose::Decrypt, Mechanism::RsaRaw),
            // Signing without padding is decryption.
            (Purpose::Sign, Mechanism::RsaRaw),
        ] {
            let open = one_part(
                &bridge.kms,
                &user,
                pair.secret,
                purpose,
                mechanism,
                &wrapped,
            );
            taken(open, KeyRole::Wrapping);
        }
        // A TLS server's key signs and unwraps; anybody encrypts with a public key.
        let sign = one_part(
            &bridge.kms,
            &user,
            pair.secret,
            Purpose::Sign,
            Mechanism::RsaPkcs1,
            b"digest",
        );
        sign.expect("sign");
        let mechanism = Mechanism::RsaPkcs1;
        one_part(
            &bridge.kms,
            &user,
            public,
            Purpose::Encrypt,
            mechanism,
            b"x",
        )
        .expect("encrypt");
        unwrap(
            &bridge.kms,
            &user,
            pair.secret,
            Mechanism::RsaPkcs1,
            &wrapped,
        )
        .expect("unwrap");
    }
}

#[test]
fn a_private_key_that_decrypts_opens_nothing_wrapped() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let secret = target(&bridge.kms, &user);
    let pair = rsa(&bridge.kms, &user, Lifetime::Stored);
    let public = pair.public.expect("a public half");
    let mechanism = Mechanism::RsaPkcs1;
    let sealed = one_part(
        &bridge.kms,
        &user,
        public,
        Purpose::Encrypt,
        mechanism,
        &[1; 32],
    );
    let sealed = sealed.expect("encrypt");
    let mechanism = Mechanism::RsaPkcs1;
    one_part(
        &bridge.kms,
        &user,
        pair.secret,
        Purpose::Decrypt,
        mechanism,
        &sealed,
    )
    .expect("open");
    taken(
        wrap(&bridge.kms, &user, public, &Mechanism::RsaPkcs1, secret),
        KeyRole::Data,
    );
    taken(
        unwrap(
            &bridge.kms,
            &user,
            pair.secret,
            Mechanism::RsaPkcs1,
            &sealed,
        ),
        KeyRole::Data,
    );
}

/// The public half brought in again, alone and written in another way, is the same key.
#[test]
fn a_public_key_brought_in_again_has_the_role_of_its_pair() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let secret = target(&bridge.kms, &user);
    let mut request = CreateKey::new(KeySpec::Rsa { bits: 2048 });
    request.secret.usage = UsageMask(0x0000_03ff);
    let pair = bridge.kms.create_key(&user, request).expect("a pair");
    let object = bridge
        .kms
        .inspect(&user, pair.public.expect("public"))
        .expect("inspect");
    let info = object.public_value().expect("a value").to_vec();
    assert!(encoding::PublicKey::from_spki(&info).is_ok());
    let mut again = Register::new(ObjectClass::PublicKey, SecretBytes::new(info));
    again.spec = object.spec;
    again.attributes.usage = UsageMask::WRAP;
    let again = bridge.kms.register(&user, again).expect("register");
    let wrapped = wrap(&bridge.kms, &user, again, &Mechanism::RsaPkcs1, secret).expect("wrap");
    let mechanism = Mechanism::RsaPkcs1;
    taken(
        one_part(
            &bridge.kms,
            &user,
            pair.secret,
            Purpose::Decrypt,
            mechanism,
            &wrapped,
        ),
        KeyRole::Wrapping,
    );
}

/// What anybody may read needs no lock, and keys that cannot wrap take no side.
#[test]
fn readable_keys_and_keys_that_cannot_wrap_take_no_role() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let secret = target(&bridge.kms, &user);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("open");
    (request.secret.sensitive, request.secret.extractable) = (false, true);
    let open = bridge.kms.create_key(&user, request).expect("a key").secret;
    wrap(&bridge.kms, &user, open, &CBC, secret).expect("wrap");
    encrypt(&bridge.kms, &user, open, b"x").expect("encrypt");
    let refused = one_part(
        &bridge.kms,
        &user,
        open,
        Purpose::Sign,
        Mechanism::Ecb,
        b"x",
    );
    assert!(matches!(refused, Err(Error::UsageNotPermitted(_))));
}

/// Programs that wrap keys which may be read (Java's, told so) go on to decrypt: nothing is learnt by it.
#[test]
fn to_wrap_what_may_be_read_takes_no_role() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("open");
    (request.secret.sensitive, request.secret.extractable) = (false, true);
    let open = bridge.kms.create_key(&user, request).expect("a key").secret;
    let key = bridge.aes(&user, "k").secret;
    let wrapped = wrap(&bridge.kms, &user, key, &CBC, open).expect("wrap");
    one_part(&bridge.kms, &user, key, Purpose::Decrypt, CBC, &wrapped).expect("decrypt");
    let secret = target(&bridge.kms, &user);
    taken(wrap(&bridge.kms, &user, key, &CBC, secret), KeyRole::Data);
}

/// A use that is refused, for whatever reason, decides nothing.
#[test]
fn a_refused_use_takes_no_role() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let administrator = bridge.administrator();
    let key = bridge.aes(&user, "k");
    let id = key.key.expect("a key");
    bridge.kms.disable_key(&administrator, id).expect("disable");
    encrypt(&bridge.kms, &user, key.secret, b"x").expect_err("disabled");
    bridge.kms.enable_key(&administrator, id).expect("enable");
    // Asked for and never done; of what may not leave; of rubbish.
    let begun = bridge.kms.begin(&user, key.secret, Purpose::Encrypt, gcm());
    drop(begun.expect("begin"));
    let inner = bridge.aes(&user, "not extractable").secret;
    let refused = wrap(&bridge.kms, &user, key.secret, &CBC, inner);
    assert!(matches!(refused, Err(Error::NotExtractable)));
    let data = bridge.aes(&user, "for data").secret;
    let rubbish = unwrap(&bridge.kms, &user, data, Mechanism::KeyWrapPad, &[0; 40]);
    assert!(matches!(rubbish, Err(Error::InvalidWrappedKey)));
    encrypt(&bridge.kms, &user, data, b"x").expect("still for anything");
    let secret = target(&bridge.kms, &user);
    wrap(&bridge.kms, &user, key.secret, &CBC, secret).expect("the first use");
}

/// A role cut out of the store's file is missed.
#[test]
fn a_role_removed_from_the_file_is_missed() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let key = bridge.aes(&user, "k").secret;
    let secret = target(&bridge.kms, &user);
    let wrapped = wrap(&bridge.kms, &user, key, &CBC, secret).expect("wrap");
    let file = rusqlite::Connection::open(&bridge.settings.store.path).expect("the file");
    file.execute("DELETE FROM imprint", []).expect("delete");
    let later = bridge.second();
    let open = one_part(&later, &user, key, Purpose::Decrypt, CBC, &wrapped);
    assert!(matches!(
        open,
        Err(Error::Tampered {
            what: "imprint",
            ..
        })
    ));
}
