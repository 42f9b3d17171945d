//! What keys of each kind can do: the one table behind `supports` and behind every refusal.

use crate::algorithm::{Curve, HashAlgorithm, KeySpec};
use crate::mechanism::{KdfPrf, KeyDerivation, Mechanism, PreHash, Purpose};

/// A family of keys that can do the same things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Aes,
    AesXts,
    Des3,
    ChaCha20,
    Sm4,
    Rsa,
    Nist,
    Secp256k1,
    Ed25519,
    X25519,
    MlKem,
    MlDsa,
    Sm2,
    Hmac,
    Generic,
}

const KINDS: usize = Kind::Generic as usize + 1;

/// A mechanism without its parameters, except where those decide what is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Ecb,
    Cbc,
    CbcPad,
    Ctr,
    Gcm,
    Ccm,
    KeyWrap,
    KeyWrapPad,
    KeyWrapPkcs7,
    Cts,
    Ofb,
    Cfb,
    Xts,
    ChaCha20,
    ChaCha20Poly1305,
    Gmac,
    XcbcMac,
    Cmac,
    Hmac,
    RsaPkcs1,
    RsaPkcs1Hash,
    RsaPkcs1Digest,
    RsaPss,
    RsaPssDigest,
    RsaOaep,
    RsaRaw,
    Ecdsa,
    EcdsaHash,
    Eddsa,
    EddsaContext,
    MlDsa,
    MlDsaDigest,
    MlKem,
    Concatenate,
    Xor,
    Extract,
    HashKey,
    ShakeKey,
    Sp800108,
    Sp800108Cmac,
    TlsPrf,
    TlsMac,
    RsaAesKeyWrap,
    EcdhAesKeyWrap,
    Sm2Sign,
    Sm2SignDigest,
    Sm2Encrypt,
    Ecdh,
    EncryptData,
    Hkdf,
    Kdf,
}

const FORMS: usize = Form::Kdf as usize + 1;

/// A set of purposes.
type Purposes = u16;

const fn bit(purpose: Purpose) -> Purposes {
    1 << purpose as u16
}

const NONE: Purposes = 0;
const CIPHER: Purposes = bit(Purpose::Encrypt) | bit(Purpose::Decrypt);
const WRAPPING: Purposes = bit(Purpose::Wrap) | bit(Purpose::Unwrap);
const SIGNATURE: Purposes = bit(Purpose::Sign) | bit(Purpose::Verify);
const MAC: Purposes = bit(Purpose::MacGenerate) | bit(Purpose::MacVerify);
const DERIVE: Purposes = bit(Purpose::Derive);
const ENCAPSULATION: Purposes = bit(Purpose::Encapsulate) | bit(Purpose::Decapsulate);
const RECOVERY: Purposes = bit(Purpose::SignRecover) | bit(Purpose::VerifyRecover);

/// What a public key alone can do.
const PUBLIC: Purposes = bit(Purpose::Encrypt)
    | bit(Purpose::Verify)
    | bit(Purpose::VerifyRecover)
    | bit(Purpose::Wrap)
    | bit(Purpose::Encapsulate);

/// Which hashes a mechanism takes, all of its hashes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hashes {
    /// It has none.
    None,
    /// SHA-2 and SHA-3.
    Fips,
    /// SHA-1, SHA-2 and SHA-3.
    Sha3,
    /// These and SM3.
    All,
}

impl Hashes {
    const fn contains(self, hash: HashAlgorithm) -> bool {
        match hash {
            HashAlgorithm::Sha1 => matches!(self, Self::Sha3 | Self::All),
            HashAlgorithm::Sha224
            | HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha512_224
            | HashAlgorithm::Sha512_256
            | HashAlgorithm::Sha3_224
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_384
            | HashAlgorithm::Sha3_512 => !matches!(self, Self::None),
            HashAlgorithm::Sm3 => matches!(self, Self::All),
        }
    }
}

