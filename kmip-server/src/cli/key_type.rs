//! Words of the command line for kinds, uses and places of keys.

use keybridge_core::model::UsageMask;
use keybridge_core::{Curve, HashAlgorithm, KeySpec, LatticeSet, Protection};

/// The kinds of keys, as `--type` takes them.
pub(super) const TYPES: &str = "aes-128, aes-192, aes-256, aes-xts-256, \
    aes-xts-512, 3des, chacha20, ml-kem-512, ml-kem-768, ml-kem-1024, \
    ml-dsa-44, ml-dsa-65, ml-dsa-87, sm4, rsa-2048, rsa-3072, rsa-4096, \
    ec-p256, ec-p384, ec-p521, ec-secp256k1, ed25519, x25519, sm2, hmac-sha1, hmac-sha224, \
    hmac-sha256, hmac-sha384, hmac-sha512, hmac-sm3, generic-BITS";

/// Kinds with a fixed name.
const NAMED: &[(&str, KeySpec)] = &[
    ("aes-128", KeySpec::Aes { bits: 128 }),
    ("aes-192", KeySpec::Aes { bits: 192 }),
    ("aes-256", KeySpec::Aes { bits: 256 }),
    ("aes-xts-256", KeySpec::AesXts { bits: 256 }),
    ("aes-xts-512", KeySpec::AesXts { bits: 512 }),
    ("3des", KeySpec::Des3 { bits: 168 }),
    ("chacha20", KeySpec::ChaCha20),
    ("ml-kem-512", lattice(LatticeSet::MlKem512)),
    ("ml-kem-768", lattice(LatticeSet::MlKem768)),
    ("ml-kem-1024", lattice(LatticeSet::MlKem1024)),
    ("ml-dsa-44", lattice(LatticeSet::MlDsa44)),
    ("ml-dsa-65", lattice(LatticeSet::MlDsa65)),
    ("ml-dsa-87", lattice(LatticeSet::MlDsa87)),
    ("sm4", KeySpec::Sm4),
    ("rsa-2048", KeySpec::Rsa { bits: 2048 }),
    ("rsa-3072", KeySpec::Rsa { bits: 3072 }),
    ("rsa-4096", KeySpec::Rsa { bits: 4096 }),
    ("ec-p256", KeySpec::Ec { curve: Curve::P256 }),
    ("ec-p384", KeySpec::Ec { curve: Curve::P384 }),
    ("ec-p521", KeySpec::Ec { curve: Curve::P521 }),
    (
        "ec-secp256k1",
        KeySpec::Ec {
            curve: Curve::Secp256k1,
        },
    ),
    ("ed25519", KeySpec::Ed25519),
    ("x25519", KeySpec::X25519),
    ("sm2", KeySpec::Sm2),
    ("hmac-sha1", hmac(HashAlgorithm::Sha1)),
    ("hmac-sha224", hmac(HashAlgorithm::Sha224)),
    ("hmac-sha256", hmac(HashAlgorithm::Sha256)),
    ("hmac-sha384", hmac(HashAlgorithm::Sha384)),
    ("hmac-sha512", hmac(HashAlgorithm::Sha512)),
    ("hmac-sm3", hmac(HashAlgorithm::Sm3)),
];

const fn lattice(set: LatticeSet) -> KeySpec {
    KeySpec::Lattice { set }
}

/// A key for HMAC as long as its hash (RFC 2104 section 3: shorter ones weaken it).
const fn hmac(hash: HashAlgorithm) -> KeySpec {
    KeySpec::Hmac {
        hash,
        bits: hash.length() as u32 * 8,
    }
}

/// Reads `--type`.
pub(super) fn parse_type(text: &str) -> Result<KeySpec, String> {
    let wanted = text.to_ascii_lowercase();
    if let Some((_, spec)) = NAMED.iter().find(|(name, _)| *name == wanted) {
        return Ok(*spec);
    }
    let bits = wanted
        .strip_prefix("generic-")
        .and_then(|bits| bits.parse().ok());
    match bits {
        Some(bits @ 8..=65_536) if bits % 8 == 0 => Ok(KeySpec::GenericSecret { bits }),
        _ => Err(format!("no such kind of key; there are {TYPES}")),
    }
}

/// The word for a kind.
pub(super) fn type_name(spec: KeySpec) -> String {
    if let Some((name, _)) = NAMED.iter().find(|(_, named)| *named == spec) {
        return (*name).to_owned();
    }
    match spec {
        KeySpec::Aes { bits } => format!("aes-{bits}"),
        KeySpec::Rsa { bits } => format!("rsa-{bits}"),
        KeySpec::Hmac { hash, bits } => format!("hmac-{}-{bits}", hash.name()),
        KeySpec::GenericSecret { bits } => format!("generic-{bits}"),
        KeySpec::Foreign { algorithm, bits } => format!("algorithm-{algorithm}-{bits}"),
        other => format!("{other:?}"),
    }
}

