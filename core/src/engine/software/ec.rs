//! Keys on the NIST curves (AWS-LC) and on secp256k1 (`k256`): ECDSA and ECDH.

use std::sync::Arc;

use aws_lc_rs::agreement;
use k256::ecdh::diffie_hellman;
use k256::ecdsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use k256::elliptic_curve::Generate;
use k256::elliptic_curve::sec1::ToSec1Point;
use k256::{NonZeroScalar, PublicKey};

use super::aws_lc::ec::EcKey;
use super::digest::Hasher;
use super::kdf;
use super::random::OsRandom;
use super::ready::{Operations, parameter};
use super::signature::{DigestSigner, SignatureStream, check_signature_length};
use super::table::Kind;
use crate::algorithm::Curve;
use crate::encoding::{EcPrivateKey, EcPublicKey};
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{KeyDerivation, Mechanism, Purpose};
use crate::secret::SecretBytes;

/// A key on a NIST curve.
pub(super) struct Nist {
    curve: Curve,
    key: EcKey,
    /// For ECDH; none for a public key.
    agreement: Option<agreement::PrivateKey>,
}

impl Nist {
    pub(super) fn private(curve: Curve, key: &EcPrivateKey) -> Result<Self> {
        let scalar = key.private_value().expose();
        let agreement =
            agreement::PrivateKey::from_private_key(agreement_algorithm(curve)?, scalar)
                .map_err(|_| out_of_range())?;
        Ok(Self {
            curve,
            key: EcKey::from_scalar(curve, scalar).map_err(|_| out_of_range())?,
            agreement: Some(agreement),
        })
    }

    pub(super) fn public(curve: Curve, key: &EcPublicKey) -> Result<Self> {
        Ok(Self {
            curve,
            key: EcKey::from_point(curve, key.point()).map_err(|_| not_on_curve())?,
            agreement: None,
        })
    }
}

fn out_of_range() -> Error {
    Error::InvalidMaterial("the private scalar is out of range".to_owned())
}

fn not_on_curve() -> Error {
    Error::InvalidMaterial("the public point is not on the curve".to_owned())
}

fn agreement_algorithm(curve: Curve) -> Result<&'static agreement::Algorithm> {
    match curve {
        Curve::P256 => Ok(&agreement::ECDH_P256),
        Curve::P384 => Ok(&agreement::ECDH_P384),
        Curve::P521 => Ok(&agreement::ECDH_P521),
        Curve::Secp256k1 => Err(Error::KeyUnsupported("ECDH on secp256k1".to_owned())),
    }
}

/// ECDH and what becomes of the secret; for X25519 too.
pub(super) fn agree(
    private: &agreement::PrivateKey,
    mechanism: &Mechanism,
    wanted: Option<usize>,
) -> Result<SecretBytes> {
    let Mechanism::Ecdh { peer, derivation } = mechanism else {
        return unsupported(Purpose::Derive, mechanism);
    };
    agree_on(private, peer, derivation, wanted)
}

/// The same with a key pair made for it, and its public point.
pub(super) fn agree_with_new(
    algorithm: &'static agreement::Algorithm,
    peer: &[u8],
    derivation: &KeyDerivation,
    wanted: Option<usize>,
) -> Result<(Vec<u8>, SecretBytes)> {
    let failed = |_| Error::Internal("AWS-LC failed in EC key generation".to_owned());
    let private = agreement::PrivateKey::generate(algorithm).map_err(failed)?;
    let public = private.compute_public_key().map_err(failed)?;
    let secret = agree_on(&private, peer, derivation, wanted)?;
    Ok((public.as_ref().to_vec(), secret))
}

fn agree_on(
    private: &agreement::PrivateKey,
    peer: &[u8],
    derivation: &KeyDerivation,
    wanted: Option<usize>,
) -> Result<SecretBytes> {
    let peer = agreement::UnparsedPublicKey::new(private.algorithm(), peer);
    // Refused: a point off the curve or at infinity, and for X25519 a peer that makes the secret zero.
    agreement::agree(private, peer, wrong_peer(), |secret| {
        key_of(secret, derivation, wanted)
    })
}

