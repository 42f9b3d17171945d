//! The C header `include/keybridge_pkcs11.h`, written from the tables of this crate.
//!
//! The OASIS headers come under terms of their own, so none of their text is in it: the types are
//! described anew (`header.types.h`), the constants are those that the tables have, the prototypes
//! and function lists come from the list of functions. An application that has included another
//! PKCS#11 header before gets only the module's own names.

use std::fmt::Write as _;

use cryptoki_sys::*;

use crate::attributes::registry::ATTRIBUTES;
use crate::ffi::{DECLARATIONS, Declaration};
use crate::mechanisms::registry::MECHANISMS;
use crate::mechanisms::vendor::KEY_TYPES;
use crate::rv;

/// What does not stand in a table.
macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), $name as u64)),*] };
}

const CONSTANTS: &[(&str, u64)] = constants! {
    CK_EFFECTIVELY_INFINITE CK_INVALID_HANDLE
    CKU_SO CKU_USER CKU_CONTEXT_SPECIFIC
    CKS_RO_PUBLIC_SESSION CKS_RO_USER_FUNCTIONS CKS_RW_PUBLIC_SESSION CKS_RW_USER_FUNCTIONS
    CKS_RW_SO_FUNCTIONS
    CKO_DATA CKO_CERTIFICATE CKO_PUBLIC_KEY CKO_PRIVATE_KEY CKO_SECRET_KEY
    CKC_X_509
    CKK_RSA CKK_EC CKK_EC_EDWARDS CKK_EC_MONTGOMERY CKK_GENERIC_SECRET CKK_AES CKK_HKDF
    CKK_AES_XTS CKK_DES2 CKK_DES3 CKK_CHACHA20
    CKK_SHA_1_HMAC CKK_SHA224_HMAC CKK_SHA256_HMAC CKK_SHA384_HMAC CKK_SHA512_HMAC
    CKK_SHA512_224_HMAC CKK_SHA512_256_HMAC
    CKK_SHA3_224_HMAC CKK_SHA3_256_HMAC CKK_SHA3_384_HMAC CKK_SHA3_512_HMAC
    CKF_TOKEN_PRESENT CKF_RNG CKF_WRITE_PROTECTED CKF_LOGIN_REQUIRED CKF_USER_PIN_INITIALIZED
    CKF_TOKEN_INITIALIZED CKF_USER_PIN_COUNT_LOW CKF_USER_PIN_FINAL_TRY CKF_USER_PIN_LOCKED
    CKF_SO_PIN_COUNT_LOW CKF_SO_PIN_FINAL_TRY CKF_SO_PIN_LOCKED
    CKF_RW_SESSION CKF_SERIAL_SESSION CKF_ASYNC_SESSION
    CKF_OS_LOCKING_OK CKF_LIBRARY_CANT_CREATE_OS_THREADS CKF_DONT_BLOCK
    CKF_HW CKF_ENCRYPT CKF_DECRYPT CKF_DIGEST CKF_SIGN CKF_VERIFY CKF_GENERATE
    CKF_GENERATE_KEY_PAIR CKF_WRAP CKF_UNWRAP CKF_DERIVE CKF_FIND_OBJECTS
    CKF_SIGN_RECOVER CKF_VERIFY_RECOVER CKF_MESSAGE_ENCRYPT CKF_MESSAGE_DECRYPT CKF_MESSAGE_SIGN
    CKF_MESSAGE_VERIFY CKF_MULTI_MESSAGE CKF_END_OF_MESSAGE CKS_LAST_VALIDATION_OK
    CKG_NO_GENERATE CKG_GENERATE CKG_GENERATE_COUNTER CKG_GENERATE_RANDOM CKG_GENERATE_COUNTER_XOR
    CKO_PROFILE CKO_MECHANISM CKO_TRUST CKP_BASELINE_PROVIDER CKP_EXTENDED_PROVIDER
    CKP_AUTHENTICATION_TOKEN CKP_PUBLIC_CERTIFICATES_TOKEN
    CKT_TRUST_UNKNOWN CKT_TRUSTED CKT_TRUST_ANCHOR CKT_NOT_TRUSTED CKT_TRUST_MUST_VERIFY_TRUST
    CKG_MGF1_SHA1 CKG_MGF1_SHA224 CKG_MGF1_SHA256 CKG_MGF1_SHA384 CKG_MGF1_SHA512
    CKZ_DATA_SPECIFIED CKD_NULL CKD_SHA1_KDF CKD_SHA224_KDF CKD_SHA256_KDF CKD_SHA384_KDF
    CKD_SHA512_KDF CKF_HKDF_SALT_NULL CKF_HKDF_SALT_DATA
};

