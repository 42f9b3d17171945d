//! MACs.

use aes::cipher::KeyInit;

use super::{Draw, HashAlgorithm, Kind, ciphers, generic, hmac_of, run, secret_key};
use crate::algorithm::KeySpec;
use crate::engine::ReadyKey;
use crate::engine::software::tests::Arc;
use crate::mechanism::{Mechanism, Purpose};

/// Makes and verifies with ours, whole and in parts, against what the other made.
fn alike(draw: &mut Draw, ours: &dyn ReadyKey, of: &Mechanism, data: &[u8], tag: &[u8]) {
    assert_eq!(run(ours, Purpose::MacGenerate, of, data).unwrap(), tag);
    ours.verify(Purpose::MacVerify, of, data, tag).unwrap();
    let part = 1 + draw.below(40);
    if let Ok(mut stream) = ours.stream(Purpose::MacVerify, of) {
        for data in data.chunks(part) {
            stream.update(data, &mut []).unwrap();
        }
        stream.verify(tag).unwrap();
    }
    let mut wrong = tag.to_vec();
    wrong[draw.below(tag.len())] ^= 1 << draw.below(8);
    ours.verify(Purpose::MacVerify, of, data, &wrong)
        .unwrap_err();
}

/// A key of that kind, and its bytes.
pub(super) fn key_of_bytes(
    draw: &mut Draw,
    kind: Kind,
    hash: Option<HashAlgorithm>,
) -> (Arc<dyn ReadyKey>, Vec<u8>) {
    let length = match kind {
        Kind::Aes => draw.pick(&[16, 24, 32]),
        _ => 14 + draw.below(200),
    };
    let value = draw.bytes(length);
    let bits = 8 * length as u32;
    let key = match (kind, hash) {
        (Kind::Aes, _) => secret_key(KeySpec::Aes { bits }, &value),
        (Kind::Hmac, hash) => {
            let hash = hash.unwrap_or(HashAlgorithm::Sha256);
            secret_key(KeySpec::Hmac { hash, bits }, &value)
        }
        _ => generic(&value),
    };
    (key, value)
}

pub(super) fn hmac(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let (ours, value) = key_of_bytes(draw, kind, Some(hash));
    let (data, tag_length) = (draw.data(), 1 + draw.below(hash.length()));
    let mut tag = hmac_of(hash, &value, &data);
    tag.truncate(tag_length);
    alike(
        draw,
        &*ours,
        &Mechanism::Hmac { hash, tag_length },
        &data,
        &tag,
    );
}

pub(super) fn gmac(draw: &mut Draw, kind: Kind) {
    let length = match kind {
        Kind::Sm4 => 16,
        _ => draw.pick(&[16, 24, 32]),
    };
    let (value, data, iv) = (draw.bytes(length), draw.data(), draw.bytes(12));
    let bits = 8 * length as u32;
    let ours = match kind {
        Kind::Sm4 => secret_key(KeySpec::Sm4, &value),
        _ => secret_key(KeySpec::Aes { bits }, &value),
    };
    let tag = ciphers::gcm_of(kind, &value, &iv, &data, &[]);
    let mechanism = Mechanism::Gmac { iv, tag_length: 16 };
    alike(draw, &*ours, &mechanism, &data, &tag);
}

/// AES-CMAC by another implementation.
pub(super) fn cmac_of(key: &[u8], data: &[u8]) -> Vec<u8> {
    use ::cmac::{Cmac, Mac};
    macro_rules! theirs {
        ($cipher:ty) => {{
            let mut mac = <Cmac<$cipher> as KeyInit>::new_from_slice(key).unwrap();
            mac.update(data);
            mac.finalize().into_bytes().to_vec()
        }};
    }
    match key.len() {
        16 => theirs!(aes::Aes128),
        24 => theirs!(aes::Aes192),
        _ => theirs!(aes::Aes256),
    }
}

pub(super) fn cmac(draw: &mut Draw, kind: Kind) {
    let (ours, value) = key_of_bytes(draw, kind, None);
    let (data, tag_length) = (draw.data(), 1 + draw.below(16));
    let mut tag = cmac_of(&value, &data);
    tag.truncate(tag_length);
    alike(draw, &*ours, &Mechanism::Cmac { tag_length }, &data, &tag);
}

pub(super) fn tls_mac(draw: &mut Draw, _kind: Kind, hash: HashAlgorithm) {
    let (value, data, tag_length) = (draw.bytes(48), draw.data(), 12 + draw.below(30));
    let server = draw.below(2) == 0;
    let label: &[u8] = match server {
        true => b"server finished",
        false => b"client finished",
    };
    let tag = super::derivations::p_hash(hash, &value, &[label, &data].concat(), tag_length);
    let mechanism = Mechanism::TlsMac {
        hash,
        server,
        tag_length,
    };
    alike(draw, &*generic(&value), &mechanism, &data, &tag);
}
