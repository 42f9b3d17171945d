use super::*;
use crate::attributes::{AttributeValue, Name, TemplateAttribute, UniqueIdentifier};
use crate::enums::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType, Operation};
use crate::operations::{CreateRequest, CreateResponse, RequestPayload, ResponsePayload};
use crate::ttlv::Limits;
use crate::version::Version;
use crate::wire::DateTime;

fn create() -> RequestPayload {
    let attributes: TemplateAttribute = [
        AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES),
        AttributeValue::CryptographicLength(256),
        AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        ),
        AttributeValue::Name(Name::text("key")),
    ]
    .into_iter()
    .collect();
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    }
    .into()
}

#[test]
fn a_request_is_the_same_after_a_round_trip_in_every_version() {
    for version in Version::SUPPORTED {
        let request = RequestMessage::new(version, vec![create()]);
        let bytes = request.encode(Vec::new()).unwrap();
        let read = RequestMessage::decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(read.items, request.items, "{version}");
        assert_eq!(read.header.batch_count, 1);
    }
}

#[test]
fn a_response_is_the_same_after_a_round_trip_in_every_version() {
    for version in Version::SUPPORTED {
        let payload = ResponsePayload::from(CreateResponse {
            object_type: ObjectType::SymmetricKey,
            unique_identifier: UniqueIdentifier::from("1"),
            template_attribute: None,
        });
        let item = ResponseBatchItem {
            operation: Some(Operation::Create),
            unique_batch_item_id: None,
            outcome: payload.into(),
            message_extension: None,
        };
        let response = ResponseMessage::new(version, DateTime(7), vec![item]);
        let bytes = response.encode(Vec::new()).unwrap();
        let read = ResponseMessage::decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(read.items, response.items, "{version}");
    }
}
