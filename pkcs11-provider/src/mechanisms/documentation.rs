//! The table of mechanisms in `docs/pkcs11-mechanisms.md`, written from the registry; and what is left out, by name,
//! with the reason.

use std::fmt::Write as _;

use cryptoki_sys::*;

use super::registry::{Keys, MECHANISMS, Row};
use super::vendor;

/// Mechanisms of PKCS#11 3.2 that are not here, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    (
        "CKM_MD2…, CKM_MD5…, CKM_RIPEMD…",
        "hashes that are broken, or that nobody uses",
    ),
    (
        "CKM_AES_MAC, CKM_AES_MAC_GENERAL, CKM_DES3_MAC…",
        "CBC-MAC of messages of varying length can be forged; CMAC cannot",
    ),
    (
        "CKM_DES3_CMAC…, CKM_DES3_ECB_ENCRYPT_DATA, CKM_DES3_CBC_ENCRYPT_DATA",
        "triple DES is here to read what is old, not to make anything new",
    ),
    (
        "CKM_DES_…, CKM_CDMF_…, CKM_RC2_…, CKM_RC4…, CKM_RC5_…, CKM_IDEA_…, CKM_CAST…, CKM_SKIPJACK_…, CKM_BATON_…, CKM_JUNIPER_…, CKM_BLOWFISH_…, CKM_TWOFISH_…",
        "ciphers with keys or blocks that are too short, or out of use",
    ),
    (
        "CKM_ARIA_…, CKM_CAMELLIA_…, CKM_SEED_…, CKM_GOST…",
        "no engine has them; their keys are kept over KMIP, not used",
    ),
    (
        "CKM_SALSA20…, CKM_POLY1305…",
        "ChaCha20-Poly1305 took their place",
    ),
    ("CKM_BLAKE2B_…", "no engine has it"),
    (
        "CKM_SHA512_T…",
        "SHA-512/224 and SHA-512/256 have mechanisms of their own; other lengths have no users",
    ),
    (
        "CKM_RSA_9796, CKM_RSA_X9_31…, CKM_SHA1_RSA_X9_31, CKM_RSA_PKCS_TPM_1_1, CKM_RSA_PKCS_OAEP_TPM_1_1",
        "paddings that were withdrawn",
    ),
    (
        "CKM_DSA…",
        "withdrawn by FIPS 186-5; DSA keys are kept over KMIP, not used",
    ),
    (
        "CKM_DH_PKCS_…, CKM_X9_42_…, CKM_ECMQV_DERIVE, CKM_KEA_…",
        "key agreement is ECDH here",
    ),
    (
        "CKM_XEDDSA, CKM_X3DH_…, CKM_X2RATCHET_…",
        "protocols of messengers",
    ),
    (
        "CKM_SSL3_…, CKM_TLS_PRE_MASTER_KEY_GEN, CKM_TLS_MASTER_KEY_DERIVE…, CKM_TLS_KEY_AND_MAC_DERIVE, CKM_TLS_PRF, CKM_TLS10_MAC_…, CKM_WTLS_…",
        "TLS before 1.2",
    ),
    (
        "CKM_PBE_…, CKM_PBA_…",
        "keys of passwords with RC2, RC4, DES, CAST; CKM_PKCS5_PBKD2 instead",
    ),
    ("CKM_IKE…", "waits for a user"),
    ("CKM_SLH_DSA…, CKM_HASH_SLH_DSA…", "no engine has it yet"),
    (
        "CKM_HSS…, CKM_XMSS…",
        "keys with a state that must never go back, which a store that is backed up cannot promise",
    ),
    (
        "CKM_HOTP…, CKM_SECURID…, CKM_ACTI…, CKM_KIP_…",
        "one-time passwords",
    ),
    (
        "CKM_CMS_SIG, CKM_KEY_WRAP_LYNKS, CKM_KEY_WRAP_SET_OAEP, CKM_NULL, CKM_FASTHASH, CKM_FORTEZZA_TIMESTAMP",
        "out of use",
    ),
    (
        "CKM_KMAC…, CKM_COMP_KEM…, CKM_COMP_SIG…, CKM_ML_DSA_EXTERNAL_MU…, CKM_SHAKE_128, CKM_SHAKE_256",
        "the specification describes them, and its header of 3.2 has no numbers for them",
    ),
    (
        "CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS",
        "CKM_EC_KEY_PAIR_GEN makes the same keys",
    ),
    (
        "CKM_PUB_KEY_FROM_PRIV_KEY",
        "waits; CKA_PUBLIC_KEY_INFO of the private key has the public key",
    ),
    (
        "Ed448, X448",
        "AWS-LC has them not, and of RustCrypto's crates (ed448-goldilocks, x448) there are pre-releases only",
    ),
    ("Brainpool and other curves", "no engine has them"),
];

