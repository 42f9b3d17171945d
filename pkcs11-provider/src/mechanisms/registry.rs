//! Every mechanism that a token of ours has, as data. What has no row is refused.

use std::sync::LazyLock;

use cryptoki_sys::*;
use keybridge_core::HashAlgorithm;

use super::parameters::ParameterShape as Shape;
use super::vendor::*;

/// What a mechanism is, apart from its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Block cipher, electronic code book.
    Ecb,
    /// Block cipher, cipher block chaining.
    Cbc,
    /// The same with PKCS#7 padding.
    CbcPad,
    /// Block cipher, counter mode.
    Ctr,
    /// Block cipher, Galois/counter mode.
    Gcm,
    /// Block cipher, counter with CBC-MAC.
    Ccm,
    /// AES key wrap.
    KeyWrap,
    /// AES key wrap with padding.
    KeyWrapPad,
    /// CMAC; the length is 16 bytes without a parameter.
    Cmac,
    /// HMAC; the whole length without a parameter.
    Hmac(HashAlgorithm),
    /// RSA PKCS#1 v1.5.
    RsaPkcs,
    /// RSA PKCS#1 v1.5 signature with this hash.
    RsaPkcsHash(HashAlgorithm),
    /// RSA-PSS over a digest.
    RsaPss,
    /// RSA-PSS with this hash.
    RsaPssHash(HashAlgorithm),
    /// RSA-OAEP.
    RsaOaep,
    /// RSA without padding.
    RsaRaw,
    /// ECDSA over a digest.
    Ecdsa,
    /// ECDSA with this hash.
    EcdsaHash(HashAlgorithm),
    /// EdDSA.
    Eddsa,
    /// ECDH.
    Ecdh,
    /// Derivation by ECB encryption.
    EcbEncryptData,
    /// Derivation by CBC encryption.
    CbcEncryptData,
    /// HKDF.
    Hkdf,
    /// SM2 signature over a digest.
    Sm2Digest,
    /// SM2 signature with SM3.
    Sm2Sm3,
    /// SM2 encryption.
    Sm2Encrypt,
    /// A digest.
    Digest(HashAlgorithm),
    /// Makes a key or pair of this `CK_KEY_TYPE`.
    Generate(CK_KEY_TYPE),
}

/// Which keys a mechanism takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// None, or it makes them.
    None,
    /// AES.
    Aes,
    /// SM4.
    Sm4,
    /// RSA.
    Rsa,
    /// Short Weierstrass curves.
    Ec,
    /// Ed25519.
    Edwards,
    /// The curves that agree on keys.
    Agreement,
    /// SM2.
    Sm2,
    /// Generic secrets, and HMAC keys of the mechanism's hash.
    Hmac,
    /// Generic secrets and anything else that is secret.
    Secret,
}

/// Smallest and largest key of `C_GetMechanismInfo`, in the unit that the standard gives for the
/// mechanism (bits for RSA, curves and generic secrets; bytes for ciphers and HMAC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes(pub CK_ULONG, pub CK_ULONG);

const NO_KEY: Sizes = Sizes(0, 0);
const AES: Sizes = Sizes(16, 32);
const SM4: Sizes = Sizes(16, 16);
const RSA: Sizes = Sizes(2048, 4096);
const EC: Sizes = Sizes(256, 521);
const C25519: Sizes = Sizes(255, 255);
const AGREE: Sizes = Sizes(255, 521);
const SM2: Sizes = Sizes(256, 256);
const GENERIC: Sizes = Sizes(8, 4096);
const HMAC: Sizes = Sizes(1, 512);

const CIPHER: CK_FLAGS = CKF_ENCRYPT | CKF_DECRYPT;
const WRAPPING: CK_FLAGS = CKF_WRAP | CKF_UNWRAP;
const SIGNATURE: CK_FLAGS = CKF_SIGN | CKF_VERIFY;
const RECOVERY: CK_FLAGS = CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
const DIGEST: CK_FLAGS = CKF_DIGEST;
const DERIVE: CK_FLAGS = CKF_DERIVE;
const GENERATE: CK_FLAGS = CKF_GENERATE;
const PAIR: CK_FLAGS = CKF_GENERATE_KEY_PAIR;
const CURVE: CK_FLAGS = CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The number.
    pub kind: CK_MECHANISM_TYPE,
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub family: Family,
    /// Shape of its parameter.
    pub shape: Shape,
    /// What it takes.
    pub keys: Keys,
    /// `CK_MECHANISM_INFO.flags`.
    pub flags: CK_FLAGS,
    /// `CK_MECHANISM_INFO.ulMinKeySize` and `ulMaxKeySize`.
    pub sizes: Sizes,
}

