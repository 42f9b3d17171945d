use super::*;
use crate::model::GivenDates;
use crate::time::Timestamp;

#[test]
fn the_usage_mask_and_the_allowed_mechanisms_bind() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
    request.secret.usage = UsageMask::DECRYPT;
    request.secret.allowed_mechanisms = vec![0x1082];
    let key = bridge.kms.create_key(&user, request).expect("a key").secret;
    assert!(matches!(
        encrypt(&bridge.kms, &user, key, b"x"),
        Err(Error::UsageNotPermitted(_))
    ));
    assert!(matches!(
        decrypt(&bridge.kms, &user, key, &[0; 32]),
        Err(Error::MechanismNotAllowed("GCM"))
    ));
    let cbc = Mechanism::Cbc { iv: [0; 16] };
    one_part(&bridge.kms, &user, key, Purpose::Decrypt, cbc, &[0; 16])
        .expect("CKM_AES_CBC is on the list");
}

#[test]
fn dates_bind() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Kmip);
    let now = Timestamp::now();
    let with_dates = |dates| {
        let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
        request.secret = attributes("k");
        request.dates = dates;
        bridge.kms.create_key(&user, request).expect("a key").secret
    };
    let active = GivenDates {
        activation: Some(now),
        ..GivenDates::default()
    };
    let later = Some(now.plus_seconds(3600));
    let pre_active = with_dates(GivenDates::default());
    assert!(matches!(
        encrypt(&bridge.kms, &user, pre_active, b"x"),
        Err(Error::ObjectState { .. })
    ));
    bridge.kms.activate(&user, pre_active).expect("activate");
    encrypt(&bridge.kms, &user, pre_active, b"x").expect("active");
    let future = with_dates(GivenDates {
        activation: later,
        ..GivenDates::default()
    });
    assert!(matches!(
        encrypt(&bridge.kms, &user, future, b"x"),
        Err(Error::ObjectState { .. })
    ));
    let stopped = with_dates(GivenDates {
        protect_stop: Some(now),
        ..active
    });
    assert!(matches!(
        encrypt(&bridge.kms, &user, stopped, b"x"),
        Err(Error::OutsideDates(_))
    ));
    let not_yet = with_dates(GivenDates {
        process_start: later,
        ..active
    });
    assert!(matches!(
        decrypt(&bridge.kms, &user, not_yet, &[0; 32]),
        Err(Error::OutsideDates(_))
    ));
    let over = with_dates(GivenDates {
        deactivation: Some(now),
        ..active
    });
    assert!(matches!(
        encrypt(&bridge.kms, &user, over, b"x"),
        Err(Error::ObjectState { .. })
    ));
}

#[test]
fn a_small_buffer_leaves_the_operation_as_it_was() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let mut operation = bridge
        .kms
        .begin(&user, key, Purpose::Encrypt, gcm())
        .expect("begin");
    let small = bridge.kms.run(&mut operation, b"data", &mut [0; 3]);
    assert!(matches!(small, Err(Error::BufferTooSmall { needed: 20 })));
    assert_eq!(
        bridge
            .kms
            .run(&mut operation, b"data", &mut [0; 20])
            .expect("again"),
        20
    );
}

#[test]
fn gcm_without_an_iv_gets_a_random_one() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let none = Mechanism::Gcm {
        iv: Vec::new(),
        aad: vec![1],
        tag_length: 16,
    };
    let iv_of = || {
        let mut operation = bridge
            .kms
            .begin(&user, key, Purpose::Encrypt, none.clone())
            .expect("begin");
        bridge
            .kms
            .run(&mut operation, b"data", &mut [0; 20])
            .expect("encrypt");
        let Mechanism::Gcm { iv, .. } = operation.mechanism().clone() else {
            unreachable!()
        };
        iv
    };
    let (one, two) = (iv_of(), iv_of());
    assert_eq!((one.len(), two.len()), (12, 12));
    assert_ne!(one, two);
}

