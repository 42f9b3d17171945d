//! Private and secret keys from their canonical encoding to the HSM's attributes, for import.

use cryptoki::object::Attribute;

use crate::algorithm::KeySpec;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// The attributes that hold a key's value.
pub(super) fn attributes(spec: KeySpec, value: &SecretBytes) -> Result<Vec<Attribute>> {
    match spec {
        KeySpec::Aes { bits } | KeySpec::Hmac { bits, .. } | KeySpec::GenericSecret { bits } => {
            if value.len() * 8 != bits as usize {
                return Err(Error::InvalidMaterial(format!(
                    "{} bytes are no key of {bits} bits",
                    value.len()
                )));
            }
            Ok(vec![Attribute::Value(value.expose().to_vec())])
        }
        _ => Err(Error::KeyUnsupported(
            "private keys are not imported into an HSM".to_owned(),
        )),
    }
}
