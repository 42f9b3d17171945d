//! Keys that come out of others: derived, split and joined.

use keybridge_kmip::Tag;
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    AttributeName, AttributeValue as A, CryptographicParameters, TemplateAttribute,
    UniqueIdentifier,
};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask,
    DerivationMethod as Method, HashingAlgorithm, KeyFormatType, LinkType, ObjectType,
    RecommendedCurve, ResultReason, SecretDataType, SplitKeyMethod,
};
use keybridge_kmip::item::BigInteger;
use keybridge_kmip::objects::{KeyBlock, ManagedObject, SecretData};
use keybridge_kmip::operations::derive_key::DerivationParameters;
use keybridge_kmip::operations::{
    CreateKeyPairRequest, CreateSplitKeyRequest, DeriveKeyRequest, GetAttributesRequest,
    GetRequest, JoinSplitKeyRequest, RegisterRequest,
};
use keybridge_kmip::wire::DateTime;

use crate::harness::{House, payload};

const V1_4: Version = Version::V1_4;
const V2_1: Version = Version::V2_1;

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn usable() -> Vec<A> {
    vec![
        A::CryptographicUsageMask(Mask(0xFFF)),
        A::ActivationDate(DateTime(1)),
    ]
}

fn aes(house: &House, bytes: &[u8]) -> UniqueIdentifier {
    let bits = i32::try_from(bytes.len() * 8).unwrap();
    let block = KeyBlock::from_bytes(KeyFormatType::Raw, bytes, Some((Algorithm::AES, bits)));
    register(house, ManagedObject::SymmetricKey(block.into()))
}

fn password(house: &House, bytes: &[u8]) -> UniqueIdentifier {
    let secret = SecretData {
        kind: SecretDataType::Password,
        key_block: KeyBlock::from_bytes(KeyFormatType::Raw, bytes, None),
    };
    register(house, ManagedObject::SecretData(secret))
}

fn register(house: &House, object: ManagedObject) -> UniqueIdentifier {
    let request = RegisterRequest {
        object_type: object.object_type(),
        attributes: attributes(usable()),
        object: object.into(),
        protection_storage_masks: None,
    };
    payload!(house.ok(V1_4, request), Register).unique_identifier
}

