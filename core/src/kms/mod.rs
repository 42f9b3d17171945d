//! [`Kms`]: one function a verb, for every door.
//!
//! A verb that uses a key goes **authorize → gate → engine → record**; a verb that changes something does
//! the same with its effect and its audit row in one transaction. Doors hold a [`Caller`], made by one of the
//! logins in [`accounts`](self), and pass it to every verb.

use std::sync::Arc;

use crate::authorize::{Caller, Door, Origin};
use crate::error::Result;
use crate::id::{AccountId, KeyId, ObjectId, PrincipalId};
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{
    Account, Alias, Attributes, Key, Lifetime, Object, Principal, RevocationReason, Role, SessionId,
};
use crate::seal::SecretSource;
use crate::secret::SecretBytes;
use crate::settings::Settings;
use crate::time::Timestamp;

mod request;

pub use request::{
    CreateKey, Created, DeriveKey, Exported, Find, NewClient, NewCredential, PinState, Register,
    TokenState, UnwrapKey,
};

/// The key manager.
pub struct Kms {}

/// A use of a key that has been authorized, and the state of its parts. One caller's, one at a time.
pub struct Operation {
    caller: Arc<Caller>,
    purpose: Purpose,
    mechanism: Mechanism,
}

fn unbuilt<T>() -> Result<T> {
    Err(crate::Error::Internal("not built yet".into()))
}

// ---- the store and its accounts -------------------------------------------------------------
impl Kms {
    /// Makes a new store with a new root key under the configured seal. Never overwrites.
    ///
    /// # Errors
    /// [`crate::Error::AlreadyExists`] when the store's file is there, seal and store failures.
    pub fn initialize(settings: &Settings, secrets: Arc<dyn SecretSource>) -> Result<Self> {
        unbuilt()
    }

    /// Opens a store.
    ///
    /// # Errors
    /// [`crate::Error::SealFailed`], [`crate::Error::Store`], [`crate::Error::HsmUnavailable`]; nothing is changed.
    pub fn open(settings: &Settings, secrets: Arc<dyn SecretSource>) -> Result<Self> {
        unbuilt()
    }

    /// The administrator on the bridge's own machine, who may open the store's files: the command line.
    pub fn local_administrator(&self, account: AccountId) -> Arc<Caller> {
        loop {}
    }

    /// The public caller of an account: a PKCS#11 session without login.
    pub fn public_caller(&self, account: AccountId, door: Door) -> Arc<Caller> {
        loop {}
    }

    /// Makes an account.
    pub fn create_account(&self, name: &str) -> Result<Account> {
        unbuilt()
    }

    /// All accounts, by name.
    pub fn accounts(&self) -> Result<Vec<Account>> {
        unbuilt()
    }

    /// An account by its name.
    pub fn account(&self, name: &str) -> Result<Account> {
        unbuilt()
    }

    // ---- PKCS#11's view of an account --------------------------------------------------------

    /// Label, serial number, PIN states of the account as a token.
    pub fn token(&self, account: AccountId) -> Result<TokenState> {
        unbuilt()
    }

    /// `C_InitToken`: on an uninitialized token sets label and SO PIN; on an initialized one checks the SO
    /// PIN, forgets the user PIN and schedules every object for deletion.
    pub fn init_token(
        &self,
        account: AccountId,
        so_pin: &SecretBytes,
        label: &str,
        door: Door,
    ) -> Result<()> {
        unbuilt()
    }

    /// `C_InitPIN`: the security officer sets the user's PIN and clears its lock.
    pub fn init_pin(&self, caller: &Arc<Caller>, pin: &SecretBytes) -> Result<()> {
        unbuilt()
    }

    /// `C_SetPIN`: changes the PIN of `role` (SO or user), proven by the old one.
    pub fn set_pin(
        &self,
        account: AccountId,
        role: Role,
        old: &SecretBytes,
        new: &SecretBytes,
        door: Door,
    ) -> Result<()> {
        unbuilt()
    }

    /// `C_Login`: checks the PIN of the security officer or the user.
    ///
    /// # Errors
    /// [`crate::Error::WrongCredential`], [`crate::Error::CredentialLocked`], [`crate::Error::PinNotInitialized`],
    /// [`crate::Error::TokenNotInitialized`].
    pub fn login(
        &self,
        account: AccountId,
        role: Role,
        pin: &SecretBytes,
        door: Door,
    ) -> Result<Arc<Caller>> {
        unbuilt()
    }

    // ---- clients ----------------------------------------------------------------------------

    /// Adds a client: a principal with a credential.
    pub fn add_client(&self, caller: &Arc<Caller>, client: NewClient) -> Result<Principal> {
        unbuilt()
    }

    /// The account's principals.
    pub fn clients(&self, caller: &Arc<Caller>) -> Result<Vec<Principal>> {
        unbuilt()
    }

    /// Revokes every credential of a client; its next call is refused.
    pub fn revoke_client(&self, caller: &Arc<Caller>, name: &str) -> Result<()> {
        unbuilt()
    }

