//! The published attacks on tokens (Clulow, Tookan), end to end: through the module in two processes and through KMIP,
//! each door undoing what the other refuses.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    Attribute, AttributeValue, CryptographicParameters, CurrentAttribute, Name, TemplateAttribute,
    UniqueIdentifier,
};
use keybridge_kmip::client::{ClientError, TlsClient, TlsIdentity, connect};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask as Mask, EncodingOption,
    KeyFormatType, SecretDataType, WrappingMethod,
};
use keybridge_kmip::objects::{
    KeyBlock, KeyInformation, KeyMaterial, KeyValue, KeyWrappingData, KeyWrappingSpecification,
    ManagedObject, SecretData, WrappedAttributeNames,
};
use keybridge_kmip::operations::{
    DecryptRequest, EncryptRequest, GetRequest, LocateRequest, ModifyAttributeRequest,
    RegisterRequest,
};
use keybridge_kmip::wire::DateTime;
use keybridge_tests::{Bridge, Token};

const REFUSED: &str = "KEY_FUNCTION_NOT_PERMITTED";
const KNOWN: [u8; 32] = [0x42; 32];

/// A program with a session of the token.
struct Attacker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Attacker {
    #[track_caller]
    fn start(token: &Token) -> Self {
        let mut child = token
            .command(env!("CARGO_BIN_EXE_token-attacker"))
            .arg(&token.module)
            .args([&token.label, &token.pin])
            .into_inner()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start token-attacker");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut attacker = Self {
            child,
            input,
            output,
        };
        assert_eq!(attacker.answer(), "ok", "token-attacker cannot log in");
        attacker
    }

    #[track_caller]
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("an answer");
        line.trim_end().to_owned()
    }

    #[track_caller]
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("ask token-attacker");
        self.answer()
    }

    /// What is done, and its answer.
    #[track_caller]
    fn done(&mut self, line: &str) -> String {
        let answer = self.ask(line);
        match answer.strip_prefix("ok") {
            Some(answer) => answer.trim().to_owned(),
            None => panic!("{line}: {answer}"),
        }
    }

    /// What is refused, with this word in the answer.
    #[track_caller]
    fn refused(&mut self, line: &str, word: &str) {
        let answer = self.ask(line);
        let plain = answer.replace(['_', ' '], "").to_lowercase();
        let word = word.replace('_', "").to_lowercase();
        assert!(
            answer.starts_with("error") && plain.contains(&word),
            "{line}: {answer}"
        );
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A KMIP client of the bridge.
struct Kmip(TlsClient);

impl Kmip {
    #[track_caller]
    fn connect(bridge: &Bridge) -> Self {
        let files = bridge.client_files();
        let read = |path| fs::read(path).expect("a client's file");
        let identity = TlsIdentity::from_pem(
            &read(&files.ca),
            &read(&files.certificate),
            &read(&files.key),
        );
        let timeout = Duration::from_secs(30);
        let identity = identity.expect("an identity");
        let client = connect("127.0.0.1", bridge.port, identity, Version::V1_4, timeout);
        Self(client.expect("connect"))
    }

    #[track_caller]
    fn locate(&mut self, label: &str) -> UniqueIdentifier {
        let request = LocateRequest {
            attributes: vec![AttributeValue::Name(Name::text(label)).into()].into(),
            ..Default::default()
        };
        let found = self.0.call(request).expect("Locate").unique_identifiers;
        found.into_iter().next().expect("an object of that name")
    }

    #[track_caller]
    fn register(&mut self, object: ManagedObject, mask: Mask) -> UniqueIdentifier {
        self.try_register(object, mask).expect("Register")
    }

    fn try_register(
        &mut self,
        object: ManagedObject,
        mask: Mask,
    ) -> Result<UniqueIdentifier, ClientError> {
        let attributes: TemplateAttribute = [
            AttributeValue::CryptographicUsageMask(mask),
            AttributeValue::ActivationDate(DateTime(1)),
        ]
        .into_iter()
        .collect();
        let request = RegisterRequest {
            object_type: object.object_type(),
            attributes,
            object: object.into(),
            protection_storage_masks: None,
        };
        Ok(self.0.call(request)?.unique_identifier)
    }

    fn get(&mut self, key: &UniqueIdentifier) -> Result<ManagedObject, ClientError> {
        let request = GetRequest {
            unique_identifier: Some(key.clone()),
            ..Default::default()
        };
        Ok(self.0.call(request)?.object.0.expect("an object"))
    }

    fn get_wrapped(
        &mut self,
        key: &UniqueIdentifier,
        by: &UniqueIdentifier,
        encoding: EncodingOption,
    ) -> Result<ManagedObject, ClientError> {
        let request = GetRequest {
            unique_identifier: Some(key.clone()),
            key_wrapping_specification: Some(KeyWrappingSpecification {
                wrapping_method: WrappingMethod::Encrypt,
                encryption_key: Some(information(by)),
                mac_signature_key: None,
                attribute_names: WrappedAttributeNames::default(),
                encoding_option: Some(encoding),
            }),
            ..Default::default()
        };
        Ok(self.0.call(request)?.object.0.expect("an object"))
    }

    fn decrypt(&mut self, key: &UniqueIdentifier, data: &[u8]) -> Result<(), ClientError> {
        let request = DecryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: Some(mode(BlockCipherMode::ECB)),
            data: Some(data.into()),
            ..Default::default()
        };
        self.0.call(request).map(drop)
    }

    fn encrypt(&mut self, key: &UniqueIdentifier, data: &[u8]) -> Result<(), ClientError> {
        let request = EncryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: Some(mode(BlockCipherMode::ECB)),
            data: Some(data.into()),
            ..Default::default()
        };
        self.0.call(request).map(drop)
    }
}

