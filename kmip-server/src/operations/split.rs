//! How a key is split: what Create Split Key, Join Split Key and registered shares have in common
//! (1.4 section 2.2.5; 2.1 section 2.8).

use keybridge_core::engine::software::sharing::Sharing;
use keybridge_core::model::AttributeValue as Kept;
use keybridge_core::{Object, SecretBytes};
use keybridge_kmip::enums::SplitKeyMethod;
use keybridge_kmip::item::BigInteger;

use crate::attributes::{Draft, kept_number, notes};
use crate::failure::{Failure, Result};

/// Parts and threshold of a key, and the method.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) parts: i32,
    pub(super) threshold: i32,
    pub(super) method: SplitKeyMethod,
    pub(super) prime: Option<BigInteger>,
}

impl Shape {
    /// Refuses what is no way to split a key.
    pub(super) fn check(&self) -> Result<()> {
        let known = matches!(
            self.method,
            SplitKeyMethod::XOR
                | SplitKeyMethod::PolynomialSharingGF2_16
                | SplitKeyMethod::PolynomialSharingPrimeField
                | SplitKeyMethod::PolynomialSharingGF2_8
        );
        if !known {
            return Err(Failure::invalid_field(format!(
                "split key method {} is not known",
                self.method
            )));
        }
        if self.threshold < 1 || self.parts < self.threshold {
            return Err(Failure::invalid_field(
                "the Split Key Threshold is 1 to the number of Split Key Parts",
            ));
        }
        if self.method == SplitKeyMethod::XOR && self.threshold != self.parts {
            return Err(Failure::invalid_field("of XOR all parts are needed"));
        }
        if self.method == SplitKeyMethod::PolynomialSharingPrimeField && self.prime.is_none() {
            return Err(Failure::invalid_message("the Prime Field Size is missing"));
        }
        Ok(())
    }

    /// The field in which it is shared.
    pub(super) fn sharing(&self) -> Result<Field> {
        Ok(Field(match self.method {
            SplitKeyMethod::XOR => Sharing::Xor,
            SplitKeyMethod::PolynomialSharingGF2_8 => Sharing::Gf8,
            SplitKeyMethod::PolynomialSharingGF2_16 => Sharing::Gf16,
            _ => {
                let prime = self.prime.as_ref().and_then(BigInteger::as_unsigned);
                let prime = prime
                    .ok_or_else(|| Failure::invalid_field("the Prime Field Size is no prime"))?;
                Sharing::Prime(prime.to_vec())
            }
        }))
    }

    /// Parts and threshold.
    pub(super) fn numbers(&self) -> (u32, u32) {
        (self.parts.unsigned_abs(), self.threshold.unsigned_abs())
    }

    /// Keeps it with a share.
    pub(super) fn note(&self, draft: &mut Draft, part: i32) -> Result<()> {
        let number = |number: i32| {
            u32::try_from(number).map_err(|_| Failure::invalid_field("a number is negative"))
        };
        draft.note(notes::SPLIT_PARTS, number(self.parts)?);
        draft.note(notes::SPLIT_PART, number(part)?);
        draft.note(notes::SPLIT_THRESHOLD, number(self.threshold)?);
        draft.note(notes::SPLIT_METHOD, self.method.0);
        if let Some(prime) = &self.prime {
            draft.note_bytes(notes::SPLIT_PRIME, prime.as_signed().to_vec());
        }
        Ok(())
    }

    /// That of a share, and which part the share is.
    pub(super) fn of(object: &Object) -> Result<(Self, i32)> {
        let number = |key| {
            kept_number(object, key)
                .and_then(|number| i32::try_from(number).ok())
                .ok_or_else(|| Failure::invalid_field("the object is no share of a key"))
        };
        let prime = object.attributes.custom.get(notes::SPLIT_PRIME);
        let prime = prime.and_then(|kept| match &kept.first()?.value {
            Kept::Bytes(bytes) => Some(BigInteger::from_signed(bytes)),
            _ => None,
        });
        let shape = Self {
            parts: number(notes::SPLIT_PARTS)?,
            threshold: number(notes::SPLIT_THRESHOLD)?,
            method: SplitKeyMethod(
                kept_number(object, notes::SPLIT_METHOD).unwrap_or(SplitKeyMethod::XOR.0),
            ),
            prime,
        };
        Ok((shape, number(notes::SPLIT_PART)?))
    }
}

/// The field, with the door's errors.
pub(super) struct Field(Sharing);

impl Field {
    /// Splits a secret.
    pub(super) fn split(
        &self,
        secret: &SecretBytes,
        (parts, threshold): (u32, u32),
    ) -> Result<Vec<SecretBytes>> {
        self.0
            .split(secret, parts, threshold)
            .map_err(Failure::from)
    }

    /// Joins shares.
    pub(super) fn join(
        &self,
        shares: &[(u32, SecretBytes)],
        length: Option<usize>,
    ) -> Result<SecretBytes> {
        self.0.join(shares, length).map_err(Failure::from)
    }
}
