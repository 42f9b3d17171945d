//! PKCS#5 padding, where the mode is ECB: no mechanism of the core's own.

use keybridge_core::Error;
use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

/// PKCS#5 padding to blocks of so many bytes.
pub fn pad(data: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
    let missing = block - data.len() % block;
    let mut padded = Zeroizing::new(Vec::with_capacity(data.len() + missing));
    padded.extend_from_slice(data);
    // At most the block's 16.
    padded.resize(data.len() + missing, missing as u8);
    padded
}

/// Takes PKCS#5 padding off. One error for whatever is wrong with it.
pub fn unpad(data: &mut Zeroizing<Vec<u8>>, block: usize) -> Result<()> {
    let wrong = || Failure::from(Error::InvalidCiphertext);
    let count = usize::from(*data.last().ok_or_else(wrong)?);
    if !(1..=block).contains(&count) || count > data.len() {
        return Err(wrong());
    }
    let at = data.len() - count;
    let difference = data[at..]
        .iter()
        .fold(0, |all, byte| all | (usize::from(*byte) ^ count));
    if difference != 0 {
        return Err(wrong());
    }
    data.truncate(at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_comes_off_whole_or_not_at_all() {
        let unpadded = |bytes: &[u8]| {
            let mut data = Zeroizing::new(bytes.to_vec());
            unpad(&mut data, 16).map(|()| data.len()).ok()
        };
        assert_eq!(unpadded(&[9; 8]), None);
        assert_eq!(unpadded(&[17; 32]), None);
        assert_eq!(unpadded(&[16; 16]), Some(0));
        assert_eq!(unpadded(&[7, 7, 1]), Some(2));
        assert_eq!(unpadded(&[7, 2, 2]), Some(1));
        assert_eq!(unpadded(&[7, 1, 2]), None);
        assert_eq!(unpadded(&[0]), None);
        assert_eq!(unpadded(&[]), None);
    }
}
