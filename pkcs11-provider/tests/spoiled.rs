//! Every function as it is meant to be called, and then with each of its arguments spoiled in turn:
//! what goes well shows that the rest is reached, what is spoiled is refused or harmless, and the
//! module works on.

use cryptoki_sys::*;
use keybridge_pkcs11::ffi::{DECLARATIONS, Declaration};
use keybridge_pkcs11::rv::Rv;

use crate::robustness::{is_length, is_pointer, run};
use crate::support::*;

/// Functions that end the module or wait for its end, or need a token without sessions; those that
/// log in and out would lock the PIN that the others need. All are spoiled in `robustness`.
const ELSEWHERE: &[&str] = &[
    "C_Initialize",
    "C_Finalize",
    "C_InitToken",
    "C_InitPIN",
    "C_SetPIN",
    "C_Login",
    "C_LoginUser",
    "C_Logout",
    "C_CloseAllSessions",
    "C_GetFunctionStatus",
    "C_CancelFunction",
];

/// Bytes of one argument's memory: more than any honest length among the arguments.
const ROOM: usize = 4096;

/// What is passed where the standard wants a length or count of an input, in turn.
const NUMBERS: &[usize] = &[
    0,
    1,
    3,
    usize::MAX,
    usize::MAX / 2,
    1 << 32,
    0x8000_0000,
    usize::MAX / size_of::<CK_ATTRIBUTE>() + 1,
];

/// Keys that can do everything, made once.
struct Keys {
    aes: CK_OBJECT_HANDLE,
    rsa: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    kem: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    data: CK_OBJECT_HANDLE,
}

fn keys(session: &Session) -> Keys {
    let new = Attributes::new;
    let aes = new().ulong(CKA_VALUE_LEN, 32).all_true(&[
        CKA_ENCRYPT,
        CKA_DECRYPT,
        CKA_SIGN,
        CKA_VERIFY,
        CKA_WRAP,
        CKA_UNWRAP,
        CKA_DERIVE,
        CKA_EXTRACTABLE,
    ]);
    let aes = aes.bool(CKA_SENSITIVE, false);
    let public = new().ulong(CKA_MODULUS_BITS, 2048);
    let public = public.bool(CKA_VERIFY_RECOVER, true);
    let private = new().bool(CKA_SIGN_RECOVER, true);
    let kem = new().ulong(CKA_PARAMETER_SET, CKP_ML_KEM_768);
    let data = new().ulong(CKA_CLASS, CKO_DATA).bytes(CKA_VALUE, b"x");
    Keys {
        aes: generate(session, CKM_AES_KEY_GEN, &aes).expect("made"),
        rsa: generate_pair(session, CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private).expect("made"),
        kem: generate_pair(session, CKM_ML_KEM_KEY_PAIR_GEN, &kem, &new()).expect("made"),
        data: create(session, &data).1,
    }
}

/// The memory of one call: a place for each argument, and for what arguments point on to.
struct Call<'a> {
    session: &'a Session,
    keys: &'a Keys,
    name: &'static str,
    memory: Vec<Vec<u64>>,
}

