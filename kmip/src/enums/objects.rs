//! Enumerations of objects and their attributes.

use super::{enumeration, mask};

enumeration! {
    /// Key Compression Type.
    KeyCompressionType {
        ECPublicKeyTypeUncompressed = 1, V1_0;
        ECPublicKeyTypeX9_62CompressedPrime = 2, V1_0;
        ECPublicKeyTypeX9_62CompressedChar2 = 3, V1_0;
        ECPublicKeyTypeX9_62Hybrid = 4, V1_0;
    }
}

enumeration! {
    /// Key Format Type.
    KeyFormatType {
        Raw = 1, V1_0;
        Opaque = 2, V1_0;
        PKCS_1 = 3, V1_0;
        PKCS_8 = 4, V1_0;
        X_509 = 5, V1_0;
        ECPrivateKey = 6, V1_0;
        TransparentSymmetricKey = 7, V1_0;
        TransparentDSAPrivateKey = 8, V1_0;
        TransparentDSAPublicKey = 9, V1_0;
        TransparentRSAPrivateKey = 10, V1_0;
        TransparentRSAPublicKey = 11, V1_0;
        TransparentDHPrivateKey = 12, V1_0;
        TransparentDHPublicKey = 13, V1_0;
        TransparentECDSAPrivateKey = 14, V1_0 ..= V1_4;
        TransparentECDSAPublicKey = 15, V1_0 ..= V1_4;
        TransparentECDHPrivateKey = 0x10, V1_0 ..= V1_4;
        TransparentECDHPublicKey = 0x11, V1_0 ..= V1_4;
        TransparentECMQVPrivateKey = 0x12, V1_0 ..= V1_4;
        TransparentECMQVPublicKey = 0x13, V1_0 ..= V1_4;
        TransparentECPrivateKey = 0x14, V1_3;
        TransparentECPublicKey = 0x15, V1_3;
        PKCS_12 = 0x16, V1_4;
        PKCS_10 = 0x17, V2_0;
    }
}

enumeration! {
    /// Certificate Type.
    CertificateType {
        X_509 = 1, V1_0;
        PGP = 2, V1_0;
    }
}

enumeration! {
    /// Secret Data Type.
    SecretDataType {
        Password = 1, V1_0;
        Seed = 2, V1_0;
    }
}

enumeration! {
    /// Name Type.
    NameType {
        UninterpretedTextString = 1, V1_0;
        URI = 2, V1_0;
    }
}

enumeration! {
    /// Object Type.
    ObjectType {
        Certificate = 1, V1_0;
        SymmetricKey = 2, V1_0;
        PublicKey = 3, V1_0;
        PrivateKey = 4, V1_0;
        SplitKey = 5, V1_0;
        Template = 6, V1_0 ..= V1_4;
        SecretData = 7, V1_0;
        OpaqueObject = 8, V1_0;
        PGPKey = 9, V1_2;
        CertificateRequest = 10, V2_0;
    }
}

enumeration! {
    /// Key Role Type.
    KeyRoleType {
        BDK = 1, V1_0;
        CVK = 2, V1_0;
        DEK = 3, V1_0;
        MKAC = 4, V1_0;
        MKSMC = 5, V1_0;
        MKSMI = 6, V1_0;
        MKDAC = 7, V1_0;
        MKDN = 8, V1_0;
        MKCP = 9, V1_0;
        MKOTH = 10, V1_0;
        KEK = 11, V1_0;
        MAC16609 = 12, V1_0;
        MAC97971 = 13, V1_0;
        MAC97972 = 14, V1_0;
        MAC97973 = 15, V1_0;
        MAC97974 = 0x10, V1_0;
        MAC97975 = 0x11, V1_0;
        ZPK = 0x12, V1_0;
        PVKIBM = 0x13, V1_0;
        PVKPVV = 0x14, V1_0;
        PVKOTH = 0x15, V1_0;
        DUKPT = 0x16, V1_4;
        IV = 0x17, V1_4;
        TRKBK = 0x18, V1_4;
    }
}

enumeration! {
    /// State.
    State {
        PreActive = 1, V1_0;
        Active = 2, V1_0;
        Deactivated = 3, V1_0;
        Compromised = 4, V1_0;
        Destroyed = 5, V1_0;
        DestroyedCompromised = 6, V1_0;
    }
}

enumeration! {
    /// Revocation Reason Code.
    RevocationReasonCode {
        Unspecified = 1, V1_0;
        KeyCompromise = 2, V1_0;
        CACompromise = 3, V1_0;
        AffiliationChanged = 4, V1_0;
        Superseded = 5, V1_0;
        CessationOfOperation = 6, V1_0;
        PrivilegeWithdrawn = 7, V1_0;
    }
}

