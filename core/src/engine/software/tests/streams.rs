//! In parts is the same as in one part, however the parts are cut.

use proptest::prelude::*;

use super::*;
use crate::Curve;
use crate::engine::Stream;
use crate::error::Error;
use crate::mechanism::RsaHash;

/// Runs a stream over data cut into parts of the given lengths, over and over.
fn in_parts(stream: &mut dyn Stream, data: &[u8], parts: &[usize]) -> Result<Vec<u8>> {
    let mut result = Vec::new();
    update_in_parts(stream, data, parts, &mut result)?;
    let mut last = vec![0; stream.finish_length()];
    let written = stream.finish(&mut last)?;
    result.extend_from_slice(&last[..written]);
    Ok(result)
}

fn update_in_parts(
    stream: &mut dyn Stream,
    mut data: &[u8],
    parts: &[usize],
    result: &mut Vec<u8>,
) -> Result<()> {
    for &length in parts.iter().cycle() {
        let (part, rest) = data.split_at(length.min(data.len()));
        let mut output = vec![0; stream.update_length(part.len())];
        if !output.is_empty() {
            // Too small a buffer changes nothing.
            let short = output.len() - 1;
            let refused = stream.update(part, &mut output[..short]);
            assert!(matches!(refused, Err(Error::BufferTooSmall { .. })));
        }
        let written = stream.update(part, &mut output)?;
        result.extend_from_slice(&output[..written]);
        data = rest;
        if data.is_empty() {
            break;
        }
    }
    Ok(())
}

