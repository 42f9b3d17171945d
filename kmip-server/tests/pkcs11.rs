//! PKCS#11 through KMIP: an application's calls, encoded as the profile says.

use keybridge_core::model::Role;
use keybridge_core::{Door, SecretBytes};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{PKCS_11Function as F, ResultReason};
use keybridge_kmip::operations::pkcs11::FunctionNumber;
use keybridge_kmip::operations::{PKCS11Request, PKCS11Response};

use crate::harness::{House, payload};

const PIN: &[u8] = b"user-123456";

const CKA_CLASS: u64 = 0;
const CKA_TOKEN: u64 = 1;
const CKA_LABEL: u64 = 3;
const CKA_VALUE: u64 = 0x11;
const CKA_SENSITIVE: u64 = 0x103;
const CKA_ENCRYPT: u64 = 0x104;
const CKA_DECRYPT: u64 = 0x105;
const CKA_VALUE_LEN: u64 = 0x161;
const CKA_EXTRACTABLE: u64 = 0x162;
const CKM_SHA256: u64 = 0x250;
const CKM_AES_KEY_GEN: u64 = 0x1080;
const CKM_AES_CBC_PAD: u64 = 0x1085;
const CKM_AES_GCM: u64 = 0x1087;
const OK: u32 = 0;

/// Input parameters.
#[derive(Default, Clone)]
struct In(Vec<u8>);

impl In {
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
    fn byte(self, byte: u8) -> Self {
        self.raw(&[byte])
    }
    fn ulong(self, number: u64) -> Self {
        self.raw(&number.to_be_bytes())
    }
    fn count(self, count: usize) -> Self {
        self.raw(&u32::try_from(count).unwrap().to_be_bytes())
    }
    fn bytes(self, bytes: &[u8]) -> Self {
        self.count(bytes.len()).raw(bytes)
    }
    fn room(self, length: usize) -> Self {
        self.byte(1).count(length)
    }
    fn no_room(self) -> Self {
        self.byte(0).count(0)
    }
    /// A CK_BBOOL or CK_ULONG attribute: no count.
    fn single(self, kind: u64, value: &[u8]) -> Self {
        self.ulong(kind).byte(1).byte(1).raw(value)
    }
    fn flag(self, kind: u64, value: bool) -> Self {
        self.single(kind, &[u8::from(value)])
    }
    fn array(self, kind: u64, value: &[u8]) -> Self {
        self.ulong(kind).byte(1).byte(1).bytes(value)
    }
    fn mechanism(self, kind: u64, parameter: Option<In>) -> Self {
        match parameter {
            None => self.ulong(kind).byte(0),
            Some(parameter) => self.ulong(kind).byte(1).bytes(&parameter.0),
        }
    }
}

/// A client in a session.
struct App<'a> {
    house: &'a House,
    value: Vec<u8>,
}

impl<'a> App<'a> {
    fn new(house: &'a House) -> Self {
        let answer = call(house, None, F::C_Initialize, &[1]);
        assert_eq!(answer.return_code.0, OK);
        let value = answer.correlation_value.expect("a correlation value");
        Self { house, value }
    }

    fn raw(&self, function: F, input: In) -> (u32, Vec<u8>) {
        let answer = call(self.house, Some(&self.value), function, &input.0);
        assert_eq!(answer.correlation_value, None);
        let output = answer.output_parameters.map(|output| output.to_vec());
        (answer.return_code.0, output.unwrap_or_default())
    }

    #[track_caller]
    fn ok(&self, function: F, input: In) -> Vec<u8> {
        let (code, output) = self.raw(function, input);
        assert_eq!(code, OK, "{function:?}");
        output
    }

    #[track_caller]
    fn handle(&self, function: F, input: In) -> u64 {
        u64::from_be_bytes(self.ok(function, input).try_into().unwrap())
    }

    /// What was written to an output buffer.
    #[track_caller]
    fn written(&self, function: F, input: In) -> Vec<u8> {
        let output = self.ok(function, input);
        assert_eq!(output[0], 1);
        let length = u32::from_be_bytes(output[1..5].try_into().unwrap()) as usize;
        assert_eq!(output.len(), 5 + length);
        output[5..].to_vec()
    }

    fn session(&self) -> u64 {
        // CKF_RW_SESSION and CKF_SERIAL_SESSION.
        let session = self.handle(F::C_OpenSession, In::default().ulong(0).ulong(6));
        let login = In::default().ulong(session).ulong(1).bytes(PIN);
        self.ok(F::C_Login, login);
        session
    }
}

