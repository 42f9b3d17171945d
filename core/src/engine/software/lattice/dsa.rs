//! ML-DSA keys. The message representative μ (FIPS 204 algorithm 7, line 6) is computed here, so that messages can
//! come in parts and hashes be whichever PKCS#11 has; the crate signs and checks it.

use std::sync::Arc;

use ml_dsa::{
    B32, ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, VerifyingKey,
};
use shake::digest::{ExtendableOutput, Update, XofReader};
use shake::{Shake128, Shake256};
use zeroize::Zeroizing;

use super::{Expanded, Form, confused, dsa_expanded, invalid};
use crate::algorithm::LatticeSet;
use crate::encoding::{LatticePrivateKey, LatticePublicKey};
use crate::engine::software::digest::Hasher;
use crate::engine::software::random::{OsRandom, Zeros};
use crate::engine::software::ready::{Operations, length, parameter};
use crate::engine::software::signature::check_signature_length;
use crate::engine::software::table::Kind;
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Hedge, Mechanism, PreHash, Purpose};
use crate::secret::SecretBytes;

/// Bytes of μ and of the hash of a public key in it.
const MU: usize = 64;

/// Longest context (FIPS 204 algorithm 2).
const LONGEST_CONTEXT: usize = 255;

/// A private key, whatever its set.
trait Signer: Send + Sync {
    fn sign(&self, mu: &[u8; MU], deterministic: bool) -> Option<Vec<u8>>;
}

/// A public key, whatever its set.
trait Checker: Send + Sync {
    fn check(&self, mu: &[u8; MU], signature: &[u8]) -> bool;
}

impl<P: MlDsaParams + Send + Sync> Signer for ExpandedSigningKey<P>
where
    Self: Send + Sync,
{
    fn sign(&self, mu: &[u8; MU], deterministic: bool) -> Option<Vec<u8>> {
        let mu = mu.into();
        // Without randomness by way of zeros instead of it (FIPS 204 algorithm 2, line 5): the crate's own function
        // panics over a key with which no signature is found.
        let signature = if deterministic {
            self.sign_mu_randomized(mu, &mut Zeros)
        } else {
            self.sign_mu_randomized(mu, &mut OsRandom)
        };
        Some(signature.ok()?.encode().to_vec())
    }
}

impl<P: MlDsaParams + Send + Sync> Checker for VerifyingKey<P>
where
    Self: Send + Sync,
{
    fn check(&self, mu: &[u8; MU], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::<P>::try_from(signature) else {
            return false;
        };
        self.verify_mu(mu.into(), &signature)
    }
}

macro_rules! parameter_sets {
    ($($set:ident),*) => {
        pub(super) fn expand(set: LatticeSet, seed: &[u8]) -> Result<Expanded> {
            match set {
                $(LatticeSet::$set => expand_as::<$set>(seed),)*
                _ => confused(),
            }
        }

        fn signer(set: LatticeSet, form: Form<'_>) -> Result<Box<dyn Signer>> {
            match set {
                $(LatticeSet::$set => Ok(Box::new(signing_key::<$set>(set, form)?)),)*
                _ => confused(),
            }
        }

        pub(super) fn check_expanded(set: LatticeSet, expanded: &[u8]) -> Result<Vec<u8>> {
            match set {
                $(LatticeSet::$set => check_as::<$set>(set, expanded),)*
                _ => confused(),
            }
        }

        fn checker(set: LatticeSet, key: &[u8]) -> Result<Box<dyn Checker>> {
            let wrong = || invalid("not an ML-DSA public key");
            match set {
                $(LatticeSet::$set => {
                    let key = key.try_into().map_err(|_| wrong())?;
                    Ok(Box::new(VerifyingKey::<$set>::decode(key)))
                })*
                _ => confused(),
            }
        }
    };
}

parameter_sets!(MlDsa44, MlDsa65, MlDsa87);

// PKCS#11's CKA_VALUE is the expanded key, whatever the crate thinks of that form.
#[allow(deprecated)]
fn signing_key<P: MlDsaParams>(set: LatticeSet, form: Form<'_>) -> Result<ExpandedSigningKey<P>> {
    match form {
        Form::Seed(seed) => {
            let seed: &B32 = seed.try_into().map_err(|_| invalid("not an ML-DSA seed"))?;
            Ok(ExpandedSigningKey::from_seed(seed))
        }
        Form::Expanded(key) => {
            let wrong = || invalid("not an ML-DSA private key");
            if !dsa_expanded::is_consistent(set, key) {
                return Err(wrong());
            }
            Ok(ExpandedSigningKey::from_expanded(
                key.try_into().map_err(|_| wrong())?,
            ))
        }
    }
}

