//! Bad input and bad luck: every one has an error of its own, and leaves the store as it was.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use keybridge_tests::{Bridge, Command, Setup, SoftHsm, Token, products};

/// A wrong passphrase: no program opens the store, and nothing in it changes.
#[test]
fn a_wrong_passphrase_opens_nothing() {
    let mut bridge = Bridge::make(&Setup {
        passphrase: Some("correct horse battery staple".into()),
        ..Setup::default()
    });
    bridge
        .token()
        .tool("--keygen --key-type AES:32 --label k")
        .ok();
    let before = store_bytes(&bridge);
    for wrong in ["wrong", ""] {
        bridge.set_env("KEYBRIDGE_PASSPHRASE", wrong);
        bridge
            .cli("key list")
            .fails()
            .says("passphrase")
            .never_says("correct horse");
        bridge.cli("serve").fails().says("passphrase");
        bridge.token().tool("--list-objects").fails();
        assert_eq!(store_bytes(&bridge), before, "the store changed");
    }
    bridge.set_env("KEYBRIDGE_PASSPHRASE", "correct horse battery staple");
    bridge.cli("key list").ok().says("k");
    bridge.token().tool("--list-objects").ok().says("k");
}

/// `init` twice into one folder: the second is refused and the first bridge is whole.
#[test]
fn init_never_overwrites() {
    let bridge = Bridge::new();
    bridge
        .token()
        .tool("--keygen --key-type AES:32 --label precious")
        .ok();
    let before = files(&bridge);
    bridge
        .cli("init --seal keyfile --dir")
        .arg(bridge.dir())
        .fails()
        .says("exists already");
    assert_eq!(files(&bridge), before, "init changed something");
    bridge.token().tool("--list-objects").ok().says("precious");
}

/// No configuration, a broken one, a mistyped setting: said by name.
#[test]
fn configuration_mistakes_are_named() {
    let mut bridge = Bridge::new();
    let good = fs::read_to_string(bridge.config()).expect("the configuration");

    fs::write(bridge.config(), good.replace("[deletion]", "[deltion]")).expect("write");
    bridge.cli("status").fails().says("deltion");
    fs::write(bridge.config(), "store = ").expect("write");
    bridge.cli("status").fails().says("keybridge.toml");
    bridge.token().tool("--list-objects").fails();

    fs::write(bridge.config(), &good).expect("write");
    bridge.set_env("KEYBRIDGE_CONFIG", "/no/such/keybridge.toml");
    bridge.cli("status").fails().says("/no/such/keybridge.toml");
    bridge.token().tool("--list-objects").fails();
}

/// A store that is missing, is a folder, is another file, or is cut short.
#[test]
fn an_unreadable_store_is_an_error_of_its_own() {
    let bridge = Bridge::new();
    bridge
        .token()
        .tool("--keygen --key-type AES:32 --label k")
        .ok();
    let (store, aside) = (store(&bridge), bridge.file("aside.db"));
    let wal = store.with_extension("db-wal");
    assert!(!wal.exists() || fs::metadata(&wal).expect("the journal").len() == 0);
    fs::rename(&store, &aside).expect("move the store away");

    let refused = || {
        let status = bridge.cli("key list").fails();
        assert_eq!(
            status.status.and_then(|status| status.code()),
            Some(7),
            "{status}"
        );
        bridge.token().tool("--list-objects").fails();
    };
    refused();
    assert!(!store.exists(), "a missing store was made anew");
    fs::create_dir(&store).expect("a folder in its place");
    refused();
    fs::remove_dir(&store).expect("remove the folder");
    fs::write(
        &store,
        "this is not a database, but it is long enough to look like one".repeat(99),
    )
    .expect("another file");
    refused();
    let whole = fs::read(&aside).expect("the store");
    fs::write(&store, &whole[..whole.len() / 2]).expect("half of it");
    bridge.cli("key list").run().never_says("panicked");

    fs::rename(&aside, &store).expect("bring the store back");
    bridge.cli("key list").ok().says("k");
}

