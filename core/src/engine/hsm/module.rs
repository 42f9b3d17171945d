//! Loaded PKCS#11 modules: each loaded once a process, and what belongs to a whole process (the login of
//! a token, the PINs it refused).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as TokenError, RvError};

use super::failure::return_code;
use crate::secret::SecretBytes;

/// The modules of this process. Swapped as a whole in a forked child: the parent's locks may be held there
/// by threads that do not exist, and its modules must be initialized anew (PKCS#11 2.40 section 5.4,
/// `C_Initialize` after `fork`).
static REGISTRY: LazyLock<ArcSwap<Registry>> =
    LazyLock::new(|| ArcSwap::from_pointee(Registry::new()));

struct Registry {
    process: u32,
    modules: Mutex<HashMap<PathBuf, Arc<Module>>>,
}

impl Registry {
    fn new() -> Self {
        Self {
            process: std::process::id(),
            modules: Mutex::default(),
        }
    }

    fn current() -> Arc<Self> {
        let registry = REGISTRY.load_full();
        if registry.process == std::process::id() {
            return registry;
        }
        let fresh = Arc::new(Self::new());
        let previous = REGISTRY.compare_and_swap(&registry, Arc::clone(&fresh));
        if Arc::ptr_eq(&previous, &registry) {
            fresh
        } else {
            REGISTRY.load_full()
        }
    }
}

/// A loaded module.
pub(super) struct Module {
    pkcs11: Pkcs11,
    path: PathBuf,
    logins: Mutex<HashMap<String, Arc<TokenLogin>>>,
}

/// The login of one token in this process: PKCS#11 has one for all sessions.
#[derive(Default)]
pub(super) struct TokenLogin {
    /// Held while logging in, so that a wrong PIN costs one of the token's tries and not one a thread.
    /// Inside: the PIN that the token refused last.
    pub(super) refused: Mutex<Option<SecretBytes>>,
}

impl Module {
    /// Loads the module at `path`, or finds it loaded, and initializes it.
    ///
    /// The host application may use the same module: then it is initialized already, which is as good,
    /// and it is the host's to finalize. We never finalize any module, ours neither, because nobody can
    /// know who else in the process came to rely on it.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, TokenError> {
        // One library under two names must not become two modules with a login each.
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let registry = Registry::current();
        let mut modules = lock(&registry.modules);
        if let Some(module) = modules.get(&canonical) {
            // Again at every connection: the host may have finalized it since.
            module.initialize()?;
            return Ok(Arc::clone(module));
        }
        let pkcs11 = Pkcs11::new(path)?;
        // Leaked on purpose: unloading runs the vendor's destructors while his threads may still live
        // and other parts of the process may hold his functions.
        std::mem::forget(pkcs11.clone());
        let module = Arc::new(Self {
            pkcs11,
            path: path.to_owned(),
            logins: Mutex::default(),
        });
        module.initialize()?;
        modules.insert(canonical, Arc::clone(&module));
        Ok(module)
    }

    fn initialize(&self) -> Result<(), TokenError> {
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match self.pkcs11.initialize(arguments) {
            Err(error) if return_code(&error) == Some(RvError::CryptokiAlreadyInitialized) => {
                Ok(())
            }
            other => other,
        }
    }

    /// The module's functions.
    pub(super) fn pkcs11(&self) -> &Pkcs11 {
        &self.pkcs11
    }

    /// Where it was loaded from.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The login of the token with that serial number.
    pub(super) fn login(&self, serial: &str) -> Arc<TokenLogin> {
        Arc::clone(lock(&self.logins).entry(serial.to_owned()).or_default())
    }
}

/// Locks; a thread that panicked while holding it left nothing half-done in any of our maps and lists.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
