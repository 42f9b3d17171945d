//! The HSM engine: keys in PKCS#11 modules, through the `cryptoki` crate.
