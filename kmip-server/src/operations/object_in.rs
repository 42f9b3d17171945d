//! Objects that come in: what Register and Import have in common.

use keybridge_core::kms::{Imported, Register};
use keybridge_core::{KeySpec, ObjectClass, ObjectId, Protection, SecretBytes, encoding};
use keybridge_kmip::enums::{
    CertificateType, KeyFormatType, KeyWrapType, ObjectType, ResultReason,
};
use keybridge_kmip::objects::{
    KeyBlock, KeyMaterial, KeyValue, ManagedObject, PGPKey, PlainKeyValue, SplitKey,
};

use super::wrapping;
use crate::attributes::{self, Draft, notes};
use crate::failure::{Failure, Result};
use crate::processor::Context;
use crate::{algorithms, key_formats};

/// An object that comes in.
pub(super) struct Incoming {
    /// What is said about it.
    pub(super) draft: Draft,
    /// Where it is to live.
    pub(super) protection: Protection,
    /// Whether a wrapped key stays as it is.
    pub(super) key_wrap_type: Option<KeyWrapType>,
    /// What it brings along from another home.
    pub(super) imported: Option<Imported>,
}

impl Incoming {
    /// Keeps the object; its identifier.
    pub(super) fn take(self, context: &Context<'_>, object: ManagedObject) -> Result<ObjectId> {
        let kind = object.object_type();
        let mut incoming = self;
        if let Some(block) = object.key_block() {
            said_by_block(&mut incoming.draft, block)?;
        }
        if incoming.imported.is_none() {
            incoming.draft.fill_in(context, kind)?;
        }
        incoming.keep(context, kind, object)
    }

    fn keep(
        self,
        context: &Context<'_>,
        kind: ObjectType,
        object: ManagedObject,
    ) -> Result<ObjectId> {
        match object {
            ManagedObject::Certificate(certificate) => {
                if certificate.kind != CertificateType::X_509 {
                    return Err(Failure::invalid_field("certificates are of type X.509"));
                }
                let value = SecretBytes::new(certificate.value);
                self.public(context, ObjectClass::Certificate, certificate.kind.0, value)
            }
            ManagedObject::CertificateRequest(request) => {
                let value = SecretBytes::new(request.value);
                self.public(
                    context,
                    ObjectClass::CertificateRequest,
                    request.kind.0,
                    value,
                )
            }
            ManagedObject::OpaqueObject(opaque) => {
                let mut new = self.template(ObjectClass::Opaque, Some(opaque.kind.0));
                new.value = Some(SecretBytes::from(&*opaque.value));
                register(context, new)
            }
            ManagedObject::Template(template) => {
                if context.version.has_tagged_attributes() {
                    return Err(Failure::invalid_field("templates ended with 1.4"));
                }
                let mut incoming = self;
                incoming
                    .draft
                    .name_template(context.version, &template.attributes.0)?;
                let value = attributes::template_bytes(&template.attributes.0)?;
                let mut new = incoming.template(ObjectClass::Template, None);
                new.value = Some(SecretBytes::new(value));
                register(context, new)
            }
            ManagedObject::SecretData(secret) => {
                let mut incoming = self;
                incoming.draft.note(notes::SECRET_DATA_TYPE, secret.kind.0);
                incoming.block(context, kind, secret.key_block)
            }
            ManagedObject::SplitKey(split) => self.split(context, split),
            ManagedObject::PGPKey(PGPKey { version, key_block }) => {
                let mut incoming = self;
                let version = u32::try_from(version)
                    .map_err(|_| Failure::invalid_field("the PGP Key Version is negative"))?;
                incoming.draft.note(notes::PGP_VERSION, version);
                incoming.block(context, kind, key_block)
            }
            ManagedObject::SymmetricKey(key)
            | ManagedObject::PublicKey(key)
            | ManagedObject::PrivateKey(key) => self.block(context, kind, key.key_block),
        }
    }

    fn public(
        self,
        context: &Context<'_>,
        class: ObjectClass,
        format: u32,
        value: SecretBytes,
    ) -> Result<ObjectId> {
        let mut new = self.template(class, Some(format));
        new.attributes.private = false;
        new.value = Some(value);
        register(context, new)
    }

    fn template(mut self, class: ObjectClass, format: Option<u32>) -> Register {
        self.draft.note_history();
        Register {
            attributes: self.draft.attributes,
            dates: self.draft.dates,
            format,
            value: None,
            imported: self.imported,
            ..Register::new(class, SecretBytes::default())
        }
    }