struct Row {
    kinds: &'static [Kind],
    form: Form,
    /// In one part.
    whole: Purposes,
    /// In several parts; PKCS#11's single-part mechanisms have none.
    parts: Purposes,
    hashes: Hashes,
}

const fn row(
    kinds: &'static [Kind],
    form: Form,
    whole: Purposes,
    parts: Purposes,
    hashes: Hashes,
) -> Row {
    Row {
        kinds,
        form,
        whole,
        parts,
        hashes,
    }
}

const BLOCK: &[Kind] = &[Kind::Aes, Kind::Sm4];
const ANY_BLOCK: &[Kind] = &[Kind::Aes, Kind::Sm4, Kind::Des3];
const CHACHA20: &[Kind] = &[Kind::ChaCha20];
const AES: &[Kind] = &[Kind::Aes];
const BYTES: &[Kind] = &[Kind::Generic, Kind::Hmac, Kind::Aes];
const AGREEMENT: &[Kind] = &[Kind::Nist, Kind::Secp256k1, Kind::X25519];
const RSA: &[Kind] = &[Kind::Rsa];
const ECDSA: &[Kind] = &[Kind::Nist, Kind::Secp256k1];
const HMAC: &[Kind] = &[Kind::Hmac, Kind::Generic, Kind::Aes];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(ANY_BLOCK, Form::Ecb, CIPHER | WRAPPING, CIPHER, Hashes::None),
    row(ANY_BLOCK, Form::Cbc, CIPHER | WRAPPING, CIPHER, Hashes::None),
    row(ANY_BLOCK, Form::CbcPad, CIPHER | WRAPPING, CIPHER, Hashes::None),
    row(BLOCK, Form::Cts, CIPHER, CIPHER, Hashes::None),
    row(BLOCK, Form::Ofb, CIPHER, CIPHER, Hashes::None),
    row(BLOCK, Form::Cfb, CIPHER, CIPHER, Hashes::None),
    row(&[Kind::AesXts], Form::Xts, CIPHER, CIPHER, Hashes::None),
    row(CHACHA20, Form::ChaCha20, CIPHER, CIPHER, Hashes::None),
    row(CHACHA20, Form::ChaCha20Poly1305, CIPHER | WRAPPING, CIPHER, Hashes::None),
    row(BLOCK, Form::Ctr, CIPHER, CIPHER, Hashes::None),
    row(BLOCK, Form::Gcm, CIPHER | WRAPPING, CIPHER, Hashes::None),
    row(BLOCK, Form::Ccm, CIPHER | WRAPPING, CIPHER, Hashes::None),
    row(AES, Form::KeyWrap, CIPHER | WRAPPING, NONE, Hashes::None),
    row(AES, Form::KeyWrapPad, CIPHER | WRAPPING, NONE, Hashes::None),
    row(AES, Form::KeyWrapPkcs7, CIPHER | WRAPPING, NONE, Hashes::None),
    row(AES, Form::Cmac, MAC, MAC, Hashes::None),
    row(BLOCK, Form::Gmac, MAC, MAC, Hashes::None),
    row(AES, Form::XcbcMac, MAC, MAC, Hashes::None),
    row(BLOCK, Form::EncryptData, DERIVE, NONE, Hashes::None),
    row(HMAC, Form::Hmac, MAC, MAC, Hashes::All),
    row(HMAC, Form::Hkdf, DERIVE, NONE, Hashes::All),
    row(BYTES, Form::Concatenate, DERIVE, NONE, Hashes::None),
    row(BYTES, Form::Xor, DERIVE, NONE, Hashes::None),
    row(BYTES, Form::Extract, DERIVE, NONE, Hashes::None),
    row(BYTES, Form::HashKey, DERIVE, NONE, Hashes::All),
    row(BYTES, Form::ShakeKey, DERIVE, NONE, Hashes::None),
    row(HMAC, Form::Sp800108, DERIVE, NONE, Hashes::All),
    row(AES, Form::Sp800108Cmac, DERIVE, NONE, Hashes::None),
    row(&[Kind::Generic], Form::TlsPrf, DERIVE, NONE, Hashes::All),
    row(&[Kind::Generic], Form::TlsMac, MAC, NONE, Hashes::All),
    row(RSA, Form::RsaAesKeyWrap, WRAPPING, NONE, Hashes::Sha3),
    row(AGREEMENT, Form::EcdhAesKeyWrap, WRAPPING, NONE, Hashes::All),
    row(&[Kind::Ed25519], Form::EddsaContext, SIGNATURE, SIGNATURE, Hashes::None),
    row(HMAC, Form::Kdf, DERIVE, NONE, Hashes::All),
    row(RSA, Form::RsaPkcs1, SIGNATURE | RECOVERY | CIPHER | WRAPPING, NONE, Hashes::None),
    row(RSA, Form::RsaPkcs1Hash, SIGNATURE, SIGNATURE, Hashes::Sha3),
    row(RSA, Form::RsaPkcs1Digest, SIGNATURE, NONE, Hashes::Sha3),
    row(RSA, Form::RsaPss, SIGNATURE, SIGNATURE, Hashes::Sha3),
    row(RSA, Form::RsaPssDigest, SIGNATURE, NONE, Hashes::Sha3),
    row(RSA, Form::RsaOaep, CIPHER | WRAPPING, NONE, Hashes::Sha3),
    row(RSA, Form::RsaRaw, SIGNATURE | RECOVERY | CIPHER, NONE, Hashes::None),
    row(ECDSA, Form::Ecdsa, SIGNATURE, NONE, Hashes::None),
    row(ECDSA, Form::EcdsaHash, SIGNATURE, SIGNATURE, Hashes::Sha3),
    row(AGREEMENT, Form::Ecdh, DERIVE | ENCAPSULATION, NONE, Hashes::All),
    row(&[Kind::Ed25519], Form::Eddsa, SIGNATURE, SIGNATURE, Hashes::None),
    row(&[Kind::MlDsa], Form::MlDsa, SIGNATURE, SIGNATURE, Hashes::Fips),
    row(&[Kind::MlDsa], Form::MlDsaDigest, SIGNATURE, NONE, Hashes::Fips),
    row(&[Kind::MlKem], Form::MlKem, ENCAPSULATION, NONE, Hashes::None),
    row(&[Kind::Sm2], Form::Sm2Sign, SIGNATURE, SIGNATURE, Hashes::None),
    row(&[Kind::Sm2], Form::Sm2SignDigest, SIGNATURE, NONE, Hashes::None),
    row(&[Kind::Sm2], Form::Sm2Encrypt, CIPHER, NONE, Hashes::None),
];

