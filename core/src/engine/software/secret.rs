//! Keys that are just bytes: HMAC keys and generic secrets.

use std::sync::Arc;

use super::derive;
use super::digest::LONGEST_DIGEST;
use super::functions;
use super::mac::{self, Hmac, HmacStream, check_tag_length};
use super::ready::{Operations, parameter};
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

    /// TLS 1.2's verify data.
    fn finished(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        handshake: &[u8],
    ) -> Result<SecretBytes> {
        let Mechanism::TlsMac {
            hash,
            server,
            tag_length,
        } = mechanism
        else {
            return unsupported(purpose, mechanism);
        };
        // RFC 5246 section 7.4.9: 12 bytes or more.
        if !(12..=LONGEST_DIGEST).contains(tag_length) {
            return Err(parameter("TLS verify data has 12 to 64 bytes"));
        }
        let label: &[u8] = if *server {
            b"server finished"
        } else {
            b"client finished"
        };
        derive::tls_prf(*hash, self.value.expose(), &[label, handshake], *tag_length)
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
        if let Mechanism::TlsMac { tag_length, .. } = mechanism {
            return Ok(*tag_length);
        }
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
        if let Mechanism::TlsMac { tag_length, .. } = mechanism {
            check_room(output, *tag_length)?;
            let tag = self.finished(purpose, mechanism, input)?;
            output[..*tag_length].copy_from_slice(tag.expose());
            return Ok(*tag_length);
        }
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
        if let Mechanism::TlsMac { .. } = mechanism {
            let tag = self.finished(purpose, mechanism, data)?;
            return mac::compare(tag.expose(), signature);
        }
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
        if let Mechanism::Kdf { hash, function } = mechanism {
            return functions::derive(*hash, function, self.value.expose(), wanted);
        }
        derive::from_bytes(self.value.expose(), mechanism, wanted)
    }
}
