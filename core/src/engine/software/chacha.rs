//! ChaCha20 (RFC 8439, the original with a nonce of 64 bits, XChaCha20) and ChaCha20-Poly1305: the stream cipher on
//! the `chacha20` crate, the authenticated one on AWS-LC.

use std::sync::Arc;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use chacha20::cipher::array::Array;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherCoreWrapper};
use chacha20::variants::{Ietf, Legacy};
use chacha20::{ChaChaCore, R20, hchacha};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cipher::Collected;
use super::ready::{Operations, length, parameter};
use super::table::Kind;
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

/// Bytes of a key.
const KEY: usize = 32;

/// Bytes of a Poly1305 tag.
const TAG: usize = 16;

/// Fewest bytes that a tag may be cut to.
const SHORTEST_TAG: usize = 12;

/// A ChaCha20 key.
pub(super) struct ChaCha {
    value: SecretBytes,
    aead: LessSafeKey,
}

impl ChaCha {
    /// Takes a key of 32 bytes.
    pub(super) fn new(value: &SecretBytes) -> Result<Self> {
        let aead = UnboundKey::new(&CHACHA20_POLY1305, value.expose());
        let aead =
            aead.map_err(|_| Error::InvalidMaterial("a ChaCha20 key has 32 bytes".to_owned()))?;
        Ok(Self {
            value: value.clone(),
            aead: LessSafeKey::new(aead),
        })
    }

    fn key(&self) -> Result<&[u8; KEY]> {
        let key = self.value.expose().try_into();
        key.map_err(|_| Error::Internal("a ChaCha20 key changed its length".to_owned()))
    }

    fn key_stream(&self, mechanism: &Mechanism) -> Result<KeyStream> {
        let Mechanism::ChaCha20 { nonce, counter } = mechanism else {
            return unsupported(Purpose::Encrypt, mechanism);
        };
        let key = self.key()?;
        if let Ok(nonce) = <&[u8; 12]>::try_from(nonce.as_slice()) {
            let counter = u32::try_from(*counter)
                .map_err(|_| parameter("with a nonce of 12 bytes the counter has 32 bits"))?;
            let mut core = ChaChaCore::<R20, Ietf>::new(key.into(), nonce.into());
            core.set_block_pos(counter);
            return Ok(KeyStream::Ietf(StreamCipherCoreWrapper::from_core(core)));
        }
        if let Ok(nonce) = <&[u8; 8]>::try_from(nonce.as_slice()) {
            let mut core = ChaChaCore::<R20, Legacy>::new(key.into(), nonce.into());
            core.set_block_pos(*counter);
            return Ok(KeyStream::Original(StreamCipherCoreWrapper::from_core(
                core,
            )));
        }
        if nonce.len() == 24 {
            // XChaCha20 is ChaCha20 with the subkey of the first 16 bytes, and the others for a nonce.
            let (subkey, rest) = self.extended(nonce)?;
            let mut core = ChaChaCore::<R20, Legacy>::new((&*subkey).into(), (&rest).into());
            core.set_block_pos(*counter);
            return Ok(KeyStream::Original(StreamCipherCoreWrapper::from_core(
                core,
            )));
        }
        Err(parameter("ChaCha20's nonce has 8, 12 or 24 bytes"))
    }

    /// Key and nonce of the ChaCha20 that an XChaCha20 with a nonce of 24 bytes is (draft-irtf-cfrg-xchacha).
    fn extended(&self, nonce: &[u8]) -> Result<(Zeroizing<[u8; KEY]>, [u8; 8])> {
        let wrong = || parameter("XChaCha20's nonce has 24 bytes");
        let first: &[u8; 16] = nonce.first_chunk().ok_or_else(wrong)?;
        let rest: &[u8; 8] = nonce.last_chunk().ok_or_else(wrong)?;
        let key: &Array<u8, _> = self.key()?.into();
        let subkey = hchacha::<R20>(key, first.into());
        Ok((Zeroizing::new(subkey.into()), *rest))
    }

