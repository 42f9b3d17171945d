//! Enumerations of messages and operations.

use super::enumeration;

enumeration! {
    /// Credential Type.
    CredentialType {
        UsernameAndPassword = 1, V1_0;
        Device = 2, V1_1;
        Attestation = 3, V1_2;
        OneTimePassword = 4, V2_0;
        HashedPassword = 5, V2_0;
        Ticket = 6, V2_0;
    }
}

enumeration! {
    /// Query Function.
    QueryFunction {
        QueryOperations = 1, V1_0;
        QueryObjects = 2, V1_0;
        QueryServerInformation = 3, V1_0;
        QueryApplicationNamespaces = 4, V1_0;
        QueryExtensionList = 5, V1_1;
        QueryExtensionMap = 6, V1_1;
        QueryAttestationTypes = 7, V1_2;
        QueryRNGs = 8, V1_3;
        QueryValidations = 9, V1_3;
        QueryProfiles = 10, V1_3;
        QueryCapabilities = 11, V1_3;
        QueryClientRegistrationMethods = 12, V1_3;
        QueryDefaultsInformation = 13, V2_0;
        QueryStorageProtectionMasks = 14, V2_0;
    }
}

enumeration! {
    /// Cancellation Result.
    CancellationResult {
        Canceled = 1, V1_0;
        UnableToCancel = 2, V1_0;
        Completed = 3, V1_0;
        Failed = 4, V1_0;
        Unavailable = 5, V1_0;
    }
}

enumeration! {
    /// Put Function.
    PutFunction {
        New = 1, V1_0;
        Replace = 2, V1_0;
    }
}

enumeration! {
    /// Operation.
    Operation {
        Create = 1, V1_0;
        CreateKeyPair = 2, V1_0;
        Register = 3, V1_0;
        ReKey = 4, V1_0;
        DeriveKey = 5, V1_0;
        Certify = 6, V1_0;
        ReCertify = 7, V1_0;
        Locate = 8, V1_0;
        Check = 9, V1_0;
        Get = 10, V1_0;
        GetAttributes = 11, V1_0;
        GetAttributeList = 12, V1_0;
        AddAttribute = 13, V1_0;
        ModifyAttribute = 14, V1_0;
        DeleteAttribute = 15, V1_0;
        ObtainLease = 0x10, V1_0;
        GetUsageAllocation = 0x11, V1_0;
        Activate = 0x12, V1_0;
        Revoke = 0x13, V1_0;
        Destroy = 0x14, V1_0;
        Archive = 0x15, V1_0;
        Recover = 0x16, V1_0;
        Validate = 0x17, V1_0;
        Query = 0x18, V1_0;
        Cancel = 0x19, V1_0;
        Poll = 0x1A, V1_0;
        Notify = 0x1B, V1_0;
        Put = 0x1C, V1_0;
        ReKeyKeyPair = 0x1D, V1_1;
        DiscoverVersions = 0x1E, V1_1;
        Encrypt = 0x1F, V1_2;
        Decrypt = 0x20, V1_2;
        Sign = 0x21, V1_2;
        SignatureVerify = 0x22, V1_2;
        MAC = 0x23, V1_2;
        MACVerify = 0x24, V1_2;
        RNGRetrieve = 0x25, V1_2;
        RNGSeed = 0x26, V1_2;
        Hash = 0x27, V1_2;
        CreateSplitKey = 0x28, V1_2;
        JoinSplitKey = 0x29, V1_2;
        Import = 0x2A, V1_4;
        Export = 0x2B, V1_4;
        Log = 0x2C, V2_0;
        Login = 0x2D, V2_0;
        Logout = 0x2E, V2_0;
        DelegatedLogin = 0x2F, V2_0;
        AdjustAttribute = 0x30, V2_0;
        SetAttribute = 0x31, V2_0;
        SetEndpointRole = 0x32, V2_0;
        PKCS_11 = 0x33, V2_0;
        Interop = 0x34, V2_0;
        ReProvision = 0x35, V2_0;
        SetDefaults = 0x36, V2_1;
        SetConstraints = 0x37, V2_1;
        GetConstraints = 0x38, V2_1;
        QueryAsynchronousRequests = 0x39, V2_1;
        Process = 0x3A, V2_1;
        Ping = 0x3B, V2_1;
    }
}

enumeration! {
    /// Result Status.
    ResultStatus {
        Success = 0, V1_0;
        OperationFailed = 1, V1_0;
        OperationPending = 2, V1_0;
        OperationUndone = 3, V1_0;
    }
}

