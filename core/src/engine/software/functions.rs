//! The derivation functions that KMIP has and PKCS#11 has not so: PBKDF2, HMAC and a chain of HMACs.

use zeroize::Zeroizing;

use super::digest::LONGEST_DIGEST;
use super::kdf::{keep_first, room};
use super::mac::Hmac;
use super::ready::parameter;
use crate::algorithm::HashAlgorithm;
use crate::error::Result;
use crate::mechanism::Kdf;
use crate::secret::SecretBytes;

/// Iterations of PBKDF2 that one call may ask for: some seconds.
const MOST_ITERATIONS: u32 = 10_000_000;

/// A digest-sized secret.
type Block = Zeroizing<[u8; LONGEST_DIGEST]>;

/// Derives `wanted` bytes, or what the hash is long.
pub(super) fn derive(
    hash: HashAlgorithm,
    function: &Kdf,
    secret: &[u8],
    wanted: Option<usize>,
) -> Result<SecretBytes> {
    let length = wanted.unwrap_or(hash.length());
    match function {
        Kdf::Hmac { data } => {
            let mac = hmac(&Hmac::new(hash, secret), &[data.expose()]);
            keep_first(SecretBytes::from(&mac[..hash.length()]), wanted)
        }
        Kdf::Pbkdf2 { salt, iterations } => pbkdf2(hash, secret, salt, *iterations, length),
        Kdf::Chain { prefix, data } => {
            let mut key = Zeroizing::new([*prefix, secret].concat());
            for datum in data {
                let mac = hmac(&Hmac::new(hash, &key), &[datum.expose()]);
                key = Zeroizing::new(mac[..hash.length()].to_vec());
            }
            if data.is_empty() {
                return Err(parameter("no data to derive from"));
            }
            keep_first(SecretBytes::from(key.as_slice()), wanted)
        }
    }
}

fn hmac(keyed: &Hmac, parts: &[&[u8]]) -> Block {
    let mut hmac = keyed.clone();
    for part in parts {
        hmac.update(part);
    }
    let mut mac = Zeroizing::new([0; LONGEST_DIGEST]);
    hmac.finish(&mut mac);
    mac
}

/// Blocks of a pseudorandom function, numbered from 1.
fn blocks(
    hash: HashAlgorithm,
    wanted: usize,
    mut block: impl FnMut([u8; 4]) -> Block,
) -> Result<SecretBytes> {
    let mut derived = room(wanted)?;
    for (counter, part) in (1u32..).zip(derived.chunks_mut(hash.length())) {
        part.copy_from_slice(&block(counter.to_be_bytes())[..part.len()]);
    }
    Ok(SecretBytes::from(derived.as_slice()))
}

fn pbkdf2(
    hash: HashAlgorithm,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    wanted: usize,
) -> Result<SecretBytes> {
    if !(1..=MOST_ITERATIONS).contains(&iterations) {
        return Err(parameter("PBKDF2 has 1 to 10 million iterations"));
    }
    let keyed = Hmac::new(hash, password);
    let length = hash.length();
    blocks(hash, wanted, |counter| {
        let mut last = hmac(&keyed, &[salt, &counter]);
        let mut all = last.clone();
        for _ in 1..iterations {
            last = hmac(&keyed, &[&last[..length]]);
            for (byte, other) in all.iter_mut().zip(last.iter()) {
                *byte ^= other;
            }
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
            .collect()
    }

    fn derived(hash: HashAlgorithm, function: &Kdf, secret: &[u8], wanted: usize) -> Vec<u8> {
        let derived = derive(hash, function, secret, Some(wanted));
        derived.expect("derive").expose().to_vec()
    }

    /// RFC 6070, of SHA-1.
    #[test]
    fn pbkdf2_is_the_rfcs() {
        let of = |iterations| {
            let salt = b"salt".to_vec();
            let function = Kdf::Pbkdf2 { salt, iterations };
            derived(HashAlgorithm::Sha1, &function, b"password", 20)
        };
        assert_eq!(of(1), bytes("0c60c80f961f0e71f3a9b524af6012062fe037a6"));
        assert_eq!(of(2), bytes("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"));
        assert_eq!(of(4096), bytes("4b007901b765489abead49d926f721d065a429c1"));
        let salt = b"salt".to_vec();
        let none = Kdf::Pbkdf2 {
            salt,
            iterations: 0,
        };
        assert!(derive(HashAlgorithm::Sha1, &none, b"x", None).is_err());
    }

    /// The example of the documentation of AWS Signature Version 4.
    #[test]
    fn the_chain_is_amazons() {
        let data = ["20120215", "us-east-1", "iam", "aws4_request"];
        let function = Kdf::Chain {
            prefix: b"AWS4",
            data: data.map(|part| SecretBytes::from(part.as_bytes())).to_vec(),
        };
        assert_eq!(
            derived(
                HashAlgorithm::Sha256,
                &function,
                b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                32
            ),
            bytes("f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d")
        );
    }
}