/// Functions that the standard allows for mechanisms that are here, and that these have not.
#[derive(Clone, Copy, Debug)]
pub struct FunctionsLeftOut {
    /// The mechanisms, with commas between them.
    pub mechanisms: &'static str,
    /// The functions, as the flags of `CK_MECHANISM_INFO`.
    pub flags: CK_FLAGS,
    /// Why.
    pub why: &'static str,
}

/// The list.
pub const FUNCTIONS_LEFT_OUT: &[FunctionsLeftOut] = &[
    FunctionsLeftOut {
        mechanisms: "CKM_AES_CTR, CKM_AES_CTS, CKM_AES_OFB, CKM_AES_CFB1, CKM_AES_CFB8, CKM_AES_CFB64, CKM_AES_CFB128, CKM_AES_XTS, CKM_CHACHA20",
        flags: CKF_WRAP | CKF_UNWRAP,
        why: "who may unwrap could change a wrapped key bit by bit, and compare",
    },
    FunctionsLeftOut {
        mechanisms: "CKM_RSA_X_509",
        flags: CKF_WRAP | CKF_UNWRAP,
        why: "a short secret encrypted without padding can be found by trying",
    },
    FunctionsLeftOut {
        mechanisms: "CKM_RSA_PKCS, CKM_RSA_X_509",
        flags: CKF_ENCAPSULATE | CKF_DECAPSULATE,
        why: "whoever may decapsulate would open what was padded otherwise too, or learn how it was padded",
    },
    FunctionsLeftOut {
        mechanisms: "CKM_RSA_PKCS_OAEP",
        flags: CKF_ENCAPSULATE | CKF_DECAPSULATE,
        why: "\"exactly equivalent to\" generating a key and wrapping it, which it does",
    },
];