fn request(value: Option<&[u8]>, function: F, input: &[u8]) -> PKCS11Request {
    PKCS11Request {
        interface: None,
        function: FunctionNumber::Standard(function),
        correlation_value: value.map(<[u8]>::to_vec),
        input_parameters: (!input.is_empty()).then(|| input.into()),
    }
}

fn call(house: &House, value: Option<&[u8]>, function: F, input: &[u8]) -> PKCS11Response {
    let request = request(value, function, input);
    payload!(house.ok(Version::V2_1, request), PKCS_11)
}

fn house() -> House {
    let house = House::new();
    let secret = |bytes: &[u8]| SecretBytes::from(bytes);
    let (kms, account, door) = (&house.kms, house.account, Door::Pkcs11);
    kms.init_token(account, &secret(b"so-123456"), "house", door)
        .unwrap();
    let officer = kms
        .login(account, Role::SecurityOfficer, &secret(b"so-123456"), door)
        .unwrap();
    kms.init_pin(&officer, &secret(PIN)).unwrap();
    house
}

fn aes_key(app: &App<'_>, session: u64, label: &[u8]) -> u64 {
    let template = In::default()
        .ulong(session)
        .mechanism(CKM_AES_KEY_GEN, None)
        .count(7)
        .flag(CKA_TOKEN, true)
        .array(CKA_LABEL, label)
        .single(CKA_VALUE_LEN, &32u64.to_be_bytes())
        .flag(CKA_ENCRYPT, true)
        .flag(CKA_DECRYPT, true)
        .flag(CKA_SENSITIVE, true)
        .flag(CKA_EXTRACTABLE, false);
    app.handle(F::C_GenerateKey, template)
}

#[test]
fn the_library_tells_about_itself() {
    let house = house();
    let app = App::new(&house);
    let info = app.ok(F::C_GetInfo, In::default());
    assert_eq!(info.len(), 2 + 32 + 8 + 32 + 2);
    assert_eq!(info[0], 3);
    assert!(info[2..].starts_with(b"keybridge "));
    let slots = In::default().byte(1).no_room();
    assert_eq!(app.ok(F::C_GetSlotList, slots), [0, 0, 0, 0, 1]);
    let slots = In::default().byte(1).room(4);
    let expected = [vec![1, 0, 0, 0, 1], vec![0; 8]].concat();
    assert_eq!(app.ok(F::C_GetSlotList, slots), expected);
    let token = app.ok(F::C_GetTokenInfo, In::default().ulong(0));
    assert_eq!(token.len(), 32 + 32 + 16 + 16 + 11 * 8 + 4 + 16);
    assert!(token.starts_with(b"house  "));
    let slot = app.ok(F::C_GetSlotInfo, In::default().ulong(0));
    assert_eq!(slot.len(), 64 + 32 + 8 + 4);
    let (code, _) = app.raw(F::C_GetSlotInfo, In::default().ulong(7));
    assert_eq!(code, 3, "CKR_SLOT_ID_INVALID");
    let room = app.ok(F::C_GetMechanismList, In::default().ulong(0).no_room());
    let count = u32::from_be_bytes(room[1..5].try_into().unwrap()) as usize;
    let list = In::default().ulong(0).room(count);
    assert_eq!(app.written_list(list).len(), count);
    let mechanism = In::default().ulong(0).ulong(CKM_AES_GCM);
    assert_eq!(app.ok(F::C_GetMechanismInfo, mechanism).len(), 24);
}

impl App<'_> {
    fn written_list(&self, input: In) -> Vec<u64> {
        let output = self.ok(F::C_GetMechanismList, input);
        assert_eq!(output[0], 1);
        let chunks = output[5..].chunks_exact(8);
        chunks
            .map(|chunk| u64::from_be_bytes(chunk.try_into().unwrap()))
            .collect()
    }
}