    /// Encrypts or decrypts in place with the AEAD that the nonce's length means.
    fn with_aead<T>(
        &self,
        nonce: &[u8],
        run: impl FnOnce(&LessSafeKey, Nonce) -> Result<T>,
    ) -> Result<T> {
        if let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) {
            return run(&self.aead, nonce);
        }
        if nonce.len() != 24 {
            return Err(parameter("ChaCha20-Poly1305's nonce has 12 or 24 bytes"));
        }
        let (subkey, rest) = self.extended(nonce)?;
        let failed = |_| Error::Internal("AWS-LC failed in ChaCha20-Poly1305".to_owned());
        let aead = UnboundKey::new(&CHACHA20_POLY1305, &*subkey).map_err(failed)?;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&rest);
        run(&LessSafeKey::new(aead), Nonce::assume_unique_for_key(nonce))
    }

    fn seal(&self, aead: &Aead<'_>, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let needed = input.len() + aead.tag_length;
        check_room(output, needed)?;
        let (data, place) = output[..needed].split_at_mut(input.len());
        data.copy_from_slice(input);
        place.copy_from_slice(&self.seal_in_place(aead, data)?[..aead.tag_length]);
        Ok(needed)
    }

    fn seal_in_place(&self, aead: &Aead<'_>, data: &mut [u8]) -> Result<[u8; TAG]> {
        let tag = self.with_aead(aead.nonce, |key, nonce| {
            key.seal_in_place_separate_tag(nonce, Aad::from(aead.aad), data)
                .map_err(|_| length("too long for ChaCha20-Poly1305"))
        })?;
        let tag = tag.as_ref().try_into();
        tag.map_err(|_| Error::Internal("AWS-LC made a tag of another length".to_owned()))
    }

    fn open(&self, aead: &Aead<'_>, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let Some((data, tag)) = input
            .len()
            .checked_sub(aead.tag_length)
            .and_then(|at| input.split_at_checked(at))
        else {
            return Err(Error::InvalidCiphertext);
        };
        check_room(output, data.len())?;
        let output = &mut output[..data.len()];
        let opened = if tag.len() == TAG {
            self.with_aead(aead.nonce, |key, nonce| {
                key.open_separate_gather(nonce, Aad::from(aead.aad), data, tag, output)
                    .map_err(|_| Error::InvalidCiphertext)
            })
        } else {
            self.open_cut(aead, data, tag, output)
        };
        opened.inspect_err(|_| output.fill(0))?;
        Ok(data.len())
    }

    /// Decrypts what has a cut tag, which AWS-LC does not: the data encrypted once more is the plaintext, and
    /// that encrypted has the tag.
    fn open_cut(&self, aead: &Aead<'_>, data: &[u8], tag: &[u8], output: &mut [u8]) -> Result<()> {
        output.copy_from_slice(data);
        self.seal_in_place(aead, output)?;
        let mut sealed = Zeroizing::new(output.to_vec());
        let expected = self.seal_in_place(aead, &mut sealed)?;
        if bool::from(expected[..tag.len()].ct_eq(tag)) {
            Ok(())
        } else {
            Err(Error::InvalidCiphertext)
        }
    }
}

/// The parameters of ChaCha20-Poly1305.
struct Aead<'a> {
    nonce: &'a [u8],
    aad: &'a [u8],
    tag_length: usize,
}

impl<'a> Aead<'a> {
    fn of(mechanism: &'a Mechanism) -> Option<Result<Self>> {
        let Mechanism::ChaCha20Poly1305 {
            nonce,
            aad,
            tag_length,
        } = mechanism
        else {
            return None;
        };
        if !(SHORTEST_TAG..=TAG).contains(tag_length) {
            return Some(Err(parameter("the tag has 12 to 16 bytes")));
        }
        Some(Ok(Self {
            nonce,
            aad,
            tag_length: *tag_length,
        }))
    }
}

/// A running key stream.
enum KeyStream {
    Ietf(StreamCipherCoreWrapper<ChaChaCore<R20, Ietf>>),
    Original(StreamCipherCoreWrapper<ChaChaCore<R20, Legacy>>),
}

impl KeyStream {
    fn apply(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        check_room(output, input.len())?;
        let output = &mut output[..input.len()];
        output.copy_from_slice(input);
        let applied = match self {
            Self::Ietf(stream) => stream.try_apply_keystream(output),
            Self::Original(stream) => stream.try_apply_keystream(output),
        };
        applied.map_err(|_| {
            output.fill(0);
            length("ChaCha20's block counter would run over")
        })?;
        Ok(input.len())
    }
}

impl Operations for ChaCha {
    fn kind(&self) -> Kind {
        Kind::ChaCha20
    }

    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: usize,
    ) -> Result<usize> {
        Ok(match (mechanism, purpose) {
            (Mechanism::ChaCha20Poly1305 { tag_length, .. }, Purpose::Encrypt) => {
                input.saturating_add(*tag_length)
            }
            (Mechanism::ChaCha20Poly1305 { tag_length, .. }, _) => {
                input.saturating_sub(*tag_length)
            }
            _ => input,
        })
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        match Aead::of(mechanism) {
            Some(aead) if purpose == Purpose::Encrypt => self.seal(&aead?, input, output),
            Some(aead) => self.open(&aead?, input, output),
            None => self.key_stream(mechanism)?.apply(input, output),
        }
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        Ok(match mechanism {
            // No plaintext leaves before the tag was checked; AWS-LC encrypts in one part only.
            Mechanism::ChaCha20Poly1305 { .. } => {
                Box::new(Collected::new(Arc::clone(self), purpose, mechanism))
            }
            _ => Box::new(ChaChaStream(self.key_stream(mechanism)?)),
        })
    }
}

/// ChaCha20 in parts.
struct ChaChaStream(KeyStream);

impl Stream for ChaChaStream {
    fn update_length(&self, input: usize) -> usize {
        input
    }

    fn finish_length(&self) -> usize {
        0
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.0.apply(input, output)
    }

    fn finish(&mut self, _output: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn verify(&mut self, _signature: &[u8]) -> Result<()> {
        super::cipher::no_signature()
    }
}
