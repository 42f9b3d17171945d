//! Attributes that are structures (1.4 section 3; 2.1 section 4).

use crate::attributes::UniqueIdentifier;
use crate::enums::{
    AlternativeNameType, BlockCipherMode, CryptographicAlgorithm, DRBGAlgorithm,
    DigitalSignatureAlgorithm, FIPS186Variation, HashingAlgorithm, KeyFormatType, KeyRoleType,
    KeyValueLocationType, LinkType, MaskGenerator, NameType, PaddingMethod, RNGAlgorithm,
    RecommendedCurve, RevocationReasonCode, RotateNameType, UsageLimitsUnit,
};
use crate::wire::structure;

structure! {
    /// Name (1.4 section 3.2; 2.1 section 4.32).
    Name {
        /// The name.
        value: required String = NameValue,
        /// Text or URI.
        kind: required NameType = NameType,
    }
}

impl Name {
    /// A name that is just text.
    pub fn text(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            kind: NameType::UninterpretedTextString,
        }
    }
}

structure! {
    /// Cryptographic Parameters (1.4 section 3.6; 2.1 section 4.16).
    #[derive(Default)]
    CryptographicParameters {
        /// Mode of a block cipher.
        block_cipher_mode: optional BlockCipherMode = BlockCipherMode,
        /// Padding.
        padding_method: optional PaddingMethod = PaddingMethod,
        /// Hash of a signature, MAC, or of OAEP.
        hashing_algorithm: optional HashingAlgorithm = HashingAlgorithm,
        /// Role of the key in a payment system.
        key_role_type: optional KeyRoleType = KeyRoleType,
        /// Signature scheme.
        digital_signature_algorithm: optional DigitalSignatureAlgorithm =
            DigitalSignatureAlgorithm [V1_2],
        /// Algorithm, where the key allows several.
        cryptographic_algorithm: optional CryptographicAlgorithm = CryptographicAlgorithm [V1_2],
        /// Whether the server shall make the initialization vector.
        random_iv: optional bool = RandomIV,
        /// Length of the initialization vector, in bits.
        iv_length: optional i32 = IVLength,
        /// Length of the authentication tag, in bytes.
        tag_length: optional i32 = TagLength,
        /// Length of the fixed field of a counter, in bits.
        fixed_field_length: optional i32 = FixedFieldLength,
        /// Length of the invocation field of a counter, in bits.
        invocation_field_length: optional i32 = InvocationFieldLength,
        /// Length of the counter, in bits.
        counter_length: optional i32 = CounterLength,
        /// First value of the counter.
        initial_counter_value: optional i32 = InitialCounterValue,
        /// Length of the salt of PSS, in bytes.
        salt_length: optional i32 = SaltLength,
        /// Mask generation function of OAEP and PSS.
        mask_generator: optional MaskGenerator = MaskGenerator,
        /// Hash of the mask generation function.
        mask_generator_hashing_algorithm: optional HashingAlgorithm =
            MaskGeneratorHashingAlgorithm,
        /// Label of OAEP.
        p_source: optional Vec<u8> = PSource,
        /// Trailer field of PSS.
        trailer_field: optional i32 = TrailerField,
    }
}

structure! {
    /// Cryptographic Domain Parameters (1.4 section 3.7; 2.1 section 4.14).
    #[derive(Default)]
    CryptographicDomainParameters {
        /// Length of Q, in bits.
        q_length: optional i32 = Qlength,
        /// The curve.
        recommended_curve: optional RecommendedCurve = RecommendedCurve,
    }
}

structure! {
    /// X.509 Certificate Identifier (1.4 section 3.10; 2.1 section 4.61).
    X509CertificateIdentifier {
        /// DER of the issuer's name.
        issuer_distinguished_name: required Vec<u8> = IssuerDistinguishedName,
        /// DER of the serial number.
        certificate_serial_number: required Vec<u8> = CertificateSerialNumber,
    }
}

structure! {
    /// X.509 Certificate Subject (1.4 section 3.11; 2.1 section 4.63).
    X509CertificateSubject {
        /// DER of the subject's name; may be empty.
        subject_distinguished_name: required Vec<u8> = SubjectDistinguishedName,
        /// DER of each alternative name.
        subject_alternative_name: repeated Vec<u8> = SubjectAlternativeName,
    }
}

structure! {
    /// X.509 Certificate Issuer (1.4 section 3.12; 2.1 section 4.62).
    X509CertificateIssuer {
        /// DER of the issuer's name.
        issuer_distinguished_name: required Vec<u8> = IssuerDistinguishedName,
        /// DER of each alternative name.
        issuer_alternative_name: repeated Vec<u8> = IssuerAlternativeName,
    }
}

