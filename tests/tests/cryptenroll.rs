//! `systemd-cryptenroll` and `cryptsetup`: a LUKS2 volume (a file) that a token's key unlocks. systemd
//! finds tokens through p11-kit, which reads one system-wide folder: the programs run in a mount
//! namespace of their own, where that folder names our module alone.

use std::fs::File;

use keybridge_tests::{Command, products};

use crate::control::{Subject, on_both};

on_both! {
    /// A volume is enrolled with the token's certificate and key, and unlocked by its PIN.
    fn a_token_unlocks_a_volume(on) {
        if !possible() {
            return;
        }
        enroll(on);
        unlock(on, &on.token.pin).ok().says("slot 1 unlocked");
        unlock(on, "0000wrong").fails().never_says("slot 1 unlocked");
    }

    /// Of several private keys with one label the one with the id of the URI is taken. (By the label
    /// alone, systemd refuses: the key must be the only one.)
    fn a_key_is_chosen_by_its_id(on) {
        if !possible() {
            return;
        }
        on.token.tool("--keypairgen --key-type rsa:2048 --label disk --id 02 --usage-sign").ok();
        enroll(on);
        unlock(on, &on.token.pin).ok().says("slot 1 unlocked");
    }
}

/// A volume stays closed while its key is disabled.
#[test]
fn a_disabled_key_unlocks_nothing() {
    if !possible() {
        return;
    }
    let on = Subject::bridge();
    enroll(&on);
    let keybridge = |words: &str| {
        Command::new(products::keybridge())
            .envs(&on.token.env)
            .words(words)
            .ok()
    };
    keybridge("key disable disk");
    unlock(&on, &on.token.pin)
        .fails()
        .never_says("slot 1 unlocked");
    keybridge("key enable disk");
    unlock(&on, &on.token.pin).ok().says("slot 1 unlocked");
}

/// Whether this machine lets the test have a mount namespace.
fn possible() -> bool {
    let possible = Command::new("unshare").words("-rm true").run().success();
    if !possible {
        eprintln!("no mount namespaces here: systemd-cryptenroll is left out");
    }
    possible
}

/// A program for which p11-kit knows our module and no other.
fn alone(on: &Subject, program: &str) -> Command {
    let modules = on.file("modules");
    std::fs::create_dir_all(&modules).expect("make a folder");
    let module = std::fs::canonicalize(&on.token.module).expect("the module");
    on.write(
        "modules/house.module",
        format!("module: {}\ncritical: yes\n", module.display()),
    );
    on.token.command("unshare").args([
        "-rm",
        "sh",
        "-ec",
        "mount --bind \"$0\" /usr/share/p11-kit/modules; exec \"$@\"",
        &modules,
        program,
    ])
}

/// A volume with a password, and then with the token's key "disk" beside it.
#[track_caller]
fn enroll(on: &Subject) {
    on.token
        .tool("--keypairgen --key-type rsa:2048 --label disk --id 01 --usage-sign --usage-decrypt")
        .ok();
    let (certificate, volume) = (on.file("disk.der"), on.file("volume"));
    let key = format!(
        "pkcs11:token={};id=%01;type=private;pin-value={}",
        on.token.label, on.token.pin
    );
    on.token
        .openssl("req -x509 -new -engine pkcs11 -keyform engine -days 2 -subj /CN=disk")
        .args(["-outform", "DER", "-key", &key, "-out", &certificate])
        .ok();
    on.token
        .tool("--write-object")
        .arg(&certificate)
        .words("--type cert --label disk --id 01")
        .ok();
    File::create(&volume)
        .and_then(|file| file.set_len(32 << 20))
        .expect("make a volume");
    let password = on.write("password", "open sesame");
    Command::new("cryptsetup")
        .words("luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000")
        .args([&volume, &password])
        .ok();
    alone(on, "systemd-cryptenroll")
        .env("PIN", &on.token.pin)
        .env("PASSWORD", "open sesame")
        .arg(format!(
            "--pkcs11-token-uri=pkcs11:token={};object=disk;id=%01",
            on.token.label
        ))
        .arg(&volume)
        .ok()
        .says("enrolled as key slot 1");
}

/// Unlocks the volume by its token and nothing else; nothing is mapped.
fn unlock(on: &Subject, pin: &str) -> Command {
    alone(on, "cryptsetup")
        .words("open --test-passphrase --token-only -v")
        .arg(on.file("volume"))
        .input(pin)
}
