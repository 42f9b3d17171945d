//! Operations over many messages with one key (the message-based families of 3.0).

use cryptoki_sys::*;

use super::Session;
use super::vectors::Vectors;
use crate::mechanisms::registry::Row;
use crate::rv::{Result, Rv};
use crate::token::TokenOperation;

/// Which message-based operation of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Encrypt,
    Decrypt,
    Sign,
    Verify,
}

impl MessageKind {
    pub(crate) const ALL: [MessageKind; 4] = [
        MessageKind::Encrypt,
        MessageKind::Decrypt,
        MessageKind::Sign,
        MessageKind::Verify,
    ];

    /// `CKF_MESSAGE_…`.
    pub(crate) const fn flag(self) -> CK_FLAGS {
        match self {
            MessageKind::Encrypt => CKF_MESSAGE_ENCRYPT,
            MessageKind::Decrypt => CKF_MESSAGE_DECRYPT,
            MessageKind::Sign => CKF_MESSAGE_SIGN,
            MessageKind::Verify => CKF_MESSAGE_VERIFY,
        }
    }
}

/// A process of messages: what they have in common.
pub(crate) struct Messages {
    pub(crate) row: &'static Row,
    /// The use that was authorized at the start, and proven if the key asks for that. Each message
    /// begins a use of its own like it.
    pub(crate) first: TokenOperation,
    /// Makes initialization vectors.
    pub(crate) vectors: Vectors,
    /// The message that is on its way in parts.
    pub(crate) message: Option<Message>,
}

/// A message in parts.
pub(crate) struct Message {
    pub(crate) operation: TokenOperation,
    /// Bytes taken in.
    pub(crate) taken: usize,
    /// Bytes given out.
    pub(crate) given: usize,
    /// Bytes of its tag.
    pub(crate) tag_length: usize,
}

impl Messages {
    pub(crate) fn new(row: &'static Row, first: TokenOperation) -> Self {
        Messages {
            row,
            first,
            vectors: Vectors::default(),
            message: None,
        }
    }

    /// Refuses to begin a message while another is on its way.
    ///
    /// # Errors
    /// `CKR_OPERATION_ACTIVE`.
    pub(crate) fn between(&self) -> Result<()> {
        match self.message {
            Some(_) => Err(Rv::OPERATION_ACTIVE),
            None => Ok(()),
        }
    }

    /// The message on its way.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`.
    pub(crate) fn within(&mut self) -> Result<&mut Message> {
        self.message.as_mut().ok_or(Rv::OPERATION_NOT_INITIALIZED)
    }
}

impl Session {
    /// The place of a process of messages.
    pub(crate) fn messages(&mut self, kind: MessageKind) -> &mut Option<Box<Messages>> {
        &mut self.messages[kind as usize]
    }

    /// The active process of messages.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`.
    pub(crate) fn active_messages(&mut self, kind: MessageKind) -> Result<&mut Messages> {
        let messages = self.messages(kind).as_deref_mut();
        messages.ok_or(Rv::OPERATION_NOT_INITIALIZED)
    }
}
