//! Symmetric keys: the modes of AES, SM4 and triple DES.

use std::sync::Arc;

use aws_lc_rs::cmac;
use zeroize::Zeroize;

use super::mac::{self, check_tag_length};
use super::ready::{Operations, length, parameter, through_buffer};
use super::table::Kind;
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

mod authenticator;
mod block;
mod ccm;
mod feedback;
mod gcm;
mod padding;
mod stealing;
mod stream;
mod wrap;
mod xts;

use authenticator::Authenticator;
pub(super) use block::{AesKey, Des3Key, Sm4Key};
use block::{BLOCK, BlockCipher, Counter};
use feedback::{Feedback, Mode};
pub(super) use stream::{Collected, no_signature};
pub(super) use xts::XtsKey;

/// Longest initialization vector of GCM, in bytes. PKCS#11 3.2 (`CK_GCM_PARAMS`) and SP 800-38D allow more, which
/// nobody has.
const LONGEST_GCM_IV: usize = 65536;

/// A key of a block cipher.
pub(super) struct SymmetricKey<C> {
    cipher: C,
}

impl<C: BlockCipher> SymmetricKey<C> {
    pub(super) fn new(cipher: C) -> Self {
        Self { cipher }
    }
}

impl<C: BlockCipher> Operations for SymmetricKey<C> {
    fn kind(&self) -> Kind {
        C::KIND
    }

    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: usize,
    ) -> Result<usize> {
        let encrypt = matches!(purpose, Purpose::Encrypt | Purpose::Wrap);
        let with_tag = |tag: usize| {
            if encrypt {
                input.saturating_add(tag)
            } else {
                input.saturating_sub(tag)
            }
        };
        Ok(match mechanism {
            Mechanism::CbcPad { .. } if encrypt => {
                (input / C::LENGTH + 1).saturating_mul(C::LENGTH)
            }
            Mechanism::Ecb
            | Mechanism::Cbc { .. }
            | Mechanism::CbcPad { .. }
            | Mechanism::Ctr { .. }
            | Mechanism::Cts { .. }
            | Mechanism::Ofb { .. }
            | Mechanism::Cfb { .. } => input,
            Mechanism::Gcm { tag_length, .. } | Mechanism::Ccm { tag_length, .. } => {
                with_tag(*tag_length)
            }
            Mechanism::KeyWrap { .. } | Mechanism::KeyWrapPad | Mechanism::KeyWrapPkcs7 { .. } => {
                wrap::output_length(mechanism, encrypt, input)
            }
            Mechanism::XcbcMac { .. } if !self.cipher.aes().is_some_and(AesKey::has_xcbc) => {
                return unsupported(purpose, mechanism);
            }
            Mechanism::Cmac { tag_length }
            | Mechanism::Gmac { tag_length, .. }
            | Mechanism::XcbcMac { tag_length } => *tag_length,
            _ => return unsupported(purpose, mechanism),
        })
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let encrypt = purpose == Purpose::Encrypt;
        match mechanism {
            Mechanism::Ecb => self.ecb(encrypt, input, output),
            Mechanism::Cbc { iv } => self.cbc(encrypt, iv, input, output),
            Mechanism::CbcPad { iv } if encrypt => self.cbc_pad(iv, input, output),
            Mechanism::CbcPad { iv } => through_buffer(input.len(), output, |output| {
                self.cbc_unpad(iv, input, output)
            }),
            Mechanism::Ctr {
                counter_block,
                counter_bits,
            } => self.ctr(counter_block, *counter_bits, input, output),
            Mechanism::Gcm {
                iv,
                aad,
                tag_length,
            } => self.gcm(encrypt, iv, aad, *tag_length, input, output),
            Mechanism::Ccm { .. } => self.ccm(encrypt, mechanism, input, output),
            Mechanism::Cts { iv } => self.cts(encrypt, iv, input, output),
            Mechanism::Ofb { iv } => self.feedback(Mode::Ofb, encrypt, iv, input, output),
            Mechanism::Cfb { iv, bits } => {
                self.feedback(cfb_mode(*bits)?, encrypt, iv, input, output)
            }
            Mechanism::KeyWrap { iv } => self.key_wrap(encrypt, iv.as_ref(), input, output),
            Mechanism::KeyWrapPad => self.key_wrap_pad(encrypt, input, output),
            Mechanism::KeyWrapPkcs7 { iv } => {
                self.key_wrap_pkcs7(encrypt, iv.as_ref(), input, output)
            }
            Mechanism::Cmac { tag_length } => self.cmac(*tag_length, input, output),
            Mechanism::Gmac { tag_length, .. } | Mechanism::XcbcMac { tag_length } => {
                check_room(output, *tag_length)?;
                let tag = self.tag(purpose, mechanism, input)?;
                output[..*tag_length].copy_from_slice(&tag[..*tag_length]);
                Ok(*tag_length)
            }
            _ => unsupported(purpose, mechanism),
        }
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let (Mechanism::Cmac { tag_length }
        | Mechanism::Gmac { tag_length, .. }
        | Mechanism::XcbcMac { tag_length }) = mechanism
        else {
            return unsupported(purpose, mechanism);
        };
        let tag = self.tag(purpose, mechanism, data)?;
        mac::compare(&tag[..*tag_length], signature)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        stream::start(self, purpose, mechanism)
    }

    /// PKCS#11 "key derivation by data encryption": what is not used is cut off at the trailing end.
    fn derive(&self, mechanism: &Mechanism, wanted: Option<usize>) -> Result<SecretBytes> {
        let Mechanism::EncryptData { iv, data } = mechanism else {
            return unsupported(Purpose::Derive, mechanism);
        };
        if data.is_empty() {
            return Err(parameter("no data to derive from"));
        }
        let mut derived = vec![0; data.len()];
        match iv {
            None => self.ecb(true, data.expose(), &mut derived)?,
            Some(iv) => self.cbc(true, iv, data.expose(), &mut derived)?,
        };
        super::kdf::keep_first(SecretBytes::new(derived), wanted)
    }
}

