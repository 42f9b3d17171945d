//! The command line as programs and people use it: the built binary, its answers and exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_keybridge");

/// A bridge in a folder of its own.
struct Bridge {
    folder: TempDir,
}

impl Bridge {
    fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bridge = Self { folder };
        let dir = bridge.dir();
        let made = keybridge(None, &["init", "--dir", dir.to_str().unwrap()], arguments);
        assert!(made.status.success(), "{made:?}");
        bridge
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("bridge")
    }

    fn run(&self, words: &str) -> Output {
        let words: Vec<_> = words.split(' ').collect();
        keybridge(Some(&self.dir().join("keybridge.toml")), &words, &[])
    }

    #[track_caller]
    fn json(&self, words: &str) -> Value {
        let output = self.run(&format!("{words} --json"));
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn fails(&self, code: i32, words: &str) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    }
}

fn keybridge(config: Option<&Path>, words: &[&str], more: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(words).args(more).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KEYBRIDGE_") {
            command.env_remove(name);
        }
    }
    if let Some(config) = config {
        command.env("KEYBRIDGE_CONFIG", config);
    }
    command.output().unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_key_lives_its_life() {
    let bridge = Bridge::new(&["--account", "acme"]);
    let made = bridge.json("key create my-key --type aes-256 --id 0a0b --tag team=blue");
    assert_eq!(made["type"], "aes-256");
    assert_eq!(made["tags"]["team"], "blue");
    let object = &made["versions"][0]["objects"][0];
    assert_eq!(
        (&object["cka_id"], &object["label"]),
        (&"0a0b".into(), &"my-key".into())
    );
    assert_eq!(object["kmip_names"][0], "my-key");
    assert_eq!(
        (&object["sensitive"], &object["extractable"]),
        (&true.into(), &false.into())
    );

    let state = |words: &str| bridge.json(words)["state"].as_str().unwrap().to_owned();
    assert_eq!(state("key disable my-key"), "disabled");
    assert_eq!(state("key enable my-key"), "enabled");
    assert_eq!(bridge.json("key rotate my-key")["primary_version"], 2);
    bridge.json("key alias set main-key my-key");
    assert_eq!(bridge.json("key show main-key")["id"], made["id"]);
    assert_eq!(bridge.json("key alias list my-key")[0]["alias"], "main-key");
    bridge.json("key tag my-key tier=1 --remove team");
    let tags = bridge.json("key show my-key")["tags"].clone();
    assert_eq!(tags, serde_json::json!({ "tier": "1" }));
    assert_eq!(state("key delete my-key"), "pending deletion");
    assert_eq!(state("key cancel-delete my-key"), "disabled");
    bridge.json("key delete my-key --days 0");
    bridge.fails(3, "key show my-key");

    let records = bridge.json("audit list --limit 1000");
    let verbs: Vec<_> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["verb"].as_str().unwrap())
        .collect();
    for verb in [
        "create", "disable", "enable", "rotate", "alias", "tag", "delete",
    ] {
        assert!(
            verbs.contains(&verb),
            "{verb} is not in the audit: {verbs:?}"
        );
    }
    assert_eq!(bridge.json("audit verify")["intact"], true);
}

