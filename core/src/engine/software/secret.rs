//! Keys that are just bytes: HMAC keys and generic secrets.

use std::sync::Arc;

use super::digest::LONGEST_DIGEST;
use super::kdf::Hkdf;
use super::mac::{self, Hmac, HmacStream, check_tag_length};
use super::ready::Operations;
use super::table::Kind;
use crate::algorithm::HashAlgorithm;
use crate::engine::{Stream, check_room, unsupported};
use crate::error::Result;
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

/// An HMAC key or a generic secret.
pub(super) struct SecretKey {
    value: SecretBytes,
    /// The one hash of an HMAC key, with the key's blocks hashed already.
    keyed: Option<(HashAlgorithm, Hmac)>,
}

impl SecretKey {
    /// A key for HMAC with one hash.
    pub(super) fn hmac(hash: HashAlgorithm, value: SecretBytes) -> Self {
        let keyed = Some((hash, Hmac::new(hash, value.expose())));
        Self { value, keyed }
    }

    /// A secret for any hash.
    pub(super) fn generic(value: SecretBytes) -> Self {
        Self { value, keyed: None }
    }

    fn start(&self, purpose: Purpose, mechanism: &Mechanism) -> Result<(Hmac, usize)> {
        let Mechanism::Hmac { hash, tag_length } = mechanism else {
            return unsupported(purpose, mechanism);
        };
        let hmac = match &self.keyed {
            Some((own, keyed)) if own == hash => keyed.clone(),
            Some(_) => return unsupported(purpose, mechanism),
            None => Hmac::new(*hash, self.value.expose()),
        };
        check_tag_length(*tag_length, hash.length())?;
        Ok((hmac, *tag_length))
    }
}

impl Operations for SecretKey {
    fn kind(&self) -> Kind {
        match self.keyed {
            Some(_) => Kind::Hmac,
            None => Kind::Generic,
        }
    }

    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        _input: usize,
    ) -> Result<usize> {
        self.start(purpose, mechanism)
            .map(|(_, tag_length)| tag_length)
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let (mut hmac, tag_length) = self.start(purpose, mechanism)?;
        check_room(output, tag_length)?;
        hmac.update(input);
        let mut tag = [0; LONGEST_DIGEST];
        output[..tag_length].copy_from_slice(&hmac.finish(&mut tag)[..tag_length]);
        Ok(tag_length)
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let (mut hmac, tag_length) = self.start(purpose, mechanism)?;
        hmac.update(data);
        let mut tag = [0; LONGEST_DIGEST];
        mac::compare(&hmac.finish(&mut tag)[..tag_length], signature)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        let (hmac, tag_length) = self.start(purpose, mechanism)?;
        Ok(Box::new(HmacStream { hmac, tag_length }))
    }

    fn derive(&self, mechanism: &Mechanism, wanted: Option<usize>) -> Result<SecretBytes> {
        let Mechanism::Hkdf {
            hash,
            salt,
            info,
            extract,
            expand,
        } = mechanism
        else {
            return unsupported(Purpose::Derive, mechanism);
        };
        let hkdf = Hkdf {
            hash: *hash,
            salt,
            info,
            extract: *extract,
            expand: *expand,
        };
        hkdf.derive(self.value.expose(), wanted)
    }
}
