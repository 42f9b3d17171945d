//! Keys that travel wrapped: encrypted, with a MAC or signature, or both (1.4 sections 2.1.5 and
//! 2.1.6; 2.1 sections 3.3 and 7.18).

use std::cell::RefCell;
use std::sync::Arc;

use keybridge_core::kms::UnwrapKey;
use keybridge_core::model::UsageMask;
use keybridge_core::{Error, Mechanism, Object, ObjectClass, ObjectId, Purpose, SecretBytes};
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeName, CryptographicParameters};
use keybridge_kmip::enums::{
    EncodingOption, KeyFormatType, KeyWrapType, ObjectType, ResultReason as R,
    WrappingMethod as Method,
};
use keybridge_kmip::objects::{
    KeyBlock, KeyInformation, KeyMaterial, KeyValue, KeyWrappingData, KeyWrappingSpecification,
    ManagedObject, PlainKeyValue,
};

use super::object_in::{Incoming, register};
use super::object_out::{key_block, managed};
use super::{sign, signature_verify, uses};
use crate::attributes::{self, notes};
use crate::failure::{Failure, Result};
use crate::key_formats;
use crate::mechanisms::{self, Inputs};
use crate::processor::Context;

/// The keys of a wrapping method: which of the two it needs.
fn needs(method: Method) -> Result<(bool, bool)> {
    Ok(match method {
        Method::Encrypt => (true, false),
        Method::MACSign => (false, true),
        Method::EncryptThenMACSign | Method::MACSignThenEncrypt => (true, true),
        other => {
            return Err(Failure::not_supported(format!(
                "wrapping method {other} is not supported"
            )));
        }
    })
}

fn key_of<'a>(
    key: Option<&'a KeyInformation>,
    needed: bool,
    name: &str,
) -> Result<Option<&'a KeyInformation>> {
    match (key, needed) {
        (Some(key), true) => Ok(Some(key)),
        (None, false) => Ok(None),
        (None, true) => Err(Failure::invalid_message(format!("the {name} is missing"))),
        (Some(_), false) => Err(Failure::invalid_field(format!(
            "the wrapping method has no use for a {name}"
        ))),
    }
}

/// The wrapping key is not an object like others: 2.0 has reasons of its own for it.
fn wrapping_object(context: &Context<'_>, key: &KeyInformation) -> Result<(ObjectId, Arc<Object>)> {
    let found = context.object(Some(&key.unique_identifier)).and_then(|id| {
        let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
        if !object.class.is_key() {
            return Err(Failure::by_version(
                R::IllegalOperation,
                R::InvalidObjectType,
                "the wrapping key is no key",
            ));
        }
        Ok((id, object))
    });
    found.map_err(|failure| failure.renamed(R::ObjectNotFound, R::WrappingObjectNotFound))
}

fn of_wrapping(error: Error) -> Failure {
    match error {
        Error::Archived => Failure::by_version(
            R::ObjectArchived,
            R::WrappingObjectArchived,
            error.to_string(),
        ),
        error => error.into(),
    }
}

/// How a key encrypts keys: as its parameters say, else by key wrap. What was made for it (an
/// initialization vector) goes beside the wrapped key.
fn encryption(
    object: &Object,
    given: Option<&CryptographicParameters>,
    iv: Option<&[u8]>,
    makes_iv: bool,
) -> Result<(Mechanism, Option<Vec<u8>>)> {
    let mut parameters = uses::parameters(given.cloned(), object);
    let is_rsa = matches!(object.spec, Some(keybridge_core::KeySpec::Rsa { .. }));
    if !is_rsa && mechanisms::is_key_wrap(&parameters) {
        return Ok((mechanisms::key_wrap(Some(&parameters))?, None));
    }
    if makes_iv {
        // Nobody gives one: "IV/Counter/Nonce" is told with the wrapped key.
        parameters.random_iv = Some(true);
    }
    let inputs = Inputs {
        iv,
        additional_data: None,
    };
    let cipher = mechanisms::cipher(object.spec, &parameters, inputs, makes_iv)?;
    if cipher.pads.is_some() {
        return Err(Failure::not_supported("ECB with padding wraps no keys"));
    }
    Ok((cipher.mechanism, cipher.made_iv))
}

