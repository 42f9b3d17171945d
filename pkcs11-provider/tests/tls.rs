//! The keys of TLS 1.2.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::derivations::{base, derive, open, secret};
use crate::support::*;

/// The same by hand: PRF(secret, label, seed) through CKM_TLS_KDF.
fn tls_prf(session: &Session, secret: &[u8], label: &[u8], seed: [&[u8]; 2], n: usize) -> Vec<u8> {
    let base = base(session, secret, false);
    let parameter = CK_TLS_KDF_PARAMS {
        prfMechanism: CKM_SHA256,
        pLabel: mutable(label),
        ulLabelLength: label.len() as _,
        RandomInfo: random(seed),
        pContextData: null_mut(),
        ulContextDataLength: 0,
    };
    let template = open(self::secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, n as _);
    let made = derive(
        session,
        with_parameter(CKM_TLS_KDF, &parameter),
        base,
        &template,
    );
    get(session, made.expect("derived"), CKA_VALUE).expect("readable")
}

fn random([client, server]: [&[u8]; 2]) -> CK_SSL3_RANDOM_DATA {
    CK_SSL3_RANDOM_DATA {
        pClientRandom: mutable(client),
        ulClientRandomLen: client.len() as _,
        pServerRandom: mutable(server),
        ulServerRandomLen: server.len() as _,
    }
}

/// What a connection's keys are derived by, and where they go.
struct Connection {
    vectors: [[u8; 16]; 2],
    out: CK_SSL3_KEY_MAT_OUT,
    sizes: [CK_ULONG; 3],
    export: CK_BBOOL,
}

const RANDOM: [&[u8]; 2] = [&[0xc1; 32], &[0x5e; 32]];

impl Connection {
    fn new(mac: CK_ULONG, key: CK_ULONG, vector: CK_ULONG) -> Box<Self> {
        let mut new = Box::new(Connection {
            vectors: [[0; 16]; 2],
            out: CK_SSL3_KEY_MAT_OUT {
                hClientMacSecret: 77,
                hServerMacSecret: 77,
                hClientKey: 77,
                hServerKey: 77,
                pIVClient: null_mut(),
                pIVServer: null_mut(),
            },
            sizes: [mac, key, vector],
            export: CK_FALSE,
        });
        new.out.pIVClient = new.vectors[0].as_mut_ptr();
        new.out.pIVServer = new.vectors[1].as_mut_ptr();
        new
    }

    fn derive(
        &mut self,
        session: &Session,
        kind: CK_MECHANISM_TYPE,
        base: CK_OBJECT_HANDLE,
        template: &Attributes,
    ) -> Result<(), Rv> {
        let parameter = CK_TLS12_KEY_MAT_PARAMS {
            ulMacSizeInBits: self.sizes[0],
            ulKeySizeInBits: self.sizes[1],
            ulIVSizeInBits: self.sizes[2],
            bIsExport: self.export,
            RandomInfo: random(RANDOM),
            pReturnedKeyMaterial: &raw mut self.out,
            prfHashMechanism: CKM_SHA256,
        };
        let mut mechanism = with_parameter(kind, &parameter);
        let raw = template.raw();
        let count = raw.len() as _;
        let (none, raw) = (null_mut(), mutable(&raw));
        let code = call!(
            C_DeriveKey,
            session.0,
            &mut mechanism,
            base,
            raw,
            count,
            none
        );
        Rv::from_code(code).map_or(Ok(()), Err)
    }

    fn handles(&self) -> [CK_OBJECT_HANDLE; 4] {
        let out = &self.out;
        [
            out.hClientMacSecret,
            out.hServerMacSecret,
            out.hClientKey,
            out.hServerKey,
        ]
    }
}