/// A row's answer, found by kind and form.
#[derive(Clone, Copy)]
struct Cell {
    whole: Purposes,
    parts: Purposes,
    hashes: Hashes,
}

/// The table turned round at compile time, so that the check before each use is one look-up.
static CELLS: [[Cell; FORMS]; KINDS] = {
    let empty = Cell {
        whole: NONE,
        parts: NONE,
        hashes: Hashes::None,
    };
    let mut cells = [[empty; FORMS]; KINDS];
    let mut at = 0;
    while at < ROWS.len() {
        let row = &ROWS[at];
        let mut kind = 0;
        while kind < row.kinds.len() {
            cells[row.kinds[kind] as usize][row.form as usize] = Cell {
                whole: row.whole,
                parts: row.parts,
                hashes: row.hashes,
            };
            kind += 1;
        }
        at += 1;
    }
    cells
};

/// Every algorithm that there is: what does it, and the hashes with which it is done.
#[cfg(test)]
pub(super) fn algorithms() -> Vec<(Kind, Form, Vec<HashAlgorithm>)> {
    use super::tests::ALL_HASHES;
    let of = |row: &'static Row| {
        let kinds = row.kinds.iter();
        kinds.map(|kind| {
            let hashes = ALL_HASHES.into_iter();
            let hashes = hashes.filter(|hash| row.hashes.contains(*hash));
            (*kind, row.form, hashes.collect())
        })
    };
    ROWS.iter().flat_map(of).collect()
}

