//! TLS servers whose key is in the token: nginx and stunnel through OpenSSL's engine, and a client, `gnutls-cli`,
//! through GnuTLS. nginx loads the key in its master process and signs in forked workers.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use keybridge_tests::{Command, Outcome, products, wait};

use crate::background::Background;
use crate::control::{Subject, on_both};

on_both! {
    /// nginx answers over TLS 1.2 and 1.3, from several workers, before and after a reload.
    fn nginx_serves_tls(on) {
        for (kind, name) in KINDS {
            let certificate = certify(on, kind, name);
            let port = wait::free_port();
            let config = nginx_config(on, name, &certificate, port);
            let nginx = on.token.command("nginx").env("OPENSSL_CONF", openssl_config(on))
                .args(["-p", &on.file(""), "-e", &on.file("nginx.log"), "-c", &config]);
            let mut nginx = Background::start(nginx, port);
            // More connections than workers: each of them signs.
            for version in ["-tls1_2", "-tls1_3", "-tls1_2", "-tls1_3"] {
                get(&certificate, port, version).says("hello from nginx");
            }
            let workers = started(on);
            signal("HUP", &nginx);
            wait::until("nginx to reload", wait::PATIENCE, || (started(on) > workers).then_some(()));
            get(&certificate, port, "-tls1_3").says("hello from nginx");
            signal("QUIT", &nginx);
            assert!(nginx.ends_well(), "{}", log(on));
            assert!(!log(on).contains("[crit]") && !log(on).contains("signal 11"), "{}", log(on));
        }
    }

    /// stunnel finds the key in the token and answers over TLS 1.2 and 1.3.
    fn stunnel_serves_tls(on) {
        for (kind, name) in KINDS {
            let certificate = certify(on, kind, name);
            let port = wait::free_port();
            let backend = plain_server("hello from stunnel");
            let config = on.write("stunnel.conf", format!(
                "foreground = yes\npid =\nsyslog = no\nengine = pkcs11\nengineCtrl = MODULE_PATH:{module}\n\
                 engineCtrl = PIN:{pin}\n[web]\naccept = 127.0.0.1:{port}\nconnect = {backend}\n\
                 cert = {certificate}\nengineNum = 1\nkey = {uri}\n",
                module = on.token.module.display(),
                pin = on.token.pin,
                uri = on.token.uri_without_pin(name, "private"),
            ));
            let _stunnel = Background::start(on.token.command("stunnel4").arg(config), port);
            for version in ["-tls1_2", "-tls1_3"] {
                get(&certificate, port, version).says("hello from stunnel");
            }
        }
    }

    /// GnuTLS proves who it is with a token's key, over TLS 1.2 and 1.3, to a server that checks. (Its
    /// own server signs by the same calls, but cannot be told to listen on the loopback interface alone.)
    fn gnutls_authenticates_over_tls(on) {
        for (kind, name) in KINDS {
            let certificate = certify(on, kind, name);
            for (version, priority) in [("-tls1_2", "VERS-TLS1.2"), ("-tls1_3", "VERS-TLS1.3")] {
                let (port, key) = (wait::free_port(), on.file("server.key"));
                let cert = on.file("server.pem");
                Command::new("openssl")
                    .words("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=localhost")
                    .args(["-keyout", &key, "-out", &cert])
                    .ok();
                let server = Command::new("openssl")
                    .args(["s_server", version, "-www", "-accept", &format!("127.0.0.1:{port}")])
                    .args(["-key", &key, "-cert", &cert, "-CAfile", &certificate])
                    .words("-Verify 1 -verify_return_error");
                let _server = Background::start(server, port);
                on.token.command("gnutls-cli").env("GNUTLS_PIN", &on.token.pin)
                    .arg("--provider").arg(&on.token.module)
                    .args(["--x509keyfile", &on.token.uri_without_pin(name, "private")])
                    .args(["--x509certfile", &certificate, "--x509cafile", &cert])
                    .args(["--priority", &format!("NORMAL:-VERS-ALL:+{priority}")])
                    .args(["--port", &port.to_string(), "localhost"])
                    .input("GET / HTTP/1.0\r\n\r\n")
                    .limit(Duration::from_secs(30))
                    .ok()
                    .says("Client certificate");
            }
        }
    }
}

