//! Makes the calls of a case, and writes down what they gave as the case would.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_core::mechanism::names;
use keybridge_pkcs11::rv::Rv;

use super::xml::{Element, Symbols, symbol};
use crate::support::*;

/// Does one call.
pub(super) struct Caller<'a> {
    pub(super) symbols: &'a Symbols,
}

/// What a function gave: its code, and its outputs if that was `CKR_OK`.
type Given = (CK_RV, Vec<Element>);

impl Caller<'_> {
    /// Does it; gives what the case calls the return.
    pub(super) fn call(&self, call: &Element) -> Element {
        let (code, outputs) = self.dispatch(call);
        let name = Rv::from_code(code).map_or_else(|| "CKR_OK".to_owned(), |rv| rv.to_string());
        let name = name.strip_prefix("CKR_").unwrap_or(&name);
        let given = Element::new(&call.name).with("rv", name);
        if code == CKR_OK {
            outputs.into_iter().fold(given, Element::child)
        } else {
            given
        }
    }

    fn dispatch(&self, call: &Element) -> Given {
        match call.name.as_str() {
            "C_Initialize" => none(call!(C_Initialize, null_mut())),
            "C_Finalize" => none(call!(C_Finalize, null_mut())),
            "C_GetInfo" => library(),
            "C_GetSlotList" => self.slots(call),
            "C_GetSlotInfo" => self.slot(call),
            "C_GetTokenInfo" => self.token(call),
            "C_GetMechanismList" => self.mechanisms(call),
            "C_GetMechanismInfo" => self.mechanism(call),
            "C_OpenSession" => self.open(call),
            "C_CloseSession" => none(call!(C_CloseSession, self.number(call, "Session"))),
            "C_CloseAllSessions" => none(call!(C_CloseAllSessions, self.number(call, "SlotID"))),
            "C_Login" => self.login(call),
            "C_Logout" => none(call!(C_Logout, self.number(call, "Session"))),
            "C_FindObjectsInit" => self.search(call),
            "C_FindObjects" => self.found(call),
            "C_FindObjectsFinal" => none(call!(C_FindObjectsFinal, self.number(call, "Session"))),
            "C_GetAttributeValue" => self.attributes(call),
            "C_SignInit" => self.sign_init(call),
            "C_Sign" => self.sign(call),
            other => panic!("{other}: the runner does not know this function yet"),
        }
    }

    /// The value of a parameter, with what its symbol stands for.
    fn text(&self, call: &Element, parameter: &str) -> String {
        let value = call.find(parameter).and_then(|value| value.get("value"));
        let value = value.unwrap_or_else(|| panic!("{} without {parameter}", call.name));
        self.resolved(value)
    }

    fn resolved(&self, value: &str) -> String {
        match symbol(value) {
            None => value.to_owned(),
            Some(symbol) => {
                let known = self.symbols.get(symbol);
                known
                    .unwrap_or_else(|| panic!("nothing said what {value} is"))
                    .clone()
            }
        }
    }

    fn number(&self, call: &Element, parameter: &str) -> CK_ULONG {
        self.text(call, parameter).parse().expect("a number")
    }

    /// The length of an output's buffer, if there is to be one.
    fn length(&self, call: &Element, parameter: &str) -> Option<usize> {
        let length = call.find(parameter)?.get("length")?;
        Some(self.resolved(length).parse().expect("a length"))
    }

    fn slots(&self, call: &Element) -> Given {
        let present = CK_BBOOL::from(self.text(call, "TokenPresent") == "true");
        let room = self.length(call, "SlotList");
        let (mut slots, mut count) = (vec![0; room.unwrap_or(0)], room.unwrap_or(0) as CK_ULONG);
        let list = room.map_or(null_mut(), |_| slots.as_mut_ptr());
        let code = call!(C_GetSlotList, present, list, &mut count);
        let list = Element::new("SlotList").with("length", count);
        let slots = slots.iter().fold(list, |list, id| list.value("SlotID", id));
        (code, vec![slots])
    }

    fn slot(&self, call: &Element) -> Given {
        // SAFETY: numbers and characters, of which all zeros are some.
        let mut info: CK_SLOT_INFO = unsafe { std::mem::zeroed() };
        let code = call!(C_GetSlotInfo, self.number(call, "SlotID"), &mut info);
        let given = Element::new("Info")
            .value("SlotDescription", words(&info.slotDescription))
            .value("ManufacturerID", words(&info.manufacturerID))
            .value("Flags", flags(info.flags, &SLOT_FLAGS))
            .child(version("HardwareVersion", info.hardwareVersion))
            .child(version("FirmwareVersion", info.firmwareVersion));
        (code, vec![given])
    }

    fn token(&self, call: &Element) -> Given {
        // SAFETY: as above.
        let mut info: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
        let code = call!(C_GetTokenInfo, self.number(call, "SlotID"), &mut info);
        let given = Element::new("Info")
            .with("MaxSessionCount", info.ulMaxSessionCount)
            .with("SessionCount", info.ulSessionCount)
            .with("MaxRwSessionCount", info.ulMaxRwSessionCount)
            .with("RwSessionCount", info.ulRwSessionCount)
            .with("MaxPinLen", info.ulMaxPinLen)
            .with("MinPinLen", info.ulMinPinLen)
            .with("TotalPublicMemory", amount(info.ulTotalPublicMemory))
            .with("FreePublicMemory", amount(info.ulFreePublicMemory))
            .with("TotalPrivateMemory", amount(info.ulTotalPrivateMemory))
            .with("FreePrivateMemory", amount(info.ulFreePrivateMemory))
            .value("label", words(&info.label))
            .value("ManufacturerID", words(&info.manufacturerID))
            .value("model", words(&info.model))
            .value("serialNumber", words(&info.serialNumber))
            .value("Flags", flags(info.flags, &TOKEN_FLAGS))
            .child(version("HardwareVersion", info.hardwareVersion))
            .child(version("FirmwareVersion", info.firmwareVersion))
            .value("utcTime", words(&info.utcTime));
        (code, vec![given])
    }

    fn mechanisms(&self, call: &Element) -> Given {
        let slot = self.number(call, "SlotID");
        let room = self.length(call, "MechanismList");
        let (mut kinds, mut count) = (vec![0; room.unwrap_or(0)], room.unwrap_or(0) as CK_ULONG);
        let list = room.map_or(null_mut(), |_| kinds.as_mut_ptr());
        let code = call!(C_GetMechanismList, slot, list, &mut count);
        let list = Element::new("MechanismList").with("length", count);
        // Some have several names.
        let named = names::standard().filter(|(_, kind)| kinds.contains(kind));
        let named = named.map(|(name, _)| name.trim_start_matches("CKM_"));
        (
            code,
            vec![named.fold(list, |list, name| list.value("Type", name))],
        )
    }

    fn mechanism(&self, call: &Element) -> Given {
        // SAFETY: as above.
        let mut info: CK_MECHANISM_INFO = unsafe { std::mem::zeroed() };
        let (slot, kind) = (
            self.number(call, "SlotID"),
            mechanism_of(&self.text(call, "Type")),
        );
        let code = call!(C_GetMechanismInfo, slot, kind, &mut info);
        let given = Element::new("Info")
            .with("MinKeySize", info.ulMinKeySize)
            .with("MaxKeySize", info.ulMaxKeySize)
            .value("Flags", flags(info.flags, &MECHANISM_FLAGS));
        (code, vec![given])
    }

    fn open(&self, call: &Element) -> Given {
        let (slot, asked) = (self.number(call, "SlotID"), self.text(call, "Flags"));
        let has = |flag: &str| asked.split(['|', ' ']).any(|asked| asked == flag);
        let serial = if has("SERIAL_SESSION") {
            CKF_SERIAL_SESSION
        } else {
            0
        };
        let flags = serial | if has("RW_SESSION") { CKF_RW_SESSION } else { 0 };
        let mut session = 0;
        let code = call!(C_OpenSession, slot, flags, null_mut(), None, &mut session);
        (code, vec![Element::new("Session").with("value", session)])
    }

    fn login(&self, call: &Element) -> Given {
        let user = match self.text(call, "UserType").as_str() {
            "USER" => CKU_USER,
            "SO" => CKU_SO,
            other => panic!("who is {other}?"),
        };
        let pin = self.text(call, "Pin");
        none(crate::support::login(
            self.number(call, "Session"),
            user,
            pin.as_bytes(),
        ))
    }

    fn search(&self, call: &Element) -> Given {
        let template = call.find("Template").expect("a template");
        let template = template
            .children
            .iter()
            .fold(Attributes::new(), |all, one| {
                let kind = one.get("type").expect("a type");
                let value = self.resolved(one.get("value").expect("a value"));
                let attribute = attribute(kind);
                all.bytes(attribute.number, &(attribute.read)(&value))
            });
        let raw = template.raw();
        let (session, count) = (self.number(call, "Session"), raw.len() as _);
        none(call!(C_FindObjectsInit, session, mutable(&raw), count))
    }

    fn found(&self, call: &Element) -> Given {
        let most = self.length(call, "Object").expect("how many");
        let (mut objects, mut count) = (vec![0; most], 0);
        let session = self.number(call, "Session");
        let (list, most) = (objects.as_mut_ptr(), most as CK_ULONG);
        let code = call!(C_FindObjects, session, list, most, &mut count);
        let objects = objects[..count as usize].iter();
        let list = objects.fold(Element::new("Object"), |list, object| {
            list.value("Object", object)
        });
        (code, vec![list])
    }

    fn attributes(&self, call: &Element) -> Given {
        let asked = &call.find("Template").expect("a template").children;
        let mut values: Vec<Option<Vec<u8>>> = asked
            .iter()
            .map(|one| {
                let length = one.get("length")?;
                Some(vec![0; self.resolved(length).parse().expect("a length")])
            })
            .collect();
        let kinds = asked
            .iter()
            .map(|one| attribute(one.get("type").expect("a type")));
        let mut raw: Vec<CK_ATTRIBUTE> = kinds
            .zip(&mut values)
            .map(|(kind, value)| CK_ATTRIBUTE {
                type_: kind.number,
                pValue: value.as_mut().map_or(null_mut(), |v| v.as_mut_ptr().cast()),
                ulValueLen: value.as_ref().map_or(0, Vec::len) as _,
            })
            .collect();
        let (session, object) = (self.number(call, "Session"), self.number(call, "Object"));
        let (list, count) = (raw.as_mut_ptr(), raw.len() as CK_ULONG);
        let code = call!(C_GetAttributeValue, session, object, list, count);
        let given = asked.iter().zip(values).zip(&raw);
        let template = given.fold(Element::new("Template"), |list, ((one, value), raw)| {
            let kind = one.get("type").expect("a type");
            let given = Element::new("Attribute").with("type", kind);
            list.child(match value {
                None => given.with("length", raw.ulValueLen),
                Some(value) => {
                    let value = value.get(..raw.ulValueLen as usize).unwrap_or_default();
                    given.with("value", (attribute(kind).write)(value))
                }
            })
        });
        (code, vec![template])
    }

    fn sign_init(&self, call: &Element) -> Given {
        let by = call.find("Mechanism").expect("a mechanism");
        let mut mechanism = mechanism(mechanism_of(&self.text(by, "Type")));
        let (session, key) = (self.number(call, "Session"), self.number(call, "Key"));
        none(call!(C_SignInit, session, &mut mechanism, key))
    }

    fn sign(&self, call: &Element) -> Given {
        let data = bytes(&self.text(call, "Data"));
        let mut signature = vec![0; self.length(call, "Signature").expect("a length")];
        let mut length = signature.len() as CK_ULONG;
        let (session, room) = (self.number(call, "Session"), signature.as_mut_ptr());
        let code = call!(
            C_Sign,
            session,
            mutable(&data),
            data.len() as _,
            room,
            &mut length
        );
        let signature = &signature[..length as usize];
        let given = Element::new("Signature").with("value", hex(signature));
        (code, vec![given])
    }
}

