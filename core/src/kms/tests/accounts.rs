use super::*;
use crate::authorize::Origin;
use crate::model::{Lifetime, SessionId};
use crate::time::Timestamp;

#[test]
fn a_wrong_pin_is_counted_and_locks() {
    let bridge = Bridge::with(|settings| settings.limits.pin_tries = 3);
    let (kms, account) = (&bridge.kms, bridge.account());
    let login = |pin: &str| {
        kms.login(account, Role::User, &pin.into(), Door::Pkcs11)
            .map(|_| ())
    };
    assert!(matches!(login("9999"), Err(Error::WrongCredential)));
    assert_eq!(kms.token(account).expect("token").user_pin.failures, 1);
    login(PIN).expect("the right PIN");
    assert_eq!(
        kms.token(account).expect("token").user_pin.failures,
        0,
        "a good login forgets"
    );
    for _ in 0..3 {
        assert!(matches!(login("9999"), Err(Error::WrongCredential)));
    }
    assert!(
        matches!(login(PIN), Err(Error::CredentialLocked)),
        "the right PIN is too late"
    );
    assert!(matches!(
        bridge
            .second()
            .login(account, Role::User, &PIN.into(), Door::Pkcs11),
        Err(Error::CredentialLocked)
    ));
    let so = kms
        .login(account, Role::SecurityOfficer, &SO_PIN.into(), Door::Pkcs11)
        .expect("SO");
    kms.init_pin(&so, &"4321".into())
        .expect("the SO clears the lock");
    login("4321").expect("the new PIN");
}

#[test]
fn a_pin_has_its_length() {
    let bridge = Bridge::new();
    let account = bridge.account();
    let set = |new: &str| {
        bridge
            .kms
            .set_pin(account, Role::User, &PIN.into(), &new.into(), Door::Pkcs11)
    };
    assert!(matches!(
        set("123"),
        Err(Error::PinLength { min: 4, max: 255 })
    ));
    assert!(matches!(
        set(&"1".repeat(256)),
        Err(Error::PinLength { .. })
    ));
    set("56789").expect("a good one");
    assert!(
        matches!(set("56789"), Err(Error::WrongCredential)),
        "the old one is gone"
    );
}

#[test]
fn the_security_officer_uses_no_keys_and_the_public_sees_none() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let so = bridge
        .kms
        .login(
            bridge.account(),
            Role::SecurityOfficer,
            &SO_PIN.into(),
            Door::Pkcs11,
        )
        .expect("SO");
    assert!(matches!(
        encrypt(&bridge.kms, &so, key, b"x"),
        Err(Error::Denied(_))
    ));
    let public = bridge.kms.public_caller(bridge.account(), Door::Pkcs11);
    assert!(matches!(
        bridge.kms.inspect(&public, key),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        encrypt(&bridge.kms, &public, key, b"x"),
        Err(Error::LoginRequired)
    ));
    assert!(
        bridge
            .kms
            .find(&public, &Find::default())
            .expect("find")
            .is_empty()
    );
}

#[test]
fn another_accounts_keys_do_not_exist() {
    let bridge = Bridge::new();
    let key = bridge.aes(&bridge.user(Door::Pkcs11), "k");
    let other = bridge.kms.create_account("other").expect("an account").id;
    let stranger = bridge.kms.local_administrator(other);
    assert!(matches!(
        bridge.kms.inspect(&stranger, key.secret),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        encrypt(&bridge.kms, &stranger, key.secret, b"x"),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        bridge.kms.destroy(&stranger, key.secret),
        Err(Error::NotFound { .. })
    ));
    let id = key.key.expect("a key");
    assert!(matches!(
        bridge.kms.disable_key(&stranger, id),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        bridge.kms.key(&stranger, id),
        Err(Error::NotFound { .. })
    ));
}

