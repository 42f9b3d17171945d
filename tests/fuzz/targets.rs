//! What is fuzzed: one function a target, for `cargo fuzz` and for the test that runs each on the
//! kept corpus (`kmip-server/tests/fuzz.rs`).

use std::sync::{Arc, LazyLock};

use keybridge_core::encoding::{
    EcPrivateKey, NamedCurve, PrivateKey, PublicKey, RsaPrivateKey, RsaPublicKey,
};
use keybridge_core::model::Role;
use keybridge_core::seal::NobodyToAsk;
use keybridge_core::settings::{
    ConfigurationFile, DeletionSettings, HsmSettings, Limits as CoreLimits, SealSettings, Settings,
    StoreSettings,
};
use keybridge_core::{Caller, Door, Kms, SecretBytes};
use keybridge_kmip::message::{RequestMessage, ResponseMessage};
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{Encoding, Item, Limits};
use keybridge_pkcs11::tunnel::{Function, Tunnel};
use keybridge_server::identity::Peer;
use keybridge_server::processor::Processor;
use keybridge_server::settings::ServerLimits;

/// A target.
pub(crate) type Target = fn(&[u8]);

/// All targets by name.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("kmip_ttlv", kmip_ttlv),
    ("kmip_xml", kmip_xml),
    ("kmip_json", kmip_json),
    ("kmip_request", kmip_request),
    ("kmip_response", kmip_response),
    ("request_path", request_path),
    ("pkcs11_tunnel", pkcs11_tunnel),
    ("key_encodings", key_encodings),
    ("configuration", configuration),
];

/// An item in TTLV: what is read is written as it was.
pub(crate) fn kmip_ttlv(bytes: &[u8]) {
    if let Ok(item) = Item::from_ttlv(bytes, &Limits::default()) {
        let again = item.to_ttlv().expect("what was read can be written");
        let read = Item::from_ttlv(&again, &Limits::default()).expect("and read again");
        assert_eq!(read, item);
    }
}

/// An item in XML.
pub(crate) fn kmip_xml(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(item) = Item::from_xml(text, &Limits::default())
    {
        let again = Item::from_xml(&item.to_xml(), &Limits::default());
        assert_eq!(again.expect("what is written can be read"), item);
    }
}

/// An item in JSON.
pub(crate) fn kmip_json(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(item) = Item::from_json(text, &Limits::default())
    {
        let again = Item::from_json(&item.to_json(), &Limits::default());
        assert_eq!(again.expect("what is written can be read"), item);
    }
}

/// A request: decodes, or gives a failure that can be answered.
pub(crate) fn kmip_request(bytes: &[u8]) {
    match RequestMessage::decode(bytes, &Limits::default()) {
        Err(failure) => assert!(failure.response(DateTime(0)).encode(Vec::new()).is_ok()),
        Ok(message) => {
            if let Ok(again) = message.encode(Vec::new()) {
                let read = RequestMessage::decode(&again, &Limits::default());
                let read = read.expect("what is written can be read");
                assert_eq!(read, message);
            }
        }
    }
}

/// A response, as the client reads it.
pub(crate) fn kmip_response(bytes: &[u8]) {
    let _ = ResponseMessage::decode(bytes, &Limits::default());
}

