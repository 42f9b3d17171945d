//! What real clients send although the standard says otherwise, and what it says that is easily got
//! wrong.

use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue, CryptographicParameters, Digest, Name,
    VendorAttribute,
};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm, HashingAlgorithm, KeyFormatType, ObjectType,
};
use keybridge_kmip::message::{PayloadError, RequestMessage};
use keybridge_kmip::operations::{
    AddAttributeRequest, EncryptRequest, GetAttributesRequest, ImportRequest, LocateRequest,
    ReKeyRequest, RequestPayload,
};
use keybridge_kmip::{DecodeError, Item, Limits, Tag, Value, Version};

fn item_of(payload: RequestPayload, version: Version) -> Item {
    let bytes = RequestMessage::new(version, vec![payload])
        .encode(Vec::new())
        .unwrap();
    Item::from_ttlv(&bytes, &Limits::default()).unwrap()
}

/// The items of the message's one payload.
fn payload(message: &mut Item) -> &mut Vec<Item> {
    let mut at = message;
    for tag in [Tag::BatchItem, Tag::RequestPayload] {
        let Value::Structure(items) = &mut at.value else {
            panic!("no structure")
        };
        at = items.iter_mut().find(|item| item.tag == tag).unwrap();
    }
    let Value::Structure(items) = &mut at.value else {
        panic!("no structure")
    };
    items
}

fn read(item: &Item) -> Result<RequestPayload, PayloadError> {
    let bytes = item.to_ttlv().unwrap();
    RequestMessage::decode(&bytes, &Limits::default())
        .unwrap()
        .items
        .remove(0)
        .payload
}

fn name() -> Attribute {
    AttributeValue::Name(Name::text("disk")).into()
}

/// Attribute { Name, Value }, as 1.x has it.
fn named(attribute: &str, value: Value) -> Item {
    let name = Item::new(Tag::AttributeName, Value::TextString(attribute.to_owned()));
    let value = Item::new(Tag::AttributeValue, value);
    Item::new(Tag::Attribute, Value::Structure(vec![name, value]))
}

#[test]
fn locate_may_wrap_its_filters_in_a_template_attribute() {
    let request = LocateRequest {
        attributes: vec![name()].into(),
        ..LocateRequest::default()
    };
    let mut message = item_of(request.clone().into(), Version::V1_0);
    let filters = std::mem::take(payload(&mut message));
    payload(&mut message).push(Item::new(Tag::TemplateAttribute, Value::Structure(filters)));
    assert_eq!(read(&message).unwrap(), request.into());
}

#[test]
fn re_key_of_2_0_may_have_a_template_attribute() {
    let mut message = item_of(ReKeyRequest::default().into(), Version::V2_0);
    let group = named("Object Group", Value::TextString("g".to_owned()));
    payload(&mut message).push(Item::new(
        Tag::TemplateAttribute,
        Value::Structure(vec![group]),
    ));
    let RequestPayload::ReKey(request) = read(&message).unwrap() else {
        panic!()
    };
    let attributes = request.attributes.unwrap().attributes;
    assert_eq!(
        attributes,
        [AttributeValue::ObjectGroup("g".to_owned()).into()]
    );
}

#[test]
fn custom_attributes_have_any_type_and_keep_name_and_index() {
    let values = [
        Value::TextString("7.0".to_owned()),
        Value::Integer(-1),
        Value::ByteString(vec![1, 2].into()),
        Value::Interval(9),
        Value::Structure(vec![Item::new(
            Tag::NameValue,
            Value::TextString("n".to_owned()),
        )]),
    ];
    for value in values {
        for version in Version::SUPPORTED {
            let tagged = version.has_tagged_attributes();
            let attribute = Attribute {
                index: if tagged { None } else { Some(3) },
                value: AttributeValue::Vendor(VendorAttribute {
                    vendor: "x".to_owned(),
                    name: "NETAPP-Cluster-Id".to_owned(),
                    value: value.clone(),
                }),
            };
            let request = AddAttributeRequest {
                unique_identifier: None,
                attribute: attribute.into(),
            };
            let message = item_of(request.clone().into(), version);
            assert_eq!(
                message.to_xml().contains("\"x-NETAPP-Cluster-Id\""),
                !tagged
            );
            assert_eq!(read(&message).unwrap(), request.into());
        }
    }
}

