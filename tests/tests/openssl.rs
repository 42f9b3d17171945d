//! OpenSSL 3 through its PKCS#11 engine (Debian's `libengine-pkcs11-openssl`).

use keybridge_tests::{Command, wait};

use crate::background::Background;
use crate::control::{Subject, on_both};

on_both! {
    /// A self-signed certificate over a token's RSA key, and over an EC key.
    fn req_signs_certificates(on) {
        for (kind, name) in [("rsa:2048", "web-rsa"), ("EC:prime256v1", "web-ec")] {
            let certificate = certify(on, kind, name);
            Command::new("openssl").args(["verify", "-CAfile", &certificate, &certificate])
                .ok().says("OK");
            Command::new("openssl").args(["x509", "-noout", "-subject", "-in", &certificate])
                .ok().says(name);
        }
    }

    /// `dgst -sign` with a token's key; the signature verifies without the token.
    fn dgst_signs(on) {
        let message = on.write("message", "sign me");
        for (kind, name) in [("rsa:2048", "rsa"), ("EC:prime256v1", "ec")] {
            let certificate = certify(on, kind, name);
            let (signature, public) = (on.file("signature"), on.file("public.pem"));
            on.token.openssl("dgst -engine pkcs11 -keyform engine -sha256 -sign")
                .args([&on.token.uri(name, "private"), "-out", &signature, &message]).ok();
            Command::new("openssl").words("x509 -noout -pubkey -in").arg(&certificate)
                .args(["-out", &public]).ok();
            Command::new("openssl").words("dgst -sha256 -verify").arg(&public)
                .args(["-signature", &signature, &message]).ok().says("Verified OK");
        }
    }

    /// `pkeyutl -decrypt` with a token's RSA key.
    fn pkeyutl_decrypts(on) {
        let certificate = certify(on, "rsa:2048", "box");
        let (message, sealed) = (on.write("message", "a secret"), on.file("sealed"));
        Command::new("openssl").words("pkeyutl -encrypt -certin -inkey").arg(&certificate)
            .args(["-in", &message, "-out", &sealed]).ok();
        let opened = on.token.openssl("pkeyutl -engine pkcs11 -keyform engine -decrypt -inkey")
            .args([&on.token.uri("box", "private"), "-in", &sealed]).ok();
        assert_eq!(opened.stdout, b"a secret");
    }

    /// A TLS server whose key is in the token answers a client, over TLS 1.2 and 1.3.
    fn s_server_answers_s_client(on) {
        for (kind, name) in [("rsa:2048", "tls-rsa"), ("EC:prime256v1", "tls-ec")] {
            let certificate = certify(on, kind, name);
            let port = wait::free_port();
            let server = on.token.openssl("s_server -engine pkcs11 -keyform engine -www -key")
                .args([&on.token.uri(name, "private"), "-cert", &certificate])
                .args(["-accept", &format!("127.0.0.1:{port}")]);
            let _server = Background::start(server, port);
            for version in ["-tls1_2", "-tls1_3"] {
                Command::new("openssl").args(["s_client", version, "-verify_return_error"])
                    .args(["-CAfile", &certificate, "-connect", &format!("127.0.0.1:{port}")])
                    .input("GET / HTTP/1.0\r\n\r\n").arg("-ign_eof")
                    .ok().says("Verify return code: 0 (ok)").says("HTTP/1.0 200 ok");
            }
        }
    }
}

/// A wrong PIN ends in a refusal, not in a crash. (SoftHSM2 crashes here, in OpenSSL's exit handlers.)
#[test]
fn a_wrong_pin_is_refused() {
    let on = Subject::bridge();
    on.token
        .tool("--keypairgen --key-type rsa:2048 --label k --id 01")
        .ok();
    let message = on.write("message", "sign me");
    let uri = format!(
        "{};pin-value=0000wrong",
        on.token.uri_without_pin("k", "private")
    );
    on.token
        .openssl("dgst -engine pkcs11 -keyform engine -sha256 -sign")
        .args([&uri, &message])
        .fails();
}

/// A key pair in the token and a certificate over it, made by OpenSSL; gives the file.
#[track_caller]
fn certify(on: &Subject, kind: &str, name: &str) -> String {
    on.token
        .tool(&format!(
            "--keypairgen --key-type {kind} --label {name} --usage-sign --usage-decrypt"
        ))
        .args(["--id", &hex(name)])
        .ok();
    let certificate = on.file(&format!("{name}.pem"));
    on.token
        .openssl("req -x509 -new -engine pkcs11 -keyform engine -sha256 -days 2 -key")
        .args([
            &on.token.uri(name, "private"),
            "-subj",
            &format!("/CN={name}"),
        ])
        .args(["-out", &certificate])
        .ok();
    certificate
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
