//! An independent TTLV reader must see in our bytes what we wrote.

use keybridge_kmip::{Item, Value};
use kmip_ttlv::PrettyPrinter;

use crate::corpus::cases;

/// What the other reader prints for an item, made from ours. None for types it does not know.
fn print(item: &Item, depth: usize, out: &mut String) -> Option<()> {
    let kind = item.value.kind();
    let code = kind as u8;
    let value = match &item.value {
        Value::Structure(_) => String::new(),
        Value::Integer(value) => format!(" {value:#08X} ({value})"),
        Value::LongInteger(value) => format!(" {value:#08X} ({value})"),
        Value::Enumeration(value) => format!(" {value:#08X} ({value})"),
        Value::Boolean(value) => format!(" {value}"),
        Value::TextString(value) => format!(" {value}"),
        Value::ByteString(value) => format!(" {}", hex(value)),
        Value::DateTime(value) => format!(" {value:#08X}"),
        Value::BigInteger(value) => format!(" {}", hex(value.as_signed())),
        Value::Interval(_) | Value::DateTimeExtended(_) => return None,
    };
    let (tag, name, indent) = (item.tag.0, kind.name(), 2 * depth);
    // It prints the width of the indentation, padded to that width.
    *out += &format!(
        "{indent:indent$}Tag: {tag:#06X}, Type: {name} ({code:#04X}), Data:{value}
"
    );
    if let Value::Structure(items) = &item.value {
        if items.is_empty() {
            // It takes an empty structure for one without end.
            return None;
        }
        for item in items {
            print(item, depth + 1, out)?;
        }
    }
    Some(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn another_reader_sees_what_was_written() {
    let mut compared = 0;
    let cases = cases();
    for case in &cases {
        let mut expected = String::new();
        if print(&case.item, 0, &mut expected).is_none() {
            continue;
        }
        let bytes = case.item.to_ttlv().unwrap();
        assert_eq!(
            PrettyPrinter::new().to_string(&bytes),
            expected,
            "{}",
            case.name
        );
        compared += 1;
    }
    println!("{compared} of {} messages compared", cases.len());
    assert!(cases.is_empty() || compared > cases.len() / 2);
}
