//! Ed25519 and X25519 keys.

use std::sync::Arc;

use aws_lc_rs::agreement::{self, X25519 as X25519_AGREEMENT};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, ParsedPublicKey};

use super::ec::agree;
use super::ready::Operations;
use super::signature::check_signature_length;
use super::table::Kind;
use crate::encoding::{EcPrivateKey, EcPublicKey};
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;

/// An Ed25519 key.
pub(super) struct Ed25519 {
    pair: Option<Ed25519KeyPair>,
    public: ParsedPublicKey,
}

impl Ed25519 {
    pub(super) fn private(key: &EcPrivateKey) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(key.private_value().expose())
            .map_err(|_| invalid())?;
        Ok(Self {
            pair: Some(pair),
            public: parse(key.public_key()?.point())?,
        })
    }

    pub(super) fn public(key: &EcPublicKey) -> Result<Self> {
        Ok(Self {
            pair: None,
            public: parse(key.point())?,
        })
    }
}

fn parse(point: &[u8]) -> Result<ParsedPublicKey> {
    ParsedPublicKey::new(&ED25519, point).map_err(|_| invalid())
}

fn invalid() -> Error {
    Error::InvalidMaterial("not an Ed25519 key".to_owned())
}

impl Operations for Ed25519 {
    fn kind(&self) -> Kind {
        Kind::Ed25519
    }

    fn is_public(&self) -> bool {
        self.pair.is_none()
    }

    fn output_length(
        &self,
        _purpose: Purpose,
        _mechanism: &Mechanism,
        _input: usize,
    ) -> Result<usize> {
        Ok(SIGNATURE)
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let Some(pair) = &self.pair else {
            return unsupported(purpose, mechanism);
        };
        check_room(output, SIGNATURE)?;
        let signature = pair
            .try_sign(input)
            .map_err(|_| Error::Internal("AWS-LC failed in Ed25519 signing".to_owned()))?;
        output[..SIGNATURE].copy_from_slice(signature.as_ref());
        Ok(SIGNATURE)
    }

    fn verify(
        &self,
        _purpose: Purpose,
        _mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        check_signature_length(signature, SIGNATURE)?;
        self.public
            .verify_sig(data, signature)
            .map_err(|_| Error::SignatureInvalid)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        unsupported(purpose, mechanism)
    }
}

/// An X25519 key. A public one does nothing here by itself.
pub(super) struct X25519 {
    private: Option<agreement::PrivateKey>,
}

impl X25519 {
    pub(super) fn private(key: &EcPrivateKey) -> Result<Self> {
        let scalar = key.private_value().expose();
        let private = agreement::PrivateKey::from_private_key(&X25519_AGREEMENT, scalar)
            .map_err(|_| Error::InvalidMaterial("not an X25519 key".to_owned()))?;
        Ok(Self {
            private: Some(private),
        })
    }

    pub(super) fn public() -> Self {
        Self { private: None }
    }
}

impl Operations for X25519 {
    fn kind(&self) -> Kind {
        Kind::X25519
    }

    fn is_public(&self) -> bool {
        self.private.is_none()
    }

    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        _input: usize,
    ) -> Result<usize> {
        unsupported(purpose, mechanism)
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        _input: &[u8],
        _output: &mut [u8],
    ) -> Result<usize> {
        unsupported(purpose, mechanism)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        unsupported(purpose, mechanism)
    }

    fn derive(&self, mechanism: &Mechanism, wanted: Option<usize>) -> Result<SecretBytes> {
        match &self.private {
            Some(private) => agree(private, mechanism, wanted),
            None => unsupported(Purpose::Derive, mechanism),
        }
    }
}
