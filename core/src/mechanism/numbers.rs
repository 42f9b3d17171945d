//! Which numbers of `CKA_ALLOWED_MECHANISMS` permit a mechanism, so that the list binds every door.
//! Numbers: `pkcs11t.h` of PKCS#11 3.2.

use super::vendor as own;
use super::{Kdf, KdfMode, Mechanism, PreHash, TlsSecret};
use crate::algorithm::{HashAlgorithm, KeySpec};

impl KeySpec {
    /// The PKCS#11 mechanism that makes keys of this kind; none for kinds that nothing here makes.
    #[must_use]
    pub const fn made_by(self) -> Option<u64> {
        Some(match self {
            Self::Aes { .. } => 0x1080,
            Self::AesXts { .. } => 0x1072,
            Self::Des3 { bits: 112 } => 0x130,
            Self::Des3 { .. } => 0x131,
            Self::ChaCha20 => 0x1225,
            Self::Sm4 => own::CKM_KB_SM4_KEY_GEN,
            Self::Rsa { .. } => 0x0,
            Self::Ec { .. } => 0x1040,
            Self::Ed25519 => 0x1055,
            Self::X25519 => 0x1056,
            Self::Sm2 => own::CKM_KB_SM2_KEY_PAIR_GEN,
            Self::Lattice { set } if set.is_kem() => 0xf,
            Self::Lattice { .. } => 0x1c,
            Self::Hmac { hash, .. } => match hash {
                HashAlgorithm::Sha1 => 0x4003,
                HashAlgorithm::Sha224 => 0x4004,
                HashAlgorithm::Sha256 => 0x4005,
                HashAlgorithm::Sha384 => 0x4006,
                HashAlgorithm::Sha512 => 0x4007,
                HashAlgorithm::Sha512_224 => 0x4008,
                HashAlgorithm::Sha512_256 => 0x4009,
                HashAlgorithm::Sha3_224 => 0x2b8,
                HashAlgorithm::Sha3_256 => 0x2b3,
                HashAlgorithm::Sha3_384 => 0x2c3,
                HashAlgorithm::Sha3_512 => 0x2d3,
                HashAlgorithm::Sm3 => own::CKM_KB_SM3_KEY_GEN,
            },
            Self::GenericSecret { .. } => 0x350,
            Self::Foreign { .. } => return None,
        })
    }
}

