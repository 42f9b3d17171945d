//! Operations in parts: what the server keeps between the requests of one stream, under its
//! correlation value (1.4 section 4, multi-part operations; 2.1 sections 6.1.18 and others).
//!
//! Kept in memory, for one principal each, and forgotten when nobody goes on with it. What no engine
//! does in parts (RSA, Ed25519, key wrap) is collected, up to a limit, and done with the last part.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keybridge_core::engine::software::digest::Hasher;
use keybridge_core::kms::Operation as Use;
use keybridge_core::{Caller, Error, Kms, Mechanism, ObjectId, PrincipalId, Purpose};
use keybridge_kmip::enums::{Operation, ResultReason as R};
use zeroize::Zeroizing;

use crate::failure::{Failure, Result};
use crate::settings::ServerLimits;

/// Bytes of a correlation value.
const VALUE: usize = 16;

/// The streams under way.
#[derive(Default)]
pub struct Streams(Mutex<HashMap<[u8; VALUE], Kept>>);

struct Kept {
    owner: PrincipalId,
    operation: Operation,
    touched: Instant,
    parts: Parts,
}

/// One operation in parts.
pub struct Parts {
    work: Work,
    /// The key, for operations that have one.
    pub object: Option<ObjectId>,
    /// Bytes of the authentication tag that ends the ciphertext.
    pub tag_length: Option<usize>,
    /// Kept until the last part: the authentication tag, signature or MAC to check.
    pub check: Option<Vec<u8>>,
    most: usize,
}

enum Work {
    /// The engine takes the parts.
    Streamed(Box<Use>),
    /// The parts are collected.
    Collected {
        using: Box<Use>,
        data: Zeroizing<Vec<u8>>,
        pads: Option<usize>,
    },
    Hash(Box<Hasher>),
}

fn no_such_stream() -> Failure {
    // "No outstanding operation with the specified Correlation Value exists" (1.4 section 11.32).
    Failure::by_version(
        R::ItemNotFound,
        R::InvalidCorrelationValue,
        "no operation in parts has this Correlation Value",
    )
}

impl Streams {
    /// Keeps a stream that has begun, and names it.
    ///
    /// # Errors
    /// When the principal has too many.
    pub fn open(
        &self,
        caller: &Caller,
        operation: Operation,
        parts: Parts,
        limits: &ServerLimits,
    ) -> Result<Vec<u8>> {
        let mut value = [0; VALUE];
        aws_lc_rs::rand::fill(&mut value)
            .map_err(|_| Error::Internal("the random generator failed".into()))?;
        let owner = caller.principal();
        let patience = Duration::from_secs(limits.stream_seconds);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, stream| stream.touched.elapsed() < patience);
        let own = kept.values().filter(|stream| stream.owner == owner).count();
        if own >= limits.streams_per_client {
            return Err(Error::Limit {
                name: "streams-per-client (server.limits)",
                limit: limits.streams_per_client as u64,
            }
            .into());
        }
        let stream = Kept {
            owner,
            operation,
            touched: Instant::now(),
            parts,
        };
        kept.insert(value, stream);
        Ok(value.to_vec())
    }

    /// The stream of that name; it is gone until it is put back.
    ///
    /// # Errors
    /// When there is none, or it is another principal's, or of another operation.
    pub fn take(&self, caller: &Caller, operation: Operation, value: &[u8]) -> Result<Parts> {
        let value: [u8; VALUE] = value.try_into().map_err(|_| no_such_stream())?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |stream: &Kept| stream.owner == caller.principal() && stream.operation == operation;
        if !kept.get(&value).is_some_and(fits) {
            return Err(no_such_stream());
        }
        let stream = kept.remove(&value).ok_or_else(no_such_stream)?;
        Ok(stream.parts)
    }

    /// Keeps a stream on, under the name that it had.
    pub fn put_back(&self, caller: &Caller, operation: Operation, value: &[u8], parts: Parts) {
        let Ok(value) = value.try_into() else { return };
        let stream = Kept {
            owner: caller.principal(),
            operation,
            touched: Instant::now(),
            parts,
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(value, stream);
    }
}

/// How a key is used in parts.
pub struct Begin {
    /// The key.
    pub object: ObjectId,
    /// What for.
    pub purpose: Purpose,
    /// How.
    pub mechanism: Mechanism,
    /// The door pads to blocks of so many bytes.
    pub pads: Option<usize>,
    /// Bytes of the authentication tag at the end.
    pub tag_length: Option<usize>,
}

