//! Every DER form in which a key may enter.
#![no_main]

use keybridge_core::encoding::{
    EcPrivateKey, NamedCurve, PrivateKey, PublicKey, RsaPrivateKey, RsaPublicKey,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = PrivateKey::from_pkcs8(bytes) {
        assert!(key.to_pkcs8().is_ok());
    }
    if let Ok(key) = PublicKey::from_spki(bytes) {
        assert!(key.to_spki().is_ok());
    }
    let _ = PublicKey::from_certificate(bytes);
    let _ = RsaPrivateKey::from_pkcs1(bytes);
    let _ = RsaPublicKey::from_pkcs1(bytes);
    let _ = EcPrivateKey::from_sec1(None, bytes);
    let _ = NamedCurve::from_ec_parameters(bytes);
});
