//! Message-based encryption and decryption: many messages under one key, each with a vector and a
//! tag of its own. A process stays until it is finished; what goes wrong with one message ends that
//! message only.

use cryptoki_sys::*;
use keybridge_core::{Error, Mechanism, Purpose};
use zeroize::Zeroizing;

use super::message_parameters::{MadeParameters, MessageParameters};
use crate::ffi::pointers::Output;
use crate::mechanisms::convert::{check_key, signing_purpose, to_core};
use crate::mechanisms::registry::{self, Family, Row};
use crate::mechanisms::{MechanismCall, Parameters};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::message::{Message, MessageKind, Messages};
use crate::token::error::{Doing, rv};
use crate::token::{Token, TokenOperation};

/// The flags that `C_GetMechanismInfo` adds for the message-based families: AEAD ciphers, and every
/// signature.
pub(crate) fn message_flags(row: &Row) -> CK_FLAGS {
    let mut flags = 0;
    if is_aead(row.family) {
        flags |= CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
    }
    if row.flags & CKF_SIGN != 0 {
        flags |= CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY;
        if !has_one_part(row.family) {
            flags |= CKF_MULTI_MESSAGE;
        }
    }
    flags
}

/// Whether a signature is of one part only: what is signed is a digest, or short.
const fn has_one_part(family: Family) -> bool {
    matches!(
        family,
        Family::RsaPkcs
            | Family::RsaRaw
            | Family::RsaPss
            | Family::Ecdsa
            | Family::HashMlDsa
            | Family::Sm2Digest
            | Family::TlsMac
    )
}

pub(crate) fn is_aead(family: Family) -> bool {
    matches!(family, Family::Gcm | Family::Ccm | Family::ChaCha20Poly1305)
}

impl MessageKind {
    const fn doing(self) -> Doing {
        match self {
            MessageKind::Decrypt => Doing::Decrypting,
            _ => Doing::Using,
        }
    }
}

/// An authenticated decryption that fails has a code of its own in these families.
fn decryption_error(error: &Error) -> Rv {
    match error {
        Error::InvalidCiphertext => Rv::AEAD_DECRYPT_FAILED,
        _ => rv(error, Doing::Decrypting),
    }
}