#[test]
fn pairs_and_exportable_keys() {
    let bridge = Bridge::new(&[]);
    let pair = bridge.json("key create pair --type ec-p256");
    let objects = pair["versions"][0]["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["usage"], serde_json::json!(["sign"]));
    assert_eq!(objects[1]["usage"], serde_json::json!(["verify"]));
    assert_eq!(objects[0]["cka_id"], objects[1]["cka_id"]);
    let open = bridge.json("key create open --type generic-256 --exportable --usage mac,derive");
    let object = &open["versions"][0]["objects"][0];
    assert_eq!(
        (&object["sensitive"], &object["extractable"]),
        (&false.into(), &true.into())
    );
    assert_eq!(bridge.json("key list").as_array().unwrap().len(), 2);
    assert_eq!(
        bridge
            .json("key list --offset 1 --limit 5")
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn every_refusal_has_its_code() {
    let bridge = Bridge::new(&[]);
    bridge.json("key create k --type sm4");
    assert!(
        bridge
            .fails(6, "key create k --type sm4")
            .contains("exists already")
    );
    assert!(bridge.fails(3, "key show nothing").contains("key list"));
    bridge.fails(3, "client revoke nobody");
    bridge.fails(2, "key create x --type rot13");
    bridge.fails(2, "key create x --type aes-256 --usage levitate");
    bridge.fails(2, "key tag k nonsense");
    bridge.fails(2, "client add ../../etc/passwd");
    bridge.fails(2, "audit list --verb sing");
    bridge.fails(3, "key list --account nobody");
    bridge.fails(7, "key list --config /does/not/exist");
    bridge.fails(2, "no-such-command");
}

#[test]
fn init_never_overwrites_and_leaves_nothing_when_it_fails() {
    let bridge = Bridge::new(&[]);
    let before: Vec<_> = files(&bridge.dir())
        .into_iter()
        .map(|path| (fs::read(&path).unwrap(), path))
        .collect();
    let dir = bridge.dir();
    let again = keybridge(None, &["init", "--dir", dir.to_str().unwrap()], &[]);
    assert_eq!(again.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&again.stderr).contains("keybridge.toml"));
    let after: Vec<_> = files(&bridge.dir())
        .into_iter()
        .map(|path| (fs::read(&path).unwrap(), path))
        .collect();
    assert_eq!(before, after);

    // A file of the user's own stays, whatever init wanted to put there.
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("bridge");
    fs::create_dir_all(dir.join("clients")).unwrap();
    fs::write(dir.join("clients/admin.key"), "mine").unwrap();
    let refused = keybridge(None, &["init", "--dir", dir.to_str().unwrap()], &[]);
    assert_eq!(refused.status.code(), Some(6));
    assert_eq!(files(&dir), [dir.join("clients/admin.key")]);

    // Failures late in the making: the account's name, when the store is there already.
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("bridge");
    let failed = keybridge(
        None,
        &["init", "--dir", dir.to_str().unwrap()],
        &["--account", ""],
    );
    assert!(!failed.status.success());
    assert!(!dir.exists(), "{:?}", files(&dir));
    let short = ["--token-label", "t", "--so-pin", "12345678", "--pin", "12"];
    let failed = keybridge(None, &["init", "--dir", dir.to_str().unwrap()], &short);
    assert!(!failed.status.success());
    assert!(!dir.exists());

    // An HSM that is not there.
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("bridge");
    let hsm = [
        "--seal",
        "hsm",
        "--hsm-module",
        "/no/module.so",
        "--hsm-token-label",
        "t",
    ];
    let failed = keybridge(None, &["init", "--dir", dir.to_str().unwrap()], &hsm);
    assert_eq!(failed.status.code(), Some(7), "{failed:?}");
    assert!(!dir.exists());
}

#[test]
fn secrets_are_files_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let passphrase = file("passphrase", "correct horse battery\n");
    let (so_pin, pin) = (file("so", "12345678\n"), file("pin", "87654321\n"));
    let bridge = Bridge::new(&[
        "--seal",
        "passphrase",
        "--passphrase-file",
        &passphrase,
        "--token-label",
        "house",
        "--so-pin-file",
        &so_pin,
        "--pin-file",
        &pin,
    ]);
    let token = bridge.json("token list");
    assert_eq!(
        (&token[0]["label"], &token[0]["user_pin"]),
        (&"house".into(), &"set".into())
    );
    for path in files(&bridge.dir()) {
        let content = fs::read(&path).unwrap();
        for secret in ["correct horse", "12345678", "87654321"] {
            let found = content
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} stands in {}", path.display());
        }
    }
    fs::write(&passphrase, "wrong horse battery\n").unwrap();
    assert!(bridge.fails(4, "key list").contains("passphrase"));
    fs::write(&passphrase, "correct horse battery\n").unwrap();
    bridge.json("key list");
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o644)).unwrap();
    let told = bridge.fails(7, "key list");
    assert!(
        told.contains(&format!("chmod 600 {passphrase:?}")),
        "{told}"
    );
}

