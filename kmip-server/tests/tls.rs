//! The server over TLS: who gets in.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use keybridge_kmip::Version;
use keybridge_kmip::client::Client;
use keybridge_kmip::message::Outcome;
use keybridge_kmip::operations::{LocateRequest, QueryRequest};
use keybridge_server::pki::{Authority, ServerKey};
use keybridge_server::settings::ServerLimits;
use rcgen::ExtendedKeyUsagePurpose;
use rustls::HandshakeKind;

use crate::network::{Open, PATIENCE, discover, odd_client, revocation_list, stream, until};

#[test]
fn known_clients_are_served_until_they_are_revoked() {
    for key in [ServerKey::Ecdsa, ServerKey::Rsa] {
        let open = Open::new(key, ServerLimits::default());
        let client = open.known("app");
        let mut connection = open.connect(&client).unwrap();
        assert_eq!(
            discover(&mut connection).unwrap().protocol_versions,
            Version::SUPPORTED
        );
        open.house
            .kms
            .revoke_client(&open.house.caller(), "app")
            .unwrap();
        let refused = discover(&mut connection).unwrap_err().to_string();
        assert!(refused.contains("AuthenticationNotSuccessful"), "{refused}");
    }
}

#[test]
fn strangers_are_turned_away() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    // Signed by the CA, but nobody here: it may ask what the server can do, and nothing else.
    let unknown = open.authority.issue_client("unknown", 10).unwrap();
    let mut connection = open.connect(&unknown).unwrap();
    discover(&mut connection).unwrap();
    let query = QueryRequest::default();
    connection.call(query.clone()).unwrap();
    let refused = connection.call(LocateRequest::default()).unwrap_err();
    assert!(
        refused.to_string().contains("AuthenticationNotSuccessful"),
        "{refused}"
    );
    let batch = connection
        .send(vec![query.into(), LocateRequest::default().into()])
        .unwrap();
    assert_eq!(batch.len(), 1, "the batch is refused as a whole");
    assert!(matches!(batch[0].outcome, Outcome::Failed { .. }));
    // Expired, and of another CA: no connection, whenever the client notices.
    let expired = open.authority.issue_client("expired", -1).unwrap();
    let (other, _) = Authority::create("other CA").unwrap();
    let foreign = other.issue_client("foreign", 10).unwrap();
    for client in [expired, foreign] {
        open.add(&client.facts.serial, client.facts.clone());
        let served = open
            .connect(&client)
            .and_then(|mut connection| discover(&mut connection));
        assert!(served.is_err());
    }
}

#[test]
fn what_is_no_tls_is_dropped() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, open.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // An alert, or nothing: but an end.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.len() < 64);
}