fn wrong_peer() -> Error {
    parameter("the peer's public key is not one of this curve")
}

/// What becomes of a shared secret.
fn key_of(secret: &[u8], derivation: &KeyDerivation, wanted: Option<usize>) -> Result<SecretBytes> {
    match derivation {
        KeyDerivation::None => kdf::keep_last(secret, wanted),
        KeyDerivation::X963 { hash, shared_info } => {
            kdf::x963(*hash, secret, shared_info, wanted.unwrap_or(hash.length()))
        }
        KeyDerivation::OneStep { hash, fixed_info } => {
            kdf::one_step(*hash, secret, fixed_info, wanted.unwrap_or(hash.length()))
        }
    }
}

/// ECDSA's two mechanisms, over whatever signs a digest.
macro_rules! ecdsa_operations {
    () => {
        fn output_length(
            &self,
            _purpose: Purpose,
            _mechanism: &Mechanism,
            _input: usize,
        ) -> Result<usize> {
            Ok(self.signature_length())
        }

        fn run(
            &self,
            purpose: Purpose,
            mechanism: &Mechanism,
            input: &[u8],
            output: &mut [u8],
        ) -> Result<usize> {
            let length = self.signature_length();
            check_room(output, length)?;
            let output = &mut output[..length];
            match mechanism {
                Mechanism::Ecdsa => self.sign_digest(mechanism, input, output)?,
                Mechanism::EcdsaHash { hash } => {
                    let digest = Hasher::digest(*hash, input);
                    self.sign_digest(mechanism, digest.as_ref(), output)?;
                }
                _ => return unsupported(purpose, mechanism),
            }
            Ok(length)
        }

        fn verify(
            &self,
            purpose: Purpose,
            mechanism: &Mechanism,
            data: &[u8],
            signature: &[u8],
        ) -> Result<()> {
            check_signature_length(signature, self.signature_length())?;
            match mechanism {
                Mechanism::Ecdsa => self.verify_digest(mechanism, data, signature),
                Mechanism::EcdsaHash { hash } => {
                    let digest = Hasher::digest(*hash, data);
                    self.verify_digest(mechanism, digest.as_ref(), signature)
                }
                _ => unsupported(purpose, mechanism),
            }
        }

        fn stream(
            self: &Arc<Self>,
            purpose: Purpose,
            mechanism: &Mechanism,
        ) -> Result<Box<dyn Stream>> {
            let Mechanism::EcdsaHash { hash } = mechanism else {
                return unsupported(purpose, mechanism);
            };
            let hasher = Hasher::new(*hash);
            Ok(SignatureStream::start(self, purpose, mechanism, hasher))
        }
    };
}

impl Operations for Nist {
    fn kind(&self) -> Kind {
        Kind::Nist
    }

    fn is_public(&self) -> bool {
        self.agreement.is_none()
    }

    ecdsa_operations!();

    fn agree_with_new(
        &self,
        derivation: &KeyDerivation,
        length: Option<usize>,
    ) -> Result<(Vec<u8>, SecretBytes)> {
        let peer = self.key.point().map_err(|_| not_on_curve())?;
        agree_with_new(agreement_algorithm(self.curve)?, &peer, derivation, length)
    }

    fn point_length(&self) -> usize {
        1 + 2 * self.curve.field_length()
    }

    fn derive(&self, mechanism: &Mechanism, wanted: Option<usize>) -> Result<SecretBytes> {
        match &self.agreement {
            Some(private) => agree(private, mechanism, wanted),
            None => unsupported(Purpose::Derive, mechanism),
        }
    }
}

impl DigestSigner for Nist {
    fn signature_length(&self) -> usize {
        2 * self.curve.field_length()
    }

    fn sign_digest(&self, _mechanism: &Mechanism, digest: &[u8], output: &mut [u8]) -> Result<()> {
        self.key
            .sign(digest, output)
            .map_err(|_| Error::Internal("AWS-LC failed in ECDSA signing".to_owned()))
    }

