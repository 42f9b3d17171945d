//! One key, three doors: made through one, used through the others, refused at all of them.

use std::fs;

use keybridge_tests::{Bridge, Command, Setup, SoftHsm};
use serde_json::Value;

const MESSAGE: &[u8] = b"the quick brown fox jumps over the lazy dog";
const IV: &str = "000102030405060708090a0b0c0d0e0f";

/// The PyKMIP driver's answer.
#[track_caller]
fn kmip(bridge: &Bridge, args: &[&str]) -> Value {
    bridge.driver("pykmip_driver.py").args(args).ok().json()
}

fn kmip_refuses(bridge: &Bridge, args: &[&str]) -> Value {
    bridge
        .driver("pykmip_driver.py")
        .args(args)
        .fails()
        .says("refused")
        .json()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a hexadecimal text");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// pkcs11-tool on files: `words`, then input and output.
fn tool(bridge: &Bridge, words: &str, input: &[u8]) -> (Command, std::path::PathBuf) {
    let (from, to) = (bridge.file("tool.in"), bridge.file("tool.out"));
    fs::write(&from, input).expect("write");
    let _ = fs::remove_file(&to);
    let command = bridge
        .token()
        .tool(words)
        .arg("--input-file")
        .arg(from)
        .arg("--output-file")
        .arg(&to);
    (command, to)
}

#[track_caller]
fn tool_gives(bridge: &Bridge, words: &str, input: &[u8]) -> Vec<u8> {
    let (command, to) = tool(bridge, words, input);
    command.ok();
    fs::read(to).expect("what pkcs11-tool wrote")
}

/// A key made on the command line encrypts through KMIP and decrypts through PKCS#11, and the other
/// way round; disabled, both doors refuse; enabled, both work; the audit tells it all.
#[test]
fn a_symmetric_key() {
    let bridge = Bridge::serving();
    let key = bridge.create_key("shared", "--type aes-256");
    let cbc = format!("--id {} --mechanism AES-CBC-PAD --iv {IV}", key.cka_id);

    let encrypt = [
        "--uid",
        &key.secret,
        "--iv",
        IV,
        "--data",
        &hex(MESSAGE),
        "encrypt",
    ];
    let sealed = unhex(&kmip(&bridge, &encrypt)["data"]);
    assert_eq!(
        tool_gives(&bridge, &format!("--decrypt {cbc}"), &sealed),
        MESSAGE
    );
    assert_eq!(
        tool_gives(&bridge, &format!("--encrypt {cbc}"), MESSAGE),
        sealed
    );
    let decrypt = [
        "--uid",
        &key.secret,
        "--iv",
        IV,
        "--data",
        &hex(&sealed),
        "decrypt",
    ];
    assert_eq!(unhex(&kmip(&bridge, &decrypt)["data"]), MESSAGE);
    assert_eq!(
        kmip(&bridge, &["--name", "shared", "locate"])["uids"],
        serde_json::json!([key.secret])
    );

    bridge.cli("key disable shared").ok();
    kmip_refuses(&bridge, &encrypt);
    kmip_refuses(&bridge, &decrypt);
    let (decrypting, _) = tool(&bridge, &format!("--decrypt {cbc}"), &sealed);
    decrypting.fails().says("CKR_");

    bridge.cli("key enable shared").ok();
    assert_eq!(unhex(&kmip(&bridge, &decrypt)["data"]), MESSAGE);
    assert_eq!(
        tool_gives(&bridge, &format!("--decrypt {cbc}"), &sealed),
        MESSAGE
    );

    bridge.cli("audit verify").ok();
    let audit = bridge.cli("audit list --json").ok();
    for wanted in ["ncrypt", "ecrypt", "isable", "nable", "kmip", "pkcs11"] {
        audit.says(wanted);
    }
}

/// A pair made through KMIP signs through PKCS#11 and the other way round.
#[test]
fn a_key_pair() {
    let bridge = Bridge::serving();
    let key = bridge.create_key("signer", "--type rsa-2048");
    let public = key.public.as_deref().expect("a public half");
    let words = format!("--sign --id {} --mechanism SHA256-RSA-PKCS", key.cka_id);
    let signature = tool_gives(&bridge, &words, MESSAGE);
    let verify = [
        "--uid",
        public,
        "--data",
        &hex(MESSAGE),
        "--signature",
        &hex(&signature),
        "verify",
    ];
    assert_eq!(kmip(&bridge, &verify)["valid"], true);

    let sign = ["--uid", &key.secret, "--data", &hex(MESSAGE), "sign"];
    // PKCS#1 v1.5 signatures have no randomness in them.
    assert_eq!(unhex(&kmip(&bridge, &sign)["signature"]), signature);
}

/// A key made through KMIP is seen by PKCS#11 programs under its Name; a PKCS#11 deletion can be
/// taken back; a KMIP Destroy cannot.
#[test]
fn deletions() {
    let bridge = Bridge::serving();
    let made = kmip(&bridge, &["--name", "from-kmip", "create"]);
    let uid = made["uid"].as_str().expect("an identifier");
    kmip(&bridge, &["--uid", uid, "activate"]);
    let token = bridge.token();
    token
        .tool("--list-objects --type secrkey")
        .ok()
        .says("from-kmip");

    token
        .tool("--delete-object --type secrkey --label from-kmip")
        .ok();
    token
        .tool("--list-objects --type secrkey")
        .ok()
        .never_says("from-kmip");
    kmip_refuses(
        &bridge,
        &["--uid", uid, "--iv", IV, "--data", "00", "encrypt"],
    );
    bridge.cli("key list").ok().says("pending deletion");
    bridge.cli("key cancel-delete from-kmip").ok();
    bridge.cli("key enable from-kmip").ok();
    token
        .tool("--list-objects --type secrkey")
        .ok()
        .says("from-kmip");
    kmip(
        &bridge,
        &["--uid", uid, "--iv", IV, "--data", "00", "encrypt"],
    );

    kmip(&bridge, &["--uid", uid, "revoke"]);
    kmip(&bridge, &["--uid", uid, "destroy"]);
    token
        .tool("--list-objects --type secrkey")
        .ok()
        .never_says("from-kmip");
    bridge.cli("audit verify").ok();
}

/// An RSA key that pkcs11-tool makes inside an HSM signs for OpenSSL and verifies through KMIP. Its
/// private half is in the HSM and nowhere else.
#[test]
fn a_key_inside_an_hsm() {
    let hsm = SoftHsm::new("vault");
    let mut bridge = Bridge::make(&Setup {
        hsm: Some(hsm.token()),
        keys_in_hsm: true,
        ..Setup::default()
    });
    bridge.serve();
    let token = bridge.token();
    token
        .tool("--keypairgen --key-type rsa:2048 --label deep --id 0d")
        .ok();
    hsm.token()
        .tool("--list-objects --type privkey")
        .ok()
        .says("Private Key Object; RSA");
    bridge.cli("key show deep").ok().says("hsm:hsm");

    let (message, signature) = (bridge.file("message"), bridge.file("signature"));
    fs::write(&message, MESSAGE).expect("write");
    token
        .openssl("dgst -engine pkcs11 -keyform engine -sha256 -sign")
        .arg(token.uri("deep", "private"))
        .arg("-out")
        .args([&signature, &message])
        .ok();
    let shown = bridge.json("key show deep");
    let public = shown["versions"][0]["objects"][1]["id"]
        .as_str()
        .expect("the public half")
        .to_owned();
    let signature = fs::read(signature).expect("the signature");
    let verify = [
        "--uid",
        &public,
        "--data",
        &hex(MESSAGE),
        "--signature",
        &hex(&signature),
        "verify",
    ];
    assert_eq!(kmip(&bridge, &verify)["valid"], true);

    let private = shown["versions"][0]["objects"][0]["id"]
        .as_str()
        .expect("the private half")
        .to_owned();
    let sign = ["--uid", &private, "--data", &hex(MESSAGE), "sign"];
    assert_eq!(unhex(&kmip(&bridge, &sign)["signature"]), signature);
    kmip_refuses(&bridge, &["--uid", &private, "get"]);

    bridge.cli("key disable deep").ok();
    kmip_refuses(&bridge, &sign);
    bridge.cli("key enable deep").ok();
    bridge.cli("key delete deep --days 0").ok();
    hsm.token()
        .tool("--list-objects --type privkey")
        .ok()
        .never_says("Private Key Object");
    bridge.cli("audit verify").ok();
}

/// A token whose keys live in an HSM lists what the HSM does with them, and says that it does.
#[test]
fn a_token_in_an_hsm_lists_what_the_hsm_does() {
    let hsm = SoftHsm::new("vault");
    let bridge = Bridge::make(&Setup {
        hsm: Some(hsm.token()),
        keys_in_hsm: true,
        ..Setup::default()
    });
    let listed = bridge.token().tool("--list-mechanisms").ok();
    let listed = listed
        .says("RSA-PKCS-KEY-PAIR-GEN")
        .says("AES-KEY-GEN")
        .says("SHA256, digest")
        .never_says("CHACHA20");
    let text = listed.all();
    let line = |name: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.find(|line| line.starts_with(&format!("{name},")))
    };
    let rsa = line("RSA-PKCS").expect("RSA-PKCS");
    for word in ["hw", "sign", "verify", "encrypt", "decrypt"] {
        assert!(rsa.contains(word), "{rsa}");
    }
    let digest = line("SHA256").expect("SHA256");
    assert!(!digest.contains("hw"), "{digest}");
    // What is listed to make keys with makes them.
    bridge
        .token()
        .tool("--keypairgen --key-type EC:prime256v1 --label ec --id 01")
        .ok();
}

