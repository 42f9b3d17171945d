//! What a key is: algorithm, size, curve.

use serde::{Deserialize, Serialize};

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashAlgorithm {
    /// SHA-1 (FIPS 180-4). Refused for new signatures by policy, needed for OAEP, HMAC and old data.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-512/224.
    Sha512_224,
    /// SHA-512/256.
    Sha512_256,
    /// SHA3-224 (FIPS 202).
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
    /// SM3 (GB/T 32905).
    Sm3,
}

impl HashAlgorithm {
    /// Length of a digest in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 | Self::Sha512_224 | Self::Sha3_224 => 28,
            Self::Sha256 | Self::Sha512_256 | Self::Sha3_256 | Self::Sm3 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// The standard's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha512_224 => "SHA-512/224",
            Self::Sha512_256 => "SHA-512/256",
            Self::Sha3_224 => "SHA3-224",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_384 => "SHA3-384",
            Self::Sha3_512 => "SHA3-512",
            Self::Sm3 => "SM3",
        }
    }
}

/// A short Weierstrass curve used for ECDSA and ECDH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// secp256k1.
    Secp256k1,
}

impl Curve {
    /// Length in bytes of a field element, so of each of a signature's two halves.
    #[must_use]
    pub const fn field_length(self) -> usize {
        match self {
            Self::P256 | Self::Secp256k1 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Size in bits, as KMIP's Cryptographic Length.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::P256 | Self::Secp256k1 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }
}

/// A parameter set of ML-KEM (FIPS 203) or ML-DSA (FIPS 204).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatticeSet {
    /// ML-KEM-512.
    #[serde(rename = "ml-kem-512")]
    MlKem512,
    /// ML-KEM-768.
    #[serde(rename = "ml-kem-768")]
    MlKem768,
    /// ML-KEM-1024.
    #[serde(rename = "ml-kem-1024")]
    MlKem1024,
    /// ML-DSA-44.
    #[serde(rename = "ml-dsa-44")]
    MlDsa44,
    /// ML-DSA-65.
    #[serde(rename = "ml-dsa-65")]
    MlDsa65,
    /// ML-DSA-87.
    #[serde(rename = "ml-dsa-87")]
    MlDsa87,
}

impl LatticeSet {
    /// Whether it is one of ML-KEM.
    #[must_use]
    pub const fn is_kem(self) -> bool {
        matches!(self, Self::MlKem512 | Self::MlKem768 | Self::MlKem1024)
    }

    /// Bytes of a seed: d ‖ z, or ξ.
    #[must_use]
    pub const fn seed_length(self) -> usize {
        if self.is_kem() { 64 } else { 32 }
    }

    /// Bytes of a private key as FIPS 203 (table 3) and FIPS 204 (table 2) have it, which a seed expands to.
    #[must_use]
    pub const fn expanded_length(self) -> usize {
        match self {
            Self::MlKem512 => 1632,
            Self::MlKem768 => 2400,
            Self::MlKem1024 => 3168,
            Self::MlDsa44 => 2560,
            Self::MlDsa65 => 4032,
            Self::MlDsa87 => 4896,
        }
    }