/// The header's text.
#[must_use]
pub fn text() -> String {
    let mut text = String::from(
        "/* keybridge_pkcs11.h: the PKCS#11 module of keybridge, libkeybridge_pkcs11.so.\n \
         * Written by the module's own tests from its tables; do not edit.\n \
         * SPDX-License-Identifier: Apache-2.0 OR MIT\n */\n\
         #ifndef KEYBRIDGE_PKCS11_H\n#define KEYBRIDGE_PKCS11_H\n\n\
         #ifdef __cplusplus\nextern \"C\" {\n#endif\n\n\
         /* An application that has included another PKCS#11 header uses that one's types. */\n\
         #ifndef CKR_OK\n\n#ifndef NULL_PTR\n#define NULL_PTR 0\n#endif\n\
         #define CK_TRUE 1\n#define CK_FALSE 0\n\
         #define CK_UNAVAILABLE_INFORMATION (~0UL)\n\n",
    );
    text.push_str(include_str!("header.types.h"));
    text.push('\n');
    let standard = |name: &str| !name.contains("_KB_");
    define(
        &mut text,
        "Return values.",
        rv::NAMES.iter().map(|(code, name)| (*name, (*code))),
    );
    let mut attributes: Vec<_> = ATTRIBUTES.iter().map(|row| (row.name, row.kind)).collect();
    attributes.sort_unstable_by_key(|(_, number)| *number);
    attributes.dedup();
    define(&mut text, "Attributes.", attributes.into_iter());
    let mechanisms = || MECHANISMS.iter().map(|row| (row.name, row.kind));
    define(
        &mut text,
        "Mechanisms.",
        mechanisms().filter(|(name, _)| standard(name)),
    );
    define(&mut text, "Other numbers.", CONSTANTS.iter().copied());
    lists(&mut text);
    text.push_str("/* The functions. */\n");
    for declaration in DECLARATIONS {
        let _ = writeln!(text, "{};", prototype(declaration, declaration.name));
    }
    text.push_str("\n#endif /* CKR_OK */\n\n");
    let own = mechanisms()
        .filter(|(name, _)| !standard(name))
        .chain(KEY_TYPES.iter().copied());
    define(
        &mut text,
        "Mechanisms and key types that the standard has no number for.",
        own,
    );
    text.push_str("#ifdef __cplusplus\n}\n#endif\n\n#endif /* KEYBRIDGE_PKCS11_H */\n");
    text
}

fn define<'a>(text: &mut String, title: &str, numbers: impl Iterator<Item = (&'a str, u64)>) {
    let _ = writeln!(text, "/* {title} */");
    for (name, number) in numbers {
        let _ = writeln!(text, "#define {name} 0x{number:08x}UL");
    }
    text.push('\n');
}

/// The three structures of pointers to functions.
fn lists(text: &mut String) {
    for (suffix, newest) in [("", "V2_40"), ("_3_0", "V3_0"), ("_3_2", "V3_2")] {
        let name = format!("CK_FUNCTION_LIST{suffix}");
        let _ = writeln!(
            text,
            "typedef struct {name} {name};\ntypedef {name} *{name}_PTR;"
        );
        let _ = writeln!(text, "typedef {name}_PTR *{name}_PTR_PTR;");
        let _ = writeln!(text, "struct {name} {{\n    CK_VERSION version;");
        for declaration in DECLARATIONS
            .iter()
            .filter(|declaration| declaration.since <= newest)
        {
            let pointer = format!("(*{})", declaration.name);
            let _ = writeln!(text, "    {};", prototype(declaration, &pointer));
        }
        text.push_str("};\n\n");
    }
}

fn prototype(declaration: &Declaration, name: &str) -> String {
    let arguments = declaration.arguments.iter().map(|(name, kind)| {
        // `type` cannot be a name in Rust.
        format!("{kind} {}", name.trim_end_matches('_'))
    });
    let arguments: Vec<_> = arguments.collect();
    format!("CK_RV {name}({})", arguments.join(", "))
}
