//! The operations that are measured, each as a program would call it through the module, and as the
//! primitive alone where there is one.

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::Session;

use crate::direct;

/// What is signed: as long as a SHA-256 digest, which is all that raw ECDSA takes.
pub(crate) const MESSAGE: [u8; 32] = [0x42; 32];

/// What is encrypted, hashed and authenticated.
pub(crate) const PLAIN: [u8; 1024] = [1; 1024];

/// P-256 as an object identifier, DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// Something to be done again and again by one thread.
pub(crate) type Job<'a> = Box<dyn FnMut() + 'a>;

/// A line of the table.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// The primitive alone.
    pub(crate) direct: Option<fn() -> Job<'static>>,
    /// The same through the module.
    pub(crate) module: for<'a> fn(&'a Session, Keys) -> Job<'a>,
}

/// Everything that is measured.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "RSA-2048 sign",
        direct: Some(direct::rsa_2048_sign),
        module: |session, keys| {
            Box::new(move || drop(sign(session, &Mechanism::Sha256RsaPkcs, keys.rsa.1)))
        },
    },
    Operation {
        name: "RSA-2048 verify",
        direct: Some(direct::rsa_2048_verify),
        module: |session, keys| verify(session, Mechanism::Sha256RsaPkcs, keys.rsa),
    },
    Operation {
        name: "P-256 sign",
        direct: Some(direct::p256_sign),
        module: |session, keys| Box::new(move || drop(sign(session, &Mechanism::Ecdsa, keys.ec.1))),
    },
    Operation {
        name: "P-256 verify",
        direct: Some(direct::p256_verify),
        module: |session, keys| verify(session, Mechanism::Ecdsa, keys.ec),
    },
    Operation {
        name: "AES-256-GCM 1 KiB encrypt",
        direct: Some(direct::aes_256_gcm_seal),
        module: |session, keys| Box::new(move || drop(encrypt(session, keys.aes))),
    },
    Operation {
        name: "AES-256-GCM 1 KiB decrypt",
        direct: Some(direct::aes_256_gcm_open),
        module: |session, keys| {
            let sealed = encrypt(session, keys.aes);
            Box::new(move || {
                let mut iv = IV;
                session
                    .decrypt(&Mechanism::AesGcm(gcm(&mut iv)), keys.aes, &sealed)
                    .expect("the plain text");
            })
        },
    },
    Operation {
        name: "SHA-256 1 KiB",
        direct: Some(direct::sha_256),
        module: |session, _| {
            Box::new(move || {
                session
                    .digest(&Mechanism::Sha256, &PLAIN)
                    .expect("a digest");
            })
        },
    },
    Operation {
        name: "HMAC-SHA-256 1 KiB",
        direct: Some(direct::hmac_sha_256),
        module: |session, keys| {
            Box::new(move || {
                session
                    .sign(&Mechanism::Sha256Hmac, keys.hmac, &PLAIN)
                    .expect("a MAC");
            })
        },
    },
    Operation {
        name: "AES-256 session key",
        direct: Some(direct::random_32),
        module: |session, _| {
            Box::new(move || {
                let key = make_aes(session, "session", false);
                session.destroy_object(key).expect("C_DestroyObject");
            })
        },
    },
];

const IV: [u8; 12] = [3; 12];

/// One key of each sort, in the token.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    /// Public and private.
    rsa: (ObjectHandle, ObjectHandle),
    ec: (ObjectHandle, ObjectHandle),
    aes: ObjectHandle,
    hmac: ObjectHandle,
}

impl Keys {
    pub(crate) fn make(session: &Session) -> Self {
        let sign = [Attribute::Token(true), Attribute::Sign(true)];
        let verify = |attribute| [Attribute::Token(true), Attribute::Verify(true), attribute];
        let rsa = session.generate_key_pair(
            &Mechanism::RsaPkcsKeyPairGen,
            &verify(Attribute::ModulusBits(2048.into())),
            &sign,
        );
        let ec = session.generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &verify(Attribute::EcParams(P256.into())),
            &sign,
        );
        let hmac = session.generate_key(
            &Mechanism::GenericSecretKeyGen,
            &[
                Attribute::Token(true),
                Attribute::ValueLen(32.into()),
                Attribute::Sign(true),
            ],
        );
        Self {
            rsa: rsa.expect("an RSA key"),
            ec: ec.expect("an EC key"),
            aes: make_aes(session, "gcm", true),
            hmac: hmac.expect("an HMAC key"),
        }
    }
}

/// An AES-256 key.
pub(crate) fn make_aes(session: &Session, label: &str, token: bool) -> ObjectHandle {
    session
        .generate_key(
            &Mechanism::AesKeyGen,
            &[
                Attribute::Token(token),
                Attribute::Label(label.into()),
                Attribute::ValueLen(32.into()),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
            ],
        )
        .expect("an AES key")
}

fn gcm(iv: &mut [u8; 12]) -> GcmParams<'_> {
    GcmParams::new(iv, &[], 128.into()).expect("GCM parameters")
}

fn encrypt(session: &Session, key: ObjectHandle) -> Vec<u8> {
    let mut iv = IV;
    session
        .encrypt(&Mechanism::AesGcm(gcm(&mut iv)), key, &PLAIN)
        .expect("a sealed text")
}

fn sign(session: &Session, mechanism: &Mechanism<'_>, key: ObjectHandle) -> Vec<u8> {
    session.sign(mechanism, key, &MESSAGE).expect("a signature")
}

fn verify<'a>(
    session: &'a Session,
    mechanism: Mechanism<'static>,
    (public, private): (ObjectHandle, ObjectHandle),
) -> Job<'a> {
    let signature = sign(session, &mechanism, private);
    Box::new(move || {
        session
            .verify(&mechanism, public, &MESSAGE, &signature)
            .expect("a good signature");
    })
}
