//! Keys from keys, and from passwords.

use cryptoki_sys::*;
use keybridge_core::engine::software::pbkdf2;
use keybridge_core::kms::DeriveKey;
use keybridge_core::{KeySpec, ObjectId};

use super::objects::lifetime;
use super::wrapping::new_key;
use crate::attributes::Template;
use crate::attributes::creation::Maker;
use crate::attributes::kinds::usual_length;
use crate::attributes::templates;
use crate::mechanisms::convert::{check_key, hash_of_digest, row_for, to_core};
use crate::mechanisms::derivation::{hash_of_pbkdf2, other_keys};
use crate::mechanisms::registry::{Family, Row};
use crate::mechanisms::{MechanismCall, Parameters};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::Session;
use crate::slot::Slot;
use crate::token::error::{Doing, rv};

/// Bytes of a TLS master secret (RFC 5246 section 8.1).
const MASTER_SECRET: usize = 48;

/// Most iterations of PBKDF2: some ten seconds of one processor. More would be a way to stop a program.
const MOST_ITERATIONS: CK_ULONG = 10_000_000;

impl Instance {
    /// `C_DeriveKey`. The new key is a generic secret, or of the type and length that the template
    /// gives.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT`, `CKR_MECHANISM_PARAM_INVALID`, and those of the template.
    pub fn derive_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        base_key: CK_OBJECT_HANDLE,
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_DERIVE)?;
            let base = self.object(session, base_key, Rv::KEY_HANDLE_INVALID)?;
            let invalid = Rv::KEY_HANDLE_INVALID;
            let (spec, added) = self.spec_and_template(slot, base, CKA_DERIVE_TEMPLATE, invalid)?;
            check_key(row, spec)?;
            let template = &templates::merged(template, &added)?;
            let key_type = template.ulong(CKA_KEY_TYPE)?.unwrap_or(CKK_GENERIC_SECRET);
            if row.family == Family::HkdfData {
                return self.data_of_key(session, slot, (row, mechanism), base, template);
            }
            let (maker, class) = (Maker::Unwrap, Some(CKO_SECRET_KEY));
            let draft = Self::draft(session, slot, template, maker, class, Some(key_type))?;
            let others = self.other_keys(session, slot, mechanism)?;
            let length = match draft.value_len()? {
                Some(length) => length,
                None => natural_length(row, mechanism, (spec, others.first()), key_type)?,
            };
            check_data_to_encrypt(row, mechanism, length)?;
            let mechanism = to_core(row, mechanism, spec)?;
            let mut template = new_key(session, &draft, Some(draft.secret_spec(length)?));
            if matches!(row.family, Family::TlsMaster | Family::TlsExtendedMaster) {
                for_tls_only(&mut template.attributes.allowed_mechanisms)?;
            }
            let private = template.attributes.private;
            let request = DeriveKey {
                base_key: base,
                other_keys: others.into_iter().map(|(id, _)| id).collect(),
                mechanism,
                length: Some(length),
                template,
            };
            let object = slot.token.derive(request);
            let object = object.map_err(|error| rv(&error, Doing::Deriving))?;
            Ok(self.made(session, slot, object, private, draft.token))
        })
    }

    /// What the further keys in a derivation's parameter are, and their lengths.
    pub(super) fn other_keys(
        &self,
        session: &Session,
        slot: &Slot,
        mechanism: &MechanismCall<'_>,
    ) -> Result<Vec<(ObjectId, usize)>> {
        let handles = other_keys(&mechanism.parameters).into_iter();
        let keys = handles.map(|handle| {
            let key = self.object(session, handle, Rv::KEY_HANDLE_INVALID)?;
            match self.spec(slot, key, Rv::KEY_HANDLE_INVALID)? {
                Some(spec) if !spec.is_asymmetric() => Ok((key, spec.value_length())),
                _ => Err(Rv::KEY_TYPE_INCONSISTENT),
            }
        });
        keys.collect()
    }

    /// `CKM_HKDF_DATA`: what is derived becomes a data object.
    fn data_of_key(
        &self,
        session: &Session,
        slot: &Slot,
        (row, mechanism): (&Row, &MechanismCall<'_>),
        base: ObjectId,
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        let wanted = template.ulong(CKA_VALUE_LEN)?;
        let template = template.without(CKA_VALUE_LEN);
        let class = Some(CKO_DATA);
        let draft = Self::draft(session, slot, &template, Maker::Unwrap, class, None)?;
        let length = wanted
            .map(usize::try_from)
            .transpose()
            .map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID)?;
        let others = self.other_keys(session, slot, mechanism)?;
        let new = new_key(session, &draft, None);
        let private = new.attributes.private;
        let request = DeriveKey {
            base_key: base,
            other_keys: others.into_iter().map(|(id, _)| id).collect(),
            mechanism: to_core(row, mechanism, None)?,
            length,
            template: new,
        };
        let object = slot.token.derive(request);
        let object = object.map_err(|error| rv(&error, Doing::Deriving))?;
        Ok(self.made(session, slot, object, private, draft.token))
    }

    /// `CKM_PKCS5_PBKD2`. The template says the type, and the length where the type does not.
    pub(super) fn key_of_password(
        &self,
        session: &Session,
        slot: &Slot,
        mechanism: &MechanismCall<'_>,
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        let Parameters::Pbkdf2 {
            prf,
            password,
            salt,
            iterations,
        } = mechanism.parameters
        else {
            return Err(Rv::MECHANISM_PARAM_INVALID);
        };
        let key_type = template
            .ulong(CKA_KEY_TYPE)?
            .ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        let class = Some(CKO_SECRET_KEY);
        let draft = Self::draft(
            session,
            slot,
            template,
            Maker::Unwrap,
            class,
            Some(key_type),
        )?;
        let length = draft.value_len()?.or_else(|| usual_length(key_type));
        let length = length.ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        let spec = draft.secret_spec(length)?;
        if iterations > MOST_ITERATIONS {
            return Err(Rv::MECHANISM_PARAM_INVALID);
        }
        let iterations = u32::try_from(iterations).map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
        let value = pbkdf2(hash_of_pbkdf2(prf)?, password, salt, iterations, length);
        let mut request = new_key(session, &draft, Some(spec));
        request.value = Some(value.map_err(|error| rv(&error, Doing::Making))?);
        request.lifetime = lifetime(session, draft.token);
        request.key_gen_mechanism = Some(mechanism.kind);
        let private = request.attributes.private;
        let object = slot.token.register(request);
        let object = object.map_err(|error| rv(&error, Doing::Making))?;
        Ok(self.made(session, slot, object, private, draft.token))
    }
}