impl<C: BlockCipher> SymmetricKey<C> {
    fn ecb(&self, encrypt: bool, input: &[u8], output: &mut [u8]) -> Result<usize> {
        check_blocks(input, C::LENGTH)?;
        check_room(output, input.len())?;
        self.cipher.ecb(encrypt, input, &mut output[..input.len()]);
        Ok(input.len())
    }

    fn cbc(
        &self,
        encrypt: bool,
        iv: &[u8; BLOCK],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        check_blocks(input, C::LENGTH)?;
        check_room(output, input.len())?;
        let mut iv = *iv;
        self.cipher
            .cbc(encrypt, &mut iv, input, &mut output[..input.len()]);
        Ok(input.len())
    }

    fn cbc_pad(&self, iv: &[u8; BLOCK], input: &[u8], output: &mut [u8]) -> Result<usize> {
        let whole = input.len() - input.len() % C::LENGTH;
        check_room(output, whole + C::LENGTH)?;
        let (body, last) = output[..whole + C::LENGTH].split_at_mut(whole);
        let mut iv = *iv;
        self.cipher.cbc(true, &mut iv, &input[..whole], body);
        let mut padded = padding::pad(&input[whole..], C::LENGTH);
        self.cipher.cbc(true, &mut iv, &padded[..C::LENGTH], last);
        padded.zeroize();
        Ok(whole + C::LENGTH)
    }

    /// `output` has the input's length.
    fn cbc_unpad(&self, iv: &[u8; BLOCK], input: &[u8], output: &mut [u8]) -> Result<usize> {
        check_blocks(input, C::LENGTH)?;
        let mut iv = *iv;
        self.cipher.cbc(false, &mut iv, input, output);
        let Some(body) = output.len().checked_sub(C::LENGTH) else {
            return Err(Error::InvalidCiphertext);
        };
        let Some(kept) = padding::unpad(&output[body..]) else {
            output.zeroize();
            return Err(Error::InvalidCiphertext);
        };
        Ok(body + kept)
    }

    fn ctr(
        &self,
        counter_block: &[u8; BLOCK],
        counter_bits: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let blocks = counter_blocks(counter_block, counter_bits)?;
        if input.len().div_ceil(BLOCK) as u128 > blocks {
            return Err(length("the counter would run over"));
        }
        check_room(output, input.len())?;
        let mut counter = Counter {
            block: *counter_block,
            ..Counter::default()
        };
        self.cipher
            .ctr(&mut counter, input, &mut output[..input.len()]);
        Ok(input.len())
    }

    fn gcm(
        &self,
        encrypt: bool,
        iv: &[u8],
        aad: &[u8],
        tag_length: usize,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        check_gcm(iv, tag_length)?;
        if encrypt {
            let needed = input.len() + tag_length;
            check_room(output, needed)?;
            let (data, tag) = output[..needed].split_at_mut(input.len());
            let whole = self.cipher.gcm_seal(iv, aad, input, data)?;
            tag.copy_from_slice(&whole[..tag_length]);
            Ok(needed)
        } else {
            let (data, tag) = split_tag(input, tag_length)?;
            check_room(output, data.len())?;
            let plain = &mut output[..data.len()];
            if self.cipher.gcm_open(iv, aad, data, tag, plain) {
                Ok(data.len())
            } else {
                Err(Error::InvalidCiphertext)
            }
        }
    }