fn mode(mode: BlockCipherMode) -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        block_cipher_mode: Some(mode),
        ..Default::default()
    }
}

fn information(key: &UniqueIdentifier) -> KeyInformation {
    KeyInformation {
        unique_identifier: key.clone(),
        cryptographic_parameters: Some(mode(BlockCipherMode::NISTKeyWrap)),
    }
}

/// Bytes that were wrapped by AES key wrap, as a Key Block that the server is to unwrap.
fn wrapped_block(bytes: &[u8], by: &UniqueIdentifier, raw: bool) -> KeyBlock {
    KeyBlock {
        key_format_type: KeyFormatType::Raw,
        key_compression_type: None,
        key_value: Some(KeyValue::Wrapped(bytes.to_vec().into())),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        cryptographic_length: Some(256),
        key_wrapping_data: Some(KeyWrappingData {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key: Some(information(by)),
            mac_signature_key: None,
            mac_signature: None,
            iv_counter_nonce: None,
            encoding_option: raw.then_some(EncodingOption::NoEncoding),
        }),
    }
}

fn plain_block(value: &[u8]) -> KeyBlock {
    KeyBlock::from_bytes(
        KeyFormatType::Raw,
        value.to_vec(),
        Some((CryptographicAlgorithm::AES, 256)),
    )
}

fn aes(key_block: KeyBlock) -> ManagedObject {
    ManagedObject::SymmetricKey(key_block.into())
}

