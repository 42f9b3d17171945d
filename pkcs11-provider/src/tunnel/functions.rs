//! The functions by number, with their parameters in the order of the standard's prototypes.

use cryptoki_sys::*;

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

/// A function by its place in `CK_FUNCTION_LIST_3_2`, which begins as `CK_FUNCTION_LIST_3_0` does, of which KMIP
/// speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function(u32);

/// Functions of the library that are not carried, with the reason.
pub const NOT_CARRIED: &[(&str, &str)] = &[
    ("C_GetFunctionList", ADDRESSES),
    ("C_GetInterfaceList", ADDRESSES),
    ("C_GetInterface", ADDRESSES),
    ("C_AsyncComplete", NOTHING_ASYNCHRONOUS),
    ("C_AsyncGetID", NOTHING_ASYNCHRONOUS),
    ("C_AsyncJoin", NOTHING_ASYNCHRONOUS),
];

const ADDRESSES: &str = "gives addresses of functions in the application's own process";
const NOTHING_ASYNCHRONOUS: &str = "the library has it not: no call is asynchronous";

impl Function {
    /// C_Initialize.
    pub const INITIALIZE: Self = Self(1);
    /// C_Finalize.
    pub const FINALIZE: Self = Self(2);
    /// Functions of the list.
    pub const COUNT: u32 = 104;

    /// The function of that number, if there is one.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1..=Self::COUNT => Some(Self(number)),
            _ => None,
        }
    }
}

type Done = Result<(), Fault>;