/// AES in an HSM: made on the command line, used through both doors.
#[test]
fn a_symmetric_key_inside_an_hsm() {
    let hsm = SoftHsm::new("vault");
    let mut bridge = Bridge::make(&Setup {
        hsm: Some(hsm.token()),
        ..Setup::default()
    });
    bridge.serve();
    let key = bridge.create_key("cold", "--type aes-256 --protection hsm:hsm");
    hsm.token()
        .tool("--list-objects --type secrkey")
        .ok()
        .says("AES length 32");
    let encrypt = [
        "--uid",
        &key.secret,
        "--iv",
        IV,
        "--data",
        &hex(MESSAGE),
        "encrypt",
    ];
    let sealed = unhex(&kmip(&bridge, &encrypt)["data"]);
    let words = format!(
        "--decrypt --id {} --mechanism AES-CBC-PAD --iv {IV}",
        key.cka_id
    );
    assert_eq!(tool_gives(&bridge, &words, &sealed), MESSAGE);
}

/// Rotation: new uses take the new version, the old one still decrypts.
#[test]
fn rotation() {
    let bridge = Bridge::serving();
    let first = bridge.create_key("turning", "--type aes-256");
    let old = [
        "--uid",
        &first.secret,
        "--iv",
        IV,
        "--data",
        &hex(MESSAGE),
        "encrypt",
    ];
    let sealed = unhex(&kmip(&bridge, &old)["data"]);
    let rotated = bridge.json("key rotate turning");
    assert_eq!(rotated["primary_version"], 2);
    assert_eq!(rotated["versions"].as_array().map(Vec::len), Some(2));
    let second = rotated["versions"][1]["objects"][0]["id"]
        .as_str()
        .expect("the new object")
        .to_owned();
    assert_ne!(second, first.secret);
    let decrypt = [
        "--uid",
        &first.secret,
        "--iv",
        IV,
        "--data",
        &hex(&sealed),
        "decrypt",
    ];
    assert_eq!(unhex(&kmip(&bridge, &decrypt)["data"]), MESSAGE);
    let new = [
        "--uid",
        &second,
        "--iv",
        IV,
        "--data",
        &hex(MESSAGE),
        "encrypt",
    ];
    assert_ne!(unhex(&kmip(&bridge, &new)["data"]), sealed);
}