/// A full disk: the write fails with an error that says so, nothing is lost, and when there is space
/// again everything goes on.
#[test]
fn a_full_disk_loses_nothing() {
    let bridge = Bridge::new();
    bridge
        .token()
        .tool("--keygen --key-type AES:32 --label before")
        .ok();
    let script = r#"
        set -e
        mkdir full && mount -t tmpfs -o size=3m none full
        cp -a bridge/. full/ && cd full
        export KEYBRIDGE_CONFIG=$PWD/keybridge.toml
        dd if=/dev/zero of=filler bs=4096 2>/dev/null || true
        for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            "$0" key create "key-$n" --type aes-256 >../made 2>../said || { code=$?; break; }
            acknowledged=$n
        done
        echo "acknowledged ${acknowledged:-0}, then code ${code:-none}"; cat ../said
        rm -f filler
        "$0" key create after --type aes-256
        "$0" key list
        "$0" audit verify
    "#;
    // A file system of its own for this process only, for root and for a plain user alike.
    let outcome = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(products::keybridge())
        .dir(bridge.scratch())
        .ok();
    outcome
        .says("then code 7")
        .says("full")
        .says("before")
        .says("after");
}

/// Ten wrong PINs lock it, the right one included; the security officer unlocks it.
#[test]
fn a_locked_pin_is_unlocked_by_the_officer() {
    let bridge = Bridge::new();
    let token = bridge.token();
    let wrong = || {
        token
            .tool_public("--list-objects --login --pin 0000wrong")
            .fails()
    };
    for _ in 0..9 {
        wrong().says("CKR_PIN_INCORRECT");
    }
    // The right PIN starts the count anew.
    token.tool("--list-objects").ok();
    for _ in 0..10 {
        wrong();
    }
    wrong().says("CKR_PIN_LOCKED");
    token.tool("--list-objects").fails().says("CKR_PIN_LOCKED");
    token
        .tool_public("--init-pin --login --login-type so --new-pin fresh-4321 --so-pin")
        .arg(&token.so_pin)
        .ok();
    token
        .tool_public("--list-objects --login --pin fresh-4321")
        .ok();
}

/// PINs that are too short or too long are refused, and the old one stays.
#[test]
fn bad_pins_are_refused() {
    let bridge = Bridge::new();
    let token = bridge.token();
    for bad in ["1", &"9".repeat(300)] {
        token.tool("--change-pin --new-pin").arg(bad).fails();
    }
    token.tool("--list-objects").ok();
}

/// What one process changes, another process that is in the middle of its work sees at its next
/// call: a key disabled and enabled again, a key made, a PIN changed.
#[test]
fn processes_see_each_others_changes() {
    let bridge = Bridge::new();
    let mut user = User::start(&bridge.token());
    assert_eq!(user.ask("make shared"), "ok ");
    assert_eq!(user.ask("encrypt shared"), "ok 16");

    bridge.cli("key disable shared").ok();
    let answer = user.ask("encrypt shared");
    assert!(
        answer.starts_with("error"),
        "a disabled key was used: {answer}"
    );
    bridge.cli("key enable shared").ok();
    assert_eq!(user.ask("encrypt shared"), "ok 16");

    bridge.cli("key create from-the-side --type aes-256").ok();
    assert_eq!(user.ask("encrypt from-the-side"), "ok 16");
    bridge.cli("key delete shared").ok();
    let answer = user.ask("encrypt shared");
    assert!(
        answer.starts_with("error"),
        "a deleted key was used: {answer}"
    );
    bridge.cli("key cancel-delete shared").ok();
    bridge.cli("key enable shared").ok();
    assert_eq!(user.ask("encrypt shared"), "ok 16");

    bridge
        .token()
        .tool("--change-pin --new-pin another-99")
        .ok();
    bridge
        .token()
        .tool("--list-objects")
        .fails()
        .says("CKR_PIN_INCORRECT");
}

/// An HSM that goes away: an error of its own; back again: everything goes on.
#[test]
fn an_unreachable_hsm_is_an_error_of_its_own() {
    let hsm = SoftHsm::new("vault");
    let bridge = Bridge::make(&Setup {
        hsm: Some(hsm.token()),
        keys_in_hsm: true,
        ..Setup::default()
    });
    let token = bridge.token();
    token
        .tool("--keypairgen --key-type rsa:2048 --label deep --id 01")
        .ok();
    let message = bridge.file("message");
    fs::write(&message, "sign me").expect("write");
    let sign = || {
        token
            .tool("--sign --id 01 --mechanism SHA256-RSA-PKCS --input-file")
            .arg(&message)
    };
    sign().ok();

    let aside = hsm.dir().join("aside");
    fs::rename(hsm.tokens(), &aside).expect("take the HSM's tokens away");
    fs::create_dir(hsm.tokens()).expect("leave an empty HSM");
    sign().fails().says("CKR_");
    bridge
        .cli("key create another --type aes-256 --protection hsm:hsm")
        .fails()
        .says("HSM");
    bridge.cli("key list").ok().says("deep");

    fs::remove_dir(hsm.tokens()).expect("remove the empty HSM");
    fs::rename(&aside, hsm.tokens()).expect("bring the tokens back");
    sign().ok();
}