pub(super) fn call(
    instance: &Instance,
    Function(number): Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match number {
        3 | 5..=20 | 71 | 72 => administration(instance, number, reader, writer),
        21..=29 => objects(instance, number, reader, writer),
        30..=58 => operations(instance, number, reader, writer),
        59..=65 => keys::call(instance, number, reader, writer),
        66 | 67 => {
            let session = reader.ulong()?;
            reader.end()?;
            instance.session_information(session)?;
            Err(Rv::FUNCTION_NOT_PARALLEL.into())
        }
        68 => {
            let flags = last(reader)?;
            // No slot ever changes, and who waits for it would keep a thread of the server.
            Err(if flags & CKF_DONT_BLOCK == 0 {
                Rv::FUNCTION_NOT_SUPPORTED.into()
            } else {
                Rv::NO_EVENT.into()
            })
        }
        73..=92 => messages::call(instance, number, reader, writer),
        93..=99 | 103 | 104 => newer::call(instance, number, reader, writer),
        // C_GetFunctionList and the interfaces are addresses in a process; nothing here is asynchronous.
        _ => Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
}

fn administration(
    instance: &Instance,
    number: u32,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match number {
        3 => {
            reader.end()?;
            information::library(writer);
        }
        5 => {
            let (_, room) = (reader.flag()?, reader.room()?);
            reader.end()?;
            return writer.list(room, &instance.slot_list());
        }
        6 => {
            let slot = last(reader)?;
            instance.slot_information(slot)?;
            information::slot(slot, writer);
        }
        7 => {
            let token = instance.token_information(last(reader)?)?;
            information::token(&token, writer);
        }
        8 => {
            let (slot, room) = (reader.ulong()?, reader.room()?);
            reader.end()?;
            return writer.list(room, &instance.mechanism_list(slot)?);
        }
        9 => {
            let (slot, kind) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            let mechanism = instance.mechanism_information(slot, kind)?;
            writer.ulong(mechanism.min_key_size);
            writer.ulong(mechanism.max_key_size);
            writer.ulong(mechanism.flags);
        }
        10 => {
            let (slot, pin) = (reader.ulong()?, reader.bytes()?);
            let label = reader.take(32)?;
            reader.end()?;
            instance.init_token(slot, pin, label)?;
        }
        11 => {
            let (session, pin) = (reader.ulong()?, reader.bytes()?);
            reader.end()?;
            instance.init_pin(session, pin)?;
        }
        12 => {
            let (session, old, new) = (reader.ulong()?, reader.bytes()?, reader.bytes()?);
            reader.end()?;
            instance.set_pin(session, old, new)?;
        }
        _ => return sessions(instance, number, reader, writer),
    }
    Ok(())
}

fn sessions(
    instance: &Instance,
    number: u32,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match number {
        13 => {
            // The application's pointer and callback stay with the client.
            let (slot, flags) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            writer.ulong(instance.open_session(slot, flags)?);
        }
        14 => instance.close_session(last(reader)?)?,
        15 => instance.close_all_sessions(last(reader)?)?,
        16 => {
            let session = instance.session_information(last(reader)?)?;
            for number in [session.slot, session.state, session.flags, 0] {
                writer.ulong(number);
            }
        }
        17 => {
            let (session, room) = (reader.ulong()?, reader.room()?);
            reader.end()?;
            return writer.output(room, |output| instance.operation_state(session, output));
        }
        18 => {
            let (session, state) = (reader.ulong()?, reader.bytes()?);
            let keys = [reader.ulong()?, reader.ulong()?];
            reader.end()?;
            instance.set_operation_state(session, state, keys)?;
        }
        19 | 71 => {
            let (session, user, pin) = (reader.ulong()?, reader.ulong()?, reader.bytes()?);
            if number == 71 && !reader.bytes()?.is_empty() {
                // Users have no names here but the standard's types.
                return Err(Rv::ARGUMENTS_BAD.into());
            }
            reader.end()?;
            instance.login(session, UserType::from_number(user)?, pin)?;
        }
        20 => instance.logout(last(reader)?)?,
        _ => {
            let (session, flags) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            instance.cancel(session, flags)?;
        }
    }
    Ok(())
}

/// The only parameter of a function.
pub(super) fn last(reader: &mut Reader<'_>) -> Result<CK_ULONG, Fault> {
    let number = reader.ulong()?;
    reader.end()?;
    Ok(number)
}

fn objects(instance: &Instance, number: u32, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
    let session = reader.ulong()?;
    match number {
        21 => {
            let template = templates::read(reader)?;
            reader.end()?;
            writer.ulong(instance.create_object(session, &template.template()?)?);
        }
        22 => {
            let (object, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            writer.ulong(instance.copy_object(session, object, &template.template()?)?);
        }
        23 => instance.destroy_object(session, last(reader)?)?,
        24 => writer.ulong(instance.object_size(session, last(reader)?)? as CK_ULONG),
        25 => {
            let (object, asked) = (reader.ulong()?, templates::asked(reader)?);
            reader.end()?;
            let kinds: Vec<_> = asked.iter().map(|asked| asked.kind).collect();
            let answers = instance.attribute_values(session, object, &kinds)?;
            templates::answer(writer, &asked, &answers)?;
        }
        26 => {
            let (object, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            instance.set_attribute_values(session, object, &template.template()?)?;
        }
        27 => {
            let template = templates::read(reader)?;
            reader.end()?;
            instance.find_objects_init(session, &template.template()?)?;
        }
        28 => {
            // An array that is always there: its room, and then how many were found.
            let most = reader.count()?;
            reader.end()?;
            let found = instance.find_objects(session, most.min(MAX_FOUND))?;
            writer.count(found.len());
            for object in found {
                writer.ulong(object);
            }
        }
        _ => {
            reader.end()?;
            instance.find_objects_final(session)?;
        }
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
    number: u32,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let step = match number {
        30 => Step::Init(Kind::Encrypt),
        31 => Step::OnePart(Kind::Encrypt),
        32 => Step::Update(Kind::Encrypt),
        33 => Step::Final(Kind::Encrypt),
        34 => Step::Init(Kind::Decrypt),
        35 => Step::OnePart(Kind::Decrypt),
        36 => Step::Update(Kind::Decrypt),
        37 => Step::Final(Kind::Decrypt),
        43 => Step::Init(Kind::Sign),
        44 => Step::OnePart(Kind::Sign),
        45 => Step::Absorb(Kind::Sign),
        46 => Step::Final(Kind::Sign),
        47 => Step::Init(Kind::SignRecover),
        48 => Step::OnePart(Kind::SignRecover),
        49 => Step::Init(Kind::Verify),
        51 => Step::Absorb(Kind::Verify),
        53 => Step::Init(Kind::VerifyRecover),
        54 => Step::OnePart(Kind::VerifyRecover),
        55 => Step::Dual(Kind::Encrypt, Second::Digest),
        56 => Step::Dual(Kind::Decrypt, Second::Digest),
        57 => Step::Dual(Kind::Encrypt, Second::Sign),
        58 => Step::Dual(Kind::Decrypt, Second::Verify),
        _ => return digests(instance, number, reader, writer),
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
fn digests(instance: &Instance, number: u32, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
    let session = reader.ulong()?;
    match number {
        38 => {
            let mechanism = mechanisms::read(reader)?;
            reader.end()?;
            instance.digest_init(session, Some(&mechanism.call()?))?;
        }
        39 => {
            let (data, room) = input_and_room(reader)?;
            writer.output(room, |output| instance.digest(session, data, output))?;
        }
        40 => {
            let part = reader.bytes()?;
            reader.end()?;
            instance.digest_update(session, part)?;
        }
        41 => instance.digest_key(session, last(reader)?)?,
        42 => {
            let room = reader.room()?;
            reader.end()?;
            writer.output(room, |output| instance.digest_final(session, output))?;
        }
        50 => {
            let (data, signature) = (reader.bytes()?, reader.bytes()?);
            reader.end()?;
            instance.verify(session, data, signature)?;
        }
        _ => {
            let signature = reader.bytes()?;
            reader.end()?;
            instance.verify_final(session, signature)?;
        }
    }
    Ok(())
}
