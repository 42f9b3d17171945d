//! A store with four tokens, three of them initialized once for all tests of this binary, and C calls in few
//! words.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};

use cryptoki_sys::*;
use keybridge_core::kms::Kms;
use keybridge_core::model::Role;
use keybridge_core::seal::SecretSource;
use keybridge_core::settings::ConfigurationFile;
use keybridge_core::{Door, Result, SecretBytes};
use keybridge_pkcs11::ffi::interfaces::FUNCTION_LIST_3_2;
use keybridge_pkcs11::rv::Rv;

/// Calls a function of the list.
macro_rules! call {
    ($name:ident $(, $argument:expr)* $(,)?) => {{
        let function = keybridge_pkcs11::ffi::interfaces::FUNCTION_LIST_3_2.$name;
        let function = function.expect("every function is there");
        // SAFETY: the arguments are what the standard's prototype says, or nonsense on purpose.
        unsafe { function($($argument),*) }
    }};
}
pub(crate) use call;

pub(crate) const SO_PIN: &[u8] = b"so-1234";
pub(crate) const USER_PIN: &[u8] = b"user-1234";

/// The token that most tests use: initialized, the user logged in, never logged out.
pub(crate) const MAIN: CK_SLOT_ID = 10;
/// The token that is called with nonsense, for which small numbers are as good as any.
pub(crate) const SPOILED: CK_SLOT_ID = 0;
/// The token of the tests of logins; those take turns.
pub(crate) const LOGINS: CK_SLOT_ID = 12;
/// A token that nobody has initialized, until its one test does.
pub(crate) const FRESH: CK_SLOT_ID = 13;
/// A token with the numbers of a vendor, whose policy denies some mechanisms ([`crate::numbers`]).
pub(crate) const VENDOR: CK_SLOT_ID = 14;
/// A token whose account nobody has made.
pub(crate) const UNMADE: CK_SLOT_ID = 16;
/// The same account with our numbers.
pub(crate) const UNNUMBERED: CK_SLOT_ID = 15;

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _purpose: &str) -> Result<Option<SecretBytes>> {
        Ok(None)
    }
}

/// Makes a store with four accounts below `folder`; gives its configuration file.
pub(crate) fn make_store(folder: &Path) -> PathBuf {
    let path = folder.join("keybridge.toml");
    let mut text = String::from(
        "[store]\npath = 'store.db'\n[seal]\nkind = 'keyfile'\npath = 'root.key'\n\
         [deletion]\nwindow-days = 0\n",
    );
    for (account, slot) in [
        ("main", MAIN),
        ("spoiled", SPOILED),
        ("logins", LOGINS),
        ("fresh", FRESH),
        ("unmade", UNMADE),
        ("vendor", UNNUMBERED),
        ("vendor", VENDOR),
    ] {
        text.push_str(&format!(
            "[[token]]\naccount = '{account}'\nslot = {slot}\n"
        ));
    }
    text.push_str(crate::numbers::SETTINGS);
    std::fs::write(&path, text).expect("written");
    let settings = ConfigurationFile::read(&path).expect("valid").settings();
    let kms = Kms::initialize(&settings, Arc::new(NoSecrets)).expect("a new store");
    for account in ["main", "spoiled", "logins", "fresh", "vendor"] {
        kms.create_account(account).expect("a new account");
    }
    path
}

