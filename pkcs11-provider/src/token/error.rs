//! What the core's errors are called in PKCS#11: one table, by error and by what was being done.

use keybridge_core::Error;

use crate::rv::Rv;

/// What was being done when the core refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Something about a token: its state, PINs, login.
    Administration,
    /// Reading, changing, copying or destroying an object.
    Object,
    /// Making an object: creating, generating.
    Making,
    /// Encrypting, signing, verifying, digesting a key.
    Using,
    /// Decrypting.
    Decrypting,
    /// Wrapping; what is missing is the wrapping key or the key to wrap.
    Wrapping,
    /// Unwrapping.
    Unwrapping,
    /// Deriving.
    Deriving,
}

/// The return value of an error. Its words go to the log: as a warning when somebody must do
/// something about the bridge, and not the application about its call.
pub(crate) fn rv(error: &Error, doing: Doing) -> Rv {
    let rv = table(error, doing);
    if matches!(
        rv,
        Rv::DEVICE_ERROR | Rv::DEVICE_MEMORY | Rv::GENERAL_ERROR | Rv::TOKEN_NOT_RECOGNIZED
    ) {
        tracing::warn!(target: "keybridge::pkcs11", "{rv}: {error}");
    } else {
        tracing::debug!(target: "keybridge::pkcs11", "{rv}: {error}");
    }
    rv
}