    fn split(mut self, context: &Context<'_>, split: SplitKey) -> Result<ObjectId> {
        let shape = super::split::Shape {
            parts: split.parts,
            threshold: split.threshold,
            method: split.method,
            prime: split.prime_field_size,
        };
        shape.check()?;
        shape.note(&mut self.draft, split.part_identifier)?;
        self.block(context, ObjectType::SplitKey, split.key_block)
    }

    /// Keeps an object that is a key block.
    fn block(self, context: &Context<'_>, kind: ObjectType, block: KeyBlock) -> Result<ObjectId> {
        let class = algorithms::class(kind)
            .ok_or_else(|| Failure::invalid_field(format!("{kind} is no object type")))?;
        let format = block.key_format_type;
        if format == KeyFormatType::PKCS_12 && class == ObjectClass::PrivateKey {
            return super::container::registered(self, context, block);
        }
        if block.key_wrapping_data.is_some() {
            return wrapping::unwrapped(self, context, (kind, class), block);
        }
        match block.key_value {
            Some(KeyValue::Plain(value)) => self.plain(context, (kind, class), format, value),
            Some(KeyValue::Wrapped(_)) => Err(Failure::invalid_field(
                "a wrapped Key Value comes with Key Wrapping Data",
            )),
            None => self.elsewhere(context, (kind, class), format),
        }
    }

    /// A key whose value is kept elsewhere (1.4 section 3.42, Key Value Location).
    fn elsewhere(
        mut self,
        context: &Context<'_>,
        (kind, class): (ObjectType, ObjectClass),
        format: KeyFormatType,
    ) -> Result<ObjectId> {
        if !self.draft.has_location() {
            return Err(Failure::new(
                ResultReason::KeyValueNotPresent,
                "without a Key Value there is a Key Value Location",
            ));
        }
        self.draft.note(notes::ELSEWHERE, 1);
        let said = self.draft.kind;
        let spec = match said.algorithm {
            Some(algorithm) => KeySpec::Foreign {
                algorithm: algorithm.0,
                bits: said
                    .length
                    .and_then(|length| u32::try_from(length).ok())
                    .unwrap_or(0),
            },
            None if class.is_key() => {
                return Err(Failure::invalid_message(format!(
                    "the Cryptographic Algorithm of the {kind} is missing"
                )));
            }
            None => KeySpec::GenericSecret { bits: 0 },
        };
        let mut new = self.template(class, Some(format.0));
        new.spec = class.is_key().then_some(spec);
        register(context, new)
    }

    /// A key in the clear.
    pub(super) fn plain(
        mut self,
        context: &Context<'_>,
        (kind, class): (ObjectType, ObjectClass),
        format: KeyFormatType,
        value: PlainKeyValue,
    ) -> Result<ObjectId> {
        self.draft.apply_wrapped(&value.attributes.0)?;
        let material = value.key_material;
        let (value, spec) = self.value(kind, class, format, &material)?;
        if let Some(note) = key_formats::digest_as_it_came(class, spec, format, &material)? {
            self.draft.note_bytes(notes::DIGEST, note.to_bytes());
        }
        if let Some(spec) = spec {
            self.draft.check_quantum_safe(spec)?;
        }
        let protection = self.protection.clone();
        let mut new = self.template(class, Some(format.0));
        new.attributes.private = class != ObjectClass::PublicKey;
        new.protection = protection;
        new.spec = spec;
        new.value = Some(value);
        register(context, new)
    }

    /// A private key in PKCS#8, which came in another format.
    pub(super) fn into_private(
        mut self,
        format: KeyFormatType,
        value: SecretBytes,
    ) -> Result<Register> {
        let spec = spec(&mut self.draft, ObjectClass::PrivateKey, &value)?;
        if let Some(spec) = spec {
            self.draft.check_quantum_safe(spec)?;
        }
        let protection = self.protection.clone();
        let mut new = self.template(ObjectClass::PrivateKey, Some(format.0));
        new.attributes.private = true;
        new.protection = protection;
        new.spec = spec;
        new.value = Some(value);
        Ok(new)
    }

