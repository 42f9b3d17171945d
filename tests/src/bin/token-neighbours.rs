//! Two tokens in one process, one of software keys and one of HSM keys: `token-neighbours MODULE
//! SOFTWARE HSM PIN`, with the labels of the two. Goes a step for each line of its input and answers
//! `ok`, so that a test can look into the HSM between the steps; a step that finds something wrong
//! ends the program with an error.

use std::error::Error;
use std::io::{BufRead, Write};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const IV: [u8; 16] = [7; 16];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, software, hsm, pin] = args.as_slice() else {
        return Err("token-neighbours MODULE SOFTWARE HSM PIN".into());
    };
    let context = Pkcs11::new(module)?;
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let mut neighbours = Neighbours {
        software: session(&context, software, pin)?,
        hsm: session(&context, hsm, pin)?,
        second: session(&context, hsm, pin)?,
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "ok")?;
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "make" => neighbours.make()?,
            "copy" => neighbours.copy()?,
            "end" => neighbours.end(&context, hsm, pin)?,
            "mixed" => neighbours.mixed()?,
            other => return Err(other.into()),
        }
        writeln!(out, "ok")?;
        out.flush()?;
    }
    Ok(())
}

fn session(context: &Pkcs11, label: &str, pin: &str) -> Result<Session> {
    for slot in context.get_slots_with_initialized_token()? {
        if context.get_token_info(slot)?.label() == label {
            let session = context.open_rw_session(slot)?;
            let pin = AuthPin::new(pin.into());
            use cryptoki::error::{Error as Refusal, RvError};
            return match session.login(UserType::User, Some(&pin)) {
                Ok(()) | Err(Refusal::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
                Err(error) => Err(error.into()),
            };
        }
    }
    Err(format!("no token {label}").into())
}

struct Neighbours {
    software: Session,
    hsm: Session,
    /// Another session with the HSM's token.
    second: Session,
}

impl Neighbours {
    /// On both tokens: a key that stays and one that ends with its session, of one label each, found
    /// through their own token only.
    fn make(&self) -> Result<()> {
        for session in [&self.software, &self.hsm] {
            for stored in [true, false] {
                let key = session.generate_key(&Mechanism::AesKeyGen, &aes("twin", stored))?;
                demand(
                    flag(session, key, AttributeType::Token)? == stored,
                    "CKA_TOKEN",
                )?;
                demand(
                    flag(session, key, AttributeType::Sensitive)?,
                    "CKA_SENSITIVE",
                )?;
                demand(opens_what_it_seals(session, key)?, "a key works")?;
            }
            demand(found(session, "twin", None)?.len() == 2, "both are found")?;
            for stored in [true, false] {
                let keys = found(session, "twin", Some(stored))?;
                demand(keys.len() == 1, "found by CKA_TOKEN")?;
            }
        }
        // Objects of a session are seen in every session of the process with that token.
        demand(
            found(&self.second, "twin", None)?.len() == 2,
            "the second session sees them",
        )?;
        let sealed = seal(&self.software, one(&self.software, "twin", true)?)?;
        let other = self.hsm.decrypt(
            &Mechanism::AesCbcPad(IV),
            one(&self.hsm, "twin", true)?,
            &sealed,
        );
        demand(
            other.ok().as_deref() != Some(b"message"),
            "two tokens have two keys",
        )
    }

    /// Copies, stored and not, of keys stored and not: each is what its template says, and works as
    /// the same key.
    fn copy(&self) -> Result<()> {
        for session in [&self.software, &self.hsm] {
            for from in [true, false] {
                let key = one(session, "twin", from)?;
                let sealed = seal(session, key)?;
                for to in [true, false] {
                    let label = format!("copy of {from} as {to}");
                    let changes = [Attribute::Token(to), Attribute::Label(label.clone().into())];
                    let copy = match session.copy_object(key, &changes) {
                        Ok(copy) => copy,
                        Err(error) => return Err(format!("{label}: {error}").into()),
                    };
                    demand(flag(session, copy, AttributeType::Token)? == to, &label)?;
                    let opened = session.decrypt(&Mechanism::AesCbcPad(IV), copy, &sealed)?;
                    demand(opened == b"message", &label)?;
                    demand(found(session, &label, Some(to))?.len() == 1, &label)?;
                    if !to {
                        session.destroy_object(copy)?;
                        demand(found(session, &label, None)?.is_empty(), "destroyed")?;
                    }
                }
                demand(opens_what_it_seals(session, key)?, "the original works")?;
            }
        }
        Ok(())
    }

    /// The session ends, and with it what it made and did not store; then everything is destroyed.
    fn end(&mut self, context: &Pkcs11, hsm: &str, pin: &str) -> Result<()> {
        let transient = one(&self.second, "twin", false)?;
        self.hsm = session(context, hsm, pin)?;
        demand(
            found(&self.second, "twin", Some(false))?.is_empty(),
            "gone with its session",
        )?;
        let mechanism = Mechanism::AesCbcPad(IV);
        let used = self.second.encrypt(&mechanism, transient, b"message");
        demand(used.is_err(), "a handle that is gone")?;
        demand(
            found(&self.second, "twin", Some(true))?.len() == 1,
            "what is stored stays",
        )?;
        for session in [&self.software, &self.hsm] {
            for key in session.find_objects(&[Attribute::Token(true)])? {
                session.destroy_object(key)?;
            }
            demand(
                session.find_objects(&[Attribute::Token(true)])?.is_empty(),
                "empty",
            )?;
        }
        Ok(())
    }

    /// One token that shows keys of both places, which differ in nothing that a program looks at.
    fn mixed(&self) -> Result<()> {
        let session = &self.software;
        for label in ["in software", "in the HSM"] {
            let key = one(session, label, true)?;
            demand(opens_what_it_seals(session, key)?, label)?;
            demand(flag(session, key, AttributeType::Local)?, "CKA_LOCAL")?;
            let value = session.get_attributes(key, &[AttributeType::Value])?;
            demand(value.is_empty(), "a value that comes out")?;
            let rename = [Attribute::Label(format!("{label}, renamed").into())];
            session.update_attributes(key, &rename)?;
            demand(found(session, label, None)?.is_empty(), "renamed")?;
        }
        demand(
            session.find_objects(&[Attribute::Token(true)])?.len() == 2,
            "both at once",
        )?;
        Ok(())
    }
}

fn aes(label: &str, stored: bool) -> Vec<Attribute> {
    vec![
        Attribute::Token(stored),
        Attribute::Label(label.into()),
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ]
}

fn found(session: &Session, label: &str, stored: Option<bool>) -> Result<Vec<ObjectHandle>> {
    let mut wanted = vec![Attribute::Label(label.into())];
    wanted.extend(stored.map(Attribute::Token));
    Ok(session.find_objects(&wanted)?)
}

fn one(session: &Session, label: &str, stored: bool) -> Result<ObjectHandle> {
    match found(session, label, Some(stored))?.as_slice() {
        [key] => Ok(*key),
        found => Err(format!("{} objects {label:?}", found.len()).into()),
    }
}

fn flag(session: &Session, object: ObjectHandle, kind: AttributeType) -> Result<bool> {
    Ok(match session.get_attributes(object, &[kind])?.as_slice() {
        [Attribute::Token(on) | Attribute::Sensitive(on) | Attribute::Local(on)] => *on,
        other => return Err(format!("{kind}: {other:?}").into()),
    })
}

fn seal(session: &Session, key: ObjectHandle) -> Result<Vec<u8>> {
    Ok(session.encrypt(&Mechanism::AesCbcPad(IV), key, b"message")?)
}

fn opens_what_it_seals(session: &Session, key: ObjectHandle) -> Result<bool> {
    let opened = session.decrypt(&Mechanism::AesCbcPad(IV), key, &seal(session, key)?)?;
    Ok(opened == b"message")
}

fn demand(holds: bool, what: &str) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(format!("not so: {what}").into())
    }
}
