//! The keys of a TLS 1.2 connection: several out of one master secret.

use cryptoki_sys::*;
use keybridge_core::kms::{DeriveKeys, Register};
use keybridge_core::model::UsageMask;

use super::wrapping::new_key;
use crate::attributes::Template;
use crate::attributes::creation::{Draft, Maker};
use crate::attributes::templates;
use crate::mechanisms::convert::{check_key, row_for, to_core};
use crate::mechanisms::registry::Family;
use crate::mechanisms::{MechanismCall, Parameters};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::token::error::{Doing, rv};

/// Longest MAC key, in bytes: that of HMAC with SHA-512.
const LONGEST_MAC_KEY: usize = 64;

/// Longest key, in bytes: AES-256 or ChaCha20; no cipher suite has a longer one.
const LONGEST_KEY: usize = 32;

/// Longest initialization vector, in bytes: a block of AES. A longer one would be key material in the clear.
const LONGEST_VECTOR: usize = 16;

/// What was made, of the client and of the server. Keys that were not wanted have the handle 0.
#[derive(Debug, Default)]
pub(crate) struct TlsKeys {
    pub(crate) mac_keys: [CK_OBJECT_HANDLE; 2],
    pub(crate) keys: [CK_OBJECT_HANDLE; 2],
    pub(crate) vectors: [Vec<u8>; 2],
}

/// Bytes of what is wanted, of each side.
struct Sizes {
    mac_key: usize,
    key: usize,
    vector: usize,
}

impl Sizes {
    fn of(family: Family, parameters: Parameters<'_>) -> Result<Self> {
        let (
            Family::TlsKeys(vectors),
            Parameters::TlsKeys {
                mac_bits,
                key_bits,
                vector_bits,
                ..
            },
        ) = (family, parameters)
        else {
            return Err(Rv::MECHANISM_PARAM_INVALID);
        };
        let bytes = |bits: CK_ULONG, longest: usize| {
            usize::try_from(bits / 8)
                .ok()
                .filter(|bytes| bits.is_multiple_of(8) && *bytes <= longest)
                .ok_or(Rv::MECHANISM_PARAM_INVALID)
        };
        Ok(Sizes {
            mac_key: bytes(mac_bits, LONGEST_MAC_KEY)?,
            key: bytes(key_bits, LONGEST_KEY)?,
            // "Ignored and treated as 0."
            vector: bytes(if vectors { vector_bits } else { 0 }, LONGEST_VECTOR)?,
        })
    }
}

