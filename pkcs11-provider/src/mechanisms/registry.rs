//! What is known of a mechanism, and how it is found. What has no row in the table is refused.

use cryptoki_sys::*;
use keybridge_core::HashAlgorithm;
use keybridge_core::mechanism::PreHash;

use super::parameters::ParameterShape as Shape;
pub use super::table::MECHANISMS;

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
    /// Block cipher, CBC with ciphertext stealing.
    Cts,
    /// Block cipher, output feedback.
    Ofb,
    /// Block cipher, cipher feedback of so many bits.
    Cfb(u32),
    /// XTS.
    Xts,
    /// ChaCha20.
    ChaCha20,
    /// ChaCha20-Poly1305.
    ChaCha20Poly1305,
    /// Block cipher, Galois/counter mode.
    Gcm,
    /// Block cipher, counter with CBC-MAC.
    Ccm,
    /// AES key wrap.
    KeyWrap,
    /// AES key wrap with padding.
    KeyWrapPad,
    /// AES key wrap of what was padded by PKCS#7.
    KeyWrapPkcs7,
    /// CMAC of a cipher with blocks of so many bytes, which is the tag's length without a parameter.
    Cmac(usize),
    /// GMAC.
    Gmac,
    /// XCBC-MAC, of which so many bytes are kept.
    Xcbc(usize),
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
    /// HKDF that makes a data object.
    HkdfData,
    /// Two keys joined.
    ConcatenateKey,
    /// Data after a key.
    ConcatenateData,
    /// Data before a key.
    ConcatenateBefore,
    /// A key xor data.
    Xor,
    /// Bits of a key.
    Extract,
    /// The hash of a key.
    HashKey(HashAlgorithm),
    /// SHAKE of so many bits of a key.
    ShakeKey(u32),
    /// SP 800-108.
    Sp800108(KdfLoop),
    /// ML-DSA.
    MlDsa,
    /// HashML-DSA of a digest.
    HashMlDsa,
    /// HashML-DSA with this hash.
    HashMlDsaWith(PreHash),
    /// ML-KEM.
    MlKem,
    /// TLS 1.2's master secret.
    TlsMaster,
    /// TLS 1.2's extended master secret.
    TlsExtendedMaster,
    /// TLS 1.2's keys of a connection, with initialization vectors or without.
    TlsKeys(bool),
    /// TLS 1.2's keying material exporter.
    TlsKdf,
    /// TLS 1.2's verify data.
    TlsMac,
    /// RSA-OAEP and AES key wrap.
    RsaAesKeyWrap,
    /// ECDH and AES key wrap.
    EcdhAesKeyWrap,
    /// Makes a key of a password.
    Pbkdf2,
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

/// How SP 800-108 goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KdfLoop {
    /// Counter mode.
    Counter,
    /// Feedback mode.
    Feedback,
    /// Double-pipeline mode.
    DoublePipeline,
}

/// Which keys a mechanism takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// None, or it makes them.
    None,
    /// AES.
    Aes,
    /// AES-XTS.
    AesXts,
    /// Triple DES.
    Des3,
    /// ChaCha20.
    ChaCha20,
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
    /// X25519.
    Montgomery,
    /// ML-DSA.
    MlDsa,
    /// ML-KEM.
    MlKem,
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

/// The standard's numbers are below this.
const STANDARD: usize = 0x4100;

/// One more than the place of a standard mechanism's row in the table: every use of a key comes by here,
/// so the look-up is no walk.
static PLACES: [u16; STANDARD] = {
    let mut places = [0; STANDARD];
    let mut place = 0;
    while place < MECHANISMS.len() {
        let number = MECHANISMS[place].kind as usize;
        place += 1;
        if number < STANDARD {
            places[number] = place as u16;
        }
    }
    places
};

/// The row of a mechanism. `None`: refuse with `CKR_MECHANISM_INVALID`.
#[must_use]
pub fn find(kind: CK_MECHANISM_TYPE) -> Option<&'static Row> {
    match PLACES.get(kind as usize) {
        Some(place) => MECHANISMS.get(usize::from(*place).checked_sub(1)?),
        None => MECHANISMS.iter().find(|row| row.kind == kind),
    }
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
            assert_eq!(row.sizes == Sizes(0, 0), keyless, "{}", row.name);
            assert!(row.sizes.0 <= row.sizes.1, "{}", row.name);
        }
    }

    #[test]
    fn flags_fit_families() {
        for row in MECHANISMS {
            let expected = match row.family {
                Family::Digest(_) => CKF_DIGEST,
                Family::Generate(
                    CKK_RSA
                    | CKK_EC
                    | CKK_EC_EDWARDS
                    | CKK_EC_MONTGOMERY
                    | CKK_ML_KEM
                    | CKK_ML_DSA
                    | super::super::vendor::CKK_KB_SM2,
                ) => CKF_GENERATE_KEY_PAIR,
                Family::Generate(_) => CKF_GENERATE,
                Family::Ecdh | Family::EcbEncryptData | Family::CbcEncryptData | Family::Hkdf => {
                    CKF_DERIVE
                }
                Family::RsaAesKeyWrap | Family::EcdhAesKeyWrap => CKF_WRAP | CKF_UNWRAP,
                Family::Cmac(_) | Family::Gmac | Family::Xcbc(_) | Family::Hmac(_) => {
                    CKF_SIGN | CKF_VERIFY
                }
                _ => 0,
            };
            assert_eq!(row.flags & expected, expected, "{}", row.name);
        }
    }
}