/// PKCS#11 3.2, "Function return values"; the choice among several that the text of a code allows
/// is explained beside it.
fn table(error: &Error, doing: Doing) -> Rv {
    use Doing as D;
    match error {
        Error::NotFound { .. } => match doing {
            D::Using | D::Decrypting | D::Deriving => Rv::KEY_HANDLE_INVALID,
            D::Wrapping => Rv::WRAPPING_KEY_HANDLE_INVALID,
            D::Unwrapping => Rv::UNWRAPPING_KEY_HANDLE_INVALID,
            D::Administration => Rv::TOKEN_NOT_RECOGNIZED,
            D::Object | D::Making => Rv::OBJECT_HANDLE_INVALID,
        },
        Error::AlreadyExists { .. } => Rv::TEMPLATE_INCONSISTENT,
        // "C_WrapKey": "If any attribute mismatch occurs … CKR_KEY_HANDLE_INVALID".
        Error::TemplateMismatch { .. } if doing == D::Wrapping => Rv::KEY_HANDLE_INVALID,
        Error::TemplateMismatch { .. } | Error::ConstraintViolated(_) => Rv::TEMPLATE_INCONSISTENT,
        // Somebody is logged in, but not whoever it takes (the SO for user keys, or the other way).
        Error::Denied(_) => match doing {
            D::Using | D::Decrypting | D::Wrapping | D::Unwrapping | D::Deriving => {
                Rv::KEY_FUNCTION_NOT_PERMITTED
            }
            _ => Rv::USER_NOT_LOGGED_IN,
        },
        // Private objects are invisible to the public: there is no such handle.
        Error::LoginRequired if doing == D::Object => Rv::OBJECT_HANDLE_INVALID,
        Error::LoginRequired | Error::LoginEnded => Rv::USER_NOT_LOGGED_IN,
        Error::WrongCredential => Rv::PIN_INCORRECT,
        Error::CredentialLocked => Rv::PIN_LOCKED,
        Error::CredentialRevoked(_) => Rv::PIN_EXPIRED,
        Error::PinNotInitialized => Rv::USER_PIN_NOT_INITIALIZED,
        Error::PinLength { .. } => Rv::PIN_LEN_RANGE,
        Error::TokenNotInitialized => Rv::TOKEN_NOT_RECOGNIZED,
        Error::KeyState { .. }
        | Error::ObjectState { .. }
        | Error::OutsideDates(_)
        | Error::UsageNotPermitted(_)
        | Error::RoleTaken { .. } => Rv::KEY_FUNCTION_NOT_PERMITTED,
        Error::IllegalTransition { .. }
        | Error::IllegalKeyTransition { .. }
        | Error::ActionProhibited(_) => Rv::ACTION_PROHIBITED,
        Error::PolicyForbids(_) => match doing {
            D::Wrapping => Rv::KEY_NOT_WRAPPABLE,
            D::Making | D::Object => Rv::ACTION_PROHIBITED,
            _ => Rv::KEY_FUNCTION_NOT_PERMITTED,
        },
        Error::MechanismNotAllowed(_) | Error::MechanismUnsupported { .. } => Rv::MECHANISM_INVALID,
        Error::MechanismParameter(_) => Rv::MECHANISM_PARAM_INVALID,
        Error::KeyUnsupported(_) if doing == D::Unwrapping => Rv::WRAPPED_KEY_INVALID,
        Error::KeyUnsupported(_) => Rv::ATTRIBUTE_VALUE_INVALID,
        Error::InvalidMaterial(_) if doing == D::Unwrapping => Rv::WRAPPED_KEY_INVALID,
        Error::InvalidMaterial(_) => Rv::ATTRIBUTE_VALUE_INVALID,
        Error::KeySize { .. } => Rv::KEY_SIZE_RANGE,
        Error::DataLength(_) => match doing {
            D::Decrypting => Rv::ENCRYPTED_DATA_LEN_RANGE,
            D::Wrapping => Rv::KEY_SIZE_RANGE,
            D::Unwrapping => Rv::WRAPPED_KEY_LEN_RANGE,
            D::Deriving => Rv::TEMPLATE_INCONSISTENT,
            _ => Rv::DATA_LEN_RANGE,
        },
        Error::InvalidCiphertext if doing == D::Unwrapping => Rv::WRAPPED_KEY_INVALID,
        Error::InvalidCiphertext => Rv::ENCRYPTED_DATA_INVALID,
        Error::InvalidWrappedKey => Rv::WRAPPED_KEY_INVALID,
        Error::SignatureInvalid => Rv::SIGNATURE_INVALID,
        Error::SignatureLength { .. } => Rv::SIGNATURE_LEN_RANGE,
        Error::BufferTooSmall { .. } => Rv::BUFFER_TOO_SMALL,
        Error::Sensitive | Error::NotExtractable => match doing {
            D::Using => Rv::KEY_INDIGESTIBLE,
            D::Object => Rv::INFORMATION_SENSITIVE,
            _ => Rv::KEY_UNEXTRACTABLE,
        },
        Error::NoMaterial(_) if doing == D::Wrapping => Rv::KEY_NOT_WRAPPABLE,
        Error::NoMaterial(_) | Error::Archived => Rv::KEY_FUNCTION_NOT_PERMITTED,
        Error::UsageLimit { .. } => Rv::KEY_EXHAUSTED,
        Error::AttributeReadOnly { .. } => Rv::ATTRIBUTE_READ_ONLY,
        Error::InvalidAttribute { .. } => Rv::ATTRIBUTE_VALUE_INVALID,
        Error::InvalidRequest(_) => Rv::FUNCTION_FAILED,
        Error::Limit { .. } | Error::DiskFull => Rv::DEVICE_MEMORY,
        Error::HsmRefused { .. } => Rv::FUNCTION_FAILED,
        Error::Tampered { .. }
        | Error::SealFailed(_)
        | Error::HsmUnavailable { .. }
        | Error::Store(_) => Rv::DEVICE_ERROR,
        _ => Rv::GENERAL_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use keybridge_core::KeyState;

    use super::*;

    #[test]
    fn what_a_code_says_depends_on_the_function() {
        let missing = Error::NotFound {
            what: "object",
            name: String::new(),
        };
        assert_eq!(rv(&missing, Doing::Object), Rv::OBJECT_HANDLE_INVALID);
        assert_eq!(rv(&missing, Doing::Using), Rv::KEY_HANDLE_INVALID);
        assert_eq!(
            rv(&missing, Doing::Unwrapping),
            Rv::UNWRAPPING_KEY_HANDLE_INVALID
        );
        let disabled = Error::KeyState {
            state: KeyState::Disabled,
        };
        assert_eq!(rv(&disabled, Doing::Using), Rv::KEY_FUNCTION_NOT_PERMITTED);
        assert_eq!(
            rv(&Error::LoginRequired, Doing::Object),
            Rv::OBJECT_HANDLE_INVALID
        );
        assert_eq!(
            rv(&Error::LoginRequired, Doing::Making),
            Rv::USER_NOT_LOGGED_IN
        );
    }

    #[test]
    fn unwrapping_has_one_error_for_whatever_is_wrong() {
        for error in [
            Error::InvalidCiphertext,
            Error::InvalidWrappedKey,
            Error::InvalidMaterial(String::new()),
            Error::KeyUnsupported(String::new()),
        ] {
            assert_eq!(rv(&error, Doing::Unwrapping), Rv::WRAPPED_KEY_INVALID);
        }
    }
}
