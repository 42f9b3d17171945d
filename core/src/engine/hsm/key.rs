//! A key in the HSM, ready to use.

use std::sync::{Arc, Mutex};

use cryptoki::error::Error as TokenError;
use cryptoki::object::{Attribute, ObjectClass as TokenClass, ObjectHandle};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::connection::Lease;
use super::failure::{self, Failure};
use super::module::lock;
use super::pool::{HsmPool, Repeat};
use super::stream::HsmStream;
use super::{plan, transport};
use crate::algorithm::KeySpec;
use crate::engine::{ReadyKey, Stream, check_room};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

/// Where an object is in the HSM.
#[derive(Clone, Debug)]
pub(super) struct Locator {
    pub(super) class: TokenClass,
    pub(super) hsm_id: Vec<u8>,
}

/// A key in the HSM.
pub(super) struct HsmKey {
    pub(super) pool: Arc<HsmPool>,
    pub(super) spec: KeySpec,
    id: ObjectId,
    locator: Locator,
    /// The handle, and the number of the connection through which it was found.
    handle: Mutex<Option<(u64, ObjectHandle)>>,
}

impl Locator {
    /// The object; none if it is not there.
    pub(super) fn find(
        &self,
        pool: &str,
        lease: &Lease,
    ) -> std::result::Result<Option<ObjectHandle>, Failure> {
        let template = [
            Attribute::Class(self.class),
            Attribute::Id(self.hsm_id.clone()),
        ];
        let found = find_objects(lease, &template)?;
        match found[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            // Whoever put the second one there, we do not guess which is ours.
            _ => Err(failure::refused(
                pool,
                format!(
                    "{} objects have the CKA_ID {}",
                    found.len(),
                    hex(&self.hsm_id)
                ),
            )
            .into()),
        }
    }
}

/// The objects that fit. Whoever is not logged in sees no private object, and is not told why: that nothing
/// is there is believed only when we are logged in before and after.
pub(super) fn find_objects(
    lease: &Lease,
    template: &[Attribute],
) -> std::result::Result<Vec<ObjectHandle>, TokenError> {
    let found = lease.session().find_objects(template)?;
    if !found.is_empty() {
        return Ok(found);
    }
    lease.check()?;
    let found = lease.session().find_objects(template)?;
    lease.check()?;
    Ok(found)
}

impl HsmKey {
    /// Finds the key.
    pub(super) fn find(
        pool: &Arc<HsmPool>,
        spec: KeySpec,
        id: ObjectId,
        locator: Locator,
    ) -> Result<Self> {
        let key = Self {
            pool: Arc::clone(pool),
            spec,
            id,
            locator,
            handle: Mutex::default(),
        };
        pool.call(Repeat::Safe, |lease| key.handle(lease).map(|_| ()))?;
        Ok(key)
    }

    /// The handle as this lease's connection knows it.
    pub(super) fn handle(&self, lease: &Lease) -> std::result::Result<ObjectHandle, Failure> {
        let number = lease.connection.number;
        if let Some((through, handle)) = *lock(&self.handle)
            && through == number
        {
            return Ok(handle);
        }
        let found = self.locator.find(self.pool.name(), lease)?;
        let Some(handle) = found else {
            return Err(self.gone().into());
        };
        *lock(&self.handle) = Some((number, handle));
        Ok(handle)
    }

    fn gone(&self) -> Error {
        failure::refused(
            self.pool.name(),
            format!(
                "the key of object {} is not in the HSM any more (CKA_ID {}); nothing was changed \
                 here",
                self.id,
                hex(&self.locator.hsm_id)
            ),
        )
    }

    /// Refuses what the engine does not do, and what the token has no mechanism for, by its name.
    pub(super) fn require(&self, purpose: Purpose, mechanism: &Mechanism) -> Result<()> {
        let Some(needed) = plan::needed(self.spec, purpose, mechanism) else {
            return crate::engine::unsupported(purpose, mechanism);
        };
        let connection = self.pool.connection()?;
        match connection.mechanism(needed.kind) {
            Some(info) if plan::serves(info, purpose) => Ok(()),
            _ => Err(Error::MechanismUnsupported {
                mechanism: needed.name,
                purpose,
            }),
        }
    }

