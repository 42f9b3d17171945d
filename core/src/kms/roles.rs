//! Which side a key takes: it wraps keys, or it works on data, as its first use decides. The role stands in the
//! imprint of its value ([`super::imprints`]). `docs/SECURITY.md` says the rules and why.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Kms;
use super::cache::Loaded;
use super::imprints::is_hidden;
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Fingerprint, Imprint, KeyRole, Lifetime, Object, ObjectClass};
use crate::store::{self, ChangeNumber};

/// A role as the hot path looks at it: not known yet, taken for good, or data as far as was known at some commit.
#[derive(Default)]
pub(super) struct KnownRole(AtomicU64);

impl KnownRole {
    const WRAPPING: u64 = 1;
    const DATA: u64 = 2;
    const DATA_AS_OF: u64 = 3;

    fn get(&self, now: ChangeNumber) -> Option<KeyRole> {
        match self.0.load(Ordering::Relaxed) {
            Self::WRAPPING => Some(KeyRole::Wrapping),
            Self::DATA => Some(KeyRole::Data),
            as_of if as_of == now << 2 | Self::DATA_AS_OF => Some(KeyRole::Data),
            _ => None,
        }
    }

    fn note(&self, taken: Taken, now: ChangeNumber) {
        let number = match taken {
            Taken::ForGood(KeyRole::Wrapping) => Self::WRAPPING,
            Taken::ForGood(KeyRole::Data) => Self::DATA,
            Taken::DataInThisProcess => now << 2 | Self::DATA_AS_OF,
        };
        self.0.store(number, Ordering::Relaxed);
    }
}

/// A role that was taken.
#[derive(Clone, Copy)]
enum Taken {
    /// It stands in the store, where whoever comes first decides.
    ForGood(KeyRole),
    /// A session object's, whose value is nowhere else and with which nobody wraps. Session keys come and go by the
    /// thousand (one for each connection, one for each message): their uses on data are not worth a commit each, nor a
    /// row for ever. Whoever wraps with such a value does commit, and is seen by the next use.
    DataInThisProcess,
}

/// The role that a use is of; none for uses that open nothing that was wrapped, and make nothing that unwraps.
pub(super) const fn role_of(
    object: &Object,
    purpose: Purpose,
    mechanism: &Mechanism,
) -> Option<KeyRole> {
    match object.spec {
        Some(spec) if spec.can_wrap() => {}
        _ => return None,
    }
    match (object.class, purpose) {
        // With a public key anybody encrypts, here or elsewhere. What is wrapped with it here is opened by
        // its private half, which must not do so as data.
        (ObjectClass::PublicKey, Purpose::Wrap) => Some(KeyRole::Wrapping),
        (ObjectClass::PublicKey, _) => None,
        _ if !is_hidden(object) => None,
        (_, Purpose::Wrap | Purpose::Unwrap) => Some(KeyRole::Wrapping),
        // A private key's signature opens nothing, unless it is the bare operation, which is decryption.
        (ObjectClass::PrivateKey, Purpose::Sign | Purpose::SignRecover) => match mechanism {
            Mechanism::RsaRaw => Some(KeyRole::Data),
            _ => None,
        },
        (ObjectClass::PrivateKey, Purpose::Verify | Purpose::VerifyRecover) => None,
        _ => Some(KeyRole::Data),
    }
}

impl Kms {
    /// Refuses the use of a key that has taken the other role. `now`: the commit that the caller has seen.
    pub(super) fn check_role(
        &self,
        caller: &Caller,
        loaded: &Loaded,
        of: (Purpose, &Mechanism),
        now: ChangeNumber,
    ) -> Result<()> {
        match self.wanted_role(caller, &loaded.object, of)? {
            Some(wanted) => self.has_role(caller, loaded, wanted, now, false),
            None => Ok(()),
        }
    }

    /// [`Kms::check_role`], and takes the role if the key has none: with this use.
    pub(super) fn take_role(
        &self,
        caller: &Caller,
        loaded: &Loaded,
        of: (Purpose, &Mechanism),
        now: ChangeNumber,
    ) -> Result<()> {
        match self.wanted_role(caller, &loaded.object, of)? {
            Some(wanted) => self.has_role(caller, loaded, wanted, now, true),
            None => Ok(()),
        }
    }

    fn wanted_role(
        &self,
        caller: &Caller,
        object: &Object,
        (purpose, mechanism): (Purpose, &Mechanism),
    ) -> Result<Option<KeyRole>> {
        let wanted = role_of(object, purpose, mechanism);
        if wanted.is_some() && !self.policies.of(caller.account(), self)?.role_lock {
            return Ok(None);
        }
        Ok(wanted)
    }