/// What a reader of the standard should know of a mechanism here.
const NOTES: &[(&str, &str)] = &[
    (
        "CKM_AES_CTS",
        "the order of the last blocks is CBC-CS1's (SP 800-38A addendum)",
    ),
    (
        "CKM_AES_XTS",
        "the last one or two blocks come with the final part",
    ),
    (
        "CKM_AES_KEY_WRAP_KWP",
        "of a parameter only SP 800-38F's own value is taken, A65959A6",
    ),
    (
        "CKM_AES_KEY_WRAP_PAD",
        "the older name of CKM_AES_KEY_WRAP_KWP",
    ),
    (
        "CKM_AES_GCM",
        "tags of 32, 64, 96 to 128 bits (SP 800-38D); 0 is 128; vectors of up to 64 KiB",
    ),
    ("CKM_AES_XCBC_MAC", "keys of 128 bits (RFC 3566)"),
    ("CKM_AES_XCBC_MAC_96", "keys of 128 bits (RFC 3566)"),
    ("CKM_DES3_ECB", "for what is old"),
    ("CKM_DES3_CBC", "for what is old"),
    ("CKM_DES3_CBC_PAD", "for what is old"),
    (
        "CKM_CHACHA20_POLY1305",
        "nonces of 96 and 192 bits; the original's 64 have another tag",
    ),
    (
        "CKM_EDDSA",
        "Ed25519; with a context Ed25519ctx, with phFlag Ed25519ph of the data; up to 64 MiB in parts",
    ),
    (
        "CKM_ECDH1_COFACTOR_DERIVE",
        "the cofactor of every curve here is 1",
    ),
    (
        "CKM_KB_SM2_KEY_PAIR_GEN",
        "CKA_EC_PARAMS may be left out; the key type is CKK_EC or CKK_KB_SM2",
    ),
    (
        "CKM_KB_SM2",
        "of a digest of 32 bytes, which has Z in it; the signature is r ‖ s",
    ),
    (
        "CKM_KB_SM2_SM3",
        "the parameter is the user id; none is the standard's",
    ),
    ("CKM_KB_SM2_ENCRYPT", "C1 ‖ C3 ‖ C2"),
    ("CKM_PKCS5_PBKD2", "up to 10 million iterations"),
    (
        "CKM_SP800_108_COUNTER_KDF",
        "up to 65 keys a call, all of them token objects or none; 16 fields",
    ),
    (
        "CKM_SP800_108_FEEDBACK_KDF",
        "up to 65 keys a call, all of them token objects or none; 16 fields",
    ),
    (
        "CKM_SP800_108_DOUBLE_PIPELINE_KDF",
        "up to 65 keys a call, all of them token objects or none; 16 fields",
    ),
    (
        "CKM_TLS12_KEY_AND_MAC_DERIVE",
        "all keys or none; vectors of up to 128 bits, for which CKM_TLS12_KEY_SAFE_DERIVE is without",
    ),
    ("CKM_TLS12_KDF", "the older name of CKM_TLS_KDF"),
    ("CKM_TLS12_MAC", "the older name of CKM_TLS_MAC"),
    ("CKM_TLS12_MASTER_KEY_DERIVE", "pVersion must be NULL"),
    (
        "CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE",
        "pVersion must be NULL",
    ),
    (
        "CKM_ML_KEM_KEY_PAIR_GEN",
        "keys are kept as seeds; they come in with CKA_SEED, CKA_VALUE, or both",
    ),
    (
        "CKM_ML_DSA_KEY_PAIR_GEN",
        "keys are kept as seeds; they come in with CKA_SEED, CKA_VALUE, or both",
    ),
];

const FUNCTIONS: &[(CK_FLAGS, &str)] = &[
    (CKF_ENCRYPT, "encrypt"),
    (CKF_DECRYPT, "decrypt"),
    (CKF_DIGEST, "digest"),
    (CKF_SIGN, "sign"),
    (CKF_SIGN_RECOVER, "sign with recovery"),
    (CKF_VERIFY, "verify"),
    (CKF_VERIFY_RECOVER, "verify with recovery"),
    (CKF_GENERATE, "generate"),
    (CKF_GENERATE_KEY_PAIR, "generate pair"),
    (CKF_WRAP, "wrap"),
    (CKF_UNWRAP, "unwrap"),
    (CKF_DERIVE, "derive"),
    (CKF_ENCAPSULATE, "encapsulate"),
    (CKF_DECAPSULATE, "decapsulate"),
];

