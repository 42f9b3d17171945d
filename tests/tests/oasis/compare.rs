//! Compares an answer with the case's. Whole messages are compared: names, types, values, order. What
//! may differ is what the profiles permit to ("permitted test case variations", KMIP Profiles 1.4
//! section 4 and 2.1 section 4), each rule here with its reason.

use std::collections::{HashMap, HashSet};

use crate::element::Element;

/// Items whose value is the server's, in whatever message.
const OWN_VALUES: &[&str] = &[
    // The server's clock.
    "TimeStamp",
    // Words for people.
    "ResultMessage",
    // A name for the server's log.
    "ServerCorrelationValue",
    // What the PKCS#11 library says of itself (C_GetInfo, C_GetSlotInfo, C_GetTokenInfo).
    "PKCS_11OutputParameters",
];

/// What says who the server is, in an answer to Query: both must say it, each for itself.
const OWN_CONTENT: &[&str] = &["ServerInformation", "VendorIdentification"];

/// Lists in an answer to Query and Discover Versions: all of the case's must be there, and there may be
/// more.
const LISTS: &[&str] = &["Operation", "ObjectType", "ProtocolVersion"];

/// Bytes that come out otherwise each time, where a key is the server's own or an operation is random.
const RANDOM: &[&str] = &[
    "KeyMaterial",
    "DigestValue",
    "Data",
    "SignatureData",
    "IVCounterNonce",
];

/// What the cases beyond the three sets have of the server they were recorded with: how long a client may use what it
/// fetched ("the server determines", 1.4 section 4.17), and, like [`RANDOM`], the numbers of a transparent RSA key.
const RECORDED: &[&str] = &["LeaseTime"];
const RECORDED_RANDOM: &[&str] = &[
    "Modulus",
    "PrivateExponent",
    "P",
    "Q",
    "PrimeExponentP",
    "PrimeExponentQ",
    "CRTCoefficient",
];

/// Random values there whose length is random too: leading zeros are left out.
const OF_SOME_LENGTH: &[&str] = &[
    "KeyMaterial",
    "PrivateExponent",
    "PrimeExponentP",
    "PrimeExponentQ",
    "CRTCoefficient",
];

/// Digits by which two of them may differ.
const SLACK: usize = 24;

/// What a case has bound so far, and what it says beforehand about its values.
#[derive(Clone)]
pub(crate) struct Comparison {
    /// Values of the variables, by their names (with the `$`).
    pub(crate) bound: HashMap<String, String>,
    /// Seconds since 1970 that `$NOW` stands for in requests.
    pub(crate) now: i64,
    /// Values in the case's requests: what a client fixed, an answer must repeat.
    pub(crate) fixed: HashSet<String>,
    /// Whether keys are made in this case, or its operations are random by themselves.
    pub(crate) random: bool,
    /// Whether the case is of none of the three sets, but recorded with some server.
    pub(crate) recorded: bool,
}

impl Comparison {
    /// Compares an answer; binds the variables that it is the first to have.
    pub(crate) fn message(&mut self, expected: &Element, actual: &Element) -> Result<(), String> {
        let items = |message: &Element| -> Vec<String> {
            let items = message
                .children
                .iter()
                .filter(|child| child.name == "BatchItem");
            items.map(|item| operation(item).to_owned()).collect()
        };
        if items(expected) != items(actual) {
            let (wanted, found) = (items(expected), items(actual));
            return Err(format!("operations {wanted:?} expected, {found:?} found"));
        }
        self.element(expected, actual, "")
    }

    fn element(
        &mut self,
        expected: &Element,
        actual: &Element,
        operation_of: &str,
    ) -> Result<(), String> {
        let name = expected.name.as_str();
        if name != actual.name || expected.kind != actual.kind {
            let (wanted, found) = (named(expected), named(actual));
            return Err(format!("{wanted} expected, {found} found"));
        }
        if is_generator(expected) && is_generator(actual)
            || operation_of == "Query" && OWN_CONTENT.contains(&name)
        {
            return Ok(());
        }
        if let (Some(wanted), Some(found)) = (&expected.value, &actual.value) {
            return self.value(expected, wanted, found);
        }
        let operation_of = if name == "BatchItem" {
            operation(expected)
        } else {
            operation_of
        };
        let compared = match (name, operation_of) {
            ("ResponsePayload", "Query") => self.query(expected, actual),
            ("ResponsePayload", "DiscoverVersions") if self.recorded => {
                self.query(expected, actual)
            }
            // The standard gives attributes no order.
            ("ResponsePayload", "GetAttributes" | "GetAttributeList") | ("Attributes", _) => {
                self.unordered(expected, actual, operation_of)
            }
            _ => self.ordered(expected, actual, operation_of),
        };
        compared.map_err(|what| format!("{name} / {what}"))
    }

    fn ordered(
        &mut self,
        expected: &Element,
        actual: &Element,
        operation_of: &str,
    ) -> Result<(), String> {
        let own = |element: &Element| -> Vec<Element> {
            let children = element.children.iter();
            children
                .filter(|child| !is_optional(child))
                .cloned()
                .collect()
        };
        let (wanted, found) = (own(expected), own(actual));
        for (one, other) in wanted.iter().zip(&found) {
            self.element(one, other, operation_of)?;
        }
        if let Some(missing) = wanted.get(found.len()) {
            return Err(format!("{} is missing", named(missing)));
        }
        match found.get(wanted.len()) {
            Some(more) => Err(format!("{} is too much", named(more))),
            None => Ok(()),
        }
    }

