//! The tables themselves.

use std::collections::HashSet;

use keybridge_kmip::attributes::AttributeRow;
use keybridge_kmip::enums::{EnumTable, Operation, QueryFunction};
use keybridge_kmip::operations::RequestPayload;
use keybridge_kmip::tags::Values;
use keybridge_kmip::{Tag, Version};

fn tables() -> Vec<&'static EnumTable> {
    let tables = Tag::ROWS.iter().filter_map(|row| match row.values {
        Values::Enumeration(table) | Values::Mask(table) => Some(table),
        Values::Plain | Values::Tags => None,
    });
    tables.collect()
}

#[test]
fn tags_are_sorted_and_their_names_differ() {
    assert!(Tag::ROWS.is_sorted_by(|a, b| a.tag < b.tag));
    let names: HashSet<_> = Tag::ROWS.iter().map(|row| row.name).collect();
    let titles: HashSet<_> = Tag::ROWS.iter().map(|row| row.title).collect();
    assert_eq!(
        (names.len(), titles.len()),
        (Tag::ROWS.len(), Tag::ROWS.len())
    );
    for row in Tag::ROWS {
        assert_eq!(row.tag.row().unwrap().name, row.name);
        assert_eq!(Tag::by_name(row.name), Some(row.tag));
        assert_eq!(Tag::by_title(row.title), Some(row.tag));
    }
}

/// The rule of the profiles that makes the name in XML and JSON from the title.
fn normalized(title: &str) -> String {
    let mut spaced: Vec<char> = title.replace(['(', ')'], " ").chars().collect();
    for at in 0..spaced.len() {
        let letter = spaced.get(at + 1).is_some_and(char::is_ascii_alphabetic);
        let lower = spaced.get(at + 2).is_some_and(char::is_ascii_lowercase);
        let word = spaced[at].is_ascii_alphanumeric() || spaced[at] == '_';
        if !word && !spaced[at].is_whitespace() {
            spaced[at] = if letter && lower { ' ' } else { '_' };
        }
    }
    let spaced: String = spaced.into_iter().collect();
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    spaced.split_whitespace().map(capital).collect()
}

#[test]
fn names_of_tags_follow_from_their_titles() {
    for row in Tag::ROWS {
        assert_eq!(normalized(row.title), row.name);
    }
}

#[test]
fn values_are_sorted_and_their_names_differ() {
    for table in tables() {
        assert!(
            table.rows.is_sorted_by(|a, b| a.value < b.value),
            "{}",
            table.name
        );
        let names: HashSet<_> = table.rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), table.rows.len(), "{}", table.name);
    }
}

#[test]
fn no_value_is_older_than_the_first_version() {
    for table in tables() {
        for row in table.rows {
            assert!(row.span.first >= Version::V1_0 && row.span.first <= row.span.last);
            assert!(
                Version::SUPPORTED.into_iter().any(|v| row.span.contains(v)),
                "{}",
                row.name
            );
        }
    }
}

/// Spot checks of what the specifications' tables say, beyond the script that made the rows.
#[test]
fn versions_are_those_of_the_specifications() {
    let first = |operation: Operation| {
        Version::SUPPORTED
            .into_iter()
            .rfind(|version| operation.exists_in(*version))
            .unwrap()
    };
    assert_eq!(first(Operation::Create), Version::V1_0);
    assert_eq!(first(Operation::DiscoverVersions), Version::V1_1);
    assert_eq!(first(Operation::ReKeyKeyPair), Version::V1_1);
    assert_eq!(first(Operation::Encrypt), Version::V1_2);
    assert_eq!(first(Operation::Import), Version::V1_4);
    assert_eq!(first(Operation::SetAttribute), Version::V2_0);
    assert_eq!(first(Operation::Ping), Version::V2_1);
    assert!(!QueryFunction::QueryProfiles.exists_in(Version::V1_2));
    assert!(QueryFunction::QueryProfiles.exists_in(Version::V1_3));
    assert!(!Tag::TemplateAttribute.exists_in(Version::V2_0));
    assert!(!Tag::Attributes.exists_in(Version::V1_4));
    assert!(Tag(0x54_0001).exists_in(Version::V1_0));
    assert!(!Tag(0x42_0FFF).exists_in(Version::V2_1));
}

#[test]
fn attributes_are_sorted_and_exist_no_earlier_than_their_tags() {
    assert!(AttributeRow::ROWS.is_sorted_by(|a, b| a.tag < b.tag));
    for row in AttributeRow::ROWS {
        assert_eq!(AttributeRow::of(row.tag).unwrap().tag, row.tag);
        let tag = row.tag.row().unwrap().span;
        assert!(tag.contains(row.span.first), "{}", row.tag);
    }
}

/// What is not built must be known, and the list only shrinks.
#[test]
fn every_operation_but_the_listed_ones_is_built() {
    let missing: Vec<_> = Operation::TABLE
        .rows
        .iter()
        .filter(|row| !RequestPayload::OPERATIONS.contains(&Operation(row.value)))
        .map(|row| row.name)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