/// Uses, as `--usage` takes them.
const USES: &[(&str, UsageMask)] = &[
    ("sign", UsageMask::SIGN),
    ("verify", UsageMask::VERIFY),
    ("encrypt", UsageMask::ENCRYPT),
    ("decrypt", UsageMask::DECRYPT),
    ("wrap", UsageMask::WRAP),
    ("unwrap", UsageMask::UNWRAP),
    (
        "mac",
        UsageMask(UsageMask::MAC_GENERATE.0 | UsageMask::MAC_VERIFY.0),
    ),
    ("derive", UsageMask::DERIVE),
    ("agree", UsageMask::KEY_AGREEMENT),
    ("certificate-sign", UsageMask::CERTIFICATE_SIGN),
    ("crl-sign", UsageMask::CRL_SIGN),
];

/// Reads one word of `--usage`.
pub(super) fn parse_usage(text: &str) -> Result<UsageMask, String> {
    let known = USES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, mask)| *mask).ok_or_else(|| {
        let names: Vec<_> = USES.iter().map(|(name, _)| *name).collect();
        format!("no such use; there are {}", names.join(", "))
    })
}

/// The words for a mask.
pub(super) fn usage_names(mask: UsageMask) -> Vec<&'static str> {
    USES.iter()
        .filter(|(_, bits)| mask.intersects(*bits))
        .map(|(name, _)| *name)
        .collect()
}

/// What a key of a kind is for when nothing is said. Never both wrap and decrypt: with both,
/// whoever may use the key can read every key wrapped under it.
pub(super) const fn default_usage(spec: KeySpec) -> UsageMask {
    const SIGN: u32 = UsageMask::SIGN.0 | UsageMask::VERIFY.0;
    const ENCRYPT: u32 = UsageMask::ENCRYPT.0 | UsageMask::DECRYPT.0;
    UsageMask(match spec {
        KeySpec::Aes { .. }
        | KeySpec::AesXts { .. }
        | KeySpec::Des3 { .. }
        | KeySpec::ChaCha20
        | KeySpec::Sm4 => ENCRYPT,
        KeySpec::Rsa { .. } | KeySpec::Sm2 => SIGN | ENCRYPT,
        KeySpec::Ec { .. } | KeySpec::Ed25519 => SIGN,
        KeySpec::X25519 | KeySpec::GenericSecret { .. } => UsageMask::DERIVE.0,
        KeySpec::Hmac { .. } => UsageMask::MAC_GENERATE.0 | UsageMask::MAC_VERIFY.0,
        KeySpec::Lattice { set } if set.is_kem() => {
            UsageMask::ENCAPSULATE.0 | UsageMask::DECAPSULATE.0
        }
        KeySpec::Lattice { .. } => SIGN,
        KeySpec::Foreign { .. } => 0,
    })
}

/// The part of a mask that the public half of a pair has; the private half has the rest.
pub(super) const PUBLIC_USES: UsageMask = UsageMask(
    UsageMask::VERIFY.0 | UsageMask::ENCRYPT.0 | UsageMask::WRAP.0 | UsageMask::ENCAPSULATE.0,
);

/// Reads `--protection`.
pub(super) fn parse_protection(text: &str) -> Result<Protection, String> {
    match text.split_once(':') {
        None if text == "software" => Ok(Protection::Software),
        Some(("hsm", pool)) if !pool.is_empty() => Ok(Protection::Hsm(pool.to_owned())),
        _ => Err("it is `software`, or `hsm:POOL` with a pool of the configuration".into()),
    }
}

/// Reads `--id`.
pub(super) fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let text: String = text.chars().filter(|c| *c != ':').collect();
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err("an even number of hex digits is wanted".into());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16))
        .collect::<Result<_, _>>()
        .map_err(|_| "an even number of hex digits is wanted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one_name() {
        for (name, spec) in NAMED {
            assert_eq!(parse_type(name), Ok(*spec));
            assert_eq!(type_name(*spec), *name);
            assert!(TYPES.contains(name));
        }
        assert_eq!(
            parse_type("GENERIC-256"),
            Ok(KeySpec::GenericSecret { bits: 256 })
        );
        for wrong in [
            "",
            "aes",
            "aes-512",
            "generic-",
            "generic-7",
            "generic-99999999",
        ] {
            assert!(parse_type(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_default_reveals_wrapped_keys() {
        for (_, spec) in NAMED {
            let usage = default_usage(*spec);
            let revealing = UsageMask::WRAP | UsageMask::DECRYPT;
            assert!(!usage.contains(revealing) && usage.0 != 0, "{spec:?}");
        }
    }

    #[test]
    fn identifiers_are_hex() {
        assert_eq!(parse_hex("01:aB"), Ok(vec![1, 0xAB]));
        for wrong in ["", "1", "0g", "é1", ":"] {
            assert!(parse_hex(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn protections() {
        assert_eq!(parse_protection("software"), Ok(Protection::Software));
        assert_eq!(parse_protection("hsm:a"), Ok(Protection::Hsm("a".into())));
        for wrong in ["", "hsm", "hsm:", "tpm:x"] {
            assert!(parse_protection(wrong).is_err(), "{wrong}");
        }
    }
}
