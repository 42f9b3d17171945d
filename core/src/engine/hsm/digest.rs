//! Hashing on our side of the HSM: the input of a signature need not travel, and tokens without combined
//! mechanisms sign too.

use aws_lc_rs::digest;
use sm3::{Digest, Sm3};

use crate::algorithm::HashAlgorithm;
use crate::error::{Error, Result};

/// A hash under way.
pub(super) enum Hasher {
    AwsLc(digest::Context),
    Sm3(Box<Sm3>),
}

impl Hasher {
    pub(super) fn new(hash: HashAlgorithm) -> Result<Self> {
        let algorithm = match hash {
            HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            HashAlgorithm::Sha224 => &digest::SHA224,
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
            HashAlgorithm::Sha3_256 => &digest::SHA3_256,
            HashAlgorithm::Sha3_384 => &digest::SHA3_384,
            HashAlgorithm::Sha3_512 => &digest::SHA3_512,
            HashAlgorithm::Sm3 => return Ok(Self::Sm3(Box::default())),
            // The library has it only behind C.
            HashAlgorithm::Sha3_224 => {
                return Err(Error::MechanismParameter(
                    "SHA3-224 is not used with keys in an HSM".to_owned(),
                ));
            }
        };
        Ok(Self::AwsLc(digest::Context::new(algorithm)))
    }

    pub(super) fn update(&mut self, part: &[u8]) {
        match self {
            Self::AwsLc(context) => context.update(part),
            Self::Sm3(context) => context.update(part),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::AwsLc(context) => context.finish().as_ref().to_vec(),
            Self::Sm3(context) => context.finalize().to_vec(),
        }
    }
}

/// The hash of `data`.
pub(super) fn hash(algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>> {
    let mut hasher = Hasher::new(algorithm)?;
    hasher.update(data);
    Ok(hasher.finish())
}

/// DigestInfo (RFC 8017 section 9.2) of a digest.
pub(super) fn digest_info(algorithm: HashAlgorithm, digest: &[u8]) -> Vec<u8> {
    // 2.16.840.1.101.3.4.2.x
    let nist = |last: u8| vec![0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last];
    let identifier = match algorithm {
        // 1.3.14.3.2.26
        HashAlgorithm::Sha1 => vec![0x2b, 0x0e, 0x03, 0x02, 0x1a],
        HashAlgorithm::Sha256 => nist(1),
        HashAlgorithm::Sha384 => nist(2),
        HashAlgorithm::Sha512 => nist(3),
        HashAlgorithm::Sha224 => nist(4),
        HashAlgorithm::Sha3_224 => nist(7),
        HashAlgorithm::Sha3_256 => nist(8),
        HashAlgorithm::Sha3_384 => nist(9),
        HashAlgorithm::Sha3_512 => nist(10),
        // 1.2.156.10197.1.401
        HashAlgorithm::Sm3 => vec![0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11],
    };
    // All lengths are below 128, so each takes one byte.
    let element = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
    let algorithm = [element(0x06, &identifier), element(0x05, &[])].concat();
    let content = [element(0x30, &algorithm), element(0x04, digest)].concat();
    element(0x30, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_info_has_the_prefix_of_rfc_8017() {
        // RFC 8017 section 9.2 note 1, SHA-256.
        let prefix = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ];
        let digest = hash(HashAlgorithm::Sha256, b"").expect("hash");
        assert_eq!(digest_info(HashAlgorithm::Sha256, &digest)[..19], prefix);
    }

    #[test]
    fn every_hash_has_its_length() {
        use HashAlgorithm as H;
        for algorithm in [
            H::Sha1,
            H::Sha224,
            H::Sha256,
            H::Sha384,
            H::Sha512,
            H::Sha3_256,
            H::Sha3_384,
            H::Sha3_512,
            H::Sm3,
        ] {
            let digest = hash(algorithm, b"abc").expect("hash");
            assert_eq!(digest.len(), algorithm.length(), "{algorithm:?}");
        }
    }
}
