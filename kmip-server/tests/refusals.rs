//! The rows of the tables of errors of 1.x (1.4 section 11): each made to happen, in every version that has the
//! operation.

use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue as A, CryptographicParameters, Name, RevocationReason,
    TemplateAttribute, UniqueIdentifier,
};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask,
    DerivationMethod, EncodingOption, KeyFormatType, ObjectType, OpaqueDataType, ResultReason as R,
    RevocationReasonCode, WrappingMethod,
};
use keybridge_kmip::objects::{
    KeyInformation, KeyWrappingSpecification, ManagedObject, OpaqueObject, Template,
};
use keybridge_kmip::operations::derive_key::DerivationParameters;
use keybridge_kmip::operations::*;
use keybridge_kmip::wire::{DateTime, Interval};
use keybridge_kmip::{Tag, Version};

use crate::harness::{House, payload};

const V1_1: Version = Version::V1_1;

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn aes(more: impl IntoIterator<Item = A>) -> CreateRequest {
    let usable = [
        A::CryptographicAlgorithm(Algorithm::AES),
        A::CryptographicLength(128),
        A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
    ];
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes(usable.into_iter().chain(more)),
        protection_storage_masks: None,
    }
}

/// Objects in every condition that a row is about.
struct Objects {
    house: House,
    pre_active: UniqueIdentifier,
    active: UniqueIdentifier,
    destroyed: UniqueIdentifier,
    archived: UniqueIdentifier,
    opaque: UniqueIdentifier,
    template: UniqueIdentifier,
}

impl Objects {
    fn new() -> Self {
        let house = House::new();
        let made = |more: Vec<A>| payload!(house.ok(V1_1, aes(more)), Create).unique_identifier;
        let name = |name: &str| A::Name(Name::text(name));
        let active = made(vec![name("active"), A::ActivationDate(DateTime(1))]);
        let (pre_active, destroyed) = (made(vec![name("pre-active")]), made(Vec::new()));
        let archived = made(Vec::new());
        house.ok(
            V1_1,
            DestroyRequest {
                unique_identifier: Some(destroyed.clone()),
            },
        );
        house.ok(
            V1_1,
            ArchiveRequest {
                unique_identifier: Some(archived.clone()),
            },
        );
        let registered = |object: ManagedObject, given: Vec<A>| {
            let request = RegisterRequest {
                object_type: object.object_type(),
                attributes: attributes(given),
                object: object.into(),
                protection_storage_masks: None,
            };
            payload!(house.ok(V1_1, request), Register).unique_identifier
        };
        let opaque = ManagedObject::OpaqueObject(OpaqueObject {
            kind: OpaqueDataType(0x8000_0001),
            value: vec![1; 8].into(),
        });
        let opaque = registered(opaque, Vec::new());
        let within = vec![A::CryptographicAlgorithm(Algorithm::AES).into()];
        let template = ManagedObject::Template(Template {
            attributes: within.into(),
        });
        let template = registered(template, vec![name("template")]);
        Self {
            house,
            pre_active,
            active,
            destroyed,
            archived,
            opaque,
            template,
        }
    }

    /// A request is refused for this reason in each version of 1.x in which it can be said.
    #[track_caller]
    fn refuse(&self, row: &str, request: impl Into<RequestPayload>, expected: R) {
        self.refuse_since(Version::V1_0, row, request, expected);
    }

    #[track_caller]
    fn refuse_since(
        &self,
        first: Version,
        row: &str,
        request: impl Into<RequestPayload>,
        expected: R,
    ) {
        let request = request.into();
        let versions = Version::SUPPORTED.into_iter();
        for version in versions.filter(|version| version.major == 1 && *version >= first) {
            if request.operation().exists_in(version) {
                let reason = self.house.refused(version, request.clone());
                assert_eq!(reason, expected, "{row} in {version}");
            }
        }
    }
}

fn nobody() -> UniqueIdentifier {
    UniqueIdentifier::Text("nobody".into())
}