struct House {
    // Lives as long as the process, and goes with the system's temporary files.
    _folder: tempfile::TempDir,
    processor: Processor,
    peer: Peer,
    tunnel: Tunnel,
    session: [u8; 8],
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Settings {
        store: StoreSettings {
            path: folder.path().join("keybridge.db"),
        },
        seal: SealSettings::Keyfile {
            path: folder.path().join("seal.key"),
        },
        hsm: HsmSettings::default(),
        limits: CoreLimits::default(),
        deletion: DeletionSettings::default(),
        policy: Default::default(),
    };
    let kms = Kms::initialize(&settings, Arc::new(NobodyToAsk)).expect("a store");
    let kms = Arc::new(kms);
    let account = kms.create_account("fuzz").expect("an account").id;
    let caller: Arc<Caller> = kms.local_administrator(account);
    let pin = SecretBytes::from("12345678");
    let door = Door::Pkcs11;
    kms.init_token(account, &pin, "fuzz", door)
        .expect("a token");
    let officer = kms.login(account, Role::SecurityOfficer, &pin, door);
    kms.init_pin(&officer.expect("a login"), &pin)
        .expect("a PIN");
    let tunnel = Tunnel::initialize(Arc::clone(&kms), "fuzz", &[1]).expect("a tunnel");
    let call = |number, input: &[u8]| {
        let function = Function::from_number(number).expect("a function");
        let reply = tunnel.call(function, input).expect("well encoded");
        assert_eq!(reply.rv, 0);
        reply.output
    };
    // C_OpenSession, read and write; C_Login as the user.
    let opened = call(13, &[[0; 8], 6u64.to_be_bytes()].concat());
    let session: [u8; 8] = opened.as_slice().try_into().expect("a handle");
    let login = [
        &session[..],
        &1u64.to_be_bytes(),
        &[0, 0, 0, 8],
        b"12345678",
    ]
    .concat();
    call(19, &login);
    House {
        session,
        processor: Processor::new(Arc::clone(&kms), ServerLimits::default()),
        peer: Peer::known(caller),
        tunnel,
        _folder: folder,
    }
});

/// The whole path of a request, as an administrator: the first byte says in which encoding the rest
/// is. Whatever comes, the answer is a KMIP response in the same encoding.
pub(crate) fn request_path(bytes: &[u8]) {
    let Some((first, message)) = bytes.split_first() else {
        return;
    };
    let encoding = [Encoding::Ttlv, Encoding::Xml, Encoding::Json][usize::from(first % 3)];
    let house = &*HOUSE;
    let answer = house.processor.answer_in(encoding, &house.peer, message);
    let limits = Limits {
        bytes: usize::MAX,
        items: usize::MAX,
        ..Limits::default()
    };
    let ttlv = encoding.to_ttlv(&answer, &limits);
    let ttlv = ttlv.expect("the answer is in the encoding of the request");
    ResponseMessage::decode(&ttlv, &limits).expect("the answer is a response");
}

/// A function of PKCS#11 by its number, and its parameters. Those of functions on a session come
/// without the session: it is that of a user who is logged in.
pub(crate) fn pkcs11_tunnel(bytes: &[u8]) {
    let Some((first, input)) = bytes.split_first() else {
        return;
    };
    // Not C_Initialize and C_Finalize, which are the server's, nor what ends the session.
    let number = u32::from(*first);
    if matches!(number, 1 | 2 | 10..=12 | 14 | 15 | 20) {
        return;
    }
    let Some(function) = Function::from_number(number) else {
        return;
    };
    let house = &*HOUSE;
    let _ = if number > 13 {
        let input = [&house.session, input].concat();
        house.tunnel.call(function, &input)
    } else {
        house.tunnel.call(function, input)
    };
}

/// Every DER form in which a key may enter.
pub(crate) fn key_encodings(bytes: &[u8]) {
    if let Ok(key) = PrivateKey::from_pkcs8(bytes) {
        assert!(key.to_pkcs8().is_ok());
    }
    if let Ok(key) = PublicKey::from_spki(bytes) {
        assert!(key.to_spki().is_ok());
    }
    let _ = PublicKey::from_certificate(bytes);
    let _ = RsaPrivateKey::from_pkcs1(bytes);
    let _ = RsaPublicKey::from_pkcs1(bytes);
    let _ = EcPrivateKey::from_sec1(None, bytes);
    let _ = NamedCurve::from_ec_parameters(bytes);
}

/// The configuration file, the server's section too.
pub(crate) fn configuration(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(file) = toml::from_str::<ConfigurationFile>(text)
    {
        let folder = std::path::Path::new("/");
        let _ = keybridge_server::settings::ServerSettings::of(&file, folder);
    }
}