fn value(house: &House, id: &UniqueIdentifier) -> Vec<u8> {
    let get = GetRequest {
        unique_identifier: Some(id.clone()),
        key_format_type: Some(KeyFormatType::Raw),
        ..Default::default()
    };
    let object = payload!(house.ok(V2_1, get), Get).object.0.unwrap();
    match object.key_block().unwrap().plain_material() {
        Some(keybridge_kmip::objects::KeyMaterial::Bytes(bytes)) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn derive(
    bases: &[&UniqueIdentifier],
    method: Method,
    parameters: DerivationParameters,
    bits: i32,
) -> DeriveKeyRequest {
    DeriveKeyRequest {
        object_type: ObjectType::SymmetricKey,
        unique_identifiers: bases.iter().map(|id| (*id).clone()).collect(),
        derivation_method: method,
        derivation_parameters: parameters,
        attributes: attributes([
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(bits),
            A::CryptographicUsageMask(Mask::Encrypt),
        ]),
    }
}

fn of_hash(hash: HashingAlgorithm, data: &[u8]) -> DerivationParameters {
    DerivationParameters {
        cryptographic_parameters: Some(CryptographicParameters {
            hashing_algorithm: Some(hash),
            ..Default::default()
        }),
        derivation_data: if data.is_empty() {
            Vec::new()
        } else {
            vec![data.into()]
        },
        ..Default::default()
    }
}

#[test]
fn every_method_derives_what_it_should() {
    let house = House::new();
    let derived = |request| {
        let id = payload!(house.ok(V2_1, request), DeriveKey).unique_identifier;
        value(&house, &id)
    };
    let sha256 = HashingAlgorithm::SHA_256;
    let secret = password(&house, b"password");
    let mut pbkdf2 = of_hash(HashingAlgorithm::SHA_1, b"");
    pbkdf2.salt = Some(b"salt".to_vec());
    pbkdf2.iteration_count = Some(4096);
    let request = derive(&[&secret], Method::PBKDF2, pbkdf2, 128);
    assert_eq!(derived(request), hex("4b007901b765489abead49d926f721d0"));
    let key = password(&house, b"key");
    for (method, known) in [
        (
            Method::NIST800_108_C,
            "38ab20c0689869eddb0fa4e42f99df235762b1edec3d6c1185b4e7b19903649e",
        ),
        (
            Method::NIST800_108_DPI,
            "69f5f8626b3129dd42ca95b6466b50ae26130a052f25569e8b5c8113b1bdb41b",
        ),
    ] {
        let request = derive(&[&key], method, of_hash(sha256, b"data"), 256);
        assert_eq!(derived(request), hex(known), "{method}");
    }
    let mut feedback = of_hash(sha256, b"data");
    feedback.initialization_vector = Some(b"iv".to_vec());
    let request = derive(&[&key], Method::NIST800_108_F, feedback, 256);
    assert_eq!(
        derived(request),
        hex("d0d747e21808dd5f24f358ea966e6973b407656e27fe63e66fbc4372da0fb51a")
    );
    // SHA-256 and HMAC-SHA-256 ("key", "data").
    let request = derive(&[&key], Method::HASH, of_hash(sha256, b""), 128);
    assert_eq!(derived(request), hex("2c70e12b7a0646f92279f427c7b38e73"));
    let request = derive(&[&key], Method::HMAC, of_hash(sha256, b"data"), 256);
    assert_eq!(
        derived(request),
        hex("5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0")
    );
    // FIPS 197, appendix C.1.
    let block = aes(&house, &hex("000102030405060708090a0b0c0d0e0f"));
    let mut ecb = of_hash(sha256, &hex("00112233445566778899aabbccddeeff"));
    ecb.cryptographic_parameters = Some(CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::ECB),
        ..Default::default()
    });
    let request = derive(&[&block], Method::ENCRYPT, ecb, 128);
    assert_eq!(derived(request), hex("69c4e0d86a7b0430d8cdb78070b4c55a"));
    // RFC 5869, appendix A.1.
    let ikm = password(&house, &[0x0B; 22]);
    let mut hkdf = of_hash(sha256, &hex("f0f1f2f3f4f5f6f7f8f9"));
    hkdf.salt = Some(hex("000102030405060708090a0b0c"));
    let request = derive(&[&ikm], Method::HKDF, hkdf, 256);
    assert_eq!(
        derived(request),
        hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
    );
}

#[test]
fn two_parties_agree_on_a_key() {
    let house = House::new();
    let pair = || {
        let mut common = attributes(usable());
        common.attributes.extend([
            A::CryptographicAlgorithm(Algorithm::ECDH).into(),
            A::CryptographicDomainParameters(
                keybridge_kmip::attributes::CryptographicDomainParameters {
                    q_length: None,
                    recommended_curve: Some(RecommendedCurve::P_256),
                },
            )
            .into(),
        ]);
        let request = CreateKeyPairRequest {
            common: Some(common),
            ..Default::default()
        };
        let pair = payload!(house.ok(V2_1, request), CreateKeyPair);
        (
            pair.private_key_unique_identifier,
            pair.public_key_unique_identifier,
        )
    };
    let ((a, of_a), (b, of_b)) = (pair(), pair());
    let agreed = |private, public| {
        let request = derive(
            &[private, public],
            Method::AsymmetricKey,
            DerivationParameters::default(),
            256,
        );
        let id = payload!(house.ok(V2_1, request), DeriveKey).unique_identifier;
        value(&house, &id)
    };
    assert_eq!(agreed(&a, &of_b), agreed(&b, &of_a));
}

