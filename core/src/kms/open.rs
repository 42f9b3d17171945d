//! Opening a key manager on its store, and making a new one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Kms;
use super::cache::Cache;
use super::engines::Engines;
use super::imprints::SessionImprints;
use super::policies::Policies;
use super::sessions::SessionObjects;
use crate::audit::Audit;
use crate::engine::hsm::{HsmEngine, HsmPool, HsmSeal};
use crate::engine::software::SoftwareEngine;
use crate::error::{Error, Result};
use crate::id::AccountId;
use crate::seal::{KeyfileSeal, PassphraseSeal, Seal, SecretSource, Vault, secrets};
use crate::secret::SecretBytes;
use crate::settings::{PoolSettings, SealSettings, Settings};
use crate::store::sqlite::SqliteStore;
use crate::store::{self, Store};

/// Environment variable that holds the store's passphrase.
const PASSPHRASE_VARIABLE: &str = "KEYBRIDGE_PASSPHRASE";

/// Name of the store's own identifier among its meta values: it names the store's seal key in an HSM.
const META_STORE_ID: &str = "store-id";

/// Shortest passphrase of a new store, bytes.
const PASSPHRASE_MIN: usize = 8;

impl Kms {
    /// Makes a new store with a new root key under the configured seal (and the key file of a keyfile seal).
    /// Never overwrites.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the store's file or the key file is there, seal and store failures.
    pub fn initialize(settings: &Settings, source: Arc<dyn SecretSource>) -> Result<Self> {
        let path = &settings.store.path;
        if path.exists() {
            return Err(Error::AlreadyExists {
                what: "store",
                name: path.display().to_string(),
            });
        }
        let pools = pools(settings, &source)?;
        let id = AccountId::random().to_string();
        if let SealSettings::Keyfile { path } = &settings.seal {
            KeyfileSeal::create(path)?;
        }
        // Before the store's file is made: what is wrong with the seal leaves nothing behind.
        let seal = seal(settings, &id, &pools, source.as_ref())?;
        let kms = Self::initialize_sealed(settings, &id, seal.as_ref(), pools);
        kms.inspect_err(|_| discard(seal.as_ref()))
    }

    fn initialize_sealed(
        settings: &Settings,
        id: &str,
        seal: &dyn Seal,
        pools: Pools,
    ) -> Result<Self> {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::create(&settings.store.path)?);
        store::write(store.as_ref(), |transaction| {
            transaction.put_meta(META_STORE_ID, id.as_bytes())
        })?;
        let vault = Vault::create(store.as_ref(), seal)?;
        let kms = Self::assemble(settings, store, vault, pools)?;
        store::write(kms.store.as_ref(), |transaction| {
            kms.audit.initialize_in(transaction)
        })?;
        kms.note_imprinted()?;
        Ok(kms)
    }

    /// Gives a new store up, which is about to be removed: what its seal made in an HSM goes.
    pub fn abandon(self) {
        let id = store::read(self.store.as_ref(), |reader| reader.meta(META_STORE_ID));
        let (SealSettings::Hsm { pool }, Ok(Some(id))) = (&self.settings.seal, id) else {
            return;
        };
        if let Some(engine) = self.engines.pools.get(pool) {
            let id = String::from_utf8_lossy(&id);
            discard(&HsmSeal::new(Arc::clone(engine.pool()), &id));
        }
    }

    /// Opens a store.
    ///
    /// # Errors
    /// [`Error::SealFailed`], [`Error::Store`], [`Error::HsmUnavailable`]; nothing is changed.
    pub fn open(settings: &Settings, source: Arc<dyn SecretSource>) -> Result<Self> {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&settings.store.path)?);
        let pools = pools(settings, &source)?;
        let id = store::read(store.as_ref(), |reader| reader.meta(META_STORE_ID))?;
        let id = String::from_utf8_lossy(&id.unwrap_or_default()).into_owned();
        let seal = seal(settings, &id, &pools, source.as_ref())?;
        let vault = Vault::open(store.as_ref(), seal.as_ref())?;
        let kms = Self::assemble(settings, store, vault, pools)?;
        kms.imprint_old_objects()?;
        Ok(kms)
    }

    fn assemble(
        settings: &Settings,
        store: Arc<dyn Store>,
        vault: Vault,
        pools: Pools,
    ) -> Result<Self> {
        let vault = Arc::new(vault);
        let key = vault.derive_key("audit")?;
        let folder = audit_folder(&settings.store.path);
        let audit = Audit::open(Arc::clone(&store), &key, &folder);
        Ok(Self {
            settings: settings.clone(),
            store,
            vault,
            audit,
            engines: Engines {
                software: SoftwareEngine,
                pools,
            },
            cache: Cache::new(settings.limits.cached_objects),
            sessions: SessionObjects::default(),
            session_imprints: SessionImprints::default(),
            policies: Policies::new(&settings.policy),
            requests: AtomicU64::new(1),
            stirred: super::stirred::Stirred::default(),
            turnstiles: super::authenticate::Turnstiles::default(),
            passwords: super::password::Passwords::default(),
            tries: super::tries::Tries::new(&settings.limits),
        })
    }
}

fn discard(seal: &dyn Seal) {
    if let Err(error) = seal.discard() {
        tracing::error!(%error, "the seal's key of a store that did not come to be is left in the HSM");
    }
}

type Pools = BTreeMap<String, HsmEngine>;

fn pools(settings: &Settings, source: &Arc<dyn SecretSource>) -> Result<Pools> {
    let pool = |pool: &PoolSettings| {
        let opened = HsmPool::new(pool, Arc::clone(source))?;
        Ok((pool.name.clone(), HsmEngine::new(opened)))
    };
    settings.hsm.pool.iter().map(pool).collect()
}

fn seal(
    settings: &Settings,
    store_id: &str,
    pools: &Pools,
    source: &dyn SecretSource,
) -> Result<Box<dyn Seal>> {
    match &settings.seal {
        SealSettings::Keyfile { path } => Ok(Box::new(KeyfileSeal::read(path)?)),
        SealSettings::Passphrase { .. } => {
            let passphrase = passphrase(settings, source)?;
            if passphrase.len() < PASSPHRASE_MIN {
                let short = format!("a passphrase has at least {PASSPHRASE_MIN} bytes");
                return Err(Error::SealFailed(short));
            }
            Ok(Box::new(PassphraseSeal::new(passphrase)))
        }
        SealSettings::Hsm { pool } => {
            let engine = pools.get(pool).ok_or_else(|| {
                Error::Configuration(format!(
                    "[seal] names the pool {pool:?}, and there is no such [[hsm.pool]]"
                ))
            })?;
            Ok(Box::new(HsmSeal::new(Arc::clone(engine.pool()), store_id)))
        }
    }
}

fn passphrase(settings: &Settings, source: &dyn SecretSource) -> Result<SecretBytes> {
    if let SealSettings::Passphrase {
        passphrase_file: Some(path),
    } = &settings.seal
    {
        return secrets::from_file(path);
    }
    if let Some(passphrase) = secrets::from_environment(PASSPHRASE_VARIABLE)? {
        return Ok(passphrase);
    }
    source.secret("store passphrase")?.ok_or_else(|| {
        Error::SealFailed(format!(
            "no passphrase: set {PASSPHRASE_VARIABLE} or [seal] passphrase-file"
        ))
    })
}

/// Where the journals of uses are: beside the store.
fn audit_folder(store: &Path) -> std::path::PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push("-audit");
    store.with_file_name(name)
}
