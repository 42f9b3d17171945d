//! A program that tries things on a token, one line at a time: `token-attacker MODULE LABEL PIN`, then
//!
//! ```text
//! generate LABEL FLAG…             an AES-256 key
//! create LABEL HEX FLAG…           an AES key of this value
//! wrap MECHANISM KEY TARGET        answers the wrapped key, hexadecimal
//! unwrap MECHANISM KEY HEX LABEL FLAG…
//! encrypt MECHANISM KEY HEX        and decrypt; answer hexadecimal
//! value KEY                        CKA_VALUE, hexadecimal
//! copy KEY LABEL FLAG…
//! set KEY FLAG…
//! ```
//!
//! A flag is `sensitive=0` and its like; `session` is CKA_TOKEN false, `generic` a generic secret. Mechanisms: `cbc`, `kw`,
//! `kwp`. Answers `ok …` or `error …`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use keybridge_tests::loaded::Loaded;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, label, pin] = args.as_slice() else {
        return Err("token-attacker MODULE LABEL PIN".into());
    };
    let loaded = Loaded::open(Path::new(module), label)?;
    let session = loaded.session(pin)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ok")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match act(&session, &words) {
            Ok(answer) => writeln!(out, "ok {answer}")?,
            Err(error) => writeln!(out, "error {error:?}")?,
        }
        out.flush()?;
    }
    Ok(())
}

fn act(session: &Session, words: &[&str]) -> Result<String> {
    Ok(match words {
        ["generate", label, flags @ ..] => {
            let mut template = secret_key(label, flags)?;
            template.push(Attribute::ValueLen(32.into()));
            session.generate_key(&Mechanism::AesKeyGen, &template)?;
            String::new()
        }
        ["create", label, value, flags @ ..] => {
            let mut template = secret_key(label, flags)?;
            template.push(Attribute::Value(unhex(value)?));
            session.create_object(&template)?;
            String::new()
        }
        ["wrap", mechanism, key, target] => {
            let (key, target) = (find(session, key)?, find(session, target)?);
            hex(&session.wrap_key(&named(mechanism)?, key, target)?)
        }
        ["unwrap", mechanism, key, wrapped, label, flags @ ..] => {
            let (key, template) = (find(session, key)?, secret_key(label, flags)?);
            session.unwrap_key(&named(mechanism)?, key, &unhex(wrapped)?, &template)?;
            String::new()
        }
        ["encrypt", mechanism, key, data] => {
            let key = find(session, key)?;
            hex(&session.encrypt(&named(mechanism)?, key, &unhex(data)?)?)
        }
        ["decrypt", mechanism, key, data] => {
            let key = find(session, key)?;
            hex(&session.decrypt(&named(mechanism)?, key, &unhex(data)?)?)
        }
        ["value", key] => {
            let key = find(session, key)?;
            match session
                .get_attributes(key, &[AttributeType::Value])?
                .as_slice()
            {
                [Attribute::Value(value)] => hex(value),
                _ => return Err("CKR_ATTRIBUTE_SENSITIVE".into()),
            }
        }
        ["copy", key, label, flags @ ..] => {
            let mut template = vec![Attribute::Label((*label).into())];
            for flag in flags {
                template.extend(attribute(flag)?);
            }
            session.copy_object(find(session, key)?, &template)?;
            String::new()
        }
        ["set", key, flags @ ..] => {
            let template: Vec<Attribute> = flags
                .iter()
                .filter_map(|flag| attribute(flag).transpose())
                .collect::<Result<_>>()?;
            session.update_attributes(find(session, key)?, &template)?;
            String::new()
        }
        _ => {
            return Err(
                "generate, create, wrap, unwrap, encrypt, decrypt, value, copy, set".into(),
            );
        }
    })
}

/// As OpenSC and python-pkcs11 make keys: every use allowed.
fn secret_key(label: &str, flags: &[&str]) -> Result<Vec<Attribute>> {
    let kind = match flags.contains(&"generic") {
        true => KeyType::GENERIC_SECRET,
        false => KeyType::AES,
    };
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(kind),
        Attribute::Label(label.into()),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::Token(!flags.contains(&"session")),
    ];
    for flag in flags.iter().filter(|flag| flag.contains('=')) {
        template.extend(attribute(flag)?);
    }
    Ok(template)
}

fn attribute(flag: &str) -> Result<Option<Attribute>> {
    let (name, value) = match flag {
        "session" => ("token", "0"),
        flag => flag.split_once('=').ok_or("a flag is name=0 or name=1")?,
    };
    let value = value == "1";
    Ok(Some(match name {
        "sensitive" => Attribute::Sensitive(value),
        "extractable" => Attribute::Extractable(value),
        "trusted" => Attribute::Trusted(value),
        "wrap-with-trusted" => Attribute::WrapWithTrusted(value),
        "decrypt" => Attribute::Decrypt(value),
        "token" => Attribute::Token(value),
        _ => return Err("no such flag".into()),
    }))
}

fn named(mechanism: &str) -> Result<Mechanism<'static>> {
    Ok(match mechanism {
        "cbc" => Mechanism::AesCbc([0; 16]),
        "kw" => Mechanism::AesKeyWrap,
        "kwp" => Mechanism::AesKeyWrapPad,
        _ => return Err("cbc, kw or kwp".into()),
    })
}

fn find(session: &Session, label: &str) -> Result<ObjectHandle> {
    let wanted = [Attribute::Label(label.into())];
    Ok(*session
        .find_objects(&wanted)?
        .first()
        .ok_or("no such object")?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(text.get(at..at + 2).ok_or("odd")?, 16)?))
        .collect()
}
