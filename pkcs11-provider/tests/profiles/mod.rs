//! The profiles of PKCS#11 3.2 ("PKCS #11 Profiles"): what each of those that a token here shows demands, and the
//! profiles' own cases, if they are at hand.
//!
//! The cases are XML files of OASIS, `BL-M-1-32.xml` and so on. They are not part of this project: name the folder
//! that has them in `KEYBRIDGE_PKCS11_CASES`. Each runs in a process of its own, as it begins with `C_Initialize`.

mod calls;
mod demands;
mod xml;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::null_mut;

use cryptoki_sys::*;

use crate::support::*;
use calls::{Caller, bytes};
use xml::{Element, Symbols, differences};

/// Names the folder of the cases.
const FOLDER: &str = "KEYBRIDGE_PKCS11_CASES";

/// Names the one case to the process that runs it.
const CASE: &str = "KEYBRIDGE_PKCS11_CASE";

/// Where we differ from the values of a case that may not vary, and why. What is not here fails; the beginning of the
/// difference is enough.
const DEVIATIONS: [(&str, &str); 11] = [
    (
        "C_GetInfo/Info/CryptokiVersion.minor: expected 1, found 2",
        "a case of 3.1",
    ),
    (
        "C_GetTokenInfo/Info.TotalPublicMemory: expected 0, found UnavailableInformation",
        "nobody counts it, and 0 would be said of a full token",
    ),
    (
        "C_GetTokenInfo/Info.FreePublicMemory: expected 0, found UnavailableInformation",
        "as above",
    ),
    (
        "C_GetTokenInfo/Info.TotalPrivateMemory: expected 0, found UnavailableInformation",
        "as above",
    ),
    (
        "C_GetTokenInfo/Info.FreePrivateMemory: expected 0, found UnavailableInformation",
        "as above",
    ),
    (
        "C_GetTokenInfo/Info/Flags.value: expected \
         RNG|LOGIN_REQUIRED|USER_PIN_INITIALIZED|RESTORE_KEY_NOT_NEEDED|TOKEN_INITIALIZED, found \
         RNG|LOGIN_REQUIRED|USER_PIN_INITIALIZED|RESTORE_KEY_NOT_NEEDED|DUAL_CRYPTO_OPERATIONS|\
         TOKEN_INITIALIZED",
        "this token does two operations at once, the case's does not",
    ),
    (
        "C_GetMechanismInfo/Info.MinKeySize: expected 512, found 1024",
        "RSA of 512 bits is broken",
    ),
    (
        "C_GetMechanismInfo/Info.MaxKeySize: expected 16384, found 8192",
        "longer ones would stop a program for minutes",
    ),
    (
        "C_GetMechanismInfo/Info/Flags.value: expected ENCRYPT|DECRYPT|SIGN|VERIFY|WRAP|UNWRAP, \
         found ENCRYPT|DECRYPT|SIGN|SIGN_RECOVER|VERIFY|VERIFY_RECOVER|WRAP|UNWRAP",
        "CKM_RSA_PKCS can do more",
    ),
    (
        "C_GetAttributeValue/Template/MODULUS.value",
        "who has the case's private key?",
    ),
    (
        "C_Sign/Signature.value",
        "by another key; it is verified instead",
    ),
];

/// In our words, so that the runner runs always: a token is looked at, then its user signs.
const OWN_CASE: &str = include_str!("own.xml");

#[test]
fn our_own_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = folder.path().join("own.xml");
    std::fs::write(&case, OWN_CASE).expect("written");
    run_apart(&case).expect("as the case says");
}

#[test]
fn what_a_case_does_not_say_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    for (from, to) in [
        (
            "<C_Logout rv=\"OK\"/>",
            "<C_Logout rv=\"USER_NOT_LOGGED_IN\"/>",
        ),
        ("value=\"DIGEST\"", "value=\"DIGEST|SIGN\""),
        ("MinPinLen=\"4\"", "MinPinLen=\"5\""),
    ] {
        assert!(OWN_CASE.contains(from), "{from}");
        let case = folder.path().join("changed.xml");
        std::fs::write(&case, OWN_CASE.replace(from, to)).expect("written");
        run_apart(&case).expect_err(to);
    }
}

#[test]
fn the_standards_cases() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        eprintln!("{FOLDER} names no folder: the profiles' own cases are not run");
        return;
    };
    let mut cases = Vec::new();
    collect(&folder, &mut cases);
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| run_apart(case).err())
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn collect(folder: &Path, cases: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of cases") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, cases);
        } else if path.extension().is_some_and(|kind| kind == "xml") {
            cases.push(path);
        }
    }
    cases.sort();
}

