//! Reads the parameter structures of derivations and of key wrapping in two steps.

use cryptoki_sys::*;

use super::mechanism::{Parameter, inner};
use super::pointers::{Ptr, probe_number};
use crate::mechanisms::Parameters;
use crate::mechanisms::parameters::{LONGEST_PASSWORD, MOST_FIELDS, NumberForm, PrfField};
use crate::rv::{Result, Rv};

fn wrong<T>() -> Result<T> {
    Err(Rv::MECHANISM_PARAM_INVALID)
}

/// A structure that a parameter points to, of exactly its size.
fn pointed<T: Copy>(pointer: *mut std::ffi::c_void, length: CK_ULONG) -> Result<T> {
    if usize::try_from(length) != Ok(size_of::<T>()) {
        return wrong();
    }
    // SAFETY: taken from the application's parameter structure together with its length.
    let pointer = unsafe { Ptr::nested(pointer.cast::<T>()) };
    pointer.read().map_err(|_| Rv::MECHANISM_PARAM_INVALID)
}

pub(super) fn rsa_aes_key_wrap<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_RSA_AES_KEY_WRAP_PARAMS = parameter.structure()?;
    // SAFETY: the application's parameter points to a structure of this type, or is NULL.
    let oaep = unsafe { Ptr::nested(raw.pOAEPParams) };
    let oaep = oaep.read().map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
    Ok(Parameters::RsaAesKeyWrap {
        bits: raw.ulAESKeyBits,
        hash: oaep.hashAlg,
        mgf: oaep.mgf,
        source: oaep.source,
        label: inner(oaep.pSourceData.cast(), oaep.ulSourceDataLen)?,
    })
}

pub(super) fn ecdh_aes_key_wrap<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_ECDH_AES_KEY_WRAP_PARAMS = parameter.structure()?;
    Ok(Parameters::EcdhAesKeyWrap {
        bits: raw.ulAESKeyBits,
        kdf: raw.kdf,
        shared: inner(raw.pSharedData, raw.ulSharedDataLen)?,
    })
}

pub(super) fn sp800_108<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_SP800_108_KDF_PARAMS = parameter.structure()?;
    Ok(Parameters::Sp800108 {
        prf: raw.prfType,
        fields: fields(raw.pDataParams, raw.ulNumberOfDataParams)?,
        iv: &[],
    })
}

pub(super) fn sp800_108_feedback<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_SP800_108_FEEDBACK_KDF_PARAMS = parameter.structure()?;
    Ok(Parameters::Sp800108 {
        prf: raw.prfType,
        fields: fields(raw.pDataParams, raw.ulNumberOfDataParams)?,
        iv: inner(raw.pIV, raw.ulIVLen)?,
    })
}

fn fields<'call>(
    pointer: *mut CK_PRF_DATA_PARAM,
    count: CK_ULONG,
) -> Result<Box<[PrfField<'call>]>> {
    if usize::try_from(count).is_ok_and(|count| count > MOST_FIELDS) {
        return wrong();
    }
    // SAFETY: taken from the application's parameter structure together with the count.
    let pointer = unsafe { Ptr::nested(pointer) };
    let elements = pointer.elements(count);
    let elements = elements.map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
    elements.map(field).collect()
}

fn field<'call>(raw: CK_PRF_DATA_PARAM) -> Result<PrfField<'call>> {
    let number = || {
        let format: CK_SP800_108_COUNTER_FORMAT = pointed(raw.pValue, raw.ulValueLen)?;
        Ok(NumberForm {
            little_endian: format.bLittleEndian != CK_FALSE,
            bits: format.ulWidthInBits,
        })
    };
    match raw.type_ {
        CK_SP800_108_ITERATION_VARIABLE if raw.pValue.is_null() && raw.ulValueLen == 0 => {
            Ok(PrfField::Iteration(None))
        }
        CK_SP800_108_ITERATION_VARIABLE => Ok(PrfField::Iteration(Some(number()?))),
        CK_SP800_108_COUNTER => Ok(PrfField::Counter(number()?)),
        CK_SP800_108_DKM_LENGTH => {
            let format: CK_SP800_108_DKM_LENGTH_FORMAT = pointed(raw.pValue, raw.ulValueLen)?;
            let form = NumberForm {
                little_endian: format.bLittleEndian != CK_FALSE,
                bits: format.ulWidthInBits,
            };
            Ok(PrfField::Length(format.dkmLengthMethod, form))
        }
        // "ulValueLen must be set to a non-zero length."
        CK_SP800_108_BYTE_ARRAY if raw.ulValueLen == 0 => wrong(),
        CK_SP800_108_BYTE_ARRAY => inner(raw.pValue.cast(), raw.ulValueLen).map(PrfField::Bytes),
        CK_SP800_108_KEY_HANDLE => pointed(raw.pValue, raw.ulValueLen).map(PrfField::Key),
        _ => wrong(),
    }
}