/// The public half of an expanded key, whose hash it must have.
fn check_as<P: MlDsaParams>(set: LatticeSet, expanded: &[u8]) -> Result<Vec<u8>> {
    let key = signing_key::<P>(set, Form::Expanded(expanded))?;
    let public = key.verifying_key().encode().to_vec();
    let mut shake = Shake256::default();
    shake.update(&public);
    if expanded.get(64..64 + MU) == Some(&squeeze(shake)[..]) {
        Ok(public)
    } else {
        Err(invalid("the halves of the pair do not belong together"))
    }
}

// As above.
#[allow(deprecated)]
fn expand_as<P: MlDsaParams>(seed: &[u8]) -> Result<Expanded> {
    let seed: &B32 = seed.try_into().map_err(|_| invalid("not an ML-DSA seed"))?;
    let key = ExpandedSigningKey::<P>::from_seed(seed);
    let private = Zeroizing::new(key.to_expanded().to_vec());
    Ok(Expanded {
        public: key.verifying_key().encode().to_vec(),
        private: SecretBytes::from(private.as_slice()),
    })
}

/// An ML-DSA key.
pub(in crate::engine::software) struct MlDsa {
    set: LatticeSet,
    checker: Box<dyn Checker>,
    signer: Option<Box<dyn Signer>>,
    /// SHAKE256 of the public key.
    public_hash: [u8; MU],
}

impl MlDsa {
    pub(in crate::engine::software) fn private(key: &LatticePrivateKey) -> Result<Self> {
        let mut made = Self::public(key.public_key())?;
        made.signer = Some(signer(key.set(), key.form())?);
        Ok(made)
    }

    pub(in crate::engine::software) fn public(key: &LatticePublicKey) -> Result<Self> {
        let mut shake = Shake256::default();
        shake.update(key.value());
        Ok(Self {
            set: key.set(),
            checker: checker(key.set(), key.value())?,
            signer: None,
            public_hash: squeeze(shake),
        })
    }

    fn begin(&self, purpose: Purpose, mechanism: &Mechanism) -> Result<Message> {
        let Mechanism::MlDsa {
            context,
            prehash,
            digested,
            ..
        } = mechanism
        else {
            return unsupported(purpose, mechanism);
        };
        if context.len() > LONGEST_CONTEXT {
            return Err(parameter("ML-DSA's context has 255 bytes at most"));
        }
        let mut start = Shake256::default();
        start.update(&self.public_hash);
        start.update(&[u8::from(prehash.is_some()), context.len() as u8]);
        start.update(context);
        Ok(match prehash {
            None => Message::Pure(start),
            Some(prehash) => {
                start.update(&identifier(*prehash));
                let state = if *digested {
                    HashState::Given(Vec::new(), digest_length(*prehash))
                } else {
                    HashState::new(*prehash)
                };
                Message::Hashed(start, Box::new(state))
            }
        })
    }

    fn sign_message(&self, mechanism: &Mechanism, message: Message) -> Result<Vec<u8>> {
        let (Some(signer), Mechanism::MlDsa { hedge, .. }) = (&self.signer, mechanism) else {
            return unsupported(Purpose::Sign, mechanism);
        };
        let mu = message.representative()?;
        let signature = signer.sign(&mu, *hedge == Hedge::Deterministic);
        signature.ok_or_else(|| Error::Internal("ML-DSA found no signature".to_owned()))
    }

    fn check_message(&self, message: Message, signature: &[u8]) -> Result<()> {
        check_signature_length(signature, self.set.output_length())?;
        if self.checker.check(&message.representative()?, signature) {
            Ok(())
        } else {
            Err(Error::SignatureInvalid)
        }
    }
}

/// A message on its way to μ.
#[derive(Clone)]
enum Message {
    Pure(Shake256),
    Hashed(Shake256, Box<HashState>),
}

/// The hash before HashML-DSA.
#[derive(Clone)]
enum HashState {
    Hasher(Box<Hasher>),
    Shake128(Shake128),
    Shake256(Shake256),
    /// The data is the digest, of this length.
    Given(Vec<u8>, usize),
}

