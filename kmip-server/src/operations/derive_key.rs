//! Derive Key (1.4 section 4.6; 2.1 section 6.1.14): a new secret from others.

use keybridge_core::encoding::PublicKey;
use keybridge_core::kms::{Consequence, DeriveKey, Register};
use keybridge_core::mechanism::{Kdf, KdfField, KdfMode, KdfPrf, KeyDerivation};
use keybridge_core::model::{Link, LinkType};
use keybridge_core::{HashAlgorithm, Mechanism, Object, ObjectClass, SecretBytes};
use keybridge_kmip::attributes::CryptographicParameters;
use keybridge_kmip::enums::{
    BlockCipherMode, DerivationMethod as Method, KeyFormatType, ObjectType, PaddingMethod,
    ResultReason as R, SecretDataType, UniqueIdentifierEnumeration,
};
use keybridge_kmip::operations::derive_key::DerivationParameters;
use keybridge_kmip::operations::{DeriveKeyRequest, DeriveKeyResponse};

use super::uses;
use crate::algorithms::{self, hash, hmac_hash};
use crate::attributes::{Draft, notes};
use crate::failure::{Failure, Result};
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: DeriveKeyRequest,
    context: &mut Context<'_>,
) -> Result<DeriveKeyResponse> {
    let mut bases = Vec::with_capacity(request.unique_identifiers.len());
    for given in &request.unique_identifiers {
        let id = context.online_object(Some(given))?;
        let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
        if !object.class.is_key() && object.class != ObjectClass::SecretData {
            return Err(Failure::by_version(
                R::InvalidField,
                R::InvalidObjectType,
                "keys are derived from keys and secret data",
            ));
        }
        bases.push((id, object));
    }
    let Some(((base, object), others)) = bases.split_first() else {
        return Err(Failure::invalid_message(
            "the base of the derivation is missing",
        ));
    };
    let mut draft = Draft::of(context, &request.attributes)?;
    draft.fill_in(context, request.object_type)?;
    let length = length(&draft)?;
    let mut source = Source {
        method: request.derivation_method,
        given: request.derivation_parameters,
        data: Vec::new(),
    };
    source.data = std::mem::take(&mut source.given.derivation_data)
        .iter()
        .map(|data| SecretBytes::from(&**data))
        .collect();
    // "Some derivation methods MAY use multiple keys or Secret Data objects": the others are data.
    let mut peer = None;
    for (id, other) in others {
        if other.class == ObjectClass::PublicKey {
            peer = Some(other);
            continue;
        }
        let exported = context.inline(|kms, caller| kms.export(caller, *id))?;
        source.data.push(exported.value);
    }
    let mechanism = source.mechanism(object, peer.map(|peer| &**peer))?;
    draft
        .attributes
        .links
        .extend(bases.iter().map(|(id, _)| Link {
            kind: LinkType::DERIVATION_BASE,
            object: *id,
        }));
    let mut template = template(draft, request.object_type, length)?;
    // "The server SHALL create a Link attribute of Link Type Derived Key".
    template
        .consequences
        .extend(bases.iter().map(|(id, _)| Consequence::Link {
            from: *id,
            kind: LinkType::DERIVED_KEY,
            instead: false,
        }));
    let derive = DeriveKey {
        base_key: *base,
        other_keys: Vec::new(),
        mechanism,
        length: Some(length),
        template,
    };
    let id = context.blocking(|kms, caller| kms.derive(caller, derive))?;
    context.set_placeholder(Some(id));
    context.made(UniqueIdentifierEnumeration::DeriveKey, id);
    Ok(DeriveKeyResponse {
        unique_identifier: identifier(id),
        template_attribute: None,
    })
}

/// Bytes that are wanted.
fn length(draft: &Draft) -> Result<usize> {
    let bits = draft.kind.length.ok_or_else(|| {
        Failure::invalid_message("the Cryptographic Length of the derived object is missing")
    })?;
    let bits = usize::try_from(bits)
        .map_err(|_| Failure::invalid_field("the Cryptographic Length is negative"))?;
    let is_des3 = draft.kind.algorithm == Some(keybridge_kmip::enums::CryptographicAlgorithm::DES3);
    if is_des3 {
        // Of a triple DES key 56 of 64 bits count.
        return Ok(bits / 7);
    }
    if bits == 0 || bits % 8 != 0 {
        return Err(Failure::invalid_field("what is derived has whole bytes"));
    }
    Ok(bits / 8)
}

