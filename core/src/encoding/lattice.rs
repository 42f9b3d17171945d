//! ML-KEM and ML-DSA keys: PKCS#8 and SPKI (RFC 9881, RFC 9935). Private keys are read in all three forms: kept as
//! seeds if they have one, whose the expanded key beside it must be; else as expanded keys, which are checked for what
//! can be.

use pkcs8::der::asn1::{BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef};
use pkcs8::der::{Decode, Reader, SliceReader, TagMode, TagNumber};
use pkcs8::{AlgorithmIdentifierRef, PrivateKeyInfoRef, SubjectPublicKeyInfoRef};

use super::{encode, invalid, malformed};
use crate::algorithm::LatticeSet;
use crate::engine::software::lattice::{self, Expanded, Form};
use crate::error::Result;
use crate::secret::SecretBytes;

/// 2.16.840.1.101.3.4.4.x (ML-KEM) and .3.x (ML-DSA).
const IDENTIFIERS: [(LatticeSet, ObjectIdentifier); 6] = [
    (
        LatticeSet::MlKem512,
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.1"),
    ),
    (
        LatticeSet::MlKem768,
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.2"),
    ),
    (
        LatticeSet::MlKem1024,
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.3"),
    ),
    (
        LatticeSet::MlDsa44,
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
    ),
    (
        LatticeSet::MlDsa65,
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
    ),
    (
        LatticeSet::MlDsa87,
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
    ),
];

/// The parameter set that an identifier names.
pub(super) fn set_of(algorithm: &AlgorithmIdentifierRef<'_>) -> Option<LatticeSet> {
    let named = IDENTIFIERS.iter().find(|(_, oid)| *oid == algorithm.oid);
    named
        .filter(|_| algorithm.parameters.is_none())
        .map(|(set, _)| *set)
}

fn algorithm(set: LatticeSet) -> Result<AlgorithmIdentifierRef<'static>> {
    let named = IDENTIFIERS.iter().find(|(known, _)| *known == set);
    let (_, oid) = named.ok_or_else(|| invalid("no identifier"))?;
    Ok(AlgorithmIdentifierRef {
        oid: *oid,
        parameters: None,
    })
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatticePublicKey {
    set: LatticeSet,
    value: Vec<u8>,
}

impl LatticePublicKey {
    /// A key of its bytes, which are checked.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`](crate::Error::InvalidMaterial).
    pub fn new(set: LatticeSet, value: &[u8]) -> Result<Self> {
        lattice::check_public(set, value)?;
        Ok(Self {
            set,
            value: value.to_vec(),
        })
    }

    /// The parameter set.
    #[must_use]
    pub fn set(&self) -> LatticeSet {
        self.set
    }

    /// The key as FIPS 203 or FIPS 204 has it.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Writes `SubjectPublicKeyInfo`, DER.
    ///
    /// # Errors
    /// None in practice: keys are short.
    pub fn to_spki(&self) -> Result<Vec<u8>> {
        let info = SubjectPublicKeyInfoRef {
            algorithm: algorithm(self.set)?,
            subject_public_key: BitStringRef::from_bytes(&self.value)
                .map_err(|error| malformed("public key", error))?,
        };
        encode(&info, "SubjectPublicKeyInfo")
    }
}

/// A private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatticePrivateKey {
    secret: Secret,
    public: LatticePublicKey,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Secret {
    Seed(SecretBytes),
    Expanded(SecretBytes),
}

impl LatticePrivateKey {
    /// The key of a seed.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`](crate::Error::InvalidMaterial) for a seed of another length.
    pub fn from_seed(set: LatticeSet, seed: &[u8]) -> Result<Self> {
        let Expanded { public, .. } = lattice::expand(set, seed)?;
        Ok(Self {
            secret: Secret::Seed(SecretBytes::from(seed)),
            public: LatticePublicKey { set, value: public },
        })
    }

    /// The key that came without its seed.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`](crate::Error::InvalidMaterial) for one that is none, as far as can be told.
    pub fn from_expanded(set: LatticeSet, expanded: &[u8]) -> Result<Self> {
        let value = lattice::check_expanded(set, expanded)?;
        Ok(Self {
            secret: Secret::Expanded(SecretBytes::from(expanded)),
            public: LatticePublicKey { set, value },
        })
    }

