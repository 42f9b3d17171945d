//! OpenSC's `pkcs11-tool`; what it makes is checked by OpenSSL, and the other way round.

use std::fs;

use keybridge_tests::Command;

use crate::control::{Subject, on_both};

const MESSAGE: &[u8] = b"the quick brown fox jumps over the lazy dog\n";

on_both! {
    /// The token shows its label and its mechanisms before anybody logs in.
    fn token_and_mechanisms_are_listed(on) {
        on.token.tool_public("--list-token-slots").ok().says("house").says("token initialized");
        on.token.tool_public("--list-mechanisms").ok()
            .says("SHA256-RSA-PKCS").says("ECDSA").says("AES-CBC-PAD").says("RSA-PKCS-KEY-PAIR-GEN");
        on.token.command("pkcs11-tool").arg("--module").arg(&on.token.module)
            .arg("--show-info").ok().says("Cryptoki version");
    }

    /// RSA: PKCS#1 v1.5, PSS and prehashed signatures verify with OpenSSL.
    fn rsa_signs_for_openssl(on) {
        on.token.tool("--keypairgen --key-type rsa:2048 --label rsa --id 0a").ok();
        let public = export_public_key(on, "0a");
        let message = on.write("message", MESSAGE);
        for (mechanism, extra, options) in [
            ("SHA256-RSA-PKCS", "", ""),
            ("SHA256-RSA-PKCS-PSS", "", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"),
        ] {
            let signature = on.file("signature");
            on.token.tool(&format!("--sign --id 0a --mechanism {mechanism} {extra}"))
                .args(["--input-file", &message, "--output-file", &signature]).ok();
            Command::new("openssl").words("dgst -sha256").words(options)
                .args(["-verify", &public, "-signature", &signature, &message])
                .ok().says("Verified OK");
            on.token.tool(&format!("--verify --id 0a --mechanism {mechanism} {extra}"))
                .args(["--input-file", &message, "--signature-file", &signature])
                .ok().says("Signature is valid");
            let mut spoiled = on.read("signature");
            spoiled[7] ^= 1;
            let spoiled = on.write("spoiled", spoiled);
            on.token.tool(&format!("--verify --id 0a --mechanism {mechanism} {extra}"))
                .args(["--input-file", &message, "--signature-file", &spoiled])
                .run().never_says("Signature is valid");
        }
    }

    /// RSA: what OpenSSL encrypts for the public key, the token decrypts.
    fn rsa_decrypts_for_openssl(on) {
        on.token.tool("--keypairgen --key-type rsa:2048 --label rsa --id 0a").ok();
        let public = export_public_key(on, "0a");
        let message = on.write("message", MESSAGE);
        for (mechanism, extra, options) in [
            ("RSA-PKCS", "", "-pkeyopt rsa_padding_mode:pkcs1"),
            ("RSA-PKCS-OAEP", "--hash-algorithm SHA-1 --mgf MGF1-SHA1",
                "-pkeyopt rsa_padding_mode:oaep"),
        ] {
            let (sealed, opened) = (on.file("sealed"), on.file("opened"));
            Command::new("openssl").words("pkeyutl -encrypt -pubin").words(options)
                .args(["-inkey", &public, "-in", &message, "-out", &sealed]).ok();
            on.token.tool(&format!("--decrypt --id 0a --mechanism {mechanism} {extra}"))
                .args(["--input-file", &sealed, "--output-file", &opened]).ok();
            assert_eq!(on.read("opened"), MESSAGE, "{mechanism}");
        }
    }

    /// ECDSA on the three NIST curves verifies with OpenSSL.
    fn ecdsa_signs_for_openssl(on) {
        let message = on.write("message", MESSAGE);
        for (id, curve, digest) in
            [("21", "prime256v1", "sha256"), ("22", "secp384r1", "sha384"), ("23", "secp521r1", "sha512")]
        {
            on.token.tool(&format!("--keypairgen --key-type EC:{curve} --label {curve} --id {id}"))
                .args(["--usage-sign"]).ok();
            let public = export_public_key(on, id);
            let hash = on.file("hash");
            Command::new("openssl").args(["dgst", &format!("-{digest}"), "-binary", "-out", &hash, &message]).ok();
            let signature = on.file("signature");
            on.token.tool(&format!("--sign --id {id} --mechanism ECDSA --signature-format openssl"))
                .args(["--input-file", &hash, "--output-file", &signature]).ok();
            Command::new("openssl").args(["dgst", &format!("-{digest}")])
                .args(["-verify", &public, "-signature", &signature, &message])
                .ok().says("Verified OK");
        }
    }

    /// An AES key made elsewhere and brought in encrypts and decrypts as OpenSSL does.
    fn aes_agrees_with_openssl(on) {
        let key = [0x5au8; 32];
        let file = on.write("aes.key", key);
        on.token.tool("--write-object").arg(&file)
            .words("--type secrkey --key-type AES:32 --label aes --id 30 --usage-decrypt").ok();
        let iv = "00112233445566778899aabbccddeeff";
        let message = on.write("message", MESSAGE);
        let (sealed, reference) = (on.file("sealed"), on.file("reference"));
        on.token.tool("--encrypt --id 30 --mechanism AES-CBC-PAD --iv").arg(iv)
            .args(["--input-file", &message, "--output-file", &sealed]).ok();
        Command::new("openssl").words("enc -aes-256-cbc -K").arg("5a".repeat(32))
            .args(["-iv", iv, "-in", &message, "-out", &reference]).ok();
        assert_eq!(on.read("sealed"), on.read("reference"));
        let opened = on.file("opened");
        on.token.tool("--decrypt --id 30 --mechanism AES-CBC-PAD --iv").arg(iv)
            .args(["--input-file", &reference, "--output-file", &opened]).ok();
        assert_eq!(on.read("opened"), MESSAGE);
    }

    /// An AES key made in the token encrypts, decrypts, and does not come out.
    fn aes_made_inside_stays_inside(on) {
        on.token.tool("--keygen --key-type AES:32 --label inner --id 31 --sensitive").ok();
        let message = on.write("message", MESSAGE);
        let (sealed, opened) = (on.file("sealed"), on.file("opened"));
        let iv = "000102030405060708090a0b0c0d0e0f";
        on.token.tool("--encrypt --id 31 --mechanism AES-CBC-PAD --iv").arg(iv)
            .args(["--input-file", &message, "--output-file", &sealed]).ok();
        assert_ne!(on.read("sealed"), MESSAGE);
        on.token.tool("--decrypt --id 31 --mechanism AES-CBC-PAD --iv").arg(iv)
            .args(["--input-file", &sealed, "--output-file", &opened]).ok();
        assert_eq!(on.read("opened"), MESSAGE);
        let leak = on.file("leak");
        on.token.tool("--read-object --type secrkey --id 31 --output-file").arg(&leak).run().never_says("panicked");
        assert!(fs::read(&leak).unwrap_or_default().len() < 16, "a sensitive key came out");
    }

    /// ECDH in the token gives the secret that OpenSSL derives from the other side.
    fn ecdh_agrees_with_openssl(on) {
        on.token.tool("--keypairgen --key-type EC:prime256v1 --label dh --id 41 --usage-derive").ok();
        let ours = export_public_key(on, "41");
        let (peer, peer_public) = (on.file("peer.pem"), on.file("peer.der"));
        Command::new("openssl").words("ecparam -name prime256v1 -genkey -noout -out").arg(&peer).ok();
        Command::new("openssl").words("ec -pubout -outform DER -in").arg(&peer)
            .args(["-out", &peer_public]).ok();
        let derived = on.file("derived");
        on.token.tool("--derive --mechanism ECDH1-DERIVE --id 41")
            .args(["--input-file", &peer_public, "--output-file", &derived]).ok();
        let reference = on.file("reference");
        Command::new("openssl").words("pkeyutl -derive -inkey").arg(&peer)
            .args(["-peerkey", &ours, "-out", &reference]).ok();
        assert_eq!(on.read("derived"), on.read("reference"));
    }

    /// Certificates, public keys, private keys and data go in and come out as they were.
    fn objects_are_written_read_and_deleted(on) {
        let (key, certificate) = self_signed(on, "rsa:2048");
        on.token.tool("--write-object").arg(&certificate)
            .words("--type cert --label paper --id 51").ok();
        on.token.tool("--write-object").arg(&key).words("--type privkey --label paper --id 51").ok();
        let data = on.write("data", b"anything at all");
        on.token.tool("--write-object").arg(&data)
            .words("--type data --label note --application-label tests").ok();

        let back = on.file("back");
        on.token.tool("--read-object --type cert --id 51 --output-file").arg(&back).ok();
        assert_eq!(on.read("back"), fs::read(&certificate).expect("the certificate"));
        on.token.tool("--read-object --type data --label note --application-label tests --output-file")
            .arg(&back).ok();
        assert_eq!(on.read("back"), b"anything at all");

        let message = on.write("message", MESSAGE);
        let signature = on.file("signature");
        on.token.tool("--sign --id 51 --mechanism SHA256-RSA-PKCS")
            .args(["--input-file", &message, "--output-file", &signature]).ok();
        let public = on.file("public.pem");
        Command::new("openssl").words("x509 -inform DER -pubkey -noout -in").arg(&certificate)
            .args(["-out", &public]).ok();
        Command::new("openssl").words("dgst -sha256 -verify").arg(&public)
            .args(["-signature", &signature, &message]).ok().says("Verified OK");

        on.token.tool("--list-objects").ok().says("paper").says("note");
        for (kind, name) in [("privkey", "--id 51"), ("cert", "--id 51"), ("data", "--label note")] {
            on.token.tool(&format!("--delete-object --type {kind} {name}")).ok();
        }
        on.token.tool("--list-objects").ok().never_says("paper").never_says("note");
    }

    /// Public keys come out as OpenSSL reads them.
    fn public_keys_are_read(on) {
        for (id, kind) in [("81", "rsa:2048"), ("82", "EC:prime256v1")] {
            on.token.tool(&format!("--keypairgen --key-type {kind} --label k --id {id}")).ok();
            let der = on.file("public.der");
            on.token.tool_public(&format!("--read-object --type pubkey --id {id} --output-file"))
                .arg(&der).ok();
            let direct = Command::new("openssl").words("pkey -pubin -inform DER -in").arg(&der).ok();
            export_public_key(on, id);
            assert_eq!(direct.stdout, on.read(&format!("public-{id}.pem")));
        }
    }

    /// A key pair that is deleted is gone for the next process.
    fn deleted_keys_do_not_sign(on) {
        on.token.tool("--keypairgen --key-type rsa:2048 --label brief --id 61").ok();
        for kind in ["privkey", "pubkey"] {
            on.token.tool(&format!("--delete-object --type {kind} --id 61")).ok();
        }
        on.token.tool("--list-objects").ok().never_says("brief");
        let message = on.write("message", MESSAGE);
        on.token.tool("--sign --id 61 --mechanism SHA256-RSA-PKCS --input-file").arg(&message).fails();
    }

    /// Random bytes come in the number asked for, and differ.
    fn random_bytes(on) {
        let (one, two) = (on.file("one"), on.file("two"));
        for file in [&one, &two] {
            on.token.tool_public("--generate-random 64 --output-file").arg(file).ok();
        }
        assert_eq!(on.read("one").len(), 64);
        assert_ne!(on.read("one"), on.read("two"));
    }

    /// Wrong PIN, then the right one; the user changes the PIN; the old one no longer works.
    fn the_user_changes_the_pin(on) {
        on.token.tool_public("--list-objects --login --pin 0000wrong").fails()
            .says("CKR_PIN_INCORRECT");
        on.token.tool("--change-pin --new-pin another-99").ok();
        on.token.tool("--list-objects").fails().says("CKR_PIN_INCORRECT");
        on.token.tool_public("--list-objects --login --pin another-99").ok();
    }

    /// The security officer sets a new PIN for a user who has lost the old one.
    fn the_officer_sets_the_pin(on) {
        on.token.tool_public("--init-pin --login --login-type so")
            .args(["--so-pin", &on.token.so_pin, "--new-pin", "fresh-4321"]).ok();
        on.token.tool_public("--list-objects --login --pin fresh-4321").ok();
        on.token.tool("--list-objects").fails().says("CKR_PIN_INCORRECT");
    }

    /// Initializing a token empties it, and takes the officer's PIN.
    fn init_token_empties_it(on) {
        on.token.tool("--keypairgen --key-type rsa:2048 --label old --id 0a").ok();
        on.token.tool_public("--init-token --label house --so-pin wrong-pin").fails()
            .says("CKR_PIN_INCORRECT");
        on.token.tool("--list-objects").ok().says("old");
        on.token.tool_public("--init-token --label house")
            .args(["--so-pin", &on.token.so_pin]).ok();
        on.token.tool_public("--init-pin --login --login-type so")
            .args(["--so-pin", &on.token.so_pin, "--new-pin", &on.token.pin]).ok();
        on.token.tool("--list-objects").ok().never_says("old");
    }
}

// SoftHSM2 fails the next three: it knows no OAEP label, cannot be initialized in a forked child, and
// answers CKR_GENERAL_ERROR to a key of the wrong type.

/// The built-in self tests, with an RSA and an EC key there.
#[test]
fn its_own_tests_pass() {
    let on = Subject::bridge();
    on.token
        .tool("--keypairgen --key-type rsa:2048 --label r --id 71 --usage-sign --usage-decrypt --usage-wrap")
        .ok();
    on.token
        .tool("--keypairgen --key-type EC:prime256v1 --label e --id 72 --usage-sign")
        .ok();
    on.token.tool("--test").ok().says("No errors");
}

/// The child of a fork can use the module.
#[test]
fn its_fork_test_passes() {
    Subject::bridge().token.tool("--test-fork").ok();
}

/// A key that is not there, a mechanism that does not fit, a size that is refused.
#[test]
fn mistakes_get_errors_of_their_own() {
    let on = Subject::bridge();
    on.token
        .tool("--keypairgen --key-type EC:prime256v1 --label ec --id 0a --usage-sign")
        .ok();
    let message = on.write("message", MESSAGE);
    on.token
        .tool("--sign --id ff --mechanism ECDSA --input-file")
        .arg(&message)
        .fails();
    on.token
        .tool("--sign --id 0a --mechanism SHA256-RSA-PKCS --input-file")
        .arg(&message)
        .fails()
        .says("CKR_KEY_TYPE_INCONSISTENT");
    on.token
        .tool("--keypairgen --key-type rsa:100 --label small --id 0b")
        .fails();
    on.token.tool("--list-objects").ok().never_says("small");
}

/// A host's whole way through the module, watched by valgrind: nothing is read or written that is not
/// the module's or the host's to give.
#[test]
fn valgrind_finds_nothing() {
    let on = Subject::bridge();
    on.token
        .tool("--keypairgen --key-type EC:prime256v1 --label ec --id 0a --usage-sign")
        .ok();
    let message = on.write("message", [7; 32]);
    on.token
        .command("valgrind")
        .words("-q --error-exitcode=99 pkcs11-tool --module")
        .arg(&on.token.module)
        .args([
            "--token-label",
            &on.token.label,
            "--login",
            "--pin",
            &on.token.pin,
        ])
        .words("--sign --id 0a --mechanism ECDSA --output-file")
        .args([&on.file("signature"), "--input-file", &message])
        // Twenty times slower, on a machine that may be busy.
        .limit(std::time::Duration::from_secs(180))
        .ok();
}

/// The public key with this CKA_ID, out of the token and into a PEM file.
#[track_caller]
fn export_public_key(on: &Subject, id: &str) -> String {
    // Not by pkcs11-tool: its 0.23 cannot write public keys of P-384 and P-521.
    let pem = on.file(&format!("public-{id}.pem"));
    let uri = format!(
        "pkcs11:token={};id=%{id};type=private;pin-value={}",
        on.token.label, on.token.pin
    );
    on.token
        .openssl("pkey -engine pkcs11 -inform engine -pubout -in")
        .args([&uri, "-out", &pem])
        .ok();
    pem
}

/// A private key and a certificate made by OpenSSL, both as DER files.
#[track_caller]
fn self_signed(on: &Subject, algorithm: &str) -> (String, String) {
    let (key, key_der) = (on.file("key.pem"), on.file("key.der"));
    let certificate = on.file("certificate.der");
    Command::new("openssl")
        .words("req -x509 -nodes -days 2 -subj /CN=paper -newkey")
        .arg(algorithm)
        .args(["-keyout", &key, "-outform", "DER", "-out", &certificate])
        .ok();
    Command::new("openssl")
        .words("pkey -outform DER -in")
        .arg(&key)
        .args(["-out", &key_der])
        .ok();
    (key_der, certificate)
}