macro_rules! mechanisms {
    ($($name:ident $family:ident$(($argument:expr))? $shape:ident$(($length:expr))? $keys:ident
        [$($flag:ident)|+] $sizes:ident;)*) => {
        /// The table.
        pub static MECHANISMS: &[Row] = &[$(Row {
            kind: $name,
            name: stringify!($name),
            family: Family::$family$(($argument))?,
            shape: Shape::$shape$(($length))?,
            keys: Keys::$keys,
            flags: $($flag)|+,
            sizes: $sizes,
        },)*];
    };
}

use HashAlgorithm::{
    Sha1, Sha3_224, Sha3_256, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512, Sm3,
};

mechanisms! {
    // Mechanism, family, shape of the parameter, keys, flags, key sizes.
    CKM_RSA_PKCS_KEY_PAIR_GEN Generate(CKK_RSA) None None [PAIR] RSA;
    CKM_RSA_PKCS RsaPkcs None Rsa [CIPHER | SIGNATURE | RECOVERY | WRAPPING] RSA;
    CKM_RSA_PKCS_OAEP RsaOaep Oaep Rsa [CIPHER | WRAPPING] RSA;
    CKM_RSA_X_509 RsaRaw None Rsa [CIPHER | SIGNATURE | RECOVERY] RSA;
    CKM_RSA_PKCS_PSS RsaPss Pss Rsa [SIGNATURE] RSA;
    CKM_SHA1_RSA_PKCS RsaPkcsHash(Sha1) None Rsa [SIGNATURE] RSA;
    CKM_SHA224_RSA_PKCS RsaPkcsHash(Sha224) None Rsa [SIGNATURE] RSA;
    CKM_SHA256_RSA_PKCS RsaPkcsHash(Sha256) None Rsa [SIGNATURE] RSA;
    CKM_SHA384_RSA_PKCS RsaPkcsHash(Sha384) None Rsa [SIGNATURE] RSA;
    CKM_SHA512_RSA_PKCS RsaPkcsHash(Sha512) None Rsa [SIGNATURE] RSA;
    CKM_SHA1_RSA_PKCS_PSS RsaPssHash(Sha1) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA224_RSA_PKCS_PSS RsaPssHash(Sha224) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA256_RSA_PKCS_PSS RsaPssHash(Sha256) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA384_RSA_PKCS_PSS RsaPssHash(Sha384) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA512_RSA_PKCS_PSS RsaPssHash(Sha512) Pss Rsa [SIGNATURE] RSA;

    CKM_EC_KEY_PAIR_GEN Generate(CKK_EC) None None [PAIR | CURVE] EC;
    CKM_ECDSA Ecdsa None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA1 EcdsaHash(Sha1) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA224 EcdsaHash(Sha224) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA256 EcdsaHash(Sha256) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA384 EcdsaHash(Sha384) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA512 EcdsaHash(Sha512) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDH1_DERIVE Ecdh Ecdh1 Agreement [DERIVE | CURVE] AGREE;
    CKM_ECDH1_COFACTOR_DERIVE Ecdh Ecdh1 Agreement [DERIVE | CURVE] AGREE;
    CKM_EC_EDWARDS_KEY_PAIR_GEN Generate(CKK_EC_EDWARDS) None None [PAIR | CURVE] C25519;
    CKM_EDDSA Eddsa EdDsa Edwards [SIGNATURE | CURVE] C25519;
    CKM_EC_MONTGOMERY_KEY_PAIR_GEN Generate(CKK_EC_MONTGOMERY) None None [PAIR | CURVE] C25519;

    CKM_AES_KEY_GEN Generate(CKK_AES) None None [GENERATE] AES;
    CKM_AES_ECB Ecb None Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CBC Cbc Iv(16) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CBC_PAD CbcPad Iv(16) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CTR Ctr Counter Aes [CIPHER] AES;
    CKM_AES_GCM Gcm Gcm Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CCM Ccm Ccm Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CMAC Cmac None Aes [SIGNATURE] AES;
    CKM_AES_CMAC_GENERAL Cmac MacLength Aes [SIGNATURE] AES;
    CKM_AES_KEY_WRAP KeyWrap OptionalIv(8) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_KEY_WRAP_PAD KeyWrapPad OptionalIv(4) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_KEY_WRAP_KWP KeyWrapPad OptionalIv(4) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_ECB_ENCRYPT_DATA EcbEncryptData StringData Aes [DERIVE] AES;
    CKM_AES_CBC_ENCRYPT_DATA CbcEncryptData CbcEncryptData Aes [DERIVE] AES;

    CKM_GENERIC_SECRET_KEY_GEN Generate(CKK_GENERIC_SECRET) None None [GENERATE] GENERIC;
    CKM_HKDF_DERIVE Hkdf Hkdf Secret [DERIVE] HMAC;
    CKM_SHA_1_HMAC Hmac(Sha1) None Hmac [SIGNATURE] HMAC;
    CKM_SHA_1_HMAC_GENERAL Hmac(Sha1) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA224_HMAC Hmac(Sha224) None Hmac [SIGNATURE] HMAC;
    CKM_SHA224_HMAC_GENERAL Hmac(Sha224) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA256_HMAC Hmac(Sha256) None Hmac [SIGNATURE] HMAC;
    CKM_SHA256_HMAC_GENERAL Hmac(Sha256) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA384_HMAC Hmac(Sha384) None Hmac [SIGNATURE] HMAC;
    CKM_SHA384_HMAC_GENERAL Hmac(Sha384) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA512_HMAC Hmac(Sha512) None Hmac [SIGNATURE] HMAC;
    CKM_SHA512_HMAC_GENERAL Hmac(Sha512) MacLength Hmac [SIGNATURE] HMAC;

    CKM_SHA_1 Digest(Sha1) None None [DIGEST] NO_KEY;
    CKM_SHA224 Digest(Sha224) None None [DIGEST] NO_KEY;
    CKM_SHA256 Digest(Sha256) None None [DIGEST] NO_KEY;
    CKM_SHA384 Digest(Sha384) None None [DIGEST] NO_KEY;
    CKM_SHA512 Digest(Sha512) None None [DIGEST] NO_KEY;
    CKM_SHA3_224 Digest(Sha3_224) None None [DIGEST] NO_KEY;
    CKM_SHA3_256 Digest(Sha3_256) None None [DIGEST] NO_KEY;
    CKM_SHA3_384 Digest(Sha3_384) None None [DIGEST] NO_KEY;
    CKM_SHA3_512 Digest(Sha3_512) None None [DIGEST] NO_KEY;

    CKM_KB_SM2_KEY_PAIR_GEN Generate(CKK_EC) None None [PAIR | CURVE] SM2;
    CKM_KB_SM2 Sm2Digest None Sm2 [SIGNATURE] SM2;
    CKM_KB_SM2_SM3 Sm2Sm3 OptionalBytes Sm2 [SIGNATURE] SM2;
    CKM_KB_SM2_ENCRYPT Sm2Encrypt None Sm2 [CIPHER] SM2;
    CKM_KB_SM3 Digest(Sm3) None None [DIGEST] NO_KEY;
    CKM_KB_SM3_HMAC Hmac(Sm3) None Hmac [SIGNATURE] HMAC;
    CKM_KB_SM4_KEY_GEN Generate(CKK_KB_SM4) None None [GENERATE] SM4;
    CKM_KB_SM4_ECB Ecb None Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CBC Cbc Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CBC_PAD CbcPad Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CTR Ctr Counter Sm4 [CIPHER] SM4;
    CKM_KB_SM4_GCM Gcm Gcm Sm4 [CIPHER] SM4;
}

