//! Signatures as PKCS#11 lets them be written, and as the core wants them.

use std::borrow::Cow;

use keybridge_core::kms::Operation;
use keybridge_core::{KeySpec, Mechanism};

/// A signature to be verified, as long as its key makes them.
///
/// ECDSA (3.2, 6.3.1): "For signatures passed to a token for verification, the signature may have a
/// shorter length", r and s of equal length without the zeros that both start with: whoever has only the
/// numbers (Java, say) does not know the length of the order.
pub(super) fn whole<'a>(operation: &Operation, signature: &'a [u8]) -> Cow<'a, [u8]> {
    match (operation.mechanism(), operation.object().spec) {
        (Mechanism::Ecdsa | Mechanism::EcdsaHash { .. }, Some(KeySpec::Ec { curve })) => {
            padded(signature, curve.field_length())
        }
        _ => Cow::Borrowed(signature),
    }
}

/// Both halves with zeros before them; what no such signature can be stays as it is, to be refused.
fn padded(signature: &[u8], half: usize) -> Cow<'_, [u8]> {
    let (r, s) = signature.split_at(signature.len() / 2);
    if r.is_empty() || r.len() != s.len() || r.len() >= half {
        return Cow::Borrowed(signature);
    }
    let mut whole = vec![0; 2 * half];
    whole[half - r.len()..half].copy_from_slice(r);
    whole[2 * half - s.len()..].copy_from_slice(s);
    Cow::Owned(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_padded_each() {
        assert_eq!(*padded(&[1, 2, 3, 4], 3), [0, 1, 2, 0, 3, 4]);
        assert_eq!(*padded(&[1, 2], 3), [0, 0, 1, 0, 0, 2]);
        for as_it_is in [&[][..], &[1], &[1, 2, 3], &[1; 6], &[1; 8]] {
            assert_eq!(*padded(as_it_is, 3), *as_it_is);
        }
    }
}