/// The text of `docs/pkcs11-mechanisms.md`.
#[must_use]
pub fn table() -> String {
    let mut text = String::from(
        "# Mechanisms of the PKCS#11 module\n\n\
         Written by the module's own tests from its table of mechanisms \
         (`KEYBRIDGE_WRITE_HEADER=1 cargo test -p keybridge-pkcs11 --test main header`); do not \
         edit.\n\n\
         This is what keys in the sealed store can do; a token over an HSM shows what the HSM has of it. Sizes are in \
         the unit that the standard gives for the mechanism. What `[policy] deny-mechanisms` denies is not listed by \
         `C_GetMechanismList`.\n\n\
         `CKM_KB_…` and `CKK_KB_…` are for what the standard has no numbers for; a token shows other numbers where \
         `[token.numbers]` says so ([OPERATIONS.md](OPERATIONS.md)).\n\n\
         | mechanism | number | functions | keys | sizes | remark |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in MECHANISMS {
        let functions = functions(row.flags);
        let sizes = match (row.sizes.0, row.sizes.1) {
            (0, 0) => String::new(),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let remark = NOTES.iter().find(|note| note.0 == row.name);
        let _ = writeln!(
            text,
            "| `{}` | 0x{:08x} | {} | {} | {sizes} | {} |",
            row.name,
            row.kind,
            functions,
            keys(row),
            remark.map_or("", |note| note.1),
        );
    }
    text.push_str("\n## Key types of ours\n\n| key type | number |\n| --- | --- |\n");
    for (name, number) in vendor::KEY_TYPES {
        let _ = writeln!(text, "| `{name}` | 0x{number:08x} |");
    }
    text.push_str(
        "\n## Functions left out\n\nWhat the standard allows for a mechanism of the list and this module does not do.\n\n\
         | mechanisms | functions | why |\n| --- | --- | --- |\n",
    );
    for left_out in FUNCTIONS_LEFT_OUT {
        let (mechanisms, why) = (left_out.mechanisms, left_out.why);
        let functions = functions(left_out.flags);
        let _ = writeln!(text, "| {mechanisms} | {functions} | {why} |");
    }
    text.push_str("\n## Left out\n\n| mechanisms | why |\n| --- | --- |\n");
    for (names, reason) in LEFT_OUT {
        let _ = writeln!(text, "| {names} | {reason} |");
    }
    text
}

/// What flags promise, in words.
fn functions(flags: CK_FLAGS) -> String {
    let promised = FUNCTIONS.iter().filter(|(flag, _)| flags & flag != 0);
    let names: Vec<&str> = promised.map(|(_, name)| *name).collect();
    names.join(", ")
}

const fn keys(row: &Row) -> &'static str {
    match row.keys {
        Keys::None => "",
        Keys::Aes => "AES",
        Keys::AesXts => "AES-XTS",
        Keys::Des3 => "triple DES",
        Keys::ChaCha20 => "ChaCha20",
        Keys::Sm4 => "SM4",
        Keys::Rsa => "RSA",
        Keys::Ec => "EC",
        Keys::Edwards => "Ed25519",
        Keys::Agreement => "EC, X25519",
        Keys::Montgomery => "X25519",
        Keys::MlDsa => "ML-DSA",
        Keys::MlKem => "ML-KEM",
        Keys::Sm2 => "SM2",
        Keys::Hmac => "generic secret, HMAC of the hash",
        Keys::Secret => "secret keys",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_of_the_standard_is_here_or_left_out_by_name() {
        let mut names = LEFT_OUT.iter().flat_map(|(names, _)| names.split(", "));
        for (name, number) in keybridge_core::mechanism::names::standard() {
            let here = MECHANISMS.iter().any(|row| row.kind == number);
            let left_out = names.clone().any(|of| match of.strip_suffix('…') {
                Some(start) => name.starts_with(start),
                None => name == of,
            });
            assert!(here || left_out, "{name}");
        }
        assert!(names.any(|name| name == "CKM_SHAKE_128"));
    }

    #[test]
    fn what_is_left_out_is_not_here_and_notes_are_of_what_is() {
        for (names, _) in LEFT_OUT {
            for name in names.split(", ") {
                let here = |row: &&Row| match name.strip_suffix('…') {
                    Some(start) => row.name.starts_with(start),
                    None => row.name == name,
                };
                let found = MECHANISMS.iter().find(here).map(|row| row.name);
                assert_eq!(found, None, "{name}");
            }
        }
        for (name, _) in NOTES {
            assert!(MECHANISMS.iter().any(|row| row.name == *name), "{name}");
        }
    }
}