    /// The key of a seed and what it is said to expand to.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`](crate::Error::InvalidMaterial) also when they do not belong together.
    pub fn from_both(set: LatticeSet, seed: &[u8], expanded: &[u8]) -> Result<Self> {
        let key = Self::from_seed(set, seed)?;
        if SecretBytes::from(expanded) == key.expanded()? {
            Ok(key)
        } else {
            Err(invalid("the expanded private key is not the seed's"))
        }
    }

    /// The parameter set.
    #[must_use]
    pub fn set(&self) -> LatticeSet {
        self.public.set
    }

    /// The seed: ξ of ML-DSA, d ‖ z of ML-KEM. None for a key that came without, as no way leads back to it.
    #[must_use]
    pub fn seed(&self) -> Option<&SecretBytes> {
        match &self.secret {
            Secret::Seed(seed) => Some(seed),
            Secret::Expanded(_) => None,
        }
    }

    /// What there is of it.
    pub(crate) fn form(&self) -> Form<'_> {
        match &self.secret {
            Secret::Seed(seed) => Form::Seed(seed.expose()),
            Secret::Expanded(key) => Form::Expanded(key.expose()),
        }
    }

    /// The private key as FIPS 203 or FIPS 204 has it.
    ///
    /// # Errors
    /// None for a key that was made.
    pub fn expanded(&self) -> Result<SecretBytes> {
        match &self.secret {
            Secret::Seed(seed) => {
                lattice::expand(self.public.set, seed.expose()).map(|expanded| expanded.private)
            }
            Secret::Expanded(key) => Ok(key.clone()),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &LatticePublicKey {
        &self.public
    }

    /// Writes PKCS#8 with the seed alone, or with the expanded key where there is no seed.
    ///
    /// # Errors
    /// None in practice: keys are short.
    pub fn to_pkcs8(&self) -> Result<SecretBytes> {
        let private = match &self.secret {
            Secret::Seed(seed) => {
                let seed = ContextSpecific {
                    tag_number: TagNumber(0),
                    tag_mode: TagMode::Implicit,
                    value: octets(seed)?,
                };
                encode(&seed, "seed")
            }
            Secret::Expanded(key) => encode(&octets(key)?, "expanded key"),
        };
        let private = zeroize::Zeroizing::new(private?);
        let private = <&OctetStringRef>::try_from(private.as_slice())
            .map_err(|error| malformed("seed", error))?;
        let info = PrivateKeyInfoRef::new(algorithm(self.public.set)?, private);
        encode(&info, "PKCS#8 private key").map(SecretBytes::new)
    }

    /// Reads the private key of a PKCS#8: the seed under the tag `[0]`, an expanded key in an OCTET STRING, or a
    /// SEQUENCE of both.
    pub(super) fn from_private_key_info(
        set: LatticeSet,
        info: &PrivateKeyInfoRef<'_>,
    ) -> Result<Self> {
        let bytes = info.private_key.as_bytes();
        let wrong = |error| malformed("private key", error);
        match bytes.first() {
            Some(0x80) => {
                let (seed, rest) = short_element(bytes)?;
                if !rest.is_empty() {
                    return Err(invalid("private key: something after the seed"));
                }
                Self::from_seed(set, seed)
            }
            Some(0x30) => {
                let mut reader = SliceReader::new(bytes).map_err(wrong)?;
                let (seed, expanded) = reader
                    .sequence(|reader| {
                        let seed = <&OctetStringRef>::decode(reader)?;
                        Ok::<_, pkcs8::der::Error>((seed, <&OctetStringRef>::decode(reader)?))
                    })
                    .map_err(wrong)?;
                reader.finish().map_err(wrong)?;
                Self::from_both(set, seed.as_bytes(), expanded.as_bytes())
            }
            Some(0x04) => {
                let expanded = <&OctetStringRef>::from_der(bytes).map_err(wrong)?;
                Self::from_expanded(set, expanded.as_bytes())
            }
            _ => Err(invalid("private key: neither a seed nor an expanded key")),
        }
    }
}

fn octets(secret: &SecretBytes) -> Result<&OctetStringRef> {
    <&OctetStringRef>::try_from(secret.expose()).map_err(|error| malformed("private key", error))
}

/// The contents of an element of less than 128 bytes, and what follows it.
fn short_element(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    match bytes {
        [_, length @ 0..=127, rest @ ..] => rest
            .split_at_checked(usize::from(*length))
            .ok_or_else(|| invalid("private key: cut off")),
        _ => Err(invalid("private key: not a seed")),
    }
}
