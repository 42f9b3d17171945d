//! PKCS#11 through KMIP over TLS, beside the module itself: the same calls, the same answers.

use std::time::Duration;

use keybridge_tests::Bridge;

/// A client that was written from the rules in docs/KMIP.md.
#[test]
fn every_call_answers_as_the_module_does() {
    let bridge = Bridge::serving();
    let token = bridge.token();
    bridge
        .driver("pkcs11_tunnel.py")
        .envs(bridge.env())
        .arg("--module")
        .arg(&token.module)
        .args(["--pin", &token.pin])
        .limit(Duration::from_secs(240))
        .ok()
        .says("passed");
}
