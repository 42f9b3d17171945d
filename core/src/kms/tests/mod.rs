//! The verbs, on a real store in a temporary folder.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::authorize::Door;
use crate::error::Error;
use crate::id::ObjectId;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Attributes, Object, Role, UsageMask};
use crate::seal::SecretSource;
use crate::secret::SecretBytes;
use crate::settings::ConfigurationFile;
use crate::{KeySpec, settings::Settings};

mod accounts;
mod attacks;
mod audit;
mod keys;
mod limits;
mod objects;
mod oracles;
mod policy;
mod sensitivity;
mod sequences;
mod tampering;
mod uses;

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _purpose: &str) -> Result<Option<SecretBytes>> {
        Ok(None)
    }
}

/// A bridge with one account `main`, its PINs set.
struct Bridge {
    kms: Kms,
    settings: Settings,
    _folder: TempDir,
}

const SO_PIN: &str = "12345678";
const PIN: &str = "1234";

fn settings(folder: &Path) -> Settings {
    let file = folder.join("keybridge.toml");
    std::fs::write(
        &file,
        "[store]\npath = \"store.db\"\n[seal]\nkind = \"keyfile\"\npath = \"seal.key\"\n",
    )
    .expect("write the configuration");
    ConfigurationFile::read(&file)
        .expect("read the configuration")
        .settings()
}

impl Bridge {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(edit: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut settings = settings(folder.path());
        edit(&mut settings);
        let kms = Kms::initialize(&settings, Arc::new(NoSecrets)).expect("initialize");
        let account = kms.create_account("main").expect("an account").id;
        kms.init_token(account, &SO_PIN.into(), "main token", Door::Pkcs11)
            .expect("init token");
        let so = kms
            .login(account, Role::SecurityOfficer, &SO_PIN.into(), Door::Pkcs11)
            .expect("SO");
        kms.init_pin(&so, &PIN.into()).expect("init PIN");
        Self {
            kms,
            settings,
            _folder: folder,
        }
    }

    /// Another process's view of the same store.
    fn second(&self) -> Kms {
        Kms::open(&self.settings, Arc::new(NoSecrets)).expect("open")
    }

    fn account(&self) -> crate::AccountId {
        self.kms.account("main").expect("the account").id
    }

    fn administrator(&self) -> Arc<Caller> {
        self.kms.local_administrator(self.account())
    }

    fn user(&self, door: Door) -> Arc<Caller> {
        self.kms
            .login(self.account(), Role::User, &PIN.into(), door)
            .expect("login")
    }

    /// Whoever knows the token's SO PIN.
    fn officer(&self) -> Arc<Caller> {
        let role = Role::SecurityOfficer;
        let login = self
            .kms
            .login(self.account(), role, &SO_PIN.into(), Door::Pkcs11);
        login.expect("the SO's login")
    }

    fn aes(&self, caller: &Arc<Caller>, label: &str) -> Created {
        let mut request = CreateKey::new(KeySpec::Aes { bits: 256 });
        request.secret = attributes(label);
        self.kms.create_key(caller, request).expect("an AES key")
    }
}

fn attributes(label: &str) -> Attributes {
    let usage = UsageMask::ENCRYPT | UsageMask::DECRYPT | UsageMask::WRAP | UsageMask::UNWRAP;
    Attributes {
        label: label.into(),
        usage,
        ..Attributes::default()
    }
}

fn gcm() -> Mechanism {
    Mechanism::Gcm {
        iv: vec![7; 12],
        aad: Vec::new(),
        tag_length: 16,
    }
}

fn encrypt(kms: &Kms, caller: &Arc<Caller>, object: ObjectId, data: &[u8]) -> Result<Vec<u8>> {
    one_part(kms, caller, object, Purpose::Encrypt, gcm(), data)
}

fn decrypt(kms: &Kms, caller: &Arc<Caller>, object: ObjectId, data: &[u8]) -> Result<Vec<u8>> {
    one_part(kms, caller, object, Purpose::Decrypt, gcm(), data)
}

fn one_part(
    kms: &Kms,
    caller: &Arc<Caller>,
    object: ObjectId,
    purpose: Purpose,
    mechanism: Mechanism,
    data: &[u8],
) -> Result<Vec<u8>> {
    let mut operation = kms.begin(caller, object, purpose, mechanism)?;
    let mut output = vec![0; operation.output_length(data.len())?];
    let written = kms.run(&mut operation, data, &mut output)?;
    output.truncate(written);
    Ok(output)
}