impl Mechanism {
    /// The PKCS#11 mechanisms that this one is, for a key of that kind; empty for what has no number, which a
    /// list of allowed mechanisms then never permits.
    #[must_use]
    pub const fn pkcs11_numbers(&self, spec: Option<KeySpec>) -> &'static [u64] {
        if matches!(spec, Some(KeySpec::Sm4)) {
            return self.sm4_numbers();
        }
        if matches!(spec, Some(KeySpec::Des3 { .. })) {
            return match self {
                Self::Ecb => &[0x132],
                Self::Cbc { .. } => &[0x133],
                Self::CbcPad { .. } => &[0x136],
                _ => &[],
            };
        }
        match self {
            Self::Ecb => &[0x1081],
            Self::Cbc { .. } => &[0x1082],
            Self::CbcPad { .. } => &[0x1085],
            Self::Ctr { .. } => &[0x1086],
            Self::Gcm { .. } => &[0x1087],
            Self::Ccm { .. } => &[0x1088],
            Self::Cmac { .. } => &[0x108a, 0x108b],
            Self::EncryptData { iv: None, .. } => &[0x1104],
            Self::EncryptData { iv: Some(_), .. } => &[0x1105],
            Self::KeyWrap { .. } => &[0x2109],
            Self::KeyWrapPad => &[0x210a, 0x210b],
            Self::KeyWrapPkcs7 { .. } => &[0x210c],
            Self::Cts { .. } => &[0x1089],
            Self::Ofb { .. } => &[0x2104],
            Self::Cfb { bits: 1, .. } => &[0x2108],
            Self::Cfb { bits: 8, .. } => &[0x2106],
            Self::Cfb { bits: 64, .. } => &[0x2105],
            Self::Cfb { .. } => &[0x2107],
            Self::Xts { .. } => &[0x1071],
            Self::ChaCha20 { .. } => &[0x1226],
            Self::ChaCha20Poly1305 { .. } => &[0x4021],
            Self::Gmac { .. } => &[0x108e],
            Self::XcbcMac { .. } => &[0x108c, 0x108d],
            Self::RsaPkcs1 => &[0x1],
            Self::RsaRaw => &[0x3],
            Self::RsaOaep { .. } => &[0x9],
            Self::RsaPkcs1Hash {
                hash,
                digested: false,
            } => rsa_pkcs1(*hash),
            Self::RsaPkcs1Hash { digested: true, .. } => &[0x1],
            Self::RsaPss {
                hash,
                digested: false,
                ..
            } => rsa_pss(hash.hash),
            Self::RsaPss { digested: true, .. } => &[0xd],
            Self::Ecdsa => &[0x1041],
            Self::EcdsaHash { hash } => ecdsa(*hash),
            Self::Eddsa | Self::EddsaContext { .. } => &[0x1057],
            Self::MlKem => &[0x17],
            Self::MlDsa { prehash: None, .. } => &[0x1d],
            Self::MlDsa { digested: true, .. } => &[0x1f],
            Self::MlDsa {
                prehash: Some(prehash),
                ..
            } => hash_ml_dsa(*prehash),
            Self::Concatenate { before: false, .. } => &[0x360, 0x362],
            Self::Concatenate { .. } => &[0x363],
            Self::Xor { .. } => &[0x364],
            Self::Extract { .. } => &[0x365],
            Self::HashKey { hash } => hash_key(*hash),
            Self::ShakeKey { bits: 128 } => &[0x39b],
            Self::ShakeKey { .. } => &[0x39c],
            Self::Sp800108 {
                mode: KdfMode::Counter,
                ..
            } => &[0x3ac],
            Self::Sp800108 {
                mode: KdfMode::Feedback { .. },
                ..
            } => &[0x3ad],
            Self::Sp800108 { .. } => &[0x3ae],
            Self::TlsPrf {
                secret: TlsSecret::Master,
                ..
            } => &[0x3e0, 0x3e2],
            Self::TlsPrf {
                secret: TlsSecret::ExtendedMaster,
                ..
            } => &[0x56, 0x57],
            Self::TlsPrf {
                secret: TlsSecret::KeyBlock,
                ..
            } => &[0x3e1],
            Self::TlsPrf {
                secret: TlsSecret::SafeKeyBlock,
                ..
            } => &[0x3e3],
            // CKM_TLS_KDF and CKM_TLS_MAC, and their older names.
            Self::TlsPrf { .. } => &[0x3e5, 0x3d9],
            Self::TlsMac { .. } => &[0x3e4, 0x3d8],
            Self::RsaAesKeyWrap { .. } => &[0x1054],
            Self::EcdhAesKeyWrap { .. } => &[0x1053, 0x4038, 0x4039],
            Self::Ecdh { .. } => &[0x1050, 0x1051],
            Self::Hkdf { .. } => &[0x402a, 0x402b],
            // CKM_PKCS5_PBKD2; the others have no number.
            Self::Kdf { function, .. } => match function {
                Kdf::Pbkdf2 { .. } => &[0x3b0],
                Kdf::Hmac { .. } | Kdf::Chain { .. } => &[],
            },
            Self::Hmac { hash, .. } => hmac(*hash),
            Self::Sm2Sign { .. } => &[own::CKM_KB_SM2_SM3],
            Self::Sm2SignDigest => &[own::CKM_KB_SM2],
            Self::Sm2Encrypt => &[own::CKM_KB_SM2_ENCRYPT],
        }
    }

    const fn sm4_numbers(&self) -> &'static [u64] {
        match self {
            Self::Ecb => &[own::CKM_KB_SM4_ECB],
            Self::Cbc { .. } => &[own::CKM_KB_SM4_CBC],
            Self::CbcPad { .. } => &[own::CKM_KB_SM4_CBC_PAD],
            Self::Ctr { .. } => &[own::CKM_KB_SM4_CTR],
            Self::Gcm { .. } => &[own::CKM_KB_SM4_GCM],
            Self::Ccm { .. } => &[own::CKM_KB_SM4_CCM],
            Self::Gmac { .. } => &[own::CKM_KB_SM4_GMAC],
            Self::Cts { .. } => &[own::CKM_KB_SM4_CTS],
            Self::Ofb { .. } => &[own::CKM_KB_SM4_OFB],
            Self::Cfb { bits: 1, .. } => &[own::CKM_KB_SM4_CFB1],
            Self::Cfb { bits: 8, .. } => &[own::CKM_KB_SM4_CFB8],
            Self::Cfb { bits: 64, .. } => &[own::CKM_KB_SM4_CFB64],
            Self::Cfb { .. } => &[own::CKM_KB_SM4_CFB128],
            Self::EncryptData { iv: None, .. } => &[own::CKM_KB_SM4_ECB_ENCRYPT_DATA],
            Self::EncryptData { iv: Some(_), .. } => &[own::CKM_KB_SM4_CBC_ENCRYPT_DATA],
            _ => &[],
        }
    }
}

const fn rsa_pkcs1(hash: HashAlgorithm) -> &'static [u64] {
    match hash {
        HashAlgorithm::Sha1 => &[0x6],
        HashAlgorithm::Sha224 => &[0x46],
        HashAlgorithm::Sha256 => &[0x40],
        HashAlgorithm::Sha384 => &[0x41],
        HashAlgorithm::Sha512 => &[0x42],
        HashAlgorithm::Sha3_224 => &[0x66],
        HashAlgorithm::Sha3_256 => &[0x60],
        HashAlgorithm::Sha3_384 => &[0x61],
        HashAlgorithm::Sha3_512 => &[0x62],
        HashAlgorithm::Sha512_224 | HashAlgorithm::Sha512_256 | HashAlgorithm::Sm3 => &[],
    }
}