/// The table by number: every use of a key comes by here, so the look-up is no walk.
static BY_NUMBER: LazyLock<Vec<&'static Row>> = LazyLock::new(|| {
    let mut rows: Vec<_> = MECHANISMS.iter().collect();
    rows.sort_unstable_by_key(|row| row.kind);
    rows
});

/// Sorts the table now. A thread that was doing it at the moment of a fork would leave the child
/// waiting for ever.
pub(crate) fn prepare() {
    LazyLock::force(&BY_NUMBER);
}

/// The row of a mechanism. `None`: refuse with `CKR_MECHANISM_INVALID`.
#[must_use]
pub fn find(kind: CK_MECHANISM_TYPE) -> Option<&'static Row> {
    let at = BY_NUMBER.binary_search_by_key(&kind, |row| row.kind).ok()?;
    BY_NUMBER.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        for (index, row) in MECHANISMS.iter().enumerate() {
            assert!(
                MECHANISMS[..index].iter().all(|r| r.kind != row.kind),
                "{}",
                row.name
            );
            assert_eq!(find(row.kind).map(|found| found.name), Some(row.name));
        }
        assert!(find(CKM_MD5).is_none());
    }

    #[test]
    fn key_sizes_are_given_where_there_are_keys() {
        for row in MECHANISMS {
            let keyless = row.flags == CKF_DIGEST;
            assert_eq!(row.sizes == NO_KEY, keyless, "{}", row.name);
            assert!(row.sizes.0 <= row.sizes.1, "{}", row.name);
        }
    }

    #[test]
    fn flags_fit_families() {
        for row in MECHANISMS {
            let expected = match row.family {
                Family::Digest(_) => CKF_DIGEST,
                Family::Generate(CKK_AES | CKK_GENERIC_SECRET | CKK_KB_SM4) => CKF_GENERATE,
                Family::Generate(_) => CKF_GENERATE_KEY_PAIR,
                Family::Ecdh | Family::EcbEncryptData | Family::CbcEncryptData | Family::Hkdf => {
                    CKF_DERIVE
                }
                Family::Cmac | Family::Hmac(_) => SIGNATURE,
                _ => 0,
            };
            assert_eq!(row.flags & expected, expected, "{}", row.name);
        }
    }
}
