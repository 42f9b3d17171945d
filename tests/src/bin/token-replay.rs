//! The calls of programs that cannot be had here, replayed over the module, in their order and with
//! their templates. `token-replay MODULE LABEL PIN CASE`; prints `ok`.

use std::error::Error;
use std::path::Path;

use cryptoki::error::Error as TokenError;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::MechanismType;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use keybridge_tests::loaded::Loaded;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// P-256 as an object identifier, DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, label, pin, case] = args.as_slice() else {
        return Err("token-replay MODULE LABEL PIN CASE".into());
    };
    let loaded = Loaded::open(Path::new(module), label)?;
    let session = loaded.session(pin)?;
    match case.as_str() {
        "oracle-tde" => oracle_tde(&session)?,
        "oracle-tde-again" => oracle_tde_again(&session)?,
        "crypto11" => crypto11(&loaded, &session, pin)?,
        _ => return Err("no such case".into()),
    }
    println!("ok");
    Ok(())
}

/// Labels of Oracle's master keys: the older form and the newer one.
const ORACLE: [&str; 2] = [
    "ORACLE.SECURITY.KM.ENCRYPTION.303661336633303030303030303030303030",
    "ORACLE.TDE.HSM.MK.06A1B2C3D4E5F60718293A4B5C6D7E8F90",
];

/// Oracle Database's transparent encryption: makes master keys, finds them by label alone, and
/// encrypts table keys with them.
fn oracle_tde(session: &Session) -> Result<()> {
    for label in ORACLE {
        let by_label = [Attribute::Label(label.into())];
        ensure(session.find_objects(&by_label)?.is_empty(), "no key yet")?;
        let made = session.generate_key(
            &Mechanism::AesKeyGen,
            &[
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::ValueLen(32.into()),
                Attribute::Label(label.into()),
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
            ],
        )?;
        ensure(
            session.find_objects(&by_label)? == [made],
            "found by its label",
        )?;
        let by_class = [
            by_label[0].clone(),
            Attribute::Class(ObjectClass::SECRET_KEY),
        ];
        ensure(
            session.find_objects(&by_class)? == [made],
            "found by label and class",
        )?;
        oracle_uses(session, made)?;
    }
    Ok(())
}

/// The next start of the database: the keys are there.
fn oracle_tde_again(session: &Session) -> Result<()> {
    for label in ORACLE {
        let found = session.find_objects(&[Attribute::Label(label.into())])?;
        ensure(found.len() == 1, "one key of this label")?;
        oracle_uses(session, found[0])?;
    }
    Ok(())
}

fn oracle_uses(session: &Session, key: ObjectHandle) -> Result<()> {
    let table_key = [0x42; 32];
    for mechanism in [Mechanism::AesCbc([0; 16]), Mechanism::AesCbcPad([0; 16])] {
        let sealed = session.encrypt(&mechanism, key, &table_key)?;
        ensure(sealed[..32] != table_key, "sealed")?;
        ensure(
            session.decrypt(&mechanism, key, &sealed)? == table_key,
            "opened",
        )?;
    }
    let value = session.get_attributes(key, &[AttributeType::Value]);
    ensure(
        value.map_or(true, |value| value.is_empty()),
        "the value stays inside",
    )
}

/// crypto11 (Go): pairs with random ids, every usage of a pair and of a key, one private key a
/// public one by their id, a pool of sessions with the login in one of them, raw ECDSA and PSS.
fn crypto11(loaded: &Loaded, session: &Session, pin: &str) -> Result<()> {
    let (id, label) = (b"crypto11-id".to_vec(), b"crypto11".to_vec());
    let named = [Attribute::Id(id.clone()), Attribute::Label(label.clone())];
    for kind in [KeyType::RSA, KeyType::EC] {
        let mut public = vec![
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::KeyType(kind),
            Attribute::Token(true),
            Attribute::Verify(true),
        ];
        let mut private = vec![
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Token(true),
            Attribute::Sign(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
        ];
        let mechanism = if kind == KeyType::RSA {
            public.extend([
                Attribute::Encrypt(true),
                Attribute::PublicExponent(vec![1, 0, 1]),
                Attribute::ModulusBits(2048.into()),
            ]);
            private.push(Attribute::Decrypt(true));
            Mechanism::RsaPkcsKeyPairGen
        } else {
            public.push(Attribute::EcParams(P256.into()));
            Mechanism::EccKeyPairGen
        };
        public.extend(named.clone());
        private.extend(named.clone());
        let (_, made) = session.generate_key_pair(&mechanism, &public, &private)?;
        let mut wanted = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        wanted.extend(named.clone());
        wanted.push(Attribute::KeyType(kind));
        ensure(session.find_objects(&wanted)? == [made], "the private key")?;
        let asked = [AttributeType::Id, AttributeType::KeyType];
        ensure(
            session.get_attributes(made, &asked)?.len() == 2,
            "its id and type",
        )?;
        let of_pair = [
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::Id(id.clone()),
            Attribute::KeyType(kind),
        ];
        let publics = session.find_objects(&of_pair)?;
        ensure(publics.len() == 1, "its public half")?;
        sign_in_pool(loaded, pin, kind, made, publics[0])?;
        session.destroy_object(publics[0])?;
        session.destroy_object(made)?;
    }
    crypto11_secret(session, &named)
}

/// A session for each goroutine; the login holds for all of them.
fn sign_in_pool(
    loaded: &Loaded,
    pin: &str,
    kind: KeyType,
    private: ObjectHandle,
    public: ObjectHandle,
) -> Result<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(move || -> std::result::Result<(), TokenError> {
                    let session = loaded.session(pin)?;
                    let pss = PkcsPssParams {
                        hash_alg: MechanismType::SHA256,
                        mgf: PkcsMgfType::MGF1_SHA256,
                        s_len: 32.into(),
                    };
                    let digest = [7; 32];
                    let mechanism = match kind {
                        KeyType::RSA => Mechanism::RsaPkcsPss(pss),
                        _ => Mechanism::Ecdsa,
                    };
                    for _ in 0..5 {
                        let signature = session.sign(&mechanism, private, &digest)?;
                        session.verify(&mechanism, public, &digest, &signature)?;
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| "a worker panicked")??;
        }
        Ok(())
    })
}

/// crypto11's secret keys have all usages of their kind; its GCM gives its own nonce.
fn crypto11_secret(session: &Session, named: &[Attribute]) -> Result<()> {
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(true),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Sign(true),
        Attribute::Verify(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::ValueLen(32.into()),
    ];
    template.extend_from_slice(named);
    let key = session.generate_key(&Mechanism::AesKeyGen, &template)?;
    let mut nonce = [9; 12];
    let gcm = |nonce| -> Result<Mechanism<'_>> {
        Ok(Mechanism::AesGcm(GcmParams::new(
            nonce,
            b"data",
            128.into(),
        )?))
    };
    let sealed = session.encrypt(&gcm(&mut nonce)?, key, b"message")?;
    let mut nonce = [9; 12];
    ensure(
        session.decrypt(&gcm(&mut nonce)?, key, &sealed)? == b"message",
        "GCM",
    )?;
    session.destroy_object(key)?;
    Ok(())
}

fn ensure(truth: bool, what: &str) -> Result<()> {
    if truth {
        Ok(())
    } else {
        Err(format!("not so: {what}").into())
    }
}