/// Whether an operation is wanted in one part or in several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    One,
    Several,
}

/// The family of a key; none when there is nothing that it can do here.
pub(super) const fn kind_of(spec: KeySpec) -> Option<Kind> {
    Some(match spec {
        KeySpec::Aes {
            bits: 128 | 192 | 256,
        } => Kind::Aes,
        KeySpec::AesXts { bits: 256 | 512 } => Kind::AesXts,
        KeySpec::Des3 {
            bits: 112 | 128 | 168 | 192,
        } => Kind::Des3,
        KeySpec::Aes { .. }
        | KeySpec::AesXts { .. }
        | KeySpec::Des3 { .. }
        | KeySpec::Foreign { .. } => return None,
        KeySpec::ChaCha20 => Kind::ChaCha20,
        KeySpec::Sm4 => Kind::Sm4,
        KeySpec::Rsa { .. } => Kind::Rsa,
        KeySpec::Ec {
            curve: Curve::Secp256k1,
        } => Kind::Secp256k1,
        KeySpec::Ec { .. } => Kind::Nist,
        KeySpec::Ed25519 => Kind::Ed25519,
        KeySpec::Lattice { set } if set.is_kem() => Kind::MlKem,
        KeySpec::Lattice { .. } => Kind::MlDsa,
        KeySpec::X25519 => Kind::X25519,
        KeySpec::Sm2 => Kind::Sm2,
        KeySpec::Hmac { .. } => Kind::Hmac,
        KeySpec::GenericSecret { .. } => Kind::Generic,
    })
}

/// Whether keys of a kind do this.
pub(super) fn allows(kind: Kind, purpose: Purpose, mechanism: &Mechanism, parts: Parts) -> bool {
    let cell = &CELLS[kind as usize][form_of(mechanism) as usize];
    let purposes = match parts {
        Parts::One => cell.whole,
        Parts::Several => cell.parts,
    };
    purposes & bit(purpose) != 0
        && hashes_of(mechanism)
            .into_iter()
            .flatten()
            .all(|hash| cell.hashes.contains(hash))
}

/// Whether a public key alone is enough.
pub(super) const fn is_public(purpose: Purpose) -> bool {
    PUBLIC & bit(purpose) != 0
}

