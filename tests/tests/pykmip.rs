//! PyKMIP, unmodified: every method of its clients at every version that it speaks.

use std::time::Duration;

use keybridge_tests::{Bridge, Command};

fn driver(bridge: &Bridge, version: &str) -> Command {
    bridge
        .driver("pykmip_driver.py")
        .args(["--version", version])
        .limit(Duration::from_secs(120))
}

macro_rules! every_method {
    ($($test:ident = $version:literal)+) => {
        $(#[test]
        fn $test() {
            Bridge::serving()
                .driver("pykmip_methods.py")
                .args(["--version", $version])
                .limit(Duration::from_secs(240))
                .ok()
                .says("passed");
        })+
    };
}

every_method! {
    every_method_at_1_0 = "1.0"
    every_method_at_1_1 = "1.1"
    every_method_at_1_2 = "1.2"
    every_method_at_1_3 = "1.3"
    every_method_at_1_4 = "1.4"
    every_method_at_2_0 = "2.0"
}

/// Operations that are newer than the request's version do not exist for it.
#[test]
fn operations_are_gated_by_version() {
    let bridge = Bridge::serving();
    for scenario in ["mac", "oaep"] {
        driver(&bridge, "1.0")
            .arg(scenario)
            .fails()
            .says("OPERATION_NOT_SUPPORTED");
    }
}

/// A client that speaks TLS 1.2 at most.
#[test]
fn tls_1_2_only() {
    let bridge = Bridge::serving();
    driver(&bridge, "1.2")
        .args(["--tls", "PROTOCOL_TLSv1_2", "symmetric"])
        .ok()
        .says("passed");
}
