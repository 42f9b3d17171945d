//! Keys derived from keys, made of passwords, and wrapped in two steps.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::keys::{unwrap, wrap};
use crate::support::*;

pub(crate) fn secret(key_type: CK_KEY_TYPE) -> Attributes {
    Attributes::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, key_type)
}

pub(crate) fn open(attributes: Attributes) -> Attributes {
    attributes
        .bool(CKA_SENSITIVE, false)
        .bool(CKA_EXTRACTABLE, true)
}

pub(crate) fn base(session: &Session, value: &[u8], hidden: bool) -> CK_OBJECT_HANDLE {
    let attributes = secret(CKK_GENERIC_SECRET)
        .bytes(CKA_VALUE, value)
        .bool(CKA_DERIVE, true)
        .bool(CKA_SENSITIVE, hidden)
        .bool(CKA_EXTRACTABLE, !hidden);
    let (code, key) = create(session, &attributes);
    check(code);
    key
}

pub(crate) fn derive(
    session: &Session,
    mut mechanism: CK_MECHANISM,
    base: CK_OBJECT_HANDLE,
    template: &Attributes,
) -> Result<CK_OBJECT_HANDLE, Rv> {
    let (raw, mut key) = (template.raw(), 0);
    let count = raw.len() as _;
    let code = call!(
        C_DeriveKey,
        session.0,
        &mut mechanism,
        base,
        mutable(&raw),
        count,
        &mut key
    );
    Rv::from_code(code).map_or(Ok(key), Err)
}

fn data(bytes: &[u8]) -> CK_KEY_DERIVATION_STRING_DATA {
    CK_KEY_DERIVATION_STRING_DATA {
        pData: mutable(bytes),
        ulLen: bytes.len() as _,
    }
}

fn value(session: &Session, key: CK_OBJECT_HANDLE) -> Vec<u8> {
    get(session, key, CKA_VALUE).expect("open")
}

#[test]
fn simple_derivations() {
    let session = Session::new();
    let key = base(&session, &[1, 2, 3, 4], false);
    let other = base(&session, &[9, 9], false);
    let bytes = data(&[5, 6]);
    let first_bit: CK_ULONG = 8;
    let generic = open(secret(CKK_GENERIC_SECRET));
    let short = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 2);
    for (mechanism, template, expected) in [
        (
            with_parameter(CKM_CONCATENATE_BASE_AND_DATA, &bytes),
            &generic,
            vec![1, 2, 3, 4, 5, 6],
        ),
        (
            with_parameter(CKM_CONCATENATE_DATA_AND_BASE, &bytes),
            &generic,
            vec![5, 6, 1, 2, 3, 4],
        ),
        (
            with_parameter(CKM_CONCATENATE_BASE_AND_KEY, &other),
            &generic,
            vec![1, 2, 3, 4, 9, 9],
        ),
        (
            with_parameter(CKM_XOR_BASE_AND_DATA, &bytes),
            &generic,
            vec![4, 4],
        ),
        (
            with_parameter(CKM_EXTRACT_KEY_FROM_KEY, &first_bit),
            &short,
            vec![2, 3],
        ),
    ] {
        let derived = derive(&session, mechanism, key, template).expect("derived");
        assert_eq!(value(&session, derived), expected);
    }
    let hashed = derive(
        &session,
        mechanism(CKM_SHA256_KEY_DERIVATION),
        key,
        &generic,
    );
    assert_eq!(value(&session, hashed.expect("derived")).len(), 32);
    let shake = mechanism(CKM_SHAKE_256_KEY_DERIVATION);
    assert_eq!(
        derive(&session, shake, key, &generic),
        Err(Rv::TEMPLATE_INCOMPLETE)
    );
    let wrong = with_parameter(CKM_CONCATENATE_BASE_AND_KEY, &0xdead_u64);
    assert_eq!(
        derive(&session, wrong, key, &generic),
        Err(Rv::KEY_HANDLE_INVALID)
    );
}