#[test]
fn of_making_objects() {
    let all = Objects::new();
    let create = |more: Vec<A>| aes(more);
    let typed = CreateRequest {
        object_type: ObjectType::Certificate,
        ..create(Vec::new())
    };
    all.refuse("Object Type is not recognized", typed, R::InvalidField);
    let named = |name: &str| CreateRequest {
        attributes: TemplateAttribute {
            templates: vec![Name::text(name)],
            ..create(Vec::new()).attributes
        },
        ..create(Vec::new())
    };
    all.refuse(
        "Templates that do not exist",
        named("none"),
        R::ItemNotFound,
    );
    let odd = CreateRequest {
        attributes: attributes([
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(7),
            A::CryptographicUsageMask(Mask::Encrypt),
        ]),
        ..create(Vec::new())
    };
    all.refuse("Incorrect attribute value(s)", odd, R::InvalidField);
    let taken = create(vec![A::Name(Name::text("active"))]);
    all.refuse("the same Name", taken, R::InvalidField);
    all.house.ok(
        V1_1,
        ArchiveRequest {
            unique_identifier: Some(all.template.clone()),
        },
    );
    all.refuse(
        "Template object is archived",
        named("template"),
        R::ObjectArchived,
    );
    all.refuse(
        "REQUIRED field(s) missing",
        CreateKeyPairRequest::default(),
        R::InvalidMessage,
    );
    let nothing = RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes([]),
        object: Default::default(),
        protection_storage_masks: None,
    };
    all.refuse_since(Version::V1_2, "no object", nothing, R::InvalidMessage);
    let mismatch = RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes([]),
        object: ManagedObject::OpaqueObject(OpaqueObject {
            kind: OpaqueDataType(0x8000_0001),
            value: vec![1; 8].into(),
        })
        .into(),
        protection_storage_masks: None,
    };
    all.refuse("Object Type does not match", mismatch, R::InvalidField);
}

#[test]
fn of_replacing_and_deriving() {
    let all = Objects::new();
    let rekey = |id: &UniqueIdentifier| ReKeyRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    all.refuse("No object", rekey(&nobody()), R::ItemNotFound);
    all.refuse(
        "not able to be re-keyed",
        rekey(&all.opaque),
        R::PermissionDenied,
    );
    all.refuse(
        "Object is archived",
        rekey(&all.archived),
        R::ObjectArchived,
    );
    let both = ReKeyRequest {
        offset: Some(Interval(1)),
        attributes: Some(attributes([A::ActivationDate(DateTime(5))])),
        ..rekey(&all.active)
    };
    all.refuse("Offset and a date", both, R::InvalidMessage);
    let derive = |id: UniqueIdentifier| DeriveKeyRequest {
        object_type: ObjectType::SymmetricKey,
        unique_identifiers: vec![id],
        derivation_method: DerivationMethod::HMAC,
        derivation_parameters: DerivationParameters::default(),
        attributes: aes([]).attributes,
    };
    all.refuse("do not exist", derive(nobody()), R::ItemNotFound);
    all.refuse(
        "not of the correct type",
        derive(all.template.clone()),
        R::InvalidField,
    );
    all.refuse(
        "objects is archived",
        derive(all.archived.clone()),
        R::ObjectArchived,
    );
    let mut none = derive(nobody());
    none.unique_identifiers.clear();
    all.refuse("no object is named", none, R::InvalidMessage);
}

