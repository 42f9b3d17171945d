//! Private keys in PKCS#12 containers: Register and Get with Key Format Type PKCS#12 (1.4 sections 3.45 and 4.11;
//! 2.1 sections 4.39 and 6.1.19).

use keybridge_core::kms::{Exported, Imported, Register};
use keybridge_core::model::{
    AttributeValue as Kept, Attributes, Link, LinkType, ObjectState, UsageMask,
};
use keybridge_core::{Object, ObjectClass, ObjectId, SecretBytes, encoding};
use keybridge_kmip::Tag;
use keybridge_kmip::enums::{
    CertificateType, KeyFormatType, LinkType as KmipLink, ResultReason, SecretDataType,
};
use keybridge_kmip::objects::{KeyBlock, KeyMaterial, KeyValue, ManagedObject};

use super::object_in::Incoming;
use super::object_out::key_block;
use crate::attributes::{kept_number, notes, state_of};
use crate::failure::{Failure, Result};
use crate::pkcs12::{self, Contents, LONGEST_CHAIN};
use crate::processor::Context;

/// "PKCS#12 Certificate Link", and that of the password.
const CERTIFICATE: LinkType = LinkType(KmipLink::PKCS_12CertificateLink.0);
const PASSWORD: LinkType = LinkType(KmipLink::PKCS_12PasswordLink.0);

fn bad_password(message: &str) -> Failure {
    Failure::by_version(
        ResultReason::InvalidField,
        ResultReason::BadPassword,
        message,
    )
}

/// Where the links of a kind go.
fn linked(attributes: &Attributes, kind: LinkType) -> impl Iterator<Item = ObjectId> + Clone {
    let links = attributes.links.iter();
    links
        .filter(move |link| link.kind == kind)
        .map(|link| link.object)
}

/// The one place where links of a kind go, if any does.
fn only(attributes: &Attributes, kind: LinkType) -> Result<Option<ObjectId>> {
    let mut all = linked(attributes, kind);
    match (all.next(), all.next()) {
        (found, None) => Ok(found),
        _ => Err(Failure::invalid_field(
            "there is more than one certificate chain",
        )),
    }
}

fn name_of(attributes: &Attributes) -> Option<&str> {
    let key = Tag::PKCS_12FriendlyName.title()?;
    match &attributes.custom.get(key)?.first()?.value {
        Kept::Text(text) => Some(text),
        _ => None,
    }
}

/// The password that attributes point to: "missing or multiple PKCS#12 Password Links, or not Secret Data, or not
/// Active".
fn password(context: &Context<'_>, attributes: &Attributes) -> Result<SecretBytes> {
    let mut links = linked(attributes, PASSWORD);
    let (Some(id), None) = (links.next(), links.next()) else {
        return Err(bad_password(
            "there is not exactly one PKCS#12 Password Link",
        ));
    };
    let exported: Exported = context
        .inline(|kms, caller| kms.export(caller, id))
        .map_err(|error| bad_password(&format!("the password cannot be read: {error}")))?;
    let object = &exported.object;
    let is_password = object.class == ObjectClass::SecretData
        && kept_number(object, notes::SECRET_DATA_TYPE) == Some(SecretDataType::Password.0);
    if !is_password || state_of(object) != ObjectState::Active {
        return Err(bad_password(
            "the PKCS#12 Password Link leads to no active Secret Data of type Password",
        ));
    }
    Ok(exported.value)
}

fn text(password: &SecretBytes) -> Result<&str> {
    std::str::from_utf8(password.expose()).map_err(|_| bad_password("the password is no text"))
}

// ---- in -----------------------------------------------------------------------------------------

/// Keeps the private key of a container, and its certificate chain with the public key that leads to it.
pub(super) fn registered(
    mut incoming: Incoming,
    context: &Context<'_>,
    block: KeyBlock,
) -> Result<ObjectId> {
    let Some(KeyValue::Plain(value)) = block.key_value else {
        return Err(Failure::invalid_field("a container is its own wrapping"));
    };
    let KeyMaterial::Bytes(bytes) = &value.key_material else {
        return Err(Failure::invalid_field("a container is a Byte String"));
    };
    incoming.draft.apply_wrapped(&value.attributes.0)?;
    let attributes = &incoming.draft.attributes;
    let password = password(context, attributes)?;
    let said = name_of(attributes).map(str::to_owned);
    let found = context.blocking(|_, _| pkcs12::read(bytes, text(&password)?, said.as_deref()))?;
    if let (None, Some(name)) = (said, &found.friendly_name) {
        incoming.draft.note_friendly_name(name);
    }
    let key = ObjectId::random();
    let public = ObjectId::random();
    let has_public = linked(&incoming.draft.attributes, LinkType::PUBLIC_KEY)
        .next()
        .is_some();
    let info = encoding::public_key_info_of(found.key.expose()).ok();
    let mut private = incoming.into_private(KeyFormatType::PKCS_12, found.key)?;
    private
        .imported
        .get_or_insert_default()
        .id
        .get_or_insert(key);
    let key = private
        .imported
        .as_ref()
        .and_then(|own| own.id)
        .unwrap_or(key);
    let mut all = Vec::with_capacity(found.chain.len() + 2);
    match info.filter(|_| !has_public && !found.chain.is_empty()) {
        Some(info) => {
            let certificates: Vec<_> = found.chain.iter().map(|_| ObjectId::random()).collect();
            point(&mut private, LinkType::PUBLIC_KEY, public);
            let spec = private.spec;
            let mut half = public_object(ObjectClass::PublicKey, public, SecretBytes::new(info));
            half.spec = spec;
            half.format = Some(KeyFormatType::X_509.0);
            half.attributes.usage = UsageMask::VERIFY;
            point(&mut half, LinkType::PRIVATE_KEY, key);
            point(&mut half, LinkType::CERTIFICATE, certificates[0]);
            point(&mut half, CERTIFICATE, certificates[0]);
            all.extend([private, half]);
            for (at, der) in found.chain.into_iter().enumerate() {
                let value = SecretBytes::new(der);
                let mut one = public_object(ObjectClass::Certificate, certificates[at], value);
                one.format = Some(CertificateType::X_509.0);
                if at == 0 {
                    point(&mut one, LinkType::PUBLIC_KEY, public);
                }
                if let Some(above) = certificates.get(at + 1) {
                    point(&mut one, LinkType::CERTIFICATE, *above);
                }
                all.push(one);
            }
        }
        None => all.push(private),
    }
    context.blocking(|kms, caller| kms.register_all(caller, all))?;
    Ok(key)
}

