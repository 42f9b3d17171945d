//! What the cases of 1.0 to 1.4 beyond the three sets showed, each with the clause that decides it.

use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue as A, CryptographicParameters, Name,
    TemplateAttribute, UniqueIdentifier, VendorAttribute,
};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask,
    DigitalSignatureAlgorithm, EncodingOption, KeyFormatType as Format, KeyValueLocationType,
    KeyWrapType, ObjectType, PaddingMethod, ResultReason as R, State, WrappingMethod,
};
use keybridge_kmip::item::Value;
use keybridge_kmip::objects::{
    KeyBlock, KeyInformation, KeyMaterial, KeyValue, KeyWrappingData, KeyWrappingSpecification,
    ManagedObject, Template, TransparentSymmetricKey,
};
use keybridge_kmip::operations::{
    CreateRequest, DestroyRequest, EncryptRequest, GetAttributeListRequest, GetAttributesRequest,
    GetRequest, ReKeyRequest, RegisterRequest,
};
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{Tag, Version};
use keybridge_server::settings::ServerAnswers;

use crate::harness::{House, payload};

const V1_0: Version = Version::V1_0;
const V1_1: Version = Version::V1_1;
const V1_2: Version = Version::V1_2;
const V1_4: Version = Version::V1_4;
const V2_0: Version = Version::V2_0;

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn usable() -> Vec<A> {
    vec![
        A::CryptographicAlgorithm(Algorithm::AES),
        A::CryptographicLength(128),
        A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
    ]
}

fn created(house: &House, version: Version, more: Vec<A>) -> UniqueIdentifier {
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes([usable(), more].concat()),
        protection_storage_masks: None,
    };
    payload!(house.ok(version, request), Create).unique_identifier
}

fn registering(object: ManagedObject, given: Vec<A>) -> RegisterRequest {
    RegisterRequest {
        object_type: object.object_type(),
        attributes: attributes(given),
        object: object.into(),
        protection_storage_masks: None,
    }
}

fn registered(
    house: &House,
    version: Version,
    object: ManagedObject,
    given: Vec<A>,
) -> UniqueIdentifier {
    let request = registering(object, given);
    payload!(house.ok(version, request), Register).unique_identifier
}

fn aes(bytes: &[u8]) -> ManagedObject {
    let bits = i32::try_from(bytes.len() * 8).unwrap();
    let block = KeyBlock::from_bytes(Format::Raw, bytes, Some((Algorithm::AES, bits)));
    ManagedObject::SymmetricKey(block.into())
}

fn get(id: &UniqueIdentifier) -> GetRequest {
    GetRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    }
}

fn values(house: &House, version: Version, id: &UniqueIdentifier, tag: Tag) -> Vec<A> {
    let request = GetAttributesRequest {
        unique_identifier: Some(id.clone()),
        attribute_names: vec![AttributeName::Standard(tag)],
    };
    let found = payload!(house.ok(version, request), GetAttributes).attributes;
    found.0.into_iter().map(|one| one.value).collect()
}

fn all(house: &House, version: Version, id: &UniqueIdentifier) -> Vec<Attribute> {
    let request = GetAttributesRequest {
        unique_identifier: Some(id.clone()),
        attribute_names: Vec::new(),
    };
    payload!(house.ok(version, request), GetAttributes)
        .attributes
        .0
}

fn listed(house: &House, version: Version, id: &UniqueIdentifier, tag: Tag) -> bool {
    let request = GetAttributeListRequest {
        unique_identifier: Some(id.clone()),
    };
    let list = payload!(house.ok(version, request), GetAttributeList);
    list.attribute_names.contains(&AttributeName::Standard(tag))
}

fn text(name: &str) -> A {
    A::Name(Name::text(name))
}

fn custom(name: &str, value: &str) -> A {
    A::Vendor(VendorAttribute {
        vendor: "x".into(),
        name: name.into(),
        value: Value::TextString(value.into()),
    })
}

/// "If no Offset is specified, the Activation Date … values are copied from the existing key" (1.2
/// section 4.4; TC-91), and its names go over, to those that are given (TC-REKEY-1).
#[test]
fn a_replacement_key_has_the_dates_and_names_of_the_key_before() {
    let house = House::new();
    for (activation, state) in [(None, State::PreActive), (Some(1_000), State::Active)] {
        let name = format!("old {activation:?}");
        let dates = activation.map(|at| A::ActivationDate(DateTime(at)));
        let more = [vec![text(&name)], dates.into_iter().collect()].concat();
        let old = created(&house, V1_2, more);
        let request = ReKeyRequest {
            unique_identifier: Some(old),
            attributes: Some(attributes([text(&format!("new {activation:?}"))])),
            ..Default::default()
        };
        let new = payload!(house.ok(V1_2, request), ReKey).unique_identifier;
        assert_eq!(values(&house, V1_2, &new, Tag::State), [A::State(state)]);
        let date = activation.map(|at| A::ActivationDate(DateTime(at)));
        let found = values(&house, V1_2, &new, Tag::ActivationDate);
        assert_eq!(found, Vec::from_iter(date));
        let names = [text(&name), text(&format!("new {activation:?}"))];
        assert_eq!(values(&house, V1_2, &new, Tag::Name), names);
    }
}

