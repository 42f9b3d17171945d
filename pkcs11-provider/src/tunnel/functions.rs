//! The functions by number, with their parameters in the order of the standard's prototypes.

use cryptoki_sys::*;

use self::Function as F;

use super::codec::{Fault, Reader, Room, Writer};
use super::{information, keys, mechanisms, messages, newer, templates};
use crate::functions::{Second, UserType};
use crate::module::Instance;
use crate::rv::Rv;
use crate::session::Kind;

/// Handles that one C_FindObjects gives at most.
const MAX_FOUND: usize = 4096;

/// Bytes of a vector that the token makes for C_EncryptInit.
const VECTOR: usize = 12;

macro_rules! functions {
    ($($version:ident {
        $($name:ident($($arg:ident: $kind:ident),*) $(=> $implementation:path $([$($first:expr),+])?)?;)*
    })*) => {
        /// A function by its place in `CK_FUNCTION_LIST_3_2`, which begins as `CK_FUNCTION_LIST_3_0` does, of which
        /// KMIP speaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(non_camel_case_types, reason = "the standard's names")]
        pub enum Function {
            $($(
                #[doc = concat!("`", stringify!($name), "`.")]
                $name,
            )*)*
        }

        impl Function {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];
        }
    };
}

crate::ffi::functions::for_each_function!(functions);

/// Functions of the library that are not carried, with the reason.
pub const NOT_CARRIED: &[(Function, &str)] = &[
    (F::C_GetFunctionList, ADDRESSES),
    (F::C_GetInterfaceList, ADDRESSES),
    (F::C_GetInterface, ADDRESSES),
    (F::C_AsyncComplete, NOTHING_ASYNCHRONOUS),
    (F::C_AsyncGetID, NOTHING_ASYNCHRONOUS),
    (F::C_AsyncJoin, NOTHING_ASYNCHRONOUS),
];

const ADDRESSES: &str = "gives addresses of functions in the application's own process";
const NOTHING_ASYNCHRONOUS: &str = "the library has it not: no call is asynchronous";

impl Function {
    /// The function of that number, counted from 1, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        Self::ALL.get(place).copied()
    }
}

type Done = Result<(), Fault>;

pub(super) fn call(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match function {
        F::C_GetFunctionStatus | F::C_CancelFunction => {
            let session = reader.ulong()?;
            reader.end()?;
            instance.session_information(session)?;
            Err(Rv::FUNCTION_NOT_PARALLEL.into())
        }
        F::C_WaitForSlotEvent => {
            let flags = last(reader)?;
            // No slot ever changes, and who waits for it would keep a thread of the server.
            Err(if flags & CKF_DONT_BLOCK == 0 {
                Rv::FUNCTION_NOT_SUPPORTED.into()
            } else {
                Rv::NO_EVENT.into()
            })
        }
        _ if NOT_CARRIED.iter().any(|(other, _)| *other == function) => {
            Err(Rv::FUNCTION_NOT_SUPPORTED.into())
        }
        _ if function <= F::C_SetPIN => administration(instance, function, reader, writer),
        F::C_LoginUser | F::C_SessionCancel => sessions(instance, function, reader, writer),
        _ if function <= F::C_Logout => sessions(instance, function, reader, writer),
        _ if function <= F::C_FindObjectsFinal => objects(instance, function, reader, writer),
        _ if function <= F::C_DecryptVerifyUpdate => operations(instance, function, reader, writer),
        _ if function <= F::C_GenerateRandom => keys::call(instance, function, reader, writer),
        _ if function <= F::C_MessageVerifyFinal => {
            messages::call(instance, function, reader, writer)
        }
        _ => newer::call(instance, function, reader, writer),
    }
}