fn point(from: &mut Register, kind: LinkType, object: ObjectId) {
    from.attributes.links.push(Link { kind, object });
}

fn public_object(class: ObjectClass, id: ObjectId, value: SecretBytes) -> Register {
    let mut new = Register {
        imported: Some(Imported {
            id: Some(id),
            ..Imported::default()
        }),
        ..Register::new(class, value)
    };
    new.attributes.private = false;
    new.attributes.sensitive = false;
    new.attributes.extractable = true;
    new
}

// ---- out ----------------------------------------------------------------------------------------

fn inspect(context: &Context<'_>, id: ObjectId) -> Result<std::sync::Arc<Object>> {
    Ok(context.inline(|kms, caller| kms.inspect(caller, id))?)
}

/// A container of a private key, or of the one that belongs to a certificate.
pub(super) fn made(context: &Context<'_>, asked: &Exported) -> Result<ManagedObject> {
    let object = &*asked.object;
    let password = password(context, &object.attributes)?;
    let key = match object.class {
        ObjectClass::PrivateKey => asked.clone(),
        ObjectClass::Certificate => private_of(context, object)?,
        _ => {
            return Err(Failure::new(
                ResultReason::KeyFormatTypeNotSupported,
                "containers are of private keys and certificates",
            ));
        }
    };
    let contents = Contents {
        key: key.value.clone(),
        friendly_name: name_of(&object.attributes).map(str::to_owned),
        chain: chain(context, &key.object)?,
    };
    let container = context.blocking(|_, _| pkcs12::write(&contents, text(&password)?))?;
    let material = KeyMaterial::Bytes(container.expose().into());
    let value = KeyValue::Plain(material.into());
    let block = key_block(&key.object, KeyFormatType::PKCS_12, value);
    Ok(ManagedObject::PrivateKey(block.into()))
}

/// The private key of a certificate: by its own link, or by its public key's.
fn private_of(context: &Context<'_>, certificate: &Object) -> Result<Exported> {
    let own = only(&certificate.attributes, LinkType::PRIVATE_KEY)?;
    let id = match (own, only(&certificate.attributes, LinkType::PUBLIC_KEY)?) {
        (Some(id), _) => Some(id),
        (None, Some(public)) => {
            let public = inspect(context, public)?;
            only(&public.attributes, LinkType::PRIVATE_KEY)?
        }
        (None, None) => None,
    };
    let id = id.ok_or_else(|| {
        Failure::invalid_field("the certificate leads to no private key: it has no links to it")
    })?;
    Ok(context.inline(|kms, caller| kms.export(caller, id))?)
}

/// The certificate chain of a private key.
fn chain(context: &Context<'_>, key: &Object) -> Result<Vec<Vec<u8>>> {
    let public = only(&key.attributes, LinkType::PUBLIC_KEY)?;
    let public = public.map(|id| inspect(context, id)).transpose()?;
    let base = match &public {
        Some(public) => match only(&public.attributes, CERTIFICATE)? {
            Some(id) => Some(id),
            // 1.4 has it so, and so it is where the bridge made the certificate.
            None => only(&public.attributes, LinkType::CERTIFICATE)?,
        },
        None => None,
    };
    let mut next = match base {
        Some(id) => Some(id),
        None => only(&key.attributes, LinkType::CERTIFICATE)?,
    };
    let (mut chain, mut seen) = (Vec::new(), Vec::new());
    while let Some(id) = next {
        if seen.contains(&id) || seen.len() == LONGEST_CHAIN {
            break;
        }
        let certificate = inspect(context, id)?;
        let der = certificate
            .public_value()
            .filter(|_| certificate.class == ObjectClass::Certificate);
        let der = der.ok_or_else(|| Failure::invalid_field("a Certificate Link leads to none"))?;
        chain.push(der.to_vec());
        seen.push(id);
        next = only(&certificate.attributes, LinkType::CERTIFICATE)?;
    }
    Ok(chain)
}