#[test]
fn bases_and_derived_keys_are_linked_and_usage_binds() {
    let house = House::new();
    let base = password(&house, b"seed");
    let request = derive(
        &[&base],
        Method::HMAC,
        of_hash(HashingAlgorithm::SHA_256, b"x"),
        128,
    );
    let id = payload!(house.ok(V1_4, request), DeriveKey).unique_identifier;
    for (from, kind, to) in [
        (&base, LinkType::DerivedKeyLink, &id),
        (&id, LinkType::DerivationBaseObjectLink, &base),
    ] {
        let wanted = GetAttributesRequest {
            unique_identifier: Some(from.clone()),
            attribute_names: vec![AttributeName::Standard(Tag::Link)],
        };
        let found = payload!(house.ok(V1_4, wanted), GetAttributes).attributes.0;
        let has = found.iter().any(|link| {
            matches!(&link.value, A::Link(link)
                if link.kind == kind && link.linked_object == *to)
        });
        assert!(has, "{found:?}");
    }
    // What was derived may not derive.
    let again = derive(
        &[&id],
        Method::HMAC,
        of_hash(HashingAlgorithm::SHA_256, b"x"),
        128,
    );
    house.refused(V1_4, again);
    let long = derive(
        &[&base],
        Method::HMAC,
        of_hash(HashingAlgorithm::SHA_1, b"x"),
        256,
    );
    assert_eq!(
        house.refused(V1_4, long),
        ResultReason::CryptographicFailure
    );
}

#[test]
fn a_key_is_split_and_joined_by_every_method() {
    let house = House::new();
    let secret = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let key = aes(&house, &secret);
    let mut mersenne = vec![0xFF; 66];
    mersenne[0] = 1;
    for (method, threshold, prime) in [
        (SplitKeyMethod::XOR, 3, None),
        (SplitKeyMethod::PolynomialSharingGF2_8, 2, None),
        (SplitKeyMethod::PolynomialSharingGF2_16, 2, None),
        (
            SplitKeyMethod::PolynomialSharingPrimeField,
            2,
            Some(BigInteger::from_unsigned(&mersenne)),
        ),
    ] {
        let split = |id: Option<&UniqueIdentifier>, threshold| CreateSplitKeyRequest {
            object_type: ObjectType::SplitKey,
            unique_identifier: id.cloned(),
            parts: 3,
            threshold,
            method,
            prime_field_size: prime.clone(),
            attributes: attributes([
                A::CryptographicAlgorithm(Algorithm::AES),
                A::CryptographicLength(128),
                A::CryptographicUsageMask(Mask::Encrypt),
            ]),
            protection_storage_masks: None,
        };
        let shares = payload!(house.ok(V2_1, split(Some(&key), threshold)), CreateSplitKey)
            .unique_identifiers;
        assert_eq!(shares.len(), 3);
        let join = |shares: Vec<UniqueIdentifier>| JoinSplitKeyRequest {
            object_type: ObjectType::SymmetricKey,
            unique_identifiers: shares,
            secret_data_type: None,
            attributes: Some(attributes(usable())),
            protection_storage_masks: None,
        };
        let needed = shares[3 - usize::try_from(threshold).unwrap()..].to_vec();
        let joined = payload!(house.ok(V2_1, join(needed.clone())), JoinSplitKey);
        assert_eq!(value(&house, &joined.unique_identifier), secret, "{method}");
        house.refused(V2_1, join(needed[1..].to_vec()));
        // A key made to be split.
        let new = payload!(house.ok(V2_1, split(None, threshold)), CreateSplitKey);
        let joined = payload!(house.ok(V2_1, join(new.unique_identifiers)), JoinSplitKey);
        assert_eq!(value(&house, &joined.unique_identifier).len(), 16);
        house.refused(V2_1, split(Some(&key), 4));
    }
}

#[test]
fn a_secret_keeps_its_leading_zeros_in_a_field_of_numbers() {
    let house = House::new();
    let secret = [0, 0, 0, 7, 0, 9];
    let id = password(&house, &secret);
    let mut mersenne = vec![0xFF; 66];
    mersenne[0] = 1;
    let split = CreateSplitKeyRequest {
        object_type: ObjectType::SplitKey,
        unique_identifier: Some(id),
        parts: 3,
        threshold: 2,
        method: SplitKeyMethod::PolynomialSharingPrimeField,
        prime_field_size: Some(BigInteger::from_unsigned(&mersenne)),
        attributes: attributes([]),
        protection_storage_masks: None,
    };
    let shares = payload!(house.ok(V2_1, split), CreateSplitKey).unique_identifiers;
    let join = JoinSplitKeyRequest {
        object_type: ObjectType::SecretData,
        unique_identifiers: shares[1..].to_vec(),
        secret_data_type: Some(SecretDataType::Password),
        attributes: Some(attributes(usable())),
        protection_storage_masks: None,
    };
    let joined = payload!(house.ok(V2_1, join), JoinSplitKey);
    assert_eq!(value(&house, &joined.unique_identifier), secret);
}

