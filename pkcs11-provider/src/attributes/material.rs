//! What a template says of the object itself: which kind of key, of which numbers.

use cryptoki_sys::*;
use keybridge_core::encoding::{
    self, EcPrivateKey, EcPublicKey, LatticePrivateKey, LatticePublicKey, NamedCurve,
    RsaPrivateKey, RsaPublicKey,
};
use keybridge_core::{Error, KeySpec, LatticeSet, SecretBytes};

use super::creation::Draft;
use super::kinds;
use crate::rv::{Result, Rv};

impl<'t> Draft<'t, '_> {
    /// The kind of pair that `C_GenerateKeyPair` is to make, from the public key's template, and
    /// the RSA public exponent if one is given.
    pub(crate) fn pair_spec(&self) -> Result<(KeySpec, Option<u64>)> {
        if self.key_type == Some(CKK_RSA) {
            let bits = self
                .template
                .ulong(CKA_MODULUS_BITS)?
                .ok_or(Rv::TEMPLATE_INCOMPLETE)?;
            let bits = u32::try_from(bits).map_err(|_| Rv::KEY_SIZE_RANGE)?;
            let exponent = self.template.bytes(CKA_PUBLIC_EXPONENT);
            let exponent = exponent
                .filter(|bytes| !bytes.is_empty())
                .map(exponent_of)
                .transpose()?;
            return Ok((KeySpec::Rsa { bits }, exponent));
        }
        if matches!(self.key_type, Some(CKK_ML_KEM | CKK_ML_DSA)) {
            let set = self.lattice_set()?;
            return Ok((KeySpec::Lattice { set }, None));
        }
        Ok((self.curve()?.spec(), None))
    }

    /// Kind and canonical value of an object that `C_CreateObject` brings in.
    pub(crate) fn material(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        let (spec, value) = self.parts()?;
        self.check_public_key_info(&value)?;
        Ok((spec, value))
    }

    fn parts(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        match (self.class, self.key_type) {
            (CKO_SECRET_KEY, _) => {
                let value = self.required(CKA_VALUE)?;
                let spec = self.secret_spec(value.len())?;
                // "Triple-length DES secret key objects": wrong parity is an error.
                let even = || value.iter().any(|byte| byte.count_ones() % 2 == 0);
                if matches!(spec, KeySpec::Des3 { .. }) && even() {
                    return Err(Rv::ATTRIBUTE_VALUE_INVALID);
                }
                Ok((Some(spec), value.into()))
            }
            (CKO_PUBLIC_KEY, Some(CKK_RSA)) => {
                let key = self.rsa_public()?;
                Ok((
                    Some(key.spec()),
                    key.to_spki().map_err(value_invalid)?.into(),
                ))
            }
            (CKO_PRIVATE_KEY, Some(CKK_RSA)) => self.rsa_private(),
            (CKO_PUBLIC_KEY, Some(CKK_EC | CKK_EC_EDWARDS | CKK_EC_MONTGOMERY)) => {
                let curve = self.curve()?;
                let key = EcPublicKey::from_ec_point(curve, self.required(CKA_EC_POINT)?);
                let info = key.and_then(|key| key.to_spki()).map_err(value_invalid)?;
                Ok((Some(curve.spec()), info.into()))
            }
            (CKO_PRIVATE_KEY, Some(CKK_EC | CKK_EC_EDWARDS | CKK_EC_MONTGOMERY)) => {
                let curve = self.curve()?;
                let key = EcPrivateKey::new(curve, self.required(CKA_VALUE)?, None);
                let info = key.and_then(|key| key.to_pkcs8()).map_err(value_invalid)?;
                Ok((Some(curve.spec()), info))
            }
            (CKO_PUBLIC_KEY, Some(CKK_ML_KEM | CKK_ML_DSA)) => {
                let set = self.lattice_set()?;
                let key = LatticePublicKey::new(set, self.required(CKA_VALUE)?);
                let info = key.and_then(|key| key.to_spki()).map_err(value_invalid)?;
                Ok((Some(KeySpec::Lattice { set }), info.into()))
            }
            (CKO_PRIVATE_KEY, Some(CKK_ML_KEM | CKK_ML_DSA)) => self.lattice_private(),
            (CKO_CERTIFICATE, _) => Ok((None, self.certificate()?.into())),
            (CKO_TRUST, _) => Ok((None, SecretBytes::default())),
            (CKO_DATA, _) => Ok((
                None,
                self.template.bytes(CKA_VALUE).unwrap_or_default().into(),
            )),
            _ => Err(Rv::ATTRIBUTE_VALUE_INVALID),
        }
    }

    /// `CKA_PARAMETER_SET` of ML-KEM and ML-DSA.
    fn lattice_set(&self) -> Result<LatticeSet> {
        let number = self
            .template
            .ulong(CKA_PARAMETER_SET)?
            .ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        let key_type = self.key_type.ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        kinds::lattice_set(key_type, number).ok_or(Rv::PARAMETER_SET_NOT_SUPPORTED)
    }

    /// A private key of ML-KEM or ML-DSA: of its seed, whose value must be the one given if one is; or of its value
    /// ("at least one of CKA_SEED and CKA_VALUE must be specified").
    fn lattice_private(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        let set = self.lattice_set()?;
        let given = |kind| self.template.bytes(kind).filter(|bytes| !bytes.is_empty());
        let key = match (given(CKA_SEED), given(CKA_VALUE)) {
            (Some(seed), Some(value)) => LatticePrivateKey::from_both(set, seed, value),
            (Some(seed), None) => LatticePrivateKey::from_seed(set, seed),
            (None, Some(value)) => LatticePrivateKey::from_expanded(set, value),
            (None, None) => return Err(Rv::TEMPLATE_INCOMPLETE),
        };
        let value = key.and_then(|key| key.to_pkcs8()).map_err(value_invalid)?;
        Ok((Some(KeySpec::Lattice { set }), value))
    }

    fn curve(&self) -> Result<NamedCurve> {
        let params = match self.template.bytes(CKA_EC_PARAMS) {
            Some(params) => params,
            None if self.is_sm2 => return Ok(NamedCurve::Sm2),
            None => return Err(Rv::TEMPLATE_INCOMPLETE),
        };
        let curve = NamedCurve::from_ec_parameters(params).map_err(|error| match error {
            Error::KeyUnsupported(_) => Rv::CURVE_NOT_SUPPORTED,
            _ => Rv::DOMAIN_PARAMS_INVALID,
        })?;
        let fits = match self.key_type {
            Some(CKK_EC_EDWARDS) => curve == NamedCurve::Ed25519,
            Some(CKK_EC_MONTGOMERY) => curve == NamedCurve::X25519,
            _ => curve.is_weierstrass() && (!self.is_sm2 || curve == NamedCurve::Sm2),
        };
        if fits {
            Ok(curve)
        } else {
            Err(Rv::CURVE_NOT_SUPPORTED)
        }
    }

    fn rsa_public(&self) -> Result<RsaPublicKey> {
        let (modulus, exponent) = (
            self.required(CKA_MODULUS)?,
            self.required(CKA_PUBLIC_EXPONENT)?,
        );
        RsaPublicKey::new(modulus, exponent).map_err(value_invalid)
    }

    /// Programs that leave out the primes or what follows from them get them computed.
    fn rsa_private(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        let number = |kind| self.template.bytes(kind).filter(|bytes| !bytes.is_empty());
        let public = self.rsa_public()?;
        let spec = public.spec();
        let primes = number(CKA_PRIME_1).zip(number(CKA_PRIME_2));
        let remainders = number(CKA_EXPONENT_1)
            .zip(number(CKA_EXPONENT_2))
            .zip(number(CKA_COEFFICIENT))
            .map(|((first, second), coefficient)| (first, second, coefficient));
        let exponent = self.required(CKA_PRIVATE_EXPONENT)?;
        let key = RsaPrivateKey::from_components(public, exponent, primes, remainders);
        let value = key.and_then(|key| key.to_pkcs8()).map_err(value_invalid)?;
        Ok((Some(spec), value))
    }

    /// An X.509 certificate's bytes; empty for one that is kept elsewhere, which its URL and the
    /// hashes of both its keys then name.
    fn certificate(&self) -> Result<&'t [u8]> {
        if self.template.ulong(CKA_CERTIFICATE_TYPE)? != Some(CKC_X_509) {
            return Err(Rv::ATTRIBUTE_VALUE_INVALID);
        }
        for kind in [CKA_CERTIFICATE_CATEGORY, CKA_JAVA_MIDP_SECURITY_DOMAIN] {
            // Both have four values, from 0.
            if self.template.ulong(kind)?.is_some_and(|value| value > 3) {
                return Err(Rv::ATTRIBUTE_VALUE_INVALID);
            }
        }
        let value = self.given(CKA_VALUE).unwrap_or_default();
        let filled = |kind| self.given(kind).is_some_and(|bytes| !bytes.is_empty());
        if value.is_empty() {
            let named = [
                CKA_URL,
                CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
                CKA_HASH_OF_ISSUER_PUBLIC_KEY,
            ];
            if !named.into_iter().all(filled) {
                return Err(Rv::TEMPLATE_INCOMPLETE);
            }
        }
        Ok(value)
    }

    /// Whether the public half that the template gives is the material's.
    fn check_public_key_info(&self, material: &SecretBytes) -> Result<()> {
        let Some(given) = self
            .given(CKA_PUBLIC_KEY_INFO)
            .filter(|info| !info.is_empty())
        else {
            return Ok(());
        };
        let agrees = match self.class {
            CKO_PUBLIC_KEY => material.expose() == given,
            CKO_PRIVATE_KEY => {
                encoding::public_key_info_of(material.expose()).is_ok_and(|info| info == given)
            }
            _ => true,
        };
        if agrees {
            Ok(())
        } else {
            Err(Rv::ATTRIBUTE_VALUE_INVALID)
        }
    }

    fn required(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<&'t [u8]> {
        let value = self.template.bytes(kind).ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        if value.is_empty() {
            Err(Rv::ATTRIBUTE_VALUE_INVALID)
        } else {
            Ok(value)
        }
    }
}

/// Numbers that make no key.
fn value_invalid(error: Error) -> Rv {
    tracing::debug!(target: "keybridge::pkcs11", "template: {error}");
    Rv::ATTRIBUTE_VALUE_INVALID
}

/// A big integer that fits 64 bits.
fn exponent_of(bytes: &[u8]) -> Result<u64> {
    bytes.iter().try_fold(0_u64, |sum, &byte| {
        let shifted = sum.checked_mul(256).ok_or(Rv::ATTRIBUTE_VALUE_INVALID)?;
        Ok(shifted | u64::from(byte))
    })
}
