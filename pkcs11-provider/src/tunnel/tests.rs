//! That nothing of the library is left out, and that nothing that is cut or spoiled passes.

use cryptoki_sys::*;

use super::codec::{Fault, Reader};
use super::message_parameters::{self, Wrapping};
use super::{CodecError, Function, NOT_CARRIED, Tunnel, mechanisms};
use crate::ffi::DECLARATIONS;
use crate::functions::TagUse;
use crate::mechanisms::parameters::{MOST_FIELDS, NumberForm, PrfField};
use crate::mechanisms::registry::{Family, MECHANISMS, Row};
use crate::mechanisms::samples::sample;
use crate::mechanisms::{ParameterShape as Shape, Parameters};
use crate::module::Instance;
use crate::rv::{Result as RvResult, Rv};
use crate::session::message::MessageKind;

/// Writes parameters.
#[derive(Clone, Default)]
struct Out(Vec<u8>);

impl Out {
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
    fn flag(self, flag: bool) -> Self {
        self.raw(&[u8::from(flag)])
    }
    fn ulong(self, number: CK_ULONG) -> Self {
        self.raw(&number.to_be_bytes())
    }
    fn count(self, count: usize) -> Self {
        self.raw(&u32::try_from(count).unwrap().to_be_bytes())
    }
    fn bytes(self, bytes: &[u8]) -> Self {
        self.count(bytes.len()).raw(bytes)
    }
    fn form(self, form: NumberForm) -> Self {
        self.flag(form.little_endian).ulong(form.bits)
    }
}

fn empty() -> Tunnel {
    Tunnel {
        instance: Instance::new(Vec::new()),
    }
}

#[test]
fn every_function_of_the_library_is_carried() {
    let page = include_str!("../../../docs/KMIP.md");
    let tunnel = empty();
    assert_eq!(Function::ALL.len(), DECLARATIONS.len());
    for (number, declaration) in (1..).zip(DECLARATIONS) {
        let name = declaration.name;
        let function = Function::from_number(number).expect(name);
        assert_eq!(format!("{function:?}"), name);
        let excepted = NOT_CARRIED.iter().find(|(other, _)| *other == function);
        if let Some((_, reason)) = excepted {
            assert!(
                page.contains(&format!("`{name}`")),
                "{name} is not on the page"
            );
            assert!(!reason.is_empty(), "{name}");
        }
        // Those that make and end the module are the server's.
        if matches!(function, Function::C_Initialize | Function::C_Finalize) {
            continue;
        }
        let answer = tunnel.call(function, &[]).map(|reply| reply.rv);
        let refused = answer == Ok(CKR_FUNCTION_NOT_SUPPORTED);
        assert_eq!(refused, excepted.is_some(), "{name}: {answer:?}");
        assert!(declaration.supported || refused, "{name}");
    }
    assert_eq!(Function::from_number(0), None);
    assert_eq!(Function::from_number(105), None);
}