#[test]
fn of_getting() {
    let all = Objects::new();
    let get = |id: &UniqueIdentifier| GetRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    all.refuse("Object does not exist", get(&nobody()), R::ItemNotFound);
    all.refuse("Object is archived", get(&all.archived), R::ObjectArchived);
    let format = GetRequest {
        key_format_type: Some(KeyFormatType::PKCS_8),
        ..get(&all.active)
    };
    all.refuse(
        "the desired Key Format Type",
        format,
        R::KeyFormatTypeNotSupported,
    );
    let wrapped = |id: UniqueIdentifier, names: Vec<AttributeName>, encoding_option| GetRequest {
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key: Some(KeyInformation {
                unique_identifier: id,
                cryptographic_parameters: Some(CryptographicParameters {
                    block_cipher_mode: Some(BlockCipherMode::NISTKeyWrap),
                    ..Default::default()
                }),
            }),
            mac_signature_key: None,
            attribute_names: keybridge_kmip::objects::WrappedAttributeNames(names),
            encoding_option,
        }),
        ..get(&all.pre_active)
    };
    let by = |id: &UniqueIdentifier| wrapped(id.clone(), Vec::new(), None);
    all.refuse(
        "Wrapping key does not exist",
        by(&nobody()),
        R::ItemNotFound,
    );
    all.refuse("but it is not a key", by(&all.opaque), R::IllegalOperation);
    all.refuse(
        "not able to be used for wrapping",
        by(&all.active),
        R::PermissionDenied,
    );
    let names = vec![AttributeName::Standard(Tag::State)];
    let no_encoding = Some(EncodingOption::NoEncoding);
    let request = wrapped(all.active.clone(), names, no_encoding);
    all.refuse_since(
        V1_1,
        "Encoding Option not permitted",
        request,
        R::EncodingOptionError,
    );
    let twice = GetAttributesRequest {
        unique_identifier: Some(all.active.clone()),
        attribute_names: vec![AttributeName::Standard(Tag::State); 2],
    };
    all.refuse("the same Attribute Name", twice, R::InvalidMessage);
    let check = |id: &UniqueIdentifier, mask| CheckRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_usage_mask: Some(mask),
        ..Default::default()
    };
    all.refuse(
        "Object does not exist",
        check(&nobody(), Mask::Encrypt),
        R::ItemNotFound,
    );
    all.refuse(
        "Object is archived",
        check(&all.archived, Mask::Encrypt),
        R::ObjectArchived,
    );
    all.refuse(
        "cannot be performed",
        check(&all.template, Mask::Encrypt),
        R::IllegalOperation,
    );
    all.refuse(
        "not allowed to use",
        check(&all.active, Mask::Sign),
        R::PermissionDenied,
    );
}

#[test]
fn of_changing_attributes() {
    let all = Objects::new();
    let add = |value: A| AddAttributeRequest {
        unique_identifier: Some(all.active.clone()),
        attribute: Attribute::from(value).into(),
    };
    let contact = |text: &str| A::ContactInformation(text.into());
    let state = A::State(keybridge_kmip::enums::State::Active);
    let taken = || A::Name(Name::text("pre-active"));
    all.refuse(
        "a read-only attribute",
        add(state.clone()),
        R::PermissionDenied,
    );
    all.house.ok(V1_1, add(contact("Joe")));
    all.refuse("already exists", add(contact("Ann")), R::IllegalOperation);
    all.refuse("the same Name", add(taken()), R::IllegalOperation);
    let mut indexed = add(A::ObjectGroup("g".into()));
    indexed.attribute.0.as_mut().unwrap().index = Some(3);
    all.refuse("contains Attribute Index", indexed, R::InvalidField);
    let modify = |value: A, index| ModifyAttributeRequest {
        unique_identifier: Some(all.active.clone()),
        current_attribute: Default::default(),
        attribute: Attribute { index, value }.into(),
    };
    let group = || A::ObjectGroup("g".into());
    all.refuse("does not exist", modify(group(), None), R::InvalidField);
    all.house.ok(V1_1, add(group()));
    all.refuse(
        "No matching instance",
        modify(group(), Some(7)),
        R::ItemNotFound,
    );
    all.refuse("is read-only", modify(state, None), R::PermissionDenied);
    all.refuse(
        "the Name is used",
        modify(taken(), None),
        R::IllegalOperation,
    );
    let delete = |tag, index| DeleteAttributeRequest {
        unique_identifier: Some(all.active.clone()),
        attribute_name: Some(AttributeName::Standard(tag)),
        attribute_index: index,
        ..Default::default()
    };
    all.refuse("read-only", delete(Tag::State, None), R::PermissionDenied);
    all.refuse(
        "No instance",
        delete(Tag::ObjectGroup, Some(7)),
        R::ItemNotFound,
    );
    all.refuse(
        "No attribute",
        delete(Tag::UsageLimits, None),
        R::ItemNotFound,
    );
}

