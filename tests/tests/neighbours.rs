//! A token over a pool of HSM keys and one over software keys, side by side in one process; and one
//! token that shows both. SoftHSM2 is the HSM; what is in it is looked at from outside. And our module beside another
//! one in one process.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use keybridge_tests::{Bridge, Command, Setup, SoftHsm, products};

const HSM_LABEL: &str = "vault";

/// A bridge with a second token, whose keys live in the HSM, initialized by a PKCS#11 program.
fn bridge_with_two_tokens(hsm: &SoftHsm) -> Bridge {
    let bridge = Bridge::make(&Setup {
        hsm: Some(hsm.token()),
        ..Setup::default()
    });
    let config = fs::read_to_string(bridge.config()).expect("the configuration");
    let at_once = config.replace("window-days = 7", "window-days = 0");
    let second = "\n[[token]]\naccount = \"vaulted\"\nprotection = \"hsm:hsm\"\n";
    fs::write(bridge.config(), at_once + second).expect("write the configuration");
    let token = bridge.token();
    let tool = || {
        token
            .command("pkcs11-tool")
            .arg("--module")
            .arg(&token.module)
    };
    tool()
        .words("--slot 1 --init-token --label")
        .args([HSM_LABEL, "--so-pin", &token.so_pin])
        .ok();
    tool()
        .args(["--token-label", HSM_LABEL, "--so-pin", &token.so_pin])
        .words("--login --login-type so --init-pin --pin")
        .arg(&token.pin)
        .ok();
    bridge
}

/// The program that holds both tokens open.
struct Neighbours {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Neighbours {
    fn start(bridge: &Bridge) -> Self {
        let token = bridge.token();
        let mut child = token
            .command(env!("CARGO_BIN_EXE_token-neighbours"))
            .arg(&token.module)
            .args([&token.label, HSM_LABEL, &token.pin])
            .into_inner()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start token-neighbours");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut started = Self {
            child,
            input,
            output,
        };
        started.answer("start");
        started
    }

    #[track_caller]
    fn step(&mut self, name: &str) {
        writeln!(self.input, "{name}").expect("ask token-neighbours");
        self.answer(name);
    }

    #[track_caller]
    fn answer(&mut self, name: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("an answer");
        assert_eq!(line, "ok\n", "{name}: see its error above");
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many secret keys the HSM keeps, asked by another process through its own module.
fn keys_in(hsm: &SoftHsm) -> usize {
    let listed = hsm.token().tool("--list-objects --type secrkey").ok();
    listed.all().matches("Secret Key Object").count()
}

#[test]
fn hsm_keys_and_software_keys_side_by_side() {
    let hsm = SoftHsm::new("hsm");
    let bridge = bridge_with_two_tokens(&hsm);
    let before = keys_in(&hsm);
    let mut neighbours = Neighbours::start(&bridge);
    neighbours.step("make");
    // What is stored is in the HSM as a token object; what ends with a session is not.
    assert_eq!(keys_in(&hsm), before + 1);
    neighbours.step("copy");
    neighbours.step("end");
    assert_eq!(keys_in(&hsm), before);
    bridge.cli("--account acme audit verify").ok();
}

#[test]
fn one_token_shows_both() {
    let hsm = SoftHsm::new("hsm");
    let bridge = bridge_with_two_tokens(&hsm);
    for (name, protection) in [("in software", "software"), ("in the HSM", "hsm:hsm")] {
        bridge
            .cli("--account acme key create")
            .arg(name)
            .args(["--type", "aes-256", "--protection", protection])
            .ok();
    }
    assert_eq!(keys_in(&hsm), 1);
    let mut neighbours = Neighbours::start(&bridge);
    neighbours.step("mixed");
}

/// A program that uses our module and SoftHSM2's: neither notices the other.
#[test]
fn two_modules_in_one_process() {
    let (bridge, hsm) = (Bridge::new(), SoftHsm::new("other"));
    let (ours, theirs) = (bridge.token(), hsm.token());
    let mut program = Command::new(products::python())
        .envs(&ours.env)
        .envs(&theirs.env)
        .arg(products::driver("neighbours_driver.py"));
    for token in [&ours, &theirs] {
        program = program.arg(&token.module).args([&token.label, &token.pin]);
    }
    program.ok().says("passed");
    bridge.cli("--account acme audit verify").ok();
}
