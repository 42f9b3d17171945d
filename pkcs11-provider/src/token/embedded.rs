//! The embedded token: an account of a store that the core opens in this process.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;
use cryptoki_sys::CK_MECHANISM_TYPE;
use keybridge_core::kms::Kms;
use keybridge_core::model::{ApplicationId, Lifetime, Role, SessionId};
use keybridge_core::seal::SecretSource;
use keybridge_core::{
    AccountId, Attributes, Caller, Door, Error, KeySpec, Mechanism, Object, ObjectId, Protection,
    Purpose, Result, SecretBytes, Settings,
};

use super::signature;
use super::{
    CreateKey, Created, DecapsulateKey, DeriveKey, DeriveKeys, EdwardsPoint, EncapsulateKey,
    Exported, Find, Place, Register, Token, TokenOperation, TokenState, UnwrapKey,
};
use crate::mechanisms::numbers::Numbers;

const DOOR: Door = Door::Pkcs11;

/// A store that is opened at the first call that needs it, and shared by the tokens of a
/// configuration: `C_Initialize` must be quick, and most processes that load the module never come
/// further.
pub(crate) struct LazyStore {
    settings: Settings,
    secrets: Arc<dyn SecretSource>,
    kms: OnceLock<Arc<Kms>>,
    opening: Mutex<()>,
}

impl LazyStore {
    pub(crate) fn new(settings: Settings, secrets: Arc<dyn SecretSource>) -> Self {
        LazyStore {
            settings,
            secrets,
            kms: OnceLock::new(),
            opening: Mutex::new(()),
        }
    }

    /// The key manager. A failure is not kept: the store may be there at the next call.
    fn kms(&self) -> Result<&Arc<Kms>> {
        if let Some(kms) = self.kms.get() {
            return Ok(kms);
        }
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kms) = self.kms.get() {
            return Ok(kms);
        }
        let kms = Arc::new(Kms::open(&self.settings, Arc::clone(&self.secrets))?);
        Ok(self.kms.get_or_init(|| kms))
    }
}

/// The embedded token.
pub(crate) struct Embedded {
    store: Arc<LazyStore>,
    account: String,
    /// Shown while the token is not initialized.
    label: String,
    protection: Protection,
    edwards_point: EdwardsPoint,
    numbers: Numbers,
    /// Whose its session objects are: those of other modules in this process, and of other slots, are not seen.
    application: ApplicationId,
    opened: OnceLock<Opened>,
    /// Who is logged in; none is the public.
    caller: ArcSwapOption<Caller>,
}

struct Opened {
    kms: Arc<Kms>,
    account: AccountId,
    public: Arc<Caller>,
}

impl Embedded {
    pub(crate) fn new(
        store: Arc<LazyStore>,
        account: String,
        label: String,
        protection: Protection,
        edwards_point: EdwardsPoint,
        numbers: Numbers,
    ) -> Self {
        Embedded {
            store,
            account,
            label,
            protection,
            edwards_point,
            numbers,
            application: ApplicationId::fresh(),
            opened: OnceLock::new(),
            caller: ArcSwapOption::empty(),
        }
    }

    /// The token of an account of a store that is open already.
    pub(crate) fn over(kms: Arc<Kms>, account: String, protection: Protection) -> Self {
        let store = LazyStore {
            settings: kms.settings().clone(),
            secrets: Arc::new(keybridge_core::seal::NobodyToAsk),
            kms: OnceLock::from(kms),
            opening: Mutex::new(()),
        };
        Embedded::new(
            Arc::new(store),
            account,
            String::new(),
            protection,
            EdwardsPoint::default(),
            Numbers::default(),
        )
    }

    fn opened(&self) -> Result<&Opened> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let kms = Arc::clone(self.store.kms()?);
        let account = kms.account(&self.account)?.id;
        let public = kms.public_caller(account, DOOR);
        let public = Arc::new(public.in_application(self.application));
        Ok(self.opened.get_or_init(|| Opened {
            kms,
            account,
            public,
        }))
    }

    /// Runs a verb as whoever is logged in.
    fn call<T>(&self, verb: impl FnOnce(&Kms, &Arc<Caller>) -> Result<T>) -> Result<T> {
        let opened = self.opened()?;
        match &*self.caller.load() {
            Some(caller) => verb(&opened.kms, caller),
            None => verb(&opened.kms, &opened.public),
        }
    }
}

