//! What a module's return code means for the call that got it, and how it is told to people.

use cryptoki::context::Function;
use cryptoki::error::{Error as TokenError, RvError};

use crate::error::Error;

/// Why a call to the token did not succeed: an answer of the module that still has to be judged, or one
/// that is judged already.
#[derive(Debug)]
pub(super) enum Failure {
    /// What the module or the binding said.
    Token(TokenError),
    /// The core's own error; the session is as good as before.
    Core(Error),
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

/// The return code, if the module was reached at all.
pub(super) fn return_code(error: &TokenError) -> Option<RvError> {
    match error {
        TokenError::Pkcs11(code, _) => Some(*code),
        _ => None,
    }
}

/// Whether the answer says that session, login or handles are no longer what we think they are, so that
/// a fresh connection may well succeed. `CKR_OPERATION_ACTIVE` is among them because a session that a
/// module left in the middle of something is of no more use.
pub(super) fn is_lost(error: &TokenError) -> bool {
    use RvError as R;
    matches!(
        return_code(error),
        Some(
            R::SessionHandleInvalid
                | R::SessionClosed
                | R::UserNotLoggedIn
                | R::DeviceRemoved
                | R::DeviceError
                | R::TokenNotPresent
                | R::TokenNotRecognized
                | R::SlotIdInvalid
                | R::CryptokiNotInitialized
                | R::KeyHandleInvalid
                | R::ObjectHandleInvalid
                | R::WrappingKeyHandleInvalid
                | R::UnwrappingKeyHandleInvalid
                | R::OperationActive
                | R::OperationNotInitialized
        )
    )
}

/// Whether the HSM failed or is away, as against refusing this one request.
fn is_unavailable(error: &TokenError) -> bool {
    use RvError as R;
    match error {
        TokenError::LibraryLoading(_)
        | TokenError::MissingSymbol(_)
        | TokenError::NullFunctionPointer => true,
        TokenError::Pkcs11(code, _) => {
            is_lost(error)
                || matches!(
                    code,
                    R::GeneralError
                        | R::FunctionFailed
                        | R::FunctionCanceled
                        | R::HostMemory
                        | R::CantLock
                        | R::NeedToCreateThreads
                        | R::MutexBad
                        | R::MutexNotLocked
                        | R::SessionCount
                        | R::LibraryLoadFailed
                        | R::FipsSelfTestFailed
                        | R::PinIncorrect
                        | R::PinExpired
                        | R::PinLocked
                        | R::UserPinNotInitialized
                        | R::UserAnotherAlreadyLoggedIn
                        | R::UserTooManyTypes
                )
        }
        _ => false,
    }
}

/// Whether the answer blames the data of a decryption or unwrapping. `CKR_GENERAL_ERROR` and
/// `CKR_FUNCTION_FAILED` are not here: see [`is_vague`].
pub(super) fn blames_data(error: &TokenError) -> bool {
    use RvError as R;
    matches!(
        return_code(error),
        Some(
            R::EncryptedDataInvalid
                | R::EncryptedDataLenRange
                | R::DataInvalid
                | R::DataLenRange
                | R::WrappedKeyInvalid
                | R::WrappedKeyLenRange
        )
    )
}

/// Whether the answer refuses a template, so that nothing was made and another may be tried.
pub(super) fn refuses_template(error: &TokenError) -> bool {
    use RvError as R;
    matches!(
        return_code(error),
        Some(
            R::TemplateInconsistent
                | R::TemplateIncomplete
                | R::AttributeReadOnly
                | R::AttributeValueInvalid
                | R::AttributeTypeInvalid
                | R::DomainParamsInvalid
                | R::CurveNotSupported
        )
    )
}

/// Codes that modules give for a wrong tag or padding, but for real failures too, lasting or not. Whoever gets
/// one asks the session how it is before blaming the data, and tries once more otherwise.
pub(super) fn is_vague(error: &TokenError) -> bool {
    matches!(
        return_code(error),
        Some(RvError::GeneralError | RvError::FunctionFailed)
    )
}

/// Whether the answer blames a mechanism's parameters. `CKR_ARGUMENTS_BAD` does when an operation starts:
/// SoftHSM2 says so to hashes of RSA-OAEP that it does not have.
fn blames_parameters(error: &TokenError) -> bool {
    use Function as F;
    match error {
        TokenError::Pkcs11(RvError::MechanismParamInvalid, _) => true,
        TokenError::Pkcs11(RvError::ArgumentsBad, function) => matches!(
            function,
            F::EncryptInit
                | F::DecryptInit
                | F::SignInit
                | F::WrapKey
                | F::UnwrapKey
                | F::DeriveKey
        ),
        _ => false,
    }
}

/// The core's error for a module's answer.
pub(super) fn to_error(pool: &str, error: &TokenError) -> Error {
    use RvError as R;
    match return_code(error) {
        Some(code @ (R::DataLenRange | R::DataInvalid)) => Error::DataLength(format!(
            "the HSM does not take input of this length or form ({})",
            code_name(code)
        )),
        Some(R::EncryptedDataInvalid | R::EncryptedDataLenRange) => Error::InvalidCiphertext,
        Some(R::WrappedKeyInvalid | R::WrappedKeyLenRange) => Error::InvalidWrappedKey,
        Some(code) if blames_parameters(error) => {
            Error::MechanismParameter(format!("refused by the HSM ({})", code_name(code)))
        }
        _ if is_unavailable(error) => unavailable(pool, describe(error)),
        _ => refused(pool, describe(error)),
    }
}

/// [`Error::HsmUnavailable`].
pub(super) fn unavailable(pool: &str, reason: impl Into<String>) -> Error {
    Error::HsmUnavailable {
        pool: pool.to_owned(),
        reason: reason.into(),
    }
}

/// [`Error::HsmRefused`].
pub(super) fn refused(pool: &str, reason: impl Into<String>) -> Error {
    Error::HsmRefused {
        pool: pool.to_owned(),
        reason: reason.into(),
    }
}

/// `C_Sign: CKR_DEVICE_ERROR`, or the loader's words.
pub(super) fn describe(error: &TokenError) -> String {
    match error {
        TokenError::Pkcs11(code, function) => format!("C_{function:?}: {}", code_name(*code)),
        TokenError::LibraryLoading(error) => format!("the module cannot be loaded: {error}"),
        TokenError::MissingSymbol(symbol) => {
            format!("the module is no PKCS#11 module: it has no {symbol}")
        }
        TokenError::NullFunctionPointer => "the module lacks a function".to_owned(),
        other => other.to_string(),
    }
}

/// The standard's name of a return code, from the binding's name of it: `CKR_DEVICE_ERROR`.
pub(super) fn code_name(code: RvError) -> String {
    match code {
        RvError::VendorDefined(number) | RvError::UnknownErrorCode(number) => {
            format!("return code {number:#x}")
        }
        known => {
            let mut name = String::from("CKR");
            for character in format!("{known:?}").chars() {
                if character.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(character.to_ascii_uppercase());
            }
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_of_the_standard() {
        for (code, name) in [
            (RvError::DeviceError, "CKR_DEVICE_ERROR"),
            (RvError::SlotIdInvalid, "CKR_SLOT_ID_INVALID"),
            (RvError::PinIncorrect, "CKR_PIN_INCORRECT"),
            (
                RvError::UserPinNotInitialized,
                "CKR_USER_PIN_NOT_INITIALIZED",
            ),
            (
                RvError::VendorDefined(0x8000_0001),
                "return code 0x80000001",
            ),
        ] {
            assert_eq!(code_name(code), name);
        }
    }

    #[test]
    fn failures_are_told_apart() {
        let answer = |code| to_error("p", &TokenError::Pkcs11(code, Function::Sign));
        assert!(matches!(
            answer(RvError::DeviceRemoved),
            Error::HsmUnavailable { .. }
        ));
        assert!(matches!(
            answer(RvError::KeyFunctionNotPermitted),
            Error::HsmRefused { .. }
        ));
        assert!(matches!(
            answer(RvError::EncryptedDataInvalid),
            Error::InvalidCiphertext
        ));
        assert!(matches!(
            answer(RvError::DataLenRange),
            Error::DataLength(_)
        ));
        assert_eq!(
            answer(RvError::DeviceError).to_string(),
            r#"HSM pool "p": C_Sign: CKR_DEVICE_ERROR"#
        );
    }
}
