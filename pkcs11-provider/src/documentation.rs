//! The table of functions in `docs/pkcs11-functions.md`, written from the list of functions: what a
//! reader finds there is what the module does.

use std::fmt::Write as _;

use crate::ffi::DECLARATIONS;

/// Functions that answer `CKR_FUNCTION_NOT_SUPPORTED`, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("C_AsyncComplete", ASYNC),
    ("C_AsyncGetID", ASYNC),
    ("C_AsyncJoin", ASYNC),
];

const ASYNC: &str = "no call is asynchronous: `CKF_ASYNC_SESSION` is answered with \
    `CKR_SESSION_ASYNC_NOT_SUPPORTED`, so there is nothing to complete, name or join";

/// What a reader of the standard should know of a function here, where the standard leaves a choice.
pub const NOTES: &[(&str, &str)] = &[
    (
        "C_Initialize",
        "opens no store, HSM or connection; the operating system's locks are used in every case",
    ),
    (
        "C_GetFunctionStatus",
        "`CKR_FUNCTION_NOT_PARALLEL`, as the standard says",
    ),
    (
        "C_CancelFunction",
        "`CKR_FUNCTION_NOT_PARALLEL`, as the standard says",
    ),
    (
        "C_WaitForSlotEvent",
        "slots do not change: `CKR_NO_EVENT`, or waits for `C_Finalize`",
    ),
    (
        "C_GetOperationState",
        "digests; `CKR_STATE_UNSAVEABLE` with a key. A state is a name that is good in the process \
         that saved it",
    ),
    (
        "C_SetOperationState",
        "states of this process; the last 256 are kept",
    ),
    (
        "C_LoginUser",
        "users have no names here: the name must be empty",
    ),
    (
        "C_GetObjectSize",
        "the bytes of the attributes that can be seen",
    ),
    (
        "C_DestroyObject",
        "a stored secret or private key is scheduled for deletion (`[deletion] window-days`)",
    ),
    (
        "C_DigestKey",
        "keys whose value may be read; else `CKR_KEY_INDIGESTIBLE`",
    ),
    (
        "C_SignRecover",
        "`CKM_RSA_PKCS`, `CKM_RSA_X_509`; the key needs `CKA_SIGN_RECOVER`",
    ),
    (
        "C_VerifyRecover",
        "`CKM_RSA_PKCS`, `CKM_RSA_X_509`; the key needs `CKA_VERIFY_RECOVER`",
    ),
    (
        "C_SeedRandom",
        "accepted and not used: the operating system's generator needs no seed",
    ),
    (
        "C_GetMechanismList",
        "of a token whose keys live in an HSM: what that HSM does with them, and digests",
    ),
    (
        "C_CreateObject",
        "before a login: public session objects, nothing stored; what does not say whether it is private is public then. So too for all that makes objects",
    ),
    (
        "C_FindObjectsInit",
        "profile and mechanism objects are found by their class or own attribute only",
    ),
    (
        "C_EncryptInit",
        "GCM makes the vector when `ulIvLen` is 0, `pIv` is not NULL and `ulIvBits` is 96 or more",
    ),
    (
        "C_WrapKey",
        "with `CK_GCM_WRAP_PARAMS` and `CK_CCM_WRAP_PARAMS` the token makes the vector if asked",
    ),
    ("C_EncryptMessage", MESSAGES),
    ("C_DecryptMessage", MESSAGES),
    (
        "C_DecryptMessageNext",
        "no plaintext before the tag is checked: it all comes with the last part",
    ),
    ("C_SignMessage", SIGNED_MESSAGES),
    ("C_VerifyMessage", SIGNED_MESSAGES),
    (
        "C_GetSessionValidationFlags",
        "the module is validated by nobody: no flag is set",
    ),
    ("C_WrapKeyAuthenticated", WRAPPING),
    ("C_UnwrapKeyAuthenticated", WRAPPING),
];

const MESSAGES: &str = "`CKM_AES_GCM`, `CKM_AES_CCM` (all generators of vectors), `CKM_CHACHA20_POLY1305`; and GCM \
     with SM4";
const SIGNED_MESSAGES: &str =
    "every mechanism of `C_SignInit`; its parameter is given at the start";
const WRAPPING: &str = "`CKM_AES_GCM`, `CKM_AES_CCM`; generators that do not count";

/// The text of `docs/pkcs11-functions.md`.
#[must_use]
pub fn functions() -> String {
    let mut text = String::from(
        "# Functions of the PKCS#11 module\n\n\
         Written by the module's own tests from its list of functions \
         (`KEYBRIDGE_WRITE_HEADER=1 cargo test -p keybridge-pkcs11 --test main header`); do not \
         edit.\n\n\
         All functions are exported and stand in the function lists of 2.40, 3.0 and 3.2, which \
         `C_GetFunctionList`, `C_GetInterfaceList` and `C_GetInterface` give. One that is left out \
         answers `CKR_FUNCTION_NOT_SUPPORTED`.\n",
    );
    for (version, title) in [
        ("V2_40", "2.40"),
        ("V3_0", "Added in 3.0"),
        ("V3_2", "Added in 3.2"),
    ] {
        let _ = writeln!(
            text,
            "\n## {title}\n\n| function | status | remark |\n| --- | --- | --- |"
        );
        for declaration in DECLARATIONS.iter().filter(|row| row.since == version) {
            let (status, remark) = if declaration.supported {
                ("yes", remark(NOTES, declaration.name))
            } else {
                ("left out", remark(LEFT_OUT, declaration.name))
            };
            let _ = writeln!(text, "| `{}` | {status} | {remark} |", declaration.name);
        }
    }
    text
}

fn remark(table: &[(&str, &'static str)], name: &str) -> &'static str {
    table
        .iter()
        .find(|row| row.0 == name)
        .map_or("", |row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_reason_and_nothing_else_has() {
        for declaration in DECLARATIONS {
            let reasoned = !remark(LEFT_OUT, declaration.name).is_empty();
            assert_eq!(reasoned, !declaration.supported, "{}", declaration.name);
        }
        for (name, _) in LEFT_OUT.iter().chain(NOTES) {
            let known = DECLARATIONS.iter().any(|row| row.name == *name);
            assert!(known, "{name}");
        }
    }
}