enumeration! {
    /// Link Type.
    LinkType {
        CertificateLink = 0x101, V1_0;
        PublicKeyLink = 0x102, V1_0;
        PrivateKeyLink = 0x103, V1_0;
        DerivationBaseObjectLink = 0x104, V1_0;
        DerivedKeyLink = 0x105, V1_0;
        ReplacementObjectLink = 0x106, V1_0;
        ReplacedObjectLink = 0x107, V1_0;
        ParentLink = 0x108, V1_2;
        ChildLink = 0x109, V1_2;
        PreviousLink = 0x10A, V1_2;
        NextLink = 0x10B, V1_2;
        PKCS_12CertificateLink = 0x10C, V1_4;
        PKCS_12PasswordLink = 0x10D, V1_4;
        WrappingKeyLink = 0x10E, V2_0;
    }
}

enumeration! {
    /// Certificate Request Type.
    CertificateRequestType {
        CRMF = 1, V1_0;
        PKCS_10 = 2, V1_0;
        PEM = 3, V1_0;
        PGP = 4, V1_0 ..= V1_4;
    }
}

enumeration! {
    /// Validity Indicator.
    ValidityIndicator {
        Valid = 1, V1_0;
        Invalid = 2, V1_0;
        Unknown = 3, V1_0;
    }
}

enumeration! {
    /// Usage Limits Unit.
    UsageLimitsUnit {
        Byte = 1, V1_0;
        Object = 2, V1_0;
    }
}

mask! {
    /// Storage Status Mask.
    StorageStatusMask {
        OnLineStorage = 1, V1_0;
        ArchivalStorage = 2, V1_0;
        DestroyedStorage = 4, V2_0;
    }
}

enumeration! {
    /// Object Group Member.
    ObjectGroupMember {
        GroupMemberFresh = 1, V1_1;
        GroupMemberDefault = 2, V1_1;
    }
}

enumeration! {
    /// Alternative Name Type.
    AlternativeNameType {
        UninterpretedTextString = 1, V1_2;
        URI = 2, V1_2;
        ObjectSerialNumber = 3, V1_2;
        EmailAddress = 4, V1_2;
        DNSName = 5, V1_2;
        X_500DistinguishedName = 6, V1_2;
        IPAddress = 7, V1_2;
    }
}

enumeration! {
    /// Key Value Location Type.
    KeyValueLocationType {
        UninterpretedTextString = 1, V1_2;
        URI = 2, V1_2;
    }
}

enumeration! {
    /// NIST Key Type.
    NISTKeyType {
        PrivateSignatureKey = 1, V2_0;
        PublicSignatureVerificationKey = 2, V2_0;
        SymmetricAuthenticationKey = 3, V2_0;
        PrivateAuthenticationKey = 4, V2_0;
        PublicAuthenticationKey = 5, V2_0;
        SymmetricDataEncryptionKey = 6, V2_0;
        SymmetricKeyWrappingKey = 7, V2_0;
        SymmetricRandomNumberGenerationKey = 8, V2_0;
        SymmetricMasterKey = 9, V2_0;
        PrivateKeyTransportKey = 10, V2_0;
        PublicKeyTransportKey = 11, V2_0;
        SymmetricKeyAgreementKey = 12, V2_0;
        PrivateStaticKeyAgreementKey = 13, V2_0;
        PublicStaticKeyAgreementKey = 14, V2_0;
        PrivateEphemeralKeyAgreementKey = 15, V2_0;
        PublicEphemeralKeyAgreementKey = 0x10, V2_0;
        SymmetricAuthorizationKey = 0x11, V2_0;
        PrivateAuthorizationKey = 0x12, V2_0;
        PublicAuthorizationKey = 0x13, V2_0;
    }
}

enumeration! {
    /// Protection Level.
    ProtectionLevel {
        High = 1, V2_0;
        Low = 2, V2_0;
    }
}

mask! {
    /// Protection Storage Mask.
    ProtectionStorageMask {
        Software = 1, V2_0;
        Hardware = 2, V2_0;
        OnProcessor = 4, V2_0;
        OnSystem = 8, V2_0;
        OffSystem = 0x10, V2_0;
        Hypervisor = 0x20, V2_0;
        OperatingSystem = 0x40, V2_0;
        Container = 0x80, V2_0;
        OnPremises = 0x100, V2_0;
        OffPremises = 0x200, V2_0;
        SelfManaged = 0x400, V2_0;
        Outsourced = 0x800, V2_0;
        Validated = 0x1000, V2_0;
        SameJurisdiction = 0x2000, V2_0;
    }
}

enumeration! {
    /// Rotate Name Type.
    RotateNameType {
        UninterpretedTextString = 1, V2_1;
        URI = 2, V2_1;
    }
}

enumeration! {
    /// Opaque Data Type: the standard names no value, all are extensions.
    OpaqueDataType {}
}