    /// The canonical value and the kind of key.
    fn value(
        &mut self,
        kind: ObjectType,
        class: ObjectClass,
        format: KeyFormatType,
        material: &KeyMaterial,
    ) -> Result<(SecretBytes, Option<KeySpec>)> {
        let said = self.draft.kind;
        match class {
            // "Supporting both the RSAPrivateKey syntax and EncryptedPrivateKey" (1.4 section 2.1.3):
            // who has the password can use it. Here it is kept as it came.
            ObjectClass::PrivateKey if key_formats::is_encrypted(format, material) => {
                let value = key_formats::as_it_came(format, material)?;
                let spec = said.algorithm.and(said.of_kept()).ok_or_else(|| {
                    Failure::invalid_message("an encrypted key comes with its algorithm")
                })?;
                return Ok((value, Some(spec)));
            }
            ObjectClass::PrivateKey | ObjectClass::PublicKey => {
                if let Some(spec) = said.of_foreign_pair() {
                    return Ok((key_formats::as_it_came(format, material)?, Some(spec)));
                }
            }
            ObjectClass::SplitKey | ObjectClass::PgpKey => {
                let value = key_formats::as_it_came(format, material)?;
                return Ok((value, said.of_part()));
            }
            _ => {}
        }
        let value = key_formats::canonical(kind, format, material)?;
        let spec = spec(&mut self.draft, class, &value)?;
        Ok((value, spec))
    }

    /// What becomes of a key that stays wrapped.
    pub(super) fn into_kept(self, class: ObjectClass, format: KeyFormatType) -> Register {
        let mut new = self.template(class, Some(format.0));
        new.attributes.private = class != ObjectClass::PublicKey;
        new
    }

    /// What becomes of a key that is unwrapped; its value is not known yet.
    pub(super) fn into_unwrapping(
        self,
        class: ObjectClass,
        format: KeyFormatType,
    ) -> Result<Register> {
        let kind = self.draft.kind;
        if class == ObjectClass::SecretKey
            && let Some(bits) = kind.length.and_then(|bits| usize::try_from(bits).ok())
        {
            self.draft
                .check_quantum_safe(kind.of_symmetric(bits.div_ceil(8))?)?;
        }
        let spec = match class {
            ObjectClass::SplitKey | ObjectClass::PgpKey => kind.of_part(),
            _ => None,
        };
        let mut new = self.template(class, Some(format.0));
        new.attributes.private = class != ObjectClass::PublicKey;
        new.spec = spec;
        Ok(new)
    }
}

/// Writes the new object.
pub(super) fn register(context: &Context<'_>, new: Register) -> Result<ObjectId> {
    Ok(context.blocking(|kms, caller| kms.register(caller, new))?)
}

/// Algorithm and length may stand in the attributes or in the key block.
fn said_by_block(draft: &mut Draft, block: &KeyBlock) -> Result<()> {
    let differs =
        |one: Option<i64>, other: Option<i64>| one.is_some() && other.is_some() && one != other;
    let kind = &mut draft.kind;
    let number = |algorithm: Option<keybridge_kmip::enums::CryptographicAlgorithm>| {
        algorithm.map(|algorithm| i64::from(algorithm.0))
    };
    if differs(
        number(kind.algorithm),
        number(block.cryptographic_algorithm),
    ) || differs(
        kind.length.map(i64::from),
        block.cryptographic_length.map(i64::from),
    ) {
        return Err(Failure::invalid_field(
            "the attributes and the Key Block say different algorithms or lengths",
        ));
    }
    kind.algorithm = kind.algorithm.or(block.cryptographic_algorithm);
    kind.length = kind.length.or(block.cryptographic_length);
    Ok(())
}

/// The kind of key that the value is.
fn spec(draft: &mut Draft, class: ObjectClass, value: &SecretBytes) -> Result<Option<KeySpec>> {
    let spec = match class {
        ObjectClass::SecretKey => draft.kind.of_symmetric(value.len())?,
        ObjectClass::PrivateKey => encoding::private_key_spec(value.expose())?,
        ObjectClass::PublicKey => encoding::public_key_spec(value.expose())?,
        _ => return Ok(None),
    };
    if spec.is_asymmetric() {
        let is = algorithms::algorithm(spec, draft.kind.algorithm);
        if draft.kind.algorithm.is_some() && is != draft.kind.algorithm {
            return Err(Failure::invalid_field(
                "the key is not of the algorithm that is said",
            ));
        }
        draft.note_algorithm(spec);
    }
    Ok(Some(spec))
}