    fn ccm(
        &self,
        encrypt: bool,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let Mechanism::Ccm {
            nonce,
            aad,
            tag_length,
            data_length,
        } = mechanism
        else {
            return unsupported(Purpose::Encrypt, mechanism);
        };
        check_ccm(nonce, *tag_length)?;
        let (data, tag) = if encrypt {
            (input, &[][..])
        } else {
            split_tag(input, *tag_length)?
        };
        if data_length.is_some_and(|announced| announced != data.len()) {
            return Err(length("not the data length that was announced for CCM"));
        }
        if !ccm::has_room(nonce.len(), data.len()) {
            return Err(length("too long for CCM with this nonce"));
        }
        if encrypt {
            let needed = data.len() + tag_length;
            check_room(output, needed)?;
            let (to, tag) = output[..needed].split_at_mut(data.len());
            let whole = ccm::seal(&self.cipher, nonce, aad, *tag_length, data, to);
            tag.copy_from_slice(&whole[..*tag_length]);
            return Ok(needed);
        }
        check_room(output, data.len())?;
        let plain = &mut output[..data.len()];
        if ccm::open(&self.cipher, nonce, aad, data, tag, plain) {
            Ok(data.len())
        } else {
            Err(Error::InvalidCiphertext)
        }
    }

    fn cts(
        &self,
        encrypt: bool,
        iv: &[u8; BLOCK],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        check_room(output, input.len())?;
        stealing::whole(self, *iv, encrypt, input, &mut output[..input.len()])
    }

    fn feedback(
        &self,
        mode: Mode,
        encrypt: bool,
        iv: &[u8; BLOCK],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        check_room(output, input.len())?;
        let output = &mut output[..input.len()];
        Feedback::new(mode, iv).apply(&self.cipher, encrypt, input, output);
        Ok(input.len())
    }

    fn tag(&self, purpose: Purpose, mechanism: &Mechanism, data: &[u8]) -> Result<[u8; BLOCK]> {
        let mut authenticator = Authenticator::new(self, purpose, mechanism)?;
        authenticator.update(data)?;
        authenticator.tag()
    }

    fn cmac(&self, tag_length: usize, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let Some(key) = self.cipher.aes() else {
            return unsupported(Purpose::MacGenerate, &Mechanism::Cmac { tag_length });
        };
        check_tag_length(tag_length, BLOCK)?;
        check_room(output, tag_length)?;
        let tag = cmac::sign(&key.cmac, input)
            .map_err(|_| Error::Internal("AWS-LC failed in CMAC".to_owned()))?;
        output[..tag_length].copy_from_slice(&tag.as_ref()[..tag_length]);
        Ok(tag_length)
    }
}

fn check_blocks(input: &[u8], block: usize) -> Result<()> {
    if input.len().is_multiple_of(block) {
        Ok(())
    } else {
        Err(length("not a multiple of the cipher's block"))
    }
}

/// The segments that PKCS#11 has.
fn cfb_mode(bits: u32) -> Result<Mode> {
    match bits {
        1 => Ok(Mode::CfbBits),
        8 => Ok(Mode::Cfb(1)),
        64 => Ok(Mode::Cfb(8)),
        128 => Ok(Mode::Cfb(16)),
        _ => Err(parameter("CFB feeds back 1, 8, 64 or 128 bits")),
    }
}

/// Separates the tag that follows a ciphertext. Too short to hold one: as invalid as a wrong one.
fn split_tag(input: &[u8], tag_length: usize) -> Result<(&[u8], &[u8])> {
    input
        .len()
        .checked_sub(tag_length)
        .and_then(|data| input.split_at_checked(data))
        .ok_or(Error::InvalidCiphertext)
}

/// SP 800-38D section 5.2.1.2, and an initialization vector that is there: `Operation` in the core makes one
/// before it comes here, so that it can hand it out.
fn check_gcm(iv: &[u8], tag_length: usize) -> Result<()> {
    if iv.is_empty() || iv.len() > LONGEST_GCM_IV {
        Err(parameter(
            "GCM's initialization vector has 1 to 65536 bytes",
        ))
    } else if !matches!(tag_length, 4 | 8 | 12..=16) {
        Err(parameter("GCM's tag has 4, 8 or 12 to 16 bytes"))
    } else {
        Ok(())
    }
}

/// SP 800-38C appendix A.1.
fn check_ccm(nonce: &[u8], tag_length: usize) -> Result<()> {
    if !(7..=13).contains(&nonce.len()) {
        Err(parameter("CCM's nonce has 7 to 13 bytes"))
    } else if !(4..=16).contains(&tag_length) || !tag_length.is_multiple_of(2) {
        Err(parameter("CCM's tag has 4, 6, 8, 10, 12, 14 or 16 bytes"))
    } else {
        Ok(())
    }
}

/// How many blocks a counter of so many bits gives before it runs over.
fn counter_blocks(block: &[u8; BLOCK], bits: u32) -> Result<u128> {
    if !(1..=128).contains(&bits) {
        return Err(parameter("a counter has 1 to 128 bits"));
    }
    let most = u128::MAX >> (128 - bits);
    let value = u128::from_be_bytes(*block) & most;
    Ok((most - value).saturating_add(1))
}