/// The version of TLS is told by a pre-master secret of RSA key exchange only, whose bytes do not leave here: the
/// pointer for it must be NULL, as with Diffie-Hellman.
fn refuse_version(version: *mut CK_VERSION) -> Result<()> {
    if version.is_null() { Ok(()) } else { wrong() }
}

pub(super) fn tls_master<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_TLS12_MASTER_KEY_DERIVE_PARAMS = parameter.structure()?;
    refuse_version(raw.pVersion)?;
    let random = raw.RandomInfo;
    Ok(Parameters::Tls {
        hash: raw.prfHashMechanism,
        label: &[],
        client: inner(random.pClientRandom, random.ulClientRandomLen)?,
        server: inner(random.pServerRandom, random.ulServerRandomLen)?,
        context: &[],
    })
}

pub(super) fn tls_extended_master<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = parameter.structure()?;
    refuse_version(raw.pVersion)?;
    Ok(Parameters::Tls {
        hash: raw.prfHashMechanism,
        label: &[],
        client: inner(raw.pSessionHash, raw.ulSessionHashLen)?,
        server: &[],
        context: &[],
    })
}

pub(super) fn tls_kdf<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_TLS_KDF_PARAMS = parameter.structure()?;
    let random = raw.RandomInfo;
    Ok(Parameters::Tls {
        hash: raw.prfMechanism,
        label: inner(raw.pLabel, raw.ulLabelLength)?,
        client: inner(random.pClientRandom, random.ulClientRandomLen)?,
        server: inner(random.pServerRandom, random.ulServerRandomLen)?,
        context: inner(raw.pContextData, raw.ulContextDataLength)?,
    })
}

pub(super) fn tls_keys<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_TLS12_KEY_MAT_PARAMS = parameter.structure()?;
    let random = raw.RandomInfo;
    Ok(Parameters::TlsKeys {
        hash: raw.prfHashMechanism,
        mac_bits: raw.ulMacSizeInBits,
        key_bits: raw.ulKeySizeInBits,
        vector_bits: raw.ulIVSizeInBits,
        export: raw.bIsExport != CK_FALSE,
        client: inner(random.pClientRandom, random.ulClientRandomLen)?,
        server: inner(random.pServerRandom, random.ulServerRandomLen)?,
    })
}

pub(super) fn tls_mac<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_TLS_MAC_PARAMS = parameter.structure()?;
    Ok(Parameters::TlsMac {
        hash: raw.prfHashMechanism,
        length: raw.ulMacLength,
        side: raw.ulServerOrClient,
    })
}

/// Both structures have one size; which it is, is told by the last field, which is a length or a pointer to one.
/// `CK_PKCS5_PBKD2_PARAMS2` is what 3.2 has; `CK_PKCS5_PBKD2_PARAMS` is what NSS still passes.
pub(super) fn pbkdf2<'call>(parameter: Parameter) -> Result<Parameters<'call>> {
    let raw: CK_PKCS5_PBKD2_PARAMS2 = parameter.structure()?;
    let prf_data_is_absent = raw.pPrfData.is_null() || raw.ulPrfDataLen == 0;
    if raw.saltSource != CKZ_SALT_SPECIFIED || !prf_data_is_absent {
        return wrong();
    }
    let password_length = match raw.ulPasswordLen {
        length @ ..=LONGEST_PASSWORD => length,
        // No length of a password: a pointer to one, if the memory there can be read.
        address => probe_number(address)
            .filter(|length| *length <= LONGEST_PASSWORD)
            .ok_or(Rv::MECHANISM_PARAM_INVALID)?,
    };
    Ok(Parameters::Pbkdf2 {
        prf: raw.prf,
        password: inner(raw.pPassword, password_length)?,
        salt: inner(raw.pSaltSourceData.cast(), raw.ulSaltSourceDataLen)?,
        iterations: raw.iterations,
    })
}
