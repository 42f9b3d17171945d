//! Every function with every argument spoiled in turn: an error or a harmless success, never a
//! crash.

use std::ffi::c_void;

use cryptoki_sys::*;
use keybridge_pkcs11::ffi::interfaces::FUNCTION_LIST_3_2;
use keybridge_pkcs11::ffi::{DECLARATIONS, Declaration};

use crate::support::*;

/// Every function takes at most this many arguments, each a number or a pointer of one register (or
/// one stack cell): on the systems that the module is built for, a C function may be called with
/// more arguments than it looks at.
const MOST: usize = 12;
type Any = unsafe extern "C" fn(
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
    usize,
) -> CK_RV;

/// The functions of the newest list in its order, by their place in it: it is a version and then
/// pointers, in the order of the declarations.
fn function(index: usize) -> Any {
    let first = std::ptr::from_ref(&FUNCTION_LIST_3_2.C_Initialize).cast::<Any>();
    // SAFETY: the list is `repr(C)`, and pointers to functions follow each other in it.
    let place = unsafe { first.add(index) };
    // SAFETY: every function is there.
    unsafe { *place }
}

#[allow(clippy::many_single_char_names)]
pub(crate) fn run(index: usize, arguments: &[usize]) -> CK_RV {
    let mut all = [0; MOST];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f, g, h, i, j, k, l] = all;
    let function = function(index);
    // SAFETY: a test of exactly this: arguments that are not what they should be. Pointers are
    // NULL, or lead to more zero bytes than any honest length among the arguments says.
    unsafe { function(a, b, c, d, e, f, g, h, i, j, k, l) }
}

/// Large and zeroed, so that any pointer into it may be read and written as anything.
fn memory() -> Vec<u64> {
    vec![0; 1 << 16]
}

pub(crate) fn is_pointer(kind: &str) -> bool {
    kind.contains("_PTR") || kind == "CK_NOTIFY"
}

/// Functions that would end the module, wait for its end, or lock a PIN.
fn is_left_out(declaration: &Declaration) -> bool {
    matches!(
        declaration.name,
        "C_Initialize" | "C_Finalize" | "C_InitToken"
    )
}

/// An argument that means well: a session, room, a small number.
fn good(name: &str, kind: &str, session: usize, room: usize) -> usize {
    match (name, kind) {
        ("hSession", _) => session,
        ("slotID", _) => usize::try_from(SPOILED).expect("small"),
        ("flags", _) => usize::try_from(CKF_DONT_BLOCK | CKF_SERIAL_SESSION).expect("small"),
        ("pReserved" | "Notify", _) => 0,
        _ if is_pointer(kind) => room,
        _ => 1,
    }
}

#[test]
fn every_argument_spoiled_in_turn() {
    module();
    let session = raw_session(SPOILED, true);
    let mut calls = 0;
    for (index, declaration) in DECLARATIONS.iter().enumerate() {
        if is_left_out(declaration) {
            continue;
        }
        let kinds = declaration.arguments;
        for spoiled in 0..=kinds.len() {
            for bad in [0, 1, 3, usize::MAX, usize::MAX / 2, 1 << 32, 0x8000_0000] {
                let mut memory = memory();
                let room = memory.as_mut_ptr().addr();
                let arguments: Vec<usize> = kinds
                    .iter()
                    .enumerate()
                    .map(
                        |(place, (name, kind))| match (place == spoiled, is_pointer(kind)) {
                            (false, _) => good(name, kind, session as usize, room),
                            // The callback and what belongs to it are never looked at.
                            (true, true) if *name == "Notify" => 0,
                            (true, true) if bad == 0 => 0,
                            // Unaligned.
                            (true, true) => room + 1 + place,
                            (true, false) if *name == "flags" => bad | 1,
                            (true, false) => bad,
                        },
                    )
                    .collect();
                let code = run(index, &arguments);
                if spoiled < kinds.len() && bad == usize::MAX && is_length(kinds[spoiled].0) {
                    assert_ne!(
                        code, CKR_OK,
                        "{} with {:?}",
                        declaration.name, kinds[spoiled]
                    );
                }
                assert_ne!(
                    code, CKR_GENERAL_ERROR,
                    "{} {arguments:x?}",
                    declaration.name
                );
                calls += 1;
            }
        }
    }
    assert!(calls > 3000, "{calls}");
    call!(C_CloseAllSessions, SPOILED);
}

/// Lengths and counts of what is read: -1 can never be right.
pub(crate) fn is_length(name: &str) -> bool {
    (name.starts_with("ul") && (name.ends_with("Len") || name.ends_with("Count")))
        && name != "ulMaxObjectCount"
}

