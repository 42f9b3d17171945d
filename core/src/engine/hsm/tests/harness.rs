//! A SoftHSM2 token for one test, and a process to run it in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;

use crate::engine::hsm::{HsmEngine, HsmPool};
use crate::engine::{Engine, Generated, NewKey};
use crate::error::Result;
use crate::id::{AccountId, ObjectId, PrincipalId};
use crate::model::{
    Attributes, Dates, Lifetime, Material, Object, ObjectClass, ObjectState, Protection, UsageMask,
};
use crate::seal::SecretSource;
use crate::secret::SecretBytes;
use crate::settings::{MemberSettings, PoolSettings};
use crate::{KeySpec, Purpose};

pub(super) const PIN: &str = "654321";
pub(super) const LABEL: &str = "keybridge-test";

/// Says to a test that it runs in its own process.
const INSIDE: &str = "KEYBRIDGE_TEST_IN_SOFTHSM";

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
];

/// Where SoftHSM2 is; or another module, to try the tests on. That one must be set up with a token labelled
/// [`LABEL`] and [`PIN`], and the process must believe that it is a test's own ([`INSIDE`]).
pub(super) fn module() -> PathBuf {
    if let Some(path) = std::env::var_os("KEYBRIDGE_TEST_HSM_MODULE") {
        return path.into();
    }
    MODULES
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .expect("SoftHSM2 is needed for this test: apt-get install softhsm2")
}

/// Runs `body` in a process whose SoftHSM2 has one fresh token. `test` is the test's full name without the
/// crate's.
pub(super) fn in_softhsm(module_path: &str, test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    module();
    let folder = tempfile::tempdir().expect("temporary folder");
    let configuration = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).expect("token folder");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(&configuration, text).expect("SoftHSM2 configuration");
    init_token(&configuration, LABEL);

    let path = module_path.split_once("::").expect("a path in the crate").1;
    let mut child = Command::new(std::env::current_exe().expect("test binary"));
    let output = child
        .args(["--exact", &format!("{path}::{test}"), "--nocapture"])
        .env("SOFTHSM2_CONF", &configuration)
        .env(INSIDE, "1")
        .env_remove("RUST_TEST_THREADS")
        .output()
        .expect("the test's own process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{test} failed ({}):\n{text}",
        output.status
    );
    assert!(
        text.contains("1 passed"),
        "{path}::{test} did not run:\n{text}"
    );
}

/// Adds a token to the SoftHSM2 of that configuration.
pub(super) fn init_token(configuration: &Path, label: &str) {
    let output = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", label])
        .args(["--so-pin", "12345678", "--pin", PIN])
        .env("SOFTHSM2_CONF", configuration)
        .output()
        .expect("softhsm2-util is needed for this test: apt-get install softhsm2");
    assert!(output.status.success(), "softhsm2-util: {output:?}");
}