structure! {
    /// Certificate Identifier, to 1.4 (1.4 section 3.13).
    CertificateIdentifier {
        /// Issuer's name.
        issuer: required String = Issuer,
        /// Serial number.
        serial_number: optional String = SerialNumber must [V1_0 ..= V1_4],
    }
}

structure! {
    /// Certificate Subject, to 1.4 (1.4 section 3.14).
    CertificateSubject {
        /// Subject's name; may be empty.
        distinguished_name: required String = CertificateSubjectDistinguishedName,
        /// Alternative names.
        alternative_name: repeated String = CertificateSubjectAlternativeName,
    }
}

structure! {
    /// Certificate Issuer, to 1.4 (1.4 section 3.15).
    CertificateIssuer {
        /// Issuer's name.
        distinguished_name: required String = CertificateIssuerDistinguishedName,
        /// Alternative names.
        alternative_name: repeated String = CertificateIssuerAlternativeName,
    }
}

structure! {
    /// Digest (1.4 section 3.17; 2.1 section 4.21).
    Digest {
        /// Hash used.
        hashing_algorithm: required HashingAlgorithm = HashingAlgorithm,
        /// Hash of the Key Material or the Certificate Value.
        digest_value: optional Vec<u8> = DigestValue,
        /// Format of the Key Material that was hashed.
        key_format_type: optional KeyFormatType = KeyFormatType [V1_1],
    }
}

structure! {
    /// Usage Limits (1.4 section 3.21; 2.1 section 7.40).
    UsageLimits {
        /// Units in the life of the object.
        total: required i64 = UsageLimitsTotal,
        /// Units left; a client that sets limits may leave it out.
        count: optional i64 = UsageLimitsCount,
        /// What is counted.
        unit: required UsageLimitsUnit = UsageLimitsUnit,
    }
}

structure! {
    /// Revocation Reason (1.4 section 3.31; 2.1 section 4.47).
    RevocationReason {
        /// The reason.
        code: required RevocationReasonCode = RevocationReasonCode,
        /// Words about it.
        message: optional String = RevocationMessage,
    }
}

structure! {
    /// Link (1.4 section 3.35; 2.1 section 4.31).
    Link {
        /// What the other object is to this one.
        kind: required LinkType = LinkType,
        /// The other object.
        linked_object: required UniqueIdentifier = LinkedObjectIdentifier,
    }
}

structure! {
    /// Application Specific Information (1.4 section 3.36; 2.1 section 4.4).
    ApplicationSpecificInformation {
        /// Name space of the application.
        application_namespace: required String = ApplicationNamespace,
        /// What the application keeps; the server makes one where it is left out.
        application_data: optional String = ApplicationData,
    }
}

structure! {
    /// Alternative Name (1.4 section 3.40; 2.1 section 4.2).
    AlternativeName {
        /// The name.
        value: required String = AlternativeNameValue,
        /// What kind of name it is.
        kind: required AlternativeNameType = AlternativeNameType,
    }
}

structure! {
    /// Key Value Location (1.4 section 3.42; 2.1 section 4.27).
    KeyValueLocation {
        /// Where the key is.
        value: required String = KeyValueLocationValue,
        /// Text or URI.
        kind: required KeyValueLocationType = KeyValueLocationType,
    }
}

structure! {
    /// RNG Parameters, and the attribute Random Number Generator (1.4 sections 2.1.18 and 3.44).
    RNGParameters {
        /// Kind of generator.
        rng_algorithm: required RNGAlgorithm = RNGAlgorithm,
        /// Cipher it is built on.
        cryptographic_algorithm: optional CryptographicAlgorithm = CryptographicAlgorithm,
        /// Length of the cipher's key, in bits.
        cryptographic_length: optional i32 = CryptographicLength,
        /// Hash it is built on.
        hashing_algorithm: optional HashingAlgorithm = HashingAlgorithm,
        /// Which DRBG of SP 800-90A.
        drbg_algorithm: optional DRBGAlgorithm = DRBGAlgorithm,
        /// Curve it is built on.
        recommended_curve: optional RecommendedCurve = RecommendedCurve,
        /// Which generator of FIPS 186-2.
        fips186_variation: optional FIPS186Variation = FIPS186Variation,
        /// Whether it reseeds for each request.
        prediction_resistance: optional bool = PredictionResistance,
    }
}

structure! {
    /// Rotate Name (2.1 section 4.53).
    RotateName {
        /// The name.
        value: required String = RotateNameValue,
        /// Text or URI.
        kind: required RotateNameType = RotateNameType,
    }
}