/// Whether a MAC or signature tells nothing of the data to whoever has its key: of what is hashed first. PKCS#1 padding
/// of the data themselves is taken off with the public key, and CMAC's last block is decrypted with its key.
const fn tells_nothing(mechanism: &Mechanism) -> bool {
    matches!(
        mechanism,
        Mechanism::Hmac { .. }
            | Mechanism::RsaPkcs1Hash {
                digested: false,
                ..
            }
            | Mechanism::RsaPss {
                digested: false,
                ..
            }
            | Mechanism::EcdsaHash { .. }
            | Mechanism::Eddsa
            | Mechanism::Sm2Sign { .. }
    )
}

fn check_tells_nothing(mechanism: &Mechanism, secret: bool) -> Result<()> {
    if secret && !tells_nothing(mechanism) {
        return Err(Failure::new(
            R::PermissionDenied,
            "a MAC or signature over a sensitive key is of its hash",
        ));
    }
    Ok(())
}

/// MACs or signs `data`, which may be `secret`.
fn protect(
    context: &Context<'_>,
    key: &KeyInformation,
    data: &[u8],
    secret: bool,
) -> Result<Vec<u8>> {
    let (id, object) = wrapping_object(context, key)?;
    let parameters = uses::parameters(key.cryptographic_parameters.clone(), &object);
    if object.class == ObjectClass::PrivateKey {
        let mechanism = mechanisms::signature(object.spec, &parameters, false)?;
        check_tells_nothing(&mechanism, secret)?;
        let mut raw = uses::run(context, id, &object, Purpose::Sign, mechanism, data)?;
        return sign::in_kmips_form(object.spec, &mut raw);
    }
    let mechanism = mechanisms::mac(object.spec, &parameters)?;
    check_tells_nothing(&mechanism, secret)?;
    let mac = uses::run(context, id, &object, Purpose::MacGenerate, mechanism, data)?;
    Ok(mac.to_vec())
}

/// Checks a MAC or signature over `data`.
fn check(context: &Context<'_>, key: &KeyInformation, data: &[u8], given: &[u8]) -> Result<()> {
    let (id, object) = wrapping_object(context, key)?;
    let parameters = uses::parameters(key.cryptographic_parameters.clone(), &object);
    let (purpose, mechanism, given) = if object.class == ObjectClass::PublicKey {
        let mechanism = mechanisms::signature(object.spec, &parameters, false)?;
        let signature = signature_verify::in_core_form(object.spec, given.to_vec());
        (Purpose::Verify, mechanism, signature)
    } else {
        let mechanism = mechanisms::mac(object.spec, &parameters)?;
        (Purpose::MacVerify, mechanism, given.to_vec())
    };
    context.blocking(|kms, caller| {
        let mut operation = kms.begin(caller, id, purpose, mechanism)?;
        kms.verify(&mut operation, data, &given)
    })?;
    Ok(())
}

// ---- out ----------------------------------------------------------------------------------------

