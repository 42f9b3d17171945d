//! Enumerations of algorithms, their modes and their parameters.

use super::{enumeration, mask};

enumeration! {
    /// Wrapping Method.
    WrappingMethod {
        Encrypt = 1, V1_0;
        MACSign = 2, V1_0;
        EncryptThenMACSign = 3, V1_0;
        MACSignThenEncrypt = 4, V1_0;
        TR_31 = 5, V1_0;
    }
}

enumeration! {
    /// Recommended Curve.
    RecommendedCurve {
        P_192 = 1, V1_0;
        K_163 = 2, V1_0;
        B_163 = 3, V1_0;
        P_224 = 4, V1_0;
        K_233 = 5, V1_0;
        B_233 = 6, V1_0;
        P_256 = 7, V1_0;
        K_283 = 8, V1_0;
        B_283 = 9, V1_0;
        P_384 = 10, V1_0;
        K_409 = 11, V1_0;
        B_409 = 12, V1_0;
        P_521 = 13, V1_0;
        K_571 = 14, V1_0;
        B_571 = 15, V1_0;
        SECP112R1 = 0x10, V1_2;
        SECP112R2 = 0x11, V1_2;
        SECP128R1 = 0x12, V1_2;
        SECP128R2 = 0x13, V1_2;
        SECP160K1 = 0x14, V1_2;
        SECP160R1 = 0x15, V1_2;
        SECP160R2 = 0x16, V1_2;
        SECP192K1 = 0x17, V1_2;
        SECP224K1 = 0x18, V1_2;
        SECP256K1 = 0x19, V1_2;
        SECT113R1 = 0x1A, V1_2;
        SECT113R2 = 0x1B, V1_2;
        SECT131R1 = 0x1C, V1_2;
        SECT131R2 = 0x1D, V1_2;
        SECT163R1 = 0x1E, V1_2;
        SECT193R1 = 0x1F, V1_2;
        SECT193R2 = 0x20, V1_2;
        SECT239K1 = 0x21, V1_2;
        ANSIX9P192V2 = 0x22, V1_2;
        ANSIX9P192V3 = 0x23, V1_2;
        ANSIX9P239V1 = 0x24, V1_2;
        ANSIX9P239V2 = 0x25, V1_2;
        ANSIX9P239V3 = 0x26, V1_2;
        ANSIX9C2PNB163V1 = 0x27, V1_2;
        ANSIX9C2PNB163V2 = 0x28, V1_2;
        ANSIX9C2PNB163V3 = 0x29, V1_2;
        ANSIX9C2PNB176V1 = 0x2A, V1_2;
        ANSIX9C2TNB191V1 = 0x2B, V1_2;
        ANSIX9C2TNB191V2 = 0x2C, V1_2;
        ANSIX9C2TNB191V3 = 0x2D, V1_2;
        ANSIX9C2PNB208W1 = 0x2E, V1_2;
        ANSIX9C2TNB239V1 = 0x2F, V1_2;
        ANSIX9C2TNB239V2 = 0x30, V1_2;
        ANSIX9C2TNB239V3 = 0x31, V1_2;
        ANSIX9C2PNB272W1 = 0x32, V1_2;
        ANSIX9C2PNB304W1 = 0x33, V1_2;
        ANSIX9C2TNB359V1 = 0x34, V1_2;
        ANSIX9C2PNB368W1 = 0x35, V1_2;
        ANSIX9C2TNB431R1 = 0x36, V1_2;
        BRAINPOOLP160R1 = 0x37, V1_2;
        BRAINPOOLP160T1 = 0x38, V1_2;
        BRAINPOOLP192R1 = 0x39, V1_2;
        BRAINPOOLP192T1 = 0x3A, V1_2;
        BRAINPOOLP224R1 = 0x3B, V1_2;
        BRAINPOOLP224T1 = 0x3C, V1_2;
        BRAINPOOLP256R1 = 0x3D, V1_2;
        BRAINPOOLP256T1 = 0x3E, V1_2;
        BRAINPOOLP320R1 = 0x3F, V1_2;
        BRAINPOOLP320T1 = 0x40, V1_2;
        BRAINPOOLP384R1 = 0x41, V1_2;
        BRAINPOOLP384T1 = 0x42, V1_2;
        BRAINPOOLP512R1 = 0x43, V1_2;
        BRAINPOOLP512T1 = 0x44, V1_2;
        CURVE25519 = 0x45, V2_0;
        CURVE448 = 0x46, V2_0;
    }
}

enumeration! {
    /// Split Key Method.
    SplitKeyMethod {
        XOR = 1, V1_0;
        PolynomialSharingGF2_16 = 2, V1_0;
        PolynomialSharingPrimeField = 3, V1_0;
        PolynomialSharingGF2_8 = 4, V1_2;
    }
}