    fn unordered(
        &mut self,
        expected: &Element,
        actual: &Element,
        operation_of: &str,
    ) -> Result<(), String> {
        let mut left: Vec<&Element> = actual.children.iter().collect();
        for one in &expected.children {
            let equal = |other: &&Element| {
                let mut trial = self.clone();
                trial.element(one, other, operation_of).is_ok()
            };
            let alike = |other: &&Element| named(other) == named(one);
            let at = left
                .iter()
                .position(equal)
                .or_else(|| left.iter().position(alike));
            match at {
                Some(at) => self.element(one, left.remove(at), operation_of)?,
                None if may_be_missing(one) => {}
                None => return Err(format!("{} is missing", named(one))),
            }
        }
        match left.first() {
            Some(more) => Err(format!("{} is too much", named(more))),
            None => Ok(()),
        }
    }

    /// The lists may have more; all else is compared in order.
    fn query(&mut self, expected: &Element, actual: &Element) -> Result<(), String> {
        let split = |element: &Element| -> (Vec<Element>, Vec<Element>) {
            let children = element.children.iter().cloned();
            children.partition(|child| LISTS.contains(&child.name.as_str()))
        };
        let ((wanted, rest), (mut found, others)) = (split(expected), split(actual));
        for one in &wanted {
            let Some(at) = found.iter().position(|other| other == one) else {
                return Err(format!("{} is missing", named(one)));
            };
            found.remove(at);
        }
        let only = |children| Element {
            children,
            ..Element::default()
        };
        self.ordered(&only(rest), &only(others), "Query")
    }

    fn value(&mut self, element: &Element, wanted: &str, found: &str) -> Result<(), String> {
        let name = element.name.as_str();
        let kind = element.kind.as_deref().unwrap_or_default();
        let differs = || Err(format!("{name}: {wanted} expected, {found} found"));
        if let Some(offset) = wanted.strip_prefix("$NOW") {
            return self
                .is_about_now(offset, found)
                .then_some(())
                .map_or_else(differs, Ok);
        }
        if wanted.starts_with('$') {
            let known = self.bound.entry(wanted.to_owned());
            let known = known.or_insert_with(|| found.to_owned());
            let known = known.clone();
            return if known == found {
                Ok(())
            } else {
                Err(format!("{name}: {wanted} is {known}, {found} found"))
            };
        }
        let same = match kind {
            // Flags in whatever order; the number's digits in whatever case.
            "Integer" => flags(wanted) == flags(found),
            "ByteString" | "Enumeration" => wanted.eq_ignore_ascii_case(found),
            // The cases of 1.0 to 1.2 have the dates of the day when they were recorded.
            "DateTime" => seconds(wanted) == seconds(found) || !self.fixed.contains(wanted),
            _ => wanted == found,
        };
        let differs_by = wanted.len().abs_diff(found.len());
        let some_length = self.recorded && OF_SOME_LENGTH.contains(&name);
        let as_long = differs_by == 0 || (some_length && differs_by <= SLACK);
        let is_random = RANDOM.contains(&name) || self.recorded && RECORDED_RANDOM.contains(&name);
        let own = OWN_VALUES.contains(&name) || self.recorded && RECORDED.contains(&name);
        if same || (self.random && is_random && as_long) || own {
            return Ok(());
        }
        differs()
    }

    /// Whether a date is `$NOW` and an offset, give or take what a slow machine needs.
    fn is_about_now(&self, offset: &str, found: &str) -> bool {
        let offset: i64 = offset.trim_start_matches('+').parse().unwrap_or(0);
        seconds(found).is_some_and(|found| (found - self.now - offset).abs() < 300)
    }
}

/// What an answer may have or not: words about a result, and the index of an attribute's first
/// instance, which "MAY be omitted" (1.4 section 4.14): some clients look for it, the cases have none.
fn is_optional(element: &Element) -> bool {
    match element.name.as_str() {
        "ResultMessage" => true,
        "AttributeIndex" => element.value.as_deref() == Some("0"),
        _ => false,
    }
}

/// A group that no request gave the object: some servers have groups of their own, and the profiles let
/// both be.
fn may_be_missing(element: &Element) -> bool {
    element.name == "AttributeName" && element.value.as_deref() == Some("Object Group")
}

/// The generator of the bridge is not the one of the cases' server.
fn is_generator(element: &Element) -> bool {
    element.name == "RandomNumberGenerator" || attribute(element) == Some("Random Number Generator")
}

/// The operation of a batch item.
fn operation(item: &Element) -> &str {
    let operation = item.children.iter().find(|child| child.name == "Operation");
    operation
        .and_then(|found| found.value.as_deref())
        .unwrap_or_default()
}

/// The name of an attribute in its form of 1.x.
fn attribute(element: &Element) -> Option<&str> {
    let name = element
        .children
        .iter()
        .find(|child| child.name == "AttributeName");
    name.and_then(|name| name.value.as_deref())
}

fn named(element: &Element) -> String {
    let what = attribute(element).or(element.value.as_deref());
    format!("{} {}", element.name, what.unwrap_or_default())
}

fn flags(text: &str) -> Vec<&str> {
    let mut flags: Vec<_> = text.split(' ').collect();
    flags.sort_unstable();
    flags
}

/// Seconds since 1970 of a date in RFC 3339, UTC.
fn seconds(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970 of a date (the year begins in March, so that its leap day is its last).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + of_year - 719_468
}

/// A date in the form of the XML encoding.
pub(crate) fn date(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let mut year = 1970 + day / 366;
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days(year, month + 1, 1) <= day {
        month += 1;
    }
    let of_month = day - days(year, month, 1) + 1;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{of_month:02}T{hour:02}:{minute:02}:{second:02}+00:00")
}
