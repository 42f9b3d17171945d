//! A program that keeps a token session open and does what its input says, one line at a time, so
//! that a test can change something behind its back. `token-user MODULE LABEL PIN`, then:
//! `encrypt KEY`, `again` (encrypts with the key handle of the last `encrypt`), `sign KEY` (raw ECDSA),
//! `make KEY`, `list`, `state`, `login PIN`, `set-pin OLD NEW`. Answers `ok …` or `error …`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use keybridge_tests::loaded::Loaded;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, label, pin] = args.as_slice() else {
        return Err("token-user MODULE LABEL PIN".into());
    };
    let loaded = Loaded::open(Path::new(module), label)?;
    let session = loaded.session(pin)?;
    let mut last = None;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ok")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (verb, name) = line.split_once(' ').unwrap_or((&line, ""));
        match act(&session, &mut last, verb, name) {
            Ok(answer) => writeln!(out, "ok {answer}")?,
            Err(error) => writeln!(out, "error {}", error.to_string().replace('\n', " "))?,
        }
        out.flush()?;
    }
    Ok(())
}

fn act(
    session: &Session,
    last: &mut Option<ObjectHandle>,
    verb: &str,
    name: &str,
) -> Result<String> {
    let encrypt = |key| session.encrypt(&Mechanism::AesCbcPad([0; 16]), key, b"message");
    Ok(match verb {
        "encrypt" => {
            let key = find(session, ObjectClass::SECRET_KEY, name)?;
            *last = Some(key);
            encrypt(key)?.len().to_string()
        }
        "again" => encrypt(last.ok_or("no encrypt before")?)?.len().to_string(),
        "state" => format!("{:?}", session.get_session_info()?.session_state()),
        "login" => {
            session.login(UserType::User, Some(&AuthPin::new(name.into())))?;
            String::new()
        }
        "set-pin" => {
            let (old, new) = name.split_once(' ').ok_or("set-pin OLD NEW")?;
            session.set_pin(&AuthPin::new(old.into()), &AuthPin::new(new.into()))?;
            String::new()
        }
        "sign" => {
            let key = find(session, ObjectClass::PRIVATE_KEY, name)?;
            session
                .sign(&Mechanism::Ecdsa, key, &[1; 32])?
                .len()
                .to_string()
        }
        "make" => {
            let template = [
                Attribute::Token(true),
                Attribute::Label(name.into()),
                Attribute::ValueLen(32.into()),
                Attribute::Encrypt(true),
            ];
            session.generate_key(&Mechanism::AesKeyGen, &template)?;
            String::new()
        }
        "list" => {
            let mut labels = Vec::new();
            for object in session.find_objects(&[])? {
                for attribute in session.get_attributes(object, &[AttributeType::Label])? {
                    if let Attribute::Label(label) = attribute {
                        labels.push(String::from_utf8_lossy(&label).into_owned());
                    }
                }
            }
            labels.join(" ")
        }
        _ => return Err("see the head of token-user.rs".into()),
    })
}

fn find(session: &Session, class: ObjectClass, label: &str) -> Result<ObjectHandle> {
    let wanted = [Attribute::Class(class), Attribute::Label(label.into())];
    Ok(*session
        .find_objects(&wanted)?
        .first()
        .ok_or("no such object")?)
}
