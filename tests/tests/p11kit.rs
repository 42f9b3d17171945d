//! p11-kit's remoting: a token of one process, used by others through a socket, as containers do.

use std::os::unix::net::UnixStream;
use std::process::Stdio;

use keybridge_tests::{Command, Token, wait};

use crate::control::{Subject, on_both};

/// Where Debian puts the module that speaks to a `p11-kit server`.
const CLIENT: &str = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";

on_both! {
    /// Keys are made, listed, sign and certify through the socket.
    fn a_token_is_used_through_a_socket(on) {
        let server = Server::start(on);
        let far = &server.far;
        far.tool("--keypairgen --key-type rsa:2048 --label far --id 01").ok();
        on.token.tool("--list-objects --type privkey").ok().says("far");
        let (message, signature) = (on.write("message", "sign me"), on.file("signature"));
        far.tool("--sign --id 01 --mechanism SHA256-RSA-PKCS")
            .args(["--input-file", &message, "--output-file", &signature]).ok();
        on.token.tool("--verify --id 01 --mechanism SHA256-RSA-PKCS")
            .args(["--input-file", &message, "--signature-file", &signature])
            .ok().says("Signature is valid");
        let certificate = on.file("far.pem");
        far.openssl("req -x509 -new -engine pkcs11 -keyform engine -days 2 -subj /CN=far")
            .args(["-key", &far.uri("far", "private"), "-out", &certificate]).ok();
        Command::new("openssl").args(["verify", "-CAfile", &certificate, &certificate])
            .ok().says("OK");
        far.tool_public("--login --pin 0000wrong --list-objects").fails().says("CKR_PIN_INCORRECT");
    }
}

/// A `p11-kit server` for the token, ended when dropped, and the token as its clients see it.
struct Server {
    child: std::process::Child,
    far: Token,
}

impl Server {
    #[track_caller]
    fn start(on: &Subject) -> Self {
        let socket = on.file("socket");
        let child = on
            .token
            .command("p11-kit")
            .args(["server", "--foreground", "--name", &socket, "--provider"])
            .arg(&on.token.module)
            .arg(format!("pkcs11:token={}", on.token.label))
            .into_inner()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start p11-kit server");
        let mut far = on.token.clone();
        far.module = CLIENT.into();
        far.env = vec![(
            "P11_KIT_SERVER_ADDRESS".into(),
            format!("unix:path={socket}").into(),
        )];
        let server = Self { child, far };
        wait::until("p11-kit server to listen", wait::PATIENCE, || {
            UnixStream::connect(&socket).ok()
        });
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its children serve one client each and end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