/// A new folder that is there until this process ends, whose exit handler removes it: what a static
/// holds is never dropped.
pub(crate) fn lasting_folder() -> &'static Path {
    static FOLDERS: Mutex<Vec<(u32, &'static Path)>> = Mutex::new(Vec::new());

    extern "C" fn remove() {
        let folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        for (process, folder) in &*folders {
            // A forked child that ends takes nothing from its parent.
            if *process == std::process::id() {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
    }

    static ONCE: Once = Once::new();
    // SAFETY: a handler that lives as long as the process.
    ONCE.call_once(|| assert_eq!(unsafe { libc::atexit(remove) }, 0));
    let folder = tempfile::tempdir().expect("a folder").keep();
    let folder: &'static Path = Box::leak(folder.into_boxed_path());
    let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    folders.push((std::process::id(), folder));
    folder
}

/// A store as [`make_store`] makes it, with its tokens initialized: for another process.
pub(crate) fn make_ready_store(folder: &Path) -> PathBuf {
    let path = make_store(folder);
    let settings = ConfigurationFile::read(&path).expect("valid").settings();
    let kms = Kms::open(&settings, Arc::new(NoSecrets)).expect("opened");
    let (so_pin, user_pin) = (SecretBytes::from(SO_PIN), SecretBytes::from(USER_PIN));
    let account = kms.account("main").expect("there").id;
    kms.init_token(account, &so_pin, "test", Door::Pkcs11)
        .expect("initialized");
    let so = kms
        .login(account, Role::SecurityOfficer, &so_pin, Door::Pkcs11)
        .expect("the SO");
    kms.init_pin(&so, &user_pin).expect("a PIN");
    path
}

/// The functions of the initialized module.
pub(crate) fn module() -> &'static CK_FUNCTION_LIST_3_2 {
    static MODULE: OnceLock<()> = OnceLock::new();
    MODULE.get_or_init(|| {
        let path = make_store(lasting_folder());
        keybridge_pkcs11::module::initialize_from(&path).expect("initialized");
        for slot in [MAIN, SPOILED, LOGINS, VENDOR] {
            initialize_token(slot);
        }
        let session = raw_session(MAIN, true);
        check(login(session, CKU_USER, USER_PIN));
    });
    &FUNCTION_LIST_3_2
}

fn initialize_token(slot: CK_SLOT_ID) {
    let mut label = [b' '; 32];
    label[..4].copy_from_slice(b"test");
    check(call!(
        C_InitToken,
        slot,
        mutable(SO_PIN),
        SO_PIN.len() as _,
        label.as_mut_ptr()
    ));
    let session = raw_session(slot, true);
    check(login(session, CKU_SO, SO_PIN));
    check(call!(
        C_InitPIN,
        session,
        mutable(USER_PIN),
        USER_PIN.len() as _
    ));
    check(call!(C_CloseSession, session));
}

/// What a C function takes as input is not `const`.
pub(crate) fn mutable<T>(slice: &[T]) -> *mut T {
    slice.as_ptr().cast_mut()
}

#[track_caller]
pub(crate) fn check(code: CK_RV) {
    assert_eq!(Rv::from_code(code), None);
}

#[track_caller]
pub(crate) fn refused(code: CK_RV, with: Rv) {
    assert_eq!(Rv::from_code(code), Some(with));
}

pub(crate) fn raw_session(slot: CK_SLOT_ID, read_write: bool) -> CK_SESSION_HANDLE {
    let mut session = 0;
    let flags = CKF_SERIAL_SESSION | if read_write { CKF_RW_SESSION } else { 0 };
    check(call!(
        C_OpenSession,
        slot,
        flags,
        std::ptr::null_mut(),
        None,
        &mut session
    ));
    session
}

/// A read/write session of the token whose user is logged in; closed when dropped.
pub(crate) struct Session(pub(crate) CK_SESSION_HANDLE);

impl Session {
    pub(crate) fn new() -> Self {
        module();
        Session(raw_session(MAIN, true))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        call!(C_CloseSession, self.0);
    }
}

pub(crate) fn login(session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: &[u8]) -> CK_RV {
    call!(C_Login, session, user, mutable(pin), pin.len() as _)
}

/// A template that owns its values.
#[derive(Clone, Default)]
pub(crate) struct Attributes(Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>);

impl Attributes {
    pub(crate) fn new() -> Self {
        Attributes::default()
    }

    pub(crate) fn bytes(mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.0.push((kind, value.to_vec()));
        self
    }

    pub(crate) fn bool(self, kind: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        self.bytes(kind, &[u8::from(value)])
    }

    pub(crate) fn ulong(self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    pub(crate) fn all_true(self, kinds: &[CK_ATTRIBUTE_TYPE]) -> Self {
        kinds.iter().fold(self, |all, kind| all.bool(*kind, true))
    }

    /// A template inside the template; the inner one lives as long as the test.
    pub(crate) fn template(self, kind: CK_ATTRIBUTE_TYPE, inner: &'static Attributes) -> Self {
        let raw: &'static Raw<'static> = Box::leak(Box::new(inner.raw()));
        let bytes = raw.iter().flat_map(|attribute| {
            let value = attribute.pValue.addr().to_ne_bytes();
            let length = attribute.ulValueLen.to_ne_bytes();
            [attribute.type_.to_ne_bytes(), value, length].concat()
        });
        let bytes: Vec<u8> = bytes.collect();
        self.bytes(kind, &bytes)
    }

    pub(crate) fn leaked(self) -> &'static Attributes {
        Box::leak(Box::new(self))
    }

    pub(crate) fn raw(&self) -> Raw<'_> {
        let entries = self.0.iter();
        let raw = entries.map(|(kind, value)| CK_ATTRIBUTE {
            type_: *kind,
            pValue: mutable(value).cast(),
            ulValueLen: value.len() as _,
        });
        Raw(raw.collect(), PhantomData)
    }
}