impl Instance {
    /// `C_MessageEncryptInit`, `C_MessageDecryptInit`, `C_MessageSignInit`, `C_MessageVerifyInit`;
    /// without a mechanism they end the active process.
    ///
    /// # Errors
    /// `CKR_OPERATION_ACTIVE`, `CKR_MECHANISM_…`, `CKR_KEY_…`.
    pub(crate) fn messages_begin(
        &self,
        session: CK_SESSION_HANDLE,
        kind: MessageKind,
        mechanism: Option<&MechanismCall<'_>>,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let Some(call) = mechanism else {
                let active = session.messages(kind).take();
                return active.map(|_| ()).ok_or(Rv::ARGUMENTS_BAD);
            };
            if session.messages(kind).is_some() {
                return Err(Rv::OPERATION_ACTIVE);
            }
            let row = registry::find(call.kind)
                .filter(|row| message_flags(row) & kind.flag() != 0)
                .ok_or(Rv::MECHANISM_INVALID)?;
            let (purpose, mechanism) = match kind {
                MessageKind::Encrypt => (Purpose::Encrypt, sample(row)?),
                MessageKind::Decrypt => (Purpose::Decrypt, sample(row)?),
                MessageKind::Sign => (signing_purpose(row, false), to_core(row, call, None)?),
                MessageKind::Verify => {
                    let verifying = call.for_verifying();
                    let call = verifying.as_ref().unwrap_or(call);
                    (signing_purpose(row, true), to_core(row, call, None)?)
                }
            };
            let object = self.key(session, key)?;
            let first = slot.token.begin(object, purpose, mechanism);
            let first = first.map_err(|error| rv(&error, kind.doing()))?;
            check_key(row, first.object().spec)?;
            *session.messages(kind) = Some(Box::new(Messages::new(row, first)));
            Ok(())
        })
    }

    /// `C_MessageEncryptFinal` and its kin.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`; `CKR_OPERATION_ACTIVE` in the middle of a message.
    pub(crate) fn messages_finish(
        &self,
        session: CK_SESSION_HANDLE,
        kind: MessageKind,
    ) -> Result<()> {
        self.in_session(session, |session, _| {
            session.active_messages(kind)?.between()?;
            *session.messages(kind) = None;
            Ok(())
        })
    }

    /// What the process's messages are encrypted with: it tells the shape of their parameters.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`.
    pub(crate) fn messages_family(
        &self,
        session: CK_SESSION_HANDLE,
        kind: MessageKind,
    ) -> Result<Family> {
        self.in_session(session, |session, _| {
            Ok(session.active_messages(kind)?.row.family)
        })
    }

    /// `C_EncryptMessage`.
    ///
    /// # Errors
    /// `CKR_OPERATION_…`, `CKR_BUFFER_TOO_SMALL`, `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn encrypt_message(
        &self,
        session: CK_SESSION_HANDLE,
        parameters: &MessageParameters,
        aad: &[u8],
        plaintext: &[u8],
        output: &mut Output<'_>,
    ) -> Result<MadeParameters> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(MessageKind::Encrypt)?;
            messages.between()?;
            if output.room(plaintext.len())?.is_none() {
                return Ok(MadeParameters::default());
            }
            let token = &*slot.token;
            let iv = next_vector(messages, parameters, token)?;
            let mut operation = begin(messages, parameters, &iv, aad, token)
                .map_err(|error| error.of(Doing::Using))?;
            let whole = run(&mut operation, plaintext, token);
            let whole = whole.map_err(|error| rv(&error, Doing::Using))?;
            let (ciphertext, tag) = split(&whole, plaintext.len())?;
            if let Some(room) = output.room(ciphertext.len())? {
                room.copy_from_slice(ciphertext);
            }
            Ok(MadeParameters {
                iv: Some(iv),
                tag: Some(tag.to_vec()),
            })
        })
    }

    /// `C_DecryptMessage`.
    ///
    /// # Errors
    /// As [`Instance::encrypt_message`]; `CKR_AEAD_DECRYPT_FAILED`.
    pub(crate) fn decrypt_message(
        &self,
        session: CK_SESSION_HANDLE,
        parameters: &MessageParameters,
        aad: &[u8],
        ciphertext: &[u8],
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(MessageKind::Decrypt)?;
            messages.between()?;
            if output.room(ciphertext.len())?.is_none() {
                return Ok(());
            }
            let token = &*slot.token;
            let mut operation = begin(messages, parameters, &parameters.iv, aad, token)
                .map_err(|error| error.of(Doing::Decrypting))?;
            let whole = [ciphertext, &parameters.tag].concat();
            let plaintext = run(&mut operation, &whole, token);
            let plaintext = plaintext.map_err(|error| decryption_error(&error))?;
            if let Some(room) = output.room(plaintext.len())? {
                room.copy_from_slice(&plaintext);
            }
            Ok(())
        })
    }

    /// `C_EncryptMessageBegin`, `C_DecryptMessageBegin`.
    ///
    /// # Errors
    /// As [`Instance::encrypt_message`].
    pub(crate) fn message_begin(
        &self,
        session: CK_SESSION_HANDLE,
        kind: MessageKind,
        parameters: &MessageParameters,
        aad: &[u8],
    ) -> Result<MadeParameters> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(kind)?;
            messages.between()?;
            let token = &*slot.token;
            let iv = match kind {
                MessageKind::Encrypt => next_vector(messages, parameters, token)?,
                _ => parameters.iv.clone(),
            };
            let operation = begin(messages, parameters, &iv, aad, token)
                .map_err(|error| error.of(kind.doing()))?;
            messages.message = Some(Message {
                operation,
                taken: 0,
                given: 0,
                tag_length: bytes(parameters.tag_bits)?,
            });
            Ok(MadeParameters {
                iv: (kind == MessageKind::Encrypt).then_some(iv),
                tag: None,
            })
        })
    }

    /// `C_EncryptMessageNext`, `C_DecryptMessageNext`. The tag of an encryption that ends here.
    ///
    /// # Errors
    /// As [`Instance::encrypt_message`] and [`Instance::decrypt_message`].
    pub(crate) fn message_next(
        &self,
        session: CK_SESSION_HANDLE,
        kind: MessageKind,
        tag: &[u8],
        part: &[u8],
        end: bool,
        output: &mut Output<'_>,
    ) -> Result<MadeParameters> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(kind)?;
            let message = messages.within()?;
            let token = &*slot.token;
            let result = if end {
                last(message, kind, tag, part, output, token)
            } else {
                middle(message, kind, part, output, token).map(|()| MadeParameters::default())
            };
            let keeps = match &result {
                Ok(_) => !end || output.is_size_query(),
                Err(rv) => *rv == Rv::BUFFER_TOO_SMALL,
            };
            if !keeps {
                messages.message = None;
            }
            result
        })
    }

    /// Ends the message on its way, whose arguments were wrong.
    pub(crate) fn message_failed(&self, session: CK_SESSION_HANDLE, kind: MessageKind) {
        // Without such a session there is no message either.
        let _ = self.sessions.with(session, |session| {
            if let Some(messages) = session.messages(kind) {
                messages.message = None;
            }
            Ok(())
        });
    }
}

