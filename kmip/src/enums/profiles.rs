//! Enumerations of profiles and of what a server says of itself.

use super::enumeration;

enumeration! {
    /// Validation Authority Type.
    ValidationAuthorityType {
        Unspecified = 1, V1_3;
        NISTCMVP = 2, V1_3;
        CommonCriteria = 3, V1_3;
    }
}

enumeration! {
    /// Validation Type.
    ValidationType {
        Unspecified = 1, V1_3;
        Hardware = 2, V1_3;
        Software = 3, V1_3;
        Firmware = 4, V1_3;
        Hybrid = 5, V1_3;
    }
}

enumeration! {
    /// Profile Name.
    ProfileName {
        BaselineServerBasicKMIPV1_2 = 1, V1_3 ..= V1_4;
        BaselineServerTLSV1_2KMIPV1_2 = 2, V1_3 ..= V1_4;
        BaselineClientBasicKMIPV1_2 = 3, V1_3 ..= V1_4;
        BaselineClientTLSV1_2KMIPV1_2 = 4, V1_3 ..= V1_4;
        CompleteServerBasicKMIPV1_2 = 5, V1_3 ..= V1_4;
        CompleteServerTLSV1_2KMIPV1_2 = 6, V1_3 ..= V1_4;
        TapeLibraryClientKMIPV1_0 = 7, V1_3 ..= V1_4;
        TapeLibraryClientKMIPV1_1 = 8, V1_3 ..= V1_4;
        TapeLibraryClientKMIPV1_2 = 9, V1_3 ..= V1_4;
        TapeLibraryServerKMIPV1_0 = 10, V1_3 ..= V1_4;
        TapeLibraryServerKMIPV1_1 = 11, V1_3 ..= V1_4;
        TapeLibraryServerKMIPV1_2 = 12, V1_3 ..= V1_4;
        SymmetricKeyLifecycleClientKMIPV1_0 = 13, V1_3 ..= V1_4;
        SymmetricKeyLifecycleClientKMIPV1_1 = 14, V1_3 ..= V1_4;
        SymmetricKeyLifecycleClientKMIPV1_2 = 15, V1_3 ..= V1_4;
        SymmetricKeyLifecycleServerKMIPV1_0 = 0x10, V1_3 ..= V1_4;
        SymmetricKeyLifecycleServerKMIPV1_1 = 0x11, V1_3 ..= V1_4;
        SymmetricKeyLifecycleServerKMIPV1_2 = 0x12, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleClientKMIPV1_0 = 0x13, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleClientKMIPV1_1 = 0x14, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleClientKMIPV1_2 = 0x15, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleServerKMIPV1_0 = 0x16, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleServerKMIPV1_1 = 0x17, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleServerKMIPV1_2 = 0x18, V1_3 ..= V1_4;
        BasicCryptographicClientKMIPV1_2 = 0x19, V1_3 ..= V1_4;
        BasicCryptographicServerKMIPV1_2 = 0x1A, V1_3 ..= V1_4;
        AdvancedCryptographicClientKMIPV1_2 = 0x1B, V1_3 ..= V1_4;
        AdvancedCryptographicServerKMIPV1_2 = 0x1C, V1_3 ..= V1_4;
        RNGCryptographicClientKMIPV1_2 = 0x1D, V1_3 ..= V1_4;
        RNGCryptographicServerKMIPV1_2 = 0x1E, V1_3 ..= V1_4;
        BasicSymmetricKeyFoundryClientKMIPV1_0 = 0x1F, V1_3 ..= V1_4;
        IntermediateSymmetricKeyFoundryClientKMIPV1_0 = 0x20, V1_3 ..= V1_4;
        AdvancedSymmetricKeyFoundryClientKMIPV1_0 = 0x21, V1_3 ..= V1_4;
        BasicSymmetricKeyFoundryClientKMIPV1_1 = 0x22, V1_3 ..= V1_4;
        IntermediateSymmetricKeyFoundryClientKMIPV1_1 = 0x23, V1_3 ..= V1_4;
        AdvancedSymmetricKeyFoundryClientKMIPV1_1 = 0x24, V1_3 ..= V1_4;
        BasicSymmetricKeyFoundryClientKMIPV1_2 = 0x25, V1_3 ..= V1_4;
        IntermediateSymmetricKeyFoundryClientKMIPV1_2 = 0x26, V1_3 ..= V1_4;
        AdvancedSymmetricKeyFoundryClientKMIPV1_2 = 0x27, V1_3 ..= V1_4;
        SymmetricKeyFoundryServerKMIPV1_0 = 0x28, V1_3 ..= V1_4;
        SymmetricKeyFoundryServerKMIPV1_1 = 0x29, V1_3 ..= V1_4;
        SymmetricKeyFoundryServerKMIPV1_2 = 0x2A, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreClientKMIPV1_0 = 0x2B, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreClientKMIPV1_1 = 0x2C, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreClientKMIPV1_2 = 0x2D, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreServerKMIPV1_0 = 0x2E, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreServerKMIPV1_1 = 0x2F, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreServerKMIPV1_2 = 0x30, V1_3 ..= V1_4;
        SuiteBMinLOS_128ClientKMIPV1_0 = 0x31, V1_3 ..= V1_4;
        SuiteBMinLOS_128ClientKMIPV1_1 = 0x32, V1_3 ..= V1_4;
        SuiteBMinLOS_128ClientKMIPV1_2 = 0x33, V1_3 ..= V1_4;
        SuiteBMinLOS_128ServerKMIPV1_0 = 0x34, V1_3 ..= V1_4;
        SuiteBMinLOS_128ServerKMIPV1_1 = 0x35, V1_3 ..= V1_4;
        SuiteBMinLOS_128ServerKMIPV1_2 = 0x36, V1_3 ..= V1_4;
        SuiteBMinLOS_192ClientKMIPV1_0 = 0x37, V1_3 ..= V1_4;
        SuiteBMinLOS_192ClientKMIPV1_1 = 0x38, V1_3 ..= V1_4;
        SuiteBMinLOS_192ClientKMIPV1_2 = 0x39, V1_3 ..= V1_4;
        SuiteBMinLOS_192ServerKMIPV1_0 = 0x3A, V1_3 ..= V1_4;
        SuiteBMinLOS_192ServerKMIPV1_1 = 0x3B, V1_3 ..= V1_4;
        SuiteBMinLOS_192ServerKMIPV1_2 = 0x3C, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveClientKMIPV1_0 = 0x3D, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveClientKMIPV1_1 = 0x3E, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveClientKMIPV1_2 = 0x3F, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveServerKMIPV1_0 = 0x40, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveServerKMIPV1_1 = 0x41, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveServerKMIPV1_2 = 0x42, V1_3 ..= V1_4;
        HTTPSClientKMIPV1_0 = 0x43, V1_3 ..= V1_4;
        HTTPSClientKMIPV1_1 = 0x44, V1_3 ..= V1_4;
        HTTPSClientKMIPV1_2 = 0x45, V1_3 ..= V1_4;
        HTTPSServerKMIPV1_0 = 0x46, V1_3 ..= V1_4;
        HTTPSServerKMIPV1_1 = 0x47, V1_3 ..= V1_4;
        HTTPSServerKMIPV1_2 = 0x48, V1_3 ..= V1_4;
        JSONClientKMIPV1_0 = 0x49, V1_3 ..= V1_4;
        JSONClientKMIPV1_1 = 0x4A, V1_3 ..= V1_4;
        JSONClientKMIPV1_2 = 0x4B, V1_3 ..= V1_4;
        JSONServerKMIPV1_0 = 0x4C, V1_3 ..= V1_4;
        JSONServerKMIPV1_1 = 0x4D, V1_3 ..= V1_4;
        JSONServerKMIPV1_2 = 0x4E, V1_3 ..= V1_4;
        XMLClientKMIPV1_0 = 0x4F, V1_3 ..= V1_4;
        XMLClientKMIPV1_1 = 0x50, V1_3 ..= V1_4;
        XMLClientKMIPV1_2 = 0x51, V1_3 ..= V1_4;
        XMLServerKMIPV1_0 = 0x52, V1_3 ..= V1_4;
        XMLServerKMIPV1_1 = 0x53, V1_3 ..= V1_4;
        XMLServerKMIPV1_2 = 0x54, V1_3 ..= V1_4;
        BaselineServerBasicKMIPV1_3 = 0x55, V1_3 ..= V1_4;
        BaselineServerTLSV1_2KMIPV1_3 = 0x56, V1_3 ..= V1_4;
        BaselineClientBasicKMIPV1_3 = 0x57, V1_3 ..= V1_4;
        BaselineClientTLSV1_2KMIPV1_3 = 0x58, V1_3 ..= V1_4;
        CompleteServerBasicKMIPV1_3 = 0x59, V1_3 ..= V1_4;
        CompleteServerTLSV1_2KMIPV1_3 = 0x5A, V1_3 ..= V1_4;
        TapeLibraryClientKMIPV1_3 = 0x5B, V1_3 ..= V1_4;
        TapeLibraryServerKMIPV1_3 = 0x5C, V1_3 ..= V1_4;
        SymmetricKeyLifecycleClientKMIPV1_3 = 0x5D, V1_3 ..= V1_4;
        SymmetricKeyLifecycleServerKMIPV1_3 = 0x5E, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleClientKMIPV1_3 = 0x5F, V1_3 ..= V1_4;
        AsymmetricKeyLifecycleServerKMIPV1_3 = 0x60, V1_3 ..= V1_4;
        BasicCryptographicClientKMIPV1_3 = 0x61, V1_3 ..= V1_4;
        BasicCryptographicServerKMIPV1_3 = 0x62, V1_3 ..= V1_4;
        AdvancedCryptographicClientKMIPV1_3 = 0x63, V1_3 ..= V1_4;
        AdvancedCryptographicServerKMIPV1_3 = 0x64, V1_3 ..= V1_4;
        RNGCryptographicClientKMIPV1_3 = 0x65, V1_3 ..= V1_4;
        RNGCryptographicServerKMIPV1_3 = 0x66, V1_3 ..= V1_4;
        BasicSymmetricKeyFoundryClientKMIPV1_3 = 0x67, V1_3 ..= V1_4;
        IntermediateSymmetricKeyFoundryClientKMIPV1_3 = 0x68, V1_3 ..= V1_4;
        AdvancedSymmetricKeyFoundryClientKMIPV1_3 = 0x69, V1_3 ..= V1_4;
        SymmetricKeyFoundryServerKMIPV1_3 = 0x6A, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreClientKMIPV1_3 = 0x6B, V1_3 ..= V1_4;
        OpaqueManagedObjectStoreServerKMIPV1_3 = 0x6C, V1_3 ..= V1_4;
        SuiteBMinLOS_128ClientKMIPV1_3 = 0x6D, V1_3 ..= V1_4;
        SuiteBMinLOS_128ServerKMIPV1_3 = 0x6E, V1_3 ..= V1_4;
        SuiteBMinLOS_192ClientKMIPV1_3 = 0x6F, V1_3 ..= V1_4;
        SuiteBMinLOS_192ServerKMIPV1_3 = 0x70, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveClientKMIPV1_3 = 0x71, V1_3 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveServerKMIPV1_3 = 0x72, V1_3 ..= V1_4;
        HTTPSClientKMIPV1_3 = 0x73, V1_3 ..= V1_4;
        HTTPSServerKMIPV1_3 = 0x74, V1_3 ..= V1_4;
        JSONClientKMIPV1_3 = 0x75, V1_3 ..= V1_4;
        JSONServerKMIPV1_3 = 0x76, V1_3 ..= V1_4;
        XMLClientKMIPV1_3 = 0x77, V1_3 ..= V1_4;
        XMLServerKMIPV1_3 = 0x78, V1_3 ..= V1_4;
        BaselineServerBasicKMIPV1_4 = 0x79, V1_4 ..= V1_4;
        BaselineServerTLSV1_2KMIPV1_4 = 0x7A, V1_4 ..= V1_4;
        BaselineClientBasicKMIPV1_4 = 0x7B, V1_4 ..= V1_4;
        BaselineClientTLSV1_2KMIPV1_4 = 0x7C, V1_4 ..= V1_4;
        CompleteServerBasicKMIPV1_4 = 0x7D, V1_4 ..= V1_4;
        CompleteServerTLSV1_2KMIPV1_4 = 0x7E, V1_4 ..= V1_4;
        TapeLibraryClientKMIPV1_4 = 0x7F, V1_4 ..= V1_4;
        TapeLibraryServerKMIPV1_4 = 0x80, V1_4 ..= V1_4;
        SymmetricKeyLifecycleClientKMIPV1_4 = 0x81, V1_4 ..= V1_4;
        SymmetricKeyLifecycleServerKMIPV1_4 = 0x82, V1_4 ..= V1_4;
        AsymmetricKeyLifecycleClientKMIPV1_4 = 0x83, V1_4 ..= V1_4;
        AsymmetricKeyLifecycleServerKMIPV1_4 = 0x84, V1_4 ..= V1_4;
        BasicCryptographicClientKMIPV1_4 = 0x85, V1_4 ..= V1_4;
        BasicCryptographicServerKMIPV1_4 = 0x86, V1_4 ..= V1_4;
        AdvancedCryptographicClientKMIPV1_4 = 0x87, V1_4 ..= V1_4;
        AdvancedCryptographicServerKMIPV1_4 = 0x88, V1_4 ..= V1_4;
        RNGCryptographicClientKMIPV1_4 = 0x89, V1_4 ..= V1_4;
        RNGCryptographicServerKMIPV1_4 = 0x8A, V1_4 ..= V1_4;
        BasicSymmetricKeyFoundryClientKMIPV1_4 = 0x8B, V1_4 ..= V1_4;
        IntermediateSymmetricKeyFoundryClientKMIPV1_4 = 0x8C, V1_4 ..= V1_4;
        AdvancedSymmetricKeyFoundryClientKMIPV1_4 = 0x8D, V1_4 ..= V1_4;
        SymmetricKeyFoundryServerKMIPV1_4 = 0x8E, V1_4 ..= V1_4;
        OpaqueManagedObjectStoreClientKMIPV1_4 = 0x8F, V1_4 ..= V1_4;
        OpaqueManagedObjectStoreServerKMIPV1_4 = 0x90, V1_4 ..= V1_4;
        SuiteBMinLOS_128ClientKMIPV1_4 = 0x91, V1_4 ..= V1_4;
        SuiteBMinLOS_128ServerKMIPV1_4 = 0x92, V1_4 ..= V1_4;
        SuiteBMinLOS_192ClientKMIPV1_4 = 0x93, V1_4 ..= V1_4;
        SuiteBMinLOS_192ServerKMIPV1_4 = 0x94, V1_4 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveClientKMIPV1_4 = 0x95, V1_4 ..= V1_4;
        StorageArrayWithSelfEncryptingDriveServerKMIPV1_4 = 0x96, V1_4 ..= V1_4;
        HTTPSClientKMIPV1_4 = 0x97, V1_4 ..= V1_4;
        HTTPSServerKMIPV1_4 = 0x98, V1_4 ..= V1_4;
        JSONClientKMIPV1_4 = 0x99, V1_4 ..= V1_4;
        JSONServerKMIPV1_4 = 0x9A, V1_4 ..= V1_4;
        XMLClientKMIPV1_4 = 0x9B, V1_4 ..= V1_4;
        XMLServerKMIPV1_4 = 0x9C, V1_4 ..= V1_4;
        CompleteServerBasic = 0x104, V2_0;
        CompleteServerTLSV1_2 = 0x105, V2_0;
        TapeLibraryClient = 0x106, V2_0;
        TapeLibraryServer = 0x107, V2_0;
        SymmetricKeyLifecycleClient = 0x108, V2_0;
        SymmetricKeyLifecycleServer = 0x109, V2_0;
        AsymmetricKeyLifecycleClient = 0x10A, V2_0;
        AsymmetricKeyLifecycleServer = 0x10B, V2_0;
        BasicCryptographicClient = 0x10C, V2_0;
        BasicCryptographicServer = 0x10D, V2_0;
        AdvancedCryptographicClient = 0x10E, V2_0;
        AdvancedCryptographicServer = 0x10F, V2_0;
        RNGCryptographicClient = 0x110, V2_0;
        RNGCryptographicServer = 0x111, V2_0;
        BasicSymmetricKeyFoundryClient = 0x112, V2_0;
        IntermediateSymmetricKeyFoundryClient = 0x113, V2_0;
        AdvancedSymmetricKeyFoundryClient = 0x114, V2_0;
        SymmetricKeyFoundryServer = 0x115, V2_0;
        OpaqueManagedObjectStoreClient = 0x116, V2_0;
        OpaqueManagedObjectStoreServer = 0x117, V2_0;
        StorageArrayWithSelfEncryptingDriveClient = 0x11C, V2_0;
        StorageArrayWithSelfEncryptingDriveServer = 0x11D, V2_0;
        HTTPSClient = 0x11E, V2_0;
        HTTPSServer = 0x11F, V2_0;
        JSONClient = 0x120, V2_0;
        JSONServer = 0x121, V2_0;
        XMLClient = 0x122, V2_0;
        XMLServer = 0x123, V2_0;
        AESXTSClient = 0x124, V2_0;
        AESXTSServer = 0x125, V2_0;
        QuantumSafeClient = 0x126, V2_0;
        QuantumSafeServer = 0x127, V2_0;
        PKCS_11Client = 0x128, V2_0;
        PKCS_11Server = 0x129, V2_0;
        BaselineClient = 0x12A, V2_0;
        BaselineServer = 0x12B, V2_0;
        CompleteServer = 0x12C, V2_0;
    }
}

enumeration! {
    /// Destroy Action.
    DestroyAction {
        Unspecified = 1, V1_3;
        KeyMaterialDeleted = 2, V1_3;
        KeyMaterialShredded = 3, V1_3;
        MetaDataDeleted = 4, V1_3;
        MetaDataShredded = 5, V1_3;
        Deleted = 6, V1_3;
        Shredded = 7, V1_3;
    }
}

enumeration! {
    /// Client Registration Method.
    ClientRegistrationMethod {
        Unspecified = 1, V1_3;
        ServerPreGenerated = 2, V1_3;
        ServerOnDemand = 3, V1_3;
        ClientGenerated = 4, V1_3;
        ClientRegistered = 5, V1_3;
    }
}