#[test]
fn the_keys_of_a_tls_connection_are_made_by_one_call() {
    let session = Session::new();
    let master = [0x4d; 48];
    // Server first: "key_block = PRF(master_secret, "key expansion", server_random + client_random)".
    let [client, server] = RANDOM;
    let block = tls_prf(&session, &master, b"key expansion", [server, client], 128);
    let key = base(&session, &master, false);
    for (kind, vectors) in [
        (CKM_TLS12_KEY_AND_MAC_DERIVE, true),
        (CKM_TLS12_KEY_SAFE_DERIVE, false),
    ] {
        let mut made = Connection::new(256, 128, 128);
        let template = secret(CKK_AES).bytes(CKA_LABEL, b"connection");
        made.derive(&session, kind, key, &template)
            .expect("derived");
        let [client_mac, server_mac, client_key, server_key] = made.handles();
        let value = |key| get(&session, key, CKA_VALUE).expect("as open as the base key");
        assert_eq!(value(client_mac), block[..32]);
        assert_eq!(value(server_mac), block[32..64]);
        assert_eq!(value(client_key), block[64..80]);
        assert_eq!(value(server_key), block[80..96]);
        let expected: [&[u8]; 2] = if vectors {
            [&block[96..112], &block[112..128]]
        } else {
            [&[0; 16], &[0; 16]]
        };
        assert_eq!(made.vectors.each_ref().map(|vector| &vector[..]), expected);
        let is = |key, kind| get(&session, key, kind).expect("told") == [1];
        assert!(is(client_mac, CKA_SIGN) && is(server_mac, CKA_VERIFY));
        assert!(!is(client_mac, CKA_ENCRYPT) && is(client_key, CKA_ENCRYPT));
        assert!(is(server_key, CKA_DECRYPT) && is(server_key, CKA_DERIVE));
        assert_eq!(value(client_key).len(), 16);
        // An AEAD suite has no MAC keys, and vectors of 4 bytes.
        let mut made = Connection::new(0, 256, 32);
        made.derive(&session, kind, key, &template)
            .expect("derived");
        let [none, nothing, client_key, _] = made.handles();
        assert_eq!([none, nothing], [CK_INVALID_HANDLE; 2]);
        assert_eq!(value(client_key), block[..32]);
        assert_eq!(made.vectors[0][4..], [0; 12]);
    }
}

#[test]
fn the_keys_of_a_tls_connection_are_as_hidden_as_their_master_secret() {
    let session = Session::new();
    let key = base(&session, &[0x4d; 48], true);
    let both = secret(CKK_AES);
    let mut made = Connection::new(160, 256, 0);
    let kind = CKM_TLS12_KEY_AND_MAC_DERIVE;
    made.derive(&session, kind, key, &both).expect("derived");
    for handle in made.handles() {
        assert_eq!(get(&session, handle, CKA_SENSITIVE), Ok(vec![1]));
        assert_eq!(get(&session, handle, CKA_EXTRACTABLE), Ok(vec![0]));
    }
    for (template, refused) in [
        (
            both.clone().bool(CKA_SENSITIVE, false),
            Rv::TEMPLATE_INCONSISTENT,
        ),
        (
            both.clone().bool(CKA_EXTRACTABLE, true),
            Rv::TEMPLATE_INCONSISTENT,
        ),
        (
            both.clone().ulong(CKA_VALUE_LEN, 16),
            Rv::TEMPLATE_INCONSISTENT,
        ),
    ] {
        assert_eq!(made.derive(&session, kind, key, &template), Err(refused));
    }
    // And what the exporter makes.
    let parameter = CK_TLS_KDF_PARAMS {
        prfMechanism: CKM_SHA256,
        pLabel: mutable(b"label"),
        ulLabelLength: 5,
        RandomInfo: random(RANDOM),
        pContextData: null_mut(),
        ulContextDataLength: 0,
    };
    let template = open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, 16);
    let exported = derive(
        &session,
        with_parameter(CKM_TLS_KDF, &parameter),
        key,
        &template,
    );
    let value = get(&session, exported.expect("derived"), CKA_VALUE);
    assert_eq!(value, Err(Rv::ATTRIBUTE_SENSITIVE));
}