enumeration! {
    /// Cryptographic Algorithm.
    CryptographicAlgorithm {
        DES = 1, V1_0;
        DES3 = 2, V1_0;
        AES = 3, V1_0;
        RSA = 4, V1_0;
        DSA = 5, V1_0;
        ECDSA = 6, V1_0;
        HMAC_SHA1 = 7, V1_0;
        HMAC_SHA224 = 8, V1_0;
        HMAC_SHA256 = 9, V1_0;
        HMAC_SHA384 = 10, V1_0;
        HMAC_SHA512 = 11, V1_0;
        HMAC_MD5 = 12, V1_0;
        DH = 13, V1_0;
        ECDH = 14, V1_0;
        ECMQV = 15, V1_0;
        Blowfish = 0x10, V1_0;
        Camellia = 0x11, V1_0;
        CAST5 = 0x12, V1_0;
        IDEA = 0x13, V1_0;
        MARS = 0x14, V1_0;
        RC2 = 0x15, V1_0;
        RC4 = 0x16, V1_0;
        RC5 = 0x17, V1_0;
        SKIPJACK = 0x18, V1_0;
        Twofish = 0x19, V1_0;
        EC = 0x1A, V1_2;
        OneTimePad = 0x1B, V1_3;
        ChaCha20 = 0x1C, V1_4;
        Poly1305 = 0x1D, V1_4;
        ChaCha20Poly1305 = 0x1E, V1_4;
        SHA3_224 = 0x1F, V1_4;
        SHA3_256 = 0x20, V1_4;
        SHA3_384 = 0x21, V1_4;
        SHA3_512 = 0x22, V1_4;
        HMAC_SHA3_224 = 0x23, V1_4;
        HMAC_SHA3_256 = 0x24, V1_4;
        HMAC_SHA3_384 = 0x25, V1_4;
        HMAC_SHA3_512 = 0x26, V1_4;
        SHAKE_128 = 0x27, V1_4;
        SHAKE_256 = 0x28, V1_4;
        ARIA = 0x29, V2_0;
        SEED = 0x2A, V2_0;
        SM2 = 0x2B, V2_0;
        SM3 = 0x2C, V2_0;
        SM4 = 0x2D, V2_0;
        GOSTR34_10_2012 = 0x2E, V2_0;
        GOSTR34_11_2012 = 0x2F, V2_0;
        GOSTR34_13_2015 = 0x30, V2_0;
        GOST28147_89 = 0x31, V2_0;
        XMSS = 0x32, V2_0;
        SPHINCS_256 = 0x33, V2_0;
        McEliece = 0x34, V2_0;
        McEliece_6960119 = 0x35, V2_0;
        McEliece_8192128 = 0x36, V2_0;
        Ed25519 = 0x37, V2_0;
        Ed448 = 0x38, V2_0;
    }
}

enumeration! {
    /// Block Cipher Mode.
    BlockCipherMode {
        CBC = 1, V1_0;
        ECB = 2, V1_0;
        PCBC = 3, V1_0;
        CFB = 4, V1_0;
        OFB = 5, V1_0;
        CTR = 6, V1_0;
        CMAC = 7, V1_0;
        CCM = 8, V1_0;
        GCM = 9, V1_0;
        CBC_MAC = 10, V1_0;
        XTS = 11, V1_0;
        AESKeyWrapPadding = 12, V1_0;
        NISTKeyWrap = 13, V1_0;
        X9_102AESKW = 14, V1_0;
        X9_102TDKW = 15, V1_0;
        X9_102AKW1 = 0x10, V1_0;
        X9_102AKW2 = 0x11, V1_0;
        AEAD = 0x12, V1_4;
    }
}

enumeration! {
    /// Padding Method.
    PaddingMethod {
        None = 1, V1_0;
        OAEP = 2, V1_0;
        PKCS5 = 3, V1_0;
        SSL3 = 4, V1_0;
        Zeros = 5, V1_0;
        ANSIX9_23 = 6, V1_0;
        ISO10126 = 7, V1_0;
        PKCS1V1_5 = 8, V1_0;
        X9_31 = 9, V1_0;
        PSS = 10, V1_0;
    }
}

enumeration! {
    /// Hashing Algorithm.
    HashingAlgorithm {
        MD2 = 1, V1_0;
        MD4 = 2, V1_0;
        MD5 = 3, V1_0;
        SHA_1 = 4, V1_0;
        SHA_224 = 5, V1_0;
        SHA_256 = 6, V1_0;
        SHA_384 = 7, V1_0;
        SHA_512 = 8, V1_0;
        RIPEMD_160 = 9, V1_0;
        Tiger = 10, V1_0;
        Whirlpool = 11, V1_0;
        SHA_512_224 = 12, V1_2;
        SHA_512_256 = 13, V1_2;
        SHA3_224 = 14, V1_4;
        SHA3_256 = 15, V1_4;
        SHA3_384 = 0x10, V1_4;
        SHA3_512 = 0x11, V1_4;
    }
}

enumeration! {
    /// Derivation Method.
    DerivationMethod {
        PBKDF2 = 1, V1_0;
        HASH = 2, V1_0;
        HMAC = 3, V1_0;
        ENCRYPT = 4, V1_0;
        NIST800_108_C = 5, V1_0;
        NIST800_108_F = 6, V1_0;
        NIST800_108_DPI = 7, V1_0;
        AsymmetricKey = 8, V1_4;
        AWSSignatureVersion4 = 9, V2_0;
        HKDF = 10, V2_0;
    }
}