const fn form_of(mechanism: &Mechanism) -> Form {
    match mechanism {
        Mechanism::Ecb => Form::Ecb,
        Mechanism::Cbc { .. } => Form::Cbc,
        Mechanism::CbcPad { .. } => Form::CbcPad,
        Mechanism::Ctr { .. } => Form::Ctr,
        Mechanism::Gcm { .. } => Form::Gcm,
        Mechanism::Ccm { .. } => Form::Ccm,
        Mechanism::KeyWrap { .. } => Form::KeyWrap,
        Mechanism::KeyWrapPad => Form::KeyWrapPad,
        Mechanism::KeyWrapPkcs7 { .. } => Form::KeyWrapPkcs7,
        Mechanism::Cts { .. } => Form::Cts,
        Mechanism::Ofb { .. } => Form::Ofb,
        Mechanism::Cfb { .. } => Form::Cfb,
        Mechanism::Xts { .. } => Form::Xts,
        Mechanism::ChaCha20 { .. } => Form::ChaCha20,
        Mechanism::ChaCha20Poly1305 { .. } => Form::ChaCha20Poly1305,
        Mechanism::Gmac { .. } => Form::Gmac,
        Mechanism::XcbcMac { .. } => Form::XcbcMac,
        Mechanism::Cmac { .. } => Form::Cmac,
        Mechanism::Hmac { .. } => Form::Hmac,
        Mechanism::RsaPkcs1 => Form::RsaPkcs1,
        Mechanism::RsaPkcs1Hash {
            digested: false, ..
        } => Form::RsaPkcs1Hash,
        Mechanism::RsaPkcs1Hash { digested: true, .. } => Form::RsaPkcs1Digest,
        Mechanism::RsaPss {
            digested: false, ..
        } => Form::RsaPss,
        Mechanism::RsaPss { digested: true, .. } => Form::RsaPssDigest,
        Mechanism::RsaOaep { .. } => Form::RsaOaep,
        Mechanism::RsaRaw => Form::RsaRaw,
        Mechanism::Ecdsa => Form::Ecdsa,
        Mechanism::EcdsaHash { .. } => Form::EcdsaHash,
        Mechanism::Eddsa => Form::Eddsa,
        Mechanism::EddsaContext { .. } => Form::EddsaContext,
        Mechanism::MlDsa { digested: true, .. } => Form::MlDsaDigest,
        Mechanism::MlDsa { .. } => Form::MlDsa,
        Mechanism::MlKem => Form::MlKem,
        Mechanism::Concatenate { .. } => Form::Concatenate,
        Mechanism::Xor { .. } => Form::Xor,
        Mechanism::Extract { .. } => Form::Extract,
        Mechanism::HashKey { .. } => Form::HashKey,
        Mechanism::ShakeKey { .. } => Form::ShakeKey,
        Mechanism::Sp800108 {
            prf: KdfPrf::Hmac(_),
            ..
        } => Form::Sp800108,
        Mechanism::Sp800108 { .. } => Form::Sp800108Cmac,
        Mechanism::TlsPrf { .. } => Form::TlsPrf,
        Mechanism::TlsMac { .. } => Form::TlsMac,
        Mechanism::RsaAesKeyWrap { .. } => Form::RsaAesKeyWrap,
        Mechanism::EcdhAesKeyWrap { .. } => Form::EcdhAesKeyWrap,
        Mechanism::Sm2Sign { .. } => Form::Sm2Sign,
        Mechanism::Sm2SignDigest => Form::Sm2SignDigest,
        Mechanism::Sm2Encrypt => Form::Sm2Encrypt,
        Mechanism::Ecdh { .. } => Form::Ecdh,
        Mechanism::EncryptData { .. } => Form::EncryptData,
        Mechanism::Hkdf { .. } => Form::Hkdf,
        Mechanism::Kdf { .. } => Form::Kdf,
    }
}

const fn hashes_of(mechanism: &Mechanism) -> [Option<HashAlgorithm>; 2] {
    match mechanism {
        Mechanism::MlDsa {
            prehash: Some(PreHash::Hash(hash)),
            ..
        }
        | Mechanism::Hmac { hash, .. }
        | Mechanism::RsaPkcs1Hash { hash, .. }
        | Mechanism::EcdsaHash { hash }
        | Mechanism::Hkdf { hash, .. }
        | Mechanism::HashKey { hash }
        | Mechanism::TlsPrf { hash, .. }
        | Mechanism::TlsMac { hash, .. }
        | Mechanism::Sp800108 {
            prf: KdfPrf::Hmac(hash),
            ..
        }
        | Mechanism::Kdf { hash, .. }
        | Mechanism::Ecdh {
            derivation: KeyDerivation::X963 { hash, .. } | KeyDerivation::OneStep { hash, .. },
            ..
        }
        | Mechanism::EcdhAesKeyWrap {
            derivation: KeyDerivation::X963 { hash, .. } | KeyDerivation::OneStep { hash, .. },
            ..
        } => [Some(*hash), None],
        Mechanism::RsaPss { hash, .. }
        | Mechanism::RsaOaep { hash, .. }
        | Mechanism::RsaAesKeyWrap { hash, .. } => [Some(hash.hash), Some(hash.mgf1)],
        _ => [None, None],
    }
}