/// A parameter as a client writes it; `None` where there is none.
fn encoded(shape: Shape, parameters: &Parameters<'_>) -> Option<Vec<u8>> {
    use Parameters as P;
    let out = Out::default();
    let out = match *parameters {
        P::None => return None,
        P::Bytes(bytes) => out.bytes(bytes),
        P::Counter { bits, block } => out.ulong(bits).raw(&block),
        P::Gcm { iv, aad, tag_bits } => {
            let bits = iv.len() as CK_ULONG * 8;
            out.bytes(iv).ulong(bits).bytes(aad).ulong(tag_bits)
        }
        P::Ccm {
            data_len,
            nonce,
            aad,
            mac_len,
        } => out.ulong(data_len).bytes(nonce).bytes(aad).ulong(mac_len),
        P::ChaCha20 { counter, nonce } => out.bytes(counter).bytes(nonce),
        P::ChaCha20Poly1305 { nonce, aad } => out.bytes(nonce).bytes(aad),
        P::MacLength(number) | P::Handle(number) | P::Number(number) => out.ulong(number),
        P::Pss {
            hash,
            mgf,
            salt_len,
        } => out.ulong(hash).ulong(mgf).ulong(salt_len),
        P::Oaep {
            hash,
            mgf,
            source,
            label,
        } => out.ulong(hash).ulong(mgf).ulong(source).bytes(label),
        P::EdDsa { prehash, context } => out.flag(prehash).bytes(context),
        P::Ecdh1 {
            kdf,
            shared,
            public,
        } => out.ulong(kdf).bytes(shared).bytes(public),
        P::Signing {
            hedge,
            context,
            hash,
        } => {
            let out = out.ulong(hedge).bytes(context);
            match hash {
                Some(hash) => out.ulong(hash),
                None => out,
            }
        }
        P::RsaAesKeyWrap {
            bits,
            hash,
            mgf,
            source,
            label,
        } => {
            let out = out.ulong(bits).ulong(hash).ulong(mgf);
            out.ulong(source).bytes(label)
        }
        P::EcdhAesKeyWrap { bits, kdf, shared } => out.ulong(bits).ulong(kdf).bytes(shared),
        P::Sp800108 {
            prf,
            ref fields,
            iv,
        } => sp800108(shape, prf, fields, iv),
        P::Tls {
            hash,
            label,
            client,
            server,
            context,
        } => match shape {
            Shape::TlsMaster => out.bytes(client).bytes(server).flag(false).ulong(hash),
            Shape::TlsExtendedMaster => out.ulong(hash).bytes(client).flag(false),
            _ => {
                let out = out.ulong(hash).bytes(label).bytes(client);
                out.bytes(server).bytes(context)
            }
        },
        P::TlsKeys {
            hash,
            mac_bits,
            key_bits,
            vector_bits,
            export,
            client,
            server,
        } => {
            let out = out.ulong(mac_bits).ulong(key_bits).ulong(vector_bits);
            let out = out.flag(export).bytes(client).bytes(server);
            out.ulong(hash)
        }
        P::TlsMac { hash, length, side } => out.ulong(hash).ulong(length).ulong(side),
        P::Pbkdf2 {
            prf,
            password,
            salt,
            iterations,
        } => {
            let out = out.ulong(CKZ_SALT_SPECIFIED).bytes(salt).ulong(iterations);
            out.ulong(prf).bytes(&[]).bytes(password)
        }
        P::Hkdf {
            extract,
            expand,
            prf,
            salt_type,
            salt,
            salt_key,
            info,
        } => {
            let out = out.flag(extract).flag(expand).ulong(prf).ulong(salt_type);
            out.bytes(salt).ulong(salt_key).bytes(info)
        }
        P::CbcEncryptData { iv, data } => out.raw(&iv).bytes(data),
    };
    Some(out.0)
}

fn sp800108(shape: Shape, prf: CK_ULONG, fields: &[PrfField<'_>], iv: &[u8]) -> Out {
    let mut out = Out::default().ulong(prf).count(fields.len());
    for field in fields {
        let none = Out::default();
        let (kind, value) = match *field {
            PrfField::Iteration(None) => (CK_SP800_108_ITERATION_VARIABLE, none),
            PrfField::Iteration(Some(form)) => (CK_SP800_108_ITERATION_VARIABLE, none.form(form)),
            PrfField::Counter(form) => (CK_SP800_108_COUNTER, none.form(form)),
            PrfField::Length(method, form) => {
                (CK_SP800_108_DKM_LENGTH, none.ulong(method).form(form))
            }
            PrfField::Bytes(bytes) => (CK_SP800_108_BYTE_ARRAY, none.raw(bytes)),
            PrfField::Key(handle) => (CK_SP800_108_KEY_HANDLE, none.ulong(handle)),
        };
        out = out.ulong(kind).bytes(&value.0);
    }
    if shape == Shape::Sp800108Feedback {
        out = out.bytes(iv);
    }
    out.count(0)
}

/// Parameters with something in every field, of the shapes whose sample leaves some empty.
fn full(row: &Row) -> Parameters<'static> {
    let form = |bits| NumberForm {
        little_endian: bits == 16,
        bits,
    };
    match row.shape {
        Shape::OptionalIv(length) => Parameters::Bytes(&[3; 16][..length]),
        Shape::OptionalBytes => Parameters::Bytes(b"identity"),
        Shape::EdDsa => Parameters::EdDsa {
            prehash: true,
            context: b"context",
        },
        Shape::Signing | Shape::HashSigning => Parameters::Signing {
            hedge: CKH_DETERMINISTIC_REQUIRED,
            context: b"context",
            hash: (row.shape == Shape::HashSigning).then_some(CKM_SHA512),
        },
        Shape::Gcm => Parameters::Gcm {
            iv: &[1; 12],
            aad: b"data",
            tag_bits: 96,
        },
        Shape::Ccm => Parameters::Ccm {
            data_len: 1 << 33,
            nonce: &[1; 13],
            aad: b"data",
            mac_len: 4,
        },
        Shape::Hkdf => Parameters::Hkdf {
            extract: true,
            expand: true,
            prf: CKM_SHA384,
            salt_type: CKF_HKDF_SALT_DATA,
            salt: b"salt",
            salt_key: 77,
            info: b"information",
        },
        Shape::TlsKdf => Parameters::Tls {
            hash: CKM_SHA384,
            label: b"label",
            client: &[1; 32],
            server: &[2; 32],
            context: b"context",
        },
        Shape::Sp800108 | Shape::Sp800108Feedback => {
            let fields = [
                PrfField::Iteration(Some(form(16))),
                PrfField::Counter(form(32)),
                PrfField::Length(CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, form(64)),
                PrfField::Bytes(b"label"),
                PrfField::Key(77),
            ];
            let feedback = row.shape == Shape::Sp800108Feedback;
            Parameters::Sp800108 {
                prf: CKM_AES_CMAC,
                fields: fields.into(),
                iv: if feedback { b"first" } else { &[] },
            }
        }
        _ => sample(row),
    }
}