#[test]
fn clients_come_and_go() {
    let bridge = Bridge::new(&[]);
    let added = bridge.json("client add app --days 30");
    for file in ["certificate", "key", "pem", "ca"] {
        assert!(Path::new(added[file].as_str().unwrap()).is_file());
    }
    bridge.fails(6, "client add app");
    let states = || {
        let list = bridge.json("client list");
        let list = list.as_array().unwrap().clone();
        list.iter()
            .map(|one| {
                format!(
                    "{} {}",
                    one["name"].as_str().unwrap(),
                    one["state"].as_str().unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), ["admin good", "app good"]);
    bridge.json("client revoke app");
    assert_eq!(states(), ["admin good", "app revoked"]);
    assert_eq!(bridge.json("status")["accounts"][0]["clients"], 2);
    // A certificate of one's own.
    let own = bridge.dir().join("clients/admin.crt");
    let own = own.to_str().unwrap();
    bridge.fails(6, &format!("client add again --certificate {own}"));
}

#[test]
fn status_shows_what_the_policy_relaxes_and_demands() {
    let bridge = Bridge::new(&[]);
    let file = bridge.dir().join("keybridge.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let status = bridge.json("status");
    let account = &status["accounts"][0];
    assert_eq!(account["relaxed"], serde_json::json!([]));
    assert_eq!(account["demands"], serde_json::json!([]));
    let relaxed = text
        .replace("role-lock = true", "role-lock = false")
        .replace("strong-wrapping = false", "strong-wrapping = true")
        .replace(
            "deny-mechanisms = []",
            "deny-mechanisms = [\"CKM_AES_ECB\"]",
        );
    std::fs::write(&file, &relaxed).unwrap();
    let status = bridge.json("status");
    let account = &status["accounts"][0];
    assert_eq!(account["relaxed"], serde_json::json!(["role-lock"]));
    let demands = serde_json::json!(["strong-wrapping", "no CKM_AES_ECB"]);
    assert_eq!(account["demands"], demands);
    let shown = String::from_utf8(bridge.run("status").stdout).unwrap();
    assert!(shown.contains("RELAXED by [policy]: role-lock"), "{shown}");
    // A slip is named with its line.
    std::fs::write(&file, text.replace("role-lock = true", "role-look = true")).unwrap();
    let line = 1 + text
        .lines()
        .position(|line| line.starts_with("role-lock"))
        .unwrap();
    let refused = String::from_utf8(bridge.run("status").stderr).unwrap();
    assert!(refused.contains(&format!("line {line}")), "{refused}");
}

/// What another part of the bridge would meet later is told by `status` and `serve` at once, with what to do.
#[test]
fn mistakes_in_the_configuration_are_told_with_a_way_out() {
    let bridge = Bridge::new(&["--account", "acme"]);
    let file = bridge.dir().join("keybridge.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
    };
    let software = "protection = \"software\"";
    with("[server]", "[server]\nlisten-on = 1");
    let said = bridge.fails(7, "status");
    assert!(
        said.contains("[server]") && said.contains("listen-on"),
        "{said}"
    );
    with(software, "protection = \"hsm:none\"");
    let said = bridge.fails(7, "status");
    assert!(
        said.contains("[[token]] 1") && said.contains("hsm:none"),
        "{said}"
    );
    with("account = \"acme\"", "account = \"ghost\"");
    let slots = &bridge.json("status")["slots"];
    let expected = serde_json::json!([{"slot": 0, "account": "ghost", "account_exists": false}]);
    assert_eq!(slots, &expected);
    let shown = String::from_utf8(bridge.run("status").stdout).unwrap();
    assert!(shown.contains("no account \"ghost\""), "{shown}");
    with("127.0.0.1:5696", "localhost");
    let said = bridge.fails(7, "serve");
    assert!(
        said.contains("\"localhost\" is no address with a port"),
        "{said}"
    );
    std::fs::write(&file, &text).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = bridge.fails(1, &format!("serve --listen {address}"));
    assert!(said.contains("another program listens there"), "{said}");
    let key = bridge.dir().join("server.key");
    let good = std::fs::read(&key).unwrap();
    let said = |contents: &[u8]| {
        std::fs::write(&key, contents).unwrap();
        bridge.fails(1, "serve --listen 127.0.0.1:0")
    };
    let rubbish = said(b"rubbish");
    assert!(rubbish.contains("no private key (PEM) in it"), "{rubbish}");
    let other = std::fs::read(bridge.dir().join("ca.key")).unwrap();
    let other = said(&other);
    assert!(
        other.contains("not the private key of the certificate"),
        "{other}"
    );
    std::fs::write(&key, good).unwrap();
    bridge.json("key create k --type aes-256");
    for days in ["-1", "3651", "3000000"] {
        let said = bridge.fails(2, &format!("key delete k --days {days}"));
        assert!(said.contains("0..=3650"), "{said}");
    }
}

/// A server whose certificate is over goes on, as clients that do not look may still be served; it is said.
#[test]
fn an_expired_certificate_of_the_server_is_told() {
    let bridge = Bridge::new(&[]);
    assert_eq!(bridge.json("status")["certificate_expired"], false);
    let mut expired = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = expired.self_signed(&key).unwrap().pem();
    std::fs::write(bridge.dir().join("server.crt"), certificate).unwrap();
    assert_eq!(bridge.json("status")["certificate_expired"], true);
    let shown = String::from_utf8(bridge.run("status").stdout).unwrap();
    assert!(shown.contains("EXPIRED"), "{shown}");
}

#[test]
fn people_get_tables_and_scripts() {
    let bridge = Bridge::new(&[]);
    bridge.json("key create my-key --type rsa-2048");
    let shown = String::from_utf8(bridge.run("key list").stdout).unwrap();
    assert!(shown.contains("NAME") && shown.contains("my-key"));
    for shell in ["bash", "zsh", "fish"] {
        let script = bridge.run(&format!("completions {shell}"));
        assert!(script.status.success() && script.stdout.len() > 1000);
    }
}

#[test]
fn accounts_are_made_listed_and_protected() {
    let bridge = Bridge::new(&[]);
    bridge.json("account create second");
    bridge.fails(6, "account create second");
    let listed = bridge.json("account list");
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(bridge.fails(2, "key list").contains("second"));
    assert!(
        bridge
            .fails(3, "account protect third")
            .contains("in this store")
    );
    // The proof is of the whole audit, whichever account asks.
    assert_eq!(bridge.json("audit verify")["intact"], true);
    bridge.json("key create k --type aes-256 --account second");
    let protected = bridge.json("account protect second");
    assert_eq!(protected[0]["deletion_protection"], true);
    assert!(
        bridge
            .fails(4, "key delete k --days 0 --account second")
            .contains("protection")
    );
    bridge.json("account unprotect second");
    bridge.json("key delete k --days 0 --account second");
}