/// A template that points into [`Attributes`].
pub(crate) struct Raw<'a>(Vec<CK_ATTRIBUTE>, PhantomData<&'a Attributes>);

impl std::ops::Deref for Raw<'_> {
    type Target = [CK_ATTRIBUTE];

    fn deref(&self) -> &[CK_ATTRIBUTE] {
        &self.0
    }
}

pub(crate) fn create(session: &Session, attributes: &Attributes) -> (CK_RV, CK_OBJECT_HANDLE) {
    let (raw, mut object) = (attributes.raw(), 0);
    let count = raw.len() as _;
    (
        call!(C_CreateObject, session.0, mutable(&raw), count, &mut object),
        object,
    )
}

/// One attribute, by the usual two calls.
pub(crate) fn get(
    session: &Session,
    object: CK_OBJECT_HANDLE,
    kind: CK_ATTRIBUTE_TYPE,
) -> std::result::Result<Vec<u8>, Rv> {
    let mut attribute = CK_ATTRIBUTE {
        type_: kind,
        pValue: std::ptr::null_mut(),
        ulValueLen: 0,
    };
    let code = call!(C_GetAttributeValue, session.0, object, &mut attribute, 1);
    if let Some(rv) = Rv::from_code(code) {
        assert_eq!(
            attribute.ulValueLen, CK_UNAVAILABLE_INFORMATION,
            "with {rv}"
        );
        return Err(rv);
    }
    let mut value = vec![0; attribute.ulValueLen as usize];
    attribute.pValue = value.as_mut_ptr().cast();
    check(call!(
        C_GetAttributeValue,
        session.0,
        object,
        &mut attribute,
        1
    ));
    assert_eq!(attribute.ulValueLen as usize, value.len());
    Ok(value)
}

pub(crate) fn find(session: &Session, attributes: &Attributes) -> Vec<CK_OBJECT_HANDLE> {
    let raw = attributes.raw();
    check(call!(
        C_FindObjectsInit,
        session.0,
        mutable(&raw),
        raw.len() as _
    ));
    let (mut found, mut part, mut count) = (Vec::new(), [0; 3], 0);
    loop {
        check(call!(
            C_FindObjects,
            session.0,
            part.as_mut_ptr(),
            3,
            &mut count
        ));
        if count == 0 {
            break;
        }
        found.extend_from_slice(&part[..count as usize]);
    }
    check(call!(C_FindObjectsFinal, session.0));
    found
}

pub(crate) fn mechanism(kind: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM {
        mechanism: kind,
        pParameter: std::ptr::null_mut(),
        ulParameterLen: 0,
    }
}

pub(crate) fn with_parameter<T>(kind: CK_MECHANISM_TYPE, parameter: &T) -> CK_MECHANISM {
    CK_MECHANISM {
        mechanism: kind,
        pParameter: std::ptr::from_ref(parameter).cast_mut().cast(),
        ulParameterLen: size_of::<T>() as _,
    }
}

pub(crate) fn generate(
    session: &Session,
    kind: CK_MECHANISM_TYPE,
    attributes: &Attributes,
) -> std::result::Result<CK_OBJECT_HANDLE, Rv> {
    let (mut mechanism, raw, mut key) = (mechanism(kind), attributes.raw(), 0);
    let code = call!(
        C_GenerateKey,
        session.0,
        &mut mechanism,
        mutable(&raw),
        raw.len() as _,
        &mut key
    );
    Rv::from_code(code).map_or(Ok(key), Err)
}

pub(crate) fn generate_pair(
    session: &Session,
    kind: CK_MECHANISM_TYPE,
    public: &Attributes,
    private: &Attributes,
) -> std::result::Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE), Rv> {
    let (mut mechanism, public, private) = (mechanism(kind), public.raw(), private.raw());
    let (mut public_key, mut private_key) = (0, 0);
    let code = call!(
        C_GenerateKeyPair,
        session.0,
        &mut mechanism,
        mutable(&public),
        public.len() as _,
        mutable(&private),
        private.len() as _,
        &mut public_key,
        &mut private_key,
    );
    Rv::from_code(code).map_or(Ok((public_key, private_key)), Err)
}

/// `CKA_EC_PARAMS` of P-256.
pub(crate) const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// `CKA_EC_PARAMS` of Ed25519.
pub(crate) const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
