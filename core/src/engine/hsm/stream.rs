//! Operations in parts. Signatures over a hash run the hash here; everything else is collected and given to
//! the HSM in one part at the end: a session is then never held between two calls of somebody who may not
//! come back, and the HSM needs no multi-part operations (many balance none over their cluster).

use zeroize::Zeroizing;

use super::key::{HsmKey, compare, write};
use super::plan;
use crate::engine::software::digest::Hasher;
use crate::engine::{Stream, check_room};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};

/// Bytes that an operation in parts collects at most: what a client may reasonably send through an HSM, and
/// little enough that a few hundred of them do not fill a machine.
const COLLECT_LIMIT: usize = 16 << 20;

/// An operation in parts with an HSM key.
pub(super) struct HsmStream {
    key: HsmKey,
    purpose: Purpose,
    mechanism: Mechanism,
    input: Input,
}

enum Input {
    Hash(Box<Hasher>),
    /// Kept apart as they came: a growing vector would leave copies of plaintext behind.
    Parts {
        parts: Vec<Zeroizing<Vec<u8>>>,
        total: usize,
    },
    /// Ended, well or not.
    Over,
}

impl HsmStream {
    pub(super) fn new(key: HsmKey, purpose: Purpose, mechanism: Mechanism) -> Result<Self> {
        if !matches!(
            purpose,
            Purpose::Encrypt
                | Purpose::Decrypt
                | Purpose::Sign
                | Purpose::MacGenerate
                | Purpose::MacVerify
        ) {
            return crate::engine::unsupported(purpose, &mechanism);
        }
        let input = match plan::stream_hash(&mechanism) {
            Some(hash) => Input::Hash(Box::new(Hasher::new(hash))),
            None if is_single_part(&mechanism) => {
                return crate::engine::unsupported(purpose, &mechanism);
            }
            None => Input::Parts {
                parts: Vec::new(),
                total: 0,
            },
        };
        Ok(Self {
            key,
            purpose,
            mechanism,
            input,
        })
    }

    fn collected(&self) -> usize {
        match &self.input {
            Input::Parts { total, .. } => *total,
            Input::Hash(_) | Input::Over => 0,
        }
    }

    fn complete(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        match std::mem::replace(&mut self.input, Input::Over) {
            Input::Hash(hasher) => {
                self.key
                    .run_digest(self.purpose, &self.mechanism, hasher.finish().as_ref())
            }
            Input::Parts { parts, total } => {
                let mut whole = Zeroizing::new(Vec::with_capacity(total));
                for part in parts {
                    whole.extend_from_slice(&part);
                }
                self.key.run_whole(self.purpose, &self.mechanism, &whole)
            }
            Input::Over => Err(over()),
        }
    }
}

/// Mechanisms that PKCS#11 has in one part only (PKCS#11 2.40 mechanisms, table 1).
fn is_single_part(mechanism: &Mechanism) -> bool {
    matches!(
        mechanism,
        Mechanism::RsaPkcs1
            | Mechanism::RsaPkcs1Hash { .. }
            | Mechanism::RsaPss { .. }
            | Mechanism::RsaOaep { .. }
            | Mechanism::RsaRaw
            | Mechanism::Ecdsa
            | Mechanism::Eddsa
            | Mechanism::KeyWrap { .. }
            | Mechanism::KeyWrapPad
    )
}

fn over() -> Error {
    Error::InvalidRequest("the operation is over".to_owned())
}

impl Stream for HsmStream {
    fn update_length(&self, _input: usize) -> usize {
        0
    }

    fn finish_length(&self) -> usize {
        let input = self.collected();
        plan::output_length(self.key.spec, self.purpose, &self.mechanism, input)
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        match &mut self.input {
            Input::Hash(hasher) => hasher.update(input),
            Input::Parts { parts, total } => {
                if input.len() > COLLECT_LIMIT - *total {
                    self.input = Input::Over;
                    return Err(Error::DataLength(format!(
                        "more than {COLLECT_LIMIT} bytes in parts to a key in an HSM"
                    )));
                }
                *total += input.len();
                parts.push(Zeroizing::new(input.to_vec()));
            }
            Input::Over => return Err(over()),
        }
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        // Before anything is done, so that a second call with a larger buffer finds all as it was.
        check_room(output, self.finish_length())?;
        let result = self.complete()?;
        write(&result, output)
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        if self.purpose != Purpose::MacVerify {
            return crate::engine::unsupported(self.purpose, &self.mechanism);
        }
        let mac = self.complete()?;
        compare(&mac, signature)
    }
}
