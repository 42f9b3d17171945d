//! Peers that are slow, silent or rude: the others are served on.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use keybridge_kmip::Version;
use keybridge_kmip::client::TlsClient;
use keybridge_kmip::message::RequestMessage;
use keybridge_kmip::operations::{LocateRequest, RNGRetrieveRequest};
use keybridge_server::pki::ServerKey;
use keybridge_server::settings::ServerLimits;

use crate::network::{Open, PATIENCE, http, stream, until};

/// Limits that a test can wait for.
fn hasty() -> ServerLimits {
    ServerLimits {
        handshake_seconds: 2,
        message_seconds: 2,
        idle_seconds: 3,
        ..ServerLimits::default()
    }
}

fn is_served(client: &mut TlsClient) -> bool {
    client.call(LocateRequest::default()).is_ok()
}

/// Reads until the peer ends; true when it did.
fn ends(stream: &mut impl Read) -> bool {
    let mut rest = [0; 4096];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            // Cut off without a farewell is an end, too; nothing for PATIENCE is none.
            Err(error) => {
                return !matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                );
            }
        }
    }
}

#[test]
fn half_a_handshake_half_a_message_and_silence_end_in_time() {
    let open = Open::new(ServerKey::Ecdsa, hasty());
    let client = open.known("app");
    let config = open.config(&client);
    let begun = Instant::now();
    let tcp = || {
        let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, open.port)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp
    };
    // Nothing at all, and the first bytes of a handshake.
    let mut silent = tcp();
    let mut begins = tcp();
    begins.write_all(&[0x16, 0x03, 0x01]).unwrap();
    // A head without its message; a message that trickles; a connection that says nothing.
    let mut head = stream(&config, open.port).unwrap();
    head.write_all(&[0x42, 0x00, 0x78, 0x01, 0x00, 0x00, 0x10, 0x00])
        .unwrap();
    let mut idle = stream(&config, open.port).unwrap();
    // The same over HTTPS: half a head, half a body.
    let mut half_head = stream(&config, open.https_port).unwrap();
    half_head
        .write_all(b"POST /kmip HTTP/1.1\r\nHost:")
        .unwrap();
    let mut half_body = stream(&config, open.https_port).unwrap();
    let post = "POST /kmip HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n1234";
    half_body.write_all(post.as_bytes()).unwrap();
    // Meanwhile others are served.
    let mut other = open.speak(&client, Version::V2_1);
    assert!(is_served(&mut other));
    assert!(ends(&mut silent));
    assert!(ends(&mut begins));
    assert!(ends(&mut head));
    assert!(ends(&mut idle));
    assert!(ends(&mut half_head));
    assert!(ends(&mut half_body));
    assert!(
        begun.elapsed() < PATIENCE,
        "all of them within their limits"
    );
    until("their places are free", || {
        open.connect(&client)
            .is_ok_and(|mut client| is_served(&mut client))
    });
}

#[test]
fn a_client_that_never_reads_its_answers_is_dropped_and_others_are_served() {
    let open = Open::new(ServerKey::Ecdsa, hasty());
    let client = open.known("greedy");
    let config = open.config(&client);
    let mut other = open.speak(&client, Version::V2_1);
    let request = RNGRetrieveRequest {
        data_length: 1 << 20,
    };
    let request = RequestMessage::new(Version::V2_1, vec![request.into()])
        .encode(Vec::new())
        .unwrap();
    let mut greedy = stream(&config, open.port).unwrap();
    greedy
        .sock
        .set_write_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let mut web = stream(&config, open.https_port).unwrap();
    web.sock
        .set_write_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let head = format!(
        "POST /kmip HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        request.len()
    );
    // More answers than the sockets' buffers hold.
    for _ in 0..32 {
        if greedy.write_all(&request).is_err() {
            break;
        }
    }
    for _ in 0..32 {
        let sent = web
            .write_all(head.as_bytes())
            .and_then(|()| web.write_all(&request));
        if sent.is_err() {
            break;
        }
    }
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(is_served(&mut other));
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "at once");
    // The server has given up on both: writing to them fails before long.
    for stream in [&mut greedy, &mut web] {
        until("the server hangs up", || {
            stream.sock.write_all(&[0x17, 0x03, 0x03, 0, 1, 0]).is_err()
        });
    }
}

#[test]
fn hundreds_of_idle_connections_leave_room_for_work() {
    let limits = ServerLimits {
        connections: 600,
        connections_per_client: 600,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let client = open.known("app");
    let config = open.config(&client);
    let idle: Vec<_> = (0..400)
        .map(|_| stream(&config, open.port).unwrap())
        .collect();
    let mut working = open.speak(&client, Version::V2_1);
    for _ in 0..100 {
        assert!(is_served(&mut working));
    }
    let mut web = stream(&config, open.https_port).unwrap();
    let (head, _) = http(&mut web, "POST /kmip HTTP/1.1", b"").unwrap();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    drop(idle);
    assert!(is_served(&mut working));
}

#[test]
fn rubbish_in_a_session_costs_the_session_only() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let client = open.known("app");
    let config = open.config(&client);
    let mut other = open.speak(&client, Version::V2_1);
    for rubbish in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], &[0xFF; 64]] {
        let mut rude = stream(&config, open.port).unwrap();
        rude.write_all(rubbish).unwrap();
        let mut answer = [0; 3];
        rude.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x42, 0x00, 0x7B], "even that gets a response");
        assert!(ends(&mut rude));
        assert!(is_served(&mut other));
    }
}
