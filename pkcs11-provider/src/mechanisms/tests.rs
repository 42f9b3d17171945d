//! The table against the core: every row can be converted, the core's engine has it for every function that its
//! flags promise, and its number is the one by which `CKA_ALLOWED_MECHANISMS` permits it.

use cryptoki_sys::*;
use keybridge_core::engine::Engine;
use keybridge_core::engine::software::SoftwareEngine;

use super::convert::to_core;
use super::registry::{Keys, MECHANISMS};
use super::samples::{purpose, sample, spec};
use super::{MechanismCall, ParameterShape, Parameters};

#[test]
fn the_core_has_what_the_table_promises() {
    for row in MECHANISMS {
        let Some(spec) = spec(row.keys) else {
            continue;
        };
        let call = MechanismCall {
            kind: row.kind,
            parameters: sample(row),
        };
        let mechanism = to_core(row, &call, Some(spec))
            .unwrap_or_else(|error| panic!("{}: {error:?}", row.name));
        for flag in [
            CKF_ENCRYPT,
            CKF_DECRYPT,
            CKF_SIGN,
            CKF_VERIFY,
            CKF_SIGN_RECOVER,
            CKF_VERIFY_RECOVER,
            CKF_WRAP,
            CKF_UNWRAP,
            CKF_DERIVE,
            CKF_ENCAPSULATE,
            CKF_DECAPSULATE,
        ] {
            if row.flags & flag != 0 {
                let purpose = purpose(row, flag);
                let has = SoftwareEngine.supports(spec, purpose, &mechanism);
                assert!(has, "{} {purpose:?}", row.name);
            }
        }
        let numbers = mechanism.pkcs11_numbers(Some(spec));
        assert!(numbers.contains(&row.kind), "{} {numbers:x?}", row.name);
    }
}

#[test]
fn parameters_of_another_shape_are_refused() {
    for row in MECHANISMS {
        let takes_any = matches!(
            row.shape,
            ParameterShape::None | ParameterShape::OptionalBytes
        );
        if takes_any || row.keys == Keys::None {
            continue;
        }
        for other in MECHANISMS {
            let bytes = |shape| {
                use ParameterShape as S;
                matches!(shape, S::Iv(_) | S::OptionalIv(_) | S::StringData)
            };
            let same =
                std::mem::discriminant(&sample(row)) == std::mem::discriminant(&sample(other));
            let fits = same
                || matches!(sample(other), Parameters::None)
                || bytes(row.shape) && bytes(other.shape);
            if fits {
                continue;
            }
            let call = MechanismCall {
                kind: row.kind,
                parameters: sample(other),
            };
            let made = to_core(row, &call, spec(row.keys));
            assert!(
                made.is_err(),
                "{} with the parameter of {}",
                row.name,
                other.name
            );
        }
    }
}