/// What shows bytes of a sensitive key is sensitive, whatever the template says, and long enough.
#[test]
fn derivations_do_not_show_a_sensitive_key() {
    let session = Session::new();
    let hidden = base(&session, &[7; 32], true);
    let seen = base(&session, &[8; 32], false);
    let (bytes, zero, none): (_, CK_ULONG, CK_ULONG) = (data(&[0; 32]), 0, 0);
    let generic = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 32);
    for (mechanism, key) in [
        (
            with_parameter(CKM_CONCATENATE_BASE_AND_DATA, &bytes),
            hidden,
        ),
        (with_parameter(CKM_XOR_BASE_AND_DATA, &bytes), hidden),
        (with_parameter(CKM_EXTRACT_KEY_FROM_KEY, &zero), hidden),
    ] {
        let derived = derive(&session, mechanism, key, &generic).expect("derived");
        assert_eq!(
            get(&session, derived, CKA_VALUE),
            Err(Rv::ATTRIBUTE_SENSITIVE)
        );
        assert_eq!(get(&session, derived, CKA_EXTRACTABLE), Ok(vec![0]));
    }
    // Joined to an open key it is hidden too.
    let joined = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 64);
    let mechanism = with_parameter(CKM_CONCATENATE_BASE_AND_KEY, &hidden);
    let derived = derive(&session, mechanism, seen, &joined).expect("derived");
    assert_eq!(
        get(&session, derived, CKA_VALUE),
        Err(Rv::ATTRIBUTE_SENSITIVE)
    );
    // A byte at a time, and it would be guessed.
    let byte = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 1);
    let mechanism = with_parameter(CKM_EXTRACT_KEY_FROM_KEY, &none);
    derive(&session, mechanism, hidden, &byte).expect_err("too short");
    let one_more = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 33);
    let mechanism = with_parameter(CKM_CONCATENATE_DATA_AND_BASE, &bytes);
    derive(&session, mechanism, hidden, &one_more).expect_err("a byte of the key");
    let mechanism = with_parameter(CKM_CONCATENATE_BASE_AND_KEY, &hidden);
    derive(&session, mechanism, seen, &one_more).expect_err("a byte of the key");
}

#[test]
fn hkdf_with_a_salt_that_is_a_key_and_into_data() {
    let session = Session::new();
    let key = base(&session, &[3; 32], false);
    let salt = base(&session, &[4; 16], false);
    let parameter = |salt_type, extract| CK_HKDF_PARAMS {
        bExtract: extract,
        bExpand: CK_TRUE,
        prfHashMechanism: CKM_SHA256,
        ulSaltType: salt_type,
        pSalt: mutable(&[4_u8; 16]),
        ulSaltLen: 16,
        hSaltKey: salt,
        pInfo: null_mut(),
        ulInfoLen: 0,
    };
    let template = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 40);
    let by_key = parameter(CKF_HKDF_SALT_KEY, CK_TRUE);
    let one = derive(
        &session,
        with_parameter(CKM_HKDF_DERIVE, &by_key),
        key,
        &template,
    );
    let by_data = parameter(CKF_HKDF_SALT_DATA, CK_TRUE);
    let two = derive(
        &session,
        with_parameter(CKM_HKDF_DERIVE, &by_data),
        key,
        &template,
    );
    let derived = value(&session, one.expect("derived"));
    assert_eq!(value(&session, two.expect("derived")), derived);
    let into_data = Attributes::new()
        .ulong(CKA_CLASS, CKO_DATA)
        .ulong(CKA_VALUE_LEN, 40);
    let object = derive(
        &session,
        with_parameter(CKM_HKDF_DATA, &by_data),
        key,
        &into_data,
    );
    let object = object.expect("derived");
    assert_eq!(value(&session, object), derived);
    assert_eq!(
        get(&session, object, CKA_CLASS),
        Ok(CKO_DATA.to_ne_bytes().to_vec())
    );
}

