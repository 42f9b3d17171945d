//! ML-KEM keys.

use std::sync::Arc;

use ml_kem::kem::Decapsulate;
use ml_kem::{B32, DecapsulationKey, EncapsulationKey, KeyExport, MlKem512, MlKem768, MlKem1024};
use zeroize::Zeroizing;

use super::{Expanded, Form, confused, invalid};
use crate::algorithm::LatticeSet;
use crate::encoding::{LatticePrivateKey, LatticePublicKey};
use crate::engine::software::random;
use crate::engine::software::ready::Operations;
use crate::engine::software::table::Kind;
use crate::engine::{Stream, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

/// An encapsulation key, whatever its set.
pub(super) trait Public: Send + Sync {
    /// A ciphertext and the secret in it, of 32 random bytes.
    fn encapsulate(&self, random: &[u8; 32]) -> (Vec<u8>, SecretBytes);
}

/// A decapsulation key, whatever its set.
trait Private: Send + Sync {
    /// The secret in a ciphertext; none for one of another length. One that was not made by encapsulation gives a
    /// secret too, and nobody knows it (implicit rejection).
    fn decapsulate(&self, ciphertext: &[u8]) -> Option<SecretBytes>;
}

macro_rules! parameter_sets {
    ($($set:ident $parameters:ident),*) => {
        $(
            impl Public for EncapsulationKey<$parameters> {
                fn encapsulate(&self, random: &[u8; 32]) -> (Vec<u8>, SecretBytes) {
                    let random: &B32 = random.into();
                    let (ciphertext, secret) = self.encapsulate_deterministic(random);
                    let secret = Zeroizing::new(<[u8; 32]>::from(secret));
                    (ciphertext.to_vec(), SecretBytes::from(secret.as_slice()))
                }
            }

            impl Private for DecapsulationKey<$parameters> {
                fn decapsulate(&self, ciphertext: &[u8]) -> Option<SecretBytes> {
                    let ciphertext = ciphertext.try_into().ok()?;
                    let secret = Decapsulate::decapsulate(self, ciphertext);
                    let secret = Zeroizing::new(<[u8; 32]>::from(secret));
                    Some(SecretBytes::from(secret.as_slice()))
                }
            }
        )*

        // PKCS#11's CKA_VALUE is the expanded key, whatever the crate thinks of that form.
        #[allow(deprecated)]
        pub(super) fn expand(set: LatticeSet, seed: &[u8]) -> Result<Expanded> {
            use ml_kem::ExpandedKeyEncoding;
            let seed = seed.try_into().map_err(|_| invalid("not an ML-KEM seed"))?;
            match set {
                $(LatticeSet::$set => {
                    let key = DecapsulationKey::<$parameters>::from_seed(seed);
                    let private = Zeroizing::new(key.to_expanded_bytes().to_vec());
                    Ok(Expanded {
                        public: key.encapsulation_key().to_bytes().to_vec(),
                        private: SecretBytes::from(private.as_slice()),
                    })
                })*
                _ => confused(),
            }
        }

        pub(super) fn public(set: LatticeSet, key: &[u8]) -> Result<Box<dyn Public>> {
            let wrong = || invalid("not an ML-KEM public key");
            match set {
                $(LatticeSet::$set => {
                    let key = key.try_into().map_err(|_| wrong())?;
                    let key = EncapsulationKey::<$parameters>::new(key);
                    Ok(Box::new(key.map_err(|_| wrong())?))
                })*
                _ => confused(),
            }
        }

        // As above.
        #[allow(deprecated)]
        fn private(set: LatticeSet, form: Form<'_>) -> Result<Box<dyn Private>> {
            match (set, form) {
                $((LatticeSet::$set, Form::Seed(seed)) => {
                    let seed = seed.try_into().map_err(|_| invalid("not an ML-KEM seed"))?;
                    Ok(Box::new(DecapsulationKey::<$parameters>::from_seed(seed)))
                })*
                $((LatticeSet::$set, Form::Expanded(key)) => {
                    let wrong = || invalid("not an ML-KEM private key");
                    let key = key.try_into().map_err(|_| wrong())?;
                    // Checks the public key in it and its hash (FIPS 203 section 7.3).
                    let key = DecapsulationKey::<$parameters>::from_expanded(key);
                    Ok(Box::new(key.map_err(|_| wrong())?))
                })*
                _ => confused(),
            }
        }
    };
}

/// The public half of an expanded key whose halves belong together.
pub(super) fn check_expanded(set: LatticeSet, expanded: &[u8]) -> Result<Vec<u8>> {
    // dk is the secret vector, the public key, its hash and z (FIPS 203 algorithm 16).
    const AFTER: usize = 64;
    let end = set.expanded_length() - AFTER;
    let public_key = expanded
        .get(end - set.public_length()..end)
        .ok_or_else(|| invalid("the private key has another length"))?;
    let private = private(set, Form::Expanded(expanded))?;
    let mut random = Zeroizing::new([0; 32]);
    random::fill(&mut *random)?;
    let (ciphertext, secret) = public(set, public_key)?.encapsulate(&random);
    if private.decapsulate(&ciphertext) == Some(secret) {
        Ok(public_key.to_vec())
    } else {
        Err(invalid("the halves of the pair do not belong together"))
    }
}

parameter_sets!(MlKem512 MlKem512, MlKem768 MlKem768, MlKem1024 MlKem1024);

/// An ML-KEM key.
pub(in crate::engine::software) struct MlKem {
    public: Box<dyn Public>,
    private: Option<Box<dyn Private>>,
}

impl MlKem {
    pub(in crate::engine::software) fn private(key: &LatticePrivateKey) -> Result<Self> {
        Ok(Self {
            public: public(key.set(), key.public_key().value())?,
            private: Some(private(key.set(), key.form())?),
        })
    }

    pub(in crate::engine::software) fn public(key: &LatticePublicKey) -> Result<Self> {
        Ok(Self {
            public: public(key.set(), key.value())?,
            private: None,
        })
    }
}

impl Operations for MlKem {
    fn kind(&self) -> Kind {
        Kind::MlKem
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

    fn encapsulate(&self, _mechanism: &Mechanism) -> Result<(Vec<u8>, SecretBytes)> {
        let mut random = Zeroizing::new([0; 32]);
        random::fill(&mut *random)?;
        Ok(self.public.encapsulate(&random))
    }

    fn decapsulate(&self, mechanism: &Mechanism, ciphertext: &[u8]) -> Result<SecretBytes> {
        match &self.private {
            Some(key) => key.decapsulate(ciphertext).ok_or_else(|| {
                Error::DataLength("not the length of a ciphertext of this key".to_owned())
            }),
            None => unsupported(Purpose::Decapsulate, mechanism),
        }
    }
}