/// The object with its value wrapped under other keys.
pub(super) fn wrapped(
    context: &Context<'_>,
    id: ObjectId,
    format: Option<KeyFormatType>,
    specification: &KeyWrappingSpecification,
) -> Result<(Arc<Object>, ManagedObject)> {
    let (encrypts, protects) = needs(specification.wrapping_method)?;
    let encrypting = key_of(
        specification.encryption_key.as_ref(),
        encrypts,
        "Encryption Key Information",
    )?;
    let protecting = key_of(
        specification.mac_signature_key.as_ref(),
        protects,
        "MAC/Signature Key Information",
    )?;
    let encoding = specification
        .encoding_option
        .unwrap_or(EncodingOption::TTLVEncoding);
    check_encoding(encoding, specification)?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    // Learn early, and with the right reason, that there is no such format.
    if !(object.class.is_key()
        || matches!(
            object.class,
            ObjectClass::SecretData | ObjectClass::SplitKey | ObjectClass::PgpKey
        ))
    {
        return Err(Failure::by_version(
            R::IllegalOperation,
            R::InvalidObjectType,
            "only keys and secrets are wrapped",
        ));
    }
    let form = Form {
        format: format.unwrap_or_else(|| key_formats::default_format(&object, context.version)),
        encoding,
        names: &specification.attribute_names.0,
        version: context.version,
    };
    let mut data = KeyWrappingData {
        wrapping_method: specification.wrapping_method,
        encryption_key: specification.encryption_key.clone(),
        mac_signature_key: specification.mac_signature_key.clone(),
        mac_signature: None,
        iv_counter_nonce: None,
        encoding_option: specification.encoding_option,
    };
    let value = match encrypting {
        Some(key) => {
            let (encoded, bytes, iv) = encrypted(context, id, key, &form)?;
            data.iv_counter_nonce = iv;
            if let Some(protecting) = protecting {
                let hidden = object.attributes.sensitive || !object.attributes.extractable;
                let (over, secret) = match specification.wrapping_method {
                    Method::MACSignThenEncrypt => (encoded.expose(), hidden),
                    _ => (bytes.as_slice(), false),
                };
                data.mac_signature = Some(protect(context, protecting, over, secret)?);
            }
            // "The wrapped un-encoded value of the Byte String Key Material field in the Key Value
            // structure" (1.2 section 2.1.5 and later): the structure stays, as PyKMIP, the client of
            // this option, reads it. 1.1 speaks of no structure (TC-141-11).
            if encoding == EncodingOption::NoEncoding && context.version > Version::V1_1 {
                KeyValue::Plain(KeyMaterial::Bytes(bytes.into()).into())
            } else {
                KeyValue::Wrapped(bytes.into())
            }
        }
        None => {
            // In the clear, with proof of where it comes from.
            let exported = context.inline(|kms, caller| kms.export(caller, id))?;
            let encoded = form.encode(&exported.object, &exported.value)?;
            if let Some(protecting) = protecting {
                data.mac_signature = Some(protect(context, protecting, encoded.expose(), false)?);
            }
            KeyValue::Plain(form.key_value(&exported.object, &exported.value)?)
        }
    };
    let mut block = key_block(&object, form.format, value);
    block.key_wrapping_data = Some(data);
    let shown = managed(&object, block)?;
    Ok((object, shown))
}

/// What was wrapped, the wrapped key, and the initialization vector that was made for it.
fn encrypted(
    context: &Context<'_>,
    id: ObjectId,
    key: &KeyInformation,
    form: &Form<'_>,
) -> Result<(SecretBytes, Vec<u8>, Option<Vec<u8>>)> {
    let (wrapping_key, wrapping) = wrapping_object(context, key)?;
    let parameters = key.cryptographic_parameters.as_ref();
    let (mechanism, iv) = encryption(&wrapping, parameters, None, true)?;
    let seen = RefCell::new(SecretBytes::default());
    let failed = RefCell::new(None);
    let encode = |object: &Object, value: &SecretBytes| match form.encode(object, value) {
        Ok(encoded) => {
            seen.replace(encoded.clone());
            Ok(encoded)
        }
        Err(failure) => {
            failed.replace(Some(failure));
            Err(Error::InvalidRequest(
                "the key has no such form to be wrapped".into(),
            ))
        }
    };
    let bytes = context.perhaps_blocking(uses::blocks(&wrapping), |kms, caller| {
        kms.wrap(caller, wrapping_key, &mechanism, id, &encode)
    });
    if let Some(failure) = failed.take() {
        return Err(failure);
    }
    Ok((seen.take(), bytes.map_err(of_wrapping)?, iv))
}

/// What of a key is wrapped.
struct Form<'a> {
    format: KeyFormatType,
    encoding: EncodingOption,
    names: &'a [AttributeName],
    version: Version,
}