#[test]
fn everything_null() {
    module();
    for (index, declaration) in DECLARATIONS.iter().enumerate() {
        if is_left_out(declaration) {
            continue;
        }
        let mut arguments = vec![0; declaration.arguments.len()];
        if declaration.name == "C_WaitForSlotEvent" {
            arguments[0] = usize::try_from(CKF_DONT_BLOCK).expect("small");
        }
        if declaration.name == "C_CloseAllSessions" {
            arguments[0] = 77;
        }
        let code = run(index, &arguments);
        assert_ne!(code, CKR_OK, "{}", declaration.name);
    }
}

#[test]
fn wild_templates() {
    let session = Session::new();
    let null = std::ptr::null_mut::<c_void>();
    let attribute = |kind, value: *mut c_void, length| CK_ATTRIBUTE {
        type_: kind,
        pValue: value,
        ulValueLen: length,
    };
    let mut class = CKO_SECRET_KEY;
    let class: *mut c_void = (&raw mut class).cast();
    for template in [
        vec![attribute(CKA_CLASS, null, 8)],
        vec![attribute(CKA_CLASS, class, CK_ULONG::MAX)],
        vec![attribute(CKA_CLASS, class, 7)],
        vec![attribute(CKA_LABEL, class, CK_ULONG::MAX / 2)],
        vec![attribute(CKA_WRAP_TEMPLATE, class, 8)],
        vec![attribute(CKA_WRAP_TEMPLATE, null, 24)],
        vec![attribute(CKA_ALLOWED_MECHANISMS, class, 7)],
        vec![
            attribute(CKA_CLASS, class, 8),
            attribute(CKA_VALUE, null, 16),
        ],
    ] {
        let (mut object, raw, count) = (0, mutable(&template), template.len() as CK_ULONG);
        assert_ne!(
            call!(C_CreateObject, session.0, raw, count, &mut object),
            CKR_OK
        );
        assert_ne!(call!(C_FindObjectsInit, session.0, raw, count), CKR_OK);
        let key = generate(
            &session,
            CKM_AES_KEY_GEN,
            &Attributes::new().ulong(CKA_VALUE_LEN, 16),
        );
        assert_ne!(
            call!(
                C_SetAttributeValue,
                session.0,
                key.expect("made"),
                raw,
                count
            ),
            CKR_OK
        );
    }
    for count in [1025, 1 << 40, CK_ULONG::MAX] {
        let mut memory = memory();
        let (raw, mut object) = (memory.as_mut_ptr().cast(), 0);
        let refused_with = Some(keybridge_pkcs11::rv::Rv::ARGUMENTS_BAD);
        for code in [
            call!(C_CreateObject, session.0, raw, count, &mut object),
            call!(C_FindObjectsInit, session.0, raw, count),
            call!(C_GetAttributeValue, session.0, 1, raw, count),
        ] {
            assert_eq!(keybridge_pkcs11::rv::Rv::from_code(code), refused_with);
        }
    }
}

#[test]
fn wild_mechanism_parameters() {
    let session = Session::new();
    let key = generate(
        &session,
        CKM_AES_KEY_GEN,
        &Attributes::new().ulong(CKA_VALUE_LEN, 16),
    );
    let key = key.expect("made");
    let mut iv = [0_u8; 12];
    let gcm = |iv_length, aad_length, tag_bits| CK_GCM_PARAMS {
        pIv: iv.as_ptr().cast_mut(),
        ulIvLen: iv_length,
        ulIvBits: 96,
        pAAD: std::ptr::null_mut(),
        ulAADLen: aad_length,
        ulTagBits: tag_bits,
    };
    for parameter in [
        gcm(CK_ULONG::MAX, 0, 128),
        gcm(12, 5, 128),
        gcm(12, CK_ULONG::MAX, 128),
        gcm(12, 0, 129),
        gcm(12, 0, CK_ULONG::MAX),
        gcm(12, 0, 8),
    ] {
        let mut mechanism = with_parameter(CKM_AES_GCM, &parameter);
        let code = call!(C_EncryptInit, session.0, &mut mechanism, key);
        refused(code, keybridge_pkcs11::rv::Rv::MECHANISM_PARAM_INVALID);
    }
    for length in [0, 1, 47, 49, CK_ULONG::MAX] {
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: iv.as_mut_ptr().cast(),
            ulParameterLen: length,
        };
        let code = call!(C_EncryptInit, session.0, &mut mechanism, key);
        refused(code, keybridge_pkcs11::rv::Rv::MECHANISM_PARAM_INVALID);
    }
}
