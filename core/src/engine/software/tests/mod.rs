//! The engine against second implementations, published vectors and itself.

use std::sync::Arc;

use crate::algorithm::{HashAlgorithm, KeySpec};
use crate::encoding::{EcPrivateKey, EcPublicKey, NamedCurve, PublicKey};
use crate::engine::{Engine, NewKey, ReadyKey};
use crate::error::Result;
use crate::id::ObjectId;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Attributes, Material};
use crate::secret::SecretBytes;

use super::{SoftwareEngine, parse, ready_public_key};

mod derivations;
mod generation;
mod lattice;
mod measure;
mod second;
mod second_implementation;
mod streams;
mod table_walk;
mod threads;
mod vectors;
mod wrapped_lengths;
mod wycheproof_ciphers;
mod wycheproof_more;
mod wycheproof_sets;
mod wycheproof_vectors;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn secret_key(spec: KeySpec, value: &[u8]) -> Arc<dyn ReadyKey> {
    parse::secret(spec, &SecretBytes::from(value)).unwrap()
}

fn aes(value: &[u8]) -> Arc<dyn ReadyKey> {
    let bits = value.len() as u32 * 8;
    secret_key(KeySpec::Aes { bits }, value)
}

fn generic(value: &[u8]) -> Arc<dyn ReadyKey> {
    let bits = value.len() as u32 * 8;
    secret_key(KeySpec::GenericSecret { bits }, value)
}

fn private_key(pkcs8: &[u8]) -> Result<Arc<dyn ReadyKey>> {
    parse::private(&crate::encoding::PrivateKey::from_pkcs8(pkcs8)?)
}

fn public_key(spki: &[u8]) -> Result<Arc<dyn ReadyKey>> {
    ready_public_key(crate::encoding::public_key_spec(spki)?, spki)
}

fn pair_on(curve: NamedCurve, scalar: &[u8]) -> (Arc<dyn ReadyKey>, Arc<dyn ReadyKey>) {
    let key = EcPrivateKey::new(curve, scalar, None).unwrap();
    let public: EcPublicKey = key.public_key().unwrap();
    (
        parse::private(&crate::encoding::PrivateKey::Ec(key)).unwrap(),
        parse::public(&PublicKey::Ec(public)).unwrap(),
    )
}

/// A new key: private or secret half, and public half of a pair.
fn generate(spec: KeySpec) -> (SecretBytes, Option<Vec<u8>>) {
    let key = NewKey {
        id: ObjectId::random(),
        spec,
        attributes: &Attributes::default(),
        public_exponent: None,
    };
    let made = SoftwareEngine.generate(&key).unwrap();
    let Material::Secret(value) = made.secret else {
        panic!("no secret material");
    };
    (value, made.public)
}

fn run(
    key: &dyn ReadyKey,
    purpose: Purpose,
    mechanism: &Mechanism,
    input: &[u8],
) -> Result<Vec<u8>> {
    let mut output = vec![0; key.output_length(purpose, mechanism, input.len())?];
    let written = key.run(purpose, mechanism, input, &mut output)?;
    output.truncate(written);
    Ok(output)
}

/// The same in parts.
fn in_parts(
    key: &dyn ReadyKey,
    purpose: Purpose,
    mechanism: &Mechanism,
    input: &[u8],
    part: usize,
) -> Vec<u8> {
    let mut stream = key.stream(purpose, mechanism).unwrap();
    let mut output = vec![0; input.len() + 64];
    let mut written = 0;
    for data in input.chunks(part) {
        let most = stream.update_length(data.len());
        let room = &mut output[written..][..most];
        written += stream.update(data, room).unwrap();
    }
    let most = stream.finish_length();
    written += stream.finish(&mut output[written..][..most]).unwrap();
    output.truncate(written);
    output
}

pub(super) const ALL_HASHES: [HashAlgorithm; 12] = [
    HashAlgorithm::Sha1,
    HashAlgorithm::Sha224,
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
    HashAlgorithm::Sha512_224,
    HashAlgorithm::Sha512_256,
    HashAlgorithm::Sha3_224,
    HashAlgorithm::Sha3_256,
    HashAlgorithm::Sha3_384,
    HashAlgorithm::Sha3_512,
    HashAlgorithm::Sm3,
];