/// What becomes of the secret.
fn template(mut draft: Draft, kind: ObjectType, length: usize) -> Result<Register> {
    let (class, spec) = match kind {
        ObjectType::SymmetricKey => {
            if draft.kind.algorithm.is_none() {
                return Err(Failure::invalid_message(
                    "the Cryptographic Algorithm of the derived key is missing",
                ));
            }
            (
                ObjectClass::SecretKey,
                Some(draft.kind.of_symmetric(length)?),
            )
        }
        ObjectType::SecretData => {
            draft.note(notes::SECRET_DATA_TYPE, SecretDataType::Seed.0);
            (ObjectClass::SecretData, None)
        }
        other => {
            return Err(Failure::by_version(
                R::InvalidField,
                R::InvalidObjectType,
                format!("objects of type {other} are not derived"),
            ));
        }
    };
    if let Some(spec) = spec {
        draft.check_quantum_safe(spec)?;
    }
    Ok(Register {
        spec,
        attributes: draft.attributes,
        dates: draft.dates,
        format: Some(KeyFormatType::Raw.0),
        value: None,
        ..Register::new(class, SecretBytes::default())
    })
}

/// How it is derived.
struct Source {
    method: Method,
    given: DerivationParameters,
    data: Vec<SecretBytes>,
}

impl Source {
    fn mechanism(&mut self, base: &Object, peer: Option<&Object>) -> Result<Mechanism> {
        let function = match self.method {
            Method::PBKDF2 => Kdf::Pbkdf2 {
                salt: self.given.salt.take().ok_or_else(|| missing("Salt"))?,
                iterations: self
                    .given
                    .iteration_count
                    .ok_or_else(|| missing("Iteration Count"))
                    .and_then(|count| {
                        u32::try_from(count)
                            .map_err(|_| Failure::invalid_field("the Iteration Count is negative"))
                    })?,
            },
            // "Over the derivation key or the derivation data": data that the client knows is no
            // secret, so what is hashed is the key.
            Method::HASH if self.data.is_empty() => {
                return Ok(Mechanism::HashKey {
                    hash: self.hash(base)?,
                });
            }
            Method::HASH => {
                return Err(Failure::invalid_field(
                    "a hash is of the key or of Derivation Data, not of both",
                ));
            }
            Method::HMAC => Kdf::Hmac { data: self.all()? },
            Method::NIST800_108_C => return self.sp800108(base, KdfMode::Counter),
            Method::NIST800_108_F => {
                let iv = self.given.initialization_vector.take().unwrap_or_default();
                return self.sp800108(base, KdfMode::Feedback { iv });
            }
            Method::NIST800_108_DPI => return self.sp800108(base, KdfMode::DoublePipeline),
            Method::AWSSignatureVersion4 => {
                return Ok(Mechanism::Kdf {
                    hash: HashAlgorithm::Sha256,
                    function: Kdf::Chain {
                        prefix: b"AWS4",
                        data: std::mem::take(&mut self.data),
                    },
                });
            }
            Method::HKDF => return self.hkdf(base),
            Method::ENCRYPT => return self.encryption(base),
            Method::AsymmetricKey => return agreement(peer),
            other => {
                return Err(Failure::not_supported(format!(
                    "derivation method {other} is not supported"
                )));
            }
        };
        Ok(Mechanism::Kdf {
            hash: self.hash(base)?,
            function,
        })
    }

