//! OpenStack Barbican's secret store plugin for KMIP, its real code, unmodified.

use std::time::Duration;

use keybridge_tests::Bridge;

#[track_caller]
fn plays(bridge: &Bridge, scenario: &str) {
    bridge
        .driver("barbican_driver.py")
        .arg(scenario)
        .limit(Duration::from_secs(120))
        .ok()
        .says("passed");
}

/// Keys and pairs that the bridge makes for it.
#[test]
fn generates_keys() {
    let bridge = Bridge::serving();
    plays(&bridge, "symmetric");
    plays(&bridge, "asymmetric");
}

/// Secrets of every type, stored and fetched.
#[test]
fn keeps_secrets() {
    let bridge = Bridge::serving();
    plays(&bridge, "secrets");
    plays(&bridge, "pkcs1");
}

/// `username` and `password` of `[kmip_plugin]`.
#[test]
fn names_a_user() {
    let bridge = Bridge::serving();
    let password = bridge.file("password");
    std::fs::write(&password, "correct horse\n").expect("write a password");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&password, private).expect("its owner's alone");
    bridge
        .cli("client add barbican --password-file")
        .arg(&password)
        .ok();
    plays(&bridge, "password");
}