#[test]
fn a_revoked_client_is_refused_at_its_next_call_everywhere() {
    let bridge = Bridge::new();
    let administrator = bridge.administrator();
    let fingerprint = "ab".repeat(32);
    let client = NewClient {
        name: "app".into(),
        role: Role::User,
        credential: NewCredential::Certificate {
            fingerprint: fingerprint.clone(),
            subject: "CN=app".into(),
            serial: "01".into(),
            expires: Timestamp::now().plus_seconds(3600),
        },
    };
    bridge
        .kms
        .add_client(&administrator, client.clone())
        .expect("add");
    let taken = bridge.kms.add_client(&administrator, client);
    assert!(matches!(taken, Err(Error::AlreadyExists { .. })));
    let second = bridge.second();
    let origin = Origin::this_process();
    let who = second
        .authenticate_certificate(&fingerprint, origin, Door::Kmip)
        .expect("known");
    assert_eq!((who.name(), who.credential()), ("app", "01"));
    bridge
        .kms
        .revoke_client(&administrator, "app")
        .expect("revoke");
    assert!(matches!(
        second.authenticate_certificate(&fingerprint, origin, Door::Kmip),
        Err(Error::CredentialRevoked(_))
    ));
    assert!(matches!(
        second.authenticate_certificate(&"cd".repeat(32), origin, Door::Kmip),
        Err(Error::WrongCredential)
    ));
}

#[test]
fn initializing_again_schedules_what_was_there() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k");
    let account = bridge.account();
    let wrong = bridge
        .kms
        .init_token(account, &"00000000".into(), "new", Door::Pkcs11);
    assert!(matches!(wrong, Err(Error::WrongCredential)));
    bridge
        .kms
        .init_token(account, &SO_PIN.into(), "new", Door::Pkcs11)
        .expect("again");
    let login = bridge
        .kms
        .login(account, Role::User, &PIN.into(), Door::Pkcs11);
    assert!(matches!(login, Err(Error::PinNotInitialized)));
    let administrator = bridge.administrator();
    let id = key.key.expect("a key");
    bridge
        .kms
        .cancel_key_deletion(&administrator, id)
        .expect("it can be regretted");
    bridge.kms.enable_key(&administrator, id).expect("enable");
    encrypt(&bridge.kms, &administrator, key.secret, b"x").expect("its material is still there");
}

#[test]
fn a_store_is_never_overwritten_and_a_wrong_seal_changes_nothing() {
    let bridge = Bridge::new();
    let again = Kms::initialize(&bridge.settings, Arc::new(NoSecrets));
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    let mut wrong = bridge.settings.clone();
    let other = bridge.settings.store.path.with_file_name("other.key");
    crate::seal::KeyfileSeal::create(&other).expect("another key file");
    wrong.seal = crate::settings::SealSettings::Keyfile { path: other };
    assert!(matches!(
        Kms::open(&wrong, Arc::new(NoSecrets)),
        Err(Error::SealFailed(_))
    ));
    wrong.seal = crate::settings::SealSettings::Passphrase {
        passphrase_file: None,
    };
    assert!(matches!(
        Kms::open(&wrong, Arc::new(NoSecrets)),
        Err(Error::SealFailed(_))
    ));
    bridge.second().account("main").expect("as it was");
}

#[test]
fn many_tries_at_once_are_no_more_tries() {
    let bridge = Bridge::with(|settings| settings.limits.pin_tries = 3);
    let (kms, account) = (&bridge.kms, bridge.account());
    let start = std::sync::Barrier::new(8);
    let checked = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..8)
            .map(|guess| {
                let start = &start;
                scope.spawn(move || {
                    let pin = format!("900{guess}");
                    start.wait();
                    kms.login(account, Role::User, &pin.as_str().into(), Door::Pkcs11)
                })
            })
            .collect();
        guesses
            .into_iter()
            .map(|guess| guess.join().expect("no panic"))
            .filter(|result| matches!(result, Err(Error::WrongCredential)))
            .count()
    });
    assert_eq!(checked, 3, "the others are refused unseen");
}

