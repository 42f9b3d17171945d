//! Who gets into the KMIP server, and what the others are told.

use keybridge_tests::bridge::ClientFiles;
use keybridge_tests::{Bridge, Command};

#[track_caller]
fn gets_in(bridge: &Bridge, files: &ClientFiles) {
    bridge
        .driver_as("pykmip_driver.py", files)
        .arg("query")
        .ok()
        .says("passed");
}

#[track_caller]
fn stays_out(bridge: &Bridge, files: &ClientFiles) {
    bridge
        .driver_as("pykmip_driver.py", files)
        .arg("locate")
        .fails()
        .never_says("\"uids\": [");
}

/// A certificate and key made by OpenSSL, signed by the CA given.
#[track_caller]
fn certificate(bridge: &Bridge, name: &str, ca: (&str, &str), days: i32) -> ClientFiles {
    let file = |end: &str| bridge.file(&format!("{name}.{end}"));
    let (key, request, certificate) = (file("key"), file("csr"), file("crt"));
    Command::new("openssl")
        .words("req -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1")
        .args(["-subj", &format!("/CN={name}"), "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&request)
        .ok();
    let extensions = file("ext");
    std::fs::write(&extensions, "extendedKeyUsage=clientAuth\n").expect("write");
    Command::new("openssl")
        .words("x509 -req -CAcreateserial -days")
        .args([&days.to_string(), "-CA", ca.0, "-CAkey", ca.1, "-in"])
        .arg(&request)
        .arg("-extfile")
        .arg(&extensions)
        .arg("-out")
        .arg(&certificate)
        .ok();
    ClientFiles {
        certificate,
        key,
        ca: bridge.client_files().ca,
    }
}

/// The bridge's own CA.
fn own_ca(bridge: &Bridge) -> (String, String) {
    let file = |name: &str| bridge.dir().join(name).to_string_lossy().into_owned();
    (file("ca.crt"), file("ca.key"))
}

/// A client that is added gets in; revoked, it stays out, also on a connection that is open.
#[test]
fn revoked_clients_stay_out() {
    let bridge = Bridge::serving();
    bridge.cli("client add backup").ok();
    let files = bridge.client_files_of("backup");
    gets_in(&bridge, &files);
    bridge.cli("client revoke backup").ok();
    stays_out(&bridge, &files);
    gets_in(&bridge, &bridge.client_files());
    bridge.cli("client list").ok().says("revoked");
}

/// A certificate of the bridge's CA that nobody added as a client.
#[test]
fn unknown_clients_stay_out() {
    let bridge = Bridge::serving();
    let (certificate_file, key) = own_ca(&bridge);
    let files = certificate(&bridge, "stranger", (&certificate_file, &key), 9);
    stays_out(&bridge, &files);
    bridge
        .cli("client add stranger --certificate")
        .arg(&files.certificate)
        .ok();
    gets_in(&bridge, &files);
}

/// A certificate whose time is over.
#[test]
fn expired_certificates_stay_out() {
    let bridge = Bridge::serving();
    let (certificate_file, key) = own_ca(&bridge);
    let files = certificate(&bridge, "late", (&certificate_file, &key), -1);
    bridge
        .cli("client add late --certificate")
        .arg(&files.certificate)
        .run()
        .never_says("panicked");
    stays_out(&bridge, &files);
}

/// A certificate of another CA.
#[test]
fn foreign_certificates_stay_out() {
    let bridge = Bridge::serving();
    let (ca, key) = (bridge.file("foreign.crt"), bridge.file("foreign.key"));
    Command::new("openssl")
        .words("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 9")
        .args(["-subj", "/CN=foreign CA", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&ca)
        .ok();
    let files = certificate(
        &bridge,
        "foreigner",
        (&ca.to_string_lossy(), &key.to_string_lossy()),
        9,
    );
    stays_out(&bridge, &files);
}

/// No certificate at all, an old TLS, no TLS.
#[test]
fn nobody_gets_in_without_a_certificate() {
    let bridge = Bridge::serving();
    let address = format!("127.0.0.1:{}", bridge.port);
    let ca = bridge.client_files().ca;
    let s_client = |version: &str| {
        Command::new("openssl")
            .args([
                "s_client",
                version,
                "-verify_return_error",
                "-connect",
                &address,
                "-CAfile",
            ])
            .arg(&ca)
    };
    let query = b"\x42\x00\x78\x01\x00\x00\x00\x00";
    for version in ["-tls1_2", "-tls1_3"] {
        s_client(version)
            .arg("-ign_eof")
            .input(query)
            .run()
            .says("alert");
    }
    s_client("-tls1_1").run().never_says("New, TLSv1.1");
    gets_in(&bridge, &bridge.client_files());
}
