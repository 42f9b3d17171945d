//! The C header is what the tables say.

use std::path::Path;

/// Set `KEYBRIDGE_WRITE_HEADER=1` to write it anew.
#[test]
fn is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/keybridge_pkcs11.h");
    let text = keybridge_pkcs11::header::text();
    if std::env::var_os("KEYBRIDGE_WRITE_HEADER").is_some() {
        std::fs::write(&path, &text).expect("the header can be written");
    }
    let found = std::fs::read_to_string(&path).expect("the header is checked in");
    assert!(
        found == text,
        "run this test with KEYBRIDGE_WRITE_HEADER=1 and check the header in"
    );
}
