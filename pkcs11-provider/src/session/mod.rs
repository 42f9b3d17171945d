//! Sessions and the operations that are active in them.

pub(crate) mod message;
pub(crate) mod table;
pub(crate) mod vectors;

use cryptoki_sys::*;
use keybridge_core::engine::software::digest::Hasher;
use keybridge_core::model::SessionId;
use keybridge_core::{ObjectId, Purpose};

use crate::rv::{Result, Rv};
use crate::session::message::{MessageKind, Messages};
use crate::slot::LoginState;
use crate::token::TokenOperation;

/// One session.
pub(crate) struct Session {
    handle: CK_SESSION_HANDLE,
    id: SessionId,
    slot: usize,
    slot_id: CK_SLOT_ID,
    read_write: bool,
    /// The active operations, at most one of each kind.
    pub(crate) encrypt: Option<Box<KeyUse>>,
    pub(crate) decrypt: Option<Box<KeyUse>>,
    pub(crate) sign: Option<Box<KeyUse>>,
    pub(crate) verify: Option<Box<KeyUse>>,
    pub(crate) sign_recover: Option<Box<KeyUse>>,
    pub(crate) verify_recover: Option<Box<KeyUse>>,
    pub(crate) verify_signature: Option<Box<KeyUse>>,
    /// What [`Session::verify_signature`] is to find.
    pub(crate) signature: Vec<u8>,
    messages: [Option<Box<Messages>>; 4],
    pub(crate) digest: Option<Digesting>,
    pub(crate) find: Option<Finding>,
    /// The operation that ended last, to be used again for the next like it.
    spent: Option<Box<KeyUse>>,
    /// The key used last: programs use one key again and again, and the table of handles is shared.
    pub(crate) last_key: Option<LastKey>,
}

/// What a handle was last found to mean, and when (the slot's login epoch).
#[derive(Clone, Copy)]
pub(crate) struct LastKey {
    pub(crate) handle: CK_OBJECT_HANDLE,
    pub(crate) epoch: u64,
    pub(crate) object: ObjectId,
}

/// An operation with a key.
pub(crate) struct KeyUse {
    pub(crate) operation: TokenOperation,
    pub(crate) course: Course,
    /// The slot's login for which it began.
    pub(crate) login: (u64, LoginState),
}

/// How an operation goes on: in one part or in many, whichever was called first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Course {
    /// Nothing was called yet.
    #[default]
    Open,
    /// The one-part function said how long the result is, and waits to be called again.
    OnePart,
    /// Parts were taken.
    InParts,
}

impl Course {
    /// Goes on in parts.
    ///
    /// # Errors
    /// `CKR_OPERATION_ACTIVE`: the one-part function has begun.
    pub(crate) fn take_part(&mut self) -> Result<()> {
        self.go(Course::InParts)
    }

    /// Goes on in one part.
    ///
    /// # Errors
    /// `CKR_OPERATION_ACTIVE`: "must be called … without intervening … Update calls".
    pub(crate) fn take_all(&mut self) -> Result<()> {
        self.go(Course::OnePart)
    }

    fn go(&mut self, next: Course) -> Result<()> {
        if *self != Course::Open && *self != next {
            return Err(Rv::OPERATION_ACTIVE);
        }
        *self = next;
        Ok(())
    }
}

/// A digest.
#[derive(Clone)]
pub(crate) struct Digesting {
    pub(crate) hasher: Hasher,
    pub(crate) course: Course,
}

/// A search: what was found and not yet asked for, last first.
pub(crate) struct Finding {
    pub(crate) rest: Vec<ObjectId>,
}

/// Which operation of a session with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Encrypt,
    Decrypt,
    Sign,
    Verify,
    SignRecover,
    VerifyRecover,
    /// `C_VerifySignature` and its kin.
    VerifySignature,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Encrypt,
        Kind::Decrypt,
        Kind::Sign,
        Kind::Verify,
        Kind::SignRecover,
        Kind::VerifyRecover,
        Kind::VerifySignature,
    ];

    /// `CKF_…` of a mechanism that does it, and of `C_SessionCancel`.
    pub(crate) const fn flag(self) -> CK_FLAGS {
        match self {
            Kind::Encrypt => CKF_ENCRYPT,
            Kind::Decrypt => CKF_DECRYPT,
            Kind::Sign => CKF_SIGN,
            Kind::Verify | Kind::VerifySignature => CKF_VERIFY,
            Kind::SignRecover => CKF_SIGN_RECOVER,
            Kind::VerifyRecover => CKF_VERIFY_RECOVER,
        }
    }
}

