//! Uses of keys: authorize → gate → engine → record, in one part or in many.

use std::sync::Arc;

use aws_lc_rs::rand;
use zeroize::Zeroize;

use super::Kms;
use super::cache::Loaded;
use super::change::check_object;
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::engine::{ReadyKey, Stream};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Lifetime, Material, Object, UsageMask};
use crate::secret::SecretBytes;
use crate::store::ChangeNumber;
use crate::time::Timestamp;

/// Length in bytes of the initialization vector that is made when a caller gives none for GCM
/// (SP 800-38D section 8.2.2).
const GCM_IV_LENGTH: usize = 12;

/// A use of a key that has been authorized, and the state of its parts. One caller's, one at a time.
pub struct Operation {
    caller: Arc<Caller>,
    loaded: Arc<Loaded>,
    purpose: Purpose,
    mechanism: Mechanism,
    stream: Option<Box<dyn Stream>>,
    /// The commit as of which the use was last authorized.
    authorized_at: ChangeNumber,
    authenticated: bool,
    /// A part of it was counted by Usage Limits.
    counted: bool,
    /// Whether its key has taken the role of its purpose.
    has_role: bool,
}

impl Purpose {
    /// The verb under which the audit and the role table know it.
    pub(super) const fn verb(self) -> Verb {
        match self {
            Self::Encrypt => Verb::Encrypt,
            Self::Decrypt => Verb::Decrypt,
            Self::Sign | Self::SignRecover => Verb::Sign,
            Self::Verify | Self::VerifyRecover => Verb::Verify,
            Self::MacGenerate => Verb::MacGenerate,
            Self::MacVerify => Verb::MacVerify,
            Self::Wrap => Verb::Wrap,
            Self::Unwrap => Verb::Unwrap,
            Self::Derive | Self::Encapsulate | Self::Decapsulate => Verb::Derive,
        }
    }
}

impl Kms {
    /// Authorizes a use and makes the key ready. One part: [`Kms::run`] or [`Kms::verify`]. Many:
    /// [`Kms::update`], then [`Kms::finish`] or [`Kms::finish_verify`]. State, gate and dates are checked
    /// again whenever anything changed since, so a key disabled between the calls is refused.
    ///
    /// # Errors
    /// Those of authorization ([`Error::LoginRequired`], [`Error::Denied`]), of the gate ([`Error::KeyState`],
    /// [`Error::ObjectState`], [`Error::OutsideDates`], [`Error::UsageNotPermitted`],
    /// [`Error::MechanismNotAllowed`]) and of making the key ready.
    pub fn begin(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        purpose: Purpose,
        mut mechanism: Mechanism,
    ) -> Result<Operation> {
        make_vector(purpose, &mut mechanism)?;
        let (loaded, authorized_at) =
            self.prepare_or_record(caller, object, purpose, &mechanism)?;
        let caller = Arc::clone(caller);
        let authenticated = !loaded.object.attributes.always_authenticate;
        Ok(Operation {
            caller,
            loaded,
            purpose,
            mechanism,
            stream: None,
            authorized_at,
            authenticated,
            counted: false,
            has_role: false,
        })
    }

    /// Begins another use of the same key for the same purpose as the same caller: one message of many. The use
    /// is authorized anew; for a key that asks for its user each time, the proof given for `before` holds.
    ///
    /// # Errors
    /// As [`Kms::begin`].
    pub fn begin_again(&self, before: &Operation, mechanism: Mechanism) -> Result<Operation> {
        let object = before.loaded.object.id;
        let mut operation = self.begin(&before.caller, object, before.purpose, mechanism)?;
        operation.authenticated |= before.authenticated;
        Ok(operation)
    }

    /// Makes an operation that ended the next use of the same key for the same purpose by the same caller. Like
    /// [`Kms::begin`], but the questions that nothing changed since are not asked again.
    ///
    /// # Errors
    /// As [`Kms::begin`]; the operation must not be used then.
    pub fn renew(&self, operation: &mut Operation, mut mechanism: Mechanism) -> Result<()> {
        make_vector(operation.purpose, &mut mechanism)?;
        let object = &operation.loaded.object;
        let unchanged = object.lifetime == Lifetime::Stored
            && !operation.loaded.timed
            && same_rules(&operation.mechanism, &mechanism)
            && self.store.is_current(operation.authorized_at);
        if !unchanged {
            (operation.loaded, operation.authorized_at) = self.prepare_or_record(
                &operation.caller,
                object.id,
                operation.purpose,
                &mechanism,
            )?;
            operation.has_role = false;
        }
        operation.authenticated = !operation.loaded.object.attributes.always_authenticate;
        operation.mechanism = mechanism;
        operation.stream = None;
        operation.counted = false;
        Ok(())
    }

