//! ML-KEM (FIPS 203) and ML-DSA (FIPS 204), on RustCrypto's `ml-kem` and `ml-dsa`: constant-time, and keys are made of
//! seeds, which is the form in which they are kept, unless they came without.
//!
//! The crates have a type for each parameter set; behind the traits here there is none.

use crate::algorithm::LatticeSet;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

pub(super) mod dsa;
mod dsa_expanded;
pub(super) mod kem;

/// A private key in either form.
#[derive(Clone, Copy)]
pub(crate) enum Form<'a> {
    /// The seed.
    Seed(&'a [u8]),
    /// What a seed expands to.
    Expanded(&'a [u8]),
}

/// What a seed gives.
pub(crate) struct Expanded {
    /// The public key (FIPS 203's encapsulation key, FIPS 204's public key).
    pub(crate) public: Vec<u8>,
    /// The private key as those standards have it.
    pub(crate) private: SecretBytes,
}

/// Computes both halves of a seed of the set's length.
pub(crate) fn expand(set: LatticeSet, seed: &[u8]) -> Result<Expanded> {
    if seed.len() != set.seed_length() {
        return Err(invalid("the seed has another length"));
    }
    if set.is_kem() {
        kem::expand(set, seed)
    } else {
        dsa::expand(set, seed)
    }
}

/// Checks an expanded private key as far as one without its seed can be, and gives its public half: what is written in
/// it must be what can be, agree with the hash in it, and undo what its public half does. It is from elsewhere, and
/// perhaps meant ill.
pub(crate) fn check_expanded(set: LatticeSet, expanded: &[u8]) -> Result<Vec<u8>> {
    if expanded.len() != set.expanded_length() {
        return Err(invalid("the private key has another length"));
    }
    if set.is_kem() {
        kem::check_expanded(set, expanded)
    } else {
        dsa::check_expanded(set, expanded)
    }
}

/// Checks a public key.
pub(crate) fn check_public(set: LatticeSet, public: &[u8]) -> Result<()> {
    if public.len() != set.public_length() {
        return Err(invalid("the public key has another length"));
    }
    if set.is_kem() {
        kem::public(set, public).map(drop)
    } else {
        Ok(())
    }
}

fn invalid(reason: &str) -> Error {
    Error::InvalidMaterial(reason.to_owned())
}

/// The other half of the sets was asked for: a fault of ours.
fn confused<T>() -> Result<T> {
    Err(Error::Internal(
        "ML-KEM and ML-DSA were mistaken for each other".to_owned(),
    ))
}
