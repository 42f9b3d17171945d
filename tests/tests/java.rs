//! Java's SunPKCS11 provider, through `keytool` and `jarsigner`.

use std::time::Duration;

use keybridge_tests::{Command, products};

use crate::control::{Subject, on_both};

on_both! {
    /// A key pair and its certificate made by OpenSSL tools are an entry for keytool.
    fn keytool_lists_a_token_entry(on) {
        on.token.tool("--keypairgen --key-type rsa:2048 --label site --id 77").ok();
        let (pem, der) = (on.file("site.pem"), on.file("site.der"));
        on.token.openssl("req -x509 -new -engine pkcs11 -keyform engine -days 2 -subj /CN=site -key")
            .args([&on.token.uri("site", "private"), "-out", &pem]).ok();
        Command::new("openssl").args(["x509", "-outform", "DER", "-in", &pem, "-out", &der]).ok();
        on.token.tool("--write-object").arg(&der).words("--type cert --label site --id 77").ok();
        keytool(on, "-list -v").ok().says("Your keystore contains 1 entry").says("Alias name: site")
            .says("PrivateKeyEntry").says("CN=site");
    }

    /// keytool makes a key pair in the token; jarsigner signs with it; the jar verifies.
    fn jarsigner_signs(on) {
        for (algorithm, size, alias) in [("RSA", "-keysize 2048", "java-rsa"), ("EC", "-groupname secp256r1", "java-ec")] {
            keytool(on, &format!("-genkeypair -keyalg {algorithm} {size} -alias {alias} -validity 2"))
                .args(["-dname", &format!("CN={alias}")]).ok();
            on.write("hello.txt", "hello");
            let jar = on.file("hello.jar");
            Command::new("jar").args(["--create", "--file", &jar, "-C", &on.file(""), "hello.txt"])
                .limit(MINUTES).ok();
            java(on, "jarsigner").arg(&jar).arg(alias).ok().says("jar signed");
            Command::new("jarsigner").args(["-verify", "-verbose", &jar]).limit(MINUTES)
                .ok().says("jar verified").says(&format!("CN={alias}"));
        }
        keytool(on, "-list").ok().says("Your keystore contains 2 entries");
        keytool(on, "-delete -alias java-ec").ok();
        keytool(on, "-list").ok().says("Your keystore contains 1 entry").never_says("java-ec");
    }

    /// A key pair that Java made itself is imported, CRT parameters and all, and signs.
    fn a_software_key_is_imported(on) {
        let file = on.file("soft.p12");
        Command::new("keytool").words("-genkeypair -keyalg RSA -keysize 2048 -alias soft -validity 2")
            .words("-dname CN=soft -storetype PKCS12 -storepass changeit -keystore").arg(&file)
            .limit(MINUTES).ok();
        keytool_without_store(on, "-importkeystore -srcstoretype PKCS12 -srcstorepass changeit")
            .args(["-srckeystore", &file, "-destkeystore", "NONE", "-deststoretype", "PKCS11"])
            .args(["-deststorepass", &on.token.pin, "-noprompt"]).ok();
        keytool(on, "-list").ok().says("soft, PrivateKeyEntry");
        let request = on.file("soft.csr");
        keytool(on, "-certreq -alias soft -file").arg(&request).ok();
        Command::new("openssl").args(["req", "-verify", "-noout", "-in", &request]).ok();
    }

    /// A wrong PIN is refused in words.
    fn a_wrong_pin_is_refused(on) {
        keytool_without_store(on, "-list -keystore NONE -storetype PKCS11 -storepass 0000wrong")
            .fails().says("load failed");
    }
}

/// An application's use of SunPKCS11: ciphers, MACs, signatures, agreement, wrapping, the key store, digests
/// and their clones. Some of Java's key templates leave to the configuration what a key is for.
#[test]
fn an_application_uses_its_token() {
    let on = Subject::bridge();
    let config = config(&on, APPLICATION);
    on.token
        .command("java")
        .arg("-Duser.language=en")
        .arg(products::driver("UseToken.java"))
        .args([&config, &on.token.pin])
        .limit(MINUTES)
        .ok()
        .says("passed");
}

/// What the keys of `UseToken.java` are for, beyond what Java says.
const APPLICATION: &str = "
attributes(generate, CKO_SECRET_KEY, CKK_AES) = {
  CKA_ENCRYPT = true
  CKA_DECRYPT = true
  CKA_EXTRACTABLE = true
}
attributes(import, CKO_PUBLIC_KEY, CKK_RSA) = {
  CKA_WRAP = true
}
attributes(generate, CKO_PRIVATE_KEY, CKK_EC) = {
  CKA_SIGN = true
  CKA_DERIVE = true
}
attributes(*, CKO_SECRET_KEY, CKK_GENERIC_SECRET) = {
  CKA_SENSITIVE = false
  CKA_EXTRACTABLE = true
}
";

const MINUTES: Duration = Duration::from_secs(180);

/// keytool on the token as its key store.
fn keytool(on: &Subject, words: &str) -> Command {
    java(on, "keytool").words(words)
}

fn java(on: &Subject, program: &str) -> Command {
    with_provider(on, program)
        .words("-keystore NONE -storetype PKCS11 -storepass")
        .arg(&on.token.pin)
}

fn keytool_without_store(on: &Subject, words: &str) -> Command {
    with_provider(on, "keytool").words(words)
}

fn with_provider(on: &Subject, program: &str) -> Command {
    let config = config(on, "");
    on.token
        .command(program)
        .args([
            "-J-Duser.language=en",
            "-providerClass",
            "sun.security.pkcs11.SunPKCS11",
        ])
        .args(["-providerArg", &config])
        .limit(MINUTES)
}

/// The provider's configuration file: the module, the token's slot, and more.
#[track_caller]
fn config(on: &Subject, more: &str) -> String {
    let slots = on
        .token
        .command("pkcs11-tool")
        .arg("--module")
        .arg(&on.token.module);
    let slots = slots.arg("--list-token-slots").ok().text();
    // "Slot 0 (0x5be8e98c): …", one line a slot; the token's own lines follow.
    let index = slots
        .split("Slot ")
        .skip(1)
        .position(|slot| slot.contains(&format!(": {}\n", on.token.label)))
        .expect("the token's slot");
    on.write(
        "java.cfg",
        format!(
            "name = {}\nlibrary = {}\nslotListIndex = {index}\n{more}",
            on.token.label,
            on.token.module.display()
        ),
    )
}
