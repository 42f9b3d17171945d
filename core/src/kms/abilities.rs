//! What can be done with keys of a protection, for doors that tell.

use super::Kms;
use crate::algorithm::KeySpec;
use crate::engine::Engine;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::Protection;

/// Where something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this process.
    Software,
    /// In the HSM.
    Hsm,
}

impl Kms {
    /// Where keys of this kind and protection are made; none if they are not.
    #[must_use]
    pub fn makes(&self, protection: &Protection, spec: KeySpec) -> Option<Place> {
        let engine = self.engines.by_protection(protection).ok()?;
        engine.generates(spec).then_some(place(protection))
    }

    /// Where a purpose of keys of this kind and protection is done; none if it is not. What a public key is enough
    /// for is done in software, wherever the private half is.
    #[must_use]
    pub fn does(
        &self,
        protection: &Protection,
        spec: KeySpec,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Option<Place> {
        let public = matches!(
            purpose,
            Purpose::Encrypt | Purpose::Verify | Purpose::VerifyRecover | Purpose::Wrap
        );
        if spec.is_asymmetric() && public {
            let software = &self.engines.software;
            let does = software.supports(spec, purpose, mechanism);
            return does.then_some(Place::Software);
        }
        let engine = self.engines.by_protection(protection).ok()?;
        let does = engine.supports(spec, purpose, mechanism);
        does.then_some(place(protection))
    }
}

const fn place(protection: &Protection) -> Place {
    match protection {
        Protection::Software => Place::Software,
        Protection::Hsm(_) => Place::Hsm,
    }
}