enumeration! {
    /// Result Reason.
    ResultReason {
        ItemNotFound = 1, V1_0;
        ResponseTooLarge = 2, V1_0;
        AuthenticationNotSuccessful = 3, V1_0;
        InvalidMessage = 4, V1_0;
        OperationNotSupported = 5, V1_0;
        MissingData = 6, V1_0;
        InvalidField = 7, V1_0;
        FeatureNotSupported = 8, V1_0;
        OperationCanceledByRequester = 9, V1_0;
        CryptographicFailure = 10, V1_0;
        IllegalOperation = 11, V1_0 ..= V1_4;
        PermissionDenied = 12, V1_0;
        ObjectArchived = 13, V1_0;
        IndexOutOfBounds = 14, V1_0 ..= V1_4;
        ApplicationNamespaceNotSupported = 15, V1_0;
        KeyFormatTypeNotSupported = 0x10, V1_0;
        KeyCompressionTypeNotSupported = 0x11, V1_0;
        EncodingOptionError = 0x12, V1_1;
        KeyValueNotPresent = 0x13, V1_2;
        AttestationRequired = 0x14, V1_2;
        AttestationFailed = 0x15, V1_2;
        Sensitive = 0x16, V1_4;
        NotExtractable = 0x17, V1_4;
        ObjectAlreadyExists = 0x18, V1_4;
        InvalidTicket = 0x19, V2_0;
        UsageLimitExceeded = 0x1A, V2_0;
        NumericRange = 0x1B, V2_0;
        InvalidDataType = 0x1C, V2_0;
        ReadOnlyAttribute = 0x1D, V2_0;
        MultiValuedAttribute = 0x1E, V2_0;
        UnsupportedAttribute = 0x1F, V2_0;
        AttributeInstanceNotFound = 0x20, V2_0;
        AttributeNotFound = 0x21, V2_0;
        AttributeReadOnly = 0x22, V2_0;
        AttributeSingleValued = 0x23, V2_0;
        BadCryptographicParameters = 0x24, V2_0;
        BadPassword = 0x25, V2_0;
        CodecError = 0x26, V2_0;
        IllegalObjectType = 0x28, V2_0;
        IncompatibleCryptographicUsageMask = 0x29, V2_0;
        InternalServerError = 0x2A, V2_0;
        InvalidAsynchronousCorrelationValue = 0x2B, V2_0;
        InvalidAttribute = 0x2C, V2_0;
        InvalidAttributeValue = 0x2D, V2_0;
        InvalidCorrelationValue = 0x2E, V2_0;
        InvalidCSR = 0x2F, V2_0;
        InvalidObjectType = 0x30, V2_0;
        KeyWrapTypeNotSupported = 0x32, V2_0;
        MissingInitializationVector = 0x34, V2_0;
        NonUniqueNameAttribute = 0x35, V2_0;
        ObjectDestroyed = 0x36, V2_0;
        ObjectNotFound = 0x37, V2_0;
        NotAuthorised = 0x39, V2_0;
        ServerLimitExceeded = 0x3A, V2_0;
        UnknownEnumeration = 0x3B, V2_0;
        UnknownMessageExtension = 0x3C, V2_0;
        UnknownTag = 0x3D, V2_0;
        UnsupportedCryptographicParameters = 0x3E, V2_0;
        UnsupportedProtocolVersion = 0x3F, V2_0;
        WrappingObjectArchived = 0x40, V2_0;
        WrappingObjectDestroyed = 0x41, V2_0;
        WrappingObjectNotFound = 0x42, V2_0;
        WrongKeyLifecycleState = 0x43, V2_0;
        ProtectionStorageUnavailable = 0x44, V2_0;
        PKCS_11CodecError = 0x45, V2_0;
        PKCS_11InvalidFunction = 0x46, V2_0;
        PKCS_11InvalidInterface = 0x47, V2_0;
        PrivateProtectionStorageUnavailable = 0x48, V2_0;
        PublicProtectionStorageUnavailable = 0x49, V2_0;
        UnknownObjectGroup = 0x4A, V2_1;
        ConstraintViolation = 0x4B, V2_1;
        DuplicateProcessRequest = 0x4C, V2_1;
        GeneralFailure = 0x100, V1_0;
    }
}

enumeration! {
    /// Batch Error Continuation Option.
    BatchErrorContinuationOption {
        Continue = 1, V1_0;
        Stop = 2, V1_0;
        Undo = 3, V1_0;
    }
}

enumeration! {
    /// Attestation Type.
    AttestationType {
        TPMQuote = 1, V1_2;
        TCGIntegrityReport = 2, V1_2;
        SAMLAssertion = 3, V1_2;
    }
}

enumeration! {
    /// Adjustment Type.
    AdjustmentType {
        Increment = 1, V2_0;
        Decrement = 2, V2_0;
        Negate = 3, V2_0;
    }
}

enumeration! {
    /// Asynchronous Indicator.
    AsynchronousIndicator {
        Mandatory = 1, V2_0;
        Optional = 2, V2_0;
        Prohibited = 3, V2_0;
    }
}

enumeration! {
    /// Data.
    DataEnumeration {
        Decrypt = 1, V2_0;
        Encrypt = 2, V2_0;
        Hash = 3, V2_0;
        MACMACData = 4, V2_0;
        RNGRetrieve = 5, V2_0;
        SignSignatureData = 6, V2_0;
        SignatureVerify = 7, V2_0;
    }
}

enumeration! {
    /// Endpoint Role.
    EndpointRole {
        Client = 1, V2_0;
        Server = 2, V2_0;
    }
}

enumeration! {
    /// Interop Function.
    InteropFunction {
        Begin = 1, V2_0;
        End = 2, V2_0;
        Reset = 3, V2_0;
    }
}

enumeration! {
    /// Ticket Type.
    TicketType {
        Login = 1, V2_0;
    }
}

enumeration! {
    /// Unique Identifier.
    UniqueIdentifierEnumeration {
        IDPlaceholder = 1, V2_0;
        Certify = 2, V2_0;
        Create = 3, V2_0;
        CreateKeyPair = 4, V2_0;
        CreateKeyPairPrivateKey = 5, V2_0;
        CreateKeyPairPublicKey = 6, V2_0;
        CreateSplitKey = 7, V2_0;
        DeriveKey = 8, V2_0;
        Import = 9, V2_0;
        JoinSplitKey = 10, V2_0;
        Locate = 11, V2_0;
        Register = 12, V2_0;
        ReKey = 13, V2_0;
        ReCertify = 14, V2_0;
        ReKeyKeyPair = 15, V2_0;
        ReKeyKeyPairPrivateKey = 0x10, V2_0;
        ReKeyKeyPairPublicKey = 0x11, V2_0;
    }
}

enumeration! {
    /// Processing Stage.
    ProcessingStage {
        Submitted = 1, V2_1;
        InProcess = 2, V2_1;
        Completed = 3, V2_1;
    }
}
