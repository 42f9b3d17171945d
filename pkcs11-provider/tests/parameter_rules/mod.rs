//! The parameters of mechanisms, by the rules of PKCS#11 3.2: for each structure what the text allows and what it
//! does not, through every function that the mechanism has.

#![allow(non_snake_case)] // Fields have the names of the standard.

mod ciphers;
mod derivations;
mod key_pairs;

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::mechanisms::registry::find;
use keybridge_pkcs11::rv::Rv;

use crate::mechanism_samples::*;
use crate::mechanism_table::attempt;

/// Functions that take a parameter.
const FUNCTIONS: [CK_FLAGS; 9] = [
    CKF_ENCRYPT,
    CKF_DECRYPT,
    CKF_SIGN,
    CKF_VERIFY,
    CKF_WRAP,
    CKF_UNWRAP,
    CKF_DERIVE,
    CKF_GENERATE,
    CKF_DIGEST,
];

type Parameter = (CK_VOID_PTR, CK_ULONG);

/// What was tried of a mechanism, and what must come of it.
struct Rules<'a> {
    ring: &'a mut KeyRing,
    wrong: Vec<String>,
}

impl Rules<'_> {
    fn expect(
        &mut self,
        kind: CK_MECHANISM_TYPE,
        what: &str,
        (pointer, length): Parameter,
        expected: Result<(), Rv>,
    ) {
        let row = find(kind).expect("a row");
        for flag in FUNCTIONS {
            if row.flags & flag == 0 {
                continue;
            }
            let mechanism = CK_MECHANISM {
                mechanism: kind,
                pParameter: pointer,
                ulParameterLen: length,
            };
            let done = attempt(self.ring, row, mechanism, flag);
            if done != expected {
                let name = row.name;
                self.wrong.push(format!(
                    "{name} {flag:x}, {what}: {done:?}, not {expected:?}"
                ));
            }
        }
    }

    fn right<T>(&mut self, kind: CK_MECHANISM_TYPE, what: &str, value: T) {
        self.expect(kind, what, parameter(value), Ok(()));
    }

    fn wrong<T>(&mut self, kind: CK_MECHANISM_TYPE, what: &str, value: T) {
        let refused = Err(Rv::MECHANISM_PARAM_INVALID);
        self.expect(kind, what, parameter(value), refused);
    }

    /// A structure cut, too long, or not there.
    fn whole<T: Copy>(&mut self, kind: CK_MECHANISM_TYPE, optional: bool, value: T) {
        let (pointer, length) = parameter([value, value]);
        let length = length / 2;
        self.expect(kind, "right", (pointer, length), Ok(()));
        let refused = Err(Rv::MECHANISM_PARAM_INVALID);
        for (what, parameter) in [
            ("cut", (pointer, length - 1)),
            ("too long", (pointer, length + 1)),
            ("one byte", (pointer, 1)),
            ("NULL", (null_mut(), length)),
        ] {
            self.expect(kind, what, parameter, refused);
        }
        let absent = if optional { Ok(()) } else { refused };
        self.expect(kind, "absent", (null_mut(), 0), absent);
    }

    fn bytes(&mut self, kind: CK_MECHANISM_TYPE, length: usize, optional: bool) {
        let given = |length: usize| (bytes(&[0xa6; 32]).cast(), length as CK_ULONG);
        let refused = Err(Rv::MECHANISM_PARAM_INVALID);
        for other in [1, length - 1, length + 1, 2 * length] {
            self.expect(kind, "another length", given(other), refused);
        }
        self.expect(kind, "NULL", (null_mut(), length as CK_ULONG), refused);
        let absent = if optional { Ok(()) } else { refused };
        self.expect(kind, "absent", (null_mut(), 0), absent);
        self.expect(kind, "right", given(length), Ok(()));
    }
}

#[track_caller]
fn judge(rules: impl FnOnce(&mut Rules<'_>)) {
    let mut ring = KeyRing::new();
    let mut judged = Rules {
        ring: &mut ring,
        wrong: Vec::new(),
    };
    rules(&mut judged);
    assert!(judged.wrong.is_empty(), "{:#?}", judged.wrong);
}

/// What no application may point to.
const NOWHERE: (CK_BYTE_PTR, CK_ULONG) = (null_mut(), 5);
