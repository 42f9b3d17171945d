//! Failed batch items: the one table that turns the core's errors into KMIP's result reasons.
//!
//! Up to 1.4 the specification has few reasons and says per operation which to use (1.4 section
//! 11); 2.0 added precise ones and dropped the per-operation tables to one list each (2.1 section
//! 11.46 and the tables below each operation). Both columns stand here, side by side.

use keybridge_core::Error;
use keybridge_kmip::Version;
use keybridge_kmip::enums::ResultReason;
use keybridge_kmip::message::Outcome;
use keybridge_kmip::operations::ResponsePayload;

/// Why a batch item failed.
#[derive(Debug)]
pub struct Failure {
    /// Reason in 1.0 to 1.4.
    legacy: ResultReason,
    /// Reason from 2.0.
    modern: ResultReason,
    /// Words.
    message: String,
    /// What is returned nevertheless (Check).
    payload: Option<Box<ResponsePayload>>,
}

/// Result of an operation.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with the same reason in every version.
    #[must_use]
    pub fn new(reason: ResultReason, message: impl Into<String>) -> Self {
        Self::by_version(reason, reason, message)
    }

    /// A failure whose reason became more precise in 2.0.
    #[must_use]
    pub fn by_version(
        legacy: ResultReason,
        modern: ResultReason,
        message: impl Into<String>,
    ) -> Self {
        Self {
            legacy,
            modern,
            message: message.into(),
            payload: None,
        }
    }

    /// Invalid Field.
    #[must_use]
    pub fn invalid_field(message: impl Into<String>) -> Self {
        Self::new(ResultReason::InvalidField, message)
    }

    /// Invalid Message: something that must be there is not, or is there twice.
    #[must_use]
    pub fn invalid_message(message: impl Into<String>) -> Self {
        Self::new(ResultReason::InvalidMessage, message)
    }

    /// Feature Not Supported.
    #[must_use]
    pub fn not_supported(message: impl Into<String>) -> Self {
        Self::new(ResultReason::FeatureNotSupported, message)
    }

    /// Item Not Found; Object Not Found from 2.0.
    #[must_use]
    pub fn no_object(identifier: &str) -> Self {
        Self::by_version(
            ResultReason::ItemNotFound,
            ResultReason::ObjectNotFound,
            format!("no object {identifier:?} in this account"),
        )
    }

    /// The same with another reason, if its reason from 2.0 is `from`.
    #[must_use]
    pub fn renamed(mut self, from: ResultReason, to: ResultReason) -> Self {
        if self.modern == from {
            self.modern = to;
        }
        self
    }

    /// In the word that Add, Set and Adjust Attribute have for what only the server sets, and Modify and
    /// Delete Attribute have not (2.1 sections 6.1.2.1, 6.1.3.1, 6.1.51.1).
    #[must_use]
    pub fn read_only_attribute(self) -> Self {
        self.renamed(
            ResultReason::AttributeReadOnly,
            ResultReason::ReadOnlyAttribute,
        )
    }

    /// Adds what is returned in spite of the failure.
    #[must_use]
    pub fn with_payload(mut self, payload: ResponsePayload) -> Self {
        self.payload = Some(Box::new(payload));
        self
    }

    /// The failed batch item's outcome in `version`.
    #[must_use]
    pub fn outcome(self, version: Version) -> Outcome {
        let reason = if version.has_tagged_attributes() {
            self.modern
        } else {
            legacy(self.legacy, version)
        };
        Outcome::Failed {
            reason,
            message: Some(self.message),
            payload: self.payload.map(|payload| *payload),
        }
    }
}

/// 1.4 made two kinds of Permission Denied reasons of their own.
fn legacy(reason: ResultReason, version: Version) -> ResultReason {
    match reason {
        ResultReason::Sensitive | ResultReason::NotExtractable if version < Version::V1_4 => {
            ResultReason::PermissionDenied
        }
        reason => reason,
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (legacy, modern) = reasons(&error);
        let message = if is_internal(&error) {
            tracing::error!(%error, "a request failed on the server's side");
            "the server failed; its log says more".to_owned()
        } else {
            error.to_string()
        };
        Self::by_version(legacy, modern, message)
    }
}

/// Errors whose words are the operator's business, not the client's.
fn is_internal(error: &Error) -> bool {
    matches!(
        error,
        Error::Tampered { .. }
            | Error::SealFailed(_)
            | Error::HsmUnavailable { .. }
            | Error::Store(_)
            | Error::DiskFull
            | Error::Configuration(_)
            | Error::SecretFile { .. }
            | Error::Internal(_)
    )
}

