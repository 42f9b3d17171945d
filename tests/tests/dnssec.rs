//! DNSSEC signers whose keys are in the token: Knot's `keymgr` and `kzonesign`, OpenDNSSEC's
//! `ods-hsmutil`. What they sign is checked by BIND's `dnssec-verify`.

use std::fs;

use keybridge_tests::{Command, Outcome};

use crate::control::{Subject, on_both};

on_both! {
    /// keymgr makes keys of each algorithm in the token, lists them and their records.
    fn keymgr_makes_keys(on) {
        knot(on);
        for algorithm in ALGORITHMS {
            keymgr(on, &format!("generate algorithm={algorithm} ksk=yes zsk=yes"));
        }
        let listed = keymgr(on, "list");
        listed.says("RSASHA256/2048").says("ECDSAP256SHA256").says("ECDSAP384SHA384");
        keymgr(on, "dnskey").says("DNSKEY 257 3 8 ").says("DNSKEY 257 3 13 ").says("DNSKEY 257 3 14 ");
        // keymgr names a key by its CKA_ID.
        for id in listed.text().lines().filter_map(|line| line.split(' ').next()) {
            assert_eq!(objects(on).matches(id).count(), 2, "a pair with the id {id}");
        }
        let first = listed.text();
        let first = first.split(' ').next().expect("a key");
        keymgr(on, &format!("delete {first}"));
        assert_eq!(objects(on).matches(first).count(), 0, "{first} is gone");
    }

    /// A key that another program made in the token is taken over by its CKA_ID.
    fn keymgr_takes_over_a_key(on) {
        knot(on);
        on.token.tool("--keypairgen --key-type EC:prime256v1 --id 0123456789abcdef0123456789abcdef01234567")
            .words("--label old --usage-sign").ok();
        keymgr(on, "import-pkcs11 0123456789abcdef0123456789abcdef01234567 algorithm=13 ksk=yes");
        keymgr(on, "list").says("0123456789abcdef0123456789abcdef01234567");
        keymgr(on, "ds").says(" 13 2 ");
    }

    /// kzonesign signs a zone with each algorithm; BIND verifies it.
    fn kzonesign_signs_a_zone(on) {
        for algorithm in ALGORITHMS {
            let _ = fs::remove_dir_all(on.file("knot"));
            let config = knot(on);
            keymgr(on, &format!("generate algorithm={algorithm} ksk=yes"));
            keymgr(on, &format!("generate algorithm={algorithm} zsk=yes"));
            on.write("knot/example.org.zone",
                "$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 86400 3600\n@ NS ns\nns A 127.0.0.1\n");
            let signed = on.file("signed");
            fs::create_dir_all(&signed).expect("make a folder");
            on.token.command("kzonesign").args(["-c", &config, "-o", &signed, "example.org"]).ok();
            Command::new("dnssec-verify").args(["-o", "example.org"])
                .arg(format!("{signed}/example.org.zone")).ok().says("fully signed");
        }
    }

    /// ods-hsmutil makes keys, lists them, shows their records, tests the token and removes keys.
    fn ods_hsmutil_manages_keys(on) {
        hsmutil(on, "info").says("house");
        for (kind, record, algorithm, listed) in [("rsa 2048", "257", "8", "RSA/2048"), ("ecdsa 256", "256", "13", "ECDSA/256")] {
            let made = hsmutil(on, &format!("generate house {kind}")).all();
            let id = made.split("successful: ").nth(1).expect("an id").trim().to_owned();
            hsmutil(on, "list house").says(&id).says(listed);
            hsmutil(on, &format!("dnskey {id} example.org {record} {algorithm}"))
                .says(&format!("DNSKEY\t{record} 3 {algorithm} "));
            hsmutil(on, &format!("remove {id}")).says("successful");
            hsmutil(on, "list house").never_says(&id);
        }
    }

    /// ods-hsmutil's own test. (Its exit code is the number of key types and sizes that the token
    /// does not make, such as RSA-512; of an ECDSA signature it says nothing, whatever the token.)
    fn ods_hsmutil_tests_the_token(on) {
        let said = hsmutil_command(on, "test house").run().all();
        for (kind, next) in [("2048-bit RSA key... OK", "Deleting key... OK"),
            ("4096-bit RSA key... OK", "Deleting key... OK"), ("Curve P-256 key... OK", "Extracting key identifier... OK"),
            ("Curve P-384 key... OK", "Extracting key identifier... OK"), ("1024 bytes of random data... OK", "64-bit random data")]
        {
            let after = said.split(kind).nth(1);
            assert!(after.is_some_and(|after| after.contains(next)), "{kind}:\n{said}");
        }
        for hash in ["SHA1", "SHA256", "SHA512"] {
            assert!(said.contains(&format!("Signing (RSA/{hash}) with key... OK")), "{said}");
        }
    }
}