fn mechanism(row: &Row, parameter: Option<&[u8]>) -> Vec<u8> {
    let out = Out::default().ulong(row.kind).flag(parameter.is_some());
    match parameter {
        Some(parameter) => out.bytes(parameter).0,
        None => out.0,
    }
}

/// What the tunnel reads, or its return value.
fn read(bytes: &[u8]) -> Result<String, String> {
    let mut reader = Reader::new(bytes);
    let given = mechanisms::read(&mut reader).map_err(|error| format!("{error:?}"))?;
    reader.end().map_err(|error| format!("{error:?}"))?;
    let call = given.call().map_err(|fault| format!("{fault:?}"))?;
    Ok(format!("{:?}", call.parameters))
}

#[test]
fn every_mechanism_can_have_its_parameter() {
    for row in MECHANISMS {
        for parameters in [sample(row), full(row)] {
            let parameter = encoded(row.shape, &parameters);
            let bytes = mechanism(row, parameter.as_deref());
            let expected = Ok(format!("{parameters:?}"));
            assert_eq!(read(&bytes), expected, "{}", row.name);
        }
        // A shape that takes a parameter was given one.
        let given = encoded(row.shape, &full(row)).is_some();
        assert_eq!(given, row.shape != Shape::None, "{}", row.name);
    }
}

#[test]
fn no_parameter_can_be_cut_or_lengthened() {
    for row in MECHANISMS {
        let Some(parameter) = encoded(row.shape, &full(row)) else {
            continue;
        };
        for length in 1..parameter.len() {
            let bytes = mechanism(row, Some(&parameter[..length]));
            assert!(read(&bytes).is_err(), "{} cut at {length}", row.name);
        }
        let longer = [&parameter[..], &[0]].concat();
        assert!(
            read(&mechanism(row, Some(&longer))).is_err(),
            "{}",
            row.name
        );
        // Every four bytes as if they were a count: an error or another value, and no memory for it.
        for place in 0..parameter.len().saturating_sub(3) {
            let mut spoiled = parameter.clone();
            spoiled[place..place + 4].copy_from_slice(&[0xFF; 4]);
            let _ = read(&mechanism(row, Some(&spoiled)));
        }
        let whole = mechanism(row, Some(&parameter));
        for length in 0..whole.len() {
            assert!(
                read(&whole[..length]).is_err(),
                "{} cut at {length}",
                row.name
            );
        }
    }
}

#[test]
fn what_c_refuses_is_refused() {
    let row = |kind| MECHANISMS.iter().find(|row| row.kind == kind).unwrap();
    let invalid = Err(format!("{:?}", Fault::Rv(Rv::MECHANISM_PARAM_INVALID)));
    let refused = |kind, parameter: Out| {
        let answer = read(&mechanism(row(kind), Some(&parameter.0)));
        assert_eq!(answer, invalid);
    };
    // Keys that are too many; a version's place; another source of salt; a password too long.
    let mut many = Out::default().ulong(CKM_SHA256_HMAC).count(0).count(65);
    for _ in 0..65 {
        many = many.count(0);
    }
    refused(CKM_SP800_108_COUNTER_KDF, many);
    let master = Out::default().bytes(&[1; 32]).bytes(&[2; 32]).flag(true);
    refused(
        CKM_TLS12_MASTER_KEY_DERIVE,
        master.raw(&[3, 3]).ulong(CKM_SHA256),
    );
    let pbkdf2 = |source, password: &[u8]| {
        let out = Out::default().ulong(source).bytes(b"salt").ulong(1);
        out.ulong(CKP_PKCS5_PBKD2_HMAC_SHA256)
            .bytes(&[])
            .bytes(password)
    };
    refused(CKM_PKCS5_PBKD2, pbkdf2(2, b"password"));
    refused(CKM_PKCS5_PBKD2, pbkdf2(CKZ_SALT_SPECIFIED, &[b'a'; 4097]));
    let fields = |count: usize| {
        let mut out = Out::default().ulong(CKM_SHA256_HMAC).count(count);
        for _ in 0..count {
            out = out.ulong(CK_SP800_108_BYTE_ARRAY).bytes(b"label");
        }
        out.count(0)
    };
    let most = mechanism(row(CKM_SP800_108_COUNTER_KDF), Some(&fields(MOST_FIELDS).0));
    assert!(read(&most).is_ok());
    refused(CKM_SP800_108_COUNTER_KDF, fields(MOST_FIELDS + 1));
}

