//! Several keys by one derivation (3.2, "SP800-108 Key Derivation", "Deriving Additional Keys").

use cryptoki_sys::*;
use keybridge_core::kms::{DeriveKeys, Register};

use super::wrapping::new_key;
use crate::attributes::Template;
use crate::attributes::creation::Maker;
use crate::attributes::kinds::usual_length;
use crate::attributes::templates;
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::{check_key, row_for, to_core};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::Session;
use crate::slot::Slot;
use crate::token::error::{Doing, rv};

/// Why none of several keys was made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoKeys {
    pub(crate) rv: Rv,
    /// The template that is at fault, if one is.
    pub(crate) template: Option<usize>,
}

impl Instance {
    /// `C_DeriveKey` with additional keys: all of them, in the order of the templates, or none. Either all are token
    /// objects or none is.
    ///
    /// # Errors
    /// Those of [`Instance::derive_key`]; `CKR_TEMPLATE_INCOMPLETE` for a key whose length nothing tells.
    pub(crate) fn derive_keys(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        base_key: CK_OBJECT_HANDLE,
        templates: &[Template<'_>],
    ) -> std::result::Result<Vec<CK_OBJECT_HANDLE>, NoKeys> {
        let mut at_fault = None;
        let made = self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_DERIVE)?;
            let invalid = Rv::KEY_HANDLE_INVALID;
            let base = self.object(session, base_key, invalid)?;
            let (spec, added) = self.spec_and_template(slot, base, CKA_DERIVE_TEMPLATE, invalid)?;
            check_key(row, spec)?;
            let others = self.other_keys(session, slot, mechanism)?;
            let mut token = None;
            let mut requests = Vec::with_capacity(templates.len());
            for (place, template) in templates.iter().enumerate() {
                at_fault = Some(place);
                let merged = templates::merged(template, &added)?;
                let (request, stored) = request_of(session, slot, &merged)?;
                if *token.get_or_insert(stored) != stored {
                    return Err(Rv::TEMPLATE_INCONSISTENT);
                }
                requests.push(request);
            }
            at_fault = None;
            let private: Vec<bool> = requests.iter().map(|key| key.attributes.private).collect();
            let request = DeriveKeys {
                base_key: base,
                mechanism: to_core(row, mechanism, spec)?,
                other_keys: others.into_iter().map(|(id, _)| id).collect(),
                templates: requests,
                open: 0,
            };
            let (objects, _) = slot
                .token
                .derive_keys(request)
                .map_err(|error| rv(&error, Doing::Deriving))?;
            let token = token.unwrap_or_default();
            let handles = objects.into_iter().zip(private);
            Ok(handles
                .map(|(object, private)| self.made(session, slot, object, private, token))
                .collect())
        });
        made.map_err(|rv| NoKeys {
            rv,
            template: at_fault,
        })
    }
}

/// What a template asks for, and whether for a token object.
fn request_of(session: &Session, slot: &Slot, template: &Template<'_>) -> Result<(Register, bool)> {
    let key_type = template.ulong(CKA_KEY_TYPE)?.unwrap_or(CKK_GENERIC_SECRET);
    let (maker, class) = (Maker::Unwrap, Some(CKO_SECRET_KEY));
    let draft = Instance::draft(session, slot, template, maker, class, Some(key_type))?;
    let length = draft.value_len()?.or_else(|| usual_length(key_type));
    let length = length.ok_or(Rv::TEMPLATE_INCOMPLETE)?;
    let request = new_key(session, &draft, Some(draft.secret_spec(length)?));
    Ok((request, draft.token))
}
