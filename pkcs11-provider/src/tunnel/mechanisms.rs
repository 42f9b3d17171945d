//! Mechanisms: the number, whether there is a parameter, its length in this encoding, and the
//! parameter: bytes with their length, or the fields of its structure with each array's length
//! before it.

use cryptoki_sys::*;

use super::codec::{Fault, Malformed, Reader};
use crate::mechanisms::registry;
use crate::mechanisms::{MechanismCall, ParameterShape, Parameters};
use crate::rv::Rv;

/// Reads a mechanism.
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Given<'a>, Malformed> {
    let kind = reader.ulong()?;
    let parameter = if reader.flag()? {
        Some(reader.bytes()?)
    } else {
        None
    };
    Ok(Given { kind, parameter })
}

/// A mechanism as it came: its parameter is looked at when everything else was read.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    kind: CK_MECHANISM_TYPE,
    parameter: Option<&'a [u8]>,
}

impl<'a> Given<'a> {
    /// As the functions take it.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn call(self) -> Result<MechanismCall<'a>, Fault> {
        let row = registry::find(self.kind).ok_or(Rv::MECHANISM_INVALID)?;
        let parameters = parameters(row.shape, self.parameter)
            .map_err(|Malformed| Rv::MECHANISM_PARAM_INVALID)?;
        Ok(MechanismCall {
            kind: self.kind,
            parameters,
        })
    }
}

fn parameters(shape: ParameterShape, given: Option<&[u8]>) -> Result<Parameters<'_>, Malformed> {
    use ParameterShape as S;
    let Some(bytes) = given.filter(|bytes| !bytes.is_empty()) else {
        return match shape {
            S::None | S::OptionalIv(_) | S::OptionalBytes | S::EdDsa | S::Signing => {
                Ok(Parameters::None)
            }
            _ => Err(Malformed),
        };
    };
    let mut reader = Reader::new(bytes);
    let read = fields(shape, &mut reader)?;
    // What mechanisms without parameters are given is not looked at.
    if shape != S::None {
        reader.end()?;
    }
    Ok(read)
}

fn fields<'a>(shape: ParameterShape, reader: &mut Reader<'a>) -> Result<Parameters<'a>, Malformed> {
    use ParameterShape as S;
    Ok(match shape {
        S::None => Parameters::None,
        S::Iv(length) | S::OptionalIv(length) => {
            let iv = reader.bytes()?;
            if iv.len() != length {
                return Err(Malformed);
            }
            Parameters::Bytes(iv)
        }
        S::OptionalBytes | S::StringData => Parameters::Bytes(reader.bytes()?),
        S::Counter => Parameters::Counter {
            bits: reader.ulong()?,
            block: reader.take(16)?.try_into().map_err(|_| Malformed)?,
        },
        S::Gcm => {
            let iv = reader.bytes()?;
            // ulIvBits: the vector's own length counts.
            reader.ulong()?;
            Parameters::Gcm {
                iv,
                aad: reader.bytes()?,
                tag_bits: reader.ulong()?,
            }
        }
        S::Ccm => Parameters::Ccm {
            data_len: reader.ulong()?,
            nonce: reader.bytes()?,
            aad: reader.bytes()?,
            mac_len: reader.ulong()?,
        },
        // Their lengths are in bits in C; here, as of every array, in elements.
        S::ChaCha20 => Parameters::ChaCha20 {
            counter: reader.bytes()?,
            nonce: reader.bytes()?,
        },
        S::ChaCha20Poly1305 => Parameters::ChaCha20Poly1305 {
            nonce: reader.bytes()?,
            aad: reader.bytes()?,
        },
        S::MacLength => Parameters::MacLength(reader.ulong()?),
        S::Pss => Parameters::Pss {
            hash: reader.ulong()?,
            mgf: reader.ulong()?,
            salt_len: reader.ulong()?,
        },
        S::Oaep => Parameters::Oaep {
            hash: reader.ulong()?,
            mgf: reader.ulong()?,
            source: reader.ulong()?,
            label: reader.bytes()?,
        },
        S::EdDsa => Parameters::EdDsa {
            prehash: reader.flag()?,
            context: reader.bytes()?,
        },
        S::Ecdh1 => Parameters::Ecdh1 {
            kdf: reader.ulong()?,
            shared: reader.bytes()?,
            public: reader.bytes()?,
        },
        S::Hkdf => Parameters::Hkdf {
            extract: reader.flag()?,
            expand: reader.flag()?,
            prf: reader.ulong()?,
            salt_type: reader.ulong()?,
            salt: reader.bytes()?,
            salt_key: reader.ulong()?,
            info: reader.bytes()?,
        },
        S::Signing => Parameters::Signing {
            hedge: reader.ulong()?,
            context: reader.bytes()?,
            hash: None,
        },
        S::HashSigning => Parameters::Signing {
            hedge: reader.ulong()?,
            context: reader.bytes()?,
            hash: Some(reader.ulong()?),
        },
        S::Handle => Parameters::Handle(reader.ulong()?),
        S::Number => Parameters::Number(reader.ulong()?),
        S::RsaAesKeyWrap => Parameters::RsaAesKeyWrap {
            bits: reader.ulong()?,
            hash: reader.ulong()?,
            mgf: reader.ulong()?,
            source: reader.ulong()?,
            label: reader.bytes()?,
        },
        S::EcdhAesKeyWrap => Parameters::EcdhAesKeyWrap {
            bits: reader.ulong()?,
            kdf: reader.ulong()?,
            shared: reader.bytes()?,
        },
        S::TlsMac => Parameters::TlsMac {
            hash: reader.ulong()?,
            length: reader.ulong()?,
            side: reader.ulong()?,
        },
        // Structures of pointers to structures: not carried.
        S::Sp800108
        | S::Sp800108Feedback
        | S::TlsMaster
        | S::TlsExtendedMaster
        | S::TlsKeys
        | S::TlsKdf
        | S::Pbkdf2 => return Err(Malformed),
        S::CbcEncryptData => Parameters::CbcEncryptData {
            iv: reader.take(16)?.try_into().map_err(|_| Malformed)?,
            data: reader.bytes()?,
        },
    })
}
