//! Every mechanism that a token of ours has, as data.
//!
//! Flags are those of the tables "Mechanisms vs. Functions" of PKCS#11 3.2, except for what
//! [`super::documentation::FUNCTIONS_LEFT_OUT`] names.

use cryptoki_sys::*;
use keybridge_core::HashAlgorithm;
use keybridge_core::mechanism::PreHash;

use super::parameters::ParameterShape as Shape;
use super::registry::{Family, KdfLoop, Keys, Row, Sizes};
use super::vendor::*;

const NO_KEY: Sizes = Sizes(0, 0);
const AES: Sizes = Sizes(16, 32);
const AES_128: Sizes = Sizes(16, 16);
const XTS: Sizes = Sizes(32, 64);
const DES2: Sizes = Sizes(16, 16);
const DES3: Sizes = Sizes(16, 24);
const DES3_GEN: Sizes = Sizes(24, 24);
const CHACHA20: Sizes = Sizes(32, 32);
// In bits, says "ChaCha20 mechanism".
const CHACHA20_BITS: Sizes = Sizes(256, 256);
const SM4: Sizes = Sizes(16, 16);
const RSA: Sizes = Sizes(1024, 8192);
const EC: Sizes = Sizes(256, 521);
const C25519: Sizes = Sizes(255, 255);
const AGREE: Sizes = Sizes(255, 521);
const SM2: Sizes = Sizes(256, 256);
// In bits.
const GENERIC: Sizes = Sizes(8, 65536);
const ML_KEM: Sizes = Sizes(800, 1568);
const ML_DSA: Sizes = Sizes(1312, 2592);
// In bytes.
const HMAC: Sizes = Sizes(1, 8192);
const TLS: Sizes = Sizes(48, 48);

const CIPHER: CK_FLAGS = CKF_ENCRYPT | CKF_DECRYPT;
const WRAPPING: CK_FLAGS = CKF_WRAP | CKF_UNWRAP;
const SIGNATURE: CK_FLAGS = CKF_SIGN | CKF_VERIFY;
const RECOVERY: CK_FLAGS = CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
const DIGEST: CK_FLAGS = CKF_DIGEST;
const DERIVE: CK_FLAGS = CKF_DERIVE;
const ENCAPSULATION: CK_FLAGS = CKF_ENCAPSULATE | CKF_DECAPSULATE;
const GENERATE: CK_FLAGS = CKF_GENERATE;
const PAIR: CK_FLAGS = CKF_GENERATE_KEY_PAIR;
// Points are taken in both forms.
const CURVE: CK_FLAGS = CKF_EC_F_P | CKF_EC_OID | CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS;
// RFC 8032's and RFC 7748's: one form of points; the curves have names as well.
const NAMED: CK_FLAGS = CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS;
const EITHER: CK_FLAGS = CURVE | NAMED;

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
    Sha1, Sha3_224, Sha3_256, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512, Sha512_224,
    Sha512_256, Sm3,
};