/// What is done in one call has no moment at which the user could be proven.
#[test]
fn a_key_that_asks_each_time_is_not_used_in_one_call() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let target = bridge.aes(&user, "target").secret;
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("k");
    request.secret.extractable = true;
    let plain = bridge.kms.create_key(&user, request.clone());
    let plain = plain.expect("a key").secret;
    request.secret.always_authenticate = true;
    let always = bridge.kms.create_key(&user, request).expect("a key").secret;
    let mechanism = Mechanism::KeyWrapPad;
    let encode = |_: &Object, value: &SecretBytes| Ok(value.clone());
    let wrapped = bridge.kms.wrap(&user, target, &mechanism, plain, &encode);
    let wrapped = wrapped.expect("wrap");
    let unwrap = |unwrapping_key| {
        let mut template = Register::new(crate::ObjectClass::SecretKey, SecretBytes::default());
        template.spec = Some(KeySpec::Aes { bits: 256 });
        template.attributes = attributes("back");
        let request = UnwrapKey {
            unwrapping_key,
            mechanism: mechanism.clone(),
            wrapped: &wrapped,
            template,
            kind: &|_| None,
            decode: &Ok,
        };
        bridge.kms.unwrap(&user, request)
    };
    unwrap(target).expect("unwrap");
    assert!(matches!(unwrap(always), Err(Error::LoginRequired)));
}

#[test]
fn wrapped_and_unwrapped_it_is_the_same_key() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let wrapping = bridge.aes(&user, "wrapping").secret;
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.secret = attributes("target");
    request.secret.extractable = true;
    let target = bridge.kms.create_key(&user, request).expect("a key").secret;
    let mechanism = Mechanism::KeyWrapPad;
    let wrapped = bridge
        .kms
        .wrap(&user, wrapping, &mechanism, target, &|_, v| Ok(v.clone()))
        .expect("wrap");
    let unwrap = |wrapped: &[u8]| {
        let mut template = Register::new(crate::ObjectClass::SecretKey, SecretBytes::default());
        template.spec = Some(KeySpec::Aes { bits: 256 });
        template.attributes = attributes("back");
        let mechanism = mechanism.clone();
        let request = UnwrapKey {
            unwrapping_key: wrapping,
            mechanism,
            wrapped,
            template,
            kind: &|_| None,
            decode: &Ok,
        };
        bridge.kms.unwrap(&user, request)
    };
    let back = unwrap(&wrapped).expect("unwrap");
    let sealed = encrypt(&bridge.kms, &user, target, b"x").expect("encrypt");
    assert_eq!(
        decrypt(&bridge.kms, &user, back, &sealed).expect("decrypt"),
        b"x"
    );
    let mut flipped = wrapped.clone();
    flipped[3] ^= 1;
    assert!(matches!(unwrap(&flipped), Err(Error::InvalidWrappedKey)));
}

#[test]
fn a_key_that_asks_each_time_is_proven_each_time() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let mut request = CreateKey::new(KeySpec::Aes { bits: 128 });
    request.secret = attributes("k");
    request.secret.always_authenticate = true;
    let key = bridge.kms.create_key(&user, request).expect("a key").secret;
    let mut operation = bridge
        .kms
        .begin(&user, key, Purpose::Encrypt, gcm())
        .expect("begin");
    assert!(operation.needs_authentication());
    assert!(matches!(
        bridge.kms.run(&mut operation, b"x", &mut [0; 32]),
        Err(Error::LoginRequired)
    ));
    let wrong = bridge
        .kms
        .authenticate_operation(&mut operation, &"9999".into());
    assert!(matches!(wrong, Err(Error::WrongCredential)));
    bridge
        .kms
        .authenticate_operation(&mut operation, &PIN.into())
        .expect("the PIN");
    bridge
        .kms
        .run(&mut operation, b"x", &mut [0; 32])
        .expect("proven");
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    line.split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

#[test]
fn memory_does_not_grow_with_the_number_of_uses() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let mut output = [0; 32];
    let mut use_it = |times: u32| {
        for _ in 0..times {
            let mut operation = bridge
                .kms
                .begin(&user, key, Purpose::Encrypt, gcm())
                .expect("begin");
            bridge
                .kms
                .run(&mut operation, b"data", &mut output)
                .expect("encrypt");
        }
        resident()
    };
    let numbers: Vec<u64> = (0..10).map(|_| use_it(50_000)).collect();
    assert!(
        numbers[9] < numbers[4] + 4096,
        "KiB after each 50,000 uses: {numbers:?}"
    );
}