impl Call<'_> {
    fn place(&mut self, bytes: &[u8]) -> usize {
        let mut memory = vec![0_u64; ROOM / 8];
        for (place, chunk) in memory.iter_mut().zip(bytes.chunks(8)) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            *place = u64::from_ne_bytes(word);
        }
        self.memory.push(memory);
        self.memory
            .last()
            .expect("pushed")
            .as_ptr()
            .expose_provenance()
    }

    fn words(&mut self, words: &[usize]) -> usize {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.place(&bytes)
    }

    fn has(&self, part: &str) -> bool {
        self.name.contains(part)
    }

    /// A mechanism that the function does, with its parameter.
    fn mechanism(&mut self) -> usize {
        let (kind, parameter, length) = match self.name {
            name if name.contains("Authenticated") => (CKM_AES_GCM, self.message(), 48),
            name if name.contains("Message") && name.contains("crypt") => (CKM_AES_GCM, 0, 0),
            name if name.contains("Recover") => (CKM_RSA_PKCS, 0, 0),
            name if name.contains("capsulate") => (CKM_ML_KEM, 0, 0),
            name if name.contains("Sign") || name.contains("Verify") => (CKM_AES_CMAC, 0, 0),
            name if name.contains("Digest") => (CKM_SHA256, 0, 0),
            "C_GenerateKey" => (CKM_AES_KEY_GEN, 0, 0),
            "C_GenerateKeyPair" => (CKM_EC_KEY_PAIR_GEN, 0, 0),
            "C_DeriveKey" => {
                let data = self.place(&[3; 32]);
                (CKM_AES_ECB_ENCRYPT_DATA, self.words(&[data, 32]), 16)
            }
            "C_WrapKey" | "C_UnwrapKey" => (CKM_AES_KEY_WRAP_KWP, 0, 0),
            _ => (CKM_AES_CBC_PAD, self.place(&[7; 16]), 16),
        };
        self.words(&[kind as usize, parameter, length])
    }

    /// `CK_GCM_MESSAGE_PARAMS`.
    fn message(&mut self) -> usize {
        let (iv, tag) = (self.place(&[5; 12]), self.place(&[]));
        let generator = CKG_NO_GENERATE as usize;
        self.words(&[iv, 12, 0, generator, tag, 128])
    }

    fn template(&mut self, entries: &[(CK_ATTRIBUTE_TYPE, &[u8])]) -> usize {
        let mut words = Vec::new();
        for (kind, value) in entries {
            let place = self.place(value);
            words.extend([*kind as usize, place, value.len()]);
        }
        self.words(&words)
    }

    /// Template and count.
    fn attributes(&mut self, name: &str) -> (usize, usize) {
        let number = |number: CK_ULONG| number.to_ne_bytes();
        let (class, aes) = (number(CKO_SECRET_KEY), number(CKK_AES));
        match (self.name, name) {
            ("C_GenerateKeyPair", "pPublicKeyTemplate" | "ulPublicKeyAttributeCount") => {
                (self.template(&[(CKA_EC_PARAMS, P256)]), 1)
            }
            ("C_GenerateKeyPair", _) => (self.template(&[(CKA_LABEL, b"spoiled")]), 1),
            ("C_GenerateKey", _) => (self.template(&[(CKA_VALUE_LEN, &number(16))]), 1),
            ("C_CreateObject", _) => {
                let class = number(CKO_DATA);
                (self.template(&[(CKA_CLASS, &class), (CKA_VALUE, b"v")]), 2)
            }
            ("C_DeriveKey" | "C_EncapsulateKey" | "C_DecapsulateKey", _) => {
                (self.template(&[(CKA_CLASS, &class)]), 1)
            }
            ("C_UnwrapKey" | "C_UnwrapKeyAuthenticated", _) => {
                let entries: &[(CK_ATTRIBUTE_TYPE, &[u8])] =
                    &[(CKA_CLASS, &class), (CKA_KEY_TYPE, &aes)];
                (self.template(entries), 2)
            }
            _ => (self.template(&[(CKA_LABEL, b"spoiled")]), 1),
        }
    }

    fn key(&self, name: &str) -> CK_OBJECT_HANDLE {
        match name {
            "hObject" if self.has("DestroyObject") => {
                create(self.session, &Attributes::new().ulong(CKA_CLASS, CKO_DATA)).1
            }
            "hObject" => self.keys.data,
            "hEncryptionKey" | "hAuthenticationKey" => 0,
            _ if self.has("Encapsulate") => self.keys.kem.0,
            _ if self.has("Decapsulate") => self.keys.kem.1,
            _ if self.has("SignRecover") => self.keys.rsa.1,
            _ if self.has("VerifyRecover") => self.keys.rsa.0,
            _ => self.keys.aes,
        }
    }

    /// An argument as it is meant.
    fn good(&mut self, name: &str, kind: &str) -> usize {
        let sizes = ROOM / 2;
        match name {
            "hSession" => self.session.0 as usize,
            "slotID" => MAIN as usize,
            "type_" if self.has("Validation") => CKS_LAST_VALIDATION_OK as usize,
            "type_" => CKM_AES_GCM as usize,
            "flags" if self.has("OpenSession") => CKF_SERIAL_SESSION as usize,
            "flags" if self.has("MessageNext") => CKF_END_OF_MESSAGE as usize,
            "flags" if self.has("WaitFor") => CKF_DONT_BLOCK as usize,
            "flags" => 0,
            "pMechanism" => self.mechanism(),
            "pParameter" if self.has("crypt") => self.message(),
            "pParameter" => 0,
            "ulParameterLen" if self.has("crypt") => 48,
            "ulParameterLen" => 0,
            // Of ML-KEM-768; one that nobody made gives a secret that nobody knows.
            "ulCiphertextLen" if self.has("Decapsulate") => 1088,
            "pReserved" | "Notify" | "pApplication" => 0,
            "pInterfaceName" => self.place(b"PKCS 11\0"),
            "pVersion" => self.place(&[3, 2]),
            "pOperationState" | "ulOperationStateLen" if self.has("Set") => self.state(name),
            _ if name.ends_with("Template") => self.attributes(name).0,
            _ if name.ends_with("Count") && !is_pointer(kind) => match name {
                "ulMaxObjectCount" => 4,
                _ => self.attributes(name).1,
            },
            "pWrappedKey" | "ulWrappedKeyLen" if self.has("Unwrap") => self.wrapped(name),
            "pSignature" | "ulSignatureLen" if self.has("Verify") => self.signature(name),
            _ if name.starts_with('h') && !is_pointer(kind) => self.key(name) as usize,
            _ if name.starts_with("pul") => self.words(&[sizes]),
            "pEncryptedData" | "pEncryptedPart" if self.has("Decrypt") => self.ciphertext(),
            _ if is_pointer(kind) => self.place(&[9; 48]),
            // Whole blocks, so that ciphers without padding would do too.
            _ => 32,
        }
    }

    /// A saved state, or its length.
    fn state(&mut self, name: &str) -> usize {
        let (mut state, mut length) = ([0; 64], 64);
        let (session, out) = (self.session.0, state.as_mut_ptr());
        check(call!(C_DigestInit, session, &mut mechanism(CKM_SHA256)));
        check(call!(C_GetOperationState, session, out, &mut length));
        check(call!(C_SessionCancel, session, CKF_DIGEST));
        match name {
            "pOperationState" => self.place(&state[..length as usize]),
            _ => length as usize,
        }
    }

    /// What `C_Encrypt` made of 31 bytes.
    fn ciphertext(&mut self) -> usize {
        let iv = [7_u8; 16];
        let mut cbc = with_parameter(CKM_AES_CBC_PAD, &iv);
        check(call!(
            C_EncryptInit,
            self.session.0,
            &mut cbc,
            self.keys.aes
        ));
        let (mut out, mut length) = ([0; 32], 32);
        let data = mutable(&[1; 31]);
        let out_place = out.as_mut_ptr();
        check(call!(
            C_Encrypt,
            self.session.0,
            data,
            31,
            out_place,
            &mut length
        ));
        self.place(&out)
    }

    fn wrapped(&mut self, name: &str) -> usize {
        let (aes, mut length) = (self.keys.aes, 64);
        let mut out = [0; 64];
        if self.has("Authenticated") {
            // Nothing that could be unwrapped: the tag would have to be right.
            return if name.starts_with('p') {
                self.place(&out)
            } else {
                32
            };
        }
        let mut kwp = mechanism(CKM_AES_KEY_WRAP_KWP);
        let place = out.as_mut_ptr();
        check(call!(
            C_WrapKey,
            self.session.0,
            &mut kwp,
            aes,
            aes,
            place,
            &mut length
        ));
        match name {
            "pWrappedKey" => self.place(&out[..length as usize]),
            _ => length as usize,
        }
    }

    fn signature(&mut self, name: &str) -> usize {
        let recover = self.has("Recover");
        if !name.starts_with('p') {
            return if recover { 256 } else { 16 };
        }
        // CMAC of the 32 bytes that all inputs begin with; or any RSA signature.
        let (init, kind, key) = match recover {
            true => (module().C_SignRecoverInit, CKM_RSA_PKCS, self.keys.rsa.1),
            false => (module().C_SignInit, CKM_AES_CMAC, self.keys.aes),
        };
        let one = match recover {
            true => module().C_SignRecover,
            false => module().C_Sign,
        };
        let (mut out, mut length) = ([0; 256], 256);
        // SAFETY: all lengths are those of their buffers.
        let code = unsafe { init.expect("there")(self.session.0, &mut mechanism(kind), key) };
        check(code);
        let data = mutable(&[9; 32]);
        // SAFETY: as above.
        let code =
            unsafe { one.expect("there")(self.session.0, data, 32, out.as_mut_ptr(), &mut length) };
        check(code);
        self.place(&out[..length as usize])
    }
}

