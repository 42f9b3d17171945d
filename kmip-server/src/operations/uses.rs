//! What the operations that use a key have in common.

use keybridge_core::model::UsageMask;
use keybridge_core::{
    Error, KeySpec, Mechanism, Object, ObjectClass, ObjectId, Protection, Purpose,
};
use keybridge_kmip::attributes::{CryptographicParameters, UniqueIdentifier};
use keybridge_kmip::enums::Operation;
use keybridge_kmip::operations::Data;
use zeroize::Zeroizing;

use crate::attributes::parameters_of;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};
use crate::streams::{Begin, Parts};

/// Which part of an operation a request is (1.4 section 4.29: Init and Final Indicator).
pub(super) enum Stage {
    /// All of it.
    Whole,
    /// The first of several parts.
    First,
    /// One in the middle, or the last.
    Next {
        /// The stream's name.
        value: Vec<u8>,
        /// As it was left.
        parts: Box<Parts>,
        /// The last.
        last: bool,
    },
}

/// Tells the part by the request's Correlation Value and indicators.
pub(super) fn stage(
    context: &Context<'_>,
    operation: Operation,
    correlation_value: Option<Vec<u8>>,
    init: Option<bool>,
    last: Option<bool>,
) -> Result<Stage> {
    let (init, last) = (init.unwrap_or(false), last.unwrap_or(false));
    match correlation_value {
        Some(_) if init => Err(Failure::invalid_field(
            "the first part of an operation has no Correlation Value yet",
        )),
        Some(value) => {
            let taken = context.inline(|_, caller| {
                let streams = &context.services().streams;
                streams.take(caller, operation, &value)
            });
            Ok(Stage::Next {
                parts: Box::new(taken?),
                value,
                last,
            })
        }
        None if init && !last => Ok(Stage::First),
        None => Ok(Stage::Whole),
    }
}

/// Keeps a stream that has taken its first part.
pub(super) fn keep(context: &Context<'_>, operation: Operation, parts: Parts) -> Result<Vec<u8>> {
    context.inline(|_, caller| {
        let streams = &context.services().streams;
        streams.open(caller, operation, parts, context.limits)
    })
}

/// Begins a stream that gives nothing before its end, with its first part.
pub(super) fn first(
    context: &Context<'_>,
    object: ObjectId,
    purpose: Purpose,
    mechanism: Mechanism,
    data: &[u8],
) -> Result<Parts> {
    let begin = Begin {
        object,
        purpose,
        mechanism,
        pads: None,
        tag_length: None,
    };
    context.blocking(|kms, caller| {
        let mut parts = Parts::begin(kms, caller, begin, context.limits)?;
        parts.feed(kms, data)?;
        Ok(parts)
    })
}

/// Gives such a stream another part.
pub(super) fn feed(
    context: &Context<'_>,
    operation: Operation,
    value: &[u8],
    mut parts: Parts,
    data: &[u8],
) -> Result<()> {
    context.blocking(|kms, _| parts.feed(kms, data))?;
    go_on(context, operation, value, parts);
    Ok(())
}

/// Keeps a stream that goes on.
pub(super) fn go_on(context: &Context<'_>, operation: Operation, value: &[u8], parts: Parts) {
    context.inline(|_, caller| {
        let streams = &context.services().streams;
        streams.put_back(caller, operation, value, parts);
    });
}

/// What is wrong with how a key is to be used is not worth saying of one that may not be used so at all
/// ("Object specified is not able to be used for signing", 1.4 section 11.32).
/// From 2.0 its parameters have reasons of their own.
pub(super) fn or_unusable<T>(
    context: &Context<'_>,
    how: Result<T>,
    object: &Object,
    purpose: Purpose,
) -> Result<T> {
    let permitted = object
        .attributes
        .usage
        .permits(UsageMask::needed_for(purpose));
    how.map_err(|failure| {
        if permitted || context.version.has_tagged_attributes() {
            failure
        } else {
            Error::UsageNotPermitted(purpose).into()
        }
    })
}

impl Stage {
    /// The data of an operation that begins: REQUIRED in one that is done at once, not in one of many
    /// parts (1.4 section 4.29 and others).
    pub(super) fn data<'a>(
        &self,
        context: &'a Context<'_>,
        data: Option<&'a Data>,
    ) -> Result<&'a [u8]> {
        match self {
            Self::First => part(context, data),
            _ => context.data(data),
        }
    }
}

/// The data of a part: it may have none.
pub(super) fn part<'a>(context: &'a Context<'_>, data: Option<&'a Data>) -> Result<&'a [u8]> {
    data.map_or(Ok(&[]), |data| context.data(Some(data)))
}

/// The identifier of the object that a stream uses.
pub(super) fn object_of(parts: &Parts) -> Result<UniqueIdentifier> {
    let id = parts.object.ok_or_else(|| {
        Failure::from(Error::Internal(
            "a stream of this operation has a key".into(),
        ))
    })?;
    Ok(identifier(id))
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

/// Whether a use of the key keeps a thread busy or waiting for longer than it takes to go on elsewhere: in an
/// HSM, or the private half of a large RSA key. With 2048 bits it is a quarter of a millisecond, and moving
/// the other connections to another thread is not free either.
pub(super) fn blocks(object: &Object) -> bool {
    object.protection != Protection::Software
        || (object.class == ObjectClass::PrivateKey
            && matches!(object.spec, Some(KeySpec::Rsa { bits }) if bits > 2048))
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
