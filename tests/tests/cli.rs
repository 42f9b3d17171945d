//! The command line itself: answers for people and programs, exit codes, and nothing secret in sight.

use keybridge_tests::{Bridge, Command, Outcome, products};

#[track_caller]
fn code(outcome: &Outcome) -> i32 {
    outcome
        .status
        .and_then(|status| status.code())
        .unwrap_or_else(|| panic!("{outcome}"))
}

/// Every command has help, and the shells get completions.
#[test]
fn help_and_completions() {
    let keybridge = || Command::new(products::keybridge());
    for words in [
        "",
        "init",
        "serve",
        "status",
        "client",
        "client add",
        "key",
        "key create",
        "audit",
        "token",
    ] {
        keybridge().words(words).arg("--help").ok().says("Usage:");
    }
    for shell in ["bash", "zsh", "fish"] {
        keybridge()
            .words("completions")
            .arg(shell)
            .ok()
            .says("keybridge");
    }
    keybridge().arg("--version").ok().says("keybridge ");
}

/// A key's life on the command line.
#[test]
fn a_keys_life() {
    let bridge = Bridge::new();
    for kind in [
        "aes-128",
        "aes-256",
        "rsa-2048",
        "ec-p256",
        "ec-p384",
        "ec-p521",
        "ed25519",
        "hmac-sha256",
    ] {
        let key = bridge.json(&format!("key create {kind}-key --type {kind}"));
        assert_eq!(key["type"], kind);
        assert_eq!(key["state"], "enabled");
    }
    assert_eq!(bridge.json("key list").as_array().map(Vec::len), Some(8));

    bridge.cli("key alias set main aes-256-key").ok();
    bridge.cli("key disable main").ok();
    assert_eq!(bridge.json("key show main")["state"], "disabled");
    bridge.cli("key enable main").ok();
    bridge.cli("key tag main team=payroll").ok();
    assert_eq!(bridge.json("key show main")["tags"]["team"], "payroll");
    bridge.cli("key rotate main").ok();
    assert_eq!(bridge.json("key show main")["primary_version"], 2);
    bridge.cli("key alias set main rsa-2048-key").fails();
    bridge.cli("key alias set main rsa-2048-key --replace").ok();
    assert_eq!(bridge.json("key show main")["type"], "rsa-2048");

    bridge.cli("key delete main --days 30").ok();
    assert_eq!(bridge.json("key show main")["state"], "pending deletion");
    bridge.cli("key cancel-delete main").ok();
    assert_eq!(bridge.json("key show main")["state"], "disabled");
    bridge.cli("key delete ed25519-key --days 0").ok();
    assert_eq!(code(&bridge.cli("key show ed25519-key").fails()), 3);
    bridge.cli("audit verify").ok();
}

/// Each kind of failure has its exit code.
#[test]
fn exit_codes() {
    let bridge = Bridge::new();
    bridge.cli("key create k --type aes-256").ok();
    assert_eq!(code(&bridge.cli("key show nothing").fails()), 3);
    assert_eq!(code(&bridge.cli("key create k --type aes-256").fails()), 6);
    assert_eq!(code(&bridge.cli("key create").fails()), 2);
    assert_eq!(code(&bridge.cli("key create x --type aes-7").fails()), 2);
    assert_eq!(code(&bridge.cli("client revoke nobody").fails()), 3);
    assert_eq!(code(&bridge.cli("--account nobody key list").fails()), 3);
    assert_eq!(
        code(
            &bridge
                .cli("key create x --type aes-256 --protection hsm:none")
                .fails()
        ),
        7
    );
}

/// The state of the bridge, before and while it serves.
#[test]
fn status_and_tokens() {
    let mut bridge = Bridge::new();
    assert_eq!(bridge.json("status")["listeners"][0]["listening"], false);
    bridge.serve();
    let status = bridge.json("status");
    assert_eq!(status["listeners"][0]["listening"], true);
    assert_eq!(status["accounts"][0]["name"], Bridge::ACCOUNT);
    let tokens = bridge.json("token list");
    assert_eq!(tokens[0]["label"], Bridge::LABEL);
    assert_eq!(tokens[0]["user_pin"], "set");
    bridge.stop();
    assert_eq!(bridge.json("status")["listeners"][0]["listening"], false);
}

/// No PIN, key file or private key is in anything that is printed, logged or kept in clear.
#[test]
fn nothing_secret_is_shown() {
    let mut bridge = Bridge::new();
    bridge.set_env("RUST_LOG", "trace");
    bridge.serve();
    bridge.create_key("quiet", "--type aes-256 --exportable");
    let mut shown = bridge.log();
    for words in [
        "status",
        "key show quiet",
        "client list",
        "audit list",
        "token list",
    ] {
        shown += &bridge.cli(words).ok().all();
    }
    bridge
        .driver("pykmip_driver.py")
        .args(["--version", "1.2", "symmetric"])
        .ok();
    shown += &bridge.token().tool("--list-objects").ok().all();
    shown += &bridge.log();
    for secret in [Bridge::PIN, Bridge::SO_PIN, "PRIVATE KEY"] {
        assert!(!shown.contains(secret), "{secret} is shown:\n{shown}");
    }
    let store = std::fs::read(bridge.dir().join("keybridge.db")).expect("the store");
    for secret in [Bridge::PIN, Bridge::SO_PIN] {
        let found = store
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} is in the store");
    }
    for private in [
        "keybridge.db",
        "seal.key",
        "ca.key",
        "server.key",
        "clients/admin.key",
    ] {
        use std::os::unix::fs::PermissionsExt;
        let path = bridge.dir().join(private);
        let mode = std::fs::metadata(&path)
            .expect(private)
            .permissions()
            .mode()
            & 0o077;
        assert_eq!(mode, 0, "others may read {private}");
    }
}

/// Keys made and used are in the audit, who and through which door.
#[test]
fn the_audit_tells() {
    let bridge = Bridge::new();
    bridge.cli("key create watched --type ec-p256").ok();
    bridge
        .token()
        .tool_public("--login --pin 0000wrong --list-objects")
        .fails();
    let audit = bridge.cli("audit list --json").ok();
    assert!(audit.json().is_array(), "{audit}");
    audit.says("watched").never_says("0000wrong");
    bridge.cli("audit list").ok();
    bridge.cli("audit verify").ok();
}