#[test]
fn every_refused_login_stands_in_the_audit() {
    let bridge = Bridge::with(|settings| settings.limits.pin_tries = 1);
    let (kms, account, administrator) = (&bridge.kms, bridge.account(), bridge.administrator());
    let origin = Origin::this_process();
    let client = |name: &str, credential| NewClient {
        name: name.into(),
        role: Role::User,
        credential,
    };
    let fingerprint = "ab".repeat(32);
    let certificate = NewCredential::Certificate {
        fingerprint: fingerprint.clone(),
        subject: "CN=app".into(),
        serial: "01".into(),
        expires: Timestamp::now().plus_seconds(3600),
    };
    let password = NewCredential::Password("correct".into());
    kms.add_client(&administrator, client("app", certificate))
        .expect("add");
    kms.add_client(&administrator, client("person", password))
        .expect("add");
    let app = kms
        .authenticate_certificate(&fingerprint, origin, Door::Kmip)
        .expect("known");
    kms.revoke_client(&administrator, "app").expect("revoke");
    let login = |name: &str, password: &str| {
        kms.authenticate_password(account, name, &password.into(), origin, Door::Kmip)
            .map(drop)
    };
    let refused = [
        login("stranger", "x"),
        login("person", "wrong"),
        login("person", "correct"),
        kms.authenticate_certificate(&fingerprint, origin, Door::Kmip)
            .map(drop),
        kms.still_proven(&app, origin, Door::Kmip).map(drop),
    ];
    // Who tries is not told that the password is locked; whoever reads the audit is.
    let told: Vec<u16> = refused
        .map(|result| result.expect_err("refused").audit_code())
        .into();
    let [wrong, locked, revoked] = [
        Error::WrongCredential,
        Error::CredentialLocked,
        Error::CredentialRevoked(String::new()),
    ]
    .map(|error| error.audit_code());
    assert_eq!(told, [wrong, wrong, wrong, revoked, revoked]);
    let wanted: Vec<_> = ["stranger", "person", "person", "app", "app"]
        .map(str::to_owned)
        .into_iter()
        .zip([wrong, wrong, locked, revoked, revoked])
        .collect();
    let filter = crate::audit::Filter {
        verb: Some(crate::audit::Verb::Login),
        failed: true,
        ..Default::default()
    };
    let mut records = kms
        .audit_records(&administrator, &filter, 100)
        .expect("list");
    records.sort_by_key(|record| record.request);
    let seen: Vec<_> = records
        .into_iter()
        .map(|record| (record.who, record.result))
        .collect();
    assert_eq!(seen, wanted);
}

/// A bridge with a client `person`, and a login over the network.
fn with_person(limits: impl FnOnce(&mut crate::settings::Limits)) -> Bridge {
    let bridge = Bridge::with(|settings| limits(&mut settings.limits));
    let client = NewClient {
        name: "person".into(),
        role: Role::User,
        credential: NewCredential::Password("correct".into()),
    };
    let administrator = bridge.administrator();
    bridge
        .kms
        .add_client(&administrator, client)
        .expect("a client");
    bridge
}

fn from(bridge: &Bridge, source: &str, name: &str, password: &str) -> Result<Arc<Caller>> {
    let origin = Origin::Network(source.parse().expect("an address"));
    let (account, password) = (bridge.account(), password.into());
    bridge
        .kms
        .authenticate_password(account, name, &password, origin, Door::Kmip)
}