    /// [`Kms::prepare`]; a refusal is recorded.
    fn prepare_or_record(
        &self,
        caller: &Caller,
        object: ObjectId,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<(Arc<Loaded>, ChangeNumber)> {
        let prepared = self.prepare(caller, object, purpose, mechanism);
        if let Err(error) = &prepared {
            let verb = purpose.verb();
            self.record_use_of(caller, verb, object, Some(error), mechanism.name())?;
        }
        prepared
    }

    /// Authorize and gate.
    pub(super) fn prepare(
        &self,
        caller: &Caller,
        object: ObjectId,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<(Arc<Loaded>, ChangeNumber)> {
        let number = self.admit(caller)?;
        let loaded = self.load(object)?;
        check_object(caller, purpose.verb(), &loaded.object)?;
        self.check_gates(&loaded, purpose, mechanism)?;
        check_can_be_proven(&loaded.object, purpose)?;
        let policy = self.policies.of(caller.account(), self)?;
        policy.check_mechanism(mechanism, loaded.object.spec)?;
        self.check_engine(&loaded.object, purpose, mechanism)?;
        self.check_role(caller, &loaded, (purpose, mechanism), number)?;
        self.ready(&loaded)?;
        Ok((loaded, number))
    }

    /// Gate, lifecycle, usage and mechanism: everything but who asks.
    fn check_gates(&self, loaded: &Loaded, purpose: Purpose, mechanism: &Mechanism) -> Result<()> {
        let object = &loaded.object;
        if let Some(state) = self.gate_of(object)? {
            lifecycle::check_gate(state)?;
        }
        if object.archived {
            return Err(Error::Archived);
        }
        // Without dates the time makes no difference, and asking the clock costs.
        let now = if loaded.timed {
            Timestamp::now()
        } else {
            object.dates.initial
        };
        lifecycle::check_use(object, purpose, now)?;
        super::usage::check_left(object, purpose)?;
        if !object
            .attributes
            .usage
            .permits(UsageMask::needed_for(purpose))
        {
            return Err(Error::UsageNotPermitted(purpose));
        }
        let allowed = &object.attributes.allowed_mechanisms;
        if !allowed.is_empty() {
            let permitted = |number: u64| allowed.contains(&number);
            if !mechanism
                .pkcs11_numbers(object.spec)
                .iter()
                .copied()
                .any(permitted)
            {
                return Err(Error::MechanismNotAllowed(mechanism.name()));
            }
        }
        Ok(())
    }

    /// Refuses at once what an HSM has no mechanism for. What the software engine lacks it refuses itself.
    fn check_engine(&self, object: &Object, purpose: Purpose, mechanism: &Mechanism) -> Result<()> {
        let Some(spec) = object.spec else {
            return Ok(());
        };
        if !matches!(
            object.material,
            Material::Resident { .. } | Material::Wrapped { .. }
        ) || self.engines.of(object)?.supports(spec, purpose, mechanism)
        {
            return Ok(());
        }
        Err(Error::MechanismUnsupported {
            mechanism: mechanism.name(),
            purpose,
        })
    }

    /// Asks again what [`Kms::begin`] asked, if anything may have changed.
    fn still_allowed(&self, operation: &mut Operation) -> Result<()> {
        if !operation.authenticated {
            return Err(Error::LoginRequired);
        }
        if self.store.is_current(operation.authorized_at) {
            if operation.loaded.timed {
                lifecycle::check_use(
                    &operation.loaded.object,
                    operation.purpose,
                    Timestamp::now(),
                )?;
            }
            return self.take_role_of(operation);
        }
        let id = operation.loaded.object.id;
        let (loaded, number) = self.prepare(
            &operation.caller,
            id,
            operation.purpose,
            &operation.mechanism,
        )?;
        operation.loaded = loaded;
        operation.authorized_at = number;
        operation.has_role = false;
        self.take_role_of(operation)
    }

    /// Its first part makes an operation a use, and with the first use a key takes its role.
    fn take_role_of(&self, operation: &mut Operation) -> Result<()> {
        if !operation.has_role {
            self.take_role(
                &operation.caller,
                &operation.loaded,
                (operation.purpose, &operation.mechanism),
                operation.authorized_at,
            )?;
            operation.has_role = true;
        }
        Ok(())
    }

    /// Does it in one part (Encrypt, Decrypt, Sign, MacGenerate, SignRecover, VerifyRecover) and records it. Returns bytes written.
    /// [`Error::BufferTooSmall`] leaves the operation as it was and records nothing.
    ///
    /// # Errors
    /// Those of [`Kms::begin`] and of [`ReadyKey::run`].
    pub fn run(&self, operation: &mut Operation, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let result = self.still_allowed(operation).and_then(|()| {
            let key = self.ready(&operation.loaded)?;
            let written = key.run(operation.purpose, &operation.mechanism, input, output)?;
            self.count_or_take_back(operation, input.len(), true, &mut output[..written])?;
            Ok(written)
        });
        self.record_outcome(operation, result)
    }

    /// Verifies in one part and records it.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`], [`Error::SignatureLength`], and those of [`Kms::begin`].
    pub fn verify(&self, operation: &mut Operation, data: &[u8], signature: &[u8]) -> Result<()> {
        let result = self.still_allowed(operation).and_then(|()| {
            let key = self.ready(&operation.loaded)?;
            key.verify(operation.purpose, &operation.mechanism, data, signature)
        });
        self.record_outcome(operation, result)
    }

    /// Takes a part; returns bytes written.
    ///
    /// # Errors
    /// Those of [`Kms::begin`] and of [`Stream::update`].
    pub fn update(
        &self,
        operation: &mut Operation,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let result = self.still_allowed(operation).and_then(|()| {
            let written = operation.stream()?.update(input, output)?;
            let first = !std::mem::replace(&mut operation.counted, true);
            self.count_or_take_back(operation, input.len(), first, &mut output[..written])?;
            Ok(written)
        });
        match result {
            Err(error) if !matches!(error, Error::BufferTooSmall { .. }) => {
                self.record_outcome(operation, Err(error))
            }
            result => result,
        }
    }

    /// Ends an operation in parts and records it. [`Error::BufferTooSmall`] leaves it as it was.
    ///
    /// # Errors
    /// Those of [`Kms::begin`] and of [`Stream::finish`].
    pub fn finish(&self, operation: &mut Operation, output: &mut [u8]) -> Result<usize> {
        let result = self.still_allowed(operation).and_then(|()| {
            let written = operation.stream()?.finish(output)?;
            operation.stream = None;
            let first = !std::mem::replace(&mut operation.counted, true);
            self.count_or_take_back(operation, 0, first, &mut output[..written])?;
            Ok(written)
        });
        self.record_outcome(operation, result)
    }

    /// Ends a verification in parts and records it.
    ///
    /// # Errors
    /// As [`Kms::verify`].
    pub fn finish_verify(&self, operation: &mut Operation, signature: &[u8]) -> Result<()> {
        let result = self
            .still_allowed(operation)
            .and_then(|()| operation.stream()?.verify(signature));
        self.record_outcome(operation, result)
    }

    /// Counts a use; what is refused for its limit leaves nothing of its result.
    fn count_or_take_back(
        &self,
        operation: &Operation,
        bytes: usize,
        first: bool,
        written: &mut [u8],
    ) -> Result<()> {
        let counted = self.count_use(operation, bytes, first);
        if counted.is_err() {
            written.zeroize();
        }
        counted
    }

    /// Proves the user again for one use of a key with `CKA_ALWAYS_AUTHENTICATE` (`CKU_CONTEXT_SPECIFIC`).
    ///
    /// # Errors
    /// Those of [`Kms::login`].
    pub fn authenticate_operation(
        &self,
        operation: &mut Operation,
        pin: &SecretBytes,
    ) -> Result<()> {
        let caller = &operation.caller;
        let proven = self.login(caller.account(), caller.role(), pin, caller.door())?;
        operation.authenticated = proven.principal() == caller.principal();
        Ok(())
    }

    /// Records the outcome. A buffer that was too small is no outcome: nothing was done.
    fn record_outcome<T>(&self, operation: &Operation, result: Result<T>) -> Result<T> {
        if matches!(result, Err(Error::BufferTooSmall { .. })) {
            return result;
        }
        self.record_use(
            &operation.caller,
            operation.purpose.verb(),
            Some(&operation.loaded),
            result.as_ref().err(),
            operation.mechanism.name(),
        )?;
        result
    }
}

/// A key with `CKA_ALWAYS_AUTHENTICATE` asks for its user "for each use", which is proven between the beginning of an
/// operation and its end. What is done in one call has no such moment: "omitting to re-authenticate … will result in
/// CKR_USER_NOT_LOGGED_IN" (PKCS#11 3.2, "Private key objects").
fn check_can_be_proven(object: &Object, purpose: Purpose) -> Result<()> {
    let in_one_call = matches!(
        purpose,
        Purpose::Unwrap | Purpose::Derive | Purpose::Decapsulate
    );
    if in_one_call && object.attributes.always_authenticate {
        return Err(Error::LoginRequired);
    }
    Ok(())
}

/// Makes the initialization vector that a caller left to us.
fn make_vector(purpose: Purpose, mechanism: &mut Mechanism) -> Result<()> {
    if let (Purpose::Encrypt, Mechanism::Gcm { iv, .. }) = (purpose, mechanism)
        && iv.is_empty()
    {
        iv.resize(GCM_IV_LENGTH, 0);
        rand::fill(iv).map_err(|_| Error::Internal("the random generator failed".into()))?;
    }
    Ok(())
}

/// Whether two mechanisms are known to differ in nothing that a rule asks about: in vectors and data
/// alone. What is used once now and then need not be known.
fn same_rules(one: &Mechanism, other: &Mechanism) -> bool {
    match (one, other) {
        (Mechanism::Ecb, Mechanism::Ecb)
        | (Mechanism::Cbc { .. }, Mechanism::Cbc { .. })
        | (Mechanism::CbcPad { .. }, Mechanism::CbcPad { .. })
        | (Mechanism::Ctr { .. }, Mechanism::Ctr { .. })
        | (Mechanism::Gcm { .. }, Mechanism::Gcm { .. })
        | (Mechanism::RsaPkcs1, Mechanism::RsaPkcs1)
        | (Mechanism::Ecdsa, Mechanism::Ecdsa) => true,
        (Mechanism::Hmac { hash, .. }, Mechanism::Hmac { hash: again, .. })
        | (Mechanism::EcdsaHash { hash, .. }, Mechanism::EcdsaHash { hash: again, .. }) => {
            hash == again
        }
        _ => false,
    }
}

impl Operation {
    /// Who uses.
    pub(super) const fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The mechanism, with the initialization vector that was made if the caller gave none.
    #[must_use]
    pub const fn mechanism(&self) -> &Mechanism {
        &self.mechanism
    }

    /// The key's object.
    #[must_use]
    pub fn object(&self) -> &Arc<Object> {
        &self.loaded.object
    }

    /// Whether [`Kms::authenticate_operation`] is still wanted.
    #[must_use]
    pub const fn needs_authentication(&self) -> bool {
        !self.authenticated
    }

    /// Bytes that [`Kms::run`] writes at most for that much input. Exact for signatures and MACs.
    ///
    /// # Errors
    /// [`Error::MechanismUnsupported`].
    pub fn output_length(&self, input: usize) -> Result<usize> {
        self.key()?
            .output_length(self.purpose, &self.mechanism, input)
    }

    /// Bytes that [`Kms::update`] writes at most for that much input.
    ///
    /// # Errors
    /// [`Error::MechanismUnsupported`] when there is no operation in parts.
    pub fn update_length(&mut self, input: usize) -> Result<usize> {
        Ok(self.stream()?.update_length(input))
    }

    /// Bytes that [`Kms::finish`] writes at most.
    ///
    /// # Errors
    /// As [`Operation::update_length`].
    pub fn finish_length(&mut self) -> Result<usize> {
        Ok(self.stream()?.finish_length())
    }

    fn key(&self) -> Result<&Arc<dyn ReadyKey>> {
        let ready = self.loaded.ready.get();
        ready.ok_or_else(|| Error::Internal("an operation began without its key".into()))
    }

    fn stream(&mut self) -> Result<&mut dyn Stream> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.key()?.stream(self.purpose, &self.mechanism)?,
        };
        Ok(self.stream.insert(stream).as_mut())
    }
}