#[test]
fn a_tls_connection_gets_all_of_its_keys_or_none() {
    let session = Session::new();
    let key = base(&session, &[0x4d; 48], false);
    let named = Attributes::new().bytes(CKA_LABEL, b"all or none");
    let count = || find(&session, &named).len();
    let aes = secret(CKK_AES).bytes(CKA_LABEL, b"all or none");
    let kind = CKM_TLS12_KEY_AND_MAC_DERIVE;
    // No AES key has 136 bits; the MAC keys before it are not there either.
    let mut made = Connection::new(256, 136, 0);
    assert!(made.derive(&session, kind, key, &aes).is_err());
    assert_eq!((made.handles(), count()), ([77; 4], 0));
    // Key material in the clear, export suites, sizes that are none, no place for vectors or for anything.
    for sizes in [
        [0, 0, 136],
        [256, 128, 129],
        [520, 128, 0],
        [0, 264, 0],
        [1, 1, 1],
        [CK_ULONG::MAX; 3],
    ] {
        let mut made = Connection::new(sizes[0], sizes[1], sizes[2]);
        let refused = made.derive(&session, kind, key, &aes);
        assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID), "{sizes:?}");
    }
    let mut made = Connection::new(256, 128, 128);
    made.export = CK_TRUE;
    assert_eq!(
        made.derive(&session, kind, key, &aes),
        Err(Rv::MECHANISM_PARAM_INVALID)
    );
    let mut made = Connection::new(256, 128, 128);
    made.out.pIVServer = null_mut();
    assert_eq!(
        made.derive(&session, kind, key, &aes),
        Err(Rv::MECHANISM_PARAM_INVALID)
    );
    let nowhere = CK_TLS12_KEY_MAT_PARAMS {
        ulMacSizeInBits: 0,
        ulKeySizeInBits: 128,
        ulIVSizeInBits: 0,
        bIsExport: CK_FALSE,
        RandomInfo: random(RANDOM),
        pReturnedKeyMaterial: null_mut(),
        prfHashMechanism: CKM_SHA256,
    };
    let refused = derive(&session, with_parameter(kind, &nowhere), key, &aes);
    assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID));
    assert_eq!(count(), 0);
    // Stored ones too are made together.
    let stored = aes.clone().bool(CKA_TOKEN, true);
    let mut made = Connection::new(256, 136, 0);
    assert!(made.derive(&session, kind, key, &stored).is_err());
    assert_eq!(count(), 0);
    let mut made = Connection::new(256, 128, 0);
    made.derive(&session, kind, key, &stored).expect("derived");
    assert_eq!(count(), 4);
    for handle in made.handles() {
        assert_eq!(get(&session, handle, CKA_TOKEN), Ok(vec![1]));
        check(call!(C_DestroyObject, session.0, handle));
    }
}

#[test]
fn a_tls_master_secret_is_for_tls() {
    let session = Session::new();
    let pre_master = base(&session, &[3; 48], false);
    let parameter = CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
        RandomInfo: random(RANDOM),
        pVersion: null_mut(),
        prfHashMechanism: CKM_SHA256,
    };
    let by = || with_parameter(CKM_TLS12_MASTER_KEY_DERIVE, &parameter);
    let template = open(secret(CKK_GENERIC_SECRET)).bool(CKA_DERIVE, true);
    let master = derive(&session, by(), pre_master, &template).expect("derived");
    let [client, server] = RANDOM;
    let expected = tls_prf(&session, &[3; 48], b"master secret", [client, server], 48);
    assert_eq!(get(&session, master, CKA_VALUE), Ok(expected));
    let mut made = Connection::new(256, 128, 0);
    let safe = CKM_TLS12_KEY_SAFE_DERIVE;
    made.derive(&session, safe, master, &secret(CKK_AES))
        .expect("derived");
    let plain = derive(
        &session,
        mechanism(CKM_SHA256_KEY_DERIVATION),
        master,
        &template,
    );
    assert_eq!(plain, Err(Rv::MECHANISM_INVALID));
    let narrowed = template
        .clone()
        .bytes(CKA_ALLOWED_MECHANISMS, &safe.to_ne_bytes());
    let master = derive(&session, by(), pre_master, &narrowed).expect("derived");
    let both = CKM_TLS12_KEY_AND_MAC_DERIVE;
    let refused = made.derive(&session, both, master, &secret(CKK_AES));
    assert_eq!(refused, Err(Rv::MECHANISM_INVALID));
    let wider = template.bytes(CKA_ALLOWED_MECHANISMS, &CKM_SHA256_HMAC.to_ne_bytes());
    let refused = derive(&session, by(), pre_master, &wider);
    assert_eq!(refused, Err(Rv::TEMPLATE_INCONSISTENT));
}