#[test]
fn tries_are_limited_by_name_and_unknown_names_are_not_told_apart() {
    let bridge = with_person(|limits| {
        limits.name_tries_per_minute = 4;
        limits.pin_tries = 2;
    });
    let told = ["person", "stranger", "user"].map(|name| {
        (0..6)
            .map(|number| {
                let source = format!("10.0.0.{number}");
                let refused = from(&bridge, &source, name, "wrong").expect_err("wrong");
                refused.to_string()
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(told[0], told[1], "also once the password is locked");
    assert_eq!(told[0], told[2], "a PIN is no password");
    assert!(told[0][3].contains("wrong"), "{told:?}");
    assert!(
        told[0][4].contains("name-tries-per-minute = 4"),
        "{:?}",
        told[0]
    );
}

#[test]
fn tries_are_limited_by_source_before_anything_is_hashed() {
    let bridge = with_person(|limits| limits.source_tries_per_minute = 2);
    for name in ["a", "b"] {
        let wrong = from(&bridge, "10.0.0.1", name, "x");
        assert!(matches!(wrong, Err(Error::WrongCredential)));
    }
    let began = std::time::Instant::now();
    for number in 0..200 {
        let refused = from(&bridge, "10.0.0.1", &format!("c{number}"), "x");
        assert!(matches!(
            refused,
            Err(Error::Limit {
                name: "source-tries-per-minute",
                ..
            })
        ));
    }
    // 200 hashes take three seconds.
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
    let right = from(&bridge, "10.0.0.1", "person", "correct");
    assert!(matches!(right, Err(Error::Limit { .. })), "nobody is told");
    from(&bridge, "10.0.0.2", "person", "correct").expect("another source");
}

#[test]
fn right_passwords_are_never_too_many() {
    let bridge = with_person(|limits| {
        limits.name_tries_per_minute = 1;
        limits.source_tries_per_minute = 1;
    });
    for _ in 0..50 {
        from(&bridge, "10.0.0.1", "person", "correct").expect("right");
    }
    assert!(from(&bridge, "10.0.0.1", "person", "wrong").is_err());
    // Wrong since it was right: checked anew, which is a try.
    let refused = from(&bridge, "10.0.0.1", "person", "correct");
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
}

#[test]
fn in_a_protected_account_nothing_is_destroyed_at_once() {
    let bridge = Bridge::new();
    let (kms, administrator) = (&bridge.kms, bridge.administrator());
    let user = bridge.user(Door::Kmip);
    assert!(matches!(
        kms.protect_account(&user, true),
        Err(Error::Denied(_))
    ));
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.dates = crate::model::GivenDates::default();
    let key = kms.create_key(&user, request).expect("a key");
    let id = key.key.expect("a key");
    kms.protect_account(&administrator, true).expect("on");
    let has_material = || {
        let object = kms.inspect(&user, key.secret).expect("inspect");
        object.material != crate::model::Material::None
    };
    let mut replace = Register::new(
        crate::ObjectClass::SecretKey,
        SecretBytes::from(&[1; 32][..]),
    );
    replace.spec = Some(KeySpec::Aes { bits: 256 });
    replace.imported = Some(Imported {
        id: Some(key.secret),
        replace: true,
        ..Imported::default()
    });
    assert!(matches!(
        kms.register(&user, replace.clone()),
        Err(Error::ActionProhibited("replaced"))
    ));
    assert!(matches!(
        kms.schedule_key_deletion(&administrator, id, Some(0)),
        Err(Error::Denied(_))
    ));
    let anew = kms.init_token(bridge.account(), &SO_PIN.into(), "anew", Door::Pkcs11);
    assert!(matches!(anew, Err(Error::Denied(_))));
    let mut hasty = bridge.settings.clone();
    hasty.deletion.window_days = 0;
    let hasty = Kms::open(&hasty, Arc::new(NoSecrets)).expect("open");
    assert!(matches!(
        hasty.destroy(&user, key.secret),
        Err(Error::Denied(_))
    ));
    kms.destroy(&user, key.secret).expect("scheduled");
    assert!(has_material());
    kms.cancel_key_deletion(&administrator, id).expect("cancel");
    kms.protect_account(&administrator, false).expect("off");
    kms.register(&user, replace).expect("replaced");
}

#[test]
fn a_login_ends_when_somebody_else_sets_the_pin_and_not_when_its_holder_does() {
    let bridge = Bridge::new();
    let (kms, account) = (&bridge.kms, bridge.account());
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
    request.lifetime = Lifetime::Session(SessionId::fresh());
    let session_key = kms.create_key(&user, request).expect("a key").secret;
    let mut begun = kms
        .begin(&user, key, Purpose::Encrypt, gcm())
        .expect("begin");
    let mut spent = kms
        .begin(&user, key, Purpose::Encrypt, gcm())
        .expect("begin");
    kms.run(&mut spent, b"x", &mut [0; 64]).expect("run");

    kms.set_pin(
        account,
        Role::User,
        &PIN.into(),
        &"his own".into(),
        Door::Pkcs11,
    )
    .expect("set");
    encrypt(kms, &user, key, b"x").expect("his login goes on");
    let other = kms
        .login(account, Role::User, &"his own".into(), Door::Pkcs11)
        .expect("login");

    let so = kms
        .login(account, Role::SecurityOfficer, &SO_PIN.into(), Door::Pkcs11)
        .expect("SO");
    kms.init_pin(&so, &"another".into()).expect("reset");
    for caller in [&user, &other] {
        assert!(!kms.is_login_good(caller).expect("asked"));
        let ended = |result: Option<Error>| assert!(matches!(result, Some(Error::LoginEnded)));
        ended(encrypt(kms, caller, key, b"x").err());
        ended(kms.inspect(caller, key).err());
        ended(kms.export(caller, key).err());
        ended(kms.find(caller, &Find::default()).err());
        ended(kms.delete(caller, key).err());
        ended(kms.keys(caller, 0, 10).err());
        ended(kms.modify(caller, session_key, &mut |_| Ok(())).err());
        ended(
            kms.create_key(caller, CreateKey::new(KeySpec::Aes { bits: 256 }))
                .err(),
        );
    }
    let mut output = [0; 64];
    let running = kms.run(&mut begun, b"x", &mut output);
    assert!(matches!(running, Err(Error::LoginEnded)), "what had begun");
    let renewed = kms.renew(&mut spent, gcm());
    assert!(matches!(renewed, Err(Error::LoginEnded)), "its next use");

    assert!(
        kms.is_login_good(&so).expect("asked"),
        "the SO's login is another"
    );
    let again = kms
        .login(account, Role::User, &"another".into(), Door::Pkcs11)
        .expect("login");
    encrypt(kms, &again, key, b"x").expect("the new login");
}

#[test]
fn a_login_ends_with_its_revocation_and_with_its_token() {
    let bridge = Bridge::new();
    let (kms, account) = (&bridge.kms, bridge.account());
    let user = bridge.user(Door::Pkcs11);
    let administrator = kms.local_administrator(account);
    kms.revoke_client(&administrator, "user").expect("revoke");
    let made = kms.create_key(&user, CreateKey::new(KeySpec::Aes { bits: 256 }));
    assert!(matches!(made, Err(Error::LoginEnded)));
    let so = kms
        .login(account, Role::SecurityOfficer, &SO_PIN.into(), Door::Pkcs11)
        .expect("SO");
    kms.init_pin(&so, &PIN.into()).expect("a PIN again");
    assert!(!kms.is_login_good(&user).expect("asked"));

    let user = bridge.user(Door::Pkcs11);
    kms.init_token(account, &SO_PIN.into(), "anew", Door::Pkcs11)
        .expect("initialized again");
    kms.init_pin(&so, &PIN.into()).expect("a PIN again");
    assert!(
        !kms.is_login_good(&user).expect("asked"),
        "it was another user's"
    );
}

#[test]
fn a_login_goes_on_while_others_try_wrong_pins() {
    let bridge = Bridge::new();
    let user = bridge.user(Door::Pkcs11);
    let key = bridge.aes(&user, "k").secret;
    for _ in 0..20 {
        let tried = bridge
            .kms
            .login(bridge.account(), Role::User, &"wrong".into(), Door::Pkcs11);
        assert!(tried.is_err());
        encrypt(&bridge.kms, &user, key, b"x").expect("whoever is in stays in");
    }
}