#[test]
fn of_the_lifecycle() {
    let all = Objects::new();
    let some = |id: &UniqueIdentifier| Some(id.clone());
    let activate = |id: &UniqueIdentifier| ActivateRequest {
        unique_identifier: some(id),
    };
    all.refuse("No object", activate(&nobody()), R::ItemNotFound);
    all.refuse(
        "not able to be activated",
        activate(&all.template),
        R::IllegalOperation,
    );
    all.refuse(
        "not in Pre-Active state",
        activate(&all.active),
        R::PermissionDenied,
    );
    all.refuse("archived", activate(&all.archived), R::ObjectArchived);
    let revoke = |id: &UniqueIdentifier| RevokeRequest {
        unique_identifier: some(id),
        revocation_reason: RevocationReason {
            code: RevocationReasonCode::Unspecified,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    all.refuse("No object", revoke(&nobody()), R::ItemNotFound);
    all.refuse(
        "not able to be revoked",
        revoke(&all.template),
        R::IllegalOperation,
    );
    all.refuse("archived", revoke(&all.archived), R::ObjectArchived);
    let destroy = |id: &UniqueIdentifier| DestroyRequest {
        unique_identifier: some(id),
    };
    all.refuse("No object", destroy(&nobody()), R::ItemNotFound);
    all.refuse(
        "already been destroyed",
        destroy(&all.destroyed),
        R::PermissionDenied,
    );
    all.refuse(
        "not in Pre-Active, …",
        destroy(&all.active),
        R::PermissionDenied,
    );
    all.refuse("archived", destroy(&all.archived), R::ObjectArchived);
    let archive = |id: &UniqueIdentifier| ArchiveRequest {
        unique_identifier: some(id),
    };
    all.refuse("No object", archive(&nobody()), R::ItemNotFound);
    all.refuse(
        "already archived",
        archive(&all.archived),
        R::ObjectArchived,
    );
    let recover = RecoverRequest {
        unique_identifier: some(&nobody()),
    };
    all.refuse("No object", recover, R::ItemNotFound);
    let allocate = |id: &UniqueIdentifier, units| GetUsageAllocationRequest {
        unique_identifier: some(id),
        usage_limits_count: units,
    };
    all.refuse("No object", allocate(&nobody(), 1), R::ItemNotFound);
    all.refuse(
        "no Usage Limits",
        allocate(&all.active, 1),
        R::IllegalOperation,
    );
    all.refuse("archived", allocate(&all.archived, 1), R::ObjectArchived);
    let validate = ValidateRequest::default();
    all.refuse("not a certificate list", validate, R::InvalidMessage);
    let poll = PollRequest {
        asynchronous_correlation_value: vec![1; 16],
    };
    all.refuse("No outstanding operation", poll, R::ItemNotFound);
}

#[test]
fn of_using_keys() {
    let all = Objects::new();
    let encrypt = |id: &UniqueIdentifier| EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::ECB),
            ..Default::default()
        }),
        data: Some(vec![1; 16].into()),
        ..Default::default()
    };
    all.refuse("No object", encrypt(&nobody()), R::ItemNotFound);
    all.refuse("archived", encrypt(&all.archived), R::ObjectArchived);
    all.refuse(
        "not able to be used",
        encrypt(&all.pre_active),
        R::PermissionDenied,
    );
    let sign = SignRequest {
        unique_identifier: Some(all.active.clone()),
        data: Some(vec![1; 16].into()),
        ..Default::default()
    };
    all.refuse("not able to be used for signing", sign, R::PermissionDenied);
    let unknown = EncryptRequest {
        correlation_value: Some(vec![1; 16]),
        ..encrypt(&all.active)
    };
    all.refuse_since(
        Version::V1_3,
        "No outstanding operation",
        unknown,
        R::ItemNotFound,
    );
    let missing = EncryptRequest {
        data: None,
        ..encrypt(&all.active)
    };
    all.refuse("Data is REQUIRED", missing, R::InvalidMessage);
}
