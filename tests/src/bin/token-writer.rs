//! Writes keys to a token until it is killed, or checks what such writers left behind.
//!
//! `token-writer MODULE LABEL PIN write NAME` makes keys and prints a line for each as soon as the
//! module has answered. `token-writer MODULE LABEL PIN check` reads such lines from its input and
//! wants every one of those keys to be there and to work, and every other key that is there to work
//! too.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use keybridge_tests::loaded::Loaded;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// P-256 as an object identifier, DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, label, pin, verb, rest @ ..] = args.as_slice() else {
        return Err("token-writer MODULE LABEL PIN write NAME | check".into());
    };
    let loaded = Loaded::open(Path::new(module), label)?;
    let session = loaded.session(pin)?;
    match (verb.as_str(), rest) {
        ("write", [name]) => write(&session, name),
        ("check", []) => check(&session),
        _ => Err("write NAME, or check".into()),
    }
}

fn write(session: &Session, name: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for number in 0u64.. {
        let label = format!("{name}-{number}");
        if number % 2 == 0 {
            session.generate_key(&Mechanism::AesKeyGen, &secret_key(&label))?;
        } else {
            let (public, private) = key_pair(&label);
            session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
        }
        writeln!(out, "{label}")?;
        out.flush()?;
    }
    Ok(())
}

fn secret_key(label: &str) -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Label(label.into()),
        Attribute::Id(label.into()),
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ]
}

fn key_pair(label: &str) -> (Vec<Attribute>, Vec<Attribute>) {
    let common = [
        Attribute::Token(true),
        Attribute::Label(label.into()),
        Attribute::Id(label.into()),
    ];
    let mut public = common.to_vec();
    public.extend([Attribute::EcParams(P256.into()), Attribute::Verify(true)]);
    let mut private = common.to_vec();
    private.extend([Attribute::Private(true), Attribute::Sign(true)]);
    (public, private)
}

fn check(session: &Session) -> Result<()> {
    let promised: BTreeSet<String> = std::io::stdin()
        .lock()
        .lines()
        .collect::<std::io::Result<_>>()?;
    let mut found: BTreeMap<String, Vec<(ObjectClass, ObjectHandle)>> = BTreeMap::new();
    for object in session.find_objects(&[])? {
        let (class, label) = describe(session, object)?;
        found.entry(label).or_default().push((class, object));
    }
    for label in &promised {
        if !found.contains_key(label) {
            return Err(format!("acknowledged and lost: {label}").into());
        }
    }
    for (label, parts) in &found {
        works(session, parts).map_err(|error| format!("half made: {label}: {error}"))?;
    }
    println!(
        "{} acknowledged, {} found, all work",
        promised.len(),
        found.len()
    );
    Ok(())
}

fn describe(session: &Session, object: ObjectHandle) -> Result<(ObjectClass, String)> {
    let (mut class, mut label) = (None, None);
    let wanted = [AttributeType::Class, AttributeType::Label];
    for attribute in session.get_attributes(object, &wanted)? {
        match attribute {
            Attribute::Class(value) => class = Some(value),
            Attribute::Label(value) => label = Some(String::from_utf8(value)?),
            _ => {}
        }
    }
    Ok((
        class.ok_or("an object without a class")?,
        label.ok_or("an object without a label")?,
    ))
}

/// A secret key must decrypt what it encrypts; a pair must have both halves, and they must fit.
fn works(session: &Session, parts: &[(ObjectClass, ObjectHandle)]) -> Result<()> {
    let of = |wanted| {
        parts
            .iter()
            .find(|(class, _)| *class == wanted)
            .map(|(_, object)| *object)
    };
    let message = *b"sixteen bytes...";
    if let Some(key) = of(ObjectClass::SECRET_KEY) {
        let mechanism = Mechanism::AesCbcPad([7; 16]);
        let sealed = session.encrypt(&mechanism, key, &message)?;
        if session.decrypt(&mechanism, key, &sealed)? != message {
            return Err("does not decrypt what it encrypted".into());
        }
        return Ok(());
    }
    let private = of(ObjectClass::PRIVATE_KEY).ok_or("no private half")?;
    let public = of(ObjectClass::PUBLIC_KEY).ok_or("no public half")?;
    let signature = session.sign(&Mechanism::Ecdsa, private, &[9; 32])?;
    session.verify(&Mechanism::Ecdsa, public, &[9; 32], &signature)?;
    Ok(())
}