#[test]
fn a_key_is_made_found_looked_at_and_used() {
    let house = house();
    let app = App::new(&house);
    let session = app.session();
    let key = aes_key(&app, session, b"tunnelled");
    // Found by its label.
    let find = In::default()
        .ulong(session)
        .count(2)
        .array(CKA_LABEL, b"tunnelled")
        .single(CKA_CLASS, &4u64.to_be_bytes());
    app.ok(F::C_FindObjectsInit, find);
    let found = app.ok(F::C_FindObjects, In::default().ulong(session).count(10));
    assert_eq!(
        found,
        [&1u32.to_be_bytes()[..], &key.to_be_bytes()].concat()
    );
    app.ok(F::C_FindObjectsFinal, In::default().ulong(session));
    // Looked at: a size, a number, a secret, and what it does not have.
    let asked = In::default()
        .ulong(session)
        .ulong(key)
        .count(3)
        .ulong(CKA_LABEL)
        .byte(0)
        .byte(0)
        .ulong(CKA_VALUE_LEN)
        .byte(0)
        .byte(1)
        .ulong(CKA_VALUE)
        .byte(0)
        .byte(0);
    let (code, output) = app.raw(F::C_GetAttributeValue, asked);
    assert_eq!(code, 0x11, "CKR_ATTRIBUTE_SENSITIVE");
    let expected = In::default()
        .count(3)
        .ulong(CKA_LABEL)
        .byte(0)
        .byte(1)
        .count(9)
        .single(CKA_VALUE_LEN, &32u64.to_be_bytes())
        .ulong(CKA_VALUE)
        .byte(0)
        .byte(0);
    assert_eq!(output, expected.0);
    // Used, in one part and in parts.
    let iv = In::default().bytes(&[7; 16]);
    let init = |function| {
        let input = In::default()
            .ulong(session)
            .mechanism(CKM_AES_CBC_PAD, Some(iv.clone()))
            .ulong(key);
        app.ok(function, input);
    };
    init(F::C_EncryptInit);
    let data = In::default().ulong(session).bytes(b"attack at dawn");
    let size = app.ok(F::C_Encrypt, data.clone().no_room());
    assert_eq!(size, [0, 0, 0, 0, 16]);
    let (code, output) = app.raw(F::C_Encrypt, data.clone().room(4));
    assert_eq!((code, output), (0x150, vec![0, 0, 0, 0, 16]));
    let sealed = app.written(F::C_Encrypt, data.room(100));
    init(F::C_DecryptInit);
    let part = |bytes: &[u8]| In::default().ulong(session).bytes(bytes).room(64);
    let mut open = app.written(F::C_DecryptUpdate, part(&sealed));
    let last = In::default().ulong(session).room(64);
    open.extend(app.written(F::C_DecryptFinal, last));
    assert_eq!(open, b"attack at dawn");
    // A mechanism with a structure.
    let gcm = In::default()
        .bytes(&[9; 12])
        .ulong(96)
        .bytes(b"header")
        .ulong(128);
    let begin = In::default()
        .ulong(session)
        .mechanism(CKM_AES_GCM, Some(gcm))
        .ulong(key);
    app.ok(F::C_EncryptInit, begin.clone());
    let sealed = app.written(F::C_Encrypt, part(b"data"));
    assert_eq!(sealed.len(), 4 + 16);
    app.ok(F::C_DecryptInit, begin);
    assert_eq!(app.written(F::C_Decrypt, part(&sealed)), b"data");
    let digest = In::default().ulong(session).mechanism(CKM_SHA256, None);
    app.ok(F::C_DigestInit, digest);
    let digest = app.written(F::C_Digest, part(b"abc"));
    assert_eq!(digest[..4], [0xBA, 0x78, 0x16, 0xBF]);
    let random = In::default().ulong(session).room(33);
    assert_eq!(app.written(F::C_GenerateRandom, random).len(), 33);
}

#[test]
fn clients_have_modules_of_their_own_which_end() {
    let house = house();
    let (one, other) = (App::new(&house), App::new(&house));
    let session = one.session();
    let key = aes_key(&one, session, b"mine");
    // The other one is not logged in, and knows no session of the first.
    let info = In::default().ulong(session);
    assert_eq!(other.raw(F::C_GetSessionInfo, info.clone()).0, 0xB3);
    let again = request(Some(&one.value), F::C_Initialize, &[1]);
    let answer = payload!(house.ok(Version::V2_1, again), PKCS_11);
    assert_eq!(
        answer.return_code.0, 0x191,
        "CKR_CRYPTOKI_ALREADY_INITIALIZED"
    );
    one.ok(F::C_Finalize, In::default());
    assert_eq!(one.raw(F::C_GetSessionInfo, info).0, 0x190);
    assert_eq!(one.raw(F::C_Finalize, In::default()).0, 0x190);
    let answer = call(&house, None, F::C_GetInfo, &[]);
    assert_eq!(answer.return_code.0, 0x190, "CKR_CRYPTOKI_NOT_INITIALIZED");
    // The key is in the token, for whoever logs in.
    let session = other.session();
    let find = In::default()
        .ulong(session)
        .count(1)
        .array(CKA_LABEL, b"mine");
    other.ok(F::C_FindObjectsInit, find);
    let found = other.ok(F::C_FindObjects, In::default().ulong(session).count(1));
    assert_eq!(found[..4], [0, 0, 0, 1], "{key}");
}