#[test]
fn connections_beyond_the_limit_are_refused() {
    let limits = ServerLimits {
        connections_per_client: 2,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let client = open.known("app");
    let mut first = open.connect(&client).unwrap();
    let mut second = open.connect(&client).unwrap();
    discover(&mut first).unwrap();
    discover(&mut second).unwrap();
    assert!(open.connect(&client).is_err());
    drop(first);
    // The server notices in its own time that there is room again.
    until("room again", || {
        let Ok(mut third) = open.connect(&client) else {
            return false;
        };
        discover(&mut third).is_ok()
    });
}

#[test]
fn a_message_that_is_too_large_is_answered_and_ends_the_connection() {
    let limits = ServerLimits {
        message_bytes: 4096,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let client = open.known("app");
    let mut connection = open.connect(&client).unwrap();
    let mut huge = vec![0x42, 0x00, 0x78, 0x01, 0x7F, 0xFF, 0xFF, 0xF8];
    huge.resize(64, 0);
    let answer = connection.exchange_bytes(&huge).unwrap();
    assert_eq!(answer[..3], [0x42, 0x00, 0x7B]);
    assert!(discover(&mut connection).is_err());
}

#[test]
fn a_revoked_certificate_is_refused_also_in_a_session_that_is_resumed() {
    let open = Open::with(ServerKey::Ecdsa, |settings, ca| {
        let path = settings.client_ca.with_file_name("ca.crl");
        std::fs::write(&path, revocation_list(ca, &[])).unwrap();
        settings.client_crl = vec![path];
    });
    let (bad, good) = (open.known("bad"), open.known("good"));
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let list = open.house.folder.path().join("ca.crl");
        std::fs::write(&list, revocation_list(&open.ca, &[])).unwrap();
        let config = |client| {
            let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates({
                let mut roots = rustls::RootCertStore::empty();
                roots.add_parsable_certificates(open.identity(client).authorities);
                roots
            })
            .with_client_auth_cert(
                open.identity(client).certificates,
                open.identity(client).private_key,
            )
            .unwrap();
            config.resumption = rustls::client::Resumption::in_memory_sessions(8);
            Arc::new(config)
        };
        let (bad_config, good_config) = (config(&bad), config(&good));
        let try_it = |config| {
            let stream = stream(config, open.port)?;
            let mut client = Client::new(stream, Version::V1_4);
            let served = client.call(LocateRequest::default()).is_ok();
            let kind = client.stream().conn.handshake_kind();
            std::io::Result::Ok((served, kind))
        };
        // The list of the last round may still be in force.
        until("the client is let in", || {
            try_it(&bad_config).is_ok_and(|(served, _)| served)
        });
        let (served, kind) = try_it(&bad_config).unwrap();
        assert!(served);
        assert_eq!(kind, Some(HandshakeKind::Resumed));
        assert!(try_it(&good_config).unwrap().0);
        // A connection from before the revocation ends with it, too.
        let mut before = Client::new(stream(&bad_config, open.port).unwrap(), Version::V1_4);
        before.call(LocateRequest::default()).unwrap();
        std::fs::write(&list, revocation_list(&open.ca, &[&bad])).unwrap();
        until("the connection from before ends", || {
            before.call(LocateRequest::default()).is_err()
        });
        assert!(!try_it(&bad_config).is_ok_and(|(served, _)| served));
        assert!(try_it(&good_config).unwrap().0, "others are served on");
        // A list that cannot be read leaves the last one in force.
        std::fs::write(&list, "nonsense").unwrap();
        assert!(!try_it(&bad_config).is_ok_and(|(served, _)| served));
        assert!(try_it(&good_config).unwrap().0);
    }
}

#[test]
fn a_certificate_of_a_ca_without_a_list_is_refused_unless_the_configuration_says_otherwise() {
    for require in [true, false] {
        let (other, other_ca) = Authority::create("other CA").unwrap();
        let open = Open::with(ServerKey::Ecdsa, |settings, ca| {
            let path = settings.client_ca.with_file_name("ca.crl");
            std::fs::write(&path, revocation_list(ca, &[])).unwrap();
            settings.client_crl = vec![path];
            settings.require_crl = require;
            let both = format!("{}{}", ca.certificate, other_ca.certificate);
            std::fs::write(&settings.client_ca, both).unwrap();
        });
        let client = other.issue_client("app", 10).unwrap();
        open.add("app", client.facts.clone());
        let served = open
            .connect(&client)
            .and_then(|mut connection| discover(&mut connection));
        assert_eq!(served.is_err(), require);
    }
}

#[test]
fn certificates_for_servers_only_are_clients_where_uses_are_not_looked_at() {
    for check in [true, false] {
        let open = Open::with(ServerKey::Ecdsa, |settings, _| {
            settings.check_client_usage = check;
        });
        let uses = [ExtendedKeyUsagePurpose::ServerAuth];
        let client = odd_client(&open.ca, &[], &["array.example"], &uses);
        open.add("array", client.facts.clone());
        let served = open
            .connect(&client)
            .and_then(|mut connection| discover(&mut connection));
        assert_eq!(served.is_err(), check);
    }
}

#[test]
fn rsa_and_ecdsa_certificates_are_offered_at_once() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let client = open.known("app");
    for (suite, is_rsa) in [
        (
            rustls::crypto::aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            true,
        ),
        (
            rustls::crypto::aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            false,
        ),
    ] {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.cipher_suites = vec![suite];
        let identity = open.identity(&client);
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(identity.authorities);
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(identity.certificates, identity.private_key)
            .unwrap();
        let stream = stream(&Arc::new(config), open.port).unwrap();
        let der = stream.conn.peer_certificates().unwrap()[0].to_vec();
        // rsaEncryption, 1.2.840.113549.1.1.1
        let rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
        assert_eq!(der.windows(rsa.len()).any(|window| window == rsa), is_rsa);
        let mut connection = Client::new(stream, Version::V1_4);
        connection.call(QueryRequest::default()).unwrap();
    }
}

#[test]
fn a_client_is_held_to_its_rate() {
    let limits = ServerLimits {
        requests_per_second: 5,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let (busy, other) = (open.known("busy"), open.known("other"));
    let mut connection = open.speak(&busy, Version::V2_1);
    let refused = (0..1000).find_map(|_| connection.call(LocateRequest::default()).err());
    let refused = refused.expect("a limit").to_string();
    assert!(refused.contains("ServerLimitExceeded"), "{refused}");
    assert!(refused.contains("requests-per-second"), "{refused}");
    let mut connection = open.speak(&other, Version::V2_1);
    connection.call(LocateRequest::default()).unwrap();
}