impl HashState {
    fn new(prehash: PreHash) -> Self {
        match prehash {
            PreHash::Hash(hash) => Self::Hasher(Box::new(Hasher::new(hash))),
            PreHash::Shake128 => Self::Shake128(Shake128::default()),
            PreHash::Shake256 => Self::Shake256(Shake256::default()),
        }
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        match self {
            Self::Hasher(hasher) => hasher.update(data),
            Self::Shake128(shake) => shake.update(data),
            Self::Shake256(shake) => shake.update(data),
            Self::Given(digest, expected) => {
                if digest.len() + data.len() > *expected {
                    return Err(length("longer than a digest of that hash"));
                }
                digest.extend_from_slice(data);
            }
        }
        Ok(())
    }
}

impl Message {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        match self {
            Self::Pure(shake) => shake.update(data),
            Self::Hashed(_, state) => state.update(data)?,
        }
        Ok(())
    }

    fn representative(self) -> Result<[u8; MU]> {
        let (mut shake, state) = match self {
            Self::Pure(shake) => return Ok(squeeze(shake)),
            Self::Hashed(shake, state) => (shake, state),
        };
        match *state {
            HashState::Hasher(hasher) => shake.update(hasher.finish().as_ref()),
            // FIPS 204 section 5.4.1: 256 and 512 bits.
            HashState::Shake128(hash) => {
                let mut digest = [0; 32];
                hash.finalize_xof().read(&mut digest);
                shake.update(&digest);
            }
            HashState::Shake256(hash) => shake.update(&squeeze(hash)),
            HashState::Given(digest, expected) => {
                if digest.len() != expected {
                    return Err(length("not the length of a digest of that hash"));
                }
                shake.update(&digest);
            }
        }
        Ok(squeeze(shake))
    }
}

fn squeeze(shake: Shake256) -> [u8; MU] {
    let mut output = [0; MU];
    shake.finalize_xof().read(&mut output);
    output
}

fn digest_length(prehash: PreHash) -> usize {
    match prehash {
        PreHash::Hash(hash) => hash.length(),
        PreHash::Shake128 => 32,
        PreHash::Shake256 => 64,
    }
}

/// The object identifier of a hash, DER: 2.16.840.1.101.3.4.2.x (FIPS 204 section 5.4.1). SHA-1 and SM3 have none in
/// that arc and do not come here (the table).
fn identifier(prehash: PreHash) -> [u8; 11] {
    use crate::algorithm::HashAlgorithm as H;
    let last = match prehash {
        PreHash::Hash(H::Sha256) => 1,
        PreHash::Hash(H::Sha384) => 2,
        PreHash::Hash(H::Sha512) => 3,
        PreHash::Hash(H::Sha224) => 4,
        PreHash::Hash(H::Sha512_224) => 5,
        PreHash::Hash(H::Sha512_256) => 6,
        PreHash::Hash(H::Sha3_224) => 7,
        PreHash::Hash(H::Sha3_256) => 8,
        PreHash::Hash(H::Sha3_384) => 9,
        PreHash::Hash(H::Sha3_512) => 10,
        PreHash::Shake128 => 11,
        PreHash::Shake256 => 12,
        PreHash::Hash(H::Sha1 | H::Sm3) => 0,
    };
    [
        0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last,
    ]
}

impl Operations for MlDsa {
    fn kind(&self) -> Kind {
        Kind::MlDsa
    }

    fn is_public(&self) -> bool {
        self.signer.is_none()
    }

    fn output_length(
        &self,
        _purpose: Purpose,
        _mechanism: &Mechanism,
        _input: usize,
    ) -> Result<usize> {
        Ok(self.set.output_length())
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        check_room(output, self.set.output_length())?;
        let mut message = self.begin(purpose, mechanism)?;
        message.update(input)?;
        let signature = self.sign_message(mechanism, message)?;
        output[..signature.len()].copy_from_slice(&signature);
        Ok(signature.len())
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let mut message = self.begin(purpose, mechanism)?;
        message.update(data)?;
        self.check_message(message, signature)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        Ok(Box::new(MlDsaStream {
            key: Arc::clone(self),
            mechanism: mechanism.clone(),
            message: self.begin(purpose, mechanism)?,
        }))
    }
}

/// A signature in parts.
struct MlDsaStream {
    key: Arc<MlDsa>,
    mechanism: Mechanism,
    message: Message,
}

impl Stream for MlDsaStream {
    fn update_length(&self, _input: usize) -> usize {
        0
    }

    fn finish_length(&self) -> usize {
        self.key.set.output_length()
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        self.message.update(input)?;
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        check_room(output, self.finish_length())?;
        let signature = self
            .key
            .sign_message(&self.mechanism, self.message.clone())?;
        output[..signature.len()].copy_from_slice(&signature);
        Ok(signature.len())
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        self.key.check_message(self.message.clone(), signature)
    }
}
