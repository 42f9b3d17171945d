//! Result reasons across versions: most of those of today are younger than 1.4.

use crate::enums::ResultReason as Reason;
use crate::version::Version;

/// `reason` where `version` has it, else the one that says the most of it there: for 1.x what the
/// tables of 1.4 section 11 give for the error, and General Failure as the last resort.
pub(super) fn reason_in(reason: Reason, version: Version) -> Reason {
    if reason.exists_in(version) {
        return reason;
    }
    let older = match reason {
        Reason::ObjectNotFound
        | Reason::WrappingObjectNotFound
        | Reason::AttributeNotFound
        | Reason::AttributeInstanceNotFound
        | Reason::UnknownObjectGroup
        | Reason::InvalidAsynchronousCorrelationValue => Reason::ItemNotFound,
        Reason::WrappingObjectArchived => Reason::ObjectArchived,
        Reason::ObjectDestroyed
        | Reason::WrappingObjectDestroyed
        | Reason::WrongKeyLifecycleState
        | Reason::NotAuthorised
        | Reason::NotExtractable
        | Reason::Sensitive
        | Reason::AttributeReadOnly
        | Reason::ReadOnlyAttribute
        | Reason::IncompatibleCryptographicUsageMask
        | Reason::UsageLimitExceeded
        | Reason::ConstraintViolation
        | Reason::AttestationRequired
        | Reason::AttestationFailed
        | Reason::ProtectionStorageUnavailable
        | Reason::PrivateProtectionStorageUnavailable
        | Reason::PublicProtectionStorageUnavailable => Reason::PermissionDenied,
        Reason::InvalidAttribute
        | Reason::InvalidAttributeValue
        | Reason::InvalidObjectType
        | Reason::InvalidDataType
        | Reason::InvalidCSR
        | Reason::InvalidCorrelationValue
        | Reason::UnsupportedAttribute
        | Reason::AttributeSingleValued
        | Reason::MultiValuedAttribute
        | Reason::NonUniqueNameAttribute
        | Reason::NumericRange
        | Reason::ObjectAlreadyExists
        | Reason::UnknownEnumeration
        | Reason::BadCryptographicParameters
        | Reason::UnsupportedCryptographicParameters
        | Reason::EncodingOptionError => Reason::InvalidField,
        Reason::CodecError
        | Reason::UnknownTag
        | Reason::UnsupportedProtocolVersion
        | Reason::MissingInitializationVector => Reason::InvalidMessage,
        Reason::IllegalObjectType | Reason::KeyValueNotPresent => Reason::IllegalOperation,
        Reason::UnknownMessageExtension | Reason::KeyWrapTypeNotSupported => {
            Reason::FeatureNotSupported
        }
        Reason::BadPassword => Reason::CryptographicFailure,
        Reason::InvalidTicket => Reason::AuthenticationNotSuccessful,
        // What 2.0 no longer has.
        Reason::IllegalOperation => Reason::InvalidMessage,
        Reason::IndexOutOfBounds => Reason::InvalidField,
        _ => Reason::GeneralFailure,
    };
    if older.exists_in(version) {
        older
    } else {
        Reason::GeneralFailure
    }
}

#[cfg(test)]
mod tests {
    use super::{Reason, Version, reason_in};

    #[test]
    fn every_reason_has_one_in_every_version() {
        for version in Version::SUPPORTED {
            for row in Reason::TABLE.rows {
                let reason = Reason(row.value);
                let sent = reason_in(reason, version);
                assert!(
                    sent.exists_in(version) && sent.name().is_some(),
                    "{reason} in {version}"
                );
                assert!(!reason.exists_in(version) || sent == reason);
            }
        }
        assert_eq!(
            reason_in(Reason::ObjectNotFound, Version::V1_4),
            Reason::ItemNotFound
        );
        assert_eq!(
            reason_in(Reason::Sensitive, Version::V1_3),
            Reason::PermissionDenied
        );
        // A vendor's own reason goes out as it is.
        assert_eq!(
            reason_in(Reason(0x8000_0001), Version::V1_0),
            Reason(0x8000_0001)
        );
    }
}
