//! Wrapping, unwrapping and deriving with an HSM key, where the other key's value is outside the HSM: it
//! passes through a session object that lives for the one call.

use cryptoki::mechanism::Mechanism as TokenMechanism;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{
    Attribute, AttributeType, KeyType, ObjectClass as TokenClass, ObjectHandle,
};
use cryptoki::session::Session;
use cryptoki::types::Ulong;

use super::failure::{self, Failure};
use super::key::{HsmKey, judge_data};
use super::plan;
use super::pool::Repeat;
use super::private::SecretTemplate;
use crate::algorithm::KeySpec;
use crate::engine::software::kdf;
use crate::error::{Error, Result};
use crate::mechanism::{KeyDerivation, Mechanism, Purpose};
use crate::secret::SecretBytes;

const AES_BLOCK: usize = 16;

/// Bytes of a derived or unwrapped value at most, so that a request cannot occupy the HSM for long.
const VALUE_LIMIT: usize = 16 << 10;

/// A session object that is destroyed when the call is over, however it ends.
struct Passing<'a> {
    session: &'a Session,
    handle: ObjectHandle,
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        // It goes with the session at the latest.
        let _ = self.session.destroy_object(self.handle);
    }
}

impl Passing<'_> {
    fn value(&self) -> std::result::Result<Option<SecretBytes>, Failure> {
        let attributes = self
            .session
            .get_attributes(self.handle, &[AttributeType::Value])?;
        Ok(attributes
            .into_iter()
            .find_map(|attribute| match attribute {
                Attribute::Value(value) => Some(SecretBytes::new(value)),
                _ => None,
            }))
    }
}

/// A generic secret that may be read: its value is ours, or is about to be. That it may is what the last two
/// attributes say.
fn passing_template() -> Vec<Attribute> {
    vec![
        Attribute::Class(TokenClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ]
}

/// Wraps `target`: what the token wraps is a generic secret of these bytes, which for key wrap mechanisms
/// gives what wrapping the key itself would (a private key is wrapped as its PrivateKeyInfo).
pub(super) fn wrap(key: &HsmKey, mechanism: &Mechanism, target: &SecretBytes) -> Result<Vec<u8>> {
    key.require(Purpose::Wrap, mechanism)?;
    plan::check(key.spec, Purpose::Wrap, mechanism, target.len())?;
    let length = target.len();
    if matches!(mechanism, Mechanism::KeyWrap { .. }) && (length < 16 || !length.is_multiple_of(8))
    {
        return Err(Error::DataLength(format!(
            "AES key wrap takes 16, 24, 32 … bytes, not {length}"
        )));
    }
    if matches!(mechanism, Mechanism::KeyWrapPad)
        && !length.is_multiple_of(8)
        && key.pool.connection()?.fills_wrapped_values()
    {
        return Err(Error::DataLength(format!(
            "this HSM would change a value of {length} bytes while wrapping it with \
             CKM_AES_KEY_WRAP_PAD; it takes whole blocks of 8 bytes"
        )));
    }
    key.pool.call(Repeat::Safe, |lease| {
        let session = lease.session();
        let wrapping = key.handle(lease)?;
        let mut template = SecretTemplate(passing_template());
        template.0.push(Attribute::Value(target.expose().to_vec()));
        let handle = session.create_object(&template.0)?;
        let passing = Passing { session, handle };
        let mut parameters = plan::Parameters::of(mechanism);
        let token_mechanism = parameters.mechanism(mechanism, Purpose::Wrap)?;
        Ok(session.wrap_key(&token_mechanism, wrapping, passing.handle)?)
    })
}

/// Unwraps to bytes.
pub(super) fn unwrap(key: &HsmKey, mechanism: &Mechanism, wrapped: &[u8]) -> Result<SecretBytes> {
    key.require(Purpose::Unwrap, mechanism)?;
    if wrapped.len() > VALUE_LIMIT
        || plan::check(key.spec, Purpose::Unwrap, mechanism, wrapped.len()).is_err()
    {
        return Err(Error::InvalidWrappedKey);
    }
    key.pool.call(Repeat::Safe, |lease| {
        let session = lease.session();
        let unwrapping = key.handle(lease)?;
        let mut parameters = plan::Parameters::of(mechanism);
        let token_mechanism = parameters.mechanism(mechanism, Purpose::Unwrap)?;
        let attempt = |template: &[Attribute]| {
            session.unwrap_key(&token_mechanism, unwrapping, wrapped, template)
        };
        let full = passing_template();
        let handle = match attempt(&full) {
            // openCryptoki gives these two attributes their values itself when it unwraps.
            Err(error) if failure::refuses_template(&error) => attempt(&full[..full.len() - 2]),
            other => other,
        }
        .map_err(|error| judge_data(lease, error, Error::InvalidWrappedKey))?;
        let passing = Passing { session, handle };
        passing.value()?.ok_or_else(|| unreadable(key).into())
    })
}

/// Derives.
pub(super) fn derive(
    key: &HsmKey,
    mechanism: &Mechanism,
    length: Option<usize>,
) -> Result<SecretBytes> {
    key.require(Purpose::Derive, mechanism)?;
    if length.is_some_and(|length| length == 0 || length > VALUE_LIMIT) {
        return Err(Error::MechanismParameter(format!(
            "a derived key has 1 to {VALUE_LIMIT} bytes"
        )));
    }
    match mechanism {
        Mechanism::Ecdh { peer, derivation } => agree(key, peer, derivation, length),
        Mechanism::EncryptData { iv, data } => encrypt_data(key, iv.as_ref(), data, length),
        _ => crate::engine::unsupported(Purpose::Derive, mechanism),
    }
}

fn agree(
    key: &HsmKey,
    peer: &[u8],
    derivation: &KeyDerivation,
    length: Option<usize>,
) -> Result<SecretBytes> {
    let (point_length, shared_length) = match key.spec {
        KeySpec::Ec { curve } => (1 + 2 * curve.field_length(), curve.field_length()),
        _ => (32, 32),
    };
    let compressed = matches!(key.spec, KeySpec::Ec { .. }) && peer.first() != Some(&4);
    if peer.len() != point_length || compressed {
        return Err(Error::MechanismParameter(
            "the peer's point is no uncompressed point of this key's curve".to_owned(),
        ));
    }
    let shared = derive_once(key, shared_length, || {
        TokenMechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), peer))
    })?;
    match derivation {
        KeyDerivation::None => cut(&shared, length),
        // On our side, because few tokens have more than CKD_NULL.
        KeyDerivation::X963 { hash, shared_info } => {
            let wanted = length.unwrap_or(hash.length());
            kdf::x963(*hash, shared.expose(), shared_info, wanted)
        }
        KeyDerivation::OneStep { hash, fixed_info } => {
            let wanted = length.unwrap_or(hash.length());
            kdf::one_step(*hash, shared.expose(), fixed_info, wanted)
        }
    }
}

