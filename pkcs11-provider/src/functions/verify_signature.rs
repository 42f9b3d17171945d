//! Verification where the signature comes first (3.2).

use cryptoki_sys::*;

use crate::mechanisms::MechanismCall;
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::Kind;
use crate::token::error::{Doing, rv};

/// Bytes of a signature that is kept until its data comes: the longest of any mechanism of the
/// standard (SLH-DSA, HSS) stays far below.
const LONGEST_SIGNATURE: usize = 1 << 18;

impl Instance {
    /// `C_VerifySignatureInit`; without a mechanism it ends the active operation.
    ///
    /// # Errors
    /// As `C_VerifyInit`; `CKR_SIGNATURE_LEN_RANGE` for what is longer than any signature.
    pub fn verify_signature_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Option<&MechanismCall<'_>>,
        key: CK_OBJECT_HANDLE,
        signature: &[u8],
    ) -> Result<()> {
        if signature.len() > LONGEST_SIGNATURE {
            return Err(Rv::SIGNATURE_LEN_RANGE);
        }
        self.begin(session, Kind::VerifySignature, mechanism, key)?;
        self.in_session(session, |session, _| {
            session.signature = match mechanism {
                Some(_) => signature.to_vec(),
                None => Vec::new(),
            };
            Ok(())
        })
    }

    /// `C_VerifySignature` (some data) and `C_VerifySignatureFinal` (none), which end the operation
    /// whatever comes of it.
    ///
    /// # Errors
    /// `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`, `CKR_OPERATION_NOT_INITIALIZED`.
    pub fn verify_signature(&self, session: CK_SESSION_HANDLE, data: Option<&[u8]>) -> Result<()> {
        self.in_session(session, |session, slot| {
            let using = session.verify_signature.take();
            let mut using = using.ok_or(Rv::OPERATION_NOT_INITIALIZED)?;
            let signature = std::mem::take(&mut session.signature);
            let operation = &mut using.operation;
            let verified = match data {
                Some(data) => {
                    using.course.take_all()?;
                    slot.token.verify(operation, data, &signature)
                }
                None => slot.token.finish_verify(operation, &signature),
            };
            verified.map_err(|error| rv(&error, Doing::Using))
        })
    }

    /// `C_GetSessionValidationFlags`: the module is validated by nobody, so no flag is ever set.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for a type that the standard does not define.
    pub fn validation_flags(
        &self,
        session: CK_SESSION_HANDLE,
        kind: CK_SESSION_VALIDATION_FLAGS_TYPE,
    ) -> Result<CK_FLAGS> {
        self.in_session(session, |_, _| {
            if kind == CKS_LAST_VALIDATION_OK {
                Ok(0)
            } else {
                Err(Rv::ARGUMENTS_BAD)
            }
        })
    }
}
