//! When the HSM, its login or its objects go away.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cryptoki::object::Attribute;
use cryptoki::session::SessionState;

use super::harness::{
    Host, LABEL, PIN, engine, generate, init_token, member, pin, run, settings, softhsm_test,
};
use crate::engine::Engine;
use crate::engine::hsm::{HsmEngine, HsmPool};
use crate::error::Error;
use crate::settings::{MemberSettings, PoolSettings};
use crate::{Curve, KeySpec, Mechanism, Object, Purpose};

fn sign(engine: &HsmEngine, object: &Object) -> Result<Vec<u8>, Error> {
    run(engine, object, Purpose::Sign, &Mechanism::Ecdsa, &[1; 32])
}

fn p256() -> KeySpec {
    KeySpec::Ec { curve: Curve::P256 }
}

fn engine_with(member: MemberSettings) -> HsmEngine {
    HsmEngine::new(HsmPool::new(&settings(member), pin(PIN)).expect("pool"))
}

softhsm_test! {
    /// Each loss is survived by a key that is held ready, by a look-up, and by the making of a key.
    fn a_lost_login_or_session_is_made_again() {
        let engine = engine();
        let (object, _) = generate(&engine, p256());
        let ready = engine.ready(&object).expect("ready");
        let log_out = || {
            Host::new().session().logout().expect("logout");
        };
        let finalize = || Host::new().pkcs11.finalize().expect("finalize");
        let start_again = || {
            finalize();
            Host::new();
        };
        let losses: [(&str, &dyn Fn()); 3] = [
            ("logged out", &log_out),
            ("finalized", &finalize),
            ("finalized and initialized by the host", &start_again),
        ];
        for (loss, lose) in losses {
            lose();
            let output = &mut [0; 64];
            ready.run(Purpose::Sign, &Mechanism::Ecdsa, &[1; 32], output)
                .unwrap_or_else(|error| panic!("{loss}: use: {error}"));
            lose();
            sign(&engine, &object).unwrap_or_else(|error| panic!("{loss}: look-up: {error}"));
            lose();
            let (made, _) = generate(&engine, p256());
            lose();
            engine.destroy(&made).unwrap_or_else(|error| panic!("{loss}: destroy: {error}"));
        }
        assert_eq!(engine.pool().status().members[0].fault, None);
    }
}

softhsm_test! {
    fn an_object_deleted_behind_our_back_is_named() {
        let engine = engine();
        let (lost, _) = generate(&engine, p256());
        let (kept, _) = generate(&engine, p256());
        let ready = engine.ready(&lost).expect("ready");
        let session = Host::new().session();
        let found = session.find_objects(&[Attribute::Id(lost.id.as_bytes().to_vec())]).expect("find");
        session.destroy_object(found[0]).expect("destroy");
        for _ in 0..3 {
            let error = ready
                .run(Purpose::Sign, &Mechanism::Ecdsa, &[1; 32], &mut [0; 64])
                .expect_err("gone");
            assert!(matches!(error, Error::HsmRefused { .. }), "{error}");
            assert!(error.to_string().contains(&lost.id.to_string()), "{error}");
        }
        sign(&engine, &kept).expect("the others are as they were");
        engine.destroy(&lost).expect("gone is gone");
    }
}

softhsm_test! {
    /// Two objects under one CKA_ID: we do not guess.
    fn a_second_object_under_the_id_is_refused() {
        let engine = engine();
        let (object, _) = generate(&engine, KeySpec::Aes { bits: 256 });
        let id = object.id.as_bytes().to_vec();
        Host::new().session()
            .generate_key(&cryptoki::mechanism::Mechanism::AesKeyGen, &[
                Attribute::Id(id),
                Attribute::Token(true),
                Attribute::ValueLen(16.into()),
            ])
            .expect("generate");
        let error = engine.ready(&object).err().expect("ambiguous");
        assert!(error.to_string().contains("2 objects"), "{error}");
    }
}

softhsm_test! {
    /// SoftHSM2 marks a wrong PIN with CKF_USER_PIN_COUNT_LOW and a good one takes the mark away: after the
    /// host's good login the mark stays away, so the wrong PIN was not tried again.
    fn a_wrong_pin_costs_one_try() {
        let host = Host::new();
        let low = || host.pkcs11.get_token_info(host.slot).expect("token").user_pin_count_low();
        let wrong = pin("000000");
        let engine = HsmEngine::new(HsmPool::new(&settings(member()), wrong.clone()).expect("pool"));
        let object = super::harness::object(
            crate::ObjectId::random(),
            p256(),
            crate::Attributes::default(),
            crate::model::Material::Resident { hsm_id: vec![1; 16] },
        );
        let refused = |engine: &HsmEngine| {
            let error = engine.ready(&object).err().expect("wrong PIN");
            assert!(matches!(error, Error::HsmUnavailable { .. }), "{error}");
            assert!(error.to_string().contains("CKR_PIN_INCORRECT"), "{error}");
        };
        assert!(!low());
        refused(&engine);
        assert!(low(), "tried");
        let session = host.session();
        host.log_in(&session).expect("login");
        session.logout().expect("logout");
        assert!(!low());
        for _ in 0..5 {
            refused(&engine);
        }
        let fault = engine.pool().status().members[0].fault.clone();
        assert!(fault.expect("fault").contains("CKR_PIN_INCORRECT"));
        // Nor by another engine of this process; but another PIN is.
        refused(&HsmEngine::new(HsmPool::new(&settings(member()), wrong.clone()).expect("pool")));
        assert!(!low(), "tried again");
        assert_eq!(wrong.asked.load(Ordering::SeqCst), 2, "each pool asks once");
        let right = engine_with(member());
        generate(&right, p256());
    }
}

