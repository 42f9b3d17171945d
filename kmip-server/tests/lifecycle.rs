//! What happens to objects over time, and the smaller operations: dates that pass, the archive, leases,
//! allocations, attributes set and adjusted, MACs, random bytes, messages for the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keybridge_core::time::Timestamp;
use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue as A, CryptographicParameters, CurrentAttribute, Name,
    RevocationReason, TemplateAttribute, UniqueIdentifier, UsageLimits,
};
use keybridge_kmip::enums::{
    AdjustmentType, BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask as Mask,
    HashingAlgorithm, InteropFunction, ObjectType, ResultReason as R, RevocationReasonCode, State,
    StorageStatusMask, UsageLimitsUnit, ValidityIndicator,
};
use keybridge_kmip::item::Value;
use keybridge_kmip::message::{Outcome, RequestMessage};
use keybridge_kmip::operations::{
    ActivateRequest, AddAttributeRequest, AdjustAttributeRequest, ArchiveRequest, CheckRequest,
    CreateRequest, DecryptRequest, DeleteAttributeRequest, DestroyRequest, EncryptRequest,
    ExportRequest, GetAttributeListRequest, GetAttributesRequest, GetRequest,
    GetUsageAllocationRequest, InteropRequest, LocateRequest, LogRequest, MACRequest,
    MACVerifyRequest, ModifyAttributeRequest, ObtainLeaseRequest, PingRequest, RNGRetrieveRequest,
    RNGSeedRequest, ReKeyRequest, RecoverRequest, RequestPayload, RevokeRequest,
    SetAttributeRequest,
};
use keybridge_kmip::wire::{DateTime, Interval};
use keybridge_kmip::{Tag, Version};

use crate::harness::{House, payload};

const V1_4: Version = Version::V1_4;
const V2_1: Version = Version::V2_1;

/// Longer than any date here is away, on a machine however busy.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn create(
    house: &House,
    algorithm: CryptographicAlgorithm,
    mask: Mask,
    more: impl IntoIterator<Item = A>,
) -> UniqueIdentifier {
    let common = [
        A::CryptographicAlgorithm(algorithm),
        A::CryptographicLength(256),
        A::CryptographicUsageMask(mask),
    ];
    let attributes: TemplateAttribute = common.into_iter().chain(more).collect();
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    };
    payload!(house.ok(V2_1, request), Create).unique_identifier
}

pub(crate) fn aes(house: &House, more: impl IntoIterator<Item = A>) -> UniqueIdentifier {
    let mask = Mask::Encrypt | Mask::Decrypt;
    create(house, CryptographicAlgorithm::AES, mask, more)
}

pub(crate) fn active(house: &House) -> UniqueIdentifier {
    aes(house, [A::ActivationDate(DateTime(1))])
}

/// Success, or why not.
fn result(outcome: Outcome) -> Option<R> {
    match outcome {
        Outcome::Success(_) => None,
        Outcome::Failed { reason, .. } => Some(reason),
        other => panic!("{other:?}"),
    }
}

fn ecb() -> Option<CryptographicParameters> {
    Some(CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::ECB),
        ..Default::default()
    })
}

fn encrypt(house: &House, version: Version, id: &UniqueIdentifier) -> Option<R> {
    let request = EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: ecb(),
        data: Some(vec![7; 16].into()),
        ..Default::default()
    };
    result(house.outcome(version, request))
}

fn decrypt(house: &House, version: Version, id: &UniqueIdentifier) -> Option<R> {
    let request = DecryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: ecb(),
        data: Some(vec![7; 16].into()),
        ..Default::default()
    };
    result(house.outcome(version, request))
}

fn read(house: &House, id: &UniqueIdentifier, name: &AttributeName) -> Option<A> {
    let request = GetAttributesRequest {
        unique_identifier: Some(id.clone()),
        attribute_names: vec![name.clone()],
    };
    let answer = payload!(house.ok(V2_1, request), GetAttributes);
    let mut values = answer.attributes.0.into_iter();
    values.next().map(|attribute| attribute.value)
}

fn state(house: &House, id: &UniqueIdentifier) -> Option<A> {
    read(house, id, &AttributeName::Standard(Tag::State))
}

