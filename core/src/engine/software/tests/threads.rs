//! One key, many threads: what the `Sync` of the AWS-LC module promises.

use std::thread;

use super::*;
use crate::Curve;
use crate::mechanism::RsaHash;

#[test]
fn one_key_serves_many_threads() {
    let hash = HashAlgorithm::Sha256;
    let (rsa, _) = generate(KeySpec::Rsa { bits: 2048 });
    let (ec, _) = generate(KeySpec::Ec { curve: Curve::P256 });
    let oaep = Mechanism::RsaOaep {
        hash: RsaHash { hash, mgf1: hash },
        label: vec![1],
    };
    let gcm = Mechanism::Gcm {
        iv: vec![1; 12],
        aad: vec![],
        tag_length: 16,
    };
    let signing = [
        (private_key(rsa.expose()).unwrap(), Mechanism::RsaPkcs1),
        (private_key(ec.expose()).unwrap(), Mechanism::Ecdsa),
    ];
    let sealing = [
        (private_key(rsa.expose()).unwrap(), oaep),
        (aes(&[3; 32]), gcm),
    ];
    thread::scope(|scope| {
        for number in 0..4 {
            let (signing, sealing) = (&signing, &sealing);
            scope.spawn(move || {
                let data = [number; 32];
                for _ in 0..20 {
                    for (key, mechanism) in signing {
                        let signature = run(&**key, Purpose::Sign, mechanism, &data).unwrap();
                        key.verify(Purpose::Verify, mechanism, &data, &signature)
                            .unwrap();
                    }
                    for (key, mechanism) in sealing {
                        let sealed = run(&**key, Purpose::Encrypt, mechanism, &data).unwrap();
                        let plain = run(&**key, Purpose::Decrypt, mechanism, &sealed).unwrap();
                        assert_eq!(plain, data);
                    }
                }
            });
        }
    });
}
