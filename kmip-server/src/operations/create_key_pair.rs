//! Create Key Pair (1.4 section 4.2; 2.1 section 6.1.11).

use keybridge_core::kms::CreateKey;
use keybridge_core::{Error, KeySpec};
use keybridge_kmip::attributes::TemplateAttribute;
use keybridge_kmip::enums::{ObjectType, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{CreateKeyPairRequest, CreateKeyPairResponse};

use super::query::protection;
use crate::algorithms::KindOfKey;
use crate::attributes::Draft;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: CreateKeyPairRequest,
    context: &mut Context<'_>,
) -> Result<CreateKeyPairResponse> {
    let mut private = half(
        context,
        request.common.as_ref(),
        request.private_key.as_ref(),
    )?;
    let mut public = half(
        context,
        request.common.as_ref(),
        request.public_key.as_ref(),
    )?;
    check_same(private.kind, public.kind)?;
    private.kind = shared(private.kind, public.kind);
    private.fill_in(context, ObjectType::PrivateKey)?;
    public.kind = shared(public.kind, private.kind);
    public.fill_in(context, ObjectType::PublicKey)?;
    let spec = spec(private.kind, public.kind)?;
    private.check_quantum_safe(spec)?;
    private.note_algorithm(spec);
    public.kind.algorithm = public.kind.algorithm.or(private.kind.algorithm);
    public.note_algorithm(spec);
    let masks = request
        .private_protection_storage_masks
        .as_ref()
        .or(request.common_protection_storage_masks.as_ref());
    let mut key = CreateKey::new(spec);
    key.protection = protection(masks, context)?;
    key.secret = private.attributes;
    key.dates = private.dates;
    key.public = public.attributes;
    key.public_dates = public.dates;
    // KMIP's public keys are seen by whoever may log in; PKCS#11 shows them to everybody.
    key.public.private = false;
    refuse_shared_name(&key)?;
    let created = context.blocking(|kms, caller| kms.create_key(caller, key))?;
    let public = created
        .public
        .ok_or_else(|| Error::Internal("a pair was made without its public half".into()))?;
    context.set_placeholder(Some(created.secret));
    context.made(UniqueIdentifierEnumeration::CreateKeyPair, created.secret);
    context.made(
        UniqueIdentifierEnumeration::CreateKeyPairPrivateKey,
        created.secret,
    );
    context.made(UniqueIdentifierEnumeration::CreateKeyPairPublicKey, public);
    Ok(CreateKeyPairResponse {
        private_key_unique_identifier: identifier(created.secret),
        public_key_unique_identifier: identifier(public),
        private_key: None,
        public_key: None,
    })
}

/// The attributes of one half: the common ones, then its own.
fn half(
    context: &Context<'_>,
    common: Option<&TemplateAttribute>,
    own: Option<&TemplateAttribute>,
) -> Result<Draft> {
    let mut draft = Draft::default();
    for given in common.into_iter().chain(own) {
        draft.apply(context, given)?;
    }
    Ok(draft)
}

/// What is said of a half: by itself, else of the other.
fn shared(own: KindOfKey, other: KindOfKey) -> KindOfKey {
    KindOfKey {
        algorithm: own.algorithm.or(other.algorithm),
        length: own.length.or(other.length),
        curve: own.curve.or(other.curve),
    }
}

/// The kind of the pair: said in common, or for either half.
fn spec(private: KindOfKey, public: KindOfKey) -> Result<KeySpec> {
    check_same(private, public)?;
    shared(private, public).to_create(true)
}

fn check_same(private: KindOfKey, public: KindOfKey) -> Result<()> {
    let kind = shared(private, public);
    if public.algorithm.is_some() && public.algorithm != kind.algorithm
        || public.length.is_some() && public.length != kind.length
    {
        return Err(Failure::invalid_field(
            "the two halves are of different kinds",
        ));
    }
    Ok(())
}

/// Names are unique: one in the common attributes cannot go to both halves.
fn refuse_shared_name(key: &CreateKey) -> Result<()> {
    let shared = key
        .secret
        .names
        .iter()
        .find(|name| key.public.names.contains(name));
    match shared {
        Some(name) => Err(Error::AlreadyExists {
            what: "name",
            name: name.value.clone(),
        }
        .into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybridge_kmip::enums::CryptographicAlgorithm;

    #[test]
    fn halves_must_agree() {
        let rsa = |length| KindOfKey {
            algorithm: Some(CryptographicAlgorithm::RSA),
            length: Some(length),
            curve: None,
        };
        assert_eq!(
            spec(rsa(2048), rsa(2048)).unwrap(),
            KeySpec::Rsa { bits: 2048 }
        );
        assert_eq!(
            spec(rsa(2048), KindOfKey::default()).unwrap(),
            KeySpec::Rsa { bits: 2048 }
        );
        assert!(spec(rsa(2048), rsa(3072)).is_err());
        assert!(spec(KindOfKey::default(), KindOfKey::default()).is_err());
    }
}
