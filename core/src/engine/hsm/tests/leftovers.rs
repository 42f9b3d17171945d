//! What the store and the HSM could disagree about: processes that die between two steps, an HSM that is away, batches
//! that are taken back.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::harness::{PIN, pin, softhsm_test};
use super::kms::{configuration, create, run, secrets_on_the_token};
use crate::kms::Kms;
use crate::kms::intents::death;
use crate::model::{Attributes, Material, RevocationReason};
use crate::settings::{SealSettings, Settings};
use crate::store::{self, sqlite::SqliteStore};
use crate::time::Timestamp;
use crate::{AccountId, Caller, Curve, Error, KeySpec, Mechanism, ObjectId, Purpose};

/// Says to a test that it is the process that dies: where the store is, and what it does.
const STORE: &str = "KEYBRIDGE_TEST_STORE";
const DOES: &str = "KEYBRIDGE_TEST_DOES";

const AES: KeySpec = KeySpec::Aes { bits: 256 };
const P256: KeySpec = KeySpec::Ec { curve: Curve::P256 };

/// A bridge with a key file, so that nothing but keys is on the token.
struct Bridge {
    folder: tempfile::TempDir,
    account: AccountId,
    kms: Kms,
}

fn settings(folder: &Path) -> Settings {
    Settings {
        seal: SealSettings::Keyfile {
            path: folder.join("seal.key"),
        },
        ..configuration(folder)
    }
}

fn open(folder: &Path) -> Kms {
    Kms::open(&settings(folder), pin(PIN)).expect("open")
}

impl Bridge {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let kms = Kms::initialize(&settings(folder.path()), pin(PIN)).expect("initialize");
        let account = kms.create_account("main").expect("account").id;
        Self {
            folder,
            account,
            kms,
        }
    }

    fn caller(&self) -> Arc<Caller> {
        self.kms.local_administrator(self.account)
    }

    /// Lets another process do something, of which it dies at that step.
    fn let_die(&self, test: &str, step: &str, does: &str) {
        let path = module_path!().split_once("::").expect("a path").1;
        let status = Command::new(std::env::current_exe().expect("test binary"))
            .args(["--exact", &format!("{path}::{test}")])
            .env(STORE, self.folder.path())
            .env(DOES, does)
            .env(death::AT, step)
            .output()
            .expect("the process that dies")
            .status;
        assert!(status.signal().is_some(), "{step}: {status}");
    }
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::now().plus_seconds(seconds)
}

fn destroy(kms: &Kms, caller: &Arc<Caller>, object: ObjectId) -> crate::Result<()> {
    let reason = RevocationReason {
        code: 5,
        message: None,
    };
    kms.revoke(caller, object, reason, None)?;
    kms.destroy(caller, object)
}

fn works(kms: &Kms, caller: &Arc<Caller>, object: ObjectId) -> bool {
    let cbc = Mechanism::CbcPad { iv: [3; 16] };
    run(kms, caller, object, Purpose::Encrypt, &cbc, b"data").is_ok()
}

/// What the process that dies does, if this is it.
fn is_to_die() -> bool {
    let Some(folder) = std::env::var_os(STORE).map(PathBuf::from) else {
        return false;
    };
    let kms = open(&folder);
    let caller = kms.local_administrator(kms.account("main").expect("account").id);
    match std::env::var(DOES).expect("what to do").as_str() {
        "create secret" => drop(create(&kms, &caller, AES)),
        "create pair" => drop(create(&kms, &caller, P256)),
        object => drop(destroy(&kms, &caller, object.parse().expect("an object"))),
    }
    true
}

softhsm_test! {
    fn keys_that_dead_processes_were_making_do_not_stay_in_the_hsm() {
        if is_to_die() {
            return;
        }
        let bridge = Bridge::new();
        let kms = &bridge.kms;
        create(kms, &bridge.caller(), AES);
        assert_eq!(kms.leftovers().expect("leftovers"), 0, "what was kept is no leftover");
        let before = secrets_on_the_token();
        let name = "keys_that_dead_processes_were_making_do_not_stay_in_the_hsm";
        bridge.let_die(name, "made", "create secret");
        bridge.let_die(name, "made", "create pair");
        assert_eq!(secrets_on_the_token(), before + 2);
        // Somebody may still be at it.
        assert_eq!(kms.remove_leftovers().expect("too early"), 0);
        let later = open(bridge.folder.path());
        assert_eq!(later.remove_due(after(601)).expect("remove"), 2);
        assert_eq!(kms.remove_due(after(601)).expect("once"), 0);
        assert_eq!(secrets_on_the_token(), before);
        assert_eq!(later.leftovers().expect("leftovers"), 0);
    }
}

