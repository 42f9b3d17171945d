//! Uses as the chain keeps them: each as what differs from the one before, five bytes for most.
//!
//! ```text
//! use    flags, time, request, then of these those that changed, in this order:
//!        verb (1), result, actor, target, mechanism
//! flags  1 verb   2 result   4 actor   8 target   16 mechanism
//! ```
//!
//! Time and request are differences, zigzag; all numbers are LEB128. Before the first use everything is 0.

use super::frame::Use;

const VERB: u8 = 1;
const RESULT: u8 = 2;
const ACTOR: u8 = 4;
const TARGET: u8 = 8;
const MECHANISM: u8 = 16;

const NOTHING: Use = Use {
    verb: 0,
    result: 0,
    actor: 0,
    target: 0,
    mechanism: 0,
    time: 0,
    request: 0,
};

/// Writes uses after what stands in `bytes`.
pub(super) fn pack(uses: &[Use], bytes: &mut Vec<u8>) {
    bytes.reserve(uses.len() * 6);
    let mut last = NOTHING;
    for used in uses {
        let flag = |changed: bool, flag: u8| if changed { flag } else { 0 };
        let flags = flag(used.verb != last.verb, VERB)
            | flag(used.result != last.result, RESULT)
            | flag(used.actor != last.actor, ACTOR)
            | flag(used.target != last.target, TARGET)
            | flag(used.mechanism != last.mechanism, MECHANISM);
        bytes.push(flags);
        put(bytes, zigzag(used.time.wrapping_sub(last.time)));
        put(
            bytes,
            zigzag(used.request.wrapping_sub(last.request).cast_signed()),
        );
        if flags != 0 {
            put_changed(used, flags, bytes);
        }
        last = *used;
    }
}

#[cold]
fn put_changed(used: &Use, flags: u8, bytes: &mut Vec<u8>) {
    if flags & VERB != 0 {
        bytes.push(used.verb);
    }
    let numbers = [
        (RESULT, u64::from(used.result)),
        (ACTOR, used.actor.into()),
        (TARGET, used.target.into()),
        (MECHANISM, used.mechanism.into()),
    ];
    for (flag, number) in numbers {
        if flags & flag != 0 {
            put(bytes, number);
        }
    }
}

/// Reads them back; none if these are no packed uses.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<Use>> {
    let mut rest = bytes;
    let mut last = NOTHING;
    let mut uses = Vec::new();
    while let Some((&flags, after)) = rest.split_first() {
        rest = after;
        last.time = last.time.wrapping_add(signed(take(&mut rest)?));
        let further = signed(take(&mut rest)?).cast_unsigned();
        last.request = last.request.wrapping_add(further);
        if flags & VERB != 0 {
            let (&verb, after) = rest.split_first()?;
            (last.verb, rest) = (verb, after);
        }
        if flags & RESULT != 0 {
            last.result = take(&mut rest)?.try_into().ok()?;
        }
        for (flag, number) in [
            (ACTOR, &mut last.actor),
            (TARGET, &mut last.target),
            (MECHANISM, &mut last.mechanism),
        ] {
            if flags & flag != 0 {
                *number = take(&mut rest)?.try_into().ok()?;
            }
        }
        if flags >= MECHANISM << 1 {
            return None;
        }
        uses.push(last);
    }
    Some(uses)
}

/// Small numbers of both signs as small numbers.
const fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

const fn signed(zigzag: u64) -> i64 {
    (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
}

#[inline]
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[inline]
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_use() -> impl Strategy<Value = Use> {
        let numbers = (0..4_u8, 0..3_u16, 0..3_u32, any::<u32>(), 0..2_u32);
        (numbers, any::<(i64, u64)>()).prop_map(
            |((verb, result, actor, target, mechanism), (time, request))| Use {
                verb,
                result,
                actor,
                target,
                mechanism,
                time,
                request,
            },
        )
    }

    proptest! {
        #[test]
        fn uses_come_back_as_they_were(uses in prop::collection::vec(any_use(), 0..50)) {
            let mut bytes = Vec::new();
            pack(&uses, &mut bytes);
            prop_assert_eq!(unpack(&bytes), Some(uses));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            unpack(&bytes);
        }
    }

    #[test]
    fn what_is_alike_takes_little() {
        let uses: Vec<Use> = (0..1000)
            .map(|number| Use {
                time: 1_800_000_000_000_000_000 + 15_000 * number,
                request: number.cast_unsigned(),
                verb: 9,
                actor: 1,
                target: 1,
                mechanism: 1,
                ..NOTHING
            })
            .collect();
        let mut bytes = Vec::new();
        pack(&uses, &mut bytes);
        assert!(bytes.len() < 5100, "{}", bytes.len());
        for cut in 1..20 {
            // Between two uses a shorter list stands, elsewhere none.
            let shorter = unpack(&bytes[..bytes.len() - cut]);
            assert!(shorter.is_none_or(|shorter| shorter.len() < uses.len()));
        }
    }

    #[test]
    fn numbers_that_are_too_large_are_none() {
        let mut eleven = vec![0];
        eleven.extend([0xff; 10]);
        eleven.push(0);
        assert_eq!(unpack(&eleven), None);
        // An actor of 33 bits.
        assert_eq!(unpack(&[ACTOR, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x10]), None);
        assert_eq!(unpack(&[32, 0, 0]), None);
    }
}