    /// Bytes of a public key (FIPS 203 table 3, FIPS 204 table 2).
    #[must_use]
    pub const fn public_length(self) -> usize {
        match self {
            Self::MlKem512 => 800,
            Self::MlKem768 => 1184,
            Self::MlKem1024 => 1568,
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// Bytes of a ciphertext of ML-KEM or a signature of ML-DSA (the same tables).
    #[must_use]
    pub const fn output_length(self) -> usize {
        match self {
            Self::MlKem512 => 768,
            Self::MlKem768 => 1088,
            Self::MlKem1024 => 1568,
            Self::MlDsa44 => 2420,
            Self::MlDsa65 => 3309,
            Self::MlDsa87 => 4627,
        }
    }

    /// The standard's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MlKem512 => "ML-KEM-512",
            Self::MlKem768 => "ML-KEM-768",
            Self::MlKem1024 => "ML-KEM-1024",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }
}

/// What kind of key: everything an engine must know to make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum KeySpec {
    /// AES with a key of 128, 192 or 256 bits.
    Aes {
        /// Size in bits.
        bits: u32,
    },
    /// AES-XTS: two AES keys, 256 or 512 bits together.
    AesXts {
        /// Size of both keys together, in bits.
        bits: u32,
    },
    /// Triple DES with two keys (16 bytes, of which 112 bits count) or three (24 bytes, 168 bits). The other bits
    /// are for parity.
    Des3 {
        /// Size as whoever made it counts: 112 or 168 without the parity bits, 128 or 192 with them.
        bits: u32,
    },
    /// ChaCha20 (256 bits), also for ChaCha20-Poly1305.
    #[serde(rename = "chacha20")]
    ChaCha20,
    /// SM4 (128 bits).
    Sm4,
    /// RSA.
    Rsa {
        /// Modulus size in bits.
        bits: u32,
    },
    /// A key on a NIST curve or secp256k1, for ECDSA and ECDH.
    Ec {
        /// The curve.
        curve: Curve,
    },
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// X25519 (RFC 7748).
    X25519,
    /// SM2 (GB/T 32918).
    Sm2,
    /// ML-KEM or ML-DSA.
    Lattice {
        /// The parameter set.
        set: LatticeSet,
    },
    /// A key for HMAC with one hash.
    Hmac {
        /// The hash.
        hash: HashAlgorithm,
        /// Size in bits.
        bits: u32,
    },
    /// A secret without an algorithm: PKCS#11's generic secret, KMIP's secret data of type key.
    GenericSecret {
        /// Size in bits.
        bits: u32,
    },
    /// Kept and handed out, never computed with: an algorithm that no engine here has. The number is
    /// KMIP's Cryptographic Algorithm (KMIP 2.1 section 11.12).
    Foreign {
        /// KMIP's number of the algorithm.
        algorithm: u32,
        /// Size in bits, as given by whoever registered it.
        bits: u32,
    },
}

impl KeySpec {
    /// Size in bits, as KMIP's Cryptographic Length.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Aes { bits }
            | Self::AesXts { bits }
            | Self::Des3 { bits }
            | Self::Rsa { bits }
            | Self::Hmac { bits, .. }
            | Self::GenericSecret { bits }
            | Self::Foreign { bits, .. } => bits,
            Self::Sm4 => 128,
            Self::Ec { curve } => curve.bits(),
            // No key here is near the range of the number.
            Self::Lattice { set } => set.public_length() as u32 * 8,
            Self::ChaCha20 | Self::Ed25519 | Self::X25519 | Self::Sm2 => 256,
        }
    }

    /// Bytes of a secret key's value: its size, but for triple DES, whose value has parity bits that the size may
    /// leave out.
    #[must_use]
    pub const fn value_length(self) -> usize {
        match self {
            Self::Des3 {
                bits: bits @ (112 | 168),
            } => bits as usize / 7,
            // A size beyond this machine's addresses has no value here.
            _ => self.bits() as usize / 8,
        }
    }

    /// The algorithm alone: the same for keys of all sizes (curves are algorithms).
    #[must_use]
    pub const fn without_size(self) -> Self {
        match self {
            Self::Aes { .. } => Self::Aes { bits: 0 },
            Self::Rsa { .. } => Self::Rsa { bits: 0 },
            Self::Hmac { hash, .. } => Self::Hmac { hash, bits: 0 },
            Self::GenericSecret { .. } => Self::GenericSecret { bits: 0 },
            Self::Foreign { algorithm, .. } => Self::Foreign { algorithm, bits: 0 },
            other => other,
        }
    }

    /// Bits of security: SP 800-57 part 1, table 2; 256 at most.
    #[must_use]
    pub const fn strength_bits(self) -> u32 {
        let bits = self.bits();
        let strength = match self {
            Self::Rsa { .. } => match bits {
                15360.. => 256,
                7680.. => 192,
                3072.. => 128,
                2048.. => 112,
                1024.. => 80,
                _ => 0,
            },
            Self::Ec { .. } | Self::Ed25519 | Self::X25519 | Self::Sm2 => bits / 2,
            Self::AesXts { .. } => bits / 2,
            Self::Des3 { .. } => 112,
            Self::Lattice {
                set: LatticeSet::MlKem512 | LatticeSet::MlDsa44,
            } => 128,
            Self::Lattice {
                set: LatticeSet::MlKem768 | LatticeSet::MlDsa65,
            } => 192,
            _ => bits,
        };
        if strength > 256 { 256 } else { strength }
    }

    /// Whether a key of this kind can wrap or unwrap others, now or in an HSM: one that cannot takes no side.
    #[must_use]
    pub const fn can_wrap(self) -> bool {
        !matches!(
            self,
            Self::Hmac { .. }
                | Self::GenericSecret { .. }
                | Self::Ed25519
                | Self::Lattice { .. }
                | Self::Foreign { .. }
        )
    }

    /// Whether a key of this kind is a pair.
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        matches!(
            self,
            Self::Rsa { .. }
                | Self::Ec { .. }
                | Self::Ed25519
                | Self::X25519
                | Self::Sm2
                | Self::Lattice { .. }
        )
    }
}

impl KeySpec {
    /// Whether a quantum computer leaves such a key 128 bits of strength (KMIP 2.1 section 4.45, Quantum
    /// Safe): secrets of 256 bits do (Grover's search halves them), pairs of the classical kinds do not.
    #[must_use]
    pub const fn is_quantum_safe(self) -> bool {
        match self {
            Self::Lattice { .. } => true,
            Self::Foreign { .. } => false,
            _ => !self.is_asymmetric() && self.bits() >= 256,
        }
    }
}