/// PKCS#11's sample: PRF(K, [i] ‖ label ‖ 0 ‖ context ‖ [L]), against the core, which is held against OpenSSL.
#[test]
fn sp800_108_counter() {
    let session = Session::new();
    let key = base(&session, &[3; 32], false);
    let counter = CK_SP800_108_COUNTER_FORMAT {
        bLittleEndian: CK_FALSE,
        ulWidthInBits: 32,
    };
    let length = CK_SP800_108_DKM_LENGTH_FORMAT {
        dkmLengthMethod: CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS,
        bLittleEndian: CK_FALSE,
        ulWidthInBits: 32,
    };
    let text = b"label\0context";
    let field = |type_, pointer: *const u8, size: usize| CK_PRF_DATA_PARAM {
        type_,
        pValue: pointer.cast_mut().cast(),
        ulValueLen: size as _,
    };
    let mut fields = vec![
        field(
            CK_SP800_108_ITERATION_VARIABLE,
            (&raw const counter).cast(),
            size_of_val(&counter),
        ),
        field(CK_SP800_108_BYTE_ARRAY, text.as_ptr(), text.len()),
        field(
            CK_SP800_108_DKM_LENGTH,
            (&raw const length).cast(),
            size_of_val(&length),
        ),
    ];
    let template = open(secret(CKK_AES)).ulong(CKA_VALUE_LEN, 32);
    let run = |fields: &mut Vec<CK_PRF_DATA_PARAM>| {
        let parameter = CK_SP800_108_KDF_PARAMS {
            prfType: CKM_SHA256_HMAC,
            ulNumberOfDataParams: fields.len() as _,
            pDataParams: fields.as_mut_ptr(),
            ulAdditionalDerivedKeys: 0,
            pAdditionalDerivedKeys: null_mut(),
        };
        let mechanism = with_parameter(CKM_SP800_108_COUNTER_KDF, &parameter);
        derive(&session, mechanism, key, &template)
    };
    let derived = run(&mut fields).expect("derived");
    // openssl kdf -keylen 32 -kdfopt mac:HMAC -kdfopt digest:SHA256 -kdfopt mode:COUNTER
    //   -kdfopt hexkey:03…03 -kdfopt salt:label -kdfopt info:context KBKDF
    assert_eq!(hex(&value(&session, derived)), KBKDF);
    for spoiled in 0..3 {
        let mut fields = fields.clone();
        fields[spoiled].ulValueLen += 1;
        if spoiled != 1 {
            assert_eq!(run(&mut fields), Err(Rv::MECHANISM_PARAM_INVALID));
        }
        fields[spoiled].pValue = null_mut();
        assert_eq!(run(&mut fields), Err(Rv::MECHANISM_PARAM_INVALID));
        fields[spoiled].type_ = 99;
        assert_eq!(run(&mut fields), Err(Rv::MECHANISM_PARAM_INVALID));
    }
    let mut many = vec![fields[1]; 17];
    assert_eq!(run(&mut many), Err(Rv::MECHANISM_PARAM_INVALID));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const KBKDF: &str = "58b892b1789e5a8b2239c9c6f2c9b374f36222f509a9134f8fa1a4840d2df2a4";

/// RFC 7914 section 11 has PBKDF2-HMAC-SHA256 of "passwd" and "salt" once.
#[test]
fn a_key_of_a_password() {
    let session = Session::new();
    let (password, salt) = (*b"passwd", *b"salt");
    let parameter = CK_PKCS5_PBKD2_PARAMS2 {
        saltSource: CKZ_SALT_SPECIFIED,
        pSaltSourceData: mutable(&salt).cast(),
        ulSaltSourceDataLen: 4,
        iterations: 1,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        pPrfData: null_mut(),
        ulPrfDataLen: 0,
        pPassword: mutable(&password),
        ulPasswordLen: 6,
    };
    let template = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 64);
    let make = |parameter: &CK_PKCS5_PBKD2_PARAMS2| {
        let mut mechanism = with_parameter(CKM_PKCS5_PBKD2, parameter);
        let (raw, mut key) = (template.raw(), 0);
        let count = raw.len() as _;
        let code = call!(
            C_GenerateKey,
            session.0,
            &mut mechanism,
            mutable(&raw),
            count,
            &mut key
        );
        Rv::from_code(code).map_or(Ok(key), Err)
    };
    let key = make(&parameter).expect("made");
    assert_eq!(
        hex(&value(&session, key)),
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
         49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
    );
    for spoil in [
        |p: &mut CK_PKCS5_PBKD2_PARAMS2| p.iterations = 0,
        |p: &mut CK_PKCS5_PBKD2_PARAMS2| p.iterations = CK_ULONG::MAX,
        |p: &mut CK_PKCS5_PBKD2_PARAMS2| p.ulPasswordLen = CK_ULONG::MAX,
        |p: &mut CK_PKCS5_PBKD2_PARAMS2| p.pPassword = null_mut(),
        |p: &mut CK_PKCS5_PBKD2_PARAMS2| p.prf = 2,
        |p: &mut CK_PKCS5_PBKD2_PARAMS2| p.saltSource = 9,
    ] {
        let mut spoiled = parameter;
        spoil(&mut spoiled);
        assert_eq!(make(&spoiled), Err(Rv::MECHANISM_PARAM_INVALID));
    }
    // NSS passes the structure of before 2.40, with a pointer to the length; a pointer to nowhere is
    // an error.
    let length: CK_ULONG = 6;
    let mut older = parameter;
    older.ulPasswordLen = std::ptr::from_ref(&length).expose_provenance() as _;
    let again = make(&older).expect("made");
    assert_eq!(value(&session, again), value(&session, key));
    for wild in [0x1_0000, 0x7fff_ffff_f000, CK_ULONG::MAX - 7] {
        older.ulPasswordLen = wild;
        assert_eq!(make(&older), Err(Rv::MECHANISM_PARAM_INVALID));
    }
}