impl Session {
    pub(crate) fn new(
        handle: CK_SESSION_HANDLE,
        slot: usize,
        slot_id: CK_SLOT_ID,
        read_write: bool,
        id: SessionId,
    ) -> Self {
        Session {
            handle,
            id,
            slot,
            slot_id,
            read_write,
            encrypt: None,
            decrypt: None,
            sign: None,
            verify: None,
            sign_recover: None,
            verify_recover: None,
            verify_signature: None,
            signature: Vec::new(),
            messages: [None, None, None, None],
            digest: None,
            find: None,
            spent: None,
            last_key: None,
        }
    }

    pub(crate) fn handle(&self) -> CK_SESSION_HANDLE {
        self.handle
    }

    /// Index of its slot.
    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    pub(crate) fn slot_id(&self) -> CK_SLOT_ID {
        self.slot_id
    }

    pub(crate) fn is_read_write(&self) -> bool {
        self.read_write
    }

    /// The name under which the core keeps this session's objects.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// The place of an operation.
    pub(crate) fn key_use(&mut self, kind: Kind) -> &mut Option<Box<KeyUse>> {
        match kind {
            Kind::Encrypt => &mut self.encrypt,
            Kind::Decrypt => &mut self.decrypt,
            Kind::Sign => &mut self.sign,
            Kind::Verify => &mut self.verify,
            Kind::SignRecover => &mut self.sign_recover,
            Kind::VerifyRecover => &mut self.verify_recover,
            Kind::VerifySignature => &mut self.verify_signature,
        }
    }

    /// Ends an operation that went well, and keeps what the next use of its key can take over.
    pub(crate) fn spend(&mut self, kind: Kind) {
        self.spent = self.key_use(kind).take();
    }

    /// The operation that ended last, if it was for that purpose, with that key, in that login.
    pub(crate) fn take_spent(
        &mut self,
        purpose: Purpose,
        key: ObjectId,
        login: (u64, LoginState),
    ) -> Option<Box<KeyUse>> {
        self.spent.take_if(|spent| {
            let operation = &spent.operation;
            (operation.purpose(), operation.object().id, spent.login) == (purpose, key, login)
        })
    }

    /// Ends the operations that the flags of mechanisms name.
    pub(crate) fn cancel(&mut self, flags: CK_FLAGS) {
        for kind in Kind::ALL {
            if flags & kind.flag() != 0 {
                *self.key_use(kind) = None;
            }
        }
        for kind in MessageKind::ALL {
            if flags & kind.flag() != 0 {
                *self.messages(kind) = None;
            }
        }
        if flags & CKF_DIGEST != 0 {
            self.digest = None;
        }
        if flags & CKF_FIND_OBJECTS != 0 {
            self.find = None;
        }
    }

    /// The active operation.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`.
    pub(crate) fn active(&mut self, kind: Kind) -> Result<&mut KeyUse> {
        self.key_use(kind)
            .as_deref_mut()
            .ok_or(Rv::OPERATION_NOT_INITIALIZED)
    }

    /// Ends operations whose keys are private: their user has logged out.
    pub(crate) fn drop_private_operations(&mut self) {
        for kind in Kind::ALL {
            let place = self.key_use(kind);
            let private = |using: &mut Box<KeyUse>| using.operation.object().attributes.private;
            if place.as_mut().is_some_and(private) {
                *place = None;
            }
        }
        for place in &mut self.messages {
            let private = |messages: &Messages| messages.first.object().attributes.private;
            if place.as_deref().is_some_and(private) {
                *place = None;
            }
        }
        self.find = None;
        self.spent = None;
    }

    /// The operation that waits for its user to be proven again.
    pub(crate) fn unproven(&mut self) -> Option<&mut TokenOperation> {
        let Session {
            encrypt,
            decrypt,
            sign,
            verify,
            sign_recover,
            verify_recover,
            verify_signature,
            messages,
            ..
        } = self;
        let single = [
            sign,
            decrypt,
            encrypt,
            verify,
            sign_recover,
            verify_recover,
            verify_signature,
        ];
        let single = single.into_iter().flatten();
        let messages = messages.iter_mut().flatten();
        single
            .map(|using| &mut using.operation)
            .chain(messages.map(|messages| &mut messages.first))
            .find(|operation| operation.needs_authentication())
    }
}
