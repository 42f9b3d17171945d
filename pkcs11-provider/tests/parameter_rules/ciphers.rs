//! Block ciphers, stream ciphers and MACs.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::mechanisms::vendor::*;
use keybridge_pkcs11::rv::Rv;

use super::{NOWHERE, judge};
use crate::mechanism_samples::*;

/// 6.10 to 6.12, 6.15: initialization vectors of a block; 6.15.4: the data unit sequence number.
#[test]
fn vectors_have_the_length_of_a_block() {
    judge(|rules| {
        for kind in [
            CKM_AES_CBC,
            CKM_AES_CBC_PAD,
            CKM_AES_CTS,
            CKM_AES_OFB,
            CKM_AES_CFB1,
            CKM_AES_CFB8,
            CKM_AES_CFB64,
            CKM_AES_CFB128,
            CKM_AES_XTS,
            CKM_KB_SM4_CBC,
            CKM_KB_SM4_CTS,
        ] {
            rules.bytes(kind, 16, false);
        }
        for kind in [CKM_DES3_CBC, CKM_DES3_CBC_PAD] {
            rules.bytes(kind, 8, false);
        }
    });
}

/// 6.16.2: "The length shall be either 0 and the pointer NULL; or 8 …, resp. 4 …, and the pointer non-NULL."
#[test]
fn key_wrapping_has_an_optional_vector() {
    judge(|rules| {
        rules.bytes(CKM_AES_KEY_WRAP, 8, true);
        rules.bytes(CKM_AES_KEY_WRAP_PKCS7, 8, true);
        // SP 800-38F section 6.3 fixes this vector; another is refused.
        let refused = Err(Rv::MECHANISM_PARAM_INVALID);
        for kind in [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD] {
            let own: [u8; 4] = [0xa6, 0x59, 0x59, 0xa6];
            rules.right(kind, "its own", own);
            rules.expect(kind, "absent", (null_mut(), 0), Ok(()));
            rules.expect(kind, "NULL", (null_mut(), 4), refused);
            rules.wrong(kind, "another", [1_u8; 4]);
            rules.wrong(kind, "longer", [0xa6_u8; 8]);
        }
    });
}

/// 6.11.2: "0 < ulCounterBits ≤ 128. For any values outside this range the mechanism shall return
/// CKR_MECHANISM_PARAM_INVALID."; 6.11.3: a counter that would overflow is CKR_DATA_LEN_RANGE.
#[test]
fn counters_count_1_to_128_bits() {
    let counter = |bits, last| {
        let mut cb = [0; 16];
        cb[15] = last;
        CK_AES_CTR_PARAMS {
            ulCounterBits: bits,
            cb,
        }
    };
    judge(|rules| {
        for kind in [CKM_AES_CTR, CKM_KB_SM4_CTR] {
            rules.whole(kind, false, counter(32, 0));
            rules.right(kind, "128 bits", counter(128, 1));
            // Two blocks.
            rules.right(kind, "one bit", counter(1, 0));
            rules.right(kind, "as many blocks as there are", counter(2, 2));
            rules.wrong(kind, "no bits", counter(0, 0));
            rules.wrong(kind, "129 bits", counter(129, 0));
            rules.wrong(kind, "so many bits", counter(CK_ULONG::MAX, 0));
            let overflow = Err(Rv::DATA_LEN_RANGE);
            rules.expect(kind, "overflow", parameter(counter(2, 3)), overflow);
        }
    });
}

/// 6.13.7, CK_GCM_PARAMS: vectors of 1 byte and more, tags of up to 128 bits; ulIvBits is not for the length. Tags
/// are those of SP 800-38D, section 5.2.1.2.
#[test]
fn gcm_and_gmac() {
    judge(|rules| {
        for kind in [CKM_AES_GCM, CKM_AES_GMAC, CKM_KB_SM4_GCM, CKM_KB_SM4_GMAC] {
            rules.whole(kind, false, gcm(12, 128));
            for iv in [1, 8, 16, 128, 257, 4096] {
                rules.right(kind, &format!("{iv} bytes"), gcm(iv, 128));
            }
            for tag in [32, 64, 96, 104, 112, 120, 128] {
                rules.right(kind, &format!("{tag} bits"), gcm(12, tag));
            }
            for tag in [8, 33, 48, 127, 129, 136, 256, CK_ULONG::MAX] {
                rules.wrong(kind, &format!("{tag} bits"), gcm(12, tag));
            }
            let mut other = gcm(12, 128);
            other.ulIvBits = 64;
            rules.right(kind, "other ulIvBits", other);
            (other.pIv, other.ulIvLen) = NOWHERE;
            rules.wrong(kind, "no vector", other);
            let mut other = gcm(12, 128);
            (other.pAAD, other.ulAADLen) = NOWHERE;
            rules.wrong(kind, "no data", other);
        }
        let mut data = gcm(12, 128);
        (data.pAAD, data.ulAADLen) = (bytes(b"more"), 4);
        rules.right(CKM_AES_GCM, "data", data);
        // 6.13.6: "pData points to the AAD."
        rules.wrong(CKM_AES_GMAC, "data in the parameter", data);
    });
}