impl Form<'_> {
    fn key_value(&self, object: &Object, value: &SecretBytes) -> Result<PlainKeyValue> {
        Ok(PlainKeyValue {
            key_material: key_formats::material(object, value, self.format)?,
            attributes: attributes::read_named(object, self.names, self.version).into(),
        })
    }

    /// The key's bytes, or the Key Value as a TTLV item.
    fn encode(&self, object: &Object, value: &SecretBytes) -> Result<SecretBytes> {
        encoded(&self.key_value(object, value)?, self.encoding, self.version)
    }
}

fn encoded(
    value: &PlainKeyValue,
    encoding: EncodingOption,
    version: Version,
) -> Result<SecretBytes> {
    if encoding == EncodingOption::NoEncoding {
        return match &value.key_material {
            KeyMaterial::Bytes(bytes) => Ok(SecretBytes::from(&**bytes)),
            _ => Err(Failure::new(
                R::EncodingOptionError,
                "transparent keys are wrapped in TTLV Encoding",
            )),
        };
    }
    let ttlv = value
        .to_ttlv(version)
        .map_err(|error| Failure::new(R::EncodingOptionError, error.to_string()))?;
    Ok(SecretBytes::from(ttlv.as_slice()))
}

/// "Encoding Option not permitted when Key Wrapping Specification contains attribute names".
fn check_encoding(
    encoding: EncodingOption,
    specification: &KeyWrappingSpecification,
) -> Result<()> {
    let known = matches!(
        encoding,
        EncodingOption::NoEncoding | EncodingOption::TTLVEncoding
    );
    let attributes = !specification.attribute_names.0.is_empty();
    if !known || (encoding == EncodingOption::NoEncoding && attributes) {
        return Err(Failure::new(
            R::EncodingOptionError,
            "attributes are wrapped with the key in TTLV Encoding only",
        ));
    }
    Ok(())
}

// ---- in -----------------------------------------------------------------------------------------

/// Whether the key under which a key block is wrapped may not unwrap: a public key, or one for wrapping
/// only. The key is then kept as it came (TC-WRAP-1-14).
fn unwraps_nothing(context: &Context<'_>, data: &KeyWrappingData) -> bool {
    let key = data.encryption_key.as_ref();
    let found = key.and_then(|key| wrapping_object(context, key).ok());
    found.is_some_and(|(_, key)| !key.attributes.usage.contains(UsageMask::UNWRAP))
}

/// Keeps a wrapped key as it is.
fn kept(
    mut incoming: Incoming,
    context: &Context<'_>,
    (class, format): (ObjectClass, KeyFormatType),
    value: Option<&KeyValue>,
) -> Result<ObjectId> {
    incoming.draft.note(notes::KEPT_WRAPPED, 1);
    let spec = incoming.draft.kind.of_kept();
    let mut new = incoming.into_kept(class, format);
    new.spec = spec.filter(|_| class.is_key());
    new.value = Some(match value {
        Some(KeyValue::Wrapped(bytes)) => SecretBytes::from(&**bytes),
        // No Encoding: what was wrapped stands in the Key Material.
        Some(KeyValue::Plain(value)) => {
            encoded(value, EncodingOption::NoEncoding, context.version)?
        }
        None => return Err(Failure::invalid_message("the Key Value is missing")),
    });
    register(context, new)
}