#[test]
fn a_session_ends_with_its_own_objects_only() {
    let house = house();
    let (one, other) = (App::new(&house), App::new(&house));
    let (session, namesake) = (one.session(), other.session());
    assert_eq!(session, namesake, "the handles of two modules");
    let template = In::default()
        .ulong(session)
        .mechanism(CKM_AES_KEY_GEN, None)
        .count(3)
        .flag(CKA_TOKEN, false)
        .single(CKA_VALUE_LEN, &32u64.to_be_bytes())
        .flag(CKA_ENCRYPT, true);
    let key = one.handle(F::C_GenerateKey, template);
    other.ok(F::C_CloseSession, In::default().ulong(namesake));
    let size = In::default().ulong(session).ulong(key);
    one.ok(F::C_GetObjectSize, size.clone());
    // Nor is it found from there, although both are logged in to the same account.
    let session = other.session();
    let found = |app: &App<'_>, session| {
        app.ok(F::C_FindObjectsInit, In::default().ulong(session).count(0));
        let found = app.ok(F::C_FindObjects, In::default().ulong(session).count(9));
        app.ok(F::C_FindObjectsFinal, In::default().ulong(session));
        u32::from_be_bytes(found[..4].try_into().unwrap())
    };
    assert_eq!((found(&one, namesake), found(&other, session)), (1, 0));
    for answer in [
        other.raw(F::C_GetObjectSize, In::default().ulong(session).ulong(key)),
        other.raw(F::C_DestroyObject, In::default().ulong(session).ulong(key)),
    ] {
        assert_eq!(answer.0, 0x82, "CKR_OBJECT_HANDLE_INVALID");
    }
    one.ok(F::C_GetObjectSize, size);
}

#[test]
fn what_is_wrong_is_refused_by_kmip_or_by_pkcs11() {
    let house = house();
    let app = App::new(&house);
    let session = app.session();
    let refused = |function, input: &[u8]| {
        house.refused(Version::V2_1, request(Some(&app.value), function, input))
    };
    let codec = ResultReason::PKCS_11CodecError;
    assert_eq!(refused(F::C_GetSlotInfo, &[0; 7]), codec);
    assert_eq!(refused(F::C_GetSlotInfo, &[0; 9]), codec);
    assert_eq!(refused(F::C_GetInfo, &[0]), codec);
    assert_eq!(refused(F(105), &[]), ResultReason::PKCS_11InvalidFunction);
    let other_version = request(None, F::C_Initialize, &[2]);
    assert_eq!(house.refused(Version::V2_1, other_version), codec);
    let mut interface = request(Some(&app.value), F::C_GetInfo, &[]);
    interface.interface = Some("Vendor X".into());
    assert_eq!(
        house.refused(Version::V2_1, interface),
        ResultReason::PKCS_11InvalidInterface
    );
    for function in [
        F::C_GetFunctionList,
        F::C_GetInterfaceList,
        F::C_GetInterface,
    ] {
        assert_eq!(app.raw(function, In::default()).0, 0x54);
    }
    // Whoever waits would wait for ever; whoever only asks is told that nothing happened.
    let waits = |flags| app.raw(F::C_WaitForSlotEvent, In::default().ulong(flags)).0;
    assert_eq!((waits(0), waits(1)), (0x54, 8));
    // A wild count, every cut, every function on rubbish: an answer, and the module lives.
    let wild = In::default().ulong(session).count(u32::MAX as usize);
    assert_eq!(refused(F::C_FindObjectsInit, &wild.0), codec);
    let good = In::default()
        .ulong(session)
        .mechanism(CKM_AES_KEY_GEN, None)
        .count(2)
        .array(CKA_LABEL, b"cut")
        .single(CKA_VALUE_LEN, &32u64.to_be_bytes());
    for cut in 0..good.0.len() {
        assert_eq!(refused(F::C_GenerateKey, &good.0[..cut]), codec, "{cut}");
    }
    for number in 3..=104 {
        for byte in [0, 1, 0xFF] {
            let rubbish = vec![byte; 64];
            house.outcome(
                Version::V2_1,
                request(Some(&app.value), F(number), &rubbish),
            );
        }
    }
    app.ok(F::C_GetSessionInfo, In::default().ulong(session));
}