    fn has_role(
        &self,
        caller: &Caller,
        loaded: &Loaded,
        wanted: KeyRole,
        now: ChangeNumber,
        take: bool,
    ) -> Result<()> {
        let taken = match loaded.role.get(now) {
            Some(taken) => taken,
            None => {
                let Some(taken) = self.find_role(caller, loaded, wanted, take)? else {
                    return Ok(());
                };
                loaded.role.note(taken, now);
                match taken {
                    Taken::ForGood(role) => role,
                    Taken::DataInThisProcess => KeyRole::Data,
                }
            }
        };
        if taken == wanted {
            Ok(())
        } else {
            Err(Error::RoleTaken { taken, wanted })
        }
    }

    /// The first use: whoever comes first, in whichever process, decides.
    /// None when the key has no role, and `take` is not said.
    #[cold]
    fn find_role(
        &self,
        caller: &Caller,
        loaded: &Loaded,
        wanted: KeyRole,
        take: bool,
    ) -> Result<Option<Taken>> {
        let fingerprint = self
            .fingerprint_of(&loaded.object)
            .ok_or(Error::NoMaterial("destroyed, or not imported yet"))?;
        let row = store::read(self.store.as_ref(), |reader| reader.imprint(fingerprint))?;
        let Some(held) = &loaded.held else {
            if let Some(taken) = self.stored_imprint(&loaded.object, row)?.role {
                return Ok(Some(Taken::ForGood(taken)));
            }
            return take
                .then(|| self.take_stored_role(caller, loaded, fingerprint, wanted))
                .transpose();
        };
        let stored = row.map(|row| self.vault.imprint(&row)).transpose()?;
        if let Some(taken) = stored.and_then(|stored| stored.role) {
            return Ok(Some(Taken::ForGood(taken)));
        }
        // Once the value has left this process, wrapped or in a stored copy, it may be in others, which ask the store.
        let has_left = stored.is_some();
        // No job of the store takes this lock.
        let mut imprint = held.imprint.lock().unwrap_or_else(PoisonError::into_inner);
        let role = match (imprint.role, wanted) {
            (Some(KeyRole::Data), _) if !(has_left && take) => {
                return Ok(Some(Taken::DataInThisProcess));
            }
            _ if !take => return Ok(None),
            (_, KeyRole::Data) if !has_left => {
                imprint.role = Some(KeyRole::Data);
                return Ok(Some(Taken::DataInThisProcess));
            }
            (earlier, wanted) => earlier.unwrap_or(wanted),
        };
        self.take_stored_role(caller, loaded, fingerprint, role)
            .map(Some)
    }

    /// What the store remembers of an object's value. Every hidden value of a stored object has its imprint from the
    /// commit on that wrote it; a public key may be here without its private half.
    fn stored_imprint(&self, object: &Object, row: Option<store::ImprintRow>) -> Result<Imprint> {
        match row {
            Some(row) => self.vault.imprint(&row),
            None if is_hidden(object) && object.lifetime == Lifetime::Stored => {
                Err(Error::Tampered {
                    what: "imprint",
                    id: object.id.to_string(),
                })
            }
            None => Ok(Imprint::default()),
        }
    }

    fn take_stored_role(
        &self,
        caller: &Caller,
        loaded: &Loaded,
        fingerprint: Fingerprint,
        wanted: KeyRole,
    ) -> Result<Taken> {
        let object = &loaded.object;
        store::write(self.store.as_ref(), |transaction| {
            let mut imprint = self.stored_imprint(object, transaction.imprint(fingerprint)?)?;
            if let Some(taken) = imprint.role {
                return Ok(Taken::ForGood(taken));
            }
            if is_hidden(object) {
                imprint = imprint.and(Imprint::of(&object.attributes));
            }
            imprint.role = Some(wanted);
            transaction.put_imprint(&self.vault.imprint_row(fingerprint, &imprint)?)?;
            if wanted == KeyRole::Wrapping {
                // Session objects of the same value look again, in every process.
                transaction.touch(store::Change::Object(object.id))?;
            }
            let mut record = self.new_record(caller, Verb::Modify);
            (record.object, record.key) = (Some(object.id), object.key);
            record.version = object.version;
            record.detail = format!("first use: for {wanted} from now on");
            self.audit.record_in(transaction, &record)?;
            Ok(Taken::ForGood(wanted))
        })
    }
}