    /// Who a client certificate is, by the SHA-256 fingerprint of its DER encoding (lower-case hex). Cheap when
    /// cached: servers ask it at every message, so that a revocation holds at the next one.
    ///
    /// # Errors
    /// [`crate::Error::WrongCredential`] for an unknown one, [`crate::Error::CredentialRevoked`].
    pub fn authenticate_certificate(
        &self,
        fingerprint: &str,
        origin: Origin,
        door: Door,
    ) -> Result<Arc<Caller>> {
        unbuilt()
    }

    /// Who a user name and password are.
    pub fn authenticate_password(
        &self,
        account: AccountId,
        name: &str,
        password: &SecretBytes,
        origin: Origin,
        door: Door,
    ) -> Result<Arc<Caller>> {
        unbuilt()
    }
}

// ---- objects ---------------------------------------------------------------------------------
impl Kms {
    /// Makes a symmetric key or a key pair, as a new key with its first version.
    pub fn create_key(&self, caller: &Arc<Caller>, request: CreateKey) -> Result<Created> {
        unbuilt()
    }

    /// Brings in an object with its value.
    pub fn register(&self, caller: &Arc<Caller>, request: Register) -> Result<ObjectId> {
        unbuilt()
    }

    /// Copies an object; `change` edits the copy's attributes within the rules of [`Kms::modify`].
    pub fn copy(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        lifetime: Lifetime,
        change: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<ObjectId> {
        unbuilt()
    }

    /// An object as it stands now, without secrets. From the cache when nothing changed.
    pub fn inspect(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<Arc<Object>> {
        unbuilt()
    }

    /// Objects that fit, in order of creation; session objects last.
    pub fn find(&self, caller: &Arc<Caller>, find: &Find<'_>) -> Result<Vec<ObjectId>> {
        unbuilt()
    }

    /// Changes attributes: `change` edits a copy, and the difference is checked against the rules (sensitive
    /// stays, extractable goes one way, trusted is the security officer's, …) before it is written.
    pub fn modify(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        change: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<()> {
        unbuilt()
    }

    /// Changes KMIP dates within the lifecycle's rules.
    pub fn modify_dates(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        change: &mut dyn FnMut(&mut crate::model::Dates) -> Result<()>,
    ) -> Result<()> {
        unbuilt()
    }

    /// Hands out a value in its canonical encoding (see [`crate::model::Material`]): public ones always,
    /// secret ones when not sensitive and extractable.
    ///
    /// # Errors
    /// [`crate::Error::Sensitive`], [`crate::Error::NotExtractable`], [`crate::Error::NoMaterial`].
    pub fn export(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<Exported> {
        unbuilt()
    }

    /// KMIP Activate.
    pub fn activate(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        unbuilt()
    }

    /// KMIP Revoke: to Compromised or Deactivated by the reason's code.
    pub fn revoke(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        reason: RevocationReason,
        compromise_occurrence: Option<Timestamp>,
    ) -> Result<()> {
        unbuilt()
    }

    /// KMIP Destroy: the material is gone when this returns (unless the account's deletion protection
    /// is on: then [`Kms::delete`]).
    pub fn destroy(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        unbuilt()
    }

    /// `C_DestroyObject`: schedules the object (and, for a secret or private key, its key) for deletion, or destroys it
    /// at once when the window is 0 or it is no key.
    pub fn delete(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        unbuilt()
    }

    /// Drops a session's objects.
    pub fn end_session(&self, session: SessionId) {}
}

// ---- keys ------------------------------------------------------------------------------------
impl Kms {
    /// The key that an identifier, alias or (unambiguous) name means.
    pub fn resolve_key(&self, caller: &Arc<Caller>, text: &str) -> Result<KeyId> {
        unbuilt()
    }

    /// A key.
    pub fn key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<Key> {
        unbuilt()
    }

    /// Keys of the account, in order of creation.
    pub fn keys(&self, caller: &Arc<Caller>, offset: usize, limit: usize) -> Result<Vec<Key>> {
        unbuilt()
    }

    /// Opens the gate.
    pub fn enable_key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<()> {
        unbuilt()
    }

    /// Shuts the gate, for every door and process at its next call.
    pub fn disable_key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<()> {
        unbuilt()
    }

    /// Makes a new primary version; older ones still decrypt and verify. Returns the new objects.
    pub fn rotate_key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<Created> {
        unbuilt()
    }

    /// Schedules the key's destruction; `days` none means the configured window, 0 is at once.
    pub fn schedule_key_deletion(
        &self,
        caller: &Arc<Caller>,
        key: KeyId,
        days: Option<u32>,
    ) -> Result<Timestamp> {
        unbuilt()
    }

    /// Takes a scheduled deletion back: the key is Disabled then.
    pub fn cancel_key_deletion(&self, caller: &Arc<Caller>, key: KeyId) -> Result<()> {
        unbuilt()
    }

    /// Points an alias to a key; an alias that points to another key moves only with `replace`.
    pub fn set_alias(
        &self,
        caller: &Arc<Caller>,
        alias: &str,
        key: KeyId,
        replace: bool,
    ) -> Result<()> {
        unbuilt()
    }

    /// Removes an alias.
    pub fn delete_alias(&self, caller: &Arc<Caller>, alias: &str) -> Result<()> {
        unbuilt()
    }

    /// Aliases, of one key if given.
    pub fn aliases(&self, caller: &Arc<Caller>, key: Option<KeyId>) -> Result<Vec<Alias>> {
        unbuilt()
    }

    /// Sets (some) or removes (none) a tag.
    pub fn tag_key(
        &self,
        caller: &Arc<Caller>,
        key: KeyId,
        tag: &str,
        value: Option<&str>,
    ) -> Result<()> {
        unbuilt()
    }

    /// Destroys what is due. Called by the server on a timer, and at every open.
    pub fn run_due_deletions(&self) -> Result<usize> {
        unbuilt()
    }
}

// ---- uses ------------------------------------------------------------------------------------
impl Kms {
    /// Authorizes a use and makes the key ready. One part: [`Kms::run`] or [`Kms::verify`]. Many:
    /// [`Kms::update`], then [`Kms::finish`] or [`Kms::finish_verify`]. State, gate and dates are checked again whenever
    /// anything changed since, so a key disabled between the calls is refused.
    pub fn begin(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        purpose: Purpose,
        mechanism: Mechanism,
    ) -> Result<Operation> {
        unbuilt()
    }

    /// Does it in one part (Encrypt, Decrypt, Sign, MacGenerate) and records it. Returns bytes written.
    /// [`crate::Error::BufferTooSmall`] leaves the operation as it was and records nothing.
    pub fn run(&self, operation: &mut Operation, input: &[u8], output: &mut [u8]) -> Result<usize> {
        unbuilt()
    }

    /// Verifies in one part and records it.
    pub fn verify(&self, operation: &mut Operation, data: &[u8], signature: &[u8]) -> Result<()> {
        unbuilt()
    }

    /// Takes a part; returns bytes written.
    pub fn update(
        &self,
        operation: &mut Operation,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        unbuilt()
    }

    /// Ends an operation in parts and records it. [`crate::Error::BufferTooSmall`] leaves it as it was.
    pub fn finish(&self, operation: &mut Operation, output: &mut [u8]) -> Result<usize> {
        unbuilt()
    }

    /// Ends a verification in parts and records it.
    pub fn finish_verify(&self, operation: &mut Operation, signature: &[u8]) -> Result<()> {
        unbuilt()
    }

    /// Proves the user again for one use of a key with `CKA_ALWAYS_AUTHENTICATE` (`CKU_CONTEXT_SPECIFIC`).
    pub fn authenticate_operation(
        &self,
        operation: &mut Operation,
        pin: &SecretBytes,
    ) -> Result<()> {
        unbuilt()
    }

    /// Wraps a key's value with another key. `encode` turns the canonical value into what is wrapped
    /// (PKCS#11: as it is; KMIP: perhaps a TTLV Key Value).
    pub fn wrap(
        &self,
        caller: &Arc<Caller>,
        wrapping_key: ObjectId,
        mechanism: Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Vec<u8>> {
        unbuilt()
    }

    /// Unwraps a key into a new object.
    pub fn unwrap(&self, caller: &Arc<Caller>, request: UnwrapKey<'_>) -> Result<ObjectId> {
        unbuilt()
    }

    /// Derives a new secret object from a key.
    pub fn derive(&self, caller: &Arc<Caller>, request: DeriveKey) -> Result<ObjectId> {
        unbuilt()
    }

    /// Fills `output` from the operating system's generator.
    pub fn random(&self, caller: &Arc<Caller>, output: &mut [u8]) -> Result<()> {
        unbuilt()
    }
}

impl Operation {
    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The mechanism, with the initialization vector that was made if the caller gave none.
    #[must_use]
    pub const fn mechanism(&self) -> &Mechanism {
        &self.mechanism
    }

    /// The key's object.
    #[must_use]
    pub fn object(&self) -> &Arc<Object> {
        loop {}
    }

    /// Whether [`Kms::authenticate_operation`] is still wanted.
    #[must_use]
    pub const fn needs_authentication(&self) -> bool {
        false
    }

    /// Bytes that [`Kms::run`] writes at most for that much input. Exact for signatures and MACs.
    ///
    /// # Errors
    /// [`crate::Error::MechanismUnsupported`].
    pub fn output_length(&self, input: usize) -> Result<usize> {
        unbuilt()
    }

    /// Bytes that [`Kms::update`] writes at most for that much input.
    ///
    /// # Errors
    /// [`crate::Error::MechanismUnsupported`] when there is no operation in parts.
    pub fn update_length(&mut self, input: usize) -> Result<usize> {
        unbuilt()
    }

    /// Bytes that [`Kms::finish`] writes at most.
    ///
    /// # Errors
    /// As [`Operation::update_length`].
    pub fn finish_length(&mut self) -> Result<usize> {
        unbuilt()
    }
}
