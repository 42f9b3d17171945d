//! PINs and passwords: Argon2id, in the PHC string format.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// Memory in KiB, passes and lanes: the second choice of RFC 9106 would cost 64 MiB inside every
/// application's process; these are OWASP's recommended minimum, about 15 ms.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

fn hasher() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None)
        .map_err(|error| Error::Internal(format!("Argon2 parameters: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password under a fresh salt.
pub(super) fn hash(password: &SecretBytes) -> Result<String> {
    let hash = hasher()?.hash_password(password.expose());
    hash.map(|hash| hash.to_string())
        .map_err(|error| Error::Internal(format!("Argon2: {error}")))
}

/// Whether a password is the one of a PHC string.
pub(super) fn matches(password: &SecretBytes, phc: &str) -> Result<bool> {
    let hash = PasswordHash::new(phc).map_err(|error| {
        Error::Internal(format!("a stored password hash does not parse: {error}"))
    })?;
    Ok(hasher()?.verify_password(password.expose(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_matches() {
        let phc = hash(&"correct".into()).expect("hash");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(matches(&"correct".into(), &phc).expect("well-formed"));
        assert!(!matches(&"Correct".into(), &phc).expect("well-formed"));
        assert!(matches(&"correct".into(), "nonsense").is_err());
    }
}