#[track_caller]
fn until(what: &str, mut happens: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happens() {
        assert!(Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Keys that are in use, and so in every cache, when one of their dates passes.
#[test]
fn a_date_that_passes_is_obeyed_at_the_next_use() {
    let house = House::new();
    let soon = DateTime(Timestamp::now().0 + 2);
    let begin = A::ActivationDate(DateTime(1));
    let ends = aes(&house, [begin.clone(), A::DeactivationDate(soon)]);
    let stops = aes(&house, [begin.clone(), A::ProtectStopDate(soon)]);
    let starts = aes(&house, [begin, A::ProcessStartDate(soon)]);
    let comes = aes(&house, [A::ActivationDate(soon)]);
    let wrong_state = Some(R::WrongKeyLifecycleState);
    let before = [
        (encrypt(&house, V2_1, &ends), None),
        (decrypt(&house, V2_1, &ends), None),
        (encrypt(&house, V2_1, &stops), None),
        (encrypt(&house, V2_1, &starts), None),
        (decrypt(&house, V2_1, &starts), wrong_state),
        (encrypt(&house, V2_1, &comes), wrong_state),
    ];
    let states = [&ends, &comes].map(|id| state(&house, id));
    // A machine that took two seconds for this has seen nothing, and proves what follows only.
    if Timestamp::now().0 < soon.0 {
        for (found, expected) in before {
            assert_eq!(found, expected);
        }
        let expected = [State::Active, State::PreActive];
        assert_eq!(states, expected.map(|state| Some(A::State(state))));
    }
    until("the end", || encrypt(&house, V2_1, &ends).is_some());
    assert_eq!(encrypt(&house, V2_1, &ends), wrong_state);
    assert_eq!(encrypt(&house, V1_4, &ends), Some(R::PermissionDenied));
    assert_eq!(decrypt(&house, V2_1, &ends), None);
    assert_eq!(state(&house, &ends), Some(A::State(State::Deactivated)));
    until("the stop", || encrypt(&house, V2_1, &stops).is_some());
    assert_eq!(decrypt(&house, V2_1, &stops), None);
    assert_eq!(state(&house, &stops), Some(A::State(State::Active)));
    until("the start", || decrypt(&house, V2_1, &starts).is_none());
    until("the activation", || encrypt(&house, V2_1, &comes).is_none());
    assert_eq!(state(&house, &comes), Some(A::State(State::Active)));
}

#[test]
fn what_is_archived_waits_to_be_recovered() {
    let house = House::new();
    let id = active(&house);
    let archive = ArchiveRequest {
        unique_identifier: Some(id.clone()),
    };
    house.ok(V1_4, archive.clone());
    assert_eq!(encrypt(&house, V1_4, &id), Some(R::ObjectArchived));
    let get = || GetRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    assert_eq!(house.refused(V1_4, get()), R::ObjectArchived);
    let it = || Some(id.clone());
    let comment = || Attribute::from(A::Comment("x".into()));
    let attribute_name = || Some(AttributeName::Standard(Tag::Name));
    let elsewhere: [RequestPayload; 14] = [
        ObtainLeaseRequest {
            unique_identifier: it(),
        }
        .into(),
        ArchiveRequest {
            unique_identifier: it(),
        }
        .into(),
        ActivateRequest {
            unique_identifier: it(),
        }
        .into(),
        DestroyRequest {
            unique_identifier: it(),
        }
        .into(),
        RevokeRequest {
            unique_identifier: it(),
            revocation_reason: RevocationReason {
                code: RevocationReasonCode::Superseded,
                message: None,
            },
            compromise_occurrence_date: None,
        }
        .into(),
        CheckRequest {
            unique_identifier: it(),
            ..Default::default()
        }
        .into(),
        GetAttributesRequest {
            unique_identifier: it(),
            ..Default::default()
        }
        .into(),
        GetAttributeListRequest {
            unique_identifier: it(),
        }
        .into(),
        AddAttributeRequest {
            unique_identifier: it(),
            attribute: comment().into(),
        }
        .into(),
        ModifyAttributeRequest {
            unique_identifier: it(),
            attribute: comment().into(),
            current_attribute: CurrentAttribute::default(),
        }
        .into(),
        DeleteAttributeRequest {
            unique_identifier: it(),
            attribute_name: attribute_name(),
            ..Default::default()
        }
        .into(),
        ReKeyRequest {
            unique_identifier: it(),
            ..Default::default()
        }
        .into(),
        ExportRequest {
            unique_identifier: it(),
            ..Default::default()
        }
        .into(),
        GetUsageAllocationRequest {
            unique_identifier: it(),
            usage_limits_count: 1,
        }
        .into(),
    ];
    for request in elsewhere {
        let what = format!("{request:?}");
        let refused = result(house.outcome(V1_4, request));
        assert_eq!(refused, Some(R::ObjectArchived), "{what}");
    }
    assert_eq!(decrypt(&house, V2_1, &id), Some(R::ObjectArchived));
    let found = |storage_status_mask| {
        let request = LocateRequest {
            storage_status_mask,
            ..Default::default()
        };
        payload!(house.ok(V1_4, request), Locate).unique_identifiers
    };
    // "If … not specified, then on-line storage".
    assert_eq!(found(None), []);
    assert_eq!(found(Some(StorageStatusMask::OnLineStorage)), []);
    let archived = found(Some(StorageStatusMask::ArchivalStorage));
    assert_eq!(archived, std::slice::from_ref(&id));
    let recover = RecoverRequest {
        unique_identifier: Some(id.clone()),
    };
    house.ok(V1_4, recover);
    assert_eq!(found(None), std::slice::from_ref(&id));
    assert_eq!(encrypt(&house, V1_4, &id), None);
    house.ok(V1_4, get());
}

#[test]
fn leases_are_granted_for_what_is_in_use() {
    let house = House::new();
    let id = active(&house);
    let lease = || ObtainLeaseRequest {
        unique_identifier: Some(id.clone()),
    };
    let granted = payload!(house.ok(V1_4, lease()), ObtainLease);
    assert_eq!(granted.unique_identifier, id);
    assert!(granted.lease_time.0 > 0);
    assert!(granted.last_change_date.0 > 0);
    let check = |lease_time| CheckRequest {
        unique_identifier: Some(id.clone()),
        lease_time: Some(lease_time),
        ..Default::default()
    };
    house.ok(V2_1, check(granted.lease_time));
    let longer = Interval(granted.lease_time.0 + 1);
    assert_eq!(house.refused(V2_1, check(longer)), R::PermissionDenied);
    let uses = |mask| CheckRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_usage_mask: Some(mask),
        ..Default::default()
    };
    house.ok(V2_1, uses(Mask::Encrypt));
    assert_eq!(
        house.refused(V2_1, uses(Mask::Encrypt | Mask::Sign)),
        R::IncompatibleCryptographicUsageMask
    );
}

/// Of many that ask at once, as many get their share as there is.
#[test]
fn allocations_of_many_clients_add_up_to_the_limit() {
    let house = Arc::new(House::new());
    let limits = A::UsageLimits(UsageLimits {
        total: 50,
        count: None,
        unit: UsageLimitsUnit::Byte,
    });
    let id = aes(&house, [A::ActivationDate(DateTime(1)), limits]);
    let allocate = |units| GetUsageAllocationRequest {
        unique_identifier: Some(id.clone()),
        usage_limits_count: units,
    };
    let clients = (0..8).map(|_| {
        let (house, request) = (Arc::clone(&house), allocate(1));
        std::thread::spawn(move || {
            let ask = || result(house.outcome(V2_1, request.clone()));
            (0..10).filter(|_| ask().is_none()).count()
        })
    });
    let clients: Vec<_> = clients.collect();
    let granted = clients.into_iter().map(|client| client.join().unwrap());
    assert_eq!(granted.sum::<usize>(), 50);
    assert_eq!(house.refused(V2_1, allocate(1)), R::UsageLimitExceeded);
    assert_eq!(house.refused(V1_4, allocate(1)), R::PermissionDenied);
    assert_eq!(house.refused(V2_1, allocate(-1)), R::InvalidField);
    let without = GetUsageAllocationRequest {
        unique_identifier: Some(active(&house)),
        usage_limits_count: 1,
    };
    assert_eq!(house.refused(V2_1, without), R::AttributeNotFound);
}

#[test]
fn attributes_are_set_adjusted_and_deleted() {
    let house = House::new();
    let id = active(&house);
    let set = |value: A| SetAttributeRequest {
        unique_identifier: Some(id.clone()),
        attribute: Attribute::from(value).into(),
    };
    let named = |tag| AttributeName::Standard(tag);
    for text in ["first", "second"] {
        house.ok(V2_1, set(A::Comment(text.into())));
        let comment = read(&house, &id, &named(Tag::Comment));
        assert_eq!(comment, Some(A::Comment(text.into())));
    }
    assert_eq!(
        house.refused(V2_1, set(A::State(State::Compromised))),
        R::ReadOnlyAttribute
    );
    let adjust = |tag, adjustment_type, adjustment_value| AdjustAttributeRequest {
        unique_identifier: Some(id.clone()),
        attribute_name: Some(named(tag)),
        adjustment_type,
        adjustment_value,
    };
    house.ok(V2_1, set(A::ProtectionPeriod(Interval(60))));
    let period = || read(&house, &id, &named(Tag::ProtectionPeriod));
    let (up, down) = (AdjustmentType::Increment, AdjustmentType::Decrement);
    let ten = || Some(Value::Interval(10));
    house.ok(V2_1, adjust(Tag::ProtectionPeriod, up, ten()));
    assert_eq!(period(), Some(A::ProtectionPeriod(Interval(70))));
    house.ok(V2_1, adjust(Tag::ProtectionPeriod, down, None));
    assert_eq!(period(), Some(A::ProtectionPeriod(Interval(69))));
    let below = Some(Value::Interval(100));
    let below = adjust(Tag::ProtectionPeriod, down, below);
    assert_eq!(house.refused(V2_1, below), R::NumericRange);
    let negate = adjust(Tag::QuantumSafe, AdjustmentType::Negate, None);
    house.ok(V2_1, negate.clone());
    let safe = || read(&house, &id, &named(Tag::QuantumSafe));
    assert_eq!(safe(), Some(A::QuantumSafe(true)));
    house.ok(V2_1, negate);
    assert_eq!(safe(), Some(A::QuantumSafe(false)));
    // What is the server's is adjusted by nobody, and what is sensitive stays so.
    let state = adjust(Tag::State, up, None);
    assert_eq!(house.refused(V2_1, state), R::ReadOnlyAttribute);
    house.ok(V2_1, set(A::Sensitive(true)));
    let open = adjust(Tag::Sensitive, AdjustmentType::Negate, None);
    assert_ne!(result(house.outcome(V2_1, open)), None);
    assert_eq!(
        read(&house, &id, &named(Tag::Sensitive)),
        Some(A::Sensitive(true))
    );
    let add = AddAttributeRequest {
        unique_identifier: Some(id.clone()),
        attribute: Attribute::from(A::State(State::Compromised)).into(),
    };
    assert_eq!(house.refused(V2_1, add.clone()), R::ReadOnlyAttribute);
    assert_eq!(house.refused(V1_4, add), R::PermissionDenied);
    let delete = |tag| DeleteAttributeRequest {
        unique_identifier: Some(id.clone()),
        attribute_name: Some(named(tag)),
        ..Default::default()
    };
    house.ok(V2_1, delete(Tag::Comment));
    assert_eq!(read(&house, &id, &named(Tag::Comment)), None);
    assert_eq!(
        house.refused(V2_1, delete(Tag::Comment)),
        R::AttributeNotFound
    );
    assert_eq!(
        house.refused(V2_1, delete(Tag::State)),
        R::AttributeReadOnly
    );
}

/// 1.x gives back what it deleted, and says by its index which of several is meant.
#[test]
fn one_of_several_names_is_deleted_by_its_index() {
    let house = House::new();
    let names = ["one", "two", "three"].map(|name| A::Name(Name::text(name)));
    let id = aes(&house, names.clone());
    let delete = DeleteAttributeRequest {
        unique_identifier: Some(id.clone()),
        attribute_name: Some(AttributeName::Standard(Tag::Name)),
        attribute_index: Some(1),
        ..Default::default()
    };
    let deleted = payload!(house.ok(V1_4, delete), DeleteAttribute).attribute;
    assert_eq!(deleted.0.unwrap().value, names[1]);
    let request = GetAttributesRequest {
        unique_identifier: Some(id),
        attribute_names: vec![AttributeName::Standard(Tag::Name)],
    };
    let left = payload!(house.ok(V2_1, request), GetAttributes).attributes;
    let left: Vec<_> = left.0.into_iter().map(|name| name.value).collect();
    assert_eq!(left, [names[0].clone(), names[2].clone()]);
}

#[test]
fn a_mac_proves_its_data() {
    let house = House::new();
    let mask = Mask::MACGenerate | Mask::MACVerify;
    let sha256 = CryptographicAlgorithm::HMAC_SHA256;
    let id = create(&house, sha256, mask, [A::ActivationDate(DateTime(1))]);
    let parameters = Some(CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        cryptographic_algorithm: Some(sha256),
        ..Default::default()
    });
    for version in [Version::V1_2, V1_4, V2_1] {
        let mac = MACRequest {
            unique_identifier: Some(id.clone()),
            cryptographic_parameters: parameters.clone(),
            data: Some(b"message".to_vec().into()),
            ..Default::default()
        };
        let made = payload!(house.ok(version, mac), MAC).mac_data;
        assert_eq!(made.as_ref().map(Vec::len), Some(32));
        for (data, expected) in [
            (&b"message"[..], ValidityIndicator::Valid),
            (b"massage", ValidityIndicator::Invalid),
        ] {
            let verify = MACVerifyRequest {
                unique_identifier: Some(id.clone()),
                cryptographic_parameters: parameters.clone(),
                data: Some(data.to_vec().into()),
                mac_data: made.clone(),
                ..Default::default()
            };
            let verified = payload!(house.ok(version, verify), MACVerify);
            assert_eq!(verified.validity_indicator, Some(expected));
        }
    }
    // A key that does not MAC says so.
    let mac = MACRequest {
        unique_identifier: Some(active(&house)),
        cryptographic_parameters: parameters,
        data: Some(b"message".to_vec().into()),
        ..Default::default()
    };
    assert_ne!(result(house.outcome(V2_1, mac)), None);
}

#[test]
fn random_bytes_are_given_and_seeds_are_counted() {
    let house = House::new();
    let ask = |data_length| RNGRetrieveRequest { data_length };
    let take = || payload!(house.ok(V1_4, ask(32)), RNGRetrieve).data;
    let (one, two) = (take(), take());
    assert_eq!((one.len(), two.len()), (32, 32));
    assert_ne!(*one, *two);
    assert_eq!(house.refused(V1_4, ask(-1)), R::InvalidField);
    assert_ne!(result(house.outcome(V1_4, ask(i32::MAX))), None);
    let seed = RNGSeedRequest {
        data: vec![7; 20].into(),
    };
    // "the amount of data used": none, as the configuration says by default.
    assert_eq!(payload!(house.ok(V1_4, seed), RNGSeed).data_length, 0);
}

#[test]
fn a_server_answers_pings_and_takes_words_for_its_log() {
    let house = House::new();
    house.ok(V2_1, PingRequest::default());
    let words = LogRequest {
        log_message: "a client was here\n2026 forged".into(),
    };
    house.ok(V2_1, words);
    // What is for tests only.
    let reset = InteropRequest {
        interop_function: InteropFunction::Reset,
        interop_identifier: Some("a case".into()),
    };
    assert_eq!(house.refused(V2_1, reset), R::OperationNotSupported);
    let ping = RequestMessage::new(V2_1, vec![PingRequest::default().into(); 3]);
    assert_eq!(house.send(&ping).items.len(), 3);
}

/// "SHALL NOT precede, the Activation Date", "SHALL NOT be later than the Deactivation Date" (2.1 sections 4.40, 4.41).
#[test]
fn dates_come_in_their_order() {
    let house = House::new();
    let at = |days: i64| DateTime(2_000_000_000 + days * 86_400);
    let dated = |dates: Vec<A>| CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: [
            A::CryptographicAlgorithm(CryptographicAlgorithm::AES),
            A::CryptographicLength(256),
            A::CryptographicUsageMask(Mask::Encrypt),
        ]
        .into_iter()
        .chain(dates)
        .collect(),
        protection_storage_masks: None,
    };
    let (begin, end) = (A::ActivationDate(at(2)), A::DeactivationDate(at(4)));
    for (date, with) in [
        (A::DeactivationDate(at(1)), &begin),
        (A::ProcessStartDate(at(1)), &begin),
        (A::ProtectStopDate(at(5)), &end),
    ] {
        let both = dated(vec![date.clone(), with.clone()]);
        assert_eq!(house.refused(V2_1, both.clone()), R::InvalidAttributeValue);
        assert_eq!(house.refused(V1_4, both), R::InvalidField);
        // Nor can it be given later.
        let id = payload!(house.ok(V2_1, dated(vec![with.clone()])), Create).unique_identifier;
        let later = AddAttributeRequest {
            unique_identifier: Some(id),
            attribute: Attribute::from(date).into(),
        };
        assert_eq!(house.refused(V2_1, later), R::InvalidField);
    }
    let equal = [A::ProcessStartDate(at(2)), A::ProtectStopDate(at(4))];
    house.ok(V2_1, dated([vec![begin, end], equal.to_vec()].concat()));
}
