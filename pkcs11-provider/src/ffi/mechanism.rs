//! Reads a `CK_MECHANISM` and the structure its parameter points to.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::derivation_parameters as derivations;
use super::pointers::Ptr;
use crate::mechanisms::numbers::Numbers;
use crate::mechanisms::registry;
use crate::mechanisms::{MechanismCall, ParameterShape, Parameters};
use crate::rv::{Result, Rv};

/// `CK_GCM_PARAMS` as it was before `ulIvBits` was added to it (PKCS#11 2.40, first edition; still
/// what some applications are built with). Told apart by its size.
#[repr(C)]
#[derive(Clone, Copy)]
struct GcmParamsWithoutIvBits {
    iv: *mut CK_BYTE,
    iv_len: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_len: CK_ULONG,
    tag_bits: CK_ULONG,
}

/// The mechanism at `mechanism`.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` for NULL, `CKR_MECHANISM_INVALID` for one that no token of ours has,
/// `CKR_MECHANISM_PARAM_INVALID` for a parameter that has not the mechanism's shape.
pub(super) fn read<'call>(
    mechanism: Ptr<CK_MECHANISM>,
    numbers: &Numbers,
) -> Result<MechanismCall<'call>> {
    let raw = raw(mechanism, numbers)?;
    let row = registry::find(raw.mechanism).ok_or(Rv::MECHANISM_INVALID)?;
    // SAFETY: the parameter of the application's mechanism: NULL, or as long as the length says.
    let pointer = unsafe { Ptr::nested(raw.pParameter) };
    let parameter = Parameter {
        pointer,
        length: raw.ulParameterLen,
    };
    let mut parameters = parameter.read_as(row.shape)?;
    if !numbers.are_own() {
        parameters.renumber(|number| numbers.mechanism_in(number));
    }
    Ok(MechanismCall {
        kind: raw.mechanism,
        parameters,
    })
}

/// The structure itself, with our number of the mechanism.
///
/// # Errors
/// None but that of the pointer.
pub(super) fn raw(mechanism: Ptr<CK_MECHANISM>, numbers: &Numbers) -> Result<CK_MECHANISM> {
    let mut raw = mechanism.read()?;
    raw.mechanism = numbers.mechanism_in(raw.mechanism);
    Ok(raw)
}

/// The mechanism of an `…Init` function, where NULL ends the active operation.
pub(super) fn read_optional<'call>(
    mechanism: Ptr<CK_MECHANISM>,
    numbers: &Numbers,
) -> Result<Option<MechanismCall<'call>>> {
    if mechanism.is_null() {
        Ok(None)
    } else {
        read(mechanism, numbers).map(Some)
    }
}

/// The mechanism of a message-based `…Init` function, whose parameter is looked at later; NULL ends
/// the active process.
///
/// # Errors
/// None but that of the pointer.
pub(super) fn number<'call>(
    mechanism: Ptr<CK_MECHANISM>,
    numbers: &Numbers,
) -> Result<Option<MechanismCall<'call>>> {
    if mechanism.is_null() {
        return Ok(None);
    }
    Ok(Some(MechanismCall {
        kind: raw(mechanism, numbers)?.mechanism,
        parameters: Parameters::None,
    }))
}

#[derive(Clone, Copy)]
pub(super) struct Parameter {
    pointer: Ptr<c_void>,
    length: CK_ULONG,
}