/// What a TLS master secret is for: "the mechanism also contributes the CKA_ALLOWED_MECHANISMS attribute".
const USES_OF_MASTER_SECRET: [CK_MECHANISM_TYPE; 6] = [
    CKM_TLS12_KEY_AND_MAC_DERIVE,
    CKM_TLS12_KEY_SAFE_DERIVE,
    CKM_TLS_KDF,
    CKM_TLS_MAC,
    CKM_TLS12_KDF,
    CKM_TLS12_MAC,
];

/// A template may allow fewer of them.
fn for_tls_only(allowed: &mut Vec<CK_MECHANISM_TYPE>) -> Result<()> {
    if allowed.is_empty() {
        allowed.extend(USES_OF_MASTER_SECRET);
    }
    if allowed
        .iter()
        .all(|kind| USES_OF_MASTER_SECRET.contains(kind))
    {
        Ok(())
    } else {
        Err(Rv::TEMPLATE_INCONSISTENT)
    }
}

/// Key derivation by data encryption (3.2, 6.43): the data is whole blocks, and enough of them for
/// the key that is wanted.
fn check_data_to_encrypt(row: &Row, mechanism: &MechanismCall<'_>, wanted: usize) -> Result<()> {
    const BLOCK: usize = 16;
    let data = match (row.family, &mechanism.parameters) {
        (Family::EcbEncryptData, Parameters::Bytes(data))
        | (Family::CbcEncryptData, Parameters::CbcEncryptData { data, .. }) => data,
        _ => return Ok(()),
    };
    if data.is_empty() || !data.len().is_multiple_of(BLOCK) {
        Err(Rv::MECHANISM_PARAM_INVALID)
    } else if data.len() < wanted {
        Err(Rv::DATA_LEN_RANGE)
    } else {
        Ok(())
    }
}

/// Bytes that a derivation gives when the template does not say.
fn natural_length(
    row: &Row,
    mechanism: &MechanismCall<'_>,
    (spec, other): (Option<KeySpec>, Option<&(ObjectId, usize)>),
    key_type: CK_KEY_TYPE,
) -> Result<usize> {
    if let Some(length) = usual_length(key_type) {
        return Ok(length);
    }
    match (row.family, &mechanism.parameters, spec) {
        (Family::Ecdh, _, Some(KeySpec::Ec { curve })) => Ok(curve.field_length()),
        (Family::Ecdh, _, Some(KeySpec::X25519)) => Ok(32),
        (Family::EcbEncryptData, Parameters::Bytes(data), _)
        | (Family::CbcEncryptData, Parameters::CbcEncryptData { data, .. }, _) => Ok(data.len()),
        (Family::ConcatenateKey, _, Some(spec)) => {
            Ok(spec.value_length() + other.map_or(0, |(_, length)| *length))
        }
        (
            Family::ConcatenateData | Family::ConcatenateBefore,
            Parameters::Bytes(data),
            Some(spec),
        ) => Ok(spec.value_length() + data.len()),
        (Family::Xor, Parameters::Bytes(data), Some(spec)) => {
            Ok(spec.value_length().min(data.len()))
        }
        (Family::HashKey(hash), ..) => Ok(hash.length()),
        (Family::TlsMaster | Family::TlsExtendedMaster, ..) => Ok(MASTER_SECRET),
        (
            Family::Hkdf,
            Parameters::Hkdf {
                expand: false, prf, ..
            },
            _,
        ) => Ok(hash_of_digest(*prf)?.length()),
        _ => Err(Rv::TEMPLATE_INCOMPLETE),
    }
}