/// What [`Kms::renew`] takes over is what nothing changed since: each change here must be seen by the next use.
#[test]
fn a_renewed_use_is_judged_by_what_is_true_now() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let fresh = || Mechanism::Gcm {
        iv: Vec::new(),
        aad: Vec::new(),
        tag_length: 16,
    };
    let run = |operation: &mut Operation| {
        let mut output = [0; 64];
        bridge.kms.run(operation, b"plain", &mut output)
    };
    let made = bridge.aes(&user, "k");
    let key = made.secret;
    let begin = || bridge.kms.begin(&user, key, Purpose::Encrypt, fresh());
    let mut operation = begin().expect("begin");
    run(&mut operation).expect("the first use");
    let vector = |operation: &Operation| match operation.mechanism() {
        Mechanism::Gcm { iv, .. } => iv.clone(),
        _ => Vec::new(),
    };
    let first = vector(&operation);
    bridge.kms.renew(&mut operation, fresh()).expect("renew");
    assert_ne!(first, vector(&operation), "a vector of its own");
    run(&mut operation).expect("the second use");

    // Another mechanism, which the key does not allow.
    let mut allow_gcm = |attributes: &mut Attributes| {
        attributes.allowed_mechanisms = vec![0x1087];
        Ok(())
    };
    bridge
        .kms
        .modify(&user, key, &mut allow_gcm)
        .expect("modify");
    bridge.kms.renew(&mut operation, gcm()).expect("still GCM");
    run(&mut operation).expect("the third use");
    let cbc = Mechanism::Cbc { iv: [0; 16] };
    assert!(matches!(
        bridge.kms.renew(&mut operation, cbc),
        Err(Error::MechanismNotAllowed(_))
    ));

    // The gate, closed by another process.
    let mut operation = begin().expect("begin");
    run(&mut operation).expect("a use");
    let other = bridge.second();
    let administrator = bridge.administrator();
    other
        .disable_key(&administrator, made.key.expect("a key"))
        .expect("disable");
    assert!(matches!(
        bridge.kms.renew(&mut operation, gcm()),
        Err(Error::KeyState { .. })
    ));
}

/// The length of a wrapped key is told without wrapping it: nothing is exported, and the audit does not say so.
#[test]
fn the_length_of_a_wrapped_key_is_no_export() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let kms = &bridge.kms;
    let target = super::attacks::target(kms, &user);
    let key = bridge.aes(&user, "wrapping").secret;
    let encode = |_: &Object, value: &SecretBytes| Ok(value.clone());
    let filter = crate::audit::Filter {
        object: Some(target),
        ..Default::default()
    };
    let administrator = bridge.administrator();
    let exports = || {
        let records = kms
            .audit_records(&administrator, &filter, 100)
            .expect("records");
        records
            .iter()
            .filter(|record| record.verb == Verb::Export)
            .count()
    };
    for mechanism in [
        Mechanism::Ecb,
        Mechanism::Cbc { iv: [1; 16] },
        Mechanism::CbcPad { iv: [1; 16] },
        Mechanism::Gcm {
            iv: vec![1; 12],
            aad: vec![],
            tag_length: 12,
        },
        Mechanism::Ccm {
            nonce: vec![1; 12],
            aad: vec![],
            tag_length: 8,
            data_length: None,
        },
        Mechanism::KeyWrap { iv: None },
        Mechanism::KeyWrapPad,
        Mechanism::KeyWrapPkcs7 { iv: None },
    ] {
        let before = exports();
        let length = kms.wrapped_length(&user, key, &mechanism, target, &encode);
        assert_eq!(exports(), before);
        let wrapped = kms
            .wrap(&user, key, &mechanism, target, &encode)
            .expect("wrapped");
        assert_eq!(
            length.expect("allowed"),
            Some(wrapped.len()),
            "{mechanism:?}"
        );
        assert!(exports() > before);
    }
}