impl Parameter {
    fn read_as<'call>(self, shape: ParameterShape) -> Result<Parameters<'call>> {
        let absent = self.length == 0;
        match shape {
            // Applications pass leftovers to mechanisms without parameters; what is not looked at
            // does no harm, and other tokens ignore it too.
            ParameterShape::None => Ok(Parameters::None),
            ParameterShape::OptionalIv(_)
            | ParameterShape::OptionalBytes
            | ParameterShape::EdDsa
            | ParameterShape::Signing
                if absent =>
            {
                Ok(Parameters::None)
            }
            ParameterShape::Iv(length) | ParameterShape::OptionalIv(length) => {
                let iv = self.bytes()?;
                if iv.len() == length {
                    Ok(Parameters::Bytes(iv))
                } else {
                    Err(Rv::MECHANISM_PARAM_INVALID)
                }
            }
            ParameterShape::OptionalBytes => self.bytes().map(Parameters::Bytes),
            ParameterShape::Counter => self.counter(),
            ParameterShape::Gcm => self.gcm(),
            ParameterShape::Ccm => self.ccm(),
            ParameterShape::ChaCha20 => self.chacha20(),
            ParameterShape::ChaCha20Poly1305 => self.chacha20_poly1305(),
            ParameterShape::MacLength => self.structure().map(Parameters::MacLength),
            ParameterShape::Pss => self.pss(),
            ParameterShape::Oaep => self.oaep(),
            ParameterShape::EdDsa => self.eddsa(),
            ParameterShape::Ecdh1 => self.ecdh1(),
            ParameterShape::Hkdf => self.hkdf(),
            ParameterShape::CbcEncryptData => self.cbc_encrypt_data(),
            ParameterShape::StringData => self.string_data(),
            ParameterShape::Signing => self.signing(),
            ParameterShape::HashSigning => self.hash_signing(),
            ParameterShape::Handle => self.structure().map(Parameters::Handle),
            ParameterShape::Number => self.structure().map(Parameters::Number),
            ParameterShape::RsaAesKeyWrap => derivations::rsa_aes_key_wrap(self),
            ParameterShape::EcdhAesKeyWrap => derivations::ecdh_aes_key_wrap(self),
            ParameterShape::Sp800108 => derivations::sp800_108(self),
            ParameterShape::Sp800108Feedback => derivations::sp800_108_feedback(self),
            ParameterShape::TlsMaster => derivations::tls_master(self),
            ParameterShape::TlsExtendedMaster => derivations::tls_extended_master(self),
            ParameterShape::TlsKdf => derivations::tls_kdf(self),
            ParameterShape::TlsKeys => derivations::tls_keys(self),
            ParameterShape::TlsMac => derivations::tls_mac(self),
            ParameterShape::Pbkdf2 => derivations::pbkdf2(self),
        }
    }

    /// The parameter as bytes.
    fn bytes<'call>(self) -> Result<&'call [u8]> {
        self.pointer
            .cast::<u8>()
            .bytes(self.length)
            .map_err(|_| Rv::MECHANISM_PARAM_INVALID)
    }

    /// The parameter as a structure of exactly its size.
    pub(super) fn structure<T: Copy>(self) -> Result<T> {
        if usize::try_from(self.length) != Ok(size_of::<T>()) {
            return Err(Rv::MECHANISM_PARAM_INVALID);
        }
        self.pointer
            .cast::<T>()
            .read()
            .map_err(|_| Rv::MECHANISM_PARAM_INVALID)
    }