softhsm_test! {
    fn keys_that_dead_processes_were_destroying_go() {
        if is_to_die() {
            return;
        }
        let bridge = Bridge::new();
        let (kms, caller) = (&bridge.kms, bridge.caller());
        let name = "keys_that_dead_processes_were_destroying_go";
        // Dead before the HSM was asked, and dead before it was noted that it has answered.
        for (step, left) in [("doomed", 1), ("removed", 0)] {
            for spec in [AES, P256] {
                let (object, _) = create(kms, &caller, spec);
                bridge.let_die(name, step, &object.to_string());
                assert_eq!(secrets_on_the_token(), left, "{step}");
                let described = kms.inspect(&caller, object).expect("described");
                assert_eq!(described.material, Material::None, "the store has committed");
                assert_eq!(kms.leftovers().expect("leftovers"), 1);
                assert_eq!(kms.remove_due(after(31)).expect("remove"), 1);
                assert_eq!(secrets_on_the_token(), 0);
                assert_eq!(kms.leftovers().expect("leftovers"), 0);
            }
        }
    }
}

softhsm_test! {
    fn a_key_is_destroyed_while_its_hsm_is_away() {
        let bridge = Bridge::new();
        let caller = bridge.caller();
        let (object, _) = create(&bridge.kms, &caller, AES);
        let (other, _) = create(&bridge.kms, &caller, AES);
        let mut settings = settings(bridge.folder.path());
        settings.hsm.pool[0].member[0].token_label = Some("away".into());
        let blind = Kms::open(&settings, pin(PIN)).expect("open");
        destroy(&blind, &caller, object).expect("destroyed in the store");
        assert!(!works(&bridge.kms, &caller, object), "for everybody, at once");
        assert_eq!(secrets_on_the_token(), 2, "the HSM does not know yet");
        assert_eq!(blind.leftovers().expect("leftovers"), 1);
        let away = blind.remove_due(after(31));
        assert!(matches!(away, Err(Error::HsmUnavailable { .. })), "{away:?}");
        assert_eq!(bridge.kms.remove_due(after(31)).expect("it is back"), 1);
        assert_eq!(secrets_on_the_token(), 1);
        assert!(works(&bridge.kms, &caller, other));
    }
}

softhsm_test! {
    fn a_batch_that_is_taken_back_has_its_keys_again() {
        let bridge = Bridge::new();
        let (kms, caller) = (&bridge.kms, bridge.caller());
        let (object, _) = create(kms, &caller, AES);

        let batch = Arc::new(caller.undoable());
        destroy(kms, &batch, object).expect("destroyed");
        let (made, _) = create(kms, &batch, AES);
        assert_eq!(secrets_on_the_token(), 2, "until the batch has succeeded");
        kms.undo(&batch).expect("undone");
        assert!(works(kms, &caller, object));
        assert!(kms.inspect(&caller, made).is_err());
        assert_eq!(secrets_on_the_token(), 1, "what it made is gone");
        assert_eq!(kms.leftovers().expect("leftovers"), 0);

        let batch = Arc::new(caller.undoable());
        destroy(kms, &batch, object).expect("destroyed");
        assert_eq!(kms.remove_due(after(31)).expect("still under way"), 0);
        kms.conclude(&batch).expect("concluded");
        assert_eq!(secrets_on_the_token(), 0);
        assert_eq!(kms.leftovers().expect("leftovers"), 0);
    }
}

softhsm_test! {
    fn the_keys_of_a_batch_that_nobody_ended_go_and_do_not_come_back() {
        let bridge = Bridge::new();
        let (kms, caller) = (&bridge.kms, bridge.caller());
        let (object, _) = create(kms, &caller, AES);
        let batch = Arc::new(caller.undoable());
        destroy(kms, &batch, object).expect("destroyed");
        assert_eq!(kms.remove_due(after(601)).expect("remove"), 1);
        assert_eq!(secrets_on_the_token(), 0);
        let undone = kms.undo(&batch);
        assert!(matches!(undone, Err(Error::InvalidRequest(_))), "{undone:?}");
        let left = kms.inspect(&caller, object).expect("described");
        assert_eq!(left.material, Material::None, "nothing is taken back by halves");
    }
}

softhsm_test! {
    fn no_hsm_is_called_inside_a_write_transaction() {
        let bridge = Bridge::new();
        let (kms, caller) = (&bridge.kms, bridge.caller());
        let (object, _) = create(kms, &caller, AES);
        let other = SqliteStore::open(&settings(bridge.folder.path()).store.path).expect("open");
        let call = || store::write(&other, |_| kms.check_value(&caller, object));
        let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
        assert!(called.is_err(), "nobody noticed");

        // The verbs that once did so.
        let own = kms.check_value(&caller, object).expect("asked").expect("it has one");
        let give = |value: [u8; 3]| {
            move |attributes: &mut Attributes| {
                attributes.check_value = Some(value.to_vec());
                Ok(())
            }
        };
        kms.modify(&caller, object, &mut give(own)).expect("its own");
        let refused = kms.modify(&caller, object, &mut give([!own[0], own[1], own[2]]));
        assert!(refused.is_err(), "another's");
        let stored = crate::model::Lifetime::Stored;
        kms.copy(&caller, object, stored, &mut give(own)).expect("its own");
        assert!(kms.copy(&caller, object, stored, &mut give([0; 3])).is_err() || own == [0; 3]);
    }
}