/// Whether the account that the configuration names is not in the store yet: such a token is an
/// uninitialized one, and `C_InitToken` makes the account.
fn is_unmade(error: &Error) -> bool {
    let Error::NotFound { what, .. } = error else {
        return false;
    };
    *what == "account"
}

impl Token for Embedded {
    fn state(&self) -> Result<TokenState> {
        let mut state = match self.opened() {
            Ok(opened) => opened.kms.token(opened.account)?,
            Err(error) if is_unmade(&error) => self.store.kms()?.unmade_token(),
            Err(error) => return Err(error),
        };
        if !state.token.initialized {
            state.token.label.clone_from(&self.label);
        }
        Ok(state)
    }

    fn makes(&self, spec: KeySpec) -> Option<Place> {
        self.opened().ok()?.kms.makes(&self.protection, spec)
    }

    fn does(&self, spec: KeySpec, purpose: Purpose, mechanism: &Mechanism) -> Option<Place> {
        let kms = &self.opened().ok()?.kms;
        kms.does(&self.protection, spec, purpose, mechanism)
    }

    fn protection(&self) -> Protection {
        self.protection.clone()
    }

    fn edwards_point(&self) -> EdwardsPoint {
        self.edwards_point
    }

    fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    fn denies(&self, mechanism: CK_MECHANISM_TYPE) -> bool {
        let policy = self
            .opened()
            .and_then(|opened| opened.kms.policy(opened.account));
        policy.is_ok_and(|policy| policy.denies(mechanism))
    }

    fn init_token(&self, so_pin: &SecretBytes, label: &str) -> Result<()> {
        let opened = match self.opened() {
            Err(error) if is_unmade(&error) => {
                match self.store.kms()?.create_account(&self.account) {
                    // Made by another process meanwhile.
                    Ok(_) | Err(Error::AlreadyExists { .. }) => self.opened()?,
                    Err(error) => return Err(error),
                }
            }
            opened => opened?,
        };
        opened.kms.init_token(opened.account, so_pin, label, DOOR)
    }

    fn init_pin(&self, pin: &SecretBytes) -> Result<()> {
        self.call(|kms, caller| kms.init_pin(caller, pin))
    }

    fn set_pin(&self, role: Role, old: &SecretBytes, new: &SecretBytes) -> Result<()> {
        let opened = self.opened()?;
        opened.kms.set_pin(opened.account, role, old, new, DOOR)
    }

    fn login(&self, role: Role, pin: &SecretBytes) -> Result<()> {
        let opened = self.opened()?;
        let caller = opened.kms.login(opened.account, role, pin, DOOR)?;
        let caller = caller.in_application(self.application);
        self.caller.store(Some(Arc::new(caller)));
        Ok(())
    }

    fn is_login_good(&self) -> bool {
        self.call(|kms, caller| kms.is_login_good(caller))
            .unwrap_or(true)
    }

    fn logout(&self) {
        self.caller.store(None);
    }

    fn create_key(&self, request: CreateKey) -> Result<Created> {
        self.call(|kms, caller| kms.create_key(caller, request))
    }

    fn register(&self, request: Register) -> Result<ObjectId> {
        self.call(|kms, caller| kms.register(caller, request))
    }