    /// SP 800-108 with HMAC: a counter of 32 bits, then the Derivation Data.
    fn sp800108(&mut self, base: &Object, mode: KdfMode) -> Result<Mechanism> {
        let (bits, little_endian) = (32, false);
        let iteration = KdfField::Iteration {
            bits,
            little_endian,
        };
        let mut fields = vec![iteration];
        if mode != KdfMode::Counter {
            fields.push(KdfField::Counter {
                bits,
                little_endian,
            });
        }
        fields.push(KdfField::Bytes(self.all()?.expose().to_vec()));
        Ok(Mechanism::Sp800108 {
            mode,
            prf: KdfPrf::Hmac(self.hash(base)?),
            fields,
            keys: Vec::new(),
        })
    }

    /// The Derivation Data, all of it.
    fn all(&mut self) -> Result<SecretBytes> {
        let mut data = std::mem::take(&mut self.data);
        match data.len() {
            0 => Err(missing("Derivation Data")),
            1 => Ok(data.remove(0)),
            _ => {
                let length = data.iter().map(SecretBytes::len).sum();
                let mut all = zeroize::Zeroizing::new(Vec::with_capacity(length));
                for part in &data {
                    all.extend_from_slice(part.expose());
                }
                Ok(SecretBytes::from(all.as_slice()))
            }
        }
    }

    fn parameters(&self, base: &Object) -> CryptographicParameters {
        uses::parameters(self.given.cryptographic_parameters.clone(), base)
    }

    fn hash(&self, base: &Object) -> Result<HashAlgorithm> {
        let parameters = self.parameters(base);
        if let Some(number) = parameters.hashing_algorithm {
            return hash(number);
        }
        let of_key = || algorithms::algorithm(base.spec?, None).and_then(hmac_hash);
        parameters
            .cryptographic_algorithm
            .and_then(hmac_hash)
            .or_else(of_key)
            .ok_or_else(|| missing("Hashing Algorithm"))
    }

    fn hkdf(&mut self, base: &Object) -> Result<Mechanism> {
        let info = if self.data.is_empty() {
            SecretBytes::default()
        } else {
            self.all()?
        };
        Ok(Mechanism::Hkdf {
            hash: self.hash(base)?,
            salt: self.given.salt.take().unwrap_or_default().into(),
            info: info.expose().to_vec(),
            extract: true,
            expand: true,
        })
    }

    /// ENCRYPT: the ciphertext of the data, in whole blocks.
    fn encryption(&mut self, base: &Object) -> Result<Mechanism> {
        let parameters = self.parameters(base);
        let mut data = self.all()?;
        let padding = parameters.padding_method.unwrap_or(PaddingMethod::None);
        if padding == PaddingMethod::PKCS5 {
            data = SecretBytes::from(mechanisms::pad(data.expose(), BLOCK).as_slice());
        } else if padding != PaddingMethod::None {
            return Err(Failure::not_supported(format!(
                "derivation by encryption with padding {padding}"
            )));
        }
        let iv = match parameters.block_cipher_mode {
            Some(BlockCipherMode::ECB) => None,
            Some(BlockCipherMode::CBC) => {
                let iv = self.given.initialization_vector.take();
                let iv = iv.ok_or_else(|| missing("Initialization Vector"))?;
                Some(iv.try_into().map_err(|_| {
                    Failure::invalid_field("the Initialization Vector has 16 bytes")
                })?)
            }
            Some(other) => {
                return Err(Failure::not_supported(format!(
                    "derivation by encryption in mode {other}"
                )));
            }
            None => return Err(missing("Block Cipher Mode")),
        };
        Ok(Mechanism::EncryptData { iv, data })
    }
}

/// Bytes of a block of AES.
const BLOCK: usize = 16;

fn missing(what: &str) -> Failure {
    Failure::invalid_message(format!("the {what} of the derivation is missing"))
}

/// Key agreement of a private key, the base, and a public key.
fn agreement(peer: Option<&Object>) -> Result<Mechanism> {
    let peer = peer.and_then(Object::public_value);
    let peer = peer.ok_or_else(|| missing("public key"))?;
    let PublicKey::Ec(key) = PublicKey::from_spki(peer)? else {
        return Err(Failure::invalid_field("keys are agreed on with EC keys"));
    };
    Ok(Mechanism::Ecdh {
        peer: key.point().to_vec(),
        derivation: KeyDerivation::None,
    })
}