    fn counter<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_AES_CTR_PARAMS = self.structure()?;
        Ok(Parameters::Counter {
            bits: raw.ulCounterBits,
            block: raw.cb,
        })
    }

    fn gcm<'call>(self) -> Result<Parameters<'call>> {
        if usize::try_from(self.length) == Ok(size_of::<GcmParamsWithoutIvBits>()) {
            let raw: GcmParamsWithoutIvBits = self.structure()?;
            let (iv, aad) = (inner(raw.iv, raw.iv_len)?, inner(raw.aad, raw.aad_len)?);
            return Ok(Parameters::Gcm {
                iv,
                aad,
                tag_bits: raw.tag_bits,
            });
        }
        let raw: CK_GCM_PARAMS = self.structure()?;
        let (iv, aad) = (inner(raw.pIv, raw.ulIvLen)?, inner(raw.pAAD, raw.ulAADLen)?);
        Ok(Parameters::Gcm {
            iv,
            aad,
            tag_bits: raw.ulTagBits,
        })
    }

    fn ccm<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_CCM_PARAMS = self.structure()?;
        Ok(Parameters::Ccm {
            data_len: raw.ulDataLen,
            nonce: inner(raw.pNonce, raw.ulNonceLen)?,
            aad: inner(raw.pAAD, raw.ulAADLen)?,
            mac_len: raw.ulMACLen,
        })
    }

    fn chacha20<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_CHACHA20_PARAMS = self.structure()?;
        Ok(Parameters::ChaCha20 {
            counter: inner(raw.pBlockCounter, bits_to_bytes(raw.blockCounterBits)?)?,
            nonce: inner(raw.pNonce, bits_to_bytes(raw.ulNonceBits)?)?,
        })
    }

    fn chacha20_poly1305<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_SALSA20_CHACHA20_POLY1305_PARAMS = self.structure()?;
        // "Length of nonce in bits"; OpenSSL's and NSS's users give bytes. No nonce has both 12 or 24 bits and
        // that many bytes.
        let bytes = match raw.ulNonceLen {
            12 | 24 => raw.ulNonceLen,
            bits => bits_to_bytes(bits)?,
        };
        Ok(Parameters::ChaCha20Poly1305 {
            nonce: inner(raw.pNonce, bytes)?,
            aad: inner(raw.pAAD, raw.ulAADLen)?,
        })
    }

    fn pss<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_RSA_PKCS_PSS_PARAMS = self.structure()?;
        Ok(Parameters::Pss {
            hash: raw.hashAlg,
            mgf: raw.mgf,
            salt_len: raw.sLen,
        })
    }

    fn oaep<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_RSA_PKCS_OAEP_PARAMS = self.structure()?;
        Ok(Parameters::Oaep {
            hash: raw.hashAlg,
            mgf: raw.mgf,
            source: raw.source,
            label: inner(raw.pSourceData.cast(), raw.ulSourceDataLen)?,
        })
    }

    fn eddsa<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_EDDSA_PARAMS = self.structure()?;
        let context = inner(raw.pContextData, raw.ulContextDataLen)?;
        Ok(Parameters::EdDsa {
            prehash: raw.phFlag != CK_FALSE,
            context,
        })
    }

    fn signing<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_SIGN_ADDITIONAL_CONTEXT = self.structure()?;
        Ok(Parameters::Signing {
            hedge: raw.hedgeVariant,
            context: inner(raw.pContext, raw.ulContextLen)?,
            hash: None,
        })
    }

    fn hash_signing<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_HASH_SIGN_ADDITIONAL_CONTEXT = self.structure()?;
        Ok(Parameters::Signing {
            hedge: raw.hedgeVariant,
            context: inner(raw.pContext, raw.ulContextLen)?,
            hash: Some(raw.hash),
        })
    }

    fn ecdh1<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_ECDH1_DERIVE_PARAMS = self.structure()?;
        Ok(Parameters::Ecdh1 {
            kdf: raw.kdf,
            shared: inner(raw.pSharedData, raw.ulSharedDataLen)?,
            public: inner(raw.pPublicData, raw.ulPublicDataLen)?,
        })
    }

    fn hkdf<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_HKDF_PARAMS = self.structure()?;
        let extract = raw.bExtract != CK_FALSE;
        // "The salt should be ignored if bExtract is false": OpenSSL's provider sets no type then.
        let (salt_type, salt): (_, &[u8]) = if extract {
            (raw.ulSaltType, inner(raw.pSalt, raw.ulSaltLen)?)
        } else {
            (CKF_HKDF_SALT_NULL, &[])
        };
        let expand = raw.bExpand != CK_FALSE;
        // "The pInfo should be ignored if bExpand is set to false."
        let info: &[u8] = match expand {
            true => inner(raw.pInfo, raw.ulInfoLen)?,
            false => &[],
        };
        Ok(Parameters::Hkdf {
            extract,
            expand,
            prf: raw.prfHashMechanism,
            salt_type,
            salt,
            salt_key: raw.hSaltKey,
            info,
        })
    }

    fn cbc_encrypt_data<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_AES_CBC_ENCRYPT_DATA_PARAMS = self.structure()?;
        Ok(Parameters::CbcEncryptData {
            iv: raw.iv,
            data: inner(raw.pData, raw.length)?,
        })
    }

    fn string_data<'call>(self) -> Result<Parameters<'call>> {
        let raw: CK_KEY_DERIVATION_STRING_DATA = self.structure()?;
        inner(raw.pData, raw.ulLen).map(Parameters::Bytes)
    }
}

/// A length that the application gives in bits.
fn bits_to_bytes(bits: CK_ULONG) -> Result<CK_ULONG> {
    if bits.is_multiple_of(8) {
        Ok(bits / 8)
    } else {
        Err(Rv::MECHANISM_PARAM_INVALID)
    }
}

/// Bytes that a parameter structure points to.
pub(super) fn inner<'call>(pointer: *mut CK_BYTE, length: CK_ULONG) -> Result<&'call [u8]> {
    // SAFETY: taken from the application's parameter structure together with its length.
    let pointer = unsafe { Ptr::nested(pointer) };
    pointer
        .bytes(length)
        .map_err(|_| Rv::MECHANISM_PARAM_INVALID)
}