/// A store sealed by an HSM opens only with it.
#[test]
fn a_store_sealed_by_an_hsm_needs_it() {
    let hsm = SoftHsm::new("vault");
    let bridge = Bridge::make(&Setup {
        hsm: Some(hsm.token()),
        seal_by_hsm: true,
        ..Setup::default()
    });
    bridge.cli("key create k --type aes-256").ok();
    bridge.token().tool("--list-objects").ok().says("k");
    let aside = hsm.dir().join("aside");
    fs::rename(hsm.tokens(), &aside).expect("take the HSM's tokens away");
    fs::create_dir(hsm.tokens()).expect("leave an empty HSM");
    let refused = bridge.cli("key list").fails();
    assert_eq!(
        refused.status.and_then(|status| status.code()),
        Some(7),
        "{refused}"
    );
    bridge.token().tool("--list-objects").fails();
}

/// Somebody else sets the user's PIN, or revokes it, while a program is logged in: the program's login is over at its
/// next call, and a login by the new PIN is as good as any. What he does himself does not throw him out.
#[test]
fn a_login_ends_behind_the_back_of_a_program() {
    let bridge = Bridge::new();
    let token = bridge.token();
    bridge.create_key("k", "--type aes-256");
    let mut user = User::start(&token);
    let mut other = User::start(&token);
    assert_eq!(user.ask("encrypt k"), "ok 16");
    assert_eq!(user.ask(&format!("set-pin {} his-own-1", token.pin)), "ok ");
    for user in [&mut user, &mut other] {
        assert_eq!(user.ask("encrypt k"), "ok 16", "his own change");
        assert_eq!(user.ask("again"), "ok 16");
    }

    let by_so = ["--so-pin", &token.so_pin, "--pin", "anew-12"];
    let reset = token.command("pkcs11-tool").arg("--module");
    reset
        .arg(&token.module)
        .words("--login --login-type so --init-pin")
        .args(by_so)
        .ok();
    for user in [&mut user, &mut other] {
        for line in ["again", "encrypt k", "make another", "list", "again"] {
            let answer = user.ask(line);
            assert!(answer.starts_with("error "), "{line}: {answer}");
            assert!(answer.contains("is not logged in"), "{line}: {answer}");
        }
    }
    // Whoever hears that logs in again.
    assert!(user.ask("login his-own-1").contains("PIN is incorrect"));
    assert_eq!(user.ask("login anew-12"), "ok ");
    assert_eq!(user.ask("encrypt k"), "ok 16");
    assert_eq!(other.ask("state"), "ok RwPublic");
    assert!(
        other.ask("again").starts_with("error "),
        "its handle is gone"
    );
    assert_eq!(other.ask("login anew-12"), "ok ");
    assert_eq!(other.ask("encrypt k"), "ok 16");

    bridge.cli("client revoke user").ok();
    for user in [&mut user, &mut other] {
        let answer = user.ask("again");
        assert!(answer.contains("is not logged in"), "{answer}");
        assert!(user.ask("login anew-12").starts_with("error "));
    }
    bridge.cli("audit verify").ok();
    bridge.cli("audit list --json").ok().says("login ended");
}

/// A process with an open token session.
struct User {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl User {
    #[track_caller]
    fn start(token: &Token) -> Self {
        let mut child = token
            .command(env!("CARGO_BIN_EXE_token-user"))
            .arg(&token.module)
            .args([&token.label, &token.pin])
            .into_inner()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start token-user");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut user = Self {
            child,
            input,
            output,
        };
        assert_eq!(user.answer(), "ok", "token-user cannot log in");
        user
    }

    #[track_caller]
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("ask token-user");
        self.answer()
    }

    #[track_caller]
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("an answer of token-user");
        line.trim_end_matches('\n').to_owned()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn store(bridge: &Bridge) -> std::path::PathBuf {
    bridge.dir().join("keybridge.db")
}

/// The store's file. Programs that are done leave nothing in the write-ahead log.
fn store_bytes(bridge: &Bridge) -> Vec<u8> {
    fs::read(store(bridge)).expect("the store")
}

/// Every file of the bridge with its contents.
fn files(bridge: &Bridge) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![bridge.dir()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.clone(), fs::read(path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}