mechanisms! {
    // Mechanism, family, shape of the parameter, keys, flags, key sizes.
    CKM_RSA_PKCS_KEY_PAIR_GEN Generate(CKK_RSA) None None [PAIR] RSA;
    CKM_RSA_PKCS RsaPkcs None Rsa [CIPHER | SIGNATURE | RECOVERY | WRAPPING] RSA;
    CKM_RSA_PKCS_OAEP RsaOaep Oaep Rsa [CIPHER | WRAPPING] RSA;
    CKM_RSA_AES_KEY_WRAP RsaAesKeyWrap RsaAesKeyWrap Rsa [WRAPPING] RSA;
    CKM_RSA_X_509 RsaRaw None Rsa [CIPHER | SIGNATURE | RECOVERY] RSA;
    CKM_RSA_PKCS_PSS RsaPss Pss Rsa [SIGNATURE] RSA;
    CKM_SHA1_RSA_PKCS RsaPkcsHash(Sha1) None Rsa [SIGNATURE] RSA;
    CKM_SHA224_RSA_PKCS RsaPkcsHash(Sha224) None Rsa [SIGNATURE] RSA;
    CKM_SHA256_RSA_PKCS RsaPkcsHash(Sha256) None Rsa [SIGNATURE] RSA;
    CKM_SHA384_RSA_PKCS RsaPkcsHash(Sha384) None Rsa [SIGNATURE] RSA;
    CKM_SHA512_RSA_PKCS RsaPkcsHash(Sha512) None Rsa [SIGNATURE] RSA;
    CKM_SHA3_224_RSA_PKCS RsaPkcsHash(Sha3_224) None Rsa [SIGNATURE] RSA;
    CKM_SHA3_256_RSA_PKCS RsaPkcsHash(Sha3_256) None Rsa [SIGNATURE] RSA;
    CKM_SHA3_384_RSA_PKCS RsaPkcsHash(Sha3_384) None Rsa [SIGNATURE] RSA;
    CKM_SHA3_512_RSA_PKCS RsaPkcsHash(Sha3_512) None Rsa [SIGNATURE] RSA;
    CKM_SHA1_RSA_PKCS_PSS RsaPssHash(Sha1) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA224_RSA_PKCS_PSS RsaPssHash(Sha224) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA256_RSA_PKCS_PSS RsaPssHash(Sha256) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA384_RSA_PKCS_PSS RsaPssHash(Sha384) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA512_RSA_PKCS_PSS RsaPssHash(Sha512) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA3_224_RSA_PKCS_PSS RsaPssHash(Sha3_224) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA3_256_RSA_PKCS_PSS RsaPssHash(Sha3_256) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA3_384_RSA_PKCS_PSS RsaPssHash(Sha3_384) Pss Rsa [SIGNATURE] RSA;
    CKM_SHA3_512_RSA_PKCS_PSS RsaPssHash(Sha3_512) Pss Rsa [SIGNATURE] RSA;

    CKM_EC_KEY_PAIR_GEN Generate(CKK_EC) None None [PAIR | CURVE] EC;
    CKM_ECDSA Ecdsa None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA1 EcdsaHash(Sha1) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA224 EcdsaHash(Sha224) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA256 EcdsaHash(Sha256) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA384 EcdsaHash(Sha384) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA512 EcdsaHash(Sha512) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA3_224 EcdsaHash(Sha3_224) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA3_256 EcdsaHash(Sha3_256) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA3_384 EcdsaHash(Sha3_384) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDSA_SHA3_512 EcdsaHash(Sha3_512) None Ec [SIGNATURE | CURVE] EC;
    CKM_ECDH1_DERIVE Ecdh Ecdh1 Agreement [DERIVE | ENCAPSULATION | EITHER] AGREE;
    CKM_ECDH1_COFACTOR_DERIVE Ecdh Ecdh1 Ec [DERIVE | ENCAPSULATION | CURVE] EC;
    CKM_ECDH_AES_KEY_WRAP EcdhAesKeyWrap EcdhAesKeyWrap Agreement [WRAPPING | EITHER] AGREE;
    CKM_ECDH_COF_AES_KEY_WRAP EcdhAesKeyWrap EcdhAesKeyWrap Ec [WRAPPING | CURVE] EC;
    CKM_ECDH_X_AES_KEY_WRAP EcdhAesKeyWrap EcdhAesKeyWrap Montgomery [WRAPPING | NAMED] C25519;
    CKM_EC_EDWARDS_KEY_PAIR_GEN Generate(CKK_EC_EDWARDS) None None [PAIR | NAMED] C25519;
    CKM_EDDSA Eddsa EdDsa Edwards [SIGNATURE | NAMED] C25519;
    CKM_EC_MONTGOMERY_KEY_PAIR_GEN Generate(CKK_EC_MONTGOMERY) None None [PAIR | NAMED] C25519;

    CKM_ML_KEM_KEY_PAIR_GEN Generate(CKK_ML_KEM) None None [PAIR] ML_KEM;
    CKM_ML_KEM MlKem None MlKem [ENCAPSULATION] ML_KEM;
    CKM_ML_DSA_KEY_PAIR_GEN Generate(CKK_ML_DSA) None None [PAIR] ML_DSA;
    CKM_ML_DSA MlDsa Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA HashMlDsa HashSigning MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA224 HashMlDsaWith(PreHash::Hash(Sha224)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA256 HashMlDsaWith(PreHash::Hash(Sha256)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA384 HashMlDsaWith(PreHash::Hash(Sha384)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA512 HashMlDsaWith(PreHash::Hash(Sha512)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA3_224 HashMlDsaWith(PreHash::Hash(Sha3_224)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA3_256 HashMlDsaWith(PreHash::Hash(Sha3_256)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA3_384 HashMlDsaWith(PreHash::Hash(Sha3_384)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHA3_512 HashMlDsaWith(PreHash::Hash(Sha3_512)) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHAKE128 HashMlDsaWith(PreHash::Shake128) Signing MlDsa [SIGNATURE] ML_DSA;
    CKM_HASH_ML_DSA_SHAKE256 HashMlDsaWith(PreHash::Shake256) Signing MlDsa [SIGNATURE] ML_DSA;

    CKM_AES_KEY_GEN Generate(CKK_AES) None None [GENERATE] AES;
    CKM_AES_ECB Ecb None Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CBC Cbc Iv(16) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CBC_PAD CbcPad Iv(16) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CTR Ctr Counter Aes [CIPHER] AES;
    CKM_AES_CTS Cts Iv(16) Aes [CIPHER] AES;
    CKM_AES_OFB Ofb Iv(16) Aes [CIPHER] AES;
    CKM_AES_CFB1 Cfb(1) Iv(16) Aes [CIPHER] AES;
    CKM_AES_CFB8 Cfb(8) Iv(16) Aes [CIPHER] AES;
    CKM_AES_CFB64 Cfb(64) Iv(16) Aes [CIPHER] AES;
    CKM_AES_CFB128 Cfb(128) Iv(16) Aes [CIPHER] AES;
    CKM_AES_GCM Gcm Gcm Aes [CIPHER | WRAPPING] AES;
    CKM_AES_CCM Ccm Ccm Aes [CIPHER | WRAPPING] AES;
    CKM_AES_GMAC Gmac Gcm Aes [SIGNATURE] AES;
    CKM_AES_CMAC Cmac(16) None Aes [SIGNATURE] AES;
    CKM_AES_CMAC_GENERAL Cmac(16) MacLength Aes [SIGNATURE] AES;
    CKM_AES_XCBC_MAC Xcbc(16) None Aes [SIGNATURE] AES_128;
    CKM_AES_XCBC_MAC_96 Xcbc(12) None Aes [SIGNATURE] AES_128;
    CKM_AES_KEY_WRAP KeyWrap OptionalIv(8) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_KEY_WRAP_PAD KeyWrapPad OptionalIv(4) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_KEY_WRAP_KWP KeyWrapPad OptionalIv(4) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_KEY_WRAP_PKCS7 KeyWrapPkcs7 OptionalIv(8) Aes [CIPHER | WRAPPING] AES;
    CKM_AES_ECB_ENCRYPT_DATA EcbEncryptData StringData Aes [DERIVE] AES;
    CKM_AES_CBC_ENCRYPT_DATA CbcEncryptData CbcEncryptData Aes [DERIVE] AES;
    CKM_AES_XTS_KEY_GEN Generate(CKK_AES_XTS) None None [GENERATE] XTS;
    CKM_AES_XTS Xts Iv(16) AesXts [CIPHER] XTS;

    CKM_DES2_KEY_GEN Generate(CKK_DES2) None None [GENERATE] DES2;
    CKM_DES3_KEY_GEN Generate(CKK_DES3) None None [GENERATE] DES3_GEN;
    CKM_DES3_ECB Ecb None Des3 [CIPHER | WRAPPING] DES3;
    CKM_DES3_CBC Cbc Iv(8) Des3 [CIPHER | WRAPPING] DES3;
    CKM_DES3_CBC_PAD CbcPad Iv(8) Des3 [CIPHER | WRAPPING] DES3;

    CKM_CHACHA20_KEY_GEN Generate(CKK_CHACHA20) None None [GENERATE] CHACHA20;
    CKM_CHACHA20 ChaCha20 ChaCha20 ChaCha20 [CIPHER] CHACHA20_BITS;
    CKM_CHACHA20_POLY1305 ChaCha20Poly1305 ChaCha20Poly1305 ChaCha20 [CIPHER] CHACHA20_BITS;

    CKM_GENERIC_SECRET_KEY_GEN Generate(CKK_GENERIC_SECRET) None None [GENERATE] GENERIC;
    CKM_PKCS5_PBKD2 Pbkdf2 Pbkdf2 None [GENERATE] GENERIC;
    CKM_HKDF_KEY_GEN Generate(CKK_HKDF) None None [GENERATE] HMAC;
    CKM_HKDF_DERIVE Hkdf Hkdf Secret [DERIVE] HMAC;
    CKM_HKDF_DATA HkdfData Hkdf Secret [DERIVE] HMAC;
    CKM_SP800_108_COUNTER_KDF Sp800108(KdfLoop::Counter) Sp800108 Secret [DERIVE] GENERIC;
    CKM_SP800_108_FEEDBACK_KDF Sp800108(KdfLoop::Feedback) Sp800108Feedback Secret [DERIVE] GENERIC;
    CKM_SP800_108_DOUBLE_PIPELINE_KDF Sp800108(KdfLoop::DoublePipeline) Sp800108 Secret [DERIVE]
        GENERIC;
    CKM_CONCATENATE_BASE_AND_KEY ConcatenateKey Handle Secret [DERIVE] GENERIC;
    CKM_CONCATENATE_BASE_AND_DATA ConcatenateData StringData Secret [DERIVE] GENERIC;
    CKM_CONCATENATE_DATA_AND_BASE ConcatenateBefore StringData Secret [DERIVE] GENERIC;
    CKM_XOR_BASE_AND_DATA Xor StringData Secret [DERIVE] GENERIC;
    CKM_EXTRACT_KEY_FROM_KEY Extract Number Secret [DERIVE] GENERIC;
    CKM_SHA1_KEY_DERIVATION HashKey(Sha1) None Secret [DERIVE] GENERIC;
    CKM_SHA224_KEY_DERIVATION HashKey(Sha224) None Secret [DERIVE] GENERIC;
    CKM_SHA256_KEY_DERIVATION HashKey(Sha256) None Secret [DERIVE] GENERIC;
    CKM_SHA384_KEY_DERIVATION HashKey(Sha384) None Secret [DERIVE] GENERIC;
    CKM_SHA512_KEY_DERIVATION HashKey(Sha512) None Secret [DERIVE] GENERIC;
    CKM_SHA512_224_KEY_DERIVATION HashKey(Sha512_224) None Secret [DERIVE] GENERIC;
    CKM_SHA512_256_KEY_DERIVATION HashKey(Sha512_256) None Secret [DERIVE] GENERIC;
    CKM_SHA3_224_KEY_DERIVATION HashKey(Sha3_224) None Secret [DERIVE] GENERIC;
    CKM_SHA3_256_KEY_DERIVATION HashKey(Sha3_256) None Secret [DERIVE] GENERIC;
    CKM_SHA3_384_KEY_DERIVATION HashKey(Sha3_384) None Secret [DERIVE] GENERIC;
    CKM_SHA3_512_KEY_DERIVATION HashKey(Sha3_512) None Secret [DERIVE] GENERIC;
    CKM_SHAKE_128_KEY_DERIVATION ShakeKey(128) None Secret [DERIVE] GENERIC;
    CKM_SHAKE_256_KEY_DERIVATION ShakeKey(256) None Secret [DERIVE] GENERIC;
    CKM_TLS12_MASTER_KEY_DERIVE TlsMaster TlsMaster Secret [DERIVE] TLS;
    CKM_TLS12_MASTER_KEY_DERIVE_DH TlsMaster TlsMaster Secret [DERIVE] TLS;
    CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE TlsExtendedMaster TlsExtendedMaster Secret [DERIVE] TLS;
    CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH TlsExtendedMaster TlsExtendedMaster Secret [DERIVE]
        TLS;
    CKM_TLS12_KEY_AND_MAC_DERIVE TlsKeys(true) TlsKeys Secret [DERIVE] TLS;
    CKM_TLS12_KEY_SAFE_DERIVE TlsKeys(false) TlsKeys Secret [DERIVE] TLS;
    CKM_TLS_KDF TlsKdf TlsKdf Secret [DERIVE] GENERIC;
    CKM_TLS12_KDF TlsKdf TlsKdf Secret [DERIVE] GENERIC;
    CKM_TLS_MAC TlsMac TlsMac Hmac [SIGNATURE] TLS;
    CKM_TLS12_MAC TlsMac TlsMac Hmac [SIGNATURE] TLS;

    CKM_SHA_1_KEY_GEN Generate(CKK_SHA_1_HMAC) None None [GENERATE] HMAC;
    CKM_SHA_1_HMAC Hmac(Sha1) None Hmac [SIGNATURE] HMAC;
    CKM_SHA_1_HMAC_GENERAL Hmac(Sha1) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA224_KEY_GEN Generate(CKK_SHA224_HMAC) None None [GENERATE] HMAC;
    CKM_SHA224_HMAC Hmac(Sha224) None Hmac [SIGNATURE] HMAC;
    CKM_SHA224_HMAC_GENERAL Hmac(Sha224) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA256_KEY_GEN Generate(CKK_SHA256_HMAC) None None [GENERATE] HMAC;
    CKM_SHA256_HMAC Hmac(Sha256) None Hmac [SIGNATURE] HMAC;
    CKM_SHA256_HMAC_GENERAL Hmac(Sha256) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA384_KEY_GEN Generate(CKK_SHA384_HMAC) None None [GENERATE] HMAC;
    CKM_SHA384_HMAC Hmac(Sha384) None Hmac [SIGNATURE] HMAC;
    CKM_SHA384_HMAC_GENERAL Hmac(Sha384) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA512_KEY_GEN Generate(CKK_SHA512_HMAC) None None [GENERATE] HMAC;
    CKM_SHA512_HMAC Hmac(Sha512) None Hmac [SIGNATURE] HMAC;
    CKM_SHA512_HMAC_GENERAL Hmac(Sha512) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA512_224_KEY_GEN Generate(CKK_SHA512_224_HMAC) None None [GENERATE] HMAC;
    CKM_SHA512_224_HMAC Hmac(Sha512_224) None Hmac [SIGNATURE] HMAC;
    CKM_SHA512_224_HMAC_GENERAL Hmac(Sha512_224) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA512_256_KEY_GEN Generate(CKK_SHA512_256_HMAC) None None [GENERATE] HMAC;
    CKM_SHA512_256_HMAC Hmac(Sha512_256) None Hmac [SIGNATURE] HMAC;
    CKM_SHA512_256_HMAC_GENERAL Hmac(Sha512_256) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA3_224_KEY_GEN Generate(CKK_SHA3_224_HMAC) None None [GENERATE] HMAC;
    CKM_SHA3_224_HMAC Hmac(Sha3_224) None Hmac [SIGNATURE] HMAC;
    CKM_SHA3_224_HMAC_GENERAL Hmac(Sha3_224) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA3_256_KEY_GEN Generate(CKK_SHA3_256_HMAC) None None [GENERATE] HMAC;
    CKM_SHA3_256_HMAC Hmac(Sha3_256) None Hmac [SIGNATURE] HMAC;
    CKM_SHA3_256_HMAC_GENERAL Hmac(Sha3_256) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA3_384_KEY_GEN Generate(CKK_SHA3_384_HMAC) None None [GENERATE] HMAC;
    CKM_SHA3_384_HMAC Hmac(Sha3_384) None Hmac [SIGNATURE] HMAC;
    CKM_SHA3_384_HMAC_GENERAL Hmac(Sha3_384) MacLength Hmac [SIGNATURE] HMAC;
    CKM_SHA3_512_KEY_GEN Generate(CKK_SHA3_512_HMAC) None None [GENERATE] HMAC;
    CKM_SHA3_512_HMAC Hmac(Sha3_512) None Hmac [SIGNATURE] HMAC;
    CKM_SHA3_512_HMAC_GENERAL Hmac(Sha3_512) MacLength Hmac [SIGNATURE] HMAC;

    CKM_SHA_1 Digest(Sha1) None None [DIGEST] NO_KEY;
    CKM_SHA224 Digest(Sha224) None None [DIGEST] NO_KEY;
    CKM_SHA256 Digest(Sha256) None None [DIGEST] NO_KEY;
    CKM_SHA384 Digest(Sha384) None None [DIGEST] NO_KEY;
    CKM_SHA512 Digest(Sha512) None None [DIGEST] NO_KEY;
    CKM_SHA512_224 Digest(Sha512_224) None None [DIGEST] NO_KEY;
    CKM_SHA512_256 Digest(Sha512_256) None None [DIGEST] NO_KEY;
    CKM_SHA3_224 Digest(Sha3_224) None None [DIGEST] NO_KEY;
    CKM_SHA3_256 Digest(Sha3_256) None None [DIGEST] NO_KEY;
    CKM_SHA3_384 Digest(Sha3_384) None None [DIGEST] NO_KEY;
    CKM_SHA3_512 Digest(Sha3_512) None None [DIGEST] NO_KEY;

    CKM_KB_SM2_KEY_PAIR_GEN Generate(CKK_KB_SM2) None None [PAIR | CURVE] SM2;
    CKM_KB_SM2 Sm2Digest None Sm2 [SIGNATURE] SM2;
    CKM_KB_SM2_SM3 Sm2Sm3 OptionalBytes Sm2 [SIGNATURE] SM2;
    CKM_KB_SM2_ENCRYPT Sm2Encrypt None Sm2 [CIPHER] SM2;
    CKM_KB_SM3 Digest(Sm3) None None [DIGEST] NO_KEY;
    CKM_KB_SM3_KEY_GEN Generate(CKK_KB_SM3_HMAC) None None [GENERATE] HMAC;
    CKM_KB_SM3_HMAC Hmac(Sm3) None Hmac [SIGNATURE] HMAC;
    CKM_KB_SM3_HMAC_GENERAL Hmac(Sm3) MacLength Hmac [SIGNATURE] HMAC;
    CKM_KB_SM3_KEY_DERIVATION HashKey(Sm3) None Secret [DERIVE] GENERIC;
    CKM_KB_SM4_KEY_GEN Generate(CKK_KB_SM4) None None [GENERATE] SM4;
    CKM_KB_SM4_ECB Ecb None Sm4 [CIPHER | WRAPPING] SM4;
    CKM_KB_SM4_CBC Cbc Iv(16) Sm4 [CIPHER | WRAPPING] SM4;
    CKM_KB_SM4_CBC_PAD CbcPad Iv(16) Sm4 [CIPHER | WRAPPING] SM4;
    CKM_KB_SM4_CTR Ctr Counter Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CTS Cts Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_OFB Ofb Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CFB1 Cfb(1) Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CFB8 Cfb(8) Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CFB64 Cfb(64) Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_CFB128 Cfb(128) Iv(16) Sm4 [CIPHER] SM4;
    CKM_KB_SM4_GCM Gcm Gcm Sm4 [CIPHER | WRAPPING] SM4;
    CKM_KB_SM4_CCM Ccm Ccm Sm4 [CIPHER | WRAPPING] SM4;
    CKM_KB_SM4_GMAC Gmac Gcm Sm4 [SIGNATURE] SM4;
    CKM_KB_SM4_ECB_ENCRYPT_DATA EcbEncryptData StringData Sm4 [DERIVE] SM4;
    CKM_KB_SM4_CBC_ENCRYPT_DATA CbcEncryptData CbcEncryptData Sm4 [DERIVE] SM4;
}
