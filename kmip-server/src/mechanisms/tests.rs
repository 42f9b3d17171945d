//! Tests of the mechanisms.

use super::*;
use keybridge_core::Curve;
use keybridge_kmip::enums::{DigitalSignatureAlgorithm as Signature, HashingAlgorithm};

const AES: Option<KeySpec> = Some(KeySpec::Aes { bits: 256 });
const RSA: Option<KeySpec> = Some(KeySpec::Rsa { bits: 2048 });

fn mode(mode: Mode) -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: Some(mode),
        ..Default::default()
    }
}

#[test]
fn a_random_iv_is_made_when_asked_for_only() {
    let none = Inputs::default();
    let asked = CryptographicParameters {
        random_iv: Some(true),
        ..mode(Mode::GCM)
    };
    let made = cipher(AES, &asked, none, true).unwrap();
    assert_eq!(made.made_iv.unwrap().len(), GCM_IV);
    assert!(cipher(AES, &asked, none, false).is_err());
    assert!(cipher(AES, &mode(Mode::GCM), none, true).is_err());
    let given = Inputs {
        iv: Some(&[1; 16]),
        ..none
    };
    let used = cipher(
        AES,
        &CryptographicParameters {
            random_iv: Some(true),
            ..mode(Mode::CBC)
        },
        given,
        true,
    );
    let used = used.unwrap();
    assert_eq!(used.mechanism, Mechanism::Cbc { iv: [1; 16] });
    assert_eq!(used.made_iv, None);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let given = Inputs {
        iv: Some(&[1; 15]),
        ..Inputs::default()
    };
    assert!(cipher(AES, &mode(Mode::CBC), given, true).is_err());
    for length in [-1, 0, 3, 17] {
        let parameters = CryptographicParameters {
            tag_length: Some(length),
            ..mode(Mode::GCM)
        };
        assert!(cipher(AES, &parameters, given, true).is_err());
    }
    assert!(cipher(AES, &mode(Mode::XTS), given, true).is_err());
    assert!(cipher(AES, &CryptographicParameters::default(), given, true).is_err());
    assert!(cipher(RSA, &CryptographicParameters::default(), given, true).is_err());
}

#[test]
fn counters_are_whole_blocks_or_completed() {
    let parameters = CryptographicParameters {
        initial_counter_value: Some(1),
        ..mode(Mode::CTR)
    };
    let inputs = Inputs {
        iv: Some(&[7; 12]),
        ..Inputs::default()
    };
    let made = cipher(AES, &parameters, inputs, false).unwrap();
    let mut counter_block = [7; 16];
    counter_block[12..].copy_from_slice(&[0, 0, 0, 1]);
    assert_eq!(
        made.mechanism,
        Mechanism::Ctr {
            counter_block,
            counter_bits: 32
        }
    );
}

#[test]
fn signatures_by_either_name() {
    let by_name = CryptographicParameters {
        digital_signature_algorithm: Some(Signature::SHA_256WithRSAEncryption),
        ..Default::default()
    };
    let by_parts = CryptographicParameters {
        padding_method: Some(Padding::PKCS1V1_5),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..Default::default()
    };
    let one = signature(RSA, &by_name, false).unwrap();
    assert_eq!(one, signature(RSA, &by_parts, false).unwrap());
    let pss = CryptographicParameters {
        padding_method: Some(Padding::PSS),
        ..by_parts
    };
    let Mechanism::RsaPss { salt_length, .. } = signature(RSA, &pss, false).unwrap() else {
        panic!("not PSS");
    };
    assert_eq!(salt_length, 222);
    let ec = Some(KeySpec::Ec { curve: Curve::P384 });
    let made = signature(ec, &CryptographicParameters::default(), false).unwrap();
    assert_eq!(
        made,
        Mechanism::EcdsaHash {
            hash: HashAlgorithm::Sha384
        }
    );
}
