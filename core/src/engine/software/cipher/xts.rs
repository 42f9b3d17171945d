//! AES-XTS keys: two AES keys, one for the data and one for the tweak.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::AesKey;
use super::block::BLOCK;
use super::stealing::{self, Tailed};
use crate::engine::software::aws_lc::aes::Aes;
use crate::engine::software::ready::Operations;
use crate::engine::software::table::Kind;
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};

/// An AES-XTS key.
pub(in crate::engine::software) struct XtsKey {
    pub(super) data: Aes,
    tweak: Aes,
}

impl XtsKey {
    /// Takes a key of 32 or 64 bytes, whose halves differ (SP 800-38E, FIPS 140-3 IG C.I: else the tweak's
    /// encryption could be asked for).
    pub(in crate::engine::software) fn new(key: &[u8]) -> Result<Self> {
        if !matches!(key.len(), 32 | 64) {
            return Err(Error::InvalidMaterial(
                "an AES-XTS key has 32 or 64 bytes".to_owned(),
            ));
        }
        let (data, tweak) = key.split_at(key.len() / 2);
        if bool::from(data.ct_eq(tweak)) {
            return Err(Error::InvalidMaterial(
                "the halves of an AES-XTS key are the same".to_owned(),
            ));
        }
        Ok(Self {
            data: AesKey::new(data)?.aes,
            tweak: AesKey::new(tweak)?.aes,
        })
    }

    /// The first tweak of a data unit.
    pub(super) fn first_tweak(&self, number: &[u8; BLOCK]) -> [u8; BLOCK] {
        let mut tweak = [0; BLOCK];
        self.tweak.ecb(true, number, &mut tweak);
        tweak
    }
}

impl Operations for XtsKey {
    fn kind(&self) -> Kind {
        Kind::AesXts
    }

    fn output_length(
        &self,
        _purpose: Purpose,
        _mechanism: &Mechanism,
        input: usize,
    ) -> Result<usize> {
        Ok(input)
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let Mechanism::Xts { unit } = mechanism else {
            return unsupported(purpose, mechanism);
        };
        check_room(output, input.len())?;
        let encrypt = purpose == Purpose::Encrypt;
        let output = &mut output[..input.len()];
        stealing::whole(self, self.first_tweak(unit), encrypt, input, output)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        let Mechanism::Xts { unit } = mechanism else {
            return unsupported(purpose, mechanism);
        };
        let encrypt = purpose == Purpose::Encrypt;
        let tweak = self.first_tweak(unit);
        Ok(Box::new(Tailed::new(Arc::clone(self), tweak, encrypt)))
    }
}