/// 6.13.7, CK_CCM_PARAMS: 7 ≤ ulNonceLen ≤ 13; MACs of 4, 6, … 16 bytes; ulDataLen < 2^8L, and what is announced.
#[test]
fn ccm() {
    let ccm = crate::mechanism_samples::ccm;
    let length = INPUT.len();
    judge(|rules| {
        for kind in [CKM_AES_CCM, CKM_KB_SM4_CCM] {
            rules.whole(kind, false, ccm(length, 12, 16));
            for nonce in 7..=13 {
                rules.right(kind, &format!("{nonce} bytes"), ccm(length, nonce, 16));
            }
            for nonce in [1, 6, 14, 16] {
                rules.wrong(kind, &format!("{nonce} bytes"), ccm(length, nonce, 16));
            }
            for mac in [4, 6, 8, 10, 12, 14, 16] {
                rules.right(kind, &format!("{mac} bytes"), ccm(length, 12, mac));
            }
            for mac in [0, 1, 2, 3, 5, 15, 17, 32, CK_ULONG::MAX] {
                rules.wrong(kind, &format!("{mac} bytes"), ccm(length, 12, mac));
            }
            // L is 2.
            rules.wrong(kind, "longer than L", ccm(1 << 16, 13, 16));
            let mut other = ccm(length, 12, 16);
            (other.pNonce, other.ulNonceLen) = (null_mut(), 12);
            rules.wrong(kind, "no nonce", other);
            let mut other = ccm(length, 12, 16);
            (other.pAAD, other.ulAADLen) = NOWHERE;
            rules.wrong(kind, "no data", other);
        }
    });
}

/// 6.44.3: block counters of 32 or 64 bits, nonces of 64, 96, 192; 6.44.5: the counter goes with the nonce.
#[test]
fn chacha20_and_its_nonces() {
    judge(|rules| {
        let kind = CKM_CHACHA20;
        rules.whole(kind, false, chacha20(32, 96));
        rules.right(kind, "original", chacha20(64, 64));
        rules.right(kind, "XChaCha20", chacha20(64, 192));
        rules.wrong(kind, "a counter of IETF's", chacha20(64, 96));
        for counter in [0, 8, 31, 33, 128] {
            rules.wrong(kind, &format!("{counter} bits"), chacha20(counter, 64));
        }
        for nonce in [0, 8, 95, 128, 256] {
            rules.wrong(kind, &format!("{nonce} bits"), chacha20(32, nonce));
        }
        let mut other = chacha20(32, 96);
        other.pNonce = null_mut();
        rules.wrong(kind, "no nonce", other);
        let mut other = chacha20(32, 96);
        other.pBlockCounter = null_mut();
        rules.wrong(kind, "no counter", other);

        let kind = CKM_CHACHA20_POLY1305;
        rules.whole(kind, false, chacha20_poly1305(96));
        rules.right(kind, "XChaCha20", chacha20_poly1305(192));
        rules.right(kind, "in bytes, as programs have it", chacha20_poly1305(12));
        for nonce in [0, 8, 64, 95, 128, 256] {
            rules.wrong(kind, &format!("{nonce} bits"), chacha20_poly1305(nonce));
        }
        let mut other = chacha20_poly1305(96);
        (other.pAAD, other.ulAADLen) = NOWHERE;
        rules.wrong(kind, "no data", other);
    });
}

/// 6.22.3: "in the range 1-n"; 6.14.3: up to a block.
#[test]
fn lengths_of_macs() {
    judge(|rules| {
        for (kind, whole) in [
            (CKM_SHA_1_HMAC_GENERAL, 20),
            (CKM_SHA224_HMAC_GENERAL, 28),
            (CKM_SHA256_HMAC_GENERAL, 32),
            (CKM_SHA384_HMAC_GENERAL, 48),
            (CKM_SHA512_HMAC_GENERAL, 64),
            (CKM_SHA512_224_HMAC_GENERAL, 28),
            (CKM_SHA512_256_HMAC_GENERAL, 32),
            (CKM_SHA3_224_HMAC_GENERAL, 28),
            (CKM_SHA3_256_HMAC_GENERAL, 32),
            (CKM_SHA3_384_HMAC_GENERAL, 48),
            (CKM_SHA3_512_HMAC_GENERAL, 64),
            (CKM_KB_SM3_HMAC_GENERAL, 32),
            (CKM_AES_CMAC_GENERAL, 16),
        ] {
            rules.whole::<CK_MAC_GENERAL_PARAMS>(kind, false, whole);
            for length in [1, 2, 8, whole - 1] {
                rules.right::<CK_MAC_GENERAL_PARAMS>(kind, &format!("{length} bytes"), length);
            }
            for length in [0, whole + 1, CK_ULONG::MAX] {
                rules.wrong::<CK_MAC_GENERAL_PARAMS>(kind, &format!("{length} bytes"), length);
            }
        }
    });
}
