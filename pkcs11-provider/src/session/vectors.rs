//! Initialization vectors and nonces that the token makes (PKCS#11 3.2, "Generator Functions").

use cryptoki_sys::*;

use crate::rv::{Result, Rv};

/// Fewest bits that are left to chance beside a fixed part: fewer would soon repeat.
const FEWEST_FREE: usize = 48;

/// Who makes a vector, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generator {
    /// The application.
    None,
    /// The token, as it likes.
    Any,
    /// The token, counting from zero.
    Counter,
    /// The token, by chance.
    Random,
    /// The token, by counting from zero and XOR with what the application gave.
    CounterXor,
}

impl Generator {
    /// From the number.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn from_number(number: CK_GENERATOR_FUNCTION) -> Result<Self> {
        match number {
            CKG_NO_GENERATE => Ok(Generator::None),
            CKG_GENERATE => Ok(Generator::Any),
            CKG_GENERATE_COUNTER => Ok(Generator::Counter),
            CKG_GENERATE_RANDOM => Ok(Generator::Random),
            CKG_GENERATE_COUNTER_XOR => Ok(Generator::CounterXor),
            _ => Err(Rv::MECHANISM_PARAM_INVALID),
        }
    }
}

/// What was made so far, so that nothing is made twice.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    made: u64,
    /// Where [`Generator::Any`] started: by chance, so that processes do not meet; it counts from
    /// there, so that one process never repeats.
    start: Option<Vec<u8>>,
    /// What the application gave for [`Generator::CounterXor`], and what came of it last: programs
    /// pass the buffer that the last answer was written to.
    given: Option<(Vec<u8>, Vec<u8>)>,
}

impl Vectors {
    /// The next vector. `given` is the application's, of which the first `fixed` bits are kept.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`; `CKR_KEY_EXHAUSTED` when the free bits have all been used.
    pub(crate) fn next(
        &mut self,
        given: &[u8],
        fixed: CK_ULONG,
        generator: Generator,
        mut random: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<Vec<u8>> {
        if generator == Generator::None {
            return Ok(given.to_vec());
        }
        let fixed = usize::try_from(fixed).map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
        let free = (given.len() * 8)
            .checked_sub(fixed)
            .filter(|free| *free > 0)
            .ok_or(Rv::MECHANISM_PARAM_INVALID)?;
        let by_chance = matches!(generator, Generator::Any | Generator::Random);
        if by_chance && fixed > 0 && free < FEWEST_FREE {
            return Err(Rv::MECHANISM_PARAM_INVALID);
        }
        if generator != Generator::Random && free < 64 && self.made >> free != 0 {
            return Err(Rv::KEY_EXHAUSTED);
        }
        let count = counted(given.len(), self.made);
        let made = match generator {
            Generator::Random => {
                let mut value = vec![0; given.len()];
                random(&mut value)?;
                joined(given, &value, fixed)
            }
            Generator::Any => {
                let mut start = match self.start.take() {
                    Some(start) if start.len() == given.len() => start,
                    _ => {
                        let mut start = vec![0; given.len()];
                        random(&mut start)?;
                        start
                    }
                };
                let value = joined(given, &start, fixed);
                increment(&mut start);
                self.start = Some(start);
                value
            }
            Generator::CounterXor => {
                let base = match self.given.take() {
                    Some((base, last)) if given == base || given == last => base,
                    Some(_) => return Err(Rv::MECHANISM_PARAM_INVALID),
                    None => given.to_vec(),
                };
                let mixed: Vec<u8> = base.iter().zip(&count).map(|(a, b)| a ^ b).collect();
                let made = joined(&base, &mixed, fixed);
                self.given = Some((base, made.clone()));
                made
            }
            Generator::None | Generator::Counter => joined(given, &count, fixed),
        };
        self.made += 1;
        Ok(made)
    }
}

/// A number in the low bytes of a vector.
fn counted(length: usize, number: u64) -> Vec<u8> {
    let mut vector = vec![0; length];
    for (place, byte) in vector
        .iter_mut()
        .rev()
        .zip(number.to_be_bytes().iter().rev())
    {
        *place = *byte;
    }
    vector
}

fn increment(vector: &mut [u8]) {
    for byte in vector.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

/// The first `fixed` bits of one vector, the rest of the other.
fn joined(first: &[u8], rest: &[u8], fixed: usize) -> Vec<u8> {
    let whole = fixed / 8;
    let bytes = first.iter().zip(rest).enumerate();
    bytes
        .map(|(place, (first, rest))| match place.cmp(&whole) {
            std::cmp::Ordering::Less => *first,
            std::cmp::Ordering::Equal => {
                let mask = 0xff_u8.checked_shr((fixed % 8) as u32).unwrap_or(0);
                (first & !mask) | (rest & mask)
            }
            std::cmp::Ordering::Greater => *rest,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(byte: u8) -> impl FnMut(&mut [u8]) -> Result<()> {
        move |output| {
            output.fill(byte);
            Ok(())
        }
    }

    #[test]
    fn the_fixed_part_stays() {
        let given = [0xab; 12];
        let mut vectors = Vectors::default();
        let any = vectors.next(&given, 36, Generator::Any, chance(0xff));
        let any = any.expect("made");
        assert_eq!((&any[..4], any[4], any[5]), (&given[..4], 0xaf, 0xff));
        // The start was all ones, and the next in the free part is zero.
        let next = vectors.next(&given, 36, Generator::Any, chance(0));
        let next = next.expect("made");
        assert_eq!((&next[..4], next[4], next[5]), (&given[..4], 0xa0, 0));
        let all = vectors.next(&given, 0, Generator::Random, chance(7));
        assert_eq!(all, Ok(vec![7; 12]));
    }

    #[test]
    fn counters_count_and_end() {
        let mut vectors = Vectors::default();
        for count in 0..=255 {
            let made = vectors.next(&[9, 9], 8, Generator::Counter, chance(0));
            assert_eq!(made, Ok(vec![9, count]));
        }
        let over = vectors.next(&[9, 9], 8, Generator::Counter, chance(0));
        assert_eq!(over, Err(Rv::KEY_EXHAUSTED));
    }

    /// Given back what it made or what was given first, it goes on; it never repeats itself.
    #[test]
    fn a_counter_by_xor_keeps_its_base() {
        let mut vectors = Vectors::default();
        let base = [0x55; 12];
        let mut next = |given: &[u8]| vectors.next(given, 32, Generator::CounterXor, chance(0));
        let first = next(&base).expect("made");
        assert_eq!(first, base);
        let second = next(&first).expect("made");
        assert_eq!(second[11], 0x54);
        let third = next(&second).expect("made");
        assert_eq!(third[11], 0x57);
        assert_eq!(next(&base).expect("made")[11], 0x56);
        assert_eq!(next(&[1; 12]), Err(Rv::MECHANISM_PARAM_INVALID));
    }

    #[test]
    fn what_leaves_no_room_is_refused() {
        let mut vectors = Vectors::default();
        for (length, fixed) in [(12, 96), (12, 97), (12, CK_ULONG::MAX), (0, 0), (12, 60)] {
            let made = vectors.next(&vec![0; length], fixed, Generator::Any, chance(0));
            assert_eq!(made, Err(Rv::MECHANISM_PARAM_INVALID), "{length} {fixed}");
        }
    }
}
