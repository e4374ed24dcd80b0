//! Sums and differences of many times, ns.
//!
//! A damaged trace can have times near the end of the range, so sums and differences stop at its ends. Processors have
//! no such operation on several times at once. Times of real traces are far from the ends: one check of their highest
//! bits allows the plain operations, which take a third of the instructions.

use crate::units;

/// Bits that are set in any of the times.
#[inline(always)]
fn bits<const N: usize>(times: &[u64; N]) -> u64 {
    times.iter().fold(0, |bits, time| bits | time)
}

/// Sum of times.
#[inline]
pub(crate) fn sum<const N: usize>(times: &[u64; N]) -> u64 {
    match bits(times) >> (u64::BITS - 1 - N.ilog2()) {
        0 => times.iter().fold(0, |sum, time| sum.wrapping_add(*time)),
        _ => units::total(*times),
    }
}

/// Adds a time to each.
#[inline]
pub(crate) fn add<const N: usize>(times: &mut [u64; N], more: &[u64; N]) {
    if (bits(times) | bits(more)) >> 63 == 0 {
        for (time, more) in times.iter_mut().zip(more) {
            *time = time.wrapping_add(*more);
        }
    } else {
        for (time, more) in times.iter_mut().zip(more) {
            *time = time.saturating_add(*more);
        }
    }
}

/// Subtracts a time from each.
#[inline]
pub(crate) fn subtract<const N: usize>(times: &mut [u64; N], less: &[u64; N]) {
    let mut plain = *times;
    for (time, less) in plain.iter_mut().zip(less) {
        *time = time.wrapping_sub(*less);
    }
    if (bits(times) | bits(less) | bits(&plain)) >> 63 == 0 {
        *times = plain;
    } else {
        for (time, less) in times.iter_mut().zip(less) {
            *time = time.saturating_sub(*less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time() -> impl Strategy<Value = u64> {
        prop_oneof![4 => 0..9_u64, 1 => (u64::MAX >> 5) - 1..(u64::MAX >> 5) + 2, 1 => any::<u64>()]
    }

    proptest! {
        #[test]
        fn sums_and_differences_stop_at_the_ends_of_the_range(
            times in proptest::array::uniform16(time()),
            other in proptest::array::uniform16(time()),
        ) {
            prop_assert_eq!(sum(&times), times.into_iter().fold(0, u64::saturating_add));
            let (mut more, mut less) = (times, times);
            add(&mut more, &other);
            subtract(&mut less, &other);
            for i in 0..times.len() {
                prop_assert_eq!(more[i], times[i].saturating_add(other[i]));
                prop_assert_eq!(less[i], times[i].saturating_sub(other[i]));
            }
        }
    }
}