/// A private key, through a key of RSA and through one of each kind of curve.
#[test]
fn wrapping_in_two_steps() {
    let session = Session::new();
    let p256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let x25519 = [0x06, 0x03, 0x2b, 0x65, 0x6e];
    let may_wrap = || Attributes::new().bool(CKA_WRAP, true);
    let may_unwrap = Attributes::new().bool(CKA_UNWRAP, true);
    let mut oaep = CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        source: CKZ_DATA_SPECIFIED,
        pSourceData: null_mut(),
        ulSourceDataLen: 0,
    };
    let rsa = CK_RSA_AES_KEY_WRAP_PARAMS {
        ulAESKeyBits: 256,
        pOAEPParams: &raw mut oaep,
    };
    let ecdh = CK_ECDH_AES_KEY_WRAP_PARAMS {
        ulAESKeyBits: 256,
        kdf: CKD_SHA256_KDF,
        ulSharedDataLen: 0,
        pSharedData: null_mut(),
    };
    let ec_params = |params: &[u8]| may_wrap().bytes(CKA_EC_PARAMS, params);
    for (pair, public, mechanism) in [
        (
            CKM_RSA_PKCS_KEY_PAIR_GEN,
            may_wrap().ulong(CKA_MODULUS_BITS, 2048),
            with_parameter(CKM_RSA_AES_KEY_WRAP, &rsa),
        ),
        (
            CKM_EC_KEY_PAIR_GEN,
            ec_params(&p256),
            with_parameter(CKM_ECDH_AES_KEY_WRAP, &ecdh),
        ),
        (
            CKM_EC_KEY_PAIR_GEN,
            ec_params(&p256),
            with_parameter(CKM_ECDH_COF_AES_KEY_WRAP, &ecdh),
        ),
        (
            CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
            ec_params(&x25519),
            with_parameter(CKM_ECDH_X_AES_KEY_WRAP, &ecdh),
        ),
    ] {
        let (public, private) = generate_pair(&session, pair, &public, &may_unwrap).expect("made");
        let target_public = Attributes::new().bytes(CKA_EC_PARAMS, &p256);
        let target = open(Attributes::new());
        let (_, target) =
            generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &target_public, &target).expect("made");
        let wrapped = wrap(&session, &mechanism, public, target).expect("wrapped");
        let template = Attributes::new()
            .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
            .ulong(CKA_KEY_TYPE, CKK_EC);
        let back = unwrap(&session, &mechanism, private, &wrapped, &open(template));
        assert_eq!(
            value(&session, back.expect("unwrapped")),
            value(&session, target)
        );
        // A secret key too.
        let hidden = base(&session, &[6; 20], false);
        let wrapped = wrap(&session, &mechanism, public, hidden).expect("wrapped");
        let back = unwrap(
            &session,
            &mechanism,
            private,
            &wrapped,
            &open(secret(CKK_GENERIC_SECRET)),
        );
        assert_eq!(value(&session, back.expect("unwrapped")), [6; 20]);
        let mut wrong = wrapped.clone();
        *wrong.last_mut().expect("not empty") ^= 1;
        let refused = unwrap(
            &session,
            &mechanism,
            private,
            &wrong,
            &secret(CKK_GENERIC_SECRET),
        );
        assert_eq!(refused, Err(Rv::WRAPPED_KEY_INVALID));
    }
}

/// "The salt should be ignored if bExtract is false", whatever stands in its fields.
#[test]
fn hkdf_that_only_expands_looks_at_no_salt() {
    let session = Session::new();
    let key = base(&session, &[3; 32], false);
    let expand = |salt_type| CK_HKDF_PARAMS {
        bExtract: CK_FALSE,
        bExpand: CK_TRUE,
        prfHashMechanism: CKM_SHA256,
        ulSaltType: salt_type,
        pSalt: null_mut(),
        ulSaltLen: 77,
        hSaltKey: 0,
        pInfo: mutable(b"info"),
        ulInfoLen: 4,
    };
    let template = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 40);
    let types = [
        CKF_HKDF_SALT_NULL,
        CKF_HKDF_SALT_DATA,
        CKF_HKDF_SALT_KEY,
        0,
        77,
    ];
    let made = types.map(|salt_type| {
        let parameter = expand(salt_type);
        let mechanism = with_parameter(CKM_HKDF_DERIVE, &parameter);
        value(
            &session,
            derive(&session, mechanism, key, &template).expect("derived"),
        )
    });
    assert!(made.iter().all(|value| *value == made[0]));
}