fn administration(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match function {
        F::C_GetInfo => {
            reader.end()?;
            information::library(writer);
        }
        F::C_GetSlotList => {
            let (_, room) = (reader.flag()?, reader.room()?);
            reader.end()?;
            return writer.list(room, &instance.slot_list());
        }
        F::C_GetSlotInfo => {
            let slot = last(reader)?;
            instance.slot_information(slot)?;
            information::slot(slot, writer);
        }
        F::C_GetTokenInfo => {
            let token = instance.token_information(last(reader)?)?;
            information::token(&token, writer);
        }
        F::C_GetMechanismList => {
            let (slot, room) = (reader.ulong()?, reader.room()?);
            reader.end()?;
            return writer.list(room, &instance.mechanism_list(slot)?);
        }
        F::C_GetMechanismInfo => {
            let (slot, kind) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            let mechanism = instance.mechanism_information(slot, kind)?;
            writer.ulong(mechanism.min_key_size);
            writer.ulong(mechanism.max_key_size);
            writer.ulong(mechanism.flags);
        }
        F::C_InitToken => {
            let (slot, pin) = (reader.ulong()?, reader.bytes()?);
            let label = reader.take(32)?;
            reader.end()?;
            instance.init_token(slot, pin, label)?;
        }
        F::C_InitPIN => {
            let (session, pin) = (reader.ulong()?, reader.bytes()?);
            reader.end()?;
            instance.init_pin(session, pin)?;
        }
        F::C_SetPIN => {
            let (session, old, new) = (reader.ulong()?, reader.bytes()?, reader.bytes()?);
            reader.end()?;
            instance.set_pin(session, old, new)?;
        }
        _ => return Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
    Ok(())
}

fn sessions(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match function {
        F::C_OpenSession => {
            // The application's pointer and callback stay with the client.
            let (slot, flags) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            writer.ulong(instance.open_session(slot, flags)?);
        }
        F::C_CloseSession => instance.close_session(last(reader)?)?,
        F::C_CloseAllSessions => instance.close_all_sessions(last(reader)?)?,
        F::C_GetSessionInfo => {
            let session = instance.session_information(last(reader)?)?;
            for number in [session.slot, session.state, session.flags, 0] {
                writer.ulong(number);
            }
        }
        F::C_GetOperationState => {
            let (session, room) = (reader.ulong()?, reader.room()?);
            reader.end()?;
            return writer.output(room, |output| instance.operation_state(session, output));
        }
        F::C_SetOperationState => {
            let (session, state) = (reader.ulong()?, reader.bytes()?);
            let keys = [reader.ulong()?, reader.ulong()?];
            reader.end()?;
            instance.set_operation_state(session, state, keys)?;
        }
        F::C_Login | F::C_LoginUser => {
            let (session, user, pin) = (reader.ulong()?, reader.ulong()?, reader.bytes()?);
            if function == F::C_LoginUser && !reader.bytes()?.is_empty() {
                // Users have no names here but the standard's types.
                return Err(Rv::ARGUMENTS_BAD.into());
            }
            reader.end()?;
            instance.login(session, UserType::from_number(user)?, pin)?;
        }
        F::C_Logout => instance.logout(last(reader)?)?,
        F::C_SessionCancel => {
            let (session, flags) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            instance.cancel(session, flags)?;
        }
        _ => return Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
    Ok(())
}

/// The only parameter of a function.
pub(super) fn last(reader: &mut Reader<'_>) -> Result<CK_ULONG, Fault> {
    let number = reader.ulong()?;
    reader.end()?;
    Ok(number)
}

fn objects(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let session = reader.ulong()?;
    match function {
        F::C_CreateObject => {
            let template = templates::read(reader)?;
            reader.end()?;
            writer.ulong(instance.create_object(session, &template.template()?)?);
        }
        F::C_CopyObject => {
            let (object, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            writer.ulong(instance.copy_object(session, object, &template.template()?)?);
        }
        F::C_DestroyObject => instance.destroy_object(session, last(reader)?)?,
        F::C_GetObjectSize => {
            writer.ulong(instance.object_size(session, last(reader)?)? as CK_ULONG)
        }
        F::C_GetAttributeValue => {
            let (object, asked) = (reader.ulong()?, templates::asked(reader)?);
            reader.end()?;
            let kinds: Vec<_> = asked.iter().map(|asked| asked.kind).collect();
            let answers = instance.attribute_values(session, object, &kinds)?;
            templates::answer(writer, &asked, &answers)?;
        }
        F::C_SetAttributeValue => {
            let (object, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            instance.set_attribute_values(session, object, &template.template()?)?;
        }
        F::C_FindObjectsInit => {
            let template = templates::read(reader)?;
            reader.end()?;
            instance.find_objects_init(session, &template.template()?)?;
        }
        F::C_FindObjects => {
            // An array that is always there: its room, and then how many were found.
            let most = reader.count()?;
            reader.end()?;
            let found = instance.find_objects(session, most.min(MAX_FOUND))?;
            writer.count(found.len());
            for object in found {
                writer.ulong(object);
            }
        }
        F::C_FindObjectsFinal => {
            reader.end()?;
            instance.find_objects_final(session)?;
        }
        _ => return Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
    Ok(())
}

/// What an operation's function does.
enum Step {
    Init(Kind),
    OnePart(Kind),
    Update(Kind),
    Final(Kind),
    Absorb(Kind),
    Dual(Kind, Second),
}

fn operations(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let step = match function {
        F::C_EncryptInit => Step::Init(Kind::Encrypt),
        F::C_Encrypt => Step::OnePart(Kind::Encrypt),
        F::C_EncryptUpdate => Step::Update(Kind::Encrypt),
        F::C_EncryptFinal => Step::Final(Kind::Encrypt),
        F::C_DecryptInit => Step::Init(Kind::Decrypt),
        F::C_Decrypt => Step::OnePart(Kind::Decrypt),
        F::C_DecryptUpdate => Step::Update(Kind::Decrypt),
        F::C_DecryptFinal => Step::Final(Kind::Decrypt),
        F::C_SignInit => Step::Init(Kind::Sign),
        F::C_Sign => Step::OnePart(Kind::Sign),
        F::C_SignUpdate => Step::Absorb(Kind::Sign),
        F::C_SignFinal => Step::Final(Kind::Sign),
        F::C_SignRecoverInit => Step::Init(Kind::SignRecover),
        F::C_SignRecover => Step::OnePart(Kind::SignRecover),
        F::C_VerifyInit => Step::Init(Kind::Verify),
        F::C_VerifyUpdate => Step::Absorb(Kind::Verify),
        F::C_VerifyRecoverInit => Step::Init(Kind::VerifyRecover),
        F::C_VerifyRecover => Step::OnePart(Kind::VerifyRecover),
        F::C_DigestEncryptUpdate => Step::Dual(Kind::Encrypt, Second::Digest),
        F::C_DecryptDigestUpdate => Step::Dual(Kind::Decrypt, Second::Digest),
        F::C_SignEncryptUpdate => Step::Dual(Kind::Encrypt, Second::Sign),
        F::C_DecryptVerifyUpdate => Step::Dual(Kind::Decrypt, Second::Verify),
        _ => return digests(instance, function, reader, writer),
    };
    let session = reader.ulong()?;
    match step {
        Step::Init(kind) => {
            let (mechanism, key) = (mechanisms::read(reader)?, reader.ulong()?);
            reader.end()?;
            if kind == Kind::Encrypt
                && let Some(wanting) = mechanism.without_vector()
            {
                let mut iv = [0; VECTOR];
                instance.generate_random(session, &mut iv)?;
                instance.begin(session, kind, Some(&wanting.with(&iv)), key)?;
                writer.made(Some(&iv), VECTOR);
            } else {
                instance.begin(session, kind, Some(&mechanism.call()?), key)?;
            }
        }
        Step::OnePart(kind) => {
            let (input, room) = input_and_room(reader)?;
            writer.output(room, |output| instance.run(session, kind, input, output))?;
        }
        Step::Update(kind) => {
            let (input, room) = input_and_room(reader)?;
            writer.output(room, |output| instance.update(session, kind, input, output))?;
        }
        Step::Dual(kind, second) => {
            let (input, room) = input_and_room(reader)?;
            writer.output(room, |output| {
                instance.dual_update(session, kind, second, input, output)
            })?;
        }
        Step::Final(kind) => {
            let room = reader.room()?;
            reader.end()?;
            writer.output(room, |output| instance.finish(session, kind, output))?;
        }
        Step::Absorb(kind) => {
            let part = reader.bytes()?;
            reader.end()?;
            instance.absorb(session, kind, part)?;
        }
    }
    Ok(())
}

fn input_and_room<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Room), Fault> {
    let (input, room) = (reader.bytes()?, reader.room()?);
    reader.end()?;
    Ok((input, room))
}

/// Digests, and verifications, which have no output.
fn digests(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let session = reader.ulong()?;
    match function {
        F::C_DigestInit => {
            let mechanism = mechanisms::read(reader)?;
            reader.end()?;
            instance.digest_init(session, Some(&mechanism.call()?))?;
        }
        F::C_Digest => {
            let (data, room) = input_and_room(reader)?;
            writer.output(room, |output| instance.digest(session, data, output))?;
        }
        F::C_DigestUpdate => {
            let part = reader.bytes()?;
            reader.end()?;
            instance.digest_update(session, part)?;
        }
        F::C_DigestKey => instance.digest_key(session, last(reader)?)?,
        F::C_DigestFinal => {
            let room = reader.room()?;
            reader.end()?;
            writer.output(room, |output| instance.digest_final(session, output))?;
        }
        F::C_Verify => {
            let (data, signature) = (reader.bytes()?, reader.bytes()?);
            reader.end()?;
            instance.verify(session, data, signature)?;
        }
        F::C_VerifyFinal => {
            let signature = reader.bytes()?;
            reader.end()?;
            instance.verify_final(session, signature)?;
        }
        _ => return Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
    Ok(())
}
