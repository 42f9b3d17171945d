//! PKCS#7 padding of 16-byte blocks (RFC 5652 section 6.3).

use subtle::{
    Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess,
};

use super::block::BLOCK;

/// Fills a last block that holds `data`, which is shorter than a block.
pub(super) fn pad(data: &[u8]) -> [u8; BLOCK] {
    let mut block = [(BLOCK - data.len()) as u8; BLOCK];
    block[..data.len()].copy_from_slice(data);
    block
}

/// How many bytes of data a padded last block holds; none if it is not padded. The time does not depend
/// on the block.
pub(super) fn unpad(block: &[u8; BLOCK]) -> Option<usize> {
    let length = block[BLOCK - 1];
    let mut good = length.ct_gt(&0) & !length.ct_gt(&(BLOCK as u8));
    for (at, byte) in block.iter().rev().enumerate() {
        let is_padding = (at as u8).ct_lt(&length);
        good &= !is_padding | byte.ct_eq(&length);
    }
    let kept = u8::conditional_select(&0, &(BLOCK as u8).wrapping_sub(length), good);
    bool::from(good & Choice::from(1)).then_some(usize::from(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_padded_is_unpadded() {
        for length in 0..BLOCK {
            let block = pad(&vec![0xaa; length]);
            assert_eq!(unpad(&block), Some(length));
            for at in length..BLOCK {
                let mut wrong = block;
                wrong[at] ^= 0x80;
                assert_eq!(unpad(&wrong), None, "{length} {at}");
            }
        }
        assert_eq!(unpad(&[0; BLOCK]), None);
        assert_eq!(unpad(&[17; BLOCK]), None);
    }
}