/// A template is named by an attribute within it in 1.0 and 1.1 (1.1 section 2.2.6; TC-312-10), and only
/// beside it from 1.2 on (1.2 sections 2.2.6 and 11.4).
#[test]
fn a_template_has_its_name_within_it_at_first() {
    let house = House::new();
    let template = |name: &str| {
        let within = vec![text(name).into(), custom("ID", "template").into()];
        ManagedObject::Template(Template {
            attributes: within.into(),
        })
    };
    registered(&house, V1_0, template("within"), Vec::new());
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: TemplateAttribute {
            templates: vec![Name::text("within")],
            ..attributes([usable(), vec![custom("ID", "request")]].concat())
        },
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V1_0, request), Create).unique_identifier;
    // The name is the template's own.
    assert_eq!(values(&house, V1_0, &id, Tag::Name), []);
    // Its instances come first (TC-312-12).
    let found = all(&house, V1_0, &id)
        .into_iter()
        .filter_map(|one| matches!(one.value, A::Vendor(_)).then_some((one.index, one.value)));
    let expected = [
        (Some(0), custom("ID", "template")),
        (Some(1), custom("ID", "request")),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let refused = house.refused(V1_2, registering(template("other"), Vec::new()));
    assert_eq!(refused, R::InvalidField);
}

/// "If the Key Material is a structure, then the Digest Value SHALL be calculated on the TTLV-encoded Key
/// Material structure" (1.1 section 3.17; TC-181).
#[test]
fn the_digest_is_of_the_format_that_was_registered() {
    let house = House::new();
    let bytes: Vec<u8> = (0..32).collect();
    let digest = |version, object| {
        let id = registered(&house, version, object, usable_of(256));
        let found = values(&house, version, &id, Tag::Digest);
        let [A::Digest(digest)] = found.as_slice() else {
            panic!("{found:?}")
        };
        (digest.key_format_type, digest.digest_value.clone().unwrap())
    };
    let key = TransparentSymmetricKey {
        key: bytes.as_slice().into(),
    };
    let mut block = KeyBlock::from_bytes(
        Format::TransparentSymmetricKey,
        Vec::new(),
        Some((Algorithm::AES, 256)),
    );
    block.key_value = Some(KeyValue::Plain(KeyMaterial::Symmetric(key).into()));
    let (format, value) = digest(V1_1, ManagedObject::SymmetricKey(block.into()));
    assert_eq!(format, Some(Format::TransparentSymmetricKey));
    // Key Material { Key }: two headers of eight bytes before the bytes.
    let head = [0x42, 0, 0x43, 1, 0, 0, 0, 40, 0x42, 0, 0x3F, 8, 0, 0, 0, 32];
    let ttlv = [&head[..], &bytes].concat();
    let sha256 = |data: &[u8]| {
        let made = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
        made.as_ref().to_vec()
    };
    assert_eq!(value, sha256(&ttlv));
    assert_eq!(
        digest(V1_1, aes(&bytes)),
        (Some(Format::Raw), sha256(&bytes))
    );
}

fn usable_of(bits: i32) -> Vec<A> {
    vec![
        A::CryptographicAlgorithm(Algorithm::AES),
        A::CryptographicLength(bits),
        A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
    ]
}

/// A certificate has the length and the algorithm of its public key, and that of its signature (1.1
/// sections 3.4, 3.5 and 3.16). The cases of 1.x list the first and the last (TC-132, TC-ECC-3).
#[test]
fn certificates_tell_of_their_key_and_signature() {
    let house = House::new();
    let mask = Mask::Sign | Mask::CertificateSign;
    let pair = crate::certificates::pair(&house, Algorithm::ECDSA, 256, mask);
    let id = crate::certificates::certified(&house, &pair, "told.example");
    let signature = A::DigitalSignatureAlgorithm(DigitalSignatureAlgorithm::ECDSAWithSHA256);
    assert_eq!(
        values(&house, V1_1, &id, Tag::CryptographicLength),
        [A::CryptographicLength(256)]
    );
    assert_eq!(
        values(&house, V1_1, &id, Tag::DigitalSignatureAlgorithm),
        [signature]
    );
    assert!(!values(&house, V1_1, &id, Tag::CryptographicAlgorithm).is_empty());
    assert!(listed(&house, V1_1, &id, Tag::CryptographicLength));
    assert!(!listed(&house, V1_1, &id, Tag::CryptographicAlgorithm));
    assert!(listed(&house, V2_0, &id, Tag::CryptographicAlgorithm));
}

