//! What `C_GetMechanismInfo` says of every mechanism, against what the standard says of it
//! (`mechanism_table.tsv`) and against what the functions do.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::mechanisms::documentation::FUNCTIONS_LEFT_OUT;
use keybridge_pkcs11::mechanisms::registry::{Family, Keys, Row, find};
use keybridge_pkcs11::rv::Rv;

use crate::derivations::{derive, open, secret};
use crate::keys::{unwrap, wrap};
use crate::mechanism_samples::*;
use crate::support::*;

/// A line of the table.
struct Line {
    name: &'static str,
    /// The table's columns that are ticked, as flags.
    allowed: CK_FLAGS,
    unit: &'static str,
    clause: &'static str,
}

/// The columns of the tables "Mechanisms vs. Functions".
const COLUMNS: [(&str, CK_FLAGS); 9] = [
    ("ENC", CKF_ENCRYPT | CKF_DECRYPT),
    ("SIG", CKF_SIGN | CKF_VERIFY),
    ("SIGR", CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER),
    ("DIG", CKF_DIGEST),
    ("GENK", CKF_GENERATE),
    ("GENKP", CKF_GENERATE_KEY_PAIR),
    ("WRP", CKF_WRAP | CKF_UNWRAP),
    ("DRV", CKF_DERIVE),
    ("ENCS", CKF_ENCAPSULATE | CKF_DECAPSULATE),
];

/// Flags for which there is a function, and their names.
const FUNCTIONS: [(CK_FLAGS, &str); 19] = [
    (CKF_ENCRYPT, "encrypt"),
    (CKF_DECRYPT, "decrypt"),
    (CKF_DIGEST, "digest"),
    (CKF_SIGN, "sign"),
    (CKF_VERIFY, "verify"),
    (CKF_SIGN_RECOVER, "sign with recovery"),
    (CKF_VERIFY_RECOVER, "verify with recovery"),
    (CKF_GENERATE, "generate"),
    (CKF_GENERATE_KEY_PAIR, "generate pair"),
    (CKF_WRAP, "wrap"),
    (CKF_UNWRAP, "unwrap"),
    (CKF_DERIVE, "derive"),
    (CKF_ENCAPSULATE, "encapsulate"),
    (CKF_DECAPSULATE, "decapsulate"),
    (CKF_MESSAGE_ENCRYPT, "messages encrypted"),
    (CKF_MESSAGE_DECRYPT, "messages decrypted"),
    (CKF_MESSAGE_SIGN, "messages signed"),
    (CKF_MESSAGE_VERIFY, "messages verified"),
    (CKF_MULTI_MESSAGE, "messages in parts"),
];

const EC_FLAGS: CK_FLAGS = CKF_EC_F_P
    | CKF_EC_F_2M
    | CKF_EC_ECPARAMETERS
    | CKF_EC_OID
    | CKF_EC_UNCOMPRESS
    | CKF_EC_COMPRESS
    | CKF_EC_CURVENAME;

fn table() -> Vec<Line> {
    let lines = include_str!("mechanism_table.tsv").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, clause, columns, unit, _] = fields[..] else {
                panic!("{line}");
            };
            let ticked = columns.split(' ').map(|column| {
                let known = COLUMNS.iter().find(|(name, _)| *name == column);
                known.unwrap_or_else(|| panic!("{line}")).1
            });
            Line {
                name,
                allowed: ticked.fold(0, |all, flags| all | flags),
                unit,
                clause,
            }
        })
        .collect()
}

fn listed() -> Vec<&'static Row> {
    module();
    let mut count = 0;
    check(call!(C_GetMechanismList, MAIN, null_mut(), &mut count));
    let mut kinds = vec![0; count as usize];
    let kinds_ptr = kinds.as_mut_ptr();
    check(call!(C_GetMechanismList, MAIN, kinds_ptr, &mut count));
    let rows = kinds.into_iter().map(|kind| find(kind).expect("a row"));
    rows.collect()
}