    fn copy(
        &self,
        object: ObjectId,
        lifetime: Lifetime,
        change: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<ObjectId> {
        self.call(|kms, caller| kms.copy(caller, object, lifetime, change))
    }

    fn inspect(&self, object: ObjectId) -> Result<Arc<Object>> {
        self.call(|kms, caller| kms.inspect(caller, object))
    }

    fn find(&self, find: &Find<'_>) -> Result<Vec<ObjectId>> {
        self.call(|kms, caller| kms.find(caller, find))
    }

    fn modify(
        &self,
        object: ObjectId,
        change: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<()> {
        self.call(|kms, caller| kms.modify(caller, object, change))
    }

    fn check_value(&self, object: ObjectId) -> Result<Option<[u8; 3]>> {
        self.call(|kms, caller| kms.check_value(caller, object))
    }

    fn export(&self, object: ObjectId) -> Result<Exported> {
        self.call(|kms, caller| kms.export(caller, object))
    }

    fn delete(&self, object: ObjectId) -> Result<()> {
        self.call(|kms, caller| kms.delete(caller, object))
    }

    fn new_session(&self) -> SessionId {
        SessionId::fresh_of(self.application)
    }

    fn end_session(&self, session: SessionId) {
        // A store that was never opened holds nothing of the session.
        if let Some(opened) = self.opened.get() {
            opened.kms.end_session(session);
        }
    }

    fn begin(
        &self,
        object: ObjectId,
        purpose: Purpose,
        mechanism: Mechanism,
    ) -> Result<TokenOperation> {
        self.call(|kms, caller| kms.begin(caller, object, purpose, mechanism))
            .map(TokenOperation::Embedded)
    }

    fn begin_again(&self, before: &TokenOperation, mechanism: Mechanism) -> Result<TokenOperation> {
        let TokenOperation::Embedded(before) = before;
        let again = self.opened()?.kms.begin_again(before, mechanism);
        again.map(TokenOperation::Embedded)
    }

    fn renew(&self, spent: &mut TokenOperation, mechanism: Mechanism) -> Result<()> {
        let TokenOperation::Embedded(operation) = spent;
        self.opened()?.kms.renew(operation, mechanism)
    }

    fn authenticate(&self, operation: &mut TokenOperation, pin: &SecretBytes) -> Result<()> {
        let TokenOperation::Embedded(operation) = operation;
        self.opened()?.kms.authenticate_operation(operation, pin)
    }

    fn run(
        &self,
        operation: &mut TokenOperation,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let TokenOperation::Embedded(operation) = operation;
        self.opened()?.kms.run(operation, input, output)
    }

    fn verify(&self, operation: &mut TokenOperation, data: &[u8], signature: &[u8]) -> Result<()> {
        let TokenOperation::Embedded(operation) = operation;
        let signature = signature::whole(operation, signature);
        self.opened()?.kms.verify(operation, data, &signature)
    }

    fn update(
        &self,
        operation: &mut TokenOperation,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let TokenOperation::Embedded(operation) = operation;
        self.opened()?.kms.update(operation, input, output)
    }

    fn finish(&self, operation: &mut TokenOperation, output: &mut [u8]) -> Result<usize> {
        let TokenOperation::Embedded(operation) = operation;
        self.opened()?.kms.finish(operation, output)
    }

    fn finish_verify(&self, operation: &mut TokenOperation, signature: &[u8]) -> Result<()> {
        let TokenOperation::Embedded(operation) = operation;
        let signature = signature::whole(operation, signature);
        self.opened()?.kms.finish_verify(operation, &signature)
    }

    fn wrap(
        &self,
        wrapping_key: ObjectId,
        mechanism: Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Vec<u8>> {
        self.call(|kms, caller| kms.wrap(caller, wrapping_key, &mechanism, target, encode))
    }

    fn wrapped_length(
        &self,
        wrapping_key: ObjectId,
        mechanism: &Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Option<usize>> {
        self.call(|kms, caller| kms.wrapped_length(caller, wrapping_key, mechanism, target, encode))
    }

    fn unwrap(&self, request: UnwrapKey<'_>) -> Result<ObjectId> {
        self.call(|kms, caller| kms.unwrap(caller, request))
    }

    fn derive(&self, request: DeriveKey) -> Result<ObjectId> {
        self.call(|kms, caller| kms.derive(caller, request))
    }

    fn derive_keys(&self, request: DeriveKeys) -> Result<(Vec<ObjectId>, SecretBytes)> {
        self.call(|kms, caller| kms.derive_keys(caller, request))
    }

    fn encapsulate(&self, request: EncapsulateKey) -> Result<(ObjectId, Vec<u8>)> {
        self.call(|kms, caller| kms.encapsulate(caller, request))
    }

    fn decapsulate(&self, request: DecapsulateKey<'_>) -> Result<ObjectId> {
        self.call(|kms, caller| kms.decapsulate(caller, request))
    }

    fn random(&self, output: &mut [u8]) -> Result<()> {
        self.call(|kms, caller| kms.random(caller, output))
    }
}