/// To 1.4 Get has no error for a key that is kept elsewhere: the Key Value is left out (1.2 section
/// 2.1.3; TC-MDO-1). Its Original Creation Date is its client's to say (section 3.43).
#[test]
fn a_key_that_is_elsewhere_comes_without_its_value() {
    let house = House::new();
    let mut block = KeyBlock::from_bytes(Format::Raw, Vec::new(), Some((Algorithm::AES, 128)));
    block.key_value = None;
    let location = A::KeyValueLocation(keybridge_kmip::attributes::KeyValueLocation {
        value: "HSM-12345".into(),
        kind: KeyValueLocationType::UninterpretedTextString,
    });
    let given = [usable(), vec![location]].concat();
    let object = ManagedObject::SymmetricKey(block.into());
    let id = registered(&house, V1_2, object.clone(), given);
    let shown = payload!(house.ok(V1_4, get(&id)), Get).object;
    assert_eq!(shown.0, Some(object));
    assert_eq!(house.refused(V2_0, get(&id)), R::KeyValueNotPresent);
    assert_eq!(values(&house, V1_2, &id, Tag::OriginalCreationDate), []);
}

/// "It is mandatory for an object created on the server"; of a registered one it is what its client says.
#[test]
fn the_original_creation_date_is_of_whoever_made_the_key() {
    let house = House::new();
    let date = A::OriginalCreationDate(DateTime(86_400));
    let given = [usable(), vec![date.clone()]].concat();
    let id = registered(&house, V1_2, aes(&[7; 16]), given);
    let found = values(&house, V1_2, &id, Tag::OriginalCreationDate);
    assert_eq!(found, [date]);
    let id = registered(&house, V1_2, aes(&[8; 16]), usable());
    assert_eq!(values(&house, V1_2, &id, Tag::OriginalCreationDate), []);
    let made = created(&house, V1_2, Vec::new());
    let initial = values(&house, V1_2, &made, Tag::InitialDate);
    let [A::InitialDate(initial)] = initial.as_slice() else {
        panic!("{initial:?}")
    };
    assert_eq!(
        values(&house, V1_2, &made, Tag::OriginalCreationDate),
        [A::OriginalCreationDate(*initial)]
    );
}

/// PKCS#8 supports "EncryptedPrivateKey" (1.0 section 2.1.3; TC-ECC-2): it is kept and handed out, and no
/// use is made of it.
#[test]
fn a_private_key_may_be_encrypted_by_a_password() {
    let house = House::new();
    // EncryptedPrivateKeyInfo { { pbeWithSHAAnd3-KeyTripleDES-CBC, { salt, 2048 } }, bytes }
    let der = [
        &[0x30, 0x30, 0x30, 0x1C, 0x06, 0x0A][..],
        &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 1, 3],
        &[0x30, 0x0E, 0x04, 0x08],
        &[5; 8],
        &[0x02, 0x02, 0x08, 0x00],
        &[0x04, 0x10],
        &[9; 16],
    ]
    .concat();
    let block = KeyBlock::from_bytes(Format::PKCS_8, der, Some((Algorithm::ECDSA, 256)));
    let object = ManagedObject::PrivateKey(block.into());
    let given = vec![A::CryptographicUsageMask(Mask::Sign)];
    let id = registered(&house, V1_0, object.clone(), given);
    let shown = payload!(house.ok(V1_0, get(&id)), Get).object;
    assert_eq!(shown.0, Some(object));
}

const KEK: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn kek(house: &House, mask: Mask) -> UniqueIdentifier {
    let given = vec![
        A::CryptographicUsageMask(mask),
        A::CryptographicParameters(key_wrap()),
        A::ActivationDate(DateTime(1_000)),
    ];
    registered(house, V1_1, aes(&KEK), given)
}

fn key_wrap() -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::NISTKeyWrap),
        ..Default::default()
    }
}

fn encryption_key(id: &UniqueIdentifier) -> Option<KeyInformation> {
    Some(KeyInformation {
        unique_identifier: id.clone(),
        cryptographic_parameters: Some(key_wrap()),
    })
}

