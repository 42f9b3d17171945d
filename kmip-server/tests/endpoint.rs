//! Set Endpoint Role: a client is told of changes by Notify and Put.

use std::io::{Read, Write};

use keybridge_kmip::attributes::{Attribute, AttributeValue, UniqueIdentifier};
use keybridge_kmip::client::TlsClient;
use keybridge_kmip::enums::{EndpointRole, PutFunction, State};
use keybridge_kmip::frame::read_length;
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseBatchItem, ResponseMessage};
use keybridge_kmip::operations::{
    ActivateRequest, AddAttributeRequest, GetRequest, LocateRequest, ReKeyRequest, RequestPayload,
    SetEndpointRoleRequest,
};
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{Limits, Tag, Version};
use keybridge_server::pki::ServerKey;
use keybridge_server::settings::ServerLimits;

use crate::identity::aes;
use crate::network::{Open, http, stream};

const V2_1: Version = Version::V2_1;

/// The next request of the server, answered.
fn told(client: &mut TlsClient) -> RequestPayload {
    let limits = Limits::default();
    let stream = client.stream();
    let mut message = vec![0; 8];
    stream.read_exact(&mut message).unwrap();
    let head = message.as_slice().try_into().unwrap();
    message.resize(read_length(&head, &limits).unwrap(), 0);
    stream.read_exact(&mut message[8..]).unwrap();
    let mut request = RequestMessage::decode(&message, &limits).unwrap();
    assert_eq!(request.header.protocol_version, V2_1);
    let item = request.items.remove(0);
    let answer = ResponseBatchItem {
        operation: Some(item.operation),
        unique_batch_item_id: None,
        outcome: Outcome::Success(None),
        message_extension: None,
    };
    let answer = ResponseMessage::new(V2_1, DateTime(0), vec![answer]);
    stream
        .write_all(&answer.encode(Vec::new()).unwrap())
        .unwrap();
    stream.flush().unwrap();
    item.payload.unwrap()
}

fn turn(client: &mut TlsClient) {
    let endpoint_role = EndpointRole::Client;
    let answer = client
        .call(SetEndpointRoleRequest { endpoint_role })
        .unwrap();
    assert_eq!(answer.endpoint_role, EndpointRole::Client);
}

fn with_tag(attributes: &[Attribute], tag: Tag) -> Option<&AttributeValue> {
    let wanted = keybridge_kmip::attributes::AttributeName::Standard(tag);
    let found = attributes
        .iter()
        .find(|attribute| attribute.name() == wanted);
    found.map(|attribute| &attribute.value)
}

#[test]
fn a_client_that_asked_is_told_of_changes_in_its_account() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let mut worker = open.speak(&open.known("worker"), V2_1);
    let mut listener = open.speak(&open.known("listener"), V2_1);
    let id = worker.call(aes()).unwrap().unique_identifier;
    turn(&mut listener);
    let unique_identifier = || Some(id.clone());
    let activate = ActivateRequest {
        unique_identifier: unique_identifier(),
    };
    worker.call(activate).unwrap();
    let RequestPayload::Notify(told_of) = told(&mut listener) else {
        panic!("Notify");
    };
    assert_eq!(told_of.unique_identifier, id);
    assert!(with_tag(&told_of.attributes.0, Tag::LastChangeDate).is_some());
    let state = with_tag(&told_of.attributes.0, Tag::State);
    assert_eq!(state, Some(&AttributeValue::State(State::Active)));
    let group = Attribute::from(AttributeValue::ObjectGroup("g".into()));
    let add = AddAttributeRequest {
        unique_identifier: unique_identifier(),
        attribute: group.into(),
    };
    worker.call(add).unwrap();
    let RequestPayload::Notify(told_of) = told(&mut listener) else {
        panic!("Notify");
    };
    assert!(with_tag(&told_of.attributes.0, Tag::ObjectGroup).is_some());
    // A key that replaces another is sent itself.
    let rekey = ReKeyRequest {
        unique_identifier: unique_identifier(),
        ..ReKeyRequest::default()
    };
    let new = worker.call(rekey).unwrap().unique_identifier;
    let RequestPayload::Put(put) = told(&mut listener) else {
        panic!("Put");
    };
    assert_eq!(put.unique_identifier, new);
    assert_eq!(put.put_function, PutFunction::Replace);
    assert_eq!(put.replaced_unique_identifier, Some(id));
    let get = GetRequest {
        unique_identifier: Some(new),
        ..GetRequest::default()
    };
    assert_eq!(worker.call(get).unwrap().object, put.object);
}

#[test]
fn nobody_else_is_told_and_a_revoked_client_is_not_either() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let mut worker = open.speak(&open.known("worker"), V2_1);
    let mut plain = open.speak(&open.known("plain"), V2_1);
    let mut listener = open.speak(&open.known("listener"), V2_1);
    let role = SetEndpointRoleRequest {
        endpoint_role: EndpointRole::Server,
    };
    plain.call(role).unwrap();
    turn(&mut listener);
    let kms = &open.house.kms;
    kms.revoke_client(&open.house.caller(), "listener").unwrap();
    let id = worker.call(aes()).unwrap().unique_identifier;
    let unique_identifier: Option<UniqueIdentifier> = Some(id);
    worker.call(ActivateRequest { unique_identifier }).unwrap();
    // The server hangs up instead of telling.
    let mut nothing = Vec::new();
    let _ = listener.stream().read_to_end(&mut nothing);
    assert!(nothing.is_empty());
    // The other one still asks and is answered.
    plain.call(LocateRequest::default()).unwrap();
}

#[test]
fn over_https_the_roles_stay() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let config = open.config(&open.known("app"));
    let request = SetEndpointRoleRequest {
        endpoint_role: EndpointRole::Client,
    };
    let body = RequestMessage::new(V2_1, vec![request.into()])
        .encode(Vec::new())
        .unwrap();
    let mut web = stream(&config, open.https_port).unwrap();
    let (_, answer) = http(&mut web, "POST /kmip HTTP/1.1", &body).unwrap();
    let answer = ResponseMessage::decode(&answer, &Limits::default()).unwrap();
    assert!(matches!(answer.items[0].outcome, Outcome::Failed { .. }));
}
