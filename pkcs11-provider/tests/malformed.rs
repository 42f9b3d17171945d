//! Encodings that are cut or changed at every byte: refused, or another good one; never more.

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::keys::{unwrap, wrap};
use crate::support::*;

/// Every beginning of an encoding, and every encoding with one byte changed.
fn spoiled(good: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..good.len()).map(|length| good[..length].to_vec());
    let changed = (0..good.len()).flat_map(|place| {
        [0, 0xff, good[place] ^ 0x80, good[place].wrapping_add(1)].map(|byte| {
            let mut changed = good.to_vec();
            changed[place] = byte;
            changed
        })
    });
    let longer = [good.to_vec(), vec![0]].concat();
    cut.chain(changed).chain([longer]).collect()
}

/// The answers of the standard to what a template says; none is a fault of the module.
#[track_caller]
fn judged(code: CK_RV) {
    let rv = Rv::from_code(code);
    assert!(
        matches!(
            rv,
            None | Some(
                Rv::ATTRIBUTE_VALUE_INVALID
                    | Rv::TEMPLATE_INCOMPLETE
                    | Rv::TEMPLATE_INCONSISTENT
                    | Rv::DOMAIN_PARAMS_INVALID
                    | Rv::CURVE_NOT_SUPPORTED
                    | Rv::KEY_SIZE_RANGE
                    | Rv::MECHANISM_PARAM_INVALID
                    | Rv::WRAPPED_KEY_INVALID
                    | Rv::WRAPPED_KEY_LEN_RANGE
            )
        ),
        "{rv:?}"
    );
}

fn ec(session: &Session) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let private = Attributes::new().all_true(&[CKA_DERIVE, CKA_EXTRACTABLE]);
    generate_pair(session, CKM_EC_KEY_PAIR_GEN, &public, &private).expect("made")
}

#[test]
fn curves_and_points() {
    let session = Session::new();
    let (public, private) = ec(&session);
    let point = get(&session, public, CKA_EC_POINT).expect("a point");
    let info = get(&session, public, CKA_PUBLIC_KEY_INFO).expect("a key");
    let key = |parameters: &[u8], point: &[u8]| {
        Attributes::new()
            .ulong(CKA_CLASS, CKO_PUBLIC_KEY)
            .ulong(CKA_KEY_TYPE, CKK_EC)
            .bytes(CKA_EC_PARAMS, parameters)
            .bytes(CKA_EC_POINT, point)
    };
    check(create(&session, &key(P256, &point)).0);
    for parameters in spoiled(P256) {
        judged(create(&session, &key(&parameters, &point)).0);
        let template = Attributes::new().bytes(CKA_EC_PARAMS, &parameters);
        let made = generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &template, &Attributes::new());
        judged(made.map_or_else(Rv::code, |_| CKR_OK));
    }
    for wrong in spoiled(&point) {
        judged(create(&session, &key(P256, &wrong)).0);
        let parameter = CK_ECDH1_DERIVE_PARAMS {
            kdf: CKD_NULL,
            ulSharedDataLen: 0,
            pSharedData: std::ptr::null_mut(),
            ulPublicDataLen: wrong.len() as _,
            pPublicData: mutable(&wrong),
        };
        let mut ecdh = with_parameter(CKM_ECDH1_DERIVE, &parameter);
        let mut derived = 0;
        let none = std::ptr::null_mut();
        judged(call!(
            C_DeriveKey,
            session.0,
            &mut ecdh,
            private,
            none,
            0,
            &mut derived
        ));
    }
    for wrong in spoiled(&info) {
        let key = key(P256, &point).bytes(CKA_PUBLIC_KEY_INFO, &wrong);
        judged(create(&session, &key).0);
    }
}

#[test]
fn rsa_numbers() {
    let session = Session::new();
    let public = Attributes::new().ulong(CKA_MODULUS_BITS, 2048);
    let private = Attributes::new()
        .bool(CKA_SENSITIVE, false)
        .bool(CKA_EXTRACTABLE, true);
    let pair = generate_pair(&session, CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private);
    let (_, private) = pair.expect("made");
    let numbers = [
        CKA_MODULUS,
        CKA_PUBLIC_EXPONENT,
        CKA_PRIVATE_EXPONENT,
        CKA_PRIME_1,
        CKA_PRIME_2,
        CKA_EXPONENT_1,
        CKA_EXPONENT_2,
        CKA_COEFFICIENT,
    ];
    let values = numbers.map(|number| get(&session, private, number).expect("open"));
    for (place, good) in values.iter().enumerate() {
        for wrong in [
            vec![],
            vec![0],
            vec![1],
            vec![0xff; 4096],
            good[1..].to_vec(),
            [&good[..], &[1]].concat(),
            [&[0, 0, 0][..], good].concat(),
        ] {
            let mut key = Attributes::new()
                .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
                .ulong(CKA_KEY_TYPE, CKK_RSA);
            for (other, number) in numbers.into_iter().enumerate() {
                let value = if other == place {
                    &wrong
                } else {
                    &values[other]
                };
                key = key.bytes(number, value);
            }
            judged(create(&session, &key).0);
        }
    }
}

#[test]
fn wrapped_keys() {
    let session = Session::new();
    let wrapping =
        Attributes::new()
            .ulong(CKA_VALUE_LEN, 32)
            .all_true(&[CKA_WRAP, CKA_UNWRAP, CKA_ENCRYPT]);
    let wrapping = generate(&session, CKM_AES_KEY_GEN, &wrapping).expect("made");
    let (_, private) = ec(&session);
    let iv = [7_u8; 16];
    let cbc = with_parameter(CKM_AES_CBC_PAD, &iv);
    let wrapped = wrap(&session, &cbc, wrapping, private).expect("wrapped");
    let template = Attributes::new()
        .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
        .ulong(CKA_KEY_TYPE, CKK_EC);
    unwrap(&session, &cbc, wrapping, &wrapped, &template).expect("unwrapped");
    for wrong in spoiled(&wrapped) {
        let made = unwrap(&session, &cbc, wrapping, &wrong, &template);
        judged(made.map_or_else(Rv::code, |_| CKR_OK));
    }
}
