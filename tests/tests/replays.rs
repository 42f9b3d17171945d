//! Programs that cannot be had here: their calls, replayed.

use keybridge_tests::{Bridge, Command};

use crate::control::{Subject, on_both};

on_both! {
    /// crypto11 (Go), the library of Vault-like programs: its templates and its pool of sessions.
    fn crypto11(on) {
        replay(on, "crypto11").ok().says("ok");
    }

    /// Oracle's transparent data encryption: master keys by label, table keys under them, and again
    /// in the next process.
    fn oracle_tde(on) {
        replay(on, "oracle-tde").ok().says("ok");
        replay(on, "oracle-tde-again").ok().says("ok");
    }
}

/// Oracle's master keys as the bridge sees them: keys with a name, made through PKCS#11.
#[test]
fn oracle_master_keys_are_keys_of_the_bridge() {
    let bridge = Bridge::new();
    let token = bridge.token();
    token
        .command(env!("CARGO_BIN_EXE_token-replay"))
        .arg(&token.module)
        .args([&token.label, &token.pin, "oracle-tde"])
        .ok();
    let name = "ORACLE.TDE.HSM.MK.06A1B2C3D4E5F60718293A4B5C6D7E8F90";
    bridge.cli("key list").ok().says(name);
    bridge.cli("key disable").arg(name).ok();
    token
        .command(env!("CARGO_BIN_EXE_token-replay"))
        .arg(&token.module)
        .args([&token.label, &token.pin, "oracle-tde-again"])
        .fails();
}

fn replay(on: &Subject, case: &str) -> Command {
    on.token
        .command(env!("CARGO_BIN_EXE_token-replay"))
        .arg(&on.token.module)
        .args([&on.token.label, &on.token.pin, case])
}