/// OpenDNSSEC reads every point out of a DER OCTET STRING; the standard's points of Ed25519 are bare.
#[test]
fn ods_hsmutil_shows_ed25519_where_points_are_der() {
    let plain = Subject::bridge();
    let der = Subject::bridge_with("edwards-point = \"der\"");
    for (on, shows) in [(&plain, false), (&der, true)] {
        let id = "0123456789abcdef0123456789abcdef";
        on.token
            .tool(&format!(
                "--keypairgen --key-type EC:edwards25519 --id {id}"
            ))
            .ok();
        let shown = hsmutil_command(on, &format!("dnskey {id} example.org 257 15")).run();
        assert_eq!(
            shown.all().contains("DNSKEY\t257 3 15 "),
            shows,
            "{}",
            shown.all()
        );
    }
}

/// OpenDNSSEC reads an Ed25519 key's point in a DER OCTET STRING, as older tokens give it: the token's
/// configuration can say so. And its small RSA keys, for zones, are made.
#[test]
fn ods_hsmutil_reads_edwards_points_in_der() {
    let on = Subject::bridge();
    let path = on.file("bridge/keybridge.toml");
    let settings = fs::read_to_string(&path).expect("the configuration");
    let token = format!("label = \"{}\"\n", on.token.label);
    let settings = settings.replace(&token, &format!("{token}edwards-point = \"der\"\n"));
    fs::write(&path, settings).expect("write the configuration");
    on.token
        .tool("--keypairgen --key-type EC:edwards25519 --label ed --id ed25519e --usage-sign")
        .ok();
    hsmutil(&on, "dnskey ed25519e example.org 257 15").says("DNSKEY\t257 3 15 ");
    hsmutil(&on, "generate house rsa 1024");
    hsmutil(&on, "list house").says("RSA/1024");
}

/// Knot takes RSA, and the curves of the token. (Its Ed25519 wants GnuTLS to make keys with
/// `CKM_EDDSA`, which is not a mechanism that makes keys.)
const ALGORITHMS: [&str; 3] = ["rsasha256", "ecdsap256sha256", "ecdsap384sha384"];

/// A configuration of Knot's with the token as its key store; gives the file.
#[track_caller]
fn knot(on: &Subject) -> String {
    let folder = on.file("knot");
    fs::create_dir_all(&folder).expect("make a folder");
    on.write(
        "knot.conf",
        format!(
            "server:\n  rundir: \"{folder}\"\n\
             database:\n  storage: \"{folder}\"\n\
             keystore:\n  - id: house\n    backend: pkcs11\n    config: \"pkcs11:token=house;pin-value={pin} {module}\"\n\
             policy:\n  - id: house\n    keystore: house\n    manual: on\n\
             zone:\n  - domain: example.org\n    storage: \"{folder}\"\n    file: example.org.zone\n    dnssec-signing: on\n    dnssec-policy: house\n",
            pin = on.token.pin,
            module = on.token.module.display(),
        ),
    )
}

#[track_caller]
fn keymgr(on: &Subject, words: &str) -> Outcome {
    on.token
        .command("keymgr")
        .args(["-c", &on.file("knot.conf"), "example.org"])
        .words(words)
        .ok()
}

fn objects(on: &Subject) -> String {
    on.token.tool("--list-objects").ok().text()
}

#[track_caller]
fn hsmutil(on: &Subject, words: &str) -> Outcome {
    hsmutil_command(on, words).ok()
}

fn hsmutil_command(on: &Subject, words: &str) -> Command {
    let config = on.write(
        "conf.xml",
        format!(
            "<?xml version=\"1.0\"?>\n<Configuration><RepositoryList><Repository name=\"house\">\n\
             <Module>{}</Module><TokenLabel>house</TokenLabel><PIN>{}</PIN>\n\
             </Repository></RepositoryList><Common>\n\
             <Logging><Syslog><Facility>local0</Facility></Syslog></Logging>\n\
             <PolicyFile>kasp.xml</PolicyFile><ZoneListFile>zonelist.xml</ZoneListFile></Common>\n\
             <Enforcer><Datastore><SQLite>kasp.db</SQLite></Datastore></Enforcer></Configuration>\n",
            on.token.module.display(),
            on.token.pin,
        ),
    );
    on.token
        .command("ods-hsmutil")
        .args(["-c", &config])
        .words(words)
        .limit(std::time::Duration::from_secs(240))
}
