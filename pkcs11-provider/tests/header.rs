//! The files that are written from the module's tables are what the tables say. To write them:
//! `KEYBRIDGE_WRITE_HEADER=1 cargo test -p keybridge-pkcs11 --test main header`.

use std::fs;
use std::path::Path;

fn compare(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("KEYBRIDGE_WRITE_HEADER").is_some() {
        fs::write(&path, text).expect("written");
    }
    let stored = fs::read_to_string(&path).expect(file);
    assert!(
        stored == text,
        "{file} is not what the tables say; write it"
    );
}

#[test]
fn is_current() {
    let text = keybridge_pkcs11::header::text();
    compare("include/keybridge_pkcs11.h", &text);
}

#[test]
fn the_table_of_mechanisms_is_current() {
    let text = keybridge_pkcs11::mechanisms::documentation::table();
    compare("docs/pkcs11-mechanisms.md", &text);
}

#[test]
fn the_table_of_functions_is_current() {
    let text = keybridge_pkcs11::documentation::functions();
    compare("docs/pkcs11-functions.md", &text);
}