    /// The operation in one part. `framed` is what the token gets.
    pub(super) fn perform(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        framed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let mut output = Zeroizing::new(self.pool.call(Repeat::Safe, |lease| {
            let handle = self.handle(lease)?;
            let mut parameters = plan::Parameters::of(mechanism);
            let token_mechanism = parameters.mechanism(mechanism, purpose)?;
            let session = lease.session();
            match purpose {
                Purpose::Encrypt => Ok(session.encrypt(&token_mechanism, handle, framed)?),
                Purpose::Decrypt => session
                    .decrypt(&token_mechanism, handle, framed)
                    .map_err(|error| judge_data(lease, error, Error::InvalidCiphertext)),
                _ => Ok(session.sign(&token_mechanism, handle, framed)?),
            }
        })?);
        if let Mechanism::Cmac { tag_length } | Mechanism::Hmac { tag_length, .. } = mechanism {
            output.truncate(*tag_length);
        }
        Ok(output)
    }

    /// From input to output in one part, with all checks.
    pub(super) fn run_whole(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        plan::check(self.spec, purpose, mechanism, input.len())?;
        let framed = plan::prepare(self.spec, mechanism, input);
        self.perform(purpose, mechanism, &framed)
    }

    /// As [`HsmKey::run_whole`], for the digest that a stream has made.
    pub(super) fn run_digest(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        digest: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let framed = plan::frame(self.spec, mechanism, digest);
        self.perform(purpose, mechanism, &framed)
    }

    fn clone_for_stream(&self) -> Self {
        Self {
            pool: Arc::clone(&self.pool),
            spec: self.spec,
            id: self.id,
            locator: self.locator.clone(),
            handle: Mutex::new(*lock(&self.handle)),
        }
    }
}

impl ReadyKey for HsmKey {
    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: usize,
    ) -> Result<usize> {
        if plan::needed(self.spec, purpose, mechanism).is_none() {
            return crate::engine::unsupported(purpose, mechanism);
        }
        Ok(plan::output_length(self.spec, purpose, mechanism, input))
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        if !matches!(
            purpose,
            Purpose::Encrypt
                | Purpose::Decrypt
                | Purpose::Sign
                | Purpose::SignRecover
                | Purpose::MacGenerate
        ) {
            return crate::engine::unsupported(purpose, mechanism);
        }
        self.require(purpose, mechanism)?;
        // How long a plaintext is shows only when it is there; all other lengths are known before.
        if purpose != Purpose::Decrypt {
            let length = plan::output_length(self.spec, purpose, mechanism, input.len());
            check_room(output, length)?;
        }
        let result = self.run_whole(purpose, mechanism, input)?;
        write(&result, output)
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        // Signatures are checked in software with the public key; a MAC by making it again.
        if purpose != Purpose::MacVerify {
            return crate::engine::unsupported(purpose, mechanism);
        }
        self.require(purpose, mechanism)?;
        let mac = self.run_whole(purpose, mechanism, data)?;
        compare(&mac, signature)
    }

    fn stream(&self, purpose: Purpose, mechanism: &Mechanism) -> Result<Box<dyn Stream>> {
        self.require(purpose, mechanism)?;
        let key = self.clone_for_stream();
        Ok(Box::new(HsmStream::new(key, purpose, mechanism.clone())?))
    }

    fn wrap(&self, mechanism: &Mechanism, target: &SecretBytes) -> Result<Vec<u8>> {
        transport::wrap(self, mechanism, target)
    }

    fn unwrap(&self, mechanism: &Mechanism, wrapped: &[u8]) -> Result<SecretBytes> {
        transport::unwrap(self, mechanism, wrapped)
    }

    fn derive(&self, mechanism: &Mechanism, length: Option<usize>) -> Result<SecretBytes> {
        transport::derive(self, mechanism, length)
    }
}

/// Whether a module's answer to a decryption or unwrapping blames the data: then it is `blame`. For codes
/// that can mean anything the session is asked: if it still answers and is logged in, it was the data.
pub(super) fn judge_data(lease: &Lease, error: TokenError, blame: Error) -> Failure {
    if failure::blames_data(&error) || (failure::is_vague(&error) && lease.check().is_ok()) {
        Failure::Core(blame)
    } else {
        Failure::Token(error)
    }
}

/// Compares a MAC in constant time.
pub(super) fn compare(mac: &[u8], given: &[u8]) -> Result<()> {
    if mac.len() != given.len() {
        return Err(Error::SignatureLength {
            expected: mac.len(),
        });
    }
    if mac.ct_eq(given).into() {
        Ok(())
    } else {
        Err(Error::SignatureInvalid)
    }
}

/// Copies a result to the caller's buffer.
pub(super) fn write(result: &[u8], output: &mut [u8]) -> Result<usize> {
    check_room(output, result.len())?;
    output[..result.len()].copy_from_slice(result);
    Ok(result.len())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
