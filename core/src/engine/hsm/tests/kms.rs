//! The whole way: a bridge whose root key is sealed by the HSM, with keys in it.

use std::path::Path;
use std::sync::Arc;

use cryptoki::object::{Attribute, ObjectClass as TokenClass};

use super::harness::{Host, PIN, member, pin, settings, softhsm_test};
use crate::kms::{CreateKey, Kms};
use crate::model::{Lifetime, RevocationReason};
use crate::settings::{
    DeletionSettings, HsmSettings, Limits, SealSettings, Settings, StoreSettings,
};
use crate::{
    Attributes, Caller, Curve, Error, HashAlgorithm, KeySpec, Mechanism, ObjectId, Protection,
    Purpose, Result,
};

pub(super) fn configuration(folder: &Path) -> Settings {
    Settings {
        policy: Default::default(),
        store: StoreSettings {
            path: folder.join("store.db"),
        },
        seal: SealSettings::Hsm {
            pool: "soft".to_owned(),
        },
        hsm: HsmSettings {
            pool: vec![settings(member())],
        },
        limits: Limits::default(),
        deletion: DeletionSettings { window_days: 0 },
    }
}

pub(super) fn create(
    kms: &Kms,
    caller: &Arc<Caller>,
    spec: KeySpec,
) -> (ObjectId, Option<ObjectId>) {
    let mut request = CreateKey::new(spec);
    request.protection = Protection::Hsm("soft".to_owned());
    request.secret = Attributes {
        label: "in the HSM".to_owned(),
        usage: super::harness::all_usage(),
        ..Attributes::default()
    };
    request.public.usage = super::harness::all_usage();
    let created = kms.create_key(caller, request).expect("create");
    (created.secret, created.public)
}

pub(super) fn run(
    kms: &Kms,
    caller: &Arc<Caller>,
    object: ObjectId,
    purpose: Purpose,
    mechanism: &Mechanism,
    input: &[u8],
) -> Result<Vec<u8>> {
    let mut operation = kms.begin(caller, object, purpose, mechanism.clone())?;
    let mut output = vec![0; operation.output_length(input.len())?];
    let length = kms.run(&mut operation, input, &mut output)?;
    output.truncate(length);
    Ok(output)
}

pub(super) fn secrets_on_the_token() -> usize {
    let session = Host::new().session();
    [
        TokenClass::SECRET_KEY,
        TokenClass::PRIVATE_KEY,
        TokenClass::PUBLIC_KEY,
    ]
    .map(|class| {
        session
            .find_objects(&[Attribute::Class(class)])
            .expect("find")
            .len()
    })
    .iter()
    .sum()
}

softhsm_test! {
    fn a_bridge_lives_on_an_hsm() {
        let folder = tempfile::tempdir().expect("folder");
        let settings = configuration(folder.path());
        let kms = Kms::initialize(&settings, pin(PIN)).expect("initialize");
        let account = kms.create_account("main").expect("account").id;
        let caller = kms.local_administrator(account);
        let (private, public) = create(&kms, &caller, KeySpec::Ec { curve: Curve::P256 });
        let (secret, _) = create(&kms, &caller, KeySpec::Aes { bits: 256 });
        assert_eq!(secrets_on_the_token(), 3, "the seal's key, a private half, a secret key");

        // Signed in the HSM, verified in software; through another opening of the same store.
        let mechanism = Mechanism::EcdsaHash { hash: HashAlgorithm::Sha256 };
        let signed = run(&kms, &caller, private, Purpose::Sign, &mechanism, b"data").expect("sign");
        let second = Kms::open(&settings, pin(PIN)).expect("open");
        let administrator = second.local_administrator(account);
        let public = public.expect("public half");
        let mut verification = second
            .begin(&administrator, public, Purpose::Verify, mechanism.clone())
            .expect("begin");
        second.verify(&mut verification, b"data", &signed).expect("verify");

        let gcm = Mechanism::Gcm { iv: vec![1; 12], aad: Vec::new(), tag_length: 16 };
        let sealed = run(&kms, &caller, secret, Purpose::Encrypt, &gcm, b"data").expect("encrypt");
        let opened = run(&second, &administrator, secret, Purpose::Decrypt, &gcm, &sealed);
        assert_eq!(opened.expect("decrypt"), b"data");

        // A lost login in between goes unnoticed; the value stays where it is; the gate holds.
        Host::new().session().logout().expect("logout");
        run(&kms, &caller, private, Purpose::Sign, &mechanism, b"data").expect("sign again");
        assert!(kms.export(&caller, secret).is_err(), "the value does not leave the HSM");
        let key = kms.inspect(&caller, private).expect("inspect").key.expect("key");
        kms.disable_key(&caller, key).expect("disable");
        let refused = run(&second, &administrator, private, Purpose::Sign, &mechanism, b"data");
        assert!(matches!(refused, Err(Error::KeyState { .. })), "{refused:?}");

        kms.delete(&caller, secret).expect("delete");
        assert_eq!(secrets_on_the_token(), 2, "gone from the HSM too");
        assert!(run(&second, &administrator, secret, Purpose::Encrypt, &gcm, b"data").is_err());
    }
}

