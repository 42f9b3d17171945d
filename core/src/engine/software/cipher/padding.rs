//! PKCS#7 padding of blocks (RFC 5652 section 6.3).

use subtle::{
    Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess,
};

use super::block::BLOCK;

/// Fills a last block of `length` bytes (16 at most) that holds `data`, which is shorter; what is after it is
/// filled too, and not to be looked at.
pub(super) fn pad(data: &[u8], length: usize) -> [u8; BLOCK] {
    let mut block = [(length - data.len()) as u8; BLOCK];
    block[..data.len()].copy_from_slice(data);
    block
}

/// How many bytes of data a padded last block holds; none if it is not padded. The time does not depend
/// on the block.
pub(super) fn unpad(block: &[u8]) -> Option<usize> {
    let length = *block.last()?;
    let mut good = length.ct_gt(&0) & !length.ct_gt(&(block.len() as u8));
    for (at, byte) in block.iter().rev().enumerate() {
        let is_padding = (at as u8).ct_lt(&length);
        good &= !is_padding | byte.ct_eq(&length);
    }
    let kept = u8::conditional_select(&0, &(block.len() as u8).wrapping_sub(length), good);
    bool::from(good & Choice::from(1)).then_some(usize::from(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_padded_is_unpadded() {
        for block_length in [8, BLOCK] {
            for length in 0..block_length {
                let block = &pad(&vec![0xaa; length], block_length)[..block_length];
                assert_eq!(unpad(block), Some(length));
                for at in length..block_length {
                    let mut wrong = block.to_vec();
                    wrong[at] ^= 0x80;
                    assert_eq!(unpad(&wrong), None, "{length} {at}");
                }
            }
        }
        assert_eq!(unpad(&[0; BLOCK]), None);
        assert_eq!(unpad(&[17; BLOCK]), None);
        assert_eq!(unpad(&[9; 8]), None);
        assert_eq!(unpad(&[]), None);
    }
}
