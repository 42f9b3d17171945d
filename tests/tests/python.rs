//! Programs over python-pkcs11 and PyKCS11, which set every usage flag on the keys that they make.

use std::time::Duration;

use keybridge_tests::{Command, products};

use crate::control::Subject;

/// One scenario of a driver, on a token of its own.
#[track_caller]
fn plays(on: &Subject, driver: &str, scenario: &str) {
    Command::new(products::python())
        .envs(&on.token.env)
        .arg(products::driver(driver))
        .arg(&on.token.module)
        .args([&on.token.label, &on.token.pin])
        .arg(scenario)
        .limit(Duration::from_secs(180))
        .ok()
        .says("passed");
}

macro_rules! scenarios {
    ($($module:ident on $subject:ident = $driver:literal: $($scenario:ident)+;)+) => {
        $(mod $module {
            $(#[test]
            fn $scenario() {
                let on = crate::control::Subject::$subject();
                super::plays(&on, $driver, stringify!($scenario));
            })+
        })+
    };
}

// The control group has no ECDSA with hashes, and its threads lose each other's keys.
scenarios! {
    python_pkcs11 on bridge = "python_pkcs11_driver.py":
        aes wrap rsa ec edwards search certificates threads;
    python_pkcs11_control on softhsm2 = "python_pkcs11_driver.py":
        aes wrap rsa edwards search certificates;
    pykcs11 on bridge = "pykcs11_driver.py": information rsa aes wrap digests objects pins;
    pykcs11_control on softhsm2 = "pykcs11_driver.py":
        information rsa aes wrap digests objects pins;
}
