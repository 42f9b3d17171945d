//! The load generator, against a server of its own.

use std::time::Duration;

use keybridge_kmip::Version;
use keybridge_kmip::operations::{GetRequest, LocateRequest};
use keybridge_server::bench::{Load, Target, run};
use keybridge_server::pki::ServerKey;
use keybridge_server::settings::ServerLimits;

use crate::network::Open;

#[test]
fn every_operation_is_counted_and_nothing_is_left_behind() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let client = open.known("bench");
    for (version, batch) in [(None, 1), (Some(Version::V1_2), 5)] {
        let target = Target {
            host: "127.0.0.1".into(),
            port: open.port,
            ca: open.ca.certificate.clone().into_bytes(),
            certificate: client.certificate.clone().into_bytes(),
            key: client.key.as_bytes().to_vec().into(),
            user: None,
            version,
        };
        // Encrypt with GCM and Hash came after 1.2.
        let mix = "get,get-attributes,locate,create,encrypt,decrypt,sign,sign-rsa,mac,random,query";
        let load = Load {
            mix: mix.parse().unwrap(),
            connections: 3,
            batch,
            duration: Duration::from_millis(900),
            warm_up: Duration::from_millis(50),
            size: 100,
            idle: 20,
            server_process: Some(std::process::id()),
        };
        let mut parts = Vec::new();
        let report = run(&target, &load, |part, _| parts.push(part)).unwrap();
        assert!(report.refused.is_empty(), "{:?}", report.refused);
        assert_eq!(report.by_operation.len(), 11, "{report:?}");
        assert_eq!(report.idle.as_ref().unwrap().served_at_the_end, 20);
        let sum: u64 = report.by_operation.values().map(|row| row.operations).sum();
        assert_eq!(report.operations, sum);
        for row in report.by_operation.values() {
            assert!(row.p50_us <= row.p99_us && row.p99_us <= row.max_us);
        }
        assert!(parts.is_sorted() && parts.last() == Some(&1.0));
        let mut client = open.speak(&client, Version::V2_1);
        let left = client.call(LocateRequest::default()).unwrap();
        for id in left.unique_identifiers {
            let get = GetRequest {
                unique_identifier: Some(id.clone()),
                ..GetRequest::default()
            };
            assert!(client.call(get).is_err(), "{id:?} is left");
        }
    }
}

#[test]
fn a_server_that_refuses_ends_the_run() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let stranger = open.authority.issue_client("stranger", 10).unwrap();
    let target = Target {
        host: "127.0.0.1".into(),
        port: open.port,
        ca: open.ca.certificate.clone().into_bytes(),
        certificate: stranger.certificate.clone().into_bytes(),
        key: stranger.key.as_bytes().to_vec().into(),
        user: None,
        version: None,
    };
    let load = Load {
        mix: "get".parse().unwrap(),
        connections: 1,
        batch: 1,
        duration: Duration::from_millis(100),
        warm_up: Duration::ZERO,
        size: 1,
        idle: 0,
        server_process: None,
    };
    let error = run(&target, &load, |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("AuthenticationNotSuccessful"), "{error}");
}
