//! NSS's tools: `modutil`, `certutil`, `pk12util`, `cmsutil`, and `selfserv` with a token's key.

use std::time::Duration;

use keybridge_tests::{Command, wait};

use crate::background::Background;
use crate::control::{Subject, on_both};

on_both! {
    /// The module is added to a database, and describes itself and its token.
    fn modutil_adds_the_module(on) {
        database(on);
        on.token.command("modutil").args(["-dbdir", &store(on), "-list", "house"]).ok()
            .says("Token Name: house").says("Login Type: Login required")
            .says("User Pin: Initialized").says("Access: NOT Write Protected");
    }

    /// A CA and a server whose keys are made in the token; requests; keys and certificates listed and deleted.
    fn certutil_makes_keys_in_the_token(on) {
        database(on);
        issue(on);
        let keys = certutil(on, "-K").ok();
        keys.says("house:ca").says("house:server");
        certutil(on, "-L").ok().says("house:ca").says("house:server");
        for name in ["ca", "server"] {
            let certificate = certutil(on, &format!("-L -a -n house:{name}")).ok().stdout;
            on.write(&format!("{name}.pem"), certificate);
        }
        Command::new("openssl").args(["verify", "-CAfile", &on.file("ca.pem"), &on.file("server.pem")])
            .ok().says("OK");
        let request = on.file("request.pem");
        certutil(on, "-R -a -k rsa -g 2048 -s CN=request").args(["-z", &noise(on), "-o", &request])
            .ok();
        Command::new("openssl").args(["req", "-verify", "-noout", "-in", &request]).ok();
        certutil(on, "-F -n house:server").ok();
        certutil(on, "-K").ok().never_says("server");
    }

    /// A key and its certificate come in from a PKCS#12 file; NSS unwraps the key into the token.
    fn pk12util_imports(on) {
        database(on);
        let (key, certificate, file) = (on.file("soft.key"), on.file("soft.pem"), on.file("soft.p12"));
        Command::new("openssl").words("req -x509 -nodes -days 2 -subj /CN=soft -newkey rsa:2048")
            .args(["-keyout", &key, "-out", &certificate]).ok();
        Command::new("openssl").words("pkcs12 -export -name soft -passout pass:secret")
            .args(["-inkey", &key, "-in", &certificate, "-out", &file]).ok();
        on.token.command("pk12util").args(["-d", &store(on), "-h", "house", "-W", "secret"])
            .args(["-k", &pin(on), "-i", &file]).ok().says("IMPORT SUCCESSFUL");
        certutil(on, "-L").ok().says("house:soft");
        certutil(on, "-K").ok().says("soft");
    }

    /// A CMS message signed with a token's key verifies.
    fn cmsutil_signs(on) {
        database(on);
        issue(on);
        let (message, signed) = (on.write("message", "sign me"), on.file("signed"));
        cmsutil(on, "-S -G -N house:server").args(["-i", &message, "-o", &signed]).ok();
        cmsutil(on, "-D -u 1").args(["-i", &signed]).ok().says("sign me");
    }

    /// NSS's TLS server with a token's key answers over TLS 1.2 and 1.3.
    fn selfserv_serves_tls(on) {
        database(on);
        issue(on);
        let ca = on.file("ca.pem");
        std::fs::write(&ca, certutil(on, "-L -a -n house:ca").ok().stdout).expect("write");
        let port = wait::free_port();
        let server = on.token.command("selfserv")
            .args(["-d", &store(on), "-n", "house:server", "-e", "house:server"])
            .args(["-p", &port.to_string(), "-w", &on.token.pin, "-V", "tls1.2:"]);
        let _server = Background::start(server, port);
        for version in ["-tls1_2", "-tls1_3"] {
            Command::new("openssl").args(["s_client", version, "-verify_return_error"])
                .args(["-CAfile", &ca, "-connect", &format!("127.0.0.1:{port}")])
                .input("GET / HTTP/1.0\r\n\r\n").arg("-ign_eof")
                .ok().says("Verify return code: 0 (ok)").says("HTTP/1.0 200 OK");
        }
    }

    /// A wrong PIN is refused.
    fn a_wrong_pin_is_refused(on) {
        database(on);
        on.write("pin", "0000wrong\n");
        certutil(on, "-K").fails();
    }
}

/// A database with the module in it.
#[track_caller]
fn database(on: &Subject) {
    std::fs::create_dir(on.file("nss")).expect("make a folder");
    on.write("pin", format!("{}\n", on.token.pin));
    Command::new("certutil")
        .args(["-N", "-d", &store(on), "--empty-password"])
        .ok();
    on.token
        .command("modutil")
        .args(["-dbdir", &store(on), "-force", "-add", "house", "-libfile"])
        .arg(&on.token.module)
        .ok()
        .says("added to database");
}

/// A self-signed CA with an RSA key and a server with an EC key, both made in the token.
#[track_caller]
fn issue(on: &Subject) {
    certutil(on, "-S -x -k rsa -g 2048 -n ca -s CN=ca -t CTu,Cu,Cu -2")
        .args(["-z", &noise(on)])
        .input("y\n0\nn\n")
        .ok();
    certutil(
        on,
        "-S -k ec -q nistp256 -n server -s CN=localhost -c house:ca -t ,,",
    )
    .args(["-m", "2", "-8", "localhost", "-z", &noise(on)])
    .ok();
}

fn store(on: &Subject) -> String {
    format!("sql:{}", on.file("nss"))
}

fn pin(on: &Subject) -> String {
    on.file("pin")
}

/// What certutil mixes into the random numbers (`C_SeedRandom`).
fn noise(on: &Subject) -> String {
    on.write("noise", [0x5a; 2048])
}

/// certutil on the token.
fn certutil(on: &Subject, words: &str) -> Command {
    on.token
        .command("certutil")
        .words(words)
        .args(["-d", &store(on), "-h", "house", "-f", &pin(on)])
        .limit(Duration::from_secs(120))
}

fn cmsutil(on: &Subject, words: &str) -> Command {
    on.token
        .command("cmsutil")
        .words(words)
        .args(["-d", &store(on), "-f", &pin(on)])
}