/// The table: reason to 1.4 (section 11), reason from 2.0 (2.1 section 11.46).
fn reasons(error: &Error) -> (ResultReason, ResultReason) {
    use ResultReason as R;
    let same = |reason| (reason, reason);
    match error {
        // "No object with the specified Unique Identifier exists".
        Error::NotFound {
            what: "object" | "key",
            ..
        } => (R::ItemNotFound, R::ObjectNotFound),
        Error::NotFound { .. } => same(R::ItemNotFound),
        // "Trying to create a new object with the same Name attribute value as an existing object".
        Error::AlreadyExists { what: "object", .. } => same(R::ObjectAlreadyExists),
        Error::AlreadyExists { .. } => (R::InvalidField, R::NonUniqueNameAttribute),
        Error::Denied(_) => same(R::PermissionDenied),
        Error::LoginRequired
        | Error::LoginEnded
        | Error::WrongCredential
        | Error::CredentialLocked
        | Error::CredentialRevoked(_)
        | Error::PinNotInitialized
        | Error::PinLength { .. }
        | Error::TokenNotInitialized => same(R::AuthenticationNotSuccessful),
        // "Object specified is not able to be used for …", "Object is not in … state".
        Error::KeyState { .. }
        | Error::ObjectState { .. }
        | Error::OutsideDates(_)
        | Error::IllegalTransition { .. }
        | Error::IllegalKeyTransition { .. } => (R::PermissionDenied, R::WrongKeyLifecycleState),
        // "If the allocation is unable to be obtained … Permission Denied" (1.4 section 4.29).
        // 2.1 lists Usage Limit Exceeded for each of these operations, and Permission Denied too;
        // its case CS-BC-M-7-21 has the latter.
        Error::UsageLimit { .. } => same(R::PermissionDenied),
        Error::Archived => same(R::ObjectArchived),
        Error::UsageNotPermitted(_) => (R::PermissionDenied, R::IncompatibleCryptographicUsageMask),
        Error::MechanismNotAllowed(_)
        | Error::ActionProhibited(_)
        | Error::TemplateMismatch { .. } => same(R::PermissionDenied),
        Error::ConstraintViolated(_) => (R::PermissionDenied, R::ConstraintViolation),
        // Neither the usage mask nor the state says no.
        Error::RoleTaken { .. } | Error::PolicyForbids(_) => same(R::PermissionDenied),
        Error::MechanismUnsupported { .. } => {
            (R::InvalidField, R::UnsupportedCryptographicParameters)
        }
        Error::MechanismParameter(_) => (R::InvalidField, R::BadCryptographicParameters),
        Error::KeyUnsupported(_) => (R::InvalidField, R::UnsupportedCryptographicParameters),
        Error::KeySize { .. } | Error::InvalidAttribute { .. } => {
            (R::InvalidField, R::InvalidAttributeValue)
        }
        Error::InvalidMaterial(_) | Error::InvalidRequest(_) => same(R::InvalidField),
        // "Cryptographic error during …".
        Error::DataLength(_)
        | Error::InvalidCiphertext
        | Error::InvalidWrappedKey
        | Error::SignatureInvalid
        | Error::SignatureLength { .. }
        | Error::HsmRefused { .. } => same(R::CryptographicFailure),
        Error::Sensitive => same(R::Sensitive),
        Error::NotExtractable => same(R::NotExtractable),
        // "Object exists, but the server only has attributes for this object".
        Error::NoMaterial(_) => (R::ItemNotFound, R::ObjectDestroyed),
        // "The specified attribute is read-only"; a date whose time has come is fixed by the state.
        Error::AttributeReadOnly { attribute, .. } if attribute.ends_with("Date") => {
            (R::PermissionDenied, R::WrongKeyLifecycleState)
        }
        Error::AttributeReadOnly { .. } => (R::PermissionDenied, R::AttributeReadOnly),
        Error::Limit { .. } => (R::GeneralFailure, R::ServerLimitExceeded),
        Error::BufferTooSmall { .. }
        | Error::Tampered { .. }
        | Error::SealFailed(_)
        | Error::HsmUnavailable { .. }
        | Error::Store(_)
        | Error::DiskFull
        | Error::Configuration(_)
        | Error::SecretFile { .. }
        | Error::Internal(_) => (R::GeneralFailure, R::InternalServerError),
        // The core's error may grow.
        _ => same(R::GeneralFailure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybridge_core::{KeyState, Purpose};

    fn reason(error: Error, version: Version) -> ResultReason {
        match Failure::from(error).outcome(version) {
            Outcome::Failed { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reasons_differ_between_versions() {
        let disabled = || Error::KeyState {
            state: KeyState::Disabled,
        };
        assert_eq!(
            reason(disabled(), Version::V1_0),
            ResultReason::PermissionDenied
        );
        assert_eq!(
            reason(disabled(), Version::V2_0),
            ResultReason::WrongKeyLifecycleState
        );
        let usage = || Error::UsageNotPermitted(Purpose::Sign);
        assert_eq!(
            reason(usage(), Version::V1_4),
            ResultReason::PermissionDenied
        );
        assert_eq!(
            reason(Error::Sensitive, Version::V1_2),
            ResultReason::PermissionDenied
        );
        assert_eq!(
            reason(Error::Sensitive, Version::V1_4),
            ResultReason::Sensitive
        );
    }

    #[test]
    fn every_reason_exists_in_its_versions() {
        let errors = || {
            [
                Error::NotFound {
                    what: "object",
                    name: String::new(),
                },
                Error::AlreadyExists {
                    what: "name",
                    name: String::new(),
                },
                Error::WrongCredential,
                Error::NoMaterial("gone"),
                Error::NotExtractable,
                Error::AttributeReadOnly {
                    attribute: "State",
                    reason: "",
                },
                Error::Limit {
                    name: "x",
                    limit: 1,
                },
                Error::Internal(String::new()),
                Error::MechanismParameter(String::new()),
            ]
        };
        for version in Version::SUPPORTED {
            for error in errors() {
                let text = error.to_string();
                assert!(
                    reason(error, version).exists_in(version),
                    "{text} in {version}"
                );
            }
        }
    }

    #[test]
    fn the_servers_troubles_are_not_told() {
        let failure = Failure::from(Error::Store("disk at /secret/place".into()));
        assert!(!failure.message.contains("secret"));
    }
}
