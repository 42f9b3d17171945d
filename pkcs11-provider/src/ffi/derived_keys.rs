//! The additional keys in an SP 800-108 parameter (`CK_DERIVED_KEY`): a template for each, and where its handle goes.

use cryptoki_sys::*;

use super::attributes;
use super::pointers::Ptr;
use crate::attributes::Template;
use crate::functions::NoKeys;
use crate::mechanisms::numbers::Numbers;
use crate::mechanisms::parameters::MOST_KEYS;
use crate::rv::{Result, Rv};

/// The additional keys of a derivation.
pub(super) struct AdditionalKeys<'call> {
    pub(super) templates: Vec<Template<'call>>,
    handles: Vec<Ptr<CK_OBJECT_HANDLE>>,
}

impl<'call> AdditionalKeys<'call> {
    /// Those that a mechanism names; none for other mechanisms, and where it names none.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` when they are not there or too many, and those of their templates.
    pub(super) fn of(mechanism: Ptr<CK_MECHANISM>, numbers: &Numbers) -> Result<Option<Self>> {
        let (keys, count) = match Self::place(mechanism)? {
            Some((_, 0)) | None => return Ok(None),
            Some((_, count)) if count > MOST_KEYS as CK_ULONG => {
                return Err(Rv::MECHANISM_PARAM_INVALID);
            }
            Some(place) => place,
        };
        let invalid = |_| Rv::MECHANISM_PARAM_INVALID;
        let mut read = AdditionalKeys {
            templates: Vec::new(),
            handles: Vec::new(),
        };
        for key in keys.elements(count).map_err(invalid)? {
            // SAFETY: from the application's structure.
            let handle: Ptr<CK_OBJECT_HANDLE> = unsafe { Ptr::nested(key.phKey) };
            handle.expect_writable().map_err(invalid)?;
            // SAFETY: from the application's structure, together with the count.
            let template: Ptr<CK_ATTRIBUTE> = unsafe { Ptr::nested(key.pTemplate) };
            match attributes::read(template, key.ulAttributeCount, numbers) {
                Ok(template) => read.templates.push(template),
                Err(rv) => {
                    handle.write(CK_INVALID_HANDLE)?;
                    return Err(rv);
                }
            }
            read.handles.push(handle);
        }
        Ok(Some(read))
    }

    /// The array and its count.
    fn place(mechanism: Ptr<CK_MECHANISM>) -> Result<Option<(Ptr<CK_DERIVED_KEY>, CK_ULONG)>> {
        let raw = mechanism.read()?;
        let length = usize::try_from(raw.ulParameterLen);
        let (keys, count) = match raw.mechanism {
            CKM_SP800_108_COUNTER_KDF | CKM_SP800_108_DOUBLE_PIPELINE_KDF
                if length == Ok(size_of::<CK_SP800_108_KDF_PARAMS>()) =>
            {
                // SAFETY: the parameter of the application's mechanism: NULL, or as long as the length says.
                let parameter: Ptr<CK_SP800_108_KDF_PARAMS> =
                    unsafe { Ptr::nested(raw.pParameter.cast()) };
                let parameter = parameter.read().map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
                (
                    parameter.pAdditionalDerivedKeys,
                    parameter.ulAdditionalDerivedKeys,
                )
            }
            CKM_SP800_108_FEEDBACK_KDF
                if length == Ok(size_of::<CK_SP800_108_FEEDBACK_KDF_PARAMS>()) =>
            {
                // SAFETY: as above.
                let parameter: Ptr<CK_SP800_108_FEEDBACK_KDF_PARAMS> =
                    unsafe { Ptr::nested(raw.pParameter.cast()) };
                let parameter = parameter.read().map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
                (
                    parameter.pAdditionalDerivedKeys,
                    parameter.ulAdditionalDerivedKeys,
                )
            }
            // A parameter of another length is refused where it is read.
            _ => return Ok(None),
        };
        // SAFETY: from the application's structure, together with the count.
        Ok(Some((unsafe { Ptr::nested(keys) }, count)))
    }

    /// Tells what was made.
    ///
    /// # Errors
    /// None: the places were looked at before.
    pub(super) fn write(&self, made: &[CK_OBJECT_HANDLE]) -> Result<()> {
        for (place, handle) in self.handles.iter().zip(made) {
            place.write(*handle)?;
        }
        Ok(())
    }

    /// Marks the key whose template is at fault: "the corresponding phKey value will be set to CK_INVALID_HANDLE". The
    /// first template is the function's own.
    pub(super) fn blame(&self, failed: &NoKeys) {
        let place = failed.template.and_then(|template| template.checked_sub(1));
        if let Some(handle) = place.and_then(|place| self.handles.get(place)) {
            // It was found writable.
            let _ = handle.write(CK_INVALID_HANDLE);
        }
    }
}
