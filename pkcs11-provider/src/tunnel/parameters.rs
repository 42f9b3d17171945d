//! The parameters of mechanisms: bytes with their length, or the fields of a structure as C has them, with
//! each array's length before it.

use cryptoki_sys::*;

use super::codec::{Malformed, Reader};
use super::templates;
use crate::mechanisms::parameters::{
    LONGEST_PASSWORD, MOST_FIELDS, MOST_KEYS, NumberForm, PrfField,
};
use crate::mechanisms::{ParameterShape, Parameters};

/// The parameter of a mechanism that takes this shape.
pub(super) fn read(
    shape: ParameterShape,
    given: Option<&[u8]>,
) -> Result<Parameters<'_>, Malformed> {
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
        S::Hkdf => hkdf(reader)?,
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
        S::Sp800108 | S::Sp800108Feedback => {
            let (prf, fields) = (reader.ulong()?, prf_fields(reader)?);
            let feedback = shape == S::Sp800108Feedback;
            let iv = if feedback { reader.bytes()? } else { &[] };
            read_additional_keys(reader)?;
            Parameters::Sp800108 { prf, fields, iv }
        }
        S::TlsMaster => {
            let (client, server) = (reader.bytes()?, reader.bytes()?);
            refuse_version(reader)?;
            Parameters::Tls {
                hash: reader.ulong()?,
                label: &[],
                client,
                server,
                context: &[],
            }
        }
        S::TlsExtendedMaster => {
            let (hash, client) = (reader.ulong()?, reader.bytes()?);
            refuse_version(reader)?;
            Parameters::Tls {
                hash,
                label: &[],
                client,
                server: &[],
                context: &[],
            }
        }
        S::TlsKdf => Parameters::Tls {
            hash: reader.ulong()?,
            label: reader.bytes()?,
            client: reader.bytes()?,
            server: reader.bytes()?,
            context: reader.bytes()?,
        },
        S::TlsKeys => tls_keys(reader)?,
        S::Pbkdf2 => pbkdf2(reader)?,
        S::CbcEncryptData => Parameters::CbcEncryptData {
            iv: reader.take(16)?.try_into().map_err(|_| Malformed)?,
            data: reader.bytes()?,
        },
    })
}

fn hkdf<'a>(reader: &mut Reader<'a>) -> Result<Parameters<'a>, Malformed> {
    let (extract, expand) = (reader.flag()?, reader.flag()?);
    let prf = reader.ulong()?;
    let (salt_type, salt) = (reader.ulong()?, reader.bytes()?);
    // "The salt should be ignored if bExtract is false."
    let (salt_type, salt): (_, &[u8]) = if extract {
        (salt_type, salt)
    } else {
        (CKF_HKDF_SALT_NULL, &[])
    };
    let (salt_key, info) = (reader.ulong()?, reader.bytes()?);
    Ok(Parameters::Hkdf {
        extract,
        expand,
        prf,
        salt_type,
        salt,
        salt_key,
        // "The pInfo should be ignored if bExpand is set to false."
        info: if expand { info } else { &[] },
    })
}

/// The fields of an SP 800-108 input: each its type, the length of its value, and the value, which is a structure
/// or bytes.
fn prf_fields<'a>(reader: &mut Reader<'a>) -> Result<Box<[PrfField<'a>]>, Malformed> {
    let count = reader.count()?;
    if count > MOST_FIELDS {
        return Err(Malformed);
    }
    let one = |_| prf_field(reader.ulong()?, reader.bytes()?);
    (0..count).map(one).collect()
}

fn prf_field(kind: CK_ULONG, value: &[u8]) -> Result<PrfField<'_>, Malformed> {
    let mut reader = Reader::new(value);
    let field = match kind {
        CK_SP800_108_ITERATION_VARIABLE if value.is_empty() => PrfField::Iteration(None),
        CK_SP800_108_ITERATION_VARIABLE => PrfField::Iteration(Some(form(&mut reader)?)),
        CK_SP800_108_COUNTER => PrfField::Counter(form(&mut reader)?),
        CK_SP800_108_DKM_LENGTH => PrfField::Length(reader.ulong()?, form(&mut reader)?),
        CK_SP800_108_BYTE_ARRAY if !value.is_empty() => return Ok(PrfField::Bytes(value)),
        CK_SP800_108_KEY_HANDLE => PrfField::Key(reader.ulong()?),
        // Bytes that are none, as the standard says, are not taken.
        _ => return Err(Malformed),
    };
    reader.end()?;
    Ok(field)
}

/// `CK_SP800_108_COUNTER_FORMAT`, and the end of `CK_SP800_108_DKM_LENGTH_FORMAT`.
fn form(reader: &mut Reader<'_>) -> Result<NumberForm, Malformed> {
    Ok(NumberForm {
        little_endian: reader.flag()?,
        bits: reader.ulong()?,
    })
}

/// The templates of the additional keys of a parameter that was found good; none of other mechanisms'.
pub(super) fn additional_keys(
    shape: ParameterShape,
    given: Option<&[u8]>,
) -> Result<Vec<templates::Given>, Malformed> {
    let mut reader = Reader::new(given.unwrap_or_default());
    match shape {
        ParameterShape::Sp800108 | ParameterShape::Sp800108Feedback => {
            let _ = (reader.ulong()?, prf_fields(&mut reader)?);
            if shape == ParameterShape::Sp800108Feedback {
                reader.bytes()?;
            }
            read_additional_keys(&mut reader)
        }
        _ => Ok(Vec::new()),
    }
}

fn read_additional_keys(reader: &mut Reader<'_>) -> Result<Vec<templates::Given>, Malformed> {
    let count = reader.count()?;
    if count > MOST_KEYS {
        return Err(Malformed);
    }
    (0..count).map(|_| templates::read(reader)).collect()
}

/// A place for the version of TLS must be NULL, as in C: whoever asks for it would be told of the secret.
fn refuse_version(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    if reader.flag()? {
        Err(Malformed)
    } else {
        Ok(())
    }
}

fn tls_keys<'a>(reader: &mut Reader<'a>) -> Result<Parameters<'a>, Malformed> {
    let [mac_bits, key_bits, vector_bits] = [reader.ulong()?, reader.ulong()?, reader.ulong()?];
    let export = reader.flag()?;
    let (client, server) = (reader.bytes()?, reader.bytes()?);
    // What is made goes into the answer only.
    Ok(Parameters::TlsKeys {
        hash: reader.ulong()?,
        mac_bits,
        key_bits,
        vector_bits,
        export,
        client,
        server,
    })
}

/// `CK_PKCS5_PBKD2_PARAMS2`.
fn pbkdf2<'a>(reader: &mut Reader<'a>) -> Result<Parameters<'a>, Malformed> {
    let (source, salt) = (reader.ulong()?, reader.bytes()?);
    let (iterations, prf, prf_data) = (reader.ulong()?, reader.ulong()?, reader.bytes()?);
    let password = reader.bytes()?;
    let too_long = password.len() as CK_ULONG > LONGEST_PASSWORD;
    if source != CKZ_SALT_SPECIFIED || !prf_data.is_empty() || too_long {
        return Err(Malformed);
    }
    Ok(Parameters::Pbkdf2 {
        prf,
        password,
        salt,
        iterations,
    })
}