/// `CKM_AES_CBC_ENCRYPT_DATA`; and `CKM_AES_ECB_ENCRYPT_DATA` block by block through the same mechanism with
/// a zero initialization vector, because the binding cannot name the other.
fn encrypt_data(
    key: &HsmKey,
    iv: Option<&[u8; AES_BLOCK]>,
    data: &SecretBytes,
    length: Option<usize>,
) -> Result<SecretBytes> {
    let data = data.expose();
    if data.is_empty() || !data.len().is_multiple_of(AES_BLOCK) || data.len() > VALUE_LIMIT {
        return Err(Error::MechanismParameter(format!(
            "the data has whole blocks of {AES_BLOCK} bytes, up to {VALUE_LIMIT} bytes"
        )));
    }
    let derived = match iv {
        Some(iv) => derive_once(key, data.len(), || {
            TokenMechanism::AesCbcEncryptData(AesCbcDeriveParams::new(*iv, data))
        })?,
        None => {
            let mut whole = zeroize::Zeroizing::new(Vec::with_capacity(data.len()));
            for block in data.chunks(AES_BLOCK) {
                let part = derive_once(key, AES_BLOCK, || {
                    TokenMechanism::AesCbcEncryptData(AesCbcDeriveParams::new([0; 16], block))
                })?;
                whole.extend_from_slice(part.expose());
            }
            SecretBytes::from(whole.as_slice())
        }
    };
    cut(&derived, length)
}

fn derive_once<'a>(
    key: &HsmKey,
    length: usize,
    mechanism: impl Fn() -> TokenMechanism<'a>,
) -> Result<SecretBytes> {
    let value = key.pool.call(Repeat::Safe, |lease| {
        let session = lease.session();
        let base = key.handle(lease)?;
        let mut template = passing_template();
        template.push(Attribute::ValueLen(Ulong::new(
            length as std::os::raw::c_ulong,
        )));
        let handle = session.derive_key(&mechanism(), base, &template)?;
        let passing = Passing { session, handle };
        passing.value()?.ok_or_else(|| unreadable(key).into())
    })?;
    if value.len() == length {
        Ok(value)
    } else {
        Err(failure::refused(
            key.pool.name(),
            format!("{length} bytes were to be derived, {} came", value.len()),
        ))
    }
}

fn cut(value: &SecretBytes, length: Option<usize>) -> Result<SecretBytes> {
    let length = length.unwrap_or(value.len());
    value
        .expose()
        .get(..length)
        .map(SecretBytes::from)
        .ok_or_else(|| {
            Error::MechanismParameter(format!("this derivation gives {} bytes", value.len()))
        })
}

fn unreadable(key: &HsmKey) -> Error {
    failure::refused(
        key.pool.name(),
        "the HSM does not show values that pass through it (CKA_VALUE of an extractable, not \
         sensitive session object)",
    )
}