softhsm_test! {
    fn a_store_that_does_not_come_to_be_leaves_no_seal_in_the_hsm() {
        let folder = tempfile::tempdir().expect("folder");
        let settings = configuration(folder.path());
        let kms = Kms::initialize(&settings, pin(PIN)).expect("initialize");
        assert_eq!(secrets_on_the_token(), 1);
        kms.abandon();
        assert_eq!(secrets_on_the_token(), 0);
        let mut nowhere = settings.clone();
        std::fs::write(folder.path().join("a file"), "").expect("write");
        nowhere.store.path = folder.path().join("a file").join("store.db");
        assert!(Kms::initialize(&nowhere, pin(PIN)).is_err());
        assert_eq!(secrets_on_the_token(), 0);
    }
}

softhsm_test! {
    fn a_store_does_not_open_without_its_seal_key() {
        let folder = tempfile::tempdir().expect("folder");
        let settings = configuration(folder.path());
        drop(Kms::initialize(&settings, pin(PIN)).expect("initialize"));
        let refused = Kms::open(&settings, pin("000000")).err().expect("wrong PIN");
        assert!(matches!(refused, Error::HsmUnavailable { .. }), "{refused}");
        let kms = Kms::open(&settings, pin(PIN)).expect("open");
        let session = Host::new().session();
        for handle in session.find_objects(&[Attribute::Class(TokenClass::SECRET_KEY)]).expect("find") {
            session.destroy_object(handle).expect("destroy");
        }
        drop(kms);
        let refused = Kms::open(&settings, pin(PIN)).err().expect("no key");
        assert!(matches!(refused, Error::SealFailed(_)), "{refused}");
        assert!(refused.to_string().contains("does not have the key"), "{refused}");
    }
}

softhsm_test! {
    fn copies_of_a_key_in_the_hsm_are_one_key_there() {
        let folder = tempfile::tempdir().expect("folder");
        let settings = configuration(folder.path());
        let kms = Kms::initialize(&settings, pin(PIN)).expect("initialize");
        let account = kms.create_account("main").expect("account").id;
        let caller = kms.local_administrator(account);
        let before = secrets_on_the_token();
        let cbc = Mechanism::CbcPad { iv: [3; 16] };
        // Destroyed in either order, by either way: the key is there as long as one of them is.
        for (original_first, by_kmip) in [(true, false), (false, false), (true, true), (false, true)] {
            let (key, _) = create(&kms, &caller, KeySpec::Aes { bits: 256 });
            let sealed = run(&kms, &caller, key, Purpose::Encrypt, &cbc, b"data").expect("encrypt");
            let mut rename = |attributes: &mut Attributes| {
                "a copy".clone_into(&mut attributes.label);
                Ok(())
            };
            let copy = kms.copy(&caller, key, Lifetime::Stored, &mut rename).expect("copied");
            assert_eq!(secrets_on_the_token(), before + 1);
            let (first, last) = if original_first { (key, copy) } else { (copy, key) };
            let destroy = |object| {
                if by_kmip {
                    let reason = RevocationReason { code: 5, message: None };
                    kms.revoke(&caller, object, reason, None).expect("revoked");
                    kms.destroy(&caller, object).expect("destroyed");
                } else {
                    kms.delete(&caller, object).expect("deleted");
                }
            };
            destroy(first);
            let opened = run(&kms, &caller, last, Purpose::Decrypt, &cbc, &sealed);
            assert_eq!(opened.expect("the other one works"), b"data");
            destroy(last);
            assert_eq!(secrets_on_the_token(), before);
        }
    }
}
