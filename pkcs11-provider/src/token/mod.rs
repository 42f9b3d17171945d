//! A token: where the keys are. The rest of the module does not know whether they are in this
//! process (*embedded*) or behind a server (*remote*, to come).

use std::sync::Arc;

use keybridge_core::model::{Lifetime, Role, SessionId};
use keybridge_core::{
    Attributes, KeySpec, Mechanism, Object, ObjectId, Protection, Purpose, Result, SecretBytes,
};

use cryptoki_sys::CK_MECHANISM_TYPE;
use serde::Deserialize;

use crate::mechanisms::numbers::Numbers;

pub(crate) mod embedded;
pub(crate) mod error;
mod signature;

pub use keybridge_core::kms::{
    CreateKey, Created, DecapsulateKey, DeriveKey, DeriveKeys, EncapsulateKey, Exported, Find,
    Place, Register, TokenState, UnwrapKey,
};

/// A use of a key that was begun at a token.
pub enum TokenOperation {
    /// At the embedded token.
    Embedded(keybridge_core::kms::Operation),
}

/// How a token tells the public points of Ed25519 and X25519 keys; it takes both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdwardsPoint {
    /// Bare, as PKCS#11 3.2 says.
    #[default]
    Raw,
    /// In a DER OCTET STRING, as 2.40's readers expect of every curve (OpenDNSSEC 2.1, GnuTLS 3.7).
    Der,
}

/// The verbs that a token has. Each is done as whoever is logged in at the token in this process,
/// or as the public if nobody is. Errors are the core's; what they are called in PKCS#11 depends on
/// the function and is decided by the caller, from [`error`].
pub trait Token: Send + Sync {
    /// Label, serial number and PINs.
    fn state(&self) -> Result<TokenState>;
    /// Where keys of a kind are made, with this token's protection.
    fn makes(&self, spec: KeySpec) -> Option<Place>;
    /// Where a purpose of such keys is done.
    fn does(&self, spec: KeySpec, purpose: Purpose, mechanism: &Mechanism) -> Option<Place>;
    /// Where new keys live.
    fn protection(&self) -> Protection;
    /// How points of the 25519 curves are told.
    fn edwards_point(&self) -> EdwardsPoint;
    /// The numbers by which its applications know what the standard has no number for.
    fn numbers(&self) -> &Numbers;
    /// Whether its account's policy denies a mechanism of ours. A policy that cannot be read denies nothing
    /// here: what is done with a key is refused by the core in any case.
    fn denies(&self, mechanism: CK_MECHANISM_TYPE) -> bool;
    /// `C_InitToken`.
    fn init_token(&self, so_pin: &SecretBytes, label: &str) -> Result<()>;
    /// `C_InitPIN`.
    fn init_pin(&self, pin: &SecretBytes) -> Result<()>;
    /// `C_SetPIN`.
    fn set_pin(&self, role: Role, old: &SecretBytes, new: &SecretBytes) -> Result<()>;
    /// Logs in, for the whole process.
    fn login(&self, role: Role, pin: &SecretBytes) -> Result<()>;
    /// Whether the login of this process, if there is one, still holds: nobody else has set its PIN or revoked it.
    /// When the token cannot tell it says yes; whoever uses the login will hear.
    fn is_login_good(&self) -> bool;
    /// Becomes the public again.
    fn logout(&self);

