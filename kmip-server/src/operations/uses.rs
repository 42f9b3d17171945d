//! What the operations that use a key have in common.

use keybridge_core::{KeySpec, Mechanism, Object, ObjectClass, ObjectId, Protection, Purpose};
use keybridge_kmip::attributes::CryptographicParameters;
use zeroize::Zeroizing;

use crate::attributes::parameters_of;
use crate::failure::{Failure, Result};
use crate::processor::Context;

/// Refuses operations in parts (1.4 section 4, multi-part cryptographic operations: optional).
pub(super) fn refuse_parts(
    correlation_value: Option<&Vec<u8>>,
    init: Option<bool>,
    last: Option<bool>,
) -> Result<()> {
    let parts = init.unwrap_or(false) != last.unwrap_or(false) || correlation_value.is_some();
    if parts {
        return Err(Failure::not_supported(
            "operations in parts: send the data in one",
        ));
    }
    Ok(())
}

/// The request's Cryptographic Parameters, else the object's own of the lowest index, else none at
/// all.
pub(super) fn parameters(
    given: Option<CryptographicParameters>,
    object: &Object,
) -> CryptographicParameters {
    let says_something =
        |given: &CryptographicParameters| *given != CryptographicParameters::default();
    given
        .filter(says_something)
        .or_else(|| parameters_of(object))
        .unwrap_or_default()
}

/// Whether a use of the key keeps a thread busy or waiting: in an HSM, or RSA's private half.
pub(super) fn blocks(object: &Object) -> bool {
    object.protection != Protection::Software
        || (object.class == ObjectClass::PrivateKey
            && matches!(object.spec, Some(KeySpec::Rsa { .. })))
}

/// Encrypts, decrypts, signs or makes a MAC in one part.
pub(super) fn run(
    context: &Context<'_>,
    id: ObjectId,
    object: &Object,
    purpose: Purpose,
    mechanism: Mechanism,
    input: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    context.perhaps_blocking(blocks(object), |kms, caller| {
        let mut operation = kms.begin(caller, id, purpose, mechanism)?;
        let mut output = Zeroizing::new(vec![0; operation.output_length(input.len())?]);
        let written = kms.run(&mut operation, input, &mut output)?;
        output.truncate(written);
        Ok(output)
    })
}