impl Instance {
    /// `C_DeriveKey` by `CKM_TLS12_KEY_AND_MAC_DERIVE` or `CKM_TLS12_KEY_SAFE_DERIVE`: all keys, or none.
    ///
    /// # Errors
    /// Those of [`Instance::derive_key`]; `CKR_TEMPLATE_INCONSISTENT` for a template that does not agree with the
    /// base key's sensitivity or the wanted size.
    pub(crate) fn derive_tls_keys(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        base_key: CK_OBJECT_HANDLE,
        template: &Template<'_>,
    ) -> Result<TlsKeys> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_DERIVE)?;
            let invalid = Rv::KEY_HANDLE_INVALID;
            let base = self.object(session, base_key, invalid)?;
            let (spec, added) = self.spec_and_template(slot, base, CKA_DERIVE_TEMPLATE, invalid)?;
            check_key(row, spec)?;
            let sizes = Sizes::of(row.family, mechanism.parameters.clone())?;
            let hidden = self.view(slot, base, |view| {
                Ok([CKA_SENSITIVE, CKA_EXTRACTABLE].map(|kind| (kind, view.is(kind))))
            })?;
            let merged = templates::merged(template, &added)?;
            let key_type = merged.ulong(CKA_KEY_TYPE)?.unwrap_or(CKK_GENERIC_SECRET);
            let class = Some(CKO_SECRET_KEY);
            let draft = Draft::new(
                &merged,
                Maker::Unwrap,
                class,
                Some(key_type),
                slot.login_state(),
            )?;
            Self::check_writable(session, draft.token)?;
            if draft.value_len()?.is_some_and(|length| length != sizes.key) {
                return Err(Rv::TEMPLATE_INCONSISTENT);
            }
            let usage = UsageMask::ENCRYPT | UsageMask::DECRYPT | UsageMask::DERIVE;
            let mut key = new_key(session, &draft, None);
            as_the_base_key(&mut key, &merged, &hidden)?;
            if !says_usage(&merged) {
                key.attributes.usage = usage;
            }
            // What the template says of a cipher's keys is not for the others.
            let rest = MAC_KEYS_OWN
                .iter()
                .fold(merged.clone(), |all, kind| all.without(*kind));
            let mac_draft = Draft::new(
                &rest,
                Maker::Unwrap,
                class,
                Some(CKK_GENERIC_SECRET),
                slot.login_state(),
            )?;
            let mut mac_key = new_key(session, &mac_draft, None);
            as_the_base_key(&mut mac_key, &merged, &hidden)?;
            mac_key.attributes.usage = UsageMask::MAC_GENERATE | UsageMask::MAC_VERIFY;
            let mut templates: Vec<Register> = Vec::new();
            for (register, draft, size) in [
                (&mac_key, &mac_draft, sizes.mac_key),
                (&key, &draft, sizes.key),
            ] {
                if size > 0 {
                    let mut register = register.clone();
                    register.spec = Some(draft.secret_spec(size)?);
                    templates.extend([register.clone(), register]);
                }
            }
            let request = DeriveKeys {
                base_key: base,
                mechanism: to_core(row, mechanism, None)?,
                other_keys: Vec::new(),
                templates,
                open: sizes.vector * 2,
            };
            let made = slot.token.derive_keys(request);
            let (objects, vectors) = made.map_err(|error| rv(&error, Doing::Deriving))?;
            let private = key.attributes.private;
            let handles: Vec<CK_OBJECT_HANDLE> = objects
                .into_iter()
                .map(|object| self.made(session, slot, object, private, draft.token))
                .collect();
            let mut pairs = handles.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
            let mut next = |size: usize| match size {
                0 => Some([CK_INVALID_HANDLE; 2]),
                _ => pairs.next(),
            };
            let (mac_keys, keys) = (next(sizes.mac_key), next(sizes.key));
            let (client, server) = vectors.expose().split_at(sizes.vector);
            Ok(TlsKeys {
                mac_keys: mac_keys.ok_or(Rv::GENERAL_ERROR)?,
                keys: keys.ok_or(Rv::GENERAL_ERROR)?,
                vectors: [client.to_vec(), server.to_vec()],
            })
        })
    }
}

/// What a template says of the cipher's keys alone.
const MAC_KEYS_OWN: [CK_ATTRIBUTE_TYPE; 13] = [
    CKA_KEY_TYPE,
    CKA_VALUE_LEN,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_DERIVE,
    CKA_ALLOWED_MECHANISMS,
    CKA_WRAP_TEMPLATE,
    CKA_UNWRAP_TEMPLATE,
    CKA_DERIVE_TEMPLATE,
];

/// Whether a template says what the keys are for.
fn says_usage(template: &Template<'_>) -> bool {
    let usages = [
        CKA_ENCRYPT,
        CKA_DECRYPT,
        CKA_SIGN,
        CKA_VERIFY,
        CKA_WRAP,
        CKA_UNWRAP,
        CKA_DERIVE,
    ];
    template.entries().any(|(kind, _)| usages.contains(&kind))
}

/// "All four keys inherit the values of the CKA_SENSITIVE … attributes from the base key. The template … may not specify
/// values for any of these attributes which differ from those held by the base key."
fn as_the_base_key(
    register: &mut Register,
    template: &Template<'_>,
    base: &[(CK_ATTRIBUTE_TYPE, bool)],
) -> Result<()> {
    for (kind, is) in base {
        if template.bool(*kind)?.is_some_and(|given| given != *is) {
            return Err(Rv::TEMPLATE_INCONSISTENT);
        }
        match *kind {
            CKA_SENSITIVE => register.attributes.sensitive = *is,
            _ => register.attributes.extractable = *is,
        }
    }
    Ok(())
}
