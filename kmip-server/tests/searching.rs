//! Locate: by every rule, in pages, the newest first.

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    Attribute, AttributeValue as A, Name, UniqueIdentifier, UsageLimits, VendorAttribute,
};
use keybridge_kmip::enums::{
    CryptographicAlgorithm, CryptographicUsageMask as Mask, ObjectType, State, StorageStatusMask,
    UsageLimitsUnit,
};
use keybridge_kmip::item::Value;
use keybridge_kmip::operations::{DestroyRequest, LocateRequest};
use keybridge_kmip::wire::DateTime;

use crate::harness::{House, payload};
use crate::lifecycle::{active, aes, create};

const V2_1: Version = Version::V2_1;

/// Each rule of "Locate" by which an attribute matches (1.4 section 4.9; 2.1 section 6.1.26).
#[test]
fn objects_are_located_by_every_rule() {
    let house = House::new();
    let day = 86_400_i64;
    let limits = |total, count| {
        A::UsageLimits(UsageLimits {
            total,
            count,
            unit: UsageLimitsUnit::Byte,
        })
    };
    let rack = |value: Value| {
        A::Vendor(VendorAttribute {
            vendor: "acme".into(),
            name: "Rack".into(),
            value,
        })
    };
    let own = |name: &str, date| {
        let name = A::Name(Name::text(name));
        [name, A::ActivationDate(DateTime(date * day))]
    };
    let one = own("one", 1).into_iter();
    let one = aes(
        &house,
        one.chain([limits(100, None), rack(Value::Integer(7))]),
    );
    let two = own("two", 2).into_iter();
    let two = aes(&house, two.chain([rack(Value::TextString("7".into()))]));
    let mask = Mask::MACGenerate | Mask::MACVerify;
    let sha256 = CryptographicAlgorithm::HMAC_SHA256;
    let three = create(&house, sha256, mask, own("three", 3));
    let four = aes(&house, [A::Name(Name::text("four"))]);
    let located = |wanted: Vec<A>| {
        let wanted: Vec<Attribute> = wanted.into_iter().map(Attribute::from).collect();
        let request = LocateRequest {
            attributes: wanted.into(),
            ..Default::default()
        };
        let mut found = payload!(house.ok(V2_1, request), Locate).unique_identifiers;
        found.sort_unstable_by_key(|id| {
            let all = [&one, &two, &three, &four];
            all.iter().position(|known| *known == id)
        });
        found
    };
    let ids = |ids: &[&UniqueIdentifier]| ids.iter().map(|id| (*id).clone()).collect::<Vec<_>>();
    let at = |days| A::ActivationDate(DateTime(days * day));
    let never = A::ActivationDate(DateTime(i64::MAX));
    for (wanted, expected) in [
        // A date is that date; two are a range, its ends included, in whichever order.
        (vec![at(2)], ids(&[&two])),
        (vec![at(1), at(2)], ids(&[&one, &two])),
        (vec![at(3), at(2)], ids(&[&two, &three])),
        (vec![at(4), at(5)], vec![]),
        // The latest date there is means that there is none.
        (vec![never], ids(&[&four])),
        // Of a usage mask all bits that are asked for, and others too.
        (
            vec![A::CryptographicUsageMask(Mask::Encrypt)],
            ids(&[&one, &two, &four]),
        ),
        (
            vec![A::CryptographicUsageMask(Mask::Encrypt | Mask::MACVerify)],
            vec![],
        ),
        // At least so many units.
        (vec![limits(100, None)], ids(&[&one])),
        (vec![limits(50, Some(100))], ids(&[&one])),
        (vec![limits(101, None)], vec![]),
        // Vendors' attributes by type and value.
        (vec![rack(Value::Integer(7))], ids(&[&one])),
        (vec![rack(Value::TextString("7".into()))], ids(&[&two])),
        (vec![rack(Value::LongInteger(7))], vec![]),
        // All that is asked for, together.
        (
            vec![
                A::CryptographicAlgorithm(CryptographicAlgorithm::AES),
                at(2),
            ],
            ids(&[&two]),
        ),
        (vec![A::State(State::PreActive)], ids(&[&four])),
        (vec![A::Name(Name::text("four"))], ids(&[&four])),
        (vec![A::Name(Name::text("fou"))], vec![]),
        (
            vec![A::Name(Name::text("four")), A::Name(Name::text("one"))],
            vec![],
        ),
        (vec![A::UniqueIdentifier(two.clone())], ids(&[&two])),
        (vec![A::ObjectType(ObjectType::SecretData)], vec![]),
    ] {
        assert_eq!(located(wanted.clone()), expected, "{wanted:?}");
    }
}

/// Pages: some at a time, all in the end, and how many there are.
#[test]
fn what_is_located_comes_in_pages() {
    let house = House::new();
    let mut all: Vec<_> = (0..5).map(|_| active(&house)).collect();
    let page = |maximum_items, offset_items| {
        let request = LocateRequest {
            maximum_items,
            offset_items,
            ..Default::default()
        };
        let found = payload!(house.ok(V2_1, request), Locate);
        // Told to those who page through the answer.
        assert_eq!(found.located_items, offset_items.map(|_| 5));
        found.unique_identifiers
    };
    let pages = [0, 2, 4].map(|offset| page(Some(2), Some(offset)));
    assert_eq!(pages.each_ref().map(Vec::len), [2, 2, 1]);
    assert_eq!(page(None, Some(5)), []);
    assert_eq!(page(Some(0), None), []);
    // "in descending order of object creation (most recently created object first)", from 2.0 on.
    assert_eq!(page(None, None), pages.concat());
    all.reverse();
    assert_eq!(pages.concat(), all);
}

/// What is destroyed is there for those who ask for it.
#[test]
fn destroyed_objects_are_located_when_they_are_asked_for() {
    let house = House::new();
    let (kept, gone) = (aes(&house, []), aes(&house, []));
    let destroy = DestroyRequest {
        unique_identifier: Some(gone.clone()),
    };
    house.ok(V2_1, destroy);
    let found = |storage_status_mask| {
        let request = LocateRequest {
            storage_status_mask,
            ..Default::default()
        };
        payload!(house.ok(V2_1, request), Locate).unique_identifiers
    };
    let (online, destroyed) = (
        StorageStatusMask::OnLineStorage,
        StorageStatusMask::DestroyedStorage,
    );
    assert_eq!(found(None), std::slice::from_ref(&kept));
    assert_eq!(found(Some(destroyed)), std::slice::from_ref(&gone));
    assert_eq!(found(Some(online | destroyed)).len(), 2);
}
