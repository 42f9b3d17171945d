//! PyKMIP, unmodified, at every version that it speaks and we promise.

use std::time::Duration;

use keybridge_tests::{Bridge, Command};

/// One scenario of the driver at one version, on a bridge of its own.
#[track_caller]
fn plays(version: &str, scenario: &str) {
    let bridge = Bridge::serving();
    driver(&bridge, version).arg(scenario).ok().says("passed");
}

fn driver(bridge: &Bridge, version: &str) -> Command {
    bridge
        .driver("pykmip_driver.py")
        .args(["--version", version])
        .limit(Duration::from_secs(120))
}

macro_rules! scenarios {
    ($($module:ident = $version:literal: $($scenario:ident)+;)+) => {
        $(mod $module {
            $(#[test]
            fn $scenario() {
                super::plays($version, &stringify!($scenario).replace('_', "-"));
            })+
        })+
    };
}

scenarios! {
    v1_0 = "1.0": query symmetric key_pair register attributes refusals;
    v1_2 = "1.2": query symmetric key_pair oaep register mac wrap attributes refusals;
    v1_4 = "1.4": query symmetric key_pair oaep register mac wrap attributes refusals;
    v2_0 = "2.0": query symmetric key_pair oaep register mac wrap attributes refusals;
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