fn ciphers(iv: [u8; 16], nonce: Vec<u8>, whole_blocks: bool) -> Vec<Mechanism> {
    let mut all = vec![
        Mechanism::CbcPad { iv },
        Mechanism::Ctr {
            // Of 120 bits: not at their end.
            counter_block: [iv[0]; 16].map(|byte| byte & 0x7f),
            counter_bits: 120,
        },
        Mechanism::Gcm {
            iv: nonce.clone(),
            aad: vec![1; 21],
            tag_length: 16,
        },
        Mechanism::Gcm {
            iv: iv.to_vec(),
            aad: vec![],
            tag_length: 12,
        },
        Mechanism::Ccm {
            nonce,
            aad: vec![1; 21],
            tag_length: 8,
            data_length: None,
        },
    ];
    if whole_blocks {
        all.extend([Mechanism::Ecb, Mechanism::Cbc { iv }]);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn encryption(
        data in prop::collection::vec(any::<u8>(), 0..300),
        parts in prop::collection::vec(1..40usize, 1..8),
        key in any::<[u8; 16]>(),
        iv in any::<[u8; 16]>(),
    ) {
        let whole = data.len() - data.len() % 16;
        for key in [aes(&key), secret_key(KeySpec::Sm4, &key)] {
            for (data, whole_blocks) in [(&data[..], false), (&data[..whole], true)] {
                for mechanism in ciphers(iv, iv[..12].to_vec(), whole_blocks) {
                    let sealed = run(&*key, Purpose::Encrypt, &mechanism, data).unwrap();
                    let mut stream = key.stream(Purpose::Encrypt, &mechanism).unwrap();
                    prop_assert_eq!(&in_parts(&mut *stream, data, &parts).unwrap(), &sealed);
                    let mut stream = key.stream(Purpose::Decrypt, &mechanism).unwrap();
                    prop_assert_eq!(&in_parts(&mut *stream, &sealed, &parts).unwrap(), data);
                }
            }
        }
    }

    #[test]
    fn macs(
        data in prop::collection::vec(any::<u8>(), 0..300),
        parts in prop::collection::vec(1..200usize, 1..4),
        key in any::<[u8; 32]>(),
        tag_length in 1..16usize,
    ) {
        let hmac = |hash| (generic(&key), Mechanism::Hmac { hash, tag_length });
        let mut all: Vec<_> = ALL_HASHES.into_iter().map(hmac).collect();
        all.push((aes(&key), Mechanism::Cmac { tag_length }));
        for (key, mechanism) in all {
            let tag = run(&*key, Purpose::MacGenerate, &mechanism, &data).unwrap();
            prop_assert_eq!(tag.len(), tag_length);
            let mut stream = key.stream(Purpose::MacGenerate, &mechanism).unwrap();
            prop_assert_eq!(&in_parts(&mut *stream, &data, &parts).unwrap(), &tag);
            let mut stream = key.stream(Purpose::MacVerify, &mechanism).unwrap();
            update_in_parts(&mut *stream, &data, &parts, &mut Vec::new()).unwrap();
            stream.verify(&tag).unwrap();
            let mut wrong = tag.clone();
            wrong[tag_length - 1] ^= 1;
            prop_assert!(matches!(stream.verify(&wrong), Err(Error::SignatureInvalid)));
            let short = matches!(stream.verify(&tag[1..]), Err(Error::SignatureLength { .. }));
            prop_assert!(short);
        }
    }
}

#[test]
fn signatures() {
    let data: Vec<u8> = (0..=255).collect();
    let hash = HashAlgorithm::Sha384;
    let ecdsa = Mechanism::EcdsaHash { hash };
    let mut all: Vec<_> = [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1]
        .into_iter()
        .map(|curve| (KeySpec::Ec { curve }, ecdsa.clone()))
        .collect();
    all.push((
        KeySpec::Sm2,
        Mechanism::Sm2Sign {
            user_id: b"somebody".to_vec(),
        },
    ));
    all.push((
        KeySpec::Rsa { bits: 2048 },
        Mechanism::RsaPss {
            hash: RsaHash { hash, mgf1: hash },
            salt_length: 0,
            digested: false,
        },
    ));
    all.push((
        KeySpec::Rsa { bits: 2048 },
        Mechanism::RsaPkcs1Hash {
            hash,
            digested: false,
        },
    ));
    for (spec, mechanism) in all {
        let (value, spki) = generate(spec);
        let private = private_key(value.expose()).unwrap();
        let public = ready_public_key(spec, &spki.unwrap()).unwrap();
        for parts in [&[1][..], &[7, 50], &[1000]] {
            let mut stream = private.stream(Purpose::Sign, &mechanism).unwrap();
            let signature = in_parts(&mut *stream, &data, parts).unwrap();
            for key in [&private, &public] {
                key.verify(Purpose::Verify, &mechanism, &data, &signature)
                    .unwrap();
                let mut stream = key.stream(Purpose::Verify, &mechanism).unwrap();
                update_in_parts(&mut *stream, &data, parts, &mut Vec::new()).unwrap();
                stream.verify(&signature).unwrap();
                stream.update(b"!", &mut []).unwrap();
                let wrong = stream.verify(&signature);
                assert!(matches!(wrong, Err(Error::SignatureInvalid)));
            }
        }
        assert!(public.stream(Purpose::Sign, &mechanism).is_err());
    }
}

#[test]
fn no_plaintext_before_the_tag_is_checked() {
    let key = aes(&[1; 32]);
    for mechanism in ciphers([2; 16], vec![3; 12], false).split_off(2) {
        let mut sealed = run(&*key, Purpose::Encrypt, &mechanism, &[7; 100]).unwrap();
        *sealed.last_mut().unwrap() ^= 1;
        let mut stream = key.stream(Purpose::Decrypt, &mechanism).unwrap();
        assert_eq!(stream.update_length(1000), 0);
        assert_eq!(stream.update(&sealed, &mut [0; 200]).unwrap(), 0);
        let mut output = [0xaa; 200];
        let refused = stream.finish(&mut output);
        assert!(matches!(refused, Err(Error::InvalidCiphertext)));
        assert!(!output.windows(16).any(|window| window == [7; 16]));
    }
}

#[test]
fn broken_endings() {
    let key = aes(&[1; 16]);
    let iv = [2; 16];
    for (mechanism, purpose) in [
        (Mechanism::Ecb, Purpose::Encrypt),
        (Mechanism::Cbc { iv }, Purpose::Decrypt),
        (Mechanism::CbcPad { iv }, Purpose::Decrypt),
    ] {
        let mut stream = key.stream(purpose, &mechanism).unwrap();
        stream.update(&[0; 17], &mut [0; 32]).unwrap();
        let ended = stream.finish(&mut [0; 16]);
        assert!(matches!(ended, Err(Error::DataLength(_))), "{mechanism:?}");
    }
    let mut stream = key
        .stream(Purpose::Decrypt, &Mechanism::CbcPad { iv })
        .unwrap();
    stream.update(&[0; 32], &mut [0; 32]).unwrap();
    assert!(matches!(
        stream.finish(&mut [0; 16]),
        Err(Error::InvalidCiphertext)
    ));
    // A counter of one bit gives two blocks from an even start.
    let ctr = Mechanism::Ctr {
        counter_block: [0xf0; 16],
        counter_bits: 1,
    };
    let mut stream = key.stream(Purpose::Encrypt, &ctr).unwrap();
    stream.update(&[0; 30], &mut [0; 30]).unwrap();
    stream.update(&[0; 3], &mut [0; 3]).unwrap_err();
    stream.update(&[0; 2], &mut [0; 2]).unwrap();
    run(&*key, Purpose::Encrypt, &ctr, &[0; 33]).unwrap_err();
}