/// What must be active before a function: the function that begins it, and for messages in parts the
/// one after that.
fn before(name: &str) -> Vec<&'static str> {
    let begin = |init, begin| vec![init, begin];
    match name {
        "C_FindObjects" | "C_FindObjectsFinal" => vec!["C_FindObjectsInit"],
        "C_GetOperationState" => vec!["C_DigestInit"],
        "C_DigestEncryptUpdate" => vec!["C_DigestInit", "C_EncryptInit"],
        "C_DecryptDigestUpdate" => vec!["C_DecryptInit", "C_DigestInit"],
        "C_SignEncryptUpdate" => vec!["C_SignInit", "C_EncryptInit"],
        "C_DecryptVerifyUpdate" => vec!["C_DecryptInit", "C_VerifyInit"],
        "C_EncryptMessageNext" => begin("C_MessageEncryptInit", "C_EncryptMessageBegin"),
        "C_DecryptMessageNext" => begin("C_MessageDecryptInit", "C_DecryptMessageBegin"),
        "C_SignMessageNext" => begin("C_MessageSignInit", "C_SignMessageBegin"),
        "C_VerifyMessageNext" => begin("C_MessageVerifyInit", "C_VerifyMessageBegin"),
        _ => DECLARATIONS
            .iter()
            .map(|row| row.name)
            .filter(|init| *init != name)
            .filter_map(|init| Some((init, init.strip_suffix("Init")?)))
            .filter(|(_, family)| {
                let verb = family
                    .trim_start_matches("C_Message")
                    .trim_start_matches("C_");
                match family.strip_prefix("C_Message") {
                    Some(_) => name.contains("Message") && name.contains(verb),
                    None => name
                        .strip_prefix(family)
                        .is_some_and(|rest| matches!(rest, "" | "Update" | "Final" | "Key")),
                }
            })
            .map(|(init, _)| init)
            .collect(),
    }
}