/// No Encoding is "the wrapped un-encoded value of the Byte String Key Material field" in 1.1 (section
/// 2.1.5; TC-141-11), and that "in the Key Value structure" from 1.2 on.
#[test]
fn unencoded_wrapped_keys_are_bytes_in_1_1() {
    let house = House::new();
    let wrapping = kek(&house, Mask::WrapKey);
    let key = registered(&house, V1_1, aes(&[3; 16]), usable());
    let wrapped = |version| {
        let request = GetRequest {
            key_wrapping_specification: Some(KeyWrappingSpecification {
                wrapping_method: WrappingMethod::Encrypt,
                encryption_key: encryption_key(&wrapping),
                mac_signature_key: None,
                attribute_names: Default::default(),
                encoding_option: Some(EncodingOption::NoEncoding),
            }),
            ..get(&key)
        };
        let shown = payload!(house.ok(version, request), Get).object.0.unwrap();
        shown.key_block().unwrap().key_value.clone().unwrap()
    };
    let KeyValue::Wrapped(bytes) = wrapped(V1_1) else {
        panic!("a structure")
    };
    assert_eq!(
        wrapped(V1_2),
        KeyValue::Plain(KeyMaterial::Bytes(bytes).into())
    );
}

/// A key that comes wrapped under one that may not unwrap is kept as it came (TC-WRAP-1).
#[test]
fn what_cannot_be_unwrapped_stays_wrapped() {
    let house = House::new();
    let wrapping = kek(&house, Mask::WrapKey);
    let mut block = KeyBlock::from_bytes(Format::Raw, vec![4; 24], Some((Algorithm::AES, 128)));
    block.key_wrapping_data = Some(KeyWrappingData {
        wrapping_method: WrappingMethod::Encrypt,
        encryption_key: encryption_key(&wrapping),
        mac_signature_key: None,
        mac_signature: None,
        iv_counter_nonce: None,
        encoding_option: Some(EncodingOption::NoEncoding),
    });
    let object = ManagedObject::SymmetricKey(block.into());
    let id = registered(&house, V1_4, object.clone(), usable());
    let as_registered = |format| GetRequest {
        key_format_type: Some(format),
        key_wrap_type: Some(KeyWrapType::AsRegistered),
        ..get(&id)
    };
    let shown = payload!(house.ok(V1_4, as_registered(Format::Raw)), Get);
    assert_eq!(shown.object.0, Some(object));
    assert_eq!(
        house.refused(V1_4, as_registered(Format::TransparentSymmetricKey)),
        R::FeatureNotSupported
    );
}

/// Data is "Yes for single-part. No for multi-part" (1.4 section 4.29; TC-STREAM-ENC-1), and an unknown
/// Correlation Value is Item Not Found (section 11.30).
#[test]
fn a_stream_may_begin_without_data() {
    let house = House::new();
    let id = created(&house, V1_4, vec![A::ActivationDate(DateTime(1_000))]);
    let parameters = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::ECB),
        padding_method: Some(PaddingMethod::None),
        ..Default::default()
    };
    let request = |init, data: Option<&[u8]>, correlation_value| EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        data: data.map(Into::into),
        init_indicator: init,
        correlation_value,
        ..Default::default()
    };
    let begun = payload!(house.ok(V1_4, request(Some(true), None, None)), Encrypt);
    let value = begun.correlation_value.unwrap();
    let more = request(None, Some(&[1; 16]), Some(value));
    assert!(payload!(house.ok(V1_4, more), Encrypt).data.is_some());
    assert_eq!(
        house.refused(V1_4, request(None, None, None)),
        R::InvalidMessage
    );
    let unknown = request(None, Some(&[1; 16]), Some(vec![0; 16]));
    assert_eq!(house.refused(V1_4, unknown), R::ItemNotFound);
}

/// PyKMIP is spared what it cannot read; not of objects that it could not read at all, or does not ask
/// about (AKLC-O-1-10, AKLC-O-1-14, SKLC-O-1-10, SKLC-O-1-14).
#[test]
fn all_is_told_of_what_pykmip_does_not_read() {
    let house = House::answering(ServerAnswers::default());
    let told = |version, id: &UniqueIdentifier, tag| {
        let found = all(&house, version, id);
        found.iter().any(|one| one.value.tag() == Some(tag))
    };
    let id = created(&house, V1_4, Vec::new());
    assert!(!told(V1_0, &id, Tag::Digest));
    assert!(!told(V1_4, &id, Tag::RandomNumberGenerator));
    house.ok(
        V1_4,
        DestroyRequest {
            unique_identifier: Some(id.clone()),
        },
    );
    assert!(told(V1_0, &id, Tag::Digest));
    assert!(told(V1_4, &id, Tag::RandomNumberGenerator));
    // Of 1.3's cases none has it.
    assert!(!told(Version::V1_3, &id, Tag::RandomNumberGenerator));
    assert!(!listed(
        &house,
        Version::V1_3,
        &id,
        Tag::RandomNumberGenerator
    ));
    let pair = crate::certificates::pair(&house, Algorithm::RSA, 2048, Mask::Sign);
    assert!(told(V1_0, &pair, Tag::Digest));
    assert!(told(V1_4, &pair, Tag::RandomNumberGenerator));
}
