//! DigestInfo: what a PKCS#1 v1.5 signature pads, built on our side so that tokens without combined mechanisms
//! sign too.

use crate::algorithm::HashAlgorithm;

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
        HashAlgorithm::Sha512_224 => nist(5),
        HashAlgorithm::Sha512_256 => nist(6),
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
    fn it_has_the_prefix_of_rfc_8017() {
        // RFC 8017 section 9.2 note 1, SHA-256.
        let prefix = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ];
        let info = digest_info(HashAlgorithm::Sha256, &[7; 32]);
        assert_eq!(info, [prefix.as_slice(), &[7; 32]].concat());
    }
}
