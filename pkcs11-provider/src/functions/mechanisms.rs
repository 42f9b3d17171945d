//! Which mechanisms a token has.
//!
//! A token whose new keys live in software has all of the table. One whose new keys live in an HSM
//! shows what that HSM does with them, and what a public key or no key is enough for; session keys
//! and keys that were brought in are used in software all the same, by every mechanism of the table.

use cryptoki_sys::*;
use keybridge_core::kms::Place;
use keybridge_core::{KeySpec, Protection};

use super::messages::message_flags;
use crate::attributes::kinds::algorithms_of;
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::to_core;
use crate::mechanisms::registry::{self, Family, Keys, MECHANISMS, Row};
use crate::mechanisms::samples::{purpose, sample, spec};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::slot::Slot;
use crate::token::Token;

/// `CK_MECHANISM_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MechanismInformation {
    /// `ulMinKeySize`.
    pub min_key_size: CK_ULONG,
    /// `ulMaxKeySize`.
    pub max_key_size: CK_ULONG,
    /// `flags`.
    pub flags: CK_FLAGS,
}

/// The functions for which a key is used.
const USES: [CK_FLAGS; 11] = [
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
];

impl Instance {
    /// `C_GetMechanismList`.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`.
    pub fn mechanism_list(&self, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>> {
        self.slot(slot).map(mechanisms_of)
    }

    /// `C_GetMechanismInfo`.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`, `CKR_MECHANISM_INVALID`.
    pub fn mechanism_information(
        &self,
        slot: CK_SLOT_ID,
        kind: CK_MECHANISM_TYPE,
    ) -> Result<MechanismInformation> {
        let slot = self.slot(slot)?;
        let row = registry::find(kind).ok_or(Rv::MECHANISM_INVALID)?;
        Ok(MechanismInformation {
            min_key_size: row.sizes.0,
            max_key_size: row.sizes.1,
            flags: flags(slot, row).ok_or(Rv::MECHANISM_INVALID)?,
        })
    }
}

/// The mechanisms of a slot's token.
pub(super) fn mechanisms_of(slot: &Slot) -> Vec<CK_MECHANISM_TYPE> {
    let rows = MECHANISMS.iter();
    rows.filter(|row| flags(slot, row).is_some())
        .map(|row| row.kind)
        .collect()
}

/// `CK_MECHANISM_INFO.flags`; none for a mechanism that the token has not.
fn flags(slot: &Slot, row: &Row) -> Option<CK_FLAGS> {
    let token = &*slot.token;
    if is_denied(token, row) {
        return None;
    }
    if token.protection() == Protection::Software || matches!(row.family, Family::Digest(_)) {
        return Some(row.flags | message_flags(row));
    }
    if let Family::Generate(key_type) = row.family {
        let made = algorithms_of(key_type)
            .into_iter()
            .any(|spec| token.makes(spec).is_some());
        return made.then_some(row.flags | CKF_HW);
    }
    uses(token, row)
}

/// Whether a token's policy denies a mechanism: by its own number, or by that of one that is the same to the
/// core, which refuses both.
fn is_denied(token: &dyn Token, row: &Row) -> bool {
    if token.denies(row.kind) {
        return true;
    }
    let spec = spec(row.keys);
    let call = MechanismCall {
        kind: row.kind,
        parameters: sample(row),
    };
    spec.is_some()
        && to_core(row, &call, spec).is_ok_and(|mechanism| {
            let numbers = mechanism.pkcs11_numbers(spec);
            numbers.iter().any(|number| token.denies(*number))
        })
}

/// What an HSM does of a mechanism, and what is done for its keys beside it.
fn uses(token: &dyn Token, row: &Row) -> Option<CK_FLAGS> {
    let call = MechanismCall {
        kind: row.kind,
        parameters: sample(row),
    };
    // A parameter that fits one kind of key is enough: only its form is asked for.
    let mechanism = to_core(row, &call, spec(row.keys)).ok()?;
    let mut done = 0;
    let mut hardware = 0;
    for flag in USES.into_iter().filter(|flag| row.flags & flag != 0) {
        let purpose = purpose(row, flag);
        let places = kinds(row.keys).into_iter();
        let places = places.filter_map(|spec| token.does(spec, purpose, &mechanism));
        for place in places {
            done |= flag;
            if place == Place::Hsm {
                hardware = CKF_HW;
            }
        }
    }
    // With what public keys do alone, there would be something to verify and nothing to sign.
    if hardware == 0 {
        return None;
    }
    let information = row.flags & !USES.into_iter().fold(0, |all, flag| all | flag);
    let messages = [
        (CKF_ENCRYPT, CKF_MESSAGE_ENCRYPT),
        (CKF_DECRYPT, CKF_MESSAGE_DECRYPT),
        (CKF_SIGN, CKF_MESSAGE_SIGN),
        (CKF_VERIFY, CKF_MESSAGE_VERIFY),
    ];
    let absent = messages
        .into_iter()
        .filter(|(flag, _)| done & flag == 0)
        .fold(0, |all, (_, message)| all | message);
    Some(done | hardware | information | (message_flags(row) & !absent))
}

/// Kinds of keys that a mechanism takes: those among which an HSM may choose.
fn kinds(keys: Keys) -> Vec<KeySpec> {
    match keys {
        Keys::Agreement => algorithms_of(CKK_EC)
            .into_iter()
            .chain(algorithms_of(CKK_EC_MONTGOMERY))
            .collect(),
        Keys::Ec => algorithms_of(CKK_EC),
        keys => spec(keys).into_iter().collect(),
    }
}