/// Runs a test inside SoftHSM2.
macro_rules! softhsm_test {
    ($(#[$meta:meta])* fn $name:ident() $body:block) => {
        $(#[$meta])*
        #[test]
        fn $name() {
            crate::engine::hsm::tests::harness::in_softhsm(
                module_path!(),
                stringify!($name),
                || $body,
            );
        }
    };
}
pub(super) use softhsm_test;

/// Answers with one PIN and counts how often it is asked.
pub(super) struct Pin {
    pub(super) value: &'static str,
    pub(super) asked: AtomicUsize,
}

impl SecretSource for Pin {
    fn secret(&self, purpose: &str) -> Result<Option<SecretBytes>> {
        assert!(purpose.starts_with("PIN of HSM pool"), "{purpose}");
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Some(SecretBytes::from(self.value)))
    }
}

pub(super) fn pin(value: &'static str) -> Arc<Pin> {
    Arc::new(Pin {
        value,
        asked: AtomicUsize::new(0),
    })
}

pub(super) fn member() -> MemberSettings {
    MemberSettings {
        module: module(),
        token_label: Some(LABEL.to_owned()),
        token_serial: None,
        pin_file: None,
        sessions: None,
    }
}

pub(super) fn settings(member: MemberSettings) -> PoolSettings {
    PoolSettings {
        name: "soft".to_owned(),
        member: vec![member],
    }
}

pub(super) fn pool() -> Arc<HsmPool> {
    HsmPool::new(&settings(member()), pin(PIN)).expect("pool")
}

pub(super) fn engine() -> HsmEngine {
    HsmEngine::new(pool())
}

/// A second user of the module in this process, as the host application may be one.
pub(super) struct Host {
    pub(super) pkcs11: Pkcs11,
    pub(super) slot: Slot,
}

impl Host {
    pub(super) fn new() -> Self {
        let pkcs11 = Pkcs11::new(module()).expect("load");
        let _ = pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let slot = pkcs11
            .get_slots_with_initialized_token()
            .expect("slots")
            .into_iter()
            .find(|&slot| pkcs11.get_token_info(slot).expect("token").label() == LABEL)
            .expect("the token");
        Self { pkcs11, slot }
    }

    /// A session; logged in when the process is.
    pub(super) fn session(&self) -> Session {
        self.pkcs11.open_rw_session(self.slot).expect("session")
    }

    pub(super) fn log_in(
        &self,
        session: &Session,
    ) -> std::result::Result<(), cryptoki::error::Error> {
        let pin = cryptoki::types::AuthPin::new(PIN.into());
        session.login(UserType::User, Some(&pin))
    }
}

/// Usage of everything a key can do.
pub(super) fn all_usage() -> UsageMask {
    UsageMask(0x3ff)
}

/// Makes a key; returns it as the core would keep it.
pub(super) fn generate(engine: &HsmEngine, spec: KeySpec) -> (Object, Option<Vec<u8>>) {
    let attributes = Attributes {
        label: "test".to_owned(),
        usage: all_usage(),
        ..Attributes::default()
    };
    let id = ObjectId::random();
    let key = NewKey {
        id,
        spec,
        attributes: &attributes,
        public_exponent: None,
    };
    let Generated { secret, public } = engine.generate(&key).expect("generate");
    (object(id, spec, attributes, secret), public)
}

/// Imports a key.
pub(super) fn import(engine: &HsmEngine, spec: KeySpec, value: &[u8]) -> Result<Object> {
    let attributes = Attributes {
        usage: all_usage(),
        ..Attributes::default()
    };
    let id = ObjectId::random();
    let key = NewKey {
        id,
        spec,
        attributes: &attributes,
        public_exponent: None,
    };
    let material = engine.import(&key, SecretBytes::from(value))?;
    Ok(object(id, spec, attributes, material))
}

pub(super) fn object(
    id: ObjectId,
    spec: KeySpec,
    attributes: Attributes,
    material: Material,
) -> Object {
    Object {
        id,
        account: AccountId::random(),
        class: if spec.is_asymmetric() {
            ObjectClass::PrivateKey
        } else {
            ObjectClass::SecretKey
        },
        spec: Some(spec),
        key: None,
        version: 1,
        owner: PrincipalId::random(),
        state: ObjectState::Active,
        dates: Dates::default(),
        revocation: None,
        deletion: None,
        protection: Protection::Hsm("soft".to_owned()),
        always_sensitive: true,
        never_extractable: true,
        local: true,
        key_gen_mechanism: None,
        format: None,
        digest: None,
        public_key_info: None,
        fingerprint: None,
        fresh: true,
        archived: false,
        attributes,
        lifetime: Lifetime::Stored,
        material,
    }
}

/// One operation in one part.
pub(super) fn run(
    engine: &HsmEngine,
    object: &Object,
    purpose: Purpose,
    mechanism: &crate::Mechanism,
    input: &[u8],
) -> Result<Vec<u8>> {
    let key = engine.ready(object)?;
    let mut output = vec![0; key.output_length(purpose, mechanism, input.len())?];
    let length = key.run(purpose, mechanism, input, &mut output)?;
    output.truncate(length);
    Ok(output)
}
