//! Ed25519 and X25519 keys.

use std::sync::Arc;

use aws_lc_rs::agreement::{self, X25519 as X25519_AGREEMENT};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, ParsedPublicKey};

use super::aws_lc::ed25519;
use super::ec::{agree, agree_with_new};
use super::ready::{Operations, parameter};
use super::signature::check_signature_length;
use super::table::Kind;
use crate::encoding::{EcPrivateKey, EcPublicKey};
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{KeyDerivation, Mechanism, Purpose};
use crate::secret::SecretBytes;

/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;

/// An Ed25519 key.
pub(super) struct Ed25519 {
    pair: Option<Ed25519KeyPair>,
    public: ParsedPublicKey,
    /// For the variants that `aws-lc-rs` does not expose.
    seed: Option<SecretBytes>,
    point: [u8; 32],
}

impl Ed25519 {
    pub(super) fn private(key: &EcPrivateKey) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(key.private_value().expose())
            .map_err(|_| invalid())?;
        let public = key.public_key()?;
        Ok(Self {
            pair: Some(pair),
            public: parse(public.point())?,
            seed: Some(key.private_value().clone()),
            point: public.point().try_into().map_err(|_| invalid())?,
        })
    }

    pub(super) fn public(key: &EcPublicKey) -> Result<Self> {
        Ok(Self {
            pair: None,
            public: parse(key.point())?,
            seed: None,
            point: key.point().try_into().map_err(|_| invalid())?,
        })
    }
}

fn parse(point: &[u8]) -> Result<ParsedPublicKey> {
    ParsedPublicKey::new(&ED25519, point).map_err(|_| invalid())
}

/// RFC 8032 section 8.3: Ed25519ctx wants a context.
fn check_context(prehash: bool, context: &[u8]) -> Result<()> {
    if context.len() > 255 || context.is_empty() && !prehash {
        Err(parameter("Ed25519's context has 1 to 255 bytes"))
    } else {
        Ok(())
    }
}

fn failed() -> Error {
    Error::Internal("AWS-LC failed in Ed25519 signing".to_owned())
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
        if let Mechanism::EddsaContext { prehash, context } = mechanism {
            check_context(*prehash, context)?;
            let Some(seed) = &self.seed else {
                return unsupported(purpose, mechanism);
            };
            let signature = ed25519::sign(seed.expose(), &self.point, *prehash, context, input);
            let signature = signature.map_err(|_| failed())?;
            output[..SIGNATURE].copy_from_slice(&signature);
            return Ok(SIGNATURE);
        }
        let signature = pair.try_sign(input).map_err(|_| failed())?;
        output[..SIGNATURE].copy_from_slice(signature.as_ref());
        Ok(SIGNATURE)
    }

    fn verify(
        &self,
        _purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        check_signature_length(signature, SIGNATURE)?;
        if let Mechanism::EddsaContext { prehash, context } = mechanism {
            check_context(*prehash, context)?;
            let signature = signature.first_chunk().ok_or(Error::SignatureInvalid)?;
            return ed25519::verify(&self.point, *prehash, context, data, signature)
                .map_err(|_| Error::SignatureInvalid);
        }
        self.public
            .verify_sig(data, signature)
            .map_err(|_| Error::SignatureInvalid)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        if let Mechanism::EddsaContext { prehash, context } = mechanism {
            check_context(*prehash, context)?;
        }
        Ok(Box::new(Parts {
            key: Arc::clone(self),
            purpose,
            mechanism: mechanism.clone(),
            data: Vec::new(),
        }))
    }
}

/// Most bytes signed or verified in parts: "the data must be processed twice", so they are kept until the end.
const LONGEST_DATA: usize = 64 << 20;

/// A signature in parts.
struct Parts {
    key: Arc<Ed25519>,
    purpose: Purpose,
    mechanism: Mechanism,
    data: Vec<u8>,
}

impl Stream for Parts {
    fn update_length(&self, _input: usize) -> usize {
        0
    }

    fn finish_length(&self) -> usize {
        SIGNATURE
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        if input.len() > LONGEST_DATA - self.data.len() {
            return Err(Error::DataLength(
                "Ed25519 signs 64 MiB in parts at most".to_owned(),
            ));
        }
        self.data.extend_from_slice(input);
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        if self.purpose != Purpose::Sign {
            return Err(Error::InvalidRequest("not a signing operation".to_owned()));
        }
        self.key
            .run(self.purpose, &self.mechanism, &self.data, output)
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        self.key
            .verify(self.purpose, &self.mechanism, &self.data, signature)
    }
}

/// An X25519 key.
pub(super) struct X25519 {
    private: Option<agreement::PrivateKey>,
    public: Vec<u8>,
}

impl X25519 {
    pub(super) fn private(key: &EcPrivateKey) -> Result<Self> {
        let scalar = key.private_value().expose();
        let private = agreement::PrivateKey::from_private_key(&X25519_AGREEMENT, scalar)
            .map_err(|_| Error::InvalidMaterial("not an X25519 key".to_owned()))?;
        Ok(Self {
            private: Some(private),
            public: key.public_key()?.point().to_vec(),
        })
    }

    pub(super) fn public(key: &EcPublicKey) -> Self {
        Self {
            private: None,
            public: key.point().to_vec(),
        }
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

    fn agree_with_new(
        &self,
        derivation: &KeyDerivation,
        length: Option<usize>,
    ) -> Result<(Vec<u8>, SecretBytes)> {
        agree_with_new(&X25519_AGREEMENT, &self.public, derivation, length)
    }

    fn point_length(&self) -> usize {
        self.public.len()
    }

    fn derive(&self, mechanism: &Mechanism, wanted: Option<usize>) -> Result<SecretBytes> {
        match &self.private {
            Some(private) => agree(private, mechanism, wanted),
            None => unsupported(Purpose::Derive, mechanism),
        }
    }
}