/// The two structures that a wrapping mechanism may have are never taken for each other, whatever the associated
/// data is.
#[test]
fn parameters_of_wrapping_are_told_apart() {
    for row in MECHANISMS {
        let ccm = match row.family {
            Family::Gcm => false,
            Family::Ccm => true,
            _ => continue,
        };
        fn wraps<'a>(bytes: &'a [u8], row: &Row) -> RvResult<Option<Wrapping<'a>>> {
            message_parameters::wrapping(bytes, row, false)
        }
        let with = |out: Out| if ccm { out.ulong(16) } else { out };
        for length in 0..64 {
            for byte in [0, 1, 0xFF] {
                let aad = vec![byte; length];
                let ordinary = with(Out::default()).bytes(&[7; 12]);
                let ordinary = if ccm { ordinary } else { ordinary.ulong(96) };
                let ordinary = ordinary.bytes(&aad).ulong(128).0;
                let is_neither = matches!(wraps(&ordinary, row), Ok(None));
                assert!(is_neither, "{} {length} {byte}", row.name);
                let tag = if ccm { 16 } else { 128 };
                let wrapping = with(Out::default()).bytes(&[7; 12]).ulong(32);
                let wrapping = wrapping.ulong(CKG_GENERATE).bytes(&aad).ulong(tag).0;
                let read = wraps(&wrapping, row).unwrap().expect(row.name);
                assert_eq!((read.aad, read.parameters.tag_bits), (&aad[..], 128));
                let given = mechanism(row, Some(&wrapping));
                let given = mechanisms::read(&mut Reader::new(&given)).unwrap();
                assert!(given.call().is_err(), "{} {length} {byte}", row.name);
            }
        }
        let none = with(Out::default()).bytes(&[7; 12]).ulong(0).ulong(9);
        assert!(
            wraps(&none.bytes(&[]).ulong(8).0, row).is_err(),
            "{}",
            row.name
        );
    }
}

#[test]
fn a_message_has_a_tag_or_room_for_one() {
    let row = |family| MECHANISMS.iter().find(|row| row.family == family).unwrap();
    let gcm = Out::default().bytes(&[1; 12]).ulong(32).ulong(CKG_GENERATE);
    let ccm = Out::default()
        .ulong(5)
        .bytes(&[1; 12])
        .ulong(32)
        .ulong(CKG_GENERATE);
    let chacha = Out::default().bytes(&[1; 12]);
    for (family, start) in [
        (Family::Gcm, gcm),
        (Family::Ccm, ccm),
        (Family::ChaCha20Poly1305, chacha),
    ] {
        let name = row(family).name;
        let read = |bytes: &[u8], kind, tag| message_parameters::read(bytes, family, kind, tag);
        let sealed = start.clone().bytes(&[9; 16]).0;
        let room = start.clone().flag(true).count(16).0;
        let no_room = start.flag(false).count(16).0;
        let opened = read(&sealed, MessageKind::Decrypt, TagUse::Read).unwrap();
        assert_eq!(opened.parameters.tag, [9; 16], "{name}");
        let made = read(&room, MessageKind::Encrypt, TagUse::Write).unwrap();
        assert_eq!(made.parameters.tag_bits, 128, "{name}");
        assert!(
            read(&no_room, MessageKind::Encrypt, TagUse::Write).is_err(),
            "{name}"
        );
        assert!(
            read(&no_room, MessageKind::Encrypt, TagUse::Leave).is_ok(),
            "{name}"
        );
        for (whole, kind, tag) in [
            (&sealed, MessageKind::Decrypt, TagUse::Read),
            (&room, MessageKind::Encrypt, TagUse::Write),
        ] {
            for length in 0..whole.len() {
                assert!(
                    read(&whole[..length], kind, tag).is_err(),
                    "{name} cut at {length}"
                );
            }
            let longer = [&whole[..], &[0]].concat();
            assert!(read(&longer, kind, tag).is_err(), "{name}");
            for place in 0..whole.len() - 3 {
                let mut spoiled = whole.clone();
                spoiled[place..place + 4].copy_from_slice(&[0xFF; 4]);
                let _ = read(&spoiled, kind, tag);
            }
        }
    }
}

#[test]
fn nothing_at_all_is_no_input() {
    let tunnel = empty();
    for function in &Function::ALL[2..] {
        for length in 0..80 {
            for byte in [0, 1, 0xFF] {
                match tunnel.call(*function, &vec![byte; length]) {
                    // No slot and no session: nothing that needs one goes well.
                    Ok(reply) if reply.rv == CKR_OK => {
                        let quiet =
                            matches!(function, Function::C_GetInfo | Function::C_GetSlotList);
                        assert!(quiet, "{function:?}");
                    }
                    Ok(_) | Err(CodecError) => {}
                }
            }
        }
    }
}