impl Parts {
    /// Begins to use a key.
    ///
    /// # Errors
    /// Those of [`Kms::begin`].
    pub fn begin(
        kms: &Kms,
        caller: &Arc<Caller>,
        begin: Begin,
        limits: &ServerLimits,
    ) -> Result<Self> {
        let object = begin.object;
        let mut using = Box::new(kms.begin(caller, object, begin.purpose, begin.mechanism)?);
        let work = match using.update_length(0) {
            Ok(_) if begin.pads.is_none() => Work::Streamed(using),
            Ok(_) | Err(Error::MechanismUnsupported { .. }) => Work::Collected {
                using,
                data: Zeroizing::default(),
                pads: begin.pads,
            },
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            work,
            object: Some(object),
            tag_length: begin.tag_length,
            check: None,
            most: limits.stream_bytes,
        })
    }

    /// Begins to hash.
    #[must_use]
    pub fn hashing(hasher: Hasher, limits: &ServerLimits) -> Self {
        Self {
            work: Work::Hash(Box::new(hasher)),
            object: None,
            tag_length: None,
            check: None,
            most: limits.stream_bytes,
        }
    }

    /// Takes a part; gives what is ready.
    ///
    /// # Errors
    /// Those of [`Kms::update`], and a limit when parts are collected.
    pub fn feed(&mut self, kms: &Kms, part: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match &mut self.work {
            Work::Hash(hasher) => {
                hasher.update(part);
                Ok(Zeroizing::default())
            }
            Work::Streamed(using) => {
                let mut output = Zeroizing::new(vec![0; using.update_length(part.len())?]);
                let written = kms.update(using, part, &mut output)?;
                output.truncate(written);
                Ok(output)
            }
            Work::Collected { data, .. } => {
                let all = data.len().saturating_add(part.len());
                if all > self.most {
                    return Err(Error::Limit {
                        name: "stream-bytes (server.limits)",
                        limit: self.most as u64,
                    }
                    .into());
                }
                // A vector that grew in place would leave parts of the data behind.
                let mut grown = Zeroizing::new(Vec::with_capacity(all.next_power_of_two()));
                grown.extend_from_slice(data);
                grown.extend_from_slice(part);
                *data = grown;
                Ok(Zeroizing::default())
            }
        }
    }

    /// Ends it: gives the rest of the output, the signature, MAC or digest.
    ///
    /// # Errors
    /// Those of [`Kms::finish`] and [`Kms::run`].
    pub fn finish(self, kms: &Kms, last: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut parts = self;
        let mut output = parts.feed(kms, last)?;
        match parts.work {
            Work::Hash(hasher) => Ok(Zeroizing::new(hasher.finish().as_ref().to_vec())),
            Work::Streamed(mut using) => {
                let mut rest = Zeroizing::new(vec![0; using.finish_length()?]);
                let written = kms.finish(&mut using, &mut rest)?;
                let mut all = Zeroizing::new(Vec::with_capacity(output.len() + written));
                all.extend_from_slice(&output);
                all.extend_from_slice(&rest[..written]);
                Ok(all)
            }
            Work::Collected {
                mut using,
                data,
                pads,
            } => {
                let encrypts = using.purpose() == Purpose::Encrypt;
                let pad = |block| crate::mechanisms::pad(&data, block);
                let padded = pads.filter(|_| encrypts).map(pad);
                let input = padded.as_ref().unwrap_or(&data);
                output = Zeroizing::new(vec![0; using.output_length(input.len())?]);
                let written = kms.run(&mut using, input, &mut output)?;
                output.truncate(written);
                if let (Some(block), false) = (pads, encrypts) {
                    crate::mechanisms::unpad(&mut output, block)?;
                }
                Ok(output)
            }
        }
    }

    /// Ends it, and checks a signature or MAC. The key's own form of it is made by `form`.
    ///
    /// # Errors
    /// Those of [`Kms::finish_verify`] and [`Kms::verify`].
    pub fn verify(
        mut self,
        kms: &Kms,
        last: &[u8],
        signature: &[u8],
    ) -> Result<keybridge_core::Result<()>> {
        self.feed(kms, last)?;
        match self.work {
            Work::Hash(_) => Err(Failure::invalid_field("a digest is not verified")),
            Work::Streamed(mut using) => Ok(kms.finish_verify(&mut using, signature)),
            Work::Collected {
                mut using, data, ..
            } => Ok(kms.verify(&mut using, &data, signature)),
        }
    }

    /// The object as it was when the use began.
    #[must_use]
    pub fn using(&self) -> Option<&Use> {
        match &self.work {
            Work::Streamed(using) | Work::Collected { using, .. } => Some(using),
            Work::Hash(_) => None,
        }
    }
}