softhsm_test! {
    /// A pool whose PIN file was wrong works once the file is corrected.
    fn a_corrected_pin_file_is_read_again() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("pin");
        std::fs::write(&path, "wrong1\n").expect("write");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, private).expect("chmod");
        let engine = engine_with(MemberSettings { pin_file: Some(path.clone()), ..member() });
        for _ in 0..2 {
            let status = engine.pool().status();
            assert!(status.members[0].fault.as_ref().expect("fault").contains("CKR_PIN_INCORRECT"));
        }
        std::fs::write(&path, format!("{PIN}\n")).expect("write");
        generate(&engine, p256());
    }
}

softhsm_test! {
    fn an_hsm_that_is_not_there_is_told_in_words() {
        let words = |member: MemberSettings| {
            let engine = engine_with(member);
            let status = engine.pool().status();
            assert_eq!(status.members[0].token, None);
            // Not reachable is not unsupported.
            assert!(engine.supports(p256(), Purpose::Sign, &Mechanism::Ecdsa));
            status.members[0].fault.clone().expect("fault")
        };
        let missing = words(MemberSettings { module: "/nonexistent/vendor.so".into(), ..member() });
        assert!(missing.contains("/nonexistent/vendor.so"), "{missing}");
        let label = Some("another".to_owned());
        let unknown = words(MemberSettings { token_label: label, ..member() });
        assert!(unknown.contains("no token labelled \"another\""), "{unknown}");
        let no_module = words(MemberSettings { module: std::env::current_exe().expect("self"), ..member() });
        assert!(no_module.contains("module"), "{no_module}");
    }
}

softhsm_test! {
    fn tokens_are_told_apart_by_serial_number() {
        let configuration = std::env::var_os("SOFTHSM2_CONF").expect("inside");
        init_token(configuration.as_ref(), LABEL);
        let error = engine_with(member()).pool().status().members[0].fault.clone().expect("ambiguous");
        assert!(error.contains("2 tokens") && error.contains("token-serial"), "{error}");
        let host = Host::new();
        let serial = host.pkcs11.get_token_info(host.slot).expect("token").serial_number().to_owned();
        let engine = engine_with(MemberSettings {
            token_label: None,
            token_serial: Some(serial.clone()),
            ..member()
        });
        generate(&engine, p256());
        let status = engine.pool().status();
        let token = status.members[0].token.as_ref().expect("token");
        assert_eq!((token.serial.as_str(), token.label.as_str()), (serial.as_str(), LABEL));
        assert_eq!(token.firmware, "2.6");
    }
}

softhsm_test! {
    /// More threads than sessions: they wait for each other, and no more sessions are opened than allowed.
    fn threads_share_the_sessions() {
        let engine = Arc::new(engine_with(MemberSettings { sessions: Some(2), ..member() }));
        let (object, _) = generate(&engine, p256());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let key = engine.ready(&object).expect("ready");
                    for _ in 0..50 {
                        key.run(Purpose::Sign, &Mechanism::Ecdsa, &[1; 32], &mut [0; 64]).expect("sign");
                    }
                });
            }
        });
        let member = engine.pool().status().members.remove(0);
        assert!((1..=2).contains(&member.sessions_open), "{member:?}");
        assert_eq!((member.sessions_in_use, member.sessions_limit), (0, 2));
        let state = || Host::new().session().get_session_info().expect("info").session_state();
        assert!(matches!(state(), SessionState::RwUser));
        drop(engine);
        // The last session takes the login with it.
        assert!(matches!(state(), SessionState::RwPublic), "sessions are closed with the engine");
    }
}

softhsm_test! {
    /// Threads at work while the login is lost again and again: nobody sees it.
    fn losses_under_load_are_survived() {
        let engine = Arc::new(engine());
        let (object, _) = generate(&engine, p256());
        let host = Host::new();
        let failures = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if let Err(error) = sign(&engine, &object) {
                            failures.lock().expect("lock").push(error.to_string());
                        }
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..5 {
                    let session = host.session();
                    let _ = session.logout();
                    drop(session);
                    for _ in 0..20 {
                        sign(&engine, &object).ok();
                    }
                }
            });
        });
        // A second loss during the one repetition is told; it must stay the exception.
        let failures = failures.into_inner().expect("lock");
        assert!(failures.len() <= 8, "{} of 400: {failures:?}", failures.len());
        sign(&engine, &object).expect("all is well afterwards");
    }
}

#[test]
fn a_pool_is_made_without_touching_the_module() {
    let member = MemberSettings {
        module: "/nonexistent/vendor.so".into(),
        token_label: Some("x".to_owned()),
        token_serial: None,
        pin_file: Some("/nonexistent/pin".into()),
        sessions: None,
    };
    let make = |member: Vec<MemberSettings>| {
        let name = "p".to_owned();
        HsmPool::new(&PoolSettings { name, member }, pin(PIN)).map(|_| ())
    };
    make(vec![member.clone()]).expect("nothing is opened");
    let nameless = MemberSettings {
        token_label: None,
        ..member.clone()
    };
    let none = MemberSettings {
        sessions: Some(0),
        ..member.clone()
    };
    for wrong in [
        vec![],
        vec![member.clone(), member],
        vec![nameless],
        vec![none],
    ] {
        assert!(matches!(make(wrong), Err(Error::Configuration(_))));
    }
}