/// An AEAD mechanism of that family, for asking whether a key may be used with it at all.
fn sample(row: &Row) -> Result<Mechanism> {
    let parameters = match row.family {
        Family::Gcm => Parameters::Gcm {
            iv: &[0; 12],
            aad: &[],
            tag_bits: 128,
        },
        Family::ChaCha20Poly1305 => Parameters::ChaCha20Poly1305 {
            nonce: &[0; 12],
            aad: &[],
        },
        _ => Parameters::Ccm {
            data_len: 0,
            nonce: &[0; 12],
            aad: &[],
            mac_len: 16,
        },
    };
    let kind = row.kind;
    to_core(row, &MechanismCall { kind, parameters }, None)
}

fn bytes(bits: CK_ULONG) -> Result<usize> {
    if bits == 0 || bits > 128 || !bits.is_multiple_of(8) {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    usize::try_from(bits / 8).map_err(|_| Rv::MECHANISM_PARAM_INVALID)
}

fn next_vector(
    messages: &mut Messages,
    parameters: &MessageParameters,
    token: &dyn Token,
) -> Result<Vec<u8>> {
    let random = |output: &mut [u8]| {
        let made = token.random(output);
        made.map_err(|error| rv(&error, Doing::Using))
    };
    let MessageParameters {
        iv,
        fixed,
        generator,
        ..
    } = parameters;
    messages.vectors.next(iv, *fixed, *generator, random)
}

/// Why a message could not begin.
enum Failed {
    Parameters(Rv),
    Core(Error),
}

impl Failed {
    fn of(self, doing: Doing) -> Rv {
        match self {
            Failed::Parameters(rv) => rv,
            Failed::Core(error) => rv(&error, doing),
        }
    }
}

fn begin(
    messages: &Messages,
    parameters: &MessageParameters,
    iv: &[u8],
    aad: &[u8],
    token: &dyn Token,
) -> std::result::Result<TokenOperation, Failed> {
    let mechanism = mechanism(messages.row, parameters, iv, aad).map_err(Failed::Parameters)?;
    let begun = token.begin_again(&messages.first, mechanism);
    begun.map_err(Failed::Core)
}

/// The core's mechanism for one message, with all checks that the parameters of a single operation
/// get.
pub(super) fn mechanism(
    row: &Row,
    parameters: &MessageParameters,
    iv: &[u8],
    aad: &[u8],
) -> Result<Mechanism> {
    let tag_length = bytes(parameters.tag_bits)?;
    let structure = match (row.family, parameters.data_length) {
        (Family::Gcm, _) => Parameters::Gcm {
            iv,
            aad,
            tag_bits: parameters.tag_bits,
        },
        (Family::ChaCha20Poly1305, _) => Parameters::ChaCha20Poly1305 { nonce: iv, aad },
        (Family::Ccm, Some(data_len)) => Parameters::Ccm {
            data_len,
            nonce: iv,
            aad,
            mac_len: tag_length as CK_ULONG,
        },
        _ => return Err(Rv::MECHANISM_PARAM_INVALID),
    };
    let call = MechanismCall {
        kind: row.kind,
        parameters: structure,
    };
    to_core(row, &call, None)
}

/// A whole message through the core, which puts the tag behind the ciphertext.
fn run(
    operation: &mut TokenOperation,
    input: &[u8],
    token: &dyn Token,
) -> keybridge_core::Result<Zeroizing<Vec<u8>>> {
    let most = operation.output_length(input.len())?;
    let mut output = Zeroizing::new(vec![0; most]);
    let written = token.run(operation, input, &mut output)?;
    output.truncate(written);
    Ok(output)
}

/// Ciphertext and tag.
pub(super) fn split(whole: &[u8], length: usize) -> Result<(&[u8], &[u8])> {
    whole.split_at_checked(length).ok_or(Rv::GENERAL_ERROR)
}

fn middle(
    message: &mut Message,
    kind: MessageKind,
    part: &[u8],
    output: &mut Output<'_>,
    token: &dyn Token,
) -> Result<()> {
    let error = |error: Error| rv(&error, kind.doing());
    let most = message.operation.update_length(part.len()).map_err(error)?;
    if output.is_size_query() && !part.is_empty() {
        // Never 0, as in `operations::update`.
        output.room(most.max(1))?;
        return Ok(());
    }
    let Some(room) = output.room(most)? else {
        return Ok(());
    };
    let written = token.update(&mut message.operation, part, room);
    let written = written.map_err(error)?;
    message.taken += part.len();
    message.given += written;
    output.wrote(written);
    Ok(())
}

/// The last part. These ciphers keep the length, so what is still to come out is known before
/// anything is done that could not be taken back.
fn last(
    message: &mut Message,
    kind: MessageKind,
    tag: &[u8],
    part: &[u8],
    output: &mut Output<'_>,
    token: &dyn Token,
) -> Result<MadeParameters> {
    let decrypts = kind == MessageKind::Decrypt;
    if decrypts && tag.len() != message.tag_length {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    let length = (message.taken + part.len()).saturating_sub(message.given);
    if output.room(length)?.is_none() {
        return Ok(MadeParameters::default());
    }
    let error = |error: Error| match decrypts {
        true => decryption_error(&error),
        false => rv(&error, Doing::Using),
    };
    let parts = if decrypts {
        vec![part, tag]
    } else {
        vec![part]
    };
    // In one piece: growing would leave copies behind.
    let most = message.taken + part.len() + 2 * tag.len() + 64;
    let mut whole = Zeroizing::new(Vec::with_capacity(most));
    for part in parts {
        let most = message.operation.update_length(part.len());
        let mut out = Zeroizing::new(vec![0; most.map_err(error)?]);
        let written = token.update(&mut message.operation, part, &mut out);
        whole.extend_from_slice(&out[..written.map_err(error)?]);
    }
    let most = message.operation.finish_length().map_err(error)?;
    let mut out = Zeroizing::new(vec![0; most]);
    let written = token.finish(&mut message.operation, &mut out);
    whole.extend_from_slice(&out[..written.map_err(error)?]);
    let (text, tag) = split(&whole, length)?;
    if let Some(room) = output.room(length)? {
        room.copy_from_slice(text);
    }
    Ok(MadeParameters {
        iv: None,
        tag: (!decrypts).then(|| tag.to_vec()),
    })
}