fn information(kind: CK_MECHANISM_TYPE) -> CK_MECHANISM_INFO {
    let mut info = CK_MECHANISM_INFO {
        ulMinKeySize: 0,
        ulMaxKeySize: 0,
        flags: 0,
    };
    check(call!(C_GetMechanismInfo, MAIN, kind, &mut info));
    info
}

/// Why functions that the standard allows are not there; none where they must be.
fn left_out(name: &str) -> CK_FLAGS {
    let entries = FUNCTIONS_LEFT_OUT.iter();
    let of_this = entries.filter(|entry| entry.mechanisms.split(", ").any(|of| of == name));
    of_this.fold(0, |all, entry| all | entry.flags)
}

#[test]
fn mechanisms_announce_the_functions_that_the_standard_has_for_them() {
    let table = table();
    let mut wrong = Vec::new();
    for row in listed() {
        if row.name.starts_with("CKM_KB_") {
            continue;
        }
        let Some(line) = table.iter().find(|line| line.name == row.name) else {
            wrong.push(format!("{} is not in the table", row.name));
            continue;
        };
        let flags = information(row.kind).flags;
        let functions = COLUMNS.iter().fold(0, |all, column| all | column.1);
        let expected = line.allowed & !left_out(row.name);
        if left_out(row.name) & !line.allowed != 0 || flags & functions != expected {
            wrong.push(format!(
                "{}: {:x}, expected {expected:x}",
                row.name,
                flags & functions
            ));
        }
        // 6.3: "must set either or both" of the fields, "the appropriate flag(s)" of the representations, and of
        // the forms of points.
        let curves = flags & EC_FLAGS;
        let has = |any: CK_FLAGS| curves & any != 0;
        let right = match line.clause {
            "6.3" => {
                has(CKF_EC_F_P | CKF_EC_F_2M)
                    && has(CKF_EC_OID | CKF_EC_ECPARAMETERS | CKF_EC_CURVENAME)
                    && has(CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS)
            }
            _ => curves == 0,
        };
        if !right {
            wrong.push(format!("{}: flags of curves {curves:x}", row.name));
        }
        let known = FUNCTIONS.iter().fold(EC_FLAGS, |all, flag| all | flag.0);
        if flags & !known != 0 {
            wrong.push(format!("{}: flags nobody knows {flags:x}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Smallest and largest key in bytes or bits, for the kinds whose sizes are in either.
fn range(keys: &Row, unit: &str) -> Option<(CK_ULONG, CK_ULONG)> {
    let bits = |(least, most): (CK_ULONG, CK_ULONG)| match unit {
        "bits" => (8 * least, 8 * most),
        _ => (least, most),
    };
    let name = keys.name;
    Some(match keys.keys {
        _ if unit == "48 bytes" => (48, 48),
        Keys::Rsa => (1024, 8192),
        Keys::Ec => (256, 521),
        Keys::Agreement => (255, 521),
        Keys::Edwards | Keys::Montgomery => (255, 255),
        // The public keys of ML-KEM-512 and -1024 (FIPS 203 table 3), ML-DSA-44 and -87 (FIPS 204 table 2).
        Keys::MlKem => (800, 1568),
        Keys::MlDsa => (1312, 2592),
        Keys::Aes if name.contains("XCBC") => (16, 16),
        Keys::Aes => (16, 32),
        Keys::AesXts => (32, 64),
        Keys::ChaCha20 => bits((32, 32)),
        Keys::Secret if name.starts_with("CKM_SP800") => (8, 65536),
        Keys::None => match name {
            "CKM_RSA_PKCS_KEY_PAIR_GEN" => (1024, 8192),
            "CKM_EC_KEY_PAIR_GEN" => (256, 521),
            "CKM_EC_EDWARDS_KEY_PAIR_GEN" | "CKM_EC_MONTGOMERY_KEY_PAIR_GEN" => (255, 255),
            "CKM_ML_KEM_KEY_PAIR_GEN" => (800, 1568),
            "CKM_ML_DSA_KEY_PAIR_GEN" => (1312, 2592),
            "CKM_AES_KEY_GEN" => (16, 32),
            "CKM_AES_XTS_KEY_GEN" => (32, 64),
            "CKM_CHACHA20_KEY_GEN" => (32, 32),
            "CKM_GENERIC_SECRET_KEY_GEN" => (8, 65536),
            _ if name.ends_with("_KEY_GEN") => (1, 8192),
            _ => return None,
        },
        _ => return None,
    })
}

#[test]
fn key_sizes_are_in_the_unit_of_the_standard() {
    for line in table().iter().filter(|line| line.unit != "-") {
        let row = listed().into_iter().find(|row| row.name == line.name);
        let row = row.expect(line.name);
        let info = information(row.kind);
        let expected = range(row, line.unit).expect(line.name);
        assert_eq!(
            (info.ulMinKeySize, info.ulMaxKeySize),
            expected,
            "{}",
            line.name
        );
    }
}

#[test]
fn keys_have_the_sizes_that_are_announced_and_no_others() {
    let session = Session::new();
    let make = |kind, length: CK_ULONG| {
        let template = Attributes::new().ulong(CKA_VALUE_LEN, length);
        generate(&session, kind, &template).map(|_| ())
    };
    for row in listed() {
        let Family::Generate(key_type) = row.family else {
            continue;
        };
        if row.flags & CKF_GENERATE == 0 {
            continue;
        }
        let info = information(row.kind);
        let bytes = |size: CK_ULONG| match key_type {
            CKK_GENERIC_SECRET => size / 8,
            _ => size,
        };
        let (least, most) = (bytes(info.ulMinKeySize), bytes(info.ulMaxKeySize));
        if least == most {
            // No length to choose: the attribute may be left out, and another length is refused.
            assert_eq!(generate(&session, row.kind, &Attributes::new()).err(), None);
        } else {
            assert_eq!(make(row.kind, least), Ok(()), "{}", row.name);
            assert_eq!(make(row.kind, most), Ok(()), "{}", row.name);
        }
        for outside in [least - 1, most + 1] {
            let made = make(row.kind, outside);
            let refused = matches!(
                made,
                Err(Rv::KEY_SIZE_RANGE
                    | Rv::ATTRIBUTE_VALUE_INVALID
                    | Rv::TEMPLATE_INCONSISTENT
                    | Rv::ATTRIBUTE_READ_ONLY)
            );
            assert!(refused, "{} of {outside} bytes: {made:?}", row.name);
        }
    }
}

/// Tries one function with a right key.
pub(crate) fn attempt(
    ring: &mut KeyRing,
    row: &Row,
    mut mechanism: CK_MECHANISM,
    flag: CK_FLAGS,
) -> Result<(), Rv> {
    let wraps = matches!(flag, CKF_WRAP | CKF_UNWRAP);
    let (public, private) = ring.pair(row.keys, wraps);
    let session = Session::new();
    let ok = |code| Rv::from_code(code).map_or(Ok(()), Err);
    let handle = session.0;
    let (input, length) = (mutable(&INPUT), INPUT.len() as CK_ULONG);
    let mut bare = bare(row);
    match flag {
        CKF_ENCRYPT => {
            ok(call!(C_EncryptInit, handle, &mut mechanism, public))?;
            let made = output(|out, most| call!(C_Encrypt, handle, input, length, out, most));
            made.map(|_| ())
        }
        CKF_DECRYPT => {
            let encrypts = call!(C_EncryptInit, handle, &mut mechanism, public) == CKR_OK;
            let text = if encrypts {
                output(|out, most| call!(C_Encrypt, handle, input, length, out, most))?
            } else {
                Vec::new()
            };
            ok(call!(C_DecryptInit, handle, &mut mechanism, private))?;
            let (text, length) = (mutable(&text), text.len() as CK_ULONG);
            let plain = output(|out, most| call!(C_Decrypt, handle, text, length, out, most))?;
            assert!(plain.ends_with(&INPUT), "{}", row.name);
            Ok(())
        }
        CKF_DIGEST => {
            ok(call!(C_DigestInit, handle, &mut mechanism))?;
            let made = output(|out, most| call!(C_Digest, handle, input, length, out, most));
            made.map(|_| ())
        }
        CKF_SIGN => {
            ok(call!(C_SignInit, handle, &mut mechanism, private))?;
            let made = output(|out, most| call!(C_Sign, handle, input, length, out, most));
            made.map(|_| ())
        }
        CKF_VERIFY => {
            let mut signature = Vec::new();
            if call!(C_SignInit, handle, &mut mechanism, private) == CKR_OK {
                signature = output(|out, most| call!(C_Sign, handle, input, length, out, most))?;
            }
            let (value, size) = (mutable(&signature), signature.len() as CK_ULONG);
            let other = Session::new();
            let first = ok(call!(
                C_VerifySignatureInit,
                other.0,
                &mut mechanism,
                public,
                value,
                size
            ));
            let init = ok(call!(C_VerifyInit, handle, &mut mechanism, public));
            assert_eq!(first, init, "{}", row.name);
            init?;
            ok(call!(C_VerifySignature, other.0, input, length))?;
            ok(call!(C_Verify, handle, input, length, value, size))
        }
        CKF_SIGN_RECOVER => {
            ok(call!(C_SignRecoverInit, handle, &mut mechanism, private))?;
            let made = output(|out, most| call!(C_SignRecover, handle, input, length, out, most));
            made.map(|_| ())
        }
        CKF_VERIFY_RECOVER => {
            let mut signature = Vec::new();
            if call!(C_SignRecoverInit, handle, &mut mechanism, private) == CKR_OK {
                signature =
                    output(|out, most| call!(C_SignRecover, handle, input, length, out, most))?;
            }
            ok(call!(C_VerifyRecoverInit, handle, &mut mechanism, public))?;
            let (value, size) = (mutable(&signature), signature.len() as CK_ULONG);
            let data = output(|out, most| call!(C_VerifyRecover, handle, value, size, out, most))?;
            assert!(data.ends_with(&INPUT), "{}", row.name);
            Ok(())
        }
        CKF_GENERATE => generate_with(&session, row, &mut mechanism),
        CKF_GENERATE_KEY_PAIR => generate_pair_with(&session, row, &mut mechanism),
        CKF_WRAP | CKF_UNWRAP => {
            let target = open(secret(CKK_GENERIC_SECRET)).bytes(CKA_VALUE, &INPUT);
            let target = create(&session, &target).1;
            let wrapped = match flag {
                CKF_WRAP => wrap(&session, &mechanism, public, target)?,
                // Something to unwrap, where it can be made.
                _ => wrap(&session, &mechanism, public, target).unwrap_or(vec![1; 48]),
            };
            if flag == CKF_WRAP {
                return Ok(());
            }
            let template = open(secret(CKK_GENERIC_SECRET));
            let key = unwrap(&session, &mechanism, private, &wrapped, &template)?;
            assert_eq!(get(&session, key, CKA_VALUE).expect("open"), INPUT);
            Ok(())
        }
        CKF_DERIVE => derive_with(&session, row, mechanism, private),
        CKF_ENCAPSULATE | CKF_DECAPSULATE => {
            encapsulate_with(&session, row, mechanism, (public, private), flag)
        }
        CKF_MESSAGE_ENCRYPT => ok(call!(C_MessageEncryptInit, handle, &mut bare, public)),
        CKF_MESSAGE_DECRYPT => ok(call!(C_MessageDecryptInit, handle, &mut bare, private)),
        CKF_MESSAGE_SIGN => {
            ok(call!(C_MessageSignInit, handle, &mut mechanism, private))?;
            let made = output(|out, most| {
                call!(
                    C_SignMessage,
                    handle,
                    null_mut(),
                    0,
                    input,
                    length,
                    out,
                    most
                )
            });
            made.map(|_| ())
        }
        CKF_MESSAGE_VERIFY => ok(call!(C_MessageVerifyInit, handle, &mut mechanism, public)),
        CKF_MULTI_MESSAGE => multi_message(row, &session, &mut mechanism, (public, private)),
        _ => unreachable!("{flag:x}"),
    }
}

/// The usual two calls.
fn output(mut function: impl FnMut(CK_BYTE_PTR, CK_ULONG_PTR) -> CK_RV) -> Result<Vec<u8>, Rv> {
    let mut length = 0;
    Rv::from_code(function(null_mut(), &mut length)).map_or(Ok(()), Err)?;
    let mut out = vec![0; length as usize];
    Rv::from_code(function(out.as_mut_ptr(), &mut length)).map_or(Ok(()), Err)?;
    out.truncate(length as usize);
    Ok(out)
}

fn generate_with(session: &Session, row: &Row, mechanism: &mut CK_MECHANISM) -> Result<(), Rv> {
    let fixed = matches!(row.family, Family::Generate(_)) && row.sizes.0 == row.sizes.1;
    let mut template = secret(match row.family {
        Family::Generate(key_type) => key_type,
        _ => CKK_GENERIC_SECRET,
    });
    if !fixed {
        template = template.ulong(CKA_VALUE_LEN, 32);
    }
    let (raw, mut key) = (template.raw(), 0);
    let count = raw.len() as _;
    let (handle, raw) = (session.0, mutable(&raw));
    let code = call!(C_GenerateKey, handle, mechanism, raw, count, &mut key);
    Rv::from_code(code).map_or(Ok(()), Err)
}

fn generate_pair_with(
    session: &Session,
    row: &Row,
    mechanism: &mut CK_MECHANISM,
) -> Result<(), Rv> {
    let public = match row.family {
        Family::Generate(CKK_RSA) => Attributes::new().ulong(CKA_MODULUS_BITS, 1024),
        Family::Generate(CKK_EC) => Attributes::new().bytes(CKA_EC_PARAMS, P256),
        Family::Generate(CKK_EC_EDWARDS) => Attributes::new().bytes(CKA_EC_PARAMS, ED25519),
        Family::Generate(CKK_EC_MONTGOMERY) => Attributes::new().bytes(CKA_EC_PARAMS, X25519),
        Family::Generate(CKK_ML_KEM | CKK_ML_DSA) => Attributes::new().ulong(CKA_PARAMETER_SET, 1),
        _ => Attributes::new(),
    };
    let (raw, mut keys) = (public.raw(), (0, 0));
    let (handle, raw, count) = (session.0, mutable(&raw), raw.len() as CK_ULONG);
    let code = call!(
        C_GenerateKeyPair,
        handle,
        mechanism,
        raw,
        count,
        null_mut(),
        0,
        &mut keys.0,
        &mut keys.1
    );
    Rv::from_code(code).map_or(Ok(()), Err)
}

fn derive_with(
    session: &Session,
    row: &Row,
    mut mechanism: CK_MECHANISM,
    base: CK_OBJECT_HANDLE,
) -> Result<(), Rv> {
    let template = match row.family {
        Family::HkdfData => Attributes::new()
            .ulong(CKA_CLASS, CKO_DATA)
            .ulong(CKA_VALUE_LEN, 32),
        Family::TlsMaster | Family::TlsExtendedMaster => secret(CKK_GENERIC_SECRET),
        Family::TlsKeys(_) => secret(CKK_AES),
        // All of the key, which is sensitive: too little of it would be found by trying.
        Family::ConcatenateKey | Family::ConcatenateBefore => secret(CKK_GENERIC_SECRET),
        _ => secret(CKK_GENERIC_SECRET).ulong(CKA_VALUE_LEN, 20),
    };
    if let Family::TlsKeys(_) = row.family {
        let raw = template.raw();
        let (handle, raw, count) = (session.0, mutable(&raw), raw.len() as CK_ULONG);
        let code = call!(
            C_DeriveKey,
            handle,
            &mut mechanism,
            base,
            raw,
            count,
            null_mut()
        );
        return Rv::from_code(code).map_or(Ok(()), Err);
    }
    derive(session, mechanism, base, &template).map(|_| ())
}

fn encapsulate_with(
    session: &Session,
    row: &Row,
    mut mechanism: CK_MECHANISM,
    (public, private): Pair,
    flag: CK_FLAGS,
) -> Result<(), Rv> {
    if row.family == Family::Ecdh {
        // "pPublicData and ulPublicDataLen must be set to NULL and 0 respectively."
        let (pointer, length) = parameter(ecdh(CKD_SHA256_KDF, &[]));
        mechanism.pParameter = pointer;
        mechanism.ulParameterLen = length;
    }
    let template = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 32);
    let (raw, mut key) = (template.raw(), 0);
    let (handle, raw, count) = (session.0, mutable(&raw), raw.len() as CK_ULONG);
    let made = output(|out, most| {
        call!(
            C_EncapsulateKey,
            handle,
            &mut mechanism,
            public,
            raw,
            count,
            out,
            most,
            &mut key
        )
    });
    if flag == CKF_ENCAPSULATE {
        return made.map(|_| ());
    }
    let ciphertext = made.as_deref().unwrap_or(&[1; 32]);
    let (text, length) = (mutable(ciphertext), ciphertext.len() as CK_ULONG);
    let mut other = 0;
    let code = call!(
        C_DecapsulateKey,
        handle,
        &mut mechanism,
        private,
        raw,
        count,
        text,
        length,
        &mut other
    );
    Rv::from_code(code).map_or(Ok(()), Err)?;
    let values = [key, other].map(|key| get(session, key, CKA_VALUE).expect("open"));
    assert_eq!(values[0], values[1], "{}", row.name);
    Ok(())
}

/// `C_EncryptMessageBegin` takes the structures of messages, of which the tests of messages know more: here
/// the announcement is enough. `C_SignMessageBegin` takes none.
fn multi_message(
    row: &Row,
    session: &Session,
    mechanism: &mut CK_MECHANISM,
    (public, private): Pair,
) -> Result<(), Rv> {
    let ok = |code| Rv::from_code(code).map_or(Ok(()), Err);
    let mut bare = bare(row);
    if call!(C_MessageEncryptInit, session.0, &mut bare, public) == CKR_OK {
        return Ok(());
    }
    ok(call!(C_MessageSignInit, session.0, mechanism, private))?;
    let begun = ok(call!(C_SignMessageBegin, session.0, null_mut(), 0));
    begun.map_err(|rv| match rv {
        Rv::FUNCTION_FAILED => Rv::MECHANISM_INVALID,
        rv => rv,
    })
}

#[test]
fn a_function_is_announced_exactly_when_it_works() {
    let mut ring = KeyRing::new();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for row in listed() {
        let flags = information(row.kind).flags;
        for (flag, function) in FUNCTIONS {
            let announced = flags & flag != 0;
            let mechanism = sample(&mut ring, row);
            let done = attempt(&mut ring, row, mechanism, flag);
            let expected = match announced {
                true => Ok(()),
                false => Err(Rv::MECHANISM_INVALID),
            };
            if done != expected {
                wrong.push(format!("{} {function}, {announced}: {done:?}", row.name));
            }
            tried += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 3000, "{tried}");
}

#[test]
fn a_curve_has_a_name_exactly_where_that_is_announced() {
    let session = Session::new();
    for (kind, name, compressed) in [
        (CKM_EC_KEY_PAIR_GEN, "secp256r1", true),
        (CKM_EC_EDWARDS_KEY_PAIR_GEN, "edwards25519", false),
        (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, "curve25519", false),
    ] {
        let flags = information(kind).flags;
        let printable = [&[0x13, name.len() as u8][..], name.as_bytes()].concat();
        let public = Attributes::new().bytes(CKA_EC_PARAMS, &printable);
        let made = generate_pair(&session, kind, &public, &Attributes::new());
        assert_eq!(
            made.is_ok(),
            flags & CKF_EC_CURVENAME != 0,
            "{name}: {made:?}"
        );
        assert_eq!(flags & CKF_EC_COMPRESS != 0, compressed, "{name}");
    }
    // A compressed point is taken: X of the base point of P-256, behind its sign.
    let x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let x: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&x[2 * at..2 * at + 2], 16).expect("hex"))
        .collect();
    let point = [&[4, 33, 3][..], &x].concat();
    let key = Attributes::new()
        .ulong(CKA_CLASS, CKO_PUBLIC_KEY)
        .ulong(CKA_KEY_TYPE, CKK_EC)
        .bytes(CKA_EC_PARAMS, P256)
        .bytes(CKA_EC_POINT, &point);
    check(create(&session, &key).0);
}
