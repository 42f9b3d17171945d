//! Listeners for legacy TLS: `openssl s_client` with suites that rustls does not have.

#[cfg(not(feature = "legacy-tls"))]
#[test]
fn without_the_feature_such_a_listener_is_refused_with_what_to_do() {
    let text = "[store]\npath = \"a\"\n[seal]\nkind = \"keyfile\"\npath = \"b\"\n[server]\n\
        certificate = \"c\"\nprivate-key = \"d\"\nclient-ca = \"e\"\n[[server.listener]]\n\
        address = \"127.0.0.1:0\"\ntransport = \"legacy-tls\"\n";
    let file = toml::from_str(text).unwrap();
    let folder = std::path::Path::new("/");
    let refused = keybridge_server::settings::ServerSettings::of(&file, folder);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("--features legacy-tls"), "{refused}");
}

#[cfg(feature = "legacy-tls")]
mod with_the_feature {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr};
    use std::process::{Child, Command, Stdio};

    use keybridge_kmip::enums::ResultReason;
    use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
    use keybridge_kmip::operations::LocateRequest;
    use keybridge_kmip::{Limits, Version};
    use keybridge_server::listener::{ListenerSettings, Transport};
    use keybridge_server::pki::{Authority, Issued, ServerKey};

    use crate::network::{Open, discover, revocation_list, until};

    /// A house with a listener for legacy TLS, too, and the CA's revocation list.
    fn open() -> Open {
        Open::with(ServerKey::Ecdsa, |settings, ca| {
            let list = settings.client_ca.with_file_name("ca.crl");
            std::fs::write(&list, revocation_list(ca, &[])).unwrap();
            settings.client_crl = vec![list];
            settings.listener.push(ListenerSettings {
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                transport: Transport::LegacyTls,
                path: None,
                identify_by: None,
                client_ca: None,
                client_crl: None,
                check_client_usage: None,
                account: None,
                attestation: None,
            });
        })
    }

    /// `openssl s_client`; killed when dropped.
    struct SClient(Child);

    impl Drop for SClient {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn s_client(open: &Open, port: u16, client: Option<&Issued>, words: &str) -> SClient {
        let folder = open.house.folder.path();
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-verify_return_error", "-tls1_2"])
            .args(["-connect", &format!("127.0.0.1:{port}")])
            .args(words.split(' '))
            .arg("-CAfile")
            .arg(folder.join("ca.crt"));
        if let Some(client) = client {
            let name = &client.facts.serial;
            let (certificate, key) = (
                folder.join(format!("{name}.crt")),
                folder.join(format!("{name}.key")),
            );
            std::fs::write(&certificate, &client.certificate).unwrap();
            std::fs::write(&key, &*client.key).unwrap();
            command.arg("-cert").arg(certificate).arg("-key").arg(key);
        }
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        SClient(child.expect("openssl is installed"))
    }

    impl SClient {
        /// Sends a request and reads its answer; none when there is no connection.
        fn exchange(&mut self, request: &RequestMessage) -> Option<ResponseMessage> {
            let input = self.0.stdin.as_mut().unwrap();
            let _ = input.write_all(&request.encode(Vec::new()).unwrap());
            let _ = input.flush();
            let output = self.0.stdout.as_mut().unwrap();
            let mut answer = vec![0; 8];
            output.read_exact(&mut answer).ok()?;
            let length = u32::from_be_bytes(answer[4..].try_into().unwrap());
            answer.resize(8 + length as usize, 0);
            output.read_exact(&mut answer[8..]).ok()?;
            Some(ResponseMessage::decode(&answer, &Limits::default()).unwrap())
        }
    }

    fn locate() -> RequestMessage {
        RequestMessage::new(Version::V1_0, vec![LocateRequest::default().into()])
    }

    fn succeeds(answer: &ResponseMessage) -> bool {
        matches!(answer.items[0].outcome, Outcome::Success(_))
    }

    #[test]
    fn suites_of_static_rsa_and_cbc_are_taken_here_and_nowhere_else() {
        let open = open();
        let client = open.known("array");
        let port = open.other_ports[0];
        for suite in [
            "AES128-SHA",
            "AES256-SHA",
            "AES256-SHA256",
            "AES256-GCM-SHA384",
            "ECDHE-RSA-AES256-SHA",
            "ECDHE-ECDSA-AES128-SHA256",
        ] {
            let words = format!("-cipher {suite}");
            let mut connection = s_client(&open, port, Some(&client), &words);
            for _ in 0..2 {
                let answer = connection.exchange(&locate());
                assert!(answer.as_ref().is_some_and(succeeds), "{suite}: {answer:?}");
            }
            let mut other = s_client(&open, open.port, Some(&client), &words);
            assert!(other.exchange(&locate()).is_none(), "{suite} elsewhere");
        }
        for suite in ["DES-CBC3-SHA", "AECDH-AES128-SHA", "PSK-AES128-CBC-SHA"] {
            let words = format!("-cipher {suite}:@SECLEVEL=0");
            let mut connection = s_client(&open, port, Some(&client), &words);
            assert!(connection.exchange(&locate()).is_none(), "{suite}");
        }
        let mut modern = keybridge_kmip::client::connect(
            "127.0.0.1",
            port,
            open.identity(&client),
            Version::V1_4,
            crate::network::PATIENCE,
        )
        .unwrap();
        discover(&mut modern).unwrap();
    }

    #[test]
    fn certificates_are_looked_at_as_everywhere() {
        let open = open();
        let port = open.other_ports[0];
        let words = "-cipher AES128-SHA";
        let mut none = s_client(&open, port, None, words);
        assert!(none.exchange(&locate()).is_none(), "without a certificate");
        let expired = open.authority.issue_client("expired", -1).unwrap();
        let (other, _) = Authority::create("other CA").unwrap();
        let foreign = other.issue_client("foreign", 10).unwrap();
        for client in [&expired, &foreign] {
            open.add(&client.facts.serial, client.facts.clone());
            let mut connection = s_client(&open, port, Some(client), words);
            assert!(connection.exchange(&locate()).is_none());
        }
        let unknown = open.authority.issue_client("unknown", 10).unwrap();
        let answer = s_client(&open, port, Some(&unknown), words).exchange(&locate());
        let Outcome::Failed { reason, .. } = answer.unwrap().items.remove(0).outcome else {
            panic!("a stranger is served");
        };
        assert_eq!(reason, ResultReason::AuthenticationNotSuccessful);
        // On the CA's list: at the next message of a connection that is there, and at the next one.
        let client = open.known("array");
        let mut connection = s_client(&open, port, Some(&client), words);
        assert!(connection.exchange(&locate()).is_some());
        let list = open.house.folder.path().join("ca.crl");
        std::fs::write(list, revocation_list(&open.ca, &[&client])).unwrap();
        until("the list is read", || {
            connection.exchange(&locate()).is_none()
        });
        let mut again = s_client(&open, port, Some(&client), words);
        assert!(again.exchange(&locate()).is_none());
    }

    #[test]
    fn a_resumed_session_is_verified_anew() {
        let open = open();
        let port = open.other_ports[0];
        let client = open.known("array");
        let session = open.house.folder.path().join("session");
        let session = session.to_str().unwrap();
        let out = format!("-cipher AES128-SHA -sess_out {session}");
        let mut first = s_client(&open, port, Some(&client), &out);
        assert!(first.exchange(&locate()).is_some());
        drop(first);
        let resumed = format!("-cipher AES128-SHA -sess_in {session}");
        let mut second = s_client(&open, port, Some(&client), &resumed);
        assert!(second.exchange(&locate()).as_ref().is_some_and(succeeds));
        let list = open.house.folder.path().join("ca.crl");
        std::fs::write(list, revocation_list(&open.ca, &[&client])).unwrap();
        until("the list is read", || second.exchange(&locate()).is_none());
        let mut third = s_client(&open, port, Some(&client), &resumed);
        assert!(third.exchange(&locate()).is_none());
    }
}
