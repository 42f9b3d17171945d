//! Does what programs do, very often, and tells how much memory the process has on the way:
//! `token-soak MODULE LABEL PIN OPERATIONS`. Signs, seals and opens, digests, searches, makes and
//! destroys session objects, opens and closes sessions, logs in and out, and makes mistakes. Prints
//! JSON: resident kilobytes when it was warm, at each quarter and at the end.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use keybridge_tests::loaded::Loaded;
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// P-256 as an object identifier, DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// A login hashes a PIN slowly, on purpose; one in so many rounds.
const ROUNDS_A_LOGIN: u64 = 500;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [module, label, pin, operations] = args.as_slice() else {
        return Err("token-soak MODULE LABEL PIN OPERATIONS".into());
    };
    let operations: u64 = operations.parse()?;
    let loaded = Loaded::open(Path::new(module), label)?;
    let mut soak = Soak::start(&loaded, pin)?;
    // Caches and journals fill in the first fifth; and a login hashes its PIN in 19 MiB, some of which
    // the C library keeps for the next.
    for _ in 0..10 {
        soak.log_in_again()?;
    }
    soak.go_on(operations / 5)?;
    let warm = resident()?;
    let (mut quarters, start, before) = (Vec::new(), Instant::now(), soak.done);
    for quarter in 1..=4 {
        soak.go_on(operations / 5 + (operations - operations / 5) * quarter / 4)?;
        quarters.push(resident()?);
    }
    let rate = (soak.done - before) as f64 / start.elapsed().as_secs_f64();
    let answer = json!({
        "operations": soak.done,
        "a_second": rate.round(),
        "warm_kilobytes": warm,
        "quarters_kilobytes": quarters,
    });
    println!("{answer}");
    Ok(())
}

struct Soak<'a> {
    loaded: &'a Loaded,
    pin: &'a str,
    session: Session,
    keys: Keys,
    rounds: u64,
    /// Operations done.
    done: u64,
}

#[derive(Clone, Copy)]
struct Keys {
    aes: ObjectHandle,
    private: ObjectHandle,
}

impl<'a> Soak<'a> {
    fn start(loaded: &'a Loaded, pin: &'a str) -> Result<Self> {
        let session = loaded.session(pin)?;
        session.generate_key(&Mechanism::AesKeyGen, &aes("soak", true))?;
        let public = [Attribute::Token(true), Attribute::EcParams(P256.to_vec())];
        let private = [
            Attribute::Token(true),
            Attribute::Label("soak, private".into()),
        ];
        session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
        let keys = Keys::find(&session)?;
        Ok(Self {
            loaded,
            pin,
            session,
            keys,
            rounds: 0,
            done: 0,
        })
    }

    /// Until so many operations are done.
    fn go_on(&mut self, until: u64) -> Result<()> {
        while self.done < until {
            self.use_keys()?;
            self.use_objects()?;
            self.use_sessions()?;
            self.make_mistakes()?;
            self.rounds += 1;
            if self.rounds.is_multiple_of(ROUNDS_A_LOGIN) {
                self.log_in_again()?;
            }
        }
        Ok(())
    }

    fn log_in_again(&mut self) -> Result<()> {
        self.session.logout()?;
        self.session = self.loaded.session(self.pin)?;
        self.keys = Keys::find(&self.session)?;
        self.done += 2;
        Ok(())
    }

    fn use_keys(&mut self) -> Result<()> {
        let Keys { aes, private } = self.keys;
        self.session.sign(&Mechanism::Ecdsa, private, &[1; 32])?;
        let mut iv = [2; 12];
        let sealed = {
            let gcm = Mechanism::AesGcm(GcmParams::new(&mut iv, b"more", 128.into())?);
            self.session.encrypt(&gcm, aes, &[3; 1024])?
        };
        let gcm = Mechanism::AesGcm(GcmParams::new(&mut iv, b"more", 128.into())?);
        self.session.decrypt(&gcm, aes, &sealed)?;
        self.session.digest_init(&Mechanism::Sha256)?;
        self.session.digest_update(&[4; 100])?;
        self.session.digest_update(&[5; 100])?;
        self.session.digest_final()?;
        self.done += 4;
        Ok(())
    }

    fn use_objects(&mut self) -> Result<()> {
        let label = format!("short-lived {}", self.rounds);
        let made = self
            .session
            .generate_key(&Mechanism::AesKeyGen, &aes(&label, false))?;
        let copy = self
            .session
            .copy_object(made, &[Attribute::Label("a copy".into())])?;
        self.session.encrypt(&Mechanism::AesEcb, copy, &[6; 16])?;
        self.session
            .get_attributes(made, &[AttributeType::Label, AttributeType::KeyType])?;
        let found = self
            .session
            .find_objects(&[Attribute::Label(label.into())])?;
        if found != [made] {
            return Err(format!("found {found:?}, made {made}").into());
        }
        self.session.destroy_object(made)?;
        self.session.destroy_object(copy)?;
        self.done += 7;
        Ok(())
    }

    /// A session that ends with objects and an operation in it.
    fn use_sessions(&mut self) -> Result<()> {
        let session = self.loaded.session(self.pin)?;
        session.generate_key(&Mechanism::AesKeyGen, &aes("left behind", false))?;
        session.digest_init(&Mechanism::Sha256)?;
        drop(session);
        self.done += 4;
        Ok(())
    }

    fn make_mistakes(&mut self) -> Result<()> {
        let Keys { aes, private } = self.keys;
        let refused = [
            self.session
                .encrypt(&Mechanism::AesCbc([0; 16]), aes, &[7; 15])
                .err(),
            self.session
                .encrypt(&Mechanism::AesEcb, private, &[7; 16])
                .err(),
            self.session
                .sign(&Mechanism::Sha256RsaPkcs, private, b"data")
                .err(),
            self.session.generate_key(&Mechanism::AesKeyGen, &[]).err(),
            self.session
                .update_attributes(aes, &[Attribute::Sensitive(false)])
                .err(),
        ];
        if refused.iter().any(Option::is_none) {
            return Err(format!("a mistake went through: {refused:?}").into());
        }
        self.done += refused.len() as u64;
        Ok(())
    }
}

impl Keys {
    fn find(session: &Session) -> Result<Self> {
        let one = |label: &str| -> Result<ObjectHandle> {
            let found = session.find_objects(&[Attribute::Label(label.into())])?;
            found
                .first()
                .copied()
                .ok_or_else(|| format!("no key {label}").into())
        };
        Ok(Self {
            aes: one("soak")?,
            private: one("soak, private")?,
        })
    }
}

fn aes(label: &str, stored: bool) -> Vec<Attribute> {
    vec![
        Attribute::Token(stored),
        Attribute::Label(label.into()),
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::AllowedMechanisms(vec![
            MechanismType::AES_GCM,
            MechanismType::AES_ECB,
            MechanismType::AES_CBC,
        ]),
    ]
}

/// Kilobytes of this process that are in memory.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}
