//! MongoDB's client-side encryption library (pymongocrypt), unmodified, without a MongoDB server.

use std::time::Duration;

use keybridge_tests::{Bridge, Command};

fn driver(bridge: &Bridge) -> Command {
    bridge
        .driver("mongocrypt_driver.py")
        .limit(Duration::from_secs(120))
}

/// The master key is secret data that the client takes out: Register, Activate, Get.
#[test]
fn local_mode() {
    let bridge = Bridge::serving();
    let answer = driver(&bridge).arg("local").ok().json();
    let key = answer["master_key"]
        .as_str()
        .expect("the master key's identifier");
    // A second data key under a master key that is named.
    let again = driver(&bridge).args(["--uid", key, "local"]).ok().json();
    assert_eq!(again["master_key"], answer["master_key"]);
}

/// The master key stays inside: Create, Activate, Encrypt, Decrypt, in mixed versions.
#[test]
fn delegated_mode() {
    let bridge = Bridge::serving();
    let answer = driver(&bridge).arg("delegated").ok().json();
    let key = answer["master_key"]
        .as_str()
        .expect("the master key's identifier")
        .to_owned();

    // A second data key under the same master key, after a restart of the server.
    let mut bridge = bridge;
    bridge.kill();
    bridge.serve();
    let again = driver(&bridge)
        .args(["--uid", &key, "delegated"])
        .ok()
        .json();
    assert_eq!(again["master_key"], answer["master_key"]);
}

/// A field that was encrypted cannot be decrypted once the master key is destroyed.
#[test]
fn destroying_the_master_key_destroys_the_data() {
    let bridge = Bridge::serving();
    let sealed = driver(&bridge).arg("delegated").ok();
    let state = bridge.file("state.json");
    std::fs::write(&state, &sealed.stdout).expect("keep what was encrypted");
    let decrypt = || driver(&bridge).arg("--state").arg(&state).arg("decrypt");
    decrypt().ok().says("a field of a document");

    let key = sealed.json()["master_key"]
        .as_str()
        .expect("an identifier")
        .to_owned();
    for verb in ["revoke", "destroy"] {
        bridge
            .driver("pykmip_driver.py")
            .args(["--uid", &key, verb])
            .ok();
    }
    decrypt()
        .fails()
        .says("refused")
        .never_says("a field of a document");
}
