//! Engines: where key material lives and is used. The request path in [`crate::kms`] is the only caller;
//! an engine decides nothing about who may do what.

use std::sync::Arc;

use crate::algorithm::KeySpec;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Attributes, Material, Object, ObjectClass};
use crate::secret::SecretBytes;

pub mod hsm;
pub mod software;

/// A new key as an engine made it.
#[derive(Debug)]
pub struct Generated {
    /// The secret key or the private half.
    pub secret: Material,
    /// The public half of a pair: SubjectPublicKeyInfo, DER.
    pub public: Option<Vec<u8>>,
}

/// What an engine may need to know about the key it makes (an HSM keeps attributes of its own).
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// Identifier of the secret key or private half: also the `CKA_ID` in an HSM.
    pub id: ObjectId,
    /// Kind.
    pub spec: KeySpec,
    /// What the caller said about the secret key or private half.
    pub attributes: &'a Attributes,
    /// RSA public exponent; none means 65537.
    pub public_exponent: Option<u64>,
}

/// A place where key material lives.
pub trait Engine: Send + Sync {
    /// Makes a key or pair.
    ///
    /// # Errors
    /// [`Error::KeyUnsupported`], [`Error::KeySize`], or the HSM's failure.
    fn generate(&self, key: &NewKey<'_>) -> Result<Generated>;

    /// Takes a secret or private key (canonical encoding, see [`Material`]) over, validating it.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`], [`Error::KeyUnsupported`].
    fn import(&self, key: &NewKey<'_>, value: SecretBytes) -> Result<Material>;

    /// Makes an object's key ready to use: parsed, or found in the HSM. The result is cached by the caller
    /// for as long as the object stays as it is.
    ///
    /// # Errors
    /// [`Error::NoMaterial`], [`Error::InvalidMaterial`], [`Error::KeyUnsupported`], HSM failures.
    fn ready(&self, object: &Object) -> Result<Arc<dyn ReadyKey>>;

    /// Destroys material for good. Succeeds when it is gone already. Never called inside a write transaction: no
    /// rollback would bring it back.
    ///
    /// # Errors
    /// HSM failures; the material may then still be there.
    fn destroy(&self, object: &Object) -> Result<()>;

    /// Whether keys of this kind can be made here.
    fn generates(&self, spec: KeySpec) -> bool;

    /// Whether keys of this kind can do this here: for Query, `C_GetMechanismList` and early refusals.
    fn supports(&self, spec: KeySpec, purpose: Purpose, mechanism: &Mechanism) -> bool;
}

/// A key ready to use. All methods are safe to call from many threads at once.
///
/// Output goes to the caller's buffer; every method that writes first checks that the result fits
/// ([`Error::BufferTooSmall`], nothing done) and returns the number of bytes written.
pub trait ReadyKey: Send + Sync {
    /// Bytes that [`ReadyKey::run`] will write at most, for an input of that length.
    ///
    /// # Errors
    /// [`Error::MechanismUnsupported`].
    fn output_length(&self, purpose: Purpose, mechanism: &Mechanism, input: usize)
    -> Result<usize>;

    /// Does `purpose` (Encrypt, Decrypt, Sign, MacGenerate, SignRecover, VerifyRecover) in one part. `output` may be larger than needed.
    ///
    /// # Errors
    /// [`Error::MechanismUnsupported`], [`Error::MechanismParameter`], [`Error::DataLength`],
    /// [`Error::InvalidCiphertext`], [`Error::BufferTooSmall`], HSM failures.
    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize>;

    /// Checks a signature or MAC in one part; MACs in constant time.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`], [`Error::SignatureLength`], and those of [`ReadyKey::run`].
    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()>;

    /// Starts an operation in parts.
    ///
    /// # Errors
    /// [`Error::MechanismUnsupported`] also for mechanisms that have one part only (PKCS#11 table of
    /// single-part mechanisms).
    fn stream(&self, purpose: Purpose, mechanism: &Mechanism) -> Result<Box<dyn Stream>>;

    /// Wraps another key's canonical value (PKCS#8 for private keys) with this key.
    ///
    /// # Errors
    /// As [`ReadyKey::run`]; [`Error::NoMaterial`] when the target's value is not at hand (an HSM key).
    fn wrap(&self, mechanism: &Mechanism, target: &SecretBytes) -> Result<Vec<u8>>;

    /// Unwraps what [`ReadyKey::wrap`] made.
    ///
    /// # Errors
    /// [`Error::InvalidWrappedKey`], whatever was wrong with it.
    fn unwrap(&self, mechanism: &Mechanism, wrapped: &[u8]) -> Result<SecretBytes>;

    /// Derives `length` bytes (the mechanism's natural length when none).
    ///
    /// # Errors
    /// As [`ReadyKey::run`].
    fn derive(&self, mechanism: &Mechanism, length: Option<usize>) -> Result<SecretBytes>;

    /// Makes a secret and the ciphertext that carries it to the holder of the private key. `length`: what is wanted of
    /// the secret, where the mechanism makes more or less of it.
    ///
    /// # Errors
    /// As [`ReadyKey::run`].
    fn encapsulate(
        &self,
        mechanism: &Mechanism,
        _length: Option<usize>,
    ) -> Result<(Vec<u8>, SecretBytes)> {
        unsupported(Purpose::Encapsulate, mechanism)
    }

    /// Opens what [`ReadyKey::encapsulate`] made.
    ///
    /// # Errors
    /// As [`ReadyKey::run`]; [`Error::DataLength`] for a ciphertext of another length, [`Error::InvalidCiphertext`] for
    /// one that is no point of the key's curve. A ciphertext that is wrong otherwise gives another secret.
    fn decapsulate(
        &self,
        mechanism: &Mechanism,
        _ciphertext: &[u8],
        _length: Option<usize>,
    ) -> Result<SecretBytes> {
        unsupported(Purpose::Decapsulate, mechanism)
    }
}

/// An operation in parts.
pub trait Stream: Send {
    /// Bytes that the next [`Stream::update`] with that much input writes at most.
    fn update_length(&self, input: usize) -> usize;

    /// Bytes that [`Stream::finish`] writes at most.
    fn finish_length(&self) -> usize;

    /// Takes a part; writes what is ready (nothing for signatures and MACs).
    ///
    /// # Errors
    /// As [`ReadyKey::run`]. After an error other than [`Error::BufferTooSmall`] the stream is over.
    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize>;

    /// Ends the operation: last block, tag, signature or MAC.
    ///
    /// # Errors
    /// As [`ReadyKey::run`].
    fn finish(&mut self, output: &mut [u8]) -> Result<usize>;

    /// Ends a verification.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`], [`Error::SignatureLength`].
    fn verify(&mut self, signature: &[u8]) -> Result<()>;
}

/// Refuses a mechanism that an engine does not have for a purpose.
///
/// # Errors
/// Always [`Error::MechanismUnsupported`].
pub fn unsupported<T>(purpose: Purpose, mechanism: &Mechanism) -> Result<T> {
    Err(Error::MechanismUnsupported {
        mechanism: mechanism.name(),
        purpose,
    })
}

/// Checks that `output` holds `needed` bytes.
///
/// # Errors
/// [`Error::BufferTooSmall`].
pub fn check_room(output: &[u8], needed: usize) -> Result<()> {
    if output.len() < needed {
        Err(Error::BufferTooSmall { needed })
    } else {
        Ok(())
    }
}

/// Whether objects of this class are used through an engine at all.
#[must_use]
pub const fn is_usable(class: ObjectClass) -> bool {
    class.is_key()
}