/// Runs a case in a process of its own.
fn run_apart(case: &Path) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = make_ready_store(folder.path());
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["profiles::one_case", "--exact", "--ignored", "--nocapture"])
        .env("KEYBRIDGE_CONFIG", configuration)
        .env(CASE, case)
        .output()
        .expect("this program, again");
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {errors}", case.display()))
}

#[test]
#[ignore = "run by the others, in a process of its own"]
fn one_case() {
    let case = std::env::var_os(CASE).expect("a case");
    let case = xml::read(&std::fs::read_to_string(case).expect("the case"));
    prepare(&case);
    let pin = String::from_utf8(USER_PIN.to_vec()).expect("UTF-8");
    let mut symbols = Symbols::from([("Pin".to_owned(), pin)]);
    let mut wrong = Vec::new();
    for (call, expected) in &case {
        let given = Caller { symbols: &symbols }.call(call);
        let all = differences(&call.name, expected, &given, &mut symbols);
        wrong.extend(all.into_iter().filter(|difference| {
            let known = DEVIATIONS.iter().find(|row| difference.starts_with(row.0));
            if let Some((_, reason)) = known {
                eprintln!("{difference}: {reason}");
            }
            known.is_none()
        }));
        if call.name == "C_Sign" {
            verify(call, &given, &symbols);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes the token that the cases assume: a pair of keys with their labels, the certificate that a case reads, and
/// things to find before a login.
fn prepare(case: &[(Element, Element)]) {
    check(call!(C_Initialize, null_mut()));
    let session = Session(raw_session(MAIN, true));
    check(login(session.0, CKU_USER, USER_PIN));
    let public = |class| {
        let template = Attributes::new().ulong(CKA_CLASS, class);
        template.bool(CKA_TOKEN, true).bool(CKA_PRIVATE, false)
    };
    let data = public(CKO_DATA).bytes(CKA_LABEL, b"Mozilla Builtin Roots\0");
    check(create(&session, &data).0);
    let values = case.iter().filter_map(|(_, given)| {
        let template = given.find("Template")?.children.iter();
        let mut values = template.filter(|one| one.get("type") == Some("VALUE"));
        values.find_map(|one| one.get("value"))
    });
    for value in values {
        let value = bytes(value);
        let certificate = public(CKO_CERTIFICATE)
            .ulong(CKA_CERTIFICATE_TYPE, CKC_X_509)
            .bytes(CKA_SUBJECT, subject(&value))
            .bytes(CKA_VALUE, &value);
        check(create(&session, &certificate).0);
    }
    let stored = |label: &[u8]| {
        Attributes::new()
            .bool(CKA_TOKEN, true)
            .bytes(CKA_LABEL, label)
    };
    let pair = generate_pair(
        &session,
        CKM_RSA_PKCS_KEY_PAIR_GEN,
        &stored(b"testrsa-pub").ulong(CKA_MODULUS_BITS, 2048),
        &stored(b"testrsa-pri"),
    );
    pair.expect("a pair");
    for _ in 0..2 {
        check(create(&session, &public(CKO_DATA)).0);
    }
    drop(session);
    check(call!(C_Finalize, null_mut()));
}

/// The subject in an X.509 certificate: the sixth field of what is signed, of which the first is its version.
fn subject(certificate: &[u8]) -> &[u8] {
    let mut rest = contents(contents(certificate).0).0;
    for _ in 0..5 {
        rest = contents(rest).1;
    }
    let end = rest.len() - contents(rest).1.len();
    &rest[..end]
}

/// The contents of a DER value, and what follows it.
fn contents(der: &[u8]) -> (&[u8], &[u8]) {
    let (header, length) = match der[1] {
        0x82 => (4, usize::from(u16::from_be_bytes([der[2], der[3]]))),
        0x81 => (3, usize::from(der[2])),
        short => (2, usize::from(short)),
    };
    der[header..].split_at(length)
}

/// That a signature is one, by the public half of the key.
fn verify(call: &Element, given: &Element, symbols: &Symbols) {
    let value = |element: &Element, name: &str| {
        let value = element.find(name).and_then(|value| value.get("value"));
        value.expect("a value").to_owned()
    };
    let session = symbols["Session"].parse().expect("a session");
    let session = std::mem::ManuallyDrop::new(Session(session));
    let public = Attributes::new().ulong(CKA_CLASS, CKO_PUBLIC_KEY);
    let key = find(&session, &public.bytes(CKA_LABEL, b"testrsa-pub"))[0];
    let mut by = mechanism(CKM_SHA256_RSA_PKCS);
    check(call!(C_VerifyInit, session.0, &mut by, key));
    let (data, signature) = (
        bytes(&value(call, "Data")),
        bytes(&value(given, "Signature")),
    );
    assert_eq!(signature.len(), 256);
    check(call!(
        C_Verify,
        session.0,
        mutable(&data),
        data.len() as _,
        mutable(&signature),
        signature.len() as _
    ));
}