#[test]
fn attributes_are_asked_for_by_name_or_by_tag() {
    let attribute_names = vec![
        AttributeName::Standard(Tag::CryptographicAlgorithm),
        AttributeName::Standard(Tag::X_509CertificateIssuer),
        AttributeName::Vendor {
            vendor: "y".to_owned(),
            name: "Product_Version".to_owned(),
        },
    ];
    let request = GetAttributesRequest {
        unique_identifier: None,
        attribute_names,
    };
    for version in Version::SUPPORTED
        .into_iter()
        .filter(|version| *version > Version::V1_0)
    {
        let message = item_of(request.clone().into(), version);
        assert_eq!(read(&message).unwrap(), request.clone().into(), "{version}");
    }
    let message = item_of(request.into(), Version::V1_0);
    assert!(!message.to_xml().contains("X.509"));
}

#[test]
fn names_that_nobody_may_give_survive_so_that_they_can_be_refused() {
    let mut message = item_of(LocateRequest::default().into(), Version::V1_4);
    payload(&mut message).push(named("Colour", Value::Integer(1)));
    // An attribute that 1.4 does not have.
    payload(&mut message).push(named("Quantum Safe", Value::Boolean(true)));
    let RequestPayload::Locate(request) = read(&message).unwrap() else {
        panic!()
    };
    let names: Vec<_> = request.attributes.0.iter().map(Attribute::name).collect();
    let unknown = |name: &str| AttributeName::Unknown(name.to_owned());
    assert_eq!(names, [unknown("Colour"), unknown("Quantum Safe")]);
}

#[test]
fn a_standard_attribute_with_a_value_of_another_type_is_an_error() {
    let mut message = item_of(LocateRequest::default().into(), Version::V1_4);
    payload(&mut message).push(named("Cryptographic Length", Value::LongInteger(256)));
    let error = read(&message).unwrap_err();
    assert!(matches!(
        error,
        PayloadError::Payload(DecodeError::WrongType { .. })
    ));
}

/// Fields that are younger than their tags.
#[test]
fn fields_keep_to_their_own_versions() {
    let parameters = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::CBC),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        ..CryptographicParameters::default()
    };
    let digest = Digest {
        hashing_algorithm: HashingAlgorithm::SHA_256,
        digest_value: Some(vec![1]),
        key_format_type: Some(KeyFormatType::Raw),
    };
    let locate = LocateRequest {
        attributes: vec![
            AttributeValue::CryptographicParameters(parameters).into(),
            AttributeValue::Digest(digest).into(),
        ]
        .into(),
        ..LocateRequest::default()
    };
    let xml = |version| item_of(locate.clone().into(), version).to_xml();
    assert!(!xml(Version::V1_1).contains("<CryptographicAlgorithm"));
    assert!(xml(Version::V1_2).contains("<CryptographicAlgorithm"));
    assert!(!xml(Version::V1_0).contains("<KeyFormatType"));
    assert!(xml(Version::V1_1).contains("<KeyFormatType"));

    let import = ImportRequest {
        unique_identifier: "1".into(),
        object_type: Some(ObjectType::SecretData),
        replace_existing: None,
        key_wrap_type: None,
        attributes: Default::default(),
        object: Default::default(),
    };
    let mut message = item_of(import.into(), Version::V1_4);
    assert!(!message.to_xml().contains("<ObjectType"));
    let object_type = Value::Enumeration(ObjectType::SecretData.0);
    payload(&mut message).push(Item::new(Tag::ObjectType, object_type));
    assert!(matches!(
        read(&message).unwrap_err(),
        PayloadError::Payload(DecodeError::Unexpected {
            tag: Tag::ObjectType,
            ..
        })
    ));
}

#[test]
fn the_order_of_fields_does_not_matter_but_repeating_one_does() {
    let request = EncryptRequest {
        unique_identifier: Some("1".into()),
        data: Some(vec![1, 2, 3].into()),
        ..EncryptRequest::default()
    };
    let mut message = item_of(request.clone().into(), Version::V1_2);
    payload(&mut message).reverse();
    assert_eq!(read(&message).unwrap(), request.into());
    let again = payload(&mut message)[0].clone();
    payload(&mut message).push(again);
    assert!(matches!(
        read(&message).unwrap_err(),
        PayloadError::Payload(DecodeError::Repeated { .. })
    ));
}

#[test]
fn vendors_items_in_a_payload_are_not_silently_dropped() {
    let mut message = item_of(LocateRequest::default().into(), Version::V1_4);
    payload(&mut message).push(Item::new(Tag(0x54_0001), Value::Integer(1)));
    assert!(matches!(
        read(&message).unwrap_err(),
        PayloadError::Payload(DecodeError::Unexpected { .. })
    ));
}