fn index_of(name: &str) -> usize {
    let found = DECLARATIONS.iter().position(|row| row.name == name);
    found.expect("a function")
}

/// One call in a session of its own; `spoil` changes one argument.
fn once(
    declaration: &Declaration,
    keys: &Keys,
    spoil: Option<(usize, usize)>,
) -> (CK_RV, Vec<usize>) {
    let session = Session::new();
    for name in before(declaration.name) {
        let index = index_of(name);
        let mut call = Call {
            session: &session,
            keys,
            name,
            memory: Vec::new(),
        };
        let rows = DECLARATIONS[index].arguments.iter();
        let arguments: Vec<usize> = rows.map(|(name, kind)| call.good(name, kind)).collect();
        assert_eq!(
            run(index, &arguments),
            CKR_OK,
            "{name} before {}",
            declaration.name
        );
    }
    let mut call = Call {
        session: &session,
        keys,
        name: declaration.name,
        memory: Vec::new(),
    };
    let rows = declaration.arguments.iter();
    let mut arguments: Vec<usize> = rows.map(|(name, kind)| call.good(name, kind)).collect();
    if let Some((place, value)) = spoil {
        arguments[place] = value;
    }
    let code = run(index_of(declaration.name), &arguments);
    drop(call);
    // Whatever happened, the session can be used and closed.
    if !matches!(declaration.name, "C_CloseSession") {
        check(call!(C_SessionCancel, session.0, CK_FLAGS::MAX));
        let mut random = [0; 4];
        check(call!(C_GenerateRandom, session.0, random.as_mut_ptr(), 4));
    }
    (code, arguments)
}