fn none(code: CK_RV) -> Given {
    (code, Vec::new())
}

fn library() -> Given {
    // SAFETY: numbers and characters, of which all zeros are some.
    let mut info: CK_INFO = unsafe { std::mem::zeroed() };
    let code = call!(C_GetInfo, &mut info);
    let given = Element::new("Info")
        .child(version("CryptokiVersion", info.cryptokiVersion))
        .value("ManufacturerID", words(&info.manufacturerID))
        .value("Flags", flags(info.flags, &[]))
        .value("LibraryDescription", words(&info.libraryDescription))
        .child(version("LibraryVersion", info.libraryVersion));
    (code, vec![given])
}

fn version(name: &str, version: CK_VERSION) -> Element {
    let element = Element::new(name).with("major", version.major);
    element.with("minor", version.minor)
}

/// Characters of a structure, which are padded with blanks.
fn words(characters: &[u8]) -> String {
    String::from_utf8(characters.to_vec()).expect("UTF-8")
}

/// "The string values … SHOULD be used instead".
fn amount(number: CK_ULONG) -> String {
    match number {
        CK_UNAVAILABLE_INFORMATION => "UnavailableInformation".to_owned(),
        number => number.to_string(),
    }
}

type FlagNames = [(&'static str, CK_FLAGS)];

/// Flags by their names; bits without one as a number, so that none is lost.
fn flags(flags: CK_FLAGS, names: &FlagNames) -> String {
    let set = names.iter().filter(|(_, flag)| flags & flag != 0);
    let mut set: Vec<String> = set.map(|(name, _)| (*name).to_owned()).collect();
    let rest = names.iter().fold(flags, |rest, (_, flag)| rest & !flag);
    if rest != 0 || set.is_empty() {
        set.push(format!("{rest:#x}"));
    }
    set.join("|")
}

const SLOT_FLAGS: [(&str, CK_FLAGS); 3] = [
    ("TOKEN_PRESENT", CKF_TOKEN_PRESENT),
    ("REMOVABLE_DEVICE", CKF_REMOVABLE_DEVICE),
    ("HW_SLOT", CKF_HW_SLOT),
];

const TOKEN_FLAGS: [(&str, CK_FLAGS); 6] = [
    ("RNG", CKF_RNG),
    ("LOGIN_REQUIRED", CKF_LOGIN_REQUIRED),
    ("USER_PIN_INITIALIZED", CKF_USER_PIN_INITIALIZED),
    ("RESTORE_KEY_NOT_NEEDED", CKF_RESTORE_KEY_NOT_NEEDED),
    ("DUAL_CRYPTO_OPERATIONS", CKF_DUAL_CRYPTO_OPERATIONS),
    ("TOKEN_INITIALIZED", CKF_TOKEN_INITIALIZED),
];

const MECHANISM_FLAGS: [(&str, CK_FLAGS); 12] = [
    ("ENCRYPT", CKF_ENCRYPT),
    ("DECRYPT", CKF_DECRYPT),
    ("DIGEST", CKF_DIGEST),
    ("SIGN", CKF_SIGN),
    ("SIGN_RECOVER", CKF_SIGN_RECOVER),
    ("VERIFY", CKF_VERIFY),
    ("VERIFY_RECOVER", CKF_VERIFY_RECOVER),
    ("GENERATE", CKF_GENERATE),
    ("GENERATE_KEY_PAIR", CKF_GENERATE_KEY_PAIR),
    ("WRAP", CKF_WRAP),
    ("UNWRAP", CKF_UNWRAP),
    ("DERIVE", CKF_DERIVE),
];

fn mechanism_of(name: &str) -> CK_MECHANISM_TYPE {
    let number = names::number_of(&format!("CKM_{name}"));
    number.unwrap_or_else(|| panic!("no mechanism {name}"))
}

/// An attribute that cases name, and how its value is written.
struct Attribute {
    number: CK_ATTRIBUTE_TYPE,
    read: fn(&str) -> Vec<u8>,
    write: fn(&[u8]) -> String,
}

fn attribute(name: &str) -> Attribute {
    let of = |number, read, write| Attribute {
        number,
        read,
        write,
    };
    match name {
        "CLASS" => of(CKA_CLASS, class, hex),
        "TOKEN" => of(CKA_TOKEN, boolean, told),
        "PRIVATE" => of(CKA_PRIVATE, boolean, told),
        "MODIFIABLE" => of(CKA_MODIFIABLE, boolean, told),
        "LABEL" => of(CKA_LABEL, |text| text.as_bytes().to_vec(), text),
        "ID" => of(CKA_ID, bytes, hex),
        "VALUE" => of(CKA_VALUE, bytes, hex),
        "MODULUS" => of(CKA_MODULUS, bytes, hex),
        "PUBLIC_EXPONENT" => of(CKA_PUBLIC_EXPONENT, bytes, hex),
        other => panic!("{other}: the runner does not know this attribute yet"),
    }
}

fn class(name: &str) -> Vec<u8> {
    let class = match name {
        "DATA" => CKO_DATA,
        "CERTIFICATE" => CKO_CERTIFICATE,
        "PUBLIC_KEY" => CKO_PUBLIC_KEY,
        "PRIVATE_KEY" => CKO_PRIVATE_KEY,
        "SECRET_KEY" => CKO_SECRET_KEY,
        "PROFILE" => CKO_PROFILE,
        other => panic!("no class {other}"),
    };
    class.to_ne_bytes().to_vec()
}

fn boolean(text: &str) -> Vec<u8> {
    vec![u8::from(text.eq_ignore_ascii_case("true"))]
}

fn told(value: &[u8]) -> String {
    (value != [CK_FALSE]).to_string()
}

/// A label; that of a case about C strings has the zero at its end, which is not written.
fn text(value: &[u8]) -> String {
    let value = value.strip_suffix(&[0]).unwrap_or(value);
    String::from_utf8(value.to_vec()).expect("UTF-8")
}

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("hexadecimal digits")
    };
    digits.map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