    fn verify_digest(&self, _mechanism: &Mechanism, digest: &[u8], signature: &[u8]) -> Result<()> {
        self.key
            .verify(digest, signature)
            .map_err(|_| Error::SignatureInvalid)
    }
}

/// A key on secp256k1. Signatures have the lower of the two possible s, as the programs that use this curve
/// want it; both are taken.
pub(super) struct Secp256k1 {
    signing: Option<SigningKey>,
    verifying: VerifyingKey,
}

/// Bytes of secp256k1's group order.
const ORDER: usize = 32;

impl Secp256k1 {
    pub(super) fn private(key: &EcPrivateKey) -> Result<Self> {
        let signing =
            SigningKey::from_slice(key.private_value().expose()).map_err(|_| out_of_range())?;
        Ok(Self {
            verifying: *signing.verifying_key(),
            signing: Some(signing),
        })
    }

    pub(super) fn public(key: &EcPublicKey) -> Result<Self> {
        Ok(Self {
            signing: None,
            verifying: VerifyingKey::from_sec1_bytes(key.point()).map_err(|_| not_on_curve())?,
        })
    }

    /// The leftmost bits of a digest, or the whole of a short one, as 32 bytes.
    fn cut(digest: &[u8]) -> [u8; ORDER] {
        let kept = &digest[..digest.len().min(ORDER)];
        let mut block = [0; ORDER];
        block[ORDER - kept.len()..].copy_from_slice(kept);
        block
    }
}

impl Operations for Secp256k1 {
    fn kind(&self) -> Kind {
        Kind::Secp256k1
    }

    fn is_public(&self) -> bool {
        self.signing.is_none()
    }

    ecdsa_operations!();

    fn agree_with_new(
        &self,
        derivation: &KeyDerivation,
        length: Option<usize>,
    ) -> Result<(Vec<u8>, SecretBytes)> {
        let failed = |_| Error::Internal("no random bytes to be had".to_owned());
        let private = NonZeroScalar::try_generate_from_rng(&mut OsRandom).map_err(failed)?;
        let secret = diffie_hellman(&private, self.verifying.as_affine());
        let key = key_of(secret.raw_secret_bytes(), derivation, length)?;
        let public = PublicKey::from_secret_scalar(&private);
        Ok((public.to_sec1_point(false).as_bytes().to_vec(), key))
    }

    fn point_length(&self) -> usize {
        1 + 2 * ORDER
    }

    fn derive(&self, mechanism: &Mechanism, wanted: Option<usize>) -> Result<SecretBytes> {
        let (Some(key), Mechanism::Ecdh { peer, derivation }) = (&self.signing, mechanism) else {
            return unsupported(Purpose::Derive, mechanism);
        };
        // Refused: a point off the curve or at infinity. There are no others of small order (the cofactor is 1).
        let peer = PublicKey::from_sec1_bytes(peer).map_err(|_| wrong_peer())?;
        let secret = diffie_hellman(key.as_nonzero_scalar(), peer.as_affine());
        key_of(secret.raw_secret_bytes(), derivation, wanted)
    }
}

impl DigestSigner for Secp256k1 {
    fn signature_length(&self) -> usize {
        2 * ORDER
    }

    fn sign_digest(&self, mechanism: &Mechanism, digest: &[u8], output: &mut [u8]) -> Result<()> {
        let Some(key) = &self.signing else {
            return unsupported(Purpose::Sign, mechanism);
        };
        let signature: Signature = key
            .sign_prehash_with_rng(&mut OsRandom, &Self::cut(digest))
            .map_err(|_| Error::Internal("ECDSA signing failed".to_owned()))?;
        output.copy_from_slice(&signature.to_bytes());
        Ok(())
    }

    fn verify_digest(&self, _mechanism: &Mechanism, digest: &[u8], signature: &[u8]) -> Result<()> {
        let signature = Signature::from_slice(signature).map_err(|_| Error::SignatureInvalid)?;
        self.verifying
            .verify_prehash(&Self::cut(digest), &signature.normalize_s())
            .map_err(|_| Error::SignatureInvalid)
    }
}