const fn rsa_pss(hash: HashAlgorithm) -> &'static [u64] {
    match hash {
        HashAlgorithm::Sha1 => &[0xe],
        HashAlgorithm::Sha224 => &[0x47],
        HashAlgorithm::Sha256 => &[0x43],
        HashAlgorithm::Sha384 => &[0x44],
        HashAlgorithm::Sha512 => &[0x45],
        HashAlgorithm::Sha3_224 => &[0x67],
        HashAlgorithm::Sha3_256 => &[0x63],
        HashAlgorithm::Sha3_384 => &[0x64],
        HashAlgorithm::Sha3_512 => &[0x65],
        HashAlgorithm::Sha512_224 | HashAlgorithm::Sha512_256 | HashAlgorithm::Sm3 => &[],
    }
}

const fn hash_ml_dsa(prehash: PreHash) -> &'static [u64] {
    match prehash {
        PreHash::Hash(HashAlgorithm::Sha224) => &[0x23],
        PreHash::Hash(HashAlgorithm::Sha256) => &[0x24],
        PreHash::Hash(HashAlgorithm::Sha384) => &[0x25],
        PreHash::Hash(HashAlgorithm::Sha512) => &[0x26],
        PreHash::Hash(HashAlgorithm::Sha3_224) => &[0x27],
        PreHash::Hash(HashAlgorithm::Sha3_256) => &[0x28],
        PreHash::Hash(HashAlgorithm::Sha3_384) => &[0x29],
        PreHash::Hash(HashAlgorithm::Sha3_512) => &[0x2a],
        PreHash::Shake128 => &[0x2b],
        PreHash::Shake256 => &[0x2c],
        PreHash::Hash(_) => &[],
    }
}

const fn hash_key(hash: HashAlgorithm) -> &'static [u64] {
    match hash {
        HashAlgorithm::Sha1 => &[0x392],
        HashAlgorithm::Sha224 => &[0x396],
        HashAlgorithm::Sha256 => &[0x393],
        HashAlgorithm::Sha384 => &[0x394],
        HashAlgorithm::Sha512 => &[0x395],
        HashAlgorithm::Sha512_224 => &[0x4b],
        HashAlgorithm::Sha512_256 => &[0x4f],
        HashAlgorithm::Sha3_224 => &[0x398],
        HashAlgorithm::Sha3_256 => &[0x397],
        HashAlgorithm::Sha3_384 => &[0x399],
        HashAlgorithm::Sha3_512 => &[0x39a],
        HashAlgorithm::Sm3 => &[own::CKM_KB_SM3_KEY_DERIVATION],
    }
}

const fn ecdsa(hash: HashAlgorithm) -> &'static [u64] {
    match hash {
        HashAlgorithm::Sha1 => &[0x1042],
        HashAlgorithm::Sha224 => &[0x1043],
        HashAlgorithm::Sha256 => &[0x1044],
        HashAlgorithm::Sha384 => &[0x1045],
        HashAlgorithm::Sha512 => &[0x1046],
        HashAlgorithm::Sha3_224 => &[0x1047],
        HashAlgorithm::Sha3_256 => &[0x1048],
        HashAlgorithm::Sha3_384 => &[0x1049],
        HashAlgorithm::Sha3_512 => &[0x104a],
        HashAlgorithm::Sha512_224 | HashAlgorithm::Sha512_256 | HashAlgorithm::Sm3 => &[],
    }
}

const fn hmac(hash: HashAlgorithm) -> &'static [u64] {
    match hash {
        HashAlgorithm::Sha1 => &[0x221, 0x222],
        HashAlgorithm::Sha224 => &[0x256, 0x257],
        HashAlgorithm::Sha256 => &[0x251, 0x252],
        HashAlgorithm::Sha384 => &[0x261, 0x262],
        HashAlgorithm::Sha512 => &[0x271, 0x272],
        HashAlgorithm::Sha3_224 => &[0x2b6, 0x2b7],
        HashAlgorithm::Sha3_256 => &[0x2b1, 0x2b2],
        HashAlgorithm::Sha3_384 => &[0x2c1, 0x2c2],
        HashAlgorithm::Sha3_512 => &[0x2d1, 0x2d2],
        HashAlgorithm::Sha512_224 => &[0x49, 0x4a],
        HashAlgorithm::Sha512_256 => &[0x4d, 0x4e],
        HashAlgorithm::Sm3 => &[own::CKM_KB_SM3_HMAC, own::CKM_KB_SM3_HMAC_GENERAL],
    }
}
