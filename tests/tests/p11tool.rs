//! GnuTLS's `p11tool` and `certtool`.

use keybridge_tests::Command;

use crate::control::{Subject, on_both};

on_both! {
    /// Tokens and mechanisms are listed without a login.
    fn tokens_and_mechanisms_are_listed(on) {
        p11tool(on, "--list-tokens").ok().says("Label: house");
        p11tool(on, "--list-mechanisms").arg(url(on, "")).ok().says("CKM_RSA_PKCS").says("CKM_ECDSA");
    }

    /// Keys made by p11tool are listed, exported, and sign.
    fn keys_are_made_and_sign(on) {
        for (kind, label) in [("--generate-privkey=rsa --bits 2048", "gnu-rsa"),
            ("--generate-privkey=ecdsa --curve secp256r1", "gnu-ec")]
        {
            p11tool(on, "--login").words(kind).args(["--label", label, "--id"])
                .arg(if label == "gnu-rsa" { "c1" } else { "c2" }).arg(url(on, "")).ok();
            p11tool(on, "--login --list-privkeys").arg(url(on, "")).ok().says(label);
            p11tool(on, "--login --export-pubkey").arg(url(on, &format!(";object={label};type=private")))
                .ok().says("BEGIN PUBLIC KEY");
            p11tool(on, "--login --test-sign").arg(url(on, &format!(";object={label};type=private")))
                .ok().says("ok");
        }
        p11tool(on, "--login --list-all").arg(url(on, "")).ok().says("gnu-rsa").says("gnu-ec");
    }

    /// A certificate and its key are written, listed, exported and deleted.
    fn certificates_are_written_and_deleted(on) {
        let (key, certificate) = (on.file("key.pem"), on.file("certificate.pem"));
        Command::new("openssl").words("req -x509 -nodes -days 2 -subj /CN=gnu -newkey rsa:2048")
            .args(["-keyout", &key, "-out", &certificate]).ok();
        p11tool(on, "--login --write --label paper --id d1")
            .arg(format!("--load-certificate={certificate}")).arg(url(on, "")).ok();
        p11tool(on, "--login --write --label paper --id d1")
            .arg(format!("--load-privkey={key}")).arg(url(on, "")).ok();
        let object = url(on, ";object=paper;type=cert");
        let exported = p11tool(on, "--export").arg(&object).ok();
        let written = String::from_utf8(on.read("certificate.pem")).expect("PEM");
        assert_eq!(exported.text().trim(), written.trim());
        p11tool(on, "--login --test-sign").arg(url(on, ";object=paper;type=private")).ok();
        p11tool(on, "--login --batch --delete").arg(&object).ok();
        p11tool(on, "--login --list-all-certs").arg(url(on, "")).run().never_says("paper");
    }

    /// `certtool` makes a self-signed certificate with a key of the token.
    fn certtool_signs_with_a_token_key(on) {
        p11tool(on, "--login --generate-privkey=rsa --bits 2048 --label ca --id e1")
            .arg(url(on, "")).ok();
        let template = on.write("template", "cn = gnutls\nca\nexpiration_days = 2\n");
        let certificate = on.file("certificate.pem");
        on.token.command("certtool").env("GNUTLS_PIN", &on.token.pin)
            .arg(format!("--provider={}", on.token.module.display()))
            .arg(format!("--load-privkey={}", url(on, ";object=ca;type=private")))
            .arg(format!("--load-pubkey={}", url(on, ";object=ca;type=private")))
            .arg(format!("--template={template}"))
            .arg(format!("--outfile={certificate}")).arg("--generate-self-signed").ok();
        Command::new("openssl").args(["verify", "-CAfile", &certificate, &certificate]).ok();
    }

    /// Random bytes from the token.
    fn random_bytes(on) {
        let random = on.file("random");
        p11tool(on, "--generate-random=48").arg(format!("--outfile={random}")).arg(url(on, "")).ok();
        assert_eq!(on.read("random").len(), 48);
    }

    /// A wrong PIN is told apart from an empty token.
    fn a_wrong_pin_is_refused(on) {
        p11tool(on, "--login --list-all").env("GNUTLS_PIN", "0000wrong").arg(url(on, ""))
            .run().says("PIN");
    }
}

fn p11tool(on: &Subject, words: &str) -> Command {
    on.token
        .command("p11tool")
        .env("GNUTLS_PIN", &on.token.pin)
        .env("GNUTLS_SO_PIN", &on.token.so_pin)
        .arg("--provider")
        .arg(&on.token.module)
        .words(words)
}

fn url(on: &Subject, rest: &str) -> String {
    format!("pkcs11:token={}{rest}", on.token.label)
}