/// Unwraps a key block and keeps its key; or keeps the block as it is, where that is asked for.
pub(super) fn unwrapped(
    mut incoming: Incoming,
    context: &Context<'_>,
    (kind, class): (ObjectType, ObjectClass),
    block: KeyBlock,
) -> Result<ObjectId> {
    incoming.draft.note_block(&block, context.version)?;
    let Some(data) = block.key_wrapping_data else {
        return Err(Failure::invalid_message("the Key Wrapping Data is missing"));
    };
    let format = block.key_format_type;
    if incoming.key_wrap_type == Some(KeyWrapType::AsRegistered)
        || incoming.key_wrap_type.is_none() && unwraps_nothing(context, &data)
    {
        return kept(incoming, context, (class, format), block.key_value.as_ref());
    }
    let (encrypts, protects) = needs(data.wrapping_method)?;
    let encrypting = key_of(
        data.encryption_key.as_ref(),
        encrypts,
        "Encryption Key Information",
    )?;
    let protecting = key_of(
        data.mac_signature_key.as_ref(),
        protects,
        "MAC/Signature Key Information",
    )?;
    let given = match (protecting, &data.mac_signature) {
        (Some(_), None) => return Err(Failure::invalid_message("the MAC/Signature is missing")),
        (_, given) => given.as_deref().unwrap_or_default(),
    };
    let encoding = data.encoding_option.unwrap_or(EncodingOption::TTLVEncoding);
    let value = block
        .key_value
        .ok_or_else(|| Failure::invalid_message("the Key Value is missing"))?;
    let Some(encrypting) = encrypting else {
        let KeyValue::Plain(value) = value else {
            return Err(Failure::invalid_field("the Key Value is not encrypted"));
        };
        if let Some(protecting) = protecting {
            let over = encoded(&value, encoding, context.version)?;
            check(context, protecting, over.expose(), given)?;
        }
        return incoming.plain(context, (kind, class), format, value);
    };
    // No Encoding is read both ways: the wrapped bytes stand for the Key Value, or for the material
    // in it.
    let bytes = match value {
        KeyValue::Wrapped(bytes) => bytes,
        KeyValue::Plain(PlainKeyValue {
            key_material: KeyMaterial::Bytes(bytes),
            ..
        }) if encoding == EncodingOption::NoEncoding => bytes,
        KeyValue::Plain(_) => {
            return Err(Failure::invalid_field("what is said to be wrapped is not"));
        }
    };
    let after = protecting.filter(|_| data.wrapping_method == Method::MACSignThenEncrypt);
    if let (Some(protecting), None) = (protecting, after) {
        check(context, protecting, &bytes, given)?;
    }
    let (unwrapping_key, unwrapping) = wrapping_object(context, encrypting)?;
    let parameters = encrypting.cryptographic_parameters.as_ref();
    let iv = data.iv_counter_nonce.as_deref();
    let (mechanism, _) = encryption(&unwrapping, parameters, iv, false)?;
    let (version, limits) = (context.version, context.limits.wire());
    let foreign = incoming.draft.kind.of_foreign_pair();
    let decode = |bytes: SecretBytes| {
        // One error for whatever is wrong inside: an unwrapping oracle learns nothing.
        let wrong = |_| Error::InvalidWrappedKey;
        if let Some(protecting) = after {
            check(context, protecting, bytes.expose(), given).map_err(wrong)?;
        }
        let material = if encoding == EncodingOption::NoEncoding {
            KeyMaterial::Bytes(bytes.expose().into())
        } else {
            PlainKeyValue::from_ttlv(bytes.expose(), format, version, &limits)
                .map(|value| value.key_material)
                .map_err(|_| Error::InvalidWrappedKey)?
        };
        let kept_as_it_came = match class {
            ObjectClass::SplitKey | ObjectClass::PgpKey => true,
            ObjectClass::PrivateKey | ObjectClass::PublicKey => foreign.is_some(),
            _ => false,
        };
        if kept_as_it_came {
            return key_formats::as_it_came(format, &material).map_err(wrong);
        }
        key_formats::canonical(kind, format, &material).map_err(wrong)
    };
    let said = incoming.draft.kind;
    let kind_of = |length| said.of_symmetric(length).ok();
    let mut template = incoming.into_unwrapping(class, format)?;
    if let (Some(spec), ObjectClass::PrivateKey | ObjectClass::PublicKey) = (foreign, class) {
        template.spec = Some(spec);
    }
    let request = UnwrapKey {
        unwrapping_key,
        mechanism,
        wrapped: &bytes,
        template,
        kind: &kind_of,
        decode: &decode,
    };
    context
        .blocking(|kms, caller| kms.unwrap(caller, request))
        .map_err(of_wrapping)
}