fn wrapped_bytes(object: &ManagedObject) -> Vec<u8> {
    match object
        .key_block()
        .and_then(|block| block.key_value.as_ref())
    {
        Some(KeyValue::Wrapped(bytes)) => bytes.to_vec(),
        Some(KeyValue::Plain(value)) => match &value.key_material {
            KeyMaterial::Bytes(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn denied<T>(result: Result<T, ClientError>, word: &str) {
    match result {
        Err(error) => {
            let text = format!("{error} {error:?}");
            assert!(text.contains(word), "{text}");
        }
        Ok(_) => panic!("the server did it"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// Wrap and decrypt with one key: by one process, by two, by copies, after a restart of everything, and with KMIP doing either half.
#[test]
fn a_key_that_wraps_does_not_decrypt_at_any_door() {
    let mut bridge = Bridge::serving();
    let token = bridge.token();
    let (mut one, mut two) = (Attacker::start(&token), Attacker::start(&token));
    let mut kmip = Kmip::connect(&bridge);
    one.done("generate target sensitive=1 extractable=1");
    let target = kmip.locate("target");
    // PKCS#11 wraps, KMIP decrypts.
    one.done("generate w1 sensitive=1");
    two.done("copy w1 w1-before session");
    let wrapped = one.done("wrap kw w1 target");
    one.done("copy w1 w1-after");
    let blocks = &wrapped[..64];
    two.refused(&format!("decrypt cbc w1 {blocks}"), REFUSED);
    two.refused(&format!("decrypt cbc w1-before {blocks}"), REFUSED);
    one.refused(&format!("decrypt cbc w1-after {blocks}"), REFUSED);
    let w1 = kmip.locate("w1");
    denied(kmip.decrypt(&w1, &unhex(blocks)), "PermissionDenied");
    denied(kmip.encrypt(&w1, &KNOWN), "PermissionDenied");
    // KMIP wraps, PKCS#11 decrypts.
    one.done("generate w2 sensitive=1");
    let w2 = kmip.locate("w2");
    let wrapped = kmip.get_wrapped(&target, &w2, EncodingOption::NoEncoding);
    let blocks = hex(&wrapped_bytes(&wrapped.expect("Get"))[..32]);
    one.refused(&format!("decrypt cbc w2 {blocks}"), REFUSED);
    two.refused(&format!("encrypt cbc w2 {blocks}"), REFUSED);
    // And the other way round: what was encrypted is not unwrapped.
    one.done("generate d1 sensitive=1");
    let known = one.done(&format!("encrypt cbc d1 {}", hex(&KNOWN)));
    two.refused(&format!("unwrap cbc d1 {known} mine sensitive=0"), REFUSED);
    let d1 = kmip.locate("d1");
    let unwrapped = kmip.try_register(aes(wrapped_block(&unhex(&known), &d1, true)), Mask::Encrypt);
    denied(unwrapped, "PermissionDenied");
    denied(
        kmip.get_wrapped(&target, &d1, EncodingOption::NoEncoding),
        "PermissionDenied",
    );
    one.done("generate d2 sensitive=1");
    let d2 = kmip.locate("d2");
    kmip.encrypt(&d2, &KNOWN).expect("Encrypt");
    one.refused("wrap kw d2 target", REFUSED);
    // Nothing is forgotten.
    drop((one, two, kmip));
    bridge.stop();
    bridge.serve();
    let mut later = Attacker::start(&token);
    later.refused(&format!("decrypt cbc w1 {blocks}"), REFUSED);
    later.refused("wrap kw d1 target", REFUSED);
    let mut kmip = Kmip::connect(&bridge);
    denied(kmip.decrypt(&w2, &unhex(&blocks)), "PermissionDenied");
    bridge.cli("audit list").ok().says("role taken");
    bridge.cli("audit verify").ok();
}

/// A sensitive key leaves wrapped through one door and comes back through the other, as something that may be read.
#[test]
fn what_is_sensitive_is_sensitive_again_at_every_door() {
    let bridge = Bridge::serving();
    let mut token = Attacker::start(&bridge.token());
    let mut kmip = Kmip::connect(&bridge);
    token.done("generate target sensitive=1 extractable=1");
    token.done("generate w sensitive=1");
    let (target, w) = (kmip.locate("target"), kmip.locate("w"));
    denied(kmip.get(&target), "Sensitive");
    token.refused("value target", "sensitive");
    // Out by PKCS#11, in by KMIP, as a key and as a password.
    let wrapped = unhex(&token.done("wrap kw w target"));
    let password = ManagedObject::SecretData(SecretData {
        kind: SecretDataType::Password,
        key_block: KeyBlock {
            key_format_type: KeyFormatType::Opaque,
            ..wrapped_block(&wrapped, &w, true)
        },
    });
    for object in [aes(wrapped_block(&wrapped, &w, true)), password] {
        let back = kmip.register(object, Mask::Encrypt);
        denied(kmip.get(&back), "Sensitive");
        let clear = kmip.0.call(ModifyAttributeRequest {
            unique_identifier: Some(back.clone()),
            current_attribute: CurrentAttribute::default(),
            attribute: Attribute::from(AttributeValue::Sensitive(false)).into(),
        });
        denied(clear, "");
    }
    // Out by KMIP in both encodings, in by PKCS#11: the Key Value as a generic secret tells the key as well.
    for encoding in [EncodingOption::NoEncoding, EncodingOption::TTLVEncoding] {
        let wrapped = kmip.get_wrapped(&target, &w, encoding).expect("Get");
        let wrapped = hex(&wrapped_bytes(&wrapped));
        for flags in [
            "generic sensitive=0 extractable=1",
            "generic session sensitive=0",
        ] {
            let label = format!("back-{encoding:?}-{}", flags.len()).replace(['(', ')', ' '], "");
            token.done(&format!("unwrap kw w {wrapped} {label} {flags}"));
            token.refused(&format!("value {label}"), "sensitive");
            token.refused(&format!("set {label} sensitive=0"), "READ_ONLY");
            token.refused(
                &format!("copy {label} copy-{label} sensitive=0"),
                "READ_ONLY",
            );
        }
    }
    // A value that one door holds as a secret does not become readable by being brought in at the other.
    token.done(&format!(
        "create mine {} sensitive=1 extractable=0",
        hex(&KNOWN)
    ));
    let again = kmip.register(aes(plain_block(&KNOWN)), Mask::Encrypt);
    denied(kmip.get(&again), "Sensitive");
    let wrapping = kmip.register(aes(plain_block(&[0x55; 32])), Mask::WrapKey);
    denied(
        kmip.get_wrapped(&again, &wrapping, EncodingOption::NoEncoding),
        "NotExtractable",
    );
}

/// A key of one's own, of known value, brought in a moment ago: it gets nothing that may not leave, nor what
/// only trusted keys may wrap; and no user makes it trusted.
#[test]
fn a_key_of_ones_own_gets_nothing() {
    let bridge = Bridge::serving();
    let mut token = Attacker::start(&bridge.token());
    let mut kmip = Kmip::connect(&bridge);
    token.done("generate inner sensitive=1 extractable=0");
    token.done("generate guarded sensitive=1 extractable=1 wrap-with-trusted=1");
    let (inner, guarded) = (kmip.locate("inner"), kmip.locate("guarded"));
    let own = kmip.register(aes(plain_block(&KNOWN)), Mask::WrapKey | Mask::UnwrapKey);
    token.done(&format!(
        "create own {} sensitive=0 extractable=1",
        hex(&KNOWN)
    ));
    for encoding in [EncodingOption::NoEncoding, EncodingOption::TTLVEncoding] {
        denied(kmip.get_wrapped(&inner, &own, encoding), "NotExtractable");
        denied(
            kmip.get_wrapped(&guarded, &own, encoding),
            "PermissionDenied",
        );
    }
    denied(kmip.get(&inner), "Sensitive");
    token.refused("wrap kw own inner", "UNEXTRACTABLE");
    token.refused("wrap kw own guarded", "NOT_WRAPPABLE");
    for line in [
        "set own trusted=1",
        "copy own minted trusted=1",
        "copy own minted session trusted=1",
        "create minted 4242424242424242424242424242424242424242424242424242424242424242 trusted=1",
        "generate minted trusted=1",
    ] {
        token.refused(line, "READ_ONLY");
    }
    for line in ["set inner extractable=1", "set guarded wrap-with-trusted=0"] {
        token.refused(line, "READ_ONLY");
    }
    for line in [
        "copy inner copied extractable=1",
        "copy guarded copied wrap-with-trusted=0",
        "copy inner copied session sensitive=0",
    ] {
        token.refused(line, "READ_ONLY");
    }
}