    /// Makes a key or pair.
    fn create_key(&self, request: CreateKey) -> Result<Created>;
    /// Brings an object in.
    fn register(&self, request: Register) -> Result<ObjectId>;
    /// Copies an object.
    fn copy(
        &self,
        object: ObjectId,
        lifetime: Lifetime,
        change: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<ObjectId>;
    /// An object as it stands now, without secrets.
    fn inspect(&self, object: ObjectId) -> Result<Arc<Object>>;
    /// Objects that fit.
    fn find(&self, find: &Find<'_>) -> Result<Vec<ObjectId>>;
    /// Changes attributes.
    fn modify(
        &self,
        object: ObjectId,
        change: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<()>;
    /// The check value of a key or certificate.
    fn check_value(&self, object: ObjectId) -> Result<Option<[u8; 3]>>;
    /// Hands out a value.
    fn export(&self, object: ObjectId) -> Result<Exported>;
    /// `C_DestroyObject`.
    fn delete(&self, object: ObjectId) -> Result<()>;
    /// A session that there was not before, for the objects that end with it.
    fn new_session(&self) -> SessionId;
    /// Drops a session's objects.
    fn end_session(&self, session: SessionId);

    /// Begins a use of a key. `mechanism` is made from the key once the token has it at hand.
    fn begin(
        &self,
        object: ObjectId,
        purpose: Purpose,
        mechanism: Mechanism,
    ) -> Result<TokenOperation>;
    /// Begins another use like one that was begun before.
    fn begin_again(&self, before: &TokenOperation, mechanism: Mechanism) -> Result<TokenOperation>;
    /// Makes an operation that ended the next one like it: same key, same purpose, same login.
    fn renew(&self, spent: &mut TokenOperation, mechanism: Mechanism) -> Result<()>;
    /// Proves the user again for one use of a key.
    fn authenticate(&self, operation: &mut TokenOperation, pin: &SecretBytes) -> Result<()>;
    /// Does it in one part.
    fn run(&self, operation: &mut TokenOperation, input: &[u8], output: &mut [u8])
    -> Result<usize>;
    /// Verifies in one part.
    fn verify(&self, operation: &mut TokenOperation, data: &[u8], signature: &[u8]) -> Result<()>;
    /// Takes a part.
    fn update(
        &self,
        operation: &mut TokenOperation,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize>;
    /// Ends an operation in parts.
    fn finish(&self, operation: &mut TokenOperation, output: &mut [u8]) -> Result<usize>;
    /// Ends a verification in parts.
    fn finish_verify(&self, operation: &mut TokenOperation, signature: &[u8]) -> Result<()>;

    /// Wraps a key. `encode` turns its canonical value into what is wrapped.
    fn wrap(
        &self,
        wrapping_key: ObjectId,
        mechanism: Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Vec<u8>>;
    /// How many bytes [`Token::wrap`] would give, if it may be done; none where only doing it tells.
    fn wrapped_length(
        &self,
        wrapping_key: ObjectId,
        mechanism: &Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Option<usize>>;
    /// Unwraps a key.
    fn unwrap(&self, request: UnwrapKey<'_>) -> Result<ObjectId>;
    /// Derives a key.
    fn derive(&self, request: DeriveKey) -> Result<ObjectId>;
    /// Derives several, all or none, and the bytes after theirs.
    fn derive_keys(&self, request: DeriveKeys) -> Result<(Vec<ObjectId>, SecretBytes)>;
    /// Makes a secret with a public key.
    fn encapsulate(&self, request: EncapsulateKey) -> Result<(ObjectId, Vec<u8>)>;
    /// Opens such a secret.
    fn decapsulate(&self, request: DecapsulateKey<'_>) -> Result<ObjectId>;
    /// Random bytes.
    fn random(&self, output: &mut [u8]) -> Result<()>;
}

impl TokenOperation {
    /// The key's object.
    #[must_use]
    pub fn object(&self) -> &Arc<Object> {
        match self {
            TokenOperation::Embedded(operation) => operation.object(),
        }
    }

    /// What the key is used for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            TokenOperation::Embedded(operation) => operation.purpose(),
        }
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> &Mechanism {
        match self {
            TokenOperation::Embedded(operation) => operation.mechanism(),
        }
    }

    /// Whether [`Token::authenticate`] is still wanted.
    #[must_use]
    pub fn needs_authentication(&self) -> bool {
        match self {
            TokenOperation::Embedded(operation) => operation.needs_authentication(),
        }
    }

    /// Bytes that [`Token::run`] writes at most for that much input.
    pub fn output_length(&self, input: usize) -> Result<usize> {
        match self {
            TokenOperation::Embedded(operation) => operation.output_length(input),
        }
    }

    /// Bytes that [`Token::update`] writes at most for that much input.
    pub fn update_length(&mut self, input: usize) -> Result<usize> {
        match self {
            TokenOperation::Embedded(operation) => operation.update_length(input),
        }
    }

    /// Bytes that [`Token::finish`] writes at most.
    pub fn finish_length(&mut self) -> Result<usize> {
        match self {
            TokenOperation::Embedded(operation) => operation.finish_length(),
        }
    }
}