/// What some functions answer here when all is well.
fn expected(name: &str) -> Vec<CK_RV> {
    match name {
        "C_WaitForSlotEvent" => vec![CKR_NO_EVENT],
        // The tag of a message is zeros here.
        "C_DecryptMessage" | "C_DecryptMessageNext" => vec![CKR_AEAD_DECRYPT_FAILED],
        "C_UnwrapKeyAuthenticated" => vec![CKR_WRAPPED_KEY_INVALID],
        // Nothing was verified before.
        "C_VerifyFinal" | "C_VerifySignatureFinal" => vec![CKR_SIGNATURE_INVALID],
        // No block came before.
        "C_DecryptFinal" => vec![CKR_ENCRYPTED_DATA_LEN_RANGE],
        _ => vec![CKR_OK],
    }
}

fn tested() -> impl Iterator<Item = &'static Declaration> {
    let all = DECLARATIONS.iter();
    all.filter(|row| row.supported && !ELSEWHERE.contains(&row.name))
}

#[test]
fn every_function_as_it_is_meant() {
    let session = Session::new();
    let keys = keys(&session);
    let mut surprises = Vec::new();
    for declaration in tested() {
        let (code, _) = once(declaration, &keys, None);
        if !expected(declaration.name).contains(&code) {
            surprises.push((declaration.name, Rv::from_code(code)));
        }
    }
    assert!(surprises.is_empty(), "{surprises:?}");
}

#[test]
fn every_function_with_each_argument_spoiled() {
    let session = Session::new();
    let keys = keys(&session);
    let closed = raw_session(MAIN, true);
    check(call!(C_CloseSession, closed));
    let foreign = raw_session(SPOILED, true);
    let zeros = vec![0_u64; ROOM];
    let zeros = zeros.as_ptr().expose_provenance();
    let ones = vec![u64::MAX; ROOM];
    let ones = ones.as_ptr().expose_provenance();
    let (mut calls, mut surprises) = (0, Vec::new());
    for declaration in tested() {
        for (place, (name, kind)) in declaration.arguments.iter().enumerate() {
            let bad: Vec<usize> = match *name {
                // Never looked at, or a function that would be called.
                "Notify" | "pApplication" => continue,
                "hSession" => vec![0, closed as usize, foreign as usize, usize::MAX, 1],
                _ if is_pointer(kind) => vec![0, zeros, zeros + 1, ones],
                _ if name.starts_with('h') => {
                    vec![0, usize::MAX, session.0 as usize, keys.data as usize]
                }
                "flags" if declaration.name == "C_WaitForSlotEvent" => vec![1],
                _ => NUMBERS.to_vec(),
            };
            for value in bad {
                // A mask of ones as a template or list points nowhere: only what the module reads
                // as numbers may be that.
                let follows = name.ends_with("Template")
                    || matches!(*name, "pMechanism" | "pParameter" | "pInterfaceName");
                if value == ones && follows {
                    continue;
                }
                let (code, arguments) = once(declaration, &keys, Some((place, value)));
                let must_fail = (value == usize::MAX && is_length(name))
                    || (*name == "hSession" && value != foreign as usize);
                if code == CKR_GENERAL_ERROR || (must_fail && code == CKR_OK) {
                    let named = Rv::from_code(code);
                    surprises.push(format!(
                        "{} {name} {arguments:x?} {named:?}",
                        declaration.name
                    ));
                }
                calls += 1;
            }
        }
    }
    call!(C_CloseSession, foreign);
    assert!(surprises.is_empty(), "{surprises:#?}");
    assert!(calls > 1500, "{calls}");
}