#[test]
fn a_new_version_begins_after_its_offset() {
    let house = House::new();
    let request = keybridge_kmip::operations::CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes([
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(128),
            A::CryptographicUsageMask(Mask::Encrypt),
            A::ActivationDate(DateTime(1000)),
            A::DeactivationDate(DateTime(4_000_001_000)),
        ]),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V1_4, request), Create).unique_identifier;
    let rekey = keybridge_kmip::operations::ReKeyRequest {
        unique_identifier: Some(id),
        offset: Some(keybridge_kmip::wire::Interval(3600)),
        ..Default::default()
    };
    let new = payload!(house.ok(V1_4, rekey), ReKey).unique_identifier;
    let wanted = GetAttributesRequest {
        unique_identifier: Some(new),
        ..Default::default()
    };
    let found = payload!(house.ok(V1_4, wanted), GetAttributes).attributes.0;
    let date = |wanted: fn(&A) -> Option<i64>| found.iter().find_map(|own| wanted(&own.value));
    let initial = date(|own| match own {
        A::InitialDate(at) => Some(at.0),
        _ => None,
    });
    let activation = date(|own| match own {
        A::ActivationDate(at) => Some(at.0),
        _ => None,
    });
    let deactivation = date(|own| match own {
        A::DeactivationDate(at) => Some(at.0),
        _ => None,
    });
    assert_eq!(activation, initial.map(|at| at + 3600));
    assert_eq!(deactivation, activation.map(|at| at + 4_000_000_000));
    let pre_active = A::State(keybridge_kmip::enums::State::PreActive);
    assert!(found.iter().any(|own| own.value == pre_active));
}

/// "If no Offset is specified, the … values are copied from the existing key": what was not active is not, and what ends
/// ends when it did.
#[test]
fn without_an_offset_a_new_version_has_the_dates_of_the_old() {
    use keybridge_kmip::enums::State;
    let house = House::new();
    let far = A::DeactivationDate(DateTime(4_000_001_000));
    let begun = A::ActivationDate(DateTime(1000));
    for (dates, state) in [
        (vec![begun.clone(), far.clone()], State::Active),
        (vec![begun.clone()], State::Active),
        (vec![], State::PreActive),
        (
            vec![A::ActivationDate(DateTime(4_000_000_000)), far],
            State::PreActive,
        ),
    ] {
        for version in [Version::V1_0, V1_4, Version::V2_1] {
            let common = [
                A::CryptographicAlgorithm(Algorithm::AES),
                A::CryptographicLength(128),
                A::CryptographicUsageMask(Mask::Encrypt),
            ];
            let request = keybridge_kmip::operations::CreateRequest {
                object_type: ObjectType::SymmetricKey,
                attributes: attributes(common.into_iter().chain(dates.clone())),
                protection_storage_masks: None,
            };
            let id = payload!(house.ok(version, request), Create).unique_identifier;
            let rekey = keybridge_kmip::operations::ReKeyRequest {
                unique_identifier: Some(id),
                ..Default::default()
            };
            let new = payload!(house.ok(version, rekey), ReKey).unique_identifier;
            let wanted = GetAttributesRequest {
                unique_identifier: Some(new),
                ..Default::default()
            };
            let found = payload!(house.ok(version, wanted), GetAttributes)
                .attributes
                .0;
            let found: Vec<A> = found.into_iter().map(|own| own.value).collect();
            let is_date = |own: &&A| matches!(own, A::ActivationDate(_) | A::DeactivationDate(_));
            assert_eq!(found.iter().filter(is_date).count(), dates.len());
            assert!(dates.iter().all(|date| found.contains(date)), "{found:?}");
            assert!(found.contains(&A::State(state)), "{version} {found:?}");
        }
    }
}