/// A key that is disabled serves no more, from the next handshake on, in workers that run already;
/// and every handshake is in the audit.
#[test]
fn a_disabled_key_serves_no_more() {
    let on = Subject::bridge();
    let certificate = certify(&on, "rsa:2048", "web");
    let port = wait::free_port();
    let config = nginx_config(&on, "web", &certificate, port);
    let nginx = on
        .token
        .command("nginx")
        .env("OPENSSL_CONF", openssl_config(&on))
        .args(["-p", &on.file(""), "-e", &on.file("nginx.log")])
        .args(["-c", &config]);
    let _nginx = Background::start(nginx, port);
    get(&certificate, port, "-tls1_3").says("hello from nginx");
    let keybridge = |words: &str| {
        Command::new(products::keybridge())
            .envs(&on.token.env)
            .words(words)
            .ok()
    };
    keybridge("key disable web");
    handshake(&certificate, port, "-tls1_3")
        .fails()
        .never_says("hello from nginx");
    keybridge("key enable web");
    get(&certificate, port, "-tls1_3").says("hello from nginx");
    keybridge("audit list").says("key state");
    keybridge("audit verify");
}

const KINDS: [(&str, &str); 2] = [("rsa:2048", "web-rsa"), ("EC:prime256v1", "web-ec")];

/// A key pair in the token and a self-signed certificate over it; gives the certificate's file.
#[track_caller]
fn certify(on: &Subject, kind: &str, name: &str) -> String {
    let id: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    on.token
        .tool(&format!(
            "--keypairgen --key-type {kind} --label {name} --id {id} --usage-sign"
        ))
        .ok();
    let certificate = on.file(&format!("{name}.pem"));
    on.token
        .openssl(
            "req -x509 -new -engine pkcs11 -keyform engine -sha256 -days 2 -subj /CN=localhost",
        )
        .args(["-key", &on.token.uri(name, "private"), "-out", &certificate])
        .ok();
    certificate
}

/// nginx asks OpenSSL for its engine by name: here it is told which module to load.
fn openssl_config(on: &Subject) -> String {
    on.write(
        "openssl.cnf",
        format!(
            "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = pkcs11\n\
             [pkcs11]\nengine_id = pkcs11\nMODULE_PATH = {}\ninit = 1\n",
            on.token.module.display()
        ),
    )
}

fn nginx_config(on: &Subject, name: &str, certificate: &str, port: u16) -> String {
    // The variables that the workers keep; and, when root runs the test, no other user for them,
    // since they use the bridge.
    let keep: String = on
        .token
        .env
        .iter()
        .map(|(variable, _)| format!("env {};\n", variable.display()))
        .collect();
    let user = match fs::metadata("/proc/self") {
        Ok(me) if std::os::unix::fs::MetadataExt::uid(&me) == 0 => "user root;\n",
        _ => "",
    };
    on.write(
        "nginx.conf",
        format!(
            "{user}{keep}daemon off;\npid nginx.pid;\nerror_log nginx.log info;\nworker_processes 2;\n\
             events {{ worker_connections 64; }}\nhttp {{\naccess_log off;\n\
             client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n\
             uwsgi_temp_path u; scgi_temp_path s;\n\
             server {{\nlisten 127.0.0.1:{port} ssl;\nssl_protocols TLSv1.2 TLSv1.3;\nssl_certificate {certificate};\n\
             ssl_certificate_key \"engine:pkcs11:{key}\";\n\
             return 200 \"hello from nginx\\n\";\n}}\n}}\n",
            key = on.token.uri(name, "private"),
        ),
    )
}

/// A server without TLS that says one thing to whoever asks, for as long as the test runs; gives its
/// address.
fn plain_server(words: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a loopback port");
    let address = listener.local_addr().expect("the address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            // stunnel may be gone already: the client tells.
            let _ = stream
                .read(&mut [0; 512])
                .and_then(|_| stream.write_all(words.as_bytes()));
        }
    });
    address
}

fn log(on: &Subject) -> String {
    String::from_utf8_lossy(&on.read("nginx.log")).into_owned()
}

/// How many workers nginx has started so far.
fn started(on: &Subject) -> usize {
    log(on).matches("start worker process ").count()
}

#[track_caller]
fn signal(name: &str, to: &Background) {
    Command::new("kill")
        .args([&format!("-{name}"), &to.id().to_string()])
        .ok();
}

/// One request over TLS, its certificate checked.
#[track_caller]
fn get(certificate: &str, port: u16, version: &str) -> Outcome {
    handshake(certificate, port, version).ok()
}

fn handshake(certificate: &str, port: u16, version: &str) -> Command {
    Command::new("openssl")
        .args(["s_client", version, "-verify_return_error", "-ign_eof"])
        .args(["-CAfile", certificate, "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .input("GET / HTTP/1.0\r\n\r\n")
        .limit(Duration::from_secs(30))
}