mask! {
    /// Cryptographic Usage Mask.
    CryptographicUsageMask {
        Sign = 1, V1_0;
        Verify = 2, V1_0;
        Encrypt = 4, V1_0;
        Decrypt = 8, V1_0;
        WrapKey = 0x10, V1_0;
        UnwrapKey = 0x20, V1_0;
        Export = 0x40, V1_0 ..= V1_4;
        MACGenerate = 0x80, V1_0;
        MACVerify = 0x100, V1_0;
        DeriveKey = 0x200, V1_0;
        ContentCommitmentNonRepudiation = 0x400, V1_0 ..= V1_4;
        KeyAgreement = 0x800, V1_0;
        CertificateSign = 0x1000, V1_0;
        CRLSign = 0x2000, V1_0;
        GenerateCryptogram = 0x4000, V1_0 ..= V1_4;
        ValidateCryptogram = 0x8000, V1_0 ..= V1_4;
        TranslateEncrypt = 0x10000, V1_0 ..= V1_4;
        TranslateDecrypt = 0x20000, V1_0 ..= V1_4;
        TranslateWrap = 0x40000, V1_0 ..= V1_4;
        TranslateUnwrap = 0x80000, V1_0 ..= V1_4;
        Authenticate = 0x100000, V2_0;
        Unrestricted = 0x200000, V2_0;
        FPEEncrypt = 0x400000, V2_0;
        FPEDecrypt = 0x800000, V2_0;
    }
}

enumeration! {
    /// Digital Signature Algorithm.
    DigitalSignatureAlgorithm {
        MD2WithRSAEncryption = 1, V1_1;
        MD5WithRSAEncryption = 2, V1_1;
        SHA_1WithRSAEncryption = 3, V1_1;
        SHA_224WithRSAEncryption = 4, V1_1;
        SHA_256WithRSAEncryption = 5, V1_1;
        SHA_384WithRSAEncryption = 6, V1_1;
        SHA_512WithRSAEncryption = 7, V1_1;
        RSASSA_PSS = 8, V1_1;
        DSAWithSHA_1 = 9, V1_1;
        DSAWithSHA224 = 10, V1_1;
        DSAWithSHA256 = 11, V1_1;
        ECDSAWithSHA_1 = 12, V1_1;
        ECDSAWithSHA224 = 13, V1_1;
        ECDSAWithSHA256 = 14, V1_1;
        ECDSAWithSHA384 = 15, V1_1;
        ECDSAWithSHA512 = 0x10, V1_1;
        SHA3_256WithRSAEncryption = 0x11, V1_4;
        SHA3_384WithRSAEncryption = 0x12, V1_4;
        SHA3_512WithRSAEncryption = 0x13, V1_4;
    }
}

enumeration! {
    /// Encoding Option.
    EncodingOption {
        NoEncoding = 1, V1_1;
        TTLVEncoding = 2, V1_1;
    }
}

enumeration! {
    /// RNG Algorithm.
    RNGAlgorithm {
        Unspecified = 1, V1_3;
        FIPS186_2 = 2, V1_3;
        DRBG = 3, V1_3;
        NRBG = 4, V1_3;
        ANSIX9_31 = 5, V1_3;
        ANSIX9_62 = 6, V1_3;
    }
}

enumeration! {
    /// DRBG Algorithm.
    DRBGAlgorithm {
        Unspecified = 1, V1_3;
        Dual_EC = 2, V1_3;
        Hash = 3, V1_3;
        HMAC = 4, V1_3;
        CTR = 5, V1_3;
    }
}

enumeration! {
    /// FIPS186 Variation.
    FIPS186Variation {
        Unspecified = 1, V1_3;
        GPXOriginal = 2, V1_3;
        GPXChangeNotice = 3, V1_3;
        XOriginal = 4, V1_3;
        XChangeNotice = 5, V1_3;
        KOriginal = 6, V1_3;
        KChangeNotice = 7, V1_3;
    }
}

enumeration! {
    /// Unwrap Mode.
    UnwrapMode {
        Unspecified = 1, V1_3;
        Processed = 2, V1_3;
        NotProcessed = 3, V1_3;
    }
}

enumeration! {
    /// Shredding Algorithm.
    ShreddingAlgorithm {
        Unspecified = 1, V1_3;
        Cryptographic = 2, V1_3;
        Unsupported = 3, V1_3;
    }
}

enumeration! {
    /// RNG Mode.
    RNGMode {
        Unspecified = 1, V1_3;
        SharedInstantiation = 2, V1_3;
        NonSharedInstantiation = 3, V1_3;
    }
}

enumeration! {
    /// Key Wrap Type.
    KeyWrapType {
        NotWrapped = 1, V1_4;
        AsRegistered = 2, V1_4;
    }
}

enumeration! {
    /// Mask Generator.
    MaskGenerator {
        MGF1 = 1, V1_4;
    }
}
